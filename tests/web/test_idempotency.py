"""`Idempotency-Key`: however often a submission is sent, it is done once and answered the same. Robustness, point 6."""

import asyncio
from typing import Any

import aiohttp

from service import app, settings
from tests.conftest import StartGatepost
from tests.harness import Answer, Gatepost, Hands, Person, configuration
from tests.web.plain_http import assert_problem

DAY = 24 * 3600


async def _send(person: Person, key: str, body: str = "Hello", **more: Any) -> Answer:
    return await person.submit(body, headers={"Idempotency-Key": key}, **more)


def _assert_replayed(again: Answer, first: Answer) -> None:
    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert again.headers["Idempotency-Replayed"] == "true"


async def _waiting(gatepost: Gatepost) -> int:
    total: int = (await gatepost.moderator().get("queue")).json["total"]
    return total


async def test_the_first_reply_comes_again(gatepost: Gatepost) -> None:
    ada = gatepost.reader("ada")
    first = await _send(ada, "key", post="p", parent_id=None)
    assert first.status == 202
    assert "Idempotency-Replayed" not in first.headers
    assert first.headers["Location"] == f"/v1/sites/blog/comments/{first.json['comment']['id']}"
    for _ in range(3):
        _assert_replayed(await _send(ada, "key", post="p", parent_id=None), first)
    assert await _waiting(gatepost) == 1


