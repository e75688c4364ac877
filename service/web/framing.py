"""Where one request ends and the next one begins: aiohttp's parser, made to judge each request before anybody sees it.

aiohttp hands over all requests of a segment together; when one of them is malformed it hands over that fault and drops
the good ones before it. This parser goes from one request to the next: what came whole and good is handed over, then
comes the refusal of the first one that is not, and nothing behind that is looked at. `guard` gives one to each
connection, so the hatch and the application get the same requests.

The rules are those of RFC 9110 and RFC 9112, strictly: where the next server on the way could see another end of the
body, or another host, than we do, the request is refused. What aiohttp's C parser refuses itself is not repeated here.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address
from itertools import chain

from aiohttp import hdrs, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpRequestParser, HttpVersion11, RawRequestMessage
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader

from service.web.aiohttp_inside import MAX_QUEUED, Arrived, BodyError, Refused
from service.web.door import ConnectionLimits

READ_AHEAD_BYTES = 2**16
"""Of a body, before its sender is made to wait; aiohttp's own number."""

TOO_MANY_HEADERS = "Too many headers"
"""What aiohttp says of them; there is no class for it."""

AUTHORITY = re.compile(
    r"(?: \[ (?: (?P<ipv6> [0-9A-Fa-f:.]+ ) | v[0-9A-Fa-f]+ \. [A-Za-z0-9._~!$&'()*+,;=:-]+ ) \]"
    r"  | (?: [A-Za-z0-9._~!$&'()*+,;=-] | %[0-9A-Fa-f]{2} )+ )"
    r"(?: : 0*(?P<port> [0-9]{0,5} ) )?",
    re.VERBOSE,
)
"""A host that is not empty, and perhaps a port (RFC 9110, 7.2, and RFC 3986, 3.2): no user, no path, no space."""


class JudgingParser(HttpRequestParser):
    """The parser of one connection. Once `is_over` is true it takes no more bytes.

    Its queue is set to hold one request, so that aiohttp's parser stops after each: then each can be judged by itself.
    """

    def __init__(
        self,
        protocol: BaseProtocol,
        loop: asyncio.AbstractEventLoop,
        *,
        limits: ConnectionLimits,
        broken_body: Callable[[int], web.HTTPException],
    ) -> None:
        super().__init__(
            protocol,
            loop,
            READ_AHEAD_BYTES,
            max_line_size=limits.max_target_bytes,
            max_field_size=limits.max_field_bytes,
            max_headers=limits.max_header_count,
            payload_exception=BodyError,
            auto_decompress=False,  # an encoded body is answered 415, never inflated
            max_msg_queue_size=1,
        )
        self.is_over = False
        """Something was refused, or the last request of the client is whole."""
        self.has_last = False
        """The client has said that it sends no other request behind this one."""
        self._limits = limits
        self._broken_body = broken_body
        self._waiting = 0
        self._kept: list[Arrived] = []
        """What `only_request` has parsed, and `feed_data` has not handed over yet."""
        self._body: StreamReader = EMPTY_PAYLOAD
        self._asks_for_upgrade = False
        self._head_bytes = 0

    def open_body(self) -> StreamReader | None:
        """The body that is still arriving."""
        return None if self._body.is_eof() else self._body

    def message_consumed(self) -> None:
        """One of what arrived was taken out of the connection's queue."""
        self._waiting -= 1

    def only_request(self, segment: bytes) -> RawRequestMessage | None:
        """The request that `segment` consists of, if it is a good one of HTTP/1.1 without a body, and its client
        stays. Whoever answers it calls `drop`; else the next `feed_data` hands it over, as everything else that
        arrived.

        `segment` has one end of a head, at its own end, and is not longer than a head may be.
        """
        self._step(segment, self._kept)
        if len(self._kept) != 1:  # blank lines are nothing
            self._head_bytes += 0 if self._kept else len(segment)
            return None
        message, body = self._kept[0]
        if (
            isinstance(message, Refused)
            or body is not EMPTY_PAYLOAD
            or message.should_close
            or message.upgrade
            or message.version != HttpVersion11
        ):
            return None
        return message

    def drop(self) -> None:
        """What `only_request` returned is answered."""
        self._kept.clear()
        self._waiting -= 1

    def feed_data(self, data: bytes) -> tuple[Sequence[Arrived], bool, bytes]:  # type: ignore[override]  # not SEP
        """The requests whose heads end in `data`; what is behind the last one is kept. Never raises.

        The second value says to aiohttp that no upgrade has begun, ever: the service declines all, and reads on.
        """
        arrived, self._kept = self._kept, []
        # A head that is too long is seen after so many bytes, whatever came before it in the same segment.
        for at in range(0, len(data) or 1, self._limits.max_header_bytes):
            if self.is_over:
                break
            self._feed(data[at : at + self._limits.max_header_bytes], arrived)
        return arrived, False, b""

    def refuse(self, status: int) -> Arrived:
        """The last answer on this connection."""
        self.is_over, self.has_last = True, False
        self._body = EMPTY_PAYLOAD
        self._waiting += 1
        return Refused(status=status, exc=HttpProcessingError(code=status), message=""), EMPTY_PAYLOAD

    def break_off(self, status: int) -> None:
        """End the body that is arriving, and take in nothing more. A handler that reads it gets an HTTP error from its
        next read; a handler that has replied already reads no more, and notices nothing."""
        self._body.set_exception(self._broken_body(status))
        self._body.feed_eof()
        self.is_over = True

    def _feed(self, piece: bytes, arrived: list[Arrived]) -> None:
        begins_in_head, before = self._body.is_eof(), len(arrived)
        more, goes_on = piece, True
        while goes_on and not self.is_over:
            goes_on = self._step(more, arrived)
            more = b""  # the rest is kept in aiohttp's parser
        if begins_in_head and len(arrived) == before and not self.is_over:
            self._head_bytes += len(piece)
            if self._head_bytes > self._limits.max_header_bytes:
                arrived.append(self.refuse(431))

    def _step(self, more: bytes, arrived: list[Arrived]) -> bool:
        """Parse up to the end of one request. Returns whether that end was reached, so that another request may
        follow."""
        if self._asks_for_upgrade and self._body.is_eof():
            more = self._decline_upgrade() + more
        was_open = self._body is not EMPTY_PAYLOAD and not self._body.is_eof()
        try:
            messages, _, _ = super().feed_data(more)
        except (HttpProcessingError, ValueError) as fault:  # ValueError: what yarl says of some targets
            if was_open:
                self.break_off(400)
            else:
                arrived.append(self.refuse(_status_of(fault)))
            return False
        for message, body in messages:
            arrived.append(self._judged(message, body))
        if not (was_open or messages) or not self._body.is_eof():
            return False
        self.is_over = self.is_over or self.has_last
        return self._waiting < MAX_QUEUED  # else the rest is kept until some were answered

    def _judged(self, message: RawRequestMessage, body: StreamReader) -> Arrived:
        self._head_bytes = 0
        if (status := refusal(message, self._limits)) is not None:
            return self.refuse(status)
        self._waiting += 1
        self._body = body
        self._asks_for_upgrade = message.upgrade
        # What follows CONNECT is for a tunnel, which there is not (RFC 9110, 9.3.6).
        self.has_last = message.should_close or message.method == hdrs.METH_CONNECT
        return message, body

    def _decline_upgrade(self) -> bytes:
        """Go on after a request that asked for another protocol (`Upgrade`). Returns the bytes that came after it.

        aiohttp's parser stops there, and for protocols that it does not know it would drop those bytes.
        """
        self.set_upgraded(True)
        _, _, rest = super().feed_data(b"")
        self.set_upgraded(False)
        self._asks_for_upgrade = False
        return rest


