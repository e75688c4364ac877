"""Deliveries of webhooks that are rows: those in doubt, those that failed, and the last ones that arrived.

What arrives at the first try is a row for the sake of history alone, so the table is bounded by what is failing.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import pydantic_core
from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from service.model import Milliseconds, Page, SiteKey
from service.store.database import Row, Transaction
from service.store.tables import deliveries

MOST_TRIES_KEPT = 20
KEPT_OF = {"delivered": 200, "failed": 1_000}
"""How many of each webhook stay, the newest ones. What is in doubt stays until it is no longer."""


class State(StrEnum):
    """What became of a delivery."""

    RETRYING = "retrying"
    FAILED = "failed"
    DELIVERED = "delivered"


@dataclass(frozen=True, slots=True)
class Try:
    """One call: when, what came back, how long it took. `error` is None where it was taken."""

    at: Milliseconds
    status: int | None
    error: str | None
    ms: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one webhook is told of one event. `attempt` counts tries since it began, or was begun anew by somebody."""

    id: str
    site: SiteKey
    webhook: str
    event_id: str
    type: str
    seq: int
    happened_at: Milliseconds
    state: State
    attempt: int
    tries: tuple[Try, ...]
    next_try_at: Milliseconds | None


_OF_WEBHOOK = (deliveries.c.site == bindparam("of_site"), deliveries.c.webhook == bindparam("of_webhook"))
_OF_STATE = (*_OF_WEBHOOK, deliveries.c.state == bindparam("of_state"))
_ADD = (
    insert(deliveries)
    .values({column.name: bindparam(column.name) for column in deliveries.c})
    .on_conflict_do_nothing(index_elements=["id"])
)
_CHANGE = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("of_id"))
    .values({name: bindparam(name) for name in ("state", "attempt", "tries", "next_try_at")})
)
_IN_DOUBT = select(deliveries).where(*_OF_STATE).order_by(deliveries.c.seq, deliveries.c.id).limit(bindparam("limit"))
_DUE = (
    select(deliveries)
    .where(*_OF_STATE, deliveries.c.next_try_at <= bindparam("by"))
    .order_by(deliveries.c.seq, deliveries.c.id)
    .limit(bindparam("limit"))
)
_DOUBTS = select(
    func.count().label("number"),
    func.min(deliveries.c.next_try_at).filter(deliveries.c.next_try_at > bindparam("now")).label("next_at"),
    func.min(deliveries.c.happened_at).label("oldest"),
).where(*_OF_STATE)
_COUNT = select(func.count().label("number")).where(*_OF_STATE)
_ONE = select(deliveries).where(*_OF_WEBHOOK, deliveries.c.id == bindparam("of_id"))
_BEFORE = select(deliveries).where(*_OF_WEBHOOK, deliveries.c.id < bindparam("before"))
_NEWEST_FIRST = deliveries.c.id.desc()
_PAGE = _BEFORE.order_by(_NEWEST_FIRST).limit(bindparam("limit"))
_PAGE_OF_STATE = (
    _BEFORE.where(deliveries.c.state == bindparam("of_state")).order_by(_NEWEST_FIRST).limit(bindparam("limit"))
)
_WAKE = update(deliveries).where(*_OF_STATE).values(next_try_at=bindparam("now"))
_last_kept = (
    select(deliveries.c.id)
    .where(*_OF_STATE)
    .order_by(_NEWEST_FIRST)
    .limit(1)
    .offset(bindparam("kept"))
    .scalar_subquery()
)
_TRIM = delete(deliveries).where(*_OF_STATE, deliveries.c.id <= _last_kept)
_LAST_ID = "~"
"""Behind every id."""


@dataclass(frozen=True, slots=True)
class Doubts:
    """How many deliveries of a webhook are in doubt, when the next will be due that is not yet, the oldest event."""

    number: int
    next_at: Milliseconds | None
    oldest: Milliseconds | None


