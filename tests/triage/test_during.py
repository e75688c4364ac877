"""When a rule is on: hours of the day on the site's own clock, days of the week, and a last moment."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from service.triage import document
from service.triage.outcome import Outcome
from service.triage.rule import Moment
from tests.triage.policies import KNOWN, NOON, completed, facts, outcome, policy_with


def is_on(moment: str, *windows: dict[str, Any], zone: str = "Europe/Berlin", **members: Any) -> bool:
    """Whether a rule with these windows speaks at a moment."""
    policy = policy_with({"during": list(windows), **members}, time_zone=zone)
    at = round(datetime.fromisoformat(moment).timestamp() * 1000)
    return outcome(policy, facts(), at=at) is Outcome.HOLD


NIGHT = {"from": "22:30", "to": "07:00"}
FRIDAY_NIGHT = {"days": ["fri"], **NIGHT}
OFFICE = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00"}


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-01-07T22:29:59+01:00", False),
        ("2026-01-07T22:30:00+01:00", True),
        ("2026-01-07T23:59:59+01:00", True),
        ("2026-01-08T00:00:00+01:00", True),
        ("2026-01-08T06:59:59+01:00", True),
        ("2026-01-08T07:00:00+01:00", False),
        ("2026-01-08T12:00:00+01:00", False),
    ],
)
def test_window_over_midnight(moment: str, *, expected: bool) -> None:
    assert is_on(moment, NIGHT) is expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-01-09T06:00:00+01:00", False),  # Friday morning belongs to Thursday's night
        ("2026-01-09T22:30:00+01:00", True),
        ("2026-01-10T06:59:00+01:00", True),  # Saturday morning belongs to Friday's
        ("2026-01-10T07:00:00+01:00", False),
        ("2026-01-10T22:30:00+01:00", False),
    ],
)
def test_window_over_midnight_belongs_to_the_day_on_which_it_began(moment: str, *, expected: bool) -> None:
    assert is_on(moment, FRIDAY_NIGHT) is expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [("2026-01-11T23:00:00Z", True), ("2026-01-12T05:00:00Z", True), ("2026-01-12T23:00:00Z", False)],
)
def test_week_goes_round(moment: str, *, expected: bool) -> None:
    """Sunday's night ends on Monday."""
    assert is_on(moment, {"days": ["sun"], **NIGHT}, zone="UTC") is expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-01-09T08:59:59Z", False),
        ("2026-01-09T09:00:00Z", True),
        ("2026-01-09T16:59:59.999Z", True),
        ("2026-01-09T17:00:00Z", False),
        ("2026-01-10T12:00:00Z", False),
    ],
)
def test_window_within_a_day(moment: str, *, expected: bool) -> None:
    assert is_on(moment, OFFICE, zone="UTC") is expected


def test_the_same_time_twice_is_a_whole_day_from_then_on() -> None:
    round_the_clock = {"days": ["wed"], "from": "06:00", "to": "06:00"}
    moments = ["2026-01-07T05:59:00Z", "2026-01-07T06:00:00Z", "2026-01-08T05:59:00Z", "2026-01-08T06:00:00Z"]
    assert [is_on(moment, round_the_clock, zone="UTC") for moment in moments] == [False, True, True, False]


def test_one_of_some_windows_is_enough() -> None:
    assert is_on("2026-01-09T12:00:00+01:00", NIGHT, OFFICE)
    assert not is_on("2026-01-10T12:00:00+01:00", NIGHT, OFFICE)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-03-28T21:30:00Z", True),  # the evening before the clocks go forward: 22:30
        ("2026-03-29T00:59:00Z", True),  # 01:59, and the next minute is 03:00
        ("2026-03-29T01:00:00Z", True),
        ("2026-03-29T04:59:00Z", True),  # 06:59, an hour earlier than the day before
        ("2026-03-29T05:00:00Z", False),
        ("2026-10-25T00:30:00Z", True),  # 02:30 for the first time
        ("2026-10-25T01:30:00Z", True),  # and for the second
        ("2026-10-25T05:59:00Z", True),
        ("2026-10-25T06:00:00Z", False),
    ],
)
def test_night_follows_the_clock_on_the_wall_when_that_is_changed(moment: str, *, expected: bool) -> None:
    assert is_on(moment, NIGHT) is expected


def test_window_in_the_hour_that_is_left_out_never_comes() -> None:
    gap = {"from": "02:00", "to": "03:00"}
    assert not any(is_on(f"2026-03-29T{hour:02}:{minute:02}:00Z", gap) for hour in range(5) for minute in (0, 30, 59))
    assert is_on("2026-03-28T01:30:00Z", gap)


def test_window_in_the_hour_that_comes_twice_comes_twice() -> None:
    half = {"from": "02:30", "to": "03:00"}
    moments = ["2026-10-25T00:29:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z"]
    assert [is_on(moment, half) for moment in moments] == [False, True, False, True]


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "Pacific/Kiritimati", "America/St_Johns", "Etc/GMT+12"])
def test_day_is_that_of_the_zone(zone: str) -> None:
    local = datetime.fromisoformat("2026-01-07T12:00:00+00:00")
    windows = [{"days": [day], "from": "00:00", "to": "00:00"} for day in ("tue", "wed", "thu")]
    on = [is_on(local.isoformat(), window, zone=zone) for window in windows]
    assert on == {"Pacific/Kiritimati": [False, False, True]}.get(zone, [False, True, False])


def test_site_has_a_zone_for_documents_that_name_none() -> None:
    written = {"format": 1, "otherwise": "publish", "rules": [completed({"during": [NIGHT]})]}
    zones = {"UTC": Outcome.PUBLISH, "Asia/Tokyo": Outcome.PUBLISH, "America/New_York": Outcome.PUBLISH}
    zones["Pacific/Auckland"] = Outcome.HOLD  # where it is 01:00 then
    for zone, expected in zones.items():
        policy = document.read(written, KNOWN, version=1, time_zone=zone)
        assert outcome(policy, facts(), at=NOON) is expected


def test_rule_is_off_from_its_last_moment_on() -> None:
    policy = policy_with({"until": "2026-06-01T00:00:00+02:00"})
    last = round(datetime.fromisoformat("2026-05-31T22:00:00Z").timestamp() * 1000)
    assert outcome(policy, facts(), at=last - 1) is Outcome.HOLD
    assert outcome(policy, facts(), at=last) is Outcome.PUBLISH


def test_rule_that_is_off_by_the_clock_holds_nothing_for_a_check_that_could_not_run() -> None:
    policy = policy_with({"during": [NIGHT], "when": [{"links.count": {"at_least": 1}}]}, time_zone="UTC")
    assert outcome(policy, facts(unknown=("links.count",))) is Outcome.PUBLISH


def test_tests_of_a_document_come_out_the_same_at_night() -> None:
    """Those that name no time are judged on a Wednesday at noon, where the site is."""
    for zone in ("UTC", "Pacific/Auckland", "America/Los_Angeles"):
        policy_with({"during": [NIGHT]}, time_zone=zone, tests=[{"name": "by day", "expect": "publish"}])


def test_the_first_and_the_last_moment_that_there_is_are_judged_as_well() -> None:
    assert Moment(253_402_300_799_000, ZoneInfo("Europe/Berlin")).on_the_wall == (4, 24 * 60 - 1)
    assert Moment(-62_135_596_800_000, ZoneInfo("America/New_York")).on_the_wall == (0, 0)
