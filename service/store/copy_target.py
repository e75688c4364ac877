"""Where a copy goes: a new SQLite file or an empty PostgreSQL database, held against everybody else. For `copy`.

Here is what the two engines do differently; what a copy does with either is in `copy`.
"""

import os
import sqlite3
from collections.abc import Sequence
from time import monotonic
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import Dialect

from service import refusal
from service.store import files, migrate, sqlite
from service.store.digest import PASSING, TABLES
from service.store.engine import Connection, StoreError
from service.store.snapshot import Values, name_of
from service.store.sqlite import SqliteEngine, path_of
from service.store.statements import compiled

BUSY_SECONDS = 5.0
GONE_SECONDS = 2.0
"""How long PostgreSQL may take to notice that a server, or an earlier copy, has closed its connections."""
NO_SERVER = (
    "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'gatepost'"
)
IN_USE = "is in use: stop every Gatepost that works on it first"


class Target(Protocol):
    """An open store, with every table, that takes a copy. Its methods raise what the driver raises: `errors`."""

    name: str
    url: str
    dialect: Dialect
    errors: type[Exception]
    begin: Sequence[str]
    version: str | None

    @property
    def connection(self) -> Connection:
        """The driver's connection."""
        ...

    def add(self, table: sa.Table, rows: Sequence[Values]) -> None:
        """Add rows, in any order among themselves; those that are there already stay."""
        ...

    def clear(self) -> None:
        """Take every row out."""
        ...

    def settle(self) -> None:
        """Everything has come: put it on the disk."""
        ...

    def close(self) -> None:
        """Let others in."""
        ...


class SqliteTarget:
    """An SQLite file, made if it is not there."""

    dialect: Dialect = SqliteEngine.dialect
    errors: type[Exception] = sqlite3.Error
    begin: Sequence[str] = ("BEGIN IMMEDIATE",)

    def __init__(self, url: str) -> None:
        self.url = url
        self.name = name_of(url)
        self._path = path_of(url)
        try:
            self._lock = sqlite.lock(self._path)
        except OSError as error:
            raise StoreError(f"{self.name}: cannot be written ({error}{refusal.as_whom(error)})") from None
        try:
            files.make_private(self._path)
            self.connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)
            if self.connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
                migrate.upgrade(self._path, BUSY_SECONDS)
            self.version = migrate.current(self.connection)
            self.connection.execute("PRAGMA foreign_keys = OFF")  # a damaged store is copied as it is:
            self.connection.execute("PRAGMA ignore_check_constraints = ON")  # `verify` says what is wrong with it
            self.connection.execute("PRAGMA synchronous = NORMAL")  # `settle` syncs; a torn copy is made again
        except (OSError, sqlite3.Error) as error:
            os.close(self._lock)
            raise StoreError(f"{self.name}: cannot be written ({error}{refusal.as_whom(error)})") from None

    def add(self, table: sa.Table, rows: Sequence[Values]) -> None:
        """Add rows, whatever they refer to."""
        names = table.columns.keys()
        addition = insert(table).values({name: sa.bindparam(name) for name in names})
        asked = compiled(addition.on_conflict_do_nothing(index_elements=list(table.primary_key)), self.dialect)
        self.connection.executemany(asked.sql, (asked.arguments(dict(zip(names, row, strict=True))) for row in rows))

    def clear(self) -> None:
        """Take every row out, those that refer to others first."""
        for table in (*PASSING, *reversed(TABLES)):
            self.connection.execute(compiled(sa.delete(table), self.dialect).sql)

    def settle(self) -> None:
        """One file with nothing beside it."""
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.connection.execute("PRAGMA journal_mode = DELETE")
        files.sync(self._path.parent)

    def close(self) -> None:
        """Let a server in."""
        self.connection.close()
        files.sync(self._path)
        os.close(self._lock)


class PostgresTarget:
    """A PostgreSQL database. Servers that would write to it, and other copies, wait for the same lock."""

    begin: Sequence[str] = ("BEGIN", "SET LOCAL statement_timeout = 0")

    def __init__(self, url: str) -> None:
        import psycopg

        from service.store.postgres import WRITER_LOCK, PostgresEngine, address_of
        from service.store.postgres_faults import cause

        self.url = url
        self.name = name_of(url)
        self.dialect: Dialect = PostgresEngine.dialect
        self.errors: type[Exception] = psycopg.Error
        try:
            self.connection = psycopg.connect(address_of(url), autocommit=True, application_name="gatepost-db")
            if not self._number("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"):
                migrate.upgrade_postgres(address_of(url), WRITER_LOCK)  # by a connection of its own: lock only then
            is_free = self._becomes_true(f"SELECT pg_try_advisory_lock({WRITER_LOCK})")
            self.version = migrate.current_postgres(self.connection)
        except psycopg.Error as error:
            raise StoreError(f"{self.name}: cannot be written ({cause(error)})") from None
        if not is_free or not self._becomes_true(NO_SERVER):
            self.connection.close()
            raise StoreError(f"{self.name}: {IN_USE}")

    def add(self, table: sa.Table, rows: Sequence[Values]) -> None:
        """Add rows by one statement, at whose end references are looked at."""
        names = table.columns.keys()
        arrays = [sa.cast(sa.bindparam(column.name), sa.ARRAY(type(column.type)())) for column in table.columns]
        addition = insert(table).from_select(names, sa.select(sa.text("*")).select_from(sa.func.unnest(*arrays)))
        asked = compiled(addition.on_conflict_do_nothing(index_elements=list(table.primary_key)), self.dialect)
        columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
        self.connection.execute(asked.sql.encode(), asked.arguments(columns))

    def clear(self) -> None:
        """Take every row out."""
        quote = self.dialect.identifier_preparer.quote
        names = ", ".join(quote(table.name) for table in (*PASSING, *TABLES))
        self.connection.execute(f"TRUNCATE {names}".encode())

    def settle(self) -> None:
        """Nothing to do: the last transaction was synced."""

    def close(self) -> None:
        """Let servers in."""
        self.connection.close()

    def _becomes_true(self, sql: str) -> bool:
        """Whether this is so, now or soon. Who has just stopped is still connected for a moment."""
        deadline = monotonic() + GONE_SECONDS
        while not self._number(sql):
            if monotonic() > deadline:
                return False
            self.connection.execute("SELECT pg_sleep(0.02)")
        return True

    def _number(self, sql: str) -> int:
        ((number,),) = self.connection.execute(sql.encode())
        return int(number)


def opened(url: str) -> Target:
    """The store at `url`, with the tables of this program if it had none. Raises StoreError or SchemaError."""
    if url.startswith("sqlite:///"):
        return SqliteTarget(url)
    try:
        return PostgresTarget(url)
    except ImportError:
        raise StoreError("PostgreSQL needs its driver: pip install 'gatepost[postgres]'") from None
