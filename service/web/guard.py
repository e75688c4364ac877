"""The connection guard: time limits, connection caps, and problem+json for bytes that never become a request.

One connection, from accept to close. What it needs of aiohttp's inside is in `aiohttp_inside`, its states and what
follows what in `states`; its parser is in `framing`, its server and runner in `serving`.

There is one timer for each connection. It is moved only when a request comes in pieces or a reply is not taken, so a
whole request on a kept-alive connection touches no timer and reads no clock.
"""

import asyncio
import select
import sys
from collections.abc import Callable
from typing import Any, Protocol, cast

from aiohttp import hdrs, web
from aiohttp.http import HttpVersion11, RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader

from service.web.aiohttp_inside import Connection, Slot
from service.web.door import ConnectionLimits, Door
from service.web.framing import JudgingParser
from service.web.states import (
    ARRIVING,
    ENDED,
    Asking,
    AskingEvent,
    Replying,
    ReplyingEvent,
    after_asking,
    after_sending,
)
from service.web.turns import Turns

AnswerAtOnce = Callable[[RawRequestMessage, object], bytes | None]
"""(request without a body, who sent it) -> the whole reply, where that takes no waiting; None: ask the application."""

# A client that takes less than this within `write_seconds` has stalled: one byte a minute must not hold a reply.
# Only what the kernel takes can be seen here: its own buffer comes on top, as with nginx's `send_timeout`.
LEAST_PROGRESS_BYTES = 16 * 1024
END_OF_HEAD = b"\r\n\r\n"
NO_REQUEST = "UNKNOWN"
"""The method of aiohttp's stand-in for what never became a request."""


class Guard(Protocol):
    """What the connections of one server share: `serving.GuardedServer`."""

    limits: ConnectionLimits
    door: Door
    first: AnswerAtOnce | None
    draining: bool
    stopping: bool
    turns: Turns
    requests_count: int
    request_factory: Any

    def reply(self, status: int) -> web.Response:
        """A problem as the last reply on a connection."""

    def broken_body(self, status: int) -> web.HTTPException:
        """The same, to be raised where a handler reads the body."""

    def unavailable_reply(self) -> bytes:
        """503 as bytes for the wire."""


