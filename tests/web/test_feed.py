"""The event feed: in order, from a number on, filtered, held back until something happens, gone where it was cut."""

import asyncio
from typing import Any

import pytest

from service.delivery import outside_feed
from service.delivery.outside_events import OUTSIDE_OF
from service.model import SiteKey
from service.store import retention
from tests.harness import Gatepost


def numbers(answer: Any) -> list[tuple[int, str]]:
    """Number and type of each event of a reply."""
    return [(event["data"]["seq"], event["type"]) for event in answer.json["events"]]


async def test_what_happened_is_told_in_order_and_once(gatepost: Gatepost) -> None:
    comment = await gatepost.approved("Hello")
    answer = await gatepost.moderator().get("events")
    assert numbers(answer) == [(1, "comment.submitted"), (2, "comment.approved"), (2, "comment.published")]
    assert {event["data"]["comment"]["body"] for event in answer.json["events"]} == {comment["body"]}
    rest = await gatepost.moderator().get(f"events?after={answer.json['last_seq']}")
    assert rest.json == {"events": [], "last_seq": 2}


async def test_who_holds_what_of_the_queue_is_told_to_nobody_outside(gatepost: Gatepost) -> None:
    waits = (await gatepost.reader("ada").submit("Hello")).json["comment"]["id"]
    for method, body in (("POST", {"comment_ids": [waits]}), ("DELETE", None)):
        answer = await gatepost.moderator().call(method, "queue/claims", json=body)
        assert answer.status in (200, 204), answer.json
    feed = await gatepost.moderator().get("events")
    assert numbers(feed) == [(1, "comment.submitted")]
    assert feed.json["last_seq"] == 3, "one event of the log for each of the two calls"
    assert OUTSIDE_OF.get("queue.claimed") is None, "webhooks go by the same table"


async def test_what_is_told_of_one_event_is_not_parted(gatepost: Gatepost) -> None:
    await gatepost.approved("Hello")
    answer = await gatepost.moderator().get("events?after=1&limit=1")
    assert numbers(answer) == [(2, "comment.approved"), (2, "comment.published")]


async def test_the_filter_moves_the_number_past_what_it_leaves_out(
    gatepost: Gatepost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outside_feed, "LOOKED_AT", 3)
    for number in range(4):
        await gatepost.approved(f"Hello {number}", post="post")
    await gatepost.moderator().call("PATCH", "posts/post", json={"open": False})
    first = await gatepost.moderator().get("events?types=post.*")
    assert first.json == {"events": [], "last_seq": 3}
    held = await gatepost.moderator().get("events?types=post.*&wait=30")  # there is more: nothing is held back
    assert (numbers(held), held.json["last_seq"]) == ([(9, "post.closed")], 9)
    two = await gatepost.moderator().get("events?after=6&types=post.closed&types=comment.published")
    assert numbers(two) == [(8, "comment.published"), (9, "post.closed")]


@pytest.mark.parametrize(
    "query", ["types=comment.nonsense", "types=", "with=all", "wait=31", "wait=-1", "after=-1", "limit=201", "after=x"]
)
async def test_a_query_that_means_nothing_is_refused(gatepost: Gatepost, query: str) -> None:
    answer = await gatepost.moderator().get(f"events?{query}")
    assert (answer.status, answer.code) == (422, "invalid-request")


async def test_subjects_are_for_admins_and_readers_get_nothing(gatepost: Gatepost) -> None:
    await gatepost.approved("Hello")
    assert (await gatepost.visitor.get("events")).status == 401
    assert (await gatepost.reader("ada").get("events")).status == 403
    assert (await gatepost.moderator().get("events?with=people")).status == 403
    answer = await gatepost.reader("olga", roles=["admin"]).get("events?with=people")
    assert answer.json["events"][0]["data"]["comment"]["author"]["subject"] == "ada"
    plain = await gatepost.moderator().get("events?with=ids")
    assert "author" not in plain.json["events"][0]["data"]["comment"]


async def test_an_empty_answer_is_held_until_something_happens(gatepost: Gatepost) -> None:
    moderator = gatepost.moderator()
    waiting = asyncio.create_task(moderator.get("events?wait=30"))
    await heard(gatepost)
    assert not waiting.done()
    await gatepost.reader("ada").submit("Hello")
    assert numbers(await waiting) == [(1, "comment.submitted")]


async def test_what_the_filter_leaves_out_ends_no_waiting(gatepost: Gatepost) -> None:
    waiting = asyncio.create_task(gatepost.moderator().get("events?wait=30&types=post.*"))
    await heard(gatepost)
    await gatepost.reader("ada").submit("Hello", post="post")
    await gatepost.moderator().call("PATCH", "posts/post", json={"open": False})
    assert numbers(await waiting) == [(2, "post.closed")]


async def test_waiting_ends_with_the_service(gatepost: Gatepost) -> None:
    waiting = asyncio.create_task(gatepost.moderator().get("events?wait=30"))
    await heard(gatepost)
    stopping = asyncio.create_task(gatepost.running.stop())
    assert (await waiting).json == {"events": [], "last_seq": 0}
    await stopping


async def heard(gatepost: Gatepost) -> None:
    """A call that waits has looked: it is among those who are woken."""
    while not gatepost.running.arrivals.waiting(SiteKey("blog")):  # noqa: ASYNC110  # nobody says so
        await asyncio.sleep(0)
    await gatepost.moderator().get("queue")


async def test_who_is_behind_the_floor_is_told_where_it_begins(gatepost: Gatepost) -> None:
    for number in range(3):
        await gatepost.reader("ada").submit(f"Hello {number}")
    moderator = gatepost.moderator()
    gatepost.clock.advance(seconds=10)
    await gatepost.reader("ada").submit("Later")
    until = gatepost.clock() - 5_000
    await gatepost.running.database.bulk.write(retention.cut, SiteKey("blog"), until=until, awaited=[])
    answer = await moderator.get("events?after=1")
    assert (answer.status, answer.code, answer.json["first_seq"]) == (410, "events-pruned", 4)
    assert numbers(await moderator.get("events?after=3")) == [(4, "comment.submitted")]
    assert numbers(await moderator.get("events")) == [(4, "comment.submitted")]


async def test_a_number_of_another_store_is_told_from_silence(gatepost: Gatepost) -> None:
    await gatepost.reader("ada").submit("Hello")
    answer = await gatepost.moderator().get("events?after=7&wait=30")
    assert (answer.status, answer.code, answer.json["first_seq"]) == (410, "events-pruned", 1)
