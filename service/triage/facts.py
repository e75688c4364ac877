"""What checks say of a text: facts, which rules ask about, and verdicts, which people read.

A check declares its facts with `number`, `share`, `flag` or `names`. `look` runs the checks, `judge` asks the facts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import isfinite
from typing import Any, Final

Value = int | float | bool | frozenset[str]
"""A fact as a check found it. Where a check abstains there is none: the fact is *nothing*, written None."""
MAX_SPANS: Final = 20


class Kind(StrEnum):
    """What a fact can be. A share is a number from 0 to 1."""

    NUMBER = "number"
    SHARE = "share"
    FLAG = "flag"
    NAMES = "names"


@dataclass(frozen=True, slots=True, eq=False)
class Fact:
    """One value that a check finds. Its name has two words, for example `links.count`; `meaning` is for the manual.

    A check declares it once and uses that very object from then on (to compare two by their members costs ten times as
    much, for every value of every text).
    """

    name: str
    kind: Kind
    meaning: str

    @property
    def is_about_author(self) -> bool:
        """Whether it says who people are, so that `people` of a policy may ask it."""
        return self.name.startswith("author.")

    def takes(self, value: object) -> bool:
        """Whether this can be the fact's value. None (*nothing*) always can."""
        if value is None:
            return True
        if self.kind is Kind.FLAG:
            return isinstance(value, bool)
        if self.kind is Kind.NAMES:
            return isinstance(value, frozenset) and all(isinstance(name, str) for name in value)
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            return False
        return self.kind is Kind.NUMBER or 0 <= value <= 1


def number(name: str, meaning: str) -> Fact:
    """Declare a fact that is a number."""
    return Fact(name, Kind.NUMBER, meaning)


def share(name: str, meaning: str) -> Fact:
    """Declare a fact that is a number from 0 to 1."""
    return Fact(name, Kind.SHARE, meaning)


def flag(name: str, meaning: str) -> Fact:
    """Declare a fact that is true or false."""
    return Fact(name, Kind.FLAG, meaning)


def names(name: str, meaning: str) -> Fact:
    """Declare a fact that is a set of names, perhaps an empty one."""
    return Fact(name, Kind.NAMES, meaning)


class Lean(StrEnum):
    """What a check would do, if checks decided. Only rules decide."""

    PASS = "pass"  # noqa: S105 - no password
    HOLD = "hold"
    SPAM = "spam"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of the body as its author wrote it, in Unicode code points; `end` stands behind the last one."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a person reads of a check. `code` is for programs to translate, `text` is the sentence in English.

    `explains` says of which facts it speaks, and which part of their values; None: of everything that its check found.
    A rule that spoke because of that part is shown beside the verdict. `more` holds the members that only this kind of
    verdict has, as JSON (`list` and `entry` of a listed word).
    """

    code: str
    text: str
    lean: Lean | None = None
    score: float | None = None
    spans: tuple[Span, ...] = ()
    explains: Mapping[Fact, Value] | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    check: str = ""
    """Which check said so; `look` fills it in."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What one check says of one text. A declared fact that it does not name is *nothing*."""

    facts: Mapping[Fact, Value | None]
    verdicts: tuple[Verdict, ...] = ()


class CouldNotRun(Exception):  # noqa: N818  # no fault, but an answer: the fact is unknown
    """A check raises this where it cannot say its facts. The sentence is for moderators.

    Any other exception in a check means the same, with a sentence of ours; whoever ran the checks logs it.
    """


@dataclass(frozen=True, slots=True)
class Failure:
    """A check that could not run: the facts that are unknown now, and why. `error` is a fault in it, to be logged."""

    check: str
    facts: frozenset[str]
    text: str
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What all checks found, by the facts' names. A fact that is neither here nor in `failures` is *nothing*."""

    values: Mapping[str, Value | None] = field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()
    failures: tuple[Failure, ...] = ()
    unknown: frozenset[str] = field(init=False)
    """The facts that could not run."""

    def __post_init__(self) -> None:
        unknown = frozenset(name for failure in self.failures for name in failure.facts)
        object.__setattr__(self, "unknown", unknown)

    def joined(self, others: "Facts") -> "Facts":
        """These and what other checks found of the same text."""
        return Facts({**self.values, **others.values}, self.verdicts + others.verdicts, self.failures + others.failures)

    def given(self, values: Mapping[str, Value | None]) -> "Facts":
        """The same, but with these values, whatever the checks said of them."""
        left = (replace(failure, facts=failure.facts - values.keys()) for failure in self.failures)
        return Facts({**self.values, **values}, self.verdicts, tuple(failure for failure in left if failure.facts))

    def as_json(self) -> dict[str, Any]:
        """Each fact that a check said, names as a sorted list; *nothing* is null. What could not run is left out."""
        return {
            name: sorted(value) if isinstance(value, frozenset) else value
            for name, value in sorted(self.values.items())
            if name not in self.unknown
        }


def spans_of(found: Iterable[tuple[int, int]]) -> tuple[Span, ...]:
    """Spans as a verdict has them: in order, none empty, what overlaps made one, the first 20."""
    return spans_in_order(sorted(found))


def spans_in_order(found: Iterable[tuple[int, int]]) -> tuple[Span, ...]:
    """The same of what is in order already; no more is asked for than is needed."""
    spans: list[Span] = []
    for start, end in found:
        if spans and start < spans[-1].end:
            spans[-1] = Span(spans[-1].start, max(end, spans[-1].end))
        elif end > start:
            if len(spans) == MAX_SPANS:
                break
            spans.append(Span(start, end))
    return tuple(spans)
