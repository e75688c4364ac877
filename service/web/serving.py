"""The server around the connections (`guard` is one of them): it makes them, holds what they share, writes the replies
that do not come from the application, and ends all connections in order when the service stops.

A client that sends a request at the moment when the service stops should get its reply, or at least see an orderly end
of the connection: a reset may destroy a reply that it has not read yet, and looks like a fault.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any, cast

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage
from aiohttp.streams import StreamReader

from service.values import Network
from service.web.aiohttp_inside import Runner, Server
from service.web.door import ConnectionLimits, Door
from service.web.guard import AnswerAtOnce, GuardedConnection
from service.web.turns import Turns

RenderProblem = Callable[[int, str], tuple[bytes, Mapping[str, str]]]
"""Renders a problem: (status, detail) -> (body, headers with Content-Type). Status: one of `DETAILS`."""

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

# From accept to the first bytes read: the transport is made, the connection starts, its socket is polled, and read.
ACCEPT_TURNS = 4


class GuardedServer(Server):
    """Makes the connections, and holds what they share."""

    def __init__(
        self,
        plain: web.Server,
        *,
        limits: ConnectionLimits,
        problem: RenderProblem,
        trusted_proxies: Sequence[Network],
        first: AnswerAtOnce | None,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(plain, loop=loop)
        self.limits = limits
        self.door = Door(limits, trusted_proxies)
        self.first = first
        self.draining = False
        self.stopping = False
        self.turns = Turns(loop)
        self.request_handler = self.turns.beside(self.request_handler)
        self._problem = problem
        self._open_request_factory = self.request_factory

    def __call__(self) -> GuardedConnection:
        return GuardedConnection(self, loop=self.loop, **self.connection_settings)

    def drain(self) -> None:
        """Every further reply carries `Connection: close`. Idle connections stay, for one more; new ones are served."""
        self.draining = True
        self.request_factory = self._make_last_request
        for connection in self.connections:
            cast(GuardedConnection, connection).drain()

    def pre_shutdown(self) -> None:
        """The drain time is over, and nobody listens for connections any more: finish only the requests in hand."""
        self.stopping = True
        self.drain()
        for connection in self.connections:
            cast(GuardedConnection, connection).stop()

    async def shutdown(self, grace_seconds: float | None = None) -> None:
        """Give the requests in hand this long to end; then cancel them.

        aiohttp's own shutdown stops reading at once, even the body that a handler is waiting for, and waits for the
        time-out twice. So the waiting is done here, before it. Then the clients of idle connections have a moment to
        see the end (`GuardedConnection._hang_up`).
        """
        connections = cast(list[GuardedConnection], self.connections)
        if in_hand := [connection.task for connection in connections if connection.task is not None]:
            _, late = await asyncio.wait(in_hand, timeout=grace_seconds)
            for task in late:
                task.cancel()
        if gone := [connection.gone for connection in connections if connection.gone]:
            await asyncio.wait(gone, timeout=self.limits.linger_seconds)
        await super().shutdown(grace_seconds)

    def _make_last_request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: web.RequestHandler,
        writer: AbstractStreamWriter,
        task: "asyncio.Task[None]",
    ) -> web.BaseRequest:
        if not cast(GuardedConnection, protocol).queue:  # who has sent several at once gets all of the answers
            message = message._replace(should_close=True)
        return self._open_request_factory(message, payload, protocol, writer, task)

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


class GuardedRunner(Runner):
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
        limits: ConnectionLimits | None = None,
        trusted_proxies: Sequence[Network] = (),
        first: AnswerAtOnce | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(app, **settings)
        self._first = first
        self._problem = problem
        self._limits = limits or ConnectionLimits()
        self._trusted_proxies = tuple(trusted_proxies)

    def guarded(self, plain: web.Server) -> GuardedServer:
        """The guard's server in place of aiohttp's."""
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
        return cast(GuardedServer | None, super().server)

    @property
    def address(self) -> str:
        """Where it listens: the first address, as an URL."""
        host, port = self.addresses[0][:2]
        shown = f"[{host}]" if ip_address(host).version == 6 else host
        return f"http://{shown}:{port}"

    async def cleanup(self) -> None:
        """Stop listening, finish the requests in hand within `shutdown_timeout`, and clean up the application.

        A connection that the kernel has made already, and its request if that has arrived, is let in first. Those that
        asyncio has accepted get their turn before the listener is closed: it loses one whose listener is closed before
        its transport is made, and that client waits for ever (cpython issue 109564). The last ones are accepted here.
        """
        loop = asyncio.get_running_loop()
        servers = self.listeners
        for server in servers:
            if isinstance(server, asyncio.Server):  # uvloop has its own, which loses none
                for listening in server.sockets:
                    loop.remove_reader(listening.fileno())
        await _turns(ACCEPT_TURNS)
        last = [accepted for server in servers for listening in server.sockets for accepted in _accept_all(listening)]
        for server in servers:
            server.close()
        for accepted in last:
            with suppress(OSError):  # who has left by now
                await loop.connect_accepted_socket(cast(GuardedServer, self.server), accepted)
        await _turns(ACCEPT_TURNS)
        await super().cleanup()

    def drain(self) -> None:
        """Begin to stop, as `GuardedServer.drain` says; call `cleanup()` when the drain time is over.

        Raises RuntimeError before `setup()`.
        """
        if self.server is None:
            raise RuntimeError("drain() before setup()")
        self.server.drain()


async def _turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


def _accept_all(listening: socket.socket) -> Iterator[socket.socket]:
    """The connections that nobody has accepted yet: closing the listener would reset them."""
    with socket.socket(fileno=os.dup(listening.fileno())) as own:
        own.setblocking(False)
        with suppress(OSError):  # BlockingIOError: that was the last one
            while True:
                accepted, _ = own.accept()
                yield accepted
