"""What a visitor sees: the list, in its states, with anchors and paging, and nothing that they did not ask for."""

import asyncio

import pytest
from aiohttp import web
from playwright.async_api import Browser, expect

from service.transfer.keys import Keys
from service.transfer.reading import Wanted
from tests.auth.local_server import always
from tests.conftest import StartGatepost
from tests.embed.stage import IN_ADDRESS, POST, Stage, staged
from tests.transfer.bringing import SITE, bring
from tests.transfer.bringing import comment as imported

pytest_plugins = ["tests.browser"]
pytestmark = pytest.mark.browser


async def test_a_visitor_reads_and_is_led_to_the_login(stage: Stage) -> None:
    first = await stage.approved("I was *there*.", by="ada")
    await stage.approved("So was I.", by="grace", parent_id=first["id"])
    window = await stage.ready()
    await expect(window.articles).to_have_count(2)
    await expect(window.element.get_by_role("heading", name="Comments")).to_have_text("2 comments")
    await expect(window.comment(first["id"]).locator("em")).to_have_text("there")
    link = window.element.get_by_role("link", name="LOGIN to add comments")
    address = await link.get_attribute("href")
    assert address is not None
    assert address.startswith(f"{stage.blog.address}/login?next=http%3A%2F%2F127.0.0.1")
    assert address.endswith("%2Fgate%23comments-2005%252F07%252Fgate")
    assert window.errors == []
    calls = [one for one in window.requests if "/v1/sites" in one and "/events" not in one]
    assert len([one for one in calls if one.endswith("/v1/sites/blog")]) == 1
    assert {one.split("?")[0] for one in calls} == {
        f"GET {stage.service}/v1/sites/blog", f"GET {stage.service}/v1/sites/blog/posts/{IN_ADDRESS}/comments",
    }  # fmt: skip


async def test_nothing_is_asked_before_the_reader_is_near(stage: Stage) -> None:
    await stage.approved("Far below")
    stage.page(before="<h1>The gate</h1><div class=tall></div>")
    window = await stage.open()
    await expect(window.element).to_have_attribute("data-state", "waiting")
    await window.page.evaluate("() => new Promise(requestAnimationFrame)")
    assert [one for one in window.requests if "/v1/sites" in one or "token" in one] == []
    await window.page.mouse.wheel(0, 2000)
    await expect(window.element).to_have_attribute("data-state", "ready")


async def test_manual_asks_for_nothing_until_the_page_says_so(stage: Stage) -> None:
    await stage.approved("After consent")
    stage.page(loading="manual", before="")
    window = await stage.open()
    await expect(window.element).to_have_attribute("data-state", "waiting")
    assert [one for one in window.requests if "/v1/sites" in one] == []
    await window.page.evaluate("document.querySelector('gatepost-comments').load()")
    await expect(window.articles).to_have_count(1)
    assert await window.page.evaluate("document.cookie + Object.keys(localStorage)") == ""


async def test_a_list_that_cannot_be_had_leaves_the_fallback_and_can_be_tried_again(stage: Stage) -> None:
    await stage.approved("There")
    stage.page(inside="<p>Write me a letter.</p>")
    window = await stage.open(go=False)
    await window.page.route("**/v1/sites/**", lambda route: route.abort())
    await window.page.goto(stage.page_address)
    await expect(window.element).to_have_attribute("data-state", "failed")
    await expect(window.page.get_by_text("Write me a letter.")).to_be_visible()
    await expect(window.element.get_by_role("alert")).to_have_text("Comments can't be loaded now.")
    await window.page.unroute_all(behavior="ignoreErrors")
    await window.element.get_by_role("button", name="Try again").click()
    await expect(window.articles).to_have_count(1)
    await expect(window.page.get_by_text("Write me a letter.")).to_be_hidden()


