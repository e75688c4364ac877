"""The queue as moderators page through it: which entries a filter finds, in which order, and how many there are.

What that costs does not depend on how many wait. Without a filter the site's row knows how many there are. A reason has
an index. Words, posts and authors are looked for in every entry of a short queue; of a long one in the index (`search`)
or, where that cannot tell, in the next LOOKED_THROUGH entries, behind which the next page goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypedDict

from sqlalchemy import BindParameter, ColumnElement, Select, and_, bindparam, func, or_, select

from service.model import AuthorKey, CommentId, PostKey, QueueEntry, SiteKey, Why
from service.store import queue as entries
from service.store import search, search_index
from service.store.among import holds
from service.store.database import Row, Transaction
from service.store.queue import ENTRY
from service.store.search_index import LONG
from service.store.tables import has_reason, queue
from service.text.folding import fold

Position = tuple[str | int, ...]
MOST_COUNTED: Final = 1_000
"""Entries that a filter finds are counted up to here."""
LOOKED_THROUGH: Final = 1_000
"""Entries of a long queue that are looked through for one page where there is no index to ask."""
PROBED: Final = 40
"""Entries that are looked at to see whether most of them are found: then it is quicker to go through the queue."""
_PLACE: Final = ("priority", "waiting_since", "comment_id")
"""The columns that make a position."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries a moderator asks for; `text` is looked for in the comment's texts and the author's name, folded."""

    why: Why | None = None
    post: PostKey | None = None
    author: AuthorKey | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Total:
    """How many entries a filter finds: so many, or (not exact) at least so many."""

    number: int
    is_exact: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A page of the queue, the position behind it if there is more, and how many entries there are in all."""

    entries: list[QueueEntry]
    next: Position | None
    total: Total


class _Shape(TypedDict):
    """What a statement for a page depends on; each is made and compiled once."""

    why: Why | None
    given: frozenset[str]
    by_priority: bool


def find(
    tx: Transaction, site: SiteKey, wanted: Filter, *, by_priority: bool, limit: int, after: Position | None
) -> Found:
    """Entries in order, oldest or most urgent first. A position is (priority, waiting_since, comment_id)."""
    standing = search_index.look(tx, site)
    given = _given(wanted)
    shape = _Shape(why=wanted.why, given=frozenset(given), by_priority=by_priority)
    if wanted == Filter():
        total = Total(standing.waiting, is_exact=True)
    elif standing.waiting <= LONG or not given or _most_are_found(tx, site, shape, given):
        total = _counted(tx, site, shape, given)
    else:
        conditions = _conditions(wanted.why, frozenset(given))
        keys = search.find(tx, site, standing, conditions, given, limit=MOST_COUNTED)
        if keys is None:
            return _looked_through(tx, site, shape, given, limit=limit, after=after, waiting=standing.waiting)
        if len(keys) < MOST_COUNTED:
            return _picked(tx, keys, by_priority=by_priority, limit=limit, after=after)
        total = Total(MOST_COUNTED, is_exact=False)
    return _gone_through(tx, site, shape, given, limit=limit, after=after, total=total)


def _gone_through(
    tx: Transaction,
    site: SiteKey,
    shape: _Shape,
    given: Mapping[str, str],
    *,
    limit: int,
    after: Position | None,
    total: Total,
) -> Found:
    """By going through the queue in order until there are enough."""
    statement = _page(**shape, goes_on=after is not None)
    rows = tx.all(statement, site=site, limit=limit + 1, **given, **_place(after))
    return _found(tx, rows, limit, total)


def _looked_through(
    tx: Transaction,
    site: SiteKey,
    shape: _Shape,
    given: Mapping[str, str],
    *,
    limit: int,
    after: Position | None,
    waiting: int,
) -> Found:
    """The same, but not beyond LOOKED_THROUGH entries, behind which the next page begins."""
    by_priority, goes_on = shape["by_priority"], after is not None
    last = tx.first(
        _end(by_priority=by_priority, goes_on=goes_on), site=site, before=LOOKED_THROUGH - 1, **_place(after)
    )
    end = _position(last) if last else None
    among_next = _among_next(**shape, goes_on=goes_on, ends=end is not None)
    keys = tx.all(among_next, site=site, **given, **_place(after), **_place(end, "last_"))
    found = list(map(_position, keys))
    following = found[limit - 1] if len(found) > limit else end
    number = len(found) if after is None else _counted(tx, site, shape, given, most=LOOKED_THROUGH).number
    total = Total(min(number, MOST_COUNTED), is_exact=number < MOST_COUNTED and waiting <= LOOKED_THROUGH)
    return Found(_entries(tx, found[:limit]), following, total)


def _picked(tx: Transaction, keys: list[Row], *, by_priority: bool, limit: int, after: Position | None) -> Found:
    """From the keys of all entries that are found."""
    order = _urgent if by_priority else _old
    ordered = sorted(map(_position, keys), key=order)
    behind = [place for place in ordered if after is None or order(place) > order(after)]
    following = behind[limit - 1] if len(behind) > limit else None
    return Found(_entries(tx, behind[:limit]), following, Total(len(keys), is_exact=True))


def _entries(tx: Transaction, places: list[Position]) -> list[QueueEntry]:
    return entries.get_many(tx, [CommentId(str(comment_id)) for _, _, comment_id in places])


def _most_are_found(tx: Transaction, site: SiteKey, shape: _Shape, given: Mapping[str, str]) -> bool:
    return 2 * _counted(tx, site, shape, given, most=PROBED).number > PROBED


def _counted(
    tx: Transaction, site: SiteKey, shape: _Shape, given: Mapping[str, str], *, most: int | None = None
) -> Total:
    """How many entries are found, up to MOST_COUNTED; of the `most` oldest."""
    statement = _count(shape["why"], shape["given"], of_oldest=most is not None)
    oldest = {"most": most} if most is not None else {}
    row = tx.first(statement, site=site, counted=MOST_COUNTED, **oldest, **given)
    number = int(row["number"]) if row else 0
    return Total(number, is_exact=number < MOST_COUNTED)


def _found(tx: Transaction, rows: list[Row], limit: int, total: Total) -> Found:
    following = _position(rows[limit - 1]) if len(rows) > limit else None
    return Found(entries.entries_of(tx, rows[:limit]), following, total)


def _position(row: Row) -> Position:
    return row["priority"], row["waiting_since"], row["comment_id"]


def _place(position: Position | None, prefix: str = "") -> Mapping[str, str | int]:
    """A position as values of a statement."""
    return dict(zip((prefix + name for name in _PLACE), position, strict=True)) if position is not None else {}


def _old(place: Position) -> Position:
    return place[1:]


def _urgent(place: Position) -> Position:
    return -int(place[0]), *place[1:]


# --- Statements -----------------------------------------------------------------------------------------------------


@cache
def _page(*, why: Why | None, given: frozenset[str], by_priority: bool, goes_on: bool) -> Select[Any]:
    statement = select(*ENTRY).where(queue.c.site == bindparam("site"), *_conditions(why, given))
    if goes_on:
        statement = statement.where(*_behind(by_priority=by_priority))
    return statement.order_by(*_order(queue.c, by_priority=by_priority)).limit(bindparam("limit"))


@cache
def _among_next(*, why: Why | None, given: frozenset[str], by_priority: bool, goes_on: bool, ends: bool) -> Select[Any]:
    """The keys of those that are found behind a position, up to another one: one range of an index."""
    keys = select(*(queue.c[name] for name in _PLACE)).where(
        queue.c.site == bindparam("site"), *_conditions(why, given)
    )
    if goes_on:
        keys = keys.where(*_behind(by_priority=by_priority))
    if ends:
        keys = keys.where(*_not_behind(by_priority=by_priority))
    return keys.order_by(*_order(queue.c, by_priority=by_priority))


@cache
def _end(*, by_priority: bool, goes_on: bool) -> Select[Any]:
    return _following(by_priority=by_priority, goes_on=goes_on).limit(1).offset(bindparam("before"))


@cache
def _count(why: Why | None, given: frozenset[str], *, of_oldest: bool) -> Select[Any]:
    if of_oldest:
        oldest = _following(by_priority=False, goes_on=False).limit(bindparam("most")).subquery("oldest")
        some = select(oldest.c.comment_id).where(*_fulfilled(oldest.c, why, given))
    else:
        some = select(queue.c.comment_id).where(queue.c.site == bindparam("site"), *_conditions(why, given))
    return select(func.count().label("number")).select_from(some.limit(bindparam("counted")).subquery("some"))


def _following(*, by_priority: bool, goes_on: bool) -> Select[Any]:
    """The site's entries in order, from the beginning or from behind a position, with all that filters look at."""
    behind = _behind(by_priority=by_priority) if goes_on else ()
    names = (*_PLACE, "why", "post", "author", "folded")
    following = select(*(queue.c[name] for name in names)).where(queue.c.site == bindparam("site"), *behind)
    return following.order_by(*_order(queue.c, by_priority=by_priority))


