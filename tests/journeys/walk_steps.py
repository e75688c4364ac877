"""What may happen in a random walk: every kind of step, and how likely each is. Called by `test_random_walks`."""

from dataclasses import dataclass

from hypothesis import strategies as st

ACTIONS = ["approve", "reject", "spam", "delete", "restore", "discard_edit"]

someone = st.integers(0, 2)
# Counted back from the one that was touched last: stories happen to a comment, not to a crowd.
any_comment = st.sampled_from([0, 0, 0, 0, 1, 1, 2, 3, 5, 8])
any_post = st.integers(0, 1)
# Mostly the usual, sometimes the odd.
usually = st.sampled_from([True, True, True, False])


@dataclass(frozen=True)
class Submit:
    who: int
    post: int
    parent: int | None


@dataclass(frozen=True)
class Edit:
    comment: int
    own: bool
    fresh: bool


@dataclass(frozen=True)
class Withdraw:
    comment: int
    own: bool


@dataclass(frozen=True)
class Decide:
    comment: int
    action: str
    moderator: int
    fresh: bool


@dataclass(frozen=True)
class Bulk:
    rulings: list[tuple[int, str]]


@dataclass(frozen=True)
class Undo:
    back: int


@dataclass(frozen=True)
class Ban:
    who: int
    lifted: bool


@dataclass(frozen=True)
class OpenPost:
    post: int
    is_open: bool


@dataclass(frozen=True)
class Wait:
    seconds: float


submit = st.builds(Submit, someone, any_post, st.none() | any_comment)
edit = st.builds(Edit, any_comment, usually, usually)
decide = st.builds(Decide, any_comment, st.sampled_from([*ACTIONS, "approve", "approve"]), st.integers(0, 1), usually)
undo = st.builds(Undo, st.sampled_from([0, 0, 0, 0, 1, 2]))
step = st.one_of(
    submit,
    submit,
    edit,
    edit,
    decide,
    decide,
    decide,
    undo,
    undo,
    st.builds(Withdraw, any_comment, usually),
    st.builds(Bulk, st.lists(st.tuples(any_comment, st.sampled_from(ACTIONS)), min_size=1, max_size=4)),
    st.builds(Ban, someone, usually),
    st.builds(OpenPost, any_post, usually),
    st.builds(Wait, st.sampled_from([0.001, 1.0, 600.0])),
)
