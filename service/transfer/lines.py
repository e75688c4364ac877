"""The lines of an export of a site, as shapes: who reads one checks it by them, its JSON Schema is made of them."""

from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,  # pydantic reads these on Python 3.11
)

from pydantic import ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict

from service.reading.shapes import ID_PATTERN

_CLOSED = with_config(ConfigDict(extra="forbid", strict=True))
Id = Annotated[str, Field(pattern=ID_PATTERN, description="UUIDv7")]
Moment = Annotated[int, Field(ge=0, le=253_402_300_799_999, description="Milliseconds since 1970, UTC")]
Clean = Annotated[str, Field(pattern=r"^[^\x00]*$")]
Version = Annotated[int, Field(ge=1, le=2_000_000_000)]
Status = Literal["pending", "approved", "rejected", "spam", "deleted"]


@_CLOSED
class Header(TypedDict):
    """The first line."""

    format: Literal["gatepost"]
    version: Literal[1]
    site: Clean
    people: bool
    counts: dict[str, int]
    digest: Annotated[str, Field(description="The content digest of the site: docs/export.md")]


@_CLOSED
class PostLine(TypedDict):
    """A post. `title` and `url` are what stands: what is pinned, else what its comments carried."""

    key: Annotated[Clean, Field(min_length=1, max_length=512)]
    title: Clean | None
    url: Clean | None
    pinned_title: Clean | None
    pinned_url: Clean | None
    open: bool
    created_at: Moment
    published_at: Moment | None


@_CLOSED
class AuthorLine(TypedDict):
    """One of the blog's people. What is not required comes with people only."""

    number: int
    name: Clean
    bio: Clean | None
    url: Clean | None
    avatar: Clean | None
    login: NotRequired[Clean]
    subject: NotRequired[Clean]
    first_seen: NotRequired[Moment]
    banned_until: NotRequired[int | None]
    trusted: NotRequired[bool]
    note: NotRequired[Clean | None]


@_CLOSED
class Actor(TypedDict):
    """Who did something: an author of this file (by number), or somebody by the key that they had in the store."""

    kind: Literal["moderator", "author", "policy", "system"]
    name: Clean
    author: NotRequired[int]
    key: NotRequired[Clean]


@_CLOSED
class PolicyLine(TypedDict):
    """A version of the site's policy."""

    version: Version
    document: Clean
    digest: Clean
    note: Clean | None
    created_at: Moment
    actor: Actor


@_CLOSED
class KeptText(TypedDict):
    """A text that the comment had before, or (as `edit`) one that waits."""

    version: Version
    body: Clean
    submitted_at: Moment


@_CLOSED
class Original(TypedDict):
    """What the text of an imported comment was made of."""

    format: Literal["html", "text"]
    body: Clean


@_CLOSED
class DecisionPart(TypedDict):
    """A line of the record. `place`: how many stand before it in the record of the site, and one."""

    id: Id
    place: Version
    action: Clean
    from_status: Status | None
    to_status: Status
    version: int
    reason: Clean | None
    note: Clean | None
    note_to_author: Clean | None
    undoes: Id | None
    created_at: Moment
    batch: Clean | None
    reason_text: Clean | None
    rules: Clean | None
    policy_version: int | None
    actor: Actor
    before: Annotated[dict[str, Any] | None, Field(description="The state that undo puts back")]


@_CLOSED
class JudgementPart(TypedDict):
    """What the policy said of a text."""

    text_version: Version
    policy_version: int
    outcome: Clean
    marks: Clean
    priority: int
    created_at: Moment
    said: dict[str, Any]


@_CLOSED
class CommentLine(TypedDict):
    """A comment, in any status. `decisions` and `judgements` come with people only."""

    id: Id
    post: Annotated[Clean, Field(min_length=1, max_length=512)]
    parent: Id | None
    author: int
    name: Clean
    bio: Clean | None
    url: Clean | None
    avatar: Clean | None
    status: Status
    created_at: Moment
    edited_at: Moment | None
    published_at: Moment | None
    shown_at: Moment | None
    anchor: Clean | None
    post_title: Clean | None
    post_url: Clean | None
    version: Version
    text_version: Version
    by_rule: bool
    body: Clean
    edit: KeptText | None
    texts: list[KeptText]
    original: Original | None
    decisions: NotRequired[list[DecisionPart]]
    judgements: NotRequired[list[JudgementPart]]


@_CLOSED
class Line(TypedDict, total=False):
    """A line behind the first: one of these."""

    post: PostLine
    author: AuthorLine
    policy: PolicyLine
    comment: CommentLine


HEADER: TypeAdapter[Header] = TypeAdapter(Header)
LINE: TypeAdapter[Line] = TypeAdapter(Line)


def schema() -> dict[str, Any]:
    """The JSON Schema of a line: the first, or one behind it."""
    return TypeAdapter(Header | Line).json_schema()
