"""Conditions: tests on facts, all of which must hold. Rules and `people` of a policy are made of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from service.model import Role
from service.triage.facts import Facts, Value
from service.triage.logic import FALSE, TRUE, UNKNOWN, Truth


@dataclass(frozen=True, slots=True)
class NumberTest:
    """A number or share within bounds, both inclusive."""

    fact: str
    at_least: float | None = None
    at_most: float | None = None

    def holds(self, value: Value) -> bool:
        """Whether a number that was found passes."""
        if isinstance(value, frozenset):
            return False
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)


@dataclass(frozen=True, slots=True)
class FlagTest:
    """A flag that is set, or is not."""

    fact: str
    is_set: bool

    def holds(self, value: Value) -> bool:
        """Whether a flag that was found passes."""
        return value is self.is_set


@dataclass(frozen=True, slots=True)
class NamesTest:
    """One name of some at least. `beginnings` are the names that ended in `*`, without it."""

    fact: str
    whole: frozenset[str]
    beginnings: tuple[str, ...] = ()

    def holds(self, value: Value) -> bool:
        """Whether names that were found hold one of these."""
        if not isinstance(value, frozenset):
            return False
        return not value.isdisjoint(self.whole) or any(name.startswith(self.beginnings) for name in value)


Test = NumberTest | FlagTest | NamesTest


@dataclass(frozen=True, slots=True)
class Condition:
    """Some tests, all of which must hold. Without tests it always holds."""

    tests: tuple[Test, ...]

    def truth(self, facts: Facts) -> Truth:
        """A test on *nothing* is false; one on a fact that could not run is unknown.

        This is `all_of`, written out: it is the innermost loop of judging.
        """
        values, unknown = facts.values, facts.unknown
        least = TRUE
        for test in self.tests:
            if test.fact in unknown:
                least = UNKNOWN
            elif (value := values.get(test.fact)) is None or not test.holds(value):
                return FALSE
        return least


ALWAYS: Final = Condition(())
BUILT_IN: Final[Mapping[str, tuple[Condition, ...]]] = {
    "staff": (Condition((NamesTest("author.role", frozenset(str(role) for role in Role)),)),),
    "trusted": (Condition((FlagTest("author.trusted", is_set=True),)),),
    "newcomers": (Condition((NumberTest("author.approved", at_most=0),)),),
}
"""Who is meant by a name in every policy."""
