"""Where notices of the tests go: a real HTTP server and a real mail server, which remember what came."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP

from tests.auth.local_server import LocalServer

VARIABLE = "NOTICE_URLS"
PATIENCE_SECONDS = 60
"""How long anybody here waits for what must come: only a broken service ever takes so long."""


@dataclass
class Posted:
    """One call: where to, and what was in it."""

    path: str
    headers: dict[str, str]
    body: bytes
    json: Any = None


class Chat(LocalServer):
    """Takes whatever it is sent, on every path that has no handler. `status` and `says` may be changed."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Posted] = []
        self.status = 200
        self.says: str | None = None
        """What is answered; None: JSON."""
        self._told = asyncio.Event()

    @property
    def place(self) -> str:
        """Host and port, for addresses."""
        return self.address.removeprefix("http://")

    async def take(self, request: web.BaseRequest) -> web.StreamResponse:
        """One call."""
        body = await request.read()
        parsed = await request.json() if body[:1] == b"{" else None
        self.calls.append(Posted(request.path, dict(request.headers), body, parsed))
        self._told.set()
        if self.says is not None:
            return web.Response(text=self.says, status=self.status)
        return web.json_response({"ok": True, "result": []}, status=self.status)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        handler: Any = self.handlers.get(request.path, self.take)
        answer: web.StreamResponse = await handler(request)
        return answer

    async def until(self, holds: Callable[[], bool]) -> None:
        """Until something is so, which a call brings about."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not holds():
                self._told.clear()
                await self._told.wait()


@dataclass
class Post:
    """Takes every mail, but for those to `unknown`."""

    mails: list[EmailMessage] = field(default_factory=list)
    unknown: str = ""
    port: int = 0
    _server: asyncio.Server | None = None

    async def up(self) -> None:
        """Listen on a port that the system chooses."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SMTP(self, loop=loop), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """End."""
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        """One recipient."""
        if address == self.unknown:
            return "550 There is nobody of this name here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - the library's name
        """One mail."""
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"
