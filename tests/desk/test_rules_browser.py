"""The pages of rules and lists in a real Chromium: without JavaScript, for everybody, and nothing in them runs."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import BrowserContext, expect

from tests.desk.conftest import OpenBrowser
from tests.desk.looks import LOOKS, Look, assert_usable
from tests.desk.rules import ADMIN, EVERYTHING, listed, put, ruled
from tests.desk.stage import cookie
from tests.desk.test_browser import ATTACK, watched
from tests.harness import Gatepost
from tests.reading.hostile import TEXTS

pytest_plugins = ["tests.browser"]
pytestmark = pytest.mark.browser

WORDS = [*TEXTS, ATTACK, "</textarea><script>window.hit=1</script>", '"><img src=x onerror=window.hit=1>']
FITS = """() => {
    const field = document.querySelector("#document");
    const numbers = document.querySelector(".editor pre");
    const height = (one) => getComputedStyle(one).lineHeight;
    return field.scrollHeight <= field.clientHeight && height(field) === height(numbers);
}"""
"""No line of the field is scrolled away, and its lines are as high as the numbers beside them."""


async def admins(gatepost: Gatepost, browser_of: OpenBrowser, **options: Any) -> BrowserContext:
    """A browser in which an administrator is known to the blog."""
    context = await browser_of("root", **options)
    key, value = cookie(gatepost, "root", **ADMIN)
    await context.add_cookies([{"name": key, "value": value, "url": str(gatepost.running.address)}])
    return context


async def test_rules_are_begun_changed_tried_and_taken_back(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    page = await (await admins(gatepost, browser_of)).new_page()
    await page.goto("policy")
    await page.locator("[data-starter=newcomers-wait]").get_by_role("button").click()
    await expect(page.get_by_role("status")).to_contain_text("These rules hold now")
    await page.get_by_role("link", name="As text").click()
    assert await page.evaluate(FITS)
    field = page.get_by_label("The rules, as JSON")
    text = await field.input_value()
    await field.fill(text.replace('"then": "hold"', '"then": "ban"'))
    await page.get_by_role("button", name="Check").click()
    await expect(page.get_by_role("alert")).to_contain_text('must be "publish", "hold", "reject", "spam" or "refuse"')
    await field.fill(text.replace("0.34", "0.5"))
    await page.get_by_role("button", name="Check").click()
    await expect(page.get_by_role("status")).to_contain_text("Nothing is wrong with it: 2 rules.")
    await page.get_by_role("button", name="Let them hold").click()
    await expect(page.locator("[data-rule=bad-record]")).to_contain_text("when at least 50 % of the author's last")
    await page.get_by_role("link", name="Try a text").click()
    await page.get_by_label("The comment").fill("Hello.")
    await page.get_by_role("button", name="Try it").click()
    await expect(page.get_by_role("status")).to_contain_text("It would wait for you.")
    await page.get_by_role("link", name="Versions").click()
    await page.get_by_role("link", name="Version 1").click()
    await page.get_by_role("button", name="Let version 1 hold again").click()
    await expect(page.locator("[data-rule=bad-record]")).to_contain_text("when at least 34 % of the author's last")


@pytest.mark.parametrize("look", [LOOKS[0], LOOKS[-1]], ids=str)
async def test_everybody_can_use_what_an_administrator_sees(
    gatepost: Gatepost, browser_of: OpenBrowser, look: Look
) -> None:
    page = await (await admins(gatepost, browser_of, **look.options)).new_page()
    await page.goto("policy")
    await assert_usable(page, "starters")
    await ruled(gatepost)
    await page.goto("policy")
    await expect(page.locator("[data-braked] button")).to_be_visible()
    await assert_usable(page, "brakes")
    await page.goto("policy/edit")
    field = page.locator("#document")
    assert await page.evaluate(FITS)
    text = await field.input_value()
    await field.fill(text.replace('"links.count"', '"link.count"'))
    await page.locator("button[value=check]").click()
    await assert_usable(page, "wrong")
    await field.fill(text)
    await page.locator("[name=text]").evaluate("(one) => { one.value = 'See https://shop.example/, acme'; }")
    await page.locator("button[value=try]").evaluate("(one) => one.click()")
    await expect(page.locator("#result mark")).to_have_count(2)
    await assert_usable(page, "tried")
    await put(gatepost, {**EVERYTHING, "audit_share": 0.1}, version=1, by="jo")
    await page.locator("button[value=put]").click()
    await expect(page.locator("#conflict del")).to_have_count(2)
    await assert_usable(page, "conflict")
    await page.goto("lists/slurs")
    await page.locator("#entries").fill("fine\n@bad")
    await page.locator("button[value=add]").click()
    await expect(page.locator(".numbered .told")).to_be_visible()
    await assert_usable(page, "wrong entries")


async def test_what_people_write_does_not_run(gatepost: Gatepost, browser_of: OpenBrowser) -> None:
    """As titles, notes, entries, reasons, people, names of tests, texts that are tried, and what is wrong in forms."""
    entries = (
        {"value": f"word{number} x", "not": [f"x{text}"[:90]], "note": text} for number, text in enumerate(WORDS)
    )
    await listed(gatepost, *entries, title=ATTACK[:110], note=ATTACK)
    await put(gatepost, _hostile(), note=ATTACK)
    page, errors = await watched(await admins(gatepost, browser_of, scripts=True))

    async def is_safe(what: str) -> None:
        await expect(page.locator("main")).to_be_visible()
        assert await page.evaluate("window.hit") is None, what
        wanted = "main :is(img, svg, script, iframe, [onerror], [onload], [onmouseover], [onfocus])"
        assert await page.locator(wanted).count() == 0, what
        assert [error for error in errors if "status of 4" not in error] == [], what

    for address in (
        "lists",
        "lists/slurs",
        "lists/slurs?q=%3Cscript%3Ewindow.hit=1%3C/script%3E",
        "lists?gone=%3Cscript%3Ewindow.hit=1%3C/script%3E",
        "policy",
        "policy/edit",
        "policy/versions",
        "policy/versions/1",
    ):
        await page.goto(address)
        await is_safe(address)
    for text in WORDS:
        await page.goto("policy/trial")
        await page.locator("[name=text]").fill(text + " https://a.example/<b>")
        await page.locator("[name=facts]").evaluate("(one) => { one.value = 'post.key=[\"<img src=x>\"]'; }")
        await page.locator("form.fields button").click()
        await expect(page.locator("#result")).to_be_visible()
        await is_safe(text)
        await page.goto("policy/edit")
        await page.locator("#document").fill(f'{{"format": 1,\n"otherwise": {json.dumps(text)}}}')
        await page.locator("button[value=check]").click()
        await is_safe(f"wrong {text}")
    await page.goto("lists/slurs")
    await page.locator("#entries").fill("\n".join(["@bad", *WORDS]))
    await page.locator("button[value=add]").click()
    await expect(page.locator(".numbered .told").first).to_be_visible()
    await is_safe("wrong entries")
    await page.goto("lists")
    await page.locator("[name=name]").fill("<script>window.hit=1</script>")
    await page.locator("[name=title]").fill('"><script>window.hit=1</script>')
    await page.locator("form.fields button").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await is_safe("a wrong name")


def _hostile() -> dict[str, Any]:
    reasons = [{"code": f"r{number}", "text": text, "reference": text} for number, text in enumerate(WORDS)]
    return {
        "format": 1,
        "otherwise": "publish",
        "people": {"people": [{"author.role": {"any_of": WORDS}}]},
        "rules": list(_rules()),
        "reasons": reasons,
        "tests": [{"name": text, "text": text, "expect": "hold"} for text in WORDS],
    }


def _rules() -> Iterator[dict[str, Any]]:
    for number, text in enumerate(WORDS):
        yield {
            "id": f"a{number}",
            "title": text[:120],
            "for": [],
            "when": [{"post.key": {"any_of": [text, f"{text}*"]}}, {"text.characters": {"at_least": 1}}],
            "then": "hold",
            "reason": f"r{number}",
        }
