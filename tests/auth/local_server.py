"""A real HTTP server on 127.0.0.1 for tests of logins: counts what it was asked, can go down and come back."""

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class LocalServer:
    """Answers each path with its handler, which a test may replace while the server runs."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.handlers: dict[str, Handler] = {}
        self.asked: Counter[str] = Counter()
        self.requests: list[web.Request] = []
        self._released = asyncio.Event()
        self._runner: web.ServerRunner | None = None
        self._placeholder = self._bound(port=0)
        self.port: int = self._placeholder.getsockname()[1]
        self.address = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    async def up(self) -> None:
        """Listen, on the same port as ever."""
        self._runner = web.ServerRunner(web.Server(self._answer))
        await self._runner.setup()
        await web.SockSite(self._runner, self._bound(port=self.port), ssl_context=self._tls).start()

    async def down(self) -> None:
        """Refuse connections. The port stays ours: a second socket holds it, bound and not listening."""
        self._released.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        self._released = asyncio.Event()

    async def close(self) -> None:
        """End everything."""
        await self.down()
        self._placeholder.close()

    async def hang(self, request: web.Request) -> web.StreamResponse:
        """A handler that answers when the server goes down."""
        await self._released.wait()
        return web.Response(status=504)

    async def hang_in_the_middle(self, request: web.Request) -> web.StreamResponse:
        """A handler that starts a JSON answer and does not go on."""
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b'{"keys": [')
        await self._released.wait()
        return response

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked[request.path] += 1
        handler: Any = self.handlers.get(request.path, _nothing)
        answer: web.StreamResponse = await handler(request)
        return answer

    @staticmethod
    def _bound(*, port: int) -> socket.socket:
        found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        found.bind(("127.0.0.1", port))
        return found


def always(
    *, text: str | bytes, content_type: str | None = "application/json", status: int = 200, **headers: str
) -> Handler:
    """A handler with one answer. `headers` are written with `_` for `-`."""
    body = text.encode() if isinstance(text, str) else text

    async def answer(request: web.Request) -> web.StreamResponse:
        shown = {name.replace("_", "-"): value for name, value in headers.items()}
        if content_type is not None:
            shown["Content-Type"] = content_type
        return web.Response(status=status, body=body, headers=shown)

    return answer


async def endless(request: web.Request) -> web.StreamResponse:
    """A handler whose JSON never ends."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b" " * 65_536)


async def _nothing(request: web.Request) -> web.StreamResponse:
    return web.Response(status=404)
