"""What a policy says that its author may not have meant. The document is saved all the same."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from service.model import Milliseconds
from service.triage.condition import BUILT_IN, Condition, NamesTest, NumberTest
from service.triage.document.message import Message
from service.triage.outcome import Outcome
from service.triage.policy import Policy
from service.triage.rule import LISTS, Mode, Rule

SURELY_SPAM: Final = 0.95
SURELY_FINE: Final = 0.05
"""Wikimedia lets no model act alone on less."""
OFTEN: Final = 0.9
"""A fact that is *nothing* for a greater share of texts abstains often."""


@dataclass(frozen=True, slots=True)
class Warned:
    """One warning. `code` is for programs."""

    pointer: str
    code: str
    message: Message

    @property
    def detail(self) -> str:
        """What it says, in English."""
        return str(self.message)


@dataclass(frozen=True, slots=True)
class Experience:
    """What a site's store knows of the names in a document: its lists, those without an entry, and of the texts that
    came lately for which share of them a fact was *nothing*."""

    lists: frozenset[str] = frozenset()
    empty_lists: frozenset[str] = frozenset()
    nothing: Mapping[str, float] = field(default_factory=dict)


NO_EXPERIENCE: Final = Experience()


def of(policy: Policy, now: Milliseconds, experience: Experience = NO_EXPERIENCE) -> Iterator[Warned]:
    """All warnings."""
    for pointer, rule in _placed(policy):
        if rule.until is not None and rule.until <= now:
            yield Warned(f"{pointer}/until", "long-gone", Message("is past: the rule says nothing any more"))
        elif rule.mode is Mode.LIVE:
            yield from _of_live(pointer, rule, policy)
        if rule.mode is not Mode.OFF:
            yield from _of_conditions(f"{pointer}/when", rule.when, experience)
            yield from _of_conditions(f"{pointer}/unless", rule.unless, experience)
    for name, conditions in policy.people.items():
        if name not in BUILT_IN:
            yield from _of_conditions(f"/people/{name}", conditions, experience)
    yield from _unused(policy, experience)


def _of_conditions(pointer: str, conditions: Sequence[Condition], experience: Experience) -> Iterator[Warned]:
    """Tests that hardly ever hold, as far as anybody has seen."""
    for number, condition in enumerate(conditions):
        for test in condition.tests:
            place = f"{pointer}/{number}/{test.fact}"
            if (nothing := experience.nothing.get(test.fact, 0)) > OFTEN:
                message = Message(
                    "was not known for {share} of the comments that came lately; then this does not hold",
                    {"share": f"{nothing:.0%}"},
                )
                yield Warned(place, "abstains-often", message)
            if isinstance(test, NamesTest) and test.fact == LISTS:
                for name in sorted(one for one in experience.empty_lists if test.holds(frozenset([one]))):
                    message = Message('the list "{name}" has no entry, so no text matches it', {"name": name})
                    yield Warned(place, "empty-list", message)


def _placed(policy: Policy) -> list[tuple[str, Rule]]:
    own = [(f"/rules/{number}", rule) for number, rule in enumerate(policy.rules)]
    return own + [(f"/lockdown/rules/{number}", rule) for number, rule in enumerate(policy.lockdown)]


def _of_live(pointer: str, rule: Rule, policy: Policy) -> Iterator[Warned]:
    useless = _useless(rule, policy)
    if useless is not None:
        yield Warned(pointer, "no-effect", useless)
    elif rule.acts_alone:
        values = {"then": rule.then, "brake": _brake(rule, pointer)}
        yield Warned(pointer, "acts-alone", Message("says {then} without a human; {brake}", values))
        yield from _loose(pointer, rule)


def _useless(rule: Rule, policy: Policy) -> Message | None:
    if rule.then is Outcome.PUBLISH and policy.otherwise is Outcome.PUBLISH:
        return Message("changes nothing: what no rule speaks about is published anyway")
    publishes = any(other.then is Outcome.PUBLISH and other.mode is Mode.LIVE for other in policy.rules)
    if rule.then is Outcome.HOLD and policy.otherwise is Outcome.HOLD and not publishes and not rule.priority:
        return Message("changes nothing: everything waits anyway")
    return None


def _brake(rule: Rule, pointer: str) -> Message:
    if rule.brake is None:
        return Message("it has no brake") if pointer.startswith("/rules") else Message("it ends with the lockdown")
    return Message(
        "its brake makes it hold after it acted on more than {share} of a day's arrivals once it was changed, "
        "or {per_day} times in a day",
        {"share": f"{rule.brake.share * 100:g} %", "per_day": rule.brake.per_day},
    )


def _loose(pointer: str, rule: Rule) -> Iterator[Warned]:
    for number, condition in enumerate(rule.when):
        for test in condition.tests:
            if test.fact != "learned.spam" or not isinstance(test, NumberTest):
                continue
            place = f"{pointer}/when/{number}/learned.spam"
            if rule.then is Outcome.PUBLISH and (test.at_most is None or test.at_most > SURELY_FINE):
                message = Message(
                    "publishes without a human above {share}, where a model is often wrong", {"share": SURELY_FINE}
                )
                yield Warned(place, "loose-threshold", message)
            if rule.then is not Outcome.PUBLISH and (test.at_least is None or test.at_least < SURELY_SPAM):
                message = Message(
                    "says {then} without a human below {share}, where a model is often wrong",
                    {"then": rule.then, "share": SURELY_SPAM},
                )
                yield Warned(place, "loose-threshold", message)


def _unused(policy: Policy, experience: Experience) -> Iterator[Warned]:
    rules = (*policy.rules, *policy.lockdown)
    reasons = {rule.reason for rule in rules}
    people = {name for rule in rules for name in (*rule.only_for, *rule.not_for)}
    for number, reason in enumerate(policy.reasons):
        if reason.code not in reasons:
            yield Warned(f"/reasons/{number}", "unused", Message("no rule names it; moderators may"))
    for name in policy.people:
        if name not in people and name not in BUILT_IN:
            yield Warned(f"/people/{name}", "unused", Message("no rule names them"))
    for name in sorted(experience.lists):
        if not any(rule.names_list(name) for rule in rules):
            message = Message('no rule names the list "{name}", so its entries do nothing', {"name": name})
            yield Warned("/rules", "unused", message)
