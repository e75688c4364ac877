"""Tables that were made to do harm: rows that never end, of a file that is small. They end with one clear line."""

import sqlite3
import struct
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Final

import pytest

from service.transfer.formats import recognised
from service.transfer.opened import Source, SourceError
from tests.transfer import exports

PAGE_BYTES: Final = 4096
INNER: Final = 5
"""The first byte of a page that only says where others are (SQLite's file format, 1.6)."""


def endless(path: Path) -> Path:
    """A database of isso in which every page leads to one and the same again: 300 * 300 * 300 rows in a megabyte."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.executescript(
            "CREATE TABLE threads (id INTEGER PRIMARY KEY, uri, title); INSERT INTO threads VALUES (1, '/', 'A');"
            "CREATE TABLE comments (tid, id INTEGER PRIMARY KEY, created, mode, text);"
        )
        comments = [(1, number, 1389720732.0, 1, "x" * 3_000) for number in range(300)]
        connection.executemany("INSERT INTO comments VALUES (?, ?, ?, ?, ?)", comments)
        connection.commit()
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'comments'").fetchone()
    whole = bytearray(path.read_bytes())
    begin = PAGE_BYTES * (root - 1)
    assert whole[begin] == INNER
    (number,) = struct.unpack_from(">H", whole, begin + 3)
    places = [8, *struct.unpack_from(f">{number}H", whole, begin + 12)]
    last, inner, below = (struct.unpack_from(">I", whole, begin + place)[0] for place in places[:3])
    for page, leads_to in ((below, last), (inner, below), (root, inner)):
        at = PAGE_BYTES * (page - 1)
        whole[at : at + PAGE_BYTES] = whole[begin : begin + PAGE_BYTES]
        for place in places:
            struct.pack_into(">I", whole, at + place, leads_to)
    return exports.put(path, bytes(whole))


def test_rows_of_a_database_end_with_its_file(tmp_path: Path) -> None:
    source = Source([endless(tmp_path / "isso.db")])
    with pytest.raises(SourceError, match=r"is no SQLite database that can be read \(its rows are longer than"):
        list(islice(recognised(source).read(source), 10_000))


def test_a_table_with_very_many_columns_is_refused(tmp_path: Path) -> None:
    """Each row, however short, would be filled up with all of them."""
    columns = ",".join(["id", "pageId", "by_nickname", *map(str, range(5_000))])
    source = Source([exports.put(tmp_path / "a.csv", f"{columns}\nx\n".encode())])
    with pytest.raises(SourceError, match=r"a\.csv, line 1: has more than 1000 columns: no export does; not read"):
        list(recognised(source).read(source))
