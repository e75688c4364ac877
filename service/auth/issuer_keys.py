"""The keys of one OpenID Connect issuer, as fresh as they need to be: `oidc` asks here for the key of each token.

The issuer is asked at most once at a time, whoever waits, and only when there is something to learn:
1. no keys yet: a request asks and waits; after a failure nobody asks again for `COLD_PAUSE`;
2. the last asking is older than `REFRESH`: the next request has it asked, and does not wait;
3. it is older than `TRUSTED`: the request waits, so no key is used that the issuer withdrew longer ago than that;
4. a token names a key we don't know: asked and waited for, at most once in `UNKNOWN_PAUSE` whatever tokens come.
A failure changes nothing but the log and the health: the last good keys serve until there are newer ones.
"""

import asyncio
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

import structlog

from service.auth import keys
from service.auth.fetch import Fetch
from service.auth.keys import KeySet, VerificationKey
from service.auth.login import LoginHealth, fix_of, reason_of, refused, unavailable
from service.errors import LoginUnavailable
from service.model import Clock, Milliseconds

log = structlog.get_logger(__name__)

COLD_PAUSE: Milliseconds = 5_000
REFRESH: Milliseconds = 30_000
TRUSTED: Milliseconds = 60_000
UNKNOWN_PAUSE: Milliseconds = 30_000
DISCOVERY: Milliseconds = 3_600_000
"""How long an issuer's discovery document holds; after a failure it is read again at once."""
MAX_SHOWN = 200
"""Characters of somebody else's text in a reason."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class IssuerKeys:
    """The keys of one issuer. `clock` decides when they are old; nothing here sleeps."""

    def __init__(
        self,
        issuer: str,
        *,
        discovery_url: str,
        algorithms: Collection[str],
        allow_http: bool,
        fetch: Fetch,
        clock: Clock,
    ) -> None:
        self._issuer = issuer
        self._discovery_url = discovery_url
        self._algorithms = algorithms
        self._allow_http = allow_http
        self._fetch = fetch
        self._clock = clock
        self._keys: KeySet | None = None
        self._loaded_at: Milliseconds | None = None
        self._key_set_url: str | None = None
        self._discovered_at: Milliseconds | None = None
        self._asked_at: Milliseconds | None = None
        self._asked_for_unknown_at: Milliseconds | None = None
        self._askings = 0
        self._answered = 0
        self._fault: str | None = "nobody has needed them yet"
        self._fix = ""
        self._asking: asyncio.Task[None] | None = None

    @property
    def age(self) -> Milliseconds | None:
        """How old the keys in use are; None while there are none."""
        return None if self._loaded_at is None else max(0, self._clock() - self._loaded_at)

    async def for_token(self, key_id: str | None, algorithm: str) -> list[VerificationKey]:
        """The keys that may have signed a token which names `key_id` and `algorithm`.

        Raises InvalidCredential when the issuer has no such key, and LoginUnavailable when it could not be asked.
        """
        arrived = self._askings
        known = await self._current()
        if not known.knows(key_id, algorithm):
            known = await self._newer_than(arrived, known)
        candidates = known.candidates(key_id, algorithm)
        if not candidates and self._fault is not None:
            raise unavailable(f"the key is unknown and the issuer cannot be asked: {self._fault}", fix=self._fix)
        if not candidates:
            raise refused("the issuer has no key for this kid and algorithm")
        return candidates

    def begin(self) -> None:
        """Ask the issuer now, without waiting for the answer. Does nothing while it is being asked."""
        if self._asking is None:
            self._askings += 1
            self._asking = asyncio.create_task(self._ask(), name="login keys")
            self._asking.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Give up asking."""
        if self._asking is not None:
            self._asking.cancel()
            await self._wait()

    def health(self) -> LoginHealth:
        """`warn` while there are no keys, and while newer ones cannot be had."""
        if self.age is None:
            return "warn", f"no keys of the issuer yet: {self._fault}"
        if self._fault is not None:
            return "warn", f"keys are {self.age // 1000} s old, and newer ones cannot be had: {self._fault}"
        return "pass", f"{len(self._keys.keys) if self._keys else 0} keys, {self.age // 1000} s old"

    async def _current(self) -> KeySet:
        if self._keys is None:
            if self._is_over(self._asked_at, COLD_PAUSE):
                self.begin()
            await self._wait()
        else:
            if self._is_over(self._asked_at, REFRESH):
                self.begin()
            if self._is_over(self._asked_at, TRUSTED):
                await self._wait()
        if self._keys is None:
            raise unavailable(f"no keys of the issuer yet: {self._fault}", fix=self._fix)
        return self._keys

    async def _newer_than(self, arrived: int, known: KeySet) -> KeySet:
        """Keys that the issuer was asked for after asking number `arrived` began; the known ones where the issuer was
        asked for an unknown key less than `UNKNOWN_PAUSE` ago."""
        if self._is_over(self._asked_for_unknown_at, UNKNOWN_PAUSE):
            self._asked_for_unknown_at = self._clock()
            await self._wait()
            if self._answered <= arrived:
                self.begin()
        await self._wait()
        return self._keys or known

    async def _wait(self) -> None:
        """Wait until nobody is asking the issuer. When one of those who wait is cancelled, the asking and the others go
        on."""
        while self._asking is not None:
            await asyncio.wait({self._asking})

    def _is_over(self, since: Milliseconds | None, pause: Milliseconds) -> bool:
        """Whether `pause` has passed since then. A clock that was set back must not stop time: it counts as passed."""
        return since is None or not 0 <= self._clock() - since < pause

    async def _ask(self) -> None:
        asked_at = self._clock()
        try:
            found = await self._published()
        except LoginUnavailable as fault:
            self._fault, self._fix, self._key_set_url = reason_of(fault), fix_of(fault), None
            log.warning("login.keys_unavailable", issuer=self._issuer, reason=self._fault)
        else:
            self._keys, self._loaded_at, self._fault = found, asked_at, None
        self._asked_at = asked_at
        self._answered = self._askings

    def _ended(self, task: asyncio.Task[None]) -> None:
        """The asking has ended, so the next may begin. An exception that is a bug goes to the loop's handler, which
        logs it."""
        self._asking = None
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fault, self._asked_at = "an internal error", self._clock()
            task.get_loop().call_exception_handler({"message": "login keys", "exception": error, "task": task})

    async def _published(self) -> KeySet:
        if self._key_set_url is None or self._is_over(self._discovered_at, DISCOVERY):
            discovered_at = self._clock()
            reply = await self._fetch.get(self._discovery_url)
            self._key_set_url, self._discovered_at = self._checked(reply.value), discovered_at
        reply = await self._fetch.get(self._key_set_url)
        try:
            return keys.published_keys(reply.value, self._algorithms)
        except ValueError as error:
            fix = "set `algorithms` to what its keys are for, or let the issuer publish a key for one of these"
            raise unavailable(f"the key set: {error}", fix=fix) from None

    def _checked(self, document: Any) -> str:
        """The address of the key set, from a discovery document that is this issuer's own (OpenID Discovery, 4.3)."""
        named = document.get("issuer") if isinstance(document, dict) else None
        if not isinstance(named, str):
            raise unavailable("the discovery document names no issuer", fix="correct `issuer` or `discovery_url`")
        if named != self._issuer:
            shown = named[:MAX_SHOWN] if named.isprintable() else "of an unprintable name"
            raise unavailable(
                f'the discovery document is for the issuer "{shown}", not for "{self._issuer}": '
                "both must be the same to the letter",
                fix="if that is your issuer, copy the first into `issuer`; else correct `discovery_url`",
            )
        address = document.get("jwks_uri")
        if not isinstance(address, str) or not is_safe_address(address, allow_http=self._allow_http):
            fix = "let the issuer announce its keys by https, or set `allow_http` inside a network that you trust"
            raise unavailable("the discovery document has no jwks_uri with https", fix=fix)
        return address


def is_safe_address(text: str, *, allow_http: bool) -> bool:
    """Whether keys may be fetched there: https, or http on this machine, or http where the owner allows it."""
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return False
    if not host or "@" in parts.netloc or parts.fragment or not text.isascii() or not text.isprintable() or " " in text:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and (allow_http or host in LOOPBACK))
