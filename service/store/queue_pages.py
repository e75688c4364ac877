"""The queue as moderators page through it: which entries a filter finds, in which order, and how many there are.

What that costs does not depend on how many wait. Without a filter the site's row knows how many there are. A reason has
an index. Words, posts and authors are looked for in every entry of a short queue; of a long one in the index (`search`)
or, where that cannot tell, in the next LOOKED_THROUGH entries, behind which the next page goes on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple, TypedDict

from sqlalchemy import ColumnElement, FromClause, Integer, Select, and_, bindparam, func, literal_column, or_, select

from service.model import CommentId, QueueEntry, SiteKey, Why
from service.store import queue as entries
from service.store import search, search_index
from service.store.database import Row, Transaction
from service.store.queue import ENTRY
from service.store.queue_filter import Claimed, Filter, conditions
from service.store.search_index import LONG
from service.store.tables import POINT_OF_WAITING, as_if_since, queue

Position = tuple[str | int, ...]
MOST_COUNTED: Final = 1_000
"""Entries that a filter finds are counted up to here."""
LOOKED_THROUGH: Final = 500
"""Entries of a long queue that are looked through for one page where there is no index to ask."""
PROBED: Final = 40
"""Entries that are looked at to see whether most of them are found: then it is quicker to go through the queue."""
_PLACE: Final = ("priority", "waiting_since", "comment_id")
"""The columns that make a position."""


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


class _Last(NamedTuple):
    """The last entry of the page before, in the place of columns."""

    priority: ColumnElement[int]
    waiting_since: ColumnElement[int]


class _Shape(TypedDict):
    """What a statement for a page depends on; each is made and compiled once."""

    why: Why | None
    given: frozenset[str]
    claimed: Claimed | None
    by_priority: bool


def find(
    tx: Transaction, site: SiteKey, wanted: Filter, *, by_priority: bool, limit: int, after: Position | None
) -> Found:
    """Entries in order, oldest or most urgent first. A position is (priority, waiting_since, comment_id)."""
    standing = search_index.look(tx, site)
    sought = wanted.sought()
    shape = _Shape(why=wanted.why, given=frozenset(sought), claimed=wanted.claimed, by_priority=by_priority)
    given = {"site": site, **wanted.values(tx.now)}
    if wanted == Filter():
        total = Total(standing.waiting, is_exact=True)
    elif standing.waiting <= LONG or not sought or wanted.claimed is Claimed.MINE:
        total = _counted(tx, shape, given)
    elif not search.can_tell(standing, sought):
        return _looked_through(tx, shape, given, limit=limit, after=after, waiting=standing.waiting)
    elif _many_are_near(tx, shape, given):
        total = Total(MOST_COUNTED, is_exact=False)
    else:
        fitting = conditions(wanted.why, frozenset(sought), wanted.claimed)
        keys = search.find(tx, standing, fitting, sought, given, limit=MOST_COUNTED)
        if len(keys) < MOST_COUNTED:
            return _picked(tx, keys, by_priority=by_priority, limit=limit, after=after)
        total = Total(MOST_COUNTED, is_exact=False)
    return _gone_through(tx, shape, given, limit=limit, after=after, total=total)


def _gone_through(
    tx: Transaction,
    shape: _Shape,
    given: Mapping[str, Any],
    *,
    limit: int,
    after: Position | None,
    total: Total,
) -> Found:
    """By going through the queue in order until there are enough."""
    statement = _page(**shape, goes_on=after is not None)
    rows = tx.all(statement, limit=limit + 1, **given, **_place(after))
    return _found(tx, rows, limit, total)


def _looked_through(
    tx: Transaction,
    shape: _Shape,
    given: Mapping[str, Any],
    *,
    limit: int,
    after: Position | None,
    waiting: int,
) -> Found:
    """The same, but not beyond LOOKED_THROUGH entries, behind which the next page begins."""
    goes_on = after is not None
    among_next = _among_next(**shape, goes_on=goes_on)
    found = list(map(_position, tx.all(among_next, limit=limit + 1, **given, **_place(after))))
    is_more = len(found) > limit
    following = found[limit - 1] if is_more else None
    if not is_more:
        ending = _last_of_next(by_priority=shape["by_priority"], goes_on=goes_on)
        last = tx.first(ending, site=given["site"], **_place(after))
        following = _position(last) if last else None
    is_all = after is None and not is_more
    number = len(found) if is_all else _counted(tx, shape, given, of_oldest=LOOKED_THROUGH).number
    total = Total(number, is_exact=number < MOST_COUNTED and waiting <= LOOKED_THROUGH)
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


def _many_are_near(tx: Transaction, shape: _Shape, given: Mapping[str, Any]) -> bool:
    """Whether so many of the oldest entries are found that going through the queue is quicker than the index."""
    if 2 * _counted(tx, shape, given, of_oldest=PROBED).number <= PROBED:
        return False
    return not _counted(tx, shape, given, of_oldest=2 * MOST_COUNTED).is_exact


def _counted(tx: Transaction, shape: _Shape, given: Mapping[str, Any], *, of_oldest: int | None = None) -> Total:
    """How many entries are found, up to MOST_COUNTED; of so many oldest."""
    row = tx.first(_count(shape["why"], shape["given"], shape["claimed"], of_oldest=of_oldest), **given)
    number = int(row["number"]) if row else 0
    return Total(number, is_exact=number < MOST_COUNTED)


def _found(tx: Transaction, rows: list[Row], limit: int, total: Total) -> Found:
    following = _position(rows[limit - 1]) if len(rows) > limit else None
    return Found(entries.entries_of(tx, rows[:limit]), following, total)


def _position(row: Row) -> Position:
    return row["priority"], row["waiting_since"], row["comment_id"]


def _place(after: Position | None) -> Mapping[str, str | int]:
    """A position as values of a statement."""
    return dict(zip(_PLACE, after, strict=True)) if after is not None else {}


def _old(place: Position) -> Position:
    return place[1:]


def _urgent(place: Position) -> Position:
    priority, waiting_since, comment_id = place
    return int(waiting_since) - int(priority) * POINT_OF_WAITING, comment_id


# --- Statements -----------------------------------------------------------------------------------------------------
#
# Limits that are always the same are written out. From a limit that comes as a value PostgreSQL cannot tell that a
# statement is quick for any values, so it plans it anew each time.


@cache
def _page(
    *, why: Why | None, given: frozenset[str], claimed: Claimed | None, by_priority: bool, goes_on: bool
) -> Select[Any]:
    statement = select(*ENTRY).where(queue.c.site == bindparam("site"), *conditions(why, given, claimed))
    if goes_on:
        statement = statement.where(*_behind(by_priority=by_priority))
    return statement.order_by(*_order(queue.c, by_priority=by_priority)).limit(bindparam("limit"))


@cache
def _among_next(
    *, why: Why | None, given: frozenset[str], claimed: Claimed | None, by_priority: bool, goes_on: bool
) -> Select[Any]:
    """The keys of those that are found among the next LOOKED_THROUGH entries."""
    following = _following(conditions(why, given, claimed), LOOKED_THROUGH, by_priority=by_priority, goes_on=goes_on)
    keys = select(*(following.c[name] for name in _PLACE)).where(following.c.fits)
    return keys.order_by(*_order(following.c, by_priority=by_priority)).limit(bindparam("limit"))


@cache
def _last_of_next(*, by_priority: bool, goes_on: bool) -> Select[Any]:
    """The position of the last of them, for which the index is enough: positions by age need no priority."""
    priority = queue.c.priority if by_priority else literal_column("0").label("priority")
    behind = _behind(by_priority=by_priority) if goes_on else ()
    place = select(priority, queue.c.waiting_since, queue.c.comment_id).where(
        queue.c.site == bindparam("site"), *behind
    )
    return (
        place.order_by(*_order(queue.c, by_priority=by_priority))
        .limit(_written(1))
        .offset(_written(LOOKED_THROUGH - 1))
    )


@cache
def _count(why: Why | None, given: frozenset[str], claimed: Claimed | None, *, of_oldest: int | None) -> Select[Any]:
    fitting = conditions(why, given, claimed)
    if of_oldest is None:
        some = select(queue.c.comment_id).where(queue.c.site == bindparam("site"), *fitting)
    else:
        oldest = _following(fitting, of_oldest, by_priority=False, goes_on=False)
        some = select(oldest.c.comment_id).where(oldest.c.fits)
    return select(func.count().label("number")).select_from(some.limit(_written(MOST_COUNTED)).subquery("some"))


def _following(fitting: Sequence[ColumnElement[bool]], most: int, *, by_priority: bool, goes_on: bool) -> FromClause:
    """The keys of so many entries of the site in order, from the beginning or from behind a position, and whether each
    `fits`. That is found out here, beside the limit: outside of it the texts would have to be handed over."""
    behind = _behind(by_priority=by_priority) if goes_on else ()
    fits = and_(*fitting).label("fits")
    following = select(*(queue.c[name] for name in _PLACE), fits).where(queue.c.site == bindparam("site"), *behind)
    return following.order_by(*_order(queue.c, by_priority=by_priority)).limit(_written(most)).subquery("following")


def _written(number: int) -> ColumnElement[int]:
    return literal_column(str(number), Integer)


def _order(columns: Any, *, by_priority: bool) -> tuple[ColumnElement[Any], ...]:
    return (as_if_since(columns) if by_priority else columns.waiting_since), columns.comment_id


def _behind(*, by_priority: bool) -> tuple[ColumnElement[bool], ...]:
    priority, since, comment_id = (bindparam(name, type_=queue.c[name].type) for name in _PLACE)
    if not by_priority:
        later = and_(queue.c.waiting_since == since, queue.c.comment_id > comment_id)
        return queue.c.waiting_since >= since, or_(queue.c.waiting_since > since, later)
    own, last = as_if_since(queue.c), as_if_since(_Last(priority, since))
    return own >= last, or_(own > last, and_(own == last, queue.c.comment_id > comment_id))
