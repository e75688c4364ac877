"""The desk's keys in a real Chromium: one for each decision, in every alphabet, and none that was not meant."""

import asyncio
import json
from itertools import pairwise

import pytest
from playwright.async_api import Route, expect

from tests.desk.conftest import OpenBrowser
from tests.desk.room import Room, enter, keeping_place, status_of, waiting
from tests.harness import Gatepost

pytest_plugins = ["tests.browser"]
pytestmark = pytest.mark.browser


async def press(room: Room, key: str, code: str, *, is_repeat: bool = False) -> None:
    """A key as some keyboard sends it."""
    session = await room.page.context.new_cdp_session(room.page)
    await session.send(
        "Input.dispatchKeyEvent",
        {"type": "keyDown", "key": key, "code": code, "text": key, "autoRepeat": is_repeat},
    )
    if not is_repeat:
        await session.send("Input.dispatchKeyEvent", {"type": "keyUp", "key": key, "code": code})
    await session.detach()


@pytest.mark.timeout(300)
async def test_a_hundred_comments_are_a_hundred_keys(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    """No page is loaded, the place on the screen stays, and what it says is what the record says."""
    comments = await waiting(gatepost, 100)
    room = await enter(browser_of)
    await room.page.evaluate("window.isSamePage = true")
    for number, comment in enumerate(comments):
        await room.armed(comment)
        await room.page.keyboard.press("ars"[number % 3])
    await room.numbers("decided", "100 decided")
    assert await room.page.evaluate("window.isSamePage")
    assert room.wrong == []
    wanted = ["approved", "rejected", "spam"]
    assert [await status_of(gatepost, comment) for comment in comments] == [wanted[n % 3] for n in range(100)]


async def test_a_key_that_is_held_decides_once(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    comments = await waiting(gatepost, 3)
    room = await enter(browser_of)
    await room.armed(comments[0])
    await press(room, "a", "KeyA")
    await room.armed(comments[1])
    await press(room, "a", "KeyA", is_repeat=True)
    await room.state(comments[0], "decided")
    await room.state(comments[1], "waiting")
    assert [await status_of(gatepost, comment) for comment in comments] == ["approved", "pending", "pending"]


async def test_a_key_counts_only_for_what_could_be_seen(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    """Two keys in one go decide one comment; the second is called too fast."""
    comments = await waiting(gatepost, 3)
    room = await enter(browser_of)
    await room.armed(comments[0])
    await room.page.evaluate(
        """() => { for (const key of ["a", "a"])
            document.body.dispatchEvent(new KeyboardEvent("keydown", { key, code: "KeyA", bubbles: true })); }"""
    )
    await expect(room.page.get_by_role("status").first).to_have_text("Too fast. Look first, then press.")
    await room.state(comments[0], "decided")
    await room.state(comments[1], "waiting")
    await room.page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    await room.page.set_viewport_size({"width": 800, "height": 220})
    await room.page.evaluate("scrollTo(0, 0)")
    await expect(room.now).to_have_count(0)
    await room.page.keyboard.press("a")
    await room.state(comments[1], "waiting")


async def test_every_keyboard_can_decide(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    """Cyrillic letters count by their place, those of AZERTY by what they say."""
    keyboards = [
        ("ф", "KeyA", "approved"),
        ("к", "KeyR", "rejected"),
        ("ы", "KeyS", "spam"),
        ("a", "KeyQ", "approved"),
        ("A", "KeyA", "approved"),
        ("q", "KeyA", "pending"),
    ]
    comments = await waiting(gatepost, len(keyboards))
    room = await enter(browser_of)
    for comment, (key, code, status) in zip(comments, keyboards, strict=True):
        await room.armed(comment)
        await press(room, key, code)
        await room.state(comment, "waiting" if status == "pending" else "decided")
    await room.numbers("decided", "5 decided")
    assert [await status_of(gatepost, comment) for comment in comments] == [status for _, _, status in keyboards]


async def test_keys_do_nothing_in_fields_dialogs_and_with_others(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    comments = await waiting(gatepost, 2)
    room = await enter(browser_of)
    await room.armed(comments[0])
    for keys in ("Control+s", "Alt+a", "Meta+a", "Shift+A"):
        await room.page.keyboard.press(keys)
    await room.page.keyboard.press("?")
    await expect(room.page.get_by_role("dialog")).to_be_visible()
    await room.page.keyboard.press("a")
    await room.page.keyboard.press("Escape")
    await room.page.keyboard.press("n")
    reason = room.card(comments[0]).get_by_label("Reason, told to the author")
    await expect(reason).to_be_focused()
    await room.page.keyboard.type("as")
    await room.state(comments[0], "waiting")
    await room.page.keyboard.press("Enter")
    await expect(room.card(comments[0])).to_be_focused()
    await room.armed(comments[0])
    await room.page.keyboard.press("r")
    await room.state(comments[0], "decided")
    record = (await gatepost.moderator().get(f"decisions?comment={comments[0]['id']}")).json["decisions"]
    assert [(one["action"], one["reason"]) for one in record][1:] == [("reject", "as")]


async def test_undo_opens_the_card_again(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    """The last one first, then the one before."""
    comments = await waiting(gatepost, 4)
    room = await enter(browser_of, viewport={"width": 900, "height": 500})
    for comment in comments[:2]:
        await room.armed(comment)
        await room.page.keyboard.press("a")
    await room.numbers("decided", "2 decided")
    for comment, key in zip(comments[1::-1], "uz", strict=True):
        await room.page.keyboard.press(key)
        await room.armed(comment)
        assert await status_of(gatepost, comment) == "pending"
    await room.numbers("decided", "")
    await room.page.keyboard.press("s")
    await room.state(comments[0], "decided")
    await expect(room.card(comments[0])).to_contain_text("Called spam.")
    assert room.wrong == []


@pytest.mark.parametrize("height", [500, 1600])
async def test_the_current_card_keeps_its_place(gatepost: Gatepost, browser_of: OpenBrowser, height: int) -> None:
    """When the one above it collapses; also where the page cannot be scrolled."""
    comments = await waiting(gatepost, 5)
    room = await enter(browser_of, viewport={"width": 900, "height": height})
    is_seen = asyncio.Event()

    async def late(route: Route) -> None:
        await is_seen.wait()
        await route.continue_()

    await room.page.route("**/decide", late)
    for first, second in pairwise(comments):
        is_seen.clear()
        await room.armed(first)
        await room.page.keyboard.press("a")
        await room.armed(second)
        await room.state(first, "sending")
        async with keeping_place(room, second):
            is_seen.set()
            await room.state(first, "decided")
    await room.numbers("decided", "4 decided")


async def test_a_letter_can_be_changed_and_the_keys_switched_off(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    comments = await waiting(gatepost, 2)
    room = await enter(browser_of)
    await room.page.keyboard.press("h")
    dialog = room.page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Change the key of: Reject").click()
    await room.page.keyboard.press("a")
    await expect(dialog.get_by_text("That key does something else already.")).to_be_visible()
    await room.page.keyboard.press("f")
    await expect(dialog.locator("kbd[data-key=reject]")).to_have_text("f")
    await room.page.keyboard.press("Escape")
    await room.page.reload()
    await expect(room.card(comments[0]).get_by_role("button", name="Reject")).to_have_attribute(
        "aria-keyshortcuts", "f"
    )
    await room.armed(comments[0])
    await room.page.keyboard.press("r")
    await room.page.keyboard.press("f")
    await room.state(comments[0], "decided")
    assert await status_of(gatepost, comments[0]) == "rejected"
    await room.page.get_by_role("button", name="Keys", exact=True).click()
    await dialog.get_by_label("Keys on").uncheck()
    await dialog.get_by_role("button", name="Close").click()
    await room.armed(comments[1])
    await room.page.keyboard.press("a")
    await room.page.reload()
    await room.armed(comments[1])
    await room.page.keyboard.press("a")
    stored = json.loads(await room.page.evaluate("localStorage.getItem('gatepost-desk-keys')"))
    assert stored == {"isOff": True, "letters": {"reject": "f"}, "withAlt": False, "dwell": 200}
    await room.state(comments[1], "waiting")


async def test_marks_are_set_one_by_one_in_a_row_and_all_at_once(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    """By key and by mouse. Esc takes them away."""
    comments = await waiting(gatepost, 4)
    room = await enter(browser_of)

    async def is_marked() -> list[bool]:
        return [await room.card(comment).get_by_role("checkbox").is_checked() for comment in comments]

    await room.armed(comments[0])
    for key in ("x", "j", "j", "Shift+X"):
        await room.page.keyboard.press(key)
    assert await is_marked() == [True, True, True, False]
    await room.page.keyboard.press("Escape")
    assert await is_marked() == [False] * 4
    await room.card(comments[1]).get_by_role("checkbox").click()
    await room.card(comments[3]).get_by_role("checkbox").click(modifiers=["Shift"])
    assert await is_marked() == [False, True, True, True]
    await room.page.get_by_role("button", name="Mark all on this page").click()
    assert await is_marked() == [True] * 4


async def test_keys_lead_to_the_pages_of_a_card_and_to_the_search(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    comments = await waiting(gatepost, 2)
    room = await enter(browser_of)
    for key, place in (
        ("o", f"c/{comments[0]['id']}"),
        ("Enter", f"c/{comments[0]['id']}"),
        ("p", "posts/post"),
        ("t", f"authors/{comments[0]['author']['key']}"),
    ):
        await room.armed(comments[0])
        await room.page.keyboard.press(key)
        await expect(room.page).to_have_url(f"{gatepost.running.address}/desk/blog/{place}")
        await room.page.goto("")
    await room.armed(comments[0])
    await room.page.keyboard.press("j")
    await room.armed(comments[1])
    await room.page.keyboard.press("k")
    await room.armed(comments[0])
    await room.page.keyboard.press("/")
    field = room.page.get_by_label("With these words")
    await expect(field).to_be_focused()
    await room.page.keyboard.press("Escape")
    await expect(room.card(comments[0])).to_be_focused()
    await room.page.keyboard.press("/")
    await room.page.keyboard.type("comment 1")
    await room.page.keyboard.press("Enter")
    await expect(room.page.locator("[data-card]")).to_have_count(1)
    await expect(room.card(comments[1])).to_be_visible()


async def test_the_old_text_is_kept_with_a_key(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    """Of an edit, `a` is the new text and `e` the old one; of another comment, `e` is nothing."""
    edits = []
    for name in ("ada", "bea"):
        one = await gatepost.approved("As it was.", by=name)
        edits.append((await gatepost.reader(name).edit(one["id"], "As it is to be.", one["version"])).json["comment"])
        gatepost.clock.advance(seconds=1)
    (plain,) = await waiting(gatepost, 1)
    room = await enter(browser_of)
    for comment, key in zip(edits, "ea", strict=True):
        await room.armed(comment)
        await room.page.keyboard.press(key)
        await room.state(comment, "decided")
    await expect(room.card(edits[0])).to_contain_text("Old text kept.")
    await room.armed(plain)
    await room.page.keyboard.press("e")
    await room.state(plain, "waiting")
    found = [(await gatepost.moderator().get(f"comments/{one['id']}")).json["comment"]["body"] for one in edits]
    assert found == ["As it was.", "As it is to be."]


async def test_keys_can_need_alt_and_less_time(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    """The browser remembers both."""
    comments = await waiting(gatepost, 2)
    room = await enter(browser_of)
    await room.page.keyboard.press("?")
    dialog = room.page.get_by_role("dialog")
    await dialog.get_by_label("Only with Alt").check()
    await dialog.get_by_label("A key decides once its card could be seen for").select_option("any time")
    await room.page.reload()
    await room.armed(comments[0])
    await room.page.keyboard.press("a")
    await room.page.keyboard.press("j")
    await room.armed(comments[0])
    await room.state(comments[0], "waiting")
    await room.page.keyboard.press("Alt+a")
    await room.state(comments[0], "decided")
    stored = json.loads(await room.page.evaluate("localStorage.getItem('gatepost-desk-keys')"))
    assert (stored["withAlt"], stored["dwell"]) == (True, 0)
    assert [await status_of(gatepost, comment) for comment in comments] == ["approved", "pending"]
