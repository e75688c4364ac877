"""The tests that stand in a policy's document: read by `document`, and run before the document is saved."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from service.model import Milliseconds
from service.text import render
from service.triage import look
from service.triage.document.conditions import fact_named
from service.triage.document.known import Known
from service.triage.document.message import Message
from service.triage.document.place import Mistake, Place, did_you_mean, quoted
from service.triage.facts import Fact, Facts, Failure, Kind, Value
from service.triage.judge import judge
from service.triage.judgement import Judgement
from service.triage.outcome import Outcome
from service.triage.policy import Case, Policy
from service.triage.seen import text_of

MOST_TESTS: Final = 50
_MEMBERS: Final = ("name", "text", "given", "could_not_run", "at", "expect", "by")


def read(place: Place, known: Known, rules: Collection[str]) -> tuple[Case, ...]:
    """All tests of the list. `rules` are the ids that `by` may name."""
    return tuple(_case(item, known, rules) for item in place.items(at_most=MOST_TESTS))


def failures(policy: Policy, known: Known) -> list[Mistake]:
    """The tests of which something else comes out than they expect."""
    found = []
    for number, case in enumerate(policy.cases):
        judgement = judge(_facts(case, known), policy, at=_noon(policy) if case.at is None else case.at)
        if judgement.outcome is case.expect and case.by in {None, frozenset(judgement.by)}:
            continue
        found.append(Mistake(f"/tests/{number}", _failed(case, judgement)))
    return found


def _failed(case: Case, judgement: Judgement) -> Message:
    expected: Message | str = case.expect
    if case.by is not None:
        expected = Message("{outcome} by {rules}", {"outcome": case.expect, "rules": _listed(case.by)})
    came = {"outcome": judgement.outcome, "rules": _listed(judgement.by)}
    return Message(
        "{name} expects {expected}, but {outcome} comes out (by {rules})",
        {"name": quoted(case.name), "expected": expected, **came},
    )


def _facts(case: Case, known: Known) -> Facts:
    facts = Facts()
    if case.text is not None:
        facts = look.at_text(text_of(case.text, render.to_html(case.text)), checks=known.checks)
    unable = (Failure(check, known.facts_of_check[check], "The test says so.") for check in case.could_not_run)
    return facts.joined(Facts(failures=tuple(unable))).given(case.given)


def _noon(policy: Policy) -> Milliseconds:
    return int(datetime(2026, 1, 7, 12, tzinfo=policy.zone).timestamp() * 1000)


def _listed(rules: Collection[str]) -> str:
    return ", ".join(sorted(rules)) or "otherwise"


def _case(place: Place, known: Known, rules: Collection[str]) -> Case:
    found = place.known_members(_MEMBERS, required=("name", "expect"))
    by = found["by"].items(at_most=100) if "by" in found else None
    return Case(
        name=found["name"].text(at_most=200) if "name" in found else "",
        expect=(found["expect"].word(Outcome) if "expect" in found else None) or Outcome.HOLD,
        text=found["text"].text(at_most=2000) if "text" in found else None,
        given=given(found["given"], known) if "given" in found else {},
        could_not_run=_checks(found["could_not_run"], known) if "could_not_run" in found else (),
        at=found["at"].moment() if "at" in found else None,
        by=None
        if by is None
        else frozenset(_named(item, rules, "there is no rule {name} in /rules{hint}") for item in by),
    )


def given(place: Place, known: Known) -> dict[str, Value | None]:
    """Values of facts, as somebody wrote them."""
    facts = ((fact_named(name, value, known), value) for name, value in place.members().items())
    return {fact.name: _value(fact, value) for fact, value in facts if fact is not None}


def _value(fact: Fact, place: Place) -> Value | None:
    if place.value is None:
        return None
    match fact.kind:
        case Kind.FLAG:
            return place.flag()
        case Kind.NAMES:
            return frozenset(item.text(at_most=512) for item in place.items(at_most=50))
        case Kind.SHARE:
            return place.number(0, 1)
        case Kind.NUMBER:
            return place.number()


def _checks(place: Place, known: Known) -> tuple[str, ...]:
    checks = known.facts_of_check
    return tuple(_named(item, checks, "there is no check {name}{hint}") for item in place.items(at_most=len(checks)))


def _named(place: Place, known: Collection[str], missing: str) -> str:
    """A name that must be known; `missing` is the template of what is said otherwise."""
    name = place.text(at_most=100)
    if name and name not in known:
        place.wrong(missing, name=quoted(name), hint=did_you_mean(name, known))
    return name
