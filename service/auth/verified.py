"""Remembers tokens that were found good until they expire, because verifying one costs more than storing a comment.

Only for logins whose keys never change while the service runs; nothing that was refused is remembered.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from service import shelf
from service.model import Clock, Identity, Milliseconds
from service.shelf import Shelf

MAX_BYTES = 6 * 1024 * 1024
"""Of each login: some 12,000 tokens of people who tell little of themselves."""


class VerifiedTokens:
    """Good tokens by their SHA-256, together at most `max_bytes`; the oldest of them make room."""

    def __init__(self, *, clock: Clock, max_bytes: int = MAX_BYTES) -> None:
        self._clock = clock
        self._known: Shelf[bytes, tuple[Identity, Milliseconds]] = Shelf(max_bytes, shelf.small)
        self.hits = 0

    def find(self, token: str) -> Identity | None:
        """Whom the token named when it was verified, unless it has expired since."""
        digest = _digest(token)
        found = self._known.find(digest)
        if found is None:
            return None
        identity, good_until = found
        if good_until <= self._clock():
            self._known.drop(digest)
            return None
        self.hits += 1
        return identity

    def keep(self, token: str, identity: Identity, claims: Mapping[str, Any]) -> None:
        """Remember a verified token until the very moment in its `exp`, without any leeway."""
        self._known.put(_digest(token), (identity, int(claims["exp"] * 1000)))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