async def test_an_element_without_a_post_says_so_once(stage: Stage) -> None:
    stage.page(post=None, inside="<p>Write me a letter.</p>")
    window = await stage.open()
    await expect(window.element).to_have_attribute("data-state", "failed")
    await expect(window.page.get_by_text("Write me a letter.")).to_be_visible()
    assert len(window.errors) == 1


async def test_a_long_list_can_be_read_to_the_end(stage: Stage) -> None:
    said = {(await stage.approved(f"Comment {n}"))["id"] for n in range(25)}
    stage.page(limit="10", live="off")
    window = await stage.ready()
    more = window.element.get_by_role("button", name="More comments")
    for shown in (10, 20):
        await expect(window.articles).to_have_count(shown)
        await more.click()
        await expect(window.articles.nth(shown)).to_be_focused()
    await expect(window.articles).to_have_count(25)
    await expect(more).to_have_count(0)
    assert {await one.get_attribute("data-comment-id") for one in await window.articles.all()} == said
    assert window.page.url == stage.page_address


async def test_a_thousand_comments_can_be_read_to_the_end(chromium: Browser, start_gatepost: StartGatepost) -> None:
    """Each once, and the address stays the page's."""
    async with staged(chromium, start_gatepost, premoderate=False) as stage:
        readers = [stage.gatepost.reader(f"reader-{n}") for n in range(10)]
        said: set[str] = set()
        for hundred in range(10):
            texts = [readers[n % 10].submit(f"Comment {hundred}-{n}", post=IN_ADDRESS) for n in range(100)]
            said |= {answer.json["comment"]["id"] for answer in await asyncio.gather(*texts)}
        stage.page(limit="200")
        window = await stage.ready()
        more = window.element.get_by_role("button", name="More comments")
        for shown in range(200, 1000, 200):
            await expect(window.articles).to_have_count(shown)
            await more.click()
        await expect(window.articles).to_have_count(1000)
        await expect(more).to_have_count(0)
        shown_ids = await window.articles.evaluate_all("all => all.map((one) => one.dataset.commentId)")
        assert len(shown_ids) == 1000
        assert set(shown_ids) == said
        assert await window.page.evaluate("document.querySelectorAll('[id^=comment-]').length") == 1000
        assert window.errors == []


async def test_an_address_leads_to_its_comment_on_the_first_page(stage: Stage) -> None:
    said = [await stage.approved(f"Comment {n}\n\n" + "word " * 100) for n in range(8)]
    window = await stage.ready(f"#comment-{said[5]['id']}")
    await expect(window.comment(said[5]["id"])).to_be_focused()
    await expect(window.comment(said[5]["id"])).to_be_in_viewport()
    await window.comment(said[5]["id"]).locator("time").click()
    await window.page.evaluate(f"location.hash = 'comment-{said[1]['id']}'")
    await expect(window.comment(said[1]["id"])).to_be_focused()
    assert await window.page.evaluate("document.querySelector(':target').slot") == f"anchor-{said[1]['id']}"
    await window.page.go_back()
    await expect(window.comment(said[5]["id"])).to_be_in_viewport()


async def test_an_address_leads_to_its_comment_on_a_later_page(stage: Stage) -> None:
    said = [await stage.approved(f"Comment {n}") for n in range(8)]
    reply = await stage.approved("A reply", parent_id=said[6]["id"], by="grace")
    stage.page(limit="3")
    window = await stage.ready(f"#comment-{reply['id']}")
    await expect(window.comment(reply["id"])).to_be_focused()
    await expect(window.element.get_by_text("Linked comment", exact=True)).to_be_visible()
    await expect(window.comment(said[6]["id"])).to_be_visible()
    await expect(window.comment(said[0]["id"])).to_have_count(0)
    await window.element.get_by_role("button", name="Show all comments").click()
    await expect(window.comment(said[0]["id"])).to_be_visible()
    await expect(window.articles).to_have_count(3)


