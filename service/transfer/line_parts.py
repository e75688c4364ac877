"""What the lines of an export (`lines`) are made of: texts, times and numbers with their limits, and parts of comments.

The limits are those that hold for whoever submits, decides or logs in. An export may be anybody's: what goes beyond
them did not come out of a store.
"""

from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,  # pydantic reads these on Python 3.11
)

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from service.auth.login import MAX_BIO, MAX_NAME, MAX_URL
from service.model import MOST_OF_APPROVED
from service.reading.shapes import ID_PATTERN
from service.store.staged import LONGEST_IDENTITY
from service.triage.lists.entry import MAX_EXCEPTIONS, MAX_PATTERN

CLOSED = with_config(ConfigDict(extra="forbid", strict=True))
LONGEST_TEXT = 65_536
"""More no request carries. How much of it may be other than white space, each site says (`max_body_length`)."""
MOST_PRIORITY = 1_000_000
"""More than all rules of a policy give together; to it the queue adds that of the reason and of the author."""

Id = Annotated[str, Field(pattern=ID_PATTERN, description="UUIDv7")]
Moment = Annotated[int, Field(ge=0, le=253_402_300_799_999, description="Milliseconds since 1970, UTC")]
Number = Annotated[int, Field(ge=0, le=2_000_000_000)]
Version = Annotated[int, Field(ge=1, le=2_000_000_000)]
Clean = Annotated[str, Field(pattern=r"^[^\x00]*$", max_length=LONGEST_TEXT)]
# One line: no control characters, and nothing that shows a text in another order than it is stored.
_LINE = r"^[^\x00-\x08\x0a-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]*$"
Short = Annotated[str, Field(pattern=_LINE, max_length=500)]
Name = Annotated[str, Field(pattern=_LINE, max_length=MAX_NAME)]
Bio = Annotated[str, Field(pattern=_LINE, max_length=MAX_BIO)]
Address = Annotated[str, Field(pattern=r"^[hH][tT][tT][pP][sS]?://[^\x00-\x20\x7f]+$", max_length=MAX_URL)]
Phrase = Annotated[str, Field(pattern=r"^[^\x00]*$", max_length=500)]
Note = Annotated[str, Field(pattern=r"^[^\x00]*$", max_length=2_000)]
Status = Literal["pending", "approved", "rejected", "spam", "deleted"]
OutcomeName = Literal["publish", "hold", "reject", "spam", "refuse"]
_Kind = Literal["moderator", "author", "policy", "system"]
_Action = Literal["approve", "reject", "spam", "delete", "restore", "discard_edit", "hold", "withdraw", "undo"]
_Why = Literal["awaiting-approval", "held", "could-not-judge", "edited", "restored", "reported", "imported"]


@CLOSED
class Actor(TypedDict):
    """Who did something: an author of this file (by number), or somebody by the key that they had in the store."""

    kind: _Kind
    name: Phrase
    author: NotRequired[Number]
    key: NotRequired[Short]


@CLOSED
class KeptText(TypedDict):
    """A text that the comment had before, or (as `edit`) one that waits."""

    version: Version
    body: Clean
    submitted_at: Moment


@CLOSED
class Original(TypedDict):
    """What the text of an imported comment was made of."""

    format: Literal["html", "text"]
    body: Annotated[str, Field(pattern=r"^[^\x00]*$")]


@CLOSED
class Origin(TypedDict):
    """Where an imported comment came from: the system, its id there; what was brought then, and as which version."""

    source: Annotated[Short, Field(min_length=1)]
    source_id: Annotated[str, Field(pattern=r"^[^\x00]*$", min_length=1, max_length=LONGEST_IDENTITY)]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    version: Version


Reason = TypedDict("Reason", {"code": _Why, "from": Actor, "at": Moment, "text": Note | None})
CLOSED(Reason)
"""Why a comment waited then, and who said so."""


@CLOSED
class Entry(TypedDict):
    """That a comment waited then. An older release kept only the codes of the reasons (`why`)."""

    waiting_since: Moment
    of_author: NotRequired[Annotated[int, Field(ge=0, le=MOST_OF_APPROVED, description="Points for who wrote it")]]
    reasons: NotRequired[list[Reason]]
    why: NotRequired[list[_Why]]


@CLOSED
class PostLabel(TypedDict):
    """How the post was called then."""

    title: Short | None
    url: Address | None


@CLOSED
class Before(TypedDict):
    """How the comment stood before a decision: what undo puts back."""

    status: Status
    text_version: Version
    published_at: Moment | None
    edit_version: Version | None
    queue: Entry | None
    by_rule: NotRequired[bool]
    label: NotRequired[PostLabel]


@CLOSED
class Decision(TypedDict):
    """A line of the record. `place`: how many stand before it in the record of the site, and one."""

    id: Id
    place: Version
    action: _Action
    from_status: Status | None
    to_status: Status
    version: Version
    reason: Phrase | None
    note: Note | None
    note_to_author: Note | None
    undoes: Annotated[Id, Field(description="An earlier decision about the same comment")] | None
    created_at: Moment
    batch: Short | None
    reason_text: Note | None
    rules: Annotated[Clean, Field(description="The ids of rules, with a space between")] | None
    policy_version: Number | None
    actor: Actor
    before: Before | None


@CLOSED
class Said(TypedDict):
    """What one rule said."""

    id: Short
    title: Phrase
    said: OutcomeName
    braked: bool


@CLOSED
class CouldNotJudge(TypedDict):
    """A rule that held because a check could not run."""

    rule: Short
    check: Short
    text: Note


@CLOSED
class Span(TypedDict):
    """A stretch of the text."""

    start: Number
    end: Number


@CLOSED
class Verdict(TypedDict):
    """What a check found."""

    check: Short
    code: Short
    text: Note
    lean: Literal["pass", "hold", "spam"] | None
    score: int | float | None
    spans: list[Span]
    rules: list[Short]
    list: NotRequired[Short]
    entry: NotRequired[Phrase]


@CLOSED
class WhatWasSaid(TypedDict):
    """A judgement as moderators are told of it."""

    outcome: OutcomeName
    by: list[Short]
    policy_version: Number
    at: Short
    text_version: Version
    rules: list[Said]
    observed: list[Said]
    could_not_judge: list[CouldNotJudge]
    verdicts: list[Verdict]
    facts: dict[Short, Any]
    audited: bool


@CLOSED
class Judgement(TypedDict):
    """What the policy said of a text."""

    text_version: Version
    policy_version: Number
    outcome: OutcomeName
    marks: Clean
    priority: Annotated[int, Field(ge=-MOST_PRIORITY, le=MOST_PRIORITY)]
    created_at: Moment
    said: WhatWasSaid


@CLOSED
class HumanOutcome(TypedDict):
    """Whether a human agreed with what a rule had said of the comment."""

    rule: Short
    said: OutcomeName
    agreed: bool
    at: Moment


@CLOSED
class ListEntry(TypedDict):
    """An entry of a list; `exceptions` are where it does not count."""

    value: Annotated[str, Field(pattern=r"^[^\x00]*$", min_length=1, max_length=MAX_PATTERN)]
    exceptions: Annotated[list[Phrase], Field(max_length=MAX_EXCEPTIONS)]
    note: Note | None
    until: Moment | None
    created_at: Moment
    actor: Actor
