"""What readers see, as it crosses the wire: the shapes of the public lists. `/openapi.json` is made from them."""

from typing import (
    Annotated,
    Literal,
    NotRequired,  # pydantic reads these on Python 3.11
)

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

ID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
Id = Annotated[str, Field(pattern=ID_PATTERN, max_length=36, description="UUIDv7")]
ANCHOR_PATTERN = r"^[0-9A-Za-z][0-9A-Za-z_.:-]*$"
Timestamp = Annotated[str, Field(json_schema_extra={"format": "date-time"}, description="RFC 3339, UTC, milliseconds")]
WhyCode = Literal["awaiting-approval", "held", "could-not-judge", "edited", "restored", "reported", "imported"]

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
class VisibleComment(TypedDict):
    """A published comment. `post` is named in lists that span posts, `anchor` where the comment was imported."""

    id: Id
    parent_id: Id | None
    depth: int
    author: AuthorView
    html: str
    created_at: Timestamp
    edited_at: Timestamp | None
    reply_count: int
    anchor: NotRequired[Annotated[str, Field(description="The fragment by which old links lead to it")]]
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
class SiteView(TypedDict):
    """What a form needs to know of a site, and nothing else of its configuration."""

    key: str
    name: str
    login_url: Annotated[
        str | None,
        Field(description="Where readers log in; `{url}` in it stands for the page to come back to, percent-encoded"),
    ]
    max_body_length: Annotated[int, Field(description="Characters of a comment, after trimming")]
    edit_window_seconds: Annotated[int, Field(description="How long authors may edit a comment; 0: not at all")]


@_CLOSED
class SiteReply(TypedDict):
    """One site."""

    site: SiteView


@_CLOSED
class CommentNews(TypedDict):
    """What a post's stream says of a comment: as the list shows it now, and its post."""

    comment: VisibleComment | Tombstone
    post: PostView


@_CLOSED
class PostNews(TypedDict):
    """What a post's stream says of the post itself."""

    post: PostView


@_CLOSED
class QueueNews(TypedDict):
    """What the queue's stream says of a comment; `why` is empty when nobody needs to look at it."""

    comment_id: Id
    post: str
    why: list[str]


@_CLOSED
class Holder(TypedDict):
    """Who holds a claim."""

    key: str
    name: str


@_CLOSED
class ClaimNews(TypedDict):
    """What the queue's stream says of entries that somebody holds now; null: nobody does."""

    comment_ids: list[Id]
    claimed_by: Holder | None
    claimed_until: Timestamp | None
