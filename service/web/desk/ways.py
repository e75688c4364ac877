"""Which ways to sign in a site has, as the pages show them that are seen by whoever is not signed in."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode

from aiohttp import web

from service.web.call import PATH_CHARACTERS, Call
from service.web.desk import origin
from service.web.desk.forms import BACK

OF_A_MOMENT: Final = ("done", "saved")
"""What stands in the address of a page only right after something was done."""


_WANTED: Final[web.RequestKey[str]] = web.RequestKey("wanted", str)


@dataclass(frozen=True, slots=True)
class Ways:
    """`login_page` is the blog's, None where it does not say. `by_token`: a token can be pasted. Neither is shown where
    a browser would not keep the desk's cookie (`is_secure`). `next` is the page that was wanted, as seen from the
    queue. `has_tried`: this answers somebody who has just sent a token or a code."""

    login_page: str | None
    by_token: bool
    is_secure: bool
    next: str
    has_tried: bool


def remember(call: Call, wanted: str) -> None:
    """Where somebody wants to go who signs in now: what fails offers the way in once more, and it leads there still."""
    call.request[_WANTED] = wanted


def ways_in(call: Call) -> Ways | None:
    """Those of the site in the path; None where there is no such site."""
    site = call.services.settings.sites.get(call.request.match_info["site"])
    if site is None:
        return None
    wanted = _wanted(call)
    return Ways(
        login_page=site.login_page(_address(call, wanted)),
        by_token=call.services.authenticator.reads_tokens(site.key),
        is_secure=origin.is_secure(call),
        next=wanted,
        has_tried=call.request.method == "POST" and _WANTED in call.request,
    )


def _wanted(call: Call) -> str:
    """The page of the desk that was asked for, as seen from the queue; the queue where it was none."""
    if _WANTED in call.request:
        return call.request[_WANTED]
    if call.request.method != "GET":
        return ""
    asked = call.request.rel_url
    path = quote(asked.raw_path, safe=PATH_CHARACTERS).removeprefix(f"/desk/{call.site_key}/")
    kept = [(name, value) for name, value in parse_qsl(asked.raw_query_string) if name not in OF_A_MOMENT]
    place = f"{path}?{urlencode(kept)}" if kept else path
    return place if re.fullmatch(BACK, place) else ""


def _address(call: Call, place: str) -> str:
    """Where the blog should send somebody back to. Nobody else is shown this page, so where the owner has not said how
    the service is reached, it is as this browser has reached it."""
    root = call.services.settings.server.public_url or origin.seen_by_browser(call)
    return f"{root}/desk/{call.site_key}/{place}"
