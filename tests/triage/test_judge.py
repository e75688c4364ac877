"""What becomes of what the rules said: modes, brakes, edits, the audit sample; and the judgement that is kept of it."""

import json
from typing import Any

import pytest

from service.triage.facts import Facts, Failure, Lean, Span, Value, Verdict, names, number
from service.triage.judge import judge
from service.triage.judgement import CouldNotJudge, Said
from service.triage.outcome import Outcome, strictest
from service.triage.policy import Policy
from tests.triage.policies import NOON, facts, judged, policy_with

WHY = [{"code": "why", "text": "Because."}, {"code": "other", "text": "For another reason."}]
LINKS = [{"links.count": {"at_least": 1}}]
LINKED = facts({"links.count": 1})


def saying(*outcomes: str, **members: Any) -> Policy:
    """A rule for each outcome, called after it, that looks at links."""
    rules = [{"id": outcome, "when": LINKS, "then": outcome, "reason": "why", **members} for outcome in outcomes]
    return policy_with(*rules, reasons=WHY)


def test_outcomes_are_in_order_of_strictness() -> None:
    assert list(Outcome) == ["publish", "hold", "reject", "spam", "refuse"]
    assert strictest([Outcome.HOLD, Outcome.REFUSE, Outcome.PUBLISH]) is Outcome.REFUSE


def test_strictest_decides_and_all_that_spoke_are_recorded() -> None:
    judgement = judged(saying("hold", "publish", "refuse", "reject", "spam"), LINKED)
    assert (judgement.outcome, judgement.by) == (Outcome.REFUSE, ("refuse",))
    assert [said.rule for said in judgement.rules] == ["refuse", "spam", "reject", "hold", "publish"]


def test_rule_that_is_off_says_nothing_and_one_that_observes_decides_nothing() -> None:
    judgement = judged(saying("spam", mode="off"), LINKED)
    assert (judgement.outcome, judgement.rules, judgement.observed) == (Outcome.PUBLISH, (), ())
    judgement = judged(saying("spam", mode="observe"), LINKED)
    assert (judgement.outcome, judgement.by, judgement.rules) == (Outcome.PUBLISH, (), ())
    assert judgement.observed == (Said("spam", "A rule", Outcome.SPAM, reason="why", reason_text="Because."),)


def test_check_that_could_not_run_holds_nothing_for_a_rule_that_observes() -> None:
    judgement = judged(saying("spam", mode="observe"), facts(unknown=("links.count",)))
    assert (judgement.outcome, judgement.could_not_judge) == (Outcome.PUBLISH, ())
    assert [said.said for said in judgement.observed] == [Outcome.HOLD]


def test_unknown_rule_names_the_checks_that_could_not_run() -> None:
    policy = policy_with(
        {
            "id": "b",
            "when": [{"links.count": {"at_least": 1}, "learned.spam": {"at_least": 0.9}}],
            "not_for": ["staff"],
        },
        {"id": "a", "when": [{"learned.spam": {"at_least": 0.9}}], "then": "spam"},
        {"id": "c", "when": [{"text.characters": {"at_least": 1}}], "then": "spam"},
    )
    failures = (
        Failure("learned", frozenset({"learned.spam", "learned.familiar"}), "The model could not be read."),
        Failure("author", frozenset({"author.role"}), 'The check "author" could not run.', RuntimeError("!")),
        Failure("queue", frozenset({"queue.waiting"}), "Nobody asked."),
    )
    judgement = judged(policy, Facts({"links.count": 1}, failures=failures))
    assert (judgement.outcome, judgement.by) == (Outcome.HOLD, ("a", "b"))
    assert judgement.could_not_judge == (
        CouldNotJudge("a", "learned", "The model could not be read."),
        CouldNotJudge("b", "author", 'The check "author" could not run.'),
        CouldNotJudge("b", "learned", "The model could not be read."),
    )


# --- Brakes, edits, the audit sample ----------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["publish", "reject", "spam", "refuse"])
def test_braked_rule_holds(outcome: str) -> None:
    judgement = judged(saying(outcome), LINKED, braked={outcome})
    assert (judgement.outcome, judgement.by) == (Outcome.HOLD, (outcome,))
    assert [(said.said, said.braked) for said in judgement.rules] == [(Outcome.HOLD, True)]


