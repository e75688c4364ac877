"""The connection guard, seen from the other end of real sockets.

Limits are fractions of a second. The tests wait for what must happen (a reply, the end of file, an event) under one
generous deadline, never for a duration. Where one thing must happen after a limit has passed on another connection, a
second connection that runs into the same limit later is the clock.
"""

import asyncio
import contextlib
import gzip
import json
import logging
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.http import RawRequestMessage
from yarl import URL

from service.web.aiohttp_inside import MAX_QUEUED
from service.web.door import ConnectionLimits, Door, address_group
from service.web.guard import GuardedConnection
from service.web.serving import DETAILS, GuardedRunner, GuardedServer
from tests.harness import Gatepost

DEADLINE_SECONDS = 30.0
SHORT_SECONDS = 0.15
NEVER_SECONDS = 3600.0
SECRET = b"do-not-repeat-me"
LARGE_REPLY_BYTES = 32 * 1024 * 1024
PATIENT = ConnectionLimits(
    header_seconds=NEVER_SECONDS,
    body_seconds=NEVER_SECONDS,
    keepalive_seconds=NEVER_SECONDS,
    write_seconds=NEVER_SECONDS,
)

HOST = b"Host: blog.example\r\n"
GET = b"GET /echo HTTP/1.1\r\n" + HOST + b"\r\n"
WAIT = b"GET /wait HTTP/1.1\r\n" + HOST + b"\r\n"
POST = b"POST /echo HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
UNFINISHED = b"GET /echo HTTP/1.1\r\nX-Drip: "


def render_problem(status: int, detail: str) -> tuple[bytes, Mapping[str, str]]:
    problem = {
        "type": f"/problems/code-{status}",
        "title": f"Title of {status}",
        "status": status,
        "detail": detail,
        "code": f"code-{status}",
        "request_id": "made-for-this",
    }
    return json.dumps(problem).encode(), {"Content-Type": "application/problem+json", "X-Request-ID": "made-for-this"}


@dataclass(frozen=True)
class Reply:
    version: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    def assert_problem(self, status: int) -> None:
        assert (self.status, self.headers.get("content-type")) == (status, "application/problem+json")
        assert self.headers["connection"] == "close"
        assert self.headers["x-request-id"] == "made-for-this"
        assert self.headers["server"] == "Gatepost"
        assert self.body == render_problem(status, DETAILS[status])[0]


class Client:
    """One raw connection to the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, piece: bytes) -> None:
        self.writer.write(piece)
        await self.writer.drain()

    async def reply(self, *, to: str = "GET") -> Reply:
        async with asyncio.timeout(DEADLINE_SECONDS):
            lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:-2])}
            length = 0 if to == "HEAD" else int(headers.get("content-length", "0"))
            version, status = lines[0].split(" ")[:2]
            return Reply(version, int(status), headers, await self.reader.readexactly(length))

    async def rest(self) -> bytes:
        """Everything up to the end. A reset is an end too: nothing comes after it."""
        rest = b""
        with contextlib.suppress(ConnectionResetError):
            async with asyncio.timeout(DEADLINE_SECONDS):
                while piece := await self.reader.read(2**16):
                    rest += piece
        return rest

    async def ask(self, request: bytes, *, to: str = "GET") -> Reply:
        await self.send(request)
        return await self.reply(to=to)

    @asynccontextmanager
    async def dripping(self, piece: bytes) -> AsyncIterator[None]:
        """Send small pieces, steadily, for as long as anybody takes them."""

        async def drip() -> None:
            with contextlib.suppress(ConnectionError):
                while True:
                    await self.send(piece)
                    await asyncio.sleep(SHORT_SECONDS / 10)  # the pace of the drip; nothing is expected after it

        drops = asyncio.create_task(drip())
        try:
            yield
        finally:
            drops.cancel()
            await asyncio.wait([drops])


class DoorWithBell(Door):
    """The door as it is, and a bell that tells a test that someone has come or left."""

    def __init__(self, *settings: Any) -> None:
        super().__init__(*settings)
        self.entries = 0
        self.left = asyncio.Event()

    def enter(self, group: str | None) -> bool:
        self.entries += 1
        return super().enter(group)

    def leave(self, group: str | None) -> None:
        super().leave(group)
        self.left.set()


@dataclass
class House:
    """A running server, its clients, and what its handlers tell and are told."""

    runner: GuardedRunner
    clients: AsyncExitStack
    port: int = 0
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    writer_lost: asyncio.Event = field(default_factory=asyncio.Event)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def server(self) -> GuardedServer:
        server = self.runner.server
        assert server is not None
        return server

    async def connect(self, *, source: str = "127.0.0.1", receive_buffer: int | None = None) -> Client:
        sock = socket.socket()
        sock.setblocking(False)
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.bind((source, 0))
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
        reader, writer = await asyncio.open_connection(sock=sock)
        self.clients.callback(writer.close)
        return Client(reader, writer)

    async def until_someone_left(self) -> None:
        assert isinstance(self.server.door, DoorWithBell)
        async with asyncio.timeout(DEADLINE_SECONDS):
            await self.server.door.left.wait()

    async def until_stopping(self) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await self.stopping.wait()

    async def until_entered(self) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await self.entered.wait()

    async def until_all_is_received(self) -> None:
        """The sockets are served in turn: once a later request is answered, what was sent before has been seen."""
        assert (await (await self.connect()).ask(GET)).status == 200

    async def let_header_limit_pass(self) -> None:
        clock = await self.connect()
        (await clock.ask(UNFINISHED)).assert_problem(408)

    async def let_body_limit_pass(self) -> None:
        clock = await self.connect()
        (await clock.ask(POST + b"Content-Length: 9\r\n\r\n")).assert_problem(408)

    async def let_idle_limit_pass(self) -> None:
        clock = await self.connect()
        assert (await clock.ask(GET)).status == 200
        assert await clock.rest() == b""


HOUSE = web.AppKey("house", House)


async def echo(request: web.Request) -> web.Response:
    request.app[HOUSE].entered.set()
    return web.Response(body=await request.read())


async def ignore_body(request: web.Request) -> web.Response:
    return web.Response(text="not read")


async def wait(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    house.entered.set()
    await house.release.wait()
    return web.Response(body=b"waited " + (await request.content.readany())[:4])


async def stream_until_lost(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    try:
        for _ in range(LARGE_REPLY_BYTES // 2**16):
            await response.write(bytes(2**16))
    except ConnectionError:
        request.app[HOUSE].writer_lost.set()
        raise
    return response


async def large(request: web.Request) -> web.Response:
    return web.Response(body=bytes(LARGE_REPLY_BYTES))


async def large_in_buffer(request: web.Request) -> web.Response:
    """The reply is out of the handler's hands at once: all that is not taken lies in the transport."""
    assert request.transport is not None
    request.transport.set_write_buffer_limits(high=2 * LARGE_REPLY_BYTES)
    return web.Response(body=bytes(LARGE_REPLY_BYTES))


async def events(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"first event")
    return response


async def hold(request: web.Request) -> web.Response:
    """Like `wait`, but never looks at the body."""
    house = request.app[HOUSE]
    house.entered.set()
    await house.release.wait()
    return web.Response(text="held")


async def instant(request: web.Request) -> web.Response:
    return web.Response(text="instant")


