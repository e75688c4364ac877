"""Rules at the desk in a real Chromium: everybody can read why, keys confirm, and nothing that people write runs."""

from typing import Any

import pytest
from playwright.async_api import expect

from tests.desk.conftest import OpenBrowser
from tests.desk.looks import SMALL_TARGETS, Look, assert_all_usable, in_every_look
from tests.desk.room import enter, status_of
from tests.desk.ruling import LINKS, WORDS, rules, said, words
from tests.desk.test_browser import watched
from tests.harness import Gatepost
from tests.reading.hostile import TEXTS

pytest_plugins = ["tests.browser"]
pytestmark = pytest.mark.browser


async def scene(gatepost: Gatepost) -> dict[str, Any]:
    """Comments that rules hold, marked in each way, and some that rules have decided."""
    await words(gatepost, "casino", "jackpot*")
    await rules(
        gatepost,
        LINKS,
        WORDS,
        {
            "id": "shouting-spam",
            "title": "Shouting",
            "when": [{"text.capitals_share": {"at_least": 0.9}}],
            "then": "spam",
        },
        {"id": "staff-pass", "title": "Staff", "for": ["staff"], "when": [{}], "then": "publish"},
        otherwise="hold",
    )
    edited = await gatepost.approved("The gate is older than the house.", by="cem")
    await gatepost.reader("cem").edit(edited["id"], "The gate is at https://gates.example/ now.", edited["version"])
    found = {"edited": edited}
    for name, body in (
        ("held", "My *c a s i n o* pays JACKPOTS: https://casino.example/?a=1&b=2 and more words."),
        ("source", "Look [at this](https://casino.example/), and\n\n> quote me on that"),
        ("spam", "BUY ALL OF THIS RIGHT NOW, BEFORE IT IS TOO LATE"),
        ("more", "READ ALL OF THAT RIGHT NOW, BEFORE IT IS TOO LATE"),
    ):
        gatepost.clock.advance(seconds=1)
        found[name] = await said(gatepost, body, by=f"reader-{name}")
    gatepost.clock.advance(seconds=5 * 3600)
    return found


@in_every_look
async def test_everybody_can_read_why(gatepost: Gatepost, browser_of: OpenBrowser, look: Look) -> None:
    known = await scene(gatepost)
    page = await (await browser_of(**look.options)).new_page()
    held = f"c/{known['held']['id']}"
    await assert_all_usable(page, ("", "?order=priority&rule=links-hold", held, "ruled", "ruled?status=approved"))
    if look.width == 380:
        await page.goto("ruled")
        assert await page.evaluate(SMALL_TARGETS) == []


async def test_the_keys_of_the_queue_confirm_and_take_out(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    known = await scene(gatepost)
    room = await enter(browser_of, address="ruled")
    await room.armed(known["more"])
    await room.page.keyboard.press("s")
    await room.armed(known["spam"])
    await room.page.keyboard.press("a")
    await room.numbers("decided", "2 decided")
    assert [await status_of(gatepost, known[name]) for name in ("more", "spam")] == ["spam", "approved"]
    await room.page.keyboard.press("u")
    await room.armed(known["spam"])
    await expect(room.card(known["spam"]).locator("[data-rule]")).to_contain_text("Called spam by a rule:")
    assert await status_of(gatepost, known["spam"]) == "spam"
    assert room.wrong == []


async def test_a_page_is_confirmed_without_javascript(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    known = await scene(gatepost)
    page = await (await browser_of()).new_page()
    await page.goto("")
    await page.get_by_role("link", name="By rules").click()
    await page.get_by_role("button", name="Confirm all 2 on this page...").click()
    await page.get_by_role("button", name="Call 2 comments spam").click()
    await expect(page.get_by_text("2 comments decided.")).to_be_visible()
    await page.get_by_role("link", name="Back").click()
    await expect(page.get_by_text("Nothing here waits to be confirmed.")).to_be_visible()
    assert [await status_of(gatepost, known[name]) for name in ("more", "spam")] == ["spam", "spam"]


async def test_what_people_write_into_rules_and_lists_does_not_run(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    """Titles of rules and lists, entries, reasons, and texts that these match."""
    for number, text in enumerate(TEXTS):
        if number == 0:
            await words(gatepost, "casino", title=text)
        attack = {"id": f"rule-{number}", "title": text, "when": [{"lists.matched": {"any_of": ["games"]}}]}
        then = "spam" if number % 2 else "hold"
        await rules(
            gatepost,
            {**LINKS, "title": text},
            {**attack, "then": then},
            expected=number,
            reasons=[{"code": "no", "text": text, "reference": text}],
        )
        await said(gatepost, f"{text} casino https://a.example/?{number} {text} {number}", by=f"eve{number}")
        await said(gatepost, f"[{text}](https://a.example/{number}) c-a-s-i-n-o {text}", by=f"bob{number}")
    page, errors = await watched(await browser_of(scripts=True))
    for address in ("", "?order=priority", "?rule=rule-0", "ruled", "ruled?status=approved", "record"):
        await page.goto(address)
        assert await page.locator("main :is(img, svg, script, iframe, [onmouseover], [onfocus])").count() == 0, address
        links = await page.locator("main a").evaluate_all("(all) => all.map((one) => one.protocol)")
        assert set(links) <= {"http:", "https:", "mailto:"}, address
        assert errors == [], address
    await page.goto("")
    assert await page.locator("mark").count() > len(TEXTS) // 2
