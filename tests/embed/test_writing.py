"""What a reader does: write, preview, answer, change, take back; and what becomes of a text that is not taken."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route, expect

from tests.conftest import StartGatepost
from tests.embed.stage import IN_ADDRESS, Stage, Window, staged

pytest_plugins = ["tests.browser"]
pytestmark = pytest.mark.browser

SUBMISSIONS = f"**/posts/{IN_ADDRESS}/comments"


async def mine(stage: Stage, who: str = "grace") -> list[dict[str, Any]]:
    """What the service has of a reader."""
    answer = await stage.gatepost.reader(who).get("me/comments")
    found: list[dict[str, Any]] = answer.json["comments"]
    return found


async def decide(stage: Stage, comment: dict[str, Any], action: str, **more: Any) -> None:
    answer = await stage.gatepost.moderator().decide(comment["id"], action, comment["version"], **more)
    assert answer.status == 201, answer.json


@pytest_asyncio.fixture
async def window(stage: Stage) -> Window:
    """A window of Grace, who is logged in."""
    stage.reader = "grace"
    return await stage.ready()


async def test_a_comment_waits_in_its_place_and_is_published_before_its_authors_eyes(
    stage: Stage, window: Window
) -> None:
    await window.write("It *clicks* twice.")
    await expect(window.articles).to_have_count(1)
    [comment] = await mine(stage)
    article = window.comment(comment["id"])
    await expect(article).to_have_attribute("data-status", "pending")
    await expect(article).to_have_attribute("data-mine", "")
    await expect(article).to_contain_text("Awaiting moderation: only you and the moderators see this.")
    await expect(article).to_be_focused()
    await expect(window.said).to_have_text("Sent. Your comment awaits moderation.")
    await expect(window.element.get_by_role("textbox")).to_have_value("")
    assert await window.told("comment-sent") == [{"id": comment["id"], "status": "pending", "parentId": None}]
    await expect(window.element).to_have_attribute("data-live", "on")
    await decide(stage, comment, "approve")
    await expect(article).to_have_attribute("data-status", "approved")
    await expect(article).not_to_contain_text("Awaiting")
    await expect(window.said).to_have_text("Your comment is published.")
    await expect(window.element.get_by_role("heading", level=2)).to_have_text("1 comment")
    assert window.errors == []


async def test_a_published_comment_says_which_post_it_is_of(stage: Stage, window: Window) -> None:
    await window.write("Hello.")
    await expect(window.articles).to_have_count(1)
    await decide(stage, (await mine(stage))[0], "approve")
    post = (await stage.gatepost.moderator().get(f"posts/{IN_ADDRESS}")).json["post"]
    assert (post["title"], post["url"]) == ("The gate", stage.page_address)


async def test_a_draft_and_its_key_survive_a_lost_reply_and_a_reload(stage: Stage, window: Window) -> None:
    keys: list[str] = []

    async def take_and_lose(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        await route.fetch()
        await route.abort()

    await window.page.route(SUBMISSIONS, take_and_lose)
    await window.write("Said once.")
    await expect(window.element.get_by_role("alert")).to_have_text("Not sent. Your text is kept.")
    await expect(window.element.get_by_role("button", name="Try again")).to_be_visible()
    assert len(await mine(stage)) == 1
    await window.page.unroute_all(behavior="ignoreErrors")
    window.page.on("request", lambda sent: keys.append(sent.headers.get("idempotency-key", "")))
    await window.page.reload()
    await window.is_ready()
    await expect(window.element.get_by_role("textbox")).to_have_value("Said once.")
    await window.element.get_by_role("button", name="Send").click()
    await expect(window.element.get_by_role("textbox")).to_have_value("")
    assert len(await mine(stage)) == 1
    assert len({*keys} - {""}) == 1
    assert await window.page.evaluate("Object.keys(localStorage)") == []


async def test_it_is_sent_again_by_itself_when_the_network_is_back(stage: Stage, window: Window) -> None:
    await window.page.context.set_offline(True)
    await window.write("From the tunnel.")
    await expect(window.element.get_by_role("alert")).to_have_text("Not sent. Your text is kept.")
    await window.page.context.set_offline(False)
    await expect(window.articles).to_have_count(1)
    assert len(await mine(stage)) == 1


async def test_pressing_twice_sends_once(stage: Stage, window: Window) -> None:
    await window.element.get_by_role("textbox").fill("Twice?")
    await window.element.get_by_role("button", name="Send").dblclick(no_wait_after=True)
    await expect(window.articles).to_have_count(1)
    await window.element.get_by_role("textbox").fill("By the keyboard.")
    await window.page.keyboard.press("Control+Enter")
    await window.page.keyboard.press("Control+Enter")
    await expect(window.articles).to_have_count(2)
    assert len(await mine(stage)) == 2


async def test_another_reader_of_the_browser_does_not_see_the_draft(stage: Stage, window: Window) -> None:
    await window.element.get_by_role("textbox").fill("Grace's secret")
    stage.reader = "ada"
    await window.page.reload()
    await window.is_ready()
    await expect(window.element.get_by_role("textbox")).to_have_value("")
    stage.reader = "grace"
    await window.page.evaluate("document.querySelector('gatepost-comments').refreshLogin()")
    await expect(window.element.get_by_role("textbox")).to_have_value("Grace's secret")


async def test_the_preview_is_what_it_will_look_like(window: Window) -> None:
    await window.element.get_by_role("textbox").fill("A *latch* <b>here</b>")
    await window.element.get_by_role("button", name="Preview").click()
    shown = window.element.get_by_role("group", name="Preview")
    await expect(shown.locator("em")).to_have_text("latch")
    await expect(shown).to_contain_text("<b>here</b>")


async def test_a_reply_stands_below_what_it_answers(stage: Stage, window: Window) -> None:
    first = await stage.approved("Is there a gate?")
    article = window.comment(first["id"])
    opener = article.get_by_role("button", name="Reply to Ada")
    await opener.click()
    field = window.element.get_by_role("textbox", name="Reply to Ada")
    await expect(field).to_be_focused()
    await field.fill("There is.")
    await window.page.keyboard.press("Escape")
    await expect(opener).to_be_focused()
    await opener.click()
    await expect(field).to_have_value("There is.")
    await window.page.keyboard.press("Control+Enter")
    reply = window.element.locator("ol ol article")
    await expect(reply).to_contain_text("There is.")
    await expect(reply).to_be_focused()
    assert (await mine(stage))[0]["parent_id"] == first["id"]


async def test_an_edit_of_what_readers_see_waits_beside_it(stage: Stage, window: Window) -> None:
    comment = await stage.approved("First text", by="grace")
    article = window.comment(comment["id"])
    await expect(article).to_be_visible()
    await window.page.reload()
    await article.get_by_role("button", name="Edit your comment").click()
    field = window.element.get_by_role("textbox", name="Edit your comment")
    await expect(field).to_have_value("First text")
    await field.fill("Second text")
    await window.page.keyboard.press("Control+Enter")
    await expect(article).to_contain_text("First text")
    await expect(article).to_contain_text("Second text")
    await expect(window.said).to_have_text("Sent. Until a moderator has looked, readers see the old text.")
    [edited] = await mine(stage)
    assert edited["pending_edit"]["body"] == "Second text"
    stage.reader = "ada"
    await window.page.evaluate("document.querySelector('gatepost-comments').refreshLogin()")
    await expect(article).not_to_contain_text("Second text")
    await expect(article).to_contain_text("First text")
    stage.reader = "grace"
    await window.page.evaluate("document.querySelector('gatepost-comments').refreshLogin()")
    await expect(article).to_contain_text("Second text")
    await decide(stage, edited, "approve")
    await expect(article).not_to_contain_text("First text")


async def test_a_stale_edit_shows_what_stands_and_goes_on_top(stage: Stage, window: Window) -> None:
    await window.write("One")
    await expect(window.articles).to_have_count(1)
    [comment] = await mine(stage)
    await window.element.get_by_role("button", name="Edit your comment").click()
    field = window.element.get_by_role("textbox", name="Edit your comment")
    await stage.gatepost.reader("grace").edit(comment["id"], "Two, elsewhere", comment["version"])
    await field.fill("Three")
    await window.page.keyboard.press("Control+Enter")
    await expect(window.element.get_by_role("alert").last).to_have_text(
        "The comment has changed meanwhile. It reads now:"
    )
    await expect(window.element.locator("blockquote")).to_contain_text("Two, elsewhere")
    await expect(field).to_have_value("Three")
    await window.element.get_by_role("button", name="Send on top of this").click()
    await expect(window.articles).to_contain_text("Three")
    assert [one["body"] for one in await mine(stage)] == ["Three"]


async def test_an_edit_that_comes_too_late_can_be_a_new_comment(stage: Stage, window: Window) -> None:
    await window.write("In time")
    await expect(window.articles).to_have_count(1)
    await window.element.get_by_role("button", name="Edit your comment").click()
    stage.gatepost.clock.advance(seconds=901)
    await window.element.get_by_role("textbox", name="Edit your comment").fill("Too late")
    await window.page.keyboard.press("Control+Enter")
    await expect(window.element.get_by_role("alert")).to_have_text("The time for edits is over.")
    await window.element.get_by_role("button", name="Post as a new comment").click()
    await expect(window.articles).to_have_count(2)
    assert {one["body"] for one in await mine(stage)} == {"In time", "Too late"}


async def test_a_comment_can_be_published_at_once(chromium: Browser, start_gatepost: StartGatepost) -> None:
    async with staged(chromium, start_gatepost, premoderate=False) as stage:
        stage.reader = "grace"
        window = await stage.ready()
        await expect(window.element).to_have_attribute("data-live", "on")
        await window.write("Straight in")
        await expect(window.articles).to_have_attribute("data-status", "approved")
        await expect(window.said).to_have_text("Your comment is published.")
        await expect(window.element.get_by_role("heading", level=2)).to_have_text("1 comment")
        await expect(window.element.get_by_role("button", name="new comment")).to_have_count(0)
        await window.element.get_by_role("button", name="Edit your comment").click()
        await window.element.get_by_role("textbox", name="Edit your comment").fill("Straight on")
        await window.page.keyboard.press("Control+Enter")
        await expect(window.articles).to_contain_text("Straight on")
        await window.articles.get_by_role("button", name="Withdraw your comment").click()
        await window.page.keyboard.press("Enter")
        await expect(window.articles).to_have_count(0)
        await expect(window.element.get_by_role("heading", level=2)).to_have_text("No comments")
        assert window.errors == []


async def test_withdrawing_asks_in_place_and_the_keyboard_goes_on(stage: Stage, window: Window) -> None:
    await window.write("Oh no")
    article = window.articles
    await expect(article).to_have_count(1)
    await article.get_by_role("button", name="Withdraw your comment").click()
    await article.get_by_role("button", name="Keep it").click()
    await expect(article.get_by_role("button", name="Withdraw your comment")).to_be_focused()
    await window.page.keyboard.press("Enter")
    await expect(article).to_contain_text("Withdraw this comment?")
    await window.page.keyboard.press("Enter")
    await expect(article).to_have_count(0)
    await expect(window.said).to_have_text("Your comment is withdrawn.")
    await expect(window.element.get_by_role("heading", level=2)).to_be_focused()
    assert [one["status"] for one in await mine(stage)] == ["deleted"]


async def test_a_refused_comment_says_why_until_it_is_hidden(stage: Stage, window: Window) -> None:
    await window.write("Buy hinges!")
    await expect(window.articles).to_have_count(1)
    [comment] = await mine(stage)
    await decide(stage, comment, "reject", reason="Advertising", note_to_author="Write about the hinge.")
    await window.page.reload()
    article = window.comment(comment["id"])
    await expect(article).to_have_attribute("data-status", "rejected")
    for text in ("Not published", "Advertising", "Write about the hinge."):
        await expect(article).to_contain_text(text)
    await article.get_by_role("button", name="Hide this").click()
    await expect(article).to_have_count(0)
    await window.page.reload()
    await window.is_ready()
    await expect(article).to_have_count(0)


async def test_a_post_that_closes_keeps_the_text_and_takes_no_more(stage: Stage, window: Window) -> None:
    await expect(window.element).to_have_attribute("data-live", "on")
    field = window.element.get_by_role("textbox")
    await field.fill("Half a thought")
    await stage.gatepost.moderator().call("PATCH", f"posts/{IN_ADDRESS}", json={"open": False})
    await expect(window.element).to_have_attribute("data-post", "closed")
    await expect(window.said).to_have_text("Comments are closed.")
    await expect(field).to_have_value("Half a thought")
    await expect(window.element.get_by_role("button", name="Send")).to_be_disabled()
    other = await stage.ready()
    await expect(other.element).to_contain_text("Comments are closed.")
    await expect(other.element.get_by_role("textbox")).to_have_count(0)


async def test_a_duplicate_leads_to_the_first(stage: Stage, window: Window) -> None:
    await window.write("Same")
    await expect(window.articles).to_have_count(1)
    await window.write("Same")
    await expect(window.said).to_have_text("You have said that already.")
    await expect(window.articles).to_be_focused()
    await expect(window.element.get_by_role("textbox")).to_have_value("")


async def test_the_banned_are_told_until_when(stage: Stage, window: Window) -> None:
    await window.write("First")
    await expect(window.articles).to_have_count(1)
    [comment] = await mine(stage)
    ban = {"banned_until": "2033-05-01T12:00:00.000Z"}
    await stage.gatepost.moderator().call("PATCH", f"authors/{comment['author']['key']}", json=ban)
    await window.write("Second")
    await expect(window.element).to_have_attribute("data-reader", "banned")
    await expect(window.element.get_by_role("alert")).to_contain_text("You can't comment until May 1, 2033")
    await expect(window.element.get_by_role("textbox")).to_have_value("Second")
    await window.page.reload()
    await window.is_ready()
    await expect(window.element).to_contain_text("You can't comment until May 1, 2033")
    await window.element.get_by_role("button", name="Withdraw your comment").click()
    await window.element.get_by_role("button", name="Withdraw your comment").click()
    await expect(window.articles).to_have_count(0)


async def test_whoever_answers_what_is_gone_may_answer_nobody(stage: Stage, window: Window) -> None:
    first = await stage.approved("Soon gone")
    await window.comment(first["id"]).get_by_role("button", name="Reply").click()
    await window.element.get_by_role("textbox", name="Reply to Ada").fill("But I agreed!")
    await decide(stage, first, "delete")
    await expect(window.comment(first["id"])).to_have_attribute("data-status", "removed")
    await window.page.keyboard.press("Control+Enter")
    await expect(window.element.get_by_role("alert").last).to_have_text("That comment is no longer here.")
    await window.element.get_by_role("button", name="Post as an answer to nobody").click()
    await expect(window.articles.filter(has_text="But I agreed!")).to_have_count(1)
    assert (await mine(stage))[0]["parent_id"] is None


async def test_a_text_can_be_too_long(stage: Stage, window: Window) -> None:
    field, send = window.element.get_by_role("textbox"), window.element.get_by_role("button", name="Send")
    await field.fill("x" * 9000)
    await expect(window.element.get_by_text("9,000 of 10,000 characters")).to_be_visible()
    await expect(send).to_be_enabled()
    await field.fill(" " + "\U0001f600" * 10_000 + " ")
    await expect(send).to_be_enabled()
    await field.fill("x" * 10_001)
    await expect(send).to_be_disabled()
    await expect(window.said).to_have_text("10,001 of 10,000 characters")


async def test_a_login_that_ended_keeps_the_text_beside_the_way_back(stage: Stage, window: Window) -> None:
    await window.element.get_by_role("textbox").fill("An hour later")
    stage.gatepost.clock.advance(seconds=7200)
    await window.element.get_by_role("button", name="Send").click()  # a fresh token is asked for, silently
    await expect(window.articles).to_have_count(1)
    assert stage.tokens == 2
    stage.gatepost.clock.advance(seconds=7200)
    stage.reader = None
    await window.write("Another hour later")
    await expect(window.element.get_by_role("alert")).to_have_text("You are not logged in any more. Your text is kept.")
    await expect(window.element.get_by_role("link", name="LOGIN to add comments")).to_be_visible()
    await expect(window.element.get_by_role("textbox")).to_have_value("Another hour later")
    stage.reader = "grace"
    await window.page.evaluate("document.querySelector('gatepost-comments').refreshLogin()")
    await expect(window.element.get_by_role("alert")).to_have_count(0)
    await window.element.get_by_role("button", name="Send").click()
    await expect(window.articles).to_have_count(2)


@pytest_asyncio.fixture
async def slow_stage(chromium: Browser, start_gatepost: StartGatepost) -> AsyncIterator[Stage]:
    """A stage where one author may send one comment a minute."""

    def change(wanted: dict[str, Any]) -> None:
        wanted["limits"] = {"submit_per_author": "1/minute"}

    async def start(**site: Any) -> Any:
        return await start_gatepost(change=change, **site)

    async with staged(chromium, start) as made:
        yield made


async def test_too_many_at_once_are_told_when_to_go_on(slow_stage: Stage) -> None:
    slow_stage.reader = "grace"
    window = await slow_stage.ready()
    await window.write("One")
    await expect(window.articles).to_have_count(1)
    await window.write("Two")
    await expect(window.element.get_by_role("alert")).to_contain_text("You can send this after")
    await expect(window.element.get_by_role("button", name="Send")).to_be_disabled()
    await expect(window.element.get_by_role("textbox")).to_have_value("Two")
    [refused] = await window.told("refused")
    assert (refused["code"], refused["status"]) == ("slow-down", 429)
    assert refused["retryAfter"] > 0


async def test_a_page_of_another_origin_reads_and_says_why_it_may_not_send(stage: Stage) -> None:
    await stage.approved("Readable everywhere")
    stage.reader = "grace"
    window = await stage.open(go=False)
    await window.page.goto(stage.page_address.replace("127.0.0.1", "localhost"))
    await window.is_ready()
    await expect(window.element).to_have_attribute("data-reader", "foreign")
    await expect(window.articles).to_have_count(1)
    await expect(window.element).to_contain_text("This page may not send comments.")
    [said] = [error for error in window.errors if error.startswith("Gatepost")]
    assert "http://localhost:" in said
    assert "`origins`" in said


async def test_the_page_may_open_its_own_login(stage: Stage) -> None:
    window = await stage.ready()
    await window.page.evaluate("addEventListener('gatepost:login-wanted', (event) => event.preventDefault())")
    await window.element.get_by_role("link", name="LOGIN to add comments").click()
    assert len(await window.told("login-wanted")) == 1
    stage.reader = "grace"
    await window.page.evaluate("document.querySelector('gatepost-comments').refreshLogin()")
    await expect(window.element.get_by_role("textbox")).to_be_visible()
    assert await window.page.evaluate("document.querySelector('gatepost-comments').reader.name") == "Grace"
    stage.reader = None
    await window.page.evaluate("document.querySelector('gatepost-comments').refreshLogin()")
    await expect(window.element.get_by_role("textbox")).to_have_count(0)
    await expect(window.element.get_by_role("link", name="LOGIN to add comments")).to_be_visible()


async def test_coming_back_from_the_login_the_form_waits(stage: Stage) -> None:
    stage.reader = "grace"
    window = await stage.ready("#comments-2005%2F07%2Fgate")
    await expect(window.element.get_by_role("textbox")).to_be_focused()


async def test_several_at_once_ask_for_one_token(stage: Stage) -> None:
    stage.reader = "grace"
    stage.page(
        after='<gatepost-comments site="blog" post="other" token-url="/comment-token" loading="eager">'
        "</gatepost-comments>"
    )
    window = await stage.open()
    for index in (0, 1):
        await expect(window.element.nth(index)).to_have_attribute("data-reader", "reader")
    assert stage.tokens == 1
    await asyncio.gather(*(one.page.close() for one in stage.windows))


@pytest_asyncio.fixture
async def cookie_stage(chromium: Browser, start_gatepost: StartGatepost) -> AsyncIterator[Stage]:
    """A stage whose login is a cookie. Cookies know no ports: the blog's reaches Gatepost."""

    def change(wanted: dict[str, Any]) -> None:
        wanted["sites"]["blog"]["login"][0]["cookie"] = "blog_token"

    async def start(**site: Any) -> Any:
        return await start_gatepost(change=change, **site)

    async with staged(chromium, start) as made:
        made.page(token_url=None, credentials="include")
        yield made


async def test_a_cookie_is_a_login_as_well(cookie_stage: Stage) -> None:
    visitor = await cookie_stage.ready()
    await expect(visitor.element).to_have_attribute("data-reader", "visitor")
    assert visitor.errors == []
    given = cookie_stage.gatepost.reader("grace").headers["Authorization"].removeprefix("Bearer ")
    window = await cookie_stage.open(go=False)
    await window.page.context.add_cookies([{"name": "blog_token", "value": given, "url": cookie_stage.blog.address}])
    await window.page.goto(cookie_stage.page_address)
    await window.is_ready()
    await window.write("By a cookie")
    await expect(window.articles).to_have_count(1)
    assert [one["body"] for one in await mine(cookie_stage)] == ["By a cookie"]
    assert window.errors == []
