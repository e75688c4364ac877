"""When a webhook is tried again: waits, pauses, and what receivers ask for."""

import pytest

from service.webhooks import retries

NOW = 1_795_000_000_000
DATE = "Wed, 18 Nov 2026 06:27:10 GMT"
OF_DATE = 1_794_983_230_000


def same(low: float, high: float) -> float:
    """No chance: the middle."""
    return (low + high) / 2


@pytest.mark.parametrize(("attempt", "wait"), [(1, 5_000), (2, 60_000), (3, None)])
def test_each_try_waits_longer_and_the_last_is_the_last(attempt: int, wait: int | None) -> None:
    assert retries.next_try(attempt, [5, 60], now=NOW, chance=same) == (None if wait is None else NOW + wait)


def test_waits_are_spread_by_a_fifth() -> None:
    bounds: list[tuple[float, float]] = []

    def note(low: float, high: float) -> float:
        bounds.append((low, high))
        return high

    assert retries.next_try(1, [10], now=0, chance=note) == 12_000
    assert bounds == [(0.8, 1.2)]


@pytest.mark.parametrize(
    ("refused", "pause"),
    [(0, None), (4, None), (5, 5_000), (6, 10_000), (10, 160_000), (11, 300_000), (5_000, 300_000)],
)
def test_a_receiver_that_refuses_is_asked_again_after_at_most_five_minutes(refused: int, pause: int | None) -> None:
    assert retries.ask_again(refused, now=NOW) == (0 if pause is None else NOW + pause)


@pytest.mark.parametrize(
    ("status", "header", "wanted"),
    [
        (503, "30", NOW + 30_000),
        (429, " 30 ", NOW + 30_000),
        (503, "999999", NOW + 3_600_000),
        (503, "0", NOW),
        (500, "30", NOW),
        (503, None, NOW),
        (503, "soon", NOW),
        (503, "-5", NOW),
        (503, "1e3", NOW),
        (503, "", NOW),
        (503, "Wed, 18 Nov 2099 06:27:10 GMT", NOW + 3_600_000),
        (503, "Wed, 18 Nov 1999 06:27:10 GMT", NOW),
        (503, "Wed, 99 Nov 2026 06:27:10 GMT", NOW),
    ],
)
def test_what_a_receiver_asks_for_is_obeyed_for_an_hour(status: int, header: str | None, wanted: int) -> None:
    assert retries.obeyed(status, header, now=NOW) == wanted


def test_a_date_is_a_time() -> None:
    assert retries.obeyed(503, DATE, now=OF_DATE - 60_000) == OF_DATE
