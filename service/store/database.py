"""The store: runs transactions on an engine (`sqlite`, `postgres`).

A transaction is a plain function that takes a `Transaction` first; it runs on a database thread, so it cannot wait
for a network and needs one hand-over however many statements it has:

    comment = await database.write(submissions.submit, site, draft)

Writes share commits (`group_commit`), so a unit of work may run twice: its batch is begun again when one of it fails
half-way. So it changes nothing but the store.

Work is of three classes (`engine.Lane`). `write` and `read` are for what somebody waits for; `follow` and `bulk` have
the same two verbs for what must never wait, and for what is long. A long write is cut into slices by its caller, each
a unit of its own: the writer takes one slice, then whatever else has come meanwhile, then the next.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Concatenate, ParamSpec, TypedDict, TypeVar, Unpack

from service.model import Clock
from service.store.engine import Connection, Engine, EngineSettings, Lane, StoreError
from service.store.group_commit import CommitListener, GroupCommit, note, unavailable
from service.store.sqlite import SqliteEngine
from service.store.statements import Statements
from service.store.transaction import Later
from service.store.transaction import Row as Row
from service.store.transaction import Transaction as Transaction

P = ParamSpec("P")
T = TypeVar("T")
CLOSE_SECONDS = 5.0
"""How long closing waits for what is in hand. Threads that hang after that are given up: the process can end."""


class Patience(TypedDict, total=False):
    """What `EngineSettings` takes beside the address."""

    readers: int
    busy_seconds: float
    statement_seconds: float
    prepared_statements: bool
    alongside: bool


class LaneOf:
    """One lane of a store: what is written and read in its turn."""

    def __init__(
        self, engine: Engine, commits: GroupCommit, begun: Callable[[Connection], Transaction], lane: Lane
    ) -> None:
        self._engine = engine
        self._commits = commits
        self._begun = begun
        self._lane = lane

    async def write(self, work: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` in a writing transaction; its result once the commit is synced to the disk.

        Raises what `work` raises (nothing of it is kept then) and StoreUnavailable when the store cannot take it.
        """
        return await self._commits.write(self._lane, lambda tx: work(tx, *args, **kwargs))

    async def read(self, work: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` on one consistent view of what is committed. Raises StoreUnavailable when that cannot be read."""
        try:
            return await self._engine.read(
                lambda connection: work(self._begun(connection), *args, **kwargs), self._lane
            )
        except Exception as error:
            if self._engine.is_fault(error):
                note(error)
                raise unavailable(error) from error
            raise


class Database(LaneOf):
    """An open store, and its lane `serve`. `is_shared`: other processes may write to it as well.

    `follow` is for the event log, leases and readiness; `bulk` for searches, long lists and many changes at once.
    """

    def __init__(self, engine: Engine, *, clock: Clock) -> None:
        self._statements = statements = Statements(engine.dialect)

        def begun(connection: Connection, later: Later | None = None) -> Transaction:
            return Transaction(connection, statements, clock(), stands=engine.stands, later=later)

        commits = GroupCommit(engine, begun)
        super().__init__(engine, commits, begun, Lane.SERVE)
        self.is_shared = engine.is_shared
        self.follow = LaneOf(engine, commits, begun, Lane.FOLLOW)
        self.bulk = LaneOf(engine, commits, begun, Lane.BULK)

    @classmethod
    async def open(cls, url: str, *, clock: Clock, **patience: Unpack[Patience]) -> "Database":
        """Open the store at `url`, bringing its schema up to date.

        Raises StoreError when it cannot be opened (or, an SQLite file, is in use by another server), SchemaError when
        it is newer than this program.
        """
        engine = engine_for(EngineSettings(url, **patience))
        try:
            await engine.open()
        except BaseException:
            await engine.close(seconds=CLOSE_SECONDS)
            raise
        return cls(engine, clock=clock)

    async def close(self) -> None:
        """Finish the writes in hand, close every connection, let the next server in.

        A store that has fallen silent keeps nobody: after CLOSE_SECONDS its threads are given up.
        """
        deadline = asyncio.get_running_loop().time() + CLOSE_SECONDS
        with suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                await self._commits.finish()
        left = deadline - asyncio.get_running_loop().time()
        await self._engine.close(seconds=max(left, CLOSE_SECONDS / 5))

    def add_listener(self, listener: CommitListener) -> None:
        """From now on `listener` hears of every event that this process commits, before its writer gets an answer."""
        self._commits.add_listener(listener)

    async def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake` soon after another process has committed events, until cancelled.

        Raises StoreUnavailable when the store cannot be listened to any more: then look by yourself.
        """
        try:
            await self._engine.listen(wake)
        except Exception as error:
            if self._engine.is_fault(error):
                note(error)
                raise unavailable(error) from error
            raise


def engine_for(settings: EngineSettings) -> Engine:
    """The engine that the address asks for. Raises StoreError where PostgreSQL's driver is not installed."""
    if settings.url.startswith("sqlite:///"):
        return SqliteEngine(settings)
    try:
        from service.store.postgres import PostgresEngine
    except ImportError:
        raise StoreError("PostgreSQL needs its driver: pip install 'gatepost[postgres]'") from None
    return PostgresEngine(settings)
