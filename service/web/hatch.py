"""The hatch: hands out pages that are in memory and current, before the application is asked.

The first request for an address after a change is answered by the application. The hatch remembers that reply with all
its headers, and repeats it to whoever asks for the same address, for as long as the page in it is current. It decides
nothing itself, so its replies cannot differ from the application's. Rate limits, metrics and the log count both alike.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate

from aiohttp import hdrs, web
from aiohttp.http import RawRequestMessage
from multidict import CIMultiDictProxy

from service.metrics import Metrics
from service.reading.page import Format, PageScope, coding_for, format_for
from service.reading.pages import Pages, Variant
from service.web import problems
from service.web.address import Addresses
from service.web.header_lists import joined, names
from service.web.limits import RateLimits
from service.web.public import Published
from service.web.tally import Tally

MAX_ADDRESSES = 20_000
"""Addresses that are remembered; each takes about two kilobytes."""
LONGEST_ADDRESS = 600
BODY_HEADERS = frozenset({hdrs.CONTENT_TYPE, hdrs.CONTENT_ENCODING, hdrs.CONTENT_LENGTH})
OWN_HEADERS = frozenset({"X-Request-ID", hdrs.CONTENT_LENGTH, hdrs.DATE, hdrs.CONNECTION})
"""Written for each reply anew."""

_Question = tuple[str, str, Format]


@dataclass(frozen=True, slots=True)
class _Lesson:
    """A reply of the application that may be repeated while the current page has the same `etag`.

    The body is not kept here: the page has it, in the memory of pages.
    """

    scope: PageScope
    variant: Variant
    coding: str
    etag: str
    head: bytes
    head_of_304: bytes
    route: str


class Hatch:
    """Remembers replies of the application, and repeats them."""

    def __init__(
        self, pages: Pages, limits: RateLimits, addresses: Addresses, *, tally: Tally, metrics: Metrics
    ) -> None:
        self._pages = pages
        self._limits = limits
        self._addresses = addresses
        self._tally = tally
        self._page_cache = metrics.page_cache.counts
        self._lessons: OrderedDict[_Question, _Lesson] = OrderedDict()

    def learn(self, request: web.Request, response: web.StreamResponse, route: str) -> None:
        """Remember a finished reply, if it is a page and its address is of a usual length."""
        if not isinstance(response, Published) or response.status != 200 or len(request.path_qs) > LONGEST_ADDRESS:
            return
        encoded = response.encoded
        fields = [(name, value) for name, value in response.headers.items() if name not in OWN_HEADERS]
        question = _question(request.raw_path, request.headers)
        self._lessons.pop(question, None)  # so that it goes to the end, among the youngest
        self._lessons[question] = _Lesson(
            response.scope,
            response.variant,
            encoded.coding,
            encoded.etag,
            _head("200 OK", [*fields, (hdrs.CONTENT_LENGTH, str(len(encoded.body)))]),
            _head("304 Not Modified", [field for field in fields if field[0] not in BODY_HEADERS]),
            route,
        )
        if len(self._lessons) > MAX_ADDRESSES:
            self._lessons.popitem(last=False)

    def reply(self, message: RawRequestMessage, peername: object) -> bytes | None:
        """The whole reply, if it is in memory and the request is a plain page view. None: ask the application.

        `message` is an HTTP/1.1 request without a body, on a connection that stays.
        """
        started = time.perf_counter()
        headers = message.headers
        lesson = self._lessons.get(_question(message.path, headers))
        if (
            lesson is None
            or message.method not in ("GET", "HEAD")
            or hdrs.EXPECT in headers
            or (page := self._pages.ready(lesson.scope, lesson.variant)) is None
            or (encoded := page.ready(lesson.coding)) is None
            or encoded.etag != lesson.etag
            or not self._limits.read_at_once(self._addresses.group_of(peername, headers))
        ):
            return None
        if names(joined(headers, hdrs.IF_NONE_MATCH), lesson.etag):
            status, head, body = 304, lesson.head_of_304, b""
        else:
            status, head, body = 200, lesson.head, encoded.body if message.method == "GET" else b""
        self._page_cache["instant",] += 1
        request_id = problems.take_request_id(headers)
        self._tally.count(message.method, lesson.route, status, request_id, time.perf_counter() - started)
        return b"%bDate: %b\r\nX-Request-ID: %b\r\n\r\n%b" % (head, _date(int(time.time())), request_id.encode(), body)


def _question(address: str, headers: "CIMultiDictProxy[str]") -> _Question:
    """Everything in a request that its reply depends on."""
    return address, coding_for(joined(headers, hdrs.ACCEPT_ENCODING)), format_for(joined(headers, hdrs.ACCEPT))


def _head(status: str, fields: list[tuple[str, str]]) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields)]
    return "\r\n".join([*lines, ""]).encode()


def _once_a_second(make: Callable[[int], bytes]) -> Callable[[int], bytes]:
    last, made = -1, b""

    def current(second: int) -> bytes:
        nonlocal last, made
        if second != last:
            last, made = second, make(second)
        return made

    return current


@_once_a_second
def _date(second: int) -> bytes:
    """RFC 9110, 5.6.7."""
    return formatdate(second, usegmt=True).encode()
