"""All checks together: what they declare, what a broken one costs, and how a newcomer adds one."""

import importlib
import pkgutil
import re
from math import inf, nan
from typing import Any

import pytest

from service.triage import checks
from service.triage.check import Check, ContextCheck, TextCheck
from service.triage.checks import CHECKS, LATER, facts_of
from service.triage.document.known import Known
from service.triage.facts import (
    CouldNotRun,
    Fact,
    Facts,
    Findings,
    Kind,
    Span,
    Verdict,
    flag,
    names,
    number,
    share,
    spans_of,
)
from service.triage.outcome import Outcome
from service.triage.seen import Context, Text
from tests.triage.checks.looking import context, found
from tests.triage.policies import completed, judged, outcome, policy_of, policy_with

IN_THE_CONTRACT = {
    "author": "approved rejected waiting rejected_share known_days trusted role login",
    "comment": "is_edit is_reply",
    "post": "age_days comments key",
    "text": "characters repeated_run capitals_share disguised",
    "links": "count new_hosts lookalike shortener",
    "lists": "matched",
    "repeats": "by_author on_site",
    "wave": "size decided",
    "flood": "author post site",
    "queue": "waiting",
    "learned": "spam familiar",
}


def test_every_fact_of_the_contract_is_known() -> None:
    named = {f"{check}.{fact}" for check, facts in IN_THE_CONTRACT.items() for fact in facts.split()}
    assert named - set(Known().facts) == set()


def test_two_checks_of_one_name_are_a_mistake() -> None:
    with pytest.raises(ValueError, match='two checks are called "links"'):
        Known(checks=(*CHECKS, TextCheck("links", (flag("links.more", "More of them."),), look)))


def test_every_check_has_a_file_and_its_line() -> None:
    files = {module.name for module in pkgutil.iter_modules(checks.__path__)}
    assert files == {check.name for check in CHECKS}
    for name in files:
        assert importlib.import_module(f"service.triage.checks.{name}").CHECK in CHECKS


@pytest.mark.parametrize("fact", facts_of((*CHECKS, *LATER)).values(), ids=lambda fact: fact.name)
def test_every_fact_has_two_words_and_a_sentence(fact: Any) -> None:
    assert re.fullmatch(r"[a-z]+\.[a-z0-9_]+", fact.name)
    assert re.fullmatch(r"[A-Z].*\.", fact.meaning)


def test_every_check_says_a_value_for_each_fact_it_declares() -> None:
    values = found("Hello").values
    assert list(values) == [name for check in CHECKS for name in facts_of([check])] or set(values) == {
        *facts_of(CHECKS)
    }
    assert not found("Hello").failures


def test_two_checks_cannot_say_the_same_fact() -> None:
    with pytest.raises(ValueError, match="two checks say links"):
        Known(checks=(*CHECKS, TextCheck("other", (number("links.count", "Links."),), lambda _: Findings({}))))


# --- Broken checks ----------------------------------------------------------------------------------------------------


def broken(check: Check) -> Check:
    """The same check, with a fault."""

    def fails(*_: object) -> Findings:
        raise ZeroDivisionError("a fault")

    if isinstance(check, TextCheck):
        return TextCheck(check.name, check.facts, fails)
    return ContextCheck(check.name, check.facts, fails)


def saying(fact: Fact, findings: Findings) -> Check:
    """A check that says the same of every text."""
    return TextCheck("a", (fact,), lambda _: findings)


def asking(name: str) -> dict[str, Any]:
    """A test on a fact that passes whatever it is."""
    match Known().facts[name].kind:
        case Kind.FLAG:
            return {name: True}
        case Kind.NAMES:
            return {name: {"any_of": ["*"]}}
        case _:
            return {name: {"at_least": 0}}


@pytest.mark.parametrize("fact", facts_of(CHECKS))
@pytest.mark.parametrize("then", list(Outcome))
def test_broken_check_holds_what_needs_it_and_publishes_nothing(fact: str, then: Outcome) -> None:
    """For every fact and outcome: as a condition, as an exception, and as who is meant."""
    some = tuple(broken(check) if fact in facts_of([check]) else check for check in CHECKS)
    facts = found("Hello", checks=some)
    [failure] = facts.failures
    assert isinstance(failure.error, ZeroDivisionError)
    assert fact in failure.facts
    rule = {"then": then, "reason": "why"}
    shapes: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"when": [asking(fact)]}, {}),
        ({"when": [{**asking("post.comments"), **asking(fact)}]}, {}),
        ({"when": [{}], "unless": [asking(fact)]}, {}),
    ]
    if fact.startswith("author."):
        shapes += [({"for": ["who"]}, {"who": [asking(fact)]}), ({"not_for": ["who"]}, {"who": [asking(fact)]})]
    for shape, people in shapes:
        policy = policy_with({**rule, **shape}, people=people, reasons=[{"code": "why", "text": "Because."}])
        judgement = judged(policy, facts)
        assert (judgement.outcome, judgement.by) == (Outcome.HOLD, ("a",))
        assert [(one.rule, one.check) for one in judgement.could_not_judge] == [("a", failure.check)]


