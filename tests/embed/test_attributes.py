"""What a page may ask for: attributes, slots, events that it may stop, counts without comments."""

import json
import re

import pytest
from playwright.async_api import expect

from tests.auth.local_server import always
from tests.embed.stage import IN_ADDRESS, POST, Stage

pytest_plugins = ["tests.browser"]
pytestmark = pytest.mark.browser


async def test_the_look_of_the_list_is_the_pages_choice(stage: Stage) -> None:
    first = await stage.approved("First", by="ada")
    second = await stage.approved("Second", by="grace", parent_id=first["id"])
    third = await stage.approved("Third", by="ada", parent_id=second["id"])
    stage.page(heading_level="4", date="relative", reply_depth="1", text_login="Sign in to join in")
    window = await stage.ready()
    await expect(window.element.get_by_role("heading", level=4)).to_have_text("3 comments")
    await expect(window.element.get_by_role("link", name="Sign in to join in")).to_be_visible()
    await expect(window.comment(first["id"]).locator("time")).to_have_attribute(
        "title", re.compile(first["created_at"][:4])
    )
    left = "node => node.getBoundingClientRect().left"
    assert await window.comment(third["id"]).evaluate(left) == await window.comment(second["id"]).evaluate(left)


@pytest.mark.parametrize(("view", "sort", "order"), [("flat", "newest", [2, 1, 0]), ("thread", "newest", [1, 0, 2])])
async def test_the_order_is_the_pages_choice(stage: Stage, view: str, sort: str, order: list[int]) -> None:
    first = await stage.approved("First", by="ada")
    said = [first, await stage.approved("Second", by="grace")]
    said.append(await stage.approved("A reply to the first", by="grace", parent_id=first["id"]))
    stage.page(view=view, sort=sort)
    window = await stage.ready()
    shown = [await one.get_attribute("data-comment-id") for one in await window.articles.all()]
    assert shown == [said[at]["id"] for at in order]


async def test_pictures_of_authors_are_only_shown_where_the_page_says_so(stage: Stage) -> None:
    stage.blog.handlers["/ada.svg"] = always(
        text="<svg xmlns='http://www.w3.org/2000/svg'/>", content_type="image/svg+xml"
    )
    ada = stage.gatepost.reader("ada", picture="https://blog.example/ada.svg")
    comment = (await ada.submit("Hello", post=IN_ADDRESS)).json["comment"]
    await stage.gatepost.moderator().decide(comment["id"], "approve", comment["version"])
    window = await stage.ready()
    await expect(window.articles.locator("img")).to_have_count(0)
    stage.page(avatars="on")
    window = await stage.ready()
    await expect(window.articles.locator("img[part=avatar]")).to_have_attribute("alt", "")


async def test_own_words_stand_at_fixed_places(stage: Stage) -> None:
    slots = ("before-form", "after-form", "empty", "closed", "footer")
    stage.page(inside="".join(f'<p slot="{name}">Own {name}.</p>' for name in slots))
    window = await stage.ready()
    for name in ("before-form", "after-form", "empty", "footer"):
        await expect(window.page.get_by_text(f"Own {name}.")).to_be_visible()
    await expect(window.page.get_by_text("Own closed.")).to_be_hidden()
    await stage.gatepost.moderator().call("PATCH", f"posts/{IN_ADDRESS}", json={"open": False})
    await expect(window.page.get_by_text("Own closed.")).to_be_visible()


async def test_a_page_has_another_login(stage: Stage) -> None:
    stage.page(login_url="/elsewhere?back={url}")
    window = await stage.ready()
    address = await window.element.get_by_role("link", name="LOGIN to add comments").get_attribute("href")
    assert address is not None
    assert address.startswith("/elsewhere?back=http%3A%2F%2F127.0.0.1")


async def test_machines_of_many_people_keep_no_draft(stage: Stage) -> None:
    stage.reader = "grace"
    stage.page(drafts="off")
    window = await stage.ready()
    await window.element.get_by_role("textbox").fill("Nobody else's business")
    await window.page.reload()
    await window.is_ready()
    await expect(window.element.get_by_role("textbox")).to_have_value("")
    assert await window.page.evaluate("Object.keys(localStorage)") == []


async def test_a_browser_that_keeps_nothing_sends_all_the_same(stage: Stage) -> None:
    stage.reader = "grace"
    window = await stage.open(go=False)
    await window.page.add_init_script(
        "Object.defineProperty(window, 'localStorage', "
        "{ get() { throw new DOMException('refused', 'SecurityError'); } })"
    )
    await window.page.goto(stage.page_address)
    await window.is_ready()
    await window.write("From a private window")
    await expect(window.articles).to_have_count(1)


async def test_the_page_may_stop_a_comment(stage: Stage) -> None:
    stage.reader = "grace"
    window = await stage.ready()
    await window.page.evaluate("addEventListener('gatepost:comment-sending', (event) => event.preventDefault())")
    await window.write("Not now")
    assert await window.told("comment-sending") == [{"body": "Not now", "parentId": None}]
    await expect(window.element.get_by_role("textbox")).to_have_value("Not now")
    assert (await stage.gatepost.reader("grace").get("me/comments")).json["comments"] == []


async def test_an_address_of_somebody_else_is_not_sent(stage: Stage) -> None:
    stage.reader = "grace"
    stage.page(post_url="https://elsewhere.example/gate")
    window = await stage.ready()
    async with window.page.expect_request(lambda request: request.method == "POST") as sent:
        await window.write("Where am I?")
    assert json.loads((await sent.value).post_data or "")["post"] == {"title": "The gate", "url": stage.page_address}


async def test_counts_need_no_comments_beside_them(stage: Stage) -> None:
    await stage.approved("Hello")
    stage.page(
        source=f"{stage.service}/embed/v1/count.js",
        element=f'<gatepost-count site="blog" post="{POST}" text-count.one="one voice">Comments</gatepost-count> '
        '<gatepost-count site="nowhere" post="x">Say something</gatepost-count>',
    )
    window = await stage.open()
    await expect(window.page.locator("gatepost-count")).to_have_text(["one voice", "Say something"])
    await window.page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<gatepost-count site=blog post=later>?</gatepost-count>')"
    )
    await expect(window.page.locator("gatepost-count").last).to_have_text("No comments")
    assert len([one for one in window.requests if "/counts" in one]) == 3
