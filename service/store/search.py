"""Finds entries of a long queue by what the index knows of them: words, post, author. Called by `queue_pages`.

Whatever the index says is looked at again in the queue itself, and the tail of what it does not know yet is looked
through: so an entry is found as it is now.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, Text, bindparam, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from service.store.among import listed
from service.store.database import Row, Transaction
from service.store.search_index import Standing, State, search
from service.store.tables import events, queue

SHORTEST: Final = 3
"""Characters of a text that the index can find."""


class _Matches(FunctionElement[Any]):
    """The numbers of the rows of `search` that have all trigrams of a list."""

    inherit_cache = True


def can_tell(standing: Standing, given: Mapping[str, str]) -> bool:
    """Whether the index knows where these values are: it is made, and the text is long enough for it."""
    if standing.progress.state is not State.COMPLETE or not given.keys() & {"post", "author", "text"}:
        return False
    return "text" not in given or len(given["text"]) >= SHORTEST


def find(
    tx: Transaction,
    standing: Standing,
    conditions: tuple[ColumnElement[bool], ...],
    sought: Mapping[str, str],
    given: Mapping[str, Any],
    *,
    limit: int,
) -> list[Row]:
    """Keys (comment_id, priority, waiting_since) of up to `limit` entries that fulfil `conditions`, in no order.

    `sought` is what the index is asked for: `post`, `author`, or the `text` of a pattern; `given` are the values of all
    conditions, and the `site`.
    """
    text, site = sought.get("text"), given["site"]
    values = {**given, "limit": limit}
    if text is not None:
        values["trigrams"] = listed({text[place : place + 3] for place in range(len(text) - 2)})
    indexed = tx.all(_indexed(frozenset(sought), conditions), **values)
    seq = standing.progress.seqs.get(site, 0)
    tail = tx.all(_tail(conditions), **given, limit=limit, seq=seq) if standing.seq > seq else []
    return list({row["comment_id"]: row for row in (*indexed, *tail)}.values())


_KEY = (queue.c.comment_id, queue.c.priority, queue.c.waiting_since)
_matches = _Matches(bindparam("trigrams", type_=Text())).table_valued("rowid", name="matches")


@cache
def _indexed(given: frozenset[str], conditions: tuple[ColumnElement[bool], ...]) -> Select[Any]:
    """By the words if there are any: what else is asked for is looked at in the entries that have them."""
    by_words = "text" in given
    known = [search.c[name] == bindparam(name) for name in ("post", "author") if name in given and not by_words]
    rows: FromClause = search.join(_matches, _matches.c.rowid == search.c.number) if by_words else search
    return (
        select(*_KEY)
        .select_from(rows.join(queue, queue.c.comment_id == search.c.comment_id))
        .where(search.c.site == bindparam("site"), *known, *conditions)
        .limit(bindparam("limit"))
    )


@cache
def _tail(conditions: tuple[ColumnElement[bool], ...]) -> Select[Any]:
    return (
        select(*_KEY)
        .distinct()
        .join_from(events, queue, queue.c.comment_id == events.c.comment_id)
        .where(events.c.site == bindparam("site"), events.c.seq > bindparam("seq"), *conditions)
        .limit(bindparam("limit"))
    )


@compiles(_Matches, "sqlite")
def _of_fts(element: _Matches, compiler: SQLCompiler, **given: Any) -> str:
    """FTS5 goes through its matches one by one, so a limit ends that early."""
    trigrams = compiler.process(element.clauses, **given)
    quoted = "group_concat('\"' || replace(value, '\"', '\"\"') || '\"', ' AND ')"
    return f"search_words((SELECT {quoted} FROM json_each({trigrams})))"  # noqa: S608  # compiled parts, no values


@compiles(_Matches, "postgresql")
def _of_gin(element: _Matches, compiler: SQLCompiler, **given: Any) -> str:
    trigrams = compiler.process(element.clauses, **given)
    wanted = f"ARRAY(SELECT jsonb_array_elements_text(CAST({trigrams} AS jsonb)))"
    return f"(SELECT number AS rowid FROM search WHERE words @> {wanted})"  # noqa: S608  # compiled parts, no values
