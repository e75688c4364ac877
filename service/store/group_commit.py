"""Group commit: writes that arrive while a commit is being synced share the next one. `database` builds one.

Each caller gets its answer only after the sync, and a unit of work that fails is rolled back alone. Units of the lanes
`follow` and `serve` go first, in batches. Between two batches goes one unit of `bulk`, a slice of something long.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

import structlog

from service.errors import Problem, StoreUnavailable
from service.model import Event
from service.store.engine import Connection, Engine, Lane
from service.store.transaction import Later, Transaction

log = structlog.get_logger()
T = TypeVar("T")
MAX_BATCH = 256
"""Units of work in one commit: bounds how long one of them waits for the others."""
RETRY_AFTER_SECONDS = 5


@dataclass(frozen=True, slots=True)
class _Unit:
    work: Callable[[Transaction], Any]
    answer: "asyncio.Future[Any]"


@dataclass(frozen=True, slots=True)
class _Failed:
    error: BaseException


_Attempted = tuple[list[Any], list[Event]]


class _Spoilt(Exception):  # noqa: N818  # no error: how a batch begins again
    """A unit failed half-way, so the transaction holds what must not be kept."""


class CommitListener(Protocol):
    """Who is told what has been committed, on the event loop."""

    def committed(self, written: Sequence[Event]) -> None:
        """These stand; whoever wrote them has no answer yet."""
        ...

    def in_doubt(self) -> None:
        """The store failed in a commit, which does not always mean that nothing was committed."""
        ...


class GroupCommit:
    """The queue before the writing connection. `begun` makes the transaction that a unit works in."""

    def __init__(self, engine: Engine, begun: Callable[[Connection, Later], Transaction]) -> None:
        self._engine = engine
        self._begun = begun
        self._waiting: dict[Lane, deque[_Unit]] = {lane: deque() for lane in Lane}
        self._bulk_is_next = False
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._listeners: list[CommitListener] = []

    def add_listener(self, listener: CommitListener) -> None:
        """From now on `listener` hears of every event that is committed here, before its writer gets an answer."""
        self._listeners.append(listener)

    async def write(self, lane: Lane, work: Callable[[Transaction], T]) -> T:
        """What `work` returns, once the commit is synced. Raises what `work` raises, and StoreUnavailable."""
        unit = _Unit(work, asyncio.get_running_loop().create_future())
        self._waiting[lane].append(unit)
        if self._is_idle.is_set():
            self._commit_next()
        answer: T = await unit.answer
        return answer

    async def finish(self) -> None:
        """Wait until nothing is in hand."""
        await self._is_idle.wait()

    def _commit_next(self) -> None:
        """Commit what waits. What comes while that is synced is the next batch."""
        self._is_idle.clear()
        while batch := self._next_batch():
            if self._start(batch, self._attempt_together if len(batch) > 1 else _run):
                return
        self._is_idle.set()

    def _start(self, batch: list[_Unit], attempt: Callable[[_Unit, Transaction], Any]) -> bool:
        """Begin to commit; whether it began. A unit alone needs no savepoint: when it fails, the transaction ends."""
        try:
            self._engine.write(partial(self._attempt_each, batch, attempt), partial(self._ended, batch))
        except Exception as error:  # noqa: BLE001  # each caller gets it
            self._fail(batch, error)
            return False
        return True

    def _ended(self, batch: list[_Unit], answer: "asyncio.Future[_Attempted]") -> None:
        """Answer the callers of a batch, in the very turn of the event loop in which the writer's thread has ended."""
        error = answer.exception()
        if isinstance(error, _Spoilt):  # savepoints come second: SQLite copies every page that changes under one
            if self._start(batch, self._attempt_apart):
                return
        elif error is not None:
            self._fail(batch, error)
        else:
            outcomes, written = answer.result()
            self._announce(written)
            self._answer(batch, outcomes)
        self._commit_next()

    def _fail(self, batch: list[_Unit], error: BaseException) -> None:
        if self._engine.is_fault(error):
            note(error)
            batch += self._all_waiting()  # they would only wait for the same fault
            self._leave_in_doubt()
        self._answer(batch, [self._failed(error) for _ in batch])

    def _answer(self, batch: list[_Unit], outcomes: list[Any]) -> None:
        for unit, outcome in zip(batch, outcomes, strict=True):
            _deliver(unit.answer, outcome)

    def _next_batch(self) -> list[_Unit]:
        """What is committed next: everything that is short, or, in turn with that, one slice of what is long."""
        follow, serve, bulk = self._waiting[Lane.FOLLOW], self._waiting[Lane.SERVE], self._waiting[Lane.BULK]
        if bulk and (self._bulk_is_next or not (follow or serve)):
            self._bulk_is_next = False
            return [bulk.popleft()]
        self._bulk_is_next = bool(bulk)
        batch = [follow.popleft() for _ in range(len(follow))]
        return batch + [serve.popleft() for _ in range(min(len(serve), MAX_BATCH))]

    def _all_waiting(self) -> list[_Unit]:
        """Every unit that waits in any lane, which waits no more."""
        units = [unit for waiting in self._waiting.values() for unit in waiting]
        for waiting in self._waiting.values():
            waiting.clear()
        return units

    def _announce(self, written: Sequence[Event]) -> None:
        """Tell each listener. What one of them raises is its own fault, and takes the answer from nobody."""
        for listener in self._listeners if written else ():
            try:
                listener.committed(written)
            except Exception:  # a bug there: the commit stands, and whoever wrote waits for the answer
                log.exception("store.listener_failed", listener=type(listener).__name__)
                self._leave_in_doubt()

    def _leave_in_doubt(self) -> None:
        for listener in self._listeners:
            try:
                listener.in_doubt()
            except Exception:  # as above
                log.exception("store.listener_failed", listener=type(listener).__name__)

    def _attempt_each(
        self, batch: Sequence[_Unit], attempt: Callable[[_Unit, Transaction], Any], connection: Connection
    ) -> _Attempted:
        """What each unit results in, and what happened."""
        outcomes, written, later = [], [], Later()
        for unit in batch:
            transaction = self._begun(connection, later)
            outcomes.append(attempt(unit, transaction))
            written += transaction.announced
        try:
            later.send(connection)
        except Exception:
            if len(batch) == 1 or not self._engine.stands(connection):
                raise
            raise _Spoilt from None  # whose row it is will be seen when each has its savepoint
        if written:
            self._engine.notify(connection)
        return outcomes, written

    def _attempt_together(self, unit: _Unit, transaction: Transaction) -> Any:
        """The unit's result, or the refusal that it alone ends with. Raises _Spoilt when it failed otherwise."""
        try:
            return unit.work(transaction)
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
                return unit.work(transaction)
        except Exception as error:
            if not transaction.stands():
                raise
            return self._failed(error)

    def _failed(self, error: BaseException) -> _Failed:
        """A fault of the store as the public may hear it; anything else is a bug, or expected, and stays what it is."""
        return _Failed(unavailable(error) if self._engine.is_fault(error) else error)


def _run(unit: _Unit, transaction: Transaction) -> Any:
    return unit.work(transaction)


def unavailable(fault: BaseException) -> StoreUnavailable:
    """What the public hears of a fault of the store: one exception for each caller, since each has a traceback."""
    said = StoreUnavailable(retry_after_seconds=RETRY_AFTER_SECONDS)
    said.__cause__ = fault
    return said


def note(fault: BaseException) -> None:
    """Write down which fault it was: the public is not told."""
    name = getattr(fault, "sqlite_errorname", None) or getattr(fault, "sqlstate", None) or type(fault).__name__
    log.warning("store.unavailable", error=name)


def _deliver(answer: "asyncio.Future[Any]", outcome: Any) -> None:
    if answer.done():  # the caller went away; the write stands all the same
        return
    if isinstance(outcome, _Failed):
        answer.set_exception(outcome.error)
    else:
        answer.set_result(outcome)
