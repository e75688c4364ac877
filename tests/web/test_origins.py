"""CORS: everybody may read what is public, the site's own pages may do the rest, nobody else (robustness, 10)."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from service.web.routes import ROUTES
from service.web.surface import Audience
from tests.harness import ORIGIN, Answer, Gatepost, token
from tests.web.plain_http import JSON, Header, send, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECOND = "http://localhost:4000"
STRANGERS = [
    "null",
    "https://evil.example",
    f"{ORIGIN}.evil.example",
    f"{ORIGIN}/",
    "http://blog.example",
    "*",
    "",
    "x" * 300,
]
NAMES = {"{site}": "blog", "{post}": "p", "{id}": "x", "{key}": "x", "{code}": "banned", "{file}": "start.js"}
WRITTEN_DOWN = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-ID, X-Requested-With"
EXPOSED = {"ETag", "Idempotency-Replayed", "Link", "Location", "Retry-After", "X-Request-ID"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gatepost(prepared_store: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gatepost]:
    async with serving(prepared_store, tmp_path_factory.mktemp("origins"), origins=[ORIGIN, SECOND]) as served:
        yield served


def _concrete(path: str) -> str:
    for name, value in NAMES.items():
        path = path.replace(name, value)
    return path


def _cors(answer: Answer) -> dict[str, str]:
    return {name.title(): value for name, value in answer.headers.items() if name.lower().startswith("access-control-")}


def _assert_open_to_all(answer: Answer) -> None:
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Origin" not in answer.headers.get("Vary", "")


def _assert_open_to(answer: Answer, origin: str) -> None:
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert "Origin" in answer.headers["Vary"]


PUBLIC = [route for route in ROUTES if route.audience is Audience.PUBLIC]
OWN = [route for route in ROUTES if route.audience in {Audience.READERS, Audience.MODERATORS}]
OPERATIONS = [route for route in ROUTES if route.audience is Audience.OPERATIONS]


def _ids(routes: list[Any]) -> list[str]:
    return [f"{route.method} {route.path}" for route in routes]


@pytest.mark.parametrize(
    "path",
    [
        "sites/blog/posts/p/comments",
        "sites/blog/comments",
        "sites/blog/counts?post=p",
        "sites/blog/counts",
        "sites/blog/comments?limit=0",
        "sites/blog/comments?cursor=x",
        "sites/blog/posts/%00/comments",
        "sites/nope/comments",
    ],
)
async def test_public_reading_and_its_errors_are_for_every_page(gatepost: Gatepost, path: str) -> None:
    replies = []
    for origin in (None, ORIGIN, "null", "https://evil.example"):
        headers = [("Origin", origin)] if origin is not None else []
        answer = await send(gatepost, "GET", f"/v1/{path}", *headers)
        _assert_open_to_all(answer)
        assert set(answer.headers["Access-Control-Expose-Headers"].split(", ")) == EXPOSED
        replies.append((answer.status, _cors(answer), answer.headers.get("Vary"), answer.headers.get("ETag")))
    assert all(reply == replies[0] for reply in replies)


async def test_an_unchanged_page_is_for_every_page_too(gatepost: Gatepost) -> None:
    first = await send(gatepost, "GET", "/v1/sites/blog/comments")
    again = await send(
        gatepost, "GET", "/v1/sites/blog/comments", ("If-None-Match", first.headers["ETag"]), ("Origin", "null")
    )
    assert again.status == 304
    _assert_open_to_all(again)


async def _call(gatepost: Gatepost, route: Any, *headers: Header) -> Answer:
    bearer = ("Authorization", f"Bearer {token('mo', now=gatepost.clock(), roles=['moderator'])}")
    more, body = ([JSON], b"{}") if "body" in route.takes else ([], b"")
    return await send(gatepost, route.method, _concrete(route.path), bearer, *headers, *more, body=body)


@pytest.mark.parametrize("route", OWN, ids=_ids(OWN))
async def test_all_else_is_for_the_sites_own_pages_with_their_credentials(gatepost: Gatepost, route: Any) -> None:
    for origin in (ORIGIN, SECOND):
        answer = await _call(gatepost, route, ("Origin", origin))
        assert answer.code != "origin-refused"
        _assert_open_to(answer, origin)
        assert set(answer.headers["Access-Control-Expose-Headers"].split(", ")) == EXPOSED


@pytest.mark.parametrize("route", OWN, ids=_ids(OWN))
async def test_all_else_says_nothing_to_strangers(gatepost: Gatepost, route: Any) -> None:
    for origin in STRANGERS:
        answer = await _call(gatepost, route, ("Origin", origin))
        assert _cors(answer) == {}
        assert "Origin" in answer.headers["Vary"]
    without = await _call(gatepost, route)
    assert _cors(without) == {}
    assert "Origin" in without.headers["Vary"]


@pytest.mark.parametrize("path", ["/v1/sites/blog/me", "/v1/sites/blog/queue", "/v1/sites/blog/comments/x"])
async def test_a_refusal_can_be_read_by_the_sites_own_pages(gatepost: Gatepost, path: str) -> None:
    for headers in ([], [("Authorization", "Bearer bad")]):
        answer = await send(gatepost, "GET", path, ("Origin", ORIGIN), *headers)
        assert answer.status in {401, 404}
        _assert_open_to(answer, ORIGIN)


async def test_one_sites_pages_are_strangers_to_another(gatepost: Gatepost) -> None:
    answer = await send(gatepost, "GET", "/v1/sites/other/me", ("Origin", ORIGIN))
    assert _cors(answer) == {}
    asked = await _preflight(gatepost, "/v1/sites/other/me", "GET", ORIGIN)
    assert "Access-Control-Allow-Origin" not in asked.headers


async def _preflight(gatepost: Gatepost, path: str, method: str, origin: str) -> Answer:
    answer = await send(
        gatepost,
        "OPTIONS",
        path,
        ("Origin", origin),
        ("Access-Control-Request-Method", method),
        ("Access-Control-Request-Headers", "authorization,content-type,x-requested-with"),
    )
    assert (answer.status, answer.body) == (204, b"")
    return answer


@pytest.mark.parametrize("route", OWN, ids=_ids(OWN))
async def test_a_preflight_lets_the_sites_own_pages_in(gatepost: Gatepost, route: Any) -> None:
    for origin in (ORIGIN, SECOND):
        answer = await _preflight(gatepost, _concrete(route.path), route.method, origin)
        _assert_open_to(answer, origin)
        assert route.method in answer.headers["Access-Control-Allow-Methods"].split(", ")
        assert answer.headers["Access-Control-Allow-Headers"] == WRITTEN_DOWN
        assert int(answer.headers["Access-Control-Max-Age"]) == 7200


@pytest.mark.parametrize("route", OWN, ids=_ids(OWN))
async def test_a_preflight_lets_no_stranger_in(gatepost: Gatepost, route: Any) -> None:
    for origin in STRANGERS:
        answer = await _preflight(gatepost, _concrete(route.path), route.method, origin)
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("route", PUBLIC, ids=_ids(PUBLIC))
async def test_a_preflight_of_public_reading_lets_everybody_in(gatepost: Gatepost, route: Any, method: str) -> None:
    for origin in (ORIGIN, *STRANGERS[:3]):
        answer = await _preflight(gatepost, _concrete(route.path), method, origin)
        _assert_open_to_all(answer)
        assert method in answer.headers["Access-Control-Allow-Methods"].split(", ")


@pytest.mark.parametrize("method", ["PUT", "TRACE", "get", "", "PATCH"])
async def test_a_preflight_for_a_method_that_is_not_there_lets_nobody_in(gatepost: Gatepost, method: str) -> None:
    answer = await _preflight(gatepost, "/v1/sites/blog/posts/p/comments", method, ORIGIN)
    assert _cors(answer) == {}


async def test_the_sites_pages_may_submit_where_everybody_may_read(gatepost: Gatepost) -> None:
    """One path, two audiences: the preflight answers for the method that is asked for."""
    path = "/v1/sites/blog/posts/p/comments"
    _assert_open_to(await _preflight(gatepost, path, "POST", ORIGIN), ORIGIN)
    assert "Access-Control-Allow-Origin" not in (await _preflight(gatepost, path, "POST", "null")).headers
    _assert_open_to_all(await _preflight(gatepost, path, "GET", "null"))


@pytest.mark.parametrize("route", OPERATIONS, ids=_ids(OPERATIONS))
async def test_operations_are_for_no_page(gatepost: Gatepost, route: Any) -> None:
    answer = await send(gatepost, "GET", _concrete(route.path), ("Origin", ORIGIN))
    assert answer.status == 200
    assert _cors(answer) == {}
    assert (
        "Access-Control-Allow-Origin" not in (await _preflight(gatepost, _concrete(route.path), "GET", ORIGIN)).headers
    )


async def test_the_guide_lists_the_headers_that_pages_may_send_and_read() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")
    sentence = guide.partition("A page may send the headers")[2].partition("\n- ")[0]
    sent, _, read = sentence.partition("and read")
    assert {*re.findall("`([^`]+)`", sent)} == {*WRITTEN_DOWN.split(", ")}
    assert {*re.findall("`([^`]+)`", read.partition(".")[0])} == EXPOSED


async def test_cookies_of_the_blog_are_never_set_or_asked_for(gatepost: Gatepost) -> None:
    for route in (*PUBLIC, *OWN, *OPERATIONS):
        assert "Set-Cookie" not in (await _call(gatepost, route, ("Origin", ORIGIN))).headers
