"""SQLAlchemy's statements as drivers take them: SQL text, and values in the order in which it has places for them."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from operator import itemgetter
from typing import Any, Final, NamedTuple

from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement, Delete, SelectBase

from service.store.tables import metadata

_ALL_TABLES: Final = frozenset(metadata.tables)
_WORD: Final = re.compile(r"\w+")
MAX_STATEMENTS = 256
"""Remembered; those that are used stay. There are some hundred, and lists and filters that are put together anew."""


class Compiled(NamedTuple):
    """A statement for one dialect.

    `tables` are those whose names stand in it, and those that these refer to; of a deletion all that there are, since
    rows elsewhere may hang on what is deleted. `arguments` makes of named values what goes to the driver with the SQL;
    it raises KeyError where one is missing.
    """

    sql: str
    only_reads: bool
    tables: frozenset[str]
    arguments: Callable[[Mapping[str, Any]], tuple[Any, ...]]


def compiled(statement: ClauseElement, dialect: Dialect) -> Compiled:
    """`statement` for `dialect`, whose places have no names (`qmark`, `format`): by names drivers take longer."""
    made = statement.compile(dialect=dialect)
    if isinstance(made, SQLCompiler) and made.post_compile_params:  # lists; a statement with one has all of its values
        made = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    if not isinstance(made, SQLCompiler):  # it changes the schema, and has no values
        return Compiled(str(made), False, _ALL_TABLES, _in_order([], {}))
    awaited = {name for parameter, name in made.bind_names.items() if parameter.required}
    own = {name: value for name, value in made.params.items() if name not in awaited}
    tables = _ALL_TABLES if isinstance(statement, Delete) else _tables_of(str(made))
    return Compiled(str(made), isinstance(statement, SelectBase), tables, _in_order(made.positiontup or [], own))


class Statements:
    """Statements compiled once each for one dialect: a hot one costs the driver's time only."""

    def __init__(self, dialect: Dialect) -> None:
        self.compiled = lru_cache(MAX_STATEMENTS)(partial(compiled, dialect=dialect))


def _tables_of(sql: str) -> frozenset[str]:
    named = _ALL_TABLES & frozenset(_WORD.findall(sql))
    return named | {key.column.table.name for name in named for key in metadata.tables[name].foreign_keys}


def _in_order(names: list[str], own: dict[str, Any]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """`own` are values that the statement carries itself."""
    if len(names) < 2:
        return lambda values: tuple({**own, **values}[name] for name in names)
    in_order = itemgetter(*names)
    return (lambda values: in_order({**own, **values})) if own else in_order
