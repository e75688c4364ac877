"""Queries on the moderation queue: which comments someone must look at, and who holds which.

Lists and their lengths are in `queue_pages`.
"""

from sqlalchemy import bindparam, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from service.folding import fold
from service.model import Actor, ActorKind, Comment, CommentId, Milliseconds, QueueEntry, SiteKey, Why
from service.store.among import each, listed
from service.store.database import Row, Transaction
from service.store.tables import queue, sites

_ADD = (
    insert(queue)
    .values(
        {
            name: bindparam(name)
            for name in ("comment_id", "site", "post", "author", "why", "priority", "waiting_since", "folded")
        }
    )
    .on_conflict_do_nothing(index_elements=["comment_id"])
)
_OF_COMMENT = queue.c.comment_id == bindparam("of_comment")
_GIVE_REASON = update(queue).where(_OF_COMMENT).values(why=bindparam("new_why"), folded=bindparam("new_folded"))
_FOLD = update(queue).where(_OF_COMMENT).values(folded=bindparam("new_folded"))
_TAKE_OUT = delete(queue).where(queue.c.comment_id == bindparam("comment_id"))
ENTRY = tuple(
    queue.c[name]
    for name in ("comment_id", "why", "priority", "waiting_since", "claimed_by", "claimed_by_name", "claimed_until")
)
"""The columns that make an entry."""
_listed, _free = each("ids"), queue.alias("free")
_SOME = select(*ENTRY).join_from(_listed, queue, queue.c.comment_id == _listed.c.value)
_ONE = select(*ENTRY).where(queue.c.comment_id == bindparam("comment_id"))
_FREE = (
    select(_free.c.comment_id)
    .where(
        _free.c.site == bindparam("of_site"),
        or_(_free.c.claimed_until.is_(None), _free.c.claimed_until <= bindparam("now")),
    )
    .order_by(_free.c.waiting_since, _free.c.comment_id)
    .limit(bindparam("limit"))
)
_CLAIM = (
    update(queue)
    .where(queue.c.comment_id.in_(_FREE))
    .values(claimed_by=bindparam("key"), claimed_by_name=bindparam("name"), claimed_until=bindparam("until"))
    .returning(*ENTRY)
)
_RELEASE = (
    update(queue)
    .where(queue.c.site == bindparam("of_site"), queue.c.claimed_by == bindparam("key"))
    .values(claimed_by=None, claimed_by_name=None, claimed_until=None)
)
_DEPTH = select(
    sites.c.waiting,
    select(func.min(queue.c.waiting_since)).where(queue.c.site == bindparam("site")).scalar_subquery().label("oldest"),
).where(sites.c.site == bindparam("site"))


def put(
    tx: Transaction, comment: Comment, why: Why, *, priority: int = 0, waiting_since: Milliseconds | None = None
) -> int:
    """Someone must look at this comment. One that waits already keeps its place.

    By how many the queue grew: 1 or 0. The caller says so to `events.append`, which counts the site's entries.
    """
    grown = tx.run(
        _ADD,
        comment_id=comment.id,
        site=comment.site,
        post=comment.post,
        author=comment.author_key,
        why=f" {why} ",
        priority=priority,
        waiting_since=tx.now if waiting_since is None else waiting_since,
        folded=_folded(comment),
    )
    if not grown:
        tx.run(_GIVE_REASON, of_comment=comment.id, new_why=f" {why} ", new_folded=_folded(comment))
    return grown


def put_text(tx: Transaction, comment: Comment) -> None:
    """A comment that waits has another text: searches find that."""
    tx.run(_FOLD, of_comment=comment.id, new_folded=_folded(comment))


def folded(body: str, edit_body: str | None, author_name: str) -> str:
    """What searches look at: the texts and the name, each by itself."""
    return "\n".join(fold(text) for text in (body, edit_body, author_name) if text is not None)


def take_out(tx: Transaction, comment_id: CommentId) -> int:
    """Nobody needs to look any more. By how many the queue grew: -1, or 0 where the comment did not wait."""
    return -tx.run(_TAKE_OUT, comment_id=comment_id)


def get(tx: Transaction, comment_id: CommentId) -> QueueEntry | None:
    """The entry of one comment."""
    row = tx.first(_ONE, comment_id=comment_id)
    return entry_of(row, tx.now) if row else None


def get_many(tx: Transaction, ids: list[CommentId]) -> list[QueueEntry]:
    """The entries of these comments, in the same order, without those that do not wait."""
    if not ids:
        return []
    found = {row["comment_id"]: row for row in tx.all(_SOME, ids=listed(ids))}
    return [entry_of(found[comment_id], tx.now) for comment_id in ids if comment_id in found]


def depth(tx: Transaction, site: SiteKey) -> tuple[int, Milliseconds | None]:
    """How many entries wait on the site, and since when the oldest does."""
    row = tx.first(_DEPTH, site=site)
    return (row["waiting"], row["oldest"]) if row else (0, None)


def claim(tx: Transaction, site: SiteKey, holder: Actor, *, limit: int, until: Milliseconds) -> list[QueueEntry]:
    """Hand the next free entries to `holder` until `until`."""
    handed = tx.all(_CLAIM, of_site=site, now=tx.now, limit=limit, key=holder.key, name=holder.name, until=until)
    return [entry_of(row, tx.now) for row in sorted(handed, key=lambda row: (row["waiting_since"], row["comment_id"]))]


def release(tx: Transaction, site: SiteKey, holder: Actor) -> int:
    """Give back everything that `holder` holds; how many that were."""
    return tx.run(_RELEASE, of_site=site, key=holder.key)


def entry_of(row: Row, now: Milliseconds) -> QueueEntry:
    """The entry in a row with the columns `ENTRY`; a claim that has run out is none."""
    held = row["claimed_until"] is not None and row["claimed_until"] > now
    return QueueEntry(
        comment_id=row["comment_id"],
        why=tuple(Why(code) for code in row["why"].split()),
        priority=row["priority"],
        waiting_since=row["waiting_since"],
        claimed_by=Actor(ActorKind.MODERATOR, row["claimed_by"], row["claimed_by_name"]) if held else None,
        claimed_until=row["claimed_until"] if held else None,
    )


def _folded(comment: Comment) -> str:
    return folded(comment.body, comment.pending_edit.body if comment.pending_edit else None, comment.author.name)
