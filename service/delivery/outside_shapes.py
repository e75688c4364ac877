"""What the outside is told of an event, as it crosses the wire. `/openapi.json` is made from these shapes.

How much of it is told depends on `with`: a member that this leaves out is not there. What is there and has no value is
null.
"""

from typing import (
    Annotated,
    Literal,
    NotRequired,  # pydantic reads these on Python 3.11
)

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from service.reading.shapes import Id, Timestamp, WhyCode

_CLOSED = with_config(ConfigDict(extra="forbid"))
PEOPLE_ONLY = Field(description="With `people` only")


@_CLOSED
class OutsidePost(TypedDict):
    """A post. With `ids` only its key."""

    key: str
    title: NotRequired[str | None]
    url: NotRequired[str | None]
    count: NotRequired[Annotated[int, Field(description="Approved comments")]]
    open: NotRequired[bool]


@_CLOSED
class OutsideAuthor(TypedDict):
    """Who wrote a comment."""

    key: str
    name: Annotated[str, Field(description="As it was when the text was reviewed")]
    login: NotRequired[Annotated[str | None, Field(description="With `people` only: who vouches for the subject")]]
    subject: NotRequired[Annotated[str | None, Field(description="With `people` only: the blog's own name of them")]]


@_CLOSED
class OutsideEdit(TypedDict):
    """The author's new text that waits while readers keep the approved one."""

    body: str
    html: str


@_CLOSED
class OutsideComment(TypedDict):
    """A comment as it stands when it is told. With `ids` only the first four members."""

    id: Id
    status: Annotated[
        Literal["pending", "approved", "rejected", "spam", "deleted"],
        Field(description="As it stands now, whatever the event was: who publishes or mails looks at this"),
    ]
    version: Annotated[int, Field(description="Of two that tell of one comment, the higher one is the newer")]
    parent_id: Id | None
    author: NotRequired[OutsideAuthor | None]
    body: NotRequired[Annotated[str | None, Field(description="null where the comment is deleted or withdrawn")]]
    html: NotRequired[Annotated[str | None, Field(description="null where the comment is deleted or withdrawn")]]
    pending_edit: NotRequired[OutsideEdit | None]
    created_at: NotRequired[Timestamp | None]
    edited_at: NotRequired[Timestamp | None]
    published_at: NotRequired[Timestamp | None]
    why: NotRequired[Annotated[list[WhyCode], Field(description="Why somebody must look at it now; empty: nobody")]]


@_CLOSED
class OutsideParent(TypedDict):
    """What a reply answers."""

    id: Id
    author: NotRequired[OutsideAuthor | None]


@_CLOSED
class OutsideActor(TypedDict):
    """Who decided."""

    kind: Literal["moderator", "author", "policy", "system"]
    name: str


@_CLOSED
class OutsideDecision(TypedDict):
    """What was decided. With `ids` only its id. Notes for moderators never leave."""

    id: Id
    action: NotRequired[str]
    actor: NotRequired[OutsideActor]
    reason: NotRequired[Annotated[str | None, Field(description="A code, such as `off-topic`")]]
    reason_text: NotRequired[
        Annotated[str | None, Field(description="What it says: of the site's catalogue, or a moderator's own")]
    ]
    note_to_author: NotRequired[str | None]


@_CLOSED
class OutsidePerson(TypedDict):
    """What moderators hold of an author, as it stands now."""

    key: str
    name: NotRequired[str]
    banned_until: NotRequired[Annotated[str | None, Field(description='RFC 3339, "forever", or null')]]
    trusted: NotRequired[bool]
    login: NotRequired[Annotated[str | None, PEOPLE_ONLY]]
    subject: NotRequired[Annotated[str | None, PEOPLE_ONLY]]


@_CLOSED
class OutsidePolicy(TypedDict):
    """Which version of the policy holds from then on."""

    version: int


@_CLOSED
class OutsideList(TypedDict):
    """Which version of a list holds from then on. What stands in it is for moderators."""

    name: str
    version: int


@_CLOSED
class OutsideRule(TypedDict):
    """A rule of the site's policy, and why it is braked: it acted on too large a `share` of what came, or too often in
    a day (`per-day`), or moderators found it `wrong`. null: it is not."""

    id: str
    why: Literal["share", "per-day", "wrong"] | None


@_CLOSED
class OutsideContent(TypedDict):
    """Where it happened, and what stands now. Which members there are depends on the type."""

    site: str
    seq: Annotated[int, Field(description="The number of the event on its site: without gaps, in the order of commits")]
    post: NotRequired[OutsidePost]
    comment: NotRequired[OutsideComment]
    comments: NotRequired[Annotated[list[Id], Field(description="Those whose HTML was made anew")]]
    parent: NotRequired[OutsideParent]
    decision: NotRequired[OutsideDecision]
    author: NotRequired[OutsidePerson]
    policy: NotRequired[OutsidePolicy]
    list: NotRequired[OutsideList]
    rule: NotRequired[OutsideRule]


@_CLOSED
class OutsideEvent(TypedDict):
    """Something that happened. Whoever gets the same `id` twice drops the second."""

    id: Annotated[str, Field(description="The event's id; of what readers see of it, with `-public` behind it")]
    type: str
    timestamp: Annotated[Timestamp, Field(description="When it happened")]
    data: OutsideContent


@_CLOSED
class EventFeed(TypedDict):
    """What happened, oldest first."""

    events: list[OutsideEvent]
    last_seq: Annotated[int, Field(description="Where to go on, also past what the filter left out")]
