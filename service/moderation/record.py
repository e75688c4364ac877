"""Writes one change of a comment: its row, the line in the record, the counts and the event, together.

Every verb that changes a comment ends here, so no status is without an explanation and no explanation without an event.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from service.model import (
    POLICY,
    Action,
    Actor,
    BatchId,
    Comment,
    Decision,
    DecisionId,
    QueueEntry,
    Status,
    Text,
    new_id,
)
from service.moderation import entries, publication
from service.moderation.publication import Seen
from service.store import comments, decisions, events, texts
from service.store.database import Transaction

EVENT_OF: dict[Action, str] = {
    Action.APPROVE: "comment.approved",
    Action.REJECT: "comment.rejected",
    Action.SPAM: "comment.marked_spam",
    Action.DELETE: "comment.deleted",
    Action.RESTORE: "comment.restored",
    Action.DISCARD_EDIT: "comment.edit_discarded",
    Action.HOLD: "comment.submitted",
    Action.WITHDRAW: "comment.withdrawn",
    Action.UNDO: "comment.decision_undone",
}
REASON_CODE = re.compile(r"(?=.{1,64}\Z)[a-z0-9]+([._-][a-z0-9]+)*")
"""A reason that is a code and no sentence, such as `off-topic`."""


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why, in the words of who decided: a reason for the record, a note for colleagues, a note for the author.

    `reason_text` is what the site's catalogue says to a reason that is a code of it.
    """

    reason: str | None = None
    note: str | None = None
    note_to_author: str | None = None
    reason_text: str | None = None


NO_REASONS = Reasons()


@dataclass(frozen=True, slots=True)
class ByRules:
    """That the site's policy decided: which of its rules, and why, where it says so. Without a version: it has none."""

    rules: tuple[str, ...] = ()
    policy_version: int | None = None
    reasons: Reasons = NO_REASONS


NO_RULES = ByRules()
ACTION_OF = {
    Status.APPROVED: Action.APPROVE,
    Status.PENDING: Action.HOLD,
    Status.REJECTED: Action.REJECT,
    Status.SPAM: Action.SPAM,
}
"""What the policy does with a text that leads to this status."""


def listed(comment: Comment) -> bool:
    """Whether a public list has an item for the comment: its text, or a tombstone on which replies stand."""
    return publication.is_public(comment) or comment.reply_count > 0


def store(tx: Transaction, before: Comment, after: Comment) -> Seen | None:
    """Replace `before` by `after`, keep the texts that leave it, carry the change to readers.

    What they see of it; None where that is nothing.
    """
    for text in _texts_that_leave(before, after):
        texts.keep(tx, before.id, text)
    shown_at = tx.now if publication.shows_news(before, after) else None
    if not comments.replace(tx, before, after, shown_at=shown_at):
        raise LookupError(f"comment {before.id} changed within its own transaction")
    return publication.apply(tx, before, after)


def decide(
    tx: Transaction,
    before: Comment | None,
    after: Comment,
    *,
    action: Action,
    actor: Actor,
    reasons: Reasons = NO_REASONS,
    entry: QueueEntry | None = None,
    undoes: DecisionId | None = None,
    more_waiting: int = 0,
    batch: BatchId | None = None,
    by: ByRules = NO_RULES,
) -> Decision:
    """Write down a decision that led from `before` (None: a new comment, stored already) to `after`.

    `entry` is the queue entry as it was, for undo. `more_waiting`: by how many the queue grew or (below 0) shrank.
    `batch` is what it is a part of.
    """
    seen = store(tx, before, after) if before else publication.apply(tx, None, after)
    event_type = "comment.submitted" if before is None else EVENT_OF[action]
    seq = events.append(
        tx,
        after.site,
        event_type,
        actor,
        post=after.post,
        comment_id=after.id,
        author=after.author_key,
        from_status=before.status if before else None,
        to_status=after.status,
        version=after.version,
        reason_code=_code(reasons.reason),
        post_revision=seen.revision if seen else None,
        about={"tombstones": seen.tombstones} if seen and seen.tombstones else {},
        more_waiting=more_waiting,
    )
    decision = Decision(
        id=DecisionId(new_id(tx.now)),
        site=after.site,
        seq=seq,
        comment_id=after.id,
        action=action,
        from_status=before.status if before else None,
        to_status=after.status,
        version=before.version if before else after.version,
        actor=actor,
        reason=reasons.reason,
        note=reasons.note,
        note_to_author=reasons.note_to_author,
        undoes=undoes,
        created_at=tx.now,
        batch=batch,
        reason_text=reasons.reason_text,
        rules=by.rules,
        policy_version=by.policy_version,
    )
    decisions.add(tx, decision, before=_state(before, after, entry) if before else None)
    return decision


def submitted(tx: Transaction, comment: Comment, by: ByRules, *, more_waiting: int) -> None:
    """Write down what the policy made of a new comment, which is stored already."""
    action, reasons = ACTION_OF[comment.status], by.reasons
    decide(tx, None, comment, action=action, actor=POLICY, reasons=reasons, more_waiting=more_waiting, by=by)


def edited(tx: Transaction, before: Comment, after: Comment, author: Actor, by: ByRules, *, more_waiting: int) -> None:
    """Write down an author's new text, which is judged and in the queue already. What the policy made of it is one
    line of the record, if that changed the status, and happened with the same event."""
    seen = store(tx, before, after)
    seq = events.append(
        tx,
        after.site,
        "comment.edited",
        author,
        post=after.post,
        comment_id=after.id,
        author=after.author_key,
        from_status=before.status,
        to_status=after.status,
        version=after.version,
        post_revision=seen.revision if seen else None,
        about={"tombstones": seen.tombstones} if seen and seen.tombstones else {},
        more_waiting=more_waiting,
    )
    if after.status is before.status:
        return
    ruled = Decision(
        id=DecisionId(new_id(tx.now)),
        site=after.site,
        seq=seq,
        comment_id=after.id,
        action=ACTION_OF[after.status],
        from_status=before.status,
        to_status=after.status,
        version=after.version,
        actor=POLICY,
        reason=by.reasons.reason,
        note=None,
        note_to_author=None,
        undoes=None,
        created_at=tx.now,
        reason_text=by.reasons.reason_text,
        rules=by.rules,
        policy_version=by.policy_version,
    )
    decisions.add(tx, ruled, before=None)


def _code(reason: str | None) -> str | None:
    """The reason where it is a code: events hold no sentence of anybody's."""
    return reason if reason is not None and REASON_CODE.fullmatch(reason) else None


def _state(before: Comment, after: Comment, entry: QueueEntry | None) -> Mapping[str, object]:
    """What undo puts back: everything about the comment that a decision may change, texts by their versions."""
    edit = before.pending_edit
    return {
        "status": before.status,
        "text_version": before.text.version,
        "published_at": before.published_at,
        "edit_version": edit.version if edit else None,
        "queue": entries.to_record(entry),
        **({"by_rule": True} if before.by_rule else {}),
        **({"label": asdict(before.label)} if before.label != after.label else {}),
    }


def _texts_that_leave(before: Comment, after: Comment) -> list[Text]:
    staying = {after.text.version, after.newest_text.version}
    return [text for text in (before.text, before.pending_edit) if text is not None and text.version not in staying]
