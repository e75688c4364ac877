"""The queue: found by what one looks for, paged in both orders, with all that is needed to judge."""

from typing import Any

import pytest

from service.model import Actor, ActorKind, CommentId, Reason, SiteKey, Why
from service.store import comments, queue
from service.store.database import Transaction
from tests.harness import Gatepost


async def browse(gatepost: Gatepost, **query: Any) -> Any:
    """The queue as a moderator sees it."""
    answer = await gatepost.moderator().get("queue", params=query)
    assert answer.status == 200, answer.json
    return answer.json


@pytest.fixture
async def crowd(gatepost: Gatepost) -> Gatepost:
    """Comments by two authors on two posts, one with an edit that waits, one restored."""
    await gatepost.reader("ada").submit("A 50% off_er", post="first")
    await gatepost.reader("ada").submit("Plain words", post="second")
    edited = await gatepost.approved("Approved words", by="bob", post="first")
    await gatepost.reader("bob").edit(edited["id"], "A hidden EDIT", edited["version"])
    rejected = await gatepost.reader("bob").submit("Restored words", post="second")
    restored = rejected.json["comment"]["id"]
    await gatepost.moderator().decide(restored, "reject", 1)
    await gatepost.moderator().decide(restored, "restore", 2)
    return gatepost


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["A 50% off_er", "Plain words", "Approved words", "Restored words"]),
        ({"reason": "awaiting-approval"}, ["A 50% off_er", "Plain words"]),
        ({"reason": "edited"}, ["Approved words"]),
        ({"reason": "restored"}, ["Restored words"]),
        ({"post": "first"}, ["A 50% off_er", "Approved words"]),
        ({"post": "nowhere"}, []),
        ({"q": "WORDS"}, ["Plain words", "Approved words", "Restored words"]),
        ({"q": "hidden edit"}, ["Approved words"]),
        ({"q": "bob"}, ["Approved words", "Restored words"]),
        ({"q": "50%"}, ["A 50% off_er"]),
        ({"q": "%"}, ["A 50% off_er"]),
        ({"q": "off_er"}, ["A 50% off_er"]),
        ({"q": "_"}, ["A 50% off_er"]),
        ({"q": "' OR 1=1 --"}, []),
        ({"q": "words", "post": "second", "reason": "restored"}, ["Restored words"]),
    ],
    ids=str,
)
async def test_filters_find_what_they_say(crowd: Gatepost, wanted: dict[str, str], found: list[str]) -> None:
    listed = await browse(crowd, **wanted)
    assert sorted(entry["comment"]["body"] for entry in listed["entries"]) == sorted(found)
    assert listed["total"] == len(found)


async def test_an_authors_entries_are_found_by_their_key(crowd: Gatepost) -> None:
    key = (await crowd.reader("ada").get("me")).json["user"]["key"]
    listed = await browse(crowd, author=key)
    assert {entry["comment"]["author"]["name"] for entry in listed["entries"]} == {"Ada"}
    assert listed["total"] == 2


REPORT = Reason(Why.REPORTED, Actor(ActorKind.AUTHOR, "bob-key", "Bob"), 0, "Not nice")


def _report(tx: Transaction, comment_id: str) -> None:
    found = comments.get(tx, SiteKey("blog"), CommentId(comment_id))
    assert found is not None
    queue.put(tx, found, REPORT)


@pytest.mark.parametrize("limit", [1, 2, 3])
@pytest.mark.parametrize("order", ["oldest", "priority"])
async def test_pages_are_the_queue_in_both_orders(gatepost: Gatepost, order: str, limit: int) -> None:
    for number in range(8):
        submitted = await gatepost.reader("ada").submit(f"Number {number}")
        if number % 3:
            await gatepost.running.database.write(_report, submitted.json["comment"]["id"])
        gatepost.clock.advance(seconds=number % 2)
    whole = await browse(gatepost, order=order)
    sorting = [(entry["waiting_since"], entry["comment"]["id"]) for entry in whole["entries"]]
    if order == "priority":
        ranked = [(-entry["priority"], *place) for entry, place in zip(whole["entries"], sorting, strict=True)]
        assert ranked == sorted(ranked)
        assert {entry["priority"] for entry in whole["entries"]} == {0, 10}
    else:
        assert sorting == sorted(sorting)
    found: list[Any] = []
    page = await browse(gatepost, order=order, limit=limit)
    while page["next"]:
        found += page["entries"]
        page = await browse(gatepost, order=order, limit=limit, cursor=page["next"])
    assert found + page["entries"] == whole["entries"]
    assert page["total"] == 8


async def test_a_cursor_belongs_to_its_order(gatepost: Gatepost) -> None:
    for number in range(2):
        await gatepost.reader("ada").submit(f"Number {number}")
    cursor = (await browse(gatepost, limit=1))["next"]
    refused = await gatepost.moderator().get("queue", params={"order": "priority", "cursor": cursor})
    assert (refused.status, refused.code) == (400, "bad-cursor")


async def test_an_entry_carries_what_is_needed_to_judge(gatepost: Gatepost) -> None:
    parent = await gatepost.approved("What is answered", by="bob")
    await gatepost.approved("An earlier one", by="ada")
    spam = (await gatepost.reader("ada").submit("Buy this")).json["comment"]
    await gatepost.moderator().decide(spam["id"], "spam", 1)
    await gatepost.reader("ada").submit("The answer", parent_id=parent["id"])
    entry = (await browse(gatepost))["entries"][0]
    assert (entry["comment"]["body"], entry["parent"]["body"]) == ("The answer", "What is answered")
    assert (entry["author_record"]["approved"], entry["author_record"]["rejected"]) == (1, 1)
    assert [why["code"] for why in entry["why"]] == ["awaiting-approval"]


async def test_an_edit_keeps_the_place_in_the_queue(gatepost: Gatepost) -> None:
    first = (await gatepost.reader("ada").submit("First")).json["comment"]
    gatepost.clock.advance(seconds=1)
    await gatepost.reader("bob").submit("Second")
    gatepost.clock.advance(seconds=1)
    await gatepost.reader("ada").edit(first["id"], "First, corrected", 1)
    assert [one["comment"]["body"] for one in (await browse(gatepost))["entries"]] == ["First, corrected", "Second"]
