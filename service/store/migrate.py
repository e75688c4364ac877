"""Brings a store's schema up to date with the numbered migrations beside this file (Alembic). Runs at every start.

A store that is up to date is recognised by one SELECT, so an ordinary start never imports Alembic.
"""

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

MIGRATIONS = Path(__file__).parent / "migrations"
UNFINISHED = "unfinished copy"
"""Stands in a migration's place while a copy is on its way (`copy`), so that no server starts on half of one."""
CONNECT_SECONDS = 10
"""How long a PostgreSQL server may take to accept a connection before the schema is looked at."""


class SchemaError(Exception):
    """The store's schema cannot be read, or a newer program wrote it. Its text is one line that says so."""


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


def current_in(path: Path) -> str | None:
    """The migration that the SQLite store at `path` is at, without changing anything. Raises SchemaError."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return current(connection)
    except sqlite3.Error as error:
        raise SchemaError(f"{path} cannot be opened ({error})") from None


def is_behind(path: Path) -> bool:
    """Whether the SQLite store at `path` needs an upgrade (or is not there yet), without changing anything."""
    if not path.exists():
        return True
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        return current(connection) != head()


def upgrade(path: Path, busy_seconds: float) -> None:
    """Create or upgrade the SQLite store at `path`, all or nothing.

    Raises SchemaError when it is newer than this program, sqlite3.Error when the file cannot be used.
    """
    with closing(sqlite3.connect(path, timeout=busy_seconds, isolation_level=None)) as connection:
        behind = _is_behind(current(connection), str(path))
        connection.execute("PRAGMA journal_mode = WAL")
    if behind:
        options = {"connect_args": {"timeout": busy_seconds, "isolation_level": None}}
        _run_alembic(f"sqlite:///{path}", "BEGIN IMMEDIATE", options)


def upgrade_postgres(address: str, lock: int) -> None:
    """Create or upgrade the PostgreSQL store, all or nothing, one replica at a time (`lock`: its number).

    Raises SchemaError when it is newer than this program or cannot hold Unicode, psycopg.Error when there is no server.
    """
    if _is_behind(current_at(address), "the PostgreSQL store"):
        rest = address.partition("://")[2]
        _run_alembic(f"postgresql+psycopg://{rest}", f"SELECT pg_advisory_xact_lock({lock})", {})


def current_on_server(address: str) -> str | None:
    """What `current_at` says, for who does not know the driver. Raises SchemaError with the reason for any fault."""
    import psycopg

    from service.store.postgres_faults import cause

    try:
        return current_at(address)
    except psycopg.Error as error:
        raise SchemaError(f"the PostgreSQL server cannot be used ({cause(error)})") from None


def current_at(address: str) -> str | None:
    """The migration that the PostgreSQL store at libpq's `address` is at; None for an empty one.

    Raises SchemaError when its database cannot hold Unicode, psycopg.Error when the server cannot be used.
    """
    import psycopg

    with psycopg.connect(address, autocommit=True, connect_timeout=CONNECT_SECONDS) as connection:
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise SchemaError(
                f"the PostgreSQL database has the encoding {encoding}, which cannot hold every comment: make one by "
                "`createdb --encoding=UTF8 --template=template0 NAME` and name it in database.url"
            )
        return current_postgres(connection)


def current_postgres(connection: "psycopg.Connection[Any]") -> str | None:
    """The migration that a PostgreSQL store is at; None for an empty one."""
    made = connection.execute("SELECT 1 FROM pg_class WHERE oid = to_regclass('alembic_version')").fetchone()
    rows = connection.execute("SELECT version_num FROM alembic_version").fetchall() if made else []
    return next((str(version) for (version,) in rows), None)


def _is_behind(version: str | None, store: str) -> bool:
    if version == UNFINISHED:
        raise SchemaError(f"{store}: is an unfinished copy: finish it with `gatepost db copy`, or name another store")
    if version is not None and version > head():
        raise SchemaError(
            f"{store}: its schema ({version}) is newer than this Gatepost knows ({head()}): install the newer release"
        )
    return version != head()


def _run_alembic(url: str, first: str, options: dict[str, Any]) -> None:
    """Run every migration in one transaction that begins with the statement `first`."""
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine, event
    from sqlalchemy.exc import DBAPIError

    engine = create_engine(url, **options)

    @event.listens_for(engine, "begin")
    def begin(connection: object) -> None:
        connection.exec_driver_sql(first)  # type: ignore[attr-defined]  # SQLAlchemy's event is untyped

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
