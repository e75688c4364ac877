"""The checks `repeats` and `flood`: what came again, and how much came at once."""

import pytest

from service.text.disguises import keyed
from service.triage.seen import Arrived
from tests.triage.checks.looking import codes, context, found


def test_how_often_a_text_came_before_is_told() -> None:
    facts = found("Hello there", context()._replace(arrived=Arrived(1, 3, 2, 4, 9)))
    repeats = [facts.values[name] for name in ("repeats.by_author", "repeats.on_site")]
    floods = [facts.values[name] for name in ("flood.author", "flood.post", "flood.site")]
    assert (repeats, floods) == ([1, 3], [2, 4, 9])
    assert {"repeated-by-author", "repeated-on-site"} <= set(codes(facts))


def test_what_many_say_is_no_repetition() -> None:
    facts = found("Yes! 1234", context()._replace(arrived=Arrived(5, 5)))
    assert (facts.values["repeats.by_author"], facts.values["repeats.on_site"]) == (None, None)


def test_nothing_is_known_until_the_last_days_were_read() -> None:
    facts = found("Hello there", context()._replace(arrived=None))
    assert facts.unknown == {"repeats.by_author", "repeats.on_site", "flood.author", "flood.post", "flood.site"}


@pytest.mark.parametrize(
    "other",
    ["HELLO, THERE!", "h\u200bello there", "Hеllo thеre", "h-e-l-l-o there 42", "Héllo thère", "Hello there 😀"],
)
def test_texts_are_equal_whose_letters_are(other: str) -> None:
    assert keyed(other) == keyed("Hello there")
    assert keyed("Hello where") != keyed("Hello there")