def test_other_rules_say_what_they_say_beside_a_braked_one() -> None:
    judgement = judged(saying("spam", "reject"), LINKED, braked={"spam"})
    assert (judgement.outcome, judgement.by) == (Outcome.REJECT, ("reject",))


def test_rule_that_holds_has_no_brake() -> None:
    assert judged(saying("hold"), LINKED, braked={"hold"}).rules[0].braked is False


@pytest.mark.parametrize(
    ("said", "expected"),
    [("publish", "publish"), ("hold", "hold"), ("reject", "hold"), ("spam", "hold"), ("refuse", "refuse")],
)
def test_edit_of_an_approved_text_is_held_at_most_or_not_taken(said: str, expected: str) -> None:
    judgement = judged(saying(said), LINKED, edits_approved=True, sample=lambda: 0.99)
    assert (judgement.outcome, judgement.by) == (expected, (said,))
    assert judgement.rules[0].said == said


@pytest.mark.parametrize(
    ("said", "expected"),
    [("publish", "hold"), ("hold", "hold"), ("reject", "reject"), ("spam", "hold"), ("refuse", "refuse")],
)
def test_audit_sample_holds_what_rules_published_or_called_spam(said: str, expected: str) -> None:
    judgement = judged(saying(said), LINKED, sample=lambda: 0.049)
    assert judgement.outcome == expected
    assert judgement.audited is (said in {"publish", "spam"})
    assert (judgement.by, judgement.rules[0].said) == ((said,), said)
    assert judged(saying(said), LINKED, sample=lambda: 0.05).outcome == said
    assert judged(saying(said), LINKED).outcome == said


def test_audit_sample_leaves_alone_what_no_rule_said_and_who_is_only_known() -> None:
    assert judged(saying("spam"), facts(), sample=lambda: 0.0).outcome is Outcome.PUBLISH
    trusted = facts({"author.trusted": True, "links.count": 1})
    people_only: list[Any] = [[{}], [{"author.approved": {"at_most": 3}}, {"author.trusted": True}]]
    for when in people_only:
        policy = policy_with({"for": ["trusted"], "when": when, "then": "publish"})
        assert judged(policy, trusted, sample=lambda: 0.0).outcome is Outcome.PUBLISH
    both = policy_with({"for": ["trusted"], "then": "publish"}, {"id": "b", "when": LINKS, "then": "publish"})
    assert judged(both, trusted, sample=lambda: 0.0).outcome is Outcome.PUBLISH


def test_braked_rule_and_capped_edit_are_not_sampled() -> None:
    assert judged(saying("spam"), LINKED, sample=lambda: 0.0, braked={"spam"}).audited is False
    assert judged(saying("spam"), LINKED, sample=lambda: 0.0, edits_approved=True).audited is False


# --- What is kept -----------------------------------------------------------------------------------------------------


def test_author_is_told_the_reason_of_the_rule_that_decided() -> None:
    rules: list[dict[str, Any]] = [
        {"id": "a", "when": LINKS, "then": "reject", "reason": "why"},
        {"id": "b", "when": LINKS, "then": "reject", "reason": "other", "priority": 1},
        {"id": "c", "when": LINKS, "then": "hold", "reason": "why", "priority": 100},
        {"id": "d", "when": LINKS, "then": "spam"},
    ]
    told = [judged(policy_with(*rules[:count], reasons=WHY), LINKED).reason for count in range(5)]
    assert told == [None, "why", "other", "other", None]


COUNT = number("links.count", "Links.")
HOSTS = number("links.new_hosts", "New hosts.")
MATCHED = names("lists.matched", "Lists.")


def verdict(code: str, explains: dict[Any, Value]) -> Verdict:
    return Verdict(code, f"It is {code}.", explains=explains)


