"""Reads a request's JSON body, strictly: UTF-8, one value, no doubled names, no NaN, bounded depth (RFC 7493)."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TypeVar

from aiohttp import web
from aiohttp.http import HttpVersion11

from service import strict_json
from service.errors import BodyTooLarge, MalformedJson, UnsupportedMediaType
from service.web.header_lists import joined

PLAIN_JSON = "application/json"
Taken = TypeVar("Taken")


def room_for(request: web.Request, limit: int, large: asyncio.Lock) -> AbstractAsyncContextManager[None]:
    """The context in which a call runs whose body may have `limit` bytes. It holds the lock `large` where that is much,
    so that only one large body is in memory at a time.

    Only moderators' calls can be so large. A second one waits, and its body is not read meanwhile.
    """
    said = limit if request.content_length is None else min(limit, request.content_length)
    return large if said > strict_json.LARGE_BYTES else nullcontext()


async def read(request: web.Request, limit: int, take: Callable[[object], Taken]) -> Taken:
    """What `take` makes of the JSON value in the body. A large one is parsed and taken on another thread.

    Raises UnsupportedMediaType, BodyTooLarge (for more than `limit` bytes), MalformedJson, and what `take` raises.
    """
    require_plain_json(request)
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    await let_come(request)
    if request.content_length is None:
        raw = await _within(request, limit)
    else:
        content = request.content
        raw = content.read_nowait() if content.is_eof() else await content.read()
    if len(raw) > strict_json.LARGE_BYTES:
        return await asyncio.to_thread(lambda: take(_parse(raw)))
    return take(_parse(raw))


async def let_come(request: web.Request) -> None:
    """Tell a client that waits for it that the body is wanted (RFC 9110, 10.1.1)."""
    if "Expect" in request.headers and request.version == HttpVersion11 and not request.content.is_eof():
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the reply has not begun


async def is_given(request: web.Request) -> bool:
    """Whether there is a body at all. An empty one that came in chunks is none."""
    return request.body_exists and bool(request.content_length or await request.content.read(1))


async def expect(request: web.Request) -> None:
    """Refuse an `Expect` that is not `100-continue`. The `100 Continue` itself is sent when `read` wants the body, so
    that a client whose request is refused anyway need not send one (RFC 9110, 10.1.1).

    Raises aiohttp's HTTPExpectationFailed.
    """
    asked = (joined(request.headers, "Expect") or "").split(",")
    if request.version == HttpVersion11 and {word.strip().lower() for word in asked} != {"100-continue"}:
        raise web.HTTPExpectationFailed


def require_plain_json(request: web.Request) -> None:
    """Raise UnsupportedMediaType unless the body says that it is uncompressed JSON in UTF-8."""
    headers = request.headers
    if headers.get("Content-Type") == PLAIN_JSON and "Content-Encoding" not in headers:  # nearly always
        return
    coding = joined(headers, "Content-Encoding")
    if coding is not None and coding.strip().lower() != "identity":
        raise UnsupportedMediaType("Send the body without Content-Encoding")
    if "Content-Type" not in headers or request.content_type != PLAIN_JSON:
        raise UnsupportedMediaType
    if (request.charset or "utf-8").lower().replace("_", "-") not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType("Send the body in UTF-8")


async def _within(request: web.Request, limit: int) -> bytes:
    """The body, which does not say how long it is."""
    found = bytearray()
    async for piece in request.content.iter_any():
        found += piece
        if len(found) > limit:
            raise _too_large(limit)
    return bytes(found)


def _parse(raw: bytes) -> object:
    try:
        return strict_json.parse(raw)
    except ValueError as error:
        raise MalformedJson(f"The body cannot be read: {error}") from None


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"This call takes at most {limit} bytes")
