"""Queries on the record of decisions. Rows are added and read, never changed. Lists of them are in `record_pages`."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pydantic_core
from sqlalchemy import and_, bindparam, func, insert, select

from service.model import (
    Action,
    Actor,
    ActorKind,
    CommentId,
    Decision,
    DecisionId,
    SiteKey,
    Status,
)
from service.store.among import each, listed
from service.store.database import Row, Transaction
from service.store.recount import Recount, Rule
from service.store.tables import comments, decisions

_COLUMNS: dict[str, Any] = {column.name: bindparam(column.name) for column in decisions.c}
_SELDOM = {"batch", "reason_text", "rules", "policy_version"}
_ADD_WHOLE = insert(decisions).values(_COLUMNS)
_ADD = insert(decisions).values({name: value for name, value in _COLUMNS.items() if name not in _SELDOM})
"""A submission to a site without rules pays for no more than it needs."""
_ONE = select(decisions).where(decisions.c.site == bindparam("site"), decisions.c.id == bindparam("id"))
_WITH_AUTHOR = _ONE.add_columns(comments.c.author_name).join_from(
    decisions, comments, comments.c.id == decisions.c.comment_id
)
_OF_EVENT = select(decisions).where(decisions.c.site == bindparam("site"), decisions.c.seq == bindparam("seq"))
_LAST = (
    select(decisions).where(decisions.c.comment_id == bindparam("comment_id")).order_by(decisions.c.seq.desc()).limit(1)
)
_SINCE_TEXT = (
    select(decisions)
    .where(decisions.c.comment_id == bindparam("comment_id"), decisions.c.version >= bindparam("text_version"))
    .order_by(decisions.c.seq.desc())
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


def add(tx: Transaction, decision: Decision, *, before: Mapping[str, object] | None) -> None:
    """Add a line to the record. `before` is the state that undo would put back; None where nothing can be undone."""
    actor, state = decision.actor, pydantic_core.to_json(before).decode() if before is not None else None
    what = (decision.id, decision.site, decision.seq, decision.comment_id, decision.action)
    change = (decision.from_status, decision.to_status, decision.version, actor.kind, actor.key, actor.name)
    why = (decision.reason, decision.note, decision.note_to_author)
    row = (*what, *change, *why, decision.undoes, state, decision.created_at)
    if decision.batch is None and decision.reason_text is None and decision.policy_version is None:
        tx.send_later(_ADD, row)
        return
    rules = " ".join(decision.rules) or None
    tx.send_later(_ADD_WHOLE, (*row, decision.batch, decision.reason_text, rules, decision.policy_version))


def get(tx: Transaction, site: SiteKey, decision_id: DecisionId) -> tuple[Decision, dict[str, Any] | None] | None:
    """One decision and the state before it."""
    row = tx.first(_ONE, site=site, id=decision_id)
    return (decision_of(row), json.loads(row["before"]) if row["before"] else None) if row else None


def with_author(tx: Transaction, site: SiteKey, decision_id: DecisionId) -> tuple[Decision, str] | None:
    """One decision, and the name of who wrote the comment."""
    row = tx.first(_WITH_AUTHOR, site=site, id=decision_id)
    return (decision_of(row), row["author_name"]) if row else None


def of_event(tx: Transaction, site: SiteKey, seq: int) -> Decision | None:
    """The decision of which the site's event with this number tells; None where it tells of something else."""
    row = tx.first(_OF_EVENT, site=site, seq=seq)
    return decision_of(row) if row else None


def last_on(tx: Transaction, comment_id: CommentId) -> Decision | None:
    """The newest decision on a comment."""
    row = tx.first(_LAST, comment_id=comment_id)
    return decision_of(row) if row else None


def since_text(tx: Transaction, comment_id: CommentId, text_version: int) -> list[Decision]:
    """The decisions on a comment since it has this text, the newest first."""
    return [decision_of(row) for row in tx.all(_SINCE_TEXT, comment_id=comment_id, text_version=text_version)]


def last_on_each(tx: Transaction, ids: list[CommentId]) -> dict[CommentId, Decision]:
    """The newest decision on each of these comments. The older ones are not read, however many there are."""
    if not ids:
        return {}
    return {row["comment_id"]: decision_of(row) for row in tx.all(_LAST_ON_EACH, ids=listed(ids))}


def decision_of(row: Row) -> Decision:
    """The decision in a row with all columns."""
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
        batch=row["batch"],
        reason_text=row["reason_text"],
        rules=tuple((row["rules"] or "").split()),
        policy_version=row["policy_version"],
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
