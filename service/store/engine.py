"""What `database` asks of an engine. There are two, `sqlite` and `postgres`, and every difference is in these."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from sqlalchemy.engine import Dialect

T = TypeVar("T")


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
    """For short commands that write beside a running server on SQLite: no lock, and never a checkpoint."""


class Connection(Protocol):
    """A driver's connection, as far as both drivers agree."""

    def execute(self, sql: str, parameters: Any = ..., /) -> Any:
        """A cursor with the statement's rows, readable by column name."""
        ...


class Engine(Protocol):
    """An open store that runs functions on its connections' threads."""

    dialect: Dialect
    is_shared: bool
    """Whether other processes may write to the store while this one has it open."""

    async def open(self) -> None:
        """Bring the schema up to date and connect. Raises StoreError or SchemaError."""
        ...

    async def close(self) -> None:
        """Close every connection, let the next server in."""
        ...

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a writing transaction, one at a time; its result once the commit is synced."""
        ...

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on one consistent view of what is committed."""
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
