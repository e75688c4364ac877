"""Readers of a real Django blog comment with their session there, and with a token that a view makes for their page."""

import importlib.util
import re
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.real import programs
from tests.real.blog import Visitor, block, comment_is_published, front_door, gatepost

SECRET = "a secret that openssl has made for the two of them"
INSTALL = "make test-real installs it (the extra `real` of pyproject.toml); apt-get install nginx-light"
LOGIN_FORM = '<form method="post">{% csrf_token %}{{ form }}<input type="hidden" name="next" value="{{ next }}"></form>'
IMPORTS = """
from django.http import JsonResponse
from django.views.decorators.cache import never_cache
from comment_token import comment_token
"""


@asynccontextmanager
async def django(folder: Path, public: str) -> AsyncIterator[str]:
    """The blog with the manual's views; the address at which its own server listens."""
    session_view = block("session.md", "python", holding="from django.http import JsonResponse")
    token_view = block("jwt.md", "text", holding="def comment_token_view(request)")
    token_module = block("jwt.md", "python", holding="def comment_token(")
    (folder / "comment_token.py").write_text(token_module.replace("https://blog.example", public))
    (folder / "views.py").write_text(IMPORTS + session_view + token_view)
    (folder / "login.html").write_text(LOGIN_FORM)
    port = programs.free_port()
    program = Path(__file__).with_name("django_blog.py")
    command = (sys.executable, str(program), str(folder), str(port))
    async with programs.running(*command, folder=folder, ready=port, environment={"BLOG_JWT_SECRET": SECRET}):
        yield f"http://127.0.0.1:{port}"


async def log_in(session: aiohttp.ClientSession, login_url: str, name: str) -> str:
    """Follow the link and fill in Django's own form; where it leads back to."""
    async with session.get(login_url) as form:
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', await form.text())
        assert found
        middleware_token = found.group(1)
    fields = {"username": name, "password": f"{name}-password", "csrfmiddlewaretoken": middleware_token}
    async with session.post(login_url, data=fields, allow_redirects=False) as reply:
        assert reply.status == 302, await reply.text()
        return reply.headers["Location"]


@pytest.mark.parametrize("kind", ["session", "jwt"])
async def test_reader_comments_with_their_django_login(tmp_path: Path, kind: str) -> None:
    programs.need("nginx", install=INSTALL)
    if importlib.util.find_spec("django") is None:
        pytest.skip(f"Django is not here: {INSTALL}")
    port = programs.free_port()
    address = f"http://127.0.0.1:{port}"
    page, words = {
        "session": ("session.md", "cache_seconds = 15"),
        "jwt": ("jwt.md", 'secret_env = "BLOG_JWT_SECRET"'),
    }[kind]
    text = block(page, "toml", holding=words).replace(
        "https://blog.example/login?", "https://blog.example/accounts/login/?"
    )
    async with AsyncExitStack() as stack:
        own = await stack.enter_async_context(django(tmp_path, address))
        text = text.replace("https://blog.example/whoami", f"{own}/whoami").replace("https://blog.example", address)
        service = await stack.enter_async_context(gatepost(tmp_path, text, {"BLOG_JWT_SECRET": SECRET}))
        await stack.enter_async_context(front_door(tmp_path, port, blog=own, gatepost=service))

        async def visitor(name: str | None = None) -> Visitor:
            jar = aiohttp.CookieJar(unsafe=True)  # a cookie of 127.0.0.1 is taken too
            session = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=jar))
            browser = Visitor(session, address)
            if name:
                login_url = (await browser.call("GET", "/me"))[1]["login_url"]
                await log_in(session, login_url, name)
                if kind == "jwt":
                    async with session.get(f"{address}/comment-token") as reply:
                        browser.token = (await reply.json())["token"]
            return browser

        anybody, reader = await visitor(), await visitor("ada")
        status, problem = await anybody.call("GET", "/me")
        assert (status, problem["code"]) == (401, "login-required")
        status, me = await reader.call("GET", "/me")
        assert (status, me["user"]["name"], me["roles"]) == (200, "Ada Lovelace", [])
        published = await comment_is_published(reader, await visitor("mo"), anybody)
        assert published["author"]["name"] == "Ada Lovelace"
