"""What all rules together said about one text. Stored with the comment, and shown to moderators (`as_json`)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from service.model import Milliseconds
from service.triage.facts import Facts, Verdict
from service.triage.outcome import Outcome


class Said(NamedTuple):
    """What one rule said. `reason` and `priority` are the rule's own, `reason_text` is what authors are told then."""

    rule: str
    title: str
    said: Outcome
    braked: bool = False
    """It would have said something else, but holds until an administrator releases it."""
    reason: str | None = None
    priority: int = 0
    reason_text: str | None = None

    def as_json(self) -> dict[str, Any]:
        """As moderators are told."""
        return {"id": self.rule, "title": self.title, "said": str(self.said), "braked": self.braked}


class CouldNotJudge(NamedTuple):
    """A rule that holds because it needed a fact of a check that could not run, and why that could not."""

    rule: str
    check: str
    text: str


class Judgement(NamedTuple):
    """One judgement. Nothing in it depends on the order of the policy's rules.

    `by` names the rules that decided, and is empty where `otherwise` did. `rules` are all that spoke, the strictest
    first; `observed` are those that would have spoken, but only watch. `supports` names for each verdict, in their
    order, the rules that spoke because of it.
    """

    outcome: Outcome
    by: tuple[str, ...]
    policy_version: int
    at: Milliseconds
    text_version: int
    rules: tuple[Said, ...]
    observed: tuple[Said, ...]
    could_not_judge: tuple[CouldNotJudge, ...]
    facts: Facts
    supports: tuple[tuple[str, ...], ...]
    audited: bool = False
    """The rules said `publish` or `spam`, but it is held without their verdict, to measure how good they are."""

    @property
    def reason(self) -> str | None:
        """The code of the reason that the author is told: that of the deciding rule, of several the one with the most
        priority."""
        return self._telling.reason if self._telling else None

    @property
    def reason_text(self) -> str | None:
        """What the catalogue says to it."""
        return self._telling.reason_text if self._telling else None

    @property
    def _telling(self) -> Said | None:
        deciding = [said for said in self.rules if said.rule in self.by and said.reason is not None]
        return min(deciding, key=lambda said: (-said.priority, said.rule), default=None)

    def as_json(self) -> dict[str, Any]:
        """The shape that is stored, and in which moderators get it."""
        return {
            "outcome": str(self.outcome),
            "by": list(self.by),
            "policy_version": self.policy_version,
            "at": datetime.fromtimestamp(self.at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "text_version": self.text_version,
            "rules": [said.as_json() for said in self.rules],
            "observed": [said.as_json() for said in self.observed],
            "could_not_judge": [
                {"rule": one.rule, "check": one.check, "text": one.text} for one in self.could_not_judge
            ],
            "verdicts": [
                _verdict(verdict, rules) for verdict, rules in zip(self.facts.verdicts, self.supports, strict=True)
            ],
            "facts": self.facts.as_json(),
            "audited": self.audited,
        }


def _verdict(verdict: Verdict, rules: tuple[str, ...]) -> Mapping[str, Any]:
    return {
        "check": verdict.check,
        "code": verdict.code,
        "text": verdict.text,
        "lean": None if verdict.lean is None else str(verdict.lean),
        "score": verdict.score,
        "spans": [{"start": span.start, "end": span.end} for span in verdict.spans],
        **verdict.more,
        "rules": list(rules),
    }