async def test_a_comment_that_was_published_at_once_is_answered_201_again(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost(premoderate=False)
    first = await _send(gatepost.reader("ada"), "key")
    assert first.status == 201
    _assert_replayed(await _send(gatepost.reader("ada"), "key"), first)
    assert (await gatepost.public())["post"]["count"] == 1


async def test_the_reply_is_the_first_one_whatever_has_become_of_the_comment(gatepost: Gatepost) -> None:
    ada, moderator = gatepost.reader("ada"), gatepost.moderator()
    first = await _send(ada, "key")
    comment = first.json["comment"]
    assert (await moderator.decide(comment["id"], "approve", 1)).status == 201
    _assert_replayed(await _send(ada, "key"), first)
    assert (await ada.withdraw(comment["id"])).status == 204
    await moderator.call("PATCH", "posts/post", json={"open": False})
    await moderator.call("PATCH", f"authors/{comment['author']['key']}", json={"banned_until": "forever"})
    _assert_replayed(await _send(ada, "key"), first)


async def test_the_same_key_for_something_else_is_refused(gatepost: Gatepost) -> None:
    ada = gatepost.reader("ada")
    parent = await gatepost.approved("A parent")
    first = await _send(ada, "key")
    for other in (
        {"body": "Hello!"},
        {"body": "Hello "},
        {"post": "another"},
        {"parent_id": parent["id"]},
    ):
        assert_problem(await _send(ada, "key", **other), 422, "idempotency-key-reused")
    titled = await ada.call(
        "POST",
        "posts/post/comments",
        json={"body": "Hello", "post": {"title": "A title"}},
        headers={"Idempotency-Key": "key"},
    )
    assert_problem(titled, 422, "idempotency-key-reused")
    _assert_replayed(await _send(ada, "key"), first)
    assert await _waiting(gatepost) == 1


async def test_the_same_request_written_otherwise_is_the_same_request(gatepost: Gatepost) -> None:
    ada = gatepost.reader("ada")
    first = await _send(ada, "key", "Grüße")
    for text in ('{"body": "Gr\\u00fc\\u00dfe"}', '{ "parent_id" : null, "body":"Grüße" }'):
        again = await ada.call(
            "POST",
            "posts/post/comments",
            data=text.encode(),
            headers={"Idempotency-Key": "key", "Content-Type": "application/json"},
        )
        _assert_replayed(again, first)


async def test_keys_are_each_authors_own_and_each_sites_own(gatepost: Gatepost) -> None:
    people = [gatepost.reader("ada"), gatepost.reader("bob"), gatepost.reader("ada", site="other")]
    replies = [await _send(person, "key") for person in people]
    assert [reply.status for reply in replies] == [202, 202, 202]
    assert len({reply.json["comment"]["id"] for reply in replies}) == 3
    assert not any("Idempotency-Replayed" in reply.headers for reply in replies)


async def test_keys_differ_in_every_character(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost(duplicate_window_seconds=0)
    keys = ["key", "KEY", "key2", "key key", "x" * 255, "~!@#$%^&*()_+{}|:<>?"]
    replies = [await _send(gatepost.reader("ada"), key) for key in keys]
    assert len({reply.json["comment"]["id"] for reply in replies}) == len(keys)


async def test_without_a_key_nothing_is_replayed(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost(duplicate_window_seconds=0)
    first, second = [await gatepost.reader("ada").submit("Hello") for _ in range(2)]
    assert first.json["comment"]["id"] != second.json["comment"]["id"]
    assert "Idempotency-Replayed" not in second.headers


async def test_what_failed_does_not_use_up_the_key(gatepost: Gatepost) -> None:
    ada, moderator = gatepost.reader("ada"), gatepost.moderator()
    assert_problem(await _send(ada, "key", " "), 422, "invalid-request")
    assert_problem(await _send(ada, "key", "x" * 10_001), 422, "invalid-request")
    unknown = "0189abcd-0000-7000-8000-000000000000"
    assert_problem(await _send(ada, "key", "A reply", parent_id=unknown), 422, "unknown-parent")
    await moderator.call("PATCH", "posts/post", json={"open": False})
    assert_problem(await _send(ada, "key"), 409, "post-closed")
    await moderator.call("PATCH", "posts/post", json={"open": True})
    said = await ada.submit("Said already")
    assert_problem(await _send(ada, "key", "Said already"), 409, "duplicate-comment")
    author = f"authors/{said.json['comment']['author']['key']}"
    await moderator.call("PATCH", author, json={"banned_until": "forever"})
    assert_problem(await _send(ada, "key"), 403, "banned")
    await moderator.call("PATCH", author, json={"banned_until": None})
    assert_problem(await _send(Person(gatepost.session), "key"), 401, "login-required")
    done = await _send(ada, "key")
    assert done.status == 202
    assert "Idempotency-Replayed" not in done.headers


async def test_a_retry_is_not_taken_for_a_duplicate(gatepost: Gatepost) -> None:
    first = await _send(gatepost.reader("ada"), "key")
    _assert_replayed(await _send(gatepost.reader("ada"), "key"), first)
    assert_problem(await _send(gatepost.reader("ada"), "another key"), 409, "duplicate-comment")


async def test_a_key_holds_for_24_hours(start_gatepost: StartGatepost, clock: Hands) -> None:
    gatepost = await start_gatepost(duplicate_window_seconds=0)
    first = await _send(gatepost.reader("ada"), "key")
    clock.advance(seconds=DAY - 1)
    _assert_replayed(await _send(gatepost.reader("ada"), "key"), first)
    clock.advance(seconds=1)
    later = await _send(gatepost.reader("ada"), "key", "Something else")
    assert later.status == 202
    assert "Idempotency-Replayed" not in later.headers
    _assert_replayed(await _send(gatepost.reader("ada"), "key", "Something else"), later)


async def test_five_at_the_same_time_are_one(gatepost: Gatepost) -> None:
    replies = await asyncio.gather(*(_send(gatepost.reader("ada"), "key") for _ in range(5)))
    assert {(reply.status, reply.body) for reply in replies} == {(202, replies[0].body)}
    assert sorted(reply.headers.get("Idempotency-Replayed", "first") for reply in replies) == ["first", *["true"] * 4]
    assert await _waiting(gatepost) == 1


async def test_a_key_is_known_after_a_restart(start_gatepost: StartGatepost, store_url: str, clock: Hands) -> None:
    running = await app.start(settings.parse(configuration(store_url)), clock=clock)
    try:
        gatepost = await _at(running, clock)
        first = await _send(gatepost.reader("ada"), "key")
        await gatepost.session.close()
    finally:
        await running.stop(drain_seconds=0)
    again = await start_gatepost()
    _assert_replayed(await _send(again.reader("ada"), "key"), first)
    assert await _waiting(again) == 1


async def _at(running: app.Running, clock: Hands) -> Gatepost:
    return Gatepost(running, aiohttp.ClientSession(running.address, cookie_jar=aiohttp.DummyCookieJar()), clock)
