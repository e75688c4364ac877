"""How far each follower that works once for the store has come, by name and site; and the lease that goes with it."""

from collections.abc import Iterable, Mapping

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.sqlite import insert

from service.model import SiteKey
from service.store import events, leases
from service.store.database import Transaction
from service.store.leases import Lease
from service.store.tables import followers

Positions = dict[SiteKey, int]
"""The number of the last event of each site that was handled. A site that is not in it: none of its events was."""

_POSITIONS = select(followers.c.site, followers.c.seq).where(followers.c.name == bindparam("name"))
_insert = insert(followers).values(name=bindparam("name"), site=bindparam("site"), seq=bindparam("seq"))
_NOTE = _insert.on_conflict_do_update(index_elements=["name", "site"], set_={"seq": _insert.excluded.seq})


def take(tx: Transaction, name: str, holder: str, *, sites: Iterable[SiteKey]) -> tuple[Lease, Positions] | None:
    """Be the one that works as this follower, from where the last one came to; None while somebody else is."""
    lease = leases.take(tx, name, holder)
    return None if lease is None else (lease, begin(tx, name, sites=sites))


def begin(tx: Transaction, name: str, *, sites: Iterable[SiteKey]) -> Positions:
    """How far the follower of this name has come.

    One that never worked begins now: what happened before somebody wanted it is nobody's news. `sites` are those that
    may have had no event yet.
    """
    found = positions(tx, name)
    if not found:
        found = {**dict.fromkeys(sites, 0), **events.last_numbers(tx)}
        _write(tx, name, found)
    return found


def note(tx: Transaction, lease: Lease, done: Mapping[SiteKey, int]) -> bool:
    """All is handled up to there, and the lease is held on. False: somebody else has it; then nothing is noted."""
    if not leases.keep(tx, lease):
        return False
    _write(tx, lease.name, done)
    return True


def positions(tx: Transaction, name: str) -> Positions:
    """How far the follower of this name has come. Nothing: it never worked."""
    return {row["site"]: row["seq"] for row in tx.all(_POSITIONS, name=name)}


def _write(tx: Transaction, name: str, done: Mapping[SiteKey, int]) -> None:
    for site, seq in done.items():
        tx.run(_NOTE, name=name, site=site, seq=seq)
