"""Reads the conditions of a policy's document: tests on facts, each by its fact's kind."""

from typing import Final

from service.triage.condition import Condition, FlagTest, NamesTest, NumberTest, Test
from service.triage.document.known import Known
from service.triage.document.place import Place, did_you_mean, quoted
from service.triage.facts import Fact, Kind

MOST_CONDITIONS: Final = 8
MOST_NAMES: Final = 50
LONGEST_NAME: Final = 512
"""As long as a post's key can be."""
_BOUNDS: Final = ("at_least", "at_most")
_MEANT: Final = {
    **dict.fromkeys(("more_than", "greater_than", "over", "above", "min", "minimum", "from", "gt", "gte"), "at_least"),
    **dict.fromkeys(("less_than", "fewer_than", "under", "below", "max", "maximum", "up_to", "lt", "lte"), "at_most"),
}


def conditions(place: Place, known: Known, *, at_least: int, about_author: bool = False) -> tuple[Condition, ...]:
    """Some alternatives. `about_author`: they say who somebody is, and may ask nothing else."""
    if at_least and place.value == []:
        place.wrong("needs at least one condition; [{{}}] means always")
        return ()
    return tuple(_condition(item, known, about_author) for item in place.items(at_most=MOST_CONDITIONS))


def _condition(place: Place, known: Known, about_author: bool) -> Condition:
    tests = []
    for name, asked in place.members().items():
        fact = fact_named(name, asked, known)
        if fact is None:
            continue
        if about_author and not fact.is_about_author:
            asked.wrong("{name} is not about the author; `people` knows only author.* facts", name=quoted(name))
        tests.append(_test(fact, asked, known))
    return Condition(tuple(tests))


def fact_named(name: str, place: Place, known: Known) -> Fact | None:
    """The fact of this name, which stands at `place`; None, and a mistake, where there is none."""
    fact = known.facts.get(name)
    if fact is None:
        place.wrong("there is no fact {name}{hint}", name=quoted(name), hint=did_you_mean(name, known.facts))
    return fact


def _test(fact: Fact, place: Place, known: Known) -> Test:
    match fact.kind:
        case Kind.FLAG:
            return FlagTest(fact.name, place.flag())
        case Kind.NAMES:
            return _names_test(fact, place, known)
        case Kind.SHARE:
            return _number_test(fact, place, at_least=0, at_most=1)
        case Kind.NUMBER:
            return _number_test(fact, place)


def _number_test(fact: Fact, place: Place, at_least: int | None = None, at_most: int | None = None) -> NumberTest:
    found = place.known_members(_BOUNDS, meant=_MEANT)
    if place.value == {}:
        place.wrong('needs "at_least" or "at_most"')
    bounds = {name: bound.number(at_least, at_most) for name, bound in found.items()}
    low, high = bounds.get("at_least"), bounds.get("at_most")
    if low is not None and high is not None and low > high:
        place.wrong(
            "at_least {low} is more than at_most {high}: nothing can be both", low=quoted(low), high=quoted(high)
        )
    return NumberTest(fact.name, low, high)


def _names_test(fact: Fact, place: Place, known: Known) -> NamesTest:
    found = place.known_members(
        ("any_of",), required=("any_of",), meant=dict.fromkeys(("in", "is", "one_of"), "any_of")
    )
    items = found["any_of"].items(at_least=1, at_most=MOST_NAMES) if "any_of" in found else []
    names = [item.text(at_most=LONGEST_NAME) for item in items]
    if fact.name == "lists.matched" and known.lists is not None:
        for item, name in zip(items, names, strict=True):
            if name and not any(_is_meant(name, one) for one in known.lists):
                hint = did_you_mean(name, known.lists)
                item.wrong("there is no list {name} on this site{hint}", name=quoted(name), hint=hint)
    beginnings = tuple(name[:-1] for name in names if name.endswith("*"))
    return NamesTest(fact.name, frozenset(name for name in names if not name.endswith("*")), beginnings)


def _is_meant(name: str, one: str) -> bool:
    return one.startswith(name[:-1]) if name.endswith("*") else one == name
