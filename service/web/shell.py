"""What happens around every handler: request id, rate limit, origin, problems, CORS, headers, metrics, log line."""

import time
import traceback
from collections.abc import Awaitable, Callable, Iterable

import structlog
from aiohttp import web

from service import logs
from service.errors import InternalError, InvalidCredential, OriginRefused, Problem, SlowDown
from service.settings import Site
from service.web import problems
from service.web.call import WRITES, Call, Reply, Services, to_json
from service.web.desk import reply as desk_reply
from service.web.desk import session as desk_session
from service.web.desk import unsent
from service.web.hatch import Hatch
from service.web.public import Published
from service.web.serving import SERVER_NAME
from service.web.surface import Audience, Count, Route
from service.web.tally import Tally

log = structlog.get_logger()
EXPOSED = "ETag, Idempotency-Replayed, Link, Location, Retry-After, X-Request-ID"
ALLOWED_HEADERS = (
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-ID, X-Requested-With"
)
PREFLIGHT_SECONDS = 7200
_SAFE = {
    "Server": SERVER_NAME,
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


class Shell:
    """Turns declared routes into aiohttp handlers."""

    def __init__(self, services: Services, tally: Tally, hatch: Hatch) -> None:
        self._services = services
        self._metrics = services.metrics
        self._tally = tally
        self._hatch = hatch

    def handler(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """The handler for one route."""

        async def handle(request: web.Request) -> web.StreamResponse:
            call = Call(request, self._services)
            response = await self._answer(route, call)
            self._allow_origin(route.audience, call, response)
            return response

        return handle

    def preflight(self, routes: Iterable[Route]) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """The handler for OPTIONS on a path that has these routes."""
        by_method = {route.method: route for route in routes}
        allow = ", ".join(sorted({*by_method, "OPTIONS", *(["HEAD"] if "GET" in by_method else [])}))

        async def handle(request: web.Request) -> web.StreamResponse:
            response = web.Response(status=204, headers={"Allow": allow})
            method = request.headers.get("Access-Control-Request-Method", "")
            asked = by_method.get("GET" if method == "HEAD" else method)
            if asked is not None and "Origin" in request.headers:
                self._allow_origin(asked.audience, Call(request, self._services), response)
                response.headers["Access-Control-Allow-Methods"] = allow
                response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
                response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
            return response

        return handle

    @web.middleware
    async def around(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Everything that also holds where no route matched."""
        started = time.perf_counter()
        request[problems.REQUEST_ID] = problems.take_request_id(request.headers)
        logs.REQUEST_ID.set(problems.request_id_of(request))  # for what others log on behalf of this request
        try:
            response = await handler(request)
        except web.HTTPException as error:
            problem = problems.from_http(error)
            self._metrics.problems.labels(problem.code).inc()
            response = problems.reply(problem, request, None, links=self._services.links)
            if isinstance(error, web.HTTPMethodNotAllowed):
                response.headers["Allow"] = error.headers["Allow"]
        self._finish(request, response)
        resource = request.match_info.route.resource
        route = resource.canonical if resource else "none"
        self._tally.count(
            request.method, route, response.status, problems.request_id_of(request), time.perf_counter() - started
        )
        if isinstance(response, Published):
            self._hatch.learn(request, response, route)
        return response

    async def _answer(self, route: Route, call: Call) -> web.StreamResponse:
        try:
            await self._admit(route, call)
            answer = await route.answer(call)
        except InvalidCredential as problem:
            return await self._refusal(await self._counted(problem, call), call, route)
        except Problem as problem:
            return await self._refusal(problem, call, route)
        except web.HTTPException:
            raise
        except Exception as error:  # noqa: BLE001  # a bug: 500, the request id, and nothing more
            log.error(
                "request.failed",
                request_id=problems.request_id_of(call.request),
                error=type(error).__name__,  # its sentence may quote what somebody wrote
                where=traceback.format_tb(error.__traceback__),
            )
            return await self._refusal(InternalError(), call, route)
        if isinstance(answer, web.StreamResponse):
            return answer
        return _response(answer)

    async def _admit(self, route: Route, call: Call) -> None:
        """What is checked before a handler runs and before it looks at what it was sent.

        Raises UnknownSite, MalformedRequest, OriginRefused, SlowDown, and what `Call.moderator` and `Call.reader`
        raise.
        """
        if "site" in call.request.match_info:
            _ = call.site
            if route.audience is not Audience.PUBLIC:
                call.require_single_headers()
            if call.request.method in WRITES and not route.is_of_the_desk:
                _refuse_foreign_origin(call)
        if route.counts is Count.READ:
            await self._services.limits.read_from(self._services.addresses.group(call.request))
        elif route.counts is Count.SUBMIT:
            await self._services.limits.submit_from(self._services.addresses.group(call.request))
        elif route.counts is Count.SIGN_IN:
            await self._services.limits.sign_in_from(self._services.addresses.group(call.request))
        if route.audience is Audience.MODERATORS:  # who may not ask is not told what is wrong with the question
            await self._services.limits.moderate_by(call.site_key, (await call.somebody()).key)
            await call.moderator()
        elif route.audience is Audience.DESK:
            await desk_session.admit(call)
        elif route.audience is Audience.READERS and call.request.method in WRITES:
            await call.reader()

    async def _counted(self, problem: Problem, call: Call) -> Problem:
        """A refused credential counts as a read, so that nobody can guess for ever: returns `problem`, or SlowDown."""
        try:
            await self._services.limits.read_from(self._services.addresses.group(call.request))
        except SlowDown as slow_down:
            return slow_down
        return problem

    async def _refusal(self, problem: Problem, call: Call, route: Route) -> web.Response:
        self._metrics.problems.labels(problem.code).inc()
        if route.is_of_the_desk:
            kept = await unsent.kept(problem, call) if route.audience is Audience.DESK else None
            return await desk_reply.problem_page(problem, call, kept)
        return problems.reply(problem, call.request, _site_of(call), links=self._services.links)

    def _allow_origin(self, audience: Audience, call: Call, response: web.StreamResponse) -> None:
        """CORS: everybody may read what is public; all else is for the site's own pages, with their credentials."""
        headers = response.headers
        if audience in (Audience.PUBLIC, Audience.EMBED):
            headers["Access-Control-Allow-Origin"] = "*"
            headers["Access-Control-Expose-Headers"] = EXPOSED
            return
        if audience not in (Audience.READERS, Audience.MODERATORS):
            return
        headers.add("Vary", "Origin")
        site = _site_of(call)
        asked = call.request.headers.getall("Origin", [])
        for origin in site.origins if site else ():
            if [origin] == asked:
                headers["Access-Control-Allow-Origin"] = origin
                headers["Access-Control-Allow-Credentials"] = "true"
                headers["Access-Control-Expose-Headers"] = EXPOSED

    def _finish(self, request: web.Request, response: web.StreamResponse) -> None:
        headers = response.headers
        headers["X-Request-ID"] = problems.request_id_of(request)
        for name, value in _SAFE.items():
            headers.setdefault(name, value)
        headers.setdefault("Cache-Control", "private, no-store")


def _response(answer: "Reply[object]") -> web.Response:
    if answer.payload is None:
        return web.Response(status=answer.status, headers=answer.headers)
    return web.Response(
        body=answer.payload if isinstance(answer.payload, bytes) else to_json(answer.payload),
        status=answer.status,
        headers={"Content-Type": "application/json; charset=utf-8", **answer.headers},
    )


def _site_of(call: Call) -> Site | None:
    return call.services.settings.sites.get(call.request.match_info.get("site", ""))


def _refuse_foreign_origin(call: Call) -> None:
    origin = call.request.headers.get("Origin")
    if origin is not None and origin not in call.site.origins:
        raise OriginRefused
