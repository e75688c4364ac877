"""Reads the rows of a test's store with plain SQL, the same on both databases. A fixture of `conftest` hands it out."""

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql


class Rows:
    """A connection beside the service's own. Values go in for `?` or `:name`, as SQLite writes them."""

    def __init__(self, connection: "sqlite3.Connection | psycopg.Connection[tuple[Any, ...]]") -> None:
        self._connection = connection

    def execute(self, query: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Any:
        """A cursor with what the query finds, each row a tuple."""
        if isinstance(self._connection, sqlite3.Connection):
            return self._connection.execute(query, values)
        named = re.sub(r"(?<!:):(\w+)", r"%(\1)s", query.replace("%", "%%")).replace("?", "%s")
        return self._connection.execute(named.encode(), values)

    def number(self, query: str, *values: Any) -> int:
        """The one number that the query finds."""
        return int(self.execute(query, values).fetchone()[0])


def everything_in(url: str) -> bytes:
    """Every byte that a store keeps: SQLite's files, those of its log too; a dump of every table of PostgreSQL."""
    if url.startswith("sqlite:///"):
        store = Path(url.removeprefix("sqlite:///"))
        return b"".join(path.read_bytes() for path in store.parent.glob(f"{store.name}*"))
    with psycopg.connect(url, autocommit=True) as connection:
        tables = connection.execute("SELECT schemaname, tablename FROM pg_tables WHERE schemaname !~ '^(pg_|inf)'")
        return b"".join(_dump(connection, sql.Identifier(*name)) for name in tables.fetchall())


def _dump(connection: "psycopg.Connection[tuple[Any, ...]]", table: sql.Identifier) -> bytes:
    with connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(table)) as rows:
        return b"".join(map(bytes, rows))


@contextmanager
def rows_of(url: str) -> Iterator[Rows]:
    """The rows of the store at `url`, as they are committed at the time of each query."""
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(f"file:{url.removeprefix('sqlite:///')}?mode=ro", uri=True)) as file:
            yield Rows(file)
    else:
        with psycopg.connect(url, autocommit=True) as connection:
            yield Rows(connection)
