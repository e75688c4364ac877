"""Queries on API keys. Only a hash of the secret is stored."""

import hashlib

from sqlalchemy import bindparam, insert, select, update

from service.model import ApiKey, ApiKeyId, Role
from service.store.database import Row, Transaction
from service.store.tables import api_keys

SECRET_PREFIX = "gp_"  # noqa: S105  # how secrets begin is no secret
"""How every key's secret begins, so that it is known for one (and found where it leaked)."""

_ADD = insert(api_keys).values({column.name: bindparam(column.name) for column in api_keys.c})
_BY_HASH = select(api_keys).where(api_keys.c.secret_hash == bindparam("secret_hash"))
_ALL = select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id).limit(1000)
_REVOKE = (
    update(api_keys)
    .where(api_keys.c.id == bindparam("key_id"), api_keys.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
)


def secret_hash(secret: str) -> str:
    """How a key's secret is stored: SHA-256, enough for 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def add(tx: Transaction, key: ApiKey, *, secret_hash: str) -> None:
    """Store a new key."""
    tx.run(
        _ADD,
        id=key.id,
        name=key.name,
        secret_hash=secret_hash,
        site=key.site,
        roles=" ".join(sorted(key.roles)),
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=None,
    )


def by_hash(tx: Transaction, secret_hash: str) -> ApiKey | None:
    """The key whose secret has this hash, also when it is revoked or has expired."""
    row = tx.first(_BY_HASH, secret_hash=secret_hash)
    return _key(row) if row else None


def every(tx: Transaction) -> list[ApiKey]:
    """All keys, oldest first (the first thousand)."""
    return [_key(row) for row in tx.all(_ALL)]


def revoke(tx: Transaction, key_id: ApiKeyId) -> bool:
    """End a key. False when there is no such key or it has ended already."""
    return tx.run(_REVOKE, key_id=key_id, now=tx.now) == 1


def _key(row: Row) -> ApiKey:
    return ApiKey(
        id=row["id"],
        name=row["name"],
        site=row["site"],
        roles=frozenset(Role(role) for role in row["roles"].split()),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
    )
