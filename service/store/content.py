"""What a site holds, row by row in a fixed order: for `transfer/content`, which writes it down as an export.

Two stores that hold the same give the same rows, but for the keys of authors, which hang on each store's own secret.
"""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from sqlalchemy import Select, Table, func, select

from service.model import SiteKey
from service.store.snapshot import Snapshot
from service.store.tables import authors, comments, decisions, judgements, originals, policies, posts, revisions

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


def comments_of(moment: Snapshot, site: SiteKey) -> Iterator[tuple[Row, dict[str, list[Row]]]]:
    """The comments by their ids, each with what belongs to it: `revisions`, `originals`, `judgements`, `decisions`.

    A decision's `place` is how many stand before it in the record, and one.
    """
    place = func.row_number().over(order_by=decisions.c.seq).label("place")
    belonging = {
        "revisions": _belonging(moment, site, revisions, revisions.c.version),
        "originals": _belonging(moment, site, originals),
        "judgements": _belonging(moment, site, judgements, judgements.c.text_version),
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


def _belonging(moment: Snapshot, site: SiteKey, table: Table, *order: Any) -> Iterator[tuple[str, list[Row]]]:
    statement = (
        select(table)
        .join(comments, comments.c.id == table.c.comment_id)
        .where(comments.c.site == site)
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
    """The comments post by post, by time; whatever became of them."""
    order = (comments.c.post, comments.c.created_at, comments.c.id)
    return _rows(moment, comments, select(comments).where(comments.c.site == site).order_by(*order))
