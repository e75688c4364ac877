"""What every form of the desk carries, so that no page of anybody else can send one (OWASP: signed CSRF token)."""

import hashlib
import hmac
from typing import Final

from service.model import Clock

DAY_MILLISECONDS: Final = 86_400_000


class FormTokens:
    """Issues and knows them, with one key: each is one holder's, and good today and tomorrow."""

    def __init__(self, key: bytes, *, clock: Clock) -> None:
        self._key = key
        self._clock = clock

    def issue(self, holder: str) -> str:
        """A token for the forms of whoever this is."""
        return self._made(holder, self._day())

    def is_good(self, holder: str, token: str) -> bool:
        """Whether it was issued to this holder, today or yesterday. Takes the same time whatever is wrong with it."""
        given, today = token.encode("utf-8", "surrogatepass"), self._day()
        known = [hmac.compare_digest(self._made(holder, day).encode(), given) for day in (today, today - 1)]
        return any(known)

    def _day(self) -> int:
        return self._clock() // DAY_MILLISECONDS

    def _made(self, holder: str, day: int) -> str:
        return hmac.new(self._key, f"{day}\0{holder}".encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
