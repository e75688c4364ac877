"""Removes events that are older than the configuration says, a slice at a time. Run again and again by a job of `app`.

A site's events then begin at its `first_seq`. Nothing is removed that a follower of the store has not handled yet. The
record (`decisions`) stays: it has numbers of its own.
"""

from collections.abc import Collection
from itertools import takewhile

import structlog
from sqlalchemy import bindparam, delete, select, update

from service.model import Clock, Milliseconds, SiteKey
from service.store import events, followers, leases
from service.store.database import Database, Transaction
from service.store.tables import events as events_table
from service.store.tables import sites

log = structlog.get_logger()
LEASE = "retention"
EVERY_SECONDS = 600.0
AT_ONCE = 500
"""Events that are removed in one transaction: the writer gives way to others between two of them."""
MILLISECONDS_PER_DAY = 86_400_000

_OLDEST = (
    select(events_table.c.seq, events_table.c.created_at)
    .where(events_table.c.site == bindparam("site"))
    .order_by(events_table.c.seq)
    .limit(bindparam("limit"))
)
_CUT = delete(events_table).where(events_table.c.site == bindparam("of_site"), events_table.c.seq < bindparam("floor"))
_RAISE = update(sites).where(sites.c.site == bindparam("of_site")).values(first_seq=bindparam("floor"))


class Retention:
    """How long the events of one store stay. `awaited` are the followers that must have handled an event first."""

    def __init__(self, database: Database, *, days: int, awaited: Collection[str], holder: str, clock: Clock) -> None:
        self._database = database
        self._milliseconds = days * MILLISECONDS_PER_DAY
        self._awaited = awaited
        self._holder = holder
        self._clock = clock

    async def remove_old(self) -> None:
        """Remove what is too old, unless another replica is at it. A job. Raises StoreUnavailable."""
        async with leases.held(self._database, LEASE, self._holder) as lease:
            if lease is None:
                return
            until = self._clock() - self._milliseconds
            for site in await self._database.follow.read(events.last_numbers):
                removed = 0
                while some := await self._database.bulk.write(cut, site, until=until, awaited=self._awaited):
                    removed += some
                if removed:
                    log.info("events.removed", site=site, events=removed)


def cut(tx: Transaction, site: SiteKey, *, until: Milliseconds, awaited: Collection[str]) -> int:
    """Remove some of the oldest events of a site, of those up to this time; how many. 0: there are none to remove.

    Kept is everything from the first event on that is younger, or that one of `awaited` has not handled. Of these, only
    who has begun to work is waited for.
    """
    handled = _handled(tx, site, awaited)
    oldest = takewhile(
        lambda row: row["created_at"] <= until and (handled is None or row["seq"] <= handled),
        tx.all(_OLDEST, site=site, limit=AT_ONCE),
    )
    numbers = [row["seq"] for row in oldest]
    if not numbers:
        return 0
    floor = numbers[-1] + 1
    tx.run(_RAISE, of_site=site, floor=floor)
    return tx.run(_CUT, of_site=site, floor=floor)


def _handled(tx: Transaction, site: SiteKey, awaited: Collection[str]) -> int | None:
    """Up to which event all of them have come; None where there is nobody to wait for."""
    positions = (followers.positions(tx, name) for name in awaited)
    return min((begun.get(site, 0) for begun in positions if begun), default=None)
