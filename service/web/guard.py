"""The connection guard: time limits, connection caps, and problem+json for bytes that never become a request.

The composition root starts the service with `GuardedRunner` where it would use aiohttp's `AppRunner`. aiohttp has no
limit on the time a request takes to arrive, no cap on connections, and answers malformed HTTP by itself, in plain text
that quotes the request; there is no hook for any of it (its issues 3287 and 9882). So the three classes below the
application are subclassed, and a few of their private attributes are used: `tests/web/test_guard.py` sees it when a new
aiohttp changes one.

There is one timer per connection, in the slot of aiohttp's own keep-alive timer. It is moved only when a request comes
in pieces or a reply is not taken, so a whole request on a kept-alive connection touches no timer and reads no clock.
"""

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import HttpRequestParser, HttpVersion11, RawRequestMessage
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import _ErrInfo

from service.web.door import Door, Limits, Network

RenderProblem = Callable[[int, str], tuple[bytes, Mapping[str, str]]]
"""Renders a problem: (status, detail) -> (body, headers with Content-Type). Status: one of `DETAILS`."""

AnswerAtOnce = Callable[[RawRequestMessage, object], bytes | None]
"""(request without a body, who sent it) -> the whole reply, where that takes no waiting; None: ask the application."""

# The only sentences that leave this file: nothing of the request and nothing of an exception is ever quoted.
DETAILS = {
    400: "What arrived is not a well-formed HTTP/1.1 request, or it expects something that cannot be done.",
    408: "The request did not arrive completely within the time allowed.",
    431: "The request line or the headers are too long, or there are too many.",
    500: "The service met an unexpected error.",
    503: "Too many connections are open, or the service is stopping. Try again in a few seconds.",
}
RETRY_AFTER_SECONDS = 5
SERVER_NAME = "Gatepost"
"""Said in every reply; aiohttp would tell its own version and Python's."""

TOO_MANY_HEADERS = "Too many headers"
"""What aiohttp says of them; there is no class for it."""

# From accept to the first bytes read: the transport is made, the connection starts, its socket is polled, and read.
ACCEPT_TURNS = 4

# A reader who takes less than this within `write_seconds` has stalled; else a byte a minute would hold a reply.
# What counts is what the kernel takes: its own buffer blurs the picture, as it does for nginx's `send_timeout`.
LEAST_PROGRESS_BYTES = 16 * 1024


