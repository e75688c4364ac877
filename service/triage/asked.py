"""Which rules may speak of some facts. Of most rules a look at one fact says that they are silent.

A condition holds only if its first test does. So each condition waits under the fact that this test asks, numbers in
order: whoever knows the facts meets only those whose first test is not false. `judge` asks the others nothing.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import itemgetter

from service.triage.condition import FlagTest, NamesTest, NumberTest
from service.triage.facts import Facts, Value
from service.triage.rule import Mode, Rule


@dataclass(slots=True)
class _Waiting:
    """The rules that ask one fact first: of a number by the least that they want, of flags and names by these."""

    rules: list[Rule] = field(default_factory=list)
    least: list[tuple[float, Rule]] = field(default_factory=list)
    bounds: list[float] = field(default_factory=list)
    named: dict[str | bool, list[Rule]] = field(default_factory=lambda: defaultdict(list))
    beginnings: list[Rule] = field(default_factory=list)

    def woken(self, value: Value) -> Iterable[Rule]:
        """Those whose first test may hold."""
        if isinstance(value, frozenset):
            return [*(rule for name in value & self.named.keys() for rule in self.named[name]), *self.beginnings]
        if isinstance(value, bool):
            return self.named.get(value, ())
        return [rule for _, rule in self.least[: bisect_right(self.bounds, value)]]


class Asked:
    """The rules of a policy by what they ask."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._always: list[Rule] = []
        self._by_fact: dict[str, _Waiting] = defaultdict(_Waiting)
        for rule in rules:
            if rule.mode is not Mode.OFF:
                self._add(rule)
        for waiting in self._by_fact.values():
            waiting.least.sort(key=itemgetter(0))
            waiting.bounds = [bound for bound, _ in waiting.least]

    def _add(self, rule: Rule) -> None:
        for condition in rule.when:
            if not condition.tests:
                self._always.append(rule)
                continue
            first = condition.tests[0]
            waiting = self._by_fact[first.fact]
            waiting.rules.append(rule)
            match first:
                case NumberTest():
                    waiting.least.append((float("-inf") if first.at_least is None else first.at_least, rule))
                case FlagTest():
                    waiting.named[first.is_set].append(rule)
                case NamesTest():
                    for name in first.whole:
                        waiting.named[name].append(rule)
                    if first.beginnings:
                        waiting.beginnings.append(rule)

    def that_may_speak(self, facts: Facts) -> Iterable[Rule]:
        """Each once: all that are true or unknown by these facts, and some others."""
        found = {rule.id: rule for rule in self._always}
        for fact, waiting in self._by_fact.items():
            if fact in facts.unknown:
                found.update((rule.id, rule) for rule in waiting.rules)
            elif (value := facts.values.get(fact)) is not None:
                found.update((rule.id, rule) for rule in waiting.woken(value))
        return found.values()
