"""Which post a comment stands on, as the index of threads says it: PostgreSQL's by a short hash of the post's key.

An entry of a PostgreSQL index may have 2,704 bytes. A key can have 2,048, the path of a deep reply 780.
"""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class short(FunctionElement[Any]):  # noqa: N801  # used like a function of SQL
    """The post's key as the index has it: a hash of 8 bytes on PostgreSQL, the key itself on SQLite."""

    type = BigInteger()
    inherit_cache = True


def is_post(column: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether the column has the key that will be given as `post`; the index of threads is used for it."""
    key = bindparam("post", type_=column.type)
    return and_(short(column) == short(key), column == key)


@compiles(short, "sqlite")
def _key(element: short, compiler: SQLCompiler, **given: Any) -> str:
    return compiler.process(element.clauses, **given)


@compiles(short, "postgresql")
def _hash(element: short, compiler: SQLCompiler, **given: Any) -> str:
    return f"hashtextextended({compiler.process(element.clauses, **given)}, 0)"
