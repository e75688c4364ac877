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

    async def write(self, words: str) -> None:
        """As Ada, who is logged in: open the form, write, send."""
        await self.log_in("Ada")
        form, button = self.page.get_by_role("textbox"), self.page.get_by_role("button", name="Add a comment")
        await expect(form.or_(button)).to_be_visible()
        if await button.is_visible():  # the form came late, and moves nothing that is read
            await button.click()
        await form.fill(words)
        await self.page.get_by_role("button", name="Send").click()


@pytest_asyncio.fixture(params=["session.md", "jwt.md"])
async def visit(
    start_gatepost: StartGatepost, chromium: Browser, request: pytest.FixtureRequest
) -> AsyncIterator[Visit]:
    """A visitor of the manual's page. Host and cookie are the same for both servers, the origin is not."""
    async with Blog() as blog:
        session = {"kind": "session", "url": blog.url, "cookies": ["sid"], "cache_seconds": 0}
        tokens = {"kind": "jwt", "algorithms": ["HS256"], "secret": SECRET, "issuer": ISSUER, "audience": AUDIENCE}
        back = f"{blog.address}/login?next={{url}}"
        gatepost = await start_gatepost(login=[session, tokens], origins=[blog.address], login_url=back)
        shown = re.findall(
            r"^```html\n(.*?)^```$", (MANUALS / request.param).read_text("utf-8"), re.MULTILINE | re.DOTALL
        )
        assert len(shown) == 1
        page, here = re.subn(r'src="[^"]*/embed/', f'src="{gatepost.running.address}/embed/', shown[0])
        assert here == 1
        blog.handlers["/post"] = _serving(page)
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
    await expect(visit.page.get_by_role("article")).to_contain_text(["The first."])
    link = visit.page.get_by_role("link", name="LOGIN to add comments")
    await expect(link).to_be_visible()
    back = quote(f"{visit.blog.address}/post?a=b", safe="")
    assert (await link.get_attribute("href") or "").startswith(f"{visit.blog.address}/login?next={back}")
    await expect(visit.page.get_by_role("textbox")).to_have_count(0)


async def test_reader_sends_a_comment(visit: Visit) -> None:
    await visit.write("I was *there*.")
    await expect(visit.page.get_by_role("article").filter(has_text="I was there.")).to_contain_text(
        "Awaiting moderation"
    )
    waiting = (await visit.gatepost.moderator().get("queue")).json["entries"]
    assert [entry["comment"]["author"]["name"] for entry in waiting] == ["Ada"]


async def test_reader_is_told_when_nothing_arrives(visit: Visit) -> None:
    await visit.page.route(
        "**/v1/**", lambda route: route.abort() if route.request.method == "POST" else route.continue_()
    )
    await visit.write("Anybody there?")
    await expect(visit.page.get_by_role("alert")).to_have_text("Not sent. Your text is kept.")
    await expect(visit.page.get_by_role("textbox")).to_have_value("Anybody there?")
