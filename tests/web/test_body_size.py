"""How large a body may be: as large as the call's own contract needs, however it is written. Robustness, point 14."""

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import BaseModel

from service import strict_json
from service.web import body_size
from service.web.openapi import document
from service.web.routes import ROUTES
from tests.harness import Gatepost
from tests.web.plain_http import DEADLINE_SECONDS, JSON, assert_problem, chunked, send

ASTRAL = "\U0001f600"
AN_ID = "0189abcd-0000-7000-8000-000000000000"
BLOG = "/v1/sites/blog"
LIMITS = {(route.method, route.path): route.max_body_bytes for route in ROUTES if "body" in route.takes}
REASONS = {"reason": ASTRAL * 500, "note": ASTRAL * 2_000, "note_to_author": ASTRAL * 2_000}
IN_ASCII = {name: "r" * len(text) for name, text in REASONS.items()}
DECISION = {"action": "discard_edit", "version": 2_000_000_000, **REASONS}
LONG_POLICY = {
    "format": 1,
    "otherwise": "hold",
    "reasons": [{"code": f"reason-{number}", "text": ASTRAL * 200} for number in range(57)],
}
"""47 kB, which may be written as escapes."""
LARGEST: dict[tuple[str, str], tuple[str, dict[str, Any], int]] = {
    ("POST", "/v1/sites/{site}/posts/{post}/comments"): (
        f"{BLOG}/posts/p/comments",
        {
            "body": ASTRAL * 10_000,
            "parent_id": AN_ID,
            "post": {"title": ASTRAL * 500, "url": "https://blog.example/" + ASTRAL * 1_979},
        },
        422,  # unknown-parent
    ),
    ("POST", "/v1/sites/{site}/preview"): (f"{BLOG}/preview", {"body": ASTRAL * 10_000}, 200),
    ("PATCH", "/v1/sites/{site}/comments/{id}"): (
        f"{BLOG}/comments/{AN_ID}",
        {"body": ASTRAL * 10_000, "version": 2_000_000_000},
        404,
    ),
    ("POST", "/v1/sites/{site}/queue/claims"): (
        f"{BLOG}/queue/claims",
        {"comment_ids": [ASTRAL * 64] * 200, "lease_seconds": 86_400},
        200,
    ),
    ("POST", "/v1/sites/{site}/undos/previews"): (f"{BLOG}/undos/previews", {"batch": ASTRAL * 64}, 404),
    ("POST", "/v1/sites/{site}/undos"): (f"{BLOG}/undos", {"preview": ASTRAL * 20_000, "note": ASTRAL * 2_000}, 409),
    ("POST", "/v1/sites/{site}/comments/{id}/decisions"): (f"{BLOG}/comments/{AN_ID}/decisions", DECISION, 404),
    ("POST", "/v1/sites/{site}/decisions"): (
        f"{BLOG}/decisions",
        # All three texts full, as ASCII; as escapes they are more than the contract takes: `test_a_bulk_call_...`.
        {"decisions": [{**DECISION, **IN_ASCII, "comment_id": "x" * 64}] * 500},
        200,
    ),
    ("PUT", "/v1/sites/{site}/lists/{list}"): (
        f"{BLOG}/lists/x",
        {"title": ASTRAL * 120, "kind": "patterns", "note": ASTRAL * 500},
        428,
    ),
    ("PATCH", "/v1/sites/{site}/lists/{list}/entries"): (
        f"{BLOG}/lists/x/entries",
        {"add": [{"value": "x" * 200, "not": ["x" * 200] * 20, "note": "x" * 500}] * 500},
        404,
    ),
    ("PUT", "/v1/sites/{site}/policy"): (f"{BLOG}/policy", {"document": LONG_POLICY, "note": ASTRAL * 2_000}, 403),
    ("POST", "/v1/sites/{site}/policy/validations"): (f"{BLOG}/policy/validations", {"document": LONG_POLICY}, 200),
    ("POST", "/v1/sites/{site}/policy/trials"): (
        f"{BLOG}/policy/trials",
        {"document": LONG_POLICY, "text": ASTRAL * 10_000, "at": "2026-01-31T12:00:00.123456789+00:00"},
        200,
    ),
    ("POST", "/v1/sites/{site}/webhooks/{name}/replay"): (f"{BLOG}/webhooks/none/replay", {"after_seq": 1}, 403),
    ("PATCH", "/v1/sites/{site}/authors/{key}"): (
        f"{BLOG}/authors/nobody",
        {"banned_until": "2026-01-31T12:00:00.123456789+00:00", "trusted": True, "note": ASTRAL * 2_000},
        404,
    ),
    ("PATCH", "/v1/sites/{site}/posts/{post}"): (f"{BLOG}/posts/p", {"open": False}, 200),
}  # fmt: skip


