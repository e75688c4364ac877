"""The hatch: hands out pages that are in memory and current, before the application is asked.

The first request for an address after a change is answered by the application. The hatch remembers that reply with all
its headers, and repeats it to whoever asks for the same address, for as long as the page in it is current. It decides
nothing itself, so its replies cannot differ from the application's. Rate limits, metrics and the log count both alike.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email.utils import formatdate

from aiohttp import hdrs, web
from aiohttp.http import RawRequestMessage
from multidict import CIMultiDictProxy

from service.metrics import Metrics
from service.reading.page import Format, PageScope, coding_for, format_for
from service.reading.pages import Pages, Variant
from service.shelf import Shelf
from service.web import problems
from service.web.address import Addresses
from service.web.header_lists import joined, names
from service.web.limits import RateLimits
from service.web.public import Published
from service.web.tally import Tally

MAX_BYTES = 16 * 1024 * 1024
"""For what is learnt: some 15,000 addresses with the heads of their replies."""
LESSON_BYTES = 600
"""What a lesson takes beside its address and its head."""
LONGEST_ADDRESS = 600
BODY_HEADERS = frozenset({hdrs.CONTENT_TYPE, hdrs.CONTENT_ENCODING, hdrs.CONTENT_LENGTH})
OWN_HEADERS = frozenset({"X-Request-ID", hdrs.CONTENT_LENGTH, hdrs.DATE, hdrs.CONNECTION})
"""Written for each reply anew."""
OK, NOT_MODIFIED = b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 304 Not Modified\r\n"

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
    """Without what is said of the body."""
    head_of_body: bytes
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
        self._lessons = Shelf(MAX_BYTES, _size)

    def learn(self, request: web.Request, response: web.StreamResponse, route: str) -> None:
        """Remember a finished reply, if it is a page and its address is of a usual length."""
        if not isinstance(response, Published) or response.status != 200 or len(request.path_qs) > LONGEST_ADDRESS:
            return
        encoded = response.encoded
        fields = [(name, value) for name, value in response.headers.items() if name not in OWN_HEADERS]
        question = _question(request.raw_path, request.headers)
        lesson = _Lesson(
            response.scope,
            response.variant,
            encoded.coding,
            encoded.etag,
            _lines(field for field in fields if field[0] not in BODY_HEADERS),
            _lines([*(field for field in fields if field[0] in BODY_HEADERS), _length(encoded.body)]),
            route,
        )
        self._lessons.put(question, lesson)

    def reply(self, message: RawRequestMessage, peername: object) -> bytes | None:
        """The whole reply, if it is in memory and the request is a plain page view. None: ask the application.

        `message` is an HTTP/1.1 request without a body, on a connection that stays.
        """
        started = time.perf_counter()
        headers = message.headers
        lesson = self._lessons.find(_question(message.path, headers))
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
            status, first, more, body = 304, NOT_MODIFIED, b"", b""
        else:
            status, first, more, body = 200, OK, lesson.head_of_body, encoded.body if message.method == "GET" else b""
        self._page_cache["instant",] += 1
        request_id = problems.take_request_id(headers)
        self._tally.count(message.method, lesson.route, status, request_id, time.perf_counter() - started)
        own = (_date(int(time.time())), request_id.encode(), body)
        return b"%b%b%bDate: %b\r\nX-Request-ID: %b\r\n\r\n%b" % (first, lesson.head, more, *own)


def _question(address: str, headers: "CIMultiDictProxy[str]") -> _Question:
    """Everything in a request that its reply depends on."""
    return address, coding_for(joined(headers, hdrs.ACCEPT_ENCODING)), format_for(joined(headers, hdrs.ACCEPT))


def _lines(fields: Iterable[tuple[str, str]]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in fields).encode()


def _length(body: bytes) -> tuple[str, str]:
    return hdrs.CONTENT_LENGTH, str(len(body))


def _size(question: _Question, lesson: _Lesson) -> int:
    return LESSON_BYTES + len(question[0]) + len(lesson.head) + len(lesson.head_of_body)


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
