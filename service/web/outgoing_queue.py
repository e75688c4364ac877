"""What goes out about the queue: the shapes of replies, as those in `outgoing`."""

from typing import (
    Annotated,
    Literal,  # pydantic reads these on Python 3.11
)

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from service.reading.shapes import Holder, PostView, Timestamp, WhyCode
from service.web.outgoing import ActorView, CommentView
from service.web.outgoing_policy import JudgementView

_CLOSED = with_config(ConfigDict(extra="forbid"))


# Functional, because a member is called `from`.
WhyView = TypedDict(
    "WhyView",
    {
        "code": WhyCode,
        "text": str,
        "from": ActorView,
        "at": Timestamp,
    },
)


@_CLOSED
class AuthorRecord(TypedDict):
    """How the author fared so far: comments that stand approved, and rejected or spam."""

    approved: int
    rejected: int
    first_seen: Timestamp


@_CLOSED
class LabelView(TypedDict):
    """What publishing a comment would change of how its post is called and where it is; null where nothing."""

    title: str | None
    url: str | None


@_CLOSED
class PartView(TypedDict):
    """A part of an entry's priority."""

    code: Literal["waiting", "known-author", "reason", "rules"]
    points: int
    text: str


@_CLOSED
class EntryView(TypedDict):
    """Something to look at, with what is needed to judge it."""

    comment: CommentView
    post: PostView
    label: Annotated[
        LabelView | None,
        Field(description="What approving the comment would change of the post's title and address; null: nothing"),
    ]
    why: list[WhyView]
    judgement: Annotated[
        JudgementView | None,
        Field(description="What the site's policy said of the text that waits; null: it is not told"),
    ]
    priority: Annotated[int, Field(description="The sum of `priority_parts`")]
    priority_parts: list[PartView]
    waiting_since: Timestamp
    claimed_by: Holder | None
    claimed_until: Timestamp | None
    author_record: AuthorRecord
    parent: CommentView | None


@_CLOSED
class QueueList(TypedDict):
    """A page of the queue."""

    entries: list[EntryView]
    next: str | None
    total: Annotated[int, Field(description="How many entries in all; with a filter, at most 1,000 are counted")]
    total_is_exact: Annotated[bool, Field(description="False: there are at least so many")]


@_CLOSED
class Claimed(TypedDict):
    """What was handed out, and until when."""

    entries: list[EntryView]
    claimed_until: Timestamp


@_CLOSED
class EntryReply(TypedDict):
    """One entry of the queue."""

    entry: EntryView
