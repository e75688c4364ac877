"""The words in which the fragment speaks: one file for each language in `languages/`, and how numbers change them.

A file has texts by name. `{name}` in a text stands for a value. A text that goes with a number is there once for each
plural category of its language (CLDR: `count.one`, `count.other`); `.zero` is for none at all, in every language.
`time.weekdays` begins on Monday, `time.months` in January; their words are separated by spaces. Not `strftime`: it
would speak the language of the machine.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Final, Literal, get_args

from markupsafe import Markup, escape

from service.model import Milliseconds

Code = Literal["en", "de", "fr", "es", "ar"]
CODES: Final[tuple[Code, ...]] = get_args(Code)
FOLDER: Final = Path(__file__).parent / "languages"
RIGHT_TO_LEFT: Final = frozenset({"ar"})

LISTS: Final = ("time.weekdays", "time.months", "time.halves")
_MILLION: Final = 1_000_000
Category = Callable[[int], str]
"""The plural category of a whole number that is not negative."""


@dataclass(frozen=True)
class Language:
    """One language: its words, and which of them go with a number."""

    code: Code
    words: Mapping[str, str]
    cardinal: Category
    ordinal: Category

    @property
    def direction(self) -> Literal["ltr", "rtl"]:
        """Where its lines begin, as `dir` says it."""
        return "rtl" if self.code in RIGHT_TO_LEFT else "ltr"

    def say(self, name: str, /, **values: object) -> Markup:
        """The text called `name` with these values in it. What is not markup is escaped."""
        text = self._escaped[name]
        if not values:
            return text
        escaped = {value: str(escape(given)) for value, given in values.items()}
        return Markup(str(text).format_map(escaped))  # noqa: S704  # all of it escaped

    def count(self, number: int) -> Markup:
        """How many comments there are."""
        category = self.cardinal(number) if number else "zero"
        return self.say(f"count.{category}", count=number)

    def time(self, moment: Milliseconds) -> str:
        """A time as a person writes it for readers anywhere: "at 9:35am UTC on Tuesday, 19th July 2005"."""
        time, halves = datetime.fromtimestamp(moment // 1000, UTC), self._lists["time.halves"]
        return self.words["time"].format(
            weekday=self._lists["time.weekdays"][time.weekday()],
            day=self.words[f"time.day.{self.ordinal(time.day)}"].format(day=time.day),
            month=self._lists["time.months"][time.month - 1],
            year=time.year,
            hour=f"{time.hour:02d}",
            hour12=time.hour % 12 or 12,
            minute=f"{time.minute:02d}",
            half=halves[time.hour // 12] if halves else "",
        )

    @cached_property
    def _escaped(self) -> Mapping[str, Markup]:
        return {name: escape(text) for name, text in self.words.items()}

    @cached_property
    def _lists(self) -> Mapping[str, Sequence[str]]:
        return {name: self.words.get(name, "").split() for name in LISTS}


def path_of(code: Code) -> Path:
    """The file with the words of a language."""
    return FOLDER / f"{code}.json"


@cache
def named(code: Code) -> Language:
    """The language with this code."""
    words: dict[str, str] = json.loads(path_of(code).read_text("utf-8"))
    return Language(code, words, _CARDINALS[code], _ORDINALS.get(code, _always_other))


# Unicode CLDR 45, "Language Plural Rules", for whole numbers.


def _one_or_other(number: int) -> str:
    return "one" if number == 1 else "other"


def _millions_are_many(number: int) -> str:
    return "many" if number and number % _MILLION == 0 else "other"


def _french(number: int) -> str:
    return "one" if number in (0, 1) else _millions_are_many(number)


def _spanish(number: int) -> str:
    return "one" if number == 1 else _millions_are_many(number)


def _arabic(number: int) -> str:
    if number < 3:
        return ("zero", "one", "two")[number]
    last = number % 100
    return "few" if 3 <= last <= 10 else "many" if last >= 11 else "other"


def _english_ordinal(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return "other"
    return {1: "one", 2: "two", 3: "few"}.get(number % 10, "other")


def _always_other(_: int) -> str:
    return "other"


_CARDINALS: Final[Mapping[Code, Category]] = {
    "en": _one_or_other,
    "de": _one_or_other,
    "fr": _french,
    "es": _spanish,
    "ar": _arabic,
}
_ORDINALS: Final[Mapping[Code, Category]] = {"en": _english_ordinal, "fr": _one_or_other}
