"""Gatepost on SQLite with `synchronous = NORMAL`: what `submissions.py` measures the price of durability by.

    python -m benchmarks.not_synced serve --config gatepost.toml

Never run a blog like this: a commit is acknowledged before it is on the disk, so a power cut loses the newest comments.
"""

import sqlite3

from service import __main__ as gatepost
from service.store.sqlite import SqliteEngine

_synced = SqliteEngine._connected


def _connected(self: SqliteEngine, *, read_only: bool) -> sqlite3.Connection:
    connection = _synced(self, read_only=read_only)
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


if __name__ == "__main__":
    SqliteEngine._connected = _connected  # type: ignore[method-assign]  # the one difference
    gatepost.main()
