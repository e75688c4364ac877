"""SQLAlchemy's statements as drivers take them: SQL text, and values in the order in which it has places for them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from operator import itemgetter
from typing import Any

from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement, SelectBase

MAX_STATEMENTS = 256
"""Remembered; those that are used stay. There are some hundred, and lists and filters that are put together anew."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement for one dialect."""

    sql: str
    only_reads: bool
    _own: dict[str, Any]
    """Values that the statement carries itself."""
    _in_order: Callable[[Mapping[str, Any]], tuple[Any, ...]]

    def arguments(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """What goes to the driver with the SQL. Raises KeyError where a value is missing."""
        return self._in_order({**self._own, **values} if self._own else values)


def compiled(statement: ClauseElement, dialect: Dialect) -> Compiled:
    """`statement` for `dialect`, whose places have no names (`qmark`, `format`): by names drivers take longer."""
    made = statement.compile(dialect=dialect)
    if isinstance(made, SQLCompiler) and made.post_compile_params:  # lists; a statement with one has all of its values
        made = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    if not isinstance(made, SQLCompiler):  # it changes the schema, and has no values
        return Compiled(str(made), False, {}, _in_order([]))
    awaited = {name for parameter, name in made.bind_names.items() if parameter.required}
    own = {name: value for name, value in made.params.items() if name not in awaited}
    return Compiled(str(made), isinstance(statement, SelectBase), own, _in_order(made.positiontup or []))


class Statements:
    """Statements compiled once each for one dialect: a hot one costs the driver's time only."""

    def __init__(self, dialect: Dialect) -> None:
        self.compiled = lru_cache(MAX_STATEMENTS)(partial(compiled, dialect=dialect))


def _in_order(names: list[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: tuple(values[name] for name in names)
