"""Remembers tokens that were found good until they expire, because verifying one costs more than storing a comment.

Only for logins whose keys never change while the service runs; nothing that was refused is remembered.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from service.model import Clock, Identity, Milliseconds

MAX_TOKENS = 10_000


class VerifiedTokens:
    """Good tokens by their SHA-256, the oldest of them making room."""

    def __init__(self, *, clock: Clock, max_tokens: int = MAX_TOKENS) -> None:
        self._clock = clock
        self._max_tokens = max_tokens
        self._known: dict[bytes, tuple[Identity, Milliseconds]] = {}
        self.hits = 0

    def find(self, token: str) -> Identity | None:
        """Whom the token named when it was verified, unless it has expired since."""
        digest = _digest(token)
        found = self._known.get(digest)
        if found is None:
            return None
        identity, good_until = found
        if good_until <= self._clock():
            del self._known[digest]
            return None
        self.hits += 1
        return identity

    def keep(self, token: str, identity: Identity, claims: Mapping[str, Any]) -> None:
        """Remember a verified token until the very moment in its `exp`, without any leeway."""
        if len(self._known) >= self._max_tokens:
            del self._known[next(iter(self._known))]
        self._known[_digest(token)] = (identity, int(claims["exp"] * 1000))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
