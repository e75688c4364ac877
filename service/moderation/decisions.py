"""What moderators decide: one comment, many at once, and taking a decision back.

A decision names the version that its moderator saw. The comment's row changes only where that version still stands, so
of two decisions on one version one wins, and the other is told by whom and when.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from service.errors import (
    AlreadyDecided,
    IllegalTransition,
    NewerDecision,
    Problem,
    StaleVersion,
    StoreUnavailable,
    UnknownComment,
    UnknownDecision,
    UnknownReason,
)
from service.model import (
    Action,
    Actor,
    ActorKind,
    BatchId,
    Comment,
    CommentId,
    Decision,
    DecisionId,
    Label,
    SiteRules,
    Status,
    Text,
)
from service.moderation import brakes, entries, labels, lifecycle, policies, publication, record
from service.moderation.record import NO_REASONS, Reasons
from service.moderation.submissions import taken_down
from service.store import comments, decisions, queue, texts
from service.store.database import Database, Transaction

DECIDED_AT_ONCE = 25
"""Rulings in one transaction: a submission that comes meanwhile, to any replica, waits for so many at most."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a moderator wants done with one comment, and the version of it that they saw.

    `label_was_shown`: where it waits, they saw too what approving it would change of the post's title and address.
    """

    comment_id: CommentId
    action: Action
    version: int
    reasons: Reasons = NO_REASONS
    label_was_shown: bool = True


def decide(
    tx: Transaction, site: SiteRules, ruling: Ruling, actor: Actor, *, batch: BatchId | None = None
) -> tuple[Decision, Comment]:
    """Carry out a ruling. Raises UnknownComment, StaleVersion, AlreadyDecided, IllegalTransition or UnknownReason."""
    before = comments.get_to_change(tx, site.key, ruling.comment_id)
    if before is None:
        raise UnknownComment
    if before.version != ruling.version:
        raise _conflict(tx, before, ruling.version)
    status = lifecycle.next_status(before, ruling.action)
    if status is None:
        raise IllegalTransition(
            f"A comment that is {before.status} cannot be given '{ruling.action}'", members=_standing(tx, before)
        )
    reasons = require_reason(tx, site, ruling.action, ruling.reasons)
    after, entry = _outcome(before, ruling.action, status, tx.now), queue.get(tx, before.id)
    if publication.publishes(before, after):
        after = labels.published(tx, site, after, was_shown=entry is not None and ruling.label_was_shown)
    decision = record.decide(
        tx,
        before,
        after,
        action=ruling.action,
        actor=actor,
        reasons=reasons,
        entry=entry,
        more_waiting=entries.decided(tx, after, entry, ruling.action, actor),
        batch=batch,
    )
    if ruling.action is not Action.DISCARD_EDIT:
        brakes.learn(tx, after)
    return decision, after


def require_reason(tx: Transaction, site: SiteRules, action: Action, given: Reasons) -> Reasons:
    """Why, with what the site's catalogue says to the reason. Raises UnknownReason where it must be one of these."""
    if given.reason is None and action is not Action.REJECT:
        return given
    policy = policies.holding(tx, site)
    found = policy.reason(given.reason)
    if found is None and policy.require_reason and action is Action.REJECT:
        raise UnknownReason(members={"reasons": [reason.code for reason in policy.reasons]})
    return given if found is None else replace(given, reason_text=found.text)


def decide_each(
    tx: Transaction, site: SiteRules, rulings: Sequence[Ruling], actor: Actor, *, batch: BatchId
) -> list[tuple[Decision, Comment] | Problem]:
    """Carry out many rulings in order, as parts of `batch`. Each stands alone: one that fails keeps no other back."""
    outcomes: list[tuple[Decision, Comment] | Problem] = []
    for ruling in rulings:
        try:
            with tx.savepoint():
                outcomes.append(decide(tx, site, ruling, actor, batch=batch))
        except Problem as problem:
            outcomes.append(problem)
    return outcomes


async def decide_all(
    database: Database, site: SiteRules, rulings: Sequence[Ruling], actor: Actor, *, batch: BatchId
) -> list[tuple[Decision, Comment] | Problem]:
    """Carry out any number of rulings in order, in slices that let others write in between: together a new `batch`.

    Where the store fails on the way, what was decided before stands, and the rest have StoreUnavailable for an outcome.
    Raises StoreUnavailable where it fails at once.
    """
    outcomes: list[tuple[Decision, Comment] | Problem] = []
    for start in range(0, len(rulings), DECIDED_AT_ONCE):
        part = rulings[start : start + DECIDED_AT_ONCE]
        try:
            outcomes += await database.bulk.write(decide_each, site, part, actor, batch=batch)
        except StoreUnavailable as fault:
            if not outcomes:
                raise
            return outcomes + [fault] * (len(rulings) - len(outcomes))
    return outcomes


