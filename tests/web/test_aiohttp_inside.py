"""What is private in aiohttp and used by the service is still there, and still does what `aiohttp_inside` says.

A new aiohttp that breaks one of these tests needs a look at that file before it may be allowed in pyproject.toml.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import EMPTY_PAYLOAD

from service.web.aiohttp_inside import MAX_QUEUED, Connection, Refused, Runner, Server

DEADLINE_SECONDS = 30.0
GET = b"GET / HTTP/1.1\r\nHost: blog.example\r\n\r\n"


class Observed(Connection):
    """A connection that adds nothing but a bell for its timer."""

    __slots__ = ("checked",)

    def __init__(self, server: Server) -> None:
        super().__init__(server, loop=server.loop, **server.connection_settings)
        self.checked = asyncio.Event()

    def check(self) -> None:
        self.checked.set()


class ObservedServer(Server):
    """Makes them, and remembers each."""

    def __init__(self, plain: web.Server) -> None:
        super().__init__(plain, loop=asyncio.get_running_loop())
        self.made: list[Observed] = []

    def __call__(self) -> Observed:
        self.made.append(Observed(self))
        return self.made[-1]


class ObservedRunner(Runner):
    """Runs it."""

    def guarded(self, plain: web.Server) -> ObservedServer:
        return ObservedServer(plain)


async def until(condition: Callable[[], bool]) -> None:
    """Lets everything else run until `condition` holds."""
    turned, loop = asyncio.Event(), asyncio.get_running_loop()
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():
            turned.clear()
            loop.call_soon(turned.set)
            await turned.wait()


@dataclass
class Stage:
    """A running server, one client of it, and a handler that waits for its cue."""

    runner: ObservedRunner
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    entered: asyncio.Event
    cue: asyncio.Event
    asked: list[web.Request] = field(default_factory=list)

    @property
    def connection(self) -> Observed:
        """The server's end."""
        server = self.runner.server
        assert isinstance(server, ObservedServer)
        return server.made[-1]

    async def status(self) -> int:
        """That of the next reply."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            lines = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:-2])
            await self.reader.readexactly(int(lines.get("content-length", 0)))
            return int(head.split(" ")[1])

    async def until_waiting(self) -> None:
        """Lets everything else run until the task waits for a request."""
        await until(lambda: self.connection.is_waiting)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    entered, cue, asked = asyncio.Event(), asyncio.Event(), list[web.Request]()

    async def handle(request: web.Request) -> web.Response:
        asked.append(request)
        entered.set()
        await cue.wait()
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_route("*", "/", handle)
    runner = ObservedRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    reader, writer = await asyncio.open_connection(*runner.addresses[0][:2])
    found = Stage(runner, reader, writer, entered, cue, asked)
    writer.write(GET)
    await entered.wait()
    yield found
    cue.set()
    writer.close()
    await runner.cleanup()


async def test_the_runner_takes_the_server_it_is_given_and_tells_its_listeners(stage: Stage) -> None:
    assert isinstance(stage.runner.server, ObservedServer)
    assert [listener.is_serving() for listener in stage.runner.listeners] == [True]
    assert stage.connection in stage.runner.server.connections


async def test_a_connection_knows_what_is_in_hand_in_the_queue_and_awaited(stage: Stage) -> None:
    connection = stage.connection
    assert (connection.is_waiting, connection.request_count, len(connection.queue)) == (False, 1, 0)
    assert connection.task in asyncio.all_tasks()
    connection.data_received(GET)
    assert (connection.request_count, len(connection.queue)) == (2, 1)
    stage.cue.set()
    assert [await stage.status(), await stage.status()] == [200, 200]
    await stage.until_waiting()
    assert (connection.is_waiting, connection.request_count, len(connection.queue)) == (True, 2, 0)


async def test_a_refusal_is_answered_in_its_turn(stage: Stage) -> None:
    refused = Refused(status=418, exc=HttpProcessingError(code=418), message="no")
    stage.connection.enqueue((refused, EMPTY_PAYLOAD))
    stage.cue.set()
    assert [await stage.status(), await stage.status()] == [200, 418]


async def test_a_connection_ends_after_the_reply_and_not_before(stage: Stage) -> None:
    stage.connection.end_after_reply()
    stage.cue.set()
    assert await stage.status() == 200
    async with asyncio.timeout(DEADLINE_SECONDS):
        assert await stage.reader.read() == b""


async def test_requests_are_made_by_the_factory_that_was_given_last(stage: Stage) -> None:
    made = []
    usual = stage.runner.server.request_factory if stage.runner.server else None
    assert usual is not None

    def make(*parts: object) -> web.BaseRequest:
        made.append(parts)
        return usual(*parts)  # type: ignore[arg-type]

    stage.connection.make_requests_with(make)
    stage.cue.set()
    stage.writer.write(GET)
    assert [await stage.status(), await stage.status()] == [200, 200]
    assert len(made) == 1


async def test_the_end_of_the_last_reply_is_known(stage: Stage) -> None:
    stage.connection.idle_since = 0.0
    stage.cue.set()
    assert await stage.status() == 200
    await stage.until_waiting()
    assert 0 < stage.connection.idle_since <= stage.connection.loop.time()


async def test_the_timer_is_the_only_one_the_sooner_one_counts_and_it_ends_with_the_connection(stage: Stage) -> None:
    connection = stage.connection
    now = connection.loop.time()
    connection.check_by(now + 3600)
    connection.check_by(now)
    connection.check_by(now + 7200)
    async with asyncio.timeout(DEADLINE_SECONDS):
        await connection.checked.wait()
    connection.check_by(now + 3600)
    timer = connection._keepalive_handle
    assert timer is not None
    stage.cue.set()
    assert await stage.status() == 200
    stage.writer.close()
    await until(lambda: connection.task is None)
    assert timer.cancelled()
    assert connection.parser is None


async def test_whoever_is_too_slow_is_known(stage: Stage) -> None:
    connection = stage.connection
    seen = []
    for change in (connection.pause_writing, connection.resume_writing):
        seen.append(connection.is_unread)
        change()
    assert [*seen, connection.is_unread] == [False, True, False]
    stage.writer.write(GET * 10 * MAX_QUEUED)
    await until(lambda: connection.is_not_reading)
    assert len(connection.queue) >= MAX_QUEUED
    stage.cue.set()
    for _ in range(1 + 10 * MAX_QUEUED):
        assert await stage.status() == 200
    assert not connection.is_not_reading
