"""Stores as older releases left them, for tests of upgrades (`test_upgrades`).

The files in `older/` hold whole stores: the rows of every table, as the code of that schema wrote them, and what
readers then saw. To keep a store of today's code, before the next migration: `python -m tests.store.older`.
"""

import asyncio
import json
import sys
import warnings
from contextlib import AbstractContextManager, AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from service.store import migrate
from tests.harness import Gatepost, Hands, configuration
from tests.launch import launch
from tests.store import scene

FOLDER = Path(__file__).with_name("older")
NOT_KEPT = {"alembic_version", "leases", "probe"}
ADA = {"site": "blog", "author": "ada", "namespace": "jwt", "subject": "ada", "name": "Ada", "first_seen": 0}
ADA |= {"approved": 0, "rejected": 0}
POST = {"site": "blog", "post": "post", "count": 0, "revision": 1, "comment_seq": 0, "created_at": 0}
"""Rows as older releases wrote them, for the tests of single migrations."""
Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class OlderStore:
    """What an older release kept, by table, and the replies that its readers got, by address."""

    schema: str
    rows: Rows
    seen: dict[str, Any] = field(default_factory=dict)


def comment_row(comment_id: str, *, status: str = "approved", **more: Any) -> dict[str, Any]:
    """A row as older releases wrote it, of a comment without a parent."""
    place = {"site": "blog", "post": "post", "author": "ada", "root": comment_id, "path": comment_id, "depth": 0}
    text = {"author_name": "Ada", "body": "text", "body_hash": "hash", "html": "<p>text</p>", "renderer": 1}
    state = {"status": status, "listed": status == "approved", "reply_count": 0, "version": 2, "text_version": 2}
    return {
        "id": comment_id,
        **place,
        **text,
        **state,
        "created_at": 0,
        "edited_at": None,
        "published_at": None,
        **dict.fromkeys(("edit_body", "edit_html", "edit_version", "edit_submitted_at")),
        **more,
    }


def kept() -> dict[str, OlderStore]:
    """Every store in `older/`, by its schema."""
    return {path.stem: OlderStore(**json.loads(path.read_text("utf-8"))) for path in sorted(FOLDER.glob("*.json"))}


def make(url: str, store: OlderStore) -> None:
    """Put an older store at `url`, where nothing is yet: the migrations of then, and its rows."""
    with _transaction(url) as connection:
        config = Config()
        config.set_main_option("script_location", str(migrate.MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, store.schema)
        for table in _tables(connection):
            if rows := store.rows.get(table.name):
                # In one statement, for rows may refer to others of their table that come later.
                connection.execute(sa.insert(table).values(rows))


def rows_of(url: str) -> Rows:
    """The rows of a store, by table, in the order of their primary keys."""
    with _transaction(url) as connection:
        return {
            table.name: [dict(row) for row in connection.execute(_all(table)).mappings()]
            for table in _tables(connection)
            if table.name not in NOT_KEPT
        }


async def seen_by_readers(gatepost: Gatepost) -> dict[str, Any]:
    """What a service on such a store replies, by address: the comments of the site, and of its posts in every order."""
    orders = [f"view={view}&sort={sort}" for view in ("thread", "flat") for sort in ("newest", "oldest")]
    posts = [quote(post, safe="") for post in (scene.ODD_POST, "edited")]
    addresses = ["comments", *(f"posts/{post}/comments?{order}" for post in posts for order in orders)]
    answers = {address: await gatepost.visitor.get(address) for address in addresses}
    assert {answer.status for answer in answers.values()} == {200}
    return {address: answer.json for address, answer in answers.items()}


def _transaction(url: str) -> AbstractContextManager[sa.Connection]:
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=sa.NullPool)
    return engine.begin()


def _tables(connection: sa.Connection) -> list[sa.Table]:
    """What is there now, a table behind those that it refers to."""
    metadata = sa.MetaData()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Skipped unsupported reflection of expression-based index", sa.exc.SAWarning)
        metadata.reflect(connection)
    return metadata.sorted_tables


def _all(table: sa.Table) -> sa.Select[Any]:
    return sa.select(table).order_by(*table.primary_key)


async def _keep() -> Path:
    """Write the store that today's code makes of `scene` into `older/`."""
    clock = Hands()
    clock.now = 1_767_225_600_000
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/today.db"
        await scene.fill(url, clock)
        rows = rows_of(url)
        async with AsyncExitStack() as stack:
            seen = await seen_by_readers(await launch(stack, configuration(url), clock=clock))
    path = FOLDER / f"{migrate.head()}.json"
    path.write_text(json.dumps({"schema": migrate.head(), "rows": rows, "seen": seen}, indent=1) + "\n", "utf-8")
    return path


if __name__ == "__main__":
    sys.stdout.write(f"{asyncio.run(_keep())}\n")
