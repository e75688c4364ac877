"""How each webhook stands: how far it has come in its site's log, and whether it takes what it is sent.

It is a part of what a store holds, so a backup and a move to another database bring it along.
"""

from dataclasses import dataclass, replace

from sqlalchemy import bindparam, insert, select, update

from service.model import Milliseconds, SiteKey
from service.store import deliveries, events
from service.store.database import Row, Transaction
from service.store.deliveries import Try
from service.store.tables import webhooks


@dataclass(frozen=True, slots=True)
class Standing:
    """One webhook. All its events up to `seq` are delivered, or are rows of their own (`deliveries`).

    `refused`: tries that failed, in a row. `ask_at`: before this time nothing is sent. `off`: which configuration it
    was that answered 410; None: it goes on. `missed`: events that were removed before it had read them. Events behind
    `replay_after`, up to `replay_until`, are to be sent once more.
    """

    site: SiteKey
    name: str
    seq: int
    refused: int = 0
    ask_at: Milliseconds = 0
    off: str | None = None
    missed: int = 0
    replay_after: int | None = None
    replay_until: int | None = None
    last_success_at: Milliseconds | None = None
    last_failure: Try | None = None


_ONE = select(webhooks).where(webhooks.c.site == bindparam("of_site"), webhooks.c.name == bindparam("of_name"))
_ADD = insert(webhooks).values({name: bindparam(name) for name in ("site", "name", "seq")})
_CHANGEABLE = [column.name for column in webhooks.c if not column.primary_key]
_SAVE = (
    update(webhooks)
    .where(webhooks.c.site == bindparam("of_site"), webhooks.c.name == bindparam("of_name"))
    .values({name: bindparam(name) for name in _CHANGEABLE})
)


def begin(tx: Transaction, site: SiteKey, name: str, *, configured: str) -> Standing:
    """How a webhook stands. A new one begins with the next event. One that is off goes on where `configured` is new."""
    found = get(tx, site, name)
    if found is None:
        found = Standing(site, name, events.last_number(tx, site))
        tx.run(_ADD, site=site, name=name, seq=found.seq)
    elif found.off is not None and found.off != configured:
        found = resumed(tx, found)
    return found


def resumed(tx: Transaction, standing: Standing) -> Standing:
    """Go on, whatever it answered before: everything in doubt is due now."""
    found = replace(standing, off=None, refused=0, ask_at=0)
    save(tx, found)
    deliveries.wake(tx, found.site, found.name)
    return found


def get(tx: Transaction, site: SiteKey, name: str) -> Standing | None:
    """How a webhook stands; None before it has begun."""
    row = tx.first(_ONE, of_site=site, of_name=name)
    return _standing(row) if row else None


def save(tx: Transaction, standing: Standing) -> None:
    """Keep how it stands."""
    failure = standing.last_failure
    tx.run(
        _SAVE,
        of_site=standing.site,
        of_name=standing.name,
        seq=standing.seq,
        refused=standing.refused,
        ask_at=standing.ask_at,
        off=standing.off,
        missed=standing.missed,
        replay_after=standing.replay_after,
        replay_until=standing.replay_until,
        last_success_at=standing.last_success_at,
        last_failure_at=failure.at if failure else None,
        last_failure_status=failure.status if failure else None,
        last_failure_error=failure.error if failure else None,
    )


def _standing(row: Row) -> Standing:
    failed_at = row["last_failure_at"]
    return Standing(
        site=row["site"],
        name=row["name"],
        seq=row["seq"],
        refused=row["refused"],
        ask_at=row["ask_at"],
        off=row["off"],
        missed=row["missed"],
        replay_after=row["replay_after"],
        replay_until=row["replay_until"],
        last_success_at=row["last_success_at"],
        last_failure=None
        if failed_at is None
        else Try(failed_at, row["last_failure_status"], row["last_failure_error"], 0),
    )
