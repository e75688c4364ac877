"""The record as moderators page through it: which decisions a filter finds, in either order of their numbers.

What that costs does not depend on how long the record is. An actor, a batch, a comment, a reason and the actions that
are seldom have an index each; an author and a post are found by their comments. What else is asked for is looked for in
the next LOOKED_THROUGH decisions, behind which the next page goes on.
"""

from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    bindparam,
    case,
    func,
    literal,
    literal_column,
    select,
)

from service.model import (
    POLICY,
    Action,
    AuthorKey,
    BatchId,
    CommentId,
    Decision,
    Milliseconds,
    Page,
    PostKey,
    SiteKey,
)
from service.store.database import Row, Transaction
from service.store.decisions import decision_of
from service.store.tables import BY_SOMEBODY, HAS_REASON, IS_SELDOM, USUAL_ACTIONS, comments, decisions, sites

MOST_DISPLACED: Final = 1_000
"""How many events may lie between two decisions whose times say another order than their numbers: the clocks of
replicas differ, and a clock is set back."""
LOOKED_THROUGH: Final = 5_000
"""Decisions that are looked through for one page where no index knows all that is asked for."""
_END: Final = 2**62
"""A number that no decision reaches."""
_BEGINNING: Final = -_END
"""Below all of them: what was decided before it was imported has numbers below 0."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which decisions somebody asks for: on one comment, on those of an author or a post, of an actor, of an action,
    with just this reason, of a batch, made at `since` or later and before `until`."""

    comment_id: CommentId | None = None
    author: AuthorKey | None = None
    post: PostKey | None = None
    actor: AuthorKey | None = None
    action: Action | None = None
    reason: str | None = None
    batch: BatchId | None = None
    since: Milliseconds | None = None
    until: Milliseconds | None = None


def page(
    tx: Transaction,
    site: SiteKey,
    wanted: Filter,
    *,
    newest_first: bool,
    limit: int,
    after: tuple[str | int, ...] | None,
) -> Page[Decision]:
    """A part of the record. A position is (seq,). A page can be short or empty although there is a next one.

    A decision that stands more than MOST_DISPLACED events away from one with an other time may be left out by `since`
    and `until`.
    """
    low = _BEGINNING if wanted.since is None else _first_as_new_as(tx, site, wanted.since) - 1 - MOST_DISPLACED
    if low < 0:  # so few decisions are older that what was imported may be as new
        low = _BEGINNING
    high = _END if wanted.until is None else _first_as_new_as(tx, site, wanted.until) + 1 + MOST_DISPLACED
    if after is not None:
        low, high = (low, min(high, int(after[0]))) if newest_first else (max(low, int(after[0])), high)
    given = {
        field.name: str(value) if isinstance(value, Action) else value
        for field in fields(wanted)
        if (value := getattr(wanted, field.name)) is not None
    }
    part = _part(frozenset(_meant(given)), newest_first=newest_first)
    values = {**given, "site": site, "low": low, "high": high}
    rows = tx.all(part.page, **values, limit=limit + 1)
    return Page([decision_of(row) for row in rows[:limit]], _following(tx, part, rows, limit, values))


@dataclass(frozen=True, slots=True)
class _Part:
    """The statements for a part of the record. `ending` finds the last decision that `page` looks through; None: it
    looks through all."""

    page: Select[Any]
    ending: Select[Any] | None


def _following(
    tx: Transaction, part: _Part, rows: list[Row], limit: int, values: dict[str, Any]
) -> tuple[str | int, ...] | None:
    """Where the next page begins."""
    if len(rows) > limit:
        return (rows[limit - 1]["seq"],)
    last = tx.first(part.ending, **values) if part.ending is not None else None
    return (last["seq"],) if last else None


def _meant(given: dict[str, Any]) -> set[str]:
    """The names of the conditions for what is given: an actor and an action have an index only of some of them."""
    names = set(given)
    if given.get("actor") == POLICY.key:
        names = names - {"actor"} | {"policy"}
    if given.get("action") in USUAL_ACTIONS:
        names = names - {"action"} | {"usual_action"}
    return names


_FEW: Final = frozenset({"comment_id", "batch"})
"""What these find has an index of its own, and is not much."""
_BY_COMMENTS: Final = frozenset({"author", "post"})
_IN_ORDER: Final = {"reason": HAS_REASON, "action": IS_SELDOM, "actor": BY_SOMEBODY}
"""What these find may be much. Each has an index of some decisions; that of the first which is given is used."""
_TIMES: Final = frozenset({"since", "until"})
"""What these find is nearly all that is between two numbers."""


