"""What may happen in a random walk: every kind of step, and how likely each is. Called by `test_random_walks`."""

from dataclasses import dataclass

from hypothesis import strategies as st

ACTIONS = ["approve", "reject", "spam", "delete", "restore", "discard_edit"]

someone = st.integers(0, 2)
# Counted back from the one that was touched last: stories happen to a comment, not to a crowd.
any_comment = st.sampled_from([0, 0, 0, 0, 1, 1, 2, 3, 5, 8])
any_post = st.integers(0, 1)
any_title = st.sampled_from([None, 0, 0, 1, 2])
# Mostly the usual, sometimes the odd.
usually = st.sampled_from([True, True, True, False])


@dataclass(frozen=True)
class Submit:
    """A comment on a post, perhaps in reply to one."""

    who: int
    post: int
    parent: int | None
    title: int | None = 0


@dataclass(frozen=True)
class Edit:
    """Another text: by the author or by somebody else, upon the newest version or an older one."""

    comment: int
    own: bool
    fresh: bool


@dataclass(frozen=True)
class Withdraw:
    """The author, or somebody else, takes a comment back."""

    comment: int
    own: bool


@dataclass(frozen=True)
class Decide:
    """A moderator decides upon the newest version or an older one."""

    comment: int
    action: str
    moderator: int
    fresh: bool


@dataclass(frozen=True)
class Bulk:
    """A moderator decides about several comments in one call."""

    rulings: list[tuple[int, str]]


@dataclass(frozen=True)
class Undo:
    """A moderator takes the last decision back, or one so many before it."""

    back: int


@dataclass(frozen=True)
class Ban:
    """An author is banned for ever, or no longer."""

    who: int
    lifted: bool


@dataclass(frozen=True)
class OpenPost:
    """A post is opened or closed."""

    post: int
    is_open: bool


@dataclass(frozen=True)
class Pin:
    """A moderator says how a post is called, or that comments say it again."""

    post: int
    title: int | None


@dataclass(frozen=True)
class Wait:
    """Time passes."""

    seconds: float


KINDS: dict[str, st.SearchStrategy[object]] = {
    "submit": st.builds(Submit, someone, any_post, st.none() | any_comment, any_title),
    "edit": st.builds(Edit, any_comment, usually, usually),
    "withdraw": st.builds(Withdraw, any_comment, usually),
    "decide": st.builds(
        Decide, any_comment, st.sampled_from([*ACTIONS, "approve", "approve"]), st.integers(0, 1), usually
    ),
    "bulk": st.builds(Bulk, st.lists(st.tuples(any_comment, st.sampled_from(ACTIONS)), min_size=1, max_size=4)),
    "undo": st.builds(Undo, st.sampled_from([0, 0, 0, 0, 1, 2])),
    "ban": st.builds(Ban, someone, usually),
    "open": st.builds(OpenPost, any_post, usually),
    "pin": st.builds(Pin, any_post, any_title),
    "wait": st.builds(Wait, st.sampled_from([0.001, 1.0, 600.0])),
}
# What people do most comes most: `one_of` would make withdrawing as frequent as deciding, and nothing would last.
KIND = "decide " * 8 + "submit " * 5 + "edit " * 4 + "undo " * 4 + "bulk " * 2 + "wait withdraw ban open pin"
step = st.sampled_from(KIND.split()).flatmap(KINDS.__getitem__)

APPROVE = Decide(0, "approve", 0, fresh=True)
SCENES: dict[str, list[object]] = {
    "one comment": [Submit(0, 0, None)],
    "an edit that waits": [Submit(0, 0, None), APPROVE, Edit(0, own=True, fresh=True)],
    "a thread": [Submit(0, 0, None), APPROVE, Submit(1, 0, 0), APPROVE, Submit(2, 0, 0), APPROVE],
}
"""What a walk may begin with: chance alone seldom comes to these."""
