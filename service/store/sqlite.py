"""SQLite as the store's engine: one writing connection, several reading ones, each on an aiosqlite thread of its own.

One server per file, enforced by a lock file. WAL with `synchronous = FULL`: a commit is on the disk when it returns.
"""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import aiosqlite
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Dialect

from service import refusal
from service.store import files, migrate
from service.store.engine import Connection, EngineSettings, Lane, StoreError
from service.store.workers import DeadlinePassed, Pool, Prompt, expect

T = TypeVar("T")
CHECKPOINT_PAGES = 4000
"""Pages (4 kB) in the log before they go into the file: with SQLite's 1000, two busy commits are a checkpoint."""
STATEMENTS = 100
"""Prepared ones that each connection keeps; one takes some 30 kB."""
READER_CACHE_KILOBYTES = 512
"""Of the file, for each reading connection; with SQLite's 2,000 a page of comments is built no faster, since the system
keeps the file in memory anyway. The writer has those 2,000: it changes many pages between two commits."""
LOG_BYTES = 64 * 1024 * 1024
"""What the log may keep on the disk. A long read (a backup) makes it grow; the next checkpoint cuts it to this size."""
TURN_SECONDS = 30.0
"""How long who opens a store waits for another process that is making it, or bringing its schema up to date."""
LOOK_AGAIN_SECONDS = 0.05
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


class _Closed(sqlite3.ProgrammingError):
    """Nobody can write or read any more."""


class _Thread(aiosqlite.Connection):
    """aiosqlite's thread and connection as a `workers.Worker`: whole functions run over there, with one hand-over.

    aiosqlite offers neither that nor a thread that the process can end without, so this uses what is private in it
    (`_tx`, `_thread`, `_connection`, `_connector`). Its version is pinned in pyproject.toml.
    """

    def start(
        self, work: Callable[[sqlite3.Connection], T], answer: "asyncio.Future[T] | None" = None
    ) -> "asyncio.Future[T]":
        """Run `work` with the connection on its thread, which connects before its first work."""
        if not self._running:
            raise _Closed("the store is closed")
        if not self._thread.is_alive():
            self._thread.daemon = True
            self._thread.start()
        answer = answer or asyncio.get_running_loop().create_future()
        self._tx.put_nowait((answer, partial(self._run, work, answer)))
        return answer

    def give_up(self) -> None:
        """Interrupt what runs; the thread closes its connection and ends when it can."""
        if self._connection is not None:
            self._connection.interrupt()
        self.stop()

    async def close(self) -> None:
        """Finish what was started, close the connection."""
        if self._thread.is_alive() and self._running:
            ended = self.stop()
            if ended is not None:
                await ended
        self._running = False

    def _run(self, work: Callable[[sqlite3.Connection], T], answer: "asyncio.Future[T]") -> T | None:
        if answer.done():
            return None
        if self._connection is None:
            self._connection = self._connector()
        return work(self._connection)


