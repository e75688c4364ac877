"""Cursors: a position in a list, signed so that nobody can make one up or use it on another list."""

import base64
import binascii
import hashlib
import hmac
import json

from service.errors import BadCursor

Position = tuple[str | int, ...]
_SIGNATURE_BYTES = 12


class Cursors:
    """Issues and reads cursors with one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def issue(self, scope: str, position: Position | None) -> str | None:
        """A cursor for `position` of the list that `scope` names; None at the end of it."""
        if position is None:
            return None
        payload = json.dumps(position, separators=(",", ":")).encode()
        return _text(self._sign(scope, payload) + payload)

    def read(self, scope: str, cursor: str | None) -> Position | None:
        """The position in a cursor; None without one. Raises BadCursor for what was not issued for this list."""
        if cursor is None:
            return None
        try:
            decoded = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise BadCursor from None
        if _text(decoded) != cursor:  # base64 can write the same bytes in several ways: only ours was issued
            raise BadCursor
        signature, payload = decoded[:_SIGNATURE_BYTES], decoded[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(scope, payload)):
            raise BadCursor
        return tuple(json.loads(payload))

    def _sign(self, scope: str, payload: bytes) -> bytes:
        return hmac.new(self._key, scope.encode() + b"\0" + payload, hashlib.sha256).digest()[:_SIGNATURE_BYTES]


def _text(signed: bytes) -> str:
    return base64.urlsafe_b64encode(signed).decode().rstrip("=")
