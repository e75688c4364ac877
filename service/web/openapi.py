"""The OpenAPI 3.1 document, made from the declarations in `routes.py`: what validates is what is described.

Served at `/openapi.json`, shown at `/docs`, printed by `gatepost openapi`.
"""

import json
import re
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from inspect import cleandoc
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from service.errors import PROBLEMS, BadCursor, LoginRequired, Problem
from service.reading import shapes
from service.web import (
    embed,
    lists,
    openapi_about,
    openapi_policy,
    openapi_webhooks,
    operations,
    outgoing,
    post_keys,
    public,
    queries,
    readers,
)
from service.web.examples import COMMENT_ID, DECISION_ID, EXAMPLES
from service.web.incoming_lists import NAME_SCHEMA
from service.web.links import BY_PATHS, Links
from service.web.routes import ANYWHERE, OFF_ROUTE, ROUTES
from service.web.surface import Audience, Route

TITLE = "Gatepost"
SUMMARY = "Comment moderation for blogs that already have their own users."
PROBLEM_TYPE = "application/problem+json"
REFERENCES = "#/components/schemas/{model}"
POST_KEY = "2005/07/a-tuesday"
PARAMETERS: dict[str, tuple[str, dict[str, Any]]] = {
    "site": (
        "The site's name in the configuration",
        {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,62}$", "examples": ["blog"]},
    ),
    "post": (
        "The blog's own key of the post, percent-encoded as one segment",
        {"type": "string", **post_keys.SCHEMA, "examples": [POST_KEY]},
    ),
    "id": ("A UUIDv7", {"type": "string", "pattern": shapes.ID_PATTERN, "examples": [COMMENT_ID]}),
    "key": ("An author's key", {"type": "string", "pattern": "^[A-Za-z0-9:-]+$", "examples": ["k3v9q0c2m5x8r1t7"]}),
    **openapi_webhooks.PARAMETERS,
    "list": ("A list's name", {**NAME_SCHEMA, "examples": ["rivals"]}),
    **openapi_policy.PARAMETERS,
    "code": ("A problem's code", {"type": "string", "enum": list(PROBLEMS)}),
    **embed.PARAMETERS,
    "file": ("A file of the page", {"type": "string", "enum": list(operations.DOCS_FILES)}),
}
DECISION_PARAMETER = ("A UUIDv7", {**PARAMETERS["id"][1], "examples": [DECISION_ID]})
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The `ETag` of the reply that you have: 304 when it is still true",
    "schema": {"type": "string"},
}
# Handlers that write their response themselves (for its headers) say here what they give.
GIVES: dict[Any, Any] = {
    public.show_site: shapes.SiteReply,
    public.list_comments: shapes.PublicList,
    public.count_comments: shapes.Counts,
    public.list_latest: shapes.LatestList,
    operations.live: operations.HealthView,
    operations.ready: operations.HealthView,
}
STATUS_TEXT = {
    200: "Done.",
    201: "Made.",
    202: "Taken in.",
    204: "Done; there is nothing to say.",
    304: "You have it already.",
    503: "Not ready; `checks` says why.",
}


def _header(description: str, *, always: bool = True, **schema: Any) -> dict[str, Any]:
    return {"description": description, "required": always, "schema": {"type": "string", **schema}}


REQUEST_ID = {"X-Request-ID": _header("The request's id, yours if you sent one; the log knows it")}
LINK = {"Link": _header('Where the rest of the list is (RFC 8288): `<...>; rel="next"`', always=False)}
VALIDATED = {
    "ETag": _header("A strong validator of this reply", pattern='^"[^"]+"$'),
    "Cache-Control": _header("How long shared caches may keep it", pattern="^public, "),
    "Vary": _header("What else a cache must look at"),
}
VERSION = {"ETag": _header("The version, for `If-Match`", pattern='^"[0-9]+"$')}
RETRY_AFTER = {"Retry-After": _header("Seconds to wait", pattern="^[1-9][0-9]*$")}
# By the status that they come with.
PROBLEM_HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": _header("How to log in (RFC 6750)", pattern="^Bearer")},
    405: {"Allow": _header("The methods that this path has")},
    429: RETRY_AFTER,
    503: RETRY_AFTER,
}
SUCCESS_HEADERS: dict[Any, dict[str, Any]] = {
    readers.submit: {
        "Location": _header("Where the comment is", pattern="/v1/sites/"),
        "Idempotency-Replayed": _header("`true`: this is the first reply again", always=False, enum=["true"]),
    },
    **dict.fromkeys((lists.show_list, lists.put_list, lists.list_entries, lists.change_entries), VERSION),
    **openapi_policy.HEADERS,
}


