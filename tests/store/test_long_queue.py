"""A long queue, on both databases: what is looked for is found as it is now, whether or not an index knows of it."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from service.model import (
    Action,
    Actor,
    ActorKind,
    AuthorKey,
    BatchId,
    Caller,
    Comment,
    CommentId,
    Identity,
    PostKey,
    Profile,
    SiteKey,
    SiteRules,
    Why,
)
from service.moderation import decisions, submissions
from service.moderation.decisions import Ruling
from service.moderation.submissions import Draft
from service.store import queue_pages, search_index, verify
from service.store import snapshot as snapshots
from service.store.database import Database, Transaction
from service.store.queue_filter import Filter
from service.store.queue_pages import Position, Total
from service.store.search_index import LONG, State
from service.store.snapshot import Watch
from service.store.tables import queue
from service.text.folding import fold
from tests.harness import Hands

SITE, OTHER = SiteKey("blog"), SiteKey("other")
MODERATOR = Actor(ActorKind.MODERATOR, "mo", "Mo")
WAITING = LONG + 100
pytestmark = pytest.mark.own_engines


@pytest.fixture
def site() -> SiteRules:
    """A site where every comment waits."""
    return SiteRules(SITE)


@pytest.fixture
def other() -> SiteRules:
    """Another site in the same store."""
    return SiteRules(OTHER)


@pytest.fixture
async def crowd(any_url: str, clock: Hands, site: SiteRules) -> AsyncIterator[Database]:
    """More waiting than is looked through at once; every 40th speaks of marmalade, as do two late ones of Carol's."""
    database = await Database.open(any_url, clock=clock, statement_seconds=60)
    await database.write(_fill, site)
    yield database
    await database.close()


@pytest.fixture
async def indexed(crowd: Database) -> Database:
    """The same with an index that knows of all."""
    await search_index.keep(crowd, "here")
    assert (await crowd.read(search_index.progress)).state is State.COMPLETE
    return crowd


def _fill(tx: Transaction, site: SiteRules) -> None:
    for number in range(WAITING):
        tx.now += 1 + number % 2
        said = "Orange MARMALADE" if number % 40 == 0 else "Plain bread"
        submit(tx, site, f"{said} {number}", by=f"reader {number % 7}", post=f"post {number % 3}")
    tx.now += 1
    for number in range(2):
        submit(tx, site, f"Marmalade at last {number}", by="carol", post="quiet")


def submit(tx: Transaction, site: SiteRules, text: str, *, by: str = "ada", post: str = "post") -> Comment:
    """A comment that waits."""
    who = Identity(site.key, "jwt", by, Profile(by.title()))
    return submissions.submit(tx, site, PostKey(post), AuthorKey(by), who, Draft(text, f"<p>{text}</p>"))


def _all(
    tx: Transaction, wanted: Filter, *, limit: int, by_priority: bool = False, site: SiteKey = SITE
) -> tuple[list[CommentId], list[Total]]:
    """Every page, one after the other."""
    found: list[CommentId] = []
    totals: list[Total] = []
    after: Position | None = None
    while True:
        page = queue_pages.find(tx, site, wanted, by_priority=by_priority, limit=limit, after=after)
        found += [entry.comment_id for entry in page.entries]
        totals.append(page.total)
        if page.next is None:
            return found, totals
        after = page.next


def _expected(tx: Transaction, wanted: Filter, *, by_priority: bool = False) -> list[CommentId]:
    """The same by going through everything in Python."""

    def fits(row: dict[str, object]) -> bool:
        return (
            row["site"] == SITE
            and wanted.post in (None, row["post"])
            and wanted.author in (None, row["author"])
            and (wanted.why is None or wanted.why in str(row["why"]).split())
            and (wanted.text is None or fold(wanted.text) in str(row["folded"]))
        )

    some = [dict(row) for row in tx.all(queue.select())]
    order = (lambda row: -row["priority"]) if by_priority else (lambda _: 0)
    ordered = sorted(filter(fits, some), key=lambda row: (order(row), row["waiting_since"], row["comment_id"]))
    return [row["comment_id"] for row in ordered]


FILTERS = {
    "words in few": Filter(text="marmalade"),
    "words in all": Filter(text="reader"),
    "words in many": Filter(text="bread 1"),
    "words in none": Filter(text="no such words"),
    "words whose letters are there, but not so": Filter(text="ananana"),
    "two letters": Filter(text="Or"),
    "an author's name": Filter(text="CAROL"),
    "a post": Filter(post=PostKey("quiet")),
    "a post of many": Filter(post=PostKey("post 1")),
    "an author": Filter(author=AuthorKey("reader 3")),
    "nobody": Filter(author=AuthorKey("nobody")),
    "a reason": Filter(why=Why.AWAITING_APPROVAL),
    "a reason that nobody has": Filter(why=Why.EDITED),
    "words, post and reason": Filter(Why.AWAITING_APPROVAL, PostKey("post 1"), None, "marmalade"),
    "words and author": Filter(author=AuthorKey("reader 3"), text="marmalade"),
}


