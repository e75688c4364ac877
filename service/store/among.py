"""Lists as values of a statement, so that its text is the same however long they are and it is compiled only once.

A list goes to either database as one JSON text (`listed`): SQLite reads it with `json_each`, PostgreSQL with
`jsonb_array_elements_text`. `IN (?, ?, ?)` would be another statement for each length.
"""

import re
from collections.abc import Iterable
from typing import Any

import pydantic_core
from sqlalchemy import Column, ColumnElement, Text, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import TableValuedAlias


def listed(values: Iterable[str]) -> str:
    """`values` as the statements here take a list."""
    return pydantic_core.to_json(list(values)).decode()


def among(column: Column[str], name: str) -> ColumnElement[bool]:
    """Whether the column has one of the values in the list that will be given as `name`."""
    return _Among(column, name)


def each(name: str) -> TableValuedAlias:
    """The list that will be given as `name`, as a table with the one column `value`."""
    return _Elements(bindparam(name, type_=Text())).table_valued("value", name="listed")


class _Elements(FunctionElement[str]):
    inherit_cache = True


class _Among(ColumnElement[bool]):
    inherit_cache = False

    def __init__(self, column: Column[str], name: str) -> None:
        self.column = column
        self.elements = _Elements(bindparam(name, type_=Text()))


@compiles(_Elements, "sqlite")
def _json_each(element: _Elements, compiler: SQLCompiler, **given: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **given)})"


@compiles(_Elements, "postgresql")
def _array_elements(element: _Elements, compiler: SQLCompiler, **given: Any) -> str:
    return f"jsonb_array_elements_text(CAST({compiler.process(element.clauses, **given)} AS jsonb))"


@compiles(_Among, "sqlite")
def _in_list(element: _Among, compiler: SQLCompiler, **given: Any) -> str:
    column, elements = (compiler.process(part, **given) for part in (element.column, element.elements))
    return f"{column} IN (SELECT value FROM {elements})"  # noqa: S608  # compiled parts, no values


@compiles(_Among, "postgresql")
def _any_of(element: _Among, compiler: SQLCompiler, **given: Any) -> str:
    """By an array, which PostgreSQL looks up in an index one by one; a subquery it may join in another way."""
    column, elements = (compiler.process(part, **given) for part in (element.column, element.elements))
    return f"{column} = ANY (ARRAY(SELECT {elements}))"


class _Fits(FunctionElement[bool]):
    """Whether a text fits a pattern."""

    inherit_cache = True


def holds(column: Column[str], name: str) -> ColumnElement[bool]:
    """Whether the text in the column, which is folded, has in it the one whose `pattern` will be given as `name`.

    Of what finds a text in another one LIKE is the quickest in both databases.
    """
    return _Fits(column, bindparam(name, type_=Text()))


def pattern(text: str) -> str:
    """What `holds` takes for a folded text. Put together here, not in the statement, where it would be for each row."""
    return "%" + _MEANT_OTHERWISE.sub(r"\\\g<0>", text) + "%"


_MEANT_OTHERWISE = re.compile(r"[\\%_]")


@compiles(_Fits, "sqlite")
def _escaped(element: _Fits, compiler: SQLCompiler, **given: Any) -> str:
    """To SQLite's LIKE `a` and `A` are the same, which makes no difference to folded texts."""
    column, wanted = (compiler.process(part, **given) for part in element.clauses)
    return f"{column} LIKE {wanted} ESCAPE '\\'"


@compiles(_Fits, "postgresql")
def _opaque(element: _Fits, compiler: SQLCompiler, **given: Any) -> str:
    """In a CASE, behind which the planner does not look: from the pattern it would guess that next to no row fits, and
    rather read the whole table than go along an index until there are enough."""
    column, wanted = (compiler.process(part, **given) for part in element.clauses)
    return f"CASE WHEN {column} LIKE {wanted} THEN true ELSE false END"
