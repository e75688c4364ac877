"""Statements have a fixed shape: another list, another word or another page is no reason to compile anything."""

from functools import partial

import pytest

from service.model import (
    POLICY,
    Actor,
    ActorKind,
    AuthorKey,
    BatchId,
    CommentId,
    Identity,
    PostKey,
    Profile,
    SiteKey,
    SiteRules,
    Why,
)
from service.moderation import queue, submissions
from service.moderation.submissions import Draft
from service.store import authors, comments, posts, record_pages
from service.store.database import Database, Transaction
from service.store.queue_filter import Claimed, Filter

SITE = SiteKey("blog")
POLICY_KEY = AuthorKey(POLICY.key)
MODERATOR = Actor(ActorKind.MODERATOR, "mo", "Mo")


@pytest.fixture
def site() -> SiteRules:
    """A site where every comment waits."""
    return SiteRules(SITE)


def _fill(tx: Transaction, site: SiteRules) -> None:
    for number in range(30):
        tx.now += 1
        who = Identity(SITE, "jwt", f"reader {number}", Profile(f"Reader {number}"))
        draft = Draft(f"Text {number}", "<p>text</p>")
        submissions.submit(tx, site, PostKey(f"post {number}"), AuthorKey(f"reader-{number}"), who, draft)


def _browse(tx: Transaction, site: SiteRules, *, number: int) -> None:
    filters = [
        Filter(),
        Filter(why=Why.AWAITING_APPROVAL),
        Filter(text=f"text {number}"),
        Filter(claimed=Claimed.FREE),
        Filter(claimed=Claimed.MINE, holder=f"{number}"),
        Filter(post=PostKey(f"post {number}"), author=AuthorKey(f"reader-{number}")),
    ]
    for wanted in filters:
        for by_priority in (False, True):
            page = partial(queue.browse, tx, site, wanted, by_priority=by_priority, limit=number)
            _, following, _ = page(after=None)
            page(after=following or (0, 1, "id"))
    for narrowed in (
        record_pages.Filter(since=number),
        record_pages.Filter(actor=POLICY_KEY, until=number),
        record_pages.Filter(post=PostKey(f"post {number}"), batch=BatchId(f"{number}")),
    ):
        record_pages.page(tx, SITE, narrowed, newest_first=False, limit=number, after=(number,))
    keys = [f"{each}" for each in range(number)]
    comments.get_many(tx, SITE, map(CommentId, keys))
    authors.get_many(tx, SITE, set(map(AuthorKey, keys)))
    posts.get_many(tx, SITE, map(PostKey, keys))
    posts.counts(tx, SITE, list(map(PostKey, keys)))


async def test_other_values_and_longer_lists_are_the_same_statements(database: Database, site: SiteRules) -> None:
    await database.write(_fill, site)
    await database.read(_browse, site, number=2)
    await database.write(queue.claim, site, MODERATOR, limit=2, lease_seconds=60)
    compiled = database._statements.compiled.cache_info().misses
    for number in (1, 7, 25):
        await database.read(_browse, site, number=number)
        await database.write(queue.claim, site, MODERATOR, limit=number, lease_seconds=60)
    assert database._statements.compiled.cache_info().misses == compiled


async def test_a_claim_is_one_statement_however_many_are_claimed(database: Database, site: SiteRules) -> None:
    await database.write(_fill, site)
    counts = []
    for limit in (1, 25):

        def claim(tx: Transaction, limit: int = limit) -> int:
            before = database._statements.compiled.cache_info()
            queue.claim(tx, site, MODERATOR, limit=limit, lease_seconds=60)
            after = database._statements.compiled.cache_info()
            return after.hits + after.misses - before.hits - before.misses

        counts.append(await database.write(claim))
    assert counts[0] == counts[1]