def test_broken_check_costs_the_others_nothing() -> None:
    some = tuple(broken(check) if check.name == "links" else check for check in CHECKS)
    facts = found("Hello", checks=some)
    assert facts.values["text.characters"] == 5
    assert facts.unknown == {"links.count", "links.lookalike", "links.shortener"}
    assert "links.count" not in facts.as_json()
    assert facts.failures[0].text == 'The check "links" could not run.'


def test_check_can_say_itself_that_it_could_not_run() -> None:
    def reading(_: Text, __: Context) -> Findings:
        raise CouldNotRun("The hosts of earlier comments are still being read.")

    facts = found("Hello", checks=(ContextCheck("hosts", (number("links.new_hosts", "New ones."),), reading),))
    [failure] = facts.failures
    assert (failure.text, failure.error) == ("The hosts of earlier comments are still being read.", None)


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        (share("a.b", "It."), nan),
        (share("a.b", "It."), 1.01),
        (share("a.b", "It."), -0.01),
        (number("a.b", "It."), inf),
        (number("a.b", "It."), True),
        (number("a.b", "It."), "1"),
        (flag("a.b", "It."), 1),
        (names("a.b", "It."), "word"),
        (names("a.b", "It."), frozenset({1})),
    ],
)
def test_value_of_the_wrong_kind_never_reaches_the_rules(fact: Any, value: Any) -> None:
    for wrong in (Findings({fact: value}), Findings({}, (Verdict("it", "It.", explains={fact: value}),))):
        facts = found("Hello", checks=(saying(fact, wrong),))
        assert not facts.values
        assert facts.unknown == {"a.b"}
        assert isinstance(facts.failures[0].error, TypeError)


def test_fact_that_was_not_declared_never_reaches_the_rules() -> None:
    stray = flag("a.c", "It.")
    facts = found("Hello", checks=(TextCheck("a", (flag("a.b", "It."),), lambda _: Findings({stray: True})),))
    assert not facts.values
    assert facts.unknown == {"a.b"}
    assert isinstance(facts.failures[0].error, LookupError)


def test_facts_of_both_kinds_of_check_are_joined_and_overridden() -> None:
    some = tuple(broken(check) if check.name == "lists" else check for check in CHECKS)
    seen = found("Hello", context(waiting=3), checks=some)
    facts = seen.given({"lists.matched": frozenset({"rivals"}), "queue.waiting": None})
    assert facts.unknown == frozenset()
    assert facts.values["lists.matched"] == frozenset({"rivals"})
    assert (facts.values["queue.waiting"], facts.values["text.characters"]) == (None, 5)
    assert facts.failures == ()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([(5, 9), (1, 3)], [Span(1, 3), Span(5, 9)]),
        ([(1, 5), (3, 9), (4, 5)], [Span(1, 9)]),
        ([(1, 5), (5, 9)], [Span(1, 5), Span(5, 9)]),
        ([(3, 3)], []),
        ([(number, number + 1) for number in range(30)], [Span(number, number + 1) for number in range(20)]),
    ],
)
def test_spans_are_sorted_and_do_not_overlap(given: list[tuple[int, int]], expected: list[Span]) -> None:
    assert list(spans_of(given)) == expected


# --- How a newcomer adds one: one file, one line, one test ------------------------------------------------------------

SHOUTS = flag("example.shouts", "Two exclamation marks stand together.")


def look(text: Text) -> Findings:
    """What would stand in `checks/example.py`. Spans count in `body`; what readers see is in `shown` and `plain`."""
    spans = spans_of(match.span() for match in re.finditer("!!+", text.body))
    return Findings({SHOUTS: bool(spans)}, (Verdict("shouts", "Shouts.", spans=spans),) if spans else ())


EXAMPLE = TextCheck("example", (SHOUTS,), look)


def test_new_check_is_one_line_in_the_list_and_policies_may_ask_it() -> None:
    some = (*CHECKS, EXAMPLE)
    rule = completed({"id": "no-shouting", "when": [{"example.shouts": True}]})
    tests = [
        {"name": "shouting waits", "text": "So what!!", "expect": "hold", "by": ["no-shouting"]},
        {"name": "others do not", "text": "So what", "expect": "publish"},
        {"name": "a broken one holds", "text": "So what", "could_not_run": ["example"], "expect": "hold"},
    ]
    policy = policy_of({"format": 1, "otherwise": "publish", "rules": [rule], "tests": tests}, Known(checks=some))
    facts: Facts = found("Go! Now!!", checks=some)
    judgement = judged(policy, facts)
    assert (judgement.outcome, judgement.by) == (Outcome.HOLD, ("no-shouting",))
    [verdict] = [one for one in judgement.as_json()["verdicts"] if one["check"] == "example"]
    assert (verdict["spans"], verdict["rules"]) == ([{"start": 7, "end": 9}], ["no-shouting"])
    assert outcome(policy, found("Go", checks=some)) is Outcome.PUBLISH
