"""What a call does not know is refused, by every call of the API; headers that are lists are read whole."""

import gzip
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from service.web.routes import ROUTES
from service.web.surface import Audience, Route
from tests.harness import Gatepost
from tests.web.plain_http import JSON, Header, assert_problem, chunked, send, serving
from tests.web.test_hatch import connection, instant

pytestmark = pytest.mark.asyncio(loop_scope="module")

BLOG = "/v1/sites/blog"
LONG = "A comment with enough words to be worth compressing. " * 20
CHUNKED = ("Transfer-Encoding", "chunked")
NAMED = {
    "site": "blog",
    "post": "post",
    "id": "ID",
    "key": "KEY",
    "code": "banned",
    "file": "start.js",
    "name": "build",
    "list": "rivals",
    "rule": "links-hold",
    "version": "1",
}
API = [route for route in ROUTES if route.is_strict]
OPERATORS = [route for route in ROUTES if route.audience is Audience.OPERATIONS]
BODYLESS = [route for route in API if route.method != "GET" and "body" not in route.takes]


def _name(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gatepost(prepared_store: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gatepost]:
    async with serving(prepared_store, tmp_path_factory.mktemp("strict-calls")) as served:
        yield served


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def approved(gatepost: Gatepost) -> Any:
    """A comment that is long enough to be worth compressing."""
    return await gatepost.approved(LONG, by="mo")


async def _concrete(gatepost: Gatepost, route: Route, comment: Any) -> str:
    """The route's path with names that are there."""
    record = (await gatepost.moderator().get("decisions")).json["decisions"]
    an_id = record[-1]["id"] if "/decisions/" in route.path else comment["id"]
    names = {**NAMED, "id": an_id, "key": comment["author"]["key"]}
    return re.sub(r"\{(\w+)\}", lambda name: names[name[1]], route.path)


async def _state(gatepost: Gatepost) -> list[Any]:
    moderator = gatepost.moderator()
    return [(await moderator.get(path)).json for path in ("decisions", "me/comments", "queue")]


@pytest.mark.parametrize("route", API, ids=_name)
async def test_every_call_refuses_a_query_that_it_does_not_know(
    gatepost: Gatepost, approved: Any, route: Route
) -> None:
    target = await _concrete(gatepost, route, approved)
    before = await _state(gatepost)
    known = "&post=p" if route.path.endswith("/counts") else ""
    for query in ("utm_source=mail", "Limit=1", "a=1&a=2", "a", "%C3%A4=1", "cursor[]=x"):
        answer = await send(gatepost, route.method, f"{target}?{query}{known}", person=gatepost.moderator())
        assert_problem(answer, 422, "invalid-request")
        assert {error["in"] for error in answer.json["errors"]} == {"query"}
    assert await _state(gatepost) == before


@pytest.mark.parametrize("route", BODYLESS, ids=_name)
async def test_a_write_without_a_body_refuses_one(gatepost: Gatepost, approved: Any, route: Route) -> None:
    target = await _concrete(gatepost, route, approved)
    before = await _state(gatepost)
    mo = gatepost.moderator()
    for body in (b'{"reason":"x"}', b"{}", b"null", b"x"):
        for answer in (
            await send(gatepost, route.method, target, JSON, person=mo, body=body),
            await send(gatepost, route.method, target, JSON, CHUNKED, person=mo, body=chunked(body), length=False),
        ):
            assert_problem(answer, 422, "invalid-request")
            assert [(error["in"], error["pointer"]) for error in answer.json["errors"]] == [("body", "")]
    assert await _state(gatepost) == before


@pytest.mark.parametrize("headers", [[("Content-Length", "0")], [CHUNKED]])
async def test_an_empty_body_is_none(gatepost: Gatepost, headers: list[Header]) -> None:
    comment = await gatepost.approved(f"Hello by {headers}", post="undo")
    (decision,) = (await gatepost.moderator().get(f"decisions?comment={comment['id']}")).json["decisions"][1:]
    body = chunked(b"") if headers[0][1] == "chunked" else b""
    target = f"{BLOG}/decisions/{decision['id']}/undo"
    answer = await send(gatepost, "POST", target, *headers, person=gatepost.moderator(), body=body, length=False)
    assert answer.status == 201


@pytest.mark.parametrize("route", OPERATORS, ids=_name)
async def test_operators_calls_take_whatever_machines_add(gatepost: Gatepost, approved: Any, route: Route) -> None:
    """Health checkers add cache busters, scrapers their own parameters."""
    target = await _concrete(gatepost, route, approved)
    assert (await send(gatepost, route.method, f"{target}?cachebuster=123&x", JSON, body=b"{}")).status == 200


# --- Headers in several lines (RFC 9110, 5.3) -------------------------------------------------------------------------

IN_LINES: list[tuple[str, list[str]]] = [
    ("Accept-Encoding", ["identity;q=0.5", "gzip"]),
    ("Accept-Encoding", ["gzip;q=0", "br;q=0"]),
    ("Accept-Encoding", ["gzip;q=0.2", "br;q=0.1", "identity;q=0"]),
    ("Accept-Encoding", ["", "br"]),
    ("Accept", ["application/json;q=0.5", "text/html"]),
    ("Accept", ["text/plain", "text/html"]),
]


@pytest.mark.parametrize(("name", "values"), IN_LINES)
@pytest.mark.usefixtures("approved")
async def test_a_list_in_several_lines_means_what_it_means_in_one(
    gatepost: Gatepost, name: str, values: list[str]
) -> None:
    target = f"{BLOG}/posts/post/comments"
    ways = [[f"{name}: {', '.join(values)}"], [f"{name}: {value}" for value in values]]
    async with connection(gatepost) as to:
        said = [(await to.ask(target, *lines)).steady() for lines in ways]
        before = await instant(gatepost)
        again = [(await to.ask(target, *lines)).steady() for lines in ways]
        assert await instant(gatepost) == before + 2, "the hatch answered"
    assert said[0] == said[1] == again[0] == again[1]


@pytest.mark.usefixtures("approved")
async def test_a_coding_that_only_the_second_line_names_is_used(gatepost: Gatepost) -> None:
    lines = [("Accept-Encoding", "deflate"), ("Accept-Encoding", "gzip")]
    answer = await send(gatepost, "GET", f"{BLOG}/posts/post/comments.html", *lines)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert LONG.strip().encode() in gzip.decompress(answer.body)


@pytest.mark.usefixtures("approved")
async def test_an_etag_in_the_second_line_is_found(gatepost: Gatepost) -> None:
    etag = (await send(gatepost, "GET", f"{BLOG}/posts/post/comments")).headers["ETag"]
    lines = [("If-None-Match", '"another"'), ("If-None-Match", etag)]
    assert (await send(gatepost, "GET", f"{BLOG}/posts/post/comments", *lines)).status == 304


@pytest.mark.parametrize("codings", [["identity", "gzip"], ["gzip", "identity"], ["", "gzip"]])
async def test_a_body_is_compressed_if_any_line_says_so(gatepost: Gatepost, codings: list[str]) -> None:
    lines = [("Content-Encoding", coding) for coding in codings]
    ada = gatepost.reader("ada")
    answer = await send(
        gatepost, "POST", f"{BLOG}/posts/p/comments", JSON, *lines, person=ada, body=b'{"body":"Hello"}'
    )
    assert_problem(answer, 415, "unsupported-media-type")


@pytest.mark.parametrize("expected", [["100-continue", "a-miracle"], ["a-miracle", "100-continue"]])
async def test_an_expectation_in_any_line_must_be_one_that_can_be_met(gatepost: Gatepost, expected: list[str]) -> None:
    lines = [("Expect", one) for one in expected]
    answer = await send(
        gatepost, "POST", f"{BLOG}/posts/p/comments", JSON, *lines, person=gatepost.reader("ada"), body=b'{"body":"x"}'
    )
    assert_problem(answer, 400, "malformed-request")
