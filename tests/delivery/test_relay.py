"""What a process knows of what happens in the store: its own commits at once, others' in order, and until when."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import psycopg
import pytest

from service.delivery.follower import Follower, Hears
from service.delivery.relay import FRESH_SECONDS, Relay
from service.errors import IllegalTransition, PostClosed, StoreUnavailable
from service.model import Action, BatchId, Event, PostKey, SiteKey
from service.moderation import decisions, posts
from service.moderation.decisions import Ruling
from service.store import events
from service.store.database import Database, Transaction
from tests.harness import Hands
from tests.store.damage import change
from tests.store.scene import BLOG, MODERATOR, Scene

pytestmark = pytest.mark.own_engines
SITE = BLOG.key
POST = PostKey("a post")


class AtOnce(Follower):
    """Remembers what it was handed, as soon as it could be."""

    name = "at once"
    hears = Hears.AT_ONCE

    def __init__(self) -> None:
        self.handed: list[Event] = []
        self.missed: list[SiteKey] = []

    def handle(self, events: Sequence[Event]) -> None:
        """Remember."""
        self.handed += events

    def skipped(self, site: SiteKey) -> None:
        """Remember."""
        self.missed.append(site)


class InOrder(AtOnce):
    """Remembers what it was handed, in order."""

    name = "in order"
    hears = Hears.IN_ORDER


class Ear:
    """What the two were handed."""

    def __init__(self, relay: Relay) -> None:
        self.at_once, self.in_order = AtOnce(), InOrder()
        relay.add(self.at_once)
        relay.add(self.in_order)

    @property
    def known(self) -> list[Event]:
        """At once."""
        return self.at_once.handed

    @property
    def read_in_order(self) -> list[Event]:
        """In order."""
        return self.in_order.handed


class Ticks:
    """A monotonic clock that the test moves, in seconds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def here(any_url: str, clock: Hands) -> AsyncIterator[Database]:
    """A process's store, on the one engine and then on the other."""
    database = await Database.open(any_url, clock=clock)
    yield database
    await database.close()


@pytest.fixture
async def pair(postgres_url: str, clock: Hands) -> AsyncIterator[tuple[Database, Database]]:
    """Two replicas' stores."""
    here, there = [await Database.open(postgres_url, clock=clock) for _ in range(2)]
    yield here, there
    await here.close()
    await there.close()


def attend(database: Database, clock: Ticks | None = None) -> tuple[Relay, Ear]:
    """A relay and its followers."""
    relay = Relay(database, monotonic=clock or Ticks())
    return relay, Ear(relay)


async def close(database: Database, *, is_open: bool = False, site: SiteKey = SITE) -> None:
    """A change that readers see: it closes a post, or opens it."""
    await database.write(posts.set_open, site, POST, MODERATOR, is_open=is_open)


async def test_a_commit_is_known_before_its_writer_has_the_answer(here: Database, clock: Hands) -> None:
    _, ear = attend(here)
    told: list[int] = []
    task = asyncio.create_task(close(here))
    task.add_done_callback(lambda _: told.append(len(ear.known)))
    await task
    assert told == [1]
    assert [(event.type, event.post, event.post_revision, event.site_revision) for event in ear.known] == [
        ("post.closed", POST, 1, 1)
    ]


async def test_what_is_rolled_back_is_never_heard(here: Database) -> None:
    _, ear = attend(here)

    def failing(tx: Transaction) -> None:
        posts.set_open(tx, SITE, PostKey("another"), MODERATOR, is_open=False)
        raise ValueError("changed its mind")

    outcomes = await asyncio.gather(here.write(failing), close(here), here.write(failing), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ValueError, type(None), ValueError]
    assert [event.post for event in ear.known] == [POST]


async def test_one_of_many_decisions_that_fails_is_not_heard(here: Database, clock: Hands) -> None:
    scene = Scene(here, clock)
    first, second = await scene.submit(BLOG, "ada"), await scene.submit(BLOG, "bob")
    _, ear = attend(here)
    rulings = [Ruling(first.id, Action.RESTORE, 1), Ruling(second.id, Action.APPROVE, 1)]
    outcomes = await here.write(decisions.decide_each, BLOG, rulings, MODERATOR, batch=BatchId("batch"))
    assert isinstance(outcomes[0], IllegalTransition)
    assert [(event.type, event.comment_id) for event in ear.known] == [("comment.approved", second.id)]


async def test_what_was_before_is_nobody_s_news(here: Database) -> None:
    await close(here)
    relay, ear = attend(here)
    await relay.look()
    await close(here, is_open=True)
    await relay.look()
    assert [event.type for event in ear.read_in_order] == ["post.opened"]


