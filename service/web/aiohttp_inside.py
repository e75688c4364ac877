"""Everything private that the service uses of aiohttp, with the reason; no other file reaches into it.

aiohttp has no limit on the time a request takes to arrive, no cap on connections, and answers malformed HTTP by itself,
in plain text that quotes the request; there is no hook for any of it (its issues 3287 and 9882). So `guard` and
`serving` build on its classes, and what they need of the inside has a plain name here. pyproject.toml names the
versions that this was tried with; `tests/web/test_aiohttp_inside.py` fails when a new one changes something.
"""

import asyncio
from abc import abstractmethod
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol, TypeVar, cast

from aiohttp import web
from aiohttp.http import HttpRequestParser, RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import MAX_MSG_QUEUE_SIZE, RequestPayloadError, _ErrInfo

MAX_QUEUED = MAX_MSG_QUEUE_SIZE
"""Requests of one connection that may wait for their turn: the parser must hold back more than these."""
BodyError = RequestPayloadError
"""What aiohttp's parser is told to raise in whoever reads a body that is not well-formed."""
Refused = _ErrInfo
"""What stands in the queue in place of a request that is answered without being one: (status, exception, message)."""
Arrived = tuple[RawRequestMessage | Refused, StreamReader]
"""A request whose head is whole, with its body, which may still be arriving; or a refusal, for its turn."""


T = TypeVar("T")


class Slot(Protocol[T]):
    """What Python makes of a name in `__slots__`."""

    def __get__(self, instance: object, owner: type) -> T: ...
    def __set__(self, instance: object, value: T) -> None: ...


def _slot(private: str) -> Any:
    return getattr(web.RequestHandler, private)


class Connection(web.RequestHandler):
    """aiohttp's connection, whose one task takes requests from a queue and answers them in order."""

    __slots__ = ()

    def __init__(self, server: Any, *, loop: asyncio.AbstractEventLoop, **settings: Any) -> None:
        # At 0 aiohttp sets no timer of its own, and its time for the next one is the time when the last reply ended.
        super().__init__(cast(web.Server, server), loop=loop, **{**settings, "keepalive_timeout": 0.0})

    # A second name for each slot of aiohttp's class: a property would cost every request a call for each look.

    loop: Slot[asyncio.AbstractEventLoop] = _slot("_loop")
    """The event loop that the connection belongs to."""
    parser: Slot[HttpRequestParser | None] = _slot("_parser")
    """What makes requests of bytes. aiohttp makes one and takes no other. None when the connection is lost."""
    task: "Slot[asyncio.Task[None] | None]" = _slot("_task_handler")
    """The task that answers, for as long as it is there."""
    request_count: Slot[int] = _slot("_request_count")
    """How many requests have arrived."""
    queue: Slot[deque[Arrived]] = _slot("_messages")
    """The requests that have arrived and are not taken yet."""
    is_unread: Slot[bool] = _slot("_paused")
    """Whether the client takes nothing, so that a reply waits above the transport's high-water mark."""
    idle_since: Slot[float] = _slot("_next_keepalive_close_time")
    """When the last reply ended, in the loop's time."""

    # `_waiter`: what the task waits for while there is no request. Without it nobody knows who is idle.

    @property
    def is_waiting(self) -> bool:
        """Whether the task waits for a request."""
        return self._waiter is not None and not self._waiter.done()

    def wake(self) -> None:
        """Let the task take what is in the queue."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def enqueue(self, refused: Arrived) -> None:
        """Have the task answer this in its turn, as aiohttp does when its own parser fails."""
        self._messages.append(refused)
        self._request_count += 1
        self.wake()

    def resume_reading(self, resume_parser: bool = True) -> None:
        """aiohttp calls this for every piece of a body that is read, and would have its parser run each time."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    # `_close`: aiohttp's own `close()` cancels the task where it waits, which looks like a fault to a client.

    def end_after_reply(self) -> None:
        """Close the connection when the task has nothing in hand any more."""
        self._close = True

    # `_request_factory`: what makes a request object of a parsed head; each connection has taken the server's.

    def make_requests_with(self, factory: Callable[..., web.BaseRequest]) -> None:
        """Use another factory from now on."""
        self._request_factory = factory

    # `_reading_paused`, `_buffer_paused`: aiohttp has two reasons not to read.

    @property
    def is_not_reading(self) -> bool:
        """Whether the connection takes nothing, because the handler or the queue is full."""
        return self._reading_paused or self._buffer_paused

    # `_keepalive_handle`, `_process_keepalive`: the only timer, which aiohttp cancels
    # when the connection is lost. A timer of our own beside it would cost each request a second one.

    def check_by(self, deadline: float) -> None:
        """Have `check` called at `deadline`, or sooner where that is arranged already."""
        timer = cast(asyncio.TimerHandle | None, self._keepalive_handle)
        if timer is not None:
            if timer.when() <= deadline:
                return
            timer.cancel()
        self._keepalive_handle = self._loop.call_at(deadline, self._process_keepalive)

    @abstractmethod
    def check(self) -> None:
        """Look whether somebody has taken too long."""

    def _process_keepalive(self) -> None:
        self._keepalive_handle = None
        self.check()


class Server(web.Server):
    """aiohttp's server: makes the connections, and knows those that are open.

    `_kwargs`: what the application configured for its connections. Only `AppRunner` collects it, in a server of its
    own making, so that is copied here.
    """

    def __init__(self, plain: web.Server, *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            plain.request_handler,
            request_factory=plain.request_factory,
            handler_cancellation=plain.handler_cancellation,
            loop=loop,
            **plain._kwargs,
        )

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop that the server belongs to."""
        return self._loop

    @property
    def connection_settings(self) -> dict[str, Any]:
        """What each connection is made with."""
        return self._kwargs


class Runner(web.AppRunner):
    """aiohttp's runner. `_make_server` makes the server, and there is no other way to give it one."""

    __slots__ = ()

    @abstractmethod
    def guarded(self, plain: web.Server) -> Server:
        """The server to use, made from aiohttp's."""

    async def _make_server(self) -> web.Server:
        return self.guarded(await super()._make_server())

    @property
    def listeners(self) -> list[asyncio.Server]:
        """What asyncio accepts connections with. `_server`: a site keeps it, and tells nobody."""
        sites = cast(Any, self.sites)
        return [site._server for site in sites if site._server is not None]
