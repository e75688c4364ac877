"""Outgoing HTTP for logins: discovery, key sets, introspection and who-am-I calls all go through one `Fetch`.

The other side is the blog's own server, and still nothing it does may hurt: no redirects, a time limit over everything,
a size limit while reading, no compression, strict JSON. Every fault is a LoginUnavailable, its reason in the log.
"""

import asyncio
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import aiohttp
import structlog
from yarl import URL

from service import strict_json
from service.auth.login import RETRY_AFTER_SECONDS, unavailable

log = structlog.get_logger(__name__)

TOTAL_SECONDS = 5.0
MAX_BYTES = 1024 * 1024
CHUNK_BYTES = 16 * 1024
LONG_BYTES = 64 * 1024
MAX_RETRY_AFTER_SECONDS = 60
HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "Gatepost"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. `value` is the parsed JSON of a 200, and of a 400 that has some; of no other body."""

    status: int
    value: Any = None


class _FetchError(Exception):
    """Why a fetch gave nothing usable."""


class Fetch:
    """One HTTP client for all logins. Keeps connections open, and no cookies, proxies or credentials of its own."""

    def __init__(self, *, total_seconds: float = TOTAL_SECONDS, max_bytes: int = MAX_BYTES) -> None:
        self._total_seconds = total_seconds
        self._max_bytes = max_bytes
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None, also: Collection[int] = ()) -> Reply:
        """What is at `url`. Statuses other than 200 and those in `also` raise LoginUnavailable, as every fault does."""
        return await self._fetch("GET", url, headers=headers, also=also, form=None)

    async def post(
        self, url: str, form: Mapping[str, str], *, headers: Mapping[str, str] | None = None, also: Collection[int] = ()
    ) -> Reply:
        """The answer to `form`, sent as `application/x-www-form-urlencoded`. Statuses and faults as with `get`."""
        return await self._fetch("POST", url, headers=headers, also=also, form=form)

    async def close(self) -> None:
        """Close every connection. A fetch after that raises LoginUnavailable."""
        self._closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def __aenter__(self) -> "Fetch":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None,
        also: Collection[int],
        form: Mapping[str, str] | None,
    ) -> Reply:
        retry_after_seconds = RETRY_AFTER_SECONDS
        try:
            async with self._open_session().request(
                method, url, headers={**HEADERS, **(headers or {})}, data=form, allow_redirects=False
            ) as response:
                if response.status == 200:
                    return Reply(200, await _parsed(await self._body(response)))
                if response.status in also:
                    return Reply(response.status, await self._explained(response))
                retry_after_seconds = _retry_after_seconds(response)
                reason = "it redirects" if 300 <= response.status < 400 else "its status is not 200"
                reason = f"{reason} ({response.status})"
        except TimeoutError:
            reason = f"no complete answer within {self._total_seconds:g} seconds"
        except aiohttp.ClientError as error:
            number = getattr(getattr(error, "os_error", None), "errno", None)
            reason = f"no usable answer ({os.strerror(number) if number else type(error).__name__})"
        except _FetchError as error:
            reason = str(error)
        except ValueError as error:
            reason = f"the answer is no good: {error}"
        log.warning("login.fetch_failed", method=method, url=_shown(url), reason=reason)
        raise unavailable(reason, retry_after_seconds=retry_after_seconds)

    def _open_session(self) -> aiohttp.ClientSession:
        """The shared session, made at the first use because it belongs to the running event loop."""
        if self._closed:
            raise _FetchError("the service is stopping")
        if self._session is None:
            self._session = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self._total_seconds),
                auto_decompress=False,
                trust_env=False,
                raise_for_status=False,
            )
        return self._session

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        if not _is_json(response):
            raise _FetchError("its content type is not JSON in UTF-8")
        if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            raise _FetchError("it is compressed although we asked for plain text")
        body = bytearray()
        async for chunk in response.content.iter_chunked(CHUNK_BYTES):
            body += chunk
            if len(body) > self._max_bytes:
                raise _FetchError(f"it is larger than {self._max_bytes} bytes")
        return bytes(body)

    async def _explained(self, response: aiohttp.ClientResponse) -> Any:
        """What a 400 says about itself, as the errors of OAuth do (RFC 6749, 5.2); None where it says nothing."""
        if response.status != 400:
            return None
        try:
            return await _parsed(await self._body(response))
        except (_FetchError, ValueError):
            return None


async def _parsed(body: bytes) -> Any:
    """The JSON in `body`; a long one is read in a thread, so that nobody else waits. Raises ValueError."""
    if len(body) <= LONG_BYTES:
        return strict_json.parse_clean(body)
    return await asyncio.to_thread(strict_json.parse_clean, body)


def _is_json(response: aiohttp.ClientResponse) -> bool:
    """`application/json`, or a type made from it such as `application/jwk-set+json` (RFC 6839), in UTF-8."""
    if "Content-Type" not in response.headers or (response.charset or "utf-8").lower().replace("_", "-") not in {
        "utf-8",
        "utf8",
    }:
        return False
    kind = response.content_type.lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _retry_after_seconds(response: aiohttp.ClientResponse) -> int:
    """What the other side asks us to wait, within reason; dates (RFC 9110, 10.2.3) are not worth the reading."""
    text = response.headers.get("Retry-After", "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        return RETRY_AFTER_SECONDS
    return min(max(int(text), 1), MAX_RETRY_AFTER_SECONDS)


def _shown(url: str) -> str:
    """`url` for the log: without a query, which may hold secrets, and without name and password."""
    try:
        return str(URL(url).with_user(None).with_query(None).with_fragment(None))
    except ValueError:
        return "an address that is not one"
