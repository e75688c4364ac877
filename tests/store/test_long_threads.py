"""A page of a list costs the same wherever it is, on a post of any shape; pages are the list, whatever the thread.

Plans and work are read on both engines: PostgreSQL's with statistics, and as prepared statements get them too.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.model import Action, AuthorKey, Comment, CommentId, Page, PostKey, PublicComment, SiteRules
from service.moderation import decisions, submissions
from service.moderation.decisions import Ruling
from service.moderation.submissions import Draft
from service.store import published
from service.store.database import Database, Transaction
from service.store.published import Position
from tests.harness import Hands
from tests.store import long_post
from tests.store.long_post import FEEDS, LISTS, SITE, Listing
from tests.store.plans import Plan, plans_of, work_of
from tests.store.scene import MODERATOR

SIZE, LIMIT = 2_000, 50
SHAPES = {"one root": long_post.one_root(SIZE), "many roots": long_post.many_roots(SIZE)}
PAGES = ("first", "middle", "last")
EVERY_LIST = {**LISTS, **FEEDS}
pytestmark = pytest.mark.own_engines
Fill = Callable[..., Awaitable[None]]
numbers = count(1)


@pytest.fixture
async def store(any_url: str, clock: Hands) -> AsyncIterator[Database]:
    """An open store, on the one engine and then on the other."""
    opened = await Database.open(any_url, clock=clock)
    yield opened
    await opened.close()


@pytest.fixture
def fill(store: Database, any_url: str, clock: Hands) -> Fill:
    """Puts comments on a post; PostgreSQL then looks how many rows there are, as it does by itself in time."""

    async def filled(post: str, parents: long_post.Parents, *, gone: Sequence[bool] | None = None) -> None:
        clock.advance(seconds=len(parents))  # posts are not talked about at the same time
        await store.write(long_post.fill, PostKey(post), parents, gone=gone)
        if not any_url.startswith("sqlite"):
            with psycopg.connect(any_url, autocommit=True) as connection:
                connection.execute("ANALYZE")

    return filled


@pytest.fixture
async def long_posts(store: Database, fill: Fill) -> Database:
    """A store with a post of each shape."""
    for name, parents in SHAPES.items():
        await fill(name, parents)
    return store


@dataclass(frozen=True)
class Read:
    """One page of one list."""

    listing: Listing
    post: PostKey
    after: Position | None

    def __call__(self, tx: Transaction) -> Page[PublicComment] | Page[Comment]:
        return self.listing(tx, self.post, LIMIT, self.after)


async def reads(database: Database, name: str, shape: str) -> dict[str, Read]:
    """The first, the middle and the last page."""
    post, listing = PostKey(shape), EVERY_LIST[name]
    starts = await database.read(long_post.starts, post, listing, limit=LIMIT)
    return {page: Read(listing, post, starts[page]) for page in PAGES}


WASTE = ("Seq Scan", "Hash", "Merge", "Bitmap", "Filter", "Sort", "TEMP B-TREE", "SCAN ")
WALKED = ("SCAN walk", "USE TEMP B-TREE FOR ORDER BY", "Sort", "Sort Key: walk.step")
"""What only the newest threads may do, with the few rows of a page."""
FILTERED = ("Filter: (step < ", "Filter: (post = ")
"""What is compared in a row that is found: PostgreSQL's index has a hash of the post (`store/same_post`), so hardly any
is found in vain."""


def wasteful(name: str, plan: Plan) -> list[str]:
    """The lines of a plan that say more is read than shown."""
    lines = [line.strip().removeprefix("->  ") for line in plan]
    allowed = WALKED if name == "thread, newest first" else ()
    found = [line for line in lines if any(waste in line for waste in WASTE)]
    return [line for line in found if line not in allowed and not line.startswith(FILTERED)]


@pytest.mark.parametrize("shape", SHAPES)
async def test_each_page_is_a_range_of_an_index(long_posts: Database, shape: str) -> None:
    for name in EVERY_LIST:
        for page, read in (await reads(long_posts, name, shape)).items():
            plans = await long_posts.read(plans_of, read)
            assert plans
            assert [(name, page, line) for plan in plans for line in wasteful(name, plan)] == []


SOUGHT = {
    "thread, oldest first": ("(root,path)>(?,?)", "(ROW(root, path) > ROW("),
    "flat, oldest first": ("(created_at,id)>(?,?)", "(ROW(created_at, id) > ROW("),
    "flat, newest first": ("(created_at,id)<(?,?)", "(ROW(created_at, id) < ROW("),
    "latest of the site": ("(created_at,id)<(?,?)", "(ROW(created_at, id) < ROW("),
    "one's own": ("(created_at,id)<(?,?)", "(ROW(created_at, id) < ROW("),
    "one's own on the post": ("post=? AND author=? AND (created_at,id)<(?,?)", "(ROW(created_at, id) < ROW("),
    "thread, newest first": ("root=? AND path>?", "(root = walk_1.root) AND (path > walk_1.path)"),
}
"""On PostgreSQL an index can be asked only in the collation it is sorted in, so this is "C"."""


async def test_a_page_starts_in_the_index_where_the_one_before_ended(long_posts: Database) -> None:
    for name, conditions in SOUGHT.items():
        for page, read in (await reads(long_posts, name, "many roots")).items():
            for plan in await long_posts.read(plans_of, read):
                sought = [line for line in plan if "Index Cond" in line or line.startswith("SEARCH")]
                assert any(condition in line for line in sought for condition in conditions), (name, page, sought)


@pytest.mark.parametrize("shape", SHAPES)
async def test_the_last_page_is_no_more_work_than_the_first(long_posts: Database, shape: str) -> None:
    for name in EVERY_LIST:
        pages = await reads(long_posts, name, shape)
        work = {page: await long_posts.read(work_of, read) for page, read in pages.items()}
        assert 0 < max(work["middle"], work["last"]) <= work["first"] * 1.5 + 10, (name, work)


async def test_a_page_is_no_more_work_in_a_longer_list(store: Database, fill: Fill) -> None:
    work: dict[str, list[int]] = {name: [] for name in EVERY_LIST}
    for size in (200, 2_000):
        await fill(f"{size}", long_post.one_root(size))
        for name, found in work.items():
            found.append(await store.read(work_of, (await reads(store, name, f"{size}"))["middle"]))
    assert {name: found for name, found in work.items() if found[1] > found[0] * 1.5 + 10} == {}


async def test_comments_that_are_gone_are_not_read_on_the_way(store: Database, fill: Fill) -> None:
    """Thirty comments that stand before a gap and thirty behind it are one page, however wide the gap."""
    work: dict[str, list[int]] = {name: [] for name in EVERY_LIST if not name.startswith("one's own")}
    for size in (600, 3_000):
        gone = [30 <= number < size - 30 for number in range(size)]
        await fill(f"{size}", [None] * size, gone=gone)
        for name, found in work.items():
            found.append(await store.read(work_of, Read(EVERY_LIST[name], PostKey(f"{size}"), None)))
    assert {name: found for name, found in work.items() if found[1] > found[0] * 1.5 + 10} == {}


AROUND = {
    ("thread", "oldest"): partial(published.thread_around, newest_first=False),
    ("thread", "newest"): partial(published.thread_around, newest_first=True),
    ("flat", "oldest"): partial(published.flat_around, newest_first=False),
    ("flat", "newest"): partial(published.flat_around, newest_first=True),
}


async def test_a_page_around_a_comment_is_no_more_work_in_a_longer_list(store: Database, fill: Fill) -> None:
    """Of a comment at the bottom of a chain as deep as threads go."""
    work: dict[tuple[str, str], list[int]] = {order: [] for order in AROUND}
    for size in (200, 2_000):
        await fill(f"{size}", long_post.one_root(size))
        for order, around in AROUND.items():
            post = PostKey(f"{size}")
            read = partial(around, site=SITE, post=post, limit=LIMIT, around=CommentId(f"{post}-{30:09}"))
            work[order].append(await store.read(work_of, read))
    assert {order: found for order, found in work.items() if not 0 < found[1] <= found[0] * 1.5 + 10} == {}


# --- Pages are the list -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    """One comment of a made-up thread: what it answers (an earlier one, or nothing), when, and whether it goes."""

    answers: int | None
    pause: int
    goes: bool


@st.composite
def threads(draw: st.DrawFn) -> list[Said]:
    """Any tree, in any rhythm, with any comments gone."""
    said: list[Said] = []
    for number in range(draw(st.integers(0, 14))):
        answers = draw(st.none() | st.integers(0, number - 1)) if number else None
        said.append(Said(answers, draw(st.integers(0, 1)), draw(st.booleans())))
    return said


def expected(thread: list[Said], ids: list[CommentId], *, max_depth: int, newest_first: bool) -> list[CommentId]:
    """The thread by its definition, from who answers whom."""

    def stands(number: int) -> bool:
        return not thread[number].goes or any(stands(reply) for reply in _answers(thread, number))

    below: dict[int | None, list[int]] = {None: [], **{number: [] for number in range(len(thread))}}
    for number, place in enumerate(_places(thread, max_depth)):
        below[place].append(number)

    def walk(number: int) -> list[int]:
        return [number, *(deeper for reply in below[number] for deeper in walk(reply))]

    roots = reversed(below[None]) if newest_first else below[None]
    return [ids[number] for root in roots for number in walk(root) if stands(number)]


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(thread=threads(), max_depth=st.integers(0, 3), limit=st.integers(1, 4))
async def test_pages_by_cursor_are_the_thread_in_one_piece(
    store: Database, clock: Hands, thread: list[Said], max_depth: int, limit: int
) -> None:
    post, site = PostKey(f"post {next(numbers)}"), _site(max_depth)
    ids = await _say(store, clock, site, post, thread)
    for newest_first in (False, True):
        whole = await store.read(published.thread, SITE, post, newest_first=newest_first, limit=200, after=None)
        shown = [item.id for item in whole.items]
        assert shown == expected(thread, ids, max_depth=max_depth, newest_first=newest_first)
        assert await _page_by_page(store, "thread", post, newest_first=newest_first, limit=limit) == whole.items
        standing = [one for one, said in zip(ids, thread, strict=True) if not said.goes]
        flat = await _page_by_page(store, "flat", post, newest_first=newest_first, limit=limit)
        assert sorted(item.id for item in flat) == sorted(standing)
        assert {item.id for item in whole.items if not item.removed} == set(standing)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(thread=threads(), max_depth=st.integers(0, 3), limit=st.integers(1, 4))
async def test_a_page_around_a_comment_is_what_it_stands_below_and_the_list_from_there(
    store: Database, clock: Hands, thread: list[Said], max_depth: int, limit: int
) -> None:
    post, site = PostKey(f"post {next(numbers)}"), _site(max_depth)
    ids = await _say(store, clock, site, post, thread)
    standing = {one for one, said in zip(ids, thread, strict=True) if not said.goes}
    for (view, sort), around in AROUND.items():
        whole = [item.id for item in await _page_by_page(store, view, post, newest_first=sort == "newest", limit=200)]
        for number, one in enumerate(ids):
            page = await store.read(around, site=SITE, post=post, limit=limit, around=one)
            if one not in standing:
                assert page is None
                continue
            assert page is not None
            above = [ids[other] for other in _above(thread, number, max_depth)]
            above = above if view == "thread" else [other for other in above if other in standing]
            follows = [other for other in whole[whole.index(one) + 1 :] if other not in above]
            shown = [item.id for item in page.items]
            assert shown == [*above, one, *follows[: limit - 1]]
            assert (page.next is not None) == (len(follows) > limit - 1)
            if page.next is not None:
                rest = await _page_by_page(
                    store, view, post, newest_first=sort == "newest", limit=limit, after=page.next
                )
                assert [item.id for item in rest] == whole[whole.index(shown[-1]) + 1 :]


async def test_a_comment_of_another_post_is_not_on_this_one(store: Database, clock: Hands) -> None:
    (one,) = await _say(store, clock, _site(3), PostKey("its post"), [Said(None, 0, goes=False)])
    for around in AROUND.values():
        assert await store.read(around, site=SITE, post=PostKey("its post"), limit=1, around=one) is not None
        assert await store.read(around, site=SITE, post=PostKey("another"), limit=1, around=one) is None


async def _say(store: Database, clock: Hands, site: SiteRules, post: PostKey, thread: list[Said]) -> list[CommentId]:
    made: list[Comment] = []
    for number, said in enumerate(thread):
        clock.advance(seconds=said.pause)
        parent = made[said.answers].id if said.answers is not None else None
        draft = Draft(f"{number}", f"<p>{number}</p>", parent)
        made.append(await store.write(submissions.submit, site, post, AuthorKey("ada"), long_post.IDENTITY, draft))
    for comment, said in zip(made, thread, strict=True):
        if said.goes:
            await store.write(decisions.decide, site, Ruling(comment.id, Action.DELETE, 1), MODERATOR)
    return [comment.id for comment in made]


async def _page_by_page(
    store: Database, view: str, post: PostKey, *, newest_first: bool, limit: int, after: Position | None = None
) -> list[PublicComment]:
    listing = published.thread if view == "thread" else published.flat
    found: list[PublicComment] = []
    while True:
        page = await store.read(listing, SITE, post, newest_first=newest_first, limit=limit, after=after)
        found += page.items
        if page.next is None:
            return found
        assert len(page.items) == limit
        after = page.next


def _answers(thread: list[Said], number: int) -> list[int]:
    return [reply for reply, said in enumerate(thread) if said.answers == number]


def _places(thread: list[Said], max_depth: int) -> list[int | None]:
    """What each comment stands below."""
    depth, places = dict[int | None, int]({None: -1}), list[int | None]()
    for number, said in enumerate(thread):
        place = said.answers
        while depth[place] >= max_depth:
            assert place is not None
            place = thread[place].answers
        depth[number] = depth[place] + 1
        places.append(place)
    return places


def _above(thread: list[Said], number: int, max_depth: int) -> list[int]:
    """What a comment stands below, from the root down, and what it answers."""
    places, above = _places(thread, max_depth), list[int]()
    place = places[number]
    while place is not None:
        above.insert(0, place)
        place = places[place]
    answers = thread[number].answers
    return above if answers is None or answers in above else [*above, answers]


def _site(max_depth: int) -> SiteRules:
    """A site where nothing waits."""
    return SiteRules(SITE, premoderate=False, max_depth=max_depth)
