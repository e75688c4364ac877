"""The engine: opens the store, runs transactions, and hides every difference between databases.

A transaction is a plain function that takes a `Transaction` first; it runs on a database thread, so it cannot wait
for a network and needs one hand-over however many statements it has:

    comment = await database.write(submissions.submit, site, draft)

Writes that arrive while a commit is being synced share the next one (group commit): each caller gets its answer only
after that sync, and a unit of work that fails is rolled back alone.
"""

import asyncio
import fcntl
import os
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar
from weakref import WeakKeyDictionary

import aiosqlite
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.expression import ClauseElement

from service.errors import StoreUnavailable
from service.model import Clock, Milliseconds
from service.store import migrate

P = ParamSpec("P")
T = TypeVar("T")
Row = Mapping[str, Any]
MAX_BATCH = 256
"""Units of work in one commit: bounds how long one of them waits for the others."""
RETRY_AFTER_SECONDS = 5
_OUT_OF_ORDER = (
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_FULL",
    "SQLITE_READONLY",
    "SQLITE_IOERR",
    "SQLITE_CANTOPEN",
    "SQLITE_CORRUPT",
)


class StoreError(Exception):
    """The store cannot be opened. Its text is one line that says what to do."""


class _Cursor(Protocol):
    rowcount: int

    def fetchall(self) -> list[Any]: ...
    def fetchone(self) -> Any: ...


class _Connection(Protocol):
    def execute(self, sql: str, parameters: Any = ..., /) -> Any: ...


class Statements:
    """SQLAlchemy statements compiled once each for one dialect: a hot statement costs the driver's time only."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._compiled: WeakKeyDictionary[ClauseElement, tuple[str, dict[str, Any]]] = WeakKeyDictionary()

    def compiled(self, statement: ClauseElement) -> tuple[str, dict[str, Any]]:
        """The SQL text of `statement` and the values that it carries itself."""
        found = self._compiled.get(statement)
        if found is None:
            compiled = statement.compile(dialect=self._dialect, compile_kwargs={"render_postcompile": True})
            found = self._compiled[statement] = (str(compiled), dict(compiled.params))
        return found


class Transaction:
    """An open transaction on one connection. `now` is its one time, in milliseconds since the epoch."""

    def __init__(self, connection: _Connection, statements: Statements, now: Milliseconds) -> None:
        self._connection = connection
        self._statements = statements
        self.now = now

    def all(self, statement: ClauseElement, /, **values: Any) -> list[Row]:
        """Every row, each readable by column name."""
        rows: list[Row] = self._execute(statement, values).fetchall()
        return rows

    def first(self, statement: ClauseElement, /, **values: Any) -> Row | None:
        """The first row, or None."""
        row: Row | None = self._execute(statement, values).fetchone()
        return row

    def run(self, statement: ClauseElement, /, **values: Any) -> int:
        """Carry out a change; the number of rows it touched."""
        return self._execute(statement, values).rowcount

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo only what happens inside when it raises."""
        self._connection.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK TO part")
            raise
        finally:
            self._connection.execute("RELEASE part")

    def _execute(self, statement: ClauseElement, values: dict[str, Any]) -> _Cursor:
        sql, defaults = self._statements.compiled(statement)
        cursor: _Cursor = self._connection.execute(sql, {**defaults, **values} if defaults else values)
        return cursor


@dataclass(slots=True)
class _Unit:
    work: Callable[[Transaction], Any]
    answer: "asyncio.Future[Any]"


