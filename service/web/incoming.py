"""What comes in: bodies and headers (`incoming_queue` has those of claims, `queries` the rest).

What validates here is what `/openapi.json` describes.
"""

import re
from datetime import datetime
from typing import (
    Annotated,
    Literal,  # pydantic reads these on Python 3.11
)

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from service.model import FOREVER, Milliseconds
from service.reading.shapes import Id
from service.strict_json import is_clean
from service.text.visible import clean_line

CLEAN = r"^[^\x00\ud800-\udfff]*$"
MAX_BODY = 10_000
BLANK = r"\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""What `str.strip` takes away, for patterns: `\\s` means something else in every dialect."""
WEB_ADDRESS = rf"^[hH][tT][tT][pP][sS]?://[^/\x00-\x20\x7f{BLANK}][^\x00-\x20\x7f{BLANK}]*$"


def _readable(text: str) -> str:
    """Text that a human could read: no NUL, no half of a surrogate pair."""
    if not is_clean(text):
        raise ValueError("must not contain NUL or a lone surrogate")
    return text


def _with_words(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    if len(text.strip()) > MAX_BODY:
        raise ValueError(f"must have at most {MAX_BODY} characters")
    return _readable(text)


def _web_address(text: str) -> str:
    if not re.fullmatch(WEB_ADDRESS, text):
        raise ValueError("must be an http or https address")
    return _readable(text)


Line = Annotated[str, AfterValidator(_readable), Field(json_schema_extra={"pattern": r"^[^\x00]*$"})]
CommentText = Annotated[
    str,
    AfterValidator(_with_words),
    Field(
        description=(
            "CommonMark, 1 to 10,000 characters after trimming (a site may allow fewer), and at most 1,000 more around "
            "them. Something of it must show. Kept byte for byte."
        ),
        json_schema_extra={"minLength": 1, "maxLength": MAX_BODY, "pattern": rf"^[^\x00]*[^\x00{BLANK}][^\x00]*$"},
    ),
]
WebAddress = Annotated[
    str,
    AfterValidator(_web_address),
    Field(max_length=2_000, json_schema_extra={"pattern": WEB_ADDRESS}),
]


EARLIEST: Milliseconds = -62_135_596_800_000
"""The first millisecond of the year 1."""


def _moment(value: object) -> Milliseconds:
    """RFC 3339 with an offset, to milliseconds."""
    if not isinstance(value, str) or not re.fullmatch(
        r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", value, re.ASCII
    ):
        raise ValueError('must be a time as RFC 3339 writes it, for example "2026-01-31T12:00:00Z"')
    try:
        moment = int(datetime.fromisoformat(value.upper()).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise ValueError("is not a time in the calendar") from None
    return max(EARLIEST, min(moment, FOREVER))  # an offset may lead out of the years that a reply can show


Moment = Annotated[
    Milliseconds, BeforeValidator(_moment, json_schema_input_type=str), Field(json_schema_extra={"format": "date-time"})
]


# One type and not a union: a union's parts would turn up in the pointers of its errors.
BanEnd = Annotated[
    Milliseconds,
    BeforeValidator(
        lambda value: FOREVER if value == "forever" else _moment(value),
        json_schema_input_type=Literal["forever"] | Annotated[str, Field(json_schema_extra={"format": "date-time"})],
    ),
]


def whole(value: object) -> object:
    """JSON has one kind of number: 3.0 is the integer 3 (JSON Schema 2020-12, 6.1.1)."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


# The limits come first: behind a validator, pydantic would describe them in words of its own.
Version = Annotated[int, Field(ge=1, le=2_000_000_000), BeforeValidator(whole)]


class Incoming(BaseModel):
    """A body or query: unknown members are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Strict(Incoming):
    """A JSON body: text is text and numbers are numbers."""

    model_config = ConfigDict(strict=True)


MAX_TITLE = 500


def _title(text: str) -> str | None:
    """A title as it is kept. One that shows nothing is as none."""
    return clean_line(text) or None


def _shown_title(text: str) -> str:
    """A title that a moderator writes: they are told when it shows nothing."""
    title = clean_line(text)
    if not title:
        raise ValueError("shows nothing; null takes the title away")
    return title


TitleText = Annotated[Line, Field(min_length=1, max_length=MAX_TITLE)]


class PostLabel(Strict):
    """How the blog calls the post, and where it is: on one of the site's origins.

    Shown once a comment that carried it has been approved; what stands is changed only by a moderator.
    """

    title: Annotated[TitleText, AfterValidator(_title)] | None = None
    url: WebAddress | None = None


class Submission(Strict):
    """A new comment."""

    body: CommentText
    parent_id: Id | None = None
    post: PostLabel = PostLabel()


class Preview(Strict):
    """A text that is not sent yet."""

    body: CommentText


class Edit(Strict):
    """A new text for one's own comment, and the version that it was written upon."""

    body: CommentText
    version: Version


RequestedAction = Literal["approve", "reject", "spam", "delete", "restore", "discard_edit"]


class _Reasons(Strict):
    reason: Annotated[Line, Field(max_length=500)] | None = None
    note: Annotated[Line, Field(max_length=2_000)] | None = None
    note_to_author: Annotated[Line, Field(max_length=2_000)] | None = None


class DecisionRequest(_Reasons):
    """What a moderator decides about a comment, and the version that they saw."""

    action: RequestedAction
    version: Version


IdText = Annotated[Line, Field(min_length=1, max_length=64)]


class BulkItem(DecisionRequest):
    """One decision of many."""

    comment_id: IdText


class BulkRequest(Strict):
    """Up to 500 decisions, each standing alone."""

    decisions: list[BulkItem] = Field(min_length=1, max_length=500)


class UndoPreview(Strict):
    """What to take back: all that one call decided."""

    batch: IdText


class UndoRequest(Strict):
    """A preview to carry out, and a note for colleagues that each of its decisions keeps."""

    preview: Annotated[Line, Field(min_length=1, max_length=20_000)]
    note: Annotated[Line, Field(max_length=2_000)] | None = None


class AuthorPatch(Strict):
    """What to change about an author; what is left out stays."""

    banned_until: BanEnd | None = None
    trusted: bool = False
    note: Annotated[Line, Field(max_length=2_000)] | None = None


class PostPatch(Strict):
    """What to change about a post; what is left out stays.

    `title` and `url` are pinned: no comment changes them. null goes back to what approved comments say. `published_at`
    is when the blog published the post, for rules about its age.
    """

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    open: bool = True
    title: Annotated[TitleText, AfterValidator(_shown_title)] | None = None
    url: WebAddress | None = None
    published_at: Moment | None = None

    @model_validator(mode="after")
    def _something(self) -> "PostPatch":
        if not self.model_fields_set:
            raise ValueError("must have at least one of open, title, url, published_at")
        return self


class SubmitHeaders(BaseModel):
    """Headers of a submission."""

    model_config = ConfigDict(frozen=True)

    idempotency_key: Annotated[str, Field(pattern=r"^[\x20-\x7e]{1,255}$")] | None = Field(
        None,
        alias="Idempotency-Key",
        description="The same for every attempt to send one comment; the first reply comes again for 24 hours",
    )


class StreamHeaders(BaseModel):
    """Where a live stream goes on."""

    model_config = ConfigDict(frozen=True)

    last_event_id: str | None = Field(
        None, alias="Last-Event-ID", description="The last `id` that you got; browsers send it by themselves"
    )


class ReplayRequest(Incoming):
    """Which events a webhook is to be sent again."""

    after_seq: int = Field(ge=0, le=2**53, description="Behind this number")
    until_seq: int | None = Field(
        None, ge=0, le=2**53, description="Up to this one; else to where the webhook has come"
    )
