"""The laws of judging, for any policy and any facts: they hold of what rules say, before brakes and the audit sample.

Hypothesis draws how much there is of everything, and a seed of which the rest is made: drawn value by value, thousands
of policies would take minutes. What fails is made small in its numbers, and printed. `HYPOTHESIS_PROFILE=long` tries
each law on 6,000 instead of 500.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from hypothesis import given, note, settings
from hypothesis import strategies as st

from service.triage.facts import Fact, Facts, Kind, Value
from service.triage.logic import FALSE, TRUE, UNKNOWN, Truth
from service.triage.outcome import Outcome, strictness
from service.triage.policy import of_premoderate
from tests.triage.policies import KNOWN, facts, judged, policy_of

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
MANY = settings(max_examples=6_000 if LONG else 500, deadline=None, database=None)

# Few facts with few values, so that tests on them come out each way.
ASKED = [
    KNOWN.facts[name]
    for name in ("author.approved", "author.trusted", "links.count", "links.lookalike", "learned.spam", "lists.matched")
]
ABOUT_AUTHORS = [fact for fact in ASKED if fact.is_about_author]
NAMES = ["slurs", "rivals"]
VALUES: Mapping[Kind, Callable[[Random], Value]] = {
    Kind.NUMBER: lambda chance: chance.randint(0, 4),
    Kind.SHARE: lambda chance: chance.choice([0.0, 0.3, 0.7, 1.0]),
    Kind.FLAG: lambda chance: chance.random() < 0.5,
    Kind.NAMES: lambda chance: frozenset(name for name in NAMES if chance.random() < 0.5),
}
TIGHTENING = [outcome for outcome in Outcome if outcome is not Outcome.PUBLISH]


class Drawn:
    """A document, facts, whether a lockdown lasts, and the chance they were made of."""

    def __init__(self, seed: int, rules: int, lockdown_rules: int, conditions: int) -> None:
        self.chance = Random(seed)  # noqa: S311 - for tests
        self._conditions = conditions
        self.document: dict[str, Any] = {
            "format": 1,
            "otherwise": self.chance.choice(["publish", "hold"]),
            "people": {"regulars": self._alternatives(ABOUT_AUTHORS)},
            "reasons": [{"code": "why", "text": "Because."}],
            "rules": [{"id": f"r-{number}", **self.rule(list(Outcome))} for number in range(rules)],
            "lockdown": {"rules": [{"id": f"l-{number}", **self.rule(TIGHTENING)} for number in range(lockdown_rules)]},
        }
        self.facts = self._facts()
        self.lockdown = self.chance.random() < 0.5

    def rules(self) -> list[dict[str, Any]]:
        """Those that are asked."""
        return [*self.document["rules"], *(self.document["lockdown"]["rules"] if self.lockdown else [])]

    def rule(self, outcomes: Sequence[Outcome]) -> dict[str, Any]:
        """A rule but for its id, with some of the members that it may have."""
        chance = self.chance
        members: dict[str, Callable[[], Any]] = {
            "for": self._names,
            "not_for": self._names,
            "unless": lambda: self._alternatives(ASKED) if chance.random() < 0.5 else [],
            "mode": lambda: chance.choice(["live", "live", "live", "observe", "off"]),
            "during": self._windows,
            "until": lambda: chance.choice(["2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", None]),
            "priority": lambda: chance.randint(-100, 100),
        }
        return {
            "title": "A rule",
            "when": self._alternatives(ASKED),
            "then": str(chance.choice(outcomes)),
            "reason": "why",
            **{name: member() for name, member in members.items() if chance.random() < 0.3},
        }

    def shuffled(self, rules: list[Any]) -> list[Any]:
        """The same in another order."""
        return self.chance.sample(rules, len(rules))

    def _facts(self) -> Facts:
        """Each is there, *nothing*, or could not run."""
        states = {fact: self.chance.choice(["there", "there", "nothing", "unknown"]) for fact in ASKED}
        unknown = tuple(fact.name for fact, state in states.items() if state == "unknown")
        there = [fact for fact, state in states.items() if state == "there"]
        return facts({fact.name: VALUES[fact.kind](self.chance) for fact in there}, unknown=unknown)

    def _names(self) -> list[str]:
        return self.chance.sample(["staff", "trusted", "newcomers", "regulars"], self.chance.randint(0, 2))

    def _windows(self) -> list[dict[str, str]]:
        times = {"from": ["00:00", "11:00", "13:00"], "to": ["00:00", "12:00", "14:00"]}
        return [
            {name: self.chance.choice(some) for name, some in times.items()} for _ in range(self.chance.randint(0, 2))
        ]

    def _alternatives(self, asked: list[Fact]) -> list[Any]:
        return [self._condition(asked) for _ in range(self.chance.randint(1, self._conditions))]

    def _condition(self, asked: list[Fact]) -> dict[str, Any]:
        some = self.chance.sample(asked, self.chance.choice([0, 1, 1, 2, 2]))
        return {fact.name: self._test(fact) for fact in some}

    def _test(self, fact: Fact) -> Any:
        """As a document has it."""
        if fact.kind is Kind.FLAG:
            return self.chance.random() < 0.5
        if fact.kind is Kind.NAMES:
            return {"any_of": self.chance.sample([*NAMES, "sl*"], self.chance.randint(1, 2))}
        low, high = sorted([VALUES[fact.kind](self.chance), VALUES[fact.kind](self.chance)])
        return self.chance.choice([{"at_least": low}, {"at_most": high}, {"at_least": low, "at_most": high}])


def _drawn(seed: int, rules: int, lockdown_rules: int, conditions: int) -> Drawn:
    drawn = Drawn(seed, rules, lockdown_rules, conditions)
    note(f"{json.dumps(drawn.document, indent=1)}\n{drawn.facts}\nlockdown: {drawn.lockdown}")
    return drawn


ANY = st.builds(_drawn, st.integers(0, 2**32), st.integers(0, 5), st.integers(0, 3), st.integers(1, 3))


@MANY
@given(ANY)
def test_order_of_rules_changes_nothing(drawn: Drawn) -> None:
    """L1, and not only of the outcome: the whole judgement is the same."""
    written = drawn.document
    shuffled = {**written, "rules": drawn.shuffled(written["rules"])}
    shuffled["lockdown"] = {"rules": drawn.shuffled(written["lockdown"]["rules"])}
    before = judged(policy_of(written), drawn.facts, lockdown=drawn.lockdown)
    after = judged(policy_of(shuffled), drawn.facts, lockdown=drawn.lockdown)
    assert before == after
    assert before.as_json() == after.as_json()
    assert before.reason == after.reason


@MANY
@given(ANY)
def test_lockdown_never_loosens(drawn: Drawn) -> None:
    """L2."""
    policy = policy_of(drawn.document)
    calm, locked = (judged(policy, drawn.facts, lockdown=lockdown).outcome for lockdown in (False, True))
    assert strictness(locked) >= strictness(calm)


@MANY
@given(ANY)
def test_another_rule_that_does_not_publish_never_loosens(drawn: Drawn) -> None:
    """L3."""
    written = drawn.document
    more = {**written, "rules": [*written["rules"], {"id": "more", **drawn.rule(TIGHTENING)}]}
    before, after = (judged(policy_of(each), drawn.facts, lockdown=drawn.lockdown).outcome for each in (written, more))
    assert strictness(after) >= strictness(before)


@MANY
@given(ANY)
def test_nothing_is_published_while_a_rule_that_might_forbid_it_could_not_be_judged(drawn: Drawn) -> None:
    """L4. Who might forbid it is found out by a second, simpler reading of the rules, not by `judge`."""
    truths = {one["id"]: _truth(one, drawn.document, drawn.facts) for one in drawn.rules() if one["then"] != "publish"}
    might_forbid = {rule for rule, truth in truths.items() if truth is UNKNOWN}
    judgement = judged(policy_of(drawn.document), drawn.facts, lockdown=drawn.lockdown)
    assert not might_forbid or judgement.outcome is not Outcome.PUBLISH
    assert {one.rule for one in judgement.could_not_judge} >= might_forbid


@MANY
@given(ANY)
def test_outcome_is_what_a_second_reading_says(drawn: Drawn) -> None:
    """The whole of judging, said again without early ends, from the document itself."""
    said = {}
    for one in drawn.rules():
        truth = _truth(one, drawn.document, drawn.facts)
        if truth is not FALSE:
            said[one["id"]] = Outcome(one["then"]) if truth is TRUE else Outcome.HOLD
    outcome = max(said.values(), key=strictness, default=Outcome(drawn.document["otherwise"]))
    judgement = judged(policy_of(drawn.document), drawn.facts, lockdown=drawn.lockdown)
    assert judgement.outcome is outcome
    assert judgement.by == tuple(sorted(one for one, word in said.items() if word is outcome))
    assert {one.rule: one.said for one in judgement.rules} == said


def test_policies_that_are_drawn_come_out_each_way() -> None:
    """Else the laws would hold of nothing."""
    drawn = [Drawn(seed, 3, 2, 2) for seed in range(500)]
    judgements = [judged(policy_of(one.document), one.facts, lockdown=one.lockdown) for one in drawn]
    assert {judgement.outcome for judgement in judgements} == set(Outcome)
    assert sum(bool(judgement.could_not_judge) for judgement in judgements) > 100
    assert sum(not judgement.rules for judgement in judgements) > 20


def _truth(one: dict[str, Any], written: dict[str, Any], what: Facts) -> Truth:
    """Whether a rule of a document speaks on a Wednesday at noon, UTC."""
    people = {
        "staff": [{"author.role": {"any_of": ["moderator", "admin"]}}],
        "trusted": [{"author.trusted": True}],
        "newcomers": [{"author.approved": {"at_most": 0}}],
        **written["people"],
    }

    def any_condition(alternatives: list[Any]) -> Truth:
        truths = [min((_asked(name, asked, what) for name, asked in one.items()), default=TRUE) for one in alternatives]
        return max(truths, default=FALSE)

    def any_people(names: list[str]) -> Truth:
        return max((any_condition(people[name]) for name in names), default=FALSE)

    on = one.get("mode", "live") == "live" and one.get("until") != "2026-01-01T00:00:00Z"
    windows = one.get("during") or [{"from": "00:00", "to": "00:00"}]
    on &= any(_is_noon(window["from"], window["to"]) for window in windows)
    return min(
        TRUE if on else FALSE,
        any_people(one["for"]) if one.get("for") else TRUE,
        Truth(2 - any_people(one.get("not_for", []))),
        any_condition(one["when"]),
        Truth(2 - any_condition(one.get("unless", []))),
    )


def _is_noon(start: str, end: str) -> bool:
    if start < end:
        return start <= "12:00" < end
    return start <= "12:00" or "12:00" < end  # noqa: SIM300 - in the order of the clock


def _asked(name: str, asked: Any, what: Facts) -> Truth:
    if name in what.unknown:
        return UNKNOWN
    value = what.values.get(name)
    match value:
        case None:
            holds = False
        case bool():
            holds = value == asked
        case frozenset():
            holds = any(one == word or (word == "sl*" and one == "slurs") for one in value for word in asked["any_of"])
        case _:
            holds = asked.get("at_least", value) <= value <= asked.get("at_most", value)
    return TRUE if holds else FALSE


def test_version_0_says_what_the_configuration_says() -> None:
    policies = [of_premoderate(True), of_premoderate(False)]
    assert [judged(policy, Facts()).outcome for policy in policies] == [Outcome.HOLD, Outcome.PUBLISH]
    assert [(policy.version, policy.rules) for policy in policies] == [(0, ()), (0, ())]