def test_verdict_names_the_rules_that_spoke_because_of_it() -> None:
    policy = policy_with(
        {"id": "many", "when": [{"links.count": {"at_least": 3}}, {"links.new_hosts": {"at_least": 1}}]},
        {"id": "one-way", "when": [{"links.count": {"at_least": 2}, "author.approved": {"at_least": 9}}, {}]},
        {"id": "slurs", "when": [{"lists.matched": {"any_of": ["slurs"]}}], "then": "spam"},
        {"id": "rivals", "when": [{"lists.matched": {"any_of": ["rivals"]}, "author.approved": {"at_least": 5}}]},
        {"id": "unless", "when": [{}], "unless": [{"links.count": {"at_least": 9}}]},
        {"id": "first", "when": [{}], "for": ["newcomers"]},
    )
    verdicts = (
        verdict("two-links", {COUNT: 2}),
        verdict("new-host", {HOSTS: 1}),
        verdict("slur", {MATCHED: frozenset({"slurs"})}),
        verdict("rival", {MATCHED: frozenset({"rivals"})}),
        verdict("newcomer", {number("author.approved", "Approved."): 0}),
        verdict("both", {COUNT: 2, MATCHED: frozenset({"slurs", "rivals"})}),
    )
    values: dict[str, Value | None] = {"links.count": 2, "links.new_hosts": 1, "author.approved": 0}
    values["lists.matched"] = frozenset({"slurs", "rivals"})
    judgement = judged(policy, Facts(values, verdicts))
    assert [said.rule for said in judgement.rules] == ["slurs", "first", "many", "one-way", "unless"]
    assert judgement.supports == ((), ("many",), ("slurs",), (), ("first",), ("slurs",))


def test_json_is_that_of_the_contract() -> None:
    found = Verdict(
        "word-matched",
        "“a-c.m e” reads “acme” (list rivals).",
        Lean.HOLD,
        0.5,
        (Span(50, 57),),
        {MATCHED: frozenset({"rivals"})},
        {"list": "rivals", "entry": "acme"},
        "lists",
    )
    values: dict[str, Value | None] = {
        "post.age_days": None,
        "lists.matched": frozenset({"rivals", "a"}),
        "links.count": 1,
    }
    what = Facts(values, (found,), (Failure("learned", frozenset({"learned.spam"}), "The model could not be read."),))
    policy = policy_with(
        {"id": "rivals-held", "title": "Rivals", "when": [{"lists.matched": {"any_of": ["rivals"]}}]},
        {"id": "certain", "title": "Certain", "when": [{"learned.spam": {"at_least": 0.98}}], "then": "spam"},
        {"id": "watching", "title": "Watching", "mode": "observe", "then": "spam"},
    )
    judgement = judge(what, policy, at=NOON + 120, text_version=3)
    assert json.loads(json.dumps(judgement.as_json())) == judgement.as_json()
    assert judgement.as_json() == {
        "outcome": "hold",
        "by": ["certain", "rivals-held"],
        "policy_version": 7,
        "at": "2026-01-07T12:00:00.120Z",
        "text_version": 3,
        "rules": [
            {"id": "certain", "title": "Certain", "said": "hold", "braked": False},
            {"id": "rivals-held", "title": "Rivals", "said": "hold", "braked": False},
        ],
        "observed": [{"id": "watching", "title": "Watching", "said": "spam", "braked": False}],
        "could_not_judge": [{"rule": "certain", "check": "learned", "text": "The model could not be read."}],
        "verdicts": [
            {
                "check": "lists",
                "code": "word-matched",
                "text": "“a-c.m e” reads “acme” (list rivals).",
                "lean": "hold",
                "score": 0.5,
                "spans": [{"start": 50, "end": 57}],
                "list": "rivals",
                "entry": "acme",
                "rules": ["rivals-held"],
            }
        ],
        "facts": {"links.count": 1, "lists.matched": ["a", "rivals"], "post.age_days": None},
        "audited": False,
    }


def test_nothing_can_be_changed_afterwards() -> None:
    policy = saying("spam")
    judgement = judged(policy, LINKED)
    for frozen, member in (
        (judgement, "outcome"),
        (policy, "otherwise"),
        (policy.rules[0], "then"),
        (LINKED, "values"),
    ):
        with pytest.raises(AttributeError):
            setattr(frozen, member, None)


def test_same_facts_and_policy_give_the_same_judgement() -> None:
    policy = saying("spam", "hold", "publish")
    assert judged(policy, LINKED) == judged(policy, LINKED)
