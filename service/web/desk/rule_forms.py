"""What comes in from the desk's pages of lists and of the policy, as `forms` has it for the others.

A field that somebody writes much in takes more than may stand there: what is wrong is told beside it, with all that was
typed still in it.
"""

from typing import (
    Annotated,
    Literal,  # pydantic reads these on Python 3.11
)

from pydantic import AfterValidator, BeforeValidator, Field

from service.triage.lists.entry import MAX_PATTERN
from service.web.desk.forms import DayAndTime, Fields, Form, ManyLines, Number, Place
from service.web.incoming import MAX_BODY, Line
from service.web.incoming_lists import KindName
from service.web.queries import whole_number

MOST_WRITTEN = 200_000
"""Characters of a policy's text: the longest policy, written in short lines."""


MOST_LINES = 20_000
"""Lines of a policy's text: each is numbered on the page."""


def _of_some_lines(text: str) -> str:
    """Raises ValueError."""
    if text.count("\n") >= MOST_LINES:
        raise ValueError(f"must have at most {MOST_LINES:,} lines")
    return text


Count = Annotated[int, Field(ge=0, le=2_000_000_000), BeforeValidator(whole_number)]
OneLine = Annotated[Line, Field(max_length=2_000)]


class ListsPage(Fields):
    """The page of all lists. `gone` is one that was deleted a moment ago."""

    gone: OneLine | None = None


class ListPage(Fields):
    """The page of one list: which entries, and what was done a moment ago."""

    q: Annotated[Line, Field(min_length=1, max_length=200)] | None = None
    order: Literal["value", "newest", "matched", "overturned"] = "value"
    cursor: Place | None = None
    added: Count | None = None
    removed: Count | None = None
    unchanged: Count | None = None
    saved: Literal["1"] | None = None


class NewListForm(Form):
    """A list to be made."""

    name: OneLine = ""
    title: OneLine = ""
    kind: KindName = "words"
    note: OneLine | None = None


class ListForm(Form):
    """A button of a list's page, and the version that was shown."""

    version: Number
    do: Literal["add", "remove", "until", "call", "delete"]
    entries: Annotated[ManyLines, Field(max_length=100_000)] = ""
    entry_note: OneLine | None = None
    until: DayAndTime | None = None
    marked: Annotated[list[Annotated[Line, Field(max_length=MAX_PATTERN)]], Field(max_length=200)] = []  # noqa: RUF012
    title: OneLine = ""
    kind: KindName = "words"
    note: OneLine | None = None


class PolicyPage(Fields):
    """The page of the policy."""

    saved: Literal["1"] | None = None


class EditPage(Fields):
    """The page on which the policy is changed: what to begin with, if not with what holds."""

    version: Count | None = None
    starter: Annotated[Line, Field(max_length=40)] | None = None


class VersionsPage(Fields):
    """Which part of the versions."""

    cursor: Place | None = None


class TrialForm(Form):
    """A text to try, and what is to be known of its author."""

    text: Annotated[ManyLines, Field(max_length=MAX_BODY + 1_000)] = ""
    approved: Count | None = None
    known_days: Count | None = None
    role: Literal["moderator", "admin"] | None = None
    trusted: Literal["1"] | None = None
    at: DayAndTime | None = None
    lockdown: Literal["1"] | None = None
    facts: Annotated[ManyLines, Field(max_length=10_000)] = ""


class PolicyForm(TrialForm):
    """A policy's text, the version upon which it was written, and what to do with it."""

    do: Literal["check", "put", "try"]
    version: Count
    document: Annotated[ManyLines, Field(max_length=MOST_WRITTEN), AfterValidator(_of_some_lines)] = ""
    note: OneLine | None = None


class BrakeForm(Form):
    """A braked rule that is to act again."""

    rule: Annotated[Line, Field(max_length=100)]
