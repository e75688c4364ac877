"""A real nginx and a real Apache with the very lines of the manuals of the logins hand on what they should."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from tests.auth.local_server import LocalServer
from tests.conftest import StartGatepost
from tests.harness import ORIGIN, Gatepost

MANUALS = Path(__file__).parents[2] / "docs" / "login"
WHERE = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"
MODULES = Path("/usr/lib/apache2/modules")
APACHE_MODULES = ("mpm_event", "authz_core", "proxy", "proxy_http")
SECRET = "a secret of the proxy and Gatepost, which is long enough"
LONG_KEY = "2005%2F07%2Fa%20post"
SUBMIT = f"/v1/sites/blog/posts/{LONG_KEY}/comments"


def lines(page: str, language: str) -> list[str]:
    """The blocks of a manual in one language."""
    text = (MANUALS / page).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def installed(name: str) -> str:
    """The program, or the test is skipped; in CI it fails."""
    found = shutil.which(name, path=WHERE)
    if found is None:
        assert "CI" not in os.environ, f"no {name}: .ci/run installs it"
        pytest.skip(f"no {name} on this machine")
    return found


def free_port() -> int:
    """A port that nobody listens on: these two programs cannot say which one they were given."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(*program: str, start: tuple[str, ...] = (), stop: tuple[str, ...]) -> Iterator[None]:
    """A program that goes into the background once it listens."""
    started = subprocess.run([*program, *start], capture_output=True, text=True, timeout=60, check=False)
    assert started.returncode == 0, started.stdout + started.stderr
    try:
        yield
    finally:
        subprocess.run([*program, *stop], capture_output=True, timeout=60, check=True)


@contextmanager
def nginx(folder: Path, inside: str, *, before: str = "") -> Iterator[str]:
    """The address of an nginx with these lines in its `server`, and `before` in its `http`."""
    port, file = free_port(), folder / "nginx.conf"
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    server = f"server {{ listen 127.0.0.1:{port};\nlocation / {{ return 404; }}\n{inside} }}"
    file.write_text(
        f"pid {folder}/nginx.pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
        f"http {{ access_log off;\n{temporary}{before}{server} }}"
    )
    with running(installed("nginx"), "-p", str(folder), "-c", str(file), stop=("-s", "stop")):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def apache(folder: Path, inside: str) -> Iterator[str]:
    """The address of an Apache with these lines in its `VirtualHost`."""
    port, file = free_port(), folder / "apache.conf"
    modules = "".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so\n" for name in APACHE_MODULES)
    own = f"ServerRoot {folder}\nPidFile {folder}/apache.pid\nErrorLog {folder}/error.log\nDefaultRuntimeDir {folder}\n"
    user = "User nobody\nGroup nogroup\n" if os.getuid() == 0 else ""
    host = f"Listen 127.0.0.1:{port}\nServerName localhost\n<VirtualHost *:{port}>\n{inside}\n</VirtualHost>\n"
    file.write_text(modules + own + user + host)
    with running(installed("apache2"), "-f", str(file), start=("-k", "start"), stop=("-k", "stop")):
        yield f"http://127.0.0.1:{port}"


def trusting(settings: dict[str, Any]) -> None:
    """As the manual says: the web server is on this machine."""
    settings["server"]["trusted_proxies"] = ["127.0.0.1"]


def ours(text: str, gatepost: Gatepost) -> str:
    """The manual's lines with the port of this Gatepost."""
    return text.replace("127.0.0.1:8080", urlsplit(gatepost.running.address).netloc)


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """A reader at another address than the web server, which is trusted."""
    connector = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as opened:
        yield opened