class SqliteEngine:
    """An SQLite file."""

    dialect: Dialect = SQLiteDialect_pysqlite(paramstyle="qmark")
    is_shared = False

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._path = path_of(settings.url)
        self._lock: int | None = None
        self._writer = self._thread(read_only=False)
        self._reading = {
            lane: Pool(
                partial(self._thread, read_only=True),
                settings.connections(lane),
                seconds=settings.deadline_seconds(lane),
            )
            for lane in Lane
        }

    async def open(self) -> None:
        """Take the file, bring its schema up to date, connect. Raises StoreError or SchemaError."""
        try:
            async with _turn(self._path):
                await self._bring_up_to_date()
            await self._writer.start(_nothing)
            await self._reading[Lane.SERVE].run(_nothing)
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"{self._path}: the store cannot be opened ({error}{refusal.as_whom(error)}): correct database.url or "
                "its permissions"
            ) from None

    async def close(self, *, seconds: float) -> None:
        """Close every connection, let the next server in. The lock stays where the writer does not end in time."""
        try:
            async with asyncio.timeout(seconds):
                await asyncio.gather(self._writer.close(), *(pool.close() for pool in self._reading.values()))
        except TimeoutError:
            self._writer.give_up()
            for pool in self._reading.values():
                pool.give_up()
            return
        self._unlock()

    def write(self, work: Callable[[Connection], T], then: "Callable[[asyncio.Future[T]], None]") -> None:
        """Begin to run `work` between BEGIN and a synced COMMIT on the writing connection.

        There is only one such connection, also after a deadline has passed: SQLite is not to have a second one that
        writes while the first may still be in its commit. Later calls wait behind it, each until its own deadline.
        """
        deadline = asyncio.get_running_loop().time() + self._settings.deadline_seconds(Lane.SERVE)
        answer = Prompt(then)
        self._writer.start(partial(_write, work), answer)
        expect(answer, deadline)

    async def read(self, work: Callable[[Connection], T], lane: Lane) -> T:
        """Run `work` on one snapshot. What takes too long is interrupted."""
        return await self._reading[lane].run(partial(_read, work))

    def notify(self, connection: Connection) -> None:
        """There is nobody else: the lock file keeps other servers out."""

    async def listen(self, wake: Callable[[], None]) -> None:
        """Nobody will ever call."""
        await asyncio.get_running_loop().create_future()

    def is_fault(self, error: BaseException) -> bool:
        """Whether the store, not the statement, is to blame."""
        if isinstance(error, DeadlinePassed | _Closed):
            return True
        return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorname", "").startswith(FAULTS)

    def stands(self, connection: Connection) -> bool:
        """SQLite rolls everything back on some faults (full, input/output error)."""
        return isinstance(connection, sqlite3.Connection) and connection.in_transaction

    async def _bring_up_to_date(self) -> None:
        """Nobody changes a schema under a running server: who does so has the lock meanwhile. A server keeps it."""
        if not self._settings.alongside or await asyncio.to_thread(migrate.is_behind, self._path):
            self._lock = lock(self._path)
            if not self._path.exists():
                files.make_private(self._path)  # SQLite gives the files beside it the same rights
        await asyncio.to_thread(migrate.upgrade, self._path, self._settings.busy_seconds)
        if self._settings.alongside:
            self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _thread(self, *, read_only: bool) -> _Thread:
        return _Thread(partial(self._connected, read_only=read_only), iter_chunk_size=64)

    def _connected(self, *, read_only: bool) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=self._settings.busy_seconds, isolation_level=None, cached_statements=STATEMENTS
        )
        connection.row_factory = sqlite3.Row
        # SQLite's own lower() knows ASCII only; searching is to find the same on both engines.
        connection.create_function("lower", 1, lambda text: text.lower() if text else text, deterministic=True)
        connection.execute("PRAGMA mmap_size = 0")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA query_only = {int(read_only)}")
        if read_only:
            connection.execute(f"PRAGMA cache_size = -{READER_CACHE_KILOBYTES}")
        connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {0 if self._settings.alongside else CHECKPOINT_PAGES}")
        return connection


def path_of(url: str) -> Path:
    """The file that a `sqlite:///` address names."""
    return Path(url.removeprefix("sqlite:///"))


def _nothing(connection: sqlite3.Connection) -> None:
    """What is run to see that there is a connection."""


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


@asynccontextmanager
async def _turn(path: Path) -> AsyncIterator[None]:
    """One process after the other opens the store at `path`, so that a command that comes while a server makes or
    upgrades it waits and finds it ready. Raises StoreError where that takes too long.

    The lock of a server cannot tell a command to wait: a running server keeps it. What is locked here is the folder, so
    that no other file stands beside the store.
    """
    handle = await asyncio.to_thread(_folder_of, path)
    try:
        await _wait_for(handle, path)
        yield
    finally:
        os.close(handle)


def _folder_of(path: Path) -> int:
    """The folder of the file, opened; it is made where it is missing. Raises OSError."""
    folder = path.resolve().parent
    folder.mkdir(parents=True, exist_ok=True)
    return os.open(folder, os.O_RDONLY)


async def _wait_for(handle: int, path: Path) -> None:
    deadline = asyncio.get_running_loop().time() + TURN_SECONDS
    while not _locked(handle):
        if asyncio.get_running_loop().time() > deadline:
            raise StoreError(
                f"{path}: another Gatepost is bringing this file (or one beside it) up to date, for more than "
                f"{TURN_SECONDS:g} seconds: try again when it is ready"
            )
        await asyncio.sleep(LOOK_AGAIN_SECONDS)


def _locked(handle: int) -> bool:
    """Whether the open file is this process's own now. Raises OSError where it can be nobody's."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def lock(path: Path) -> int:
    """Hold `<file>.lock` for as long as this process lives: SQLite stays with one writing server.

    The lock stands beside the file itself, so a symbolic link to the file is locked with it. (SQLite's own log stands
    there too. Hard links and second mounts are no way to reach one file: each name would have a log of its own.)
    """
    file = path.resolve()
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file.with_name(file.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise StoreError(
            f"{path}: another Gatepost is using this file: stop it first, or use PostgreSQL for several servers"
        ) from None
    return handle
