"""The hub of live streams by itself: a deaf replica, a store that cannot be asked, and too much at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack

import pytest

from service.delivery import live
from service.delivery.listener import Listener
from service.delivery.live import Live, News
from service.delivery.relay import Relay
from service.errors import StoreUnavailable
from service.metrics import Metrics
from service.model import POLICY, Event, SiteKey
from service.store import events, retention
from service.store.database import Database, Transaction
from tests.harness import Hands

SITE = SiteKey("blog")
QUEUE = (SITE, None)


def told(_: Transaction, event: Event) -> list[News]:
    """A stream that says the number of each event."""
    return [News("event", event.seq)]


def hub(database: Database, tell: live.Tell = told) -> tuple[Relay, Live]:
    """A hub that hears what the test lets it hear."""
    relay = Relay(database)
    made = Live(database, relay, of_post=tell, of_queue=tell, metrics=Metrics())
    relay.add(made)
    return relay, made


def happen(tx: Transaction, number: int) -> int:
    """One event of the queue."""
    return events.append(tx, SITE, "comment.submitted", POLICY, comment_id=f"comment {number}")  # type: ignore[arg-type]


async def numbers(listener: Listener) -> list[int]:
    """What the listener has got."""
    async with asyncio.timeout(60):
        return [
            int(line.removeprefix("data: ")) for line in (await listener.take()).decode().split("\n") if "data" in line
        ]


@pytest.fixture
async def other(postgres_url: str, clock: Hands) -> AsyncIterator[tuple[Database, Database]]:
    """Two replicas' stores."""
    here, there = await Database.open(postgres_url, clock=clock), await Database.open(postgres_url, clock=clock)
    yield here, there
    await here.close()
    await there.close()


@pytest.mark.own_engines
async def test_a_deaf_replica_keeps_its_streams_and_catches_up_in_order(other: tuple[Database, Database]) -> None:
    here, there = other
    relay, deaf = hub(there)
    await relay.look()
    with deaf.listener(QUEUE, lambda: None) as listener:
        for number in range(5):
            await here.write(happen, number)
        taking = asyncio.create_task(numbers(listener))
        await deaf.beat()
        assert await taking == []
        await relay.look()
        await deaf.tell()
        assert await numbers(listener) == [1, 2, 3, 4, 5]


@pytest.mark.own_engines
async def test_a_replica_that_is_behind_does_not_tell_what_another_told(other: tuple[Database, Database]) -> None:
    here, there = other
    relay, behind = hub(there)
    await relay.look()
    for number in range(4):
        await here.write(happen, number)
    second = (await here.read(events.after, SITE, 1, limit=1))[0]
    place = await behind.place(QUEUE, second.id)
    assert place == 2
    with behind.listener(QUEUE, lambda: None, place=place) as listener:
        begun = [message async for message in behind.until_now(listener, QUEUE, place, is_new=False)]
        assert [message.split(b":")[0] for message in begun] == [b"retry"]
        await relay.look()
        await behind.tell()
        assert await numbers(listener) == [3, 4]


async def test_what_could_not_be_told_is_told_later(database: Database) -> None:
    faults = [StoreUnavailable(retry_after_seconds=5)]

    def tell(tx: Transaction, event: Event) -> list[News]:
        if faults:
            raise faults.pop()
        return told(tx, event)

    relay, streams = hub(database, tell)
    await relay.look()
    with streams.listener(QUEUE, lambda: None) as listener:
        await database.write(happen, 1)
        with pytest.raises(StoreUnavailable):
            await streams.tell()
        await database.write(happen, 2)
        await streams.tell()
        assert await numbers(listener) == [1, 2]


async def test_an_event_is_told_once_however_many_listen(database: Database) -> None:
    made: list[int] = []

    def tell(tx: Transaction, event: Event) -> list[News]:
        made.append(event.seq)
        return told(tx, event)

    relay, streams = hub(database, tell)
    await relay.look()
    with ExitStack() as stack:
        listeners = [stack.enter_context(streams.listener(QUEUE, lambda: None)) for _ in range(500)]
        await database.write(happen, 1)
        await streams.tell()
        assert [await numbers(listener) for listener in listeners] == [[1]] * 500
    assert made == [1]


async def test_nothing_is_kept_for_nobody(database: Database) -> None:
    relay, streams = hub(database)
    await relay.look()
    with streams.listener(QUEUE, lambda: None):
        pass
    await database.write(happen, 1)
    assert (streams._untold, streams._listeners) == ([], {})


async def test_when_too_much_waits_everybody_is_sent_away(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST_UNTOLD", 3)
    relay, streams = hub(database)
    await relay.look()
    aborted: list[int] = []
    with streams.listener(QUEUE, lambda: aborted.append(1)) as listener:
        for number in range(4):
            await database.write(happen, number)
        assert await listener.take() == b""
    assert (aborted, streams._untold) == ([1], [])


async def test_who_comes_back_while_old_events_are_removed_reads_anew(database: Database, clock: Hands) -> None:
    """Their last event was there when they asked where they were, and what followed is not any more."""
    relay, streams = hub(database)
    await relay.look()
    for number in range(4):
        await database.write(happen, number)
        clock.advance(seconds=1)
    told = await database.read(events.after, SITE, 0, limit=10)
    places = [await streams.place(QUEUE, event.id) for event in told]
    assert places == [1, 2, 3, 4]
    assert await database.bulk.write(retention.cut, SITE, until=told[1].created_at, awaited=()) == 2
    begun = []
    for place in places:
        with streams.listener(QUEUE, lambda: None, place=place or 0) as listener:
            parts = [part async for part in streams.until_now(listener, QUEUE, place, is_new=False)]
        begun.append([line for line in b"".join(parts).split(b"\n") if line.startswith((b"event", b"data"))])
    reset = [b"event: reset", b"data: {}"]
    after = [[b"event: event", b"data: %d" % seq] for seq in (3, 4)]
    assert begun == [reset, [*after[0], *after[1]], after[1], []]


async def test_whoever_missed_something_is_sent_away(database: Database) -> None:
    relay, streams = hub(database)
    await relay.look()
    with streams.listener(QUEUE, lambda: None) as listener:
        taking = asyncio.create_task(listener.take())
        await asyncio.wait([taking], timeout=0)
        streams.skipped(SITE)
        assert await taking == b""
