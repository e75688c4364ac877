"""A store of a release that wrote its own renderer's number beside HTML that it had not made: nothing is believed."""

from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from service.model import CommentId, SiteKey
from service.moderation import rendering
from service.store import comments, migrate, snapshot, texts, verify
from service.store.database import Database
from service.store.snapshot import Watch
from service.text import render
from service.text.render import RENDERER_VERSION
from tests.harness import Hands

BEFORE = "0005"
OLD = "<p>old</p>"
FILL = [
    """INSERT INTO authors (site, author, namespace, subject, name, first_seen, approved, rejected)
       VALUES ('blog', 'ada', 'jwt', 'ada', 'Ada', 0, 2, 0)""",
    "INSERT INTO posts (site, post, count, revision, comment_seq, created_at) VALUES ('blog', 'post', 2, 1, 3, 0)",
    "INSERT INTO sites (site, event_seq, revision) VALUES ('blog', 0, 0)",
]
COMMENT = """INSERT INTO comments (id, site, post, author, author_name, body, body_hash, html, renderer, status,
               version, text_version, created_at, edited_at, published_at, shown_at, root, path, depth, reply_count,
               listed, edit_body, edit_html, edit_version, edit_submitted_at)
             VALUES (:id, 'blog', 'post', 'ada', 'Ada', 'own', 'hash', '<p>old</p>', :renderer, :status, :version,
               :text_version, 100, :edited, 200, 200, :id, :id, 0, 0, TRUE,
               :edit, :edit_html, :edit_version, :edit_at)"""
KEPT = """INSERT INTO revisions (comment_id, version, body, html, renderer, submitted_at)
          VALUES ('approved', 1, 'kept', '<p>old</p>', 2, 100)"""
NO_EDIT: dict[str, Any] = {"edit": None, "edit_html": None, "edit_version": None, "edit_at": None}
ROWS: list[dict[str, Any]] = [
    {"id": "approved", "renderer": 2, "status": "approved", "version": 3, "text_version": 2, "edited": 150, **NO_EDIT},
    {"id": "edited", "renderer": 2, "status": "approved", "version": 3, "text_version": 1, "edited": None}
    | {"edit": "waits", "edit_html": OLD, "edit_version": 3, "edit_at": 300},
    {"id": "untouched", "renderer": 2, "status": "pending", "version": 1, "text_version": 1, "edited": None, **NO_EDIT},
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
        for row in ROWS:
            connection.execute(text(COMMENT), row)
        connection.execute(text(KEPT))
    engine.dispose()
    return url


async def test_texts_are_what_they_were_and_all_that_may_be_old_is_rendered_anew(older_url: str, clock: Hands) -> None:
    database = await Database.open(older_url, clock=clock)
    before = await database.read(comments.get_many, SiteKey("blog"), [CommentId(str(row["id"])) for row in ROWS])
    assert {key: (found.text.renderer, found.text.submitted_at, found.edited_at) for key, found in before.items()} == {
        "approved": (1, 150, 150),
        "edited": (1, 100, None),
        "untouched": (2, 100, None),
    }
    waits = before[CommentId("edited")].pending_edit
    assert waits is not None
    assert (waits.body, waits.html, waits.renderer, waits.version, waits.submitted_at) == ("waits", OLD, 1, 3, 300)
    assert await rendering.render_older(database, Watch()) == 4
    after = await database.read(comments.get_many, SiteKey("blog"), list(before))
    kept = await database.read(texts.kept, CommentId("approved"), 1)
    await database.close()
    made = [after[CommentId("approved")].text, after[CommentId("edited")].text, after[CommentId("edited")].pending_edit]
    for found in (*made, kept):
        assert found is not None
        assert (found.html, found.renderer) == (render.to_html(found.body), RENDERER_VERSION)
    assert after[CommentId("untouched")] == before[CommentId("untouched")]
    with snapshot.of(older_url) as moment:
        found_lines = list(verify.differences(moment, Watch()))
    assert [line for line in found_lines if line.startswith(("events", "sites", "posts"))] == []
