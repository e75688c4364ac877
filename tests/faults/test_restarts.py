"""What clients with kept connections see while `gatepost serve` stops and starts again, and which signals stop it."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.faults.process import PATIENCE_SECONDS, Service

CLIENTS = 20
RESTARTS = 10
PAUSE_SECONDS = 0.02
"""Between two requests of one client; far less than the drain time."""
REQUEST = b"GET /v1/sites/blog/posts/post/comments HTTP/1.1\r\nHost: gatepost.example\r\n\r\n"
WRITE = b"POST /v1/sites/blog/posts/post/comments HTTP/1.1\r\nHost: gatepost.example\r\nContent-Length: 2\r\n\r\n{}"
Start = Callable[..., Awaitable[Service]]

pytestmark = pytest.mark.slow


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def start_one(*, drain_seconds: float, port: int = 0) -> Service:
            service = Service(
                tmp_path,
                f"sqlite:///{tmp_path / 'gatepost.db'}",
                server={"port": port},
                environment={"GATEPOST_SERVER__DRAIN_SECONDS": str(drain_seconds)},
            )
            stack.push_async_callback(service.make_sure_it_ended)
            await service.start()
            return service

        yield start_one


@dataclass
class Count:
    """What happened to requests on connections on which there had been an answer before."""

    answered: int = 0
    told_to_close: int = 0
    reset: int = 0
    unanswered: int = 0


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bytes:
    """The head of the reply; nothing where the connection ended before it. Raises ConnectionError for a reset."""
    writer.write(request)
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    await reader.readexactly(length)
    return head


async def _keep_asking(port: int, request: bytes, count: Count) -> None:
    """As a client with a kept connection does. One that has seen the end, or was told, makes a new connection.

    A connection's first request is not counted: whom the kernel connected in the listener's last moment, none can help.
    """
    while True:
        await asyncio.sleep(PAUSE_SECONDS)
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            continue
        is_kept = False
        try:
            while not reader.at_eof():
                head = await _ask(reader, writer, request)
                count.answered += bool(head)
                count.unanswered += is_kept and not head
                count.told_to_close += is_kept and b"Connection: close" in head
                if not head or b"Connection: close" in head:
                    break
                is_kept = True
                await asyncio.sleep(PAUSE_SECONDS)
        except ConnectionError:
            count.reset += is_kept
        finally:
            writer.close()


@pytest.mark.timeout(600)  # ten starts: some seconds, but a busy machine takes its time
@pytest.mark.parametrize("drain_seconds", [1.0, 0.0])
async def test_no_request_on_a_kept_connection_is_reset_across_restarts(start: Start, drain_seconds: float) -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    service = await start(drain_seconds=drain_seconds, port=port)
    count = Count()
    clients = [asyncio.create_task(_keep_asking(port, (REQUEST, WRITE)[n % 2], count)) for n in range(CLIENTS)]
    try:
        for _ in range(RESTARTS):
            seen = count.answered
            async with asyncio.timeout(PATIENCE_SECONDS):
                while count.answered < seen + 5 * CLIENTS:  # noqa: ASYNC110  # counts are not events
                    await asyncio.sleep(PAUSE_SECONDS)
            assert await service.end(signal.SIGTERM) == 0
            await service.start()
    finally:
        for client in clients:
            client.cancel()
        await asyncio.wait(clients)
    assert count.reset == 0
    if drain_seconds:
        assert count.unanswered == 0
        assert count.told_to_close >= RESTARTS


async def test_an_idle_connection_outlives_the_signal_and_is_told_with_the_next_reply(start: Start) -> None:
    service = await start(drain_seconds=60)
    address = urlsplit(service.address)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert b"Connection" not in await _ask(reader, writer, REQUEST)
        assert service.process is not None
        service.process.send_signal(signal.SIGTERM)
        while not any(b"service.stopping" in line for line in service.complaints):  # noqa: ASYNC110
            await asyncio.sleep(PAUSE_SECONDS)
        head = await _ask(reader, writer, REQUEST)
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"\r\nConnection: close\r\n" in head
        assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize("numbers", [[signal.SIGHUP], [signal.SIGINT, signal.SIGINT], [signal.SIGTERM, signal.SIGHUP]])
async def test_a_signal_that_asks_to_stop_drains_and_ends_with_0(start: Start, numbers: list[signal.Signals]) -> None:
    service = await start(drain_seconds=0.5)
    address = urlsplit(service.address)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    assert service.process is not None
    for number in numbers:
        service.process.send_signal(number)
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert (await _ask(reader, writer, REQUEST)).startswith(b"HTTP/1.1 200 OK\r\n")
    writer.close()
    assert await service.ended() == 0
    assert [b"service.stopping" in line for line in service.complaints].count(True) == 1


async def test_who_was_started_with_nohup_outlives_its_terminal(tmp_path: Path) -> None:
    service = Service(tmp_path, f"sqlite:///{tmp_path / 'gatepost.db'}")
    wanted = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does; the process inherits it
    try:
        await service.start()
    finally:
        signal.signal(signal.SIGHUP, wanted)
    try:
        assert service.process is not None
        service.process.send_signal(signal.SIGHUP)
        async with aiohttp.ClientSession(service.address) as session, session.get("/health/ready") as reply:
            assert reply.status == 200
        assert await service.end(signal.SIGTERM) == 0
    finally:
        await service.make_sure_it_ended()
