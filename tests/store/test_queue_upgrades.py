"""Queues of older releases, upgraded: entries had one reason, nobody counted how many wait."""

from typing import Any

import pytest

from service.model import CommentId, SiteKey, Why
from service.store import queue, queue_pages, snapshot, verify
from service.store.database import Database
from service.store.queue_filter import Filter
from service.store.snapshot import Watch
from tests.harness import Hands
from tests.store import older
from tests.store.older import ADA, POST, OlderStore, comment_row

BLOG = SiteKey("blog")
RESTORED = [("restore", "mo"), ("spam", "mo"), ("restore", "max")]
KEPT = [  # id, status, code; who gave the reason, and when
    ("edited", "approved", "edited", ("author", "ada", "Ada"), 400),
    ("new", "pending", "awaiting-approval", ("policy", "policy", "Site policy"), 300),
    ("of-old", "pending", "restored", ("system", "unknown", "An older release did not keep who it was"), 300),
    ("restored", "pending", "restored", ("moderator", "max", "max"), 12),
]
EDIT = {"edit_body": "new", "edit_html": "new", "edit_version": 2, "edit_submitted_at": 400}
pytestmark = pytest.mark.own_engines


def _entry(comment_id: str, code: str, *, since: int) -> dict[str, Any]:
    place = {"site": "blog", "post": "post", "author": "ada"}
    return {"comment_id": comment_id, **place, "why": f" {code} ", "priority": 0, "waiting_since": since}


def _differences(url: str, *tables: str) -> list[str]:
    with snapshot.of(url) as moment:
        return [line for line in verify.differences(moment, Watch()) if line.startswith(tables)]


async def test_every_entry_has_its_reason_and_keeps_its_place(empty_url: str, clock: Hands) -> None:
    named = {"site": "blog", "comment_id": "restored", "to_status": "pending", "version": 1, "actor_kind": "moderator"}
    tables: older.Rows = {
        "authors": [ADA],
        "posts": [POST],
        "comments": [
            comment_row(comment_id, status=status, created_at=100, **(EDIT if code == "edited" else {}))
            for comment_id, status, code, *_ in KEPT
        ],
        "queue": [_entry(comment_id, code, since=300) for comment_id, _, code, *_ in KEPT],
        "decisions": [
            {"id": str(seq), "seq": seq, "action": action, "actor": by, "actor_name": by, "created_at": seq, **named}
            for seq, (action, by) in enumerate(RESTORED, 10)
        ],
    }
    older.make(empty_url, OlderStore("0005", tables))
    database = await Database.open(empty_url, clock=clock)
    for comment_id, _, code, source, at in KEPT:
        entry = await database.read(queue.get, CommentId(comment_id))
        assert entry is not None
        (reason,) = entry.reasons
        assert (entry.why, entry.waiting_since, reason.at, reason.text) == ((Why(code),), 300, at, None), comment_id
        assert (reason.source.kind, reason.source.key, reason.source.name) == source
    found = await database.read(
        queue_pages.find, BLOG, Filter(why=Why.RESTORED), by_priority=False, limit=5, after=None
    )
    assert [entry.comment_id for entry in found.entries] == ["of-old", "restored"]
    await database.close()
    assert [line for line in _differences(empty_url, "queue", "reasons") if "folded" not in line] == []


async def test_what_waited_before_the_upgrade_is_counted(empty_url: str, clock: Hands) -> None:
    ids = [f"id{number}" for number in range(7)]
    tables: older.Rows = {
        "sites": [{"site": site, "event_seq": 0, "revision": 1} for site in ("blog", "empty")],
        "authors": [ADA],
        "posts": [POST],
        "comments": [comment_row(comment_id, status="pending") for comment_id in ids],
        "queue": [_entry(comment_id, "awaiting-approval", since=since) for since, comment_id in enumerate(ids, 1)],
    }
    older.make(empty_url, OlderStore("0005", tables))
    database = await Database.open(empty_url, clock=clock)
    found = [await database.read(queue.depth, SiteKey(site)) for site in ("blog", "empty", "unheard of")]
    await database.close()
    assert found == [(7, 1), (0, None), (0, None)]
    assert _differences(empty_url, "sites.waiting") == []
