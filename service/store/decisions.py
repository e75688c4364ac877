"""Queries on the record of decisions. Rows are added and read, never changed."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pydantic_core
from sqlalchemy import bindparam, insert, select

from service.model import (
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
from service.store.database import Row, Transaction
from service.store.recount import Recount, Rule
from service.store.tables import decisions

_ADD = insert(decisions).values({column.name: bindparam(column.name) for column in decisions.c})
_ONE = select(decisions).where(decisions.c.site == bindparam("site"), decisions.c.id == bindparam("id"))
_LAST = (
    select(decisions).where(decisions.c.comment_id == bindparam("comment_id")).order_by(decisions.c.seq.desc()).limit(1)
)


def add(tx: Transaction, decision: Decision, *, before: Mapping[str, object] | None) -> None:
    """Add a line to the record. `before` is the state that undo would put back; None where nothing can be undone."""
    tx.run(
        _ADD,
        id=decision.id,
        site=decision.site,
        seq=decision.seq,
        comment_id=decision.comment_id,
        action=decision.action.value,
        from_status=decision.from_status.value if decision.from_status else None,
        to_status=decision.to_status.value,
        version=decision.version,
        actor_kind=decision.actor.kind.value,
        actor=decision.actor.key,
        actor_name=decision.actor.name,
        reason=decision.reason,
        note=decision.note,
        note_to_author=decision.note_to_author,
        undoes=decision.undoes,
        before=pydantic_core.to_json(before).decode() if before is not None else None,
        created_at=decision.created_at,
    )


def get(tx: Transaction, site: SiteKey, decision_id: DecisionId) -> tuple[Decision, dict[str, Any] | None] | None:
    """One decision and the state before it."""
    row = tx.first(_ONE, site=site, id=decision_id)
    return (_decision(row), json.loads(row["before"]) if row["before"] else None) if row else None


def last_on(tx: Transaction, comment_id: CommentId) -> Decision | None:
    """The newest decision on a comment."""
    row = tx.first(_LAST, comment_id=comment_id)
    return _decision(row) if row else None


def last_on_each(tx: Transaction, ids: list[CommentId]) -> dict[CommentId, Decision]:
    """The newest decision on each of these comments."""
    if not ids:
        return {}
    rows = tx.all(select(decisions).where(decisions.c.comment_id.in_(ids)).order_by(decisions.c.seq))
    return {row["comment_id"]: _decision(row) for row in rows}


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
    """The record, oldest first. A position is (seq,)."""
    statement = select(decisions).where(decisions.c.site == site)
    if comment_id is not None:
        statement = statement.where(decisions.c.comment_id == comment_id)
    if actor is not None:
        statement = statement.where(decisions.c.actor == actor)
    if since is not None:
        statement = statement.where(decisions.c.created_at >= since)
    if after is not None:
        statement = statement.where(decisions.c.seq > after[0])
    rows = tx.all(statement.order_by(decisions.c.seq).limit(limit + 1))
    return Page([_decision(row) for row in rows[:limit]], (rows[limit - 1]["seq"],) if len(rows) > limit else None)


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
