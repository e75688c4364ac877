"""How the desk's pages go out: as HTML that no other page may show, with scripts and styles of its own only."""

from collections.abc import Mapping
from typing import Any, Final

from aiohttp import hdrs, web

from service.desk import words
from service.desk.rendering import render
from service.errors import InvalidCredential, LoginRequired, Problem
from service.model import Actor
from service.reading.language import Language
from service.web import desk_session, desk_ways, problems
from service.web.call import Call
from service.web.desk_problems import CodeOver, NeedsHttps, NoRole
from service.web.header_lists import joined

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    ),
    "Referrer-Policy": "same-origin",  # not `no-referrer`: a form on such a page would send `Origin: null`
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
LANGUAGE_COOKIE: Final = "gatepost-desk-language"
THEME_COOKIE: Final = "gatepost-desk-theme"
THEMES: Final = ("light", "dark")
ONE_PART: Final = "X-Gatepost-Part"
"""The header by which the script asks for a part of a page in place of the whole."""


def language_of(call: Call) -> Language:
    """The language that was chosen in the settings, else the browser's."""
    accepted = joined(call.request.headers, hdrs.ACCEPT_LANGUAGE) or ""
    by_weight = sorted((part.partition(";") for part in accepted.split(",")), key=lambda part: _weight(part[2]))
    return words.first_of([call.request.cookies.get(LANGUAGE_COOKIE, ""), *(part[0] for part in by_weight)])


def page(
    call: Call, template: str, *, moderator: Actor | None, status: int = 200, root: str = "./", **view: Any
) -> web.Response:
    """A whole page. `root` leads from its address to that of the queue; everything in the view is escaped."""
    theme = call.request.cookies.get(THEME_COOKIE)
    text = render(
        template,
        language=language_of(call),
        theme=theme if theme in THEMES else None,
        site=call.services.settings.sites.get(call.request.match_info.get("site", "")),
        moderator=moderator,
        form_token=desk_session.form_token_of(call, moderator) if moderator else None,
        root=root,
        **view,
    )
    return web.Response(text=text, status=status, content_type="text/html", headers=HEADERS)


def back(call: Call, location: str) -> web.Response:
    """To another page of the desk, relative to this one (303: by GET)."""
    return web.Response(status=303, headers={**HEADERS, "Location": location})


def problem_page(problem: Problem, call: Call) -> web.Response:
    """A failure as a page, with the honest status. Who is not signed in is told how to."""
    template, said = _template(problem)
    shown = page(
        call,
        template,
        moderator=None,
        status=problem.status,
        root=_root(call),
        problem=problem,
        said=said,
        request_id=problems.request_id_of(call.request),
        ways=desk_ways.ways_in(call) if "site" in call.request.match_info else None,
    )
    if problem.status == 401:
        shown.headers["WWW-Authenticate"] = "Bearer"
    if problem.retry_after_seconds is not None:
        shown.headers["Retry-After"] = str(problem.retry_after_seconds)
    return shown


def _template(problem: Problem) -> tuple[str, str | None]:
    """The page that tells of a failure, and the name of what it says first where that depends on the failure."""
    match problem:
        case CodeOver():
            return "sign_in.html", "sign-in.code-over"
        case InvalidCredential():
            return "sign_in.html", "sign-in.refused"
        case LoginRequired() | NeedsHttps():
            return "sign_in.html", None
        case NoRole():
            return "no_role.html", None
    return "problem.html", None


def _root(call: Call) -> str:
    """From the address that was asked to that of the site's queue."""
    route = call.request.match_info.route.resource
    depth = (route.canonical if route else "").count("/") - (3 if "site" in call.request.match_info else 2)
    return "../" * depth if depth > 0 else "./"


def _weight(parameters: str) -> float:
    """Below all others: what is wanted most (RFC 9110, 12.4.2)."""
    name, _, value = parameters.strip().partition("=")
    try:
        return -float(value) if name == "q" else -1.0
    except ValueError:
        return 0.0
