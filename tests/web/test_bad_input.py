"""Bad input, in tables: each row has its exact status and problem code, and nothing is stored (robustness, 14).

One service answers all rows of a worker: whatever a row does, the next one must find the service as it was.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from service.web.routes import ROUTES
from tests.harness import Answer, Gatepost, Person
from tests.web.plain_http import DEADLINE_SECONDS, JSON, Header, assert_problem, chunked, exchange, send, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

SUBMIT = "/v1/sites/blog/posts/p/comments"
GOOD = b'{"body":"Hello"}'
LIMITS = {(route.method, route.path): route.max_body_bytes for route in ROUTES if "body" in route.takes}
LIMIT = LIMITS["POST", "/v1/sites/{site}/posts/{post}/comments"]
UNKNOWN_ID = "0189abcd-0000-7000-8000-000000000000"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gatepost(prepared_store: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gatepost]:
    async with serving(prepared_store, tmp_path_factory.mktemp("bad-input")) as served:
        words = {"title": "Words", "kind": "words"}
        await _everybody(served).call("PUT", "lists/words", headers={"If-None-Match": "*"}, json=words)
        yield served


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def comment(gatepost: Gatepost) -> Any:
    """A waiting comment of the person who tries everything."""
    submitted = await _everybody(gatepost).submit("A comment that waits", post="comment")
    return submitted.json["comment"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(gatepost: Gatepost) -> str:
    """A post with three approved comments; the reply is a cursor of its list."""
    for text in ("One", "Two", "Three"):
        await gatepost.approved(text, post="page")
    cursor: str = (await gatepost.public(post="page", limit=1))["next"]
    return cursor


def _everybody(gatepost: Gatepost) -> Person:
    """Somebody who may do everything: a refusal is never for lack of permission."""
    return gatepost.reader("ada", roles=["admin"])


async def _state(gatepost: Gatepost) -> object:
    """How many comments wait (every new one does), and the one that everything is tried upon."""
    moderator = _everybody(gatepost)
    everything = (await moderator.get("queue", params={"limit": 1})).json
    tried = (await moderator.get("queue", params={"post": "comment"})).json
    return everything["total"], tried["entries"]


async def _assert_refused(
    gatepost: Gatepost, status: int, code: str, method: str, target: str, *headers: Header, **options: Any
) -> Answer:
    before = await _state(gatepost)
    answer = await send(gatepost, method, target, *headers, person=_everybody(gatepost), **options)
    assert_problem(answer, status, code)
    assert await _state(gatepost) == before
    return answer


async def _assert_invalid(
    gatepost: Gatepost, pointer: str, place: str, method: str, target: str, *headers: Header, **options: Any
) -> None:
    answer = await _assert_refused(gatepost, 422, "invalid-request", method, target, *headers, **options)
    assert (pointer, place) in [(error["pointer"], error["in"]) for error in answer.json["errors"]], answer.json
    assert all(error["detail"] for error in answer.json["errors"])


# --- The body as bytes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/problem+json",
        "application/jsonx",
        "application/json, text/plain",
        "application/json; charset=utf-16",
        "application/json; charset=iso-8859-1",
        "application/json; charset=nonsense",
    ],
)
async def test_a_body_that_is_not_said_to_be_json_in_utf8_is_415(gatepost: Gatepost, content_type: str | None) -> None:
    headers = [("Content-Type", content_type)] if content_type is not None else []
    await _assert_refused(gatepost, 415, "unsupported-media-type", "POST", SUBMIT, *headers, body=GOOD)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "x-gzip", "", "gzip, identity", "identity, identity"])
async def test_a_compressed_body_is_415(gatepost: Gatepost, coding: str) -> None:
    coded = ("Content-Encoding", coding)
    await _assert_refused(gatepost, 415, "unsupported-media-type", "POST", SUBMIT, JSON, coded, body=GOOD)


@pytest.mark.parametrize(
    "headers",
    [
        [("Content-Type", "application/json; charset=utf-8")],
        [("Content-Type", 'APPLICATION/JSON;charset="UTF-8"')],
        [JSON, ("Content-Encoding", "identity")],
        [JSON, ("Content-Encoding", "Identity")],
    ],
)
async def test_json_in_utf8_is_taken_however_it_is_spelled(gatepost: Gatepost, headers: list[Header]) -> None:
    body = json.dumps({"body": f"Said as {headers}"}).encode()
    answer = await send(gatepost, "POST", SUBMIT, *headers, body=body, person=_everybody(gatepost))
    assert answer.status == 202


def _nested(levels: int) -> bytes:
    return b'{"body":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


MALFORMED = {
    "empty": b"",
    "blank": b"  \n",
    "not-json": b"body=Hello",
    "half": b'{"body":"Hello"',
    "single-quotes": b"{'body':'Hello'}",
    "trailing-comma": b'{"body":"Hello",}',
    "comment": b'{"body":"Hello"/**/}',
    "more-after-it": GOOD + b" x",
    "two-values": GOOD + GOOD,
    "byte-order-mark": b"\xef\xbb\xbf" + GOOD,
    "utf-16": GOOD.decode().encode("utf-16"),
    "utf-16-without-mark": GOOD.decode().encode("utf-16-le"),
    "latin-1": b'{"body":"\xe4"}',
    "overlong-utf-8": b'{"body":"\xc0\xaf"}',
    "surrogate-in-utf-8": b'{"body":"\xed\xa0\x80"}',
    "raw-newline-in-a-text": b'{"body":"a\nb"}',
    "raw-nul": b'{"body":"a\0b"}',
    "nan": b'{"body":NaN}',
    "infinity": b'{"body":Infinity}',
    "minus-infinity": b'{"body":"Hello","post":{"title":-Infinity}}',
    "number-of-5000-digits": b'{"body":' + b"9" * 5000 + b"}",
    "a-member-twice": b'{"body":"Hello","body":"Hello"}',
    "a-member-twice-by-escape": b'{"body":"Hello","b\\u006fdy":"Hello"}',
    "a-member-twice-inside": b'{"body":"Hello","post":{"title":"a","title":"a"}}',
    "33-levels": _nested(33),
    "10000-levels": _nested(10_000),
    "30000-objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
async def test_a_body_that_is_not_strict_json_is_400(gatepost: Gatepost, body: bytes) -> None:
    await _assert_refused(gatepost, 400, "malformed-json", "POST", SUBMIT, JSON, body=body)


INVALID = {
    "array": (b"[]", ""),
    "number": (b"1", ""),
    "text": (b'"Hello"', ""),
    "null": (b"null", ""),
    "true": (b"true", ""),
    "nothing-in-it": (b"{}", "/body"),
    "32-levels": (_nested(32), "/body"),
    "1e999": (b'{"body":1e999}', "/body"),
    "number-of-4000-digits": (b'{"body":' + b"9" * 4000 + b"}", "/body"),
    "nul-in-a-name": (b'{"body":"Hello","\\u0000":1}', "/\0"),
    "slash-and-tilde-in-a-name": (b'{"body":"Hello","a/b~c":1}', "/a~1b~0c"),
    "surrogate-in-a-name": (b'{"body":"Hello","\\ud800":1}', ""),
    "other-case": (b'{"Body":"Hello"}', "/Body"),
}


@pytest.mark.parametrize(("body", "pointer"), INVALID.values(), ids=INVALID)
async def test_json_of_another_shape_is_422_and_says_where(gatepost: Gatepost, body: bytes, pointer: str) -> None:
    await _assert_invalid(gatepost, pointer, "body", "POST", SUBMIT, JSON, body=body)


def _of_size(size: int, text: str) -> bytes:
    start = json.dumps({"body": text}).encode()
    return start[:-1] + b" " * (size - len(start)) + b"}"


CHUNKED = ("Transfer-Encoding", "chunked")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ([], _of_size(LIMIT + 1, "Too large")),
        ([], b"x" * (3 * LIMIT)),
        ([("Content-Length", "99999999999")], b"x"),
        ([CHUNKED], chunked(_of_size(LIMIT + 1, "Too large"))),
        ([CHUNKED], chunked(_of_size(LIMIT + 1, "Too large"), size=LIMIT + 1)),
        ([CHUNKED], chunked(b" " * (20 * LIMIT))),
    ],
    ids=["one-byte", "three-times", "only-said", "chunked", "one-chunk", "chunked-20-times"],
)
async def test_more_than_a_call_takes_is_413(gatepost: Gatepost, headers: list[Header], body: bytes) -> None:
    await _assert_refused(
        gatepost, 413, "body-too-large", "POST", SUBMIT, JSON, *headers, body=body, length=not headers
    )


async def test_exactly_what_a_call_takes_is_taken(gatepost: Gatepost) -> None:
    person = _everybody(gatepost)
    at_once = await send(gatepost, "POST", SUBMIT, JSON, body=_of_size(LIMIT, "At once"), person=person)
    in_pieces = await send(
        gatepost,
        "POST",
        SUBMIT,
        JSON,
        CHUNKED,
        body=chunked(_of_size(LIMIT, "Bit by bit")),
        person=person,
        length=False,
    )
    assert (at_once.status, in_pieces.status) == (202, 202)


TAKING_A_BODY: dict[str, tuple[str, str, dict[str, Any]]] = {
    "/v1/sites/{site}/posts/{post}/comments": ("POST", SUBMIT, {"body": "Hello"}),
    "/v1/sites/{site}/preview": ("POST", "/v1/sites/blog/preview", {"body": "Hello"}),
    "/v1/sites/{site}/comments/{id}": ("PATCH", "/v1/sites/blog/comments/ID", {"body": "Hello", "version": 1}),
    "/v1/sites/{site}/queue/claims": ("POST", "/v1/sites/blog/queue/claims", {}),
    "/v1/sites/{site}/comments/{id}/decisions": (
        "POST",
        "/v1/sites/blog/comments/ID/decisions",
        {"action": "approve", "version": 1},
    ),
    "/v1/sites/{site}/decisions": (
        "POST",
        "/v1/sites/blog/decisions",
        {"decisions": [{"comment_id": "ID", "action": "approve", "version": 1}]},
    ),
    "/v1/sites/{site}/authors/{key}": ("PATCH", "/v1/sites/blog/authors/KEY", {}),
    "/v1/sites/{site}/posts/{post}": ("PATCH", "/v1/sites/blog/posts/p", {"open": True}),
    "/v1/sites/{site}/undos/previews": ("POST", "/v1/sites/blog/undos/previews", {"batch": "x"}),
    "/v1/sites/{site}/undos": ("POST", "/v1/sites/blog/undos", {"preview": "x"}),
    "/v1/sites/{site}/lists/{list}": ("PUT", "/v1/sites/blog/lists/x", {"title": "X", "kind": "words"}),
    "/v1/sites/{site}/lists/{list}/entries": ("PATCH", "/v1/sites/blog/lists/x/entries", {}),
    "/v1/sites/{site}/policy": ("PUT", "/v1/sites/blog/policy", {"document": {"format": 1}}),
    "/v1/sites/{site}/policy/validations": (
        "POST",
        "/v1/sites/blog/policy/validations",
        {"document": {"format": 1}},
    ),
    "/v1/sites/{site}/policy/trials": ("POST", "/v1/sites/blog/policy/trials", {"text": "A text"}),
    "/v1/sites/{site}/webhooks/{name}/replay": ("POST", "/v1/sites/blog/webhooks/build/replay", {"after_seq": 0}),
}


async def test_every_call_that_takes_a_body_is_on_the_list() -> None:
    declared = {(route.method, route.path) for route in ROUTES if "body" in route.takes}
    assert declared == {(method, path) for path, (method, _, _) in TAKING_A_BODY.items()}


@pytest.mark.parametrize("path", TAKING_A_BODY)
async def test_every_call_reads_its_body_as_strictly(gatepost: Gatepost, comment: Any, path: str) -> None:
    method, target, good = TAKING_A_BODY[path]
    target = target.replace("ID", comment["id"]).replace("KEY", comment["author"]["key"])
    whole = json.dumps(good).replace("ID", comment["id"]).encode()
    call = (method, target)
    await _assert_refused(gatepost, 415, "unsupported-media-type", *call, body=whole)
    zipped = ("Content-Encoding", "gzip")
    await _assert_refused(gatepost, 415, "unsupported-media-type", *call, JSON, zipped, body=whole)
    await _assert_refused(gatepost, 400, "malformed-json", *call, JSON, body=b"")
    await _assert_refused(gatepost, 400, "malformed-json", *call, JSON, body=whole[:-1])
    await _assert_refused(gatepost, 413, "body-too-large", *call, JSON, body=whole + b" " * LIMITS[method, path])
    await _assert_invalid(gatepost, "", "body", *call, JSON, body=b"[]")
    for name in ("status", "author", "site", "approved", "version_", "created_at", "__class__", "id"):
        await _assert_invalid(
            gatepost, f"/{name}", "body", *call, JSON, body=json.dumps({**json.loads(whole), name: "approved"}).encode()
        )


# --- Fields -------------------------------------------------------------------------------------------------------

NOT_TEXT: list[Any] = [1, 1.5, True, [], {}, ["Hello"]]
UNREADABLE = ["a\0b", "a\ud800", "\udc00b", "\udc00\ud800"]
NOT_A_VERSION: list[Any] = ["1", 1.5, True, None, 0, -1, 2_000_000_001, 10**300, [], {}]
NOT_AN_ACTION: list[Any] = ["", "APPROVE", "approved", "hold", "withdraw", "undo", "\ud800", None, 1, True, []]
NOT_AN_ID: list[Any] = [
    "",
    "x",
    UNKNOWN_ID.upper(),
    UNKNOWN_ID.replace("-", ""),
    f"{{{UNKNOWN_ID}}}",
    UNKNOWN_ID + "\n",
    1,
]
NOT_A_LINK = [
    *["javascript:alert(1)", "data:text/html,x", "//blog.example/p", "/p", "p", "", "ftp://blog.example/", "http:"],
    *["http://", "http:///p", " http://blog.example/", "HTTP:blog.example", "mailto:a@b.example", "httpx://b/"],
]

SUBMIT_ROWS: list[tuple[dict[str, Any], str]] = [
    *(({"body": value}, "/body") for value in [*NOT_TEXT, *UNREADABLE, None]),
    *(({"body": value}, "/body") for value in ["", " ", "\n\t \r\n", "\u00a0\u3000\u2028", "x" * 10_001, "ä" * 10_001]),
    *(({"body": value}, "/body") for value in ["😀" * 10_001, " x" + "y" * 10_000 + " "]),
    *(({"body": "Hello", "parent_id": value}, "/parent_id") for value in [*NOT_AN_ID, "\ud800", True, []]),
    *(({"body": "Hello", "post": value}, "/post") for value in ["p", 1, True, [], None]),
    *(({"body": "Hello", "post": {"title": value}}, "/post/title") for value in [*NOT_TEXT, *UNREADABLE, "x" * 501]),
    *(({"body": "Hello", "post": {"url": value}}, "/post/url") for value in [*NOT_TEXT, *NOT_A_LINK]),
    *(({"body": "Hello", "post": {"url": f"https://blog.example/{end}"}}, "/post/url") for end in UNREADABLE),
    ({"body": "Hello", "post": {"url": "https://blog.example/" + "x" * 2_000}}, "/post/url"),
    *(
        ({"body": "Hello", name: value}, f"/{name}")
        for name, value in {
            "status": "approved",
            "author": {"name": "Somebody else"},
            "author_key": "x",
            "version": 1,
            "approved": True,
            "id": UNKNOWN_ID,
            "site": "other",
            "html": "<b>x</b>",
            "created_at": "2026-01-01T00:00:00Z",
            "published_at": None,
            "trusted": True,
            "parentId": None,
        }.items()
    ),
    ({"body": "Hello", "post": {"open": True}}, "/post/open"),
    ({"body": "Hello", "post": {"key": "another"}}, "/post/key"),
]


def _json(asked: object) -> bytes:
    """`asked` in few bytes; half characters stay escapes, for UTF-8 has none."""
    text = json.dumps(asked, ensure_ascii=False)
    return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text).encode()


@pytest.mark.parametrize(("asked", "pointer"), SUBMIT_ROWS, ids=[str(number) for number in range(len(SUBMIT_ROWS))])
async def test_no_field_of_a_submission_takes_what_it_should_not(
    gatepost: Gatepost, asked: dict[str, Any], pointer: str
) -> None:
    await _assert_invalid(gatepost, pointer, "body", "POST", SUBMIT, JSON, body=_json(asked))


@pytest.mark.parametrize(
    "body",
    [
        "x",
        " x ",
        "x" * 10_000,
        "ä" * 10_000,
        "\n " + "y" * 10_000 + " \n" * 100,
        "😀" * 5_000,
        "\u0001 <b>&amp;",
        "\r\na\r\n",
        '\\ " / \u2028',
    ],
    ids=lambda body: repr(body[:8]),
)
async def test_a_text_up_to_the_limit_comes_back_byte_for_byte(gatepost: Gatepost, body: str) -> None:
    answer = await _everybody(gatepost).submit(body, post="byte-for-byte")
    assert (answer.status, answer.json["comment"]["body"]) == (202, body)
    again = await _everybody(gatepost).get(f"comments/{answer.json['comment']['id']}")
    assert again.json["comment"]["body"] == body


OTHER_ROWS: dict[str, list[tuple[dict[str, Any], str]]] = {
    "/v1/sites/{site}/comments/{id}": [
        *(({"body": value, "version": 1}, "/body") for value in [*NOT_TEXT, *UNREADABLE, None, "", " ", "x" * 10_001]),
        *(({"body": "Hello", "version": value}, "/version") for value in NOT_A_VERSION),
        ({"body": "Hello"}, "/version"),
        ({"version": 1}, "/body"),
        ({"body": "Hello", "version": 1, "parent_id": None}, "/parent_id"),
    ],
    "/v1/sites/{site}/comments/{id}/decisions": [
        *(({"action": value, "version": 1}, "/action") for value in NOT_AN_ACTION),
        *(({"action": "approve", "version": value}, "/version") for value in NOT_A_VERSION),
        *(
            ({"action": "approve", "version": 1, name: value}, f"/{name}")
            for name in ("reason", "note", "note_to_author")
            for value in [*NOT_TEXT, *UNREADABLE, "x" * 2_001]
        ),
        ({"action": "approve", "version": 1, "reason": "x" * 501}, "/reason"),
        ({"action": "approve", "version": 1, "actor": {"kind": "policy"}}, "/actor"),
        ({"action": "approve", "version": 1, "to_status": "approved"}, "/to_status"),
        ({"version": 1}, "/action"),
    ],
    "/v1/sites/{site}/decisions": [
        ({"decisions": []}, "/decisions"),
        ({"decisions": {}}, "/decisions"),
        ({"decisions": None}, "/decisions"),
        ({}, "/decisions"),
        ({"decisions": [1]}, "/decisions/0"),
        ({"decisions": [{"comment_id": "", "action": "approve", "version": 1}]}, "/decisions/0/comment_id"),
        ({"decisions": [{"comment_id": "ID", "action": "nod", "version": 1}]}, "/decisions/0/action"),
        (
            {
                "decisions": [
                    {"comment_id": "ID", "action": "approve", "version": 1},
                    {"comment_id": "ID", "action": "approve", "version": "1"},
                ]
            },
            "/decisions/1/version",
        ),
        ({"decisions": [{"comment_id": UNKNOWN_ID, "action": "approve", "version": 1}] * 501}, "/decisions"),
    ],
    "/v1/sites/{site}/queue/claims": [
        *(({"limit": value}, "/limit") for value in [0, -1, 201, "1", 1.5, True, None, 10**300]),
        *(({"lease_seconds": value}, "/lease_seconds") for value in [0, -1, 86_401, "1", 1.5, True, None]),
    ],
    "/v1/sites/{site}/authors/{key}": [
        *(
            ({"banned_until": value}, "/banned_until")
            for value in [
                *[1, True, [], {}, "", "never", "FOREVER", "forever ", "\ud800", "2026-01-01", "2026-01-01T00:00:00"],
                *["2026-01-01 00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z", "２026-01-01T00:00:00Z"],
                *["2026-01-01T00:00:00+99:00", "2026-13-01T00:00:00Z", "10000-01-01T00:00:00Z"],
            ]
        ),
        *(({"trusted": value}, "/trusted") for value in [1, 0, "true", None, [], {}]),
        *(({"note": value}, "/note") for value in [*NOT_TEXT, *UNREADABLE, "x" * 2_001]),
        ({"approved": 1000}, "/approved"),
        ({"roles": ["admin"]}, "/roles"),
    ],
    "/v1/sites/{site}/posts/{post}": [
        *(({"open": value}, "/open") for value in [1, 0, "true", None, [], {}]),
        ({}, ""),
        *(({"title": value}, "/title") for value in [*NOT_TEXT, *UNREADABLE, "x" * 501, "", " ", "\u2800\u200b"]),
        *(({"url": value}, "/url") for value in [*NOT_TEXT, *NOT_A_LINK, "https://evil.example/"]),
        ({"open": True, "count": 7}, "/count"),
    ],
}
OTHER_LINES = [(path, asked, pointer) for path, rows in OTHER_ROWS.items() for asked, pointer in rows]


@pytest.mark.parametrize(("path", "asked", "pointer"), OTHER_LINES, ids=[str(line) for line in range(len(OTHER_LINES))])
async def test_no_field_of_any_other_body_takes_what_it_should_not(
    gatepost: Gatepost, comment: Any, path: str, asked: dict[str, Any], pointer: str
) -> None:
    method, target, _ = TAKING_A_BODY[path]
    target = target.replace("ID", comment["id"]).replace("KEY", comment["author"]["key"])
    body = _json(asked).replace(b'"ID"', json.dumps(comment["id"]).encode())
    person = _everybody(gatepost)
    author = await person.get(f"authors/{comment['author']['key']}")
    await _assert_invalid(gatepost, pointer, "body", method, target, JSON, body=body)
    assert (await person.get(f"authors/{comment['author']['key']}")).json == author.json
    assert (await person.get("posts/p")).json["post"]["open"] is True


async def test_a_ban_may_end_whenever_the_calendar_can_say(gatepost: Gatepost, comment: Any) -> None:
    shown = {
        "2030-01-31T12:00:00+02:00": "2030-01-31T10:00:00.000Z",
        "2030-01-31t12:00:00.123456789z": "2030-01-31T12:00:00.123Z",
        "1969-12-31T23:59:59.5Z": "1969-12-31T23:59:59.500Z",
        "0001-01-01T00:00:00Z": "0001-01-01T00:00:00.000Z",
        "0001-01-01T00:00:00+23:59": "0001-01-01T00:00:00.000Z",
        "9999-12-31T23:59:59-23:59": "forever",
        "forever": "forever",
        None: None,
    }
    for asked, expected in shown.items():
        path = f"authors/{comment['author']['key']}"
        answer = await _everybody(gatepost).call("PATCH", path, json={"banned_until": asked})
        assert (answer.status, answer.json["author"]["banned_until"]) == (200, expected)


async def test_a_parent_must_be_a_public_comment_of_the_same_post(gatepost: Gatepost, comment: Any) -> None:
    elsewhere = await gatepost.approved("On another post", post="another")
    removed = await gatepost.approved("Soon removed", post="p")
    await gatepost.moderator().decide(removed["id"], "reject", removed["version"])
    foreign = await gatepost.reader("zoe", site="other").submit("On the other site", post="p")
    pending = await gatepost.reader("zoe").submit("Waiting", post="p")
    for parent in (
        UNKNOWN_ID,
        elsewhere["id"],
        removed["id"],
        foreign.json["comment"]["id"],
        pending.json["comment"]["id"],
        comment["id"],
    ):
        body = json.dumps({"body": "A reply", "parent_id": parent}).encode()
        await _assert_refused(gatepost, 422, "unknown-parent", "POST", SUBMIT, JSON, body=body)


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "ä", b"\xff", "a\tb"])
async def test_an_idempotency_key_is_1_to_255_printable_characters(gatepost: Gatepost, key: str | bytes) -> None:
    header = ("Idempotency-Key", key)
    await _assert_invalid(gatepost, "/Idempotency-Key", "header", "POST", SUBMIT, JSON, header, body=GOOD)


async def test_an_idempotency_key_is_given_once(gatepost: Gatepost) -> None:
    twice = [("Idempotency-Key", "a"), ("Idempotency-Key", "a")]
    await _assert_invalid(gatepost, "/Idempotency-Key", "header", "POST", SUBMIT, JSON, *twice, body=GOOD)


# --- Queries ------------------------------------------------------------------------------------------------------

BAD_LIMITS = ["0", "-1", "201", "abc", "1_0", "%EF%BC%91", "", "1.0", "1e1", "%201", "+1", "0x1", "9" * 30]
OF_A_WEBHOOK = "/v1/sites/{site}/webhooks/{name}/deliveries"
"""It needs one that is configured: see `test_webhooks`."""
OF_A_COMMENT = "/v1/sites/{site}/comments/{id}/judgements"
"""It needs one that is there: see `test_policy`."""
LISTS = [
    "/v1/sites/blog/posts/page/comments",
    "/v1/sites/blog/posts/page/comments.html",
    "/v1/sites/blog/comments",
    "/v1/sites/blog/me/comments",
    "/v1/sites/blog/queue",
    "/v1/sites/blog/decisions",
    "/v1/sites/blog/moderation/comments",
    "/v1/sites/blog/lists/words/entries",
    "/v1/sites/blog/policy/versions",
]


async def test_every_list_is_on_the_list() -> None:
    takes_query = [route for route in ROUTES if "query" in route.takes]
    declared = {route.path for route in takes_query if "cursor" in route.takes["query"].model_fields}
    listed = {
        path.replace("/blog/", "/{site}/").replace("/page/", "/{post}/").replace("/words/", "/{list}/")
        for path in LISTS
    }
    assert declared == {OF_A_WEBHOOK, OF_A_COMMENT, *listed}


@pytest.mark.parametrize("path", LISTS)
async def test_every_list_refuses_limits_and_parameters_that_do_not_exist(gatepost: Gatepost, path: str) -> None:
    for limit in BAD_LIMITS:
        await _assert_invalid(gatepost, "/limit", "query", "GET", f"{path}?limit={limit}")
    await _assert_invalid(gatepost, "/limit", "query", "GET", f"{path}?limit=1&limit=1")
    await _assert_invalid(gatepost, "/offset", "query", "GET", f"{path}?offset=1")
    await _assert_invalid(gatepost, "/Limit", "query", "GET", f"{path}?Limit=1")
    await _assert_invalid(gatepost, "/", "query", "GET", f"{path}?=1")
    await _assert_invalid(gatepost, "", "query", "GET", f"{path}?limit=%FF")
    await _assert_invalid(gatepost, "", "query", "GET", f"{path}?%ED%A0%80=1")
    await _assert_refused(gatepost, 400, "bad-cursor", "GET", f"{path}?cursor={'a' * 2001}")
    await _assert_invalid(gatepost, "/cursor", "query", "GET", f"{path}?cursor=a&cursor=b")
    for limit in ("1", "200"):
        assert (await send(gatepost, "GET", f"{path}?limit={limit}", person=_everybody(gatepost))).status == 200


def _flipped(cursor: str, at: int) -> str:
    return cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :]


@pytest.mark.parametrize("path", LISTS)
async def test_no_list_takes_a_cursor_that_was_not_issued_for_it(gatepost: Gatepost, page: str, path: str) -> None:
    wrong = ["", "x", "AAAA", "%00", "%20", "null", "0", "../..", "%C3%A4", "e30", page + "=", page + "==", page + "A"]
    wrong += [page[:-1], f"%20{page}", page.swapcase()]
    wrong += [_flipped(page, at) for at in (0, len(page) // 2, len(page) - 1)]
    if not path.startswith(LISTS[0]):  # the same list in another format takes it
        wrong.append(page)
    for cursor in wrong:
        await _assert_refused(gatepost, 400, "bad-cursor", "GET", f"{path}?cursor={cursor}")


@pytest.mark.parametrize(
    "target",
    [
        "/v1/sites/blog/posts/another/comments?cursor=",
        "/v1/sites/other/posts/page/comments?cursor=",
        "/v1/sites/blog/posts/page/comments?view=flat&cursor=",
        "/v1/sites/blog/posts/page/comments?sort=newest&cursor=",
    ],
)
async def test_a_cursor_is_good_for_its_own_list_only(gatepost: Gatepost, page: str, target: str) -> None:
    own = await send(gatepost, "GET", f"/v1/sites/blog/posts/page/comments?cursor={page}")
    assert own.status == 200
    await _assert_refused(gatepost, 400, "bad-cursor", "GET", target + page)


async def test_a_cursor_of_ones_own_comments_is_of_no_use_to_others(gatepost: Gatepost) -> None:
    for text in ("Mine", "Mine too"):
        await gatepost.reader("una").submit(text, post="cursors")
    own = (await gatepost.reader("una").get("me/comments", params={"limit": 1})).json["next"]
    assert (await gatepost.reader("una").get("me/comments", params={"cursor": own})).status == 200
    stolen = await gatepost.reader("vic").get("me/comments", params={"cursor": own})
    assert_problem(stolen, 400, "bad-cursor")


QUERY_ROWS = [
    ("posts/p/comments?view=tree", "/view"),
    ("posts/p/comments?view=", "/view"),
    ("posts/p/comments?view=Thread", "/view"),
    ("posts/p/comments?view=flat&view=flat", "/view"),
    ("posts/p/comments?sort=up", "/sort"),
    ("posts/p/comments?sort=%00", "/sort"),
    ("counts", "/post"),
    ("counts?post=", "/post/0"),
    ("counts?post=a&post=", "/post/1"),
    ("counts?post=%00", "/post/0"),
    ("counts?post=" + "a" * 513, "/post/0"),
    ("counts?" + "&".join(f"post={number}" for number in range(201)), "/post"),
    ("counts?post=a&x=1", "/x"),
    ("counts?post[]=a", "/post"),
    ("queue?reason=nothing", "/reason"),
    ("queue?order=newest", "/order"),
    ("queue?post=" + "a" * 513, "/post"),
    ("queue?post=", "/post"),
    ("queue?author=%00", "/author"),
    ("queue?author=" + "a" * 65, "/author"),
    ("queue?q=", "/q"),
    ("queue?q=" + "a" * 201, "/q"),
    ("decisions?comment=x", "/comment"),
    ("decisions?actor=%00", "/actor"),
    ("decisions?reason=", "/reason"),
    ("decisions?since=yesterday", "/since"),
    ("decisions?since=2026-01-01", "/since"),
    ("decisions?since=2026-02-30T00:00:00Z", "/since"),
    ("decisions?since=1700000000", "/since"),
]


@pytest.mark.parametrize(("path", "pointer"), QUERY_ROWS, ids=[path[:40] for path, _ in QUERY_ROWS])
async def test_no_query_takes_what_it_should_not(gatepost: Gatepost, path: str, pointer: str) -> None:
    await _assert_invalid(gatepost, pointer, "query", "GET", f"/v1/sites/blog/{path}")


async def test_queries_up_to_the_limit_are_answered(gatepost: Gatepost, comment: Any) -> None:
    counted = await send(gatepost, "GET", "/v1/sites/blog/counts?" + "&".join(f"post={key}" for key in range(200)))
    assert counted.json["counts"] == {str(key): 0 for key in range(200)}
    for since in ("0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59-23:59"):
        path = f"/v1/sites/blog/decisions?since={since}"
        assert (await send(gatepost, "GET", path, person=_everybody(gatepost))).status == 200
    for text, found in {"that%20WAITS": 1, "%25": 0, "_": 0, "%5C": 0, "'": 0, "%22": 0, "%27%20OR%201=1--": 0}.items():
        target = f"/v1/sites/blog/queue?post=comment&q={text}"
        searched = await send(gatepost, "GET", target, person=_everybody(gatepost))
        assert (searched.status, searched.json["total"]) == (200, found), text


# --- Paths --------------------------------------------------------------------------------------------------------

POST_KEYS = {
    "a": "a",
    "a" * 512: "a" * 512,
    "%C3%A4" * 512: "ä" * 512,
    "%F0%9F%98%80" * 512: "😀" * 512,
    "2005%2F07%2F19": "2005/07/19",
    "%2F": "/",
    "...": "...",
    ".a": ".a",
    "..a": "..a",
    "a..": "a..",
    "%252E": "%2E",
    "%2E%2E%2F%2E%2E": "../..",
    "%3F": "?",
    "%23": "#",
    "%25": "%",
    "%2525": "%25",
    "%20a%20": " a ",
    "+": "+",
    "%2B": "+",
    "%0D%0A": "\r\n",
    "%5C": "\\",
    "%22%27%3C%3E": "\"'<>",
    "a:b;c=d,e@f!": "a:b;c=d,e@f!",
    "comments": "comments",
    "{a}": "{a}",
    "%7Ba%7D": "{a}",
}


DOT_SEGMENTS = [".", "..", "%2E", "%2e", "%2E%2E", ".%2e", "%2e."]
"""What browsers take out of an address (WHATWG URL, 4.4)."""


@pytest.mark.parametrize("key", [".", ".."])
async def test_a_query_names_no_post_that_no_address_leads_to(gatepost: Gatepost, key: str) -> None:
    await _assert_invalid(gatepost, "/post/1", "query", "GET", f"/v1/sites/blog/counts?post=a&post={key}")
    queue = f"/v1/sites/blog/queue?post={key}"
    answer = await send(gatepost, "GET", queue, person=_everybody(gatepost))
    assert_problem(answer, 422, "invalid-request")
    assert [error["pointer"] for error in answer.json["errors"]] == ["/post"]


@pytest.mark.parametrize(("segment", "key"), POST_KEYS.items(), ids=[key[:20] for key in POST_KEYS])
async def test_a_post_key_is_the_decoded_segment(gatepost: Gatepost, segment: str, key: str) -> None:
    if len(segment) > 4000:
        segment = segment[: 4000 // 12 * 12]
        key = key[: len(segment) // 12]
    answer = await send(gatepost, "GET", f"/v1/sites/blog/posts/{segment}/comments")
    assert (answer.status, answer.json["post"]["key"], answer.json["comments"]) == (200, key, [])
    shown = await send(gatepost, "GET", f"/v1/sites/blog/posts/{segment}", person=_everybody(gatepost))
    assert (shown.status, shown.json["post"]["key"]) == (200, key)


@pytest.mark.parametrize(
    "segment", ["a" * 513, "%C3%A4" * 513, "%00", "a%00b", "%FF", "a%FFb", "%C3", "%ED%A0%80", "%C0%AF", *DOT_SEGMENTS]
)
async def test_a_post_key_is_up_to_512_characters_of_utf8_that_an_address_can_hold(
    gatepost: Gatepost, segment: str
) -> None:
    target = f"/v1/sites/blog/posts/{segment}"
    for list_of_post in ("comments", "comments.html", "comments.atom", "events"):
        await _assert_invalid(gatepost, "/post", "path", "GET", f"{target}/{list_of_post}")
    await _assert_invalid(gatepost, "/post", "path", "POST", f"{target}/comments", JSON, body=GOOD)
    await _assert_invalid(gatepost, "/post", "path", "GET", target)
    await _assert_invalid(gatepost, "/post", "path", "PATCH", target, JSON, body=b'{"open":false}')


@pytest.mark.parametrize(
    "site",
    [
        "nope",
        "BLOG",
        "Blog",
        "blog%20",
        "blog%00",
        "blog%2F",
        "-",
        "..",
        "%FF",
        "%ED%A0%80",
        "a" * 300,
        "*",
        "%7Bsite%7D",
    ],
)
async def test_a_site_that_is_not_configured_is_404(gatepost: Gatepost, site: str) -> None:
    await _assert_refused(gatepost, 404, "unknown-site", "GET", f"/v1/sites/{site}/counts?post=a")
    await _assert_refused(gatepost, 404, "unknown-site", "POST", f"/v1/sites/{site}/posts/p/comments", JSON, body=GOOD)
    await _assert_refused(gatepost, 404, "unknown-site", "GET", f"/v1/sites/{site}/me")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("comments/{}", "unknown-comment"),
        ("authors/{}", "unknown-author"),
    ],
)
@pytest.mark.parametrize(
    "name", [UNKNOWN_ID, "x", "%00", "%FF", "%ED%A0%80", "a" * 5_000, "..", "%2F", "%27%20OR%20%271"]
)
async def test_what_has_no_such_name_is_404(gatepost: Gatepost, path: str, code: str, name: str) -> None:
    await _assert_refused(gatepost, 404, code, "GET", f"/v1/sites/blog/{path.format(name)}")


@pytest.mark.parametrize("name", [UNKNOWN_ID, "x", "%00", "%FF", "%ED%A0%80"])
async def test_writes_to_what_is_not_there_are_404(gatepost: Gatepost, name: str) -> None:
    base = "/v1/sites/blog"
    edit, decision = b'{"body":"x","version":1}', b'{"action":"approve","version":1}'
    await _assert_refused(gatepost, 404, "unknown-comment", "PATCH", f"{base}/comments/{name}", JSON, body=edit)
    await _assert_refused(gatepost, 404, "unknown-comment", "DELETE", f"{base}/comments/{name}")
    await _assert_refused(
        gatepost, 404, "unknown-comment", "POST", f"{base}/comments/{name}/decisions", JSON, body=decision
    )
    await _assert_refused(gatepost, 404, "unknown-decision", "POST", f"{base}/decisions/{name}/undo")
    await _assert_refused(gatepost, 404, "unknown-author", "PATCH", f"{base}/authors/{name}", JSON, body=b"{}")


@pytest.mark.parametrize(
    "path",
    [
        *[
            "/",
            "//",
            "/v1",
            "/v1/",
            "/v1/sites",
            "/v1/sites/",
            "/v1/sites/blog/",
            "/v2/sites/blog/me",
        ],
        *[
            "/v1/sites//counts",
            "/v1//sites/blog/counts",
            "/v1/sites/blog/counts/",
            "/v1/sites/blog/me/",
            "/V1/sites/blog/me",
        ],
        *[
            "/v1/sites/blog/posts//comments",
            "/v1/sites/blog/posts/a/b/comments",
            "/v1/sites/blog/posts",
            "/health",
            "/docs/",
        ],
        *[
            "/docs/nothing.js",
            "/docs/..%2F..%2Fapp.py",
            "/problems",
            "/problems/nothing",
            "/problems/%00",
            "/favicon.ico",
        ],
        *["/%00", "/%FF", "/.git/config", "/v1/sites/blog/comments/x/decisions/y", "/v1/sites/blog/decisions/x"],
    ],
)
async def test_a_path_that_does_not_exist_is_404(gatepost: Gatepost, path: str) -> None:
    await _assert_refused(gatepost, 404, "not-found", "GET", path)


def _concrete(path: str) -> str:
    named = {
        "{site}": "blog",
        "{post}": "p",
        "{id}": UNKNOWN_ID,
        "{key}": "x",
        "{code}": "banned",
        "{file}": "start.js",
    }
    for name, value in named.items():
        path = path.replace(name, value)
    return path


METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
PATHS: dict[str, set[str]] = {}
for _route in ROUTES:
    PATHS.setdefault(_route.path, {"OPTIONS"}).update({_route.method} | ({"HEAD"} if _route.method == "GET" else set()))


@pytest.mark.parametrize("path", PATHS)
async def test_a_method_that_a_path_does_not_have_is_405_and_names_those_it_has(gatepost: Gatepost, path: str) -> None:
    allow = sorted(PATHS[path])
    for method in METHODS:
        if method in PATHS[path]:
            continue
        answer = await send(gatepost, method, _concrete(path), person=_everybody(gatepost))
        if method == "HEAD":
            assert (answer.status, answer.body) == (405, b"")
        else:
            assert_problem(answer, 405, "method-not-allowed")
        assert answer.headers["Allow"].replace(" ", "").split(",") == allow
    options = await send(gatepost, "OPTIONS", _concrete(path))
    assert (options.status, options.headers["Allow"].replace(" ", "").split(",")) == (204, allow)


@pytest.mark.parametrize("path", [path for path, methods in PATHS.items() if "GET" in methods])
async def test_head_is_get_without_the_body(gatepost: Gatepost, path: str) -> None:
    target = _concrete(path) + ("?post=p" if path.endswith("/counts") else "")
    got = await send(gatepost, "GET", target, person=_everybody(gatepost))
    headed = await send(gatepost, "HEAD", target, person=_everybody(gatepost))
    assert (headed.status, headed.body) == (got.status, b"")
    changing = {"X-Request-ID", "Date"} | ({"Content-Length"} if path == "/metrics" else set())
    changing |= {"Transfer-Encoding"} if path.endswith("/events") else set()
    kept = [{name: value for name, value in one.headers.items() if name not in changing} for one in (got, headed)]
    assert kept[0] == kept[1]


# --- Requests as a whole --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["abc-123", "A.b_C-9", "x" * 128])
async def test_a_sane_request_id_comes_back(gatepost: Gatepost, given: str) -> None:
    found = await send(gatepost, "GET", "/health/live", ("X-Request-ID", given))
    missed = await send(gatepost, "GET", "/nothing", ("X-Request-ID", given))
    assert found.headers["X-Request-ID"] == missed.headers["X-Request-ID"] == missed.json["request_id"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "a\tb", "<x>", "ä", b"\xff", "a,b", "${x}", "a;b", '"a"'])
async def test_any_other_request_id_is_replaced(gatepost: Gatepost, given: str | bytes) -> None:
    first, second = [await send(gatepost, "GET", "/nothing", ("X-Request-ID", given)) for _ in range(2)]
    for answer in (first, second):
        assert_problem(answer, 404, "not-found")
        assert answer.headers["X-Request-ID"] != given
    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]


HOST = b"Host: gatepost.example\r\n"
MALFORMED_HTTP = {
    "garbage": (b"HELLO\r\n\r\n", 400, "malformed-request"),
    "not-http": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n\r\n", 400, "malformed-request"),
    "no-host": (b"GET /health/live HTTP/1.1\r\n\r\n", 400, "malformed-request"),
    "two-hosts": (b"GET /health/live HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400, "malformed-request"),
    "other-version": (b"GET /health/live HTTP/3.0\r\n" + HOST + b"\r\n", 400, "malformed-request"),
    "space-in-a-name": (b"GET /health/live HTTP/1.1\r\n" + HOST + b"Bad Name: x\r\n\r\n", 400, "malformed-request"),
    "bytes-in-the-path": (b"GET /\xc3\xa4 HTTP/1.1\r\n" + HOST + b"\r\n", 400, "malformed-request"),
    "two-lengths": (
        b"POST /v1/sites/blog/posts/p/comments HTTP/1.1\r\n"
        + HOST
        + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        400,
        "malformed-request",
    ),
    "length-and-chunked": (
        b"POST /v1/sites/blog/posts/p/comments HTTP/1.1\r\n"
        + HOST
        + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
        "malformed-request",
    ),
    "two-content-types": (
        b"POST /v1/sites/blog/posts/p/comments HTTP/1.1\r\n"
        + HOST
        + b"Content-Type: application/json\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
        400,
        "malformed-request",
    ),
    "long-line": (b"GET /" + b"a" * 25_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 431, "headers-too-large"),
    "long-header": (
        b"GET /health/live HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 9_000 + b"\r\n\r\n",
        431,
        "headers-too-large",
    ),
}


@pytest.mark.parametrize(("request_bytes", "status", "code"), MALFORMED_HTTP.values(), ids=MALFORMED_HTTP)
async def test_malformed_http_gets_a_problem_as_well(
    gatepost: Gatepost, request_bytes: bytes, status: int, code: str
) -> None:
    before = await _state(gatepost)
    assert_problem(await exchange(gatepost, request_bytes), status, code)
    assert await _state(gatepost) == before


@pytest.mark.parametrize(
    ("length", "is_known", "status", "code"),
    [(len(GOOD), False, 401, "login-required"), (LIMIT + 1, True, 413, "body-too-large")],
)
async def test_who_asks_before_sending_a_body_is_refused_before_sending_it(
    gatepost: Gatepost, length: int, is_known: bool, status: int, code: str
) -> None:
    """The final status is the first that is said (RFC 9110, 10.1.1)."""
    asks = [JSON, ("Expect", "100-continue"), ("Content-Length", str(length))]
    person = _everybody(gatepost) if is_known else None
    assert_problem(await send(gatepost, "POST", SUBMIT, *asks, person=person), status, code)


async def test_who_asks_before_sending_a_body_is_told_to_send_it(gatepost: Gatepost) -> None:
    address = urlsplit(gatepost.running.address)
    body = b'{"body":" "}'
    head = [
        f"POST {SUBMIT} HTTP/1.1",
        "Host: gatepost.example",
        f"Authorization: {_everybody(gatepost).headers['Authorization']}",
        "Content-Type: application/json",
        "Expect: 100-continue",
        f"Content-Length: {len(body)}",
    ]
    async with asyncio.timeout(DEADLINE_SECONDS):
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write("\r\n".join([*head, "", ""]).encode())
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(body)
        assert (await reader.readline()).startswith(b"HTTP/1.1 422 ")
        writer.close()


@pytest.mark.parametrize(("body", "pointer"), [(b"[]", ""), (b'{"body":"Hello","post":1}', "/post")])
async def test_what_must_be_an_object_is_told_in_the_words_of_json(
    gatepost: Gatepost, body: bytes, pointer: str
) -> None:
    answer = await send(gatepost, "POST", SUBMIT, JSON, body=body, person=_everybody(gatepost))
    assert_problem(answer, 422, "invalid-request")
    assert answer.json["errors"] == [{"pointer": pointer, "in": "body", "detail": "must be a JSON object"}]


@pytest.mark.parametrize(
    ("title", "detail"),
    [("", "must have 1 or more characters"), ("a" * 501, "must have at most 500 characters")],
    ids=["empty", "long"],
)
async def test_the_length_of_a_text_is_told_in_characters(gatepost: Gatepost, title: str, detail: str) -> None:
    answer = await _everybody(gatepost).call("PATCH", "posts/p", json={"title": title})
    assert [mistake["detail"] for mistake in answer.json["errors"]] == [detail]
    answer = await _everybody(gatepost).get("queue", params={"q": title[:1] * 2 * len(title)})
    assert [mistake["detail"] for mistake in answer.json["errors"]] == [detail.replace("500", "200")]


async def test_two_authorization_headers_are_400(gatepost: Gatepost) -> None:
    again = ("Authorization", _everybody(gatepost).headers["Authorization"])
    await _assert_refused(gatepost, 400, "malformed-request", "POST", SUBMIT, JSON, again, body=GOOD)