def test_every_call_that_takes_a_body_is_on_the_list() -> None:
    assert LARGEST.keys() == LIMITS.keys()


@pytest.mark.parametrize("call", LARGEST, ids=" ".join)
async def test_the_largest_valid_body_of_each_call_fits(gatepost: Gatepost, call: tuple[str, str]) -> None:
    target, body, status = LARGEST[call]
    mo = gatepost.moderator()
    written = [json.dumps(body).encode(), json.dumps(body, ensure_ascii=False).encode()]
    if len(written[0]) < 1_000_000:
        written.append(json.dumps(body, indent=8).encode().replace(b"\n", b"\r\n"))
    for whole in written:
        sent = await send(gatepost, call[0], target, JSON, person=mo, body=whole)
        in_chunks = ("Transfer-Encoding", "chunked")
        bit_by_bit = await send(
            gatepost, call[0], target, JSON, in_chunks, person=mo, body=chunked(whole), length=False
        )
        assert (sent.status, bit_by_bit.status) == (status, status), sent.body[:1_000]


async def test_a_comment_of_escapes_is_taken_and_kept(gatepost: Gatepost) -> None:
    ada = gatepost.reader("ada")
    text = "".join(f"\\u{0xD83D:04x}\\u{0xDC00 + number % 0x400:04x}" for number in range(10_000))
    body = f'{{"body": "{text}"}}'.encode()
    assert len(body) > 120_000
    answer = await send(gatepost, "POST", f"{BLOG}/posts/p/comments", JSON, person=ada, body=body)
    assert (answer.status, answer.json["comment"]["body"]) == (202, json.loads(body)["body"])
    comment = answer.json["comment"]
    edit = json.dumps({"body": comment["body"][::-1], "version": 1}).encode()
    edited = await send(gatepost, "PATCH", f"{BLOG}/comments/{comment['id']}", JSON, person=ada, body=edit)
    assert (edited.status, edited.json["comment"]["body"]) == (200, comment["body"][::-1])


@pytest.mark.parametrize(
    ("character", "notes"), [("r", 2_000), ("\u0436", 300), (ASTRAL, 40)], ids=["ascii", "cyrillic", "astral"]
)
async def test_a_bulk_call_takes_500_decisions_with_their_reasons(
    gatepost: Gatepost, character: str, notes: int
) -> None:
    """Full reasons in any script as escapes, and notes as far as four megabytes go."""
    comments = [(await gatepost.reader("ada").submit(f"Comment {number}")).json["comment"] for number in range(2)]
    ids = [*(comment["id"] for comment in comments), *[AN_ID] * 498]
    texts = {"reason": character * 500, "note": character * notes, "note_to_author": character * notes}
    decisions = [{"comment_id": one, "action": "approve", "version": 1, **texts} for one in ids]
    body = json.dumps({"decisions": decisions}).encode()
    assert 2_000_000 < len(body) < body_size.MOST_BYTES
    mo = gatepost.moderator()
    answer = await send(gatepost, "POST", f"{BLOG}/decisions", JSON, person=mo, body=body)
    assert answer.status == 200
    results = answer.json["results"]
    assert [result["decision"][name] for result in results[:2] for name in texts] == [*texts.values()] * 2
    assert {result["problem"]["code"] for result in results[2:]} == {"unknown-comment"}
    assert len(results) == 500


