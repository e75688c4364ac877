"""Queries on the moderation queue: which comments someone must look at, and who holds which."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, bindparam, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from service.model import (
    Actor,
    ActorKind,
    AuthorKey,
    Comment,
    CommentId,
    Milliseconds,
    PostKey,
    QueueEntry,
    SiteKey,
    Why,
)
from service.store.database import Row, Transaction
from service.store.tables import queue
from service.text.folding import fold

Position = tuple[str | int, ...]

_insert = insert(queue).values(
    {
        name: bindparam(name)
        for name in ("comment_id", "site", "post", "author", "why", "priority", "waiting_since", "folded")
    }
)
_PUT = _insert.on_conflict_do_update(
    index_elements=["comment_id"], set_={"why": _insert.excluded.why, "folded": _insert.excluded.folded}
)
_FOLD = update(queue).where(queue.c.comment_id == bindparam("of_comment")).values(folded=bindparam("new_folded"))
_TAKE_OUT = delete(queue).where(queue.c.comment_id == bindparam("comment_id"))
_ONE = select(queue).where(queue.c.comment_id == bindparam("comment_id"))
_FREE = (
    select(queue)
    .where(
        queue.c.site == bindparam("site"),
        or_(queue.c.claimed_until.is_(None), queue.c.claimed_until <= bindparam("now")),
    )
    .order_by(queue.c.waiting_since, queue.c.comment_id)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_CLAIM = (
    update(queue)
    .where(queue.c.comment_id == bindparam("of_comment"))
    .values(claimed_by=bindparam("key"), claimed_by_name=bindparam("name"), claimed_until=bindparam("until"))
)
_RELEASE = (
    update(queue)
    .where(queue.c.site == bindparam("of_site"), queue.c.claimed_by == bindparam("key"))
    .values(claimed_by=None, claimed_by_name=None, claimed_until=None)
)
_DEPTH = select(func.count().label("depth"), func.min(queue.c.waiting_since).label("oldest")).where(
    queue.c.site == bindparam("site")
)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries a moderator asks for; `text` is looked for in the comment's texts and the author's name, folded."""

    why: Why | None = None
    post: PostKey | None = None
    author: AuthorKey | None = None
    text: str | None = None


def put(
    tx: Transaction, comment: Comment, why: Why, *, priority: int = 0, waiting_since: Milliseconds | None = None
) -> None:
    """Someone must look at this comment. One that waits already keeps its place."""
    tx.run(
        _PUT,
        comment_id=comment.id,
        site=comment.site,
        post=comment.post,
        author=comment.author_key,
        why=f" {why} ",
        priority=priority,
        waiting_since=tx.now if waiting_since is None else waiting_since,
        folded=_folded(comment),
    )


def put_text(tx: Transaction, comment: Comment) -> None:
    """A comment that waits has another text: searches find that."""
    tx.run(_FOLD, of_comment=comment.id, new_folded=_folded(comment))


def folded(body: str, edit_body: str | None, author_name: str) -> str:
    """What searches look at: the texts and the name, each by itself."""
    return "\n".join(fold(text) for text in (body, edit_body, author_name) if text is not None)


def take_out(tx: Transaction, comment_id: CommentId) -> None:
    """Nobody needs to look any more."""
    tx.run(_TAKE_OUT, comment_id=comment_id)


def get(tx: Transaction, comment_id: CommentId) -> QueueEntry | None:
    """The entry of one comment."""
    row = tx.first(_ONE, comment_id=comment_id)
    return _entry(row, tx.now) if row else None


def page(
    tx: Transaction, site: SiteKey, wanted: Filter, *, by_priority: bool, limit: int, after: Position | None
) -> tuple[list[QueueEntry], Position | None]:
    """Entries in order, oldest or most urgent first. A position is (priority, waiting_since, comment_id)."""
    statement = _filtered(select(queue), site, wanted)
    if by_priority:
        statement = statement.order_by(queue.c.priority.desc(), queue.c.waiting_since, queue.c.comment_id)
    else:
        statement = statement.order_by(queue.c.waiting_since, queue.c.comment_id)
    if after is not None:
        priority, waiting_since, comment_id = after
        oldest = or_(
            queue.c.waiting_since > waiting_since,
            and_(queue.c.waiting_since == waiting_since, queue.c.comment_id > comment_id),
        )
        if by_priority:
            behind = or_(queue.c.priority < priority, and_(queue.c.priority == priority, oldest))
            statement = statement.where(queue.c.priority <= priority, behind)
        else:
            statement = statement.where(queue.c.waiting_since >= waiting_since, oldest)
    rows = tx.all(statement.limit(limit + 1))
    last = rows[limit - 1] if len(rows) > limit else None
    following = (last["priority"], last["waiting_since"], last["comment_id"]) if last else None
    return [_entry(row, tx.now) for row in rows[:limit]], following


def total(tx: Transaction, site: SiteKey, wanted: Filter) -> int:
    """How many entries the filter finds."""
    row = tx.first(_filtered(select(func.count().label("total")).select_from(queue), site, wanted))
    return int(row["total"]) if row else 0


def depth(tx: Transaction, site: SiteKey) -> tuple[int, Milliseconds | None]:
    """How many entries wait on the site, and since when the oldest does."""
    row = tx.first(_DEPTH, site=site)
    return (row["depth"], row["oldest"]) if row else (0, None)


def claim(tx: Transaction, site: SiteKey, holder: Actor, *, limit: int, until: Milliseconds) -> list[QueueEntry]:
    """Hand the next free entries to `holder` until `until`."""
    rows = tx.all(_FREE, site=site, now=tx.now, limit=limit)
    for row in rows:
        tx.run(_CLAIM, of_comment=row["comment_id"], key=holder.key, name=holder.name, until=until)
    return [entry for row in rows if (entry := get(tx, row["comment_id"])) is not None]


def release(tx: Transaction, site: SiteKey, holder: Actor) -> int:
    """Give back everything that `holder` holds; how many that were."""
    return tx.run(_RELEASE, of_site=site, key=holder.key)


def _folded(comment: Comment) -> str:
    edit = comment.pending_edit
    return folded(comment.text.body, edit.body if edit else None, comment.author.name)


def _filtered(statement: Select[Any], site: SiteKey, wanted: Filter) -> Select[Any]:
    statement = statement.where(queue.c.site == site)
    if wanted.why is not None:
        statement = statement.where(queue.c.why.contains(f" {wanted.why} ", autoescape=True))
    if wanted.post is not None:
        statement = statement.where(queue.c.post == wanted.post)
    if wanted.author is not None:
        statement = statement.where(queue.c.author == wanted.author)
    if wanted.text is not None:
        statement = statement.where(queue.c.folded.contains(fold(wanted.text), autoescape=True))
    return statement


def _entry(row: Row, now: Milliseconds) -> QueueEntry:
    held = row["claimed_until"] is not None and row["claimed_until"] > now
    return QueueEntry(
        comment_id=row["comment_id"],
        why=tuple(Why(code) for code in row["why"].split()),
        priority=row["priority"],
        waiting_since=row["waiting_since"],
        claimed_by=Actor(ActorKind.MODERATOR, row["claimed_by"], row["claimed_by_name"]) if held else None,
        claimed_until=row["claimed_until"] if held else None,
    )
