"""What comes late, twice, or from another tab: no text is lost, nothing is shown to whom it is not for."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route, expect

from tests.conftest import StartGatepost
from tests.embed.stage import IN_ADDRESS, Stage, Window, staged

pytest_plugins = ["tests.browser"]
pytestmark = pytest.mark.browser

SUBMISSIONS = f"**/posts/{IN_ADDRESS}/comments"
PROBLEM = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After"}
IS_SAVED = "(text) => Object.values(localStorage).some((kept) => kept.includes(text))"


@pytest_asyncio.fixture
async def window(stage: Stage) -> Window:
    """A window of Grace, who is logged in."""
    stage.reader = "grace"
    return await stage.ready()


@asynccontextmanager
async def held(window: Window, address: str, method: str = "POST") -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """The service gets the next call of `address` at once, and the page its reply when what is yielded is called."""
    may_go, was_taken, has_gone = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        if route.request.method != method or was_taken.is_set():
            return await route.fallback()
        answer = await route.fetch()
        was_taken.set()
        await may_go.wait()
        await route.fulfill(response=answer)
        has_gone.set()

    async def let_go() -> None:
        await was_taken.wait()
        may_go.set()
        await has_gone.wait()

    await window.page.route(address, hold)
    yield let_go


async def another_tab(stage: Stage, window: Window) -> Window:
    """A second tab of the same browser on the same page."""
    other = Window(await window.page.context.new_page())
    await other.page.goto(stage.page_address)
    await other.is_ready()
    return other


async def at_rest(window: Window) -> None:
    await window.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")


async def call(window: Window, script: str, argument: Any = None) -> None:
    """Do something with the element, and wait for nothing."""
    await window.page.evaluate(
        f"(it) => {{ const element = document.querySelector('gatepost-comments'); {script} }}", argument
    )


# --- Texts ------------------------------------------------------------------------------------------------------------


async def test_a_tab_in_which_nobody_wrote_leaves_the_draft_of_another(stage: Stage, window: Window) -> None:
    untouched = await another_tab(stage, window)
    await window.element.get_by_role("textbox").fill("Written beside it")
    await window.page.wait_for_function(IS_SAVED, arg="Written beside it")
    await window.page.close()
    await untouched.page.reload()
    await untouched.is_ready()
    await expect(untouched.element.get_by_role("textbox")).to_have_value("Written beside it")


async def test_what_one_tab_sent_takes_no_draft_of_another(stage: Stage, window: Window) -> None:
    other = await another_tab(stage, window)
    await window.element.get_by_role("textbox").fill("Sent at once")
    await window.page.wait_for_function(IS_SAVED, arg="Sent at once")
    await other.element.get_by_role("textbox").fill("Still to be thought over")
    await other.page.wait_for_function(IS_SAVED, arg="Still to be thought over")
    await other.page.close()
    await window.element.get_by_role("button", name="Send").click()
    await expect(window.articles).to_have_count(1)
    later = await another_tab(stage, window)
    await expect(later.element.get_by_role("textbox")).to_have_value("Still to be thought over")


async def test_a_text_below_a_tombstone_stays_when_the_last_answer_goes(stage: Stage, window: Window) -> None:
    first = await stage.approved("Soon gone")
    answer = await stage.approved("An answer", by="mary", parent_id=first["id"])
    await expect(window.comment(answer["id"])).to_be_visible()
    await window.comment(first["id"]).get_by_role("button", name="Reply to Ada").click()
    field = window.element.get_by_role("textbox", name="Reply to Ada")
    await field.fill("Half an answer")
    moderator = stage.gatepost.moderator()
    await moderator.decide(first["id"], "delete", first["version"])
    await expect(window.comment(first["id"])).to_have_attribute("data-status", "removed")
    await moderator.decide(answer["id"], "delete", answer["version"])
    await expect(window.comment(answer["id"])).to_have_count(0)
    await expect(field).to_have_value("Half an answer")


async def test_whoever_logged_in_elsewhere_sends_what_is_in_the_form(stage: Stage, window: Window) -> None:
    await window.element.get_by_role("textbox").fill("Too late")
    stage.gatepost.clock.advance(seconds=7200)
    stage.reader = None
    send = window.element.get_by_role("button", name="Send")
    await send.click()
    await expect(window.element.get_by_role("alert")).to_have_text("You are not logged in any more. Your text is kept.")
    stage.reader = "grace"
    await send.click()
    await expect(window.articles).to_have_count(1)
    await expect(window.element.get_by_role("textbox")).to_have_value("")


async def test_an_edit_whose_reply_was_lost_is_done_once(stage: Stage, window: Window) -> None:
    await window.write("First")
    await expect(window.articles).to_have_count(1)
    tries: list[Route] = []

    async def lose_first(route: Route) -> None:
        if route.request.method != "PATCH" or tries:
            return await route.fallback()
        tries.append(route)
        await route.fetch()
        await route.abort()

    await window.page.route("**/comments/*", lose_first)
    await window.element.get_by_role("button", name="Edit your comment").click()
    await window.element.get_by_role("textbox", name="Edit your comment").fill("Second")
    await window.page.keyboard.press("Control+Enter")
    await expect(window.element.get_by_role("alert").last).to_have_text("Not sent. Your text is kept.")
    await window.element.get_by_role("button", name="Try again").click()
    await expect(window.articles).to_contain_text("Second")
    await expect(window.element.locator("li form")).to_have_count(0)


async def test_a_title_is_cut_between_characters(stage: Stage) -> None:
    stage.reader = "grace"
    stage.page(post_title="x" * 199 + "\U0001f41d\U0001f41d")
    window = await stage.ready()
    await window.write("About bees")
    await expect(window.articles).to_have_count(1)


# --- Replies that are late --------------------------------------------------------------------------------------------


async def test_a_late_reply_is_not_shown_to_who_reads_now(stage: Stage, window: Window) -> None:
    async with held(window, SUBMISSIONS) as let_go:
        await window.write("For Grace's eyes")
        await window.page.wait_for_function(IS_SAVED, arg="For Grace's eyes")
        stage.reader = "ada"
        await call(window, "element.refreshLogin()")
        await expect(window.element).to_contain_text("Commenting as Ada")
        await let_go()
        await window.page.wait_for_function("Object.keys(localStorage).length === 0")
        await expect(window.articles).to_have_count(0)


async def test_a_late_reply_changes_nothing_of_another_post(chromium: Browser, start_gatepost: StartGatepost) -> None:
    async with staged(chromium, start_gatepost, premoderate=False) as stage:
        stage.reader = "grace"
        stage.page(live="off")
        window = await stage.ready()
        async with held(window, SUBMISSIONS) as let_go:
            await window.write("On the gate")
            await call(window, "element.post = 'bees'")
            await expect(window.element).to_have_attribute("data-state", "ready")
            await window.page.wait_for_function("told.filter(([name]) => name === 'ready').length === 2")
            await let_go()
            await window.page.wait_for_function("told.some(([name]) => name === 'comment-sent')")
            assert await window.page.evaluate("document.querySelector('gatepost-comments').count") == 0
            assert await window.page.locator("[slot^=anchor-]").count() == 0


async def test_a_late_preview_of_an_older_text_is_not_shown(window: Window) -> None:
    field, shown = window.element.get_by_role("textbox"), window.element.locator("div[part=preview]")
    await field.fill("Old")
    async with held(window, "**/preview") as let_go:
        await window.element.get_by_role("button", name="Preview").click()
        await field.press_sequentially("er")
        await let_go()
        await at_rest(window)
        await expect(shown).to_be_hidden()
    await window.page.context.set_offline(True)
    await window.element.get_by_role("button", name="Preview").click()
    await expect(window.element.get_by_role("alert")).to_have_text("Not sent. Your text is kept.")


async def test_the_address_that_came_last_is_the_one_that_is_shown(stage: Stage) -> None:
    said = [(await stage.approved(f"Comment {n}"))["id"] for n in range(6)]
    stage.page(limit="1", live="off")
    window = await stage.ready()
    async with held(window, f"**/comments?*around={said[2]}*", "GET") as let_go:
        await call(window, "location.hash = it", f"comment-{said[2]}")
        await call(window, "location.hash = it", f"comment-{said[4]}")
        await expect(window.comment(said[4])).to_be_focused()
        await let_go()
        await at_rest(window)
        await expect(window.comment(said[2])).to_have_count(0)
        await expect(window.comment(said[4])).to_be_focused()


async def test_more_that_comes_late_is_not_mixed_into_another_part(stage: Stage) -> None:
    said = [(await stage.approved(f"Comment {n}"))["id"] for n in range(6)]
    stage.page(limit="1", live="off")
    window = await stage.ready()
    async with held(window, "**/comments?*cursor=*", "GET") as let_go:
        await window.element.get_by_role("button", name="More comments").click()
        await call(window, "location.hash = it", f"comment-{said[4]}")
        await expect(window.comment(said[4])).to_be_focused()
        await let_go()
        await at_rest(window)
        await expect(window.comment(said[1])).to_have_count(0)
        await window.element.get_by_role("button", name="More comments").click()
        await expect(window.comment(said[5])).to_be_focused()


async def test_a_list_on_its_way_waits_before_a_comment_is_sought(stage: Stage) -> None:
    said = [(await stage.approved(f"Comment {n}"))["id"] for n in range(3)]
    window = await stage.ready()
    await expect(window.element).to_have_attribute("data-live", "on")
    async with held(window, "**/comments?*", "GET") as let_go:
        await call(window, "element.reload(); element.showComment(it)", said[2])
        await at_rest(window)
        await let_go()
        await expect(window.comment(said[2])).to_be_focused()
    assert [one for one in window.requests if "around=" in one] == []
    assert window.errors == []


async def test_a_comment_that_cannot_be_asked_for_is_not_called_gone(stage: Stage) -> None:
    said = [(await stage.approved(f"Comment {n}"))["id"] for n in range(3)]
    stage.page(limit="1", live="off")
    window = await stage.ready()
    await window.page.route("**/comments?*around=*", lambda route: route.abort())
    await call(window, "location.hash = it", f"comment-{said[2]}")
    await expect(window.element.get_by_role("alert")).to_have_text("Comments can't be loaded now.")
    await expect(window.element).not_to_contain_text("isn't public")


# --- What is said of it -----------------------------------------------------------------------------------------------


async def test_a_reader_who_asked_too_often_is_no_visitor(stage: Stage) -> None:
    await stage.approved("Readable")
    stage.reader = "grace"
    window = await stage.open(go=False)
    problem = {"code": "slow-down", "status": 429, "detail": "Slowly."}
    await window.page.route("**/me", lambda route: route.fulfill(status=429, json=problem, headers=PROBLEM))
    await window.page.goto(stage.page_address)
    await window.is_ready()
    await expect(window.element).to_have_attribute("data-reader", "unavailable")


async def test_why_nothing_can_be_sent_stands_there_while_it_is_so(stage: Stage, window: Window) -> None:
    problem = {"code": "slow-down", "status": 429, "detail": "Slowly."}
    headers = {**PROBLEM, "Retry-After": "600"}
    await window.page.route(SUBMISSIONS, lambda route: route.fulfill(status=429, json=problem, headers=headers))
    await window.write("Too much")
    alert, field = window.element.get_by_role("alert"), window.element.get_by_role("textbox")
    await expect(alert).to_contain_text("You can send this after")
    await field.press_sequentially(" of it")
    await expect(window.element.get_by_role("button", name="Send")).to_be_disabled()
    await expect(alert).to_contain_text("You can send this after")
    await window.element.get_by_role("button", name="Preview").click()
    await expect(window.element.get_by_role("group", name="Preview")).to_be_visible()
    await expect(alert).to_contain_text("You can send this after")
    await expect(window.element).to_have_attribute("data-live", "on")
    await stage.gatepost.moderator().call("PATCH", f"posts/{IN_ADDRESS}", json={"open": False})
    await expect(alert).to_have_text("Comments are closed.")
    await field.press_sequentially(" indeed")
    await expect(alert).to_have_text("Comments are closed.")


async def test_an_edit_that_is_published_waits_no_more(stage: Stage) -> None:
    stage.reader = "grace"
    comment = await stage.approved("First text", by="grace")
    edited = (await stage.gatepost.reader("grace").edit(comment["id"], "Second text", comment["version"])).json
    window = await stage.ready()
    article = window.comment(comment["id"])
    await expect(article).to_contain_text("Your new text awaits moderation")
    await expect(window.element).to_have_attribute("data-live", "on")
    await stage.gatepost.moderator().decide(comment["id"], "approve", edited["comment"]["version"])
    await expect(article).not_to_contain_text("First text")
    await expect(article).not_to_contain_text("awaits moderation")
    await expect(article.get_by_text("Second text")).to_have_count(1)


async def test_an_own_comment_with_answers_that_is_taken_down_says_why_until_it_is_hidden(stage: Stage) -> None:
    stage.reader = "grace"
    comment = await stage.approved("Too loud", by="grace")
    await stage.approved("An answer", parent_id=comment["id"])
    window = await stage.ready()
    await expect(window.element).to_have_attribute("data-live", "on")
    await stage.gatepost.moderator().decide(comment["id"], "reject", comment["version"], reason="Shouting")
    article = window.comment(comment["id"])
    await expect(article).to_contain_text("Not published")
    await expect(article).to_contain_text("Shouting")
    await expect(window.articles).to_have_count(2)
    await window.page.reload()
    await expect(article).to_contain_text("Shouting")
    await article.get_by_role("button", name="Hide this").click()
    await expect(article).to_have_text("This comment was removed.")
    await window.page.reload()
    await window.is_ready()
    await expect(article).to_have_text("This comment was removed.")


async def test_an_own_reply_stands_below_what_it_answers_when_that_comes(stage: Stage) -> None:
    stage.reader = "grace"
    await stage.approved("First")
    second = await stage.approved("Second")
    sent = await stage.gatepost.reader("grace").submit("Not yet", post=IN_ADDRESS, parent_id=second["id"])
    stage.page(limit="1", live="off")
    window = await stage.ready()
    await expect(window.comment(sent.json["comment"]["id"])).to_be_visible()
    await window.element.get_by_role("button", name="More comments").click()
    await expect(window.comment(second["id"])).to_be_focused()
    await expect(window.element.locator("ol ol article")).to_contain_text("Not yet")
    await expect(window.element).not_to_contain_text("In reply to an earlier comment")


@pytest.mark.parametrize(("lang", "said"), [("ru", "21 comments"), ("de", "21 Kommentare")])
async def test_a_number_goes_with_the_words_that_are_spoken(stage: Stage, lang: str, said: str) -> None:
    await stage.approved("One of many")
    stage.page(
        lang=lang, live="off", after=f'<gatepost-count site="blog" post="2005/07/gate" lang="{lang}">?</gatepost-count>'
    )
    window = await stage.open(go=False)

    async def many(route: Route) -> None:
        answer = await route.fetch()
        body = re.sub('"(count|2005/07/gate)":1', r'"\1":21', await answer.text())
        await route.fulfill(response=answer, body=body)

    await window.page.route(re.compile(r"/(comments|counts)\?"), many)
    await window.page.goto(stage.page_address)
    await window.is_ready()
    await expect(window.element.get_by_role("heading", level=2)).to_have_text(said)
    await expect(window.page.locator("gatepost-count")).to_have_text("21 comments")


# --- The keyboard -----------------------------------------------------------------------------------------------------

FOCUSED = "(node) => node.shadowRoot.activeElement?.name ?? null"


async def test_the_keyboard_stays_where_something_went_wrong(window: Window) -> None:
    await window.element.get_by_role("textbox").fill("From the tunnel")
    await window.page.route(SUBMISSIONS, lambda route: route.abort())
    await window.element.get_by_role("button", name="Send").focus()
    await window.page.keyboard.press("Enter")
    again = window.element.get_by_role("button", name="Try again")
    await expect(again).to_be_visible()
    await at_rest(window)
    assert await window.element.evaluate(FOCUSED) is not None
    await again.focus()
    async with window.page.expect_event("requestfailed"):
        await window.page.keyboard.press("Enter")
    await at_rest(window)
    await expect(again).to_be_focused()


async def test_the_keyboard_stays_where_a_list_is_tried_again(stage: Stage) -> None:
    await stage.approved("There")
    window = await stage.open(go=False)
    await window.page.route("**/v1/sites/**", lambda route: route.abort())
    await window.page.goto(stage.page_address)
    again = window.element.get_by_role("button", name="Try again")
    await again.focus()
    await window.page.unroute_all(behavior="ignoreErrors")
    await window.page.keyboard.press("Enter")
    await expect(window.element.get_by_role("heading", level=2)).to_be_focused()


async def test_the_keyboard_stays_on_more_that_cannot_be_had(stage: Stage) -> None:
    for n in range(3):
        await stage.approved(f"Comment {n}")
    stage.page(limit="2", live="off")
    window = await stage.ready()
    await window.page.route("**/comments?*cursor=*", lambda route: route.abort())
    more = window.element.get_by_role("button", name="More comments")
    await more.focus()
    await window.page.keyboard.press("Enter")
    await expect(window.element.get_by_role("alert")).to_have_text("Comments can't be loaded now.")
    await at_rest(window)
    await expect(more).to_be_focused()


async def test_the_keyboard_stays_in_a_comment_that_changes(stage: Stage, window: Window) -> None:
    comment = await stage.approved("See [there](https://example.org/)")
    await window.comment(comment["id"]).get_by_role("link", name="there").focus()
    edited = (await stage.gatepost.reader("ada").edit(comment["id"], "See elsewhere", comment["version"])).json
    await stage.gatepost.moderator().decide(comment["id"], "approve", edited["comment"]["version"])
    await expect(window.comment(comment["id"])).to_contain_text("elsewhere")
    await expect(window.comment(comment["id"])).to_be_focused()


async def test_the_keyboard_goes_on_where_a_comment_goes(stage: Stage, window: Window) -> None:
    await stage.approved("Stays")
    gone = await stage.approved("Goes")
    await window.comment(gone["id"]).get_by_role("button", name="Reply to Ada").focus()
    await stage.gatepost.moderator().decide(gone["id"], "spam", gone["version"])
    await expect(window.articles).to_have_count(1)
    await expect(window.articles).to_be_focused()


async def test_withdrawing_by_two_presses_at_once_is_done_once(stage: Stage, window: Window) -> None:
    await stage.approved("Beside it")
    await window.write("Oh no")
    await window.element.get_by_role("button", name="Withdraw your comment").click()
    async with held(window, "**/comments/*", "DELETE") as let_go:
        confirm = window.element.get_by_role("button", name="Withdraw your comment")
        await confirm.dblclick(no_wait_after=True)
        await let_go()
        await expect(window.articles).to_have_count(1)
    await at_rest(window)
    assert len([one for one in window.requests if one.startswith("DELETE")]) == 1
    assert len(await window.told("comment-withdrawn")) == 1
