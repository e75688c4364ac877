"""Builds the aiohttp application out of the routes. Called by the composition root."""

import re
from collections.abc import Callable, Collection
from functools import cache, partial

from aiohttp import web

from service.health import Health
from service.web import json_body, openapi, operations
from service.web.call import Services
from service.web.hatch import Hatch
from service.web.routes import EVERYTHING
from service.web.shell import Shell
from service.web.surface import Route
from service.web.tally import Tally

NAME_IN_PATH = re.compile(r"\{(\w+)\}")
"""aiohttp's own pattern for a name takes no braces, and a blog's post may have them."""


def build(services: Services, *, health: Health) -> tuple[web.Application, Hatch]:
    """The application with every route, its preflight, and the shell around them; and the hatch before it."""
    tally = Tally(services.metrics)
    hatch = Hatch(services.pages, services.limits, services.addresses, tally=tally, metrics=services.metrics)
    shell = Shell(services, tally, hatch)
    application = web.Application(middlewares=[shell.around])
    application[operations.HEALTH] = health
    describe: Callable[[], bytes] = cache(partial(openapi.document_bytes, services.links))
    application[operations.OPENAPI] = describe
    by_path: dict[str, list[Route]] = {}
    for route in EVERYTHING:  # aiohttp tries them in this order: what is called most stands first
        by_path.setdefault(route.path, []).append(route)
    for path, listed in by_path.items():
        resource = application.router.add_resource(_pattern(path, by_path))
        for route in listed:
            handler = shell.handler(route)
            resource.add_route(route.method, handler, expect_handler=json_body.expect)
            if route.method == "GET":
                resource.add_route("HEAD", handler, expect_handler=json_body.expect)
        resource.add_route("OPTIONS", shell.preflight(listed))
    return application, hatch


def _pattern(path: str, paths: Collection[str]) -> str:
    """A path as aiohttp takes it. What has a path of its own is no value of a name: `queue/claims` is no entry."""
    parent, _, last = path.rpartition("/")
    words = [
        word for other, _, word in (known.rpartition("/") for known in paths) if other == parent and "{" not in word
    ]
    kept_out = f"(?!(?:{'|'.join(map(re.escape, words))})$)" if words else ""
    return NAME_IN_PATH.sub(r"{\1:[^/]+}", parent) + "/" + NAME_IN_PATH.sub(rf"{{\1:{kept_out}[^/]+}}", last)
