"""One record of a foreign file, whatever its format: how its fields are read, and what becomes of a bad one."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from service.model import FOREVER, Milliseconds
from service.transfer.imported import ImportedComment, LeftOut
from service.transfer.opened import SourceError

PERSONAL: Final = "left out everywhere: e-mail addresses, IP addresses, user agents, votes"
HOPELESS: Final = 1_000
LONGEST_KEPT: Final = 2_001
"""One more than any of it may have (`reading`)."""
_MILLISECOND: Final = timedelta(milliseconds=1)
_BEGIN: Final = datetime(1970, 1, 1)  # noqa: DTZ001  # what is taken from it has no zone either
_BEGIN_UTC: Final = _BEGIN.replace(tzinfo=UTC)
_SECONDS_UP_TO: Final = 100_000_000_000
"""A larger number counts milliseconds: in seconds it would be the year 5138."""

_ZONE_NAME: Final = re.compile(r" UTC$|(?<=[+-]\d{4}) \S{2,6}$")
"""Behind a time: `2014-01-14 18:32:12 +0100 CET` is how Go writes one."""
_UNWRITABLE: Final = re.compile("[\0\ud800-\udfff]")
"""Half a character, which is what is left where a program cut an emoji in two, and NUL: nothing can store them."""


class BadRecordError(Exception):
    """A record that cannot come in. Its text says why, in words that follow `line 12: `."""


class Record(NamedTuple):
    """`fields` are what the format calls them; `user.name` is a field in a field."""

    line: int
    fields: Mapping[str, Any]

    def value(self, name: str) -> Any:
        """What the field holds; None where there is none."""
        if name in self.fields:
            return self.fields[name]
        outer, _, inner = name.partition(".")
        found = self.fields.get(outer) if inner else None
        return Record(self.line, found).value(inner) if isinstance(found, Mapping) else None

    def says(self, name: str) -> bool:
        """Whether anything but nothing stands there."""
        value = self.value(name)
        return bool(value.strip(" \r\n\t0") if isinstance(value, str) else value)

    def text(self, *names: str) -> str:
        """The first of these fields that says anything, without blanks around it; empty if none does."""
        for name in names:
            value = self.fields[name] if name in self.fields else self.value(name)
            if not isinstance(value, str):
                value = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""
            if text := value.strip():
                return text if text.isascii() and text.isprintable() else _UNWRITABLE.sub("\ufffd", text)
        return ""

    def kept(self, *names: str) -> dict[str, str]:
        """What these fields say, for who keeps it to the end of the file: not all of a very long text."""
        return {name: self.text(name)[:LONGEST_KEPT] for name in names}

    def or_none(self, *names: str, nothing: Sequence[str] = ()) -> str | None:
        """The same; None if none says anything, or what stands for `nothing` in this format."""
        text = self.text(*names)
        return None if text in nothing else text or None

    def needed(self, *names: str) -> str:
        """The same. Raises BadRecordError if none says anything."""
        if text := self.text(*names):
            return text
        raise BadRecordError(f"has no `{names[0]}`")

    def flag(self, name: str) -> bool:
        """Whether the field says yes, as a boolean, a number or a word."""
        value = self.value(name)
        return isinstance(value, str | int | float) and str(value).strip().lower() in ("true", "1", "t", "yes")

    def time(self, *names: str) -> Milliseconds:
        """The first of these fields that holds a time; one without a zone is taken as UTC. Raises BadRecordError."""
        for name in names:
            if (found := moment(self.value(name))) is not None:
                return found
        raise BadRecordError(f"has no time that can be read (`{names[0]}`: {self.text(names[0])[:40]!r})")

    def time_or_none(self, *names: str) -> Milliseconds | None:
        """The same; None where there is none."""
        return next((found for name in names if (found := moment(self.value(name))) is not None), None)


def moment(value: Any) -> Milliseconds | None:
    """A time as the systems write it: seconds or milliseconds since 1970, ISO 8601 with or without a zone (then UTC),
    or one of these in an object (`$date`, `iso`). None for what is none, and for the zeros that stand for none."""
    if isinstance(value, str):
        value = value.strip()
        try:
            if ":" in value:  # nearly always, and no number has one
                return _written(value)
            value = float(value)
        except ValueError:
            return _written(value)
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, Mapping):
        return next((moment(value[name]) for name in ("$date", "iso", "$numberLong") if name in value), None)
    if not isinstance(value, int | float) or not -FOREVER <= value <= FOREVER:  # which NaN is not either
        return None
    return _within(value if abs(value) > _SECONDS_UP_TO else value * 1000)


def _written(text: str) -> Milliseconds | None:
    try:
        at = datetime.fromisoformat(_ZONE_NAME.sub("", text))
    except ValueError:
        return None
    return _within((at - (_BEGIN_UTC if at.tzinfo else _BEGIN)) / _MILLISECOND)


def _within(milliseconds: float) -> Milliseconds | None:
    return round(milliseconds) if 0 < milliseconds <= FOREVER else None


def comments(
    records: Iterable[Record | LeftOut],
    made_of: Callable[[Record], ImportedComment | LeftOut],
    *,
    personal: Sequence[str],
) -> Iterator[ImportedComment | LeftOut]:
    """The comment that each record makes. Fields in `personal` are not looked at, only counted.

    Raises SourceError where it goes wrong from the beginning on.
    """
    skipped = last = usable = unusable = 0
    for record in records:
        last = record.line
        if isinstance(record, LeftOut):
            yield record
            continue
        try:
            comment = made_of(record)
        except BadRecordError as error:
            yield LeftOut(record.line, str(error))
            unusable += 1
            if not usable and unusable == HOPELESS:
                raise SourceError(f"none of the first {HOPELESS} comments can be used; the last one {error}") from None
            continue
        usable += 1
        skipped += sum(1 for name in personal if record.says(name))
        yield comment
    if skipped:
        yield LeftOut(last, PERSONAL, personal=skipped)
