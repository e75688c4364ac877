"""Hands out files that are the same for everybody: those of the embed and of the desk."""

from collections.abc import Mapping
from typing import Final

from aiohttp import hdrs, web

from service.embed.bundle import File
from service.reading.page import IDENTITY, coding_for
from service.web.call import Call
from service.web.header_lists import joined, names

PINNED: Final = "public, max-age=31536000, immutable"
"""For an address with the file's own hash in it."""


def reply(call: Call, found: File, *, cache_control: str, headers: Mapping[str, str]) -> web.Response:
    """The file in the best coding that the client takes, or 304."""
    coding = coding_for(joined(call.request.headers, hdrs.ACCEPT_ENCODING))
    etag = found.etag(coding)
    kept = {"ETag": etag, "Cache-Control": cache_control, "Vary": "Accept-Encoding", **headers}
    if names(joined(call.request.headers, hdrs.IF_NONE_MATCH), etag):
        return web.Response(status=304, headers=kept)
    if coding != IDENTITY:
        kept["Content-Encoding"] = coding
    return web.Response(body=found.codings.get(coding, found.body), headers={"Content-Type": found.media_type, **kept})
