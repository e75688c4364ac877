"""All comments of a site as moderators go through them, in any status: stretches of rows along one index each.

Which of them somebody asks for is looked at by the caller (`moderation/finding`). Whoever names an author, a post or a
status goes through those only.
"""

from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Integer,
    Select,
    bindparam,
    func,
    literal_column,
    select,
    tuple_,
)

from service.model import AuthorKey, Comment, Milliseconds, PostKey, SiteKey, Status, id_before
from service.store.comments import comment_of
from service.store.database import Transaction
from service.store.tables import PUBLIC, REFUSED, comments, queue

Position = tuple[int, str]
LAST: Final[Position] = (2**62, "~")
FIRST: Final[Position] = (-1, "")
MOST_COUNTED: Final = 1_000
"""Comments of an author, or on a post, are counted up to here."""


class _Way(Enum):
    """Along which index one goes."""

    AUTHOR_ON_POST = "author on post"
    AUTHOR = "author"
    POST = "post"
    PUBLIC = "public"
    REFUSED = "refused"
    WAITING = "waiting"
    """By the queue, for a pending comment is in it: a submission pays for no other index."""
    ALL = "all"
    """By their ids, which sort by time, and which other sites' comments lie between."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Comments in order, each with its position, and the position behind them; None: there are no more."""

    comments: list[tuple[Position, Comment]]
    next: Position | None


@dataclass(frozen=True, slots=True)
class Numbers:
    """How many comments there are in each status: so many, or (not exact) at least so many."""

    of_each: dict[Status, int]
    is_exact: bool


def stretch(
    tx: Transaction,
    site: SiteKey,
    *,
    status: Status | None,
    author: AuthorKey | None,
    post: PostKey | None,
    newest_first: bool,
    limit: int,
    after: Position | None,
) -> Stretch:
    """The next comments of the author, or the post, or the status; there may be others among them.

    A position is (time, id): when a comment was written; where only the status is asked for and is pending, since when
    it waits.
    """
    way = _way(status, author, post)
    time, comment_id = after or (LAST if newest_first else FIRST)
    rows = tx.all(
        _statement(way, newest_first=newest_first),
        site=site,
        status=status.value if status else None,
        author=author,
        post=post,
        time=time,
        id=comment_id,
        limit=limit,
    )
    places = [(row["place"], row["id"]) for row in rows]
    found = [(place, comment_of(row)) for place, row in zip(places, rows, strict=True) if row["site"] == site]
    return Stretch(found, places[-1] if len(rows) == limit else None)


def numbers(tx: Transaction, site: SiteKey, *, author: AuthorKey | None = None, post: PostKey | None = None) -> Numbers:
    """How many comments of an author, or on a post, are in each status, as far as they are counted."""
    rows = tx.all(_numbers(_Way.AUTHOR if post is None else _Way.POST), site=site, author=author, post=post)
    of_each = {Status(row["status"]): int(row["number"]) for row in rows}
    return Numbers({status: of_each.get(status, 0) for status in Status}, sum(of_each.values()) < MOST_COUNTED)


def begin(moment: Milliseconds) -> Position:
    """The position before all comments of this moment, and behind all older ones."""
    return (moment, id_before(moment))


def _way(status: Status | None, author: AuthorKey | None, post: PostKey | None) -> _Way:
    if author is not None:
        return _Way.AUTHOR if post is None else _Way.AUTHOR_ON_POST
    if post is not None:
        return _Way.POST
    return _BY_STATUS[status]


_BY_STATUS: Final[dict[Status | None, _Way]] = {
    None: _Way.ALL,
    Status.PENDING: _Way.WAITING,
    Status.APPROVED: _Way.PUBLIC,
    Status.REJECTED: _Way.REFUSED,
    Status.SPAM: _Way.REFUSED,
    Status.DELETED: _Way.REFUSED,
}
_BY_AUTHOR = comments.c.author == bindparam("author")
_ON_POST = comments.c.post == bindparam("post")
_CONDITIONS: Final[dict[_Way, tuple[ColumnElement[bool], ...]]] = {
    _Way.AUTHOR_ON_POST: (_BY_AUTHOR, _ON_POST),
    _Way.AUTHOR: (_BY_AUTHOR,),
    _Way.PUBLIC: (PUBLIC,),
    _Way.REFUSED: (comments.c.status == bindparam("status"), REFUSED),
}


@cache
def _statement(way: _Way, *, newest_first: bool) -> Select[Any]:
    order = _ORDERS.get(way, _WRITTEN)
    place = comments.c.created_at if way is _Way.ALL else order[0]
    behind, ordered = _behind(order, newest_first=newest_first), _ordered(order, newest_first=newest_first)
    of_site = order[0].table.c.site == bindparam("site")
    limit: BindParameter[int] = bindparam("limit", type_=Integer)
    match way:
        case _Way.ALL:
            # Of every site: by the site's own indexes SQLite would rather read the whole site, and sort it.
            return select(place.label("place"), comments).where(*behind).order_by(*ordered).limit(limit)
        case _Way.POST:
            # All that are on it are sorted: by their keys, which the index has.
            keys = select(place.label("place"), comments.c.id).where(of_site, _ON_POST, *behind)
            some = keys.order_by(*ordered).limit(limit).subquery("some")
            rows = select(some.c.place, comments).join_from(some, comments, comments.c.id == some.c.id)
            return rows.order_by(*_ordered((some.c.place, some.c.id), newest_first=newest_first))
        case _Way.WAITING:
            rows = select(place.label("place"), comments).join_from(
                queue, comments, comments.c.id == queue.c.comment_id
            )
            return rows.where(of_site, *behind).order_by(*ordered).limit(limit)
    rows = select(place.label("place"), comments).where(of_site, *_CONDITIONS[way], *behind)
    return rows.order_by(*ordered).limit(limit)


@cache
def _numbers(way: _Way) -> Select[Any]:
    only = _ON_POST if way is _Way.POST else _BY_AUTHOR
    most = literal_column(str(MOST_COUNTED), Integer)
    some = select(comments.c.status).where(comments.c.site == bindparam("site"), only).limit(most).subquery("some")
    return select(some.c.status, func.count().label("number")).group_by(some.c.status)


_WRITTEN: Final = (comments.c.created_at, comments.c.id)
_ORDERS: Final[dict[_Way, tuple[Column[Any], ...]]] = {
    _Way.ALL: (comments.c.id,),
    _Way.WAITING: (queue.c.waiting_since, queue.c.comment_id),
}


def _behind(order: tuple[Column[Any], ...], *, newest_first: bool) -> tuple[ColumnElement[bool], ...]:
    given = tuple(
        bindparam(name, type_=column.type) for name, column in zip(("time", "id")[-len(order) :], order, strict=True)
    )
    if len(order) == 1:
        return (order[0] < given[0],) if newest_first else (order[0] > given[0],)
    place, asked = tuple_(*order), tuple_(*given)
    return (place < asked,) if newest_first else (place > asked,)


def _ordered(columns: tuple[Any, ...], *, newest_first: bool) -> tuple[ColumnElement[Any], ...]:
    return tuple(column.desc() if newest_first else column for column in columns)
