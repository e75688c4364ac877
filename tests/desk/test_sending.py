"""What the desk's script says of decisions on their way: what the record says, and nothing earlier."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Route, expect

from tests.desk.conftest import OpenBrowser
from tests.desk.proxy import proxy_to
from tests.desk.room import Room, enter, keeping_place, status_of, waiting
from tests.desk.stage import cookie
from tests.harness import Gatepost

pytest_plugins = ["tests.browser"]
pytestmark = pytest.mark.browser


async def test_somebody_else_was_faster(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    """Their decision stays. The card comes back and says so, and the current card stays where it is."""
    comments = await waiting(gatepost, 4)
    room = await enter(browser_of, viewport={"width": 900, "height": 500})
    await room.page.route("**/decide", lambda route: _after(gatepost, comments[0], route))
    await room.armed(comments[0])
    await room.page.keyboard.press("a")
    await room.armed(comments[1])
    await room.state(comments[0], "conflict")
    await expect(room.card(comments[0]).get_by_role("alert")).to_contain_text("Called spam · Jo")
    await expect(room.card(comments[1])).to_have_attribute("aria-current", "true")
    await room.numbers("needs", "1 needs you")
    await room.numbers("decided", "")
    await room.page.unroute("**/decide")
    await room.page.keyboard.press("!")
    await room.armed(comments[0])
    await room.page.keyboard.press("r")
    await room.numbers("decided", "1 decided")
    await room.numbers("needs", "")
    assert await status_of(gatepost, comments[0]) == "rejected"


async def _after(gatepost: Gatepost, comment: Any, route: Route) -> None:
    """Another moderator's decision comes first."""
    await gatepost.moderator("jo").decide(comment["id"], "spam", 1)
    await route.continue_()


