"""Followers that work once for the store: each event at least once and in order, from a position that others take over.

The example is a follower as somebody new here would write it: a line in a file for each approval.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from service.delivery import leased_relay
from service.delivery.follower import StoreFollower
from service.delivery.leased_relay import NOTE_SECONDS, LeasedRelay
from service.delivery.relay import Relay
from service.model import POLICY, Action, Event, PostKey, SiteKey, Status
from service.store import events, followers, leases
from service.store.database import Database, Transaction
from tests.harness import Hands
from tests.store.damage import change
from tests.store.scene import BLOG, MODERATOR, OPEN, Scene

SITE = SiteKey("blog")
PATIENCE_SECONDS = 60
pytestmark = pytest.mark.own_engines


class ApprovalLines(StoreFollower):
    """Writes a line of JSON for each comment that became approved: which, of whom, by whom."""

    name = "approval-lines"

    def __init__(self, file: Path) -> None:
        self._file = file

    async def handle(self, events: Sequence[Event]) -> None:
        """A line for each approval among these."""
        lines = [
            {"event": event.id, "site": event.site, "comment": event.comment_id, "of": event.author, "by": event.actor}
            for event in events
            if event.became(Status.APPROVED)
        ]
        if lines:
            await asyncio.to_thread(self._append, lines)

    async def skipped(self, site: SiteKey) -> None:
        """A line that says that lines are missing."""
        await asyncio.to_thread(self._append, [{"site": site, "misses": "some"}])

    def _append(self, lines: list[dict[str, Any]]) -> None:
        with self._file.open("a") as file:
            file.write("".join(f"{json.dumps(line)}\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())  # the position behind these lines is synced as well


class Numbers(StoreFollower):
    """Remembers the numbers of what it was handed, call by call, once it does not fail any more."""

    name = "numbers"

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.missed: list[SiteKey] = []
        self.failures = 0

    async def handle(self, events: Sequence[Event]) -> None:
        """Remember, or fail."""
        if self.failures:
            self.failures -= 1
            raise OSError("not now")
        self.calls.append([event.seq for event in events])

    async def skipped(self, site: SiteKey) -> None:
        """Remember."""
        self.missed.append(site)


class Ticks:
    """A monotonic clock that the test moves, in seconds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Replica:
    """A process with a store of its own and one follower."""

    def __init__(self, name: str, database: Database, follower: StoreFollower) -> None:
        self.database = database
        self.ticks = Ticks()
        self.relay = LeasedRelay(follower, database, holder=name, sites=[SITE], monotonic=self.ticks)
        Relay(database).add(self.relay)

    async def go_on(self, *, seconds: float = NOTE_SECONDS) -> None:
        """One run of the job, so many seconds after the last."""
        self.ticks.now += seconds
        await self.relay.follow()


