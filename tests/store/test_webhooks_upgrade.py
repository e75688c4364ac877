"""A store of a release that had no webhooks: one begins with what happens next, and the feed tells what was before."""

from typing import Any

import pytest

from service.delivery import outside_feed
from service.delivery.outside_events import Share
from service.model import POLICY, PostKey, SiteKey
from service.store import deliveries, events, snapshot, verify, webhooks
from service.store.database import Database
from service.store.snapshot import Watch
from tests.delivery.test_outside_events import a_site
from tests.harness import Hands
from tests.store import older
from tests.store.older import ADA, POST, OlderStore, comment_row

BLOG = SiteKey("blog")
DONE = [("comment.submitted", None), ("comment.approved", 1), ("post.closed", 2)]
pytestmark = pytest.mark.own_engines


def an_event(seq: int, event_type: str, revision: int | None) -> dict[str, Any]:
    """A row as that release wrote it."""
    comment = "a-comment" if event_type.startswith("comment") else None
    said = {"id": f"e{seq}", "type": event_type, "post": "post", "comment_id": comment, "about": "{}"}
    statuses = {"from_status": "pending", "to_status": "approved"} if event_type == "comment.approved" else {}
    unknown: dict[str, Any] = dict.fromkeys(("from_status", "to_status", "version", "reason_code", "author"))
    by = {"actor_kind": "moderator", "actor": "mo", "schema": 2, "created_at": seq}
    return {"site": "blog", "seq": seq, **said, **unknown, **by, **statuses} | {
        "post_revision": revision,
        "site_revision": revision,
    }


async def test_a_webhook_begins_behind_what_was_there_before_the_upgrade(empty_url: str, clock: Hands) -> None:
    tables = {
        "sites": [{"site": "blog", "event_seq": 3, "revision": 2, "first_seq": 1, "waiting": 0}],
        "posts": [POST | {"count": 1, "open": False}],
        "authors": [ADA | {"approved": 1}],
        "comments": [comment_row("a-comment", published_at=2, shown_at=2)],
        "events": [an_event(seq, *done) for seq, done in enumerate(DONE, start=1)],
    }
    older.make(empty_url, OlderStore("0012", tables))
    database = await Database.open(empty_url, clock=clock)
    begun = await database.write(webhooks.begin, BLOG, "build", configured="as it is")
    await database.write(events.append, BLOG, "post.opened", POLICY, post=PostKey("post"))
    again = await database.write(webhooks.begin, BLOG, "build", configured="as it is")
    rows = await database.read(deliveries.doubts, BLOG, "build")
    feed = await database.read(outside_feed.read, a_site(), None, wanted=(), share=Share.TEXTS, limit=50)
    await database.close()
    assert (begun.seq, again, rows.number) == (3, begun, 0)
    assert [event["type"] for event in feed.told] == [
        "comment.submitted",
        "comment.approved",
        "comment.published",
        "post.closed",
        "post.opened",
    ]
    with snapshot.of(empty_url) as moment:
        assert [line for line in verify.differences(moment, Watch()) if "webhook" in line or "deliver" in line] == []
