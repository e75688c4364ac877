"""What others do while somebody sits at the desk: nothing comes or goes by itself, and nothing is hidden."""

import pytest
from playwright.async_api import Route, expect

from tests.desk.conftest import OpenBrowser
from tests.desk.room import Room, keeping_place, waiting
from tests.harness import Gatepost

pytest_plugins = ["tests.browser"]
pytestmark = pytest.mark.browser


async def listening(browser_of: OpenBrowser) -> Room:
    """A queue's page whose stream is open."""
    room = Room(await (await browser_of(scripts=True)).new_page())
    async with room.page.expect_response("**/desk/blog/events") as opened:
        await room.page.goto("")
    assert (await opened.value).headers["content-type"] == "text/event-stream"
    return room


async def test_what_is_new_waits_to_be_wanted(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    comments = await waiting(gatepost, 2)
    room = await listening(browser_of)
    await room.armed(comments[0])
    async with keeping_place(room, comments[0]):
        new = await waiting(gatepost, 2, first=2)
        await room.numbers("new", "2 new")
    assert (await room.page.title()).startswith("(2) Queue")
    await expect(room.page.locator("[data-card]")).to_have_count(2)
    await room.page.keyboard.press(".")
    await expect(room.page.locator("[data-card]")).to_have_count(4)
    await room.numbers("new", "")
    await room.state(new[1], "waiting")
    await room.armed(comments[0])
    assert room.wrong == []


async def test_what_somebody_else_decided_says_so(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    """It stays the current card, and its keys do nothing."""
    comments = await waiting(gatepost, 3)
    room = await listening(browser_of)
    await room.armed(comments[0])
    async with keeping_place(room, comments[0]):
        await gatepost.moderator("jo").decide(comments[0]["id"], "approve", 1)
        await room.state(comments[0], "gone")
    await expect(room.card(comments[0])).to_contain_text("Approved Jo")
    await expect(room.card(comments[0])).to_have_attribute("aria-current", "true")
    await room.page.keyboard.press("r")
    await room.page.keyboard.press("j")
    await room.armed(comments[1])
    async with keeping_place(room, comments[1]):
        await gatepost.moderator("jo").decide(comments[2]["id"], "spam", 1)
        await room.state(comments[2], "gone")
    await room.numbers("decided", "")
    assert room.wrong == []


async def test_a_text_that_changes_is_shown_anew(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    comments = await waiting(gatepost, 2)
    room = await listening(browser_of)
    await room.armed(comments[0])
    await gatepost.reader("r0").edit(comments[0]["id"], "Quite other words.", 1)
    await expect(room.card(comments[0])).to_contain_text("The author has changed the text.")
    await expect(room.card(comments[0])).to_contain_text("Quite other words.")


async def test_who_holds_what_is_shown(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    """The first key unfolds the buttons of what somebody else holds; it decides nothing."""
    comments = await waiting(gatepost, 2)
    room = await listening(browser_of)
    await room.armed(comments[0])
    await gatepost.moderator("jo").call("POST", "queue/claims", json={"comment_ids": [comments[0]["id"]]})
    await expect(room.card(comments[0])).to_contain_text("Jo has it until")
    await room.armed(comments[0])
    await room.page.keyboard.press("a")
    await room.state(comments[0], "waiting")
    await expect(room.card(comments[0]).get_by_role("button", name="Approve")).to_be_visible()
    await room.page.keyboard.press("c")
    await expect(room.card(comments[1])).to_have_attribute("data-claim", "mine")
    await expect(room.card(comments[1])).to_contain_text("Yours until")
    assert room.wrong == []


async def test_one_stream_for_all_pages_of_a_browser(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    comments = await waiting(gatepost, 2)
    first = await listening(browser_of)
    second = Room(await first.page.context.new_page())
    asked: list[str] = []
    second.page.on("request", lambda request: asked.append(request.url))
    await second.page.goto("")
    await second.armed(comments[0])
    await gatepost.moderator("jo").decide(comments[1]["id"], "approve", 1)
    for room in (first, second):
        await room.state(comments[1], "gone")
    assert [url for url in asked if url.endswith("/events")] == []


async def test_news_that_were_missed_are_said_to_be(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    """The service does not know any more what came behind the last one that was heard: no reload by itself."""
    comments = await waiting(gatepost, 1)
    room = Room(await (await browser_of(scripts=True)).new_page())

    async def long_ago(route: Route) -> None:
        await route.continue_(url=f"{route.request.url}?last_event_id=1")

    await room.page.route("**/events", long_ago)
    await room.page.goto("")
    await room.page.evaluate("window.isSamePage = true")
    await expect(room.page.get_by_text("The list may be old.")).to_be_visible()
    await room.armed(comments[0])
    assert await room.page.evaluate("window.isSamePage")
    await room.page.unroute("**/events")
    await room.page.get_by_role("link", name="Reload").click()
    await expect(room.page.locator("#tools")).to_be_visible()
    await expect(room.page.get_by_text("The list may be old.")).to_be_hidden()


async def test_new_ones_that_no_reply_brings_stay_new(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    await waiting(gatepost, 1)
    room = await listening(browser_of)
    await waiting(gatepost, 2, first=1)
    await room.numbers("new", "2 new")
    await room.page.route("**/c/*", lambda route: route.fulfill(status=503, body=""))
    await room.page.keyboard.press(".")
    await expect(room.page.locator("#aloud")).to_have_text("There was no reply. Try again.")
    await room.numbers("new", "2 new")
    await room.page.unroute("**/c/*")
    await room.page.keyboard.press(".")
    await expect(room.page.locator("[data-card]")).to_have_count(3)
    await room.numbers("new", "")


async def test_a_card_that_changes_keeps_its_mark_and_what_somebody_is_writing(
    gatepost: Gatepost, browser_of: OpenBrowser
) -> None:
    """What is typed on would else be keys that decide."""
    comments = await waiting(gatepost, 2)
    room = await listening(browser_of)
    await room.armed(comments[0])
    await room.page.keyboard.press("x")
    await room.page.keyboard.press("n")
    await room.page.keyboard.type("off-")
    await gatepost.moderator("jo").call("POST", "queue/claims", json={"comment_ids": [comments[0]["id"]]})
    await expect(room.card(comments[0])).to_have_attribute("data-claim", "other")
    await room.page.keyboard.type("topic, as so often")
    field = room.card(comments[0]).get_by_label("Reason, told to the author")
    await expect(field).to_have_value("off-topic, as so often")
    await expect(room.card(comments[0]).get_by_role("checkbox")).to_be_checked()
    await room.state(comments[0], "waiting")
