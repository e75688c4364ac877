"""The record of an older release, upgraded: nothing of it is a batch, and it is narrowed like what comes after."""

from typing import Any

import pytest

from service.model import Action, AuthorKey, BatchId, PostKey, SiteKey
from service.store import record_pages, snapshot, verify
from service.store.database import Database, Transaction
from service.store.record_pages import Filter
from service.store.snapshot import Watch
from tests.harness import Hands
from tests.store import older
from tests.store.older import ADA, POST, OlderStore, comment_row

BLOG = SiteKey("blog")
pytestmark = pytest.mark.own_engines


async def test_older_decisions_are_of_no_batch_and_found_by_every_filter(empty_url: str, clock: Hands) -> None:
    line = {"site": "blog", "comment_id": "one", "version": 1, "actor_name": "Mo", "reason": None, "created_at": 7}
    mo: dict[str, Any] = {**line, "actor_kind": "moderator", "actor": "mo"}
    made = [
        {**line, "id": "1", "seq": 1, "action": "hold", "to_status": "pending", "actor_kind": "policy", "actor": "p"},
        {**mo, "id": "2", "seq": 2, "action": "spam", "from_status": "pending", "to_status": "spam", "reason": "ad"},
        {**mo, "id": "3", "seq": 3, "action": "approve", "from_status": "spam", "to_status": "approved"},
    ]
    tables: older.Rows = {
        "sites": [{"site": "blog", "event_seq": 3, "revision": 1, "first_seq": 4}],
        "authors": [{**ADA, "approved": 1}],
        "posts": [{**POST, "count": 1}],
        "comments": [comment_row("one", published_at=7, shown_at=7)],
        "decisions": made,
    }
    older.make(empty_url, OlderStore("0012", tables))
    database = await Database.open(empty_url, clock=clock)

    def read(tx: Transaction, wanted: Filter) -> list[tuple[str, BatchId | None]]:
        page = record_pages.page(tx, BLOG, wanted, newest_first=True, limit=9, after=None)
        return [(decision.id, decision.batch) for decision in page.items]

    for wanted, found in [
        (Filter(), ["3", "2", "1"]),
        (Filter(action=Action.SPAM), ["2"]),
        (Filter(action=Action.APPROVE), ["3"]),
        (Filter(reason="ad"), ["2"]),
        (Filter(author=AuthorKey("ada")), ["3", "2", "1"]),
        (Filter(post=PostKey("post"), actor=AuthorKey("mo")), ["3", "2"]),
        (Filter(batch=BatchId("any")), []),
    ]:
        assert await database.read(read, wanted) == [(each, None) for each in found], wanted
    await database.close()
    with snapshot.of(empty_url) as moment:
        differences = list(verify.differences(moment, Watch()))
    assert [line for line in differences if line.startswith("decisions")] == []
