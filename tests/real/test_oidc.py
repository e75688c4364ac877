"""Readers of a blog whose login is a real OpenID Connect issuer comment with the tokens that it makes."""

import base64
import hashlib
import re
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import aiohttp
import pytest

from tests.real import programs
from tests.real.blog import Visitor, block, comment_is_published, gatepost

PACKAGE = "oidc-provider@9.13.3"
INSTALL = "apt-get install nodejs npm"
REDIRECT = "http://127.0.0.1/back"
SECRET = "what the issuer and Gatepost agreed upon"
SIGNED, OPAQUE = "https://gatepost.example", "https://opaque.example"


@dataclass
class Issuer:
    """A running issuer, where anybody may log in as anybody."""

    address: str

    async def access_token(self, name: str, *, client: str = "blog-frontend", resource: str = SIGNED) -> str:
        """Log in as `name` in a browser of their own, consent, and change the code for an access token (RFC 7636)."""
        verifier = "v" * 43
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        wanted = {
            "client_id": client,
            "redirect_uri": REDIRECT,
            "response_type": "code",
            "scope": "openid comment",
            "resource": resource,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        # Its cookies are for single paths of 127.0.0.1.
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
            code = await self._code(browser, wanted, name)
            form = {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": REDIRECT,
                "code_verifier": verifier,
            }
            async with browser.post(
                f"{self.address}/token", data={**form, "client_id": client, "resource": resource}
            ) as reply:
                assert reply.status == 200, await reply.text()
                return str((await reply.json())["access_token"])

    async def _code(self, browser: aiohttp.ClientSession, wanted: dict[str, str], name: str) -> str:
        url, form = f"{self.address}/auth", None
        for _ in range(12):
            query = wanted if url == f"{self.address}/auth" else None
            method = "POST" if form else "GET"
            async with browser.request(method, url, data=form, params=query, allow_redirects=False) as reply:
                page = await reply.text()
                form = None
                if reply.status in (302, 303):
                    url = urljoin(url, reply.headers["Location"])
                    if url.startswith(REDIRECT):
                        return parse_qs(urlsplit(url).query)["code"][0]
                    continue
                assert reply.status == 200, page
            prompt = re.search(r'name="prompt" value="(login|consent)"', page)
            action = re.search(r'<form[^>]* action="([^"]+)"', page)
            assert prompt, page
            assert action, page
            url = urljoin(url, action.group(1))
            form = {"prompt": prompt.group(1), "login": name, "password": "any"}
        raise AssertionError("the issuer's pages never led back")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the issuer's package, from the npm registry."""
    programs.need("node", "npm", install=INSTALL)
    folder = tmp_path_factory.mktemp("issuer")
    command = ["npm", "install", "--no-audit", "--no-fund", "--no-save", PACKAGE]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{PACKAGE} cannot be installed here: {done.stderr.strip()[-200:]}")
    return folder


@asynccontextmanager
async def issuer(folder: Path) -> AsyncIterator[Issuer]:
    port = programs.free_port()
    program = Path(__file__).with_name("issuer.mjs")
    command = ("node", str(program), str(port), REDIRECT)
    async with programs.running(*command, folder=folder, ready=port, environment={"CLIENT_SECRET": SECRET}):
        yield Issuer(f"http://127.0.0.1:{port}")


@asynccontextmanager
async def blog(folder: Path, text: str) -> AsyncIterator[Callable[[str | None], Visitor]]:
    """A service with this configuration; makes visitors who send a token, or None."""
    async with (
        gatepost(folder, text, {"INTROSPECTION_CLIENT_SECRET": SECRET}) as address,
        aiohttp.ClientSession() as session,
    ):
        yield lambda token: Visitor(session, address, token, origin="https://blog.example")


def configured(page: str, words: str, old: str, issuer: Issuer) -> str:
    """The page's own configuration with this issuer in the place of `old`."""
    return block(page, "toml", holding=words).replace(old, issuer.address)


async def test_reader_comments_with_a_signed_access_token(installed: Path, tmp_path: Path) -> None:
    async with issuer(installed) as real:
        text = configured("oidc.md", 'authorized_parties = ["blog-frontend"]', "https://id.example/realms/blog", real)
        text = text.replace('claim = "realm_access.roles"', 'claim = "roles"')
        async with blog(tmp_path, text) as visitor:
            reader, moderator = visitor(await real.access_token("ada")), visitor(await real.access_token("mo"))
            assert (await visitor(None).call("GET", "/me"))[0] == 401
            published = await comment_is_published(reader, moderator, visitor(None))
            assert published["author"]["name"] == "ada of the issuer"
            foreign = visitor(await real.access_token("ada", client="other-app"))
            status, problem = await foreign.call("GET", "/me")
            assert (status, problem["code"]) == (401, "invalid-credential"), "made for another application"


async def test_reader_comments_with_an_opaque_access_token(installed: Path, tmp_path: Path) -> None:
    async with issuer(installed) as real:
        text = configured("introspection.md", 'client_id = "gatepost"', "https://id.example", real)
        text = text.replace("/oauth2/introspect", "/token/introspection")
        text += '\n[sites.blog.roles]\nmoderator = ["comment-moderator"]\n'
        async with blog(tmp_path, text) as visitor:
            tokens = [await real.access_token(name, resource=OPAQUE) for name in ("ada", "mo")]
            assert not any(token.count(".") == 2 for token in tokens)
            await comment_is_published(visitor(tokens[0]), visitor(tokens[1]), visitor(None))


async def test_signed_token_at_the_introspection_address_is_refused_and_the_login_stays_well(
    installed: Path, tmp_path: Path
) -> None:
    async with issuer(installed) as real:
        text = configured("introspection.md", 'client_id = "gatepost"', "https://id.example", real)
        text = text.replace("/oauth2/introspect", "/token/introspection")
        async with blog(tmp_path, text) as visitor:
            mistaken = visitor(await real.access_token("ada"))
            status, problem = await mistaken.call("GET", "/me")
            assert (status, problem["code"]) == (401, "invalid-credential")
            async with mistaken.session.get(f"{mistaken.address}/health/ready") as reply:
                assert (await reply.json())["status"] == "pass"
