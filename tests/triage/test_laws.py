"""The laws of judging, for any policy and any facts: they hold of what rules say, before brakes and the audit sample.

`HYPOTHESIS_PROFILE=long` tries each with thousands of policies.
"""

import os
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from service.triage.facts import Fact, Facts, Kind, Value
from service.triage.judge import judge
from service.triage.logic import FALSE, TRUE, UNKNOWN, Truth
from service.triage.outcome import Outcome, strictness
from service.triage.policy import Policy, of_premoderate
from service.triage.rule import Mode
from tests.triage.policies import KNOWN, NOON, facts, judged, policy_of

MANY = settings(max_examples=6_000 if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 100, deadline=None)

# Few facts with few values, so that tests on them come out each way.
ASKED = [
    KNOWN.facts[name]
    for name in ("author.approved", "author.trusted", "links.count", "links.lookalike", "learned.spam", "lists.matched")
]
NAMES = ["slurs", "rivals"]
VALUES: dict[Kind, st.SearchStrategy[Value]] = {
    Kind.NUMBER: st.integers(0, 4),
    Kind.SHARE: st.sampled_from([0.0, 0.3, 0.7, 1.0]),
    Kind.FLAG: st.booleans(),
    Kind.NAMES: st.frozensets(st.sampled_from(NAMES)),
}


@st.composite
def found(draw: st.DrawFn) -> Facts:
    """Each fact is there, *nothing*, or could not run."""
    values: dict[str, Value | None] = {}
    unknown = []
    for fact in ASKED:
        state = draw(st.sampled_from(["there", "there", "nothing", "unknown"]))
        if state == "unknown":
            unknown.append(fact.name)
        elif state == "there":
            values[fact.name] = draw(VALUES[fact.kind])
    return facts(values, unknown=tuple(unknown))


def asked_of(fact: Fact) -> st.SearchStrategy[Any]:
    """A test on a fact, as a document has it."""
    if fact.kind is Kind.FLAG:
        return st.booleans()
    if fact.kind is Kind.NAMES:
        return st.lists(st.sampled_from([*NAMES, "sl*"]), min_size=1, max_size=2).map(lambda names: {"any_of": names})
    bounds = st.tuples(VALUES[fact.kind], VALUES[fact.kind]).map(sorted)
    return st.tuples(bounds, st.sampled_from([("at_least",), ("at_most",), ("at_least", "at_most")])).map(
        lambda drawn: {name: drawn[0][name == "at_most"] for name in drawn[1]}
    )


def conditions(asked: list[Fact], *, fewest: int) -> st.SearchStrategy[list[Any]]:
    one = st.fixed_dictionaries({}, optional={fact.name: asked_of(fact) for fact in asked})
    return st.lists(one, min_size=fewest, max_size=3)


ABOUT_AUTHORS = [fact for fact in ASKED if fact.is_about_author]
WHO = st.lists(st.sampled_from(["staff", "trusted", "newcomers", "regulars"]), max_size=2)
WINDOW = {"from": st.sampled_from(["00:00", "11:00", "13:00"]), "to": st.sampled_from(["00:00", "12:00", "14:00"])}


def rule(*outcomes: Outcome) -> st.SearchStrategy[dict[str, Any]]:
    """A rule but for its id."""
    return st.fixed_dictionaries(
        {
            "title": st.just("A rule"),
            "when": conditions(ASKED, fewest=1),
            "then": st.sampled_from([str(outcome) for outcome in outcomes]),
            "reason": st.just("why"),
        },
        optional={
            "for": WHO,
            "not_for": WHO,
            "unless": conditions(ASKED, fewest=0),
            "mode": st.sampled_from([str(mode) for mode in Mode]),
            "during": st.lists(st.fixed_dictionaries(WINDOW), max_size=2),
            "until": st.sampled_from(["2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", None]),
            "priority": st.integers(-100, 100),
        },
    )