class _Untitled(GenerateJsonSchema):
    """Schemas without a title for each member: it would only repeat the member's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def document(links: Links = BY_PATHS) -> dict[str, Any]:
    """The whole description, of a service that readers reach as `links` says."""
    schemas, named = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, named)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "version": _version(),
            "summary": SUMMARY,
            "description": openapi_about.ABOUT.replace("{problems}", openapi_about.problem_table(links)),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": links.to("") or "/"}],
        "tags": [{"name": name} for name in dict.fromkeys(route.audience.value for route in ROUTES)],
        "paths": paths,
        "webhooks": openapi_webhooks.described(REFERENCES),
        "components": {
            "schemas": schemas,
            "responses": {problem.__name__: _failure([problem]) for problem in (*ANYWHERE, *OFF_ROUTE)},
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of the blog's own login, or an API key. A site may name a cookie instead.",
                }
            },
        },
    }


def document_bytes(links: Links) -> bytes:
    """The description as JSON text."""
    return json.dumps(document(links), ensure_ascii=False, indent=1).encode()


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
    wanted[outgoing.ProblemView] = (outgoing.ProblemView, "serialization", TypeAdapter(outgoing.ProblemView))
    found, definitions = TypeAdapter.json_schemas(
        list(wanted.values()),  # type: ignore[arg-type]  # its tuple is invariant
        ref_template=REFERENCES,
        schema_generator=_Untitled,
    )
    named = {kind: schema for (kind, _), schema in found.items()}
    return definitions.get("$defs", {}), named


def _operation(route: Route, named: Mapping[Any, dict[str, Any]]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "tags": [route.audience.value],
        "summary": route.summary,
        "description": cleandoc(route.handler.__doc__ or ""),
        "parameters": [*_path_parameters(route.path), *_model_parameters(route)],
        "responses": _responses(route, named),
        "security": _security(route),
    }
    if "body" in route.takes:
        taken = route.takes["body"]
        content = {"schema": named[taken], "example": EXAMPLES[taken]}
        size = f"JSON, at most {route.max_body_bytes} bytes"
        operation["requestBody"] = {"required": True, "description": size, "content": {"application/json": content}}
    if route.is_page:
        operation["parameters"].append(IF_NONE_MATCH)
    return operation


def _security(route: Route) -> list[dict[str, list[str]]]:
    if LoginRequired in route.problems and queries.MeQuery not in route.takes.values():
        return [{"bearer": []}]
    # A visitor may ask who they are, and see a comment that is public; one that waits is shown to those who may see it.
    return [{}, {"bearer": []}] if route.audience is Audience.READERS else []


def _path_parameters(path: str) -> Iterable[dict[str, Any]]:
    for name in re.findall(r"\{(\w+)\}", path):
        description, schema = DECISION_PARAMETER if f"/decisions/{{{name}}}" in path else PARAMETERS[name]
        yield {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def _model_parameters(route: Route) -> Iterable[dict[str, Any]]:
    for place, kind in (("query", route.takes.get("query")), ("header", route.takes.get("headers"))):
        if kind is not None:
            yield from _parameters(kind, place)


def _parameters(kind: type[BaseModel], place: str) -> Iterable[dict[str, Any]]:
    schema = kind.model_json_schema(by_alias=True, schema_generator=_Untitled)
    for name, described in schema["properties"].items():
        options = [option for option in described.pop("anyOf", []) if option.get("type") != "null"]
        description = described.pop("description", "")
        shown = {**(options[0] if options else described)}
        shown.pop("description", None)
        parameter = {"name": name, "in": place, "required": name in schema.get("required", [])}
        yield {**parameter, "description": description, "schema": shown}


def _responses(route: Route, named: Mapping[Any, dict[str, Any]]) -> dict[str, Any]:
    """What a call may answer, by status. Where success and problem share a status, both media types are named."""
    found = _successes(route, named)
    for status, problems in _by_status((*route.problems, *ANYWHERE)).items():
        if len(problems) == 1 and problems[0] in ANYWHERE and status not in found:
            found[status] = {"$ref": f"#/components/responses/{problems[0].__name__}"}
            continue
        failure = _failure(problems)
        if status in found:
            failure["description"] = f"{found[status]['description']} {failure['description']}"
            failure["content"] = {**found[status]["content"], **failure["content"]}
            failure["headers"] = REQUEST_ID
        found[status] = failure
    return {str(status): found[status] for status in sorted(found)}


def _successes(route: Route, named: Mapping[Any, dict[str, Any]]) -> dict[int, dict[str, Any]]:
    given = GIVES.get(route.handler, route.gives)
    headers = {**REQUEST_ID, **SUCCESS_HEADERS.get(route.handler, {})}
    if BadCursor in route.problems:
        headers |= LINK
    if route.is_page:
        headers |= VALIDATED
    found: dict[int, dict[str, Any]] = {}
    for status in route.statuses:
        found[status] = {"description": STATUS_TEXT[status], "headers": headers}
        if given in named:
            found[status]["content"] = {route.media_type: {"schema": named[given], "example": EXAMPLES[given]}}
        elif status not in (204, 304):
            found[status]["content"] = {route.media_type: {}}
        if route.or_media_type is not None:
            found[status]["content"][route.or_media_type] = {}
    if route.is_page:
        found[304] = {"description": STATUS_TEXT[304], "headers": headers}
    return found


def _by_status(problems: Iterable[type[Problem]]) -> dict[int, list[type[Problem]]]:
    found: dict[int, list[type[Problem]]] = {}
    for problem in dict.fromkeys(problems):
        found.setdefault(problem.status, []).append(problem)
    return found


def _failure(found: list[type[Problem]]) -> dict[str, Any]:
    status = found[0].status
    schema = {
        "allOf": [{"$ref": REFERENCES.format(model="ProblemView")}],
        "properties": {"status": {"const": status}, "code": {"enum": sorted(problem.code for problem in found)}},
    }
    return {
        "description": " ".join(f"`{problem.code}`: {problem.title}." for problem in found),
        "headers": {**REQUEST_ID, **PROBLEM_HEADERS.get(status, {})},
        "content": {PROBLEM_TYPE: {"schema": schema}},
    }
