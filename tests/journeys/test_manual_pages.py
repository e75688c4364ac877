"""The pages in the manuals of `session` and `jwt`, in a real Chromium: a blog on one port, Gatepost on another."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Page, expect

from tests.auth.blog import Blog
from tests.conftest import StartGatepost
from tests.harness import AUDIENCE, ISSUER, SECRET, Gatepost, token

pytest_plugins = ["tests.browser"]
pytestmark = pytest.mark.browser

MANUALS = Path(__file__).parents[2] / "docs" / "login"
POST = "2005/07/a-post"


@dataclass
class Visit:
    """One browser window on the blog, and what went wrong in it."""

    page: Page
    blog: Blog
    gatepost: Gatepost
    errors: list[str] = field(default_factory=list)

    async def log_in(self, name: str) -> None:
        """Get the blog's cookie, as a login would set it, and load the page again."""
        header = self.blog.log_in("1", id=7, name=name)
        cookie, _, value = header.partition("=")
        await self.page.context.add_cookies([{"name": cookie, "value": value, "url": self.blog.address}])
        await self.page.reload()


@pytest_asyncio.fixture(params=["session.md", "jwt.md"])
async def visit(
    start_gatepost: StartGatepost, chromium: Browser, request: pytest.FixtureRequest
) -> AsyncIterator[Visit]:
    """A visitor of the manual's page. Host and cookie are the same for both servers, the origin is not."""
    async with Blog() as blog:
        session = {"kind": "session", "url": blog.url, "cookies": ["sid"], "cache_seconds": 0}
        tokens = {"kind": "jwt", "algorithms": ["HS256"], "secret": SECRET, "issuer": ISSUER, "audience": AUDIENCE}
        gatepost = await start_gatepost(login=[session, tokens], origins=[blog.address])
        shown = re.findall(
            r"^```html\n(.*?)^```$", (MANUALS / request.param).read_text("utf-8"), re.MULTILINE | re.DOTALL
        )
        assert len(shown) == 1
        page, here = re.subn(r'= "[^"]*/v1/sites/blog"', f'= "{gatepost.running.address}/v1/sites/blog"', shown[0])
        assert here == 1
        blog.handlers["/post"] = _serving(page.replace("https://blog.example", blog.address))
        blog.handlers["/comment-token"] = _token_for(gatepost)
        window = await chromium.new_page()
        visit = Visit(window, blog, gatepost)
        window.on("pageerror", lambda error: visit.errors.append(str(error)))
        window.on("console", lambda message: visit.errors.append(message.text) if "CORS" in message.text else None)
        await gatepost.approved("The *first*.", by="bob", post=quote(POST, safe=""))
        await window.goto(f"{blog.address}/post?a=b")
        yield visit
        assert visit.errors == []


def _token_for(gatepost: Gatepost) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The blog's address that gives a token to whoever is logged in there."""

    async def answer(request: web.Request) -> web.StreamResponse:
        known = token("ada", now=gatepost.clock()) if "sid" in request.cookies else None
        return web.json_response({"token": known}, headers={"Cache-Control": "no-store"})

    return answer


def _serving(page: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(text=page, content_type="text/html")

    return answer


async def test_visitor_reads_and_sees_the_link_that_leads_back(visit: Visit) -> None:
    link = visit.page.get_by_role("link", name="LOGIN to add comments")
    await expect(link).to_be_visible()
    back = quote(f"{visit.blog.address}/post?a=b", safe="")
    assert re.fullmatch(rf"{visit.blog.address}/[a-z/]+\?next={back}", await link.get_attribute("href") or "")
    await expect(visit.page.get_by_role("textbox")).to_be_hidden()


@pytest.mark.parametrize("visit", ["session.md"], indirect=True)
@pytest.mark.parametrize("logged_in", [False, True])
async def test_comments_are_there_with_and_without_a_cookie(visit: Visit, logged_in: bool) -> None:
    if logged_in:
        await visit.log_in("Ada")
    await expect(visit.page.get_by_role("listitem")).to_have_text(re.compile(r"Bob:\s*The first\."))


async def test_reader_sends_a_comment(visit: Visit) -> None:
    await visit.log_in("Ada")
    await visit.page.get_by_role("textbox").fill("I was *there*.")
    await visit.page.get_by_role("button", name="Send").click()
    await expect(visit.page.get_by_role("status")).to_have_text("Thank you. Your comment is awaiting moderation.")
    waiting = (await visit.gatepost.moderator().get("queue")).json["entries"]
    assert [entry["comment"]["author"]["name"] for entry in waiting] == ["Ada"]


async def test_reader_is_told_when_nothing_arrives(visit: Visit) -> None:
    await visit.log_in("Ada")
    await visit.page.get_by_role("textbox").fill("Anybody there?")
    await visit.page.route("**/v1/**", lambda route: route.abort())
    await visit.page.get_by_role("button", name="Send").click()
    await expect(visit.page.get_by_role("status")).to_have_text("That did not arrive. Please try again in a while.")
    await expect(visit.page.get_by_role("textbox")).to_have_value("Anybody there?")