@pytest.mark.parametrize("server", ["nginx", "apache"])
async def test_web_server_hands_on_what_begins_with_v1_as_it_was_sent(
    start_gatepost: StartGatepost, client: aiohttp.ClientSession, tmp_path: Path, server: str
) -> None:
    def limited(settings: dict[str, Any]) -> None:
        trusting(settings)
        settings["limits"] = {"enabled": True, "read_per_address": "2/hour"}

    gatepost = await start_gatepost(change=limited)
    (text,) = lines("session.md", server)
    with (nginx if server == "nginx" else apache)(tmp_path, ours(text, gatepost)) as address:
        reader = {**gatepost.reader("ada").headers, "Origin": ORIGIN}
        url = URL(f"{address}{SUBMIT}", encoded=True)
        async with client.post(url, json={"body": "Hello"}, headers=reader) as answer:
            assert (answer.status, (await answer.json())["comment"]["post"]) == (202, "2005/07/a post")
        for forged in ("192.0.2.1", "192.0.2.2"):
            async with client.get(url, headers={"X-Forwarded-For": forged}) as answer:
                assert answer.status == 200
        async with client.get(url, headers={"X-Forwarded-For": "192.0.2.3"}) as answer:
            assert answer.status == 429, "a reader who writes the header is counted all the same"
        async with client.get(f"{address}/health/live") as answer:
            assert answer.status == 404, "the rest is the blog's"


async def test_public_reading_does_not_wait_for_the_server_that_knows_the_readers(
    start_gatepost: StartGatepost, client: aiohttp.ClientSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROXY_SECRET", SECRET)
    names = {"subject": "X-Forwarded-User", "name": "X-Forwarded-Preferred-Username", "roles": "X-Forwarded-Groups"}
    login = {"kind": "forwarded", "headers": names, "secret_header": "X-Proxy-Secret", "secret_env": "PROXY_SECRET"}
    gatepost = await start_gatepost(login=[login], change=trusting)
    knowing = LocalServer()
    await knowing.up()
    knowing.handlers["/oauth2/auth"] = _knows_ada
    before, inside = (
        ours(text, gatepost)
        .replace("127.0.0.1:4180", f"127.0.0.1:{knowing.port}")
        .replace("put the secret here", SECRET)
        for text in lines("forwarded.md", "nginx")
    )
    ada = {"Cookie": "session=ada", "Origin": ORIGIN}
    spoofed = {"X-Forwarded-User": "mo", "X-Forwarded-Groups": "moderator", "X-Proxy-Secret": SECRET}
    with nginx(tmp_path, inside, before=before) as address:
        url, me = URL(f"{address}{SUBMIT}", encoded=True), f"{address}/v1/sites/blog/me"
        async with client.get(me, headers=ada) as answer:
            assert (await answer.json())["user"]["name"] == "Zoë"
        async with client.post(url, json={"body": "Hello"}, headers=ada) as answer:
            assert answer.status == 202
        for headers in ({}, spoofed):
            async with client.get(me, headers=headers) as answer:
                assert (answer.status, (await answer.json())["code"]) == (401, "login-required")
            async with client.post(url, json={"body": "Hello"}, headers={**headers, "Origin": ORIGIN}) as answer:
                assert answer.status == 401
        asked = knowing.asked["/oauth2/auth"]
        await knowing.close()
        for path in (
            SUBMIT,
            f"{SUBMIT}.html",
            f"{SUBMIT}.atom",
            "/v1/sites/blog",
            "/v1/sites/blog/comments",
            "/v1/sites/blog/counts?post=a",
        ):
            async with client.get(URL(f"{address}{path}", encoded=True), headers={**ada, **spoofed}) as answer:
                assert answer.status == 200, path
        async with client.get(f"{address}/v1/sites/blog/queue", headers={**ada, **spoofed}) as answer:
            assert answer.status == 500, "nobody comes in unasked"
    assert asked == knowing.asked["/oauth2/auth"]


async def _knows_ada(request: web.Request) -> web.StreamResponse:
    """What oauth2-proxy answers to nginx."""
    if request.cookies.get("session") != "ada":
        return web.Response(status=401)
    return web.Response(
        status=202, headers={"X-Auth-Request-User": "7", "X-Auth-Request-Preferred-Username": "=?utf-8?q?Zo=C3=AB?="}
    )
