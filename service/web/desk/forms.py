"""What comes in from the desk's pages: forms, and what stands behind the `?` of their addresses.

A form sends every field that it has: one that is empty is as if it had not been sent.
"""

from datetime import UTC, datetime
from typing import (
    Annotated,
    Any,
    Literal,  # pydantic reads these on Python 3.11
)

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from service.errors import InvalidRequest
from service.model import Milliseconds
from service.reading.shapes import Id, WhyCode
from service.web.incoming import IdText, Incoming, Line, RequestedAction
from service.web.incoming_queue import Name
from service.web.outgoing import ActionName, StatusName
from service.web.outgoing_policy import OutcomeName
from service.web.post_keys import PostKeyText
from service.web.queries import whole_number

MAX_TOKEN = 16_384
"""As long as the longest that a login takes."""
MOST_MARKED = 500
"""Comments that are marked by hand: the script marks no more at once."""
BACK = r"^(|(record|settings|ruled|lists|policy)|(c|authors|posts|lists|policy|policy/versions)/[^/?#\\]+)(\?[^#]*)?$"
"""A page of the desk, as seen from the queue."""


def moment(name: str, written: str | None) -> Milliseconds:
    """What the field of this name, for a day and a time in UTC, holds. Raises InvalidRequest."""
    try:
        return int(datetime.fromisoformat(written or "").replace(tzinfo=UTC).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise InvalidRequest([(f"/{name}", "must be a day and a time")], place="form") from None


class Fields(Incoming):
    """Fields of a form, or of a page's address."""

    @model_validator(mode="before")
    @classmethod
    def _without_what_is_empty(cls, given: Any) -> Any:
        return {name: value for name, value in given.items() if value != ""}


class QueueFields(Fields):
    """Which entries of the queue, in which order."""

    reason: WhyCode | None = None
    post: PostKeyText | None = None
    author: IdText | None = None
    q: Annotated[Line, Field(min_length=1, max_length=200)] | None = None
    rule: Name | None = None
    list_name: Name | None = Field(None, alias="list")
    check: Name | None = None
    outcome: OutcomeName | None = None
    claimed: Literal["any", "mine", "free"] = "any"
    order: Literal["oldest", "priority"] = "oldest"


Place = Annotated[str, Field(max_length=2_000)]


class QueuePage(QueueFields):
    """The queue's page: where in the list, and what was done a moment ago."""

    cursor: Place | None = None
    done: Id | None = None


class RuledPage(Fields):
    """The page of what only rules have decided: what they made of it, and where in the list."""

    status: Literal["spam", "rejected", "approved"] = "spam"
    cursor: Place | None = None
    done: Id | None = None


class OnePage(Fields):
    """The page of one comment, author or post."""

    cursor: Place | None = None
    done: Id | None = None
    saved: Literal["1"] | None = None
    status: StatusName | None = None


Back = Annotated[str, Field(max_length=6_000, pattern=BACK)]


class Form(Fields):
    """What every form has: the token that this moderator's pages carry, and the page to go back to."""

    csrf: Annotated[str, Field(max_length=200)] = ""
    back: Back = ""


def _with_plain_lines(text: str) -> str:
    """A browser ends each line of a field with CR LF, and counts it as one character."""
    return text.replace("\r\n", "\n")


def _without_blanks_around(text: str) -> str | None:
    return text.strip() or None


Number = Annotated[int, Field(ge=1, le=2_000_000_000), BeforeValidator(whole_number)]
ManyLines = Annotated[Line, AfterValidator(_with_plain_lines)]
Reason = Annotated[ManyLines, Field(max_length=500), AfterValidator(_without_blanks_around)]
Note = Annotated[ManyLines, Field(max_length=2_000), AfterValidator(_without_blanks_around)]


class DecideForm(Form):
    """A button of a card: what is decided about which version, and why."""

    comment: IdText
    version: Number
    action: RequestedAction
    reason: Reason | None = None
    note: Note | None = None
    note_to_author: Note | None = None


class ClaimsForm(Form, QueueFields):
    """Take the next entries of this filter; hold these for longer; or give back what I hold, or these."""

    do: Literal["take", "renew", "give-back"]
    comment: Annotated[list[IdText], Field(max_length=200)] = []  # noqa: RUF012  # pydantic copies it


class UndoForm(Form):
    """What to take back: one decision; or a batch, of which first a preview is shown, and then that preview."""

    decision: IdText | None = None
    batch: IdText | None = None
    preview: Annotated[Line, Field(max_length=20_000)] | None = None

    @model_validator(mode="after")
    def _says_what(self) -> "UndoForm":
        if [self.decision, self.batch, self.preview].count(None) != 2:
            raise ValueError("must have one of decision, batch, preview")
        return self


Marked = Annotated[str, Field(max_length=80, pattern=r"^[0-9a-f-]{1,64}:[1-9][0-9]{0,9}$")]


class BulkForm(Form, QueueFields):
    """What to do with the marked comments, or with all that the filter finds."""

    which: Literal["marked", "matching"] = "marked"
    marked: Annotated[list[Marked], Field(max_length=MOST_MARKED)] = []  # noqa: RUF012  # pydantic copies it
    action: RequestedAction


class CarryOutForm(Form):
    """A preview to carry out, behind so many of its members."""

    preview: Annotated[Line, Field(max_length=200_000)]
    start: Annotated[int, Field(ge=0, le=100_000), BeforeValidator(whole_number)] = 0
    reason: Reason | None = None
    note: Note | None = None
    note_to_author: Note | None = None


DayAndTime = Annotated[str, Field(max_length=20, pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d$")]


class AuthorForm(Form):
    """A button of an author's page. `until` goes with `ban-until`; `note_was` is the note that the page showed."""

    do: Literal["ban-1", "ban-7", "ban-30", "ban-forever", "ban-until", "unban", "trust", "distrust", "note"]
    until: DayAndTime | None = None
    note: Note | None = None
    note_was: Note | None = None


class PostForm(Form):
    """A button of a post's page."""

    do: Literal["open", "close"]


class SettingsForm(Form):
    """How the desk looks in this browser."""

    language: Literal["en", "de"] | None = None
    theme: Literal["light", "dark"] | None = None


Secret = Annotated[str, Field(max_length=200)]


class Entrance(Fields):
    """What signs somebody in says where they go then: a page of the desk, as seen from the queue."""

    next: Back = ""


class SignInForm(Entrance):
    """A token of the blog's: sent by a page of the blog, or pasted."""

    token: Annotated[str, Field(max_length=MAX_TOKEN)] = ""


class Code(Entrance):
    """What signs somebody in once: in the address of a hand-over, and in the form that its page has."""

    code: Secret = ""


class EndSessionForm(Form):
    """Which session shall end."""

    id: Id


class RecordPage(Fields):
    """Which part of the record. `since` and `until` are days, the last one included."""

    comment: Id | None = None
    author: IdText | None = None
    post: PostKeyText | None = None
    actor: IdText | None = None
    action: ActionName | None = None
    reason: Reason | None = None
    batch: Id | None = None
    since: Annotated[str, Field(max_length=10, pattern=r"^\d{4}-\d\d-\d\d$")] | None = None
    until: Annotated[str, Field(max_length=10, pattern=r"^\d{4}-\d\d-\d\d$")] | None = None
    cursor: Place | None = None
    done: Id | None = None
