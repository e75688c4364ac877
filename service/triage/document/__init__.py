"""Reads a policy's document: the policy that it says, or all mistakes at once, each under its JSON pointer.

Who puts a document calls `examine`. Who takes one out of the store, where only examined ones are, calls `read`.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from service.model import Milliseconds
from service.triage.condition import BUILT_IN, Condition
from service.triage.document import cases, warnings
from service.triage.document.conditions import conditions
from service.triage.document.known import Known
from service.triage.document.message import Message
from service.triage.document.place import Mistake, Place, quoted
from service.triage.document.rules import Surroundings, rules
from service.triage.document.warnings import NO_EXPERIENCE, Experience, Warned
from service.triage.outcome import Outcome
from service.triage.policy import Policy, Reason, Waves

LONGEST_KILOBYTES: Final = 48
"""Of the document as short JSON in UTF-8; a kilobyte is 1,024 bytes."""
MOST_RULES: Final = 64
MOST_LOCKDOWN_RULES: Final = 16
MOST_REASONS: Final = 60
_MEMBERS: Final = ("format", "time_zone", "otherwise", "people", "rules", "lockdown", "waiting_per_author", "waves")
_MEMBERS_FOR_PEOPLE: Final = ("audit_share", "reasons", "require_reason", "tests")
_ZONE: Final = re.compile(r"[A-Z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*")
"""The database's own names. The look-up would take others too: files that happen to lie beside it."""


class DocumentError(Exception):
    """This document is no policy. `mistakes` says why, in the order in which it was read."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("; ".join(f"{mistake.pointer}: {mistake.detail}" for mistake in self.mistakes))


@dataclass(frozen=True, slots=True)
class Examined:
    """A document that may be saved: the policy, and what its author may not have meant."""

    policy: Policy
    warnings: tuple[Warned, ...]


def examine(
    document: Any,
    known: Known,
    *,
    version: int,
    now: Milliseconds,
    time_zone: str = "UTC",
    experience: Experience = NO_EXPERIENCE,
) -> Examined:
    """Read a document that somebody wrote, run its own tests, and look for what they may not have meant.

    `document` is what a JSON parser made; `time_zone` is the site's, for a document that names none; `experience` is
    the site's too. The worst documents take some tenths of a second, so this belongs in a thread. Raises DocumentError,
    also where one of the document's own tests fails.
    """
    policy = read(document, known, version=version, time_zone=time_zone)
    if failures := cases.failures(policy, known):
        raise DocumentError(failures)
    return Examined(policy, tuple(warnings.of(policy, now, experience)))


def read(document: Any, known: Known, *, version: int, time_zone: str = "UTC") -> Policy:
    """The policy that a document says. Its own tests are not run. Raises DocumentError."""
    length = len(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))
    if length > LONGEST_KILOBYTES * 1024:
        values = {"most": LONGEST_KILOBYTES, "kilobytes": -(-length // 1024)}
        raise DocumentError([Mistake("", Message("may have at most {most} kB as JSON, and has {kilobytes}", values))])
    place = Place(document)
    policy = _policy(place, known, version, time_zone)
    if place.mistakes:
        raise DocumentError(place.mistakes)
    return policy


def _policy(place: Place, known: Known, version: int, time_zone: str) -> Policy:
    found = place.known_members((*_MEMBERS, *_MEMBERS_FOR_PEOPLE), required=("format",))
    if "format" in found and quoted(found["format"].value) != "1":
        found["format"].wrong("must be 1")
    people = _people(found["people"], known) if "people" in found else BUILT_IN
    reasons = _reasons(found["reasons"]) if "reasons" in found else ()
    around = Surroundings(known, people, {reason.code for reason in reasons}, {})
    own_rules = rules(found["rules"], around, at_most=MOST_RULES) if "rules" in found else ()
    otherwise = found["otherwise"].word((Outcome.PUBLISH, Outcome.HOLD)) if "otherwise" in found else None
    waiting = found.get("waiting_per_author")
    return Policy(
        version=version,
        otherwise=otherwise or Outcome.HOLD,
        zone=_zone(found["time_zone"]) if "time_zone" in found else ZoneInfo(time_zone),
        people=people,
        rules=own_rules,
        lockdown=_lockdown(found["lockdown"], around) if "lockdown" in found else (),
        waiting_per_author=None if waiting is None or waiting.value is None else waiting.whole_number(1, 1000),
        waves=_waves(found["waves"]) if "waves" in found else Waves(),
        audit_share=found["audit_share"].number(0, 0.5) if "audit_share" in found else 0.05,
        reasons=reasons,
        require_reason=found["require_reason"].flag() if "require_reason" in found else False,
        cases=cases.read(found["tests"], known, {rule.id for rule in own_rules}) if "tests" in found else (),
    )


def _zone(place: Place) -> tzinfo:
    try:
        if isinstance(place.value, str) and _ZONE.fullmatch(place.value):
            return ZoneInfo(place.value)
    except (KeyError, ValueError, OSError):  # not there, no time zone, or a folder of them
        pass
    place.wrong('{value} is no IANA time zone, for example "Europe/Berlin"', value=quoted(place.value))
    return ZoneInfo("UTC")


def _people(place: Place, known: Known) -> dict[str, tuple[Condition, ...]]:
    people = dict(BUILT_IN)
    for name, who in place.members().items():
        if name in BUILT_IN:
            who.wrong("{name} is built in; choose another name", name=quoted(name))
            continue
        Place(name, who.pointer, place.mistakes).slug()
        people[name] = conditions(who, known, at_least=1, about_author=True)
    return people


def _reasons(place: Place) -> tuple[Reason, ...]:
    taken: dict[str, str] = {}
    reasons = []
    for item in place.items(at_most=MOST_REASONS):
        found = item.known_members(("code", "text", "reference"), required=("code", "text"))
        code = found["code"].slug() if "code" in found else ""
        if code and taken.setdefault(code, item.pointer) != item.pointer:
            found["code"].wrong("{name} is used by {pointer} already", name=quoted(code), pointer=taken[code])
        reference = found.get("reference")
        reasons.append(
            Reason(
                code,
                found["text"].text(at_most=500) if "text" in found else "",
                None if reference is None or reference.value is None else reference.text(at_most=500),
            )
        )
    return tuple(reasons)


def _lockdown(place: Place, around: Surroundings) -> tuple[Any, ...]:
    found = place.known_members(("rules",), required=("rules",))
    if "rules" not in found:
        return ()
    return rules(found["rules"], around, at_most=MOST_LOCKDOWN_RULES, in_lockdown=True)


def _waves(place: Place) -> Waves:
    found = place.known_members(("same_text_hours", "latecomers_minutes"))
    bounds = {"same_text_hours": (1, 720), "latecomers_minutes": (0, 10_080)}
    return Waves(**{name: value.whole_number(*bounds[name]) for name, value in found.items()})
