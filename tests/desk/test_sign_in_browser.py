"""Signing in at the desk in a real Chromium: from a page of the blog on another host, by an address, and by hand.

The blog is at `blog.localhost`, the desk at `127.0.0.1`: to a browser these are two sites, so cookies of one are not
sent with forms of the other.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from service.web.desk.session import COOKIE
from tests.auth.local_server import LocalServer, always
from tests.conftest import StartGatepost
from tests.desk.visit import moderators_token
from tests.harness import Gatepost

pytest_plugins = ["tests.browser"]
pytestmark = pytest.mark.browser

each_way = pytest.mark.parametrize("has_javascript", [True, False], ids=["with JavaScript", "without JavaScript"])


@dataclass
class Stage:
    """The blog's page with the button, and the desk."""

    gatepost: Gatepost
    blog: LocalServer
    browser: Browser

    @property
    def desk(self) -> str:
        """Where the desk is."""
        return f"{self.gatepost.running.address}/desk"

    @property
    def page_address(self) -> str:
        """Where the blog's page is."""
        return f"http://blog.localhost:{self.blog.port}/"

    def put(self, *, site: str = "blog", referrer: str = "", **claims: Any) -> None:
        """Put the page there, with the token of a moderator."""
        signed = moderators_token(self.gatepost, site=site, **claims)
        text = (
            f'<!doctype html><meta charset="utf-8">{referrer}<link rel="icon" href="data:,">'
            f'<form method="post" action="{self.desk}/{site}/sign-in">'
            f'<input type="hidden" name="token" value="{signed}"><button>Moderate comments</button></form>'
        )
        self.blog.handlers["/"] = always(text=text, content_type="text/html")

    async def context(self, *, has_javascript: bool = True) -> BrowserContext:
        """A browser profile of its own."""
        return await self.browser.new_context(java_script_enabled=has_javascript)

    async def pressed(self, page: Page) -> None:
        """Press the button on the blog's page."""
        await page.goto(self.page_address)
        await page.get_by_role("button", name="Moderate comments").click()


@pytest.fixture
async def stage(chromium: Browser, start_gatepost: StartGatepost) -> AsyncIterator[Stage]:
    blog = LocalServer()
    await blog.up()
    gatepost = await start_gatepost(origins=[f"http://blog.localhost:{blog.port}"])
    made = Stage(gatepost, blog, chromium)
    made.put()
    yield made
    await blog.close()


async def _is_the_queue(page: Page, site: str = "blog") -> None:
    await expect(page).to_have_url(re.compile(rf"/desk/{site}/$"))
    await expect(page.locator("main")).to_have_attribute("data-page", "queue")


@each_way
async def test_the_blogs_button_opens_the_desk(stage: Stage, has_javascript: bool) -> None:
    """And the browser keeps the cookie, although a test's desk is at http: it is on the browser's own machine."""
    context = await stage.context(has_javascript=has_javascript)
    page = await context.new_page()
    await stage.pressed(page)
    await _is_the_queue(page)
    (cookie,) = await context.cookies()
    assert cookie["name"] == f"{COOKIE}blog"
    assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Lax")
    await page.reload()
    await _is_the_queue(page)

    await page.get_by_role("button", name="Sign out").click()
    await expect(page).to_have_url(re.compile(r"/desk/blog/sign-in$"))
    await expect(page.get_by_role("heading", name="Sign in at A blog")).to_be_visible()
    assert await context.cookies() == []


@each_way
@pytest.mark.parametrize("referrer", ["no-referrer", "same-origin"])
async def test_a_page_that_hides_where_it_stands_leads_to_a_question(
    stage: Stage, has_javascript: bool, referrer: str
) -> None:
    stage.put(referrer=f'<meta name="referrer" content="{referrer}">')
    context = await stage.context(has_javascript=has_javascript)
    page = await context.new_page()
    await stage.pressed(page)
    await expect(page.get_by_role("heading", name="Continue as Mo?")).to_be_visible()
    assert await context.cookies() == []
    await page.get_by_role("button", name="Continue as Mo").click()
    await _is_the_queue(page)


@each_way
async def test_a_session_that_ends_loses_nothing_that_was_typed(stage: Stage, has_javascript: bool) -> None:
    typed = '{"format": 1,\n "otherwise": "publish", "rules": []}'
    context = await stage.context(has_javascript=has_javascript)
    page = await context.new_page()
    await stage.pressed(page)
    await page.goto(f"{stage.desk}/blog/policy/edit")
    await page.locator("#document").fill(typed)
    await context.clear_cookies()
    await page.get_by_role("button", name="Check").click()
    await expect(page.get_by_role("heading", name="What you sent is not lost")).to_be_visible()

    await page.get_by_text("With a token").click()
    await page.get_by_label("Token of the blog").fill(moderators_token(stage.gatepost))
    async with context.expect_page() as opened:
        await page.get_by_role("button", name="Sign in").click()
    await _is_the_queue(await opened.value)

    await page.get_by_role("button", name="Send it again").click()
    await expect(page.get_by_role("heading", name="Send this as Mo?")).to_be_visible()
    await page.get_by_role("button", name="Send it again").click()
    await expect(page.locator("#good")).to_be_visible()
    await expect(page.locator("#document")).to_have_value(typed)


