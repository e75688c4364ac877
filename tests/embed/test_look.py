"""How it looks: no axe findings, no sideways scrolling, pictures for a person to judge."""

from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from tests.embed.stage import IN_ADDRESS, Stage, Window

pytest_plugins = ["tests.browser"]
pytestmark = pytest.mark.browser

PEOPLE = {
    "ada": {"name": "Ada Pemberton", "bio": "Restores narrowboats at Stoke Bruerne", "url": "https://ada.example/"},
    "grace": {"name": "Grace Okafor"},
}


async def scene(stage: Stage) -> dict[str, Any]:
    """A conversation as blogs have it, with what waits and what was refused."""
    site = stage.gatepost

    async def said(who: str, text: str, **more: Any) -> Any:
        sent = await site.reader(who, **PEOPLE[who]).submit(text, post=IN_ADDRESS, **more)
        comment = sent.json["comment"]
        await site.moderator().decide(comment["id"], "approve", comment["version"])
        site.clock.advance(seconds=3700)
        return comment

    first = await said(
        "ada",
        "We had a latch like that at the lock cottage. My grandfather called it *the only honest lock in the county*: "
        "it kept out the wind and nobody else.\n\nIs yours the kind that clicks twice?",
    )
    reply = await said("grace", "It clicks twice. I have **heard** it from the towpath.", parent_id=first["id"])
    await said("ada", "Then it is a Braunston latch, and older than the garden.", parent_id=reply["id"])
    await said(
        "grace",
        "Two things:\n\n- the bees are [here](https://example.org/bees)\n- `gate.close()` is missing\n\n"
        "> Mind the bees.\n\nI do.",
    )
    waiting = await site.reader("grace", **PEOPLE["grace"]).submit("And I would oil the hinge.", post=IN_ADDRESS)
    refused = await site.reader("grace", **PEOPLE["grace"]).submit("Buy hinges at my shop!", post=IN_ADDRESS)
    comment = refused.json["comment"]
    await site.moderator().decide(
        comment["id"],
        "reject",
        comment["version"],
        reason="Advertising",
        note_to_author="Do write about the hinge itself.",
    )
    return {"first": first, "waiting": waiting.json["comment"], "refused": comment}


async def assert_clean(window: Window) -> None:
    """axe finds nothing, and nothing has to be scrolled sideways."""
    found = await Axe().run(window.page)
    assert found.response["violations"] == [], found.generate_report()
    assert await window.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(
    ("width", "scheme", "lang"),  # any two of them meet in each way
    [(1200, "light", "en"), (1200, "dark", "ar"), (320, "light", "ar"), (320, "dark", "en")],
)
async def test_conversation(
    stage: Stage, tmp_path: Path, width: int, scheme: Literal["light", "dark"], lang: str
) -> None:
    """Of a visitor; of a reader with what waits and what was refused, with a form open, with an error; closed."""
    known = await scene(stage)
    stage.page(lang=lang)

    async def judged(window: Window, name: str) -> None:
        await assert_clean(window)
        await window.page.screenshot(path=tmp_path / f"{name}.png", full_page=True)

    await judged(await stage.ready(width=width, scheme=scheme), "visitor")
    stage.reader, stage.claims = "grace", PEOPLE["grace"]
    window = await stage.ready(width=width, scheme=scheme)
    await expect(window.comment(known["refused"]["id"])).to_contain_text("Do write about the hinge itself.")
    await judged(window, "reader")
    await window.comment(known["waiting"]["id"]).locator("[name=withdraw]").click()
    await expect(window.comment(known["waiting"]["id"]).locator("[name=cancel]")).to_be_visible()
    await window.comment(known["first"]["id"]).locator("[name=reply]").click()
    form = window.element.locator("li form")
    await form.locator("textarea").fill("Mine clicks *once*.\n\n> Mind the bees")
    await form.locator("[name=preview]").click()
    await expect(form.locator("[part=preview] em")).to_have_text("once")
    await judged(window, "open")
    await window.page.route("**/posts/**", lambda route: route.abort())
    await form.locator("[name=submit]").click()
    await expect(form.get_by_role("alert")).not_to_be_empty()
    await judged(window, "error")
    await window.page.close()
    await stage.gatepost.moderator().call("PATCH", f"posts/{IN_ADDRESS}", json={"open": False})
    window = await stage.ready(width=width, scheme=scheme)
    await expect(window.element).to_have_attribute("data-post", "closed")
    await judged(window, "closed")


@pytest.mark.parametrize(
    "style",
    [
        "body { background: #fff; color: #000 }",
        "body { background: #111; color: #eee }",
        ":root { color-scheme: dark } body { background: #1b1d21; color: #d7d3c8 }",
    ],
)
@pytest.mark.parametrize("theme", ["inherit", "light", "dark", "auto"])
async def test_contrast_holds_on_pages_of_any_colour(stage: Stage, style: str, theme: str) -> None:
    known = await scene(stage)
    stage.reader, stage.claims = "grace", PEOPLE["grace"]
    stage.page(style=style, theme=theme)
    window = await stage.ready()
    await window.element.locator("textarea").first.fill("x" * 9_500)
    await expect(window.element.get_by_text("9,500 of 10,000 characters")).to_be_visible()
    await window.comment(known["waiting"]["id"]).locator("[name=withdraw]").focus()
    await assert_clean(window)


async def test_closed_empty_and_failed_pages_are_clean(stage: Stage, tmp_path: Path) -> None:
    window = await stage.ready()
    await assert_clean(window)
    await window.page.screenshot(path=tmp_path / "empty.png")
    await stage.gatepost.moderator().call("PATCH", f"posts/{IN_ADDRESS}", json={"open": False})
    window = await stage.ready()
    await expect(window.element).to_contain_text("Comments are closed.")
    await assert_clean(window)
    await window.page.screenshot(path=tmp_path / "closed.png")
    window = await stage.open(go=False)
    await window.page.route("**/v1/sites/**", lambda route: route.abort())
    await window.page.goto(stage.page_address)
    await expect(window.element).to_have_attribute("data-state", "failed")
    await assert_clean(window)
    await window.page.screenshot(path=tmp_path / "failed.png")


async def test_linked_and_new(stage: Stage, tmp_path: Path) -> None:
    said = [await stage.approved(f"Comment {n}. " + "The bees are out. " * 12) for n in range(9)]
    stage.page(limit="3")
    window = await stage.ready(f"#comment-{said[5]['id']}", width=380)
    await expect(window.element).to_have_attribute("data-live", "on")
    await stage.approved("And a reply.", by="grace", parent_id=said[5]["id"])
    await expect(window.element.get_by_role("button", name="1 new comment")).to_be_visible()
    await assert_clean(window)
    await window.page.screenshot(path=tmp_path / "linked.png")


async def test_touch_targets_are_large_enough(stage: Stage) -> None:
    await scene(stage)
    stage.reader, stage.claims = "grace", PEOPLE["grace"]
    window = await stage.ready(width=380)
    boxes = [await one.bounding_box() for one in await window.element.get_by_role("button").all()]
    assert [box for box in boxes if box is None or box["width"] < 24 or box["height"] < 24] == []