@pytest.mark.parametrize("by_priority", [False, True], ids=["oldest", "priority"])
@pytest.mark.parametrize("is_indexed", [False, True], ids=["without index", "with index"])
async def test_pages_are_what_is_there_in_order(crowd: Database, is_indexed: bool, by_priority: bool) -> None:
    if is_indexed:
        await search_index.keep(crowd, "here")
    await crowd.write(_rank)
    for name, wanted in FILTERS.items():
        expected = await crowd.read(_expected, wanted, by_priority=by_priority)
        for limit in (7, 150):
            found, _ = await crowd.read(_all, wanted, limit=limit, by_priority=by_priority)
            assert found == expected, (name, limit)


def _rank(tx: Transaction) -> None:
    ranked = queue.c.waiting_since % 3
    tx.run(queue.update().values(priority=ranked))


async def test_letters_that_mean_something_to_a_database_are_looked_for_as_they_are(
    crowd: Database, site: SiteRules, clock: Hands
) -> None:
    clock.advance(seconds=10)
    odd = (await crowd.write(submit, site, 'It is [ab]* by a_b, "100%" sure? \\^-')).id
    for text in ("[ab]", "b]*", "*", "?", "[", "]", "a_b", '0%"', '" s', "\\", "^-"):
        assert (await crowd.read(_all, Filter(text=text), limit=5))[0] == [odd], text
    for text in ("[a]", "a?b", "a*b", "a%b", "a_", "[^x]"):
        expected = await crowd.read(_expected, Filter(text=text))
        assert (await crowd.read(_all, Filter(text=text), limit=5))[0] == expected, text


async def test_a_total_is_exact_or_says_that_it_is_not(indexed: Database) -> None:
    for name, wanted in FILTERS.items():
        expected = len(await indexed.read(_expected, wanted))
        _, totals = await indexed.read(_all, wanted, limit=200)
        if name == "two letters":  # no index can tell: so many are among those that one call looks through
            assert all(0 < total.number <= expected and not total.is_exact for total in totals)
            continue
        exact = Total(expected, is_exact=True) if expected < queue_pages.MOST_COUNTED else Total(1_000, is_exact=False)
        assert set(totals) == {exact}, name
    _, totals = await indexed.read(_all, Filter(), limit=200)
    assert set(totals) == {Total(WAITING + 2, is_exact=True)}


async def test_what_happens_after_the_index_is_found_at_once(indexed: Database, site: SiteRules, clock: Hands) -> None:
    wanted = Filter(text="marmalade")
    before = await indexed.read(_expected, wanted)

    def happen(tx: Transaction) -> list[CommentId]:
        new = submit(tx, site, "More marmalade")
        decisions.decide(tx, site, Ruling(before[0], Action.APPROVE, 1), MODERATOR)
        text, caller = Draft("Honey instead", "<p></p>"), Caller(AuthorKey("carol"), Profile("Carol"), frozenset())
        submissions.edit(tx, site, before[-1], caller, text, version=1)
        return [*before[1:-1], new.id]

    clock.advance(seconds=10)
    now = await indexed.write(happen)
    for _ in range(2):
        found, totals = await indexed.read(_all, wanted, limit=50)
        assert (found, set(totals)) == (now, {Total(len(now), is_exact=True)})
        assert await indexed.read(_all, Filter(text="honey"), limit=5) == ([before[-1]], [Total(1, is_exact=True)])
        await search_index.keep(indexed, "here")  # and the same once it is no longer the tail


async def test_the_index_forgets_a_queue_that_has_become_short(indexed: Database, site: SiteRules) -> None:
    def approve(tx: Transaction, ids: list[CommentId]) -> None:
        rulings = [Ruling(comment_id, Action.REJECT, 1) for comment_id in ids]
        decisions.decide_each(tx, site, rulings, MODERATOR, batch=BatchId("batch"))

    every = await indexed.read(_expected, Filter())
    await indexed.write(approve, every[5:])
    assert await indexed.read(_all, Filter(text="marmalade"), limit=5) == (every[:1], [Total(1, is_exact=True)])
    await search_index.keep(indexed, "here")
    assert await indexed.read(search_index.progress) == search_index.Progress()
    assert await indexed.read(lambda tx: tx.all(search_index.search.select())) == []
    await indexed.write(_fill, again(site))
    await search_index.keep(indexed, "here")
    assert (await indexed.read(search_index.progress)).state is State.COMPLETE


def again(site: SiteRules) -> SiteRules:
    """The same site: its authors may say the same again."""
    return replace(site, duplicate_window_seconds=0)


async def test_one_sites_moderators_find_nothing_of_anothers(indexed: Database, other: SiteRules) -> None:
    await indexed.write(submit, other, "Marmalade elsewhere")
    await search_index.keep(indexed, "here")
    found, _ = await indexed.read(_all, Filter(text="elsewhere"), limit=5)
    assert found == []


async def test_one_replica_at_a_time_keeps_the_index(crowd: Database, clock: Hands) -> None:
    assert await crowd.write(search_index.advance, "here")
    assert not await crowd.write(search_index.advance, "there")
    clock.advance(seconds=61)
    while await crowd.write(search_index.advance, "there"):
        pass
    assert (await crowd.read(search_index.progress)).state is State.COMPLETE


async def test_the_index_is_no_part_of_what_a_store_holds(any_url: str, indexed: Database) -> None:
    assert list(_differences(any_url)) == []


def _differences(url: str) -> Iterator[str]:
    with snapshots.of(url) as moment:
        yield from verify.differences(moment, Watch())
