"""The memory of pages: current or not at all, built once for all who ask, never larger than allowed."""

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from service.delivery.relay import FRESH_SECONDS, Relay
from service.metrics import Metrics
from service.model import PostKey, SiteKey
from service.moderation import posts
from service.reading.page import CODING_OVERHEAD, OVERHEAD, Content, PreparedPage
from service.reading.pages import Pages
from service.store import posts as stored_posts
from service.store.database import Database, Transaction
from tests.harness import Hands
from tests.store.scene import BLOG, MODERATOR

SITE = BLOG.key
BYTES = 1_000
ROOM = 10 * (BYTES + OVERHEAD + 150)
"""For ten pages with their keys."""


def post(number: int) -> PostKey:
    """One of many posts."""
    return PostKey(f"post {number}")


@dataclass
class Reader:
    """Builds pages that say whether a post is open, counts how often, and can be held up in the middle of it."""

    key: PostKey
    builds: int = 0
    started: threading.Event = field(default_factory=threading.Event)
    may_end: threading.Event = field(default_factory=threading.Event)

    def build(self, tx: Transaction) -> Content:
        """As a handler's."""
        self.builds += 1
        found = stored_posts.get(tx, SITE, self.key)
        return Content(f"{found.open}".encode().ljust(BYTES), found.revision)

    def build_held(self, tx: Transaction) -> Content:
        """The same, but it says when it has read, and goes on when it may."""
        content = self.build(tx)
        self.started.set()
        assert self.may_end.wait(60)
        return content


@dataclass
class House:
    """A memory on a store."""

    database: Database
    relay: Relay
    pages: Pages
    ticks: list[float]

    async def get(self, reader: Reader, variant: str = "first") -> bytes:
        """What a reader gets."""
        page = await self.pages.get((SITE, reader.key), variant, reader.build)
        return (await page.encoded("identity")).body.strip()

    def ready(self, reader: Reader, variant: str = "first") -> PreparedPage | None:
        """What is in memory."""
        return self.pages.ready((SITE, reader.key), variant)

    async def close(self, key: PostKey, *, is_open: bool = False, site: SiteKey = SITE) -> None:
        """A change that readers see."""
        await self.database.write(posts.set_open, site, key, MODERATOR, is_open=is_open)


@pytest.fixture
async def house(store_url: str, clock: Hands) -> AsyncIterator[House]:
    """A memory with room for ten pages, that has looked."""
    async for made in make_house(store_url, clock):
        yield made


async def make_house(url: str, clock: Hands) -> AsyncIterator[House]:
    """A memory with room for ten pages, that has looked."""
    database, ticks = await Database.open(url, clock=clock), [1000.0]
    relay = Relay(database, monotonic=lambda: ticks[0])
    pages = Pages(database, relay, max_bytes=ROOM, metrics=Metrics())
    relay.add(pages)
    await relay.look()
    yield House(database, relay, pages, ticks)
    await database.close()


async def test_a_page_is_built_once_while_nothing_changes(house: House) -> None:
    reader = Reader(post(1))
    assert [await house.get(reader) for _ in range(3)] == [b"True"] * 3
    assert reader.builds == 1


async def test_every_variant_is_a_page_of_its_own(house: House) -> None:
    reader = Reader(post(1))
    for variant in ("first", "second", "first", "second"):
        await house.get(reader, variant)
    assert reader.builds == 2


async def test_a_change_shows_in_the_next_read(house: House) -> None:
    reader = Reader(post(1))
    for is_open in (False, True, False):
        await house.get(reader)
        await house.close(post(1), is_open=is_open)
        assert house.ready(reader) is None
        assert await house.get(reader) == str(is_open).encode()
    assert reader.builds == 4


async def test_a_change_of_one_post_leaves_the_others_in_memory(house: House) -> None:
    one, other = Reader(post(1)), Reader(post(2))
    await house.get(one)
    await house.get(other)
    await house.close(post(1))
    assert house.ready(one) is None
    assert house.ready(other) is not None


async def test_a_change_anywhere_on_the_site_renews_what_spans_its_posts(house: House) -> None:
    builds: list[int] = []

    def build(tx: Transaction) -> Content:
        builds.append(1)
        return Content(b"counts", len(builds) - 1)

    for expected in (1, 1):
        await house.pages.get((SITE, None), "counts", build)
        assert len(builds) == expected
    await house.close(post(7), site=SiteKey("another"))
    await house.pages.get((SITE, None), "counts", build)
    assert len(builds) == 1
    await house.close(post(7))
    await house.pages.get((SITE, None), "counts", build)
    assert len(builds) == 2


