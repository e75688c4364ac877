"""Logic with a third value (Kleene): what could not be found out is neither true nor false, but *unknown*."""

from collections.abc import Iterable
from enum import IntEnum


class Truth(IntEnum):
    """In this order: "and" is the least of some truths, "or" the greatest."""

    FALSE = 0
    UNKNOWN = 1
    TRUE = 2


FALSE, UNKNOWN, TRUE = Truth
_OPPOSITES = (TRUE, UNKNOWN, FALSE)


def all_of(truths: Iterable[Truth]) -> Truth:
    """False if any is false, else unknown if any is unknown, else true. Looks no further than the first false one."""
    least = TRUE
    for truth in truths:
        if truth is FALSE:
            return FALSE
        if truth is UNKNOWN:
            least = UNKNOWN
    return least


def any_of(truths: Iterable[Truth]) -> Truth:
    """True if any is true, else unknown if any is unknown, else false. Looks no further than the first true one."""
    greatest = FALSE
    for truth in truths:
        if truth is TRUE:
            return TRUE
        if truth is UNKNOWN:
            greatest = UNKNOWN
    return greatest


def opposite(truth: Truth) -> Truth:
    """True and false change places; unknown stays."""
    return _OPPOSITES[truth]
