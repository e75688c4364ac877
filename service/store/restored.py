"""Queries that put back what an export holds beside comments. What is there already stays as it is."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table, bindparam, func, select
from sqlalchemy.dialects.sqlite import insert

from service.model import SiteKey
from service.store.among import among, listed
from service.store.database import Transaction
from service.store.tables import authors, comments, judgements, policies, posts, revisions


def _put(table: Table) -> Any:
    return insert(table).values({column.name: bindparam(column.name) for column in table.c}).on_conflict_do_nothing()


_PUT = {table.name: (_put(table), tuple(table.c.keys())) for table in (authors, posts, policies, revisions, judgements)}
_ANYWHERE = select(comments.c.id).where(among(comments.c.id, "ids"))
_COUNT = select(func.count().label("number")).select_from(comments).where(comments.c.site == bindparam("site"))


def put(tx: Transaction, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put rows into a table: `authors`, `posts`, `policies`, `revisions` or `judgements`."""
    statement, names = _PUT[table]
    if rows:
        tx.send_many(statement, [tuple(row[name] for name in names) for row in rows])


def anywhere(tx: Transaction, ids: Sequence[str]) -> set[str]:
    """Which of these comments the store has, on whatever site."""
    return {row["id"] for row in tx.all(_ANYWHERE, ids=listed(ids))}


def size(tx: Transaction, site: SiteKey) -> int:
    """How many comments the site has."""
    row = tx.first(_COUNT, site=site)
    return int(row["number"]) if row else 0
