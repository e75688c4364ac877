"""The record of decisions, on both databases: a part of it is found without reading what stands before it."""

from collections.abc import AsyncIterator, Sequence
from functools import partial
from itertools import count

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.model import (
    POLICY,
    Action,
    Actor,
    ActorKind,
    AuthorKey,
    CommentId,
    Decision,
    DecisionId,
    Identity,
    PostKey,
    Profile,
    SiteKey,
    SiteRules,
    Status,
)
from service.moderation import submissions
from service.moderation.submissions import Draft
from service.store import decisions, events, record_pages
from service.store.database import Database, Transaction
from tests.harness import Hands
from tests.store.plans import work_of

MODERATOR = Actor(ActorKind.MODERATOR, "mo", "Mo")
numbers = count()
pytestmark = pytest.mark.own_engines


@pytest.fixture
async def store(any_url: str, clock: Hands) -> AsyncIterator[Database]:
    """A store, on the one engine and then on the other."""
    database = await Database.open(any_url, clock=clock)
    yield database
    await database.close()


def _comment(tx: Transaction, site: SiteKey) -> CommentId:
    rules = SiteRules(site)
    who = Identity(site, "jwt", "ada", Profile("Ada"))
    draft = Draft(f"Text {next(numbers)}", "<p>text</p>")
    return submissions.submit(tx, rules, PostKey("post"), AuthorKey("ada"), who, draft).id


def _decide(tx: Transaction, site: SiteKey, comment_id: CommentId, at: int) -> DecisionId:
    """A line in the record, made at a moment by some replica's clock."""
    made = DecisionId(f"{site} {next(numbers)}")
    seq = events.append(tx, site, "comment.approved", MODERATOR, comment_id=comment_id)
    status = Status.PENDING
    decision = Decision(
        made,
        site,
        seq,
        comment_id,
        Action.RESTORE,
        status,
        status,
        1,
        MODERATOR,
        None,
        None,
        None,
        None,
        at,
    )
    decisions.add(tx, decision, before=None)
    return made


def _since(tx: Transaction, site: SiteKey, since: int, *, limit: int = 100) -> list[DecisionId]:
    wanted = record_pages.Filter(since=since)
    page = record_pages.page(tx, site, wanted, newest_first=False, limit=limit, after=None)
    return [decision.id for decision in page.items]


def _analyze(url: str) -> None:
    """As PostgreSQL does by itself in time: without it, it guesses how many rows there are."""
    if url.startswith("postgres"):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ANALYZE")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    steps=st.lists(st.integers(0, 4_000), max_size=25),
    skews=st.lists(st.integers(0, 60_000), min_size=25, max_size=25),
    since=st.integers(-10_000, 120_000),
)
async def test_since_leaves_nothing_out_although_clocks_differ(
    store: Database, steps: Sequence[int], skews: Sequence[int], since: int
) -> None:
    site = SiteKey(f"site-{next(numbers)}")
    begin = 10**12

    def fill(tx: Transaction) -> list[tuple[int, DecisionId]]:
        tx.now = 0
        comment_id = _comment(tx, site)
        made, now = [], begin
        for step, skew in zip(steps, skews, strict=False):
            now += step
            made.append((now + skew, _decide(tx, site, comment_id, now + skew)))
        return made

    made = await store.write(fill)
    assert await store.read(_since, site, begin + since) == [each for at, each in made if at >= begin + since]


async def test_since_is_no_more_work_in_a_longer_record(any_url: str, store: Database) -> None:
    work = []
    for size in (2_000, 8_000):
        site = SiteKey(f"of-{size}")

        def fill(tx: Transaction, site: SiteKey = site, size: int = size) -> None:
            now, tx.now = tx.now, tx.now - size * 1_000
            comment_id = _comment(tx, site)
            for number in range(size):
                _decide(tx, site, comment_id, now + (number - size) * 1_000)

        await store.write(fill)
        _analyze(any_url)
        since = await store.read(lambda tx: tx.now - 8_000)
        assert len(await store.read(_since, site, since)) == 8
        work.append(await store.read(work_of, partial(_since, site=site, since=since)))
    assert work[1] <= work[0] * 2  # two more halvings, and four times as many decisions


async def test_of_many_decisions_on_a_comment_only_the_last_is_read(store: Database) -> None:
    site, work = SiteKey("blog"), []
    for size in (5, 1_000):

        def fill(tx: Transaction, size: int = size) -> tuple[CommentId, DecisionId]:
            comment_id = _comment(tx, site)
            return comment_id, [_decide(tx, site, comment_id, tx.now) for _ in range(size)][-1]

        comment_id, last = await store.write(fill)
        found = await store.read(decisions.last_on_each, [comment_id, CommentId("nobody's")])
        assert {key: decision.id for key, decision in found.items()} == {comment_id: last}
        work.append(await store.read(work_of, partial(decisions.last_on_each, ids=[comment_id])))
    assert work[1] <= work[0] * 1.5


async def test_the_record_of_an_actor_is_theirs_and_the_policys_too(store: Database) -> None:
    site = SiteKey("blog")

    def fill(tx: Transaction) -> DecisionId:
        return _decide(tx, site, _comment(tx, site), tx.now)

    made = [await store.write(fill) for _ in range(3)]

    def of(tx: Transaction, actor: Actor) -> list[Decision]:
        wanted = record_pages.Filter(actor=AuthorKey(actor.key))
        return record_pages.page(tx, site, wanted, newest_first=False, limit=9, after=None).items

    assert [decision.id for decision in await store.read(of, MODERATOR)] == made
    assert [decision.actor for decision in await store.read(of, POLICY)] == [POLICY] * 3