class GuardedConnection(web.RequestHandler):
    """One connection, from accept to close.

    aiohttp's class knows what is idle and what is in hand (`_waiter`, `_messages`, `_current_request`); this one adds
    when the request that is still arriving began. An answer of the guard's own goes to the end of aiohttp's queue, so
    that it follows the replies to all requests before it. It is the last one: from then on the connection is deaf.
    """

    __slots__ = (
        "_all_answered",
        "_body",
        "_deaf",
        "_group",
        "_guard",
        "_half_closed",
        "_header_bytes",
        "_limits",
        "_lingering",
        "_reading_since",
        "_stalled_since",
        "_streaming",
        "_unsent",
        "_wire",
    )

    def __init__(self, guard: "GuardedServer", *, loop: asyncio.AbstractEventLoop, **settings: Any) -> None:
        # At 0, aiohttp arms no timer of its own, and `_next_keepalive_close_time` is when the last reply ended.
        super().__init__(guard, loop=loop, **{**settings, "keepalive_timeout": 0.0})
        self._guard = guard
        self._limits = guard.limits
        self._group: str | None = None
        # aiohttp forgets its transport when it begins to close, but a reply may wait there for a reader who is gone.
        self._wire: asyncio.Transport | None = None
        self._reading_since: float | None = None
        self._body: StreamReader | None = None
        self._header_bytes = 0
        self._deaf = False
        self._half_closed = False
        self._lingering = False
        self._streaming = False
        self._stalled_since: float | None = None
        self._unsent = 0
        self._all_answered = True

    # --- Coming and going -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        wire = cast(asyncio.Transport, transport)
        group = self._guard.door.group_of(wire.get_extra_info("peername"))
        # What was accepted in the listener's last moment comes here after it was closed, some of it after the cleanup.
        if self._guard.stopping or not self._guard.door.enter(group):
            self._turn_away(wire)
            return
        self._wire, self._group = wire, group
        super().connection_made(wire)
        self._next_keepalive_close_time = self._loop.time()
        self._check_by(
            self._next_keepalive_close_time + min(self._limits.header_seconds, self._limits.keepalive_seconds)
        )

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._wire is not None:
            self._guard.door.leave(self._group)
            self._wire = None
        super().connection_lost(exc)

    def _turn_away(self, wire: asyncio.Transport) -> None:
        """Say 503 before anything was asked: no task is started, no byte parsed, and the few bytes fit any buffer."""
        try:
            wire.write(self._guard.unavailable_reply())
        finally:
            wire.close()

    def drain(self) -> None:
        """Close now if idle; else finish what is in hand, say `Connection: close` in the reply, and close."""
        if self._wire is None:
            return
        self._request_factory = self._guard.request_factory
        if not self._request_count or self._reading_since is not None:
            return  # a request is on its way: it is read and answered, with `Connection: close` from the factory
        if self._is_waiting():
            self.force_close()
        else:
            self._close = True

    def stop(self) -> None:
        """The drain time is over: finish the request in hand, even if its body is still arriving; else close now.

        A request whose headers are incomplete is told so. Silence where nothing was asked: see `_check_sender`.
        """
        if self._wire is None or (self._request_count and not (self._is_waiting() or self._lingering)):
            return
        if self._lingering:
            if (body := self._open_body()) is not None:
                self._break_off(body, 408)  # else aiohttp would go on waiting for it
        elif self._reading_since is not None:
            self._wire.write(self._guard.unavailable_reply())
        self.force_close()

    # --- Requests coming in -----------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        seen = self._request_count
        first, waiter = self._guard.first, self._waiter
        if first is not None and (self._all_answered or self._is_waiting()) and self._is_plain(data):
            self._waiter = None  # else aiohttp would wake the task, which asks the application
            super().data_received(data)
            self._waiter = waiter
            if len(self._messages) == 1 and self._answer_at_once(first, *self._messages[0]):
                return
            if self._messages and waiter is not None and not waiter.done():
                waiter.set_result(None)
        else:
            super().data_received(data)
        if self._messages:
            self._all_answered = False  # the task's turn: until it has replied, nothing may go out before that
        if self._request_count != seen:
            self._note_request(data)
        elif self._reading_since is not None:
            self._note_piece(data)
        elif not self._upgraded and data.strip(b"\r\n"):  # blank lines may stand before a request (RFC 9112, 2.2)
            self._begin_reading(None)
            self._note_piece(data)

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio may be told to stay, aiohttp never says so
        """The client has said all it will: whether to stay open, because it may wait for replies (RFC 9112, 9.6).

        Who has gone altogether looks the same: the reply is made and lost. But who leaves a stream is not told more.
        """
        if self._wire is None or self._streaming:
            return False
        self._half_closed = True
        if self._reading_since is not None and self._body is None:
            self._refuse(400)
        elif (body := self._open_body()) is not None:
            self._break_off(body, 400)
        elif self._all_answered or self._is_waiting():
            return False
        return True

    def _is_plain(self, segment: bytes) -> bool:
        """Whether a segment can be one whole request of usual length and nothing else."""
        return (
            not self._header_bytes
            and len(segment) <= self._limits.max_header_bytes
            and segment.endswith(b"\r\n\r\n")
            and not self._guard.draining
            and not self._paused
        )

    def _answer_at_once(self, first: AnswerAtOnce, message: RawRequestMessage | _ErrInfo, body: StreamReader) -> bool:
        """Whether the only request on an idle connection could be answered in the very call that brought it.

        It is a third of the work: no request object, no task. What is not quite simple is the application's.
        """
        if (
            isinstance(message, _ErrInfo)
            or body is not EMPTY_PAYLOAD
            or message.should_close
            or message.upgrade
            or message.version != HttpVersion11
            or self._wire is None
            or (reply := first(message, self._wire.get_extra_info("peername"))) is None
        ):
            return False
        self._messages.popleft()
        cast(HttpRequestParser, self._parser).message_consumed()
        self._wire.write(reply)
        self._reading_since = self._body = None
        self._next_keepalive_close_time = self._loop.time()
        self._guard.requests_count += 1
        return True

    def _note_request(self, segment: bytes) -> None:
        """At least one request line with all its headers was parsed, or something that is none."""
        message, body = self._messages[-1]
        if isinstance(message, _ErrInfo):
            self._note_malformed()
            return
        self._reading_since = self._body = None
        limit = self._limits.max_header_bytes
        if self._header_bytes + len(segment) > limit and _header_size(message) > limit:
            self._messages.pop()
            self._refuse(431)
        elif message.version[0] != 1 or (body is not EMPTY_PAYLOAD and _has_doubtful_framing(message)):
            # Of versions 0.9 and 2.0 aiohttp would answer, and claim to speak them.
            self._messages.pop()
            self._refuse(400)
        elif not body.is_eof():
            self._begin_reading(body)
        elif body is EMPTY_PAYLOAD and segment and not segment.endswith(b"\r\n\r\n") and not self._upgraded:
            # The first piece of the next request came along. Behind a body this cannot be told; then its clock starts
            # with the next piece, and until then the limit for idle connections holds.
            self._begin_reading(None)
        self._header_bytes = 0

    def _note_piece(self, piece: bytes) -> None:
        if self._body is not None:
            if self._body.is_eof():
                self._reading_since = self._body = None
            return
        self._header_bytes += len(piece)
        if self._header_bytes > self._limits.max_header_bytes:
            self._refuse(431)

    def _note_malformed(self) -> None:
        """aiohttp has queued its answer, but a handler that waits for the very body in which the fault is would hang
        until the client goes away. In that case the handler's reply is the 400, and the queued one is dropped."""
        body = self._open_body()
        if body is None:
            self._go_deaf()
            return
        self._messages.pop()
        self._break_off(body, 400)

    def _begin_reading(self, body: StreamReader | None) -> None:
        """Start the clock of the body, or of the headers if there is none yet."""
        self._reading_since = self._loop.time()
        self._body = body
        seconds = self._limits.header_seconds if body is None else self._limits.body_seconds
        self._check_by(self._reading_since + seconds)

    def _open_body(self) -> StreamReader | None:
        """The body that is still arriving. One that came behind a declined upgrade is known only to its request."""
        body = self._body
        if body is None and self._current_request is not None:
            body = self._current_request.content
        return None if body is None or body.is_eof() else body

    def _refuse(self, status: int) -> None:
        """Queue an answer to what is not a request yet, as aiohttp does for malformed HTTP."""
        self._messages.append(
            (_ErrInfo(status=status, exc=HttpProcessingError(code=status), message=""), EMPTY_PAYLOAD)
        )
        self._request_count += 1
        self._go_deaf()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _break_off(self, body: StreamReader, status: int) -> None:
        """End a request whose headers were good. Its handler gets an HTTP error from its next read; one that has
        answered already does not read on."""
        body.set_exception(self._guard.broken_body(status))
        body.feed_eof()
        self._go_deaf()

    def _go_deaf(self) -> None:
        """What still arrives is read from the socket and dropped, so that the answer is not lost in a reset."""
        self._deaf = True
        self._reading_since = self._body = None

    # --- The one timer ----------------------------------------------------------------------------------------------

    def _check_by(self, deadline: float) -> None:
        timer = cast(asyncio.TimerHandle | None, self._keepalive_handle)
        if timer is not None:
            if timer.when() <= deadline:
                return
            timer.cancel()
        self._keepalive_handle = self._loop.call_at(deadline, self._process_keepalive)

    def _process_keepalive(self) -> None:
        """Every limit is checked here. The name is aiohttp's, which cancels the timer when the connection is lost."""
        self._keepalive_handle = None
        if self._wire is None:
            return
        now = self._loop.time()
        if self._paused or self._wire.is_closing():
            self._check_by(self._check_reader(self._wire, now))
        else:
            self._check_by(self._check_sender(now))

    def _check_reader(self, wire: asyncio.Transport, now: float) -> float:
        """Cut a reader who takes nothing; says when to look next: four times within the limit, to see progress soon."""
        unsent = wire.get_write_buffer_size()
        if self._stalled_since is None or unsent <= self._unsent - LEAST_PROGRESS_BYTES:
            self._stalled_since, self._unsent = now, unsent
        elif now >= self._stalled_since + self._limits.write_seconds:
            wire.abort()
        return now + self._limits.write_seconds / 4

    def _check_sender(self, now: float) -> float:
        """Refuse a request that takes too long, close an idle connection; says when to look next."""
        if self._reading_since is None and (body := self._open_body()) is not None:
            self._reading_since, self._body = now, body
        if self._reading_since is not None:
            deadline = self._reading_since + (
                self._limits.header_seconds if self._body is None else self._limits.body_seconds
            )
            if now >= deadline:
                self._time_out(now)
        elif self._is_waiting():
            # Nothing at all from a new connection is closed without a word: browsers open spare ones, and would show a
            # 408 as the answer to a request they send later.
            deadline = self._next_keepalive_close_time + (
                self._limits.keepalive_seconds if self._request_count else self._limits.header_seconds
            )
            if now >= deadline:
                self.force_close()
        else:
            deadline = now
        soonest_idle = now + self._limits.keepalive_seconds
        return min(deadline, soonest_idle) if deadline > now else soonest_idle

    def _time_out(self, now: float) -> None:
        if self._reading_paused or self._buffer_paused:
            self._reading_since = now  # it is we who stopped reading
        elif (body := self._open_body()) is not None:
            self._break_off(body, 408)
        else:
            self._refuse(408)

    def _is_waiting(self) -> bool:
        return self._waiter is not None and not self._waiter.done()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._wire is not None:
            self._stalled_since, self._unsent = self._loop.time(), self._wire.get_write_buffer_size()
            self._check_by(self._stalled_since + self._limits.write_seconds / 4)

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
        elif (
            self._guard.draining
            or ((self._deaf or self._half_closed) and not self._messages)
            or (not request.content.is_eof() and self._is_not_worth_skipping(request))
        ):
            resp.force_close()
        self._streaming = not isinstance(resp, web.Response)
        finished = await super().finish_response(request, resp, start_time)
        self._streaming = False
        if self._half_closed and not self._messages:
            self._close = True
        if not (resp.keep_alive or request.content.is_eof()) and self._wire is not None and self._wire.can_write_eof():
            # The client sees the end now. aiohttp drops what it still sends for ten seconds: a reset would overtake
            # the reply (RFC 9112, 9.6).
            self._wire.write_eof()
            self._lingering = True
        # Its task is not back at waiting yet, but a client on the same machine may have asked again before it is.
        self._all_answered = bool(resp.keep_alive) and request.content.is_eof() and not self._messages
        return finished

    def _is_not_worth_skipping(self, request: web.BaseRequest) -> bool:
        """Whether a body that nobody reads may go on for long, or may never come: its sender waited to be asked."""
        length = request.content_length
        return length is None or length > self._limits.max_skipped_bytes or hdrs.EXPECT in request.headers

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The last resort, for what never reached the application or escaped from it."""
        if status >= 500 and not isinstance(exc, ConnectionError):
            self.logger.error("an exception escaped from the application", exc_info=exc or sys.exception())
        else:
            self.logger.debug("a request was refused before the application", extra={"kind": type(exc).__name__})
        if request.writer.output_size > 0:
            raise ConnectionError("a part of the reply is sent already")
        if status == 400 and (isinstance(exc, LineTooLong) or TOO_MANY_HEADERS in str(exc)):
            return self._guard.reply(431)
        return self._guard.reply(min(status, 500))

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """aiohttp reports the error of a broken-off body when it skips the rest of one that nobody read."""
        if not isinstance(kw.get("exc_info"), web.HTTPException):
            super().log_exception(*args, **kw)


def _has_doubtful_framing(message: RawRequestMessage) -> bool:
    """Whether the next server on the way may see another end of the body than the parser did (RFC 9112, 6.1)."""
    coding = message.headers.get(hdrs.TRANSFER_ENCODING)
    return coding is not None and (coding.lower() != "chunked" or message.version < HttpVersion11)


def _header_size(message: RawRequestMessage) -> int:
    return len(message.path) + sum(len(name) + len(value) + len(": \r\n") for name, value in message.raw_headers)


class GuardedServer(web.Server):
    """Makes the connections, and holds what they share."""

    def __init__(
        self,
        plain: web.Server,
        *,
        limits: Limits,
        problem: RenderProblem,
        trusted_proxies: Sequence[Network],
        first: AnswerAtOnce | None,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        settings = {
            **plain._kwargs,
            "max_line_size": limits.max_target_bytes,
            "max_field_size": limits.max_field_bytes,
            "max_headers": limits.max_header_count,
            "auto_decompress": False,  # an encoded body is answered 415, never inflated
        }
        super().__init__(
            plain.request_handler,
            request_factory=plain.request_factory,
            handler_cancellation=plain.handler_cancellation,
            loop=loop,
            **settings,
        )
        self.limits = limits
        self.door = Door(limits, trusted_proxies)
        self.first = first
        self.draining = False
        self.stopping = False
        self._problem = problem
        self._open_request_factory = self.request_factory

    def __call__(self) -> GuardedConnection:
        return GuardedConnection(self, loop=self._loop, **self._kwargs)

    def drain(self) -> None:
        """Every further reply carries `Connection: close`; idle connections close now. New ones are still served."""
        self.draining = True
        self.request_factory = self._make_last_request
        for connection in self.connections:
            cast(GuardedConnection, connection).drain()

    def pre_shutdown(self) -> None:
        """The drain time is over, and nothing listens any more: only what is in hand is finished."""
        self.stopping = True
        self.drain()
        for connection in self.connections:
            cast(GuardedConnection, connection).stop()

    async def shutdown(self, grace_seconds: float | None = None) -> None:
        """Give the requests in hand this long to end; then cancel them.

        aiohttp would be deaf from its first moment, even to the body that a handler is waiting for, and would wait for
        the time-out twice.
        """
        if in_hand := [task for connection in self.connections if (task := connection._task_handler) is not None]:
            _, late = await asyncio.wait(in_hand, timeout=grace_seconds)
            for task in late:
                task.cancel()
        await super().shutdown(grace_seconds)

    def _make_last_request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: web.RequestHandler,
        writer: AbstractStreamWriter,
        task: "asyncio.Task[None]",
    ) -> web.BaseRequest:
        return self._open_request_factory(message._replace(should_close=True), payload, protocol, writer, task)

    def reply(self, status: int) -> web.Response:
        """A problem as the last reply on a connection."""
        body, headers = self._render(status)
        response = web.Response(status=status, body=body, headers=headers)
        response.force_close()
        return response

    def broken_body(self, status: int) -> web.HTTPException:
        """The same, to be raised where a handler reads the body: 408 came too slowly, 400 is not well-formed."""
        error = web.HTTPRequestTimeout() if status == 408 else web.HTTPBadRequest()
        error.body, headers = self._render(status)
        error.headers.update(headers)
        error.force_close()
        return error

    def unavailable_reply(self) -> bytes:
        """503 as bytes for the wire, for a connection that no one serves, or no longer."""
        body, headers = self._render(503)
        fields = {**headers, hdrs.CONTENT_LENGTH: str(len(body)), hdrs.RETRY_AFTER: str(RETRY_AFTER_SECONDS)}
        lines = [f"HTTP/1.1 503 {HTTPStatus(503).phrase}", *(f"{name}: {value}" for name, value in fields.items())]
        return "\r\n".join([*lines, "\r\n"]).encode() + body

    def _render(self, status: int) -> tuple[bytes, dict[str, str]]:
        body, headers = self._problem(status, DETAILS[status])
        return body, {**headers, hdrs.CONNECTION: "close", hdrs.SERVER: SERVER_NAME}


class GuardedRunner(web.AppRunner):
    """`aiohttp.web.AppRunner` with the guard in front of the application.

    `problem` renders the answers that the application never sees, and errors that escape from it. `trusted_proxies` are
    not capped per address. `first` is asked before the application, and leaves to it what is not simple. All other
    settings are AppRunner's, but time-outs and header sizes come from `limits`.
    """

    __slots__ = ("_first", "_limits", "_problem", "_trusted_proxies")

    def __init__(
        self,
        app: web.Application,
        *,
        problem: RenderProblem,
        limits: Limits | None = None,
        trusted_proxies: Sequence[Network] = (),
        first: AnswerAtOnce | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(app, **settings)
        self._first = first
        self._problem = problem
        self._limits = limits or Limits()
        self._trusted_proxies = tuple(trusted_proxies)

    async def _make_server(self) -> GuardedServer:
        plain = await super()._make_server()
        return GuardedServer(
            plain,
            limits=self._limits,
            problem=self._problem,
            trusted_proxies=self._trusted_proxies,
            first=self._first,
            loop=asyncio.get_running_loop(),
        )

    @property
    def server(self) -> GuardedServer | None:
        return cast(GuardedServer | None, self._server)

    async def cleanup(self) -> None:
        """Stop listening, finish the requests in hand within `shutdown_timeout`, and clean up the application.

        A connection that is accepted already, and its request if that has arrived, is let in first: asyncio loses one
        whose listener is closed before its transport is made, and its client waits for ever (cpython issue 109564).
        """
        for site in self._sites:
            if isinstance(site._server, asyncio.Server):  # uvloop has its own, which loses none
                for listening in site._server.sockets:
                    asyncio.get_running_loop().remove_reader(listening.fileno())
        for _ in range(ACCEPT_TURNS):
            await asyncio.sleep(0)
        await super().cleanup()

    def drain(self) -> None:
        """Begin to stop, as `GuardedServer.drain` says; call `cleanup()` when the drain time is over.

        Raises RuntimeError before `setup()`.
        """
        if self.server is None:
            raise RuntimeError("drain() before setup()")
        self.server.drain()
