"""A store at one moment, read in streams on either engine. For `digest`, `verify`, `backup`, `restore` and `copy`.

A running server is not disturbed: nothing is written, no lock is taken, no checkpoint made. Everything here blocks, so
it belongs into a command or a thread.
"""

import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from itertools import count, islice
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from sqlalchemy import Boolean, Table, func, select, text, tuple_
from sqlalchemy.sql.expression import ClauseElement

from service.store import migrate
from service.store.engine import StoreError
from service.store.sqlite import SqliteEngine, path_of
from service.store.statements import compiled

Values = tuple[Any, ...]
Show = Callable[[str, int, int], None]
ROWS_AT_ONCE = 1000
STEPS_BETWEEN_LOOKS = 100_000
"""How many steps of SQLite's machine run before it asks whether to stop: some milliseconds."""


class StoppedError(Exception):
    """Somebody ended a long piece of work before it was done."""


class Watch:
    """Whoever waits for a long piece of work: hears what it does and how far it is (done, of all), and may end it."""

    def __init__(self, show: Show = lambda *_: None) -> None:
        self._show = show
        self._ended = threading.Event()

    def end(self) -> None:
        """Stop the work at the next opportunity, from any thread."""
        self._ended.set()

    def has_ended(self) -> bool:
        """Whether the work should stop."""
        return self._ended.is_set()

    def tell(self, step: str, done: int, of_all: int) -> None:
        """Say how far the work is. Raises StoppedError when it should end."""
        if self.has_ended():
            raise StoppedError
        self._show(step, done, of_all)


class Snapshot(Protocol):
    """An open store that does not change."""

    name: str
    version: str | None

    def rows(self, statement: ClauseElement, /) -> Iterator[Values]:
        """The statement's rows, a stream. Raises StoreError when they cannot be read."""
        ...


class SqliteSnapshot:
    """An SQLite file, opened so that nothing in it can be written."""

    def __init__(self, path: Path, watch: Watch) -> None:
        self.name = str(path)
        try:
            self.connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
            self.connection.set_progress_handler(watch.has_ended, STEPS_BETWEEN_LOOKS)
            self.connection.execute("PRAGMA mmap_size = 0")
            self.connection.execute("BEGIN")
            self.version = migrate.current(self.connection)
        except sqlite3.Error as error:
            raise StoreError(f"{path}: is no store that can be read ({error})") from None

    def rows(self, statement: ClauseElement, /) -> Iterator[Values]:
        """The statement's rows, a stream."""
        asked = compiled(statement, SqliteEngine.dialect)
        try:
            yield from self.connection.execute(asked.sql, asked.arguments({}))
        except sqlite3.Error as error:
            raise StoreError(f"{self.name}: cannot be read ({error})") from None

    def close(self) -> None:
        """Let go of the moment."""
        self.connection.close()


class PostgresSnapshot:
    """A PostgreSQL database in one read-only REPEATABLE READ transaction."""

    def __init__(self, url: str, watch: Watch) -> None:
        import psycopg

        from service.store.postgres import PostgresEngine, address_of
        from service.store.postgres_faults import cause

        self.name = name_of(url)
        self._watch = watch
        self._dialect = PostgresEngine.dialect
        self._numbers = count(1)
        self._errors = psycopg.Error
        try:
            self._connection = psycopg.connect(
                address_of(url), application_name="gatepost-db", connect_timeout=migrate.CONNECT_SECONDS
            )
            self._connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            self._connection.read_only = True
            self._connection.execute("SET LOCAL statement_timeout = 0")
            self._connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            self.version = migrate.current_postgres(self._connection)
        except psycopg.Error as error:
            raise StoreError(f"{self.name}: cannot be read ({cause(error)})") from None

    def rows(self, statement: ClauseElement, /) -> Iterator[Values]:
        """The statement's rows, a stream."""
        asked = compiled(statement, self._dialect)
        try:
            with self._connection.cursor(name=f"rows_{next(self._numbers)}") as cursor:
                cursor.itersize = ROWS_AT_ONCE
                cursor.execute(asked.sql.encode(), asked.arguments({}))
                for row in cursor:
                    if self._watch.has_ended():
                        raise StoppedError
                    yield row
        except self._errors as error:
            raise StoreError(f"{self.name}: cannot be read ({first_line(error)})") from None

    def close(self) -> None:
        """Let go of the moment."""
        self._connection.close()


@contextmanager
def of(url: str, watch: Watch | None = None) -> Iterator[SqliteSnapshot | PostgresSnapshot]:
    """The store at `url` as it is now, until the block ends. Raises StoreError when it cannot be read."""
    watch = watch or Watch()
    if url.startswith("sqlite:///"):
        opened: SqliteSnapshot | PostgresSnapshot = SqliteSnapshot(path_of(url), watch)
    else:
        try:
            opened = PostgresSnapshot(url, watch)
        except ImportError:
            raise StoreError("PostgreSQL needs its driver: pip install 'gatepost[postgres]'") from None
    with closing(opened):
        yield opened


def rows_of(
    moment: Snapshot, table: Table, *, after: Values | None = None, among: Collection[str] | None = None
) -> Iterator[Values]:
    """A table's rows in primary-key order, the same values from both engines.

    All of them, or those behind the key `after`, or those whose (single) key is `among` these.
    """
    key = list(table.primary_key)
    statement = select(table).order_by(*key)
    if after is not None:
        statement = statement.where(tuple_(*key) > tuple_(*after))
    if among is not None:
        statement = statement.where(key[0].in_(sorted(among)))
    booleans = [place for place, column in enumerate(table.columns) if isinstance(column.type, Boolean)]
    for row in moment.rows(statement):
        yield tuple(bool(value) if place in booleans else value for place, value in enumerate(row)) if booleans else row


def size_of(moment: Snapshot, table: Table) -> int:
    """How many rows the table has."""
    ((size,),) = moment.rows(select(func.count()).select_from(table))
    return int(size)


def require_current(moment: Snapshot) -> None:
    """Raises StoreError when the store has another schema than this program works with, or none."""
    if moment.version is None:
        raise StoreError(f"{moment.name}: is not a Gatepost store")
    if moment.version == migrate.UNFINISHED:
        raise StoreError(f"{moment.name}: is an unfinished copy: finish it with `gatepost db copy`")
    if moment.version != migrate.head():
        raise StoreError(
            f"{moment.name}: has schema {moment.version}, this Gatepost works with {migrate.head()}: "
            "run `gatepost db upgrade`, or the release that wrote it"
        )


def name_of(url: str) -> str:
    """The store's address as it may be shown: without user and password."""
    if url.startswith("sqlite:///"):
        return str(path_of(url))
    parts = urlsplit(url)
    return f"postgresql://{parts.netloc.rpartition('@')[2]}{parts.path}"


def first_line(error: Exception) -> str:
    """What a driver says, without its drawings."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def batches(rows: Iterator[Values], size: int) -> Iterator[list[Values]]:
    """`rows` in lists of at most `size`."""
    while batch := list(islice(rows, size)):
        yield batch


def sql(statement: str) -> ClauseElement:
    """SQL that both engines understand as it stands; it has no values and no colons."""
    return text(statement)
