"""PostgreSQL as the store's engine: used as SQLite is, one writer at a time, in batches, from any number of replicas.

A writing transaction begins by taking one advisory lock, which ends with it. So batches of several replicas come one
after the other: events get their numbers in the order of commits, and no two of them can deadlock or read each other's
half-done work (docs/adr/0006). A batch shares one commit, as on SQLite. Everything is said within the transaction
(`SET LOCAL`, transaction locks), so PgBouncer may pool transactions.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool, PoolTimeout
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import Dialect

from service.store import migrate
from service.store.engine import Connection, EngineSettings, StoreError

T = TypeVar("T")
WRITER_LOCK = 0x6761_7465  # "gate"
IDLE_IN_TRANSACTION_SECONDS = 15
FAULTS = ("08", "25", "40", "53", "55", "57", "58")
"""Classes of SQLSTATE that may pass: connection, read-only, deadlock, resources, shutdown, input and output."""


class PostgresEngine:
    """One writing connection and a pool of reading ones, all used on this engine's threads."""

    dialect: Dialect = PGDialect_psycopg(paramstyle="pyformat")  # type: ignore[no-untyped-call]

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._address = address_of(settings.url)
        self._writer: psycopg.Connection[dict[str, Any]] | None = None
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="postgres-writer")
        self._reading = ThreadPoolExecutor(settings.readers, thread_name_prefix="postgres-reader")
        self._pool: ConnectionPool[psycopg.Connection[dict[str, Any]]] = ConnectionPool(
            self._address,
            min_size=1,
            max_size=settings.readers,
            timeout=settings.busy_seconds,
            open=False,
            check=ConnectionPool.check_connection,
            kwargs=self._options(),
            name="gatepost readers",
        )
        milliseconds = int(settings.statement_seconds * 1000)
        self._begin_writing = (
            f"BEGIN; SET LOCAL synchronous_commit = on; SET LOCAL statement_timeout = {milliseconds}; "
            f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_IN_TRANSACTION_SECONDS}s'; "
            f"SELECT pg_advisory_xact_lock({WRITER_LOCK})"
        )
        self._begin_reading = (
            f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = {milliseconds}"
        )

    async def open(self) -> None:
        """Upgrade the schema (one replica at a time) and connect. Raises StoreError when that cannot be done."""
        try:
            await asyncio.to_thread(migrate.upgrade_postgres, self._address, WRITER_LOCK)
            await self._on(self._writing, self._connected)
            await asyncio.to_thread(self._pool.open, wait=True, timeout=self._settings.busy_seconds)
        except (psycopg.Error, PoolTimeout) as error:
            raise StoreError(
                f"the PostgreSQL store cannot be opened ({type(error).__name__}): correct database.url (a password's "
                "special characters percent-encoded), or start the server"
            ) from None

    async def close(self) -> None:
        """Close every connection."""
        await asyncio.to_thread(self._pool.close)
        if self._writer is not None:
            await self._on(self._writing, self._writer.close)
        self._writing.shutdown(wait=False)
        self._reading.shutdown(wait=False)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` between BEGIN and a synced COMMIT on the writing connection."""
        return await self._on(self._writing, partial(self._write, work))

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on one snapshot."""
        return await self._on(self._reading, partial(self._read, work))

    def is_fault(self, error: BaseException) -> bool:
        """Whether the store, not the statement, is to blame."""
        if isinstance(error, PoolTimeout | psycopg.InterfaceError):
            return True
        if not isinstance(error, psycopg.Error):
            return False
        return error.sqlstate[:2] in FAULTS if error.sqlstate else isinstance(error, psycopg.OperationalError)

    def stands(self, connection: Connection) -> bool:
        """Whether the transaction can go on after a failed statement, back from its savepoint."""
        return isinstance(connection, psycopg.Connection) and not connection.closed

    def _write(self, work: Callable[[Connection], T]) -> T:
        connection = self._connected()
        connection.execute(self._begin_writing, prepare=False)
        try:
            result = work(connection)
            connection.execute("COMMIT")
        except BaseException:
            if not connection.closed:
                connection.rollback()
            raise
        return result

    def _read(self, work: Callable[[Connection], T]) -> T:
        with self._pool.connection() as connection:
            connection.execute(self._begin_reading, prepare=False)
            try:
                return work(connection)
            finally:
                if not connection.closed:
                    connection.rollback()

    def _connected(self) -> "psycopg.Connection[dict[str, Any]]":
        """The writing connection, made anew when the server has dropped it."""
        if self._writer is None or self._writer.closed or self._writer.broken:
            self._writer = psycopg.connect(self._address, **self._options())
        return self._writer

    def _options(self) -> dict[str, Any]:
        return {
            "autocommit": True,
            "row_factory": dict_row,
            "prepare_threshold": 5 if self._settings.prepared_statements else None,
            "connect_timeout": max(2, int(self._settings.busy_seconds)),
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "application_name": "gatepost",
        }

    async def _on(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads, work)


def address_of(url: str) -> str:
    """The address as libpq reads it: SQLAlchemy's `+driver` out."""
    scheme, _, rest = url.partition("://")
    return f"{scheme.partition('+')[0]}://{rest}"
