"""A reader of a real WordPress comments with their login there, by the plugin and the configuration of the manual."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from tests.real import programs
from tests.real.blog import Visitor, block, comment_is_published, front_door, gatepost
from tests.real.wordpress import INSTALL, SOURCE, log_in, wordpress


@dataclass
class Blog:
    """WordPress and Gatepost under one address."""

    address: str
    _stack: AsyncExitStack

    async def visitor(self, name: str | None = None) -> Visitor:
        """A browser of its own, logged in as `name`."""
        # A cookie of 127.0.0.1 is taken too.
        session = await self._stack.enter_async_context(
            aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        )
        if name:
            await log_in(session, self.address, name)
        return Visitor(session, self.address)


@asynccontextmanager
async def blog(folder: Path, *, permalinks: str, whoami: str) -> AsyncIterator[Blog]:
    programs.need("php", "mariadbd", "mariadb", "nginx", str(SOURCE), install=INSTALL)
    port = programs.free_port()
    address = f"http://127.0.0.1:{port}"
    text = block("session.md", "toml", holding="wordpress_logged_in_*")
    async with AsyncExitStack() as stack:
        own = await stack.enter_async_context(wordpress(folder, address, permalinks=permalinks))
        configuration = text.replace("https://blog.example/wp-json/gatepost/v1/whoami", f"{own}{whoami}")
        configuration = configuration.replace("https://blog.example/?rest_route=/gatepost/v1/whoami", f"{own}{whoami}")
        configuration = configuration.replace("https://blog.example", address)
        service = await stack.enter_async_context(gatepost(folder, configuration))
        await stack.enter_async_context(front_door(folder, port, blog=own, gatepost=service))
        yield Blog(address, stack)


@pytest.mark.parametrize(
    ("permalinks", "whoami"),
    [
        ("/%postname%/", "/wp-json/gatepost/v1/whoami"),
        ("/%postname%/", "/?rest_route=/gatepost/v1/whoami"),
        ("", "/?rest_route=/gatepost/v1/whoami"),
    ],
    ids=["pretty", "pretty, by query", "plain"],
)
async def test_reader_comments_with_their_wordpress_login(tmp_path: Path, permalinks: str, whoami: str) -> None:
    async with blog(tmp_path, permalinks=permalinks, whoami=whoami) as site:
        anybody, reader, editor = await site.visitor(), await site.visitor("ada"), await site.visitor("mo")
        status, problem = await anybody.call("GET", "/me")
        assert (status, problem["code"]) == (401, "login-required")
        assert problem["login_url"].startswith(f"{site.address}/wp-login.php?redirect_to=")

        status, me = await reader.call("GET", "/me")
        assert status == 200
        assert (me["user"]["name"], me["user"]["bio"]) == ("Tom & Jerry", 'R&D, "quoted"')
        assert me["user"]["url"] == "https://ada.example/?a=1&b=2"

        published = await comment_is_published(reader, editor, anybody)
        assert published["author"]["name"] == "Tom & Jerry"

        chief = await site.visitor("chief")
        status, _ = await chief.call("GET", "/queue")
        assert status == 200, "who may moderate comments in WordPress moderates here"
        status, me = await (await site.visitor("root")).call("GET", "/me")
        assert "admin" in me["roles"]
