"""Reads a request's JSON body, strictly: UTF-8, one value, no doubled names, no NaN, bounded depth (RFC 7493)."""

from typing import Any

from aiohttp import web

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
    try:
        raw = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise BodyTooLarge from None
    try:
        return strict_json.parse(raw)
    except ValueError as error:
        raise MalformedJson(f"The body cannot be read: {error}") from None


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
