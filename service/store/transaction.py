"""A transaction as queries see it: SQLAlchemy's statements, run on the driver's connection."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from sqlalchemy.sql.expression import ClauseElement, Insert, Update

from service.model import Event, Milliseconds
from service.store.engine import Connection
from service.store.statements import Statements

Row = Mapping[str, Any]


class _Cursor(Protocol):
    rowcount: int

    def fetchall(self) -> list[Any]: ...
    def fetchone(self) -> Any: ...


class Transaction:
    """An open transaction on one connection. `now` is its one time, in milliseconds since the epoch."""

    def __init__(
        self,
        connection: Connection,
        statements: Statements,
        now: Milliseconds,
        *,
        stands: Callable[[Connection], bool],
    ) -> None:
        self._connection = connection
        self._statements = statements
        self._stands = stands
        self.now = now
        self.announced: list[Event] = []
        self.has_written = False

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

    def send(self, statement: Insert | Update, row: tuple[Any, ...], /) -> None:
        """Carry out a change that nobody asks for its outcome.

        `row` has a value for each place of the statement, in their order (of a whole row: that of the table's columns).
        Each submission is stored in this way, and to name every value would take longer than to store it.
        """
        self.has_written = True
        self._connection.execute(self._statements.compiled(statement).sql, row)

    def send_many(self, statement: Insert, rows: Sequence[tuple[Any, ...]], /) -> None:
        """The same for many rows at once."""
        self.has_written = True
        self._connection.cursor().executemany(self._statements.compiled(statement).sql, rows)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo only what happens inside when it raises."""
        self._connection.execute("SAVEPOINT part")
        announced = len(self.announced)
        try:
            yield
        except BaseException:
            del self.announced[announced:]
            if self.stands():  # else the savepoint is gone too, and what raised is what matters
                self._connection.execute("ROLLBACK TO part")
                self._connection.execute("RELEASE part")
            raise
        self._connection.execute("RELEASE part")

    def stands(self) -> bool:
        """Whether it can still be committed: some faults make the database roll everything back."""
        return self._stands(self._connection)

    def announce(self, event: Event) -> None:
        """Whoever listens to the database hears of `event` once it is committed."""
        self.announced.append(event)

    def _execute(self, statement: ClauseElement, values: dict[str, Any]) -> _Cursor:
        sql, only_reads, arguments = self._statements.compiled(statement)
        if not only_reads:
            self.has_written = True
        cursor: _Cursor = self._connection.execute(sql, arguments(values))
        return cursor
