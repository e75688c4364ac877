"""The desk in a real Chromium: journeys without JavaScript, what readers write does not run, everybody can use it."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import BrowserContext, ConsoleMessage, Dialog, Page, expect

from tests.desk.conftest import OpenBrowser
from tests.desk.looks import SMALL_TARGETS, Look, assert_all_usable, assert_usable, in_every_look, unfold
from tests.desk.rules import ruled
from tests.desk.stage import cookie
from tests.harness import Answer, Gatepost, Person
from tests.reading.hostile import ADDRESSES, TEXTS

pytest_plugins = ["tests.browser"]
pytestmark = pytest.mark.browser

ATTACK = '"\'><img src=x onerror="window.hit=1"><script>window.hit=1</script>{{ 7 * 7 }}<svg onload="window.hit=1">'


async def scene(gatepost: Gatepost) -> dict[str, Any]:
    """A queue with all that a card can show, and something in every other page."""
    label = {"title": "A latch, a gate and some bees", "url": "https://blog.example/2005/07"}
    bea = gatepost.reader("bea", bio="Writes about gardens, and keeps an eye on the gate.")
    root = (await bea.submit("The gate is older than the **house**.", post="2005%2F07")).json["comment"]
    await gatepost.moderator().decide(root["id"], "approve", 1)
    ada = gatepost.reader("ada", bio="Keeps bees in the north of the town")
    reply = await ada.call(
        "POST",
        "posts/2005%2F07/comments",
        json={
            "body": "I was *there*, and saw [the photographs](https://pictures.example/gate).\n\n"
            "> older than the house\n\n"
            "That cannot be right: `1711` is carved above the door.",
            "parent_id": root["id"],
            "post": label,
        },
    )
    assert reply.status == 202, reply.json
    edited = await gatepost.approved("The latch was made by a smith from the next village, in a week.", by="cem")
    await gatepost.reader("cem").edit(
        edited["id"], "The latch was made by a joiner from this very village, in a week.", edited["version"]
    )
    held = (await gatepost.reader("dora").submit("Cheap watches! https://watches.example/")).json["comment"]
    await gatepost.moderator("jo").call("POST", "queue/claims", json={"comment_ids": [held["id"]]})
    mine = (await gatepost.reader("eli").submit("A short one.")).json["comment"]
    await gatepost.moderator().call("POST", "queue/claims", json={"comment_ids": [mine["id"]]})
    gatepost.clock.advance(seconds=200)
    return {"reply": reply.json["comment"], "edited": edited, "held": held, "mine": mine, "root": root}


PAGES = ("", "c/{reply}", "c/{edited}", "authors/{author}", "posts/2005%2F07", "record", "ruled", "settings", "../")
PAGES_OF_RULES = (
    "lists",
    "lists/slurs",
    "policy",
    "policy/edit",
    "policy/trial",
    "policy/versions",
    "policy/versions/1",
)


def addresses(known: dict[str, Any]) -> list[str]:
    """All pages of the scene."""
    names = {name: comment["id"] for name, comment in known.items()}
    return [page.format(**names, author=known["edited"]["author"]["key"]) for page in PAGES]


async def test_a_queue_is_cleared_without_javascript(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    known = await scene(gatepost)
    page = await (await browser_of()).new_page()
    await page.goto("")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Waiting: 4")
    await page.get_by_role("button", name="Take the next 20").click()
    await expect(page.locator("[data-claim=mine]")).to_have_count(3)

    def card(name: str) -> Any:
        return page.locator(f'[data-comment-id="{known[name]["id"]}"]')

    await card("reply").get_by_role("button", name="Approve").click()
    await expect(page.get_by_role("status")).to_contain_text("Approved. Comment by Ada")
    await expect(page).to_have_url(f"{gatepost.running.address}/desk/blog/?claimed=mine&done=" + page.url[-36:])
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("status")).to_contain_text("Undone. Comment by Ada")
    await card("reply").get_by_text("Reason, notes, more").click()
    await card("reply").get_by_label("Reason, told to the author").fill("off-topic")
    await card("reply").get_by_role("button", name="Reject").click()
    await card("edited").get_by_role("button", name="Publish the new text").click()
    await card("mine").get_by_role("checkbox").check()
    await page.get_by_role("button", name="Spam...").click()
    await expect(page.get_by_text("1 comment would change.")).to_be_visible()
    await page.get_by_role("button", name="Call 1 comment spam").click()
    await expect(page.get_by_text("1 comment decided.")).to_be_visible()
    await page.get_by_role("link", name="Back").click()
    await page.get_by_role("link", name="No filter").click()
    await expect(page.locator("[data-card]")).to_have_count(1)
    await card("held").get_by_text("Decide anyway").click()
    await card("held").get_by_role("button", name="Spam").click()
    await expect(page.get_by_text("Nothing waits. Well done.")).to_be_visible()
    await page.get_by_role("link", name="Record").click()
    await expect(page.locator(".lines li").first).to_contain_text("Called spam Mo")
    await expect(page.locator(".lines li").nth(3)).to_contain_text("Reason: off-topic")


async def test_enter_in_a_field_decides_nothing(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    known = await scene(gatepost)
    page = await (await browser_of()).new_page()
    await page.goto("")
    card = page.locator(f'[data-comment-id="{known["reply"]["id"]}"]')
    await card.get_by_text("Reason, notes, more").click()
    await card.get_by_label("Reason, told to the author").press_sequentially("one\n")
    await expect(card.get_by_label("Reason, told to the author")).to_have_value("one\n")
    await expect(page.locator("[data-card]")).to_have_count(4)


async def test_a_conflict_is_told_without_javascript(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    known = await scene(gatepost)
    page = await (await browser_of()).new_page()
    await page.goto("")
    await gatepost.moderator("jo").decide(known["reply"]["id"], "approve", 1)
    await page.locator(f'[data-comment-id="{known["reply"]["id"]}"]').get_by_role("button", name="Reject").click()
    await expect(page.get_by_role("alert")).to_contain_text("Somebody was faster.")
    await expect(page.get_by_role("alert")).to_contain_text("Approved · Jo")
    await page.get_by_role("link", name="Back").click()
    await expect(page.locator("[data-card]")).to_have_count(3)


async def test_a_foreign_page_cannot_press_for_a_moderator(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    known = await scene(gatepost)
    page = await (await browser_of(scripts=True)).new_page()
    target = f"{gatepost.running.address}/desk/blog/decide"
    await page.route(
        "https://evil.example/",
        lambda route: route.fulfill(
            content_type="text/html",
            body=f'<form method="post" action="{target}"><input name="comment" value="{known["reply"]["id"]}">'
            '<input name="version" value="1"><button name="action" value="approve">Win</button></form>',
        ),
    )
    await page.goto("https://evil.example/")
    async with page.expect_response(target) as answered:
        await page.get_by_role("button").click()
    assert (await answered.value).status in (401, 403)
    assert (await gatepost.moderator().get(f"comments/{known['reply']['id']}")).json["comment"]["status"] == "pending"


async def test_what_people_write_does_not_run(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    reader = gatepost.reader("eve", name=ATTACK[:90], bio=ATTACK, url="javascript:window.hit=1")
    first = (await reader.call("POST", "posts/p%3C/comments", json={"body": ATTACK, "post": {"title": ATTACK}})).json
    await gatepost.moderator().decide(first["comment"]["id"], "approve", 1)
    await reader.edit(first["comment"]["id"], f"{ATTACK} [x](javascript:window.hit=1)", 2)
    second = (await reader.call("POST", "posts/p%3C/comments", json={"body": f"{ATTACK} 2"})).json
    mo = gatepost.reader("mo", roles=["moderator"], name=ATTACK[:90])
    await mo.decide(second["comment"]["id"], "reject", 1, reason=ATTACK, note=ATTACK, note_to_author=ATTACK)
    third = (await reader.submit(f"{ATTACK} 3", post="p%3C")).json
    key = first["comment"]["author"]["key"]
    await mo.call("PATCH", f"authors/{key}", json={"note": f"</textarea>{ATTACK}"})
    context = await browser_of(scripts=True)
    page, errors = await watched(context)

    for address in (
        "",
        "?q=%3Cscript%3Ewindow.hit=1%3C/script%3E",
        "?author=%22%3E%3Cscript%3Ewindow.hit=1%3C/script%3E",
        f"c/{first['comment']['id']}",
        f"c/{second['comment']['id']}",
        f"c/{third['comment']['id']}",
        f"authors/{key}",
        "posts/p%3C",
        "record",
        "record?actor=%22%3E%3Cscript%3Ewindow.hit=1%3C/script%3E",
    ):
        await page.goto(address)
        await expect(page.locator("main")).to_be_visible()
        assert await page.evaluate("window.hit") is None, address
        assert await page.locator("main :is(img, svg, script, iframe, [onerror], [onload])").count() == 0, address
        assert await page.locator('a[href^="javascript" i]').count() == 0, address
        assert errors == [], address


async def test_what_the_suite_knows_of_attacks_does_not_run(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    """In name, biography, address, text, title, reason and note; the text also as an edit."""
    keys = []
    for number, (text, address) in enumerate(zip(TEXTS, ADDRESSES, strict=False)):
        reader = gatepost.reader(f"eve{number}", name=text, bio=text, url=address)
        comment = (await _titled(reader, f"p{number}", text, text)).json["comment"]
        keys.append(comment["author"]["key"])
        await gatepost.moderator().decide(comment["id"], "approve", 1)
        await reader.edit(comment["id"], f"{text} {address}", 2)
        other = (await _titled(reader, f"p{number}", f"{text} 2", text)).json["comment"]
        named = gatepost.reader("mo", roles=["moderator"], name=text)
        decided = await named.decide(other["id"], "reject", 1, reason=text, note=text, note_to_author=text)
        assert decided.status == 201, decided.json
        await named.call("PATCH", f"authors/{keys[-1]}", json={"note": text})
    page, errors = await watched(await browser_of(scripts=True))
    await page.goto("")
    await expect(page.locator("[data-card]")).to_have_count(len(TEXTS))
    for address in ("", "record", *(f"authors/{key}" for key in keys), *(f"posts/p{n}" for n in range(len(keys)))):
        await page.goto(address)
        assert await page.locator("main :is(img, svg, script, iframe, [onmouseover], [onfocus])").count() == 0, address
        links = await page.locator("main a").evaluate_all("(all) => all.map((one) => one.protocol)")
        assert set(links) <= {"http:", "https:", "mailto:"}, address
        assert errors == [], address


async def _titled(reader: Person, post: str, body: str, title: str) -> Answer:
    answer = await reader.call("POST", f"posts/{post}/comments", json={"body": body, "post": {"title": title}})
    assert answer.status == 202, answer.json
    return answer


async def watched(context: BrowserContext) -> tuple[Page, list[str]]:
    """A page, and what goes wrong in it: exceptions, errors in the console, what its policy forbids."""
    page, errors = await context.new_page(), list[str]()

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            errors.append(message.text)

    page.on("console", hear)

    async def dismiss(dialog: Dialog) -> None:
        errors.append(dialog.message)
        await dialog.dismiss()

    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("dialog", dismiss)
    return page, errors


@in_every_look
async def test_everybody_can_use_every_page(gatepost: Gatepost, browser_of: OpenBrowser, look: Look) -> None:
    known = await scene(gatepost)
    page = await (await browser_of(**look.options)).new_page()
    await ruled(gatepost)
    await assert_all_usable(page, (*addresses(known), *PAGES_OF_RULES, "?reason=restored", "c/nothing"))
    await page.goto("")
    await page.locator("#bulk button").first.click()
    await assert_usable(page, "bulk")
    await page.goto("")
    await page.locator("#tools [data-do=help]").evaluate("(button) => button.click()")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await assert_usable(page, "keys")


@in_every_look
async def test_everybody_can_use_the_way_in(gatepost: Gatepost, browser_of: OpenBrowser, look: Look) -> None:
    """Also where it is closed."""
    code = (await gatepost.moderator().call("POST", "desk/codes")).json["url"].partition("code=")[2]
    context = await browser_of(**look.options)
    page = await context.new_page()
    await page.goto("policy/edit")
    known = await context.cookies()
    await context.clear_cookies()
    for name, cookies in (("sign-in", known), ("again", [])):
        await page.locator("main form:not([action*=sign-in]) button").first.click()
        await unfold(page)
        await expect(page.locator("main")).to_have_attribute("data-page", name)
        await assert_usable(page, f"{name}, with what was sent")
        await context.add_cookies([{"name": one["name"], "value": one["value"], "url": page.url} for one in cookies])
    await context.clear_cookies()
    for address, name in (
        ("", "sign-in"),
        ("sign-in", "sign-in"),
        (f"enter?code={code}", "enter"),
        ("enter", "sign-in"),
    ):
        await page.goto(address)
        await unfold(page)
        await expect(page.locator("main")).to_have_attribute("data-page", name)
        await assert_usable(page, address)
    key, value = cookie(gatepost, "ada", roles=["gardener"])
    await context.add_cookies([{"name": key, "value": value, "url": str(gatepost.running.address)}])
    await page.goto("")
    await expect(page.locator("main")).to_have_attribute("data-page", "no-role")
    await assert_usable(page, "no-role")


async def test_the_phone_has_large_targets_and_the_decision_at_hand(
    gatepost: Gatepost, browser_of: OpenBrowser
) -> None:
    """However long the text is: it is folded. A card is no taller than the screen."""
    await scene(gatepost)
    await gatepost.reader("fay").submit("A long story. " * 90)
    context = await browser_of(scripts=True, viewport={"width": 380, "height": 700}, has_touch=True)
    page = await context.new_page()
    await page.goto("")
    small = await page.evaluate(SMALL_TARGETS)
    assert small == []
    for card in await page.locator("[data-card]").all():
        await card.evaluate("(one) => scrollTo(0, one.getBoundingClientRect().top + scrollY - 60)")
        await expect(card.locator(".decide > :is(.bar, .anyway)")).to_be_in_viewport(ratio=1)
        assert await card.evaluate("(one) => one.offsetHeight") <= 700
    await page.get_by_text("All of it (1,260 characters)").click()
    assert await card.evaluate("(one) => one.offsetHeight") > 700
    await expect(card.locator(".decide > .bar")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("language", ["en", "de"])
async def test_the_navigation_of_a_phone_is_one_row(gatepost: Gatepost, browser_of: OpenBrowser, language: str) -> None:
    """What does not fit is beside it, and the page that is shown is not hidden there."""
    await ruled(gatepost)
    page = await (await browser_of(viewport={"width": 380, "height": 800}, locale=language)).new_page()
    for address in ("", "policy", "settings"):
        await page.goto(address)
        assert await page.evaluate("scrollY") == 0
        tops = await page.locator(".top nav a").evaluate_all("(links) => links.map((link) => link.offsetTop)")
        assert (len(tops), len(set(tops))) == (6, 1)
        await expect(page.locator(".top nav [aria-current]")).to_be_in_viewport(ratio=1)


async def test_a_phone_held_sideways_has_them_too(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    """On every page; the decision is at hand while a card is read, and a key counts for what can be seen of it."""
    known = await scene(gatepost)
    story = (await gatepost.reader("fay").submit("A long story. " * 90)).json["comment"]
    await ruled(gatepost)
    context = await browser_of(scripts=True, viewport={"width": 667, "height": 375}, has_touch=True, locale="de")
    page = await context.new_page()
    for address in (*addresses(known), *PAGES_OF_RULES):
        await page.goto(address)
        await unfold(page)
        assert await page.evaluate(SMALL_TARGETS) == [], address
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
    await page.goto("")
    card = page.locator(f'[data-comment-id="{story["id"]}"]')
    await card.evaluate("(one) => scrollTo(0, one.getBoundingClientRect().top + scrollY - 60)")
    await expect(card.locator(".decide > .bar")).to_be_in_viewport(ratio=1)
    await card.get_by_role("button", name="Freigeben").click()
    await expect(card).to_have_attribute("data-state", "decided")


async def test_the_record_is_printed_and_the_current_card_is_seen_in_forced_colours(
    gatepost: Gatepost, browser_of: OpenBrowser
) -> None:
    await scene(gatepost)
    page = await (await browser_of(scripts=True)).new_page()
    await page.goto("")
    await page.emulate_media(forced_colors="active")
    outline = await page.locator("[aria-current=true]").evaluate("(one) => getComputedStyle(one).outlineStyle")
    assert outline == "solid"
    await page.goto("record")
    await page.emulate_media(media="print", forced_colors="none")
    await expect(page.locator(".lines").get_by_text("Held for review").first).to_be_visible()
    for gone in (page.get_by_role("banner"), page.get_by_role("button")):
        assert [one for one in await gone.all() if await one.is_visible()] == []


async def test_two_windows_and_one_comment(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    """Two people press at the same moment: one is told that it is done, the other who did it."""
    known = await scene(gatepost)
    pages = [await (await browser_of(name)).new_page() for name in ("mo", "jo")]
    for page in pages:
        await page.goto(f"c/{known['reply']['id']}")
    await asyncio.gather(
        pages[0].get_by_role("button", name="Approve").click(), pages[1].get_by_role("button", name="Spam").click()
    )
    told = [await page.locator(".flash, .conflict").inner_text() for page in pages]
    assert sorted("faster" in one for one in told) == [False, True]
