"""Queries on what an import brought, for who takes it back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, delete, exists, func, select

from service.model import AuthorKey, BatchId, CommentId, PostKey, SiteKey, Status
from service.store.among import among, listed
from service.store.database import Transaction
from service.store.tables import (
    arrivals,
    authors,
    comments,
    decisions,
    imports,
    judgements,
    linked_hosts,
    list_hits,
    originals,
    queue,
    revisions,
    rule_outcomes,
)

_AFTER_ALL: Final = "~"
_answers = comments.alias("answers")
_MEMBERS = (
    select(
        *(comments.c[name] for name in ("id", "post", "author", "parent_id", "status", "listed")),
        (comments.c.version != imports.c.version).label("is_changed"),
        select(func.count())
        .select_from(_answers)
        .where(_answers.c.parent_id == imports.c.comment_id)
        .scalar_subquery()
        .label("answers"),
    )
    .join_from(imports, comments, comments.c.id == imports.c.comment_id)
    .where(imports.c.site == bindparam("site"), imports.c.batch == bindparam("batch"))
    .where(imports.c.comment_id < bindparam("before"))
    .order_by(imports.c.comment_id.desc())
    .limit(bindparam("limit"))
)
_SIZE = (
    select(func.count().label("number"))
    .select_from(imports)
    .where(imports.c.site == bindparam("site"), imports.c.batch == bindparam("batch"))
)
_WAITING = select(queue.c.comment_id).where(among(queue.c.comment_id, "ids"))
_REMOVE = [
    *(
        delete(table).where(among(table.c.comment_id, "ids"))
        for table in (queue, decisions, judgements, revisions, originals, imports)
    ),
    *(
        delete(table).where(among(table.c.comment_id, "ids"))
        for table in (arrivals, linked_hosts, list_hits, rule_outcomes)
    ),
    delete(comments).where(among(comments.c.id, "ids")),
]
_FORGET = delete(authors).where(
    authors.c.site == bindparam("of_site"),
    among(authors.c.author, "keys"),
    authors.c.namespace.like("import:%"),
    authors.c.banned_until.is_(None),
    authors.c.trusted.is_(False),
    authors.c.note.is_(None),
    ~exists().where(comments.c.site == authors.c.site, comments.c.author == authors.c.author),
)


@dataclass(frozen=True, slots=True)
class Member:
    """A comment that an import brought. `answers`: how many comments answer it, in any status."""

    id: CommentId
    post: PostKey
    author: AuthorKey
    parent_id: CommentId | None
    status: Status
    listed: bool
    is_changed: bool
    answers: int


def members(tx: Transaction, site: SiteKey, batch: BatchId, *, before: CommentId | None, limit: int) -> list[Member]:
    """Up to `limit` comments of an import with ids before `before`, the last ids first."""
    rows = tx.all(_MEMBERS, site=site, batch=batch, before=before or _AFTER_ALL, limit=limit)
    return [
        Member(
            id=row["id"],
            post=row["post"],
            author=row["author"],
            parent_id=row["parent_id"],
            status=Status(row["status"]),
            listed=bool(row["listed"]),
            is_changed=bool(row["is_changed"]),
            answers=row["answers"],
        )
        for row in rows
    ]


def size(tx: Transaction, site: SiteKey, batch: BatchId) -> int:
    """How many comments of an import are here."""
    row = tx.first(_SIZE, site=site, batch=batch)
    return int(row["number"]) if row else 0


def remove(tx: Transaction, ids: Sequence[CommentId]) -> set[CommentId]:
    """Remove these comments with everything that belongs to them. Those of them that waited for a moderator."""
    wanted = listed(ids)
    waiting = {row["comment_id"] for row in tx.all(_WAITING, ids=wanted)}
    for statement in _REMOVE:
        tx.run(statement, ids=wanted)
    return waiting


def forget_strangers(tx: Transaction, site: SiteKey, keys: Iterable[AuthorKey]) -> None:
    """Remove those of these people who came with an import, have no comment any more, and of whom nothing is held."""
    tx.run(_FORGET, of_site=site, keys=listed(keys))
