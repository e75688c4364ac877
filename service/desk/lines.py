"""A decision as a line of the record."""

from dataclasses import dataclass
from typing import Final

from service.model import Action, ActorKind, Comment, Decision, DecisionId, Text

EXCERPT: Final = 140
"""Characters of a comment that a line shows."""


@dataclass(frozen=True, slots=True)
class Line:
    """A decision, the comment that it was about, and whether it may be undone: nothing newer stands on it.

    `excerpt` is of the text that was decided about; where that is not known (`is_as_now`), of the one that the comment
    has now. `is_old`: the comment has another one by now.
    """

    decision: Decision
    comment: Comment | None
    excerpt: str
    may_be_undone: bool
    undone_by: DecisionId | None
    is_as_now: bool
    is_old: bool


def line(decision: Decision, comment: Comment | None, undone_by: DecisionId | None, text: Text | None = None) -> Line:
    """The line of a decision. `comment` is None where the page is about that comment anyway, or it is gone; `text` is
    what was decided about, None where it is not known."""
    now = comment.newest_text if comment else None
    shown = text or now
    return Line(
        decision,
        comment,
        excerpt_of(shown) if shown else "",
        _stands(decision, comment),
        undone_by,
        is_as_now=text is None,
        is_old=text is not None and now is not None and text.version != now.version,
    )


def excerpt_of(text: Text) -> str:
    """The beginning of a text, in one line."""
    words = " ".join(text.body.split())
    return words if len(words) <= EXCERPT else f"{words[:EXCERPT].rstrip()}…"


def _stands(decision: Decision, comment: Comment | None) -> bool:
    """A moderator's decision raised the comment's version; a rule's came with a text, and may stand for newer ones."""
    if comment is None or decision.action is Action.HOLD:
        return False
    if decision.actor.kind is ActorKind.POLICY:
        return comment.version == decision.version or (comment.by_rule and comment.status is decision.to_status)
    return decision.actor.kind is ActorKind.MODERATOR and comment.version == decision.version + 1
