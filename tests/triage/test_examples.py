"""The worked examples of the contract: each is valid, and passes the tests that stand in it."""

import json
from pathlib import Path
from typing import Any

import pytest

from service.triage import document
from service.triage.outcome import Outcome
from tests.triage.policies import KNOWN, NOON, facts, judged, outcome, policy_of

EXAMPLES: dict[str, Any] = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in sorted((Path(__file__).parent / "examples").glob("*.json"))
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_is_valid_and_passes_its_own_tests(name: str) -> None:
    policy = policy_of(EXAMPLES[name])
    assert len(policy.cases) == len(EXAMPLES[name]["tests"]) >= 2


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_notices_when_something_else_comes_out(name: str) -> None:
    """Each test of an example, turned round, fails."""
    other = {"hold": "reject"}
    tests = [{**test, "expect": other.get(test["expect"], "hold")} for test in EXAMPLES[name]["tests"]]
    with pytest.raises(document.DocumentError) as refused:
        policy_of({**EXAMPLES[name], "tests": tests})
    assert [mistake.pointer for mistake in refused.value.mistakes] == [f"/tests/{i}" for i in range(len(tests))]


def test_there_are_all_eight() -> None:
    assert [name[0] for name in EXAMPLES] == list("12345678")


def test_lockdown_of_example_6_refuses_links_and_holds_who_is_not_known() -> None:
    policy = policy_of(EXAMPLES["6-night-and-lockdown"])
    newcomer = facts({"author.approved": 0, "links.count": 1, "flood.author": 0})
    assert outcome(policy, newcomer) is Outcome.PUBLISH
    judgement = judged(policy, newcomer, lockdown=True)
    assert (judgement.outcome, judgement.by, judgement.reason) == (Outcome.REFUSE, ("no-links",), "locked-down")
    assert [said.rule for said in judgement.rules] == ["no-links", "only-known"]
    regular = facts({"author.approved": 5, "links.count": 0, "flood.author": 0})
    assert outcome(policy, regular, lockdown=True) is Outcome.PUBLISH


def test_model_of_example_5_is_told_although_it_only_watches() -> None:
    judgement = judged(policy_of(EXAMPLES["5-waves"]), facts({"learned.spam": 0.999}))
    assert (judgement.outcome, judgement.rules) == (Outcome.PUBLISH, ())
    assert [(said.rule, said.said) for said in judgement.observed] == [("learned-spam", Outcome.SPAM)]


def test_examples_are_warned_about_what_acts_alone_and_nothing_that_has_no_effect() -> None:
    warned = {
        name: [(one.pointer, one.code) for one in document.examine(example, KNOWN, version=1, now=NOON).warnings]
        for name, example in EXAMPLES.items()
    }
    alone = {name: [pointer for pointer, code in found if code == "acts-alone"] for name, found in warned.items()}
    assert {code for found in warned.values() for _, code in found} == {"acts-alone"}
    assert alone == {
        "1-newcomers-wait": [],
        "2-until-regular": [],
        "3-trusted-pass": ["/rules/0"],
        "4-word-lists": ["/rules/0"],
        "5-waves": ["/rules/1"],
        "6-night-and-lockdown": ["/lockdown/rules/1", "/lockdown/rules/2"],
        "7-old-posts": ["/rules/1"],
        "8-model-acts": ["/rules/0", "/rules/1"],
    }
