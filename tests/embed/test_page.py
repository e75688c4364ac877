"""The embed as a guest of a page: its policies, its fallback, its layout; and of a comment nothing but its text."""

from typing import Any

import pytest
from playwright.async_api import expect

from service.embed.bundle import bundle
from tests.embed.stage import IN_ADDRESS, Stage

pytest_plugins = ["tests.browser"]
pytestmark = pytest.mark.browser

ATTACK = (
    '<img src=x onerror="window.hit=1"> <script>window.hit=1</script> [press](javascript:window.hit=1) <b>bold</b>\n\n'
    '<svg onload="window.hit=1"> [real](https://example.org/?a=1&b="><i>) **strong** `code`\n\n'
    "```js\nwindow.hit = 1\n```\n\n"
    "1. one\n2. two\n\n> quote\n\n# heading"
)


def policies(service: str) -> dict[str, str]:
    """Of hosts that allow little: what the manual says to add is all that is added."""
    page = "style-src 'self'; img-src data:"
    return {
        "self": f"default-src 'self'; script-src 'self' {service}; connect-src 'self' {service}; {page}",
        "none": f"default-src 'none'; script-src 'self' {service}; connect-src 'self' {service}; {page}",
        "trusted": f"default-src 'none'; script-src 'self' {service}; connect-src 'self' {service}; {page}; "
        "require-trusted-types-for 'script'; trusted-types gatepost",
    }


@pytest.mark.parametrize("name", ["self", "none", "trusted"])
@pytest.mark.parametrize("has_set_html", [True, False])
async def test_strict_pages_need_no_more_than_the_manual_says(stage: Stage, name: str, has_set_html: bool) -> None:
    comment = await stage.approved(ATTACK)
    stage.reader = "grace"
    stage.page(policy=policies(stage.service)[name])
    window = await stage.open(go=False)
    if not has_set_html:
        await window.page.add_init_script("delete Element.prototype.setHTML")
    await window.page.goto(stage.page_address)
    await window.is_ready()
    shown = window.comment(comment["id"]).locator("[part=text]")
    await expect(shown.locator("strong")).to_have_text("strong")
    await expect(shown.locator("code.language-js")).to_have_text("window.hit = 1\n")
    await expect(shown.get_by_role("link")).to_have_attribute("rel", "nofollow ugc noopener")
    assert await shown.locator("img, script, svg, b, i").count() == 0
    await window.write("From a strict page")
    await expect(window.articles).to_have_count(2)
    assert await window.page.evaluate("window.hit") is None
    assert await window.page.evaluate("violations") == []
    assert window.errors == []


@pytest.mark.parametrize("has_set_html", [True, False])
async def test_html_that_the_service_would_never_send_is_stopped_by_the_page(stage: Stage, has_set_html: bool) -> None:
    """The second wall by itself: a service that was broken into sends this."""
    await stage.approved("Replaced on its way")
    window = await stage.open(go=False)
    if not has_set_html:
        await window.page.add_init_script("delete Element.prototype.setHTML")
    evil = (
        '<p dir="auto" onclick="window.hit=1" style="color:red" id="x">text<img src=x onerror="window.hit=1">'
        '<script>window.hit=1</script><a href="javascript:window.hit=1">a</a><iframe srcdoc="x"></iframe>'
        '<form action="https://evil.example"><input></form>'
        '<math><mi xlink:href="javascript:window.hit=1">m</mi></math></p>'
    )

    async def poison(route: Any) -> None:
        answer = await route.fetch()
        listed = await answer.json()
        listed["comments"][0]["html"] = evil
        listed["comments"][0]["author"] = {
            **listed["comments"][0]["author"],
            "name": "<b>A</b>",
            "url": "javascript:hit()",
        }
        await route.fulfill(response=answer, json=listed)

    await window.page.route(f"**/posts/{IN_ADDRESS}/comments?*", poison)
    await window.page.goto(stage.page_address)
    await window.is_ready()
    await expect(window.articles).to_contain_text("<b>A</b>")
    text = window.articles.locator("[part=text]")
    await expect(text).to_contain_text("text")
    assert await text.locator("img, script, iframe, form, input, math, [onclick], [style], [id]").count() == 0
    assert await window.articles.locator("a[href^=javascript]").count() == 0
    assert await window.page.evaluate("window.hit") is None


async def test_the_fragment_inside_says_the_same_and_makes_way(stage: Stage) -> None:
    first = await stage.approved("I *was* there.\n\n- one\n- two", by="ada")
    await stage.approved("So was I.", by="grace", parent_id=first["id"])
    gone = await stage.approved("Soon gone.", by="ada")
    await stage.approved("An answer.", by="grace", parent_id=gone["id"])
    await stage.gatepost.moderator().decide(gone["id"], "delete", gone["version"])
    fragment = (
        await stage.gatepost.visitor.get(f"posts/{IN_ADDRESS}/comments.html?view=thread&sort=oldest")
    ).body.decode()
    stage.page(inside=fragment)
    unscripted = await stage.open(java_script_enabled=False)
    await expect(unscripted.page.get_by_text("So was I.")).to_be_visible()
    window = await stage.ready()
    await expect(window.articles).to_have_count(4)
    words = """root => {
        const copy = root.cloneNode(true);
        for (const time of copy.querySelectorAll("time")) time.textContent = time.dateTime;
        copy.querySelectorAll("[part=actions], [role=status], .aloud").forEach((node) => node.remove());
        const texts = document.createTreeWalker(copy, NodeFilter.SHOW_TEXT);
        const found = [];
        while (texts.nextNode()) found.push(texts.currentNode.data.trim());
        return found.filter(Boolean);
    }"""
    other = await stage.open(go=False)
    await other.page.set_content(fragment)
    served = await other.page.locator("section").evaluate(words)
    assert "3 comments" in served
    assert await window.element.locator("section[part=section]").evaluate(words) == served
    ids = await window.page.evaluate("[...document.querySelectorAll('[id^=comment-]')].map((node) => node.id)")
    assert len(ids) == len(set(ids)) == 4
    await expect(window.page.locator("section.gatepost-comments")).to_be_hidden()


