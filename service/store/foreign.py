"""Somebody else's SQLite file, read only and with suspicion: importers read the databases of other systems so."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

LONGEST_VALUE_BYTES: Final = 8 * 1024 * 1024


class ForeignDatabaseError(Exception):
    """The file is no database that can be read. Its text says why."""


class ForeignDatabase:
    """`tables` names the columns of each table. Views are left out: what they say is run when they are read."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0").fetchall()
        self._bytes = self._number("page_count") * self._number("page_size")
        self.tables: Mapping[str, Sequence[str]] = {name: self._columns(name) for (name,) in names}

    def rows(self, table: str, wanted: Sequence[str]) -> Iterator[dict[str, Any]]:
        """These columns of a table, as far as it has them, row by row as they lie in the file.

        What is stored takes at least as many bytes as it has characters, and a byte for each value. Where rows are
        longer than the file, its pages lead to one another so that they never end.
        """
        columns = [column for column in self.tables[table] if column in wanted]
        selected = self._connection.execute(f"SELECT {', '.join(map(_quoted, columns))} FROM {_quoted(table)}")  # noqa: S608
        left = self._bytes
        for row in selected:
            left -= sum(1 + len(value) if isinstance(value, str | bytes) else 1 for value in row)
            if left < 0:
                raise ForeignDatabaseError("its rows are longer than all of it")
            yield dict(zip(columns, row, strict=True))

    def _number(self, name: str) -> int:
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])

    def _columns(self, table: str) -> list[str]:
        # The last value is 0 for what is stored; others are computed when they are read.
        return [row[1] for row in self._connection.execute(f"PRAGMA table_xinfo({_quoted(table)})") if row[6] == 0]


@contextmanager
def opened(path: Path) -> Iterator[ForeignDatabase]:
    """The database at `path`. Raises ForeignDatabaseError, also while its rows are read."""
    try:
        address = f"file:{quote(str(path.absolute()))}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as connection:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE_BYTES)
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
            connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
            yield ForeignDatabase(connection)
    except sqlite3.Error as error:
        raise ForeignDatabaseError(str(error)) from None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
