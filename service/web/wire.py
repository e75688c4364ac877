"""What crosses the wire: the bodies and queries that come in (validated), the replies that go out (typed).

The same declarations validate, answer and describe themselves in `/openapi.json`. Replies are built from nouns here and
nowhere else; what a class below does not name cannot leak.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,  # pydantic reads these on Python 3.11
)

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, with_config
from typing_extensions import TypedDict

from service.auth.permissions import Permission
from service.model import (
    FOREVER,
    WHY_TEXT,
    Actor,
    Author,
    Comment,
    Decision,
    Milliseconds,
    Post,
    Profile,
    PublicComment,
    Why,
)
from service.moderation.queue import Case
from service.strict_json import is_clean

CLEAN = r"^[^\x00\ud800-\udfff]*$"
ID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
MAX_BODY = 10_000
BLANK = r"\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""What `str.strip` takes away, for patterns: `\\s` means something else in every dialect."""
WEB_ADDRESS = rf"^[hH][tT][tT][pP][sS]?://[^/\x00-\x20\x7f{BLANK}][^\x00-\x20\x7f{BLANK}]*$"
Timestamp = Annotated[str, Field(json_schema_extra={"format": "date-time"}, description="RFC 3339, UTC, milliseconds")]
Id = Annotated[str, Field(pattern=ID_PATTERN, description="UUIDv7")]


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
        description="CommonMark, 1 to 10,000 characters after trimming (a site may allow fewer). Kept byte for byte.",
        json_schema_extra={"minLength": 1, "maxLength": MAX_BODY, "pattern": rf"^[^\x00]*[^\x00{BLANK}][^\x00]*$"},
    ),
]
WebAddress = Annotated[
    str,
    AfterValidator(_web_address),
    Field(max_length=2_000, json_schema_extra={"pattern": WEB_ADDRESS}),
]


def _whole_number(value: object) -> object:
    """Query values are text: only plain digits are a number."""
    if isinstance(value, str) and not re.fullmatch(r"-?[0-9]{1,18}", value):
        raise ValueError("must be a whole number")
    return int(value) if isinstance(value, str) else value


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


def _integer(value: object) -> object:
    """JSON has one kind of number: 3.0 is the integer 3 (JSON Schema 2020-12, 6.1.1)."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


# The limits come first: behind a validator, pydantic would describe them in words of its own.
Count = Annotated[int, Field(ge=1, le=200), BeforeValidator(_whole_number)]
Version = Annotated[int, Field(ge=1, le=2_000_000_000), BeforeValidator(_integer)]


# --- Coming in ----------------------------------------------------------------------------------------------------


class Incoming(BaseModel):
    """A body or query: unknown members are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Strict(Incoming):
    """A JSON body: text is text and numbers are numbers."""

    model_config = ConfigDict(strict=True)


class PostLabel(Strict):
    """How the blog calls the post; shown once a comment that carried it has been approved."""

    title: Annotated[Line, Field(max_length=500)] | None = None
    url: WebAddress | None = None


class Submission(Strict):
    """A new comment."""

    body: CommentText
    parent_id: Id | None = None
    post: PostLabel = PostLabel()


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


class BulkItem(DecisionRequest):
    """One decision of many."""

    comment_id: Id


class BulkRequest(Strict):
    """Up to 500 decisions, each standing alone."""

    decisions: list[BulkItem] = Field(min_length=1, max_length=500)


class ClaimRequest(Strict):
    """How many entries, for how long."""

    limit: Annotated[int, Field(ge=1, le=200), BeforeValidator(_integer)] = 10
    lease_seconds: Annotated[int, Field(ge=1, le=86_400), BeforeValidator(_integer)] = 300


class AuthorPatch(Strict):
    """What to change about an author; what is left out stays."""

    banned_until: BanEnd | None = None
    trusted: bool = False
    note: Annotated[Line, Field(max_length=2_000)] | None = None


class PostPatch(Strict):
    """Open or close a post for comments."""

    open: bool


