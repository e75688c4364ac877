"""Queries that put back what an export holds beside comments. What is there already stays as it is."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table, bindparam, func, select
from sqlalchemy.dialects.sqlite import insert

from service.model import CommentId, SiteKey
from service.store.among import among, listed
from service.store.database import Transaction
from service.store.tables import (
    authors,
    comments,
    imports,
    judgements,
    lists,
    policies,
    posts,
    revisions,
    rule_outcomes,
    rule_states,
)


def _put(table: Table) -> Any:
    return insert(table).values({column.name: bindparam(column.name) for column in table.c}).on_conflict_do_nothing()


_PUT = {
    table.name: (_put(table), tuple(table.c.keys()))
    for table in (authors, posts, policies, rule_states, revisions, judgements, rule_outcomes, imports)
}
_WHERE = select(comments.c.id, comments.c.site).where(among(comments.c.id, "ids"))
_STANDING = {
    what: select(func.count().label("number")).select_from(table).where(table.c.site == bindparam("site"))
    for what, table in {
        "comments": comments,
        "posts": posts,
        "people": authors,
        "versions of the policy": policies,
        "lists": lists,
        "watched rules": rule_states,
    }.items()
}


def put(tx: Transaction, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put rows into a table, one of those in `_PUT`."""
    statement, names = _PUT[table]
    if rows:
        tx.send_many(statement, [tuple(row[name] for name in names) for row in rows])


def sites_of(tx: Transaction, ids: Sequence[str]) -> dict[CommentId, SiteKey]:
    """Those of these comments that the store has, each with its site."""
    return {row["id"]: row["site"] for row in tx.all(_WHERE, ids=listed(ids))}


def standing(tx: Transaction, site: SiteKey) -> dict[str, int]:
    """What an export would find on the site: how many there are of what, in words; empty where nothing is."""
    found = {what: tx.first(statement, site=site) for what, statement in _STANDING.items()}
    return {what: int(row["number"]) for what, row in found.items() if row and row["number"]}
