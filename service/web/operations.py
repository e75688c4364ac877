"""Operations: is it alive, is it ready, what does it count, what does it offer."""

import asyncio
import mimetypes
from collections.abc import Callable
from importlib import resources
from typing import Literal

from aiohttp import web
from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict  # pydantic reads this on Python 3.11

from service.errors import NotFound
from service.health import Health
from service.web.call import Call, to_json

HEALTH_TYPE = "application/health+json"
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Links within the page are relative: so it also works where an operator asks the service itself, past the proxy.
DOCS_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Gatepost API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</html>
"""
DOCS_START = 'SwaggerUIBundle({url: "openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null});\n'
DOCS_FILES = ("start.js", "swagger-ui.css", "swagger-ui-bundle.js")

HEALTH: web.AppKey[Health] = web.AppKey("health", Health)
OPENAPI: web.AppKey[Callable[[], bytes]] = web.AppKey("openapi")
"""Makes the description when it is first asked for: that takes as long as a third of the start."""


@with_config(ConfigDict(extra="forbid"))
class CheckView(TypedDict):
    """One thing that was looked at."""

    status: Literal["pass", "warn", "fail"]
    output: str


@with_config(ConfigDict(extra="forbid"))
class HealthView(TypedDict):
    """How the service is (draft-inadarei-api-health-check)."""

    status: Literal["pass", "warn", "fail"]
    checks: dict[str, list[CheckView]]


# GET /health/live
async def live(call: Call) -> web.Response:
    """Is the process there? Never asks the database."""
    return _health({"status": "pass", "checks": {}})


# GET /health/ready
async def ready(call: Call) -> web.Response:
    """Can it do its work? 503 and the reason when it cannot."""
    found = await call.request.app[HEALTH].checks()
    worst = max((check.status for check in found), key=["pass", "warn", "fail"].index)
    checks: dict[str, list[CheckView]] = {
        check.name: [{"status": check.status, "output": check.output}] for check in found
    }
    return _health({"status": worst, "checks": checks})


# GET /metrics
async def show_metrics(call: Call) -> web.Response:
    """What the service counts, for Prometheus. Never asks the database: in an outage this is what one looks at."""
    metrics = call.services.metrics
    for job, well in call.request.app[HEALTH].jobs().items():
        metrics.jobs.labels(job).set(int(well))
    metrics.page_cache_bytes.set(call.services.pages.bytes)
    call.services.authenticator.read_out()
    return web.Response(body=metrics.text(), headers={"Content-Type": METRICS_TYPE})


# GET /openapi.json
async def openapi(call: Call) -> web.Response:
    """The description of this API, OpenAPI 3.1."""
    described = await asyncio.to_thread(call.request.app[OPENAPI])
    return web.Response(body=described, content_type="application/json", charset="utf-8")


# GET /docs
async def docs(call: Call) -> web.Response:
    """The description as a page. Works without the internet."""
    return web.Response(text=DOCS_PAGE, content_type="text/html", headers={"Content-Security-Policy": DOCS_POLICY})


# GET /docs/{file}
async def docs_file(call: Call) -> web.Response:
    """What the page is made of."""
    name = call.request.match_info["file"]
    if name not in DOCS_FILES:
        raise NotFound
    if name == "start.js":
        return web.Response(text=DOCS_START, content_type="text/javascript")
    content = resources.files("openapi_ui_bundles").joinpath("swagger_ui", "vendor", name).read_bytes()
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return web.Response(body=content, content_type=kind, headers={"Cache-Control": "public, max-age=86400"})


def _health(view: HealthView) -> web.Response:
    return web.Response(
        body=to_json(view),
        status=503 if view["status"] == "fail" else 200,
        content_type=HEALTH_TYPE,
        headers={"Cache-Control": "no-store"},
    )
