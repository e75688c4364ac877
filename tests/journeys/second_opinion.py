"""The rules of the contract worked out a second time, in plain Python: what `test_random_walks` holds the service to.

Nothing here asks the service. Each verb says which problem code must come back; where none must, it says None and
changes what is expected.
"""

from dataclasses import dataclass, field, replace

from service.model import Milliseconds

EDIT_WINDOW_SECONDS = 900

# The transition table of the contract, as it is printed there.
NEXT = {
    ("pending", "approve"): "approved",
    ("pending", "reject"): "rejected",
    ("pending", "spam"): "spam",
    ("pending", "delete"): "deleted",
    ("approved", "approve"): "approved",
    ("approved", "reject"): "rejected",
    ("approved", "spam"): "spam",
    ("approved", "delete"): "deleted",
    ("rejected", "approve"): "approved",
    ("rejected", "spam"): "spam",
    ("rejected", "delete"): "deleted",
    ("rejected", "restore"): "pending",
    ("spam", "approve"): "approved",
    ("spam", "reject"): "rejected",
    ("spam", "delete"): "deleted",
    ("spam", "restore"): "pending",
    ("deleted", "restore"): "pending",
}


@dataclass(frozen=True)
class State:
    """What a decision may change about a comment, and undo puts back. Texts and titles are named by their markers."""

    status: str
    text: str
    edit: str | None = None
    title: str | None = None

    @property
    def public_text(self) -> str | None:
        """The text that readers must see; they must see no other."""
        return self.text if self.status == "approved" else None

    @property
    def waits(self) -> bool:
        """Whether the comment must be in the queue."""
        return self.status == "pending" or self.edit is not None

    def newest(self, status: str) -> "State":
        """In another status, with the newest text as its one text."""
        return State(status, self.edit or self.text, title=self.title)


@dataclass
class Post:
    """What is expected of a post."""

    key: str
    is_open: bool = True
    pinned: str | None = None


@dataclass
class Comment:
    """What is expected of a comment."""

    id: str
    author: int
    post: Post
    parent: "Comment | None"
    created_at: Milliseconds
    state: State
    version: int = 1
    newest_text_version: int = 1
    edits: int = 0
    is_withdrawn: bool = False
    texts: set[str] = field(default_factory=set)

    @property
    def children_are_allowed(self) -> bool:
        """Whether somebody may answer it."""
        return self.state.status == "approved"

    def become(self, after: State) -> None:
        """Change, raising the version."""
        self.is_withdrawn = False
        self.state = after
        self.version += 1


@dataclass
class Decision:
    """A moderator's decision that was carried out: what undoing it must bring back."""

    id: str
    comment: Comment
    before: State
    version_after: int
    seen_before: object
    """What a moderator saw of the comment before it, as the service showed it."""


@dataclass
class World:
    """Everything that is expected of one walk."""

    premoderate: bool
    posts: list[Post]
    comments: list[Comment] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    banned: set[int] = field(default_factory=set)

    def submit(self, author: int, post: Post, parent: Comment | None) -> str | None:
        """Which problem a submission meets."""
        if author in self.banned:
            return "banned"
        if not post.is_open:
            return "post-closed"
        if parent is not None and (parent.post is not post or not parent.children_are_allowed):
            return "unknown-parent"
        return None

    def submitted(self, comment: Comment) -> None:
        """A submission was taken."""
        if comment.state.status == "approved":
            comment.state = self._published(comment, comment.state, was_shown=False)
        self.comments.append(comment)

    def title_of(self, post: Post) -> str | None:
        """How a post is called: as a moderator says, else as its newest approved comment with a title calls it."""
        carrier = self._carrier(post)
        return post.pinned or (carrier.state.title if carrier else None)

    def would_rename(self, comment: Comment) -> str | None:
        """How a moderator's approval of a comment that waits would call its post; None where it changes nothing."""
        if comment.state.status != "pending":
            return None
        title = self._published(comment, comment.state, was_shown=True).title
        return title if comment.post.pinned is None and title != self.title_of(comment.post) else None

    def _carrier(self, post: Post) -> Comment | None:
        titled = [c for c in self.comments if c.post is post and c.state.status == "approved" and c.state.title]
        return max(titled, key=lambda comment: comment.created_at, default=None)

    def _published(self, comment: Comment, after: State, *, was_shown: bool) -> State:
        """A title that is not taken when its comment is published is never taken."""
        carrier = self._carrier(comment.post)
        if carrier is None or after.title in {None, carrier.state.title}:
            return after
        is_newer = comment.created_at > carrier.created_at
        return after if was_shown and is_newer and comment.post.pinned is None else replace(after, title=None)

    def _ruled(self, comment: Comment, after: State, *, was_shown: bool) -> None:
        if after.status == "approved" and comment.state.status != "approved":
            after = self._published(comment, after, was_shown=was_shown)
        comment.become(after)

    def edit(self, comment: Comment, author: int, *, version: int, text: str, now: Milliseconds) -> str | None:
        """An author wants another text."""
        if author != comment.author:
            return "forbidden" if comment.state.public_text else "unknown-comment"
        if author in self.banned:
            return "banned"
        if comment.state.status not in {"pending", "approved"}:
            return "not-editable"
        if now > comment.created_at + EDIT_WINDOW_SECONDS * 1000:
            return "edit-window-over"
        if not comment.post.is_open:
            return "post-closed"
        if version != comment.version:
            return "stale-version"
        waits = comment.state.status == "approved" and self.premoderate
        comment.become(
            replace(comment.state, edit=text) if waits else replace(comment.state, text=text, edit=None),
        )
        comment.newest_text_version = comment.version
        comment.edits += 1
        comment.texts.add(text)
        return None

    def withdraw(self, comment: Comment, author: int) -> str | None:
        """An author takes a comment back."""
        if author != comment.author:
            return "forbidden" if comment.state.public_text else "unknown-comment"
        if not comment.is_withdrawn:  # a moderator's delete could be undone, a withdrawal cannot
            comment.become(comment.state.newest("deleted"))
            comment.is_withdrawn = True
        return None

    def decide(self, comment: Comment, action: str, *, version: int) -> str | None:
        """A moderator decides."""
        if version > comment.version or version < comment.newest_text_version:
            return "stale-version"
        if version < comment.version:
            return "already-decided"
        if action == "discard_edit":
            if comment.state.edit is None:
                return "illegal-transition"
            comment.become(replace(comment.state, edit=None))
            return None
        status = NEXT.get((comment.state.status, action))
        if status is None:
            return "illegal-transition"
        self._ruled(comment, comment.state.newest(status), was_shown=comment.state.waits)
        return None

    def undo(self, decision: Decision) -> str | None:
        """A moderator takes a decision back."""
        comment = decision.comment
        if comment.version != decision.version_after:
            return "newer-decision"
        self._ruled(comment, decision.before, was_shown=True)
        return None
