"""Leases: which replica does a job that must be done once, and what it noted for the next one. There is no leader.

Who takes a lease that is free or has run out holds it until its time is over or it is given back. Times are those of
the replicas' own clocks, so a lease must be much longer than they differ by.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import structlog
from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from service.errors import StoreUnavailable
from service.store.database import Database, Transaction
from service.store.tables import leases

log = structlog.get_logger()
SECONDS = 60
"""How long a replica that died keeps the others from its jobs."""
TIMES_KEPT = 3
"""A lease is kept so often before it would run out."""

_TAKE = (
    insert(leases)
    .values(name=bindparam("name"), holder=bindparam("holder"), until=bindparam("until"))
    .on_conflict_do_update(
        index_elements=["name"],
        set_={"holder": bindparam("holder"), "until": bindparam("until")},
        where=or_(
            leases.c.holder.is_(None), leases.c.holder == bindparam("holder"), leases.c.until <= bindparam("now")
        ),
    )
    .returning(leases.c.position)
)
_MINE = (leases.c.name == bindparam("of_name"), leases.c.holder == bindparam("of_holder"))
_NOTE = update(leases).where(*_MINE).values(position=bindparam("new_position"), until=bindparam("new_until"))
_KEEP = update(leases).where(*_MINE).values(until=bindparam("new_until"))
_NOTED = select(leases.c.position).where(leases.c.name == bindparam("of_name"))
_GIVE_BACK = update(leases).where(*_MINE).values(holder=None, until=0)


@dataclass(frozen=True, slots=True)
class Lease:
    """What somebody holds. `position` is what the last one to do this job noted; None: nobody has."""

    name: str
    holder: str
    position: str | None


def take(tx: Transaction, name: str, holder: str) -> Lease | None:
    """Hold `name` for SECONDS from now, also where `holder` holds it already; None while somebody else does."""
    row = tx.first(_TAKE, name=name, holder=holder, until=tx.now + SECONDS * 1000, now=tx.now)
    return Lease(name, holder, row["position"]) if row else None


def keep(tx: Transaction, lease: Lease) -> bool:
    """Hold the lease for SECONDS from now. False: it is somebody else's."""
    return tx.run(_KEEP, of_name=lease.name, of_holder=lease.holder, new_until=tx.now + SECONDS * 1000) == 1


def note(tx: Transaction, lease: Lease, position: str) -> bool:
    """Say how far the job has come, and hold the lease for SECONDS from now. False: it is somebody else's."""
    changed = tx.run(
        _NOTE, of_name=lease.name, of_holder=lease.holder, new_position=position, new_until=tx.now + SECONDS * 1000
    )
    return changed == 1


def noted(tx: Transaction, name: str) -> str | None:
    """What the last one to do this job noted; for who only wants to know. None: nobody has."""
    row = tx.first(_NOTED, of_name=name)
    return row["position"] if row else None


def give_back(tx: Transaction, name: str, holder: str) -> None:
    """Let others take it at once; what was noted stays."""
    tx.run(_GIVE_BACK, of_name=name, of_holder=holder)


@asynccontextmanager
async def held(database: Database, name: str, holder: str) -> AsyncIterator[Lease | None]:
    """A lease that is kept while the block runs, however long, and given back then; None while somebody else has it.

    Raises StoreUnavailable.
    """
    lease = await database.follow.write(take, name, holder)
    if lease is None:
        yield None
        return
    keeping = asyncio.create_task(_keep(database, name, holder), name=f"keep the lease {name}")
    try:
        yield lease
    finally:
        keeping.cancel()
        with suppress(StoreUnavailable):  # then it runs out
            await database.follow.write(give_back, name, holder)


async def _keep(database: Database, name: str, holder: str) -> None:
    while True:
        await asyncio.sleep(SECONDS / TIMES_KEPT)
        try:
            if await database.follow.write(take, name, holder) is None:
                log.warning("lease.lost", lease=name)
        except StoreUnavailable:
            continue
