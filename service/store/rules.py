"""Queries on what rules did: how often they spoke and acted alone, since when they are as they are, which are braked,
and whether humans agreed. `moderation/brakes` decides what follows from that."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import BigInteger, ColumnElement, bindparam, cast, delete, func, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from service.model import CommentId, Milliseconds, SiteKey
from service.store.among import each, listed
from service.store.database import Row, Transaction
from service.store.tables import rule_hours, rule_outcomes, rule_states

HOUR: Milliseconds = 3_600_000
DAY_HOURS = 24
KEPT_HOURS = 7 * 24
MOST_OUTCOMES = 200
"""Of what humans said to a rule, so many of the last ones count."""
ALL = ""
"""In the place of a rule's id: all texts that came."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """How often a rule acted alone, of how many texts that came: in the last day, and since it is watched, of which no
    more than the last day counts. `changed_at`: the rule, or a list that it names, is as it is since then."""

    changed_at: Milliseconds
    is_braked: bool
    acted_today: int
    of_today: int
    acted_since: int
    of_since: int


@dataclass(frozen=True, slots=True)
class Braked:
    """A rule that only holds until somebody releases it: since when, why, and how often it had acted of how many."""

    rule: str
    since: Milliseconds
    why: str
    acted: int
    of_all: int


@dataclass(frozen=True, slots=True)
class Tally:
    """What a rule did in the last day, and how often humans agreed of the last times that they decided on what it did
    alone."""

    spoke: int = 0
    decided: int = 0
    agreed: int = 0
    overturned: int = 0


def _summed(name: str, *where: ColumnElement[bool]) -> ColumnElement[int]:
    found = func.sum(rule_hours.c[name])
    return func.coalesce(cast(found.filter(*where) if where else found, BigInteger), 0).label(name)


_WATCHED = ("since", "acted_before", "arrived_before", "changed_at", "learns_since")


_counted = insert(rule_hours).values({column.name: bindparam(column.name) for column in rule_hours.c})
_COUNT = _counted.on_conflict_do_update(
    index_elements=["site", "rule", "hour"],
    set_={name: rule_hours.c[name] + _counted.excluded[name] for name in ("spoke", "decided", "acted")},
)
_OF_RULE = (rule_hours.c.site == bindparam("site"), rule_hours.c.rule == bindparam("rule"))
_BEGIN = (
    insert(rule_states)
    .values({name: bindparam(name) for name in ("site", "rule", *_WATCHED)})
    .on_conflict_do_update(index_elements=["site", "rule"], set_={name: bindparam(name) for name in _WATCHED})
)
_STATE = select(rule_states).where(rule_states.c.site == bindparam("site"), rule_states.c.rule == bindparam("rule"))
_OF_STATE = (rule_states.c.site == bindparam("of_site"), rule_states.c.rule == bindparam("of_rule"))
_OF_IT = rule_hours.c.rule == bindparam("rule")
_OF_ALL = rule_hours.c.rule == ALL
_SINCE = rule_hours.c.hour >= bindparam("since_hour")
_SUMS = select(
    _summed("acted", _OF_IT).label("acted_today"),
    _summed("spoke", _OF_ALL).label("of_today"),
    _summed("acted", _OF_IT, _SINCE).label("acted_since"),
    _summed("spoke", _OF_ALL, _SINCE).label("of_since"),
).where(rule_hours.c.site == bindparam("site"), or_(_OF_IT, _OF_ALL), rule_hours.c.hour >= bindparam("first_hour"))
_BRAKE = (
    update(rule_states)
    .where(*_OF_STATE)
    .values({name: bindparam(name) for name in ("braked_at", "why", "acted", "of_all")})
)
_PROLONG = update(rule_states).where(*_OF_STATE).values(changed_at=bindparam("now"))
_BRAKED = (
    select(rule_states)
    .where(rule_states.c.site == bindparam("site"), rule_states.c.braked_at.is_not(None))
    .order_by(rule_states.c.rule)
)
_FORGET_HOURS = delete(rule_hours).where(*_OF_RULE)
_FORGET_OUTCOMES = delete(rule_outcomes).where(
    rule_outcomes.c.site == bindparam("site"), rule_outcomes.c.rule == bindparam("rule")
)
_FORGET_OLD = delete(rule_hours).where(rule_hours.c.hour < bindparam("first_hour"))
_LEARN = (
    insert(rule_outcomes)
    .values({column.name: bindparam(column.name) for column in rule_outcomes.c})
    .on_conflict_do_update(
        index_elements=["site", "rule", "comment_id"],
        set_={name: bindparam(name) for name in ("said", "agreed", "at")},
    )
)
_UNLEARN = delete(rule_outcomes).where(
    rule_outcomes.c.site == bindparam("site"),
    rule_outcomes.c.rule == bindparam("rule"),
    rule_outcomes.c.comment_id == bindparam("comment_id"),
)
_NEWEST_OUTCOMES = (
    select(rule_outcomes.c.agreed)
    .where(rule_outcomes.c.site == bindparam("site"))
    .order_by(rule_outcomes.c.at.desc(), rule_outcomes.c.comment_id.desc())
    .limit(MOST_OUTCOMES)
)
_last = _NEWEST_OUTCOMES.where(
    rule_outcomes.c.rule == bindparam("rule"), rule_outcomes.c.said == bindparam("said")
).subquery("last")
_OUTCOMES = select(
    func.count().label("number"), func.count().filter(_last.c.agreed.is_(False)).label("wrong")
).select_from(_last)
_TALLY_HOURS = (
    select(rule_hours.c.rule, _summed("spoke"), _summed("decided"))
    .where(rule_hours.c.site == bindparam("site"), rule_hours.c.hour >= bindparam("first_hour"))
    .group_by(rule_hours.c.rule)
)
_asked = each("rules")
_last_of_each = _NEWEST_OUTCOMES.where(rule_outcomes.c.rule == _asked.c.value).correlate(_asked).subquery("last")
_HOW_MANY = select(func.count()).select_from(_last_of_each).correlate(_asked)
_TALLY_OUTCOMES = select(
    _asked.c.value.label("rule"),
    _HOW_MANY.where(_last_of_each.c.agreed.is_(True)).scalar_subquery().label("agreed"),
    _HOW_MANY.where(_last_of_each.c.agreed.is_(False)).scalar_subquery().label("overturned"),
)


def count(tx: Transaction, site: SiteKey, rule: str, *, decided: int = 0, acted: int = 0) -> None:
    """A rule spoke of one more text (ALL: one more came), and perhaps decided about it, or acted alone."""
    tx.count_later(_COUNT, (site, rule, tx.now // HOUR), (1, decided, acted))


def numbers(tx: Transaction, site: SiteKey, rule: str) -> Numbers:
    """How often it acted. One of which nobody knows since when it is so is taken for a new one."""
    row = tx.first(_STATE, site=site, rule=rule) or begin(tx, site, rule)
    today, hour = _first_hour(tx.now), row["since"] // HOUR
    counts = hour >= today  # else what was counted before it is not among what is summed up
    found = _sums(tx, site, rule, today, max(hour, today))
    return Numbers(
        _changed_at(row),
        row["braked_at"] is not None,
        found["acted_today"],
        found["of_today"],
        found["acted_since"] - (row["acted_before"] if counts else 0),
        found["of_since"] - (row["arrived_before"] if counts else 0),
    )


def learns_since(tx: Transaction, site: SiteKey, rule: str) -> Milliseconds:
    """What was said before this moment was said by another rule, and nothing is learned of it."""
    row = tx.first(_STATE, site=site, rule=rule)
    return _learns_since(row) if row else 0


def begin(tx: Transaction, site: SiteKey, rule: str) -> Row:
    """From now on the rule is another one: of what it did before nothing counts. How it stands now."""
    tx.run(_FORGET_HOURS, site=site, rule=rule)
    tx.run(_FORGET_OUTCOMES, site=site, rule=rule)
    _watch(tx, site, rule, learns_since=tx.now)
    row = tx.first(_STATE, site=site, rule=rule)
    if row is None:
        raise LookupError(rule)  # it was written just now
    return row


def begin_with_list(tx: Transaction, site: SiteKey, rule: str) -> None:
    """From now on a list that the rule names is another one. What humans said of the rule goes on to count."""
    row = tx.first(_STATE, site=site, rule=rule)
    _watch(tx, site, rule, learns_since=_learns_since(row) if row else tx.now)


def prolong(tx: Transaction, site: SiteKey, rule: str) -> None:
    """A list that the rule names is another one, but what has been counted goes on to count."""
    tx.run(_PROLONG, of_site=site, of_rule=rule, now=tx.now)


def _watch(tx: Transaction, site: SiteKey, rule: str, *, learns_since: Milliseconds) -> None:
    hour = tx.now // HOUR
    before = _sums(tx, site, rule, hour, hour)
    tx.run(
        _BEGIN,
        site=site,
        rule=rule,
        since=tx.now,
        acted_before=before["acted_since"],
        arrived_before=before["of_since"],
        changed_at=tx.now,
        learns_since=learns_since,
    )


def brake(tx: Transaction, site: SiteKey, rule: str, *, why: str, acted: int, of_all: int) -> None:
    """The rule only holds from now on."""
    tx.run(_BRAKE, of_site=site, of_rule=rule, braked_at=tx.now, why=why, acted=acted, of_all=of_all)


def release(tx: Transaction, site: SiteKey, rule: str) -> None:
    """It acts again, and its counts start anew."""
    tx.run(_BRAKE, of_site=site, of_rule=rule, braked_at=None, why=None, acted=None, of_all=None)
    begin(tx, site, rule)


def braked(tx: Transaction, site: SiteKey) -> list[Braked]:
    """The site's rules that only hold, by their ids."""
    rows = tx.all(_BRAKED, site=site)
    return [Braked(row["rule"], row["braked_at"], row["why"], row["acted"], row["of_all"]) for row in rows]


