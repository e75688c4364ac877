"""PostgreSQL restarted, crashed, gone, read-only or blocked under the service: nothing acknowledged is lost, and it
recovers by itself, without a restart of its own."""

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import psycopg
import pytest

from service.errors import StoreUnavailable
from service.store import probe
from service.store.database import Database, Transaction
from service.store.postgres import WRITER_LOCK
from tests.faults.crowd import Crowd, audit
from tests.faults.own_postgres import OwnPostgres, own_postgres
from tests.faults.process import PATIENCE_SECONDS, Service
from tests.harness import Gatepost, Hands, configuration
from tests.launch import launch
from tests.rows import rows_of

pytestmark = [pytest.mark.own_engines, pytest.mark.slow]
ACKNOWLEDGED_BETWEEN = 60


@pytest.fixture
def postgres() -> Iterator[OwnPostgres]:
    """A server of the test's own."""
    with own_postgres() as server:
        yield server


@pytest.fixture
async def gatepost(postgres: OwnPostgres, clock: Hands) -> AsyncIterator[Gatepost]:
    """A service on it that does not wait long."""
    wanted = configuration(postgres.url)
    wanted["database"].update(busy_seconds=0, statement_seconds=1)
    async with AsyncExitStack() as stack:
        yield await launch(stack, wanted, clock=clock)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Asks again until it holds."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await holds():
            pass


async def is_ready(gatepost: Gatepost) -> bool:
    """What readiness says, when it looks again."""
    gatepost.clock.advance(seconds=2)
    return (await gatepost.visitor.get("/health/ready")).status == 200


async def is_not_ready(gatepost: Gatepost) -> bool:
    """The opposite."""
    return not await is_ready(gatepost)


async def takes_a_comment(gatepost: Gatepost) -> bool:
    """Whether it does; if not, it must say that it cannot."""
    answer = await gatepost.reader("ada").submit("Here again", headers={"Idempotency-Key": "again"})
    assert answer.status == 202 or (answer.code == "store-unavailable" and int(answer.headers["Retry-After"]) > 0)
    return answer.status == 202


def restart(postgres: OwnPostgres) -> None:
    """Politely."""
    postgres.stop()
    postgres.start()


def crash(postgres: OwnPostgres) -> None:
    """The hard way."""
    postgres.crash()
    postgres.start()


@pytest.mark.parametrize("happens", [restart, crash])
async def test_a_restart_under_load_loses_no_acknowledged_write(
    tmp_path: Path, postgres: OwnPostgres, happens: Callable[[OwnPostgres], None]
) -> None:
    service = Service(tmp_path, postgres.url)
    await service.start()
    async with Crowd([service], readers=16) as crowd:
        for _ in range(2):
            await crowd.told_more(ACKNOWLEDGED_BETWEEN)
            await asyncio.to_thread(happens, postgres)
        await crowd.told_more(ACKNOWLEDGED_BETWEEN)
        await crowd.go_home()
    assert await service.end(signal.SIGTERM) == 0
    with rows_of(postgres.url) as rows:
        assert audit(crowd.told, rows) == []


async def test_a_server_that_is_gone_is_said_and_its_return_noticed(postgres: OwnPostgres, gatepost: Gatepost) -> None:
    await gatepost.approved("Here before")
    await asyncio.to_thread(postgres.stop)
    answer = await gatepost.reader("ada").submit("Nowhere to go")
    assert (answer.status, answer.code) == (503, "store-unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    await until(lambda: is_not_ready(gatepost))
    assert (await gatepost.visitor.get("/health/live")).status == 200
    for _ in range(20):  # whoever asks meanwhile is told; nobody is kept waiting for what was asked before
        assert (await gatepost.moderator().get("queue")).status == 503
    await asyncio.to_thread(postgres.start)
    await until(lambda: is_ready(gatepost))
    assert (await gatepost.moderator().get("queue")).status == 200
    assert await takes_a_comment(gatepost)


async def test_an_idle_service_does_not_notice_a_restart(postgres: OwnPostgres, gatepost: Gatepost) -> None:
    comment = (await gatepost.reader("ada").submit("Before")).json["comment"]
    assert (await gatepost.moderator().get("queue")).status == 200
    await asyncio.to_thread(restart, postgres)
    assert (await gatepost.moderator().get("queue")).status == 200
    assert (await gatepost.moderator().decide(comment["id"], "approve", 1)).status == 201


async def test_a_read_only_server_is_said_and_survived(postgres: OwnPostgres, gatepost: Gatepost) -> None:
    await gatepost.approved("Here before")
    postgres.set("default_transaction_read_only", "on")
    await until(lambda: is_not_ready(gatepost))
    assert not await takes_a_comment(gatepost)
    assert [comment["html"] for comment in (await gatepost.public())["comments"]] == ['<p dir="auto">Here before</p>\n']
    assert (await gatepost.moderator().get("queue")).json["total"] == 0
    postgres.set("default_transaction_read_only", "off")
    await until(lambda: is_ready(gatepost))
    assert await takes_a_comment(gatepost)


async def test_a_lock_that_others_hold_too_long_is_said_and_survived(postgres: OwnPostgres, gatepost: Gatepost) -> None:
    await gatepost.approved("Here before")
    with psycopg.connect(postgres.url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (WRITER_LOCK,))
        assert not await takes_a_comment(gatepost)
        await until(lambda: is_not_ready(gatepost))
        assert [comment["html"] for comment in (await gatepost.public())["comments"]] == [
            '<p dir="auto">Here before</p>\n'
        ]
        other.rollback()
    await until(lambda: is_ready(gatepost))
    assert await takes_a_comment(gatepost)


@pytest.mark.parametrize("level", ["'repeatable read'", "serializable"])
async def test_the_servers_default_isolation_changes_nothing(postgres: OwnPostgres, clock: Hands, level: str) -> None:
    postgres.set("default_transaction_isolation", level)
    async with AsyncExitStack() as stack:
        pair = [await launch(stack, configuration(postgres.url), clock=clock) for _ in range(2)]
        for turn in range(5):
            answers = await asyncio.gather(
                *(
                    gatepost.reader(f"reader {number}").submit(f"Text {turn}")
                    for number in range(4)
                    for gatepost in pair
                )
            )
            assert sorted(answer.status for answer in answers) == [202] * 4 + [409] * 4


async def test_a_connection_that_the_server_ends_in_a_write_fails_that_write_only(
    postgres: OwnPostgres, clock: Hands
) -> None:
    database = await Database.open(postgres.url, clock=clock)

    def end_oneself(tx: Transaction) -> None:
        with psycopg.connect(postgres.url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")
        probe.write(tx)

    with pytest.raises(StoreUnavailable):
        await database.write(end_oneself)
    await database.write(probe.write)
    await database.close()


async def test_a_replica_that_freezes_in_a_write_makes_the_others_wait_but_refuses_nobody(
    postgres: OwnPostgres, clock: Hands
) -> None:
    frozen, other = [await Database.open(postgres.url, clock=clock, statement_seconds=3) for _ in range(2)]
    reached, thaw = threading.Event(), threading.Event()

    def freeze(tx: Transaction) -> None:
        probe.write(tx)
        reached.set()
        assert thaw.wait(PATIENCE_SECONDS)
        probe.write(tx)

    writing = asyncio.create_task(frozen.write(freeze))
    assert await asyncio.to_thread(reached.wait, PATIENCE_SECONDS)
    await other.write(probe.write)
    thaw.set()
    with pytest.raises(StoreUnavailable):
        await writing
    await frozen.write(probe.write)
    await asyncio.gather(frozen.close(), other.close())