@cache
def _part(names: frozenset[str], *, newest_first: bool) -> _Part:
    """The statements for these conditions, each made and compiled once."""
    order = decisions.c.seq.desc() if newest_first else decisions.c.seq
    between = (decisions.c.seq > bindparam("low"), decisions.c.seq < bindparam("high"))
    of_site = decisions.c.site == bindparam("site")
    if names & _BY_COMMENTS:
        # Without the decisions' own site no database is tempted to go along the whole record.
        their = decisions.join(comments, comments.c.id == decisions.c.comment_id)
        part = select(decisions).select_from(their).where(comments.c.site == bindparam("site"), *between)
        return _Part(part.where(*_conditions(names)).order_by(order).limit(bindparam("limit")), None)
    source = names & _FEW or frozenset([name for name in _IN_ORDER if name in names][:1])
    indexed = [only for name, only in _IN_ORDER.items() if name in source]
    part = select(decisions).where(of_site, *_conditions(source), *indexed, *between).order_by(order)
    rest = names - source
    if source & _FEW or rest <= _TIMES:
        return _Part(part.where(*_conditions(rest)).limit(bindparam("limit")), None)
    following = part.limit(_written(LOOKED_THROUGH)).subquery("following")
    fitting = select(following).where(*_conditions(rest, following.c))
    last = part.with_only_columns(decisions.c.seq).limit(_written(1)).offset(_written(LOOKED_THROUGH - 1))
    return _Part(
        fitting.order_by(following.c.seq.desc() if newest_first else following.c.seq).limit(bindparam("limit")), last
    )


def _conditions(names: frozenset[str], of: Any = decisions.c) -> list[ColumnElement[bool]]:
    """What decisions have to fulfil, in the order of the names. `of` are the columns of the decisions."""
    conditions: dict[str, ColumnElement[bool]] = {
        "comment_id": of.comment_id == bindparam("comment_id"),
        "author": comments.c.author == bindparam("author"),
        "post": comments.c.post == bindparam("post"),
        "actor": of.actor == bindparam("actor"),
        "policy": of.actor == bindparam("actor"),
        "action": of.action == bindparam("action"),
        "usual_action": of.action == bindparam("action"),
        "reason": of.reason == bindparam("reason"),
        "batch": of.batch == bindparam("batch"),
        "since": of.created_at >= bindparam("since"),
        "until": of.created_at < bindparam("until"),
    }
    return [conditions[name] for name in sorted(names)]


def _written(number: int) -> ColumnElement[int]:
    """Written out, for PostgreSQL's planner: see `queue_pages`."""
    return literal_column(str(number), Integer)


def _first_since() -> Select[Any]:
    """The number of the first decision that is as new as `moment`, found by halving the record: some twenty seeks.

    Times rise with numbers, so no index of times is kept, which every decision would have to pay for.
    """
    halves = select(
        literal(0, BigInteger).label("low"),
        func.coalesce(select(sites.c.event_seq).where(sites.c.site == bindparam("site")).scalar_subquery(), 0).label(
            "high"
        ),
    ).cte("halves", recursive=True)
    middle = (halves.c.low + halves.c.high) // 2
    there = decisions.alias("there")
    time = (
        select(there.c.created_at)
        .where(there.c.site == bindparam("site"), there.c.seq >= middle)
        .order_by(there.c.seq)
        .limit(1)
        .scalar_subquery()
        .correlate(halves)
    )
    is_early = func.coalesce(time, bindparam("moment", type_=BigInteger)) < bindparam("moment", type_=BigInteger)
    halves = halves.union_all(
        select(
            case((is_early, middle + 1), else_=halves.c.low),
            case((is_early, halves.c.high), else_=middle),
        ).where(halves.c.low < halves.c.high)
    )
    return select(func.max(halves.c.low).label("seq"))


_FIRST_SINCE = _first_since()
_NEXT = (
    select(decisions.c.seq)
    .where(decisions.c.site == bindparam("site"), decisions.c.seq >= bindparam("seq"))
    .order_by(decisions.c.seq)
    .limit(1)
)


def _first_as_new_as(tx: Transaction, site: SiteKey, moment: Milliseconds) -> int:
    """The number of a decision of the site that was made at `moment` or later, before which nearly all are older."""
    halved = tx.first(_FIRST_SINCE, site=site, moment=moment)
    seq = int(halved["seq"]) if halved else 0
    found = tx.first(_NEXT, site=site, seq=seq)
    return int(found["seq"]) if found else seq
