"""What goes out: the shape of every reply, as `/openapi.json` describes it. What is not named here cannot leak.

Those about the queue are in `outgoing_queue`.
"""

from typing import (
    Annotated,
    Literal,
    NotRequired,  # pydantic reads these on Python 3.11
)

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from service.auth.permissions import Permission
from service.reading.shapes import AuthorView, Id, PostView, Timestamp, VisibleComment
from service.web.incoming import RequestedAction

_CLOSED = with_config(ConfigDict(extra="forbid"))


@_CLOSED
class PendingEditView(TypedDict):
    """The author's new text that waits; only they and moderators see it."""

    body: str
    html: str
    submitted_at: Timestamp


@_CLOSED
class Outcome(TypedDict):
    """What moderators, or a rule, told the author."""

    reason: str | None
    reason_text: Annotated[str | None, Field(description="What the site's catalogue says to it: to be shown instead")]
    note_to_author: str | None


StatusName = Literal["pending", "approved", "rejected", "spam", "deleted"]


@_CLOSED
class CommentView(TypedDict):
    """A comment as its author and the moderators see it."""

    id: Id
    site: str
    post: str
    parent_id: Id | None
    author: AuthorView
    body: str
    html: str
    status: StatusName
    version: int
    created_at: Timestamp
    edited_at: Timestamp | None
    published_at: Timestamp | None
    decision: Outcome | None
    pending_edit: PendingEditView | None
    editable_until: Timestamp | None


@_CLOSED
class CommentReply(TypedDict):
    """One comment."""

    comment: CommentView


@_CLOSED
class OriginalView(TypedDict):
    """What the text of an imported comment was made of."""

    format: Literal["html", "text"]
    body: str


@_CLOSED
class OriginalReply(TypedDict):
    """The same; null where the text is as it was written."""

    original: OriginalView | None


@_CLOSED
class PreviewReply(TypedDict):
    """What a text would look like."""

    html: str


@_CLOSED
class SingleReply(TypedDict):
    """One comment: all of it for its author and moderators, else what is public."""

    comment: CommentView | VisibleComment


@_CLOSED
class MyComments(TypedDict):
    """A page of one's own comments."""

    comments: list[CommentView]
    next: str | None


@_CLOSED
class FoundComments(TypedDict):
    """A page of the comments that were asked for. It can be short or empty although `next` leads on."""

    comments: list[CommentView]
    next: str | None
    stopped: Annotated[bool, Field(description="True: ten seconds were over; `next` looks through the rest")]


@_CLOSED
class Me(TypedDict):
    """Who is speaking, and what they may do."""

    user: Annotated[AuthorView | None, Field(description="null: nobody is logged in; only where `visitor=1` asks")]
    roles: list[Literal["moderator", "admin"]]
    may: list[Permission]
    banned_until: str | None


ActionName = Literal["approve", "reject", "spam", "delete", "restore", "discard_edit", "hold", "withdraw", "undo"]


@_CLOSED
class ActorView(TypedDict):
    """Who decided."""

    kind: Literal["moderator", "author", "policy", "system"]
    key: str
    name: str


@_CLOSED
class SpanView(TypedDict):
    """A stretch of `body`, in Unicode code points; `end` stands behind the last one."""

    start: int
    end: int


@_CLOSED
class DecisionView(TypedDict):
    """One line of the record."""

    id: Id
    comment_id: Id
    action: ActionName
    from_status: StatusName | None
    to_status: StatusName
    version: int
    actor: ActorView
    reason: str | None
    reason_text: Annotated[str | None, Field(description="What the site's catalogue said to the reason then")]
    note: str | None
    note_to_author: str | None
    undoes: Id | None
    batch: Annotated[Id | None, Field(description="The same in all that one call did to many comments; else null")]
    rules: Annotated[list[str], Field(description="The rules that decided, where the site's policy did")]
    policy_version: Annotated[int | None, Field(description="Of which policy they are")]
    created_at: Timestamp


@_CLOSED
class DecisionReply(TypedDict):
    """A decision and what became of the comment."""

    decision: DecisionView
    comment: CommentView


