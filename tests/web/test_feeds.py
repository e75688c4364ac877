"""Feeds go by the moment at which readers are shown a text: who follows one hears of everything, however late."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import feedparser
import html5lib
import pytest

from tests.conftest import StartGatepost
from tests.harness import Answer, Gatepost

SITE_FEED = "comments.atom"
FEEDS = (SITE_FEED, "posts/post/comments.atom")


async def read(gatepost: Gatepost, address: str) -> tuple[Answer, Any]:
    """A feed as it is sent, and as a feed reader sees it."""
    answer = await gatepost.visitor.get(address)
    assert answer.status == 200
    return answer, feedparser.parse(answer.body)


async def moments(gatepost: Gatepost, address: str = SITE_FEED) -> list[tuple[str, str, str]]:
    """Of each entry in its order: which comment, since when it is there, since when it reads so."""
    _, found = await read(gatepost, address)
    return [(entry.id.removeprefix("urn:uuid:"), entry.published, entry.updated) for entry in found.entries]


def now(gatepost: Gatepost) -> str:
    """The time on the service's clock as feeds write it."""
    whole, rest = divmod(gatepost.clock(), 1000)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"


async def submitted(gatepost: Gatepost, body: str, *, by: str = "ada") -> Any:
    """A comment that waits, and a minute that passes."""
    answer = await gatepost.reader(by).submit(body)
    gatepost.clock.advance(seconds=60)
    return answer.json["comment"]


async def change(gatepost: Gatepost, comment: Any, steps: Sequence[str]) -> str:
    """What its author and a moderator do with an approved comment, a minute apart; when the last of it was done."""
    decision = None
    for step in steps:
        gatepost.clock.advance(seconds=60)
        if step == "edit":
            answer = await gatepost.reader("ada").edit(comment["id"], "A better text", comment["version"])
        elif step == "undo":
            answer = await gatepost.moderator().undo(str(decision))
        else:
            answer = await gatepost.moderator().decide(comment["id"], step, comment["version"])
        assert answer.status in {200, 201}, answer.json
        comment, decision = answer.json["comment"], answer.json.get("decision", {}).get("id")
    return now(gatepost)


@pytest.mark.parametrize("address", FEEDS)
async def test_what_is_approved_late_is_the_newest_of_the_feed(gatepost: Gatepost, address: str) -> None:
    first, second = await submitted(gatepost, "Written first"), await submitted(gatepost, "Written second", by="bob")
    await gatepost.moderator().decide(second["id"], "approve", 1)
    answer, before = await read(gatepost, address)
    gatepost.clock.advance(seconds=60)
    await gatepost.moderator().decide(first["id"], "approve", 1)
    again, after = await read(gatepost, address)
    assert [entry.id for entry in after.entries] == [f"urn:uuid:{one['id']}" for one in (first, second)]
    assert after.entries[0].published == after.entries[0].updated == after.feed.updated == now(gatepost)
    assert before.feed.updated < after.feed.updated
    assert again.headers["ETag"] != answer.headers["ETag"]
    known = {"If-None-Match": answer.headers["ETag"]}
    assert (await gatepost.visitor.get(address, headers=known)).status == 200


async def test_the_lists_stay_in_the_order_of_writing(gatepost: Gatepost) -> None:
    first, second = await submitted(gatepost, "Written first"), await submitted(gatepost, "Written second", by="bob")
    for comment in (second, first):
        await gatepost.moderator().decide(comment["id"], "approve", 1)
        gatepost.clock.advance(seconds=60)
    written = [second["id"], first["id"]]
    latest = (await gatepost.visitor.get("comments")).json
    for found in (latest, await gatepost.public(sort="newest"), await gatepost.public(sort="newest", view="flat")):
        assert [item["id"] for item in found["comments"]] == written


@pytest.mark.parametrize("address", FEEDS)
async def test_what_is_approved_late_comes_before_what_fills_the_feed(gatepost: Gatepost, address: str) -> None:
    late = await submitted(gatepost, "Waits for long")
    newer = [(await submitted(gatepost, f"Comment {number}", by="bob"))["id"] for number in range(51)]
    for chunk in (newer[:25], newer[25:]):
        ruled = [{"comment_id": comment_id, "action": "approve", "version": 1} for comment_id in chunk]
        await gatepost.moderator().call("POST", "decisions", json={"decisions": ruled})
        gatepost.clock.advance(seconds=60)
    assert late["id"] not in [comment_id for comment_id, _, _ in await moments(gatepost, address)]
    await gatepost.moderator().decide(late["id"], "approve", 1)
    found = [comment_id for comment_id, _, _ in await moments(gatepost, address)]
    assert (found[0], len(found)) == (late["id"], 50)
    assert set(found[1:]) < set(newer)


