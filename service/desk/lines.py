"""A decision as a line of the record."""

from dataclasses import dataclass
from typing import Final

from service.model import Action, ActorKind, Comment, Decision, DecisionId

EXCERPT: Final = 140
"""Characters of a comment that a line shows."""


@dataclass(frozen=True, slots=True)
class Line:
    """A decision, the comment that it was about, and whether it may be undone: nothing newer stands on it."""

    decision: Decision
    comment: Comment | None
    excerpt: str
    may_be_undone: bool
    undone_by: DecisionId | None


def line(decision: Decision, comment: Comment | None, undone_by: DecisionId | None) -> Line:
    """The line of a decision. `comment` is None where the page is about that comment anyway, or it is gone."""
    return Line(decision, comment, excerpt_of(comment) if comment else "", _stands(decision, comment), undone_by)


def excerpt_of(comment: Comment) -> str:
    """The beginning of a comment's text, in one line."""
    words = " ".join(comment.newest_text.body.split())
    return words if len(words) <= EXCERPT else f"{words[:EXCERPT].rstrip()}…"


def _stands(decision: Decision, comment: Comment | None) -> bool:
    """A moderator's decision raised the comment's version, a rule's came with the text."""
    if comment is None or decision.action is Action.HOLD:
        return False
    if decision.actor.kind is ActorKind.POLICY:
        return comment.version == decision.version
    return decision.actor.kind is ActorKind.MODERATOR and comment.version == decision.version + 1
