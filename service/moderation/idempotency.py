"""Do something once however often it is asked for: the reply is kept in the transaction of the change itself."""

from collections.abc import Callable

from service.errors import IdempotencyKeyReused
from service.store import idempotency
from service.store.database import Database, Transaction
from service.store.idempotency import Reply, Scope

KEPT_SECONDS = 24 * 3600
FORGOTTEN_AT_ONCE = 500
"""Replies that are dropped in one transaction: the writer gives way to others between two of them."""


def replay(tx: Transaction, scope: Scope) -> Reply | None:
    """The first reply to this key, or None where there is none yet.

    Raises IdempotencyKeyReused when the key came with another request.
    """
    found = idempotency.find(tx, scope, since=tx.now - KEPT_SECONDS * 1000)
    if found is None:
        return None
    request_hash, reply = found
    if request_hash != scope.request_hash:
        raise IdempotencyKeyReused
    return reply


def once(tx: Transaction, scope: Scope | None, work: Callable[[Transaction], Reply]) -> Reply:
    """The first reply to this key, or what `work` replies now. A failure leaves the key unused.

    Raises IdempotencyKeyReused when the key came with another request.
    """
    if scope is None:
        return work(tx)
    first = replay(tx, scope)
    if first is not None:
        return first
    reply = work(tx)
    idempotency.keep(tx, scope, reply)
    return reply


def forget_some(tx: Transaction) -> int:
    """Drop some replies that have outlived their time; how many. 0: there are no more of them."""
    return idempotency.forget(tx, until=tx.now - KEPT_SECONDS * 1000, limit=FORGOTTEN_AT_ONCE)


async def forget_old(database: Database) -> None:
    """Drop every reply that has outlived its time, slice by slice. Raises StoreUnavailable."""
    while await database.bulk.write(forget_some):
        pass
