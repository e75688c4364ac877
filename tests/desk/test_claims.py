"""What a moderator holds, with the desk's script: more for whoever wants that, and given back by whoever is gone."""

import pytest
from playwright.async_api import expect

from tests.desk.conftest import OpenBrowser
from tests.desk.room import Room, enter, status_of, waiting
from tests.harness import Gatepost

pytest_plugins = ["tests.browser"]
pytestmark = pytest.mark.browser


# What windows have said before they answer has been heard when the answer comes.
ASKED_ALL_WINDOWS = """() => new Promise((done) => {
  const home = new URL(document.querySelector("#tools").dataset.root, location.href).href;
  const channel = new BroadcastChannel(home);
  let answers = 0;
  channel.onmessage = () => {
    answers += 1;
    if (answers === 2) done(channel.postMessage(["test", false]));
  };
  channel.postMessage(["test", true]);
})"""


async def held(gatepost: Gatepost) -> int:
    """How many comments Mo holds."""
    return int((await gatepost.moderator().get("queue?claimed=mine")).json["total"])


async def taken(room: Room, number: int) -> None:
    """Take comments, and wait until the cards say so."""
    await room.page.get_by_role("button", name="Take the next 20").click()
    await expect(room.page.locator("[data-claim=mine]")).to_have_count(number)


async def test_who_wants_to_be_kept_supplied_is(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    """Nothing is taken for who does not; the browser remembers the wish."""
    comments = await waiting(gatepost, 45)
    room = await enter(browser_of, address="?claimed=mine")
    await taken(room, 20)
    for comment in comments[:16]:
        await room.armed(comment)
        await room.page.keyboard.press("a")
    await room.numbers("decided", "16 decided")
    assert await held(gatepost) == 4
    await room.page.get_by_label("Keep me supplied").check()
    await room.page.get_by_role("link", name="Record").click()
    await room.page.go_back()
    await expect(room.page.get_by_label("Keep me supplied")).to_be_checked()
    for comment in comments[16:44]:
        await room.armed(comment)
        await room.page.keyboard.press("a")
    await room.numbers("decided", "28 decided")
    await room.armed(comments[44])
    assert await held(gatepost) == 1
    assert room.wrong == []


async def test_what_is_held_goes_back_when_the_desk_is_left(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    """Not on the way from one of its pages to another, and not when a page is loaded again."""
    comments = await waiting(gatepost, 2)
    room = await enter(browser_of)
    other = await enter(browser_of, "jo")
    await taken(room, 2)
    await expect(other.card(comments[0])).to_have_attribute("data-claim", "other")
    await room.page.get_by_role("link", name="Record").click()
    await room.page.get_by_role("link", name="Queue").click()
    await expect(room.card(comments[0])).to_have_attribute("data-claim", "mine")
    async with room.page.expect_navigation(), room.page.expect_response("**/claims") as taken_again:
        await room.page.reload()
    await (await taken_again.value).finished()
    await expect(room.card(comments[1])).to_have_attribute("data-claim", "mine")
    assert await held(gatepost) == 2
    await room.page.goto("about:blank")
    for comment in comments:
        await expect(other.card(comment)).to_have_attribute("data-claim", "free")


async def test_what_is_held_stays_while_another_window_shows_the_queue(
    gatepost: Gatepost, browser_of: OpenBrowser
) -> None:
    comments = await waiting(gatepost, 2)
    room = await enter(browser_of)
    other = await enter(browser_of, "jo")
    await taken(room, 2)
    second = await room.page.context.new_page()
    await second.goto(room.page.url)
    await second.evaluate(ASKED_ALL_WINDOWS)
    await second.goto("about:blank")
    await room.armed(comments[0])
    await room.page.keyboard.press("a")
    await expect(other.card(comments[0])).to_contain_text("Approved")
    await expect(other.card(comments[1])).to_have_attribute("data-claim", "other")
    await room.page.goto("about:blank")
    await expect(other.card(comments[1])).to_have_attribute("data-claim", "free")


async def test_what_is_held_goes_back_after_ten_idle_minutes(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    comments = await waiting(gatepost, 2)
    room = await enter(browser_of, has_own_clock=True)
    await taken(room, 2)
    await room.page.clock.fast_forward("09:00")
    await room.page.keyboard.press("j")
    await room.page.clock.fast_forward("09:00")
    await expect(room.card(comments[1])).to_have_attribute("data-claim", "mine")
    assert await held(gatepost) == 2
    await room.page.clock.fast_forward("02:00")
    for comment in comments:
        await expect(room.card(comment)).to_have_attribute("data-claim", "free")
        await expect(room.card(comment)).to_contain_text("It is not yours any more.")
    assert await held(gatepost) == 0


async def test_what_is_held_is_held_for_longer_while_somebody_works(
    gatepost: Gatepost, browser_of: OpenBrowser
) -> None:
    """After five minutes without a press it is not."""
    comments = await waiting(gatepost, 1)
    room = await enter(browser_of, has_own_clock=True)
    await taken(room, 1)
    claim = room.card(comments[0]).locator(".claim")
    ends = [await claim.inner_text()]
    sent: list[str] = []
    room.page.on("request", lambda request: sent.append(request.post_data or "") if "claims" in request.url else None)
    gatepost.clock.advance(seconds=240)
    await room.page.keyboard.press("j")
    async with room.page.expect_response("**/claims"):
        await room.page.clock.fast_forward("04:00")
    await expect(claim).not_to_have_text(ends[0])
    await expect(claim).to_contain_text("Yours until")
    await room.page.clock.fast_forward("04:00")
    await room.page.keyboard.press("j")
    async with room.page.expect_response("**/claims"):
        await room.page.clock.fast_forward("04:00")
    assert ["do=renew" in one for one in sent] == [True, True]
    assert room.wrong == []


async def test_the_number_that_waits_is_kept_up_to_date(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    comments = await waiting(gatepost, 2)
    room = await enter(browser_of)
    heading = room.page.get_by_role("heading", level=1)
    await expect(heading).to_have_text("Waiting: 2")
    await room.armed(comments[0])
    await waiting(gatepost, 1, first=2)
    await expect(heading).to_have_text("Waiting: 3")
    await gatepost.moderator("jo").decide(comments[1]["id"], "approve", 1)
    await room.page.keyboard.press("a")
    await expect(heading).to_have_text("Waiting: 1")
    await room.page.keyboard.press("c")
    await expect(room.page.locator(".head .quiet")).to_contain_text("you hold 0")
    assert room.wrong == []


async def test_what_is_not_mine_any_more_says_so_before_the_next_key(
    gatepost: Gatepost, browser_of: OpenBrowser
) -> None:
    """The time was over and somebody else has taken it: on a page that does not find it any more, too."""
    comments = await waiting(gatepost, 2)
    room = await enter(browser_of, address="?claimed=mine")
    await taken(room, 2)
    await room.armed(comments[0])
    gatepost.clock.advance(seconds=601)
    jo = gatepost.moderator("jo")
    await jo.call("POST", "queue/claims", json={"comment_ids": [comment["id"] for comment in comments]})
    for comment in comments:
        await expect(room.card(comment)).to_have_attribute("data-claim", "other")
        await expect(room.card(comment)).to_contain_text("It is not yours any more.")
        await expect(room.card(comment)).to_contain_text("Jo has it until")
    await room.armed(comments[0])
    await room.page.keyboard.press("a")
    await expect(room.card(comments[0]).get_by_role("button", name="Approve")).to_be_visible()
    await room.state(comments[0], "waiting")
    assert await status_of(gatepost, comments[0]) == "pending"
