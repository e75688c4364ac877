"""How a database goes about a statement, and how much it has to do: the same questions to SQLite and PostgreSQL."""

import re
import sqlite3
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from service.store.transaction import Later, Transaction

Plan = list[str]


class Explained:
    """A transaction's connection that notes the plan of each statement before it carries it out."""

    def __init__(self, tx: Transaction) -> None:
        self._connection = tx._connection
        self.plans: list[Plan] = []

    def execute(self, sql: str, parameters: Any = (), /) -> Any:
        """Explain, then execute."""
        if isinstance(self._connection, sqlite3.Connection):
            self.plans.append([row["detail"] for row in self._rows(f"EXPLAIN QUERY PLAN {sql}", parameters)])
        else:
            self.plans.append([row["QUERY PLAN"] for row in self._rows(f"EXPLAIN (COSTS OFF) {sql}", parameters)])
            self.plans.append([row["QUERY PLAN"] for row in self._rows(_for_any_values(sql))])
        return self._connection.execute(sql, parameters)

    def _rows(self, sql: str, *parameters: Any) -> list[Any]:
        found: list[Any] = self._connection.execute(sql, *parameters).fetchall()
        return found

    def cursor(self) -> "Explained":
        """The same, for many rows."""
        return self

    def executemany(self, sql: str, rows: Sequence[Any], /) -> None:
        """Explain once, then execute each."""
        for row in rows:
            self.execute(sql, row)


class Measured:
    """A transaction's connection to PostgreSQL that counts how often statements look at a page."""

    def __init__(self, tx: Transaction) -> None:
        self._connection = tx._connection
        self.work = 0

    def execute(self, sql: str, parameters: Any = (), /) -> Any:
        """Count, then execute."""
        explained = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}"
        plan = self._connection.execute(explained, parameters).fetchall()[0]["QUERY PLAN"][0]["Plan"]
        self.work += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        return self._connection.execute(sql, parameters)

    def cursor(self) -> Any:
        """Nobody asks for it: `work_of` only reads there."""
        raise NotImplementedError


def plans_of(tx: Transaction, work: Callable[[Transaction], object]) -> list[Plan]:
    """The plan of each statement of `work`, line by line; on PostgreSQL also the one that any values would get, which a
    connection uses once it has prepared the statement."""
    explained, later = Explained(tx), Later()
    work(Transaction(explained, tx._statements, tx.now, stands=tx._stands, later=later))
    later.send(explained)
    return explained.plans


def work_of(tx: Transaction, work: Callable[[Transaction], object]) -> int:
    """How much the database has to do for `work`: SQLite's steps, or how often PostgreSQL looks at a page.

    On PostgreSQL each statement runs twice, so `work` may only read there.
    """
    connection = tx._connection
    if not isinstance(connection, sqlite3.Connection):
        measured = Measured(tx)
        work(Transaction(measured, tx._statements, tx.now, stands=tx._stands))
        return measured.work
    steps = count()

    def step() -> None:
        next(steps)

    connection.set_progress_handler(step, 1)
    try:
        work(tx)
    finally:
        connection.set_progress_handler(None, 1)
    return next(steps)


def _for_any_values(sql: str) -> str:
    number = count(1)
    return "EXPLAIN (GENERIC_PLAN, COSTS OFF) " + re.sub("%s", lambda _: f"${next(number)}", sql)
