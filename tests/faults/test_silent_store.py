"""A store that falls silent, neither answering nor closing: nobody waits beyond the deadline, and the service ends."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import aiohttp
import pytest

from service.delivery.relay import Relay
from service.errors import StoreUnavailable
from service.model import Actor, ActorKind, PostKey, SiteKey
from service.moderation import posts
from service.store import database as store
from service.store import engine, events, probe
from service.store.database import Database, Transaction
from tests.faults.own_postgres import OwnPostgres, own_postgres
from tests.faults.process import PATIENCE_SECONDS, Service
from tests.harness import Hands

PATIENCE = {"busy_seconds": 2, "statement_seconds": 1}
MO = Actor(ActorKind.MODERATOR, "mo", "Mo")
READS = [f"/v1/sites/blog/posts/post-{number}/comments" for number in range(6)]


@pytest.fixture
def postgres() -> Iterator[OwnPostgres]:
    """A server of the test's own."""
    with own_postgres() as server:
        yield server


@contextmanager
def frozen(postgres: OwnPostgres) -> Iterator[None]:
    """A while in which it does nothing."""
    postgres.freeze()
    try:
        yield
    finally:
        postgres.thaw()


@pytest.mark.own_engines
@pytest.mark.slow
async def test_a_frozen_server_keeps_nobody_waiting_and_the_service_ends(tmp_path: Path, postgres: OwnPostgres) -> None:
    server = {"port": 0, "grace_seconds": 5}
    async with AsyncExitStack() as stack:
        service = Service(tmp_path, postgres.url, database=PATIENCE, server=server)
        await service.start()
        stack.push_async_callback(service.make_sure_it_ended)
        session = await stack.enter_async_context(aiohttp.ClientSession(service.address))
        ada = service.person(session, "ada")
        assert (await ada.submit("Before")).status == 202
        with frozen(postgres):

            async def status(path: str) -> int:
                async with session.get(path) as reply:
                    return reply.status

            async with asyncio.timeout(PATIENCE_SECONDS):
                assert await status("/metrics") == 200
                submitting = asyncio.create_task(ada.submit("Meanwhile", headers={"Idempotency-Key": "once"}))
                assert await asyncio.gather(*map(status, ["/health/ready", *READS])) == [503] * (len(READS) + 1)
                submitted = await submitting
            assert (submitted.status, submitted.code) == (503, "store-unavailable")
            assert await service.end(signal.SIGTERM) == 0


@pytest.mark.own_engines
@pytest.mark.slow
async def test_a_server_that_thaws_serves_on_and_has_each_comment_once(tmp_path: Path, postgres: OwnPostgres) -> None:
    async with AsyncExitStack() as stack:
        service = Service(tmp_path, postgres.url, database=PATIENCE)
        await service.start()
        stack.push_async_callback(service.make_sure_it_ended)
        session = await stack.enter_async_context(aiohttp.ClientSession(service.address))
        ada = service.person(session, "ada")
        once = {"Idempotency-Key": "once"}
        with frozen(postgres):
            assert (await ada.submit("Meanwhile", headers=once)).status == 503
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (again := await ada.submit("Meanwhile", headers=once)).status == 503:
                pass
        assert again.status == 202
        mine = (await ada.get("me/comments")).json["comments"]
        assert [comment["body"] for comment in mine] == ["Meanwhile"]


async def test_a_read_that_takes_too_long_ends_and_its_connection_serves_others(
    monkeypatch: pytest.MonkeyPatch, store_url: str, clock: Hands
) -> None:
    monkeypatch.setattr(engine, "DEADLINE_MARGIN_SECONDS", 0.0)
    database = await Database.open(store_url, clock=clock, readers=1, statement_seconds=0.2)
    stuck = threading.Event()

    def hang(tx: Transaction) -> None:
        stuck.wait()

    with pytest.raises(StoreUnavailable):
        await database.read(hang)
    assert await database.read(events.last_numbers) == {}
    stuck.set()
    await database.close()


@pytest.mark.parametrize("lane", ["follow", "bulk"])
async def test_lanes_do_not_wait_for_each_others_reads(store_url: str, clock: Hands, lane: str) -> None:
    database = await Database.open(store_url, clock=clock, readers=1)
    held = threading.Event()
    holding = asyncio.create_task(database.read(lambda tx: held.wait()))
    await getattr(database, lane).read(events.last_numbers)
    assert not holding.done()
    held.set()
    await holding
    await database.close()


async def test_a_slice_of_many_lets_single_writes_go_first(database: Database) -> None:
    order: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    def first(tx: Transaction) -> None:
        begun.set()
        go_on.wait()

    holding = asyncio.create_task(database.write(first))
    await asyncio.to_thread(begun.wait)
    many = [asyncio.create_task(database.bulk.write(lambda tx: order.append("bulk"))) for _ in range(2)]
    await asyncio.sleep(0)  # a task queues its unit in its first turn
    single = asyncio.create_task(database.write(lambda tx: order.append("single")))
    followed = asyncio.create_task(database.follow.write(lambda tx: order.append("follow")))
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(holding, *many, single, followed)
    assert order == ["follow", "single", "bulk", "bulk"]


async def test_a_flood_of_single_writes_does_not_stop_what_is_long(database: Database) -> None:
    is_over = False

    async def flood() -> None:
        while not is_over:
            await database.write(probe.write)

    flooding = [asyncio.create_task(flood()) for _ in range(4)]
    async with asyncio.timeout(PATIENCE_SECONDS):
        for _ in range(20):
            await database.bulk.write(probe.write)
    is_over = True
    await asyncio.gather(*flooding)


async def test_closing_waits_for_a_writer_that_hangs_only_so_long(
    monkeypatch: pytest.MonkeyPatch, store_url: str, clock: Hands
) -> None:
    monkeypatch.setattr(store, "CLOSE_SECONDS", 0.2)
    database = await Database.open(store_url, clock=clock)
    begun, stuck = threading.Event(), threading.Event()

    def hang(tx: Transaction) -> None:
        begun.set()
        stuck.wait()

    writing = asyncio.create_task(database.write(hang))
    await asyncio.to_thread(begun.wait)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await database.close()
    assert not writing.done()
    stuck.set()
    await asyncio.wait([writing])


class _Broken:
    """A listener with a bug; or with two, when it cannot be told of its doubt either."""

    def __init__(self, *, is_worse: bool) -> None:
        self._is_worse = is_worse
        self.doubts = 0

    def committed(self, written: object) -> None:
        raise RuntimeError("a bug")

    def in_doubt(self) -> None:
        self.doubts += 1
        if self._is_worse:
            raise RuntimeError("a bug")


@pytest.mark.parametrize("is_worse", [False, True])
async def test_a_listener_that_raises_takes_the_answer_from_nobody_and_is_in_doubt(
    database: Database, is_worse: bool
) -> None:
    broken, well = _Broken(is_worse=is_worse), Relay(database)
    database.add_listener(broken)
    await well.look()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await database.write(posts.set_open, SiteKey("blog"), PostKey("a-post"), MO, is_open=False)
    assert (broken.doubts, well.position(SiteKey("blog"))) == (1, 1)