async def test_an_edit_meanwhile_is_shown(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    """What was decided was another text. What somebody has written to it is not lost."""
    comments = await waiting(gatepost, 2)
    room = await enter(browser_of)

    async def edited(route: Route) -> None:
        await gatepost.reader("r0").edit(comments[0]["id"], "Quite other words.", 1)
        await route.continue_()

    await room.page.route("**/decide", edited)
    await room.armed(comments[0])
    await room.page.keyboard.press("n")
    await room.page.keyboard.type("off-topic")
    await room.page.keyboard.press("Escape")
    await room.armed(comments[0])
    await room.page.keyboard.press("r")
    await room.state(comments[0], "conflict")
    await expect(room.card(comments[0])).to_contain_text("Quite other words.")
    await expect(room.card(comments[0]).get_by_label("Reason, told to the author")).to_have_value("off-topic")
    assert await status_of(gatepost, comments[0]) == "pending"


async def test_a_reply_that_is_lost_is_asked_for_again(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    """The service had it: it counts once."""
    comments = await waiting(gatepost, 2)
    room = await enter(browser_of)
    seen = []

    async def cut(route: Route) -> None:
        seen.append((await route.fetch()).status)
        await route.abort()

    await room.page.route("**/decide", cut, times=1)
    await room.armed(comments[0])
    await room.page.keyboard.press("a")
    await room.numbers("decided", "1 decided")
    assert seen == [201]
    record = (await gatepost.moderator().get(f"decisions?comment={comments[0]['id']}")).json["decisions"]
    assert [one["action"] for one in record] == ["hold", "approve"]


async def test_a_pause_of_the_service_loses_nothing(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    """The cards say that they are not sent yet; leaving asks; they go in the order in which they were pressed."""
    comments = await waiting(gatepost, 4)
    room = await enter(browser_of)
    asked: list[int] = []
    over = asyncio.Event()

    async def busy(route: Route) -> None:
        if over.is_set():
            return await route.continue_()
        asked.append(1)
        await route.fulfill(status=503, headers={"Retry-After": "1"}, body="")

    await room.page.route("**/decide", busy)
    for comment in comments[:3]:
        await room.armed(comment)
        await room.page.keyboard.press("a")
    await room.numbers("unsent", "3 not sent yet. Send now")
    await room.numbers("decided", "")
    for comment in comments[:3]:
        await room.state(comment, "failed")
        assert await status_of(gatepost, comment) == "pending"
    await room.page.keyboard.press("u")
    await room.state(comments[2], "waiting")
    await room.numbers("unsent", "2 not sent yet. Send now")
    room.page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.dismiss()))
    async with room.page.expect_event("dialog") as leaving:
        await room.page.close(run_before_unload=True)
    assert (await leaving.value).type == "beforeunload"
    over.set()
    await room.numbers("decided", "2 decided")
    record = (await gatepost.moderator().get("decisions?order=oldest")).json["decisions"]
    assert [one["comment_id"] for one in record if one["action"] == "approve"] == [one["id"] for one in comments[:2]]
    assert asked


async def test_after_ten_seconds_of_503_the_cards_say_what_the_record_says(
    gatepost: Gatepost, browser_of: OpenBrowser
) -> None:
    """Nothing is sent before the ten seconds are over that the service has asked for. Another moderator was faster with
    one of them meanwhile."""
    comments = await waiting(gatepost, 4)
    async with proxy_to(str(gatepost.running.address)) as proxy:
        room = await enter(browser_of, address=f"{proxy.address}/desk/blog/", has_own_clock=True)
        proxy.is_away = True
        for comment, key in zip(comments[:3], "ars", strict=True):
            await room.armed(comment)
            await room.page.keyboard.press(key)
        await room.numbers("unsent", "3 not sent yet. Send now")
        for comment in comments[:3]:
            await room.state(comment, "failed")
            assert await status_of(gatepost, comment) == "pending"
        refused = proxy.refused
        await gatepost.moderator("jo").decide(comments[1]["id"], "approve", 1)
        proxy.is_away = False
        await room.page.clock.fast_forward(8_000)
        await room.numbers("unsent", "3 not sent yet. Send now")
        assert proxy.refused == refused
        await room.page.clock.fast_forward(2_000)
        await room.numbers("decided", "2 decided")
        await room.numbers("needs", "1 needs you")
        await room.numbers("unsent", "")
        for comment, state in zip(comments, ("decided", "conflict", "decided", "waiting"), strict=True):
            await room.state(comment, state)
        await expect(room.card(comments[1]).get_by_role("alert")).to_contain_text("Approved · Jo")
        await room.page.close()
    assert [await status_of(gatepost, comment) for comment in comments] == ["approved", "approved", "spam", "pending"]


async def test_offline_waits_for_the_line(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    comments = await waiting(gatepost, 2)
    room = await enter(browser_of)
    await room.armed(comments[0])
    await room.page.context.set_offline(True)
    await room.page.keyboard.press("s")
    await room.state(comments[0], "failed")
    await room.armed(comments[1])
    async with keeping_place(room, comments[1]):
        await room.page.context.set_offline(False)
        await room.state(comments[0], "decided")
    assert await status_of(gatepost, comments[0]) == "spam"


async def test_what_is_pressed_with_the_mouse_stays_on_the_page(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    """A press right behind another one is dropped: it was meant for what stood there before."""
    comments = await waiting(gatepost, 3)
    room = await enter(browser_of)
    await room.page.evaluate("window.isSamePage = true")
    await room.card(comments[1]).get_by_role("button", name="Approve").dblclick()
    await room.state(comments[1], "decided")
    await expect(room.card(comments[2])).to_have_attribute("aria-current", "true")
    await room.state(comments[0], "waiting")
    await room.state(comments[2], "waiting")
    await room.card(comments[1]).get_by_role("button", name="Undo").click()
    await room.state(comments[1], "waiting")
    assert await room.page.evaluate("window.isSamePage")
    assert [await status_of(gatepost, comment) for comment in comments] == ["pending"] * 3
    assert room.wrong == []


async def test_what_the_service_does_not_take_needs_somebody(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    comments = await waiting(gatepost, 2)
    room = await enter(browser_of)
    await room.armed(comments[0])
    await room.card(comments[0]).locator("input[name=version]").evaluate("(field) => { field.value = 'x'; }")
    await room.page.keyboard.press("a")
    await room.state(comments[0], "conflict")
    await room.numbers("needs", "1 needs you")
    await room.numbers("unsent", "")
    assert await status_of(gatepost, comments[0]) == "pending"


async def test_an_undo_that_something_newer_stands_on_says_so(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    comments = await waiting(gatepost, 2)
    room = await enter(browser_of)
    await room.armed(comments[0])
    await room.page.keyboard.press("a")
    await room.state(comments[0], "decided")
    await gatepost.moderator("jo").decide(comments[0]["id"], "spam", 2)
    await room.page.keyboard.press("u")
    await room.state(comments[0], "conflict")
    told = room.card(comments[0]).get_by_role("alert")
    await expect(told).to_contain_text("Something newer stands on that decision")
    await expect(told).to_contain_text("Called spam · Jo")
    await room.numbers("needs", "1 needs you")
    assert await status_of(gatepost, comments[0]) == "spam"


async def test_two_undos_undo_two(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    """The second is pressed while the first is under way."""
    comments = await waiting(gatepost, 3)
    room = await enter(browser_of)
    for comment in comments[:2]:
        await room.armed(comment)
        await room.page.keyboard.press("a")
    await room.numbers("decided", "2 decided")
    pressed = asyncio.Event()

    async def held(route: Route) -> None:
        await pressed.wait()
        await route.continue_()

    await room.page.route("**/undo", held)
    await room.page.keyboard.press("u")
    await room.page.keyboard.press("u")
    pressed.set()
    for comment in comments:
        await room.state(comment, "waiting")
    assert [await status_of(gatepost, comment) for comment in comments] == ["pending"] * 3


async def test_who_signs_in_again_sends_what_was_not_sent(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    """Nothing of it goes out in the name of somebody else."""
    comments = await waiting(gatepost, 3)
    room = await enter(browser_of)
    gatepost.clock.advance(seconds=49 * 3600)  # over two midnights: the forms of the page are too old
    await _signed_in_again(gatepost, room, "jo")
    for comment in comments[:2]:
        await room.armed(comment)
        await room.page.keyboard.press("a")
    await room.numbers("unsent", "2 not sent yet. Send now")
    assert await status_of(gatepost, comments[0]) == "pending"
    await _signed_in_again(gatepost, room, "mo")
    await room.page.get_by_role("button", name="Send now").click()
    await room.numbers("decided", "2 decided")
    await room.page.keyboard.press("c")
    await expect(room.card(comments[2])).to_have_attribute("data-claim", "mine")
    record = (await gatepost.moderator().get(f"decisions?comment={comments[0]['id']}")).json["decisions"]
    assert [one["actor"]["name"] for one in record if one["action"] == "approve"] == ["Mo"]


async def _signed_in_again(gatepost: Gatepost, room: Room, name: str) -> None:
    key, value = cookie(gatepost, name)
    address = str(gatepost.running.address)
    await room.page.context.add_cookies([{"name": key, "value": value, "url": address}])
