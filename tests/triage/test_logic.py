"""Logic with a third value: the tables of Kleene, and what they mean for tests, conditions, alternatives and people."""

from itertools import product

import pytest

from service.triage.condition import Condition, FlagTest, NamesTest, NumberTest
from service.triage.facts import Facts
from service.triage.logic import FALSE, TRUE, UNKNOWN, Truth, all_of, any_of, opposite
from service.triage.outcome import Outcome
from tests.triage.policies import facts, judged, policy_with

AND = {
    (TRUE, TRUE): TRUE, (TRUE, UNKNOWN): UNKNOWN, (TRUE, FALSE): FALSE,
    (UNKNOWN, TRUE): UNKNOWN, (UNKNOWN, UNKNOWN): UNKNOWN, (UNKNOWN, FALSE): FALSE,
    (FALSE, TRUE): FALSE, (FALSE, UNKNOWN): FALSE, (FALSE, FALSE): FALSE,
}  # fmt: skip
OR = {
    (TRUE, TRUE): TRUE, (TRUE, UNKNOWN): TRUE, (TRUE, FALSE): TRUE,
    (UNKNOWN, TRUE): TRUE, (UNKNOWN, UNKNOWN): UNKNOWN, (UNKNOWN, FALSE): UNKNOWN,
    (FALSE, TRUE): TRUE, (FALSE, UNKNOWN): UNKNOWN, (FALSE, FALSE): FALSE,
}  # fmt: skip


@pytest.mark.parametrize("pair", list(product(Truth, Truth)), ids=str)
def test_and_and_or_are_those_of_kleene(pair: tuple[Truth, Truth]) -> None:
    assert all_of(pair) is AND[pair]
    assert any_of(pair) is OR[pair]


def test_not_leaves_unknown() -> None:
    assert [opposite(truth) for truth in (TRUE, UNKNOWN, FALSE)] == [FALSE, UNKNOWN, TRUE]


def test_of_none_all_are_true_and_not_one_is() -> None:
    assert (all_of(()), any_of(())) == (TRUE, FALSE)


@pytest.mark.parametrize(
    ("test", "passing", "failing"),
    [
        (NumberTest("links.count", at_least=3), [3, 4, 3.5], [2, 0]),
        (NumberTest("links.count", at_most=3), [3, 0, 2.5], [4]),
        (NumberTest("links.count", 2, 3), [2, 3], [1, 4]),
        (NumberTest("learned.spam", at_least=0), [0, 0.0, 1], []),
        (FlagTest("links.lookalike", is_set=True), [True], [False]),
        (FlagTest("links.lookalike", is_set=False), [False], [True]),
        (NamesTest("post.key", frozenset({"a", "b"})), [{"a"}, {"b", "c"}], [{"A"}, {"ab"}, set()]),
        (NamesTest("post.key", frozenset({"a"}), ("b/",)), [{"a"}, {"b/"}, {"b/c"}], [{"b"}, {"ab/"}, set()]),
        (NamesTest("post.key", frozenset(), ("",)), [{"a"}, {""}], [set()]),
    ],
)
def test_each_kind_of_test(
    test: NumberTest | FlagTest | NamesTest, passing: list[object], failing: list[object]
) -> None:
    def truth(value: object) -> Truth:
        found = frozenset(value) if isinstance(value, set) else value
        return Condition((test,)).truth(Facts({test.fact: found}))  # type: ignore[dict-item]

    assert {truth(value) for value in passing} == {TRUE}
    assert {truth(value) for value in failing} <= {FALSE}
    assert truth(None) is FALSE
    assert Condition((test,)).truth(Facts()) is FALSE
    assert Condition((test,)).truth(facts(unknown=(test.fact,))) is UNKNOWN


SPOKE = {TRUE: Outcome.SPAM, UNKNOWN: Outcome.HOLD, FALSE: Outcome.PUBLISH}
"""What comes of one rule that says spam, where `otherwise` publishes."""


@pytest.mark.parametrize("truths", list(product(Truth, repeat=4)), ids=str)
def test_rule_is_people_and_when_and_not_unless(truths: tuple[Truth, Truth, Truth, Truth]) -> None:
    """All 81 cases. `who` is a name of people that means a flag; `not_for` names other people."""
    meant, shut_out, when, unless = truths
    said = {"author.trusted": meant, "author.approved": shut_out, "links.lookalike": when, "links.shortener": unless}
    values = {name: truth is TRUE for name, truth in said.items() if truth is not UNKNOWN}
    numbers = {name: int(value) if name == "author.approved" else value for name, value in values.items()}
    found = facts(numbers, unknown=tuple(name for name, truth in said.items() if truth is UNKNOWN))
    policy = policy_with(
        {
            "for": ["who"],
            "not_for": ["others"],
            "when": [{"links.lookalike": True}],
            "unless": [{"links.shortener": True}],
            "then": "spam",
        },
        people={"who": [{"author.trusted": True}], "others": [{"author.approved": {"at_least": 1}}]},
        audit_share=0,
    )
    expected = min(meant, when, opposite(shut_out), opposite(unless))
    assert judged(policy, found).outcome is SPOKE[expected]
    assert bool(judged(policy, found).could_not_judge) is (expected is UNKNOWN)


def test_nothing_is_held_for_a_check_that_could_not_have_mattered() -> None:
    policy = policy_with({"when": [{"learned.spam": {"at_least": 0.9}}], "not_for": ["trusted"], "then": "spam"})
    assert judged(policy, facts({"author.trusted": True}, unknown=("learned.spam",))).outcome is Outcome.PUBLISH
    assert judged(policy, facts({"author.trusted": False}, unknown=("learned.spam",))).outcome is Outcome.HOLD


def test_one_alternative_that_is_true_is_enough() -> None:
    policy = policy_with(
        {"when": [{"learned.spam": {"at_least": 0.9}}, {"links.count": {"at_least": 3}}], "then": "spam"}
    )
    assert judged(policy, facts({"links.count": 3}, unknown=("learned.spam",))).outcome is Outcome.SPAM
    assert judged(policy, facts({"links.count": 2}, unknown=("learned.spam",))).outcome is Outcome.HOLD


def test_a_rule_that_publishes_holds_where_it_is_unknown() -> None:
    policy = policy_with({"when": [{"learned.spam": {"at_most": 0.1}}], "then": "publish"})
    assert judged(policy, facts(unknown=("learned.spam",))).outcome is Outcome.HOLD
