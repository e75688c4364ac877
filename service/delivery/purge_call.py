"""The outgoing call that tells a cache which tags are out of date. For `purge`, and for `gatepost check` to try it.

`auth.fetch` is made for answers in JSON; here only the status counts. The owner configured the address, so it may be a
private one. No redirects, one time limit over everything, and no byte of an answer is read.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from types import TracebackType
from urllib.parse import quote

import aiohttp

from service import unreachable
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
    """One HTTP client for one cache. Raises ValueError with the fix when the secret is not there."""

    def __init__(self, settings: Purge) -> None:
        self._settings = settings
        self._url = settings.url or ""
        secret = _secret_of(settings)
        self._headers = {"User-Agent": "Gatepost"} | (
            {settings.secret_header: secret} if settings.secret_header else {}
        )
        self._session: aiohttp.ClientSession | None = None

    async def purge(self, tags: Sequence[str]) -> None:
        """Purge everything with one of these tags. Raises PurgeError; some of them may be purged then."""
        for url, headers in self._requests(tags):
            await self._send(url, headers)

    async def close(self) -> None:
        """Close every connection."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def __aenter__(self) -> "PurgeCall":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _requests(self, tags: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
        if "{tag}" in self._url:
            yield from ((self._url.replace("{tag}", quote(tag)), {}) for tag in tags)
            return
        left = iter(tags)
        while part := list(islice(left, MOST_TAGS)):
            yield self._url, {self._settings.header: " ".join(part)}

    async def _send(self, url: str, headers: dict[str, str]) -> None:
        try:
            async with self._open_session().request(
                self._settings.method, url, headers={**self._headers, **headers}, allow_redirects=False
            ) as response:
                status = response.status
        except TimeoutError:
            raise PurgeError(f"no answer within {self._settings.timeout_seconds:g} seconds") from None
        except (aiohttp.ClientError, ValueError) as error:
            why = unreachable.why(error)
            raise PurgeError(f"no answer ({why.cause})", why.fix) from None
        if not 200 <= status < 300:
            raise PurgeError(f"its status is {status}")

    def _open_session(self) -> aiohttp.ClientSession:
        """Made at the first use because it belongs to the running event loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self._settings.timeout_seconds),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session


def _secret_of(settings: Purge) -> str:
    """What goes into `secret_header`. Raises ValueError with the fix when it is missing or no header's value."""
    secret = read_secret(variable=settings.secret_env, file=settings.secret_file).decode("ascii", "replace")
    if settings.secret_header is not None and not HEADER_TEXT.fullmatch(secret):
        raise ValueError("the secret is empty or no text for a header: set it to what the cache asks for")
    return secret
