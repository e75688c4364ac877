"""When a notice is said. Pure: times are milliseconds since the epoch, and what was said is handed in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from service.model import Milliseconds
from service.notice_settings import NoticeSettings

MINUTE = 60_000
REMINDED_AFTER = 24 * 60 * MINUTE
"""What was said already is said once more after so long, while it still holds and nothing new came up."""
FIRST_PAUSE, LONGEST_PAUSE = MINUTE, 60 * MINUTE
"""A target that failed is asked again after the first, doubled each time up to the second."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much waits on a site: how many entries, since when the oldest, and since when the newest."""

    number: int
    oldest: Milliseconds
    newest: Milliseconds


@dataclass(frozen=True, slots=True)
class Trouble:
    """A target that did not take the notice: how often in a row, and when it is asked again."""

    tries: int
    again_at: Milliseconds


@dataclass(frozen=True, slots=True)
class Said:
    """What the store knows of a notice: when it was last said, and the targets that must still hear it, by name.

    `until`: the newest entry that it told of.
    """

    at: Milliseconds | None = None
    until: Milliseconds = 0
    troubles: Mapping[str, Trouble] = field(default_factory=dict)


def is_quiet(now: Milliseconds, settings: NoticeSettings, zone: ZoneInfo) -> bool:
    """Whether the clock on the wall there says that nobody is to be told now.

    So an hour that a change of summer time repeats is quiet twice, and one that it skips never comes.
    """
    span = settings.quiet_minutes
    if span is None:
        return False
    local = datetime.fromtimestamp(now / 1000, UTC).astimezone(zone)
    minute, (begin, end) = local.hour * 60 + local.minute, span
    return begin <= minute < end if begin < end else minute >= begin or minute < end


def is_due(waiting: Waiting | None, said: Said, settings: NoticeSettings, now: Milliseconds) -> bool:
    """Whether there is something to say that was not said yet. (Quiet hours are looked at apart.)"""
    if waiting is None:
        return False
    grown_old = _when_too_old(waiting, settings)
    is_enough = settings.when.waiting is not None and waiting.number >= settings.when.waiting
    if not is_enough and (grown_old is None or now < grown_old):
        return False
    if said.at is None or now < said.at - MINUTE:  # a clock that went back, more than replicas' clocks differ by
        return True
    if now < said.at + settings.at_most_every_minutes * MINUTE:
        return False
    has_grown_old = grown_old is not None and said.at < grown_old <= now
    return waiting.newest > said.until or has_grown_old or now >= said.at + REMINDED_AFTER


def due_again(said: Said, now: Milliseconds) -> frozenset[str]:
    """The targets that failed and are to be asked again now."""
    return frozenset(name for name, trouble in said.troubles.items() if trouble.again_at <= now)


def again_at(tries: int, now: Milliseconds) -> Milliseconds:
    """When a target is asked again that failed so often in a row (from 1)."""
    return now + min(FIRST_PAUSE << min(tries - 1, 20), LONGEST_PAUSE)


def _when_too_old(waiting: Waiting, settings: NoticeSettings) -> Milliseconds | None:
    minutes = settings.when.oldest_minutes
    return None if minutes is None else waiting.oldest + minutes * MINUTE
