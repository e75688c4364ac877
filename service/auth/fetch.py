"""Outgoing HTTP for logins: discovery, key sets, introspection and who-am-I calls all go through one `Fetch`.

The other side is the blog's own server, and still nothing it does may hurt: no redirects, a time limit over everything,
a size limit while reading, no compression, strict JSON. Every fault is a LoginUnavailable, its reason in the log.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import aiohttp
import structlog
from yarl import URL

from service import strict_json, unreachable
from service.auth.login import RETRY_AFTER_SECONDS, unavailable

log = structlog.get_logger(__name__)

TOTAL_SECONDS = 5.0
MAX_BYTES = 1024 * 1024
CHUNK_BYTES = 16 * 1024
LONG_BYTES = 64 * 1024
MAX_RETRY_AFTER_SECONDS = 60
NOT_THE_PLACE = "correct the address: another page answers there, or an error in the shape of one"
TOO_SLOW = "see why it is so slow, or whether a firewall swallows the connection"
FIXES = {
    401: "let it answer this machine without a login of its own, and see that it is the right address",
    403: "let it answer this machine, and see that it is the right address",
    404: "correct the address: its path, and whether it ends in a slash",
    405: "correct the address: this one takes other questions",
    429: "let this machine ask as often as readers come",
}
"""What to do about a status, where it is not simply the other side's own trouble."""
ITS_OWN_TROUBLE = (
    "look into the log of the server that answers there; if it is another server than it should be, correct it"
)
HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "Gatepost"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. `value` is the parsed JSON of a 200, and of a 400 that has some; of no other body."""

    status: int
    value: Any = None


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer, whatever became of it: for `gatepost check`, which says more about it than a login needs to know."""

    url: str
    status: int
    headers: Mapping[str, str]
    value: Any = None


class _FetchError(Exception):
    """Why a fetch gave nothing usable, and what to do about it."""

    def __init__(self, reason: str, fix: str = "") -> None:
        super().__init__(reason)
        self.fix = fix


class Fetch:
    """One HTTP client for all logins. Keeps connections open, and no cookies, proxies or credentials of its own.

    `witness` is told every answer.
    """

    def __init__(
        self,
        *,
        total_seconds: float = TOTAL_SECONDS,
        max_bytes: int = MAX_BYTES,
        witness: Callable[[Heard], object] | None = None,
    ) -> None:
        self._witness = witness
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
                    return Reply(200, await self._value(url, response))
                self._tell(url, response)
                if response.status in also:
                    return Reply(response.status, await self._explained(response))
                retry_after_seconds = _retry_after_seconds(response)
                reason, fix = _about_status(response)
        except TimeoutError:
            reason, fix = f"no complete answer within {self._total_seconds:g} seconds", TOO_SLOW
        except aiohttp.InvalidURL:
            reason, fix = "no usable answer (that is no address)", "correct the address"
        except aiohttp.ClientError as error:
            why = unreachable.why(error)
            reason, fix = f"no usable answer ({why.cause})", why.fix
        except _FetchError as error:
            reason, fix = str(error), error.fix
        except ValueError as error:
            reason, fix = f"the answer is no good: {error}", NOT_THE_PLACE
        log.warning("login.fetch_failed", method=method, url=_shown(url), reason=reason)
        raise unavailable(reason, retry_after_seconds=retry_after_seconds, fix=fix)

    async def _value(self, url: str, response: aiohttp.ClientResponse) -> Any:
        """The JSON of a good answer. Raises _FetchError or ValueError where it has none."""
        value = None
        try:
            value = await _parsed(await self._body(response))
        finally:
            self._tell(url, response, value)
        return value

    def _tell(self, url: str, response: aiohttp.ClientResponse, value: Any = None) -> None:
        if self._witness is not None:
            self._witness(Heard(url, response.status, response.headers.copy(), value))

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
            raise _FetchError("its content type is not JSON in UTF-8", NOT_THE_PLACE)
        if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            raise _FetchError("it is compressed although we asked for plain text", "let it answer uncompressed")
        body = bytearray()
        async for chunk in response.content.iter_chunked(CHUNK_BYTES):
            body += chunk
            if len(body) > self._max_bytes:
                raise _FetchError(f"it is larger than {self._max_bytes} bytes", NOT_THE_PLACE)
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


def _about_status(response: aiohttp.ClientResponse) -> tuple[str, str]:
    """What is said about an answer that is none, and what to do."""
    status = response.status
    if not 300 <= status < 400:
        return f"its status is not 200 ({status})", FIXES.get(status, ITS_OWN_TROUBLE)
    target = response.headers.get("Location")
    if not target:
        return f"it redirects ({status}), and does not say where to", NOT_THE_PLACE
    fix = "write the address that it leads to; where that is a login page, let the address answer without one"
    return f"it redirects ({status}) to {_joined(response.url, target)}", fix


def _joined(url: URL, target: str) -> str:
    """Where a redirect leads, for the log: `target` may be relative."""
    try:
        return _shown(str(url.join(URL(target))))
    except ValueError:
        return "an address that is not one"


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
