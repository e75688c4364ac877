"""The store: runs transactions on an engine (`sqlite`, `postgres`), with group commit.

A transaction is a plain function that takes a `Transaction` first; it runs on a database thread, so it cannot wait
for a network and needs one hand-over however many statements it has:

    comment = await database.write(submissions.submit, site, draft)

Writes that arrive while a commit is being synced share the next one (group commit): each caller gets its answer only
after that sync, and a unit of work that fails is rolled back alone. A unit may therefore run twice (its batch is begun
again when one of it fails half-way), so it changes nothing but the store.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context
from dataclasses import dataclass
from functools import partial
from typing import Any, Concatenate, ParamSpec, Protocol, TypedDict, TypeVar, Unpack

import structlog

from service.errors import Problem, StoreUnavailable
from service.model import Clock, Event
from service.store.engine import Connection, Engine, EngineSettings, StoreError
from service.store.sqlite import SqliteEngine
from service.store.statements import Statements
from service.store.transaction import Row as Row
from service.store.transaction import Transaction as Transaction

log = structlog.get_logger()
P = ParamSpec("P")
T = TypeVar("T")
MAX_BATCH = 256
"""Units of work in one commit: bounds how long one of them waits for the others."""
RETRY_AFTER_SECONDS = 5


class Patience(TypedDict, total=False):
    """What `EngineSettings` takes beside the address."""

    readers: int
    busy_seconds: float
    statement_seconds: float
    prepared_statements: bool
    alongside: bool


@dataclass(slots=True)
class _Unit:
    work: Callable[[Transaction], Any]
    answer: "asyncio.Future[Any]"
    events: Sequence[Event] = ()


@dataclass(frozen=True, slots=True)
class _Failed:
    error: BaseException


class _Spoilt(Exception):  # noqa: N818  # no error: how a batch begins again
    """A unit failed half-way, so the transaction holds what must not be kept."""


class Listener(Protocol):
    """Who is told what has been committed, on the event loop."""

    def heard(self, events: Sequence[Event]) -> None:
        """These stand; whoever wrote them has no answer yet."""
        ...

    def in_doubt(self) -> None:
        """The store failed in a commit, which does not always mean that nothing was committed."""
        ...


class Database:
    """An open store. `is_shared`: other processes may write to it as well."""

    def __init__(self, engine: Engine, *, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._statements = Statements(engine.dialect)
        self._waiting: deque[_Unit] = deque()
        self._flushing: asyncio.Task[None] | None = None
        self._listeners: list[Listener] = []
        self.is_shared = engine.is_shared

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
            await engine.close()
            raise
        return cls(engine, clock=clock)

    async def close(self) -> None:
        """Finish the writes in hand, close every connection, let the next server in."""
        while self._flushing is not None:
            await asyncio.shield(self._flushing)
        await self._engine.close()

    async def write(self, work: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` in a writing transaction; its result once the commit is synced to the disk.

        Raises what `work` raises (nothing of it is kept then) and StoreUnavailable when the store cannot take it.
        """
        unit = _Unit(partial(_call, work, args, kwargs), asyncio.get_running_loop().create_future())
        self._waiting.append(unit)
        if self._flushing is None:
            self._flushing = asyncio.create_task(  # of no single request
                self._flush(), name="group commit", context=Context()
            )
        answer: T = await unit.answer
        return answer

    async def read(self, work: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` on one consistent view of what is committed. Raises StoreUnavailable when that cannot be read."""
        try:
            return await self._engine.read(partial(self._read, partial(_call, work, args, kwargs)))
        except Exception as error:
            if self._engine.is_fault(error):
                raise _unavailable(error) from error
            raise

    def tell(self, listener: Listener) -> None:
        """From now on `listener` hears of every event that this process commits, before its writer gets an answer."""
        self._listeners.append(listener)

    async def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake` soon after another process has committed events, until cancelled.

        Raises StoreUnavailable when the store cannot be listened to any more: then look by yourself.
        """
        try:
            await self._engine.listen(wake)
        except Exception as error:
            if self._engine.is_fault(error):
                raise _unavailable(error) from error
            raise

    async def _flush(self) -> None:
        """Commit what waits, in batches, until nothing does. The sync in flight is the only batching window."""
        try:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_BATCH))]
                try:
                    outcomes = await self._commit(batch)
                except Exception as error:  # noqa: BLE001  # each caller gets it, below
                    if self._engine.is_fault(error):  # whoever waits would only wait for the same fault
                        batch += self._waiting
                        self._waiting.clear()
                        for listener in self._listeners:
                            listener.in_doubt()
                    outcomes = [self._failed(error)] * len(batch)
                else:
                    self._announce(batch)
                for unit, outcome in zip(batch, outcomes, strict=True):
                    _deliver(unit.answer, outcome)
        finally:
            self._flushing = None

    def _announce(self, batch: Sequence[_Unit]) -> None:
        events = [event for unit in batch for event in unit.events]
        for listener in self._listeners if events else ():
            listener.heard(events)

    async def _commit(self, batch: Sequence[_Unit]) -> list[Any]:
        """What each unit results in. Savepoints come second: SQLite copies every page that changes under one."""
        if len(batch) == 1:  # alone it needs none: when it fails, the transaction ends with it
            return await self._engine.write(partial(self._attempt_each, batch, self._run))
        try:
            return await self._engine.write(partial(self._attempt_each, batch, self._attempt_together))
        except _Spoilt:
            return await self._engine.write(partial(self._attempt_each, batch, self._attempt_apart))

    def _attempt_each(
        self, batch: Sequence[_Unit], attempt: Callable[[_Unit, Transaction], Any], connection: Connection
    ) -> list[Any]:
        outcomes = [attempt(unit, self._transaction(connection)) for unit in batch]
        if any(unit.events for unit in batch):
            self._engine.notify(connection)
        return outcomes

    def _run(self, unit: _Unit, transaction: Transaction) -> Any:
        unit.events = transaction.announced
        return unit.work(transaction)

    def _attempt_together(self, unit: _Unit, transaction: Transaction) -> Any:
        """The unit's result, or the refusal that it alone ends with. Raises _Spoilt when it failed otherwise."""
        try:
            return self._run(unit, transaction)
        except Problem as problem:
            if transaction.has_written:
                raise _Spoilt from None
            return _Failed(problem)
        except Exception:
            if not transaction.stands():
                raise  # the database has rolled everything back: no unit of the batch stands
            raise _Spoilt from None

    def _attempt_apart(self, unit: _Unit, transaction: Transaction) -> Any:
        """The unit's result, or the exception that it alone ends with."""
        try:
            with transaction.savepoint():
                return self._run(unit, transaction)
        except Exception as error:
            if not transaction.stands():
                raise
            return self._failed(error)

    def _read(self, work: Callable[[Transaction], T], connection: Connection) -> T:
        return work(self._transaction(connection))

    def _transaction(self, connection: Connection) -> Transaction:
        return Transaction(connection, self._statements, self._clock(), stands=self._engine.stands)

    def _failed(self, error: Exception) -> _Failed:
        """A fault of the store as the public may hear it; anything else is a bug, or expected, and stays what it is."""
        if self._engine.is_fault(error):
            unavailable = _unavailable(error)
            unavailable.__cause__ = error
            return _Failed(unavailable)
        return _Failed(error)


def engine_for(settings: EngineSettings) -> Engine:
    """The engine that the address asks for. Raises StoreError where PostgreSQL's driver is not installed."""
    if settings.url.startswith("sqlite:///"):
        return SqliteEngine(settings)
    try:
        from service.store.postgres import PostgresEngine
    except ImportError:
        raise StoreError("PostgreSQL needs its driver: pip install 'gatepost[postgres]'") from None
    return PostgresEngine(settings)


def _unavailable(error: BaseException) -> StoreUnavailable:
    """What the public hears of a fault; the log says which it was."""
    name = getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None) or type(error).__name__
    log.warning("store.unavailable", error=name)
    return StoreUnavailable(retry_after_seconds=RETRY_AFTER_SECONDS)


def _call(work: Callable[..., T], args: Any, kwargs: Any, transaction: Transaction) -> T:
    return work(transaction, *args, **kwargs)


def _deliver(answer: "asyncio.Future[Any]", outcome: Any) -> None:
    if answer.done():  # the caller went away; the write stands all the same
        return
    if isinstance(outcome, _Failed):
        answer.set_exception(outcome.error)
    else:
        answer.set_result(outcome)
