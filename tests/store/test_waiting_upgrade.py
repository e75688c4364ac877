"""A store of a release that counted the queue whenever somebody asked: the counter says how many wait."""

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from service.model import SiteKey
from service.store import migrate, queue, snapshot, verify
from service.store.database import Database
from service.store.snapshot import Watch
from tests.harness import Hands

BEFORE = "0005"
FILL = [
    "INSERT INTO sites (site, event_seq, revision) VALUES ('blog', 0, 1), ('empty', 0, 1)",
    """INSERT INTO authors (site, author, namespace, subject, name, first_seen, approved, rejected)
       VALUES ('blog', 'ada', 'jwt', 'ada', 'Ada', 0, 0, 0)""",
    """INSERT INTO posts (site, post, count, revision, comment_seq, created_at) VALUES ('blog', 'post', 0, 1, 0, 0)""",
    """INSERT INTO comments (id, site, post, author, author_name, body, body_hash, html, renderer, status, version,
         text_version, created_at, root, path, depth, reply_count, listed)
       WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 7)
       SELECT 'id' || n, 'blog', 'post', 'ada', 'Ada', 'text', 'hash', '<p></p>', 1, 'pending', 1, 1, n, 'root' || n,
         'root' || n, 0, 0, FALSE FROM numbers""",
    """INSERT INTO queue (comment_id, site, post, author, why, priority, waiting_since)
       SELECT id, site, post, author, ' awaiting-approval ', 0, created_at FROM comments""",
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
    engine.dispose()
    return url


async def test_what_waited_before_the_upgrade_is_counted(older_url: str, clock: Hands) -> None:
    database = await Database.open(older_url, clock=clock)
    found = [await database.read(queue.depth, SiteKey(site)) for site in ("blog", "empty", "unheard of")]
    await database.close()
    assert found == [(7, 1), (0, None), (0, None)]
    with snapshot.of(older_url) as moment:
        assert [line for line in verify.differences(moment, Watch()) if line.startswith("sites.waiting")] == []
