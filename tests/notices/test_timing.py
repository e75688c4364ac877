"""When a notice is said, and when nobody is told, in zones with and without summer time."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from service import settings
from service.notice_settings import NoticeSettings
from service.notices import timing
from service.notices.timing import MINUTE, Said, Trouble, Waiting
from service.settings import SettingsError

ZONES = ["Europe/London", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "America/St_Johns"]
NOW = 1_800_000_000_000


def notice(**wanted: Any) -> NoticeSettings:
    """A notice's settings."""
    return NoticeSettings.model_validate({"name": "moderators", "to_env": "NOTICE_URLS", **wanted})


def at(text: str, zone: str, *, fold: int = 0) -> int:
    """A time on the clock on the wall there."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp() * 1000)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("month", [1, 7], ids=["january", "july"])
@pytest.mark.parametrize(
    ("span", "inside", "outside"),
    [
        ("22:00-07:00", ["22:00", "23:59", "00:00", "03:30", "06:59"], ["21:59", "07:00", "12:00"]),
        ("12:30-13:45", ["12:30", "13:44"], ["12:29", "13:45", "00:00"]),
        ("00:00-06:00", ["00:00", "05:59"], ["06:00", "23:59"]),
        ("18:00-00:00", ["18:00", "23:59"], ["00:00", "17:59"]),
    ],
)
def test_nobody_is_told_in_quiet_hours(zone: str, month: int, span: str, inside: list[str], outside: list[str]) -> None:
    wanted = notice(quiet=span)
    for clock, is_quiet in [*((one, True) for one in inside), *((one, False) for one in outside)]:
        moment = at(f"2026-{month:02d}-15T{clock}", zone)
        assert timing.is_quiet(moment, wanted, ZoneInfo(zone)) is is_quiet, clock


# In each zone that has summer time, the day it begins and the day it ends.
CHANGES = {
    "Europe/London": ["2026-03-29", "2026-10-25"],
    "America/New_York": ["2026-03-08", "2026-11-01"],
    "Pacific/Auckland": ["2026-09-27", "2026-04-05"],
    "America/St_Johns": ["2026-03-08", "2026-11-01"],
    "Australia/Lord_Howe": ["2026-10-04", "2026-04-05"],  # by half an hour
}
SPANS = ["22:00-07:00", "01:30-02:30", "02:00-03:00", "02:15-02:45", "00:00-02:00", "23:00-02:30"]


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize(("zone", "day"), [(zone, day) for zone, days in CHANGES.items() for day in days])
def test_each_minute_around_a_change_of_summer_time_is_as_the_clock_on_the_wall_says(
    zone: str, day: str, span: str
) -> None:
    wanted, place = notice(quiet=span), ZoneInfo(zone)
    first = at(f"{day}T12:00", zone) - 24 * 60 * MINUTE
    begin, end = span.split("-")
    seen = set()
    for minute in range(48 * 60):
        moment = first + minute * MINUTE
        clock = f"{datetime.fromtimestamp(moment / 1000, place):%H:%M}"
        within = begin <= clock < end if begin < end else clock >= begin or clock < end
        assert timing.is_quiet(moment, wanted, place) is within, clock
        seen.add(datetime.fromtimestamp(moment / 1000, place).utcoffset())
    assert len(seen) == 2  # the change was among them


def test_an_hour_that_comes_twice_is_quiet_twice_and_one_that_is_skipped_silences_nobody() -> None:
    zone = "Europe/London"
    for fold in (0, 1):
        moment = at("2026-10-25T01:30", zone, fold=fold)
        assert timing.is_quiet(moment, notice(quiet="01:00-02:00"), ZoneInfo(zone))
    before, after = at("2026-03-29T00:59", zone), at("2026-03-29T02:00", zone)
    assert after - before == MINUTE
    assert not any(timing.is_quiet(one, notice(quiet="01:00-02:00"), ZoneInfo(zone)) for one in (before, after))


HOUR = 60 * MINUTE
DUE = [
    ("nothing waits", None, Said(), {}, False),
    ("too few, too young", Waiting(4, NOW - 59 * MINUTE, NOW), Said(), {}, False),
    ("enough", Waiting(5, NOW, NOW), Said(), {}, True),
    ("too few, old enough", Waiting(1, NOW - HOUR, NOW - HOUR), Said(), {}, True),
    ("only the number counts", Waiting(4, NOW - 99 * HOUR, NOW), Said(), {"when": {"waiting": 5}}, False),
    ("only the age counts", Waiting(99, NOW, NOW), Said(), {"when": {"oldest_minutes": 60}}, False),
    ("said a while ago", Waiting(5, NOW, NOW), Said(NOW - 119 * MINUTE, NOW - 119 * MINUTE), {}, False),
    ("said long ago", Waiting(5, NOW, NOW), Said(NOW - 120 * MINUTE, NOW - 120 * MINUTE), {}, True),
    ("nothing new", Waiting(5, NOW - 9 * HOUR, NOW - 6 * HOUR), Said(NOW - 5 * HOUR, NOW - 6 * HOUR), {}, False),
    ("nothing new for a day", Waiting(5, NOW - 99 * HOUR, NOW - 80 * HOUR), Said(NOW - 24 * HOUR, NOW), {}, True),
    ("grown old since", Waiting(5, NOW - 150 * MINUTE, NOW - 150 * MINUTE), Said(NOW - 140 * MINUTE, NOW), {}, True),
    ("the clock went back", Waiting(5, NOW, NOW), Said(NOW + HOUR, NOW + HOUR), {}, True),
    ("another replica's clock is ahead", Waiting(5, NOW, NOW), Said(NOW + 9_000, NOW - 1), {}, False),
]


@pytest.mark.parametrize(("waiting", "said", "wanted", "due"), [row[1:] for row in DUE], ids=[row[0] for row in DUE])
def test_it_is_said_when_there_is_something_new_to_say(
    waiting: Waiting | None, said: Said, wanted: dict[str, Any], due: bool
) -> None:
    assert timing.is_due(waiting, said, notice(**wanted), NOW) is due


def test_a_target_that_fails_is_asked_after_pauses_that_grow_to_an_hour() -> None:
    pauses = [(timing.again_at(tries, NOW) - NOW) // MINUTE for tries in range(1, 10)]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert timing.again_at(10_000, NOW) == NOW + 60 * MINUTE
    said = Said(NOW, NOW, {"due": Trouble(1, NOW), "later": Trouble(1, NOW + 1)})
    assert timing.due_again(said, NOW) == {"due"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": "Mods"}, "name"),
        ({"to_env": None}, "to_env"),
        ({"when": {}}, "give waiting, oldest_minutes, or both"),
        ({"when": {"waiting": 0}}, "waiting"),
        ({"quiet": "22-7"}, "22:00-07:00"),
        ({"quiet": "24:00-07:00"}, "22:00-07:00"),
        ({"quiet": "07:00-07:00"}, "22:00-07:00"),
        ({"time_zone": "Berlin"}, "Europe/Berlin"),
        ({"time_zone": "../../etc/passwd"}, "Europe/Berlin"),
        ({"language": "fr"}, "language"),
        ({"at_most_every_minutes": 0}, "at_most_every_minutes"),
    ],
)
def test_a_notice_that_cannot_be_is_refused(wrong: dict[str, Any], said: str) -> None:
    usual = {"name": "moderators", "to_env": "NOTICE_URLS"}
    given = {name: value for name, value in {**usual, **wrong}.items() if value is not None}
    with pytest.raises(SettingsError, match=said):
        settings.parse({"sites": {"blog": {"name": "A blog", "notices": [given]}}})


def test_two_of_one_name_are_refused() -> None:
    usual = {"name": "moderators", "to_env": "NOTICE_URLS"}
    with pytest.raises(SettingsError, match='two notices are called "moderators"'):
        settings.parse({"sites": {"blog": {"name": "A blog", "notices": [usual, usual]}}})
