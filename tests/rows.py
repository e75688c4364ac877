"""Reads the rows of a test's store with plain SQL, the same on both databases. A fixture of `conftest` hands it out."""

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

import psycopg


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


@contextmanager
def rows_of(url: str) -> Iterator[Rows]:
    """The rows of the store at `url`, as they are committed at the time of each query."""
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(f"file:{url.removeprefix('sqlite:///')}?mode=ro", uri=True)) as file:
            yield Rows(file)
    else:
        with psycopg.connect(url, autocommit=True) as connection:
            yield Rows(connection)
