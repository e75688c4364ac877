"""What the proxy passes on, to whom, and what it does while a replica is gone or an event is on its way."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from tests.faults.process import Service
from tests.harness import Person
from tests.journeys.scale import KEPT, LIST, Scale, Scaled, reading, scaled, served, until
from tests.varnish import PATIENCE_SECONDS, REPLICAS, varnish

__all__ = ["scaled"]
pytestmark = pytest.mark.own_engines


async def test_keys_of_posts_arrive_as_they_were_written(scaled: Scaled) -> None:
    scale = await scaled(**KEPT)
    for key in ("2026%2F11%2Fa-post%2F", "%2F..%2F..%2Fmetrics", "%C3%A9t%C3%A9%3F"):
        url = URL(f"{scale.proxy}/v1/sites/blog/posts/{key}/comments", encoded=True)
        async with scale.visitor.session.get(url) as response:
            assert (await response.json())["post"]["key"] == URL(f"/{key}", encoded=True).name, key


async def test_how_the_replicas_are_is_not_for_the_public(scaled: Scaled) -> None:
    scale = await scaled()
    spellings = ["/metrics", "/%6Detrics", "/metrics?x", "//metrics", "http://x/metrics", "https://x/metrics"]
    for target in (*spellings, "/health/ready", "/v1/../metrics", "*"):
        reply = await _raw(scale, f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert re.match(rb"HTTP/1\.1 40[04] ", reply), (target, reply)
        assert b"gatepost_http" not in reply, target


async def test_the_embeds_files_are_for_the_public(scaled: Scaled) -> None:
    """A replica answers, whether it has the file or not: the problems of the proxy itself have no code."""
    scale = await scaled()
    for path in ("/embed/v1/nothing.js", "/embed/v1/0123456789abcdef/embed.js", "/embed/"):
        answer = await scale.visitor.get(path)
        assert (answer.status, answer.code) == (404, "not-found"), path
    for path in ("/embedded", "/embed.json"):
        answer = await scale.visitor.get(path)
        assert (answer.status, answer.code) == (404, None), path


async def test_the_desk_is_passed_on_and_never_kept(scaled: Scaled) -> None:
    scale = await scaled()
    for path in ("/desk/", "/desk/blog/", "/desk/blog/record?action=approve", "/desk/static/0123456789abcdef/desk.css"):
        for _ in range(2):
            answer = await scale.visitor.get(path, allow_redirects=False)
            assert answer.headers["Cache-Control"] == "no-store", path
            assert answer.headers.get("Age", "0") == "0", path
            assert answer.headers["Referrer-Policy"] == "same-origin", path
    assert "Referrer-Policy" not in (await scale.visitor.get("/desks")).headers


async def _raw(scale: Scale, sent: str) -> bytes:
    """All that comes back until the connection ends."""
    url = URL(scale.proxy)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(sent.encode())
    async with asyncio.timeout(PATIENCE_SECONDS):
        reply = await reader.read()
    writer.close()
    return reply


async def test_each_reader_has_limits_of_their_own(scaled: Scaled) -> None:
    scale = await scaled(limits={"read_per_address": "2/hour"})
    for address in ("127.0.0.21", "127.0.0.22"):
        async with reading(scale.proxy, address=address) as reader:
            claims = [{"X-Forwarded-For": f"192.0.2.{number}"} for number in range(6)]
            statuses = [(await reader.get("me", headers=headers)).status for headers in claims]
            assert (statuses[0], statuses[-1]) == (401, 429)  # two on each replica, then no more


async def test_readers_are_spread_over_the_replicas(scaled: Scaled) -> None:
    scale = await scaled()
    for number in range(50):
        await scale.seen(f"posts/{number}/comments")
    shares = await scale.served()
    assert (sum(shares), min(shares) > 0) == (50, True)


# --- While a replica is gone ------------------------------------------------------------------------------------------


async def test_a_restart_of_one_replica_loses_no_read(postgres_url: str, tmp_path: Path) -> None:
    async with _processes(postgres_url, tmp_path) as replicas, _before(replicas) as proxy, reading(proxy) as visitor:
        answers: asyncio.Queue[int] = asyncio.Queue()

        async def read_on() -> None:
            while True:
                await answers.put((await visitor.get(LIST)).status)

        async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
            readers = [group.create_task(read_on()) for _ in range(8)]
            for replica, number in zip(replicas, (signal.SIGTERM, signal.SIGKILL), strict=True):
                await _all_well(answers)
                await replica.end(number)
                await _all_well(answers)
                await replica.start()
                await until(partial(_has_served, replica))
            await _all_well(answers)
            for reader in readers:
                reader.cancel()


async def _all_well(answers: "asyncio.Queue[int]") -> None:
    """All that came until now, and some more that come from now on."""
    assert {await answers.get() for _ in range(answers.qsize() + 100)} == {200}


@asynccontextmanager
async def _processes(url: str, folder: Path) -> AsyncIterator[list[Service]]:
    """Two replicas in processes of their own, which come back on the port that they had."""
    replicas = []
    try:
        for host in REPLICAS:
            (folder / host).mkdir()
            replica = Service(folder / host, url, server={"host": host, "port": 0})
            replicas.append(replica)
            await replica.start()
            replica.server = {"host": host, "port": URL(replica.address).port}
        yield replicas
    finally:
        for replica in replicas:
            await replica.make_sure_it_ended()


@asynccontextmanager
async def _before(replicas: list[Service]) -> AsyncIterator[str]:
    async with varnish([URL(replica.address).port or 0 for replica in replicas]) as proxy:
        yield proxy


async def _has_served(replica: Service) -> bool:
    async with aiohttp.ClientSession(replica.address) as session:
        return await served(Person(session), status=200) > 0


# --- Events -----------------------------------------------------------------------------------------------------------


class Events:
    """Stands for a replica's live stream: what the test says goes out at once, until the listener leaves."""

    def __init__(self) -> None:
        self.heard: list[web.Request] = []
        self.say: asyncio.Queue[bytes] = asyncio.Queue()
        self.left = asyncio.Event()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Server-Sent Events (HTML, 9.2)."""
        self.heard.append(request)
        reply = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await reply.prepare(request)
        try:
            while True:
                await reply.write(await self.say.get())
        finally:
            self.left.set()


@asynccontextmanager
async def _streaming() -> AsyncIterator[tuple[Events, str]]:
    """A stream on the addresses of both replicas, and the proxy in front of it."""
    events, app = Events(), web.Application()
    app.router.add_get("/health/ready", _ready)
    app.router.add_get("/v1/sites/blog/posts/{post}/events", events.stream)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0)
    await runner.setup()
    for host in REPLICAS:
        await web.TCPSite(runner, host, 0).start()
    async with varnish([port for _, port in runner.addresses]) as proxy:
        yield events, proxy
    await runner.cleanup()


async def _ready(_: web.Request) -> web.Response:
    return web.Response()


async def test_events_arrive_one_by_one_as_they_are_said() -> None:
    async with _streaming() as (events, proxy), aiohttp.ClientSession() as session, asyncio.timeout(PATIENCE_SECONDS):
        events.say.put_nowait(b"id: 1\n\n")
        url = URL(f"{proxy}/v1/sites/blog/posts/2026%2Fpost/events", encoded=True)
        async with session.get(url, headers={"Last-Event-ID": "0", "Accept-Encoding": "gzip"}) as response:
            for number in (1, 2, 3):
                assert await response.content.readuntil(b"\n\n") == f"id: {number}\n\n".encode()
                events.say.put_nowait(f"id: {number + 1}\n\n".encode())
        (request,) = events.heard
        assert request.match_info["post"] == "2026/post"
        assert [request.headers[name] for name in ("Last-Event-ID", "X-Forwarded-For")] == ["0", "127.0.0.1"]
        events.say.put_nowait(b"id: 5\n\n")
        await events.left.wait()


async def test_nothing_follows_a_listener_past_the_proxy(scaled: Scaled) -> None:
    scale = await scaled()
    listen, look = (f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n" for path in ("/v1/sites/blog/queue/events", "/metrics"))
    reply = await _raw(scale, listen + look)
    assert (reply.count(b"HTTP/1.1 "), b"gatepost_http" in reply) == (1, False)
