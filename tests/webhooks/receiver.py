"""A receiver of webhooks as a blog has one: a real HTTP server that remembers what came, and checks its signature."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook as Reference

from tests.auth.local_server import LocalServer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAAAA"
OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDBBBB"
PATIENCE_SECONDS = 60
"""How long anybody here waits for what must come: only a broken service ever takes so long."""
Answer = Callable[[dict[str, Any]], "web.StreamResponse | int"]


class Receiver(LocalServer):
    """Takes everything, unless `answer` says otherwise: a status, or a whole response."""

    def __init__(self) -> None:
        super().__init__()
        self.answer: Answer = lambda _: 204
        self.calls: list[dict[str, Any]] = []
        """Every event that came, in order, taken or not; with `status`, `headers` and `body`."""
        self.most_at_once = 0
        self._open = 0
        self._told = asyncio.Event()
        self.handlers["/hook"] = self.take

    @property
    def url(self) -> str:
        """Where to send to."""
        return f"{self.address}/hook"

    @property
    def taken(self) -> list[dict[str, Any]]:
        """What was answered with 2xx."""
        return [call for call in self.calls if 200 <= call["status"] < 300]

    @property
    def told(self) -> list[tuple[str, int]]:
        """Type and number of what was taken."""
        return [(call["type"], call["data"]["seq"]) for call in self.taken]

    async def take(self, request: web.Request) -> web.StreamResponse:
        """One call."""
        self._open += 1
        self.most_at_once = max(self.most_at_once, self._open)
        try:
            body = await request.read()
            require_signed(body, request.headers)
            event = json.loads(body)
            assert event["id"] == request.headers["webhook-id"]
            answer = self.answer(event)
            status = answer if isinstance(answer, int) else answer.status
            self.calls.append({**event, "status": status, "headers": dict(request.headers), "body": body})
            self._told.set()
            return web.Response(status=answer) if isinstance(answer, int) else answer
        finally:
            self._open -= 1

    async def until(self, holds: Callable[[], bool], *, seconds: float = PATIENCE_SECONDS) -> None:
        """Until something is so, which a call brings about."""
        async with asyncio.timeout(seconds):
            while not holds():
                self._told.clear()
                await self._told.wait()


def require_signed(body: bytes, headers: Any) -> None:
    """Each of the signatures is one that the reference library would make, with one of the secrets."""
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    made = {Reference(secret).sign(headers["webhook-id"], at, body.decode()) for secret in (SECRET, OTHER_SECRET)}
    found = headers["webhook-signature"].split(" ")
    assert found
    assert set(found) <= made
