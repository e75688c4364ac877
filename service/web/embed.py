"""The embed's files, for the pages of every blog. No credential is looked at, nothing of a reader is told."""

from typing import Any, Final

from aiohttp import web

from service.embed.bundle import COUNT, LANGUAGES, PARTS, SCRIPT, bundle
from service.errors import NotFound
from service.web import static_files
from service.web.call import Call
from service.web.static_files import PINNED

FRESH: Final = "public, max-age=3600, stale-while-revalidate=86400"
"""An address that stays while the file behind it changes with the service."""
PARAMETERS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "asset": (
        "A file of the embed",
        {"type": "string", "enum": [SCRIPT, COUNT, *PARTS, *(f"{name}.json" for name in LANGUAGES)]},
    ),
    "pin": ("The first digits of the script's SHA-256", {"type": "string", "pattern": "^[0-9a-f]{16}$"}),
}
"""What the addresses have in them, for the description of the API."""
ANYWHERE: Final = {"Cross-Origin-Resource-Policy": "cross-origin", "Timing-Allow-Origin": "*"}


# GET /embed.js
async def script(call: Call) -> web.Response:
    """The same script as `/embed/v1/embed.js`."""
    return _reply(call, SCRIPT, FRESH)


# GET /embed/v1/{asset}
async def asset(call: Call) -> web.Response:
    """The script of the embed, a part that it loads later, the script of `gatepost-count`, the words of a language."""
    return _reply(call, call.request.match_info["asset"], FRESH)


# GET /embed/v1/{pin}/{asset}
async def pinned_asset(call: Call) -> web.Response:
    """The same, of one version of the service for ever: `gatepost embed` prints its address and its integrity."""
    if call.request.match_info["pin"] != bundle().pin:
        raise NotFound
    return _reply(call, call.request.match_info["asset"], PINNED)


def _reply(call: Call, name: str, cache_control: str) -> web.Response:
    found = bundle().files.get(name)
    if found is None:
        raise NotFound
    return static_files.reply(call, found, cache_control=cache_control, headers=ANYWHERE)
