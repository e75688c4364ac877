"""Queries on claims: which entries of the queue one moderator holds, and until when. One that has run out is none."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, or_, select, update

from service.model import Actor, CommentId, Milliseconds, QueueEntry, SiteKey
from service.store.among import among, listed
from service.store.database import Transaction
from service.store.queue import ENTRY, entries_of, get_many
from service.store.queue_filter import FREE
from service.store.tables import queue

_OF_HOLDER = (queue.c.site == bindparam("of_site"), queue.c.claimed_by == bindparam("key"))
_NOBODYS = {"claimed_by": None, "claimed_by_name": None, "claimed_until": None}
_MINE: dict[str, Any] = {
    "claimed_by": bindparam("key"),
    "claimed_by_name": bindparam("name"),
    "claimed_until": bindparam("until"),
}
_free = queue.alias("free")
_NEXT = (
    select(_free.c.comment_id)
    .where(
        _free.c.site == bindparam("of_site"),
        or_(_free.c.claimed_until.is_(None), _free.c.claimed_until <= bindparam("now")),
    )
    .order_by(_free.c.waiting_since, _free.c.comment_id)
    .limit(bindparam("limit"))
)
_TAKE_NEXT = update(queue).where(queue.c.comment_id.in_(_NEXT)).values(_MINE).returning(*ENTRY)
_TAKE = (
    update(queue)
    .where(queue.c.site == bindparam("of_site"), among(queue.c.comment_id, "ids"))
    .where(or_(FREE, queue.c.claimed_by == bindparam("key")))
    .values(_MINE)
    .returning(queue.c.comment_id)
)
_HELD = select(queue.c.comment_id).where(*_OF_HOLDER, queue.c.claimed_until > bindparam("now"))
_GIVE_BACK = update(queue).where(*_OF_HOLDER).values(_NOBODYS).returning(queue.c.comment_id)
_GIVE_SOME_BACK = _GIVE_BACK.where(among(queue.c.comment_id, "ids"))
_LET_GO = update(queue).where(*_OF_HOLDER, queue.c.claimed_until <= bindparam("now")).values(_NOBODYS)


def held(tx: Transaction, site: SiteKey, holder: Actor) -> set[CommentId]:
    """What `holder` holds now. What they held longer ago is nobody's from now on, so this stays short."""
    tx.run(_LET_GO, of_site=site, key=holder.key, now=tx.now)
    return {row["comment_id"] for row in tx.all(_HELD, of_site=site, key=holder.key, now=tx.now)}


def held_by_others(tx: Transaction, ids: Sequence[CommentId], actor: Actor) -> set[CommentId]:
    """Those of these comments whose entries somebody else holds now."""
    entries = get_many(tx, list(ids))
    return {entry.comment_id for entry in entries if entry.claimed_by and entry.claimed_by.key != actor.key}


def take_next(tx: Transaction, site: SiteKey, holder: Actor, *, limit: int, until: Milliseconds) -> list[QueueEntry]:
    """Hand the next free entries, the oldest first, to `holder` until `until`."""
    mine = {"key": holder.key, "name": holder.name, "until": until}
    handed = tx.all(_TAKE_NEXT, of_site=site, now=tx.now, limit=limit, **mine)
    return entries_of(tx, sorted(handed, key=lambda row: (row["waiting_since"], row["comment_id"])))


def take(
    tx: Transaction, site: SiteKey, holder: Actor, ids: Sequence[CommentId], *, until: Milliseconds
) -> list[QueueEntry]:
    """Hand these entries to `holder` until `until`, in this order, without those that others hold."""
    mine = {"key": holder.key, "name": holder.name, "until": until}
    handed = {row["comment_id"] for row in tx.all(_TAKE, of_site=site, now=tx.now, ids=listed(ids), **mine)}
    return get_many(tx, [comment_id for comment_id in ids if comment_id in handed])


def give_back(tx: Transaction, site: SiteKey, holder: Actor, ids: Sequence[CommentId] | None) -> list[CommentId]:
    """Give back these entries, or (None) everything that `holder` holds; which those were."""
    if ids is None:
        rows = tx.all(_GIVE_BACK, of_site=site, key=holder.key)
    else:
        rows = tx.all(_GIVE_SOME_BACK, of_site=site, key=holder.key, ids=listed(ids))
    return sorted(row["comment_id"] for row in rows)
