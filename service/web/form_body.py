"""Reads a request's body as a form of the desk's pages sends it: names and values, percent-encoded, in UTF-8."""

from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict

from service.errors import BodyTooLarge, MalformedRequest, UnsupportedMediaType
from service.web.json_body import let_come

FORM: Final = "application/x-www-form-urlencoded"
MOST_FIELDS: Final = 1_000
FIELDS: Final[web.RequestKey[MultiDict[str]]] = web.RequestKey("fields", MultiDict[str])
"""Where a request keeps them once they were read."""


async def read(request: web.Request, limit: int) -> MultiDict[str]:
    """The fields in their order, also those without a value.

    Raises UnsupportedMediaType, BodyTooLarge (for more than `limit` bytes) and MalformedRequest.
    """
    if "Content-Encoding" in request.headers or request.content_type != FORM:
        raise UnsupportedMediaType(f"Send the form as {FORM}")
    await let_come(request)
    found = bytearray()
    async for piece in request.content.iter_any():
        found += piece
        if len(found) > limit:
            raise BodyTooLarge(f"This form takes at most {limit} bytes")
    try:
        fields = parse_qsl(found.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise MalformedRequest("The form cannot be read: it must be percent-encoded UTF-8") from None
    request[FIELDS] = MultiDict(fields)
    return request[FIELDS]
