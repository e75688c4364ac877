"""One value of a document that somebody else wrote, and where it stands in it. `document` reads with it.

Reading never stops at a mistake: it is noted under its JSON pointer (RFC 6901), a stand-in is read in its place, and
the reader finds the next one. Whoever began asks at the end whether there were any.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from enum import StrEnum
from math import isfinite
from typing import Any, Final, TypeVar

from service.model import Milliseconds
from service.triage.document.message import Message

Word = TypeVar("Word", bound=StrEnum)

LONGEST_QUOTE: Final = 100
LONGEST_SLUG: Final = 40
_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_YEARS: Final = range(1970, 9999)
"""In these every moment has a day and an hour in every time zone."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong, and where."""

    pointer: str
    message: Message

    @property
    def detail(self) -> str:
        """What is wrong, in English."""
        return str(self.message)


class Place:
    """A value and its pointer. All places of one document note their mistakes in one list."""

    def __init__(self, value: Any, pointer: str = "", mistakes: list[Mistake] | None = None) -> None:
        self.value = value
        self.pointer = pointer
        self.mistakes: list[Mistake] = [] if mistakes is None else mistakes

    def wrong(self, template: str, **values: object) -> None:
        """Note that something is wrong here: a `Message` of this template and these values."""
        self.mistakes.append(Mistake(self.pointer, Message(template, values)))

    def inside(self, step: str | int, value: Any = None) -> "Place":
        """The place of a member or an item."""
        escaped = str(step).replace("~", "~0").replace("/", "~1")
        return Place(value, f"{self.pointer}/{escaped}", self.mistakes)

    # --- What holds others --------------------------------------------------------------------------------------------

    def members(self) -> dict[str, "Place"]:
        """The members of an object whose names are free."""
        if not isinstance(self.value, dict):
            self.wrong("must be an object")
            return {}
        return {name: self.inside(name, value) for name, value in self.value.items()}

    def known_members(
        self, known: Iterable[str], *, required: Iterable[str] = (), meant: dict[str, str] | None = None
    ) -> dict[str, "Place"]:
        """The members of an object whose names are given. `meant`: what people write instead of some of them."""
        names, found = list(known), self.members()
        for name in [name for name in found if name not in names]:
            wrong = found.pop(name)
            wrong.wrong("is not known here{hint}", hint=did_you_mean(name, names, meant=meant))
        if isinstance(self.value, dict):
            for name in required:
                if name not in found:
                    self.inside(name).wrong("is required")
        return found

    def items(self, *, at_most: int, at_least: int = 0) -> list["Place"]:
        """The items of a list. Of one that is too long, those up to the limit."""
        if not isinstance(self.value, list):
            self.wrong("must be a list")
            return []
        if not at_least <= len(self.value) <= at_most:
            bounds = {"at_least": at_least, "at_most": at_most} if at_least else {"at_most": at_most}
            self.wrong(
                "must have {at_least} to {at_most} items" if at_least else "may have at most {at_most} items", **bounds
            )
        return [self.inside(number, value) for number, value in enumerate(self.value[:at_most])]

    # --- Single values: each gives a stand-in where it is wrong -------------------------------------------------------

    def text(self, *, at_most: int, at_least: int = 1) -> str:
        """Text, its length in characters."""
        if not isinstance(self.value, str):
            self.wrong("must be text")
            return ""
        if not at_least <= len(self.value) <= at_most:
            self.wrong("must have {at_least} to {at_most} characters", at_least=at_least, at_most=at_most)
        return self.value

    def slug(self) -> str:
        """A name of ours: lower-case letters, digits and single hyphens."""
        if not isinstance(self.value, str) or not _SLUG.fullmatch(self.value):
            self.wrong('must be lower-case letters, digits and single hyphens, for example "links-hold"')
            return ""
        return self.text(at_most=LONGEST_SLUG)

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            self.wrong("must be true or false")
        return self.value is True

    def number(self, at_least: float | None = None, at_most: float | None = None) -> float:
        """A number within bounds, both inclusive."""
        value = self.value
        if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
            self.wrong("must be a number")
            return at_least or 0
        if at_least is not None and value < at_least:
            self.wrong("must be at least {at_least}", at_least=at_least)
        if at_most is not None and value > at_most:
            self.wrong("must be at most {at_most}", at_most=at_most)
        return value

    def whole_number(self, at_least: int, at_most: int) -> int:
        """A whole number within bounds, both inclusive."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            self.wrong("must be a whole number")
            return at_least
        return int(self.number(at_least, at_most))

    def word(self, words: Iterable[Word]) -> Word | None:
        """One of some words."""
        known = list(words)
        found = next((word for word in known if word == self.value), None)
        if found is None:
            self.wrong("must be {choice}, not {value}", choice=_either(known), value=quoted(self.value))
        return found

    def moment(self) -> Milliseconds:
        """A time as RFC 3339 writes it."""
        try:
            if not isinstance(self.value, str) or not _MOMENT.fullmatch(self.value):
                raise ValueError
            moment = datetime.fromisoformat(self.value)
            if moment.year not in _YEARS:
                raise ValueError
            return max(0, int(moment.timestamp() * 1000))
        except (ValueError, OverflowError):
            self.wrong('must be a time as RFC 3339 writes it, for example "2026-01-31T12:00:00Z"')
            return 0


def did_you_mean(name: str, known: Iterable[str], *, meant: dict[str, str] | None = None) -> Message | str:
    """The end of a message about a name that is not known: the nearest one that is, where there is one."""
    near = [meant[name]] if meant and name in meant else get_close_matches(name[:LONGEST_QUOTE], list(known), n=1)
    return Message("; did you mean {name}?", {"name": quoted(near[0])}) if near else ""


def quoted(value: object) -> Message | str:
    """A value of a document, to stand in a message."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"' if len(value) <= LONGEST_QUOTE else f'"{value[:LONGEST_QUOTE]}…"'
        case int() | float():
            return str(value) if abs(value) < 10**LONGEST_QUOTE else Message("a large number")
        case list():
            return Message("a list")
        case _:
            return Message("an object")


def _is_finite(value: float) -> bool:
    """Whether a number can be compared with those of facts: JSON may hold one of a thousand digits."""
    try:
        return isfinite(value)
    except OverflowError:
        return False


def _either(words: Iterable[str]) -> Message | str:
    *most, last = (f'"{word}"' for word in words)
    return Message("{most} or {last}", {"most": ", ".join(most), "last": last}) if most else last