async def _held(house: House, reader: Reader) -> "asyncio.Task[PreparedPage]":
    """A build that has read the store, and waits."""
    reading = asyncio.create_task(house.pages.get((SITE, reader.key), "first", reader.build_held))
    await asyncio.to_thread(reader.started.wait, 60)
    return reading


async def _read_by(house: House, reader: Reader, count: int) -> "list[asyncio.Task[bytes]]":
    """So many who ask at the same moment."""
    tasks = [asyncio.create_task(house.get(reader)) for _ in range(count)]
    await asyncio.wait(tasks, timeout=0)
    return tasks


async def test_a_thousand_who_miss_share_one_build(house: House) -> None:
    reader = Reader(post(1))
    first = await _held(house, reader)
    others = await _read_by(house, reader, 1000)
    reader.may_end.set()
    assert await asyncio.gather(*others) == [b"True"] * 1000
    await first
    assert reader.builds == 1


async def test_who_asks_after_a_change_is_not_given_what_was_read_before_it(house: House) -> None:
    reader = Reader(post(1))
    before = await _held(house, reader)
    await house.close(post(1))
    after = await _read_by(house, reader, 1000)
    reader.may_end.set()
    assert await asyncio.gather(*after) == [b"False"] * 1000
    assert (await before).revision == 0
    assert reader.builds == 2
    kept = house.ready(reader)
    assert kept is not None
    assert kept.revision == 1


async def test_under_a_stream_of_changes_one_build_follows_the_other(house: House) -> None:
    reader = Reader(post(1))
    changes, readers = 40, 25
    for number in range(changes):
        tasks = await _read_by(house, reader, readers)
        await house.close(post(1), is_open=bool(number % 2))
        late = await _read_by(house, reader, readers)
        assert set(await asyncio.gather(*late)) == {str(bool(number % 2)).encode()}
        await asyncio.gather(*tasks)
    assert reader.builds <= 2 * changes + 1


async def test_a_build_that_fails_fails_for_those_who_wait_and_is_tried_again(house: House) -> None:
    reader = Reader(post(1))

    def failing(tx: Transaction) -> Content:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await house.pages.get((SITE, post(1)), "first", failing)
    assert await house.get(reader) == b"True"


async def test_who_goes_away_stops_nobody_else(house: House) -> None:
    reader = Reader(post(1))
    first = await _held(house, reader)
    (other,) = await _read_by(house, reader, 1)
    first.cancel()
    reader.may_end.set()
    assert await other == b"True"
    assert reader.builds == 1


async def test_memory_is_bounded_and_what_was_read_last_stays(house: House) -> None:
    readers = [Reader(post(number)) for number in range(30)]
    for reader in readers:
        await house.get(reader)
        await house.get(readers[0])
    assert house.pages.bytes <= ROOM
    assert house.ready(readers[0]) is not None
    assert [house.ready(reader) is not None for reader in readers[1:]] == [False] * 20 + [True] * 9


async def test_a_crawler_pushes_out_nothing_that_is_read_meanwhile(house: House) -> None:
    hot = Reader(post(0))
    for number in range(1, 41):
        await house.get(hot)
        await house.get(Reader(post(number)))
    assert hot.builds == 1


async def test_posts_without_a_page_in_memory_take_none(house: House) -> None:
    """Neither those that change and nobody reads, nor those whose pages made room for others."""
    for number in range(50):
        await house.close(post(number))
    assert (house.pages.bytes, len(house.pages._kept)) == (0, 0)
    for number in range(50):
        await house.get(Reader(post(number)))
    assert len(house.pages._kept) == 10


async def test_a_long_key_counts_as_well(house: House) -> None:
    """Keys of posts may be four hundred times as long as an empty list."""
    for number in range(20):
        await house.get(Reader(post(number)), f"{number}" * 2_000)
        assert house.pages.bytes <= ROOM
    assert len(house.pages._kept) < 6


async def test_compressed_copies_count_as_well(house: House) -> None:
    reader = Reader(post(1))
    page = await house.pages.get((SITE, reader.key), "first", reader.build)
    before = house.pages.bytes
    encoded = await page.encoded("gzip")
    assert house.pages.bytes == before + len(encoded.body) + CODING_OVERHEAD
    await house.close(post(1))
    assert house.pages.bytes == 0


