"""What somebody has changed about the keys holds for all that they do, and for cards that come later."""

import pytest
from playwright.async_api import expect

from tests.desk.conftest import OpenBrowser
from tests.desk.room import enter, waiting
from tests.harness import Gatepost

pytest_plugins = ["tests.browser"]
pytestmark = pytest.mark.browser


async def test_a_changed_letter_marks_a_row_and_stands_on_new_cards(
    gatepost: Gatepost, browser_of: OpenBrowser
) -> None:
    comments = await waiting(gatepost, 3)
    room = await enter(browser_of)
    dialog = room.page.get_by_role("dialog")
    await room.page.keyboard.press("h")
    for name, letter in (("Mark", "b"), ("Approve", "q")):
        await dialog.locator(f'[data-change="{name.lower()}"]').click()
        await room.page.keyboard.press(letter)
    await dialog.get_by_label("Only with Alt").check()
    await dialog.get_by_label("Only with Alt").uncheck()
    await room.page.keyboard.press("Escape")
    await room.armed(comments[0])
    for key in ("b", "j", "j", "Shift+B"):
        await room.page.keyboard.press(key)
    await expect(room.page.locator(".mark input:checked")).to_have_count(3)
    await room.page.keyboard.press("c")
    await expect(room.card(comments[1])).to_have_attribute("data-claim", "mine")
    button = room.card(comments[1]).get_by_role("button", name="Approve")
    await expect(button).to_have_attribute("aria-keyshortcuts", "q")


async def test_a_change_that_was_not_made_is_over_when_the_list_of_keys_closes(
    gatepost: Gatepost, browser_of: OpenBrowser
) -> None:
    await waiting(gatepost, 1)
    room = await enter(browser_of)
    dialog = room.page.get_by_role("dialog")
    await room.page.keyboard.press("h")
    await dialog.locator('[data-change="reject"]').click()
    await dialog.get_by_role("button", name="Close").click()
    await room.page.keyboard.press("h")
    await room.page.keyboard.press("f")
    await expect(dialog.locator("kbd[data-key=reject]")).to_have_text("r")


async def test_a_page_says_when_it_hears_no_news_any_more(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    """As where a proxy answers for a service that is starting: a browser does not ask again."""
    await waiting(gatepost, 1)
    context = await browser_of(scripts=True)
    page = await context.new_page()
    await page.route("**/events", lambda route: route.fulfill(status=502, body="Bad gateway"))
    await page.goto("")
    await expect(page.locator("#stale")).to_be_visible()
