"""What goes out about undoing a batch: the shapes of replies, as those in `outgoing`."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from service.reading.shapes import Id, Timestamp
from service.web.outgoing import ActionName

_CLOSED = with_config(ConfigDict(extra="forbid"))
WhyStays = Annotated[
    Literal["newer-decision", "claimed"],
    Field(description="Something newer stands on the decision, or another moderator holds the comment"),
]


@_CLOSED
class Staying(TypedDict):
    """How many would not be undone for one reason."""

    why: WhyStays
    count: int


@_CLOSED
class UndoPreviewReply(TypedDict):
    """What undoing a batch would change."""

    preview: Annotated[str, Field(description="Send it to `POST .../undos` to carry out exactly this")]
    expires_at: Annotated[Timestamp, Field(description="Until then it must be used")]
    would_change: Annotated[int, Field(description="How many decisions would be undone")]
    stays: list[Staying]
    by_action: Annotated[dict[ActionName, int], Field(description="How many of each action would be undone")]
    examples: Annotated[list[Id], Field(description="Some of the comments whose decision would be undone")]


@_CLOSED
class Stayed(TypedDict):
    """A comment whose decision is not undone."""

    comment_id: Id
    why: WhyStays


@_CLOSED
class UndoReply(TypedDict):
    """How far it has been carried out, all calls with this preview together."""

    batch: Annotated[Id, Field(description="The batch that the undos are")]
    undone: int
    stayed: list[Stayed]
    remaining: Annotated[int, Field(description="How many the next call with the same preview will undo")]