class PageQuery(Incoming):
    """Where in a list, and how much of it."""

    limit: Count = Field(50, description="How many items at most")
    cursor: str | None = Field(
        None, max_length=2_000, description="`next` of the page before; leave it out to start from the beginning"
    )


class CommentsQuery(PageQuery):
    """How a post's comments are listed."""

    view: Literal["thread", "flat"] = Field("thread", description="Depth-first under each root, or by time")
    sort: Literal["oldest", "newest"] = Field("oldest", description="The order of roots (`thread`) or of all (`flat`)")


class CountsQuery(Incoming):
    """Which posts to count."""

    post: Annotated[
        list[Annotated[Line, Field(min_length=1, max_length=512)]],
        Field(min_length=1, max_length=200, description="The blog's keys of the posts, one `post=` for each"),
    ]


class QueueQuery(PageQuery):
    """Which entries of the queue, in which order."""

    reason: Literal["awaiting-approval", "edited", "restored"] | None = Field(None, description="Why to look")
    post: Annotated[Line, Field(min_length=1, max_length=512)] | None = Field(None, description="On this post")
    author: Annotated[Line, Field(min_length=1, max_length=64)] | None = Field(None, description="By this author")
    q: Annotated[Line, Field(min_length=1, max_length=200)] | None = Field(None, description="With these words")
    order: Literal["oldest", "priority"] = Field("oldest", description="What comes first")


class DecisionsQuery(PageQuery):
    """Which part of the record."""

    comment: Id | None = Field(None, description="About this comment")
    actor: Annotated[Line, Field(min_length=1, max_length=64)] | None = Field(None, description="By this author key")
    since: Moment | None = Field(None, description="Not before this time (RFC 3339)")


class SubmitHeaders(BaseModel):
    """Headers of a submission."""

    model_config = ConfigDict(frozen=True)

    idempotency_key: Annotated[str, Field(pattern=r"^[\x20-\x7e]{1,255}$")] | None = Field(
        None,
        alias="Idempotency-Key",
        description="The same for every attempt to send one comment; the first reply comes again for 24 hours",
    )


# --- Going out ----------------------------------------------------------------------------------------------------

_CLOSED = with_config(ConfigDict(extra="forbid"))


@_CLOSED
class AuthorView(TypedDict):
    """Who wrote it, as everybody may see it."""

    key: str
    name: str
    bio: str | None
    url: str | None
    avatar: str | None


@_CLOSED
class PendingEditView(TypedDict):
    """The author's new text that waits; only they and moderators see it."""

    body: str
    html: str
    submitted_at: Timestamp


@_CLOSED
class Outcome(TypedDict):
    """What the moderators told the author."""

    reason: str | None
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
class VisibleComment(TypedDict):
    """A published comment. `post` is named in lists that span posts."""

    id: Id
    parent_id: Id | None
    depth: int
    author: AuthorView
    html: str
    created_at: Timestamp
    edited_at: Timestamp | None
    reply_count: int
    post: NotRequired[str]


@_CLOSED
class Tombstone(TypedDict):
    """A comment that is gone while replies to it are visible."""

    id: Id
    parent_id: Id | None
    depth: int
    removed: Literal[True]
    reply_count: int


@_CLOSED
class PostView(TypedDict):
    """A post. `count` is the number of its approved comments."""

    key: str
    title: str | None
    url: str | None
    count: int
    open: bool


@_CLOSED
class CommentReply(TypedDict):
    """One comment."""

    comment: CommentView


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
class PublicList(TypedDict):
    """A page of a post's comments."""

    post: PostView
    comments: list[VisibleComment | Tombstone]
    next: str | None


@_CLOSED
class LatestList(TypedDict):
    """A page of the site's newest comments."""

    comments: list[VisibleComment]
    next: str | None


@_CLOSED
class Counts(TypedDict):
    """Approved comments by post."""

    counts: dict[str, int]