TIGHTENING = [outcome for outcome in Outcome if outcome is not Outcome.PUBLISH]


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    rules = draw(st.lists(rule(*Outcome), max_size=5))
    lockdown = draw(st.lists(rule(*TIGHTENING), max_size=3))
    return {
        "format": 1,
        "otherwise": draw(st.sampled_from(["publish", "hold"])),
        "people": {"regulars": draw(conditions(ABOUT_AUTHORS, fewest=1))},
        "reasons": [{"code": "why", "text": "Because."}],
        "rules": [{"id": f"r-{number}", **one} for number, one in enumerate(rules)],
        "lockdown": {"rules": [{"id": f"l-{number}", **one} for number, one in enumerate(lockdown)]},
    }


@MANY
@given(documents(), found(), st.data())
def test_order_of_rules_changes_nothing(written: dict[str, Any], what: Facts, data: st.DataObject) -> None:
    """L1, and not only of the outcome: the whole judgement is the same."""
    lockdown = data.draw(st.booleans())
    shuffled = {**written, "rules": data.draw(st.permutations(written["rules"]))}
    shuffled["lockdown"] = {"rules": data.draw(st.permutations(written["lockdown"]["rules"]))}
    before = judged(policy_of(written), what, lockdown=lockdown)
    after = judged(policy_of(shuffled), what, lockdown=lockdown)
    assert before == after
    assert before.as_json() == after.as_json()
    assert before.reason == after.reason


@MANY
@given(documents(), found())
def test_lockdown_never_loosens(written: dict[str, Any], what: Facts) -> None:
    """L2."""
    policy = policy_of(written)
    calm, locked = (judge(what, policy, at=NOON, lockdown=lockdown).outcome for lockdown in (False, True))
    assert strictness(locked) >= strictness(calm)


@MANY
@given(documents(), found(), rule(*TIGHTENING), st.booleans())
def test_another_rule_that_does_not_publish_never_loosens(
    written: dict[str, Any], what: Facts, one: dict[str, Any], lockdown: bool
) -> None:
    """L3."""
    more = {**written, "rules": [*written["rules"], {"id": "more", **one}]}
    before, after = (judged(policy_of(each), what, lockdown=lockdown).outcome for each in (written, more))
    assert strictness(after) >= strictness(before)


@MANY
@given(documents(), found(), st.booleans())
def test_nothing_is_published_while_a_rule_that_might_forbid_it_could_not_be_judged(
    written: dict[str, Any], what: Facts, lockdown: bool
) -> None:
    """L4. Who might forbid it is found out by a second, simpler reading of the rules, not by `judge`."""
    policy = policy_of(written)
    judgement = judged(policy, what, lockdown=lockdown)
    rules = written["rules"] + (written["lockdown"]["rules"] if lockdown else [])
    might_forbid = [one["id"] for one in rules if one["then"] != "publish" and _truth(one, written, what) is UNKNOWN]
    if might_forbid:
        assert judgement.outcome is not Outcome.PUBLISH
    assert {one.rule for one in judgement.could_not_judge} >= set(might_forbid)


@MANY
@given(documents(), found(), st.booleans())
def test_outcome_is_what_a_second_reading_says(written: dict[str, Any], what: Facts, lockdown: bool) -> None:
    """All of 3.4 at once, said again without early ends, from the document itself."""
    rules = written["rules"] + (written["lockdown"]["rules"] if lockdown else [])
    said = {}
    for one in rules:
        truth = _truth(one, written, what)
        if truth is not FALSE:
            said[one["id"]] = Outcome(one["then"]) if truth is TRUE else Outcome.HOLD
    outcome = max(said.values(), key=strictness, default=Outcome(written["otherwise"]))
    judgement = judged(policy_of(written), what, lockdown=lockdown)
    assert judgement.outcome is outcome
    assert judgement.by == tuple(sorted(one for one, word in said.items() if word is outcome))
    assert {one.rule: one.said for one in judgement.rules} == said


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
    policies: list[Policy] = [of_premoderate(True), of_premoderate(False)]
    assert [judged(policy, Facts()).outcome for policy in policies] == [Outcome.HOLD, Outcome.PUBLISH]
    assert [(policy.version, policy.rules) for policy in policies] == [(0, ()), (0, ())]
