"""A store of a release whose events said everything in JSON: what is known of each stands in its columns afterwards."""

import json
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from service.model import ActorKind, SiteKey, Status
from service.store import events, followers, migrate, snapshot, verify
from service.store.database import Database
from service.store.snapshot import Watch
from tests.harness import Hands
from tests.rows import rows_of

BEFORE = "0005"
SITE = SiteKey("blog")
COMMENT, POST = "a-comment", "post"
MANY = 1234
"""More than a migration takes at a time, and no multiple of that."""
ROWS = [
    """INSERT INTO sites (site, event_seq, revision) VALUES ('blog', 7, 2)""",
    f"INSERT INTO sites (site, event_seq, revision) VALUES ('other', {MANY}, 7)",  # noqa: S608  # a number of ours
    """INSERT INTO posts (site, post, count, revision, comment_seq, created_at) VALUES ('blog', 'post', 1, 2, 1, 0)""",
    """INSERT INTO authors (site, author, namespace, subject, name, first_seen, approved, rejected)
       VALUES ('blog', 'ada', 'jwt', 'ada', 'Ada', 0, 1, 0)""",
    """INSERT INTO comments (id, site, post, author, author_name, body, body_hash, html, renderer, status, version,
         text_version, created_at, published_at, shown_at, root, path, depth, reply_count, listed)
       VALUES ('a-comment', 'blog', 'post', 'ada', 'Ada', 'text',
         '982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1', '<p>text</p>', 1, 'approved', 4, 2,
         0, 3, 3, 'path', 'path', 0, 0, TRUE)""",
    """INSERT INTO leases (name, holder, until, position) VALUES ('purge', NULL, 0, '{"blog": 5, "other": 2}')""",
    """INSERT INTO leases (name, holder, until, position) VALUES ('backup to /there', NULL, 0, '12345')""",
]
DECISION = """INSERT INTO decisions (id, site, seq, comment_id, action, from_status, to_status, version, actor_kind,
                actor, actor_name, reason, created_at)
              VALUES (:id, 'blog', :seq, 'a-comment', :action, :from_status, :to_status, :version, :actor_kind, :actor,
                'A name', :reason, 0)"""
EVENT = """INSERT INTO events (site, seq, id, type, post, comment_id, about, created_at)
           VALUES ('blog', :seq, :id, :type, :post, :comment, :about, :seq)"""

OTHER_EVENT = """INSERT INTO events (site, seq, id, type, post, about, created_at)
                 VALUES ('other', :seq, :id, 'post.opened', 'post', :about, 0)"""

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


@pytest.fixture(params=["sqlite", "postgres"])
def older_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store as an older release left it, on the one engine and then on the other."""
    if request.param == "postgres":
        url = str(request.getfixturevalue("empty_postgres_url"))
        engine = create_engine(f"postgresql+psycopg://{url.partition('://')[2]}")
    else:
        url = f"sqlite:///{tmp_path}/older.db"
        engine = create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    names = ("seq", "action", "from_status", "to_status", "version", "actor_kind", "actor", "reason")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, BEFORE)
        for statement in ROWS:
            connection.exec_driver_sql(statement)
        for seq, (event_type, post, comment, about) in enumerate(EVENTS, start=1):
            row = {"seq": seq, "id": f"e{seq}", "type": event_type, "post": post, "comment": comment}
            connection.execute(text(EVENT), {**row, "about": json.dumps(about)})
        for decision in DECISIONS:
            connection.execute(text(DECISION), {"id": f"d{decision[0]}", **dict(zip(names, decision, strict=True))})
        said = json.dumps({"actor": "mo", "post_revision": 7, "site_revision": 7})
        many = [{"seq": seq, "id": f"o{seq}", "about": said} for seq in range(1, MANY + 1)]
        connection.execute(text(OTHER_EVENT), many)
    engine.dispose()
    return url


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
