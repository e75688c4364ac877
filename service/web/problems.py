"""How failures look outside: `application/problem+json` (RFC 9457), and a page that explains each code."""

import random
import re
from collections.abc import Mapping
from html import escape
from inspect import cleandoc

from aiohttp import web
from multidict import CIMultiDictProxy

from service.errors import (
    PROBLEMS,
    BodyTooLarge,
    HeadersTooLarge,
    InternalError,
    MalformedRequest,
    MethodNotAllowed,
    NotFound,
    Overloaded,
    Problem,
    RequestTimeout,
    UnsupportedMediaType,
)
from service.metrics import Metrics
from service.settings import Site
from service.web import outgoing, show
from service.web.call import Call, to_json
from service.web.links import Links

MEDIA_TYPE = "application/problem+json"
SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)
PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_BY_STATUS: dict[int, type[Problem]] = {
    400: MalformedRequest,
    404: NotFound,
    405: MethodNotAllowed,
    408: RequestTimeout,
    413: BodyTooLarge,
    415: UnsupportedMediaType,
    431: HeadersTooLarge,
    500: InternalError,
    503: Overloaded,
}


def new_request_id() -> str:
    """An id for a request that brought none."""
    return f"{random.getrandbits(96):024x}"  # tells requests apart; nobody is let in by it


def take_request_id(headers: "CIMultiDictProxy[str]") -> str:
    """The id that a request brings along, if it is sane; else a new one."""
    given = headers.get("X-Request-ID", "")
    return given if given and SANE_REQUEST_ID.fullmatch(given) else new_request_id()


def request_id_of(request: web.Request) -> str:
    """The id under which this request is logged."""
    return str(request.get(REQUEST_ID, ""))


def view(problem: Problem, links: Links, *, request_id: str, site: Site | None = None) -> outgoing.ProblemView:
    """The problem as JSON members. Nouns among its own members are shown as everywhere."""
    window = site.edit_window_seconds if site else 0
    members = show.problem_members(problem.members, edit_window_seconds=window)
    shown: outgoing.ProblemView = {
        "type": links.to(f"/problems/{problem.code}"),
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "request_id": request_id,
    }
    return {**shown, **members}  # type: ignore[typeddict-item]  # members of their own, as RFC 9457, 3.2 allows


def reply(problem: Problem, request: web.Request, site: Site | None, *, links: Links) -> web.Response:
    """The whole reply to a failed request."""
    shown = view(problem, links, request_id=request_id_of(request), site=site)
    headers = {}
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
        shown = {**shown, "login_url": login_url(site, request)}
    if problem.retry_after_seconds is not None:
        headers["Retry-After"] = str(problem.retry_after_seconds)
    return web.Response(body=to_json(shown), status=problem.status, headers=headers, content_type=MEDIA_TYPE)


def login_url(site: Site | None, request: web.Request) -> str | None:
    """The site's login page, with the page that asked (its `Referer`, if it is one of the site's) to come back to."""
    if site is None:
        return None
    page = request.headers.get("Referer", "")
    from_site = any(page == origin or page.startswith(f"{origin}/") for origin in site.origins)
    return site.login_page(page if from_site else None)


def from_http(error: web.HTTPException) -> Problem:
    """aiohttp's own refusals as problems of this service."""
    return _BY_STATUS.get(error.status, MalformedRequest if error.status < 500 else InternalError)()


def for_guard(metrics: Metrics, links: Links, status: int, detail: str) -> tuple[bytes, Mapping[str, str]]:
    """A problem for bytes that never became a request (with the first two given: `guard.RenderProblem`)."""
    problem = _BY_STATUS.get(status, MalformedRequest)(detail)
    metrics.problems.labels(problem.code).inc()
    request_id = new_request_id()
    return to_json(view(problem, links, request_id=request_id)), {
        "Content-Type": MEDIA_TYPE,
        "X-Request-ID": request_id,
    }


# GET /problems/{code}
async def explain(call: Call) -> web.Response:
    """A page that explains a problem's code."""
    problem = PROBLEMS.get(call.request.match_info["code"])
    if problem is None:
        raise NotFound
    text = escape(" ".join(cleandoc(problem.__doc__ or "").split()))
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(problem.title)}</title>"
        f"<style>body{{font:1.1rem/1.6 system-ui;max-width:40rem;margin:3rem auto;"
        f"padding:0 1rem;color:#222}}code{{background:#eee;padding:.1em .3em}}</style>"
        f"<h1>{escape(problem.title)}</h1><p><code>{problem.code}</code>, HTTP status {problem.status}</p>"
        f"<p>{text}</p></html>\n"
    )
    return web.Response(text=page, content_type="text/html", headers={"Content-Security-Policy": PAGE_POLICY})
