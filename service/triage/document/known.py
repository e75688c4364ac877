"""What the names in a document can mean: the facts that checks say, the checks, and the site's lists."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from service.triage.check import Announced, Check
from service.triage.checks import CHECKS, LATER, facts_of
from service.triage.facts import Fact


@dataclass(frozen=True)
class Known:
    """Who reads a document says what is there. `lists` is None where nobody looked: then any name is taken for one."""

    lists: Collection[str] | None = None
    checks: tuple[Check, ...] = CHECKS
    facts: dict[str, Fact] = field(init=False)
    facts_of_check: dict[str, frozenset[str]] = field(init=False)

    def __post_init__(self) -> None:
        names = [check.name for check in self.checks]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f'two checks are called "{doubled[0]}"')
        brought = facts_of(self.checks)
        object.__setattr__(self, "facts", {**facts_of(LATER), **brought})
        object.__setattr__(self, "facts_of_check", _by_check((*self.checks, *LATER)))


def _by_check(checks: Iterable[Check | Announced]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for check in checks:
        found[check.name] = found.get(check.name, frozenset()) | {fact.name for fact in check.facts}
    return found
