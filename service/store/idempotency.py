"""First replies, kept by idempotency key so that a retry gets the same answer, also after a crash."""

from dataclasses import dataclass

from sqlalchemy import bindparam, delete, select, tuple_
from sqlalchemy.dialects.sqlite import insert

from service.model import AuthorKey, Milliseconds, SiteKey
from service.store.database import Transaction
from service.store.tables import idempotency


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose key on which route, and a hash of what was asked."""

    site: SiteKey
    author: AuthorKey
    route: str
    key: str
    request_hash: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply as it went out: HTTP status, `Location` and the JSON text."""

    status: int
    body: str
    location: str | None = None
    replayed: bool = False


_FIND = select(idempotency).where(
    *(idempotency.c[name] == bindparam(name) for name in ("site", "author", "route", "key")),
    idempotency.c.created_at > bindparam("since"),
)
_insert = insert(idempotency).values({column.name: bindparam(column.name) for column in idempotency.c})
_KEEP = _insert.on_conflict_do_update(
    index_elements=idempotency.primary_key.columns.keys(),
    set_={name: _insert.excluded[name] for name in ("request_hash", "status", "location", "reply", "created_at")},
)
_KEY = tuple_(*idempotency.primary_key.columns)
_OLDEST = (
    select(*idempotency.primary_key.columns)
    .where(idempotency.c.created_at <= bindparam("until"))
    .order_by(idempotency.c.created_at)
    .limit(bindparam("limit"))
)
_FORGET = delete(idempotency).where(_KEY.in_(_OLDEST))


def find(tx: Transaction, scope: Scope, *, since: Milliseconds) -> tuple[str, Reply] | None:
    """The hash of the first request with this key after `since`, and its reply."""
    row = tx.first(_FIND, site=scope.site, author=scope.author, route=scope.route, key=scope.key, since=since)
    return (row["request_hash"], Reply(row["status"], row["reply"], row["location"], replayed=True)) if row else None


def keep(tx: Transaction, scope: Scope, reply: Reply) -> None:
    """Keep the first reply, in the place of one that has outlived its time."""
    row = (scope.site, scope.author, scope.route, scope.key, scope.request_hash)
    tx.send(_KEEP, (*row, reply.status, reply.location, reply.body, tx.now))


def forget(tx: Transaction, *, until: Milliseconds, limit: int) -> int:
    """Drop the oldest of what was kept up to `until`; how many replies that were, `limit` at most."""
    return tx.run(_FORGET, until=until, limit=limit)
