"""Writes one change of a comment: its row, the line in the record, the counts and the event, together.

Every verb that changes a comment ends here, so no status is without an explanation and no explanation without an event.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from service.model import Action, Actor, Comment, Decision, DecisionId, PendingEdit, QueueEntry, new_id
from service.moderation import publication
from service.moderation.publication import Seen
from service.render import RENDERER_VERSION
from service.store import comments, decisions, events
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


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why, in the words of who decided: a reason for the record, a note for colleagues, a note for the author."""

    reason: str | None = None
    note: str | None = None
    note_to_author: str | None = None


NO_REASONS = Reasons()


def body_hash(body: str) -> str:
    """A hash by which equal texts are found (SHA-256)."""
    return hashlib.sha256(body.encode()).hexdigest()


def listed(comment: Comment) -> bool:
    """Whether a public list has an item for the comment: its text, or a tombstone on which replies stand."""
    return publication.is_public(comment) or comment.reply_count > 0


def store(tx: Transaction, before: Comment, after: Comment) -> Seen | None:
    """Replace `before` by `after`, keep the texts that leave it, carry the change to readers.

    What they see of it; None where that is nothing.
    """
    for text in _texts_that_leave(before, after):
        comments.keep_text(tx, before.id, text, renderer=RENDERER_VERSION)
    shown_at = tx.now if publication.shows_news(before, after) else None
    fresh_hash = body_hash(after.body)
    if not comments.replace(tx, before, after, body_hash=fresh_hash, renderer=RENDERER_VERSION, shown_at=shown_at):
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
) -> Decision:
    """Write down a decision that led from `before` (None: a new comment, stored already) to `after`.

    `entry` is the queue entry as it was, for undo. `more_waiting`: by how many the queue grew or (below 0) shrank.
    """
    seen = store(tx, before, after) if before else publication.apply(tx, None, after)
    event_type = "comment.submitted" if before is None else EVENT_OF[action]
    decision_id = DecisionId(new_id(tx.now))
    seq = events.append(
        tx,
        after.site,
        event_type,
        post=after.post,
        comment_id=after.id,
        post_revision=seen.revision if seen else None,
        about=_about(before, after, decision_id, seen),
        more_waiting=more_waiting,
    )
    decision = Decision(
        id=decision_id,
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
    )
    decisions.add(tx, decision, before=_state(before, after, entry) if before else None)
    return decision


def _about(before: Comment | None, after: Comment, decision_id: DecisionId, seen: Seen | None) -> Mapping[str, object]:
    tombstones = {"tombstones": seen.tombstones} if seen and seen.tombstones else {}
    return {
        "from_status": before.status if before else None,
        "to_status": after.status,
        "version": after.version,
        "decision_id": decision_id,
        **tombstones,
    }


def _state(before: Comment, after: Comment, entry: QueueEntry | None) -> Mapping[str, object]:
    """What undo puts back: everything about the comment that a decision may change, texts by their versions."""
    edit = before.pending_edit
    return {
        "status": before.status,
        "text_version": before.text_version,
        "edited_at": before.edited_at,
        "published_at": before.published_at,
        "edit_version": edit.version if edit else None,
        "queue": {"why": entry.why, "priority": entry.priority, "waiting_since": entry.waiting_since}
        if entry
        else None,
        **({"label": asdict(before.label)} if before.label != after.label else {}),
    }


def _texts_that_leave(before: Comment, after: Comment) -> list[PendingEdit]:
    staying = {after.text_version, after.pending_edit.version if after.pending_edit else 0}
    own = PendingEdit(before.body, before.html, before.text_version, before.edited_at or before.created_at)
    return [text for text in (own, before.pending_edit) if text is not None and text.version not in staying]
