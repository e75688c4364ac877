"""The call that tells a cache which tags are out of date. For `purge`, and for `gatepost check` to try it.

`outbound` makes the call. Only the status of the answer counts: its body is not read.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from urllib.parse import quote

from service.outbound.client import CallError, Outbound, Terms
from service.secret import read_secret
from service.settings import Purge

MOST_TAGS = 64
"""In one header: a tag has at most 88 characters, and servers commonly take 8 kB."""

HEADER_TEXT = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
"""RFC 9110, 5.5, without what is obsolete there."""


class PurgeError(Exception):
    """The cache did not do it. Says why, without the address; `fix` is what an owner can do about it, if we know."""

    def __init__(self, reason: str, fix: str = "") -> None:
        super().__init__(reason)
        self.fix = fix


class PurgeCall:
    """Calls one cache. Raises ValueError with the fix when the secret is not there."""

    def __init__(self, settings: Purge, client: Outbound) -> None:
        self._settings = settings
        self._client = client
        # The operator configured the address: caches stand in private networks.
        self._terms = Terms("purge", settings.timeout_seconds)
        self._url = settings.url or ""
        secret = _secret_of(settings)
        self._headers = {settings.secret_header: secret} if settings.secret_header else {}

    async def purge(self, tags: Sequence[str]) -> None:
        """Purge everything with one of these tags. Raises PurgeError; some of them may be purged then."""
        for url, headers in self._requests(tags):
            await self._send(url, headers)

    def _requests(self, tags: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
        if "{tag}" in self._url:
            yield from ((self._url.replace("{tag}", quote(tag)), {}) for tag in tags)
            return
        left = iter(tags)
        while part := list(islice(left, MOST_TAGS)):
            yield self._url, {self._settings.header: " ".join(part)}

    async def _send(self, url: str, headers: dict[str, str]) -> None:
        try:
            async with self._client.call(
                self._settings.method, url, self._terms, headers={**self._headers, **headers}
            ) as answer:
                status = answer.status
        except CallError as fault:
            raise PurgeError(str(fault), fault.fix) from None
        if not 200 <= status < 300:
            raise PurgeError(f"its status is {status}")


def _secret_of(settings: Purge) -> str:
    """What goes into `secret_header`. Raises ValueError with the fix when it is missing or no header's value."""
    secret = read_secret(variable=settings.secret_env, file=settings.secret_file).decode("ascii", "replace")
    if settings.secret_header is not None and not HEADER_TEXT.fullmatch(secret):
        raise ValueError("the secret is empty or no text for a header: set it to what the cache asks for")
    return secret
