"""What `database` asks of an engine. There are two, `sqlite` and `postgres`, and every difference is in these."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from sqlalchemy.engine import Dialect

T = TypeVar("T")


DEADLINE_MARGIN_SECONDS = 2.0
"""What a call may take beyond `statement_seconds`: the database's own limit should speak first, it knows more."""
BULK_PATIENCE = 3
"""Work in bulk may take so many times longer."""


class Lane(StrEnum):
    """Which work waits for which. Each lane has connections of its own, so none waits behind another one's reads.

    On the one writing connection, units of `follow` and `serve` go first and `bulk` gives way after each of its slices.
    """

    FOLLOW = "follow"
    """The event log, leases, readiness: what everything else relies on, so it is never behind anything."""
    SERVE = "serve"
    """What a reader or moderator waits for: public pages, one comment, one decision."""
    BULK = "bulk"
    """What is long by nature: searches, long lists, many decisions, forgetting, copying."""


class StoreError(Exception):
    """The store cannot be opened. Its text is one line that says what to do."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Where the store is and how patient to be with it. Times are seconds."""

    url: str
    readers: int = 4
    busy_seconds: float = 5.0
    statement_seconds: float = 10.0
    prepared_statements: bool = True
    alongside: bool = False
    """For short commands that write beside a running server on SQLite: no lock (but while they make or upgrade the
    file), and never a checkpoint."""

    def deadline_seconds(self, lane: Lane) -> float:
        """How long a call in this lane may take, waiting for its turn included."""
        seconds = self.statement_seconds + DEADLINE_MARGIN_SECONDS
        return seconds * BULK_PATIENCE if lane is Lane.BULK else seconds

    def connections(self, lane: Lane) -> int:
        """How many connections read for this lane."""
        return self.readers if lane is Lane.SERVE else 1


class Connection(Protocol):
    """A driver's connection, as far as both drivers agree."""

    def execute(self, sql: str, parameters: Any = ..., /) -> Any:
        """A cursor with the statement's rows, readable by column name."""
        ...

    def cursor(self) -> Any:
        """A cursor that has done nothing yet; its `executemany` carries out one statement for each of many rows."""
        ...


class Engine(Protocol):
    """An open store that runs functions on its connections' threads."""

    dialect: Dialect
    is_shared: bool
    """Whether other processes may write to the store while this one has it open."""

    async def open(self) -> None:
        """Bring the schema up to date and connect. Raises StoreError or SchemaError."""
        ...

    async def close(self, *, seconds: float) -> None:
        """Close every connection, let the next server in. Who has not finished after so many seconds is given up."""
        ...

    def write(self, work: Callable[[Connection], T], then: "Callable[[asyncio.Future[T]], None]") -> None:
        """Begin to run `work` in a writing transaction; one at a time. When its commit is synced, `then` is called.

        It gets the result, or DeadlinePassed when there is none in time; whether it was committed is not known then.
        """
        ...

    async def read(self, work: Callable[[Connection], T], lane: Lane) -> T:
        """Run `work` on one consistent view of what is committed. Raises DeadlinePassed when it takes too long."""
        ...

    def notify(self, connection: Connection) -> None:
        """Within a writing transaction: wake whoever listens, once it is committed."""
        ...

    async def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake` when another process has notified, until cancelled. Raises what the driver raises."""
        ...

    def is_fault(self, error: BaseException) -> bool:
        """Whether the store, and not the statement, is to blame: full, locked, read-only, gone."""
        ...

    def stands(self, connection: Connection) -> bool:
        """Whether the transaction can go on after a failed statement, back from a savepoint."""
        ...
