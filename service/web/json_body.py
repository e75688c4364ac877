"""Reads a request's JSON body, strictly: UTF-8, one value, no doubled names, no NaN, bounded depth (RFC 7493)."""

from typing import Any

from aiohttp import web
from aiohttp.http import HttpVersion11

from service import strict_json
from service.errors import BodyTooLarge, MalformedJson, UnsupportedMediaType

MAX_BYTES = 64 * 1024
PLAIN_JSON = "application/json"


async def read(request: web.Request) -> Any:
    """The JSON value in the body.

    Raises UnsupportedMediaType, BodyTooLarge or MalformedJson.
    """
    require_plain_json(request)
    if (request.content_length or 0) > MAX_BYTES:
        raise BodyTooLarge
    if "Expect" in request.headers and request.version == HttpVersion11 and not request.content.is_eof():
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the reply has not begun
    try:
        raw = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise BodyTooLarge from None
    try:
        return strict_json.parse(raw)
    except ValueError as error:
        raise MalformedJson(f"The body cannot be read: {error}") from None


async def expect(request: web.Request) -> None:
    """Of an `Expect`, refuse what cannot be done. Who waits to be asked for a body is asked when `read` wants it, so
    who would be refused anyway is told before they send it (RFC 9110, 10.1.1).

    Raises aiohttp's HTTPExpectationFailed.
    """
    if request.version == HttpVersion11 and request.headers["Expect"].lower() != "100-continue":
        raise web.HTTPExpectationFailed


def require_plain_json(request: web.Request) -> None:
    """Raise UnsupportedMediaType unless the body says that it is uncompressed JSON in UTF-8."""
    headers = request.headers
    if headers.get("Content-Type") == PLAIN_JSON and "Content-Encoding" not in headers:  # nearly always
        return
    if headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("Send the body without Content-Encoding")
    if "Content-Type" not in headers or request.content_type != PLAIN_JSON:
        raise UnsupportedMediaType
    if (request.charset or "utf-8").lower().replace("_", "-") not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType("Send the body in UTF-8")
