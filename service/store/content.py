"""What a site holds, row by row in a fixed order: for `transfer/content`, which writes it down as an export.

Two stores that hold the same give the same rows, but for the keys of authors, which hang on each store's own secret.
"""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, func, select

from service.model import SiteKey
from service.store.snapshot import Snapshot
from service.store.tables import (
    authors,
    comments,
    decisions,
    imports,
    judgements,
    list_entries,
    lists,
    originals,
    policies,
    posts,
    revisions,
    rule_outcomes,
    rule_states,
)

Row = Mapping[str, Any]


def posts_of(moment: Snapshot, site: SiteKey) -> Iterator[Row]:
    """The posts, by their keys."""
    return _rows(moment, posts, select(posts).where(posts.c.site == site).order_by(posts.c.post))


def authors_of(moment: Snapshot, site: SiteKey) -> list[Row]:
    """The people, by how their logins know them. (Sorted here: databases sort these columns each in their own way.)"""
    rows = _rows(moment, authors, select(authors).where(authors.c.site == site))
    return sorted(rows, key=lambda row: (row["namespace"], row["subject"]))


def policies_of(moment: Snapshot, site: SiteKey) -> Iterator[Row]:
    """Every version of the policy, the oldest first."""
    return _rows(moment, policies, select(policies).where(policies.c.site == site).order_by(policies.c.version))


def lists_of(moment: Snapshot, site: SiteKey) -> Iterator[tuple[Row, list[Row]]]:
    """The lists of words, hosts and patterns by their names, each with its entries."""
    order = (list_entries.c.list, list_entries.c.key)
    found = _rows(moment, list_entries, select(list_entries).where(list_entries.c.site == site).order_by(*order))
    entries = {name: list(group) for name, group in groupby(found, lambda row: str(row["list"]))}
    for row in _rows(moment, lists, select(lists).where(lists.c.site == site).order_by(lists.c.name)):
        yield row, entries.get(row["name"], [])


def rules_of(moment: Snapshot, site: SiteKey) -> Iterator[Row]:
    """How each rule stands that is or was watched, and whether it is braked."""
    return _rows(
        moment, rule_states, select(rule_states).where(rule_states.c.site == site).order_by(rule_states.c.rule)
    )


def comments_of(moment: Snapshot, site: SiteKey) -> Iterator[tuple[Row, dict[str, list[Row]]]]:
    """The comments by their ids, each with what belongs to it, under the names of the tables.

    A decision's `place` is how many stand before it in the record, and one. Of `imports` there is where a comment came
    from first: not the export that brought it here, in which it has the id that it has (`moderation/restoring`).
    """
    place = func.row_number().over(order_by=decisions.c.seq).label("place")
    belonging = {
        "revisions": _belonging(moment, site, revisions, revisions.c.version),
        "originals": _belonging(moment, site, originals),
        "judgements": _belonging(moment, site, judgements, judgements.c.text_version),
        "rule_outcomes": _belonging(moment, site, rule_outcomes, rule_outcomes.c.rule),
        "imports": _belonging(
            moment,
            site,
            imports,
            imports.c.source,
            imports.c.source_id,
            only=imports.c.source_id != imports.c.comment_id,
        ),
        "decisions": _grouped(
            moment.rows(
                select(*decisions.c, place)
                .where(decisions.c.site == site)
                .order_by(decisions.c.comment_id, decisions.c.seq)
            ),
            (*decisions.columns.keys(), "place"),
        ),
    }
    waiting = {name: next(groups, None) for name, groups in belonging.items()}
    for row in _rows(moment, comments, select(comments).where(comments.c.site == site).order_by(comments.c.id)):
        found: dict[str, list[Row]] = {}
        for name, group in waiting.items():
            if group is not None and group[0] == row["id"]:
                found[name] = group[1]
                waiting[name] = next(belonging[name], None)
        yield row, found


def size(moment: Snapshot, site: SiteKey) -> dict[str, int]:
    """How many rows there are of each kind."""
    return {
        table.name: int(next(iter(moment.rows(select(func.count()).select_from(table).where(table.c.site == site))))[0])
        for table in (posts, authors, comments, decisions)
    }


def _belonging(
    moment: Snapshot, site: SiteKey, table: Table, *order: Any, only: ColumnElement[bool] | None = None
) -> Iterator[tuple[str, list[Row]]]:
    statement = (
        select(table)
        .join(comments, comments.c.id == table.c.comment_id)
        .where(comments.c.site == site, *(() if only is None else (only,)))
        .order_by(table.c.comment_id, *order)
    )
    return _grouped(moment.rows(statement), tuple(table.columns.keys()))


def _grouped(rows: Iterator[tuple[Any, ...]], names: tuple[str, ...]) -> Iterator[tuple[str, list[Row]]]:
    """Rows of one comment together, with its id."""
    named = (dict(zip(names, row, strict=True)) for row in rows)
    for comment_id, group in groupby(named, lambda row: str(row["comment_id"])):
        yield comment_id, list(group)


def _rows(moment: Snapshot, table: Table, statement: Select[Any]) -> Iterator[Row]:
    names = tuple(table.columns.keys())
    return (dict(zip(names, row, strict=True)) for row in moment.rows(statement))


def by_post(moment: Snapshot, site: SiteKey) -> Iterator[Row]:
    """The comments post by post, as they stand in their threads; whatever became of them."""
    order = (comments.c.post, comments.c.path, comments.c.id)
    return _rows(moment, comments, select(comments).where(comments.c.site == site).order_by(*order))
