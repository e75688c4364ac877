"""The settings of one notice: whom to tell that comments wait, when, and when not. A part of `settings`."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from service.section import Section
from service.values import TimeZone, Whole

_SPAN = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])")
MOST_MINUTES = 366 * 24 * 60


def _span(text: str) -> str:
    found = _SPAN.fullmatch(text)
    if found is None or found[1] + found[2] == found[3] + found[4]:
        raise ValueError('write it as "22:00-07:00": from when to when, on a clock of 24 hours')
    return text


class When(Section):
    """How much must wait, or for how long, before anybody is told. Either is enough."""

    waiting: Whole | None = Field(None, ge=1)
    oldest_minutes: Whole | None = Field(None, ge=1, le=MOST_MINUTES)

    @model_validator(mode="after")
    def _something(self) -> "When":
        if self.waiting is None and self.oldest_minutes is None:
            raise ValueError("give waiting, oldest_minutes, or both: without them nobody is ever told")
        return self


class NoticeSettings(Section):
    """One notice. When it was last said is kept under its site and `name`."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    to_env: str = Field(min_length=1)
    when: When = When(waiting=5, oldest_minutes=60)
    at_most_every_minutes: Whole = Field(120, ge=1, le=MOST_MINUTES)
    quiet: Annotated[str, AfterValidator(_span)] | None = None
    time_zone: TimeZone | None = None
    language: Literal["en", "de"] = "en"

    @property
    def quiet_minutes(self) -> tuple[int, int] | None:
        """From which minute of the day to which nobody is told. Where the second is the earlier, over midnight."""
        found = _SPAN.fullmatch(self.quiet) if self.quiet is not None else None
        if found is None:
            return None
        return int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
