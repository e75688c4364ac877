"""The receivers that `docs/webhooks.md` shows, run as they stand there: they take what Gatepost signs, nothing else."""

import asyncio
import os
import re
import shutil
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import aiohttp
import pydantic_core
import pytest

from service.delivery import outside_events
from service.metrics import Metrics
from service.model import SiteKey, system_clock
from service.outbound.client import Outbound
from service.webhook_settings import WebhookSettings
from service.webhooks.call import WebhookCall
from tests.webhooks.receiver import PATIENCE_SECONDS, SECRET

PAGE = (Path(__file__).parent.parent.parent / "docs" / "webhooks.md").read_text("utf-8")
PROGRAMS = {
    "### Python": ("python", "receiver.py", [sys.executable, "receiver.py"]),
    "### Node": ("js", "receiver.mjs", ["node", "receiver.mjs"]),
    "### PHP": ("php", "receiver.php", ["php", "-S", "127.0.0.1:{port}", "receiver.php"]),
    "### Mail to authors": ("python", "mail_authors.py", [sys.executable, "mail_authors.py"]),
    "### A static site": ("python", "rebuild.py", [sys.executable, "rebuild.py"]),
}
pytestmark = [pytest.mark.own_engines, pytest.mark.slow]


def program(heading: str, language: str) -> str:
    """The one program below a heading."""
    section = PAGE.split(f"{heading}\n", 1)[1].split("\n##", 1)[0]
    found = re.search(rf"^```{language}\n(.*?)^```", section, flags=re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


@asynccontextmanager
async def running(heading: str, folder: Path, **environment: str) -> AsyncIterator[str]:
    """A receiver of the page; where it listens."""
    language, _, command = PROGRAMS[heading]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed here")
    name = next(word for word in command if "receiver" in word or word.endswith(".py"))
    (folder / name).write_text(program(heading, language))
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *(word.format(port=port) for word in command),
        cwd=folder,
        env={**os.environ, "GATEPOST_HOOK_SECRET": SECRET, "PORT": str(port), **environment},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await _listens(port):
                assert process.returncode is None
        yield f"http://127.0.0.1:{port}/"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


@asynccontextmanager
async def calling(url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[WebhookCall]:
    """A webhook to that address."""
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    settings = WebhookSettings(name="build", url=url, secret_env="HOOK_SECRET")
    async with Outbound(Metrics()) as client:
        yield WebhookCall(settings, SiteKey("blog"), client, clock=system_clock)


def content(type_: str) -> tuple[str, bytes]:
    """An event of a type: its id, and what is sent."""
    event = outside_events.example(type_)
    return event["id"], pydantic_core.to_json(event)


@pytest.mark.parametrize("heading", ["### Python", "### Node", "### PHP"])
async def test_a_receiver_takes_what_is_signed_and_nothing_else(
    heading: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(heading, tmp_path) as url, calling(url, monkeypatch) as call:
        answered = await call.send(*content("comment.published"))
        assert (answered.tried.status, answered.tried.error) == (204, None)
        headers = {"webhook-id": "an-id", "webhook-timestamp": str(system_clock() // 1000)}
        for signature in ({}, {"webhook-signature": "v1,bm9uc2Vuc2U="}, {"webhook-signature": "nonsense"}):
            async with (
                aiohttp.ClientSession() as stranger,
                stranger.post(url, data=b"{}", headers={**headers, **signature}) as reply,
            ):
                assert reply.status in {401, 500}  # a library may trip over a signature that is none
                assert reply.status != 204


class Post:
    """A mail server that keeps what it is given, as far as RFC 5321 needs to be spoken for that."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, str]] = []
        """To whom, and the whole message."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        to = ""
        writer.write(b"220 here\r\n")
        while line := (await reader.readline()).decode().strip():
            word = line.split(" ", maxsplit=1)[0].upper()
            if word == "RCPT":
                to = line[8:].split(" ", maxsplit=1)[0].strip("<>")
            if word == "DATA":
                writer.write(b"354 go on\r\n")
                self.mails.append((to, (await reader.readuntil(b"\r\n.\r\n")).decode()))
            writer.write(b"221 bye\r\n" if word == "QUIT" else b"250 well\r\n")
            if word == "QUIT":
                break
        writer.close()


def of_people(type_: str) -> tuple[str, bytes]:
    """The same with subjects, as `with = "people"` tells it."""
    event: Any = outside_events.example(type_)
    comment = {**event["data"]["comment"], "author": {"key": "a", "name": "Ada", "login": "jwt", "subject": "ada"}}
    data = {**event["data"], "comment": comment}
    if "parent" in data:
        bob = {"key": "b", "name": "Bob", "login": "jwt", "subject": "bob"}
        data["parent"] = {**data["parent"], "author": bob}
    return event["id"], pydantic_core.to_json({**event, "data": data})


async def test_authors_and_those_who_were_answered_are_mailed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(tmp_path / "blog.db")) as blog, blog:
        blog.execute("CREATE TABLE users (id TEXT, email TEXT)")
        blog.executemany("INSERT INTO users VALUES (?, ?)", [("ada", "ada@blog.example"), ("bob", "bob@blog.example")])
    post = Post()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(await asyncio.start_server(post.serve, "127.0.0.1", 0))
        places = {"SMTP_PORT": str(server.sockets[0].getsockname()[1]), "BLOG_DATABASE": "blog.db"}
        url = await stack.enter_async_context(running("### Mail to authors", tmp_path, **places))
        call = await stack.enter_async_context(calling(url, monkeypatch))
        for type_ in ("comment.published", "comment.published", "comment.rejected"):
            assert (await call.send(*of_people(type_))).is_taken
        assert (await call.test()).is_taken
    assert [to for to, _ in post.mails] == ["ada@blog.example", "bob@blog.example", "ada@blog.example"]
    assert "Please keep to the matter." in post.mails[-1][1]


async def test_a_site_is_built_for_all_that_came_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = tmp_path / "built"
    build = {"BUILD_COMMAND": f"echo once >> {built}", "PAUSE_SECONDS": "0"}
    async with running("### A static site", tmp_path, **build) as url, calling(url, monkeypatch) as call:
        for _ in range(5):
            assert (await call.send(*content("comment.published"))).is_taken
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not built.exists() or built.read_text().count("once") < 2:  # noqa: ASYNC110
                await asyncio.sleep(0)
    assert built.read_text().count("once") <= 6
