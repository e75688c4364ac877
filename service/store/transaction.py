"""A transaction as queries see it: SQLAlchemy's statements, run on the driver's connection."""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import add
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
    """Rows and counts that a transaction of the database is still to be told, by table and statement. The units of work
    of a batch share it.

    Of each statement they go in one call (on PostgreSQL every call is a round trip), and of counts go the sums.
    """

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, list[tuple[Any, ...]]]] = {}
        self._counts: dict[str, dict[str, dict[tuple[Any, ...], tuple[int, ...]]]] = {}

    def add(self, table: str, sql: str, row: tuple[Any, ...]) -> None:
        """One more row."""
        self._rows.setdefault(table, {}).setdefault(sql, []).append(row)

    def count(self, table: str, sql: str, key: tuple[Any, ...], more: tuple[int, ...]) -> None:
        """So many more under this key."""
        counts = self._counts.setdefault(table, {}).setdefault(sql, {})
        counted = counts.get(key)
        counts[key] = more if counted is None else tuple(map(add, counted, more))

    def send(self, connection: Connection, tables: Container[str] | None = None) -> None:
        """Carry all of it out, or what concerns these tables. Raises what the driver raises."""
        for table in [table for table in self._rows if tables is None or table in tables]:
            for sql, rows in self._rows.pop(table).items():
                connection.cursor().executemany(sql, rows)
        for table in [table for table in self._counts if tables is None or table in tables]:
            for sql, counts in self._counts.pop(table).items():
                connection.cursor().executemany(sql, [(*key, *counts[key]) for key in sorted(counts)])

    def forget(self) -> None:
        """Nothing of it is to be carried out any more."""
        self._rows, self._counts = {}, {}


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

    def count_later(self, statement: Insert, key: tuple[Any, ...], more: tuple[int, ...], /) -> None:
        """The same for counts: what a batch counts under one key is added to its row at once.

        The statement's places are those of the key, then those of the counts; it adds them to a row that is there.
        """
        self.has_written = True
        self._later.count(statement.table.name, self._statements.compiled(statement).sql, key, more)

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
        self._later.send(self._connection, tables)  # it could notice that they are missing
        cursor: _Cursor = self._connection.execute(sql, arguments(values))
        return cursor
