"""Queries on batches: what one call did to many comments, and how each of those stands now."""

from dataclasses import dataclass

from sqlalchemy import bindparam, func, select

from service.model import Action, ActorKind, BatchId, CommentId, DecisionId, Milliseconds, SiteKey
from service.store.database import Row, Transaction
from service.store.tables import comments, decisions, queue, sites

_OF_BATCH = (decisions.c.site == bindparam("site"), decisions.c.batch == bindparam("batch"))
_MEMBERS = (
    select(
        *(decisions.c[name] for name in ("id", "seq", "comment_id", "action", "version", "actor_kind")),
        comments.c.version.label("present_version"),
        queue.c.claimed_by,
        queue.c.claimed_until,
    )
    .select_from(
        decisions.join(comments, comments.c.id == decisions.c.comment_id).outerjoin(
            queue, queue.c.comment_id == decisions.c.comment_id
        )
    )
    .where(*_OF_BATCH, decisions.c.seq <= bindparam("last_seq"))
    .order_by(decisions.c.seq.desc())
)
_TAKEN_BACK = select(decisions.c.undoes).where(*_OF_BATCH, decisions.c.undoes.is_not(None))
_LAST_TIME = select(func.max(decisions.c.created_at).label("at")).where(*_OF_BATCH)
_LAST_SEQ = select(sites.c.event_seq).where(sites.c.site == bindparam("site"))


@dataclass(frozen=True, slots=True)
class Member:
    """One decision of a batch. `stands`: it is a moderator's, and nothing has happened to its comment since.

    `holder` is who holds the comment in the queue now.
    """

    id: DecisionId
    seq: int
    comment_id: CommentId
    action: Action
    stands: bool
    holder: str | None


def members(tx: Transaction, site: SiteKey, batch: BatchId, *, last_seq: int) -> list[Member]:
    """The decisions of a batch with numbers up to `last_seq`, newest first."""
    return [_member(row, tx.now) for row in tx.all(_MEMBERS, site=site, batch=batch, last_seq=last_seq)]


def taken_back(tx: Transaction, site: SiteKey, batch: BatchId) -> set[DecisionId]:
    """Which decisions those of `batch` have undone."""
    return {row["undoes"] for row in tx.all(_TAKEN_BACK, site=site, batch=batch)}


def last_time(tx: Transaction, site: SiteKey, batch: BatchId) -> Milliseconds | None:
    """When the last decision of a batch was made; None where there is none."""
    row = tx.first(_LAST_TIME, site=site, batch=batch)
    return row["at"] if row else None


def last_seq(tx: Transaction, site: SiteKey) -> int:
    """The number of the last event of the site."""
    row = tx.first(_LAST_SEQ, site=site)
    return int(row["event_seq"]) if row else 0


def _member(row: Row, now: Milliseconds) -> Member:
    is_held = row["claimed_until"] is not None and row["claimed_until"] > now
    return Member(
        id=row["id"],
        seq=row["seq"],
        comment_id=row["comment_id"],
        action=Action(row["action"]),
        stands=row["actor_kind"] == ActorKind.MODERATOR and row["present_version"] == row["version"] + 1,
        holder=row["claimed_by"] if is_held else None,
    )
