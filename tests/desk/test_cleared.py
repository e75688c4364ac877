"""The end of a queue, with the desk's script: what the page says when the last card is decided, and not earlier."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Locator, Route, expect

from service.moderation import bulk
from tests.desk.conftest import OpenBrowser
from tests.desk.room import Room, enter, status_of, waiting
from tests.harness import Gatepost

pytest_plugins = ["tests.browser"]
pytestmark = pytest.mark.browser


def end_of(room: Room) -> Locator:
    """What stands below the cards where nothing waits any more."""
    return room.page.locator("main > .empty")


async def test_the_last_decision_says_that_nothing_waits(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    """Without a new page, and only once the service has confirmed it; what somebody else was faster with is open."""
    comments = await waiting(gatepost, 2)
    room = await enter(browser_of)
    await room.page.evaluate("window.isSamePage = true")
    may_go_on = asyncio.Event()

    async def late(route: Route) -> None:
        await may_go_on.wait()
        await route.continue_()

    await room.page.route("**/decide", late)
    for comment in comments:
        await room.armed(comment)
        await room.page.keyboard.press("a")
    await room.state(comments[1], "sending")
    await gatepost.moderator("jo").decide(comments[0]["id"], "spam", 1)
    may_go_on.set()
    await room.state(comments[0], "conflict")
    await room.state(comments[1], "decided")
    await expect(end_of(room)).to_have_count(0)
    await room.page.keyboard.press("!")
    await room.armed(comments[0])
    await room.page.keyboard.press("r")
    await expect(end_of(room)).to_contain_text("Nothing waits. Well done.")
    await expect(room.page.locator("#aloud")).to_have_text("Nothing waits. Well done.")
    await expect(room.page.get_by_role("heading", level=1)).to_have_text("Waiting: 0")
    await room.page.keyboard.press("u")
    await room.armed(comments[0])
    await expect(end_of(room)).to_be_hidden()
    await room.page.keyboard.press("r")
    await expect(end_of(room)).to_be_visible()
    assert await room.page.evaluate("window.isSamePage")
    await room.page.get_by_role("link", name="What you decided").click()
    await expect(room.page.locator(".lines li").first).to_contain_text("Rejected Mo")
    assert [await status_of(gatepost, comment) for comment in comments] == ["rejected", "approved"]


async def test_what_waits_beside_the_filter_is_offered(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    """What has come in since and fits is new; what does not fit is found in the whole queue."""
    first = await waiting(gatepost, 1)
    room = await enter(browser_of, address="?q=words")
    await waiting(gatepost, 1, first=1)
    await gatepost.reader("eli").submit("Something else.")
    await room.armed(first[0])
    await room.page.keyboard.press("a")
    await room.numbers("new", "1 new")
    await expect(end_of(room)).to_have_count(0)
    await room.page.keyboard.press(".")
    await expect(room.now).to_contain_text("The words of comment 1.")
    await room.page.keyboard.press("s")
    await expect(end_of(room)).to_contain_text("Nothing here fits this filter.")
    await room.page.get_by_role("link", name="The whole queue: 1 waits").click()
    await expect(room.page.locator("[data-card]")).to_contain_text("Something else.")


async def marked(gatepost: Gatepost, room: Room, number: int) -> None:
    """Mark all, and go as far as the button with the number."""
    await room.page.get_by_role("button", name="Mark all on this page").click()
    await room.page.get_by_role("button", name="Reject...").click()
    await room.page.get_by_role("button", name=f"Reject {number} comments").click()


async def statuses(gatepost: Gatepost, comments: list[Any]) -> list[str]:
    """What the record says of each."""
    return [await status_of(gatepost, comment) for comment in comments]


async def test_many_are_decided_piece_by_piece(
    gatepost: Gatepost, browser_of: OpenBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    comments = await waiting(gatepost, 5)
    room = await enter(browser_of)
    await marked(gatepost, room, 5)
    await expect(room.page.get_by_role("heading", level=1)).to_have_text("5 of 5")
    await expect(room.page.get_by_text("5 comments decided.")).to_be_visible()
    assert await statuses(gatepost, comments) == ["rejected"] * 5
    await room.page.get_by_role("button", name="Undo these 5").click()
    await expect(room.page.get_by_role("status")).to_contain_text("decisions undone.")
    assert room.wrong == []


async def test_many_are_stopped_between_two_pieces(
    gatepost: Gatepost, browser_of: OpenBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is on its way is done; the rest is left, and can be gone on with."""
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    comments = await waiting(gatepost, 5)
    room = await enter(browser_of)
    is_stopped = asyncio.Event()
    pieces: list[str] = []

    async def held(route: Route) -> None:
        pieces.append(route.request.resource_type)
        if len(pieces) > 1:
            await is_stopped.wait()
        await route.continue_()

    await room.page.route("**/bulk", held)
    await marked(gatepost, room, 5)
    await room.page.get_by_role("button", name="Stop").click()
    is_stopped.set()
    await expect(room.page.get_by_role("button", name="Continue, 1 left")).to_be_visible()
    await expect(room.page.get_by_role("heading", level=1)).to_have_text("4 of 5")
    assert pieces == ["document", "xhr"]
    assert await statuses(gatepost, comments) == ["rejected"] * 4 + ["pending"]
    assert room.wrong == []
