"""SQLite as the store's engine: one writing connection, several reading ones, each on an aiosqlite thread of its own.

One server per file, enforced by a lock file. WAL with `synchronous = FULL`: a commit is on the disk when it returns.
"""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import aiosqlite
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Dialect

from service import refusal
from service.store import files, migrate
from service.store.engine import Connection, EngineSettings, StoreError

T = TypeVar("T")
CHECKPOINT_PAGES = 4000
"""Pages (4 kB) in the log before they go into the file: with SQLite's 1000, two busy commits are a checkpoint."""
FAULTS = (
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_FULL",
    "SQLITE_READONLY",
    "SQLITE_IOERR",
    "SQLITE_CANTOPEN",
    "SQLITE_CORRUPT",
    "SQLITE_NOTADB",
)


class _Thread(aiosqlite.Connection):
    """aiosqlite's thread and connection, with the verb it keeps to itself: run a whole function over there."""

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` with the connection on its thread: one hand-over, however many statements."""
        answer: T = await self._execute(work, self._conn)  # type: ignore[no-untyped-call]  # see the class's sentence
        return answer


class SqliteEngine:
    """An SQLite file."""

    dialect: Dialect = SQLiteDialect_pysqlite(paramstyle="qmark")
    is_shared = False

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._path = path_of(settings.url)
        self._threads: list[_Thread] = []
        self._readers: asyncio.LifoQueue[_Thread] = asyncio.LifoQueue()
        self._lock: int | None = None
        self._writer: _Thread

    async def open(self) -> None:
        """Take the file, bring its schema up to date, connect. Raises StoreError or SchemaError."""
        try:
            if not self._settings.alongside or await asyncio.to_thread(migrate.is_behind, self._path):
                self._lock = lock(self._path)  # a schema is never changed under a running server
            if self._lock is not None and not self._path.exists():
                files.make_private(self._path)  # SQLite gives the files beside it the same rights
            await asyncio.to_thread(migrate.upgrade, self._path, self._settings.busy_seconds)
            self._writer = await self._connect(read_only=False)
            for _ in range(self._settings.readers):
                self._readers.put_nowait(await self._connect(read_only=True))
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"{self._path}: the store cannot be opened ({error}{refusal.as_whom(error)}): correct database.url or "
                "its permissions"
            ) from None

    async def close(self) -> None:
        """Close every connection, let the next server in."""
        for thread in self._threads:
            await thread.close()
        self._threads.clear()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` between BEGIN and a synced COMMIT on the writing connection."""
        return await self._writer.run(partial(_write, work))

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on one snapshot."""
        thread = await self._readers.get()
        try:
            return await thread.run(partial(_read, work))
        finally:
            self._readers.put_nowait(thread)

    def notify(self, connection: Connection) -> None:
        """There is nobody else: the lock file keeps other servers out."""

    async def listen(self, wake: Callable[[], None]) -> None:
        """Nobody will ever call."""
        await asyncio.get_running_loop().create_future()

    def is_fault(self, error: BaseException) -> bool:
        """Whether the store, not the statement, is to blame."""
        return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorname", "").startswith(FAULTS)

    def stands(self, connection: Connection) -> bool:
        """SQLite rolls everything back on some faults (full, input/output error)."""
        return isinstance(connection, sqlite3.Connection) and connection.in_transaction

    async def _connect(self, *, read_only: bool) -> _Thread:
        thread = _Thread(partial(self._connected, read_only=read_only), iter_chunk_size=64)
        await thread
        self._threads.append(thread)
        return thread

    def _connected(self, *, read_only: bool) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=self._settings.busy_seconds, isolation_level=None, cached_statements=512
        )
        connection.row_factory = sqlite3.Row
        # SQLite's own lower() knows ASCII only; searching is to find the same on both engines.
        connection.create_function("lower", 1, lambda text: text.lower() if text else text, deterministic=True)
        connection.execute("PRAGMA mmap_size = 0")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA query_only = {int(read_only)}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {0 if self._settings.alongside else CHECKPOINT_PAGES}")
        return connection


def path_of(url: str) -> Path:
    """The file that a `sqlite:///` address names."""
    return Path(url.removeprefix("sqlite:///"))


def _write(work: Callable[[Connection], T], connection: sqlite3.Connection) -> T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return result


def _read(work: Callable[[Connection], T], connection: sqlite3.Connection) -> T:
    connection.execute("BEGIN")
    try:
        return work(connection)
    finally:
        if connection.in_transaction:  # a fault may have ended it
            connection.execute("ROLLBACK")


def lock(path: Path) -> int:
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
