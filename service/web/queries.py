"""What comes in behind the `?` of an address. The declarations that validate are those in `/openapi.json`."""

import re
from typing import (
    Annotated,
    Literal,  # pydantic reads these on Python 3.11
)

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from service.delivery.outside_events import KINDS, is_known
from service.reading.language import Code
from service.reading.shapes import ANCHOR_PATTERN, Id, WhyCode
from service.web.incoming import Incoming, Line, Moment
from service.web.incoming_queue import Name
from service.web.outgoing import ActionName, StatusName
from service.web.outgoing_policy import OutcomeName
from service.web.post_keys import PostKeyText


def whole_number(value: object) -> object:
    """Values of queries and forms are text: only plain digits are a number."""
    if isinstance(value, str) and not re.fullmatch(r"-?[0-9]{1,18}", value):
        raise ValueError("must be a whole number")
    return int(value) if isinstance(value, str) else value


# The limits come first: behind a validator, pydantic would describe them in words of its own.
ListLimit = Annotated[int, Field(ge=1, le=200), BeforeValidator(whole_number)]


def _known_type(text: str) -> str:
    if not is_known(text):
        raise ValueError(f"must be one of {', '.join(KINDS)}, or the beginning of some with a * behind it")
    return text


class PageQuery(Incoming):
    """Where in a list, and how much of it."""

    limit: ListLimit = Field(50, description="How many items at most")
    cursor: str | None = Field(None, description="`next` of the page before; leave it out to start from the beginning")


class OwnQuery(PageQuery):
    """Which of one's own comments."""

    post: PostKeyText | None = Field(None, description="On this post only")


class MeQuery(Incoming):
    """Whether a visitor without a credential asks as well."""

    visitor: Literal["1"] | None = Field(
        None, description="Without a credential: 200 and `user` null, and not the problem `login-required`"
    )


class CommentsQuery(PageQuery):
    """How a post's comments are listed."""

    view: Literal["thread", "flat"] = Field("thread", description="Depth-first under each root, or by time")
    sort: Literal["oldest", "newest"] = Field("oldest", description="The order of roots (`thread`) or of all (`flat`)")
    around: Annotated[str, Field(pattern=ANCHOR_PATTERN, max_length=200)] | None = Field(
        None,
        description=(
            "Begin with this comment (its id, or the anchor of an imported one), below those that it answers; not "
            "together with `cursor`"
        ),
    )

    @field_validator("around")
    @classmethod
    def _says_where_alone(cls, around: str | None, found: ValidationInfo) -> str | None:
        if around is not None and found.data.get("cursor") is not None:
            raise ValueError("must not stand beside `cursor`: both say where the page begins")
        return around


class FragmentQuery(CommentsQuery):
    """How they are listed in HTML."""

    lang: Code | None = Field(
        None, description="The language of the fragment's own words; it then says so itself, by `lang` and `dir`"
    )


class CountsQuery(Incoming):
    """Which posts to count."""

    post: Annotated[
        list[PostKeyText],
        Field(min_length=1, max_length=200, description="The blog's keys of the posts, one `post=` for each"),
    ]


class QueueQuery(PageQuery):
    """Which entries of the queue, in which order."""

    reason: WhyCode | None = Field(None, description="Why to look")
    post: PostKeyText | None = Field(None, description="On this post")
    author: Annotated[Line, Field(min_length=1, max_length=64)] | None = Field(None, description="By this author")
    q: Annotated[Line, Field(min_length=1, max_length=200)] | None = Field(None, description="With these words")
    rule: Name | None = Field(None, description="Of which this rule spoke")
    check: Name | None = Field(None, description="Of which this check found something, or could not look at it")
    list_name: Name | None = Field(None, alias="list", description="With an entry of this list")
    outcome: OutcomeName | None = Field(None, description="Of which the policy said this")
    claimed: Literal["any", "mine", "free"] = Field(
        "any", description="Those that I hold; those that nobody holds; or whoever holds them"
    )
    order: Literal["oldest", "priority"] = Field("oldest", description="What comes first")


class ReleaseQuery(Incoming):
    """What to give back."""

    comment: list[Id] = Field(
        default_factory=list,
        max_length=200,
        description="Only these, one `comment=` for each; without: everything that I hold",
    )


class DecisionsQuery(PageQuery):
    """Which part of the record, in which order."""

    comment: Id | None = Field(None, description="About this comment")
    author: Annotated[Line, Field(min_length=1, max_length=64)] | None = Field(
        None, description="About comments of this author"
    )
    post: PostKeyText | None = Field(None, description="About comments on this post")
    actor: Annotated[Line, Field(min_length=1, max_length=64)] | None = Field(None, description="By this author key")
    action: ActionName | None = Field(None, description="What was done")
    reason: Annotated[Line, Field(min_length=1, max_length=500)] | None = Field(
        None, description="With just this reason, letter by letter"
    )
    batch: Id | None = Field(None, description="What one call did to many comments")
    since: Moment | None = Field(None, description="Not before this time (RFC 3339)")
    until: Moment | None = Field(None, description="Before this time (RFC 3339)")
    order: Literal["oldest", "newest"] = Field("oldest", description="What comes first")


class FindQuery(PageQuery):
    """Which comments, in whatever status."""

    status: StatusName | None = Field(None, description="In this status")
    author: Annotated[Line, Field(min_length=1, max_length=64)] | None = Field(None, description="By this author")
    post: PostKeyText | None = Field(None, description="On this post")
    q: Annotated[Line, Field(min_length=1, max_length=200)] | None = Field(None, description="With these words")
    since: Moment | None = Field(None, description="Not written before this time (RFC 3339)")
    until: Moment | None = Field(None, description="Written before this time (RFC 3339)")
    by: Literal["policy"] | None = Field(None, description="Only a rule of the site has decided so far")
    order: Literal["newest", "oldest"] = Field("newest", description="What comes first")


class StreamQuery(Incoming):
    """Where a live stream goes on, for clients that cannot set the header."""

    last_event_id: str | None = Field(
        None, max_length=200, description="Instead of `Last-Event-ID`: the last `id` that you got"
    )


class DeliveriesQuery(PageQuery):
    """Which deliveries of a webhook."""

    state: Literal["failed", "retrying", "delivered"] | None = Field(None, description="In this state only")


class FeedQuery(Incoming):
    """Which events, and how much of each."""

    after: Annotated[int, Field(ge=0), BeforeValidator(whole_number)] | None = Field(
        None, description="Behind this number: the `last_seq` that you got. Left out: from the first that is kept"
    )
    types: Annotated[
        list[Annotated[str, Field(max_length=64), AfterValidator(_known_type)]],
        Field(max_length=len(KINDS), description="These types only, one `types=` for each; `comment.*` is all of them"),
    ] = []  # noqa: RUF012  # pydantic copies it
    share: Literal["ids", "texts", "people"] = Field(
        "texts",
        alias="with",
        description="How much is told: bare `ids`, `texts`, or `people` too (who wrote it, for the blog; for admins)",
    )
    limit: ListLimit = Field(50, description="How many at most; what is told of one event is not parted")
    wait: Annotated[int, Field(ge=0, le=30), BeforeValidator(whole_number)] = Field(
        0, description="Seconds for which an empty answer is held back until something happens"
    )