@_CLOSED
class BulkDone(TypedDict):
    """A decision of many that was carried out."""

    comment_id: Id
    decision: DecisionView


# Functional, because a member is called `in`.
ErrorView = TypedDict(
    "ErrorView",
    {
        "pointer": Annotated[str, Field(description="A JSON Pointer (RFC 6901) to the place")],
        "in": Annotated[Literal["body", "query", "header", "path"], Field(description="What the pointer points into")],
        "detail": Annotated[str, Field(description="What is wrong there")],
    },
)


class ProblemView(TypedDict):
    """RFC 9457. The members after `request_id` come with some codes only."""

    type: Annotated[str, Field(description="`/problems/{code}` of the service: a page that explains the code")]
    title: Annotated[str, Field(description="The same sentence for every problem of this code")]
    status: Annotated[int, Field(description="The HTTP status")]
    detail: Annotated[str, Field(description="A sentence about this occurrence")]
    code: Annotated[str, Field(description="What programs should look at")]
    request_id: Annotated[str, Field(description="As in `X-Request-ID`: whoever runs the service finds it in the log")]
    errors: NotRequired[Annotated[list[ErrorView], Field(description="Each place that is not valid")]]
    login_url: NotRequired[Annotated[str | None, Field(description="Where the reader can log in, if the site says")]]
    banned_until: NotRequired[Annotated[str, Field(description='RFC 3339, or "forever"')]]
    comment_id: NotRequired[Annotated[Id, Field(description="The comment that was there first")]]
    comment: NotRequired[Annotated[CommentView, Field(description="The comment as it is now")]]
    decision: NotRequired[Annotated[DecisionView | None, Field(description="The last decision on it, if any")]]
    first_seq: NotRequired[Annotated[int, Field(description="The first event that is kept")]]
    reason: NotRequired[Annotated[str | None, Field(description="The code of why a text is refused")]]
    reason_text: NotRequired[Annotated[str | None, Field(description="Why a text is refused, for its author")]]
    spans: NotRequired[Annotated[list[SpanView], Field(description="Where in the text, as far as that is told")]]
    waiting: NotRequired[Annotated[int, Field(description="How many of the author's comments wait")]]
    reasons: NotRequired[Annotated[list[str], Field(description="The codes of the site's catalogue")]]
    version: NotRequired[Annotated[int, Field(description="The present version of the document")]]
    changed_by: NotRequired[Annotated[ActorView | None, Field(description="Who made it")]]
    changed_at: NotRequired[Annotated[Timestamp | None, Field(description="When")]]
    allowed: NotRequired[Annotated[list[RequestedAction], Field(description="What may be done with it now")]]
    rules: NotRequired[Annotated[list[str], Field(description="The rules that name the list")]]


@_CLOSED
class BulkRefused(TypedDict):
    """A decision of many that could not be carried out."""

    comment_id: str
    problem: ProblemView


@_CLOSED
class BulkReply(TypedDict):
    """What became of each decision, in the order in which they were sent; those carried out are of this batch."""

    batch: Id
    results: list[BulkDone | BulkRefused]


@_CLOSED
class DecisionsList(TypedDict):
    """A page of the record."""

    decisions: list[DecisionView]
    next: str | None


@_CLOSED
class AuthorStanding(TypedDict):
    """An author as moderators know them."""

    key: str
    name: str
    bio: str | None
    url: str | None
    avatar: str | None
    first_seen: Timestamp
    approved: int
    rejected: int
    banned_until: str | None
    trusted: bool
    note: str | None


@_CLOSED
class AuthorReply(TypedDict):
    """One author."""

    author: AuthorStanding


@_CLOSED
class PostForModerators(PostView):
    """A post, and when the blog published it, where somebody said so."""

    published_at: Timestamp | None


@_CLOSED
class PostReply(TypedDict):
    """One post."""

    post: PostForModerators


@_CLOSED
class DeskCode(TypedDict):
    """An address that signs the caller in at the moderators' desk."""

    url: Annotated[str, Field(description="Good once; a path of the service where it does not know its own address")]
    expires_at: Timestamp
