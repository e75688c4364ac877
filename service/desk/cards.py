"""A comment as a card: who, where, why, the text, and what may be done. Made of nouns, for the templates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import quote

from markupsafe import Markup

from service.desk import difference, texts
from service.desk.marking import Source
from service.desk.why import Told
from service.model import (
    NO_LABEL,
    Action,
    Actor,
    Author,
    Comment,
    Decision,
    Label,
    Milliseconds,
    Post,
    QueueEntry,
    Reason,
    Status,
)

State = Literal["waiting", "decided", "conflict", "gone"]
Claim = Literal["free", "mine", "other"]
KEYS: Final = {Action.APPROVE: "a", Action.REJECT: "r", Action.SPAM: "s", Action.DISCARD_EDIT: "e"}
"""One key for each decision that is pressed often. What deletes has none."""
CONFIRMING: Final = {Status.APPROVED: Action.APPROVE, Status.REJECTED: Action.REJECT, Status.SPAM: Action.SPAM}
"""What a moderator decides who agrees with a rule."""
MOST_UNFOLDED: Final = 600
MOST_LINES: Final = 12
"""Of a text that a phone shows whole."""
_MAIN: Final = (Action.APPROVE, Action.DISCARD_EDIT, Action.REJECT, Action.SPAM)
_MORE: Final = (Action.RESTORE, Action.DELETE)


@dataclass(frozen=True, slots=True)
class Button:
    """What may be done: its value in the form, the name of its words, the key that does the same."""

    action: Action
    words: str
    key: str | None
    look: str


@dataclass(frozen=True, slots=True)
class Edit:
    """The approved text and the one that waits, with what differs marked; and the new one as readers would see it."""

    published: Markup
    new: Markup
    html: Markup


@dataclass(frozen=True, slots=True)
class Card:
    """Everything that a card shows. `held_by` is who holds it, and `held_until`.

    `told` is what rules said, where that is why it waits or what it is; `source` the text as its author wrote it, where
    the marks of that cannot be shown in the HTML. `urgency` are the parts of its priority, where these order the page.
    """

    comment: Comment
    author: Author
    post: Post
    post_url: str | None
    parent: Comment | None
    parent_html: Markup | None
    label: Label
    reasons: Sequence[Reason]
    waiting_since: Milliseconds | None
    told: Told | None
    urgency: Sequence[tuple[str, int]]
    text: Markup
    source: Markup | None
    edit: Edit | None
    main: Sequence[Button]
    more: Sequence[Button]
    claim: Claim
    held_by: Actor | None
    held_until: Milliseconds | None
    decision: Decision | None
    state: State
    is_first: bool
    is_banned: bool
    is_ruled: bool

    @property
    def is_long(self) -> bool:
        """Whether the text is more than fits on the screen of a phone."""
        texts = [self.comment.text.body, self.comment.newest_text.body]
        return any(len(body) > MOST_UNFOLDED or body.count("\n") > MOST_LINES for body in texts)

    @property
    def author_path(self) -> str:
        """From the queue to the author's page."""
        return author_path(self.author.key)

    @property
    def post_path(self) -> str:
        """From the queue to the post's page."""
        return post_path(self.post.key)


def author_path(key: str) -> str:
    """From the queue to the page of an author."""
    return f"authors/{quote(key, safe='')}"


def post_path(key: str) -> str:
    """From the queue to the page of a post."""
    return f"posts/{quote(key, safe='')}"


def card(
    comment: Comment,
    author: Author,
    post: Post,
    *,
    post_url: str | None,
    parent: Comment | None,
    label: Label | None,
    entry: QueueEntry | None,
    decision: Decision | None,
    allowed: Sequence[Action],
    moderator: Actor,
    now: Milliseconds,
    state: State = "waiting",
    is_ruled: bool = False,
    told: Told | None = None,
    urgency: Sequence[tuple[str, int]] = (),
) -> Card:
    """The card of a comment, for this moderator. `post_url` is where the post is, if it is on the site's own pages;
    `is_ruled`: only a rule has decided about it."""
    holder = entry.claimed_by if entry else None
    edit, marks = comment.pending_edit, told.marks if told else ()
    source = Source(comment.text.body, () if edit else marks)
    marked = source.in_html(comment.text.html)
    confirming = CONFIRMING.get(comment.status) if is_ruled else None
    return Card(
        comment=comment,
        author=author,
        post=post,
        post_url=post_url,
        parent=parent,
        parent_html=texts.shown(parent.text.html) if parent else None,
        label=label or NO_LABEL,
        reasons=entry.reasons if entry else (),
        waiting_since=entry.waiting_since if entry else None,
        told=told,
        urgency=urgency,
        text=texts.shown(comment.text.html if marked is None else marked),
        source=source.whole if marked is None else None,
        edit=Edit(*difference.marked(comment.text.body, edit.body, marks), texts.shown(edit.html)) if edit else None,
        main=_buttons(_MAIN, comment, allowed, confirming, waits=entry is not None),
        more=_buttons(_MORE, comment, allowed, None, waits=entry is not None),
        claim="free" if holder is None else "mine" if holder.key == moderator.key else "other",
        held_by=holder,
        held_until=entry.claimed_until if entry else None,
        decision=decision,
        state=state,
        is_first=author.first_seen == comment.created_at and author.approved + author.rejected == 0,
        is_banned=author.banned_until is not None and author.banned_until > now,
        is_ruled=is_ruled,
    )


def _buttons(
    wanted: Sequence[Action], comment: Comment, allowed: Sequence[Action], confirming: Action | None, *, waits: bool
) -> list[Button]:
    """What of this may be done. An approved comment about which nobody asks needs no approval, unless to confirm that
    of a rule."""
    needs_none = comment.status is Status.APPROVED and not waits and comment.pending_edit is None
    return [
        Button(action, _words(action, comment, confirming), KEYS.get(action), _look(action, confirming))
        for action in wanted
        if action in allowed and not (action is Action.APPROVE and needs_none and confirming is not action)
    ]


def _look(action: Action, confirming: Action | None) -> str:
    """The button that is meant to be pressed most stands out."""
    return ("primary" if action is confirming else "") if confirming else str(action)


def _words(action: Action, comment: Comment, confirming: Action | None) -> str:
    if action is confirming:
        return f"do.confirm.{action}"
    if comment.pending_edit is not None and action in (Action.APPROVE, Action.REJECT):
        return f"do.{action}.edit"
    if action is Action.APPROVE and comment.status is Status.APPROVED:
        return "do.approve.again"
    return f"do.{action}"
