"""Real servers for the tests of the logins that ask: a blog with sessions, and an authorization server.

Both keep what they were asked and can be told to misbehave: `FAULTS` and `SLOW` are the ways in which they may.
"""

import asyncio
import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from aiohttp import web

from tests.auth.local_server import Handler, LocalServer, always

TEN_MEGABYTES = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Question:
    """A request as it came in. `cookie` is the raw header, byte for byte."""

    method: str
    path: str
    headers: Mapping[str, str]
    cookie: bytes
    form: Mapping[str, str]


class AskedServer(LocalServer):
    """A server with one address. Every request is kept in `questions` and answered by `behaviour`."""

    def __init__(self, path: str, behaviour: Handler) -> None:
        super().__init__()
        self.url = self.address + path
        self.behaviour = behaviour
        self.questions: list[Question] = []
        self.handlers = {path: self._note_and_answer, "/elsewhere": self._note_and_answer}
        self._arrived = asyncio.Condition()
        self._open = asyncio.Event()
        self._open.set()

    async def __aenter__(self) -> Self:
        await self.up()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.release()
        await self.close()

    def hold(self) -> None:
        """Answer nobody until `release`."""
        self._open.clear()

    def release(self) -> None:
        """Answer everybody."""
        self._open.set()

    async def has_been_asked(self, times: int) -> None:
        """Return as soon as that many questions have come in altogether."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.questions) >= times)

    async def _note_and_answer(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        async with self._arrived:
            self.questions.append(
                Question(request.method, request.path, dict(request.headers), _raw_cookie(request), form)
            )
            self._arrived.notify_all()
        await self._open.wait()
        return await self.behaviour(request)


class Blog(AskedServer):
    """A blog: `sessions` says who is logged in under which value of the `Cookie` header."""

    def __init__(self) -> None:
        super().__init__("/whoami", self.whoami)
        self.sessions: dict[bytes, dict[str, Any]] = {}

    def log_in(self, session: str, **answer: Any) -> str:
        """Begin a session for somebody. Returns the `Cookie` header of their browser."""
        header = f"sid={session}"
        self.sessions[header.encode()] = answer
        return header

    def log_out(self, header: str) -> None:
        """End that session."""
        del self.sessions[header.encode()]

    async def whoami(self, request: web.Request) -> web.StreamResponse:
        """Who it is, or 401; and always a fresh cookie, as blogs do that prolong a session at every visit."""
        cookie = _raw_cookie(request)
        who = self.sessions.get(cookie)
        response = web.json_response({"error": "nobody"}, status=401) if who is None else web.json_response(who)
        response.set_cookie("sid", "set-for-" + cookie.decode("ascii", "replace"), httponly=True)
        return response


class AuthorizationServer(AskedServer):
    """An RFC 7662 endpoint: `tokens` says what it answers about which token; all others are not active."""

    def __init__(self) -> None:
        super().__init__("/introspect", self.introspect)
        self.tokens: dict[str, dict[str, Any]] = {}

    async def introspect(self, request: web.Request) -> web.StreamResponse:
        """What RFC 7662, 2.2 asks for."""
        token = str((await request.post()).get("token", ""))
        return web.json_response(self.tokens.get(token, {"active": False}))


def _raw_cookie(request: web.BaseRequest) -> bytes:
    return b"\n".join(value for name, value in request.raw_headers if name.lower() == b"cookie")


async def hanging_up(request: web.Request) -> web.StreamResponse:
    """A behaviour: the connection breaks in the middle of the answer."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"id": "ada"')
    if request.transport is not None:
        request.transport.abort()
    return response


async def redirecting(request: web.Request) -> web.StreamResponse:
    """A behaviour: sent elsewhere, where the answer would be good."""
    if request.path == "/elsewhere":
        return web.json_response(GOOD)
    return web.Response(status=302, headers={"Location": "/elsewhere"})


GOOD = {"id": "ada", "sub": "ada", "active": True}
"""An answer that either kind would take, so that nothing but the fault around it keeps anybody out."""
_GOOD_TEXT = json.dumps(GOOD)

SLOW: dict[str, Callable[[LocalServer], Handler]] = {
    "silent": lambda server: server.hang,
    "dripping": lambda server: server.hang_in_the_middle,
}
"""Behaviours that only a time limit ends, for a given server."""

FAULTS: dict[str, Handler] = {
    "redirecting": redirecting,
    "hanging up": hanging_up,
    "moved for good": always(text=_GOOD_TEXT, status=301, Location="/elsewhere"),
    "not modified": always(text="", status=304),
    "bad request": always(text=_GOOD_TEXT, status=400),
    "no such page": always(text="<p>gone", status=404, content_type="text/html"),
    "wrong method": always(text=_GOOD_TEXT, status=405),
    "too many questions": always(text=_GOOD_TEXT, status=429),
    "broken": always(text=_GOOD_TEXT, status=500),
    "broken proxy": always(text="<h1>Bad gateway</h1>", status=502, content_type="text/html"),
    "down for repairs": always(text=_GOOD_TEXT, status=503),
    "created": always(text=_GOOD_TEXT, status=201),
    "partial": always(text=_GOOD_TEXT, status=206),
    "10 MB": always(text=b'{"sub": "ada", "id": "ada", "active": true, "x": "' + b"x" * TEN_MEGABYTES + b'"}'),
    "10 MB of blanks": always(text=_GOOD_TEXT.encode() + b" " * TEN_MEGABYTES),
    "10 MB packed small": always(text=gzip.compress(b" " * TEN_MEGABYTES + b"{}"), Content_Encoding="gzip"),
    "packed": always(text=gzip.compress(_GOOD_TEXT.encode()), Content_Encoding="gzip"),
    "empty": always(text=""),
    "not JSON": always(text="who knows"),
    "half JSON": always(text=_GOOD_TEXT[:-1]),
    "JSON twice": always(text=_GOOD_TEXT * 2),
    "a member twice": always(text='{"active": true, "id": "ada", "sub": "ada", "id": "eve", "sub": "eve"}'),
    "NaN": always(text='{"active": true, "id": "ada", "sub": "ada", "exp": NaN}'),
    "infinite": always(text='{"active": true, "id": "ada", "sub": "ada", "exp": 1e999}'),
    "NUL": always(text='{"active": true, "id": "ada", "sub": "ada", "name": "\\u0000"}'),
    "half a character": always(text='{"active": true, "id": "ada", "sub": "ada", "name": "\\ud800"}'),
    "not UTF-8": always(text=b'{"active": true, "id": "ada", "sub": "ada", "name": "\xff"}'),
    "too deep": always(text='{"active": true, "id": "ada", "sub": "ada", "x": ' + "[" * 5000 + "]" * 5000 + "}"),
    "page": always(text=_GOOD_TEXT, content_type="text/html"),
    "plain text": always(text=_GOOD_TEXT, content_type="text/plain"),
    "script": always(text=_GOOD_TEXT, content_type="application/javascript"),
    "some bytes": always(text=_GOOD_TEXT, content_type=None),
    "another encoding": always(text=_GOOD_TEXT.encode("utf-16"), content_type="application/json; charset=utf-16"),
    "a list": always(text=json.dumps([GOOD])),
    "a text": always(text='"ada"'),
    "a number": always(text="7"),
    "true": always(text="true"),
}
"""Behaviours that say nothing usable about anybody, for either kind."""
