"""Queries on the moderation queue: which comments someone must look at, and who holds which."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, bindparam, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from service.model import (
    PRIORITY,
    Actor,
    ActorKind,
    AuthorKey,
    Comment,
    CommentId,
    Milliseconds,
    PostKey,
    QueueEntry,
    Reason,
    SiteKey,
    Why,
)
from service.store import reasons, texts
from service.store.database import Row, Transaction
from service.store.recount import Inspection, Recount, Rule
from service.store.snapshot import Snapshot
from service.store.tables import comments, queue
from service.text.folding import fold

Position = tuple[str | int, ...]

_insert = insert(queue).values(
    {
        name: bindparam(name)
        for name in ("comment_id", "site", "post", "author", "why", "priority", "waiting_since", "folded")
    }
)
_ADD = _insert.on_conflict_do_nothing(index_elements=["comment_id"])
_SUM_UP = (
    update(queue)
    .where(queue.c.comment_id == bindparam("of_comment"))
    .values(why=bindparam("new_why"), priority=bindparam("new_priority"), folded=bindparam("new_folded"))
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


def put(tx: Transaction, comment: Comment, reason: Reason, *, waiting_since: Milliseconds | None = None) -> None:
    """Someone must look at this comment, for this reason too. One that waits already keeps its place."""
    is_new = tx.run(
        _ADD,
        comment_id=comment.id,
        site=comment.site,
        post=comment.post,
        author=comment.author_key,
        why=reasons.summary([reason.code]),
        priority=PRIORITY[reason.code],
        waiting_since=tx.now if waiting_since is None else waiting_since,
        folded=_folded(comment),
    )
    reasons.give(tx, comment.id, reason)
    if not is_new:
        _sum_up(tx, comment, reasons.of(tx, comment.id))


def settle(tx: Transaction, comment: Comment, codes: Collection[Why]) -> None:
    """These reasons are answered. The comment leaves the queue when no other one is left."""
    for code in codes:
        reasons.drop(tx, comment.id, code)
    if left := reasons.of(tx, comment.id):
        _sum_up(tx, comment, left)
    else:
        take_out(tx, comment.id)


def put_text(tx: Transaction, comment: Comment) -> None:
    """A comment that waits has another text: searches find that."""
    tx.run(_FOLD, of_comment=comment.id, new_folded=_folded(comment))


def folded(body: str, edit_body: str | None, author_name: str) -> str:
    """What searches look at: the texts and the name, each by itself."""
    return "\n".join(fold(text) for text in (body, edit_body, author_name) if text is not None)


def take_out(tx: Transaction, comment_id: CommentId) -> None:
    """Nobody needs to look any more: the entry goes with all of its reasons."""
    tx.run(_TAKE_OUT, comment_id=comment_id)


def get(tx: Transaction, comment_id: CommentId) -> QueueEntry | None:
    """The entry of one comment."""
    return next(iter(_entries(tx, tx.all(_ONE, comment_id=comment_id))), None)


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
    return _entries(tx, rows[:limit]), following


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


def _sum_up(tx: Transaction, comment: Comment, given: Sequence[Reason]) -> None:
    """The entry says what its reasons and the comment's texts are now. `given`: strongest first."""
    tx.run(
        _SUM_UP,
        of_comment=comment.id,
        new_why=reasons.summary(reason.code for reason in given),
        new_priority=PRIORITY[given[0].code],
        new_folded=_folded(comment),
    )


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


def _entries(tx: Transaction, rows: Sequence[Row]) -> list[QueueEntry]:
    given = reasons.of_each(tx, (row["comment_id"] for row in rows))
    return [_entry(row, given.get(row["comment_id"], ()), tx.now) for row in rows]


def _entry(row: Row, given: tuple[Reason, ...], now: Milliseconds) -> QueueEntry:
    held = row["claimed_until"] is not None and row["claimed_until"] > now
    return QueueEntry(
        comment_id=row["comment_id"],
        reasons=given,
        waiting_since=row["waiting_since"],
        claimed_by=Actor(ActorKind.MODERATOR, row["claimed_by"], row["claimed_by_name"]) if held else None,
        claimed_until=row["claimed_until"] if held else None,
    )


# --- What `verify` counts anew ----------------------------------------------------------------------------------------


def _unfound(moment: Snapshot) -> Iterator[str]:
    """Comments in the queue that searches would miss. Those with a changed text are named already."""
    joined = queue.join(comments, comments.c.id == queue.c.comment_id)
    searched = (comments.c.body, comments.c.edit_body, comments.c.author_name)
    entries = select(queue.c.comment_id, queue.c.folded, comments.c.body_hash, *searched).select_from(joined)
    for comment_id, kept, body_hash, body, *others in moment.rows(entries.order_by(queue.c.comment_id)):
        if folded(body, *others) != kept and texts.hash_of(body) == body_hash:
            yield f"queue.folded: comment {comment_id} waits, and searches do not look at the text that it has"


RULES: Sequence[Rule] = [
    *reasons.RULES,
    Recount(
        "queue names the place",
        """SELECT q.comment_id FROM queue AS q JOIN comments AS c ON c.id = q.comment_id
           WHERE q.site <> c.site OR q.post <> c.post OR q.author <> c.author ORDER BY q.comment_id""",
        "queue: the entry of comment {0} names another site, post or author than the comment",
    ),
    Inspection("queue.folded", _unfound),
]