async def test_an_address_of_a_comment_that_is_gone_says_so(stage: Stage) -> None:
    await stage.approved("Still here")
    window = await stage.ready("#comment-0189abcd-0000-7000-8000-000000000000")
    await expect(window.said).to_have_text("That comment isn't public (any more).")
    await expect(window.articles).to_have_count(1)


async def test_an_address_of_the_time_before_an_import_leads_to_its_comment(stage: Stage) -> None:
    anchors = {number: "comment-123" if number == 1 else f"isso-{number}" for number in range(1, 9)}
    found = [imported(number, post=POST, post_url=None, anchor=anchor) for number, anchor in anchors.items()]
    await bring(stage.gatepost.running.database, found, Wanted(SITE, Keys.ID))
    stage.page(limit="3", before="<h1 id=isso-4>The gate</h1><div class=tall></div>")
    window = await stage.ready("#isso-7")
    await expect(window.articles.filter(has_text="Comment 7.")).to_be_focused()
    await expect(window.articles.filter(has_text="Comment 1.")).to_have_count(0)
    await window.page.evaluate("location.hash = 'comment-123'")
    await expect(window.articles.filter(has_text="Comment 1.")).to_be_focused()


async def test_a_fragment_of_the_pages_own_is_left_alone(stage: Stage) -> None:
    await stage.approved("On the gate")
    stage.page(before="<h1 id=isso-4>The gate</h1>")
    window = await stage.ready("#nothing-here")
    await window.page.evaluate("document.querySelector('gatepost-comments').id = 'comments'")
    for fragment in ("comments", "isso-4", "/a/route", "key=value", "!/state"):
        await window.page.evaluate(f"location.hash = '{fragment}'")
    async with window.page.expect_response(lambda answer: "around=nowhere" in answer.url) as asked:
        await window.page.evaluate("location.hash = 'nowhere'")
    assert (await asked.value).status == 404
    await expect(window.articles).to_have_count(1)
    await expect(window.said).to_have_text("")
    await expect(window.element.locator("[part~=notice]")).to_have_count(0)
    asked_for = [request.partition("around=")[2] for request in window.requests if "around=" in request]
    assert asked_for == ["nothing-here", "nowhere"]


async def test_an_application_can_show_another_post(stage: Stage) -> None:
    await stage.approved("On the gate")
    await stage.gatepost.approved("On the bees", post="bees")
    window = await stage.ready()
    await window.page.evaluate("document.querySelector('gatepost-comments').post = 'bees'")
    await expect(window.articles).to_contain_text("On the bees")
    assert await window.page.locator("[slot^=anchor-]").count() == 1
    await window.page.evaluate("document.querySelector('gatepost-comments').destroy()")
    await expect(window.articles).to_have_count(0)


async def test_names_may_come_after_the_element(stage: Stage) -> None:
    await stage.approved("On the gate")
    stage.page(site=None, script="document.querySelector('gatepost-comments').setAttribute('data-x', '1')")
    window = await stage.open()
    await expect(window.element).to_have_attribute("data-state", "failed")
    await window.page.evaluate("document.querySelector('gatepost-comments').site = 'blog'")
    await expect(window.articles).to_have_count(1)
    assert await window.element.evaluate(
        "node => node.matches(':state(ready)') && node.matches(':state(reader-visitor)')"
    )


async def test_calls_may_come_before_the_script(stage: Stage) -> None:
    stage.reader = "grace"
    given = stage.gatepost.reader("grace").headers["Authorization"].removeprefix("Bearer ")
    stage.page(
        token_url=None,
        script="const it = document.querySelector('gatepost-comments');"
        f"it.getToken = async () => {given!r}; it.strings = {{comment: 'Over to you'}};",
    )
    window = await stage.ready()
    await expect(window.element.get_by_role("textbox", name="Over to you")).to_be_visible()
    assert stage.tokens == 0
    await window.page.evaluate("document.querySelector('gatepost-comments').focusForm('> quoted')")
    await expect(window.element.get_by_role("textbox")).to_have_value("> quoted")