@_CLOSED
class Me(TypedDict):
    """Who is speaking, and what they may do."""

    user: AuthorView
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
    note: str | None
    note_to_author: str | None
    undoes: Id | None
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

    type: Annotated[str, Field(description="`/problems/{code}`: a page that explains the code")]
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
    allowed: NotRequired[Annotated[list[RequestedAction], Field(description="What may be done with it now")]]


@_CLOSED
class BulkRefused(TypedDict):
    """A decision of many that could not be carried out."""

    comment_id: Id
    problem: ProblemView


@_CLOSED
class BulkReply(TypedDict):
    """What became of each decision, in the order in which they were sent."""

    results: list[BulkDone | BulkRefused]


@_CLOSED
class DecisionsList(TypedDict):
    """A page of the record."""

    decisions: list[DecisionView]
    next: str | None


@_CLOSED
class WhyView(TypedDict):
    """One reason to look."""

    code: Literal["awaiting-approval", "edited", "restored"]
    text: str


@_CLOSED
class AuthorRecord(TypedDict):
    """How the author fared so far: comments that stand approved, and rejected or spam."""

    approved: int
    rejected: int
    first_seen: Timestamp


@_CLOSED
class Holder(TypedDict):
    """Who holds a claim."""

    key: str
    name: str


@_CLOSED
class EntryView(TypedDict):
    """Something to look at, with what is needed to judge it."""

    comment: CommentView
    post: PostView
    why: list[WhyView]
    priority: int
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
    total: int


@_CLOSED
class Claimed(TypedDict):
    """What was handed out, and until when."""

    entries: list[EntryView]
    claimed_until: Timestamp


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
class PostReply(TypedDict):
    """One post."""

    post: PostView


# --- From nouns to replies ----------------------------------------------------------------------------------------


def timestamp(moment: Milliseconds) -> str:
    """Milliseconds since the epoch as RFC 3339."""
    seconds, rest = divmod(moment, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat()[:19]}.{rest:03d}Z"


def _time(moment: Milliseconds | None) -> str | None:
    return None if moment is None else timestamp(moment)


def banned_until(moment: Milliseconds | None) -> str | None:
    """A time, "forever", or None."""
    return "forever" if moment == FOREVER else _time(moment)


def author(key: str, profile: Profile) -> AuthorView:
    """Who wrote something."""
    return {"key": key, "name": profile.name, "bio": profile.bio, "url": profile.url, "avatar": profile.avatar}


def comment(found: Comment, *, edit_window_seconds: int, decision: Decision | None = None) -> CommentView:
    """A comment for its author and moderators. `decision` is the last one on it."""
    edit = found.pending_edit
    told = decision is not None and decision.actor.kind == "moderator" and decision.action != "undo"
    editable = found.status in ("pending", "approved")
    return {
        "id": found.id,
        "site": found.site,
        "post": found.post,
        "parent_id": found.parent_id,
        "author": author(found.author_key, found.author),
        "body": found.body,
        "html": found.html,
        "status": found.status.value,
        "version": found.version,
        "created_at": timestamp(found.created_at),
        "edited_at": _time(found.edited_at),
        "published_at": _time(found.published_at),
        "decision": {"reason": decision.reason, "note_to_author": decision.note_to_author}
        if decision and told
        else None,
        "pending_edit": {"body": edit.body, "html": edit.html, "submitted_at": timestamp(edit.submitted_at)}
        if edit
        else None,
        "editable_until": timestamp(found.created_at + edit_window_seconds * 1000) if editable else None,
    }


def visible(found: Comment) -> VisibleComment:
    """An approved comment for everybody."""
    return {
        "id": found.id,
        "parent_id": found.parent_id,
        "depth": found.depth,
        "author": author(found.author_key, found.author),
        "html": found.html,
        "created_at": timestamp(found.created_at),
        "edited_at": _time(found.edited_at),
        "reply_count": found.reply_count,
        "post": found.post,
    }


