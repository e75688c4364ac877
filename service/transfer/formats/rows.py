"""The rows of a foreign SQLite file, or of a table written as CSV."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from service.store import foreign
from service.transfer.formats.record import Record
from service.transfer.opened import LONGEST_VALUE_BYTES, Part, SourceError

MOST_COLUMNS: Final = 1_000


def columns(part: Part) -> Iterator[str]:
    """What the tables of a database have, as `table.column`. Raises SourceError."""
    with _opened(part) as database:
        for table, names in database.tables.items():
            yield from (f"{table}.{name}" for name in names)


def of_table(part: Part, table: str, wanted: Sequence[str]) -> Iterator[Record]:
    """These columns of a table of a database. `line` is the row's number. Raises SourceError."""
    with _opened(part) as database:
        for number, row in enumerate(database.rows(table, wanted), start=1):
            yield Record(number, row)


def of_csv(part: Part) -> Iterator[Record]:
    """The rows of a CSV file whose first line names the columns. Raises SourceError."""
    csv.field_size_limit(LONGEST_VALUE_BYTES)
    with part.open() as stream:

        def lines() -> Iterator[str]:
            for number, line in stream.lines():
                try:
                    yield line.decode("utf-8")
                except UnicodeDecodeError:
                    raise SourceError(f"{part.name}, line {number}: is not UTF-8; export it anew") from None

        try:
            reader = csv.DictReader(lines(), strict=True)
            if len(reader.fieldnames or ()) > MOST_COLUMNS:
                raise SourceError(
                    f"{part.name}, line 1: has more than {MOST_COLUMNS} columns: no export does; not read"
                )
            for row in reader:
                yield Record(stream.lines_read, {name: value for name, value in row.items() if name is not None})
        except csv.Error as error:
            raise SourceError(f"{part.name}, line {stream.lines_read}: is not CSV ({error}); export it anew") from None


@contextmanager
def _opened(part: Part) -> Iterator[foreign.ForeignDatabase]:
    if part.path is None:
        raise SourceError(f"{part.name}: is a database in an archive: unpack it first")
    try:
        with foreign.opened(part.path) as database:
            yield database
    except foreign.ForeignDatabaseError as error:
        raise SourceError(f"{part.name}: is no SQLite database that can be read ({error}): copy it anew") from None
