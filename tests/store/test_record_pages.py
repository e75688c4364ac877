"""Parts of the record, on both databases: every filter finds what it must, in either order, whatever it costs not."""

from collections.abc import AsyncIterator
from dataclasses import fields
from functools import partial
from itertools import combinations, product
from typing import Any

import psycopg
import pytest

from service.model import (
    POLICY,
    Action,
    Actor,
    ActorKind,
    AuthorKey,
    BatchId,
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
from service.moderation import decisions as verbs
from service.moderation import submissions
from service.moderation.decisions import Ruling
from service.moderation.record import Reasons
from service.moderation.submissions import Draft
from service.store import decisions, events, record_pages
from service.store.database import Database, Transaction
from service.store.record_pages import Filter
from tests.harness import Hands
from tests.store.plans import work_of

SITE = SiteRules(SiteKey("blog"))
MO, MAX = (Actor(ActorKind.MODERATOR, name, name.title()) for name in ("mo", "max"))
pytestmark = pytest.mark.own_engines


@pytest.fixture
async def store(any_url: str, clock: Hands) -> AsyncIterator[Database]:
    """A store, on the one engine and then on the other."""
    database = await Database.open(any_url, clock=clock)
    yield database
    await database.close()


def _submit(tx: Transaction, author: str, post: str) -> CommentId:
    who = Identity(SITE.key, "jwt", author, Profile(author.title()))
    draft = Draft(f"Text of {tx.now}", "<p>text</p>")
    return submissions.submit(tx, SITE, PostKey(post), AuthorKey(author), who, draft).id


def _read(
    tx: Transaction, wanted: Filter, *, newest_first: bool, limit: int = 100, site: SiteKey = SITE.key
) -> list[Decision]:
    """Every page of it."""
    found: list[Decision] = []
    after: tuple[str | int, ...] | None = None
    while True:
        page = record_pages.page(tx, site, wanted, newest_first=newest_first, limit=limit, after=after)
        found += page.items
        if page.next is None:
            return found
        after = page.next


async def test_every_filter_finds_what_it_says_in_either_order(store: Database, clock: Hands) -> None:
    for author, post, moderator, action in product(
        ("ada", "bob"), ("one", "two"), (MO, MAX), (Action.APPROVE, Action.SPAM)
    ):
        clock.advance(seconds=1)
        comment_id = await store.write(_submit, author, post)
        clock.advance(seconds=1)
        batch = BatchId("of mo") if moderator is MO else None
        reasons = Reasons(reason="off-topic" if post == "one" else None)
        await store.write(verbs.decide, SITE, Ruling(comment_id, action, 1, reasons), moderator, batch=batch)
    everything = await store.read(_read, Filter(), newest_first=False)
    assert len(everything) == 32
    some = everything[9]
    values: dict[str, list[Any]] = {
        "comment_id": [some.comment_id],
        "author": [AuthorKey("ada")],
        "post": [PostKey("two")],
        "actor": [AuthorKey("mo"), AuthorKey(POLICY.key)],
        "action": [Action.SPAM, Action.HOLD],
        "reason": ["off-topic", "off"],
        "batch": [BatchId("of mo"), BatchId("nobody's")],
        "since": [everything[5].created_at],
        "until": [everything[20].created_at],
    }
    assert list(values) == [field.name for field in fields(Filter)]
    authors = {
        made.comment_id: (author, post)
        for made, (author, post, _, _) in zip(
            everything[::2], product(("ada", "bob"), ("one", "two"), (MO, MAX), (1, 2)), strict=True
        )
    }

    def fits(made: Decision, asked: dict[str, Any]) -> bool:
        author, post = authors[made.comment_id]
        has: dict[str, Any] = {"comment_id": made.comment_id, "author": author, "post": post, "actor": made.actor.key}
        has |= {"action": made.action, "reason": made.reason, "batch": made.batch}
        return (
            all(has[name] == value for name, value in asked.items() if name in has)
            and made.created_at >= asked.get("since", 0)
            and made.created_at < asked.get("until", made.created_at + 1)
        )

    asked_for = [
        dict(zip(names, given, strict=True))
        for number in (1, 2)
        for names in combinations(values, number)
        for given in product(*(values[name] for name in names))
    ]
    assert len(asked_for) > 40
    for asked in asked_for:
        expected = [made for made in everything if fits(made, asked)]
        assert await store.read(_read, Filter(**asked), newest_first=False, limit=3) == expected, asked
        assert await store.read(_read, Filter(**asked), newest_first=True, limit=3) == expected[::-1], asked
    assert await store.read(_read, Filter(batch=BatchId("of mo")), newest_first=False, site=SiteKey("other")) == []


def _long_record(tx: Transaction, site: SiteKey, size: int) -> None:
    """One comment of Ada's, then ever the same decision of Mo's."""
    rules = SiteRules(site)
    draft = Draft("Text", "<p>text</p>")
    who = Identity(site, "jwt", "ada", Profile("Ada"))
    comment_id = submissions.submit(tx, rules, PostKey("post"), AuthorKey("ada"), who, draft).id
    status = Status.PENDING
    for number in range(size):
        seq = events.append(tx, site, "comment.approved", MO, comment_id=comment_id)
        made = DecisionId(f"{site} {number}")
        words = (None, None, None, None)
        decision = Decision(
            made, site, seq, comment_id, Action.DELETE, status, status, 1, MO, *words, tx.now + number * 1_000
        )
        decisions.add(tx, decision, before=None)


async def test_what_no_index_knows_is_looked_for_in_parts(
    store: Database, any_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the policy did stands at the beginning; the page that ends before it is empty and leads on."""
    monkeypatch.setattr(record_pages, "LOOKED_THROUGH", 300)
    record_pages._part.cache_clear()
    site = SiteKey("looked")
    await store.write(_long_record, site, 700)
    wanted = Filter(actor=AuthorKey(POLICY.key))

    def pages(tx: Transaction) -> list[int]:
        numbers, after = [], None
        while True:
            page = record_pages.page(tx, site, wanted, newest_first=True, limit=5, after=after)
            numbers.append(len(page.items))
            if (after := page.next) is None:
                return numbers

    try:
        assert await store.read(pages) == [0, 0, 1]
    finally:
        record_pages._part.cache_clear()


@pytest.mark.parametrize(
    "wanted",
    [
        Filter(actor=AuthorKey("mo")),
        Filter(action=Action.DELETE),
        Filter(action=Action.UNDO),
        Filter(reason="off-topic"),
        Filter(batch=BatchId("none")),
        Filter(author=AuthorKey("nobody")),
        Filter(post=PostKey("elsewhere")),
    ],
    ids=lambda wanted: ", ".join(field.name for field in fields(wanted) if getattr(wanted, field.name)),
)
async def test_a_page_is_no_more_work_in_a_longer_record(store: Database, any_url: str, wanted: Filter) -> None:
    work = []
    for size in (300, 1_200):
        site = SiteKey(f"of-{size}")
        await store.write(_long_record, site, size)
        if any_url.startswith("postgres"):
            with psycopg.connect(any_url, autocommit=True) as connection:
                connection.execute("ANALYZE")
        read = partial(record_pages.page, site=site, wanted=wanted, newest_first=True, limit=20, after=None)
        await store.read(read)
        work.append(await store.read(work_of, read))
    assert work[1] <= work[0] * 1.5 + 10
