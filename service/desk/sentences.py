"""A policy in sentences: each rule as something that can be read aloud. Made of nouns, for the templates."""

from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import quote

from markupsafe import Markup, escape

from service.desk.rendering import Number
from service.desk.times import exactly
from service.reading.language import Language
from service.triage.condition import BUILT_IN, Condition, FlagTest, NamesTest, NumberTest, Test
from service.triage.policy import Policy
from service.triage.rule import DAYS, Rule, Window

SHARES: Final = frozenset({"author.rejected_share", "text.capitals_share", "learned.spam", "learned.familiar"})
"""Facts that are said in per cent."""


class Sentences:
    """Says rules in one language. `root` leads from the page to the queue: names of lists are links."""

    def __init__(self, language: Language, root: str) -> None:
        self._language = language
        self._say = language.say
        self._number = Number(language)
        self._root = root

    def rule(self, rule: Rule, policy: Policy) -> Markup:
        """For whom, when, then: "For newcomers, when the text has a link: it waits for you, because ..."."""
        parts = [self._who(rule)]
        if all(condition.tests for condition in rule.when):
            parts.append(self._say("rule.when", conditions=self.conditions(rule.when)))
        elif not rule.during:
            parts.append(self._say("rule.always"))
        if rule.unless:
            parts.append(self._say("rule.unless", conditions=self.conditions(rule.unless)))
        if rule.during:
            parts.append(self._either(map(self._window, rule.during)))
        if rule.until is not None:
            parts.append(self._say("rule.until", moment=exactly(rule.until)))
        said = Markup("{}: <strong>{}</strong>").format(Markup(", ").join(parts), self._say(f"rule.then.{rule.then}"))
        reason = policy.reason(rule.reason)
        return said + (self._say("rule.because", reason=reason.text) if reason else Markup("."))

    def named(self, policy: Policy) -> list[Markup]:
        """Whom the policy's own names of people mean."""
        return [
            self._say("policy.people-are", who=self._people(name), conditions=self.conditions(conditions))
            for name, conditions in policy.people.items()
            if name not in BUILT_IN
        ]

    def has_hours(self, policy: Policy) -> bool:
        """Whether a rule speaks at certain hours only."""
        return any(rule.during for rule in (*policy.rules, *policy.lockdown))

    def share(self, share: float) -> Markup:
        """A share in per cent."""
        return self._say("per-cent", number=self._number(share * 100))

    def conditions(self, conditions: Sequence[Condition]) -> Markup:
        """Alternatives, each of some tests."""
        return self._either(self._all(condition.tests) for condition in conditions)

    def _who(self, rule: Rule) -> Markup:
        people = self._together(map(self._people, rule.only_for), "and")
        others = self._together(map(self._people, rule.not_for), "or")
        match bool(rule.only_for), bool(rule.not_for):
            case True, True:
                return self._say("rule.for-but", people=people, others=others)
            case True, False:
                return self._say("rule.for", people=people)
            case False, True:
                return self._say("rule.not-for", others=others)
        return self._say("rule.for-everybody")

    def _people(self, name: str) -> Markup:
        return self._say(f"people.{name}") if name in BUILT_IN else self._say("quoted", text=name)

    def _window(self, window: Window) -> Markup:
        start, end = (f"{minute // 60:02d}:{minute % 60:02d}" for minute in (window.start, window.end))
        if len(window.days) == len(DAYS):
            return self._say("rule.daily", start=start, end=end)
        names = self._language.words["time.weekdays"].split()
        days = self._together((escape(names[day]) for day in sorted(window.days)), "and")
        return self._say("rule.on-days", days=days, start=start, end=end)

    # --- Tests ----------------------------------------------------------------------------------------------------

    def _all(self, tests: Sequence[Test]) -> Markup:
        return Markup(" {} ").format(self._say("and")).join(map(self._test, tests)) or self._say("rule.always")

    def _test(self, test: Test) -> Markup:
        match test:
            case FlagTest():
                return self._of_fact(test.fact, "true" if test.is_set else "false")
            case NamesTest():
                return self._of_fact(test.fact, "names", names=self._names(test))
            case NumberTest():
                return self._number_test(test)

    def _number_test(self, test: NumberTest) -> Markup:
        low, high = test.at_least, test.at_most
        if high == 0 and not low and self._has(f"fact.{test.fact}.none"):
            return self._of_fact(test.fact, "none")
        if low == 1 and high is None and self._has(f"fact.{test.fact}.some"):
            return self._of_fact(test.fact, "some")
        counted = low if high is None else high
        is_whole = counted is not None and counted == int(counted)
        category = self._language.cardinal(int(counted or 0)) if is_whole else "other"
        if test.fact in SHARES:
            category = "share"
        return self._of_fact(test.fact, category, amount=self._amount(test))

    def _amount(self, test: NumberTest) -> Markup:
        low, high = (None if bound is None else self._written(test, bound) for bound in (test.at_least, test.at_most))
        if high is None:
            return self._say("amount.at-least", low=low)
        if low is None:
            return self._say("amount.at-most", high=high)
        return self._say("amount.exactly", low=low) if low == high else self._say("amount.between", low=low, high=high)

    def _written(self, test: NumberTest, bound: float) -> str:
        if test.fact in SHARES:
            return str(self.share(bound))
        return self._number(int(bound) if bound == int(bound) else bound)

    def _names(self, test: NamesTest) -> Markup:
        whole = [
            self._list(name) if test.fact == "lists.matched" else self._quoted(name) for name in sorted(test.whole)
        ]
        return self._together([*whole, *(self._quoted(f"{name}…") for name in test.beginnings)], "or")

    def _list(self, name: str) -> Markup:
        return Markup('<a href="{}lists/{}">{}</a>').format(self._root, quote(name, safe=""), name)

    def _quoted(self, text: str) -> Markup:
        return self._say("quoted", text=text)

    def _of_fact(self, fact: str, form: str, **values: object) -> Markup:
        """What is said of a fact; of one that has no words yet its name."""
        name = f"fact.{fact}.{form}"
        return self._say(name, **values) if self._has(name) else self._say(f"fact.any.{form}", fact=fact, **values)

    def _has(self, name: str) -> bool:
        return name in self._language.words

    # --- Several of them ------------------------------------------------------------------------------------------

    def _either(self, parts: Iterable[Markup]) -> Markup:
        return Markup(", <b>{}</b> ").format(self._say("or")).join(parts)

    def _together(self, parts: Iterable[Markup], joint: str) -> Markup:
        *most, last = [*parts] or [Markup("")]
        return Markup("{} {} {}").format(Markup(", ").join(most), self._say(joint), last) if most else last