@pytest.mark.parametrize(
    "steps",
    [("edit", "approve"), ("edit", "approve", "undo"), ("reject", "approve"), ("reject", "undo"), ("spam", "approve")],
    ids=" ".join,
)
@pytest.mark.parametrize("address", FEEDS)
async def test_a_text_that_readers_are_shown_anew_moves_up(
    gatepost: Gatepost, address: str, steps: Sequence[str]
) -> None:
    comment = await gatepost.approved("A text")
    published = now(gatepost)
    gatepost.clock.advance(seconds=60)
    other = await gatepost.approved("Another", by="bob")
    assert [comment_id for comment_id, _, _ in await moments(gatepost, address)] == [other["id"], comment["id"]]
    shown = await change(gatepost, comment, steps)
    (first, *rest) = await moments(gatepost, address)
    assert (first, len(rest)) == ((comment["id"], published, shown), 1)


# What browsers leave as it is in an address and no document may hold, in a path and in a query.
UNFIT = {
    "|": "%7C",
    "^": "%5E",
    "`": "%60",
    "{}": "%7B%7D",
    '"': "%22",
    "<>": "%3C%3E",
    "[]": "%5B%5D",
    "%": "%25",
}


@pytest.mark.parametrize(("unfit", "written"), UNFIT.items())
async def test_links_to_a_post_are_addresses_whatever_a_browser_took_for_one(
    gatepost: Gatepost, unfit: str, written: str
) -> None:
    label = {"title": "A post", "url": f"https://blog.example/x{unfit}y/?tag=a{unfit}b#c"}
    comment = (
        await gatepost.reader("ada").call("POST", "posts/post/comments", json={"body": "A text", "post": label})
    ).json["comment"]
    await gatepost.moderator().decide(comment["id"], "approve", 1)
    page = f"https://blog.example/x{written}y/?tag=a{written}b"
    for address in FEEDS:
        _, found = await read(gatepost, address)  # which no test can without a look at whether it is valid
        assert found.entries[0].link == f"{page}#comment-{comment['id']}"
    fragment = (await gatepost.visitor.get("posts/post/comments.html")).body.decode()
    html5lib.HTMLParser(strict=True).parseFragment(fragment)
    assert quote(f"{page}#c", safe="") in fragment


async def test_the_times_of_the_fragment_say_that_they_are_utc(gatepost: Gatepost) -> None:
    comment = await gatepost.approved("A text")
    await change(gatepost, comment, ["edit", "approve"])
    fragment = (await gatepost.visitor.get("posts/post/comments.html")).body.decode()
    assert len(re.findall(r">at \d+:\d\d[ap]m UTC on \w+day, \d+\w\w \w+ \d{4}</time>", fragment)) == 2


@pytest.mark.parametrize(
    "steps",
    [("edit",), ("edit", "discard_edit"), ("edit", "discard_edit", "undo"), ("approve",), ("approve", "undo")],
    ids=" ".join,
)
async def test_what_changes_nothing_for_readers_changes_no_feed(gatepost: Gatepost, steps: Sequence[str]) -> None:
    comment = await gatepost.approved("A text")
    gatepost.clock.advance(seconds=60)
    await gatepost.approved("Another", by="bob")
    before = [(await read(gatepost, address))[0] for address in FEEDS]
    await change(gatepost, comment, steps)
    for address, answer in zip(FEEDS, before, strict=True):
        known = {"If-None-Match": answer.headers["ETag"]}
        assert (await gatepost.visitor.get(address, headers=known)).status == 304


async def test_where_nothing_waits_an_edit_moves_up_at_once(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost(premoderate=False)
    published, comment = now(gatepost), await submitted(gatepost, "A text")
    await submitted(gatepost, "Another", by="bob")
    edited = await change(gatepost, comment, ["edit"])
    (first, _) = await moments(gatepost)
    assert first == (comment["id"], published, edited)
