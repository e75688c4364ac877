"""PostgreSQL as the store's engine: used as SQLite is, one writer at a time, in batches, from any number of replicas.

A writing transaction begins by taking one advisory lock, which ends with it. So batches of several replicas come one
after the other: events get their numbers in the order of commits, and no two of them can deadlock or read each other's
half-done work (docs/adr/0006). A batch shares one commit, as on SQLite. Everything is said within the transaction
(`SET LOCAL`, transaction locks), so PgBouncer may pool transactions.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context
from functools import partial
from typing import Any, TypeVar

import psycopg
from psycopg.rows import dict_row
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.dml import OnConflictClause
from sqlalchemy.engine import Dialect

from service.store import migrate
from service.store.engine import Connection, EngineSettings, Lane, StoreError
from service.store.postgres_faults import cause
from service.store.postgres_worker import Link, PostgresWorker
from service.store.tables import metadata
from service.store.workers import DeadlinePassed, Pool

T = TypeVar("T")
WRITER_LOCK = 0x6761_7465  # "gate"
CHANNEL = "gatepost"
DEAD_PEER_MILLISECONDS = 25_000
"""How long what was sent may stay unconfirmed: else a server that vanished is waited for a quarter of an hour."""
FAULTS = ("08", "25", "40", "53", "55", "57", "58")
"""Classes of SQLSTATE that may pass: connection, read-only, deadlock, resources, shutdown, input and output."""

# What only SQLite's dialect is told where tables and queries are written: PostgreSQL's takes 2 MiB, and comes with this
# file. It looks for the name of a constraint in `ON CONFLICT`, which SQLite's cannot give, and for an index's own rows.
OnConflictClause.constraint_target = None  # type: ignore[attr-defined]
for _index in (index for table in metadata.tables.values() for index in table.indexes):
    _index.dialect_options["postgresql"]["where"] = _index.dialect_options["sqlite"]["where"]


class PostgresEngine:
    """A thread that writes and some that read for each lane, each with a connection of its own."""

    dialect: Dialect = PGDialect_psycopg(paramstyle="format")  # type: ignore[no-untyped-call]
    is_shared = True

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._address = address_of(settings.url)
        self._writing = Pool(
            partial(PostgresWorker, self._connect, "postgres-writer"), 1, seconds=settings.deadline_seconds(Lane.SERVE)
        )
        self._reading = {
            lane: Pool(
                partial(PostgresWorker, self._connect, f"postgres-{lane}"),
                settings.connections(lane),
                seconds=settings.deadline_seconds(lane),
            )
            for lane in Lane
        }
        milliseconds = int(settings.statement_seconds * 1000)
        # READ COMMITTED, whatever the server's default: a snapshot from before the lock would miss the last batch.
        self._begin_writing = (
            "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = on; "
            f"SET LOCAL statement_timeout = {milliseconds}; "
            # A replica that freezes in a write is cut off before those who wait for its lock have waited too long.
            f"SET LOCAL idle_in_transaction_session_timeout = {milliseconds // 2}; "
            f"SELECT pg_advisory_xact_lock({WRITER_LOCK})"
        )
        self._begin_reading = (
            f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = {milliseconds}"
        )

    async def open(self) -> None:
        """Upgrade the schema (one replica at a time) and connect. Raises StoreError when that cannot be done."""
        try:
            await asyncio.to_thread(migrate.upgrade_postgres, self._address, WRITER_LOCK)
            await self._writing.run(Link.connected)
            await self._reading[Lane.SERVE].run(Link.connected)
        except (psycopg.Error, DeadlinePassed) as error:
            raise StoreError(
                f"the PostgreSQL store cannot be opened ({cause(error)}): correct database.url or "
                "PGPASSWORD (in an address, a password's special characters are percent-encoded), or start the server"
            ) from None

    async def close(self, *, seconds: float) -> None:
        """Finish what is running, close every connection; give up those that do not end in time."""
        pools = [self._writing, *self._reading.values()]
        try:
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(pool.close() for pool in pools))
        except TimeoutError:
            for pool in pools:
                pool.give_up()

    def write(self, work: Callable[[Connection], T], then: "Callable[[asyncio.Future[T]], None]") -> None:
        """Begin to run `work` between BEGIN and a synced COMMIT."""
        running = self._writing.run(partial(_transact, work, self._begin_writing, "COMMIT"))
        self._commit = asyncio.create_task(running, name="group commit", context=Context())  # of no single request
        self._commit.add_done_callback(then)

    async def read(self, work: Callable[[Connection], T], lane: Lane) -> T:
        """Run `work` on one snapshot."""
        return await self._reading[lane].run(partial(_transact, work, self._begin_reading, "ROLLBACK"))

    def notify(self, connection: Connection) -> None:
        """PostgreSQL sends it with the commit, once for however many in one transaction."""
        connection.execute(f"NOTIFY {CHANNEL}")

    async def listen(self, wake: Callable[[], None]) -> None:
        """A connection of its own, for as long as it lasts. Behind PgBouncer in transaction mode it hears nothing."""
        connection = await psycopg.AsyncConnection.connect(self._address, **self._options())
        async with connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            wake()  # for what came before
            async for _ in connection.notifies():
                wake()

    def is_fault(self, error: BaseException) -> bool:
        """Whether the store, not the statement, is to blame."""
        if isinstance(error, psycopg.InterfaceError | DeadlinePassed):
            return True
        if not isinstance(error, psycopg.Error):
            return False
        return error.sqlstate[:2] in FAULTS if error.sqlstate else isinstance(error, psycopg.OperationalError)

    def stands(self, connection: Connection) -> bool:
        """Whether the transaction can go on after a failed statement, back from its savepoint."""
        return isinstance(connection, psycopg.Connection) and not connection.closed

    def _connect(self) -> "psycopg.Connection[dict[str, Any]]":
        return psycopg.connect(self._address, **self._options())

    def _options(self) -> dict[str, Any]:
        return {
            "autocommit": True,
            "row_factory": dict_row,
            "prepare_threshold": 5 if self._settings.prepared_statements else None,
            "connect_timeout": max(2, int(self._settings.busy_seconds)),
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": DEAD_PEER_MILLISECONDS,
            "application_name": "gatepost",
            "client_encoding": "utf8",  # whatever PGCLIENTENCODING says
        }


def _transact(work: Callable[[Connection], T], begin: str, end: str, link: Link) -> T:
    connection = _begun(link, begin)
    try:
        result = work(connection)
        connection.execute(end)
    except BaseException:
        _leave(connection)
        raise
    return result


def _begun(link: Link, begin: str, *, attempts: int = 2) -> "psycopg.Connection[dict[str, Any]]":
    """The connection, in a transaction. One that the server has dropped since the last transaction is replaced."""
    connection = link.connected()
    try:
        connection.execute(begin, prepare=False)
    except psycopg.Error:
        was_dropped = connection.closed
        connection.close()  # whatever it is, the next caller gets a fresh one
        if not was_dropped or attempts == 1 or link.is_cut:
            raise
        return _begun(link, begin, attempts=attempts - 1)
    return connection


def _leave(connection: "psycopg.Connection[dict[str, Any]]") -> None:
    """End a transaction that has failed, or the connection where even that fails: the next caller gets a fresh one."""
    try:
        connection.rollback()
    except psycopg.Error:
        connection.close()


def address_of(url: str) -> str:
    """The address as libpq reads it: SQLAlchemy's `+driver` out."""
    scheme, _, rest = url.partition("://")
    return f"{scheme.partition('+')[0]}://{rest}"
