"""A reply that goes on: Server-Sent Events (WHATWG HTML, 9.2) from `delivery/live` to one client.

aiohttp-sse would run a pinging task for each listener and render each event for each of them; with thousands of
listeners that is the whole cost, so this is aiohttp's own `StreamResponse`.
"""

from collections.abc import Awaitable, Callable

from aiohttp import web

from service.delivery.live import Stream, come_back
from service.errors import Problem, StoreUnavailable
from service.web.call import Call
from service.web.surface import EVENT_STREAM

CHECK_AGAIN_MILLISECONDS = 30_000
"""How long a moderator's right to listen is believed; it is looked at when something is written, a beat at least."""
HEADERS = {"Content-Type": EVENT_STREAM, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class EventStream(web.StreamResponse):
    """Sends `stream` from the event `last_id` on. The sending begins when aiohttp writes the body of the reply.

    By then the shell has added the headers that every reply has, and has counted the request: when it is answered, and
    not when it ends hours later.
    """

    def __init__(
        self,
        call: Call,
        stream: Stream,
        last_id: str | None,
        *,
        may_listen: Callable[[Call], Awaitable[object]] | None = None,
    ) -> None:
        """`may_listen` raises a problem where this call may not listen; None: everybody may."""
        super().__init__(headers=HEADERS)
        self._call = call
        self._stream = stream
        self._last_id = last_id
        self._may_listen = may_listen
        self._checked = call.services.clock()

    async def write_eof(self, data: bytes = b"") -> None:
        """Send events until the client leaves, is too slow, may not listen any more, or the service stops."""
        if self._call.request.method != "HEAD":
            try:
                await self._send()
            except StoreUnavailable:  # not a problem to be shown: the client comes back by itself
                await self.write(f"{come_back()}\n".encode())
        await super().write_eof(data)

    async def _send(self) -> None:
        live, stream = self._call.services.live, self._stream
        place = await live.place(stream, self._last_id) if self._last_id else None
        with live.listener(stream, self._abort, place=place or 0) as listener:
            async for message in live.until_now(listener, stream, place, is_new=not self._last_id):
                await self.write(message)
            while (message := await listener.take()) and await self._may_go_on():
                await self.write(message)

    async def _may_go_on(self) -> bool:
        """Whether the client may still listen. A moderator's right is looked at again every half a minute, as for a
        request."""
        services = self._call.services
        # A clock that was set back makes no right longer: then it is looked at now.
        if self._may_listen is None or 0 <= services.clock() - self._checked < CHECK_AGAIN_MILLISECONDS:
            return True
        try:
            await self._may_listen(Call(self._call.request, services))
        except Problem:
            return False
        self._checked = services.clock()
        return True

    def _abort(self) -> None:
        transport = self._call.request.transport
        if transport is not None:
            transport.abort()