def refusal(message: RawRequestMessage, limits: ConnectionLimits) -> int | None:
    """The status that answers this request because of its head alone; None: it is good.

    - Another major version than 1: aiohttp would answer, and claim to speak it (RFC 9110, 2.5).
    - `Transfer-Encoding` that is not `chunked` alone, or in HTTP/1.0, which did not know it: the next server on the way
      may see another end of the body than the parser did (RFC 9112, 6.1 and 6.3).
    - A `Host` or a target that names no host, or a wrong one (RFC 9112, 3.2, and RFC 9110, 4.2).
    """
    if message.version[0] != 1:
        return 400
    coding = message.headers.get(hdrs.TRANSFER_ENCODING)
    if coding is not None and not (
        message.chunked and coding.lower() == "chunked" and message.version >= HttpVersion11
    ):
        return 400
    if not _names_a_host(message):
        return 400
    return 431 if _head_size(message) > limits.max_header_bytes else None


@lru_cache(maxsize=64)  # all readers of a blog name the same host
def is_authority(text: str) -> bool:
    """Whether this names a host, perhaps with a port, as `Host` and an absolute target do."""
    found = AUTHORITY.fullmatch(text)
    if found is None or int(found["port"] or 0) > 65535:
        return False
    try:
        return found["ipv6"] is None or IPv6Address(found["ipv6"]) is not None
    except AddressValueError:
        return False


def _names_a_host(message: RawRequestMessage) -> bool:
    """The parser has seen to it that there is one `Host`, or in HTTP/1.0 perhaps none (RFC 9112, 3.2).

    A target that names its host itself counts before `Host`, which may then be empty or another one (3.2.2).
    """
    host = message.headers.get(hdrs.HOST)
    if message.path[0] in "/*":
        return host is None or is_authority(host)
    authority = message.path
    if message.method != hdrs.METH_CONNECT:
        scheme, _, rest = authority.partition("://")
        if scheme.lower() not in {"http", "https"}:
            return False
        authority = re.split("[/?#]", rest, maxsplit=1)[0]
    return is_authority(authority) and (not host or is_authority(host))


def _head_size(message: RawRequestMessage) -> int:
    headers = message.raw_headers
    return len(message.path) + sum(map(len, chain.from_iterable(headers))) + len(": \r\n") * len(headers)


def _status_of(fault: Exception) -> int:
    return 431 if isinstance(fault, LineTooLong) or TOO_MANY_HEADERS in str(fault) else 400
