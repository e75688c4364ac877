"""A store of a release whose feeds went by the time of writing: each comment gets its place as far as it is known."""

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from service.model import SiteKey
from service.store import migrate, published
from service.store.database import Database
from tests.harness import Hands

BEFORE = "0003"
AUTHOR = """INSERT INTO authors (site, author, namespace, subject, name, first_seen, approved, rejected)
            VALUES ('blog', 'ada', 'jwt', 'ada', 'Ada', 0, 3, 1)"""
POST = "INSERT INTO posts (site, post, count, revision, comment_seq, created_at) VALUES ('blog', 'post', 3, 3, 4, 0)"
COMMENT = """INSERT INTO comments (id, site, post, author, author_name, body, body_hash, html, renderer, status,
               version, text_version, created_at, edited_at, published_at, root, path, depth, reply_count, listed)
             VALUES (:id, 'blog', 'post', 'ada', 'Ada', 'text', 'hash', '<p>text</p>', 1, :status,
               2, 1, :written, :edited, :published, :id, :id, 0, 0, :listed)"""
# What an older release kept: id, status, written, edited, first published; and since when readers see it.
KEPT = [
    ("late", "approved", 100, None, 900, 900),
    ("soon", "approved", 200, None, 250, 250),
    ("edited", "approved", 300, 800, 350, 800),
    ("edited-while-it-waited", "approved", 400, 450, 500, 500),
    ("gone", "rejected", 600, None, 950, None),
    ("waits", "pending", 700, None, None, None),
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
        for statement in (AUTHOR, POST):
            connection.execute(text(statement))
        for comment_id, status, written, edited, first_published, _ in KEPT:
            row = {"id": comment_id, "status": status, "listed": status == "approved"}
            times = {"written": written, "edited": edited, "published": first_published}
            connection.execute(text(COMMENT), {**row, **times})
    engine.dispose()
    return url


async def test_an_older_store_is_in_the_order_in_which_readers_saw_it(older_url: str, clock: Hands) -> None:
    database = await Database.open(older_url, clock=clock)
    found = await database.read(published.newest_of_site, SiteKey("blog"), limit=50)
    await database.close()
    shown = [(comment_id, first, since) for comment_id, _, _, _, first, since in KEPT if since is not None]
    assert [(item.id, item.published_at, item.shown_at) for item in found] == sorted(shown, key=lambda row: -row[2])
