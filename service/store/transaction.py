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


class Later:
    """Rows that a transaction of the database is still to be told, by statement. The units of work of a batch share it.

    Of each statement they go in one call: on PostgreSQL every call is a round trip.
    """

    def __init__(self) -> None:
        self._rows: dict[str, list[tuple[Any, ...]]] = {}
        self._tables: set[str] = set()

    def add(self, table: str, sql: str, row: tuple[Any, ...]) -> None:
        """One more row."""
        self._rows.setdefault(sql, []).append(row)
        self._tables.add(table)

    def is_missed_by(self, tables: frozenset[str]) -> bool:
        """Whether a statement that names these tables could notice that rows are missing."""
        return not self._tables.isdisjoint(tables)

    def send(self, connection: Connection) -> None:
        """Carry all of it out. Raises what the driver raises."""
        rows = self._rows
        self.forget()
        for sql, of_statement in rows.items():
            connection.cursor().executemany(sql, of_statement)

    def forget(self) -> None:
        """Nothing of it is to be carried out any more."""
        self._rows, self._tables = {}, set()


class Transaction:
    """An open transaction on one connection. `now` is its one time, in milliseconds since the epoch."""

    def __init__(
        self,
        connection: Connection,
        statements: Statements,
        now: Milliseconds,
        *,
        stands: Callable[[Connection], bool],
        later: Later | None = None,
    ) -> None:
        self._connection = connection
        self._statements = statements
        self._stands = stands
        self._later = Later() if later is None else later
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

    def send_later(self, statement: Insert, row: tuple[Any, ...], /) -> None:
        """The same for a row that the rest of its batch does not ask for: an event, an entry, a line of the record.

        It is there before any statement that names its table and before any deletion, and at the end of the batch. What
        it refers to itself has been sent.
        """
        self.has_written = True
        self._later.add(statement.table.name, self._statements.compiled(statement).sql, row)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo only what happens inside when it raises."""
        self._later.send(self._connection)
        self._connection.execute("SAVEPOINT part")
        announced = len(self.announced)
        try:
            yield
            self._later.send(self._connection)
        except BaseException:
            self._later.forget()
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
        sql, only_reads, tables, arguments = self._statements.compiled(statement)
        if not only_reads:
            self.has_written = True
        if self._later.is_missed_by(tables):
            self._later.send(self._connection)
        cursor: _Cursor = self._connection.execute(sql, arguments(values))
        return cursor
