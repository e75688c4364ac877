"""The one HTTP client of the service: whoever calls another machine calls here (`auth.fetch`, `delivery.purge_call`,
`webhooks.call`). Operators configure whom it calls, so this machine and private networks are called like any other.

Nothing that the other side does may hurt: no redirect is followed, no cookie is kept, no proxy of the environment is
used, the whole call has a deadline, and a body is read only when it is asked for, up to a limit. Every call is counted
by purpose and outcome. Every fault is a CallError, in words.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType

import aiohttp
from yarl import URL

from service.metrics import Metrics
from service.outbound import unreachable

CHUNK_BYTES = 16 * 1024
HEADERS = {"User-Agent": "Gatepost", "Accept-Encoding": "identity"}
NO_ADDRESS = (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError)
TOO_SLOW = "see why it is so slow, or whether a firewall swallows the connection"
TOO_LARGE = "correct the address: another page answers there, or an error in the shape of one"


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for one kind of call. Different terms share no connection.

    So a server that hangs takes no connection away from calls of another purpose.
    """

    purpose: str
    """What the metrics call it: `login`, `purge`, `webhook`."""
    total_seconds: float
    """From the look-up of the name to the last byte of the body."""
    max_bytes: int = 0
    """The longest body that is read."""
    of: str = ""
    """Whose calls these are, where those of one purpose must not wait for each other: they share no connection."""


class CallError(Exception):
    """A call came to nothing. The text says why, without the address; `fix` is what an operator can do about it."""

    def __init__(self, reason: str, fix: str = "", *, outcome: str) -> None:
        super().__init__(reason)
        self.fix = fix
        self.outcome = outcome


class Answer:
    """What came back: the status and the headers are there, the body is read by `body()`."""

    def __init__(self, response: aiohttp.ClientResponse, terms: Terms) -> None:
        self.url: URL = response.url
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers.copy()
        self.content_type = response.content_type.lower()
        self.charset = (response.charset or "").lower()
        self._response = response
        self._terms = terms

    async def body(self) -> bytes:
        """The whole body. Raises CallError where it is compressed, longer than `max_bytes`, or does not arrive."""
        if self._response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            reason = "it is compressed although we asked for plain text"
            raise CallError(reason, "let it answer uncompressed", outcome="unusable")
        body = bytearray()
        try:
            async for chunk in self._response.content.iter_chunked(CHUNK_BYTES):
                body += chunk
                if len(body) > self._terms.max_bytes:
                    raise CallError(f"it is larger than {self._terms.max_bytes} bytes", TOO_LARGE, outcome="unusable")
        except (TimeoutError, aiohttp.ClientError) as error:
            raise _no_answer(error, self._terms) from None
        return bytes(body)


class Outbound:
    """Makes the calls. Opens connections when they are needed, and keeps them for the next call until `close`."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._sessions: dict[Terms, aiohttp.ClientSession] = {}
        self._is_closed = False

    @asynccontextmanager
    async def call(
        self,
        method: str,
        url: str,
        terms: Terms,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> AsyncIterator[Answer]:
        """Ask, and have the answer for as long as the block lasts, whatever its status. Raises CallError.

        `form` is sent as `application/x-www-form-urlencoded`, `content` as it is.
        """
        outcome = "cancelled"
        try:
            sent = content if form is None else form
            response = await self._send(method, url, terms, headers={**HEADERS, **(headers or {})}, sent=sent)
            outcome = f"{response.status // 100}xx"
            async with response:
                yield Answer(response, terms)
        except CallError as fault:
            outcome = fault.outcome
            raise
        finally:
            self._metrics.outbound_calls.labels(terms.purpose, outcome).inc()

    async def close(self) -> None:
        """Close every connection. A call after that raises CallError."""
        self._is_closed = True
        sessions, self._sessions = self._sessions, {}
        await asyncio.gather(*(session.close() for session in sessions.values()))

    async def __aenter__(self) -> "Outbound":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _send(
        self, method: str, url: str, terms: Terms, *, headers: Mapping[str, str], sent: Mapping[str, str] | bytes | None
    ) -> aiohttp.ClientResponse:
        try:
            return await self._session(terms).request(method, url, headers=headers, data=sent, allow_redirects=False)
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            raise _no_answer(error, terms) from None

    def _session(self, terms: Terms) -> aiohttp.ClientSession:
        """The connections for these terms, made at the first call because they belong to the running event loop."""
        if self._is_closed:
            raise CallError("the service is stopping", outcome="cancelled")
        if terms not in self._sessions:
            self._sessions[terms] = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=terms.total_seconds),
                auto_decompress=False,
                trust_env=False,
                raise_for_status=False,
            )
        return self._sessions[terms]


def _no_answer(error: Exception, terms: Terms) -> CallError:
    """What is said about a fault of the HTTP client."""
    if isinstance(error, TimeoutError):
        return CallError(f"no complete answer within {terms.total_seconds:g} seconds", TOO_SLOW, outcome="late")
    if isinstance(error, NO_ADDRESS) or not isinstance(error, aiohttp.ClientError):
        return CallError("no usable answer (that is no address)", "correct the address", outcome="refused")
    why = unreachable.why(error)
    return CallError(f"no usable answer ({why.cause})", why.fix, outcome="unreachable")