async def test_events_of_others_are_read_once_each_and_in_order(pair: tuple[Database, Database]) -> None:
    here, there = pair
    relay, ear = attend(here)
    await relay.look()
    is_over = asyncio.Event()

    async def look_on() -> None:
        while not is_over.is_set():
            await relay.look()
        await relay.look()

    async def write(database: Database, site: str, count: int) -> None:
        for number in range(count):
            await close(database, is_open=bool(number % 2), site=SiteKey(site))

    looking = asyncio.create_task(look_on())
    await asyncio.gather(write(here, "blog", 20), write(there, "blog", 20), write(there, "other", 20))
    is_over.set()
    await looking
    for site in ("blog", "other"):
        written = await here.read(events.after, SiteKey(site), 0, limit=100)
        assert len(written) >= 20
        assert [event for event in ear.read_in_order if event.site == site] == written


async def test_an_event_reads_as_it_was_announced(here: Database) -> None:
    _, ear = attend(here)
    await close(here)
    assert await here.read(events.after, SITE, 0, limit=10) == ear.known


async def test_an_own_event_behind_another_replica_s_waits_its_turn(pair: tuple[Database, Database]) -> None:
    here, there = pair
    relay, ear = attend(here)
    await relay.look()
    await close(there)
    await close(here, is_open=True)
    assert [event.seq for event in ear.known] == [2]
    assert ear.read_in_order == []
    await relay.look()
    assert [event.seq for event in ear.read_in_order] == [1, 2]


async def test_other_replicas_wake_whoever_listens(pair: tuple[Database, Database]) -> None:
    here, there = pair
    woken: asyncio.Queue[None] = asyncio.Queue()
    listening = asyncio.create_task(here.listen(lambda: woken.put_nowait(None)))
    await woken.get()  # it listens now
    await close(there)
    await woken.get()
    listening.cancel()


async def test_a_lost_listener_says_so(pair: tuple[Database, Database], postgres_server: str) -> None:
    here, there = pair
    woken = asyncio.Event()
    listening = asyncio.create_task(here.listen(woken.set))
    await woken.wait()
    await _cut_listeners(postgres_server)
    with pytest.raises(StoreUnavailable):
        await listening
    await close(there)  # and the others go on


async def test_nothing_is_current_before_the_first_look_and_long_after_the_last(
    pair: tuple[Database, Database],
) -> None:
    clock = Ticks()
    relay, _ = attend(pair[0], clock)
    assert not relay.is_fresh()
    await relay.look()
    assert relay.is_fresh()
    clock.now += FRESH_SECONDS - 0.001
    assert relay.is_fresh()
    clock.now += 0.001
    assert not relay.is_fresh()
    await relay.look()
    assert relay.is_fresh()


async def test_a_look_counts_from_its_beginning(pair: tuple[Database, Database]) -> None:
    clock = Ticks()
    relay, _ = attend(pair[0], clock)
    looking = asyncio.create_task(relay.look())
    while not looking.done():  # it takes a long time by its own clock
        clock.now += FRESH_SECONDS
        await asyncio.wait([looking], timeout=0)
    assert not relay.is_fresh()


async def test_a_commit_that_failed_leaves_doubt_until_the_next_look(pair: tuple[Database, Database]) -> None:
    relay, _ = attend(pair[0])
    await relay.look()
    relay.in_doubt()
    assert not relay.is_fresh()
    await relay.look()
    assert relay.is_fresh()


async def test_a_look_that_began_before_the_doubt_does_not_end_it(pair: tuple[Database, Database]) -> None:
    relay, _ = attend(pair[0])
    await relay.look()
    looking = asyncio.create_task(relay.look())
    await asyncio.wait([looking], timeout=0)  # it is on its way to the store
    relay.in_doubt()
    await looking
    assert not relay.is_fresh()
    await relay.look()
    assert relay.is_fresh()


async def test_a_refused_write_leaves_no_doubt(pair: tuple[Database, Database]) -> None:
    relay, _ = attend(pair[0])
    await relay.look()

    def refused(tx: Transaction) -> None:
        posts.set_open(tx, SITE, POST, MODERATOR, is_open=False)
        raise PostClosed

    with pytest.raises(PostClosed):
        await pair[0].write(refused)
    assert relay.is_fresh()


async def test_a_fault_of_the_store_leaves_doubt(pair: tuple[Database, Database], postgres_server: str) -> None:
    relay, _ = attend(pair[0])
    await relay.look()

    def cut_off(tx: Transaction) -> None:
        posts.set_open(tx, SITE, POST, MODERATOR, is_open=False)
        with psycopg.connect(postgres_server, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'"
            )
        posts.set_open(tx, SITE, POST, MODERATOR, is_open=True)

    with pytest.raises(StoreUnavailable):
        await pair[0].write(cut_off)
    assert not relay.is_fresh()
    await relay.look()
    assert relay.is_fresh()


