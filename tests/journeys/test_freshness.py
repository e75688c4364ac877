"""How soon a take-down is gone everywhere: two services on one PostgreSQL, one of which loses touch with it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from tests.harness import Gatepost, Hands, configuration
from tests.launch import launch

pytestmark = pytest.mark.own_engines
DEADLINE_SECONDS = 60


class Link:
    """The way to a PostgreSQL, which a test can freeze: nothing gets through, nothing is refused."""

    def __init__(self, real: str) -> None:
        self._real = real
        self._flows = asyncio.Event()
        self._flows.set()
        self._pumps: set[asyncio.Task[None]] = set()

    def freeze(self) -> None:
        """From now on both sides wait."""
        self._flows.clear()

    def thaw(self) -> None:
        """What waited arrives."""
        self._flows.set()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection through."""
        there = await asyncio.open_unix_connection(self._real)
        for source, target in ((reader, there[1]), (there[0], writer)):
            pump = asyncio.create_task(self._pump(source, target))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while piece := await source.read(2**16):
                await self._flows.wait()
                target.write(piece)
        except OSError:
            pass
        finally:
            target.close()


@pytest.fixture
async def frozen_pair(
    postgres_url: str, clock: Hands, tmp_path: Path
) -> AsyncIterator[tuple[Gatepost, Gatepost, Link]]:
    """Two services; the second's way to the database can be frozen."""
    query = parse_qs(urlsplit(postgres_url).query)
    if "host" not in query:
        pytest.skip("the server of TEST_POSTGRES_URL is not on a UNIX socket that a link could stand before")
    socket = ".s.PGSQL.5432"
    link = Link(f"{query['host'][0]}/{socket}")
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(await asyncio.start_unix_server(link.connected, tmp_path / socket))
        stack.callback(link.thaw)
        through = postgres_url.replace(query["host"][0], str(tmp_path))
        here = await launch(stack, configuration(postgres_url), clock=clock)
        there = await launch(stack, configuration(through), clock=clock)
        yield here, there, link


async def _shown(gatepost: Gatepost) -> list[str]:
    return [comment["id"] for comment in (await gatepost.public())["comments"]]


async def _until_shown(gatepost: Gatepost, ids: list[str]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while await _shown(gatepost) != ids:
            pass


async def test_a_replica_that_lost_its_database_stops_serving_from_memory(
    frozen_pair: tuple[Gatepost, Gatepost, Link],
) -> None:
    here, there, link = frozen_pair
    comment = await here.approved("Not for long")
    await _until_shown(there, [comment["id"]])
    link.freeze()
    assert (await here.moderator().decide(comment["id"], "spam", comment["version"])).status == 201
    assert await _shown(here) == []
    async with asyncio.timeout(DEADLINE_SECONDS):
        while there.running.relay.is_fresh():
            assert (await there.visitor.get("/health/live")).status == 200
    reading = [asyncio.create_task(there.visitor.get("posts/post/comments")) for _ in range(10)]
    await asyncio.wait(reading, timeout=0)
    assert (await there.visitor.get("/health/live")).status == 200  # it is alive, it only does not know
    link.thaw()
    for answer in await asyncio.gather(*reading):
        assert answer.status in (200, 503)
        assert comment["id"] not in answer.body.decode()
    await _until_shown(there, [])


async def test_a_replica_whose_listener_is_cut_hears_all_the_same(
    postgres_url: str, postgres_server: str, clock: Hands
) -> None:
    async with AsyncExitStack() as stack:
        here, there = [await launch(stack, configuration(postgres_url), clock=clock) for _ in range(2)]
        comment = await here.approved("Not for long")
        await _until_shown(there, [comment["id"]])
        with psycopg.connect(postgres_server, autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
        assert (await here.moderator().decide(comment["id"], "spam", comment["version"])).status == 201
        assert await _shown(here) == []
        await _until_shown(there, [])
