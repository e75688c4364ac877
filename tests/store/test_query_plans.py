"""No list, count or decision reads a whole table: what each costs depends on what it shows, not on the blog's age.

`test_long_threads` looks closer at what readers see, on both engines.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from service.model import (
    Action,
    Actor,
    ActorKind,
    AuthorKey,
    BatchId,
    CommentId,
    DecisionId,
    Identity,
    Label,
    PostKey,
    Profile,
    SiteKey,
    SiteRules,
    Status,
    Why,
)
from service.moderation import decisions as moderation_decisions
from service.moderation import idempotency as moderation_idempotency
from service.moderation import queue as moderation_queue
from service.moderation import submissions
from service.moderation.submissions import Draft
from service.settings import parse
from service.store import (
    api_keys,
    arrivals,
    authors,
    comment_pages,
    comments,
    decisions,
    events,
    followers,
    idempotency,
    lists,
    posts,
    published,
    queue,
    queue_pages,
    record_pages,
    retention,
    rules,
    standing,
)
from service.store.database import Database, Transaction
from service.store.queue_filter import Claimed, Filter
from tests.harness import configuration
from tests.store import long_post
from tests.store.plans import Plan, plans_of, work_of

SITE, POST, ADA, ID = SiteKey("blog"), PostKey("post"), AuthorKey("ada"), CommentId("an id")
IDENTITY = Identity(SITE, "jwt", "ada", Profile("Ada"))
MODERATOR = Actor(ActorKind.MODERATOR, "mo", "Mo")
ALL = Filter()
pytestmark = pytest.mark.sqlite_only(reason="reads the plans of SQLite's planner; PostgreSQL's depend on statistics")


def _thread(*, newest_first: bool, after: published.Position | None) -> Callable[[Transaction], object]:
    return lambda tx: published.thread(tx, SITE, POST, newest_first=newest_first, limit=50, after=after)


def _flat(*, newest_first: bool, after: published.Position | None) -> Callable[[Transaction], object]:
    return lambda tx: published.flat(tx, SITE, POST, newest_first=newest_first, limit=50, after=after)


def _own_on_post(*, after: published.Position | None) -> Callable[[Transaction], object]:
    return lambda tx: comments.of_author_on(tx, SITE, ADA, post=POST, limit=50, after=after)


def _queue(wanted: Filter, *, by_priority: bool, after: queue_pages.Position | None) -> Callable[[Transaction], object]:
    return lambda tx: queue_pages.find(tx, SITE, wanted, by_priority=by_priority, limit=50, after=after)


def _record(
    *, newest_first: bool = False, after: tuple[int] | None = None, **wanted: object
) -> Callable[[Transaction], object]:
    asked = record_pages.Filter(**wanted)  # type: ignore[arg-type]  # a table of arguments
    return lambda tx: record_pages.page(tx, SITE, asked, newest_first=newest_first, limit=50, after=after)


def _all_comments(*, newest_first: bool = True, **wanted: object) -> Callable[[Transaction], object]:
    asked = {"status": None, "author": None, "post": None, "after": (7, "id"), **wanted}
    return lambda tx: comment_pages.stretch(tx, SITE, newest_first=newest_first, limit=50, **asked)  # type: ignore[arg-type]


def _same_text(tx: Transaction) -> object:
    return standing.look(tx, SITE, POST, author=ADA, parent_id=None, body_hash="hash", since=1)


READS: dict[str, Callable[[Transaction], object]] = {
    "thread, oldest first": _thread(newest_first=False, after=None),
    "thread, oldest first, further": _thread(newest_first=False, after=("root", "path")),
    "thread, newest first": _thread(newest_first=True, after=None),
    "thread, newest first, further": _thread(newest_first=True, after=("root", "path")),
    "flat, oldest first": _flat(newest_first=False, after=None),
    "flat, oldest first, further": _flat(newest_first=False, after=(7, "id")),
    "flat, newest first": _flat(newest_first=True, after=None),
    "flat, newest first, further": _flat(newest_first=True, after=(7, "id")),
    "latest": lambda tx: published.latest(tx, SITE, limit=50, after=None),
    "latest, further": lambda tx: published.latest(tx, SITE, limit=50, after=(7, "id")),
    "feed of a post": lambda tx: published.newest_of_post(tx, SITE, POST, limit=50),
    "feed of the site": lambda tx: published.newest_of_site(tx, SITE, limit=50),
    "one's own": lambda tx: comments.of_author(tx, SITE, ADA, limit=50, after=None),
    "one's own, further": lambda tx: comments.of_author(tx, SITE, ADA, limit=50, after=(7, "id")),
    "one's own on a post": _own_on_post(after=None),
    "one's own on a post, further": _own_on_post(after=(7, "id")),
    "all comments": _all_comments(),
    "all comments, oldest first": _all_comments(newest_first=False),
    "all comments of an author": _all_comments(author=ADA, status=Status.SPAM),
    "how many of an author are in each status": lambda tx: comment_pages.numbers(tx, SITE, author=ADA),
    "how many on a post are in each status": lambda tx: comment_pages.numbers(tx, SITE, post=POST),
    "all comments of an author on a post": _all_comments(author=ADA, post=POST),
    "a post's comments in any status": _all_comments(post=POST),
    "all comments that are spam": _all_comments(status=Status.SPAM),
    "all comments that are public": _all_comments(status=Status.APPROVED),
    "all comments that wait": _all_comments(status=Status.PENDING),
    "counts": lambda tx: posts.counts(tx, SITE, [POST, PostKey("b")]),
    "a post": lambda tx: posts.get(tx, SITE, POST),
    "some posts": lambda tx: posts.get_many(tx, SITE, [POST, PostKey("b")]),
    "a comment": lambda tx: comments.get(tx, SITE, ID),
    "some comments": lambda tx: comments.get_many(tx, SITE, [ID, CommentId("b")]),
    "the same text": _same_text,
    "an author": lambda tx: authors.get(tx, SITE, ADA),
    "some authors": lambda tx: authors.get_many(tx, SITE, {ADA, AuthorKey("bob")}),
    "queue, oldest first": _queue(ALL, by_priority=False, after=None),
    "queue, oldest first, further": _queue(ALL, by_priority=False, after=(0, 7, "id")),
    "queue, most urgent first": _queue(ALL, by_priority=True, after=None),
    "queue, most urgent first, further": _queue(ALL, by_priority=True, after=(0, 7, "id")),
    "queue of a post": _queue(replace(ALL, post=POST), by_priority=False, after=None),
    "queue of an author": _queue(replace(ALL, author=ADA), by_priority=False, after=None),
    "queue by reason": _queue(replace(ALL, why=Why.EDITED), by_priority=False, after=None),
    "queue by words": _queue(replace(ALL, text="words"), by_priority=False, after=None),
    "what I hold of the queue": _queue(replace(ALL, claimed=Claimed.MINE, holder="mo"), by_priority=True, after=None),
    "queue, free": _queue(replace(ALL, claimed=Claimed.FREE), by_priority=False, after=None),
    "queue, free, most urgent first": _queue(replace(ALL, claimed=Claimed.FREE), by_priority=True, after=None),
    "depth of the queue": lambda tx: queue.depth(tx, SITE),
    "an entry": lambda tx: queue.get(tx, ID),
    "the record": _record(),
    "the record, further": _record(after=(7,)),
    "the record of a comment": _record(comment_id=ID),
    "the record of a moderator": _record(actor=AuthorKey("mo")),
    "what the policy did": _record(actor=AuthorKey("policy")),
    "the record since": _record(since=7),
    "the record between": _record(since=7, until=9),
    "the record, newest first": _record(newest_first=True),
    "the record, newest first, further": _record(newest_first=True, after=(7,)),
    "the record, newest first, until": _record(newest_first=True, until=9),
    "the record of a batch": _record(batch=BatchId("batch"), actor=AuthorKey("mo")),
    "the record of a seldom action": _record(action=Action.UNDO, newest_first=True),
    "the record of a reason": _record(reason="off-topic", newest_first=True),
    "what a moderator did for a reason": _record(reason="off-topic", actor=AuthorKey("mo"), since=7),
    "what was approved": _record(action=Action.APPROVE),
    "what a moderator took back": _record(action=Action.UNDO, actor=AuthorKey("mo")),
    "what was done to an author's comments": _record(author=ADA, action=Action.APPROVE),
    "what was done on a post": _record(post=POST, newest_first=True),
    "what was done to an author's comments on a post": _record(author=ADA, post=POST, since=7),
    "a decision": lambda tx: decisions.get(tx, SITE, DecisionId("an id")),
    "what checks want to know": lambda tx: standing.surroundings(tx, SITE, POST, ADA, key="a", comment_id=ID),
    "whether hosts are new": lambda tx: arrivals.new_hosts(tx, SITE, frozenset({"a.example"})),
    "the lists": lambda tx: lists.of_site(tx, SITE),
    "a list": lambda tx: lists.get(tx, SITE, "rivals"),
    "the entries of a list": lambda tx: lists.entries(tx, SITE, "rivals"),
    "what a list found": lambda tx: lists.hits(tx, SITE, "rivals"),
    "how rules fare": lambda tx: rules.tallies(tx, SITE, ["links-hold", "wave-spam"]),
    "the last decision": lambda tx: decisions.last_on(tx, ID),
    "the last decisions": lambda tx: decisions.last_on_each(tx, [ID, CommentId("b")]),
    "events": lambda tx: events.after(tx, SITE, 7, limit=100),
    "oldest events": lambda tx: tx.all(retention._OLDEST, site=SITE, limit=100),
    "where events begin": lambda tx: events.first_number(tx, SITE),
    "positions": lambda tx: followers.positions(tx, "purge"),
    "events of a post": lambda tx: events.between(tx, SITE, POST, 7, 9, limit=100),
    "events between": lambda tx: events.between(tx, SITE, None, 7, 9, limit=100),
    "newest events of a post": lambda tx: events.newest(tx, SITE, POST, 9, limit=100),
    "newest events": lambda tx: events.newest(tx, SITE, None, 9, limit=100),
    "a public item": lambda tx: published.item(tx, SITE, ID),
    "an event": lambda tx: events.find(tx, SITE, "an id"),
    "an API key": lambda tx: api_keys.by_hash(tx, "hash"),
    "a kept reply": lambda tx: idempotency.find(tx, idempotency.Scope(SITE, ADA, "submit", "key", "hash"), since=0),
}


AROUND = {
    "thread around, oldest first": (published.thread_around, False),
    "thread around, newest first": (published.thread_around, True),
    "flat around, oldest first": (published.flat_around, False),
    "flat around, newest first": (published.flat_around, True),
}


@pytest.mark.parametrize("name", AROUND)
async def test_a_list_around_a_comment_scans_no_table(database: Database, name: str) -> None:
    await database.write(long_post.fill, POST, long_post.one_root(30))
    around, newest_first = AROUND[name]
    comment, plans = CommentId(f"{POST}-{20:09}"), Plan()

    def read(tx: Transaction) -> object:
        return around(tx, SITE, POST, newest_first=newest_first, limit=5, around=comment)

    await database.read(_traced(read, plans))
    assert "SEARCH comments USING INDEX sqlite_autoindex_comments_1 (id=?)" in plans
    assert any("ix_comments_thread (site=? AND post=? AND root=? AND path=?)" in line for line in plans), plans
    _refuse_scans(plans)


def _traced(work: Callable[[Transaction], object], found: Plan) -> Callable[[Transaction], None]:
    """Runs `work` and adds every line of the plans of its statements, as they are planned: before values are known."""

    def run(tx: Transaction) -> None:
        found.extend(line for plan in plans_of(tx, work) for line in plan)

    return run


NO_TABLES = (
    "SCAN walk",
    "SCAN halves",
    "SCAN some",
    "SCAN CONSTANT ROW",
    "SCAN newest",
    "SCAN following",
    "SCAN rushing",
    "SCAN alike",
    "SCAN counted",
    "SCAN last",
    "SCAN equal",
    "SCAN json_each VIRTUAL TABLE INDEX 1:",
    "SCAN listed VIRTUAL TABLE INDEX 1:",
)
"""What is scanned is no table: the steps of a walk, the values of a list, so many rows as are looked through."""


def _refuse_scans(plans: Plan) -> None:
    assert [line for line in plans if line.startswith("SCAN ") and line not in NO_TABLES] == []


@pytest.mark.parametrize("name", READS)
async def test_reading_never_scans_a_table(database: Database, name: str) -> None:
    plans: Plan = []
    await database.read(_traced(READS[name], plans))
    assert plans
    _refuse_scans(plans)


SORTED = (
    "thread, oldest",
    "all comments",
    "flat",
    "latest",
    "feed of ",
    "one's own",
    "queue, ",
    "the record",
    "events",
    "newest",
)


@pytest.mark.parametrize("name", [name for name in READS if name.startswith(SORTED)])
async def test_lists_come_sorted_out_of_an_index(database: Database, name: str) -> None:
    plans: Plan = []
    await database.read(_traced(READS[name], plans))
    assert [detail for detail in plans if "TEMP B-TREE" in detail] == []


@pytest.mark.parametrize(
    ("name", "sought"),
    [
        ("thread, oldest first, further", "(root,path)>(?,?)"),
        ("flat, oldest first, further", "(created_at,id)>(?,?)"),
        ("flat, newest first, further", "(created_at,id)<(?,?)"),
        ("latest, further", "(created_at,id)<(?,?)"),
        ("one's own, further", "(created_at,id)<(?,?)"),
        ("one's own on a post, further", "author=? AND (created_at,id)<(?,?)"),
        ("queue, oldest first, further", "waiting_since>?"),
        ("queue, most urgent first, further", "<expr>>?"),
        ("the record, further", "seq>?"),
        ("the record, newest first, further", "seq<?"),
        ("events of a post", "post=? AND seq>?"),
        ("newest events of a post", "post=? AND seq>?"),
        ("events between", "seq>?"),
    ],
)
async def test_a_later_page_starts_where_the_one_before_ended(database: Database, name: str, sought: str) -> None:
    plans: Plan = []
    await database.read(_traced(READS[name], plans))
    of_rows = [line for line in plans if line.startswith("SEARCH ") and line.split()[1] not in ("sites", "leases")]
    assert [sought in line for line in of_rows] == [True]


IN_RECORD = "SEARCH decisions USING INDEX ix_decisions_{} seq>? AND seq<?)"
OF_COMMENTS = "SEARCH comments USING COVERING INDEX ix_comments_{}"
COUNTED = "SEARCH comments USING INDEX ix_comments_{}"
ROWS = "SEARCH comments USING INDEX ix_comments_{} (created_at,id)<(?,?))"


@pytest.mark.parametrize(
    ("name", "sought"),
    [
        ("some comments", "SEARCH comments USING INDEX sqlite_autoindex_comments_1 (id=?)"),
        ("some authors", "SEARCH authors USING INDEX sqlite_autoindex_authors_1 (site=? AND author=?)"),
        ("some posts", "SEARCH posts USING INDEX sqlite_autoindex_posts_1 (site=? AND post=?)"),
        ("the last decisions", "SEARCH decisions USING INDEX ix_decisions_comment (comment_id=? AND seq=?)"),
        ("all comments", "SEARCH comments USING INDEX sqlite_autoindex_comments_1 (id<?)"),
        ("all comments of an author", ROWS.format("author (site=? AND author=? AND")),
        ("how many of an author are in each status", COUNTED.format("author (site=? AND author=?)")),
        ("how many on a post are in each status", COUNTED.format("own (site=? AND post=?)")),
        ("a post's comments in any status", OF_COMMENTS.format("own (site=? AND post=?)")),
        ("all comments that are spam", ROWS.format("refused (site=? AND status=? AND")),
        ("all comments that are public", ROWS.format("latest (site=? AND")),
        ("queue by reason", "SEARCH queue USING INDEX ix_queue_edited (site=?)"),
        ("what I hold of the queue", "SEARCH queue USING INDEX ix_queue_claimed (site=? AND claimed_by=?)"),
        ("queue, free", "SEARCH queue USING INDEX ix_queue_oldest (site=?)"),
        ("the record since", "SEARCH there USING INDEX ix_decisions_order (site=? AND seq>?)"),
        ("the record of a moderator", IN_RECORD.format("actor (site=? AND actor=? AND")),
        ("what the policy did", IN_RECORD.format("order (site=? AND")),
        ("the record of a comment", IN_RECORD.format("comment (comment_id=? AND")),
        ("the record of a batch", IN_RECORD.format("batch (site=? AND batch=? AND")),
        ("the record of a seldom action", IN_RECORD.format("action (site=? AND action=? AND")),
        ("the record of a reason", IN_RECORD.format("reason (site=? AND reason=? AND")),
        ("what a moderator did for a reason", IN_RECORD.format("reason (site=? AND reason=? AND")),
        ("what a moderator took back", IN_RECORD.format("action (site=? AND action=? AND")),
        ("what was approved", IN_RECORD.format("order (site=? AND")),
        ("what was done to an author's comments", OF_COMMENTS.format("author (site=? AND author=?)")),
        ("what was done to an author's comments", IN_RECORD.format("comment (comment_id=? AND")),
        ("what was done on a post", OF_COMMENTS.format("own (site=? AND post=?)")),
        ("what was done on a post", IN_RECORD.format("comment (comment_id=? AND")),
        ("what was done to an author's comments on a post", OF_COMMENTS.format("own (site=? AND post=? AND author=?)")),
    ],
)
async def test_what_is_asked_for_is_sought_by_its_own_index(database: Database, name: str, sought: str) -> None:
    plans: Plan = []
    await database.read(_traced(READS[name], plans))
    assert sought in plans


async def test_repeated_texts_are_looked_for_among_the_authors_newest_on_the_post(database: Database) -> None:
    plans: Plan = []
    await database.read(_traced(READS["the same text"], plans))
    index = "ix_comments_own (site=? AND post=? AND author=? AND created_at>?)"
    assert f"SEARCH comments USING INDEX {index}" in plans


async def test_no_write_scans_a_table(database: Database, site: SiteRules) -> None:
    plans: Plan = []

    async def write(work: Callable[[Transaction], object]) -> None:
        await database.write(_traced(work, plans))

    made: list[CommentId] = []
    ruled: list[DecisionId] = []

    def submit(tx: Transaction) -> None:
        draft = Draft("text", "<p>text</p>", made[0] if made else None, Label("A title", "https://blog.example/post"))
        made.append(submissions.submit(tx, site, POST, ADA, IDENTITY, draft).id)

    def decide(tx: Transaction) -> None:
        ruling = moderation_decisions.Ruling(made[0], Action.APPROVE, 1)
        ruled.append(moderation_decisions.decide(tx, site, ruling, MODERATOR)[0].id)

    await write(submit)
    await write(lambda tx: moderation_queue.claim(tx, site, MODERATOR, limit=5, lease_seconds=60))
    await write(lambda tx: moderation_queue.release(tx, SITE, MODERATOR, [made[0]]))
    await write(lambda tx: moderation_queue.claim_these(tx, site, MODERATOR, [made[0]], lease_seconds=60))
    await write(lambda tx: moderation_queue.release(tx, SITE, MODERATOR))
    await write(decide)
    await write(submit)
    await write(lambda tx: moderation_decisions.undo(tx, site, ruled[0], MODERATOR))
    await write(moderation_idempotency.forget_some)
    await write(lambda tx: retention.cut(tx, SITE, until=tx.now, awaited=["purge"]))
    await write(lambda tx: posts.set_open(tx, SITE, POST, is_open=False))
    assert len(set(plans)) > 5
    _refuse_scans(plans)


async def test_approving_is_no_more_work_on_a_longer_post(database: Database, site: SiteRules) -> None:
    """Its title is looked for among the comments that carried one, and an address that none carried is not."""
    work = []
    for size in (200, 2_000):
        post = PostKey(f"{size}")
        await database.write(long_post.fill, post, long_post.many_roots(size))
        draft = Draft("text", "<p>text</p>", label=Label("A title"))
        comment = await database.write(submissions.submit, site, post, ADA, IDENTITY, draft)
        ruling = moderation_decisions.Ruling(comment.id, Action.APPROVE, 1)
        decide = partial(moderation_decisions.decide, site=site, ruling=ruling, actor=MODERATOR)
        work.append(await database.write(work_of, decide))
    assert work[1] <= work[0] * 1.5


@pytest.fixture
def site() -> SiteRules:
    """A site where every comment waits."""
    return parse(configuration("sqlite:///unused.db")).sites[SITE].rules