def add(tx: Transaction, delivery: Delivery) -> None:
    """Keep a delivery. Doing it twice changes nothing."""
    row: dict[str, Any] = {name: getattr(delivery, name) for name in deliveries.columns.keys()}  # noqa: SIM118  # `in` compares columns
    tx.run(_ADD, **{**row, "state": delivery.state.value, "tries": _json(delivery.tries)})


def change(tx: Transaction, delivery: Delivery) -> None:
    """Keep what became of one that is kept."""
    tx.run(
        _CHANGE,
        of_id=delivery.id,
        state=delivery.state.value,
        attempt=delivery.attempt,
        tries=_json(delivery.tries),
        next_try_at=delivery.next_try_at,
    )


def in_doubt(tx: Transaction, site: SiteKey, webhook: str, *, by: Milliseconds | None, limit: int) -> list[Delivery]:
    """Those that are to be tried again, in the order of their events: all, or what is due `by` a time."""
    values = {"of_site": site, "of_webhook": webhook, "of_state": State.RETRYING.value, "limit": limit}
    rows = tx.all(_IN_DOUBT, **values) if by is None else tx.all(_DUE, **values, by=by)
    return [_delivery(row) for row in rows]


def doubts(tx: Transaction, site: SiteKey, webhook: str) -> Doubts:
    """What is in doubt, all together."""
    row = tx.first(_DOUBTS, of_site=site, of_webhook=webhook, of_state=State.RETRYING.value, now=tx.now)
    return Doubts(row["number"], row["next_at"], row["oldest"]) if row else Doubts(0, None, None)


def count(tx: Transaction, site: SiteKey, webhook: str, state: State) -> int:
    """How many of a webhook are in this state."""
    row = tx.first(_COUNT, of_site=site, of_webhook=webhook, of_state=state.value)
    return int(row["number"]) if row else 0


def get(tx: Transaction, site: SiteKey, webhook: str, delivery_id: str) -> Delivery | None:
    """One delivery of a webhook."""
    row = tx.first(_ONE, of_site=site, of_webhook=webhook, of_id=delivery_id)
    return _delivery(row) if row else None


def page(
    tx: Transaction,
    site: SiteKey,
    webhook: str,
    *,
    state: State | None,
    limit: int,
    after: tuple[str | int, ...] | None,
) -> Page[Delivery]:
    """Deliveries of a webhook, newest first. A position is (id,)."""
    values: dict[str, Any] = {"of_site": site, "of_webhook": webhook, "limit": limit + 1}
    values["before"] = after[0] if after else _LAST_ID
    rows = tx.all(_PAGE, **values) if state is None else tx.all(_PAGE_OF_STATE, **values, of_state=state.value)
    return Page([_delivery(row) for row in rows[:limit]], (rows[limit - 1]["id"],) if len(rows) > limit else None)


def wake(tx: Transaction, site: SiteKey, webhook: str) -> None:
    """Everything in doubt is due now."""
    tx.run(_WAKE, of_site=site, of_webhook=webhook, of_state=State.RETRYING.value, now=tx.now)


def trim(tx: Transaction, site: SiteKey, webhook: str, states: Iterable[State]) -> None:
    """Let go of the oldest that are no longer in doubt, beyond what is kept."""
    for state in states:
        tx.run(_TRIM, of_site=site, of_webhook=webhook, of_state=state.value, kept=KEPT_OF[state.value])


def _json(tries: Sequence[Try]) -> str:
    return pydantic_core.to_json([asdict(one) for one in tries[-MOST_TRIES_KEPT:]]).decode()


def _delivery(row: Row) -> Delivery:
    return Delivery(
        id=row["id"],
        site=row["site"],
        webhook=row["webhook"],
        event_id=row["event_id"],
        type=row["type"],
        seq=row["seq"],
        happened_at=row["happened_at"],
        state=State(row["state"]),
        attempt=row["attempt"],
        tries=tuple(Try(**one) for one in json.loads(row["tries"])),
        next_try_at=row["next_try_at"],
    )
