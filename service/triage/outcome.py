"""What a rule can say, and what becomes of a text: the outcomes in order of strictness."""

from collections.abc import Iterable
from enum import StrEnum


class Outcome(StrEnum):
    """From the mildest to the strictest. `refuse`: nothing is stored of text or author."""

    PUBLISH = "publish"
    HOLD = "hold"
    REJECT = "reject"
    SPAM = "spam"
    REFUSE = "refuse"


_STRICTNESS = {outcome: place for place, outcome in enumerate(Outcome)}


def strictness(outcome: Outcome) -> int:
    """A number that is the greater the stricter an outcome is. (Outcomes are texts, which compare by their letters.)"""
    return _STRICTNESS[outcome]


def strictest(outcomes: Iterable[Outcome]) -> Outcome:
    """The strictest of these. Raises ValueError where there is none."""
    return max(outcomes, key=strictness)