async def test_nothing_moves_below_the_fold(stage: Stage) -> None:
    await stage.approved("word " * 200)
    stage.page(
        before="<h1>The gate</h1><div class=high></div>",
        style=".high { height: 1000px }",
    )
    window = await stage.ready()
    assert await window.page.evaluate("shifts") == []


@pytest.mark.parametrize("who", [None, "grace"])
async def test_nothing_moves_where_the_fragment_fills_the_screen(stage: Stage, who: str | None) -> None:
    for n in range(12):
        await stage.approved(f"Comment {n}\n\n" + "word " * 60)
    fragment = await stage.gatepost.visitor.get(f"posts/{IN_ADDRESS}/comments.html?view=thread&sort=oldest")
    stage.reader = who
    stage.page(inside=fragment.body.decode())
    window = await stage.ready()
    await expect(window.element).to_have_attribute("data-live", "on")
    await expect(window.articles).to_have_count(12)
    assert await window.page.evaluate("shifts") == []


async def test_nothing_moves_where_the_fragment_is_below_the_fold(stage: Stage) -> None:
    await stage.approved("Short")
    fragment = await stage.gatepost.visitor.get(f"posts/{IN_ADDRESS}/comments.html?view=thread&sort=oldest")
    stage.page(
        inside=fragment.body.decode(),
        before="<h1>The gate</h1><div class=high></div>",
        style=".high { height: 1000px }",
    )
    window = await stage.ready()
    await expect(window.articles).to_have_count(1)
    assert await window.page.evaluate("shifts") == []


async def test_a_page_of_two_hundred_is_shown_whole(stage: Stage) -> None:
    for n in range(200):
        await stage.approved(f"Comment {n} with *some* [mark-up](https://example.org/{n}) and **more** of it.")
    stage.page(limit="200", live="off")
    window = await stage.ready()
    await expect(window.articles).to_have_count(200)


async def test_the_pinned_script_and_its_words_pass_their_integrity(stage: Stage) -> None:
    await stage.approved("Hello")
    found = bundle()
    address, integrity = f"{stage.service}/embed/v1/{found.pin}/embed.js", found.files["embed.js"].integrity
    tag = f'<script type="module" src="{address}" integrity="{integrity}" crossorigin></script>'
    stage.page(lang="de", source="/nothing.js", before=tag)
    window = await stage.ready()
    await expect(window.element.get_by_role("link", name="Anmelden, um zu kommentieren")).to_be_visible()
    assert [one for one in window.requests if one.endswith(f"/embed/v1/{found.pin}/de.json")]


async def test_an_own_copy_names_its_service(stage: Stage) -> None:
    await stage.approved("Hello")
    for name, file in bundle().files.items():

        async def answer(request: Any, file: Any = file) -> Any:
            from aiohttp import web

            return web.Response(body=file.body, headers={"Content-Type": file.media_type})

        stage.blog.handlers[f"/static/{name}"] = answer
    stage.page(lang="fr", source="/static/embed.js", service=stage.service)
    window = await stage.ready()
    await expect(window.articles).to_have_count(1)
    await expect(window.element.get_by_role("link", name="Connectez-vous pour commenter")).to_be_visible()
    assert window.errors == []


async def test_the_look_can_be_changed_by_parts_and_properties(stage: Stage) -> None:
    await stage.approved("Hello")
    style = (
        "gatepost-comments { --gatepost-accent: rgb(1, 90, 3) } gatepost-comments::part(author) { color: rgb(9, 8, 7) }"
    )
    stage.page(style=style)
    window = await stage.ready()
    colour = "node => getComputedStyle(node).{}"
    login = window.element.get_by_role("link", name="LOGIN to add comments")
    assert await login.evaluate(colour.format("backgroundColor")) == "rgb(1, 90, 3)"
    assert await window.element.locator("[part=author]").evaluate(colour.format("color")) == "rgb(9, 8, 7)"


async def test_printing_shows_texts_and_no_buttons(stage: Stage) -> None:
    comment = await stage.approved("On paper")
    stage.reader = "grace"
    window = await stage.ready()
    await window.page.emulate_media(media="print")
    await expect(window.comment(comment["id"])).to_be_visible()
    await expect(window.element.get_by_role("button")).to_have_count(0)
    await expect(window.element.get_by_role("textbox")).to_have_count(0)
