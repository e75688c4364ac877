"""The OpenAPI 3.1 document, made from the declarations in `routes.py`: what validates is what is described."""

import json
import re
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from inspect import cleandoc
from typing import Any

from pydantic import BaseModel, TypeAdapter

from service.errors import InternalError, Problem
from service.web import operations, public, wire
from service.web.routes import ROUTES
from service.web.surface import Audience, Route

TITLE = "Gatepost"
ABOUT = "Comment moderation for blogs that already have their own users."
PROBLEM_TYPE = "application/problem+json"
REFERENCES = "#/components/schemas/{model}"
PARAMETERS: dict[str, dict[str, Any]] = {
    "site": {
        "type": "string",
        "pattern": "^[a-z0-9][a-z0-9-]{0,62}$",
        "description": "The site's name in the configuration.",
    },
    "post": {
        "type": "string",
        "minLength": 1,
        "maxLength": 512,
        "pattern": r"^[^\u0000]*$",
        "description": "The blog's own key of the post.",
    },
    "id": {"type": "string", "format": "uuid", "description": "A UUIDv7."},
    "key": {"type": "string", "pattern": "^[A-Za-z0-9:-]+$", "description": "An author's key."},
    "code": {"type": "string", "pattern": "^[a-z-]+$", "description": "A problem's code."},
    "file": {"type": "string", "pattern": r"^[a-z-]+\.[a-z]+$", "description": "A file of the page."},
}
# Handlers that write their response themselves (for its headers) say here what they give.
GIVES: dict[Any, Any] = {
    public.list_comments: wire.PublicList,
    public.count_comments: wire.Counts,
    public.list_latest: wire.LatestList,
    operations.live: operations.HealthView,
    operations.ready: operations.HealthView,
}
STATUS_TEXT = {
    200: "Done.",
    201: "Made.",
    202: "Taken in; it waits for a moderator.",
    204: "Done; there is nothing to say.",
    304: "You have it already.",
    503: "Not ready; `checks` says why.",
}


def document() -> dict[str, Any]:
    """The whole description."""
    schemas, named = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, named)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "version": _version(),
            "description": ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": audience.value} for audience in Audience],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of the blog's own login, or an API key (`gp_...`). A site may name a cookie instead.",
                }
            },
        },
    }


def document_bytes() -> bytes:
    """The description as JSON text."""
    return json.dumps(document(), ensure_ascii=False, indent=1).encode()


def _version() -> str:
    try:
        return version("gatepost")
    except PackageNotFoundError:
        return "0"


def _schemas() -> tuple[dict[str, Any], dict[Any, dict[str, Any]]]:
    """Every schema by name, and for each type that a route takes or gives a reference to its schema."""
    wanted: dict[Any, tuple[Any, str, TypeAdapter[Any]]] = {}
    for route in ROUTES:
        given = GIVES.get(route.handler, route.gives)
        if given not in (None, type(None)):
            wanted[given] = (given, "serialization", TypeAdapter(given))
        for kind in route.takes.values():
            wanted[kind] = (kind, "validation", TypeAdapter(kind))
    wanted[wire.ProblemView] = (wire.ProblemView, "serialization", TypeAdapter(wire.ProblemView))
    found, definitions = TypeAdapter.json_schemas(list(wanted.values()), ref_template=REFERENCES)  # type: ignore[arg-type]  # its tuple is invariant
    named = {kind: schema for (kind, _), schema in found.items()}
    return definitions.get("$defs", {}), named


def _operation(route: Route, named: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    described = cleandoc(route.handler.__doc__ or "")
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "tags": [route.audience.value],
        "summary": route.summary,
        "description": described,
        "parameters": [*_path_parameters(route.path), *_model_parameters(route)],
        "responses": {**_successes(route, named), **_failures(route)},
    }
    if "body" in route.takes:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": named[route.takes["body"]]}},
        }
    if route.audience in (Audience.READERS, Audience.MODERATORS):
        operation["security"] = [{"bearer": []}]
    return operation


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": PARAMETERS[name]}
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _model_parameters(route: Route) -> Iterable[dict[str, Any]]:
    for place, kind in (("query", route.takes.get("query")), ("header", route.takes.get("headers"))):
        if kind is not None:
            yield from _parameters(kind, place)


def _parameters(kind: type[BaseModel], place: str) -> Iterable[dict[str, Any]]:
    schema = kind.model_json_schema(by_alias=True)
    for name, described in schema["properties"].items():
        options = [option for option in described.get("anyOf", []) if option.get("type") != "null"]
        shown = {**options[0]} if options else {key: value for key, value in described.items() if key != "title"}
        yield {"name": name, "in": place, "required": name in schema.get("required", []), "schema": shown}


def _successes(route: Route, named: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    given = GIVES.get(route.handler, route.gives)
    found: dict[str, Any] = {}
    for status in route.statuses:
        reply: dict[str, Any] = {"description": STATUS_TEXT[status]}
        if given in named:
            reply["content"] = {route.media_type: {"schema": named[given]}}
        elif status != 204:
            reply["content"] = {route.media_type: {}}
        found[str(status)] = reply
    if route.audience is Audience.PUBLIC:
        found["304"] = {"description": STATUS_TEXT[304]}
    return found


def _failures(route: Route) -> dict[str, Any]:
    """Problems by status; each status names its codes."""
    by_status: dict[int, list[type[Problem]]] = {}
    for problem in (*route.problems, InternalError):
        by_status.setdefault(problem.status, []).append(problem)
    return {str(status): _failure(found) for status, found in sorted(by_status.items()) if status not in route.statuses}


def _failure(found: list[type[Problem]]) -> dict[str, Any]:
    codes = sorted({problem.code for problem in found})
    schema = {
        "allOf": [{"$ref": REFERENCES.format(model="ProblemView")}],
        "properties": {"code": {"enum": codes}},
    }
    return {
        "description": " ".join(f"`{problem.code}`: {problem.title}." for problem in found),
        "content": {PROBLEM_TYPE: {"schema": schema}},
    }