def undo(
    tx: Transaction,
    site: SiteRules,
    decision_id: DecisionId,
    actor: Actor,
    *,
    reasons: Reasons = NO_REASONS,
    batch: BatchId | None = None,
) -> tuple[Decision, Comment]:
    """Put a comment back to what it was before a moderator's decision (an undo can be undone as well), or into the
    queue where the site's policy had decided alone.

    Raises UnknownDecision, IllegalTransition (an author's, or nothing was decided) or NewerDecision (something stands
    on it).
    """
    found = decisions.get(tx, site.key, decision_id)
    if found is None:
        raise UnknownDecision
    decision, state = found
    before = comments.get_to_change(tx, site.key, decision.comment_id)
    if before is None:
        raise UnknownDecision
    if decision.actor.kind is ActorKind.POLICY and decision.action is not Action.HOLD:
        return _undo_of_rules(tx, before, decision, actor, reasons=reasons, batch=batch)
    if decision.actor.kind is not ActorKind.MODERATOR or state is None:
        raise IllegalTransition("Only what a moderator or a rule decided can be undone", members=_standing(tx, before))
    if before.version != decision.version + 1:
        raise NewerDecision(members=_standing(tx, before))
    after = _put_back(tx, before, state)
    if publication.publishes(before, after):
        after = labels.published(tx, site, after, was_shown=True)  # it stood before
    entry = queue.get(tx, before.id)
    undone = record.decide(
        tx,
        before,
        after,
        action=Action.UNDO,
        actor=actor,
        reasons=reasons,
        entry=entry,
        undoes=decision.id,
        more_waiting=entries.undone(tx, after, entry, decision, state["queue"]),
        batch=batch,
    )
    brakes.unlearn(tx, after)
    return undone, after


def _undo_of_rules(
    tx: Transaction, before: Comment, decision: Decision, actor: Actor, *, reasons: Reasons, batch: BatchId | None
) -> tuple[Decision, Comment]:
    """What the policy decided about a text, or about one that its author has edited since, waits for a human instead.
    Raises NewerDecision."""
    last = decisions.last_on(tx, before.id)
    if last is None or last.id != decision.id or before.status is not decision.to_status:
        raise NewerDecision(members=_standing(tx, before))
    after, entry = replace(taken_down(before, Status.PENDING), published_at=None), queue.get(tx, before.id)
    undone = record.decide(
        tx,
        before,
        after,
        action=Action.UNDO,
        actor=actor,
        reasons=reasons,
        entry=entry,
        undoes=decision.id,
        more_waiting=entries.put_back(tx, after, actor),
        batch=batch,
    )
    brakes.learn(tx, after)
    return undone, after


def _outcome(before: Comment, action: Action, status: Status, now: int) -> Comment:
    if status is not Status.APPROVED:
        return taken_down(before, status)
    after = replace(before, status=status, version=before.version + 1, pending_edit=None, listed=True, by_rule=False)
    if action is Action.APPROVE and before.pending_edit is not None:
        after = replace(after, text=before.pending_edit)
    return replace(after, published_at=before.published_at or now)


def _put_back(tx: Transaction, before: Comment, state: dict[str, Any]) -> Comment:
    edit_version = state["edit_version"]
    after = replace(
        before,
        status=Status(state["status"]),
        version=before.version + 1,
        text=_text(tx, before, state["text_version"]),
        pending_edit=_text(tx, before, edit_version) if edit_version is not None else None,
        published_at=state["published_at"],
        by_rule=state.get("by_rule", False),
    )
    if "label" in state:
        after = replace(after, label=Label(**state["label"]))
    return replace(after, listed=record.listed(after))


def _text(tx: Transaction, comment: Comment, version: int) -> Text:
    """The text written at `version`: the comment's own, its pending edit, or one that was kept when it left."""
    for text in (comment.text, comment.pending_edit):
        if text is not None and text.version == version:
            return text
    return texts.kept(tx, comment.id, version)


def _conflict(tx: Transaction, comment: Comment, seen: int) -> Problem:
    """Why a ruling on version `seen` cannot stand: the text is another one, or somebody was faster."""
    members = _standing(tx, comment)
    if comment.newest_text.version > seen or seen > comment.version:
        return StaleVersion(members=members)
    decision = members["decision"]
    by = f" by {decision.actor.name}" if isinstance(decision, Decision) else ""
    return AlreadyDecided(f"This comment is {comment.status} now, decided{by}", members=members)


def _standing(tx: Transaction, comment: Comment) -> dict[str, object]:
    """What somebody who came too late needs to know."""
    return {
        "comment": comment,
        "decision": decisions.last_on(tx, comment.id),
        "allowed": lifecycle.allowed(comment),
    }