class LastWord(web.Response):
    """Begins the drain when it is written, before the connection waits for another request."""

    def __init__(self, house: House) -> None:
        super().__init__(text="last word")
        self.house = house

    async def write_eof(self, data: bytes = b"") -> None:
        await super().write_eof(data)
        self.house.runner.drain()


async def last(request: web.Request) -> web.Response:
    return LastWord(request.app[HOUSE])


async def fail_late(request: web.Request) -> web.StreamResponse:
    await events(request)
    raise ValueError(SECRET)


async def fail(request: web.Request) -> web.Response:
    raise ValueError(SECRET)


async def time_out(request: web.Request) -> web.Response:
    raise TimeoutError(SECRET)


ROUTES = {
    "/echo": echo,
    "/ignore": ignore_body,
    "/wait": wait,
    "/stream": stream_until_lost,
    "/large": large,
    "/large-in-buffer": large_in_buffer,
    "/events": events,
    "/hold": hold,
    "/instant": instant,
    "/last": last,
    "/fail": fail,
    "/fail-late": fail_late,
    "/time-out": time_out,
}


async def note_shutdown(app: web.Application) -> None:
    app[HOUSE].stopping.set()


def make_app() -> web.Application:
    app = web.Application()
    app.on_shutdown.append(note_shutdown)
    for path, handler in ROUTES.items():
        app.router.add_route("*", path, handler)
    return app


@asynccontextmanager
async def running(limits: ConnectionLimits, **settings: Any) -> AsyncIterator[House]:
    app = make_app()
    settings = {"shutdown_timeout": 1, **settings}
    runner = GuardedRunner(app, limits=limits, problem=render_problem, access_log=None, **settings)
    async with AsyncExitStack() as clients:
        house = House(runner, clients)
        app[HOUSE] = house
        await runner.setup()
        try:
            house.server.door = DoorWithBell(limits, settings.get("trusted_proxies", ()))
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            house.port = site.port
            yield house
        finally:
            house.release.set()
            await clients.aclose()  # the server waits a moment for clients who have not seen the end yet
            await runner.cleanup()


Start = Callable[..., Awaitable[House]]


INSTANT = b"GET /instant HTTP/1.1\r\n" + HOST + b"\r\n"


def instantly(message: RawRequestMessage, peername: object) -> bytes | None:
    """As the hatch does: one page is in memory, everything else is the application's."""
    if message.method != "GET" or message.path != "/instant":
        return None
    return b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\ninstant"


@pytest.fixture(params=[None, instantly], ids=["alone", "behind a hatch"])
async def start(request: pytest.FixtureRequest) -> AsyncIterator[Start]:
    async with AsyncExitStack() as houses:

        async def start_one(limits: ConnectionLimits = PATIENT, **settings: Any) -> House:
            return await houses.enter_async_context(running(limits, **{"first": request.param, **settings}))

        yield start_one


# --- Requests that come slowly ----------------------------------------------------------------------------------------


async def test_headers_that_drip_get_408_and_the_connection_is_closed(start: Start) -> None:
    client = await (await start(replace(PATIENT, header_seconds=SHORT_SECONDS))).connect()
    await client.send(UNFINISHED)
    async with client.dripping(b"a"):
        (await client.reply()).assert_problem(408)
        assert await client.rest() == b""


async def test_headers_of_a_later_request_have_the_same_limit(start: Start) -> None:
    client = await (await start(replace(PATIENT, header_seconds=SHORT_SECONDS))).connect()
    assert (await client.ask(GET)).status == 200
    await client.send(UNFINISHED)
    async with client.dripping(b"a"):
        (await client.reply()).assert_problem(408)
        assert await client.rest() == b""


async def test_the_limit_for_headers_counts_from_the_first_byte_of_a_request(start: Start) -> None:
    house = await start(replace(PATIENT, header_seconds=SHORT_SECONDS))
    client = await house.connect()
    assert (await client.ask(GET)).status == 200
    await house.let_header_limit_pass()
    assert (await client.ask(GET)).status == 200


async def test_a_piece_of_the_next_request_in_the_same_segment_starts_its_clock(start: Start) -> None:
    client = await (await start(replace(PATIENT, header_seconds=SHORT_SECONDS))).connect()
    assert (await client.ask(GET + UNFINISHED)).status == 200
    (await client.reply()).assert_problem(408)
    assert await client.rest() == b""


async def test_408_for_a_second_request_waits_for_the_reply_to_the_first(start: Start) -> None:
    house = await start(replace(PATIENT, header_seconds=SHORT_SECONDS))
    client = await house.connect()
    await client.send(WAIT + UNFINISHED)
    await house.until_entered()
    await house.let_header_limit_pass()
    await client.send(b"\r\n" + HOST + b"\r\n" + GET)
    await house.until_all_is_received()
    assert [len(connection._messages) for connection in house.server.connections if connection._messages] == [1]
    house.release.set()
    assert (await client.reply()).status == 200
    (await client.reply()).assert_problem(408)
    assert await client.rest() == b""


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (POST + b"Content-Length: 60000\r\n\r\n", b"a"),
        (CHUNKED, b"1\r\na\r\n"),
        (CHUNKED + b"ffff\r\n", b"a"),
        (CHUNKED + b"0\r\nX-Trailer: ", b"a"),
        (POST + b"Expect: 100-continue\r\nContent-Length: 60000\r\n\r\nHTTP/1.1", b"a"),
    ],
    ids=["length", "chunks", "one chunk", "trailer", "expect"],
)
async def test_a_body_that_drips_gets_408_and_the_connection_is_closed(start: Start, head: bytes, drop: bytes) -> None:
    client = await (await start(replace(PATIENT, body_seconds=SHORT_SECONDS))).connect()
    await client.send(head)
    async with client.dripping(drop):
        reply = await client.reply()
        if reply.status == 100:
            reply = await client.reply()
        reply.assert_problem(408)
        assert await client.rest() == b""


async def test_a_body_has_its_own_limit_behind_slow_headers(start: Start) -> None:
    house = await start(replace(PATIENT, header_seconds=SHORT_SECONDS))
    client = await house.connect()
    await client.send(POST + b"Content-Length: 4\r\n\r\nab")
    await house.let_header_limit_pass()
    assert (await client.ask(b"cd")).body == b"abcd"


async def test_the_limit_for_a_body_ends_with_the_body(start: Start) -> None:
    house = await start(replace(PATIENT, body_seconds=1.0))
    client = await house.connect()
    await client.send(b"POST /wait HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\n\r\nab")
    await house.until_entered()
    await client.send(b"cd")
    await house.let_body_limit_pass()
    house.release.set()
    assert (await client.reply()).status == 200
    assert (await client.ask(GET)).status == 200


