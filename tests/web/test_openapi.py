"""What the OpenAPI document says of the service, and the page that shows it in a real Chromium."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from playwright.async_api import Browser, expect
from typer.testing import CliRunner

from service import cli
from service.delivery.outside_events import KINDS
from service.errors import PROBLEMS
from service.web import openapi, outgoing
from service.web.examples import EXAMPLES
from service.web.routes import ANYWHERE, OFF_ROUTE, ROUTES
from service.web.surface import Audience, Route
from tests.harness import Gatepost

pytest_plugins = ["tests.browser"]

DOCUMENT = openapi.document()
OPERATIONS = [(route, DOCUMENT["paths"][route.path][route.method.lower()]) for route in ROUTES]
NAMES = [f"{route.method} {route.path}" for route in ROUTES]
each_operation = pytest.mark.parametrize(("route", "operation"), OPERATIONS, ids=NAMES)


def resolved(found: dict[str, Any]) -> dict[str, Any]:
    """What a reference points to."""
    while "$ref" in found:
        found = DOCUMENT["components"][found["$ref"].split("/")[-2]][found["$ref"].split("/")[-1]]
    return found


def codes_of(responses: Any) -> set[str]:
    """Every problem code that responses name."""
    contents = (resolved(response).get("content", {}).get(openapi.PROBLEM_TYPE) for response in responses)
    return {code for content in contents if content for code in content["schema"]["properties"]["code"]["enum"]}


def examples_in(operation: dict[str, Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Each example with its schema."""
    bodies = [operation["requestBody"]] if "requestBody" in operation else []
    for body in [*bodies, *map(resolved, operation["responses"].values())]:
        for content in body.get("content", {}).values():
            if "example" in content:
                yield content["example"], content["schema"]
    for parameter in operation["parameters"]:
        for example in parameter["schema"].get("examples", []):
            yield example, parameter["schema"]


def test_document_is_valid_openapi_3_1() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_document_has_every_route_and_nothing_else() -> None:
    described = {f"{method.upper()} {path}" for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert described == set(NAMES)


def test_document_names_every_problem_code() -> None:
    in_operations = codes_of(response for _, operation in OPERATIONS for response in operation["responses"].values())
    off_route = codes_of(DOCUMENT["components"]["responses"][problem.__name__] for problem in OFF_ROUTE)
    assert in_operations | off_route == set(PROBLEMS)
    table = DOCUMENT["info"]["description"]
    assert [code for code in PROBLEMS if f"(/problems/{code}) | {PROBLEMS[code].status} |" not in table] == []


@each_operation
def test_operation_names_the_problems_of_its_route(route: Route, operation: dict[str, Any]) -> None:
    expected = {problem.code for problem in (*route.problems, *ANYWHERE)}
    assert codes_of(operation["responses"].values()) == expected
    assert set(map(str, route.statuses)) <= set(operation["responses"])


@each_operation
def test_operation_says_what_it_is_for(route: Route, operation: dict[str, Any]) -> None:
    assert operation["summary"]
    assert operation["tags"] == [route.audience.value]
    assert [parameter["name"] for parameter in operation["parameters"] if not parameter["description"]] == []
    named = re.findall(r"\{(\w+)\}", route.path)
    assert [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"] == named


@each_operation
def test_operation_asks_for_a_credential_where_one_is_needed(route: Route, operation: dict[str, Any]) -> None:
    may_be_refused = "login-required" in codes_of(operation["responses"].values())
    may_be_nobody = "visitor" in {parameter["name"] for parameter in operation["parameters"]}
    assert (operation["security"] == [{"bearer": []}]) == (may_be_refused and not may_be_nobody)
    if route.audience in (Audience.PUBLIC, Audience.OPERATIONS):
        assert operation["security"] == []


@each_operation
def test_replies_describe_their_headers(route: Route, operation: dict[str, Any]) -> None:
    headers = {status: set(resolved(reply)["headers"]) for status, reply in operation["responses"].items()}
    assert all("X-Request-ID" in names for names in headers.values())
    assert "WWW-Authenticate" in headers.get("401", {"WWW-Authenticate"})
    assert "Retry-After" in headers.get("429", {"Retry-After"})
    assert route.path == "/health/ready" or "Retry-After" in headers["503"]
    assert ("Link" in headers[str(route.statuses[0])]) == ("bad-cursor" in codes_of(operation["responses"].values()))
    if route.is_page:
        assert {"ETag", "Cache-Control", "Vary"} <= headers["200"] & headers["304"]


def test_submission_describes_where_the_comment_is_and_that_it_was_replayed() -> None:
    submit = DOCUMENT["paths"]["/v1/sites/{site}/posts/{post}/comments"]["post"]
    assert "Idempotency-Key" in [parameter["name"] for parameter in submit["parameters"]]
    for status in ("201", "202"):
        assert {"Location", "Idempotency-Replayed"} <= set(submit["responses"][status]["headers"])


def test_wrong_method_describes_the_methods_that_are_right() -> None:
    assert "Allow" in DOCUMENT["components"]["responses"]["MethodNotAllowed"]["headers"]


def test_cookies_are_mentioned_beside_tokens() -> None:
    assert "cookie" in DOCUMENT["components"]["securitySchemes"]["bearer"]["description"]


@each_operation
def test_bodies_and_replies_have_examples_that_fit(route: Route, operation: dict[str, Any]) -> None:
    given = openapi.GIVES.get(route.handler, route.gives)
    expected = [taken for taken in (route.takes.get("body"), given) if taken not in (None, type(None))]
    shown = list(examples_in(operation))
    assert [kind for kind in expected if EXAMPLES[kind] not in [example for example, _ in shown]] == []
    for example, schema in shown:
        complete = {**schema, "components": DOCUMENT["components"]}
        assert [error.message for error in OAS31Validator(complete).iter_errors(example)] == []


def test_every_member_of_a_problem_is_described() -> None:
    members = DOCUMENT["components"]["schemas"]["ProblemView"]["properties"]
    assert {"comment", "decision", "allowed", "comment_id", "banned_until", "login_url", "errors"} <= set(members)
    assert [name for name, member in members.items() if "description" not in member] == []
    assert set(DOCUMENT["components"]["schemas"]["ErrorView"]["required"]) == set(outgoing.ErrorView.__annotations__)


async def test_service_offers_this_very_document(gatepost: Gatepost) -> None:
    answer = await gatepost.visitor.get("/openapi.json")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    assert answer.json == json.loads(json.dumps(DOCUMENT))


def test_command_prints_this_very_document() -> None:
    printed = CliRunner().invoke(cli.app, ["openapi"])
    assert (printed.exit_code, json.loads(printed.stdout)) == (0, json.loads(json.dumps(DOCUMENT)))


@pytest.mark.browser
async def test_docs_page_shows_every_call_and_asks_nobody_else(gatepost: Gatepost, chromium: Browser) -> None:
    page = await chromium.new_page()
    complaints: list[str] = []
    asked: set[str] = set()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    await page.goto(f"{gatepost.running.address}/docs")
    await expect(page.locator(".opblock")).to_have_count(len(ROUTES) + len(KINDS), timeout=30_000)
    await page.locator("#operations-front_end-submit .opblock-summary").click()
    await expect(page.locator("#operations-front_end-submit")).to_contain_text("Idempotency-Key", timeout=30_000)
    await expect(page.locator(".info")).to_contain_text("already-decided")
    await page.close()
    assert complaints == []
    assert asked - {""} == {urlsplit(gatepost.running.address).netloc}