def happen(tx: Transaction, site: SiteKey = SITE) -> int:
    """One event."""
    return events.append(tx, site, "post.opened", POLICY, post=PostKey("a post"))


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of the job ends when there is nothing more to do."""
    monkeypatch.setattr(leased_relay, "LOOK_SECONDS", 0.0)


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


def lines_in(file: Path) -> list[dict[str, Any]]:
    """What `ApprovalLines` has written."""
    return [json.loads(line) for line in file.read_text().splitlines()]


async def test_what_happens_before_the_first_run_is_handed_over(here: Database) -> None:
    replica, numbers = Replica("here", here, follower := Numbers()), follower.calls
    await replica.relay.begin()  # as `app` does, before the first request
    await here.write(happen)
    await replica.go_on()
    assert numbers == [[1]]


async def test_a_follower_writes_a_line_for_each_approval(here: Database, clock: Hands, tmp_path: Path) -> None:
    file = tmp_path / "approvals"
    replica, scene = Replica("here", here, ApprovalLines(file)), Scene(here, clock)
    before = await scene.submit(BLOG, "ada")
    await replica.go_on()  # from here on
    await scene.decide(before, Action.APPROVE)
    await scene.decide(await scene.submit(BLOG, "bob"), Action.SPAM)
    kept = await scene.decide(await scene.submit(BLOG, "cy"), Action.APPROVE)
    await scene.decide(kept[1], Action.APPROVE)  # approved it was
    open_to_all = await scene.submit(OPEN, "dan")  # by the site's policy
    await replica.go_on()
    assert [(line["comment"], line["of"], line["by"]) for line in lines_in(file)] == [
        (before.id, "ada-key", MODERATOR.key),
        (kept[1].id, "cy-key", MODERATOR.key),
        (open_to_all.id, "dan-key", POLICY.key),
    ]


async def test_two_replicas_write_each_line_once(pair: tuple[Database, Database], clock: Hands, tmp_path: Path) -> None:
    file = tmp_path / "approvals"
    replicas = [Replica(name, one, ApprovalLines(file)) for name, one in zip(("a", "b"), pair, strict=True)]
    for replica in replicas:
        await replica.go_on()
    for number in range(6):
        await Scene(pair[number % 2], clock).approved(BLOG, f"reader-{number}")
        for replica in replicas:
            await replica.go_on()
        if number == 2:
            await replicas[0].relay.stop()  # and the other goes on
    assert [line["of"] for line in lines_in(file)] == [f"reader-{number}-key" for number in range(6)]


async def test_what_was_before_it_is_nobody_s_news(here: Database) -> None:
    await here.write(happen)
    replica, numbers = Replica("here", here, follower := Numbers()), follower.calls
    await replica.go_on()
    await here.write(happen)
    await replica.go_on()
    assert numbers == [[2]]


async def test_a_store_without_events_has_a_position_all_the_same(here: Database) -> None:
    await Replica("here", here, Numbers()).go_on()  # and it is killed
    await here.write(happen)
    again = Numbers()
    replica = Replica("here", here, again)
    await replica.go_on()
    assert again.calls == [[1]]


async def test_one_that_fails_is_handed_the_same_again(here: Database) -> None:
    follower = Numbers()
    replica = Replica("here", here, follower)
    await replica.go_on()
    for _ in range(2):
        await here.write(happen)
    follower.failures = 2
    for _ in range(2):
        with pytest.raises(OSError, match="not now"):
            await replica.go_on()
        assert await here.read(followers.positions, "numbers") == {SITE: 0}
    await replica.go_on()
    assert follower.calls == [[1, 2]]
    assert await here.read(followers.positions, "numbers") == {SITE: 2}


async def test_a_kill_before_the_position_was_noted_hands_over_twice_and_loses_nothing(here: Database) -> None:
    follower = Numbers()
    replica = Replica("here", here, follower)
    await replica.go_on()
    await here.write(happen)
    await replica.go_on()
    await here.write(happen)
    await replica.go_on(seconds=0)  # handled, not yet noted; and it is killed
    again = Numbers()
    await Replica("here", here, again).go_on()
    assert (follower.calls, again.calls) == ([[1], [2]], [[2]])


async def test_one_that_stops_notes_how_far_it_came(pair: tuple[Database, Database]) -> None:
    here, there = Replica("a", pair[0], Numbers()), Replica("b", pair[1], follower := Numbers())
    await here.go_on()
    await pair[0].write(happen)
    await here.go_on(seconds=0)
    await here.relay.stop()
    await pair[1].write(happen)
    await there.go_on()
    assert follower.calls == [[2]]


async def test_one_that_slept_goes_on_where_the_other_is(pair: tuple[Database, Database], clock: Hands) -> None:
    sleeper, other = Numbers(), Numbers()
    here, there = Replica("a", pair[0], sleeper), Replica("b", pair[1], other)
    await here.go_on()
    clock.advance(seconds=leases.SECONDS)
    for _ in range(2):
        await pair[0].write(happen)
        await there.go_on()
    await there.relay.stop()
    await here.go_on(seconds=leases.SECONDS)
    await pair[1].write(happen)
    await here.go_on()
    assert (sleeper.calls, other.calls) == ([[3]], [[1], [2]])


async def test_a_long_backlog_comes_in_stretches_and_is_noted_on_the_way(
    here: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leased_relay, "EVENTS_AT_ONCE", 3)
    follower = Numbers()
    replica = Replica("here", here, follower)
    await replica.go_on()
    for number in range(8):
        await here.write(happen, SITE if number % 2 else SiteKey("other"))
    noted = []
    for _ in range(3):
        await replica.go_on()
        noted.append(sum((await here.read(followers.positions, "numbers")).values()))
    assert (list(chain(*follower.calls)), noted) == ([1, 2, 3, 4, 1, 2, 3, 4], [3, 6, 8])


class Twice(Numbers):
    """Wants everything twice."""

    again_seconds = 2.0


async def test_only_so_much_is_kept_to_be_handed_over_again(here: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leased_relay, "MOST_HELD", 2)
    follower = Twice()
    replica = Replica("here", here, follower)
    await replica.go_on()
    for _ in range(2):
        await here.write(happen)
    await replica.go_on(seconds=0)
    await here.write(happen)
    await replica.go_on(seconds=0)
    assert follower.calls == [[1, 2]]
    await replica.go_on(seconds=2)
    await replica.go_on(seconds=0)
    assert follower.calls == [[1, 2], [1, 2], [3]]


GONE = {
    "removed": ["DELETE FROM events WHERE seq <= 2", "UPDATE sites SET first_seq = 3"],
    "all removed": ["DELETE FROM events", "UPDATE sites SET first_seq = 4"],
    "another store's": ["UPDATE followers SET seq = 99"],
}


@pytest.mark.parametrize("kind", [Numbers, Twice])
@pytest.mark.parametrize("gone", GONE)
async def test_one_whose_place_is_gone_is_told_so_once_and_goes_on(
    any_url: str, clock: Hands, gone: str, kind: type[Numbers]
) -> None:
    database = await Database.open(any_url, clock=clock)
    await Replica("here", database, kind()).go_on()
    for _ in range(3):
        await database.write(happen)
    await database.close()
    change(any_url, *GONE[gone])
    database = await Database.open(any_url, clock=clock)
    follower = kind()
    replica = Replica("here", database, follower)
    for _ in range(3):
        await replica.go_on(seconds=2)
    assert follower.missed == [SITE]
    assert set(chain(*follower.calls)) == ({3} if gone == "removed" else set())
    assert await database.read(followers.positions, kind.name) == {SITE: 3}
    await database.write(happen)
    await replica.go_on()
    assert follower.calls[-1] == [4]
    await database.close()
