"""A rule of a policy: for whom, when, then. `judge` asks each whether it speaks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from functools import cached_property
from typing import Final

from service.model import Milliseconds
from service.triage.condition import ALWAYS, Condition, NamesTest, Test
from service.triage.facts import Facts
from service.triage.logic import FALSE, TRUE, UNKNOWN, Truth, all_of, any_of, opposite
from service.triage.outcome import Outcome


class Day(StrEnum):
    """A day of the week, in the order of the week."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


DAYS: Final = tuple(Day)
LISTS: Final = "lists.matched"
"""The fact whose names are lists of the site."""


class Moment:
    """When a text is judged, and what a clock on the site's wall shows then."""

    def __init__(self, time: Milliseconds, zone: tzinfo) -> None:
        self.time = time
        self._zone = zone

    @cached_property
    def on_the_wall(self) -> tuple[int, int]:
        """The day of the week (Monday is 0) and the minute of the day."""
        try:
            shown = datetime.fromtimestamp(self.time // 1000, self._zone)
        except OverflowError:  # on the first or last day that there is; other zones have no such day
            shown = datetime.fromtimestamp(self.time // 1000, UTC)
        return shown.weekday(), shown.hour * 60 + shown.minute


class Mode(StrEnum):
    """`observe`: what the rule would say is counted and shown, and never done."""

    LIVE = "live"
    OBSERVE = "observe"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of some days of the week, in minutes of the clock on the wall.

    Where `end` is not later than `start` it goes over midnight, and belongs to the day on which it began. On a night
    when clocks are changed, what they show counts: an hour that comes twice is in the window twice.
    """

    days: frozenset[int]
    start: int
    end: int

    def holds(self, day: int, minute: int) -> bool:
        """Whether this minute of this day of the week (Monday is 0) is in it."""
        if self.start < self.end:
            return day in self.days and self.start <= minute < self.end
        return (day in self.days and minute >= self.start) or ((day - 1) % 7 in self.days and minute < self.end)


@dataclass(frozen=True, slots=True)
class Brake:
    """When a rule that acts alone is made to hold: it acted on more than this share of arrivals after a change, or so
    often in a day."""

    share: float = 0.05
    per_day: int = 200


@dataclass(frozen=True)
class Rule:
    """Alternatives of conditions, for some people, that say an outcome. The members are those of the document."""

    id: str
    title: str
    then: Outcome
    when: tuple[Condition, ...] = (ALWAYS,)
    unless: tuple[Condition, ...] = ()
    only_for: tuple[str, ...] = ()
    not_for: tuple[str, ...] = ()
    mode: Mode = Mode.LIVE
    during: tuple[Window, ...] = ()
    until: Milliseconds | None = None
    reason: str | None = None
    priority: int = 0
    brake: Brake | None = None

    @cached_property
    def tests(self) -> tuple[Test, ...]:
        """All tests of `when` and `unless`."""
        return tuple(test for condition in (*self.when, *self.unless) for test in condition.tests)

    @cached_property
    def facts(self) -> frozenset[str]:
        """The facts that these ask."""
        return frozenset(test.fact for test in self.tests)

    @cached_property
    def looks_at_people_only(self) -> bool:
        """Whether it never asks anything but who the author is. (`when: [{}]`)"""
        return all(fact.startswith("author.") for fact in self.facts)

    @cached_property
    def lists(self) -> frozenset[str]:
        """The site's lists that it names in full: where one is missing nobody knows what the rule would say."""
        return frozenset(name for test in self._tests_of_lists for name in test.whole)

    def names_list(self, name: str) -> bool:
        """Whether it names this list of the site, in full or by its beginning."""
        return any(test.holds(frozenset([name])) for test in self._tests_of_lists)

    @property
    def _tests_of_lists(self) -> Iterator[NamesTest]:
        return (test for test in self.tests if isinstance(test, NamesTest) and test.fact == LISTS)

    @property
    def acts_alone(self) -> bool:
        """Whether it does something that no human looks at first."""
        return self.mode is Mode.LIVE and self.then is not Outcome.HOLD

    def truth(self, facts: Facts, at: Moment, people: Callable[[tuple[str, ...]], Truth]) -> Truth:
        """Whether it speaks: people **and** when **and** not unless **and** during. `people` says whether the author
        is one of some.

        Most rules are silent because of their `when`: so that is asked first, by `any_of` written out.
        """
        when = FALSE
        for condition in self.when:
            truth = condition.truth(facts)
            if truth is TRUE:
                when = TRUE
                break
            if truth is UNKNOWN:
                when = UNKNOWN
        if when is FALSE or (self.until is not None and at.time >= self.until):
            return FALSE
        if self.during and not any(window.holds(*at.on_the_wall) for window in self.during):
            return FALSE
        meant = people(self.only_for) if self.only_for else TRUE
        unless = any_of([condition.truth(facts) for condition in self.unless]) if self.unless else FALSE
        return all_of((meant, when, opposite(people(self.not_for)), opposite(unless)))