class GuardedConnection(Connection):
    """One connection, from accept to close.

    aiohttp's class knows what is in the queue and in hand; this one adds what is arriving (`Asking`) and what is being
    sent (`Replying`). An answer of the guard's own goes to the end of aiohttp's queue, so that it follows the replies
    to all requests before it. It is the last one: the parser is over then, and what still arrives is read from the
    socket and dropped, so that the answer is not lost in a reset.
    """

    __slots__ = (
        "_asking",
        "_body",
        "_gone",
        "_group",
        "_guard",
        "_held",
        "_limits",
        "_peername",
        "_reading_since",
        "_replying",
        "_stalled_since",
        "_unsent",
        "_wire",
    )

    _judge: Slot[JudgingParser] = cast(Any, Connection.parser)
    """The parser. Only while the connection is open: aiohttp forgets it then."""

    def __init__(self, guard: Guard, *, loop: asyncio.AbstractEventLoop, **settings: Any) -> None:
        super().__init__(guard, loop=loop, **settings)
        self._guard = guard
        self._limits = guard.limits
        self._group: str | None = None
        self._peername: object = None
        # aiohttp forgets its transport when it begins to close, but a reply may wait there for a reader who is gone.
        self._wire: asyncio.Transport | None = None
        self._held = b""
        """A whole request that waits for a turn of the loop (`turns`)."""
        self._asking = Asking.NOTHING
        self._reading_since = 0.0
        """When what is arriving began (`Asking.HEAD`, `Asking.BODY`)."""
        self._body: StreamReader = EMPTY_PAYLOAD
        """The body that is arriving (`Asking.BODY`)."""
        self._replying = Replying.NOTHING
        self._stalled_since: float | None = None
        self._unsent = 0
        self._gone: asyncio.Future[None] | None = None
        self.parser = JudgingParser(self, loop, limits=self._limits, broken_body=guard.broken_body)

    @property
    def _is_idle(self) -> bool:
        """Whether every request has its reply: by our own count, or because aiohttp's task waits for another one.

        Behind a reply that was sent early only aiohttp knows when the rest of its request was skipped.
        """
        return self._replying is Replying.NOTHING or self.is_waiting

    # --- Coming and going -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        wire = cast(asyncio.Transport, transport)
        self._peername = wire.get_extra_info("peername")
        group = self._guard.door.group_of(self._peername)
        # What was accepted in the listener's last moment comes here after it was closed, some of it after the cleanup.
        if self._guard.stopping or not self._guard.door.enter(group):
            self._turn_away(wire)
            return
        self._wire, self._group = wire, group
        super().connection_made(wire)
        self.idle_since = self.loop.time()
        self.check_by(self.idle_since + min(self._limits.header_seconds, self._limits.keepalive_seconds))

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._wire is not None:
            self._guard.door.leave(self._group)
            self._wire = None
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)
        super().connection_lost(exc)

    def _turn_away(self, wire: asyncio.Transport) -> None:
        """Answer 503 before any request: no task is started and no byte parsed. The few bytes fit into any send
        buffer."""
        try:
            wire.write(self._guard.unavailable_reply())
        finally:
            wire.close()

    def drain(self) -> None:
        """From now on each reply says `Connection: close`. An idle client may send one more request until the drain
        time is over: that request may be on its way already, and would be lost if the connection were closed now."""
        if self._wire is not None:
            self.make_requests_with(self._guard.request_factory)

    def stop(self) -> None:
        """The drain time is over. Finish the request in hand, even if its body is still arriving; without one, end the
        connection.

        What the client has sent by now is read first: the next turn of the loop does that, and calls `stop` again. If
        the head of a request is incomplete then, the client is answered 503. A client that has sent nothing gets no
        answer (`_check_sender` says why).
        """
        if self._wire is None or self._wire.is_closing():
            return
        if self._held:
            self._receive_held()  # and that stops
            return
        if self._replying is Replying.SKIPPING and self._judge.open_body() is not None:
            self._judge.break_off(408)  # else aiohttp would go on waiting for it
            self.force_close()
        elif self.request_count and not self.is_waiting:
            if self._replying is Replying.NOTHING:
                self.end_after_reply()  # its task is on its way back, to wait for another request
        elif not self._has_unread(self._wire):
            if self._asking in ARRIVING:
                self._wire.write(self._guard.unavailable_reply())
            self._hang_up(self._wire)

    @staticmethod
    def _has_unread(wire: asyncio.Transport) -> bool:
        """Whether bytes, or the end of the connection, have arrived that the event loop has not read yet."""
        arriving = select.poll()
        arriving.register(wire.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(arriving.poll(0))

    def _hang_up(self, wire: asyncio.Transport) -> None:
        """End a connection on which nothing is in hand. `GuardedServer.shutdown` waits a moment for the client."""
        self.end_after_reply()
        if self.task is not None:
            self.task.cancel()  # it waits for a request
        self._half_close(wire)

    def _half_close(self, wire: asyncio.Transport) -> "asyncio.Future[None]":
        """Close our side of the connection, and go on reading. A client that is still sending then sees the last reply
        and an orderly end; closing at once would cause a reset, which can overtake the reply (RFC 9112, 9.6). The
        future is done when the client has closed its side too."""
        self._judge.is_over = True
        self._asking = after_asking(self._asking, AskingEvent.LAST)
        self._gone = self.loop.create_future()
        if wire.can_write_eof():
            wire.write_eof()
        return self._gone

    @property
    def gone(self) -> "asyncio.Future[None] | None":
        """Done when the client has closed its side, after we closed ours. None: we have not."""
        return self._gone

    # --- Requests coming in -----------------------------------------------------------------------------------------

    def data_received(self, data: bytes, *, is_due: bool = False) -> None:
        """`is_due`: if it is a page view, it is answered in this turn of the loop."""
        judge, first = self._judge, self._guard.first
        if self._wire is None or judge.is_over:
            return
        if self._held:  # it came first
            data, self._held = self._held + data, b""
        segment, seen = data, self.request_count
        if first is not None and self._is_plain(data):
            if not (is_due or self._guard.turns.take()):
                self._held = data
                self._guard.turns.later(self._receive_held)
                return
            if self._answer_at_once(first, judge, data):
                return
            data = b""  # the parser has it already
        super().data_received(data)
        if self.queue:  # the task's turn: until it has replied, nothing may go out before that
            self._replying = after_sending(self._replying, ReplyingEvent.REQUEST)
        self._hear(segment, is_new=self.request_count != seen)
        if self._guard.stopping:
            self.stop()

    def _receive_held(self) -> None:
        """Receive what was held back in an earlier turn of the loop, if that did not happen meanwhile."""
        if self._held:
            self.data_received(b"", is_due=True)

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio may be told to stay, aiohttp never says so
        """The client has closed its side. Returns whether ours stays open, for the replies it waits for (RFC 9112,
        9.6).

        A client that has left altogether looks the same; then a reply is made, and lost. A stream ends here: its client
        has left it.
        """
        self._receive_held()
        if self._wire is None or self._replying is Replying.STREAM:
            return False
        was_asking, self._asking = self._asking, after_asking(self._asking, AskingEvent.END)
        if was_asking is Asking.HEAD:
            self._refuse(400)
        elif self._judge.open_body() is not None:
            self._break_off(400)
        elif self._gone is not None or self._is_idle:
            return False
        return True

    def _is_plain(self, segment: bytes) -> bool:
        """Whether a segment on an idle connection may be exactly one whole request of usual length, without a body."""
        return (
            self._asking is Asking.NOTHING
            and segment.find(END_OF_HEAD) == len(segment) - len(END_OF_HEAD)
            and len(segment) <= self._limits.max_header_bytes
            and not self._guard.draining
            and not self.is_unread
            and self._is_idle
        )

    def _answer_at_once(self, first: AnswerAtOnce, judge: JudgingParser, segment: bytes) -> bool:
        """Answer the only request on an idle connection in the very call that brought it; whether that could be done.

        Without a request object and a task this takes a third of the time. A request that is not quite simple is left
        to the application.
        """
        message = judge.only_request(segment)
        if message is None or self._wire is None or (reply := first(message, self._peername)) is None:
            return False
        judge.drop()
        self._wire.write(reply)
        self.idle_since = self.loop.time()
        self.request_count += 1
        self._guard.requests_count += 1
        return True

    def _hear(self, segment: bytes, *, is_new: bool) -> None:
        """Follow what arrives, and start its clock. `is_new`: the head of a request ended in `segment`."""
        if self._judge.is_over:
            self._asking = after_asking(self._asking, AskingEvent.LAST)
        elif is_new:
            _, body = self.queue[-1]
            if not body.is_eof():
                self._begin(AskingEvent.HEAD, body)
            elif body is EMPTY_PAYLOAD and segment and not segment.endswith(END_OF_HEAD):
                # The first piece of the next request came along. Behind a body this cannot be told; then its clock
                # starts with the next piece, and until then the limit for idle connections holds.
                self._begin(AskingEvent.BEGINNING)
            else:
                self._asking = after_asking(self._asking, AskingEvent.WHOLE)
        elif self._asking is Asking.BODY:
            if self._body.is_eof():
                self._asking = after_asking(self._asking, AskingEvent.WHOLE)
        elif self._asking is Asking.NOTHING and segment.strip(b"\r\n"):
            self._begin(AskingEvent.BEGINNING)  # blank lines may stand before a request (RFC 9112, 2.2)

    def _begin(self, heard: AskingEvent, body: StreamReader = EMPTY_PAYLOAD) -> None:
        """Start the clock of a head or of a body."""
        self._asking = after_asking(self._asking, heard)
        self._reading_since, self._body = self.loop.time(), body
        self.check_by(self._reading_since + self._seconds_allowed)

    @property
    def _seconds_allowed(self) -> float:
        """How long what is arriving may take."""
        return self._limits.header_seconds if self._asking is Asking.HEAD else self._limits.body_seconds

    def _refuse(self, status: int) -> None:
        """Queue an answer to what is not a request yet, as aiohttp does for malformed HTTP."""
        refused = self._judge.refuse(status)
        self._asking = after_asking(self._asking, AskingEvent.LAST)
        self._replying = after_sending(self._replying, ReplyingEvent.REQUEST)
        self.enqueue(refused)

    def _break_off(self, status: int) -> None:
        """End a request whose headers were good."""
        self._judge.break_off(status)
        self._asking = after_asking(self._asking, AskingEvent.LAST)

    # --- The one timer ----------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Look at every limit."""
        self._receive_held()
        if self._wire is None:
            return
        now = self.loop.time()
        if self.is_unread or self._wire.is_closing():
            self.check_by(self._check_reader(self._wire, now))
        else:
            self.check_by(self._check_sender(now))

    def _check_reader(self, wire: asyncio.Transport, now: float) -> float:
        """Cut a client that takes nothing of its reply. Returns when to look again: four times within the limit."""
        unsent = wire.get_write_buffer_size()
        if self._stalled_since is None or unsent <= self._unsent - LEAST_PROGRESS_BYTES:
            self._stalled_since, self._unsent = now, unsent
        elif now >= self._stalled_since + self._limits.write_seconds:
            wire.abort()
        return now + self._limits.write_seconds / 4

    def _check_sender(self, now: float) -> float:
        """Refuse a request that takes too long to arrive, close a connection that was idle for too long. Returns when
        to look again."""
        if self._asking in ARRIVING:
            deadline = self._reading_since + self._seconds_allowed
            if now >= deadline:
                self._time_out(now)
        elif self.is_waiting:
            # Nothing at all from a new connection is closed without a word: browsers open spare ones, and would show a
            # 408 as the answer to a request they send later.
            deadline = self.idle_since + (
                self._limits.keepalive_seconds if self.request_count else self._limits.header_seconds
            )
            if now >= deadline:
                self.force_close()
        else:
            deadline = now
        soonest_idle = now + self._limits.keepalive_seconds
        return min(deadline, soonest_idle) if deadline > now else soonest_idle

    def _time_out(self, now: float) -> None:
        if self.is_not_reading:
            self._reading_since = now  # it is we who stopped reading
        elif self._judge.open_body() is not None:
            self._break_off(408)
        else:
            self._refuse(408)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._wire is not None:
            self._stalled_since, self._unsent = self.loop.time(), self._wire.get_write_buffer_size()
            self.check_by(self._stalled_since + self._limits.write_seconds / 4)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stalled_since = None  # else a later reply that waits in a closing transport would inherit this clock

    # --- Replies going out ------------------------------------------------------------------------------------------

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Write the reply. From its last byte on, the connection is idle again."""
        if isinstance(resp, web.HTTPExpectationFailed):
            resp = self._guard.reply(400)  # raised before any middleware, with the header in its text
        elif ((self._guard.draining or self._is_last_reply()) and not self.queue) or (
            not request.content.is_eof() and self._is_not_worth_skipping(request)
        ):
            resp.force_close()
        if not isinstance(resp, web.Response):
            self._replying = after_sending(self._replying, ReplyingEvent.STREAM)
        finished = await super().finish_response(request, resp, start_time)
        # The task is not back at waiting yet, but a client on the same machine may have asked again before it is.
        self._replying = after_sending(self._replying, self._what_was_sent(request, resp))
        if self._asking is Asking.GONE and not self.queue:
            self.end_after_reply()
        if not resp.keep_alive and self._wire is not None and self._asking is not Asking.GONE:
            await self._say_goodbye(self._wire, is_read=request.content.is_eof())
        return finished

    def _what_was_sent(self, request: web.BaseRequest, response: web.StreamResponse) -> ReplyingEvent:
        if not request.content.is_eof():
            return ReplyingEvent.EARLY_REPLY
        if not response.keep_alive:
            return ReplyingEvent.LAST_REPLY
        return ReplyingEvent.NEXT if self.queue else ReplyingEvent.REPLY

    async def _say_goodbye(self, wire: asyncio.Transport, *, is_read: bool) -> None:
        """Close our side, and wait a moment for the client to close its own. It may have said that it asks no more."""
        if self._judge.has_last:
            return
        gone = self._half_close(wire)
        if is_read:  # else aiohttp waits itself, ten seconds for the rest of the body
            await asyncio.wait([gone], timeout=self._limits.linger_seconds)

    def _is_last_reply(self) -> bool:
        """Whether no request can come behind those that are here."""
        return self._asking in ENDED or self.parser is None

    def _is_not_worth_skipping(self, request: web.BaseRequest) -> bool:
        """Whether to close the connection rather than read and drop the rest of a body that no handler reads: the rest
        may be long, or may never come, because the client waits for `100 Continue`."""
        length = request.content_length
        return length is None or length > self._limits.max_skipped_bytes or hdrs.EXPECT in request.headers

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The reply where there is no other: a request that never reached the application, or an exception that left
        it."""
        if status >= 500 and not isinstance(exc, ConnectionError):
            self.logger.error("an exception escaped from the application", exc_info=exc or sys.exception())
        else:
            self.logger.debug("a request was refused before the application", extra={"kind": type(exc).__name__})
        if request.writer.output_size > 0:
            raise ConnectionError("a part of the reply is sent already")
        if request.method == NO_REQUEST:
            request._version = HttpVersion11  # the version that we speak (RFC 9110, 2.5); aiohttp puts 1.0 there
        return self._guard.reply(min(status, 500))

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """aiohttp reports the error of a broken-off body when it skips the rest of one that nobody read."""
        if not isinstance(kw.get("exc_info"), web.HTTPException):
            super().log_exception(*args, **kw)