@pytest.mark.parametrize("call", LIMITS, ids=" ".join)
async def test_one_byte_more_than_a_call_takes_is_413_and_says_how_many_it_takes(
    gatepost: Gatepost, call: tuple[str, str]
) -> None:
    target, body, _ = LARGEST[call]
    start, limit = json.dumps(body).encode(), LIMITS[call]
    fits, too_large = [start[:-1] + b" " * (size - len(start)) + b"}" for size in (limit, limit + 1)]
    mo = gatepost.moderator()
    assert (await send(gatepost, call[0], target, JSON, person=mo, body=fits)).status != 413
    in_chunks = ("Transfer-Encoding", "chunked")
    for answer in (
        await send(gatepost, call[0], target, JSON, person=mo, body=too_large),
        await send(gatepost, call[0], target, JSON, in_chunks, person=mo, body=chunked(too_large), length=False),
    ):
        assert_problem(answer, 413, "body-too-large")
        assert f"{limit} bytes" in answer.json["detail"]


async def test_who_may_not_moderate_is_refused_before_a_large_body_is_read(gatepost: Gatepost) -> None:
    large = ("Content-Length", str(body_size.MOST_BYTES))
    for person, status in ((None, 401), (gatepost.reader("ada"), 403)):
        answer = await send(gatepost, "POST", f"{BLOG}/decisions", JSON, large, person=person, body=b"{", length=False)
        assert answer.status == status


@pytest.mark.parametrize("value", [b"[]", b"{}", b'""', b"1", b"1.5", b'{"a":[1]}'])
async def test_a_body_of_many_tiny_values_is_not_all_made(gatepost: Gatepost, value: bytes) -> None:
    body = b'{"decisions":[' + b",".join([value] * 300_000) + b"]}"
    answer = await send(gatepost, "POST", f"{BLOG}/decisions", JSON, person=gatepost.moderator(), body=body)
    assert_problem(answer, 400, "malformed-json")
    assert "too many values" in answer.json["detail"]


async def test_a_small_bulk_call_does_not_wait_for_a_large_one(gatepost: Gatepost) -> None:
    decision = {"comment_id": AN_ID, "action": "approve", "version": 1}
    small, large = [json.dumps({"decisions": [decision] * 500}, indent=indent).encode() for indent in (None, 200)]
    assert len(small) < strict_json.LARGE_BYTES < len(large)
    mo, address = gatepost.moderator(), urlsplit(gatepost.running.address)
    head = f"POST {BLOG}/decisions HTTP/1.1\r\nHost: x\r\nAuthorization: {mo.headers['Authorization']}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(large)}\r\nExpect: 100-continue\r\n\r\n"
    async with asyncio.timeout(DEADLINE_SECONDS):
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(head.encode())
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"  # it is being read now
        assert (await send(gatepost, "POST", f"{BLOG}/decisions", JSON, person=mo, body=small)).status == 200
        second = asyncio.create_task(send(gatepost, "POST", f"{BLOG}/decisions", JSON, person=mo, body=large))
        assert (await send(gatepost, "POST", f"{BLOG}/decisions", JSON, person=mo, body=small)).status == 200
        assert not second.done()
        writer.write(large)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        writer.close()
        assert (await second).status == 200


def test_the_description_says_how_large_a_body_may_be() -> None:
    paths = document()["paths"]
    for (method, path), limit in LIMITS.items():
        assert f"at most {limit} bytes" in paths[path][method.lower()]["requestBody"]["description"]


def test_the_manual_says_it_of_comments_and_edits_and_the_bulk_call() -> None:
    manual = (Path(__file__).parent.parent.parent / "docs" / "api.md").read_text("utf-8")
    kilobytes = {call[1].rpartition("/")[2]: -(-limit // 1000) for call, limit in LIMITS.items()}
    assert f"{kilobytes['comments']} kB for a comment, {kilobytes['{id}']} kB for an edit" in manual
    assert "4 MB: room for 500 decisions" in manual
    assert max(LIMITS.values()) == body_size.MOST_BYTES == 4 * 1024 * 1024


def test_a_shape_without_a_bound_cannot_be_declared() -> None:
    class Unbounded(BaseModel):
        text: str

    with pytest.raises(TypeError):
        body_size.limit(Unbounded)
