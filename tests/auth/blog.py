"""Real local servers for the tests of the logins that ask: a blog with sessions, and an authorization server.

Both listen on a port that the system chose, keep what they were asked, and can be told to misbehave.
"""

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from aiohttp import web

TEN_MEGABYTES = 10 * 1024 * 1024
NONE = "none/none"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Question:
    """A request as it came in. `cookie` is the raw header, byte for byte."""

    method: str
    path: str
    headers: Mapping[str, str]
    cookie: bytes
    form: Mapping[str, str]


class LocalServer:
    """An HTTP server on 127.0.0.1. Every request is kept in `questions` and answered by `behaviour`."""

    def __init__(self, behaviour: Handler) -> None:
        self.questions: list[Question] = []
        self.behaviour = behaviour
        self.port = 0
        self._arrived = asyncio.Condition()
        self._open = asyncio.Event()
        self._open.set()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def origin(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen: the first time on a free port, later on the same one again."""
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        application.on_response_prepare.append(_leave_out_what_was_not_set)
        self._runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Be down: connections are refused from here on."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

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

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        cookie = b"\n".join(value for name, value in request.raw_headers if name.lower() == b"cookie")
        async with self._arrived:
            self.questions.append(Question(request.method, request.path, dict(request.headers), cookie, form))
            self._arrived.notify_all()
        await self._open.wait()
        return await self.behaviour(request)


class Blog(LocalServer):
    """A blog: `sessions` says who is logged in under which value of the `Cookie` header."""

    def __init__(self) -> None:
        super().__init__(self.whoami)
        self.sessions: dict[bytes, dict[str, Any]] = {}

    @property
    def whoami_url(self) -> str:
        """The address that answers who a cookie belongs to."""
        return f"{self.origin}/whoami"

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
        cookie = b"; ".join(value for name, value in request.raw_headers if name.lower() == b"cookie")
        who = self.sessions.get(cookie)
        response = web.json_response({"error": "nobody"}, status=401) if who is None else web.json_response(who)
        response.set_cookie("sid", "set-for-" + cookie.decode("ascii", "replace"), httponly=True)
        return response


class AuthorizationServer(LocalServer):
    """An RFC 7662 endpoint: `tokens` says what it answers about which token; all others are not active."""

    def __init__(self) -> None:
        super().__init__(self.introspect)
        self.tokens: dict[str, dict[str, Any]] = {}

    @property
    def introspection_url(self) -> str:
        """The endpoint."""
        return f"{self.origin}/introspect"

    async def introspect(self, request: web.Request) -> web.StreamResponse:
        """What RFC 7662, 2.2 asks for."""
        token = str((await request.post()).get("token", ""))
        return web.json_response(self.tokens.get(token, {"active": False}))


def answering(
    body: bytes | str, *, status: int = 200, content_type: str | None = "application/json", **headers: str
) -> Handler:
    """A behaviour: always this reply. `Retry_After="7"` is the header `Retry-After: 7`."""
    raw = body.encode() if isinstance(body, str) else body
    sent = {name.replace("_", "-"): value for name, value in headers.items()} | {"Content-Type": content_type or NONE}

    async def behaviour(request: web.Request) -> web.StreamResponse:
        return web.Response(body=raw, status=status, headers=sent)

    return behaviour


async def _leave_out_what_was_not_set(request: web.Request, response: web.StreamResponse) -> None:
    """aiohttp always sends a content type, unless it is taken out at the last moment."""
    if response.headers.get("Content-Type") == NONE:
        del response.headers["Content-Type"]


async def silent(request: web.Request) -> web.StreamResponse:
    """A behaviour: never an answer."""
    await asyncio.Event().wait()
    raise AssertionError("nobody sets that event")


async def dripping(request: web.Request) -> web.StreamResponse:
    """A behaviour: a good beginning, and then nothing more."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"id": "ada",')
    await asyncio.Event().wait()
    return response


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
    raise web.HTTPFound("/elsewhere")


GOOD = {"id": "ada", "sub": "ada", "active": True}
"""An answer that either kind would take, so that nothing but the fault around it keeps anybody out."""
_GOOD_TEXT = json.dumps(GOOD)

SLOW: dict[str, Handler] = {"silent": silent, "dripping": dripping}
"""Behaviours that only a time limit ends."""

FAULTS: dict[str, Handler] = {
    "redirecting": redirecting,
    "hanging up": hanging_up,
    "moved for good": answering(_GOOD_TEXT, status=301, Location="/elsewhere"),
    "not modified": answering("", status=304),
    "bad request": answering(_GOOD_TEXT, status=400),
    "no such page": answering("<p>gone", status=404, content_type="text/html"),
    "wrong method": answering(_GOOD_TEXT, status=405),
    "too many questions": answering(_GOOD_TEXT, status=429),
    "broken": answering(_GOOD_TEXT, status=500),
    "broken proxy": answering("<h1>Bad gateway</h1>", status=502, content_type="text/html"),
    "down for repairs": answering(_GOOD_TEXT, status=503),
    "created": answering(_GOOD_TEXT, status=201),
    "partial": answering(_GOOD_TEXT, status=206),
    "10 MB": answering(b'{"sub": "ada", "id": "ada", "active": true, "x": "' + b"x" * TEN_MEGABYTES + b'"}'),
    "10 MB of blanks": answering(_GOOD_TEXT.encode() + b" " * TEN_MEGABYTES),
    "10 MB packed small": answering(gzip.compress(b" " * TEN_MEGABYTES + b"{}"), Content_Encoding="gzip"),
    "packed": answering(gzip.compress(_GOOD_TEXT.encode()), Content_Encoding="gzip"),
    "empty": answering(""),
    "not JSON": answering("who knows"),
    "half JSON": answering(_GOOD_TEXT[:-1]),
    "JSON twice": answering(_GOOD_TEXT * 2),
    "a member twice": answering('{"active": true, "id": "ada", "sub": "ada", "id": "eve", "sub": "eve"}'),
    "NaN": answering('{"active": true, "id": "ada", "sub": "ada", "exp": NaN}'),
    "infinite": answering('{"active": true, "id": "ada", "sub": "ada", "exp": 1e999}'),
    "NUL": answering('{"active": true, "id": "ada", "sub": "ada", "name": "\\u0000"}'),
    "half a character": answering('{"active": true, "id": "ada", "sub": "ada", "name": "\\ud800"}'),
    "not UTF-8": answering(b'{"active": true, "id": "ada", "sub": "ada", "name": "\xff"}'),
    "too deep": answering('{"active": true, "id": "ada", "sub": "ada", "x": ' + "[" * 5000 + "]" * 5000 + "}"),
    "page": answering(_GOOD_TEXT, content_type="text/html"),
    "plain text": answering(_GOOD_TEXT, content_type="text/plain"),
    "script": answering(_GOOD_TEXT, content_type="application/javascript"),
    "no content type": answering(_GOOD_TEXT, content_type=None),
    "another encoding": answering(_GOOD_TEXT.encode("utf-16"), content_type="application/json; charset=utf-16"),
    "a list": answering(json.dumps([GOOD])),
    "a text": answering('"ada"'),
    "a number": answering("7"),
    "true": answering("true"),
}
"""Behaviours that say nothing usable about anybody, for either kind."""
