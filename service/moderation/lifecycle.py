"""The table of what may become of a comment. Every path to a new status goes through it; nothing comes after it."""

from service.model import Action, Comment, Status

_NEXT: dict[Status, dict[Action, Status]] = {
    Status.PENDING: {
        Action.APPROVE: Status.APPROVED,
        Action.REJECT: Status.REJECTED,
        Action.SPAM: Status.SPAM,
        Action.DELETE: Status.DELETED,
    },
    Status.APPROVED: {
        Action.APPROVE: Status.APPROVED,
        Action.REJECT: Status.REJECTED,
        Action.SPAM: Status.SPAM,
        Action.DELETE: Status.DELETED,
    },
    Status.REJECTED: {
        Action.APPROVE: Status.APPROVED,
        Action.SPAM: Status.SPAM,
        Action.DELETE: Status.DELETED,
        Action.RESTORE: Status.PENDING,
    },
    Status.SPAM: {
        Action.APPROVE: Status.APPROVED,
        Action.REJECT: Status.REJECTED,
        Action.DELETE: Status.DELETED,
        Action.RESTORE: Status.PENDING,
    },
    Status.DELETED: {
        Action.RESTORE: Status.PENDING,
    },
}

CONFIRMS = {Action.REJECT: Status.REJECTED, Action.SPAM: Status.SPAM}
"""By these a human agrees with what only a rule has said so far."""
EDITABLE = frozenset({Status.PENDING, Status.APPROVED})
"""In these, as its author is told, they may edit a comment."""


def next_status(comment: Comment, action: Action) -> Status | None:
    """What a moderator's `action` makes of `comment`; None where it is not possible."""
    if action is Action.DISCARD_EDIT:
        return comment.status if comment.pending_edit else None
    if comment.by_rule and CONFIRMS.get(action) is comment.status:
        return comment.status
    return _NEXT[comment.status].get(action)


def allowed(comment: Comment) -> list[Action]:
    """What a moderator may do with `comment` now: the buttons to show."""
    return [action for action in Action if next_status(comment, action) is not None]