@each_way
async def test_a_strangers_page_signs_nobody_in_behind_their_back(stage: Stage, has_javascript: bool) -> None:
    """It has a token of its own moderator, and sends it in the browser of somebody who is at the desk."""
    context = await stage.context(has_javascript=has_javascript)
    page = await context.new_page()
    await stage.pressed(page)
    await _is_the_queue(page)
    before = await context.cookies()
    stranger = f"http://stranger.localhost:{stage.blog.port}/"
    stage.put(sub="eve", name="Eve")
    await page.goto(stranger)
    await page.get_by_role("button", name="Moderate comments").click()
    await expect(page.get_by_role("heading", name="Continue as Eve?")).to_be_visible()
    await page.get_by_role("link", name="That is not me").click()
    await _is_the_queue(page)
    assert await context.cookies() == before
    await expect(page.get_by_role("banner")).to_contain_text("Mo")


@each_way
async def test_a_strangers_page_presses_no_button_of_the_desk(stage: Stage, has_javascript: bool) -> None:
    code = (await stage.gatepost.moderator("eve").call("POST", "desk/codes")).json["url"].partition("=")[2]
    context = await stage.context(has_javascript=has_javascript)
    page = await context.new_page()
    stage.blog.handlers["/forged"] = always(
        text=f'<form method="post" action="{stage.desk}/blog/enter"><input name="code" value="{code}">'
        "<button>Win a prize</button></form>",
        content_type="text/html",
    )
    await page.goto(f"{stage.page_address}forged")
    await page.get_by_role("button").click()
    await expect(page.locator("main")).to_have_attribute("data-page", "problem")
    assert await context.cookies() == []


@each_way
async def test_an_address_of_the_api_asks_before_it_signs_in(stage: Stage, has_javascript: bool) -> None:
    address = (await stage.gatepost.moderator().call("POST", "desk/codes")).json["url"]
    context = await stage.context(has_javascript=has_javascript)
    page = await context.new_page()
    await page.goto(stage.gatepost.running.address + address)
    await page.reload()
    await page.get_by_role("button", name="Continue as Mo").click()
    await _is_the_queue(page)


@each_way
async def test_a_token_is_pasted(stage: Stage, has_javascript: bool) -> None:
    page = await (await stage.context(has_javascript=has_javascript)).new_page()
    await page.goto(f"{stage.desk}/blog/")
    await expect(page.get_by_label("Token of the blog")).to_be_hidden()
    await page.get_by_text("With a token").click()
    await page.get_by_label("Token of the blog").fill(moderators_token(stage.gatepost))
    await page.get_by_role("button", name="Sign in").click()
    await _is_the_queue(page)


@each_way
async def test_a_button_of_another_blog_leaves_the_first_site_signed_in(
    stage: Stage, start_gatepost: StartGatepost, has_javascript: bool
) -> None:
    """The form comes without the desk's cookies: a browser sends none with another site's form."""
    context = await stage.context(has_javascript=has_javascript)
    page = await context.new_page()
    await stage.pressed(page)
    await _is_the_queue(page)
    stage.put(site="other", sub="jo", name="Jo")
    await stage.pressed(page)
    await page.get_by_role("button", name="Continue as Jo").click()  # the other blog has no origins
    await _is_the_queue(page, "other")
    await page.goto(f"{stage.desk}/blog/")
    await _is_the_queue(page)
    assert sorted(cookie["name"] for cookie in await context.cookies()) == [f"{COOKIE}blog", f"{COOKIE}other"]


async def test_over_http_the_desk_says_that_it_needs_https(stage: Stage) -> None:
    """Such a browser says nothing of where a request comes from (`Sec-Fetch-Site`), and would drop the cookie."""
    from tests.browser import FLAGS, installed_chromium  # a plug-in: it must not be imported before pytest does

    async with async_playwright() as playwright:
        flags = [*FLAGS, "--host-resolver-rules=MAP desk.example 127.0.0.1"]
        browser = await playwright.chromium.launch(executable_path=installed_chromium(), args=flags)
        page = await browser.new_page()
        port = stage.gatepost.running.address.rpartition(":")[2]
        await page.goto(f"http://desk.example:{port}/desk/blog/")
        await expect(page.get_by_text("The desk needs https")).to_be_visible()
        await expect(page.locator("input")).to_have_count(0)
        await browser.close()
