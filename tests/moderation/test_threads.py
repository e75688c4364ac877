"""Threads: replies below what they answer, however deep; tombstones only where visible replies need them."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.conftest import StartGatepost
from tests.harness import Gatepost


async def thread(gatepost: Gatepost, **query: Any) -> list[tuple[str, int]]:
    """The public thread: each text (`-` for a tombstone) and its depth."""
    comments = (await gatepost.public(limit=200, **query))["comments"]
    return [
        ("-" if comment.get("removed") else comment["html"][len('<p dir="auto">') : -len("</p>\n")], comment["depth"])
        for comment in comments
    ]


async def chain(gatepost: Gatepost, length: int, *, said: str = "", post: str = "post") -> list[Any]:
    """Approved comments, each a reply to the one before."""
    found: list[Any] = []
    for number in range(length):
        gatepost.clock.advance(seconds=1)
        reply_to = {"parent_id": found[-1]["id"]} if found else {}
        found.append(await gatepost.approved(f"{said}{number}", post=post, **reply_to))
    return found


@pytest.mark.parametrize("max_depth", [0, 1, 3])
async def test_replies_beyond_the_deepest_level_stand_there_and_are_not_lost(
    start_gatepost: StartGatepost, max_depth: int
) -> None:
    gatepost = await start_gatepost(max_depth=max_depth)
    comments = await chain(gatepost, 7)
    assert await thread(gatepost) == [(f"{number}", min(number, max_depth)) for number in range(7)]
    listed = (await gatepost.public())["comments"]
    assert [comment["parent_id"] for comment in listed] == [None, *(comment["id"] for comment in comments[:-1])]
    assert [comment["reply_count"] for comment in listed] == [1] * 6 + [0]


async def test_the_deepest_thread_fits_under_the_longest_key(start_gatepost: StartGatepost) -> None:
    """An entry of a PostgreSQL index has room for 2,704 bytes: for this key, but not for the path beside it."""
    gatepost = await start_gatepost(max_depth=64)
    key = "".join(chr(0x10000 + number * 7919 % 0xFFFF) for number in range(512))  # four bytes each, hard to compress
    post = quote(key, safe="")
    comments = await chain(gatepost, 66, post=post)
    for sort in ("oldest", "newest"):
        answer = await gatepost.visitor.get(
            f"posts/{quote(key, safe='')}/comments", params={"sort": sort, "limit": 200}
        )
        assert [comment["id"] for comment in answer.json["comments"]] == [comment["id"] for comment in comments]


@pytest.mark.parametrize("limit", [1, 2, 3])
@pytest.mark.parametrize("sort", ["oldest", "newest"])
async def test_pages_of_a_deep_thread_are_the_thread(start_gatepost: StartGatepost, sort: str, limit: int) -> None:
    gatepost = await start_gatepost(max_depth=2)
    first = await chain(gatepost, 5)
    await chain(gatepost, 3, said="again ")
    await gatepost.approved("late", parent_id=first[1]["id"])
    whole = (await gatepost.public(sort=sort))["comments"]
    found: list[Any] = []
    page = await gatepost.public(sort=sort, limit=limit)
    while page["next"]:
        found += page["comments"]
        page = await gatepost.public(sort=sort, limit=limit, cursor=page["next"])
    assert found + page["comments"] == whole
    assert len(whole) == 9


async def test_replies_come_oldest_first_below_their_parent_whatever_the_order_of_roots(gatepost: Gatepost) -> None:
    first = await gatepost.approved("first")
    gatepost.clock.advance(seconds=1)
    await gatepost.approved("second")
    for text in ("early", "late"):
        gatepost.clock.advance(seconds=1)
        await gatepost.approved(text, parent_id=first["id"])
    replies = [("early", 1), ("late", 1)]
    assert await thread(gatepost) == [("first", 0), *replies, ("second", 0)]
    assert await thread(gatepost, sort="newest") == [("second", 0), ("first", 0), *replies]


async def test_comments_of_one_millisecond_have_an_order_and_keep_it(gatepost: Gatepost) -> None:
    for number in range(5):
        await gatepost.approved(f"{number}")
    assert await thread(gatepost) == [(f"{number}", 0) for number in range(5)]
    assert await thread(gatepost, sort="newest") == [(f"{number}", 0) for number in reversed(range(5))]


async def test_tombstones_stand_as_long_as_replies_do_and_go_all_together(gatepost: Gatepost) -> None:
    comments = await chain(gatepost, 5)
    for number in (0, 1, 3):
        await gatepost.moderator().decide(comments[number]["id"], "delete", 2)
    assert await thread(gatepost) == [("-", 0), ("-", 1), ("2", 2), ("-", 3), ("4", 4)]

    await gatepost.moderator().decide(comments[2]["id"], "spam", 2)
    assert await thread(gatepost) == [("-", 0), ("-", 1), ("-", 2), ("-", 3), ("4", 4)]

    last = await gatepost.moderator().decide(comments[4]["id"], "reject", 2)
    assert await thread(gatepost) == []

    await gatepost.moderator().undo(last.json["decision"]["id"])
    assert await thread(gatepost) == [("-", 0), ("-", 1), ("-", 2), ("-", 3), ("4", 4)]


async def test_a_tombstone_with_two_branches_stays_for_the_other(gatepost: Gatepost) -> None:
    root = await gatepost.approved("root")
    left = await gatepost.approved("left", parent_id=root["id"])
    await gatepost.approved("right", parent_id=root["id"])
    await gatepost.reader("ada").withdraw(root["id"])
    await gatepost.reader("ada").withdraw(left["id"])
    assert await thread(gatepost) == [("-", 0), ("right", 1)]
    assert (await gatepost.public())["comments"][0]["reply_count"] == 1


async def test_a_tombstone_says_nothing_about_who_and_when(gatepost: Gatepost) -> None:
    root = await gatepost.approved("root")
    await gatepost.approved("reply", parent_id=root["id"])
    await gatepost.reader("ada").withdraw(root["id"])
    tombstone = (await gatepost.public())["comments"][0]
    assert tombstone == {"id": root["id"], "parent_id": None, "depth": 0, "removed": True, "reply_count": 1}
    assert (await gatepost.public(view="flat"))["post"]["count"] == 1
    assert [comment["id"] for comment in (await gatepost.public(view="flat"))["comments"]] != [root["id"]]


@pytest.mark.parametrize("fate", ["pending", "reject", "spam", "delete"])
async def test_only_public_comments_can_be_answered(gatepost: Gatepost, fate: str) -> None:
    parent = (await gatepost.reader("ada").submit("parent")).json["comment"]
    if fate != "pending":
        await gatepost.moderator().decide(parent["id"], fate, 1)
    refused = await gatepost.reader("bob").submit("reply", parent_id=parent["id"])
    assert (refused.status, refused.code) == (422, "unknown-parent")


async def test_a_reply_that_waits_below_a_comment_that_goes_can_still_be_approved(gatepost: Gatepost) -> None:
    parent = await gatepost.approved("parent")
    reply = (await gatepost.reader("bob").submit("reply", parent_id=parent["id"])).json["comment"]
    await gatepost.reader("ada").withdraw(parent["id"])
    assert await thread(gatepost) == []
    await gatepost.moderator().decide(reply["id"], "approve", 1)
    assert await thread(gatepost) == [("-", 0), ("reply", 1)]
