"""Queries on the record of decisions. Rows are added and read, never changed."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import pydantic_core
from sqlalchemy import BigInteger, Select, and_, bindparam, case, func, insert, literal, select

from service.model import (
    POLICY,
    Action,
    Actor,
    ActorKind,
    AuthorKey,
    CommentId,
    Decision,
    DecisionId,
    Milliseconds,
    Page,
    SiteKey,
    Status,
)
from service.store.among import each, listed
from service.store.database import Row, Transaction
from service.store.recount import Recount, Rule
from service.store.tables import BY_SOMEBODY, decisions, sites

_ADD = insert(decisions).values({column.name: bindparam(column.name) for column in decisions.c})
_ONE = select(decisions).where(decisions.c.site == bindparam("site"), decisions.c.id == bindparam("id"))
_OF_EVENT = select(decisions).where(decisions.c.site == bindparam("site"), decisions.c.seq == bindparam("seq"))
_LAST = (
    select(decisions).where(decisions.c.comment_id == bindparam("comment_id")).order_by(decisions.c.seq.desc()).limit(1)
)

_listed, _newest = each("ids"), decisions.alias("newest")
_LAST_ON_EACH = select(decisions).join_from(
    _listed,
    decisions,
    and_(
        decisions.c.comment_id == _listed.c.value,
        decisions.c.seq
        == select(func.max(_newest.c.seq)).where(_newest.c.comment_id == _listed.c.value).scalar_subquery(),
    ),
)
MOST_DISPLACED: Final = 1_000
"""How many events may lie between two decisions whose times say another order than their numbers: the clocks of
replicas differ, and a clock is set back."""


def _first_since() -> Select[Any]:
    """A number from which on decisions are as new as `since`, found by halving the record: some twenty seeks.

    Times rise with numbers, so no index of times is kept, which every decision would have to pay for.
    """
    halves = select(
        literal(0, BigInteger).label("low"),
        func.coalesce(select(sites.c.event_seq).where(sites.c.site == bindparam("site")).scalar_subquery(), 0).label(
            "high"
        ),
    ).cte("halves", recursive=True)
    middle = (halves.c.low + halves.c.high) // 2
    there = decisions.alias("there")
    time = (
        select(there.c.created_at)
        .where(there.c.site == bindparam("site"), there.c.seq >= middle)
        .order_by(there.c.seq)
        .limit(1)
        .scalar_subquery()
        .correlate(halves)
    )
    is_early = func.coalesce(time, bindparam("since", type_=BigInteger)) < bindparam("since", type_=BigInteger)
    halves = halves.union_all(
        select(
            case((is_early, middle + 1), else_=halves.c.low),
            case((is_early, halves.c.high), else_=middle),
        ).where(halves.c.low < halves.c.high)
    )
    return select(func.max(halves.c.low).label("seq"))


_FIRST_SINCE = _first_since()


def add(tx: Transaction, decision: Decision, *, before: Mapping[str, object] | None) -> None:
    """Add a line to the record. `before` is the state that undo would put back; None where nothing can be undone."""
    actor, state = decision.actor, pydantic_core.to_json(before).decode() if before is not None else None
    what = (decision.id, decision.site, decision.seq, decision.comment_id, decision.action)
    change = (decision.from_status, decision.to_status, decision.version, actor.kind, actor.key, actor.name)
    why = (decision.reason, decision.note, decision.note_to_author)
    tx.send(_ADD, (*what, *change, *why, decision.undoes, state, decision.created_at))


def get(tx: Transaction, site: SiteKey, decision_id: DecisionId) -> tuple[Decision, dict[str, Any] | None] | None:
    """One decision and the state before it."""
    row = tx.first(_ONE, site=site, id=decision_id)
    return (_decision(row), json.loads(row["before"]) if row["before"] else None) if row else None


def of_event(tx: Transaction, site: SiteKey, seq: int) -> Decision | None:
    """The decision of which the site's event with this number tells; None where it tells of something else."""
    row = tx.first(_OF_EVENT, site=site, seq=seq)
    return _decision(row) if row else None


