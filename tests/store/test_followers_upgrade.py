"""A store of a release whose events said everything in JSON: what is known of each stands in its columns afterwards."""

import hashlib
import json
from typing import Any

import pytest

from service.model import ActorKind, SiteKey, Status
from service.store import events, followers, snapshot, verify
from service.store.database import Database
from service.store.snapshot import Watch
from tests.harness import Hands
from tests.rows import rows_of
from tests.store import older
from tests.store.older import ADA, OlderStore, comment_row
from tests.store.older import POST as POST_ROW

SITE = SiteKey("blog")
COMMENT, POST = "a-comment", "post"
MANY = 1234
"""More than a migration takes at a time, and no multiple of that."""
TABLES: dict[str, list[dict[str, Any]]] = {
    "sites": [
        {"site": "blog", "event_seq": 7, "revision": 2},
        {"site": "other", "event_seq": MANY, "revision": 7},
    ],
    "posts": [POST_ROW | {"count": 1, "revision": 2, "comment_seq": 1}],
    "authors": [ADA | {"approved": 1}],
    "comments": [
        comment_row(COMMENT, version=4, body_hash=hashlib.sha256(b"text").hexdigest(), published_at=3, shown_at=3)
    ],
    "leases": [
        {"name": "purge", "holder": None, "until": 0, "position": '{"blog": 5, "other": 2}'},
        {"name": "backup to /there", "holder": None, "until": 0, "position": "12345"},
    ],
}

# As that release wrote them: type, of a post, of the comment, about.
EVENTS: list[tuple[str, str | None, str | None, dict[str, Any]]] = [
    ("comment.submitted", POST, COMMENT, {"from_status": None, "to_status": "pending", "version": 1}),
    ("comment.edited", POST, COMMENT, {"version": 2, "waits": True}),
    (
        "comment.approved",
        POST,
        COMMENT,
        {"from_status": "pending", "to_status": "approved", "version": 3, "decision_id": "d3", "tombstones": 1}
        | {"post_revision": 1, "site_revision": 1},
    ),
    ("comment.approved", POST, COMMENT, {"from_status": "approved", "to_status": "approved", "version": 4}),
    ("post.closed", POST, None, {"actor": "mo", "post_revision": 2, "site_revision": 2}),
    ("author.banned", None, None, {"author": "ada", "actor": "mo", "banned_until": 99}),
    ("author.noted", None, None, {"author": "ada", "actor": "mo"}),
]
DECISIONS = [
    (1, "hold", None, "pending", 1, "policy", "policy", None),
    (3, "approve", "pending", "approved", 2, "moderator", "mo", "well-said"),
    (4, "approve", "approved", "approved", 3, "moderator", "mo", "He asked for it."),
]
# What must be known of each: actor, author, statuses, version, reason, revisions, and what is left in `about`.
KNOWN = [
    (ActorKind.POLICY, "policy", "ada", None, Status.PENDING, 1, None, None, None, {}),
    (ActorKind.AUTHOR, "ada", "ada", None, None, 2, None, None, None, {}),
    (ActorKind.MODERATOR, "mo", "ada", Status.PENDING, Status.APPROVED, 3, "well-said", 1, 1, {"tombstones": 1}),
    (ActorKind.MODERATOR, "mo", "ada", Status.APPROVED, Status.APPROVED, 4, None, None, None, {}),
    (ActorKind.MODERATOR, "mo", None, None, None, None, None, 2, 2, {}),
    (ActorKind.MODERATOR, "mo", "ada", None, None, None, None, None, None, {"banned_until": 99}),
    (ActorKind.MODERATOR, "mo", "ada", None, None, None, None, None, None, {}),
]
pytestmark = pytest.mark.own_engines


@pytest.fixture
def older_url(empty_url: str) -> str:
    """A store as that release left it, on the one engine and then on the other."""
    names = ("seq", "action", "from_status", "to_status", "version", "actor_kind", "actor", "reason")
    of_comment = {"site": "blog", "comment_id": COMMENT, "actor_name": "A name", "created_at": 0}
    decisions = [
        {"id": f"d{decision[0]}", **of_comment, **dict(zip(names, decision, strict=True))} for decision in DECISIONS
    ]
    written = [
        {"site": "blog", "seq": seq, "id": f"e{seq}", "type": event_type, "post": post, "comment_id": comment}
        | {"about": json.dumps(about), "created_at": seq}
        for seq, (event_type, post, comment, about) in enumerate(EVENTS, start=1)
    ]
    said = json.dumps({"actor": "mo", "post_revision": 7, "site_revision": 7})
    many = [
        {"site": "other", "seq": seq, "id": f"o{seq}", "type": "post.opened", "post": POST, "comment_id": None}
        | {"about": said, "created_at": 0}
        for seq in range(1, MANY + 1)
    ]
    older.make(empty_url, OlderStore("0005", {**TABLES, "decisions": decisions, "events": written + many}))
    return empty_url


async def test_old_events_say_what_is_known_of_them(older_url: str, clock: Hands) -> None:
    database = await Database.open(older_url, clock=clock)
    found = await database.read(events.after, SITE, 0, limit=50)
    first = await database.read(events.first_number, SITE)
    await database.close()
    assert [
        (
            *(event.actor_kind, event.actor, event.author, event.from_status, event.to_status, event.version),
            *(event.reason_code, event.post_revision, event.site_revision, event.about),
        )
        for event in found
    ] == KNOWN
    assert ({event.schema for event in found}, first) == ({1}, 1)


async def test_every_one_of_many_is_filled(older_url: str, clock: Hands) -> None:
    database = await Database.open(older_url, clock=clock)
    found = await database.read(events.after, SiteKey("other"), 0, limit=MANY + 1)
    await database.close()
    assert len(found) == MANY
    assert {(event.actor_kind, event.actor, event.post_revision) for event in found} == {(ActorKind.MODERATOR, "mo", 7)}


async def test_the_position_of_the_purge_moves_and_that_of_a_backup_stays(older_url: str, clock: Hands) -> None:
    database = await Database.open(older_url, clock=clock)
    assert await database.read(followers.positions, "purge") == {"blog": 5, "other": 2}
    await database.close()
    with rows_of(older_url) as rows:
        noted = rows.execute("SELECT name, position FROM leases ORDER BY name").fetchall()
    assert list(map(tuple, noted)) == [("backup to /there", "12345"), ("purge", None)]


async def test_the_store_is_sound_after_it(older_url: str, clock: Hands) -> None:
    database = await Database.open(older_url, clock=clock)
    await database.close()
    with snapshot.of(older_url) as moment:
        assert list(verify.differences(moment, Watch())) == []
