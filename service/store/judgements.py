"""Queries on judgements: what a policy said of each text, with the facts of then."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import pydantic_core
from sqlalchemy import bindparam, func, insert, select

from service.model import Comment, CommentId, Milliseconds, Page, SiteKey
from service.store.among import each, listed
from service.store.database import Row, Transaction
from service.store.tables import arrivals, comments, judgements

Kept = dict[str, Any]
"""A judgement as JSON (`Judgement.as_json`)."""

_ADD = insert(judgements).values({column.name: bindparam(column.name) for column in judgements.c})
_OF_COMMENT = judgements.c.comment_id == bindparam("comment_id")
_OF_TEXT = select(judgements.c.said).where(_OF_COMMENT, judgements.c.text_version == bindparam("text_version"))
_PRIORITY = select(judgements.c.priority).where(_OF_COMMENT, judgements.c.text_version == bindparam("text_version"))
_ALL = select(judgements.c.said).where(_OF_COMMENT)
_listed = each("ids")
NEWEST_TEXT = func.coalesce(comments.c.edit_version, comments.c.text_version)
_OF_EACH = select(judgements.c.comment_id, judgements.c.said).join_from(
    _listed.join(comments, comments.c.id == _listed.c.value),
    judgements,
    (judgements.c.comment_id == comments.c.id) & (judgements.c.text_version == NEWEST_TEXT),
)
_PAGE = (
    select(judgements.c.said, judgements.c.text_version)
    .where(_OF_COMMENT, judgements.c.text_version < bindparam("below"))
    .order_by(judgements.c.text_version.desc())
    .limit(bindparam("limit"))
)
_arrived = (
    select(arrivals.c.comment_id)
    .where(arrivals.c.site == bindparam("site"))
    .order_by(arrivals.c.created_at.desc(), arrivals.c.comment_id.desc())
    .limit(bindparam("limit"))
    .subquery("arrived")
)
_LATELY = select(judgements.c.said).where(judgements.c.comment_id.in_(select(_arrived.c.comment_id)))
_END = 2**31 - 1


def add(tx: Transaction, comment_id: CommentId, said: Mapping[str, Any], *, priority: int) -> None:
    """Keep a judgement of the text that it names, and what its rules add to the priority of an entry."""
    text, marks = pydantic_core.to_json(said).decode(), "" if said["audited"] else _marks(said)
    row = (comment_id, said["text_version"], said["policy_version"], said["outcome"], text, tx.now)
    tx.send_later(_ADD, (*row, marks, priority))


def of_text(tx: Transaction, comment_id: CommentId, text_version: int) -> Kept | None:
    """What was said of one text; None where no policy of the site's own has judged it."""
    row = tx.first(_OF_TEXT, comment_id=comment_id, text_version=text_version)
    return _kept(row) if row else None


def of_each(tx: Transaction, ids: list[CommentId]) -> dict[CommentId, Kept]:
    """What was said of the newest text of each of these comments."""
    return {row["comment_id"]: _kept(row) for row in tx.all(_OF_EACH, ids=listed(ids))} if ids else {}


def page(tx: Transaction, comment_id: CommentId, *, limit: int, after: tuple[str | int, ...] | None) -> Page[Kept]:
    """What was said of each of a comment's texts, the newest first. A position is (text_version,)."""
    rows = tx.all(_PAGE, comment_id=comment_id, below=after[0] if after else _END, limit=limit + 1)
    following = (int(rows[limit - 1]["text_version"]),) if len(rows) > limit else None
    return Page([_kept(row) for row in rows[:limit]], following)


def all_of(tx: Transaction, comment_id: CommentId) -> list[Kept]:
    """What was said of each of the comment's texts."""
    return [_kept(row) for row in tx.all(_ALL, comment_id=comment_id)]


def of_arrivals(tx: Transaction, site: SiteKey, *, limit: int) -> Iterator[Kept]:
    """What was said of the texts of the newest comments, so many at most, that came in the last days."""
    return map(_kept, tx.all(_LATELY, site=site, limit=limit))


def priority_of(tx: Transaction, comment: Comment) -> int:
    """What rules add to the priority of a comment's entry, for its newest text."""
    row = tx.first(_PRIORITY, comment_id=comment.id, text_version=comment.newest_text.version)
    return int(row["priority"]) if row else 0


def moment_of(kept: Kept) -> Milliseconds:
    """When it was said."""
    return round(datetime.fromisoformat(kept["at"]).timestamp() * 1000)


def mark(kind: str, name: str) -> str:
    """By this the queue is narrowed to what a judgement says: `rule`, `check`, `list` or `outcome`, and which."""
    return f"{kind}:{name}"


def _marks(said: Mapping[str, Any]) -> str:
    return f" {' '.join(sorted(set(_said(said))))} "


def _said(said: Mapping[str, Any]) -> Iterator[str]:
    yield mark("outcome", said["outcome"])
    yield from _of("rule", (rule["id"] for rule in said["rules"]))
    yield from _of("check", (one["check"] for one in (*said["verdicts"], *said["could_not_judge"])))
    yield from _of("list", (verdict["list"] for verdict in said["verdicts"] if "list" in verdict))


def _of(kind: str, names: Iterable[str]) -> Iterator[str]:
    return (mark(kind, name) for name in names)


def _kept(row: Row) -> Kept:
    return dict(pydantic_core.from_json(row["said"]))
