"""What happens on the page while somebody reads it, and that nothing moves under their eyes."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Route, expect

from tests.embed.stage import Stage, Window

pytest_plugins = ["tests.browser"]
pytestmark = pytest.mark.browser


async def decide(stage: Stage, comment: dict[str, Any], action: str) -> None:
    answer = await stage.gatepost.moderator().decide(comment["id"], action, comment["version"])
    assert answer.status == 201, answer.json


async def listening(stage: Stage, **options: Any) -> Window:
    window = await stage.ready(**options)
    await expect(window.element).to_have_attribute("data-live", "on")
    return window


async def test_comments_come_change_and_go(stage: Stage) -> None:
    window = await listening(stage)
    await expect(window.element).to_contain_text("No comments yet.")
    first = await stage.approved("First")
    await expect(window.comment(first["id"])).to_be_visible()
    await expect(window.element).not_to_contain_text("No comments yet.")
    reply = await stage.approved("Second", by="grace", parent_id=first["id"])
    await expect(window.element.locator("ol ol article")).to_have_attribute("data-comment-id", reply["id"])
    await expect(window.element.get_by_role("heading", level=2)).to_have_text("2 comments")
    await decide(stage, first, "delete")
    await expect(window.comment(first["id"])).to_have_text("This comment was removed.")
    await expect(window.comment(first["id"])).to_have_attribute("data-status", "removed")
    await decide(stage, reply, "spam")
    await expect(window.articles).to_have_count(0)
    await expect(window.element).to_contain_text("No comments yet.")
    assert await window.told("arrived") == [{"ids": [first["id"]]}, {"ids": [reply["id"]]}]
    assert [told["count"] for told in await window.told("count")] == [0, 1, 2, 1, 0]


async def test_what_is_read_does_not_move(stage: Stage) -> None:
    texts = [await stage.approved(f"Comment {n}\n\n" + "word " * 80) for n in range(12)]
    window = await listening(stage)
    read = window.comment(texts[8]["id"])
    await read.scroll_into_view_if_needed()
    await read.evaluate("node => node.scrollIntoView({block: 'start'})")
    before = await read.evaluate("node => Math.round(node.getBoundingClientRect().top)")
    shifted = await window.page.evaluate("shifts.length")
    above = await stage.approved("Far above", by="grace", parent_id=texts[1]["id"])
    between = await stage.approved("In the midst", by="grace", parent_id=texts[8]["id"])
    new = window.element.get_by_role("button", name="2 new comments")
    await expect(new).to_be_visible()
    await expect(window.comment(between["id"])).to_have_count(0)
    assert await read.evaluate("node => Math.round(node.getBoundingClientRect().top)") in range(before - 1, before + 2)
    assert await window.page.evaluate("shifts.length") == shifted
    await new.click()
    await expect(window.comment(above["id"])).to_be_focused()
    await expect(window.comment(between["id"])).to_have_count(1)
    await expect(new).to_have_count(0)


async def test_newest_first_waits_above_for_whoever_reads(stage: Stage) -> None:
    first = await stage.approved("First")
    stage.page(sort="newest", live="on")
    window = await listening(stage)
    second = await stage.approved("Second", by="grace")
    new = window.element.get_by_role("button", name="1 new comment")
    await new.click()
    assert [await one.get_attribute("data-comment-id") for one in await window.articles.all()] == [
        second["id"],
        first["id"],
    ]
    await expect(window.comment(second["id"])).to_be_focused()


async def test_what_came_between_the_list_and_the_stream_is_not_missed(stage: Stage) -> None:
    await stage.approved("First")
    window = await stage.open(go=False)
    missed: list[str] = []

    async def approve_first(route: Any) -> None:
        if not missed:
            missed.append((await stage.approved("Between"))["id"])
        await route.continue_()

    await window.page.route("**/events*", approve_first)
    await window.page.goto(stage.page_address)
    await expect(window.articles).to_have_count(2)
    await expect(window.comment(missed[0])).to_be_visible()


async def test_a_list_that_was_read_before_brings_no_older_text_back(stage: Stage) -> None:
    first = await stage.approved("An older text")
    gone = await stage.approved("It goes", by="grace")
    window = await stage.open(go=False)
    was_heard = asyncio.Event()
    lists: list[Route] = []

    async def hold_second(route: Route) -> None:
        lists.append(route)
        if len(lists) != 2:
            return await route.continue_()
        answer = await route.fetch()
        page = await answer.json()
        page["comments"].append({**page["comments"][0], "id": "its-end", "html": "<p>The list is drawn.</p>"})
        await was_heard.wait()
        await route.fulfill(response=answer, json=page)

    await window.page.route("**/comments?*", hold_second)
    await window.page.goto(stage.page_address)
    await expect(window.element).to_have_attribute("data-live", "on")
    edited = await stage.gatepost.reader("ada").edit(first["id"], "A newer text", first["version"])
    await decide(stage, edited.json["comment"], "approve")
    await decide(stage, gone, "spam")
    await expect(window.comment(first["id"])).to_contain_text("A newer text")
    await expect(window.comment(gone["id"])).to_have_count(0)
    was_heard.set()
    await expect(window.comment("its-end")).to_be_visible()
    await expect(window.comment(first["id"])).to_contain_text("A newer text")
    await expect(window.comment(gone["id"])).to_have_count(0)
    await expect(window.element.get_by_role("heading", level=2)).to_have_text("1 comment")


async def test_nobody_listens_while_it_is_out_of_sight(stage: Stage) -> None:
    await stage.approved("First")
    stage.page(after="<div class=tall></div>")
    window = await listening(stage)
    await window.page.mouse.wheel(0, 2500)
    await expect(window.element).to_have_attribute("data-live", "off")
    second = await stage.approved("Second", by="grace")
    await window.page.evaluate("scrollTo(0, 0)")
    await expect(window.comment(second["id"])).to_be_visible()


async def test_live_can_be_off(stage: Stage) -> None:
    stage.page(live="off")
    window = await stage.ready()
    await expect(window.element).to_have_attribute("data-live", "off")
    assert [one for one in window.requests if "/events" in one] == []


async def test_counts_of_the_page_follow(stage: Stage) -> None:
    await stage.approved("First")
    counts = "".join(
        f'<gatepost-count site="blog" post="{post}">Comments</gatepost-count> ' for post in ("2005/07/gate", "b", "a")
    )
    stage.page(before=f'{counts}<gatepost-count site="blog" post="2005/07/gate" format="number">?</gatepost-count>')
    window = await listening(stage)
    shown = window.page.locator("gatepost-count")
    await expect(shown).to_have_text(["1 comment", "No comments", "No comments", "1"])
    asked = [one for one in window.requests if "/counts" in one]
    assert [one.partition("?")[2] for one in asked] == ["post=2005%2F07%2Fgate&post=a&post=b"]
    await stage.approved("Second", by="grace")
    await expect(shown).to_have_text(["2 comments", "No comments", "No comments", "2"])


async def test_an_own_comment_that_is_taken_down_says_why(stage: Stage) -> None:
    stage.reader = "ada"
    comment = await stage.approved("Too loud", by="ada")
    window = await listening(stage)
    answer = await stage.gatepost.moderator().decide(comment["id"], "reject", comment["version"], reason="Shouting")
    assert answer.status == 201
    await expect(window.comment(comment["id"])).to_contain_text("Not published")
    await expect(window.comment(comment["id"])).to_contain_text("Shouting")
