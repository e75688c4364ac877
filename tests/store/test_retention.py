"""Old events are removed down to a floor: in slices, never what a follower waits for, and the store stays sound."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from service.errors import StoreUnavailable
from service.model import POLICY, Action, PostKey, SiteKey
from service.moderation import decisions
from service.store import backup, copy, events, followers, leases, record_pages, retention, snapshot, verify
from service.store.database import Database, Transaction
from service.store.restore import restore
from service.store.retention import Retention
from service.store.snapshot import Watch
from tests.harness import Hands, configuration
from tests.launch import launch
from tests.store import scene
from tests.store.scene import BLOG, MODERATOR, Scene
from tests.store.test_digest import digest_of

SITE, OTHER = SiteKey("blog"), SiteKey("other")
DAY = 86_400
FOLLOWER = "a follower"
PATIENCE_SECONDS = 60
pytestmark = pytest.mark.own_engines


@pytest.fixture
async def opened(any_url: str, clock: Hands) -> AsyncIterator[Database]:
    """A store, on the one engine and then on the other."""
    database = await Database.open(any_url, clock=clock)
    yield database
    await database.close()


def happen(tx: Transaction, site: SiteKey = SITE) -> int:
    """One event."""
    return events.append(tx, site, "post.opened", POLICY, post=PostKey("a post"))


def kept_for(days: int, database: Database, clock: Hands, *, awaited: tuple[str, ...] = ()) -> Retention:
    """The job."""
    return Retention(database, days=days, awaited=awaited, holder="here", clock=clock)


async def numbers(database: Database, site: SiteKey = SITE) -> list[int]:
    """Which events there are."""
    return [event.seq for event in await database.read(events.after, site, 0, limit=1000)]


async def days(database: Database, clock: Hands, count: int, site: SiteKey = SITE) -> None:
    """An event a day; the last one is of now."""
    for number in range(count):
        clock.advance(seconds=DAY if number else 0)
        await database.write(happen, site)


async def test_what_is_old_is_removed_and_numbers_go_on(opened: Database, clock: Hands) -> None:
    await days(opened, clock, 10)
    await kept_for(3, opened, clock).remove_old()
    assert await numbers(opened) == [8, 9, 10]
    assert await opened.read(events.first_number, SITE) == 8
    clock.advance(seconds=30 * DAY)
    await kept_for(3, opened, clock).remove_old()
    assert (await numbers(opened), await opened.read(events.first_number, SITE)) == ([], 11)
    assert await opened.write(happen) == 11
    await kept_for(3, opened, clock).remove_old()
    assert await numbers(opened) == [11]


async def test_every_site_has_a_floor_of_its_own(opened: Database, clock: Hands) -> None:
    await days(opened, clock, 4)
    await days(opened, clock, 2, OTHER)
    await kept_for(2, opened, clock).remove_old()
    assert (await numbers(opened), await numbers(opened, OTHER)) == ([4], [1, 2])


async def test_a_clock_that_went_back_removes_nothing_young(opened: Database, clock: Hands) -> None:
    """What is younger keeps what was written after it: numbers have no gaps."""
    await days(opened, clock, 2)
    clock.advance(seconds=-10 * DAY)
    await opened.write(happen)
    clock.advance(seconds=11 * DAY)
    await kept_for(2, opened, clock).remove_old()
    assert await numbers(opened) == [2, 3]


async def test_many_go_in_slices(opened: Database, clock: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 4)
    for _ in range(9):
        await opened.write(happen)
    clock.advance(seconds=2 * DAY)
    some = [await opened.bulk.write(retention.cut, SITE, until=clock(), awaited=()) for _ in range(4)]
    assert some == [4, 4, 1, 0]


async def test_nothing_is_removed_that_a_follower_has_not_handled(opened: Database, clock: Hands) -> None:
    lease, begun = await _take(opened)
    assert begun == {SITE: 0}
    await days(opened, clock, 5)
    clock.advance(seconds=10 * DAY)
    job = kept_for(1, opened, clock, awaited=(FOLLOWER, "one that never worked"))
    await job.remove_old()
    assert await numbers(opened) == [1, 2, 3, 4, 5]
    lease, _ = await _take(opened)
    assert await opened.write(followers.note, lease, {SITE: 3})
    await job.remove_old()
    assert await numbers(opened) == [4, 5]
    await kept_for(1, opened, clock).remove_old()  # where it is not configured any more
    assert await numbers(opened) == []


async def _take(database: Database) -> tuple[leases.Lease, followers.Positions]:
    taken = await database.write(followers.take, FOLLOWER, "here", sites=[SITE])
    assert taken is not None
    return taken


async def test_one_replica_does_it(opened: Database, clock: Hands) -> None:
    await days(opened, clock, 5)
    async with leases.held(opened, retention.LEASE, "there"):
        await kept_for(1, opened, clock).remove_old()
        assert len(await numbers(opened)) == 5
    await kept_for(1, opened, clock).remove_old()
    assert await numbers(opened) == [5]


async def test_a_fault_on_the_way_leaves_a_sound_store(
    opened: Database, any_url: str, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    await days(opened, clock, 6)
    cut, calls = retention.cut, iter(range(9))

    def fails(tx: Transaction, *args: object, **more: object) -> int:
        if next(calls) == 1:
            raise StoreUnavailable(retry_after_seconds=1)
        return cut(tx, *args, **more)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(retention, "cut", fails)
    with pytest.raises(StoreUnavailable):
        await kept_for(1, opened, clock).remove_old()
    assert await numbers(opened) == [3, 4, 5, 6]
    assert differences(any_url) == []


def differences(url: str) -> list[str]:
    """What verify says."""
    with snapshot.of(url) as moment:
        return list(verify.differences(moment, Watch()))


@pytest.fixture
async def cut_url(filled_url: str, clock: Hands) -> str:
    """A store with one of everything, and no events of the site `blog` but the last three; of `open` none at all."""
    database = await Database.open(filled_url, clock=clock)
    clock.advance(seconds=10 * DAY)
    await kept_for(1, database, clock).remove_old()
    for _ in range(3):
        await database.write(happen)
    await database.close()
    return filled_url


async def test_a_store_without_its_oldest_events_is_sound(cut_url: str) -> None:
    assert differences(cut_url) == []


async def test_it_is_backed_up_restored_and_copied(cut_url: str, tmp_path: Path, clock: Hands) -> None:
    made = backup.take(cut_url, tmp_path / "backups", now=clock(), watch=Watch())
    assert made.digest == digest_of(cut_url)
    back = f"sqlite:///{tmp_path}/back.db"
    assert restore(made.path, back, now=clock(), watch=Watch()).digest == made.digest
    copied = f"sqlite:///{tmp_path}/copied.db"
    with snapshot.of(cut_url) as moment:
        assert copy.copy(moment, copied, Watch()) == made.digest
    assert differences(copied) == differences(back) == []


async def test_a_floor_makes_another_digest(cut_url: str, clock: Hands) -> None:
    before = digest_of(cut_url)
    database = await Database.open(cut_url, clock=clock)
    clock.advance(seconds=10 * DAY)
    await kept_for(1, database, clock).remove_old()
    await database.close()
    after = digest_of(cut_url)
    assert (after.text != before.text, after.as_of) == (True, before.as_of)


async def test_the_record_stays_and_a_decision_can_be_undone(opened: Database, clock: Hands) -> None:
    acts = Scene(opened, clock)
    decision, comment = await acts.decide(await acts.submit(BLOG, "ada"), Action.SPAM)
    clock.advance(seconds=10 * DAY)
    await kept_for(1, opened, clock).remove_old()
    assert await numbers(opened) == []
    wanted = record_pages.Filter(comment_id=comment.id)
    found = await opened.read(record_pages.page, SITE, wanted, newest_first=False, limit=10, after=None)
    assert [one.action for one in found.items] == [Action.HOLD, Action.SPAM]
    _, back = await opened.write(decisions.undo, scene.BLOG, decision.id, MODERATOR)
    assert back.status == "pending"


async def test_a_service_removes_what_its_configuration_calls_old(any_url: str, clock: Hands) -> None:
    await scene.fill(any_url, clock)
    clock.advance(seconds=10 * DAY)
    wanted = configuration(any_url)
    async with AsyncExitStack() as stack:
        gatepost = await launch(stack, wanted, clock=clock)
        jobs = (await gatepost.visitor.get("/health/ready")).json["checks"]
        assert "job:remove-events" not in jobs
        before = await gatepost.moderator().get("decisions", params={"limit": 100})
    wanted["retention"] = {"events_days": 9}
    async with AsyncExitStack() as stack:
        gatepost = await launch(stack, wanted, clock=clock)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await numbers(gatepost.running.database):
                pass
        checks = (await gatepost.visitor.get("/health/ready")).json["checks"]
        assert checks["job:remove-events"][0]["status"] == "pass"
        assert (await gatepost.moderator().get("decisions", params={"limit": 100})).json == before.json
        assert (await gatepost.reader("ada").submit("And on")).status == 202
    assert differences(any_url) == []