class _SqliteThread(aiosqlite.Connection):
    """aiosqlite's thread and connection, with the verb it keeps to itself: run a whole function over there."""

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` with the connection on its thread: one hand-over, however many statements."""
        answer: T = await self._execute(work, self._conn)  # type: ignore[no-untyped-call]  # see the class's sentence
        return answer


class Database:
    """An open SQLite store: one writing connection, several reading ones, each on its own thread."""

    def __init__(self, path: Path, *, clock: Clock) -> None:
        self.path = path
        self._clock = clock
        self._statements = Statements(SQLiteDialect_pysqlite(paramstyle="named"))
        self._waiting: deque[_Unit] = deque()
        self._flushing: asyncio.Task[None] | None = None
        self._readers: asyncio.LifoQueue[_SqliteThread] = asyncio.LifoQueue()
        self._threads: list[_SqliteThread] = []
        self._lock: int | None = None
        self._alongside = False
        self._writer: _SqliteThread

    @classmethod
    async def open(
        cls, url: str, *, clock: Clock, readers: int = 4, busy_seconds: float = 5.0, alongside: bool = False
    ) -> "Database":
        """Open the store at `url`, bringing its schema up to date, as its only server.

        `alongside` is for short commands that write beside a running server: no lock, and never a checkpoint.
        Raises StoreError when it cannot be opened or is in use by another server, SchemaError when it is newer
        than this program.
        """
        database = cls(path_of(url), clock=clock)
        database._alongside = alongside
        try:
            database._lock = None if alongside else _lock(database.path)
            await asyncio.to_thread(migrate.upgrade, database.path, busy_seconds)
            database._writer = await database._connect(busy_seconds, read_only=False)
            for _ in range(readers):
                database._readers.put_nowait(await database._connect(busy_seconds, read_only=True))
        except (sqlite3.Error, OSError) as error:
            await database.close()
            raise StoreError(
                f"{database.path}: the store cannot be opened ({error}): correct database.url or its permissions"
            ) from None
        except BaseException:
            await database.close()
            raise
        return database

    async def close(self) -> None:
        """Finish the writes in hand, close every connection, let the next server in."""
        while self._flushing is not None:
            await asyncio.shield(self._flushing)
        for thread in self._threads:
            await thread.close()
        self._threads.clear()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def write(self, work: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` in a writing transaction; its result once the commit is synced to the disk.

        Raises what `work` raises (nothing of it is kept then) and StoreUnavailable when the store cannot take it.
        """
        unit = _Unit(partial(_call, work, args, kwargs), asyncio.get_running_loop().create_future())
        self._waiting.append(unit)
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush(), name="group commit")
        answer: T = await unit.answer
        return answer

    async def read(self, work: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` on one consistent view of what is committed. Raises StoreUnavailable when that cannot be read."""
        thread = await self._readers.get()
        try:
            return await thread.run(partial(self._read, partial(_call, work, args, kwargs)))
        except sqlite3.Error as error:
            raise _expected(error) from error
        finally:
            self._readers.put_nowait(thread)

    async def _flush(self) -> None:
        """Commit what waits, in batches, until nothing does. The sync in flight is the only batching window."""
        try:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_BATCH))]
                try:
                    outcomes: Sequence[Any] = await self._writer.run(partial(self._commit, batch))
                except Exception as error:  # noqa: BLE001  # each caller gets it, below
                    outcomes = [_Failed(_expected(error) if isinstance(error, sqlite3.Error) else error)] * len(batch)
                for unit, outcome in zip(batch, outcomes, strict=True):
                    _deliver(unit.answer, outcome)
        finally:
            self._flushing = None

    def _commit(self, batch: Sequence[_Unit], connection: sqlite3.Connection) -> list[Any]:
        connection.execute("BEGIN IMMEDIATE")
        try:
            outcomes = [self._attempt(unit, connection, alone=len(batch) == 1) for unit in batch]
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return outcomes

    def _attempt(self, unit: _Unit, connection: sqlite3.Connection, *, alone: bool) -> Any:
        """The unit's result, or the exception that it alone ends with."""
        transaction = Transaction(connection, self._statements, self._clock())
        connection.execute("SAVEPOINT unit")
        try:
            result = unit.work(transaction)
        except Exception as error:
            if not connection.in_transaction:
                raise  # the database has rolled everything back (full, input/output error): no unit of the batch stands
            connection.execute("ROLLBACK TO unit")
            connection.execute("RELEASE unit")
            return _Failed(_expected(error) if isinstance(error, sqlite3.Error) else error)
        connection.execute("RELEASE unit")
        return result

    def _read(self, work: Callable[[Transaction], T], connection: sqlite3.Connection) -> T:
        connection.execute("BEGIN")
        try:
            return work(Transaction(connection, self._statements, self._clock()))
        finally:
            connection.execute("ROLLBACK")

    async def _connect(self, busy_seconds: float, *, read_only: bool) -> _SqliteThread:
        def connector() -> sqlite3.Connection:
            connection = sqlite3.connect(self.path, timeout=busy_seconds, isolation_level=None, cached_statements=512)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA mmap_size = 0")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA query_only = {int(read_only)}")
            if self._alongside:
                connection.execute("PRAGMA wal_autocheckpoint = 0")
            return connection

        thread = _SqliteThread(connector, iter_chunk_size=64)
        await thread
        self._threads.append(thread)
        return thread


@dataclass(frozen=True, slots=True)
class _Failed:
    error: BaseException


def path_of(url: str) -> Path:
    """The file that a `sqlite:///` address names."""
    return Path(url.removeprefix("sqlite:///"))


def _call(work: Callable[..., T], args: Any, kwargs: Any, transaction: Transaction) -> T:
    return work(transaction, *args, **kwargs)


def _deliver(answer: "asyncio.Future[Any]", outcome: Any) -> None:
    if answer.done():  # the caller went away; the write stands all the same
        return
    if isinstance(outcome, _Failed):
        answer.set_exception(outcome.error)
    else:
        answer.set_result(outcome)


def _expected(error: sqlite3.Error) -> Exception:
    """A fault of the store as the public may hear it; anything else is a bug and stays what it is."""
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(_OUT_OF_ORDER):
        return StoreUnavailable(retry_after_seconds=RETRY_AFTER_SECONDS)
    return error


def _lock(path: Path) -> int:
    """Hold `<file>.lock` for as long as this process lives: SQLite stays with one writing server."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise StoreError(
            f"{path}: another Gatepost is using this file: stop it first, or use PostgreSQL for several servers"
        ) from None
    return handle
