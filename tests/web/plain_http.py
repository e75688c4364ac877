"""Requests byte for byte as a test writes them (no client tidies them up), and what every problem must look like.

Used by the tests of this folder.
"""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from multidict import CIMultiDict

from service import app, settings
from service.errors import PROBLEMS
from tests.feeds import require_valid
from tests.harness import Answer, Gatepost, Hands, Person, catch_up, configuration

DEADLINE_SECONDS = 30.0
JSON = ("Content-Type", "application/json")
Header = tuple[str, str | bytes]


@asynccontextmanager
async def serving(
    prepared: Path, folder: Path, *, change: Callable[[dict[str, Any]], None] = lambda _: None, **site: Any
) -> AsyncIterator[Gatepost]:
    """A service for a whole table: `prepared` is copied to `folder`, `site` changes the configuration of `blog`,
    `change` anything.

    For rows that leave nothing behind; whatever one does, the next must find the service as it was.
    """
    path = shutil.copy(prepared, folder / "gatepost.db")
    clock = Hands()
    wanted = configuration(f"sqlite:///{path}", **site)
    change(wanted)
    running = await app.start(settings.parse(wanted), clock=clock)
    async with aiohttp.ClientSession(running.address, cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield Gatepost(running, session, clock)
    await running.stop(drain_seconds=0)


async def send(
    gatepost: Gatepost,
    method: str,
    target: str | bytes,
    *headers: Header,
    body: bytes = b"",
    person: Person | None = None,
    length: bool = True,
) -> Answer:
    """One request on a connection of its own. `length` says whether a body's `Content-Length` is added."""
    await catch_up(gatepost.session)
    lines: list[Header] = [("Host", "gatepost.example"), ("Connection", "close")]
    lines += list(person.headers.items()) if person else []
    lines += headers
    if body and length:
        lines.append(("Content-Length", str(len(body))))
    head = b"".join(_bytes(name) + b": " + _bytes(value) + b"\r\n" for name, value in lines)
    request = _bytes(method) + b" " + _bytes(target) + b" HTTP/1.1\r\n" + head + b"\r\n" + body
    return await exchange(gatepost, request)


async def exchange(gatepost: Gatepost, request: bytes) -> Answer:
    """These very bytes, and the one reply to them."""
    address = urlsplit(gatepost.running.address)
    async with asyncio.timeout(DEADLINE_SECONDS):
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        try:
            writer.write(request)
            await writer.drain()
            received = await _whole(reader)
        finally:
            writer.close()
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    found: CIMultiDict[str] = CIMultiDict()
    for line in lines:
        name, _, value = line.partition(":")
        found.add(name, value.strip())
    require_valid(int(first.split(" ")[1]), found, body, coding=found.get("Content-Encoding", ""))
    parsed = json.loads(body) if body and "json" in found.get("Content-Type", "") else None
    return Answer(int(first.split(" ")[1]), found, body, parsed)


async def _whole(reader: asyncio.StreamReader) -> bytes:
    """What is sent until the connection closes; of a live stream, which would not end, only the head."""
    received = b""
    while piece := await reader.read(65_536):
        received += piece
        head, end, _ = received.partition(b"\r\n\r\n")
        if end and b"text/event-stream" in head:
            return head + end
    return received


def chunked(body: bytes, *, size: int = 4096) -> bytes:
    """`body` as `Transfer-Encoding: chunked` sends it (RFC 9112, 7.1)."""
    pieces: Sequence[bytes] = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def assert_problem(answer: Answer, status: int, code: str) -> None:
    """The reply is this problem, whole: RFC 9457, with the request's id in the body and in the header."""
    assert (answer.status, answer.code) == (status, code), answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = PROBLEMS[code]
    expected = {"type": f"/problems/{code}", "title": problem.title, "status": status, "code": code}
    assert {name: answer.json[name] for name in expected} == expected
    assert problem.status == status
    assert isinstance(answer.json["detail"], str)
    assert answer.json["detail"]
    assert answer.json["request_id"]
    assert answer.headers["X-Request-ID"] == answer.json["request_id"]
    assert ("errors" in answer.json) == (code == "invalid-request")
    if status == 401:
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    if status in {429, 503}:
        assert int(answer.headers["Retry-After"]) >= 1


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
