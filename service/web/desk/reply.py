"""How the desk's pages go out: as HTML that no other page may show, with scripts and styles of its own only."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from aiohttp import hdrs, web

from service.desk import words
from service.desk.rendering import Number, query, render
from service.errors import InvalidCredential, LoginRequired, Problem
from service.model import Actor
from service.moderation import policies
from service.reading.language import Language
from service.web import problems
from service.web.call import Call
from service.web.desk import session, ways
from service.web.desk.problems import CodeOver, FormOver, NeedsHttps, NoRole
from service.web.desk.unsent import Unsent
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
PART: Final = "X-Gatepost-Part"
"""The header by which the script asks for the part of a page that has changed, in place of the whole."""
ROOT_DEPTH: Final = "/desk/{site}/".count("/")


def wants_part(call: Call) -> bool:
    """Whether the script asks, which puts the part into the page that there is."""
    return call.request.headers.get(PART) == "1"


def language_of(call: Call) -> Language:
    """The language that was chosen in the settings, else the browser's."""
    accepted = joined(call.request.headers, hdrs.ACCEPT_LANGUAGE) or ""
    by_weight = sorted((part.partition(";") for part in accepted.split(",")), key=lambda part: _weight(part[2]))
    return words.first_of([call.request.cookies.get(LANGUAGE_COOKIE, ""), *(part[0] for part in by_weight)])


async def page(
    call: Call, template: str, *, moderator: Actor | None, status: int = 200, back: str = "", **view: Any
) -> web.Response:
    """A page, or a part of one. `back` is its own address, as seen from the queue; everything in the view is
    escaped. The navigation of a whole page leads to what rules did where the site has rules now."""
    has_rules = False
    if moderator is not None and not wants_part(call):
        has_rules = await call.database.read(policies.has_rules, call.site.rules)
    theme, root = call.request.cookies.get(THEME_COOKIE), root_of(call)
    site = call.services.settings.sites.get(call.request.match_info.get("site", ""))
    text = render(
        template,
        language=language_of(call),
        now=call.services.clock(),
        **{
            "theme": theme if theme in THEMES else None,
            "site": site,
            "moderator": moderator,
            "has_rules": has_rules,
            "form_token": session.form_token_of(call, moderator) if moderator else None,
            "root": root,
            "home": f"{root}../" if "site" in call.request.match_info else root,
            "back": back,
            "done": None,
            "done_author": None,
            "saved": False,
            **view,
        },
    )
    return web.Response(text=text, status=status, content_type="text/html", headers=HEADERS)


def number_in(call: Call, number: int) -> str:
    """A number as the page's language writes it."""
    return Number(language_of(call))(number)


def go_back(call: Call, back: str, **more: object) -> web.Response:
    """To another page of the desk, by GET (303). `back` is its address as seen from the queue, `more` what its query
    says beside that."""
    path, _, old = back.partition("?")
    kept = "&".join(part for part in old.split("&") if part and part.partition("=")[0] not in ("done", "saved"))
    new = query("", **more).removeprefix("?")
    location = f"{root_of(call)}{path}" + ("?" if kept or new else "") + "&".join(filter(None, (kept, new)))
    return web.Response(status=303, headers={**HEADERS, "Location": quote(location, safe="/?&=%+~:@!$'()*,;.-_")})


async def problem_page(problem: Problem, call: Call, unsent: Unsent | None) -> web.Response:
    """A failure as a page, with the honest status. Who is not signed in is told how to. `unsent` is what they sent, for
    the page to keep."""
    template, said = _template(problem)
    shown = await page(
        call,
        "problem_part.html" if wants_part(call) else template,
        moderator=None,
        status=problem.status,
        unsent=unsent,
        problem=problem,
        said=said,
        request_id=problems.request_id_of(call.request),
        ways=ways.ways_in(call) if "site" in call.request.match_info else None,
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
        case FormOver():
            return "again.html", None
    return "problem.html", None


def root_of(call: Call) -> str:
    """From the address that was asked to that of the site's queue (or, outside of sites, of the chooser)."""
    route = call.request.match_info.route.resource
    depth = (route.canonical if route else "").count("/")
    return "../" * (depth - (ROOT_DEPTH if "site" in call.request.match_info else ROOT_DEPTH - 1)) or "./"


def _weight(parameters: str) -> float:
    """Below all others: what is wanted most (RFC 9110, 12.4.2)."""
    name, _, value = parameters.strip().partition("=")
    try:
        return -float(value) if name == "q" else -1.0
    except ValueError:
        return 0.0
