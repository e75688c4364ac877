"""Changes a store behind the service's back. For tests of what must then be noticed."""

import sqlite3
from contextlib import closing

import psycopg


def change(url: str, *statements: str) -> None:
    """Carry out SQL, with no regard to foreign keys."""
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as file:
            for statement in statements:
                file.execute(statement)
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        for statement in statements:
            connection.execute(statement.encode())