async def test_a_store_of_one_process_is_always_current(database: Database) -> None:
    if database.is_shared:
        pytest.skip("this run's store is PostgreSQL, which others may write to")
    clock = Ticks()
    relay, _ = attend(database, clock)
    clock.now += 1e9
    assert relay.is_fresh()


# --- Followers that have bugs, and events that are gone ---------------------------------------------------------------


class Buggy(AtOnce):
    """Raises at what it is handed, and for as long as `deaf` also when it is told that something is missing."""

    def __init__(self, *, deaf: int) -> None:
        super().__init__()
        self._deaf = deaf

    def handle(self, events: Sequence[Event]) -> None:
        """Raise."""
        raise RuntimeError("a bug")

    def skipped(self, site: SiteKey) -> None:
        """Raise, or remember."""
        if self._deaf:
            self._deaf -= 1
            raise RuntimeError("another")
        super().skipped(site)


class BuggyInOrder(Buggy):
    """The same, in order."""

    hears = Hears.IN_ORDER


@pytest.mark.parametrize("kind", [Buggy, BuggyInOrder])
async def test_a_follower_that_raises_costs_nobody_the_answer_nor_the_event(here: Database, kind: type[Buggy]) -> None:
    relay, buggy = Relay(here), kind(deaf=0)
    relay.add(buggy)
    ear = Ear(relay)
    await relay.look()
    await close(here)
    assert [event.type for event in ear.known] == [event.type for event in ear.read_in_order] == ["post.closed"]
    assert (buggy.missed, ear.at_once.missed) == ([SITE], [])
    assert relay.is_fresh()


async def test_while_a_follower_cannot_be_told_nothing_is_fresh(here: Database) -> None:
    relay, buggy = Relay(here), Buggy(deaf=2)
    relay.add(buggy)
    await relay.look()
    await close(here)
    assert not relay.is_fresh()
    await relay.look()
    assert (buggy.missed, relay.is_fresh()) == ([], False)
    await relay.look()
    assert (buggy.missed, relay.is_fresh()) == ([SITE], True)


REMOVALS = {
    "some": ["DELETE FROM events WHERE seq <= 3", "UPDATE sites SET first_seq = 4"],
    "some, and nobody says so": ["DELETE FROM events WHERE seq <= 3"],
    "all": ["DELETE FROM events", "UPDATE sites SET first_seq = event_seq + 1"],
    "all, and nobody says so": ["DELETE FROM events"],
}


@pytest.mark.parametrize("removal", REMOVALS)
async def test_who_missed_removed_events_is_told_so_and_goes_on_behind_them(
    pair: tuple[Database, Database], postgres_url: str, removal: str
) -> None:
    here, there = pair
    relay, ear = attend(here)
    await relay.look()
    for number in range(4):
        await close(there, is_open=bool(number % 2))
    change(postgres_url, *REMOVALS[removal])
    await relay.look()
    assert (ear.at_once.missed, ear.in_order.missed) == ([SITE], [SITE])
    assert [event.seq for event in ear.read_in_order] == ([] if removal.startswith("all") else [4])
    assert (relay.position(SITE), relay.is_fresh()) == (4, True)
    await close(here)
    await close(there, is_open=True)
    await relay.look()
    assert [event.seq for event in ear.read_in_order][-2:] == [5, 6]
    assert ear.at_once.missed == [SITE]


async def test_a_store_put_back_to_an_earlier_day_is_noticed(
    pair: tuple[Database, Database], postgres_url: str
) -> None:
    here, there = pair
    relay, ear = attend(here)
    await relay.look()
    for number in range(3):
        await close(there, is_open=bool(number % 2))
    await relay.look()
    change(postgres_url, "DELETE FROM events WHERE seq > 1", "UPDATE sites SET event_seq = 1")
    await relay.look()
    assert (ear.at_once.missed, relay.position(SITE)) == ([SITE], 1)


async def test_a_look_reads_every_site_in_stretches(here: Database) -> None:
    relay, ear = attend(here)
    await relay.look()
    positions = dict.fromkeys((SITE, SiteKey("other")), 0)
    for number in range(8):
        await close(here, is_open=number % 4 > 1, site=SITE if number % 2 else SiteKey("other"))
    found: list[Event] = []
    is_all = False
    while not is_all:
        stretch = await here.read(events.after_each, positions, limit=2)
        assert len(stretch.events) <= 2
        found += stretch.events
        positions |= {event.site: event.seq for event in stretch.events}
        is_all = stretch.is_all
    assert {(event.site, event.seq) for event in found} == {(event.site, event.seq) for event in ear.read_in_order}
    assert len(found) == len(ear.read_in_order) == 8


async def _cut_listeners(server: str) -> None:
    async with await psycopg.AsyncConnection.connect(server, autocommit=True) as connection:
        await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