async def test_a_page_that_is_replaced_leaves_at_once(house: House) -> None:
    reader = Reader(post(1))
    await house.get(reader)
    size = house.pages.bytes
    for number in range(5):
        await house.close(post(1), is_open=bool(number % 2))
        assert house.pages.bytes == 0
        await house.get(reader)
        assert house.pages.bytes == size


async def test_a_page_larger_than_the_memory_is_served_and_not_kept(house: House) -> None:
    def build(tx: Transaction) -> Content:
        return Content(b"x" * 100_000, 0)

    page = await house.pages.get((SITE, post(1)), "first", build)
    assert page.size > 100_000
    assert house.pages.bytes == 0


async def test_what_is_old_when_it_is_built_is_not_kept(house: House) -> None:
    reader = Reader(post(1))
    held = await _held(house, reader)
    await house.close(post(1))
    for number in range(2, 7):  # other changes hide nothing of this one
        await house.close(post(number))
    reader.may_end.set()
    await held
    assert house.ready(reader) is None
    assert await house.get(reader) == b"False"


# --- Several replicas -------------------------------------------------------------------------------------------------


async def test_what_was_missed_on_a_site_makes_all_of_it_unknown_and_nothing_else(house: House) -> None:
    here, elsewhere = Reader(post(1)), Reader(post(2))
    other = (SiteKey("other"), post(2))
    await house.get(here)
    await house.pages.get(other, "first", elsewhere.build)
    on_its_way = await _held(house, slow := Reader(post(3)))
    house.pages.skipped(SITE)
    assert house.ready(here) is None
    assert house.pages.ready(other, "first") is not None
    slow.may_end.set()
    await on_its_way
    assert house.ready(slow) is None  # it may not show what was missed
    await house.get(here)
    assert (here.builds, house.ready(here) is None) == (2, False)


async def test_a_page_that_was_being_built_while_something_was_missed_is_not_kept(house: House) -> None:
    reader = Reader(post(1))
    building = await _held(house, reader)
    house.pages.skipped(SITE)  # of which nothing was known yet
    reader.may_end.set()
    await building
    assert house.ready(reader) is None


@pytest.fixture
async def replicas(postgres_url: str, clock: Hands) -> AsyncIterator[tuple[House, House]]:
    """Two memories on one store."""
    async for here in make_house(postgres_url, clock):
        async for there in make_house(postgres_url, clock):
            yield here, there


@pytest.mark.own_engines
async def test_another_replica_s_change_shows_after_the_next_look(replicas: tuple[House, House]) -> None:
    here, there = replicas
    reader = Reader(post(1))
    assert await there.get(reader) == b"True"
    await here.close(post(1))
    await there.relay.look()
    assert await there.get(reader) == b"False"
    assert reader.builds == 2


@pytest.mark.own_engines
async def test_who_cannot_hear_serves_nothing_from_memory_and_keeps_nothing(replicas: tuple[House, House]) -> None:
    here, there = replicas
    reader = Reader(post(1))
    await there.get(reader)
    there.ticks[0] += FRESH_SECONDS
    assert there.ready(reader) is None
    await here.close(post(1))
    assert [await there.get(reader) for _ in range(3)] == [b"False"] * 3
    assert reader.builds == 4
    await there.relay.look()
    await there.get(reader)
    await there.get(reader)
    assert reader.builds == 5


@pytest.mark.own_engines
async def test_who_cannot_hear_still_builds_once_for_all_who_wait(replicas: tuple[House, House]) -> None:
    _, there = replicas
    there.ticks[0] += FRESH_SECONDS
    reader = Reader(post(1))
    first = await _held(there, reader)
    others = await _read_by(there, reader, 500)
    reader.may_end.set()
    await asyncio.gather(first, *others)
    assert reader.builds == 2  # the one that was on its way may be older than they are


@pytest.mark.own_engines
async def test_a_page_built_before_the_first_look_is_not_kept(postgres_url: str, clock: Hands) -> None:
    async for here in make_house(postgres_url, clock):
        database = await Database.open(postgres_url, clock=clock)
        relay = Relay(database)
        pages = Pages(database, relay, max_bytes=1_000_000, metrics=Metrics())
        relay.add(pages)
        reader = Reader(post(1))
        await pages.get((SITE, post(1)), "first", reader.build)
        await here.close(post(1))
        await relay.look()
        page = await pages.get((SITE, post(1)), "first", reader.build)
        assert page.revision == 1
        await database.close()
