"""Making and ending API keys. The secret is shown once; the store keeps its hash."""

import secrets

from service.model import ApiKey, ApiKeyId, Milliseconds, Role, SiteKey, new_id
from service.store import api_keys
from service.store.database import Transaction


def create(
    tx: Transaction, name: str, *, site: SiteKey | None, roles: frozenset[Role], expires_at: Milliseconds | None
) -> tuple[ApiKey, str]:
    """A new key for one site (None: all sites), and its secret, which cannot be shown again."""
    secret = api_keys.SECRET_PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(ApiKeyId(new_id(tx.now)), name, site, roles, created_at=tx.now, expires_at=expires_at)
    api_keys.add(tx, key, secret_hash=api_keys.secret_hash(secret))
    return key, secret


def revoke(tx: Transaction, key_id: ApiKeyId) -> bool:
    """End a key at once. False when there is no such key, or it had ended."""
    return api_keys.revoke(tx, key_id)
