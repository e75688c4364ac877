"""A site's policy as it is judged by: frozen, made once of its document (`document.read`), and cheap to ask."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from functools import cached_property

from service.model import Milliseconds
from service.triage.asked import Asked
from service.triage.condition import BUILT_IN, Condition
from service.triage.facts import Value
from service.triage.judgement import Said
from service.triage.outcome import Outcome
from service.triage.rule import Rule


@dataclass(frozen=True, slots=True)
class Reason:
    """One line of the catalogue: what authors are told under a code."""

    code: str
    text: str
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Waves:
    """How far back near-duplicates belong together, and how long a decision on them is offered to latecomers."""

    same_text_hours: int = 72
    latecomers_minutes: int = 60


@dataclass(frozen=True, slots=True)
class Case:
    """One of the document's own tests: what is to come out of some facts.

    With a `text` the checks of the text say theirs, `given` overrides them, and what is left is *nothing*. `by` is None
    where the test does not say which rules are to decide. It is judged `at` a moment; None: on a Wednesday at noon, so
    that it comes out the same whenever somebody runs it.
    """

    name: str
    expect: Outcome
    text: str | None = None
    given: Mapping[str, Value | None] = field(default_factory=dict)
    could_not_run: tuple[str, ...] = ()
    at: Milliseconds | None = None
    by: frozenset[str] | None = None


@dataclass(frozen=True)
class Policy:
    """What one version of a site's document says. The order of `rules` means nothing."""

    version: int
    otherwise: Outcome
    zone: tzinfo = UTC
    people: Mapping[str, tuple[Condition, ...]] = field(default_factory=lambda: BUILT_IN)
    rules: tuple[Rule, ...] = ()
    lockdown: tuple[Rule, ...] = ()
    """Rules that are added while a lockdown lasts."""
    waiting_per_author: int | None = None
    waves: Waves = Waves()
    audit_share: float = 0.05
    reasons: tuple[Reason, ...] = ()
    require_reason: bool = False
    cases: tuple[Case, ...] = ()
    """The document's `tests`."""

    @cached_property
    def asked(self) -> Asked:
        """Its rules by what they ask."""
        return Asked(self.rules)

    @cached_property
    def asked_in_lockdown(self) -> Asked:
        """The same while a lockdown lasts."""
        return Asked((*self.rules, *self.lockdown))

    @cached_property
    def acts_alone(self) -> bool:
        """Whether some rule of it does something that no human looks at first."""
        return any(rule.acts_alone for rule in self.rules)

    @cached_property
    def says(self) -> Mapping[str, Said]:
        """What each of its rules says where it is true, and not braked."""
        return {rule.id: self._said(rule) for rule in self.rule_of.values()}

    def _said(self, rule: Rule) -> Said:
        reason = self.reason(rule.reason)
        return Said(rule.id, rule.title, rule.then, False, rule.reason, rule.priority, reason.text if reason else None)

    @cached_property
    def rule_of(self) -> Mapping[str, Rule]:
        """Its rules by their ids, those of a lockdown too."""
        return {rule.id: rule for rule in (*self.rules, *self.lockdown)}

    @cached_property
    def lists(self) -> frozenset[str]:
        """The site's lists that some rule of it names."""
        return frozenset(name for rule in (*self.rules, *self.lockdown) for name in rule.lists)

    def reason(self, code: str | None) -> Reason | None:
        """The line of the catalogue with this code."""
        return None if code is None else next((reason for reason in self.reasons if reason.code == code), None)


def of_premoderate(premoderate: bool) -> Policy:
    """Version 0, which a site has until somebody puts a document: everything waits, or nothing does."""
    return _EVERYTHING_WAITS if premoderate else _NOTHING_WAITS


_EVERYTHING_WAITS = Policy(0, Outcome.HOLD)
_NOTHING_WAITS = Policy(0, Outcome.PUBLISH)
