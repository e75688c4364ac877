"""The check `author`: numbers from the author's row, and what the login says they are."""

import pytest

from service.model import Role
from service.triage.seen import Author
from tests.triage.checks.looking import codes, context, found
from tests.triage.policies import NOON

DAY = 86_400_000


def test_facts_are_those_of_the_row_and_of_the_login() -> None:
    author = Author(
        approved=7,
        rejected=2,
        waiting=1,
        first_seen=NOON - 8 * DAY + 1,
        trusted=True,
        roles=frozenset({Role.MODERATOR, Role.ADMIN}),
        login="jwt",
        decided_90_days=8,
        refused_90_days=2,
    )
    values = found("Hello", context(author)).values
    assert {name: value for name, value in values.items() if name.startswith("author.")} == {
        "author.approved": 7,
        "author.rejected": 2,
        "author.waiting": 1,
        "author.rejected_share": 0.25,
        "author.known_days": 7,
        "author.trusted": True,
        "author.role": {"moderator", "admin"},
        "author.login": {"jwt"},
    }


def test_somebody_who_never_wrote_here_is_known_for_no_day() -> None:
    values = found("Hello").values
    assert (values["author.known_days"], values["author.approved"], values["author.role"]) == (0, 0, frozenset())


def test_first_seen_may_lie_ahead_of_the_clock() -> None:
    assert found("Hello", context(Author(first_seen=NOON + 1))).values["author.known_days"] == 0


@pytest.mark.parametrize(("decided", "refused", "share"), [(0, 0, None), (4, 4, None), (5, 0, 0.0), (5, 5, 1.0)])
def test_share_of_refusals_needs_five_decisions(decided: int, refused: int, share: float | None) -> None:
    author = Author(decided_90_days=decided, refused_90_days=refused)
    assert found("Hello", context(author)).values["author.rejected_share"] == share


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        (Author(), ["newcomer"]),
        (Author(approved=1), []),
        (Author(approved=1, trusted=True), ["trusted"]),
        (Author(approved=1, decided_90_days=6, refused_90_days=2), ["bad-record"]),
        (Author(approved=1, decided_90_days=7, refused_90_days=2), []),
    ],
)
def test_people_read_what_stands_out(author: Author, expected: list[str]) -> None:
    assert codes(found("Hello", context(author))) == expected