async def test_a_body_that_nobody_reads_is_not_awaited_for_longer(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    client = await (await start(replace(PATIENT, body_seconds=SHORT_SECONDS))).connect()
    reply = await client.ask(b"POST /ignore HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\n\r\n")
    assert reply.body == b"not read"
    assert await client.rest() == b""
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_body_that_is_whole_leaves_the_next_headers_their_own_limit(start: Start) -> None:
    house = await start(replace(PATIENT, header_seconds=SHORT_SECONDS))
    client = await house.connect()
    await client.send(POST + b"Content-Length: 4\r\n\r\nab")
    await house.until_entered()
    assert (await client.ask(b"cd")).body == b"abcd"
    (await client.ask(UNFINISHED)).assert_problem(408)


async def test_a_late_body_that_the_handler_ignores_closes_the_connection_behind_its_reply(start: Start) -> None:
    house = await start(replace(PATIENT, body_seconds=SHORT_SECONDS))
    client = await house.connect()
    await client.send(b"POST /hold HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\n\r\n")
    await house.until_entered()
    await house.let_body_limit_pass()
    house.release.set()
    reply = await client.reply()
    assert (reply.body, reply.headers["connection"]) == (b"held", "close")
    assert await client.rest() == b""


async def test_a_client_is_not_blamed_while_the_server_does_not_read(start: Start) -> None:
    house = await start(replace(PATIENT, body_seconds=SHORT_SECONDS))
    client = await house.connect()
    await client.send(b"POST /wait HTTP/1.1\r\n" + HOST + b"Content-Length: 67108864\r\n\r\n")
    sending = asyncio.create_task(client.send(bytes(67108864)))  # more than all buffers on the way can hold
    await house.until_entered()
    await house.let_body_limit_pass()
    house.release.set()
    reply = await client.reply()
    sending.cancel()
    await asyncio.wait([sending])
    assert (reply.status, reply.body) == (200, b"waited " + bytes(4))


async def test_a_body_behind_a_declined_upgrade_has_a_limit(start: Start) -> None:
    """aiohttp reads on behind such a request by another way than for all others."""
    limits = replace(PATIENT, body_seconds=SHORT_SECONDS, keepalive_seconds=SHORT_SECONDS)
    client = await (await start(limits)).connect()
    upgrade = b"GET /echo HTTP/1.1\r\n" + HOST + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    assert (await client.ask(upgrade + POST + b"Content-Length: 9\r\n\r\n")).status == 200
    (await client.reply()).assert_problem(408)
    assert await client.rest() == b""


# --- Idle connections -------------------------------------------------------------------------------------------------


async def test_an_idle_connection_is_closed_without_a_word(start: Start) -> None:
    client = await (await start(replace(PATIENT, keepalive_seconds=SHORT_SECONDS))).connect()
    assert (await client.ask(GET)).status == 200
    assert await client.rest() == b""


async def test_a_connection_that_never_asks_is_closed_without_a_word(start: Start) -> None:
    client = await (await start(replace(PATIENT, header_seconds=SHORT_SECONDS))).connect()
    assert await client.rest() == b""


async def test_blank_lines_do_not_keep_a_connection_open(start: Start) -> None:
    client = await (await start(replace(PATIENT, header_seconds=SHORT_SECONDS))).connect()
    async with client.dripping(b"\r\n"):
        assert await client.rest() == b""


async def test_a_connection_is_not_idle_while_its_request_is_in_hand(start: Start) -> None:
    house = await start(replace(PATIENT, keepalive_seconds=SHORT_SECONDS))
    client = await house.connect()
    await client.send(WAIT)
    await house.until_entered()
    await house.let_idle_limit_pass()
    house.release.set()
    assert (await client.reply()).status == 200
    assert await client.rest() == b""


async def test_a_connection_becomes_idle_behind_a_slow_request_too(start: Start) -> None:
    house = await start(replace(PATIENT, keepalive_seconds=SHORT_SECONDS))
    client = await house.connect()
    await client.send(UNFINISHED)
    await house.let_idle_limit_pass()
    assert (await client.ask(b"\r\n" + HOST + b"\r\n")).status == 200
    assert await client.rest() == b""


async def test_requests_leave_the_timer_alone(start: Start) -> None:
    house = await start()
    client = await house.connect()
    await client.ask(GET)
    (connection,) = house.server.connections
    timer = connection._keepalive_handle
    assert timer is not None
    for _ in range(3):
        await client.ask(GET)
        await client.ask(POST + b"Content-Length: 2\r\n\r\nab")
        await client.send(UNFINISHED)
        await house.until_all_is_received()
        await client.ask(b"\r\n" + HOST + b"\r\n")
        assert connection._keepalive_handle is timer


# --- Replies that are not taken ---------------------------------------------------------------------------------------


async def test_a_reader_who_takes_nothing_is_cut_while_the_reply_is_written(start: Start) -> None:
    house = await start(replace(PATIENT, write_seconds=SHORT_SECONDS))
    client = await house.connect(receive_buffer=4096)
    await client.send(b"GET /stream HTTP/1.1\r\n" + HOST + b"\r\n")
    async with asyncio.timeout(DEADLINE_SECONDS):
        await house.writer_lost.wait()
    assert len(await client.rest()) < LARGE_REPLY_BYTES


@pytest.mark.parametrize("path", [b"/large", b"/large-in-buffer"])
@pytest.mark.parametrize("connection", [b"close", b"keep-alive"])
async def test_a_reader_who_takes_nothing_is_cut(start: Start, path: bytes, connection: bytes) -> None:
    limits = replace(PATIENT, write_seconds=SHORT_SECONDS, keepalive_seconds=SHORT_SECONDS)
    house = await start(limits)
    client = await house.connect(receive_buffer=4096)
    await client.send(b"GET " + path + b" HTTP/1.1\r\nConnection: " + connection + b"\r\n" + HOST + b"\r\n")
    await house.until_someone_left()
    rest = await client.rest()
    assert rest.startswith(b"HTTP/1.1 200")
    assert len(rest) < LARGE_REPLY_BYTES


@pytest.mark.slow
async def test_a_slow_reader_who_goes_on_reading_is_not_cut(start: Start) -> None:
    house = await start(replace(PATIENT, write_seconds=2.0, header_seconds=0.5))
    client = await house.connect()
    await client.send(b"GET /large HTTP/1.1\r\nConnection: close\r\n" + HOST + b"\r\n")
    taken = 0
    for _ in range(5):
        taken += len(await client.reader.readexactly(2**22))
        await house.let_header_limit_pass()
    assert taken + len(await client.rest()) > LARGE_REPLY_BYTES


async def test_a_reader_who_takes_the_reply_gets_all_of_it(start: Start) -> None:
    house = await start()
    client = await house.connect()
    assert len((await client.ask(b"GET /large HTTP/1.1\r\n" + HOST + b"\r\n")).body) == LARGE_REPLY_BYTES
    (connection,) = house.server.connections
    assert isinstance(connection, GuardedConnection)
    assert connection._stalled_since is None


# --- Too many connections ---------------------------------------------------------------------------------------------


async def assert_turned_away(client: Client) -> None:
    reply = await client.reply()
    reply.assert_problem(503)
    assert int(reply.headers["retry-after"]) > 0
    assert await client.rest() == b""


async def test_connections_are_capped_in_total(start: Start) -> None:
    house = await start(replace(PATIENT, max_connections=2))
    first, second = await house.connect(source="127.0.0.1"), await house.connect(source="127.0.0.2")
    assert ((await first.ask(GET)).status, (await second.ask(GET)).status) == (200, 200)
    await assert_turned_away(await house.connect(source="127.0.0.3"))
    assert (house.server.door.open, house.server.door.refused) == (2, 1)

    first.writer.close()
    await house.until_someone_left()
    assert (await (await house.connect()).ask(GET)).status == 200


async def test_connections_are_capped_per_address(start: Start) -> None:
    house = await start(replace(PATIENT, max_connections_per_address=1))
    assert (await (await house.connect(source="127.0.0.1")).ask(GET)).status == 200
    await assert_turned_away(await house.connect(source="127.0.0.1"))
    assert (await (await house.connect(source="127.0.0.2")).ask(GET)).status == 200


async def test_one_who_is_turned_away_and_asks_nevertheless_gets_no_second_answer(start: Start) -> None:
    house = await start(replace(PATIENT, max_connections_per_address=1))
    assert (await (await house.connect()).ask(GET)).status == 200
    client = await house.connect()
    with contextlib.suppress(ConnectionError):
        await client.send(GET * 3)
    assert (await client.rest()).count(b"HTTP/1.1") <= 1


async def test_trusted_proxies_are_not_capped_per_address(start: Start) -> None:
    limits = replace(PATIENT, max_connections=3, max_connections_per_address=1)
    house = await start(limits, trusted_proxies=[ip_network("127.0.0.1/32")])
    for _ in range(3):
        assert (await (await house.connect()).ask(GET)).status == 200
    await assert_turned_away(await house.connect())


@pytest.mark.parametrize(
    ("host", "group"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3:3:4:5:6", "2001:db8:1:3::/64"),
        ("::1", "::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
    ],
)
def test_an_ipv4_address_and_an_ipv6_network_of_64_bits_are_one_client(host: str, group: str) -> None:
    assert address_group(host) == group


def test_a_host_name_is_in_no_group() -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        address_group("blog.example")


def test_neighbours_in_one_64_share_a_cap_and_give_their_place_back() -> None:
    trusted = [ip_network("2001:db8:f::/48"), ip_network("192.0.2.0/24")]
    door = Door(ConnectionLimits(max_connections_per_address=2), trusted)
    one, two, other = (door.group_of((host, 5000, 0, 0)) for host in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"))
    assert [door.enter(one), door.enter(two), door.enter(one), door.enter(other)] == [True, True, False, True]
    door.leave(two)
    assert [door.enter(one), door.enter(two)] == [True, False]
    assert (door.open, door.refused) == (3, 2)
    for group in (one, one, other):
        door.leave(group)
    assert door.open == len(door._open_by_group) == 0


@pytest.mark.parametrize("peername", ["", None, ("2001:db8:f::1", 5000, 0, 0), ("::ffff:192.0.2.1", 5000, 0, 0)])
def test_sockets_without_address_and_trusted_proxies_are_in_no_group(peername: object) -> None:
    door = Door(ConnectionLimits(), [ip_network("2001:db8:f::/48"), ip_network("192.0.2.0/24")])
    assert door.group_of(peername) is None


# --- What is not HTTP -------------------------------------------------------------------------------------------------

X_SECRET = b"X-Note: " + SECRET + b"\r\n"

MALFORMED = {
    # Request lines
    "no HTTP at all": SECRET + b" there\r\n\r\n",
    "NUL bytes": b"\0\0\0\0\0\0\0\0",
    "TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32),
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "unknown method": b"FOO /echo HTTP/1.1\r\n" + HOST + b"\r\n",
    "method in small letters": b"get /echo HTTP/1.1\r\n" + HOST + b"\r\n",
    "no version": b"GET /echo\r\n\r\n",
    "version 0.9": b"GET /echo HTTP/0.9\r\n" + HOST + b"\r\n",
    "version 1.2": b"GET /echo HTTP/1.2\r\n" + HOST + b"\r\n",
    "version 2.0": b"GET /echo HTTP/2.0\r\n" + HOST + b"\r\n",
    "version in letters": b"GET /echo HTTP/x.y\r\n" + HOST + b"\r\n",
    "other protocol": b"GET /echo HTTQ/1.1\r\n" + HOST + b"\r\n",
    "space in target": b"GET /echo " + SECRET + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "control character in target": b"GET /echo\x01 HTTP/1.1\r\n" + HOST + b"\r\n",
    "byte above 127 in target": b"GET /\xff HTTP/1.1\r\n" + HOST + b"\r\n",
    "relative target": b"GET echo HTTP/1.1\r\n" + HOST + b"\r\n",
    "star for another method than OPTIONS": b"GET * HTTP/1.1\r\n" + HOST + b"\r\n",
    "absolute target without host": b"GET http:///" + SECRET + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "absolute target with bad port": b"GET http://" + SECRET + b":99999/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "lines end in LF": b"GET /echo HTTP/1.1\nHost: blog.example\n\n",
    # Headers
    "no Host": b"GET /echo HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET /echo HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
    "one line ends in LF": b"GET /echo HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
    "folded header": b"GET /echo HTTP/1.1\r\n" + HOST + X_SECRET + b" more\r\n\r\n",
    "space before the first header": b"GET /echo HTTP/1.1\r\n X-A: b\r\n" + HOST + b"\r\n",
    "space in header name": b"GET /echo HTTP/1.1\r\n" + HOST + b"X A: " + SECRET + b"\r\n\r\n",
    "space before colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "header without colon": b"GET /echo HTTP/1.1\r\n" + HOST + SECRET + b"\r\n\r\n",
    "header without name": b"GET /echo HTTP/1.1\r\n" + HOST + b": b\r\n\r\n",
    "byte above 127 in header name": b"GET /echo HTTP/1.1\r\n" + HOST + b"X-\xc3\xa9: b\r\n\r\n",
    "NUL in header": b"GET /echo HTTP/1.1\r\n" + HOST + b"X-A: " + SECRET + b"\0\r\n\r\n",
    "control character in header": b"GET /echo HTTP/1.1\r\n" + HOST + b"X-A: a\x01b\r\n\r\n",
    "CR in header": b"GET /echo HTTP/1.1\r\n" + HOST + b"X-A: a\rb\r\n\r\n",
    # Two opinions on where the body ends (request smuggling)
    "length and chunked": POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "empty coding and length": POST + b"Transfer-Encoding:\r\nContent-Length: 4\r\n\r\nabcd",
    "same length twice": POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
    "two lengths": POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\na",
    "list of lengths": POST + b"Content-Length: 1, 1\r\n\r\na",
    "length with sign": POST + b"Content-Length: +1\r\n\r\na",
    "negative length": POST + b"Content-Length: -1\r\n\r\na",
    "hexadecimal length": POST + b"Content-Length: 0x1\r\n\r\na",
    "length with underscore": POST + b"Content-Length: 1_0\r\n\r\naaaaaaaaaa",
    "empty length": POST + b"Content-Length: \r\n\r\n",
    "length over 64 bits": POST + b"Content-Length: 99999999999999999999999\r\n\r\na",
    "chunked is not the last coding": POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "another coding before chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": b"POST /echo HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding without chunked": POST + b"Transfer-Encoding: gzip\r\n\r\n",
    "chunked in disguise": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked behind vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "chunked twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "identity": POST + b"Transfer-Encoding: identity\r\n\r\n",
}

MALFORMED_CHUNKS = {
    "chunk size in no digits": b"zz\r\nabc\r\n0\r\n\r\n",
    "negative chunk size": b"-1\r\nabc\r\n0\r\n\r\n",
    "chunk size with prefix": b"0x3\r\nabc\r\n0\r\n\r\n",
    "chunk size over 64 bits": b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "no chunk size": b"\r\nabc\r\n0\r\n\r\n",
    "space behind chunk size": b"3 \r\nabc\r\n0\r\n\r\n",
    "chunk longer than its size": b"3\r\nabcd\r\n0\r\n\r\n",
    "chunk lines end in LF": b"3\nabc\n0\n\n",
    "NUL in chunk extension": b"3;" + SECRET + b"\0\r\nabc\r\n0\r\n\r\n",
    "malformed trailer": b"0\r\nX A: " + SECRET + b"\r\n\r\n",
    "length in trailer": b"0\r\nContent-Length: 3\r\n\r\n",
}


async def assert_refused(client: Client, status: int) -> None:
    reply = await client.reply()
    reply.assert_problem(status)
    assert SECRET not in reply.body
    assert await client.rest() == b""


@pytest.mark.parametrize("request_bytes", [*MALFORMED.values()], ids=[*MALFORMED])
async def test_malformed_http_gets_400_and_the_connection_is_closed(
    start: Start, request_bytes: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = await (await start()).connect()
    await client.send(request_bytes)
    await assert_refused(client, 400)
    assert SECRET.decode() not in caplog.text


@pytest.mark.parametrize("body", [*MALFORMED_CHUNKS.values()], ids=[*MALFORMED_CHUNKS])
async def test_malformed_chunks_get_400_and_the_connection_is_closed(start: Start, body: bytes) -> None:
    client = await (await start()).connect()
    await client.send(CHUNKED + body)
    await assert_refused(client, 400)


@pytest.mark.parametrize("body", [*MALFORMED_CHUNKS.values()], ids=[*MALFORMED_CHUNKS])
async def test_a_handler_that_waits_for_a_malformed_body_does_not_hang(start: Start, body: bytes) -> None:
    house = await start()
    client = await house.connect()
    await client.send(CHUNKED)
    await house.until_entered()
    await client.send(body)
    await assert_refused(client, 400)


async def test_a_malformed_body_that_nobody_reads_closes_the_connection(start: Start) -> None:
    client = await (await start()).connect()
    head = b"POST /ignore HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    assert (await client.ask(head)).body == b"not read"
    await client.send(b"zz\r\n")
    assert await client.rest() == b""


async def test_a_malformed_body_that_the_handler_ignores_closes_the_connection_behind_its_reply(start: Start) -> None:
    house = await start()
    client = await house.connect()
    await client.send(b"POST /hold HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n")
    await house.until_entered()
    await client.send(b"zz\r\n")
    await house.until_all_is_received()
    house.release.set()
    reply = await client.reply()
    assert (reply.body, reply.headers["connection"]) == (b"held", "close")
    assert await client.rest() == b""


async def test_malformed_http_behind_a_request_in_hand_is_answered_after_it(start: Start) -> None:
    house = await start()
    client = await house.connect()
    await client.send(WAIT)
    await house.until_entered()
    await client.send(b"BAD\r\n\r\n" + GET)
    await client.send(GET)
    house.release.set()
    assert (await client.reply()).status == 200
    await assert_refused(client, 400)


LONG = b"a" * 9000
LONG_TARGET = b"a" * 25_000
MANY_HEADERS = b"".join(b"X-%d: %s\r\n" % (n, b"a" * 1000) for n in range(40))


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /" + LONG_TARGET + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /echo HTTP/1.1\r\n" + HOST + b"X-A: " + LONG + b"\r\n\r\n",
        b"GET /echo HTTP/1.1\r\n" + HOST + LONG + b": a\r\n\r\n",
        b"GET /echo HTTP/1.1\r\n" + HOST + MANY_HEADERS + b"\r\n",
        b"GET /echo HTTP/1.1\r\n" + HOST + MANY_HEADERS,
        b"GET /echo HTTP/1.1\r\n" + HOST + b"".join(b"X-%d: a\r\n" % n for n in range(101)) + b"\r\n",
    ],
    ids=["target", "value", "name", "all together", "all together, unfinished", "too many"],
)
async def test_headers_that_are_too_long_get_431(start: Start, request_bytes: bytes) -> None:
    client = await (await start()).connect()
    await client.send(request_bytes)
    await assert_refused(client, 431)


SOME_HEADERS = b"".join(b"X-%d: %s\r\n" % (n, b"a" * 1000) for n in range(20))


async def test_headers_in_pieces_are_counted_together(start: Start) -> None:
    house = await start()
    client = await house.connect()
    await client.send(b"GET /echo HTTP/1.1\r\n" + HOST + SOME_HEADERS)
    await house.until_all_is_received()
    await client.send(SOME_HEADERS + b"\r\n")
    await assert_refused(client, 431)


async def test_headers_of_one_request_do_not_count_for_the_next(start: Start) -> None:
    house = await start()
    client = await house.connect()
    for _ in range(2):
        await client.send(b"GET /echo HTTP/1.1\r\n" + HOST + SOME_HEADERS)
        await house.until_all_is_received()
        assert (await client.ask(b"\r\n")).status == 200


async def test_a_long_body_in_one_piece_with_its_headers_is_not_taken_for_headers(start: Start) -> None:
    client = await (await start()).connect()
    body = bytes(60_000)
    assert (await client.ask(POST + b"Content-Length: 60000\r\n\r\n" + body)).body == body


@pytest.mark.parametrize(
    "framing",
    [b"Content-Length: 65537\r\n", b"Transfer-Encoding: chunked\r\n", b"Content-Length: 9\r\nExpect: 100-continue\r\n"],
    ids=["long", "of unknown length", "not sent yet"],
)
async def test_a_body_that_nobody_reads_may_end_the_connection(start: Start, framing: bytes) -> None:
    """The client sees the end behind the reply, while what it still sends is taken, lest a reset overtake the reply."""
    house = await start()
    client = await house.connect()
    reply = await client.ask(b"POST /ignore HTTP/1.1\r\n" + HOST + framing + b"\r\n")
    if b"100-continue" in framing:
        assert reply.status == 100
        reply = await client.reply()
    assert (reply.status, reply.body, reply.headers["connection"]) == (200, b"not read", "close")
    assert await client.rest() == b""
    await client.send(b"a" if b"Length" in framing else b"1\r\na\r\n")
    await house.until_all_is_received()
    assert house.server.door.open == 2  # and who was just answered
    client.writer.close()
    await house.until_someone_left()


async def test_a_short_body_that_nobody_reads_leaves_the_connection_open(start: Start) -> None:
    client = await (await start()).connect()
    body = b"a" * 1000
    reply = await client.ask(b"POST /ignore HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(body))
    assert (reply.body, "connection" in reply.headers) == (b"not read", False)
    assert (await client.ask(body + GET)).status == 200


async def test_an_unknown_expectation_is_not_quoted(start: Start) -> None:
    client = await (await start()).connect()
    (await client.ask(POST + b"Expect: " + SECRET + b"\r\n\r\n")).assert_problem(400)


@pytest.mark.parametrize("path", [b"/fail", b"/time-out"])
async def test_an_exception_that_escapes_is_a_500_that_says_nothing(start: Start, path: bytes) -> None:
    client = await (await start()).connect()
    await client.send(b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"\r\n")
    await assert_refused(client, 500)


async def test_an_exception_in_the_middle_of_a_reply_cuts_it(start: Start) -> None:
    client = await (await start()).connect()
    assert (await client.ask(b"GET /fail-late HTTP/1.1\r\n" + HOST + b"\r\n")).status == 200
    assert await client.rest() == b"b\r\nfirst event\r\n"


async def test_a_client_that_goes_away_is_not_an_error(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    house = await start()
    client = await house.connect()
    await client.send(POST + b"Content-Length: 9\r\n\r\nab")
    await house.until_entered()
    client.writer.close()
    await house.until_someone_left()
    await house.runner.cleanup()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET /health/live HTTP/1.1", 200),
        (b"HEAD /health/live HTTP/1.1", 200),
        (b"GET /v1/sites/none/posts/none/comments HTTP/1.1", 404),
        (b"OPTIONS /health/live HTTP/1.1", 204),
        (b"DELETE /health/live HTTP/1.1", 405),
        (b"GET /nowhere HTTP/1.1", 404),
        (b"GET /metrics HTTP/1.1", 200),
        (b"GET /health/live HTTP/1.1\r\nExpect: " + SECRET, 400),
        (b"GET /health/live HTTP/2.0", 400),
        (b"GET /" + LONG_TARGET + b" HTTP/1.1", 431),
        (b"no HTTP", 400),
    ],
)
async def test_no_reply_of_the_service_names_what_it_is_made_of(
    gatepost: Gatepost, request_line: bytes, status: int
) -> None:
    address = URL(gatepost.running.address)
    client = Client(*await asyncio.open_connection(address.host, address.port))
    await client.send(request_line + b"\r\n" + HOST + b"Connection: close\r\n\r\n")
    head = (await client.rest()).partition(b"\r\n\r\n")[0].decode()
    client.writer.close()
    assert int(head.split(" ")[1]) == status
    assert re.findall("(?im)^server: (.*?)\r?$", head) == ["Gatepost"]
    assert not re.search("python|aiohttp", head, re.IGNORECASE)


# --- A client that says nothing more, and waits ----------------------------------------------------------------------


@pytest.mark.parametrize("more", [[], [GET], [INSTANT, GET]], ids=["one", "two", "three"])
async def test_who_says_nothing_more_gets_what_they_asked_for(start: Start, more: list[bytes]) -> None:
    house = await start()
    client = await house.connect()
    await client.send(WAIT + b"".join(more))
    await house.until_entered()
    client.writer.write_eof()
    await house.until_all_is_received()
    house.release.set()
    replies = [await client.reply() for _ in range(1 + len(more))]
    assert [reply.status for reply in replies] == [200] * len(replies)
    assert ["connection" in reply.headers for reply in replies] == [False] * len(more) + [True]
    assert await client.rest() == b""


@pytest.mark.parametrize("path", [b"/echo", b"/instant", b"/large"])
async def test_who_says_nothing_more_with_the_request_gets_all_of_the_reply(start: Start, path: bytes) -> None:
    client = await (await start()).connect()
    client.writer.write(b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"\r\n")
    client.writer.write_eof()
    assert len((await client.reply()).body) == {b"/echo": 0, b"/instant": 7, b"/large": LARGE_REPLY_BYTES}[path]
    assert await client.rest() == b""


@pytest.mark.parametrize(
    "unfinished",
    [UNFINISHED, POST + b"Content-Length: 9\r\n\r\nab", CHUNKED + b"2\r\nab"],
    ids=["head", "body", "chunk"],
)
async def test_who_says_nothing_more_in_the_middle_of_a_request_gets_400(start: Start, unfinished: bytes) -> None:
    house = await start()
    client = await house.connect()
    await client.send(unfinished)
    await house.until_all_is_received()
    client.writer.write_eof()
    await assert_refused(client, 400)


@pytest.mark.parametrize("before", [b"", b"\r\n", GET, INSTANT])
async def test_who_says_nothing_more_and_waits_for_nothing_is_left_without_a_word(start: Start, before: bytes) -> None:
    house = await start()
    client = await house.connect()
    if before.strip():
        assert (await client.ask(before)).status == 200
    await house.until_all_is_received()
    client.writer.write_eof()
    assert await client.rest() == b""


# --- What goes on as before -------------------------------------------------------------------------------------------


async def test_pipelined_requests_are_answered_in_order(start: Start) -> None:
    client = await (await start()).connect()
    posts = [POST + b"Content-Length: %d\r\n\r\n%s" % (len(word), word) for word in (b"%d" % n for n in range(100))]
    await client.send(GET + b"".join(posts) + GET)
    bodies = [(await client.reply()).body for _ in range(102)]
    assert bodies == [b"", *(b"%d" % n for n in range(100)), b""]
    assert (await client.ask(GET)).status == 200


@pytest.mark.parametrize("cut", [0, 5, len(WAIT) - 1])
async def test_what_is_instant_waits_for_the_reply_before_it(start: Start, cut: int) -> None:
    house = await start(first=instantly)
    client = await house.connect()
    assert (await client.ask(INSTANT)).body == b"instant"
    await client.send(WAIT[:cut])
    await house.until_all_is_received()
    await client.send(WAIT[cut:])
    await house.until_entered()
    await client.send(INSTANT)
    await house.until_all_is_received()
    house.release.set()
    assert [(await client.reply()).body for _ in range(2)] == [b"waited ", b"instant"]
    assert (await client.ask(INSTANT)).body == b"instant"
    assert (await client.ask(GET)).status == 200


async def test_what_is_instant_waits_for_the_body_of_an_earlier_request(start: Start) -> None:
    house = await start(first=instantly)
    client = await house.connect()
    await client.send(b"POST /hold HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(INSTANT))
    await house.until_entered()
    house.release.set()
    assert (await client.reply()).body == b"held"
    await client.send(INSTANT)  # the body, which looks like a request
    await client.send(INSTANT)
    assert (await client.reply()).body == b"instant"
    await client.send(GET)
    assert (await client.reply()).body == b""


async def test_what_is_instant_keeps_its_order_between_slow_ones(start: Start) -> None:
    house = await start(first=instantly)
    house.release.set()
    client = await house.connect()
    for first in (GET, WAIT, POST + b"Content-Length: 0\r\n\r\n"):
        for gap in (b"", b"\r\n"):
            await client.send(first + gap + INSTANT + INSTANT + first)
            bodies = [(await client.reply()).body for _ in range(4)]
            assert bodies[1:3] == [b"instant", b"instant"]
            assert bodies[0] == bodies[3] != b"instant"


async def test_requests_may_come_in_any_pieces(start: Start) -> None:
    client = await (await start()).connect()
    for byte in POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\nd\r\n0\r\nX-Trailer: a\r\n\r\n" + GET:
        await client.send(bytes([byte]))
    assert (await client.reply()).body == b"abcd"
    assert (await client.reply()).body == b""


async def test_requests_behind_a_declined_upgrade_are_served(start: Start) -> None:
    house = await start(replace(PATIENT, header_seconds=SHORT_SECONDS))
    client = await house.connect()
    upgrade = HOST + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    await client.send(b"GET /wait HTTP/1.1\r\n" + upgrade + POST + b"Content-Length: 2\r\n\r\na")
    await house.until_entered()
    await client.send(b"b" + GET)
    await house.let_header_limit_pass()
    house.release.set()
    assert [(await client.reply()).body for _ in range(3)] == [b"waited ", b"ab", b""]
    await house.let_header_limit_pass()
    assert (await client.ask(GET)).status == 200


async def test_http_1_0_closes_unless_asked_to_keep_alive(start: Start) -> None:
    client = await (await start()).connect()
    kept = await client.ask(b"GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert (kept.version, kept.status, kept.headers["connection"]) == ("HTTP/1.0", 200, "keep-alive")
    assert (await client.ask(b"GET /echo HTTP/1.0\r\n\r\n")).status == 200
    assert await client.rest() == b""


async def test_head_has_headers_only(start: Start) -> None:
    client = await (await start()).connect()
    reply = await client.ask(b"HEAD /ignore HTTP/1.1\r\n" + HOST + b"\r\n", to="HEAD")
    assert (reply.status, reply.headers["content-length"]) == (200, "8")
    assert (await client.ask(GET)).status == 200


async def test_100_continue_comes_before_the_body(start: Start) -> None:
    client = await (await start()).connect()
    assert (await client.ask(POST + b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n")).status == 100
    assert (await client.ask(b"abcd")).body == b"abcd"


async def test_an_encoded_body_is_not_decoded(start: Start) -> None:
    client = await (await start()).connect()
    body = gzip.compress(bytes(10_000))
    head = POST + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert (await client.ask(head + body)).body == body


async def test_unix_sockets_are_served(tmp_path: Path) -> None:
    async with running(replace(PATIENT, max_connections_per_address=1)) as house:
        await web.UnixSite(house.runner, tmp_path / "guard").start()
        for _ in range(2):
            client = Client(*await asyncio.open_unix_connection(tmp_path / "guard"))
            house.clients.callback(client.writer.close)
            assert (await client.ask(GET)).status == 200


# --- Stopping ---------------------------------------------------------------------------------------------------------


async def test_draining_finishes_the_running_request_and_serves_one_more_on_idle_connections(start: Start) -> None:
    house = await start()
    idle, busy = await house.connect(), await house.connect()
    assert (await idle.ask(GET)).status == 200
    await busy.send(WAIT)
    await house.until_entered()

    house.runner.drain()
    for request in (INSTANT, GET):  # the second one is on a connection that is not kept
        reply = await (idle if request is INSTANT else await house.connect()).ask(request)
        assert (reply.status, reply.headers["connection"]) == (200, "close")
    assert await idle.rest() == b""
    house.release.set()
    reply = await busy.reply()
    assert (reply.status, reply.body, reply.headers["connection"]) == (200, b"waited ", "close")
    assert await busy.rest() == b""


async def test_draining_answers_all_that_was_sent_at_once(start: Start) -> None:
    house = await start()
    client = await house.connect()
    await client.send(WAIT)
    await house.until_entered()
    await client.send(INSTANT + GET)
    await house.until_all_is_received()
    house.runner.drain()
    house.release.set()
    replies = [await client.reply() for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 200, 200]
    assert ["connection" in reply.headers for reply in replies] == [False, False, True]
    assert await client.rest() == b""


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (b"", GET),
        (UNFINISHED, b"a\r\n" + HOST + b"\r\n"),
        (POST + b"Content-Length: 4\r\n\r\nab", b"cd"),
        (b"GET /events HTTP/1.1\r\n", HOST + b"\r\n"),
    ],
    ids=["new", "headers", "body", "stream"],
)
async def test_draining_reads_requests_that_are_on_their_way(start: Start, first: bytes, second: bytes) -> None:
    house = await start()
    client = await house.connect()
    await client.send(first)
    await house.until_all_is_received()

    house.runner.drain()
    reply = await client.ask(second)
    assert (reply.status, reply.headers["connection"]) == (200, "close")
    await client.rest()


async def test_draining_in_the_moment_after_a_reply_leaves_time_for_one_more(start: Start) -> None:
    client = await (await start()).connect()
    assert (await client.ask(b"GET /last HTTP/1.1\r\n" + HOST + b"\r\n")).status == 200
    reply = await client.ask(GET)
    assert (reply.status, reply.headers["connection"]) == (200, "close")
    assert await client.rest() == b""


@pytest.mark.parametrize("path", [b"/echo", b"/events"])
async def test_draining_still_serves_new_connections_once(start: Start, path: bytes) -> None:
    house = await start()
    house.runner.drain()
    house.runner.drain()
    client = await house.connect()
    reply = await client.ask(b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"\r\n")
    assert (reply.status, reply.headers["connection"]) == (200, "close")
    await client.rest()


async def test_cleanup_waits_for_the_running_request(start: Start) -> None:
    house = await start()
    client = await house.connect()
    await client.send(WAIT)
    await house.until_entered()
    house.runner.drain()
    cleanup = asyncio.create_task(house.runner.cleanup())
    house.release.set()
    assert (await client.reply()).status == 200
    await cleanup


@pytest.mark.parametrize("before", [b"", GET, INSTANT], ids=["first", "later", "behind an instant one"])
async def test_what_was_sent_before_the_end_is_answered(start: Start, before: bytes) -> None:
    """The drain time is over when the requests are in the kernel, and the loop has not read them."""
    house = await start(shutdown_timeout=NEVER_SECONDS)
    clients = [await house.connect() for _ in range(50)]
    for client in clients:
        if before:
            assert (await client.ask(before)).status == 200
    await house.until_all_is_received()
    house.runner.drain()
    for client in clients:
        client.writer.write(GET)  # sent in this very moment
    house.server.pre_shutdown()
    for client in clients:
        reply = await client.reply()
        assert (reply.status, reply.headers["connection"]) == (200, "close")
        assert await client.rest() == b""


async def test_what_is_sent_behind_the_end_meets_no_reset(start: Start) -> None:
    house = await start(replace(PATIENT, linger_seconds=NEVER_SECONDS), shutdown_timeout=NEVER_SECONDS)
    client = await house.connect()
    assert (await client.ask(GET)).status == 200
    cleanup = asyncio.create_task(house.runner.cleanup())
    assert await client.reader.read() == b""
    for _ in range(3):
        await client.send(GET)  # a reset would make the second one fail
        await asyncio.sleep(0)
    client.writer.close()
    async with asyncio.timeout(DEADLINE_SECONDS):
        await cleanup


async def test_who_sees_the_end_and_stays_is_left_behind(start: Start) -> None:
    house = await start(replace(PATIENT, linger_seconds=SHORT_SECONDS), shutdown_timeout=NEVER_SECONDS)
    client = await house.connect()
    assert (await client.ask(GET)).status == 200
    async with asyncio.timeout(DEADLINE_SECONDS):
        await house.runner.cleanup()
    assert await client.rest() == b""


async def test_who_goes_on_sending_gets_the_refusal_and_no_reset(start: Start) -> None:
    house = await start(replace(PATIENT, linger_seconds=NEVER_SECONDS))
    client = await house.connect()
    for piece in (b"BAD\r\n\r\n", GET, GET, GET):
        await client.send(piece)
        await house.until_all_is_received()
    await assert_refused(client, 400)
    client.writer.close()
    await house.until_someone_left()


@pytest.mark.parametrize("turns", range(5))
async def test_nobody_who_was_connected_before_the_end_is_reset(start: Start, turns: int) -> None:
    """Many at once: the loop has not accepted them all when the listener closes."""
    house = await start(shutdown_timeout=NEVER_SECONDS)
    door = house.server.door
    assert isinstance(door, DoorWithBell)
    with contextlib.ExitStack() as sockets:
        waiting = [sockets.enter_context(socket.create_connection(("127.0.0.1", house.port))) for _ in range(20)]
        for _ in range(turns):
            await asyncio.sleep(0)
        for sock in waiting:
            sock.sendall(GET)
        async with asyncio.timeout(DEADLINE_SECONDS):
            await house.runner.cleanup()
        for sock in waiting:
            sock.settimeout(DEADLINE_SECONDS)
            assert sock.recv(2**16).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("turns", range(10))
async def test_who_is_let_in_while_the_listener_closes_is_answered(start: Start, turns: int) -> None:
    """The listener closes so many turns of the loop after the request was sent. Nobody waits for the grace time."""
    house = await start(shutdown_timeout=NEVER_SECONDS)
    door = house.server.door
    assert isinstance(door, DoorWithBell)
    with socket.create_connection(("127.0.0.1", house.port)) as sock:  # the kernel connects; nothing is accepted yet
        sock.sendall(GET)
        for _ in range(turns):
            await asyncio.sleep(0)
        async with asyncio.timeout(DEADLINE_SECONDS):
            await house.runner.cleanup()
        sock.setblocking(False)
        client = Client(*await asyncio.open_connection(sock=sock))
        answer = await client.rest()
        client.writer.close()
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n") if door.entries else answer == b""


async def test_some_are_let_in_while_the_listener_closes(start: Start) -> None:
    """Else the test above would look at nobody."""
    house = await start()
    with socket.create_connection(("127.0.0.1", house.port)):
        for _ in range(10):
            await asyncio.sleep(0)
        assert house.server.door.open == 1


async def test_a_connection_made_after_the_end_gets_503(start: Start) -> None:
    house = await start()
    late = await asyncio.get_running_loop().create_server(house.server, "127.0.0.1", 0)
    house.port = late.sockets[0].getsockname()[1]
    await house.runner.cleanup()
    async with late:
        client = await house.connect()
        reply = await client.reply()
        reply.assert_problem(503)
        assert int(reply.headers["retry-after"]) > 0
        assert await client.rest() == b""


@pytest.mark.parametrize("drained", [False, True])
@pytest.mark.parametrize("sent", [b"", GET], ids=["new", "used"])
async def test_stopping_closes_quiet_connections_without_a_word(start: Start, sent: bytes, drained: bool) -> None:
    house = await start(shutdown_timeout=NEVER_SECONDS)
    client = await house.connect()
    if sent:
        assert (await client.ask(sent)).status == 200
    await house.until_all_is_received()
    if drained:
        house.runner.drain()
    async with asyncio.timeout(DEADLINE_SECONDS):
        await house.runner.cleanup()
    assert await client.rest() == b""


@pytest.mark.parametrize("before", [b"", GET], ids=["first", "later"])
async def test_stopping_tells_a_request_with_unfinished_headers(start: Start, before: bytes) -> None:
    house = await start(shutdown_timeout=NEVER_SECONDS)
    client = await house.connect()
    if before:
        assert (await client.ask(before)).status == 200
    await client.send(UNFINISHED)
    await house.until_all_is_received()
    async with asyncio.timeout(DEADLINE_SECONDS):
        await house.runner.cleanup()
    (await client.reply()).assert_problem(503)
    assert await client.rest() == b""


@pytest.mark.parametrize("drained", [False, True])
async def test_stopping_reads_the_body_of_a_request_in_hand(start: Start, drained: bool) -> None:
    house = await start(shutdown_timeout=NEVER_SECONDS)
    client = await house.connect()
    await client.send(POST + b"Content-Length: 4\r\n\r\nab")
    await house.until_entered()
    if drained:
        house.runner.drain()
    cleanup = asyncio.create_task(house.runner.cleanup())
    await house.until_stopping()
    reply = await client.ask(b"cd")
    assert (reply.status, reply.body, reply.headers["connection"]) == (200, b"abcd", "close")
    async with asyncio.timeout(DEADLINE_SECONDS):
        await cleanup
    assert await client.rest() == b""


async def test_stopping_reads_the_body_of_a_request_that_came_behind_a_skipped_one(start: Start) -> None:
    """That a body was skipped before says nothing about the one that a handler is reading now."""
    house = await start(shutdown_timeout=NEVER_SECONDS)
    client = await house.connect()
    assert (await client.ask(b"POST /ignore HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\n\r\nab")).status == 200
    await client.send(b"cd" + POST + b"Content-Length: 4\r\n\r\nab")
    await house.until_entered()
    cleanup = asyncio.create_task(house.runner.cleanup())
    await house.until_stopping()
    reply = await client.ask(b"cd")
    assert (reply.status, reply.body) == (200, b"abcd")
    async with asyncio.timeout(DEADLINE_SECONDS):
        await cleanup


async def test_a_body_that_drips_while_stopping_gets_408(start: Start) -> None:
    house = await start(replace(PATIENT, body_seconds=SHORT_SECONDS), shutdown_timeout=NEVER_SECONDS)
    client = await house.connect()
    await client.send(POST + b"Content-Length: 60000\r\n\r\n")
    await house.until_entered()
    cleanup = asyncio.create_task(house.runner.cleanup())
    async with client.dripping(b"a"):
        (await client.reply()).assert_problem(408)
    async with asyncio.timeout(DEADLINE_SECONDS):
        await cleanup


async def test_stopping_waits_for_no_body_that_nobody_reads(start: Start) -> None:
    house = await start(shutdown_timeout=NEVER_SECONDS, lingering_time=NEVER_SECONDS)
    client = await house.connect()
    assert (await client.ask(b"POST /ignore HTTP/1.1\r\n" + HOST + b"Content-Length: 65537\r\n\r\n")).status == 200
    assert await client.rest() == b""
    async with asyncio.timeout(DEADLINE_SECONDS):
        await house.runner.cleanup()


async def test_a_request_that_outlasts_the_grace_time_is_cut(start: Start) -> None:
    house = await start(shutdown_timeout=SHORT_SECONDS)
    client = await house.connect()
    await client.send(WAIT)
    await house.until_entered()
    async with asyncio.timeout(DEADLINE_SECONDS):
        await house.runner.cleanup()
    assert await client.rest() == b""


async def test_a_body_cut_off_by_the_end_is_told_when_its_turn_comes(start: Start) -> None:
    """So many requests came before it that it was not looked at yet when the client closed its side."""
    house = await start()
    client = await house.connect()
    await client.send(WAIT + GET * 2 * MAX_QUEUED + POST + b"Content-Length: 4\r\n\r\nab")
    client.writer.write_eof()
    await house.until_entered()
    house.release.set()
    assert [(await client.reply()).status for _ in range(1 + 2 * MAX_QUEUED)] == [200] * (1 + 2 * MAX_QUEUED)
    (await client.reply()).assert_problem(400)
    assert await client.rest() == b""


async def test_draining_before_setup_is_a_mistake() -> None:
    with pytest.raises(RuntimeError, match="setup"):
        GuardedRunner(web.Application(), problem=render_problem).drain()