@pytest.mark.parametrize(
    ("lang", "count", "login"),
    [
        ("de-AT", "Ein Kommentar", "Anmelden, um zu kommentieren"),
        ("pt-BR", "1 comment", "LOGIN to add comments"),
        ("ar", "تعليق واحد", "سجّل الدخول لإضافة تعليق"),
    ],
)
async def test_it_speaks_the_language_of_the_page(stage: Stage, lang: str, count: str, login: str) -> None:
    await stage.approved("Hello")
    stage.page(lang=lang)
    window = await stage.ready()
    await expect(window.element.get_by_role("heading", level=2)).to_have_text(count.replace("Ein ", "1 "))
    await expect(window.element.get_by_role("link", name=login)).to_be_visible()
    direction = await window.element.locator("section").evaluate("node => getComputedStyle(node).direction")
    assert direction == ("rtl" if lang == "ar" else "ltr")
    assert window.errors == []


def slow_login(stage: Stage) -> asyncio.Event:
    """The blog says who is logged in only when this is set."""
    answered = asyncio.Event()

    async def slowly(request: web.Request) -> web.Response:
        await answered.wait()
        return await stage.token(request)

    stage.blog.handlers["/comment-token"] = slowly
    return answered


async def test_a_slow_login_keeps_nobody_from_reading(stage: Stage) -> None:
    await stage.approved("Readable at once")
    stage.reader = "grace"
    stage.page(before="<h1>The gate</h1><div class=tall></div>", loading="eager")
    answered = slow_login(stage)
    window = await stage.open()
    await expect(window.articles).to_have_count(1)
    await expect(window.element).to_have_attribute("data-reader", "unknown")
    answered.set()
    await expect(window.element.get_by_role("textbox", name="Your comment")).to_be_visible()
    await expect(window.articles.get_by_role("button", name="Reply to Ada")).to_be_visible()


@pytest.mark.parametrize("who", ["grace", None])
@pytest.mark.parametrize("place", ["top", "middle"])
async def test_a_late_login_does_not_move_what_is_read(stage: Stage, who: str | None, place: str) -> None:
    said = [await stage.approved(f"Comment {n}\n\n" + "word " * 60) for n in range(8)]
    stage.reader = who
    answered = slow_login(stage)
    window = await stage.open()
    await expect(window.articles).to_have_count(8)
    await expect(window.element).to_have_attribute("data-reader", "unknown")
    read = window.comment(said[0 if place == "top" else 5]["id"])
    if place == "middle":
        await read.evaluate("node => node.scrollIntoView({block: 'start'})")
    await expect(window.element).to_have_attribute("data-live", "on")
    before = await read.evaluate("node => node.getBoundingClientRect().top")
    shifted = await window.page.evaluate("shifts.length")
    answered.set()
    await window.is_ready(opens_form=False)
    await expect(window.element.locator("article [part=actions] > *")).to_have_count(8)
    await window.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert await read.evaluate("node => node.getBoundingClientRect().top") == before
    assert await window.page.evaluate("shifts.length") == shifted
    if who:
        await window.element.get_by_role("button", name="Add a comment").click()
        await expect(window.element.get_by_role("textbox", name="Your comment")).to_be_focused()
    else:
        await expect(window.element.get_by_role("link", name="LOGIN to add comments")).to_be_attached()


async def test_a_login_that_cannot_be_asked_can_be_asked_again(stage: Stage) -> None:
    await stage.approved("Readable")
    stage.reader = "grace"
    stage.blog.handlers["/comment-token"] = always(text="{}", status=503)
    window = await stage.ready()
    await expect(window.element).to_have_attribute("data-reader", "unavailable")
    await expect(window.articles).to_have_count(1)
    await expect(window.element).to_contain_text("Your login can't be checked right now.")
    stage.blog.handlers["/comment-token"] = stage.token
    await window.element.get_by_role("button", name="Try again").click()
    await expect(window.element.get_by_role("textbox", name="Your comment")).to_be_visible()
