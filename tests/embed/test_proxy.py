"""Behind the blog's server, which hands `/talk/` on to Gatepost: a path is taken off, replies are slow or cut."""

import asyncio
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import expect

from tests.embed.stage import IN_ADDRESS, Stage

pytest_plugins = ["tests.browser"]
pytestmark = pytest.mark.browser

LISTED = f"/talk/v1/sites/blog/posts/{IN_ADDRESS}/comments"
PASSED_ON = ("Authorization", "Content-Type", "Idempotency-Key", "Origin")


@dataclass
class Proxy:
    """Hands requests on, and their replies back. The next `cut` replies to a POST get lost; all wait for `held`."""

    stage: Stage
    cut: int = 0
    held: asyncio.Event | None = None
    keys: list[str] = field(default_factory=list)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        path, body = request.path_qs.removeprefix("/talk"), await request.read()
        if self.held is not None:
            await self.held.wait()
        async with self.stage.gatepost.session.request(request.method, path, headers=headers, data=body) as answer:
            passed = web.Response(body=await answer.read(), status=answer.status)
            passed.headers["Content-Type"] = answer.headers["Content-Type"]
        if request.method == "POST":
            self.keys.append(request.headers["Idempotency-Key"])
            if self.cut and request.transport is not None:
                self.cut -= 1
                request.transport.abort()
        return passed


@pytest_asyncio.fixture
async def proxy(stage: Stage) -> Proxy:
    """What stands between the page and Gatepost."""
    made = Proxy(stage)
    files = [f"/talk/embed/v1/{name}" for name in ("embed.js", "later.js", "write.js")]
    for path in (*files, "/talk/v1/sites/blog", "/talk/v1/sites/blog/me", "/talk/v1/sites/blog/me/comments"):
        stage.blog.handlers[path] = made
    stage.blog.handlers[LISTED.replace("%2F", "/")] = made
    stage.page(source="/talk/embed/v1/embed.js", live="off")
    return made


async def test_a_service_below_a_path_is_found_from_its_script(stage: Stage, proxy: Proxy) -> None:
    await stage.approved("Below a path")
    stage.reader = "grace"
    window = await stage.ready()
    await expect(window.articles).to_have_count(1)
    await window.write("Handed on")
    await expect(window.articles).to_have_count(2)
    assert [one for one in window.requests if ("/v1/" in one) and "/talk/" not in one] == []


async def test_a_connection_cut_after_the_store_has_it_leads_to_one_comment(stage: Stage, proxy: Proxy) -> None:
    stage.reader = "grace"
    proxy.cut = 2
    window = await stage.ready()
    await window.write("Said once")
    await expect(window.articles).to_have_count(1)  # by itself: the browser or the embed has sent it again
    assert (len(proxy.keys), len(set(proxy.keys))) == (3, 1)
    found = (await stage.gatepost.reader("grace").get("me/comments")).json["comments"]
    assert [comment["body"] for comment in found] == ["Said once"]


async def test_a_slow_list_keeps_the_fallback_and_says_that_it_comes(stage: Stage, proxy: Proxy) -> None:
    await stage.approved("At last")
    proxy.held = asyncio.Event()
    files = [f"/talk/embed/v1/{name}" for name in ("embed.js", "later.js")]
    for path in files:
        stage.blog.handlers[path] = Proxy(stage)
    stage.page(source="/talk/embed/v1/embed.js", live="off", inside="<p>Write me a letter.</p>")
    window = await stage.open()
    await expect(window.element).to_have_attribute("data-state", "loading")
    await expect(window.element.locator("section")).to_have_attribute("aria-busy", "true")
    await expect(window.page.get_by_text("Write me a letter.")).to_be_visible()
    await expect(window.said).to_have_text("Loading comments")
    proxy.held.set()
    await expect(window.articles).to_have_count(1)
    await expect(window.element.locator("section")).to_have_attribute("aria-busy", "false")
    await expect(window.page.get_by_text("Write me a letter.")).to_be_hidden()
