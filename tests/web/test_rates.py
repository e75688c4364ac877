"""Counting against a rate: exactly so many at once, then one in each step; in this process and in a Redis alike."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.web.rates import SECOND, LocalCount, Rate


@dataclass
class Seconds:
    """A clock that a test moves."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("text", ["1/second", "3/second", "7/minute", "600/minute", "10/hour", "100000/second"])
def test_so_many_at_once_and_then_one_in_each_step(text: str) -> None:
    rate, clock = Rate.read(text), Seconds()
    here = LocalCount(rate, clock=clock)
    assert [here.count("ada", 1) for _ in range(rate.count)] == [0] * rate.count
    wait = here.count("ada", 1)
    assert 0 < wait <= rate.step
    assert here.count("bob", 1) == 0
    clock.now += (wait - 1) / SECOND
    assert here.count("ada", 1) >= 1
    clock.now += 2 / SECOND
    assert here.count("ada", 1) == 0
    assert here.count("ada", 1) > 0


def test_what_may_not_be_is_not_counted() -> None:
    clock = Seconds()
    here = LocalCount(Rate.read("5/minute"), clock=clock)
    assert here.count("ada", 4) == 0
    assert here.count("ada", 4) == 3 * 12 * SECOND
    assert here.count("ada", 1) == 0


@given(st.lists(st.sampled_from(["count", "give back"]), max_size=40))
def test_what_is_given_back_is_as_if_it_had_never_been(steps: list[str]) -> None:
    """With no time passing: between 0 and the limit, whatever is given back."""
    here, used = LocalCount(Rate.read("3/minute"), clock=Seconds()), 0
    for step in steps:
        if step == "give back":
            assert here.count("ada", -1) == 0
            used = max(0, used - 1)
        else:
            assert (here.count("ada", 1) == 0) is (used < 3)
            used = min(3, used + 1)
    assert len(here) == (used > 0)


def test_whoever_is_over_is_forgotten_and_there_are_never_too_many() -> None:
    clock = Seconds()
    here = LocalCount(Rate.read("1/minute"), clock=clock, max_keys=10)
    for number in range(30):
        here.count(f"reader {number}", 1)
    assert len(here) == 10
    assert here.count("reader 29", 1) > 0
    clock.now += 61
    here.count("somebody new", 1)
    assert len(here) == 1


def test_a_count_is_not_pushed_out_by_others_that_were_counted_before_it() -> None:
    here = LocalCount(Rate.read("2/hour"), clock=Seconds(), max_keys=3)
    for name in ("ada", "bob", "cy", "ada", "dan"):
        assert here.count(name, 1) == 0
    assert here.count("ada", 1) > 0