def last_on(tx: Transaction, comment_id: CommentId) -> Decision | None:
    """The newest decision on a comment."""
    row = tx.first(_LAST, comment_id=comment_id)
    return _decision(row) if row else None


def last_on_each(tx: Transaction, ids: list[CommentId]) -> dict[CommentId, Decision]:
    """The newest decision on each of these comments. The older ones are not read, however many there are."""
    if not ids:
        return {}
    return {row["comment_id"]: _decision(row) for row in tx.all(_LAST_ON_EACH, ids=listed(ids))}


def page(
    tx: Transaction,
    site: SiteKey,
    *,
    comment_id: CommentId | None,
    actor: AuthorKey | None,
    since: Milliseconds | None,
    limit: int,
    after: tuple[str | int, ...] | None,
) -> Page[Decision]:
    """The record, oldest first. A position is (seq,).

    A decision that stands more than MOST_DISPLACED events before one that was made earlier may be left out by `since`.
    """
    seq = after[0] if after is not None else 0 if since is None else _first_as_new_as(tx, site, since)
    wanted = {"comment_id": comment_id, "policy" if actor == POLICY.key else "actor": actor, "since": since}
    given = {name: value for name, value in wanted.items() if value is not None}
    rows = tx.all(_part_of_record(frozenset(given)), site=site, seq=seq, limit=limit + 1, **given)
    return Page([_decision(row) for row in rows[:limit]], (rows[limit - 1]["seq"],) if len(rows) > limit else None)


@cache
def _part_of_record(given: frozenset[str]) -> Select[Any]:
    """The statement for the conditions that are given: there are a dozen, each compiled once."""
    conditions = {
        "comment_id": decisions.c.comment_id == bindparam("comment_id"),
        "actor": and_(decisions.c.actor == bindparam("actor"), BY_SOMEBODY),
        "policy": decisions.c.actor == bindparam("policy"),
        "since": decisions.c.created_at >= bindparam("since"),
    }
    return (
        select(decisions)
        .where(
            decisions.c.site == bindparam("site"),
            decisions.c.seq > bindparam("seq"),
            *(condition for name, condition in conditions.items() if name in given),
        )
        .order_by(decisions.c.seq)
        .limit(bindparam("limit"))
    )


def _first_as_new_as(tx: Transaction, site: SiteKey, since: Milliseconds) -> int:
    """A number of the site's record behind which every decision stands that was made at `since` or later."""
    row = tx.first(_FIRST_SINCE, site=site, since=since)
    return int(row["seq"]) - 1 - MOST_DISPLACED if row else 0


def _decision(row: Row) -> Decision:
    return Decision(
        id=row["id"],
        site=row["site"],
        seq=row["seq"],
        comment_id=row["comment_id"],
        action=Action(row["action"]),
        from_status=Status(row["from_status"]) if row["from_status"] else None,
        to_status=Status(row["to_status"]),
        version=row["version"],
        actor=Actor(ActorKind(row["actor_kind"]), row["actor"], row["actor_name"]),
        reason=row["reason"],
        note=row["note"],
        note_to_author=row["note_to_author"],
        undoes=row["undoes"],
        created_at=row["created_at"],
    )


# --- What `verify` counts anew ----------------------------------------------------------------------------------------

RULES: Sequence[Rule] = [
    Recount(
        "decisions have events",
        """SELECT d.id, d.site, d.seq FROM decisions AS d
           LEFT JOIN events AS e ON e.site = d.site AND e.seq = d.seq AND e.comment_id = d.comment_id
           LEFT JOIN sites AS s ON s.site = d.site
           WHERE e.seq IS NULL AND d.seq >= coalesce(s.first_seq, 1) ORDER BY d.site, d.seq""",
        "decisions: decision {0} has no event {2} of its comment on site {1}",
    ),
    Recount(
        "decisions lead to the status",
        """SELECT c.id, c.status, d.to_status FROM comments AS c LEFT JOIN decisions AS d
             ON d.comment_id = c.id AND d.seq = (SELECT max(l.seq) FROM decisions AS l WHERE l.comment_id = c.id)
           WHERE d.to_status IS NULL OR d.to_status <> c.status ORDER BY c.id""",
        "decisions: comment {0} is {1}, its last decision led to {2}",
    ),
]
