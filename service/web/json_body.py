"""Reads a request's JSON body, strictly: UTF-8, one value, no doubled names, no NaN, bounded depth (RFC 7493)."""

import json
from typing import Any, NoReturn

from aiohttp import web

from service.errors import BodyTooLarge, MalformedJson, UnsupportedMediaType

MAX_BYTES = 64 * 1024
MAX_DEPTH = 32


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
    return parse(raw)


def require_plain_json(request: web.Request) -> None:
    """Raise UnsupportedMediaType unless the body says that it is uncompressed JSON in UTF-8."""
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("Send the body without Content-Encoding")
    if "Content-Type" not in request.headers or request.content_type != "application/json":
        raise UnsupportedMediaType
    if (request.charset or "utf-8").lower().replace("_", "-") not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType("Send the body in UTF-8")


def parse(raw: bytes) -> Any:
    """The value that `raw` holds. Raises MalformedJson."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedJson("The body is not UTF-8") from None
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except RecursionError:
        raise MalformedJson("The body nests too deeply") from None
    except ValueError as error:
        position = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise MalformedJson(f"The body is not valid JSON{position}") from None
    if _depth(value) > MAX_DEPTH:
        raise MalformedJson("The body nests too deeply")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedJson("The body names a member twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise MalformedJson(f"{name} is not a JSON value")


def _depth(value: Any) -> int:
    """How deeply arrays and objects nest, counted without recursion."""
    deepest, waiting = 0, [(value, 0)]
    while waiting:
        found, around = waiting.pop()
        if isinstance(found, dict | list):
            deepest = max(deepest, around + 1)
            inner = found.values() if isinstance(found, dict) else found
            waiting.extend((member, around + 1) for member in inner)
    return deepest