def learn(tx: Transaction, site: SiteKey, rule: str, comment: CommentId, *, said: str, agreed: bool) -> None:
    """A human has decided about what the rule said of a comment."""
    tx.run(_LEARN, site=site, rule=rule, comment_id=comment, said=said, agreed=agreed, at=tx.now)


def unlearn(tx: Transaction, site: SiteKey, rule: str, comment: CommentId) -> None:
    """That decision was taken back."""
    tx.run(_UNLEARN, site=site, rule=rule, comment_id=comment)


def outcomes(tx: Transaction, site: SiteKey, rule: str, said: str) -> tuple[int, int]:
    """How many of the last human outcomes there are on what it said, and how many of them say that it was wrong."""
    row = tx.first(_OUTCOMES, site=site, rule=rule, said=said)
    return (int(row["number"]), int(row["wrong"])) if row else (0, 0)


def tallies(tx: Transaction, site: SiteKey, of: Collection[str]) -> Mapping[str, Tally]:
    """What each of these rules did."""
    hours = {row["rule"]: row for row in tx.all(_TALLY_HOURS, site=site, first_hour=_first_hour(tx.now))}
    humans = {row["rule"]: row for row in tx.all(_TALLY_OUTCOMES, site=site, rules=listed(of))}
    return {rule: _tally(hours.get(rule), humans.get(rule)) for rule in of}


def forget_old_hours(tx: Transaction) -> None:
    """Drop the counts of hours that nobody asks for any more."""
    tx.run(_FORGET_OLD, first_hour=tx.now // HOUR - KEPT_HOURS)


def _first_hour(now: Milliseconds) -> int:
    """The first hour of the last day."""
    return now // HOUR - DAY_HOURS + 1


def _changed_at(row: Row) -> Milliseconds:
    """A replica of the release before says `since` only."""
    return max(int(row["since"]), row["changed_at"] or 0)


def _learns_since(row: Row) -> Milliseconds:
    return int(row["since"] if row["learns_since"] is None else row["learns_since"])


def _sums(tx: Transaction, site: SiteKey, rule: str, first_hour: int, since_hour: int) -> Row:
    row = tx.first(_SUMS, site=site, rule=rule, first_hour=first_hour, since_hour=since_hour)
    if row is None:
        raise LookupError(rule)  # it sums up, so it has one row
    return row


def _tally(hours: Row | None, humans: Row | None) -> Tally:
    return Tally(
        hours["spoke"] if hours else 0,
        hours["decided"] if hours else 0,
        humans["agreed"] if humans else 0,
        humans["overturned"] if humans else 0,
    )