def _order(columns: Any, *, by_priority: bool) -> tuple[ColumnElement[Any], ...]:
    return (*((columns.priority.desc(),) if by_priority else ()), columns.waiting_since, columns.comment_id)


def _given(wanted: Filter) -> Mapping[str, str]:
    """The filter's values but for the reason, for which there is an index each."""
    text = fold(wanted.text) if wanted.text is not None else None
    values = {"post": wanted.post, "author": wanted.author, "text": text}
    return {name: value for name, value in values.items() if value is not None}


@cache
def _conditions(why: Why | None, given: frozenset[str]) -> tuple[ColumnElement[bool], ...]:
    """What an entry has to fulfil; the same object for the same filter, since statements are remembered by it."""
    return _fulfilled(queue.c, why, given)


def _fulfilled(columns: Any, why: Why | None, given: frozenset[str]) -> tuple[ColumnElement[bool], ...]:
    conditions: dict[str, ColumnElement[bool]] = {
        "post": columns.post == bindparam("post"),
        "author": columns.author == bindparam("author"),
        "text": holds(columns.folded, "text"),
    }
    found = tuple(condition for name, condition in conditions.items() if name in given)
    return (*found, has_reason(columns.why, why)) if why is not None else found


def _behind(*, by_priority: bool) -> tuple[ColumnElement[bool], ...]:
    """Behind a position. The first condition says less than the second: by it an index is entered."""
    priority, since, comment_id = _position_given()
    later = or_(queue.c.waiting_since > since, and_(queue.c.waiting_since == since, queue.c.comment_id > comment_id))
    if not by_priority:
        return queue.c.waiting_since >= since, later
    return queue.c.priority <= priority, or_(queue.c.priority < priority, and_(queue.c.priority == priority, later))


def _not_behind(*, by_priority: bool) -> tuple[ColumnElement[bool], ...]:
    """Up to a position, that one included."""
    priority, since, comment_id = _position_given("last_")
    sooner = or_(queue.c.waiting_since < since, and_(queue.c.waiting_since == since, queue.c.comment_id <= comment_id))
    if not by_priority:
        return queue.c.waiting_since <= since, sooner
    return queue.c.priority >= priority, or_(queue.c.priority > priority, and_(queue.c.priority == priority, sooner))


def _position_given(prefix: str = "") -> tuple[BindParameter[Any], ...]:
    return tuple(bindparam(prefix + name, type_=queue.c[name].type) for name in _PLACE)
