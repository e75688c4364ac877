"""Brings a store's schema up to date with the numbered migrations beside this file (Alembic). Runs at every start.

A store that is up to date is recognised by one SELECT, so an ordinary start never imports Alembic.
"""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

MIGRATIONS = Path(__file__).parent / "migrations"


class SchemaError(Exception):
    """The store was written by a newer program. Its text says what to do."""


def head() -> str:
    """The newest migration's number, from the file names (`0001_first.py`)."""
    return max(
        match[1] for path in (MIGRATIONS / "versions").iterdir() if (match := re.match(r"(\d{4})_\w+\.py$", path.name))
    )


def current(connection: sqlite3.Connection) -> str | None:
    """The migration that the store is at; None for an empty one."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone() is None:
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else None


def upgrade(path: Path, busy_seconds: float) -> None:
    """Create or upgrade the store at `path`, all or nothing.

    Raises SchemaError when it is newer than this program, sqlite3.Error when the file cannot be used.
    """
    with closing(sqlite3.connect(path, timeout=busy_seconds, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        version = current(connection)
    if version == head():
        return
    if version is not None and version > head():
        raise SchemaError(
            f"{path}: its schema ({version}) is newer than this Gatepost knows ({head()}): install the newer release"
        )
    _run_alembic(path, busy_seconds)


def _run_alembic(path: Path, busy_seconds: float) -> None:
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine, event
    from sqlalchemy.exc import DBAPIError

    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": busy_seconds, "isolation_level": None})

    @event.listens_for(engine, "begin")
    def begin(connection: object) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # type: ignore[attr-defined]  # SQLAlchemy's event is untyped

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except DBAPIError as error:
        raise (error.orig or error) from None  # the driver's own error: no statement and no page about SQLAlchemy
    finally:
        engine.dispose()