def item(found: PublicComment) -> VisibleComment | Tombstone:
    """One item of a post's list."""
    if found.removed or found.author is None:
        return {
            "id": found.id,
            "parent_id": found.parent_id,
            "depth": found.depth,
            "removed": True,
            "reply_count": found.reply_count,
        }
    return _visible_item(found, found.author)


def latest_item(found: PublicComment) -> VisibleComment:
    """One item of the site's list: it also names the post."""
    if found.author is None:
        raise LookupError(found.id)
    return {**_visible_item(found, found.author), "post": found.post or ""}


def _visible_item(found: PublicComment, profile: Profile) -> VisibleComment:
    return {
        "id": found.id,
        "parent_id": found.parent_id,
        "depth": found.depth,
        "author": author(found.author_key or "", profile),
        "html": found.html or "",
        "created_at": timestamp(found.created_at or 0),
        "edited_at": _time(found.edited_at),
        "reply_count": found.reply_count,
    }


def post(found: Post) -> PostView:
    """A post."""
    return {"key": found.key, "title": found.title, "url": found.url, "count": found.count, "open": found.open}


def actor(found: Actor) -> ActorView:
    """Who decided."""
    return {"kind": found.kind.value, "key": found.key, "name": found.name}


def decision(found: Decision) -> DecisionView:
    """One line of the record."""
    return {
        "id": found.id,
        "comment_id": found.comment_id,
        "action": found.action.value,
        "from_status": found.from_status.value if found.from_status else None,
        "to_status": found.to_status.value,
        "version": found.version,
        "actor": actor(found.actor),
        "reason": found.reason,
        "note": found.note,
        "note_to_author": found.note_to_author,
        "undoes": found.undoes,
        "created_at": timestamp(found.created_at),
    }


def entry(case: Case, *, edit_window_seconds: int) -> EntryView:
    """One entry of the queue. The post is called what the comment calls it, for that is what approving publishes."""
    held = case.entry.claimed_by
    known = case.post
    shown = Post(
        known.site,
        known.key,
        case.comment.post_title or known.title,
        case.comment.post_url or known.url,
        known.count,
        known.open,
    )
    return {
        "comment": comment(case.comment, edit_window_seconds=edit_window_seconds, decision=case.decision),
        "post": post(shown),
        "why": whys(case.entry.why),
        "priority": case.entry.priority,
        "waiting_since": timestamp(case.entry.waiting_since),
        "claimed_by": {"key": held.key, "name": held.name} if held else None,
        "claimed_until": _time(case.entry.claimed_until),
        "author_record": {
            "approved": case.author.approved,
            "rejected": case.author.rejected,
            "first_seen": timestamp(case.author.first_seen),
        },
        "parent": comment(case.parent, edit_window_seconds=edit_window_seconds) if case.parent else None,
    }


def whys(codes: Iterable[Why]) -> list[WhyView]:
    """Reasons with their sentences."""
    return [{"code": code.value, "text": WHY_TEXT[code]} for code in codes]


def standing(found: Author) -> AuthorStanding:
    """An author for moderators."""
    return {
        **author(found.key, found.profile),
        "first_seen": timestamp(found.first_seen),
        "approved": found.approved,
        "rejected": found.rejected,
        "banned_until": banned_until(found.banned_until),
        "trusted": found.trusted,
        "note": found.note,
    }


def problem_members(members: Mapping[str, object], *, edit_window_seconds: int) -> dict[str, Any]:
    """A problem's own members: nouns become what the wire calls them. A comment brings the decision beside it."""
    last = members.get("decision")
    shown: dict[str, Any] = {}
    for name, value in members.items():
        if isinstance(value, Comment):
            told = last if isinstance(last, Decision) else None
            shown[name] = comment(value, edit_window_seconds=edit_window_seconds, decision=told)
        elif isinstance(value, Decision):
            shown[name] = decision(value)
        elif name == "banned_until" and isinstance(value, int):
            shown[name] = banned_until(value)
        else:
            shown[name] = value
    return shown
