"""A store of a release whose entries had one reason, and did not keep who gave it: as much is filled in as is known."""

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from service.model import CommentId, SiteKey, Why
from service.store import migrate, queue, queue_pages, snapshot, verify
from service.store.database import Database
from service.store.queue_pages import Filter
from service.store.snapshot import Watch
from tests.harness import Hands

BEFORE = "0005"
FILL = [
    """INSERT INTO authors (site, author, namespace, subject, name, first_seen, approved, rejected)
       VALUES ('blog', 'ada', 'jwt', 'ada', 'Ada', 0, 1, 0)""",
    "INSERT INTO posts (site, post, count, revision, comment_seq, created_at) VALUES ('blog', 'post', 1, 1, 4, 0)",
]
COMMENT = """INSERT INTO comments (id, site, post, author, author_name, body, body_hash, html, renderer, status,
               version, text_version, created_at, published_at, shown_at, root, path, depth, reply_count, listed,
               edit_body, edit_html, edit_version, edit_submitted_at)
             VALUES (:id, 'blog', 'post', 'ada', 'Ada then', 'text', 'hash', '<p>text</p>', 1, :status,
               2, 1, 100, 200, 200, :id, :id, 0, 0, :listed, :edit, :edit, :edit_version, :edit_at)"""
ENTRY = """INSERT INTO queue (comment_id, site, post, author, why, priority, waiting_since)
           VALUES (:id, 'blog', 'post', 'ada', :why, 0, 300)"""
DECISION = """INSERT INTO decisions (id, site, seq, comment_id, action, to_status, version, actor_kind, actor,
                actor_name, created_at)
              VALUES (:id, 'blog', :seq, 'restored', :action, 'pending', 1, 'moderator', :actor, :actor, :seq)"""
KEPT = [  # id, status, code; who gave the reason, and when
    ("edited", "approved", "edited", ("author", "ada", "Ada then"), 400),
    ("new", "pending", "awaiting-approval", ("policy", "policy", "Site policy"), 300),
    ("of-old", "pending", "restored", ("system", "unknown", "An older release did not keep who it was"), 300),
    ("restored", "pending", "restored", ("moderator", "max", "max"), 12),
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
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, BEFORE)
        for statement in FILL:
            connection.execute(text(statement))
        for comment_id, status, code, *_ in KEPT:
            edit = {"edit": "new", "edit_version": 2, "edit_at": 400} if code == "edited" else {}
            row = {"id": comment_id, "status": status, "listed": status == "approved"}
            connection.execute(text(COMMENT), {"edit": None, "edit_version": None, "edit_at": None} | row | edit)
            connection.execute(text(ENTRY), {"id": comment_id, "why": f" {code} "})
        for seq, (action, actor) in enumerate([("restore", "mo"), ("spam", "mo"), ("restore", "max")], 10):
            connection.execute(text(DECISION), {"id": str(seq), "seq": seq, "action": action, "actor": actor})
    engine.dispose()
    return url


async def test_every_entry_has_its_reason_and_keeps_its_place(older_url: str, clock: Hands) -> None:
    database = await Database.open(older_url, clock=clock)
    for comment_id, _, code, source, at in KEPT:
        entry = await database.read(queue.get, CommentId(comment_id))
        assert entry is not None
        (reason,) = entry.reasons
        assert (entry.why, entry.waiting_since, reason.at, reason.text) == ((Why(code),), 300, at, None), comment_id
        assert (reason.source.kind, reason.source.key, reason.source.name) == source
    wanted = Filter(why=Why.RESTORED)
    found_pages = await database.read(queue_pages.find, SiteKey("blog"), wanted, by_priority=False, limit=5, after=None)
    assert [entry.comment_id for entry in found_pages.entries] == ["of-old", "restored"]
    await database.close()
    with snapshot.of(older_url) as moment:
        found = [line for line in verify.differences(moment, Watch()) if line.startswith(("queue", "reasons"))]
    assert [line for line in found if not line.startswith("queue.folded")] == []
