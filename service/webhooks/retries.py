"""When a webhook is tried again. Pure: times are milliseconds since the epoch, and chance is handed in."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime

from service.model import Milliseconds

REFUSED_IN_A_ROW = 5
"""After so many refusals the receiver is asked with one delivery at a time, and no try counts."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 5.0, 300.0
"""Between two of these: doubled each time, up to five minutes."""
MOST_OBEYED_SECONDS = 3_600.0
"""What a receiver may ask for with `Retry-After`."""
SPREAD = 0.2
"""Each wait is longer or shorter by up to this share, so that what failed together does not come back together."""
_SECONDS = re.compile(r"[0-9]{1,9}")

Chance = Callable[[float, float], float]
"""A number between two, such as `random.uniform`."""


def next_try(attempt: int, waits: Sequence[float], *, now: Milliseconds, chance: Chance) -> Milliseconds | None:
    """When to try again after so many tries (from 1); None where that was the last."""
    if attempt > len(waits):
        return None
    return now + round(waits[attempt - 1] * 1000 * chance(1 - SPREAD, 1 + SPREAD))


def is_suspended(refused: int) -> bool:
    """Whether a receiver that refused so many in a row is only asked whether it takes anything."""
    return refused >= REFUSED_IN_A_ROW


def ask_again(refused: int, *, now: Milliseconds) -> Milliseconds:
    """When to ask a receiver again that refused so many in a row: before that, nothing is sent."""
    if not is_suspended(refused):
        return 0
    pause = FIRST_PAUSE_SECONDS * 2.0 ** min(refused - REFUSED_IN_A_ROW, 20)
    return now + round(min(pause, LONGEST_PAUSE_SECONDS) * 1000)


def obeyed(status: int | None, retry_after: str | None, *, now: Milliseconds) -> Milliseconds:
    """Until when a receiver that answers 429 or 503 asked to be left alone (RFC 9110, 10.2.3: seconds, or a date).

    At most an hour from now; `now` where it asked for nothing that can be read.
    """
    if status not in (429, 503) or retry_after is None:
        return now
    text = retry_after.strip()
    if _SECONDS.fullmatch(text):
        wanted = now + int(text) * 1000
    else:
        try:
            moment = parsedate_to_datetime(text)
            wanted = round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
        except (ValueError, OverflowError):
            return now
    return max(now, min(wanted, now + round(MOST_OBEYED_SECONDS * 1000)))
