"""The lines of an export of a site, as shapes: who reads one checks it by them, its JSON Schema is made of them."""

from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,  # pydantic reads these on Python 3.11
)

from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from service.auth.login import MAX_SUBJECT
from service.reading.shapes import ANCHOR_PATTERN
from service.transfer.line_parts import (
    CLOSED,
    Actor,
    Address,
    Bio,
    Clean,
    Decision,
    HumanOutcome,
    Id,
    Judgement,
    KeptText,
    ListEntry,
    Moment,
    Name,
    Note,
    Number,
    Origin,
    Original,
    Phrase,
    Short,
    Status,
    Version,
)
from service.triage.lists.entry import LIST_NAME, MAX_ENTRIES, MAX_NAME

PostKey = Annotated[str, Field(pattern=r"^[^\x00]*$", min_length=1, max_length=512)]


@CLOSED
class Header(TypedDict):
    """The first line."""

    format: Literal["gatepost"]
    version: Literal[1]
    site: Short
    people: bool
    counts: dict[str, Number]
    digest: Annotated[str, Field(description="The content digest of the site: docs/export.md")]


@CLOSED
class PostLine(TypedDict):
    """A post. `title` and `url` are what stands: what is pinned, else what its comments carried."""

    key: PostKey
    title: Short | None
    url: Address | None
    pinned_title: Short | None
    pinned_url: Address | None
    open: bool
    created_at: Moment
    published_at: Moment | None


@CLOSED
class AuthorLine(TypedDict):
    """One of the blog's people. What is not required comes with people only."""

    number: Number
    name: Name
    bio: Bio | None
    url: Address | None
    avatar: Address | None
    login: NotRequired[Annotated[Short, Field(min_length=1)]]
    subject: NotRequired[Annotated[str, Field(pattern=r"^[^\x00]*$", min_length=1, max_length=MAX_SUBJECT)]]
    first_seen: NotRequired[Moment]
    banned_until: NotRequired[Moment | None]
    trusted: NotRequired[bool]
    note: NotRequired[Note | None]


@CLOSED
class PolicyLine(TypedDict):
    """A version of the site's policy."""

    version: Version
    document: Clean
    digest: Short
    note: Note | None
    created_at: Moment
    actor: Actor


@CLOSED
class ListLine(TypedDict):
    """A list of words, hosts or patterns."""

    name: Annotated[str, Field(pattern=LIST_NAME, max_length=MAX_NAME)]
    title: Phrase
    kind: Literal["words", "hosts", "patterns"]
    note: Note | None
    version: Version
    changed_at: Moment
    actor: Actor
    entries: Annotated[list[ListEntry], Field(max_length=MAX_ENTRIES)]


@CLOSED
class RuleLine(TypedDict):
    """A rule: since when it is watched; since when and why it is braked, and upon which numbers; when it or a list that
    it names was changed last, and since when what humans say of it counts (without these: `since`)."""

    rule: Annotated[Short, Field(min_length=1)]
    since: Moment
    braked_at: Moment | None
    why: Short | None
    acted: Number | None
    of_all: Number | None
    changed_at: NotRequired[Moment]
    learns_since: NotRequired[Moment]


@CLOSED
class CommentLine(TypedDict):
    """A comment, in any status. `decisions`, `judgements` and `outcomes` come with people only."""

    id: Id
    post: PostKey
    parent: Id | None
    author: Number
    name: Name
    bio: Bio | None
    url: Address | None
    avatar: Address | None
    status: Status
    created_at: Moment
    edited_at: Moment | None
    published_at: Moment | None
    shown_at: Moment | None
    anchor: Annotated[str, Field(pattern=ANCHOR_PATTERN, max_length=200)] | None
    post_title: Short | None
    post_url: Address | None
    version: Version
    text_version: Version
    by_rule: bool
    body: Clean
    edit: KeptText | None
    texts: list[KeptText]
    original: Original | None
    origins: list[Origin]
    decisions: NotRequired[list[Decision]]
    judgements: NotRequired[list[Judgement]]
    outcomes: NotRequired[list[HumanOutcome]]


@CLOSED
class Line(TypedDict, total=False):
    """A line behind the first: one of these."""

    post: PostLine
    author: AuthorLine
    policy: PolicyLine
    list: ListLine
    rule: RuleLine
    comment: CommentLine


HEADER: TypeAdapter[Header] = TypeAdapter(Header)
LINE: TypeAdapter[Line] = TypeAdapter(Line)
LONGEST_MISTAKE = 300
"""Characters: a mistake names a member, which may be as long as a file."""


def line_of(found: object) -> Line:
    """A line behind the first. Raises ValueError, in words, where `found` is none."""
    try:
        return LINE.validate_python(found)
    except ValidationError as error:
        raise ValueError(mistake(error)) from None


def mistake(error: ValidationError) -> str:
    """The first thing that is wrong, and where."""
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"[:LONGEST_MISTAKE]


def schema() -> dict[str, Any]:
    """The JSON Schema of a line: the first, or one behind it."""
    return TypeAdapter(Header | Line).json_schema()
