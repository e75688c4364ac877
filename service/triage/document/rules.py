"""Reads the rules of a policy's document. `document` calls it for `rules` and for those of a lockdown."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from service.triage.document.conditions import conditions
from service.triage.document.known import Known
from service.triage.document.place import Place, did_you_mean, quoted
from service.triage.outcome import Outcome
from service.triage.rule import DAYS, Brake, Day, Mode, Rule, Window

MOST_PEOPLE: Final = 8
MOST_WINDOWS: Final = 8
_MEMBERS: Final = ("id", "title", "mode", "for", "not_for", "when", "unless", "during", "until")
_MEMBERS_OF_THEN: Final = ("then", "reason", "priority", "brake")
_TIME_OF_DAY: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a rule may name, and whose ids are taken (with the pointers of who has them)."""

    known: Known
    people: Collection[str]
    reasons: Collection[str]
    taken: dict[str, str]


def rules(place: Place, around: Surroundings, *, at_most: int, in_lockdown: bool = False) -> tuple[Rule, ...]:
    """All rules of a list."""
    return tuple(_rule(item, around, in_lockdown) for item in place.items(at_most=at_most))


def _rule(place: Place, around: Surroundings, in_lockdown: bool) -> Rule:
    known = around.known
    found = place.known_members((*_MEMBERS, *_MEMBERS_OF_THEN), required=("id", "title", "when", "then"))
    then = (found["then"].word(Outcome) if "then" in found else None) or Outcome.HOLD
    if in_lockdown and then is Outcome.PUBLISH:
        found["then"].wrong("a lockdown only tightens: publish is not possible here")
    until = found.get("until")
    return Rule(
        id=_id(found["id"], around.taken) if "id" in found else "",
        title=found["title"].text(at_most=120) if "title" in found else "",
        then=then,
        when=conditions(found["when"], known, at_least=1) if "when" in found else (),
        unless=conditions(found["unless"], known, at_least=0) if "unless" in found else (),
        only_for=_people(found["for"], around.people) if "for" in found else (),
        not_for=_people(found["not_for"], around.people) if "not_for" in found else (),
        mode=(found["mode"].word(Mode) if "mode" in found else None) or Mode.LIVE,
        during=_during(found["during"]) if "during" in found else (),
        until=None if until is None or until.value is None else until.moment(),
        reason=_reason(place, found.get("reason"), then, around.reasons),
        priority=found["priority"].whole_number(-100, 100) if "priority" in found else 0,
        brake=_brake(found.get("brake"), then, in_lockdown),
    )


def _id(place: Place, taken: dict[str, str]) -> str:
    found = place.slug()
    rule = place.pointer.removesuffix("/id")
    if found and taken.setdefault(found, rule) != rule:
        place.wrong("{name} is used by {pointer} already", name=quoted(found), pointer=taken[found])
    return found


def _people(place: Place, people: Collection[str]) -> tuple[str, ...]:
    named = []
    for item in place.items(at_most=MOST_PEOPLE):
        name = item.text(at_most=100)
        if name and name not in people:
            hint = did_you_mean(name, people)
            item.wrong("there is nobody called {name} in /people{hint}", name=quoted(name), hint=hint)
        named.append(name)
    return tuple(named)


def _reason(rule: Place, place: Place | None, then: Outcome, reasons: Collection[str]) -> str | None:
    if place is None or place.value is None:
        if then in {Outcome.REJECT, Outcome.REFUSE}:
            rule.inside("reason").wrong("{then} tells the author why: name one of /reasons", then=then)
        return None
    name = place.text(at_most=100)
    if name and name not in reasons:
        hint = did_you_mean(name, reasons)
        place.wrong("there is no reason {name} in /reasons{hint}", name=quoted(name), hint=hint)
    return name


def _brake(place: Place | None, then: Outcome, in_lockdown: bool) -> Brake | None:
    acts = then is not Outcome.HOLD and not in_lockdown
    if place is None:
        return Brake() if acts and then is not Outcome.PUBLISH else None
    if place.value is None:
        if acts and then is not Outcome.PUBLISH:
            place.wrong("only a rule that says publish may go without a brake")
        return None
    if in_lockdown:
        place.wrong("a rule of a lockdown has no brake: it ends by itself")
    elif not acts:
        place.wrong("a rule that says hold has no brake: it never acts alone")
    found = place.known_members(("share", "per_day"), required=("share", "per_day"))
    share = found["share"].number(0, 1) if "share" in found else 1
    if share == 0:
        found["share"].wrong("must be more than 0")
    return Brake(share, found["per_day"].whole_number(1, 1_000_000) if "per_day" in found else 1)


def _during(place: Place) -> tuple[Window, ...]:
    windows = []
    for item in place.items(at_most=MOST_WINDOWS):
        found = item.known_members(("days", "from", "to"), required=("from", "to"))
        days = frozenset(range(len(DAYS)))
        if "days" in found:
            words = [day.word(Day) for day in found["days"].items(at_least=1, at_most=len(DAYS))]
            days = frozenset(DAYS.index(day) for day in words if day is not None)
        start, end = (_minute(found[name]) if name in found else 0 for name in ("from", "to"))
        windows.append(Window(days, start, end))
    return tuple(windows)


def _minute(place: Place) -> int:
    time = _TIME_OF_DAY.fullmatch(place.value) if isinstance(place.value, str) else None
    if time is None:
        place.wrong('must be a time of day as hours and minutes, for example "22:30"')
        return 0
    return int(time[1]) * 60 + int(time[2])
