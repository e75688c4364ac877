"""Behind a proxy that puts a path before the service (`server.public_url`): every address it gives leads back to it."""

import json
import re
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web
from playwright.async_api import Browser, expect
from yarl import URL

from tests.conftest import StartGatepost
from tests.harness import Gatepost
from tests.web.plain_http import exchange, send

pytest_plugins = ["tests.browser"]

PREFIX = "/comments-api"
BLOG = "/v1/sites/blog"
OWN_HEADERS = {"host", "connection", "transfer-encoding", "content-length", "date", "server"}


class Prefixed:
    """A blog's host, whose proxy hands on what is below `PREFIX`, without it; all else there is the blog's own."""

    def __init__(self) -> None:
        self.root = ""
        self.gatepost = ""

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """The service's reply, byte for byte, or the blog's 404."""
        if not request.raw_path.startswith(f"{PREFIX}/"):
            return web.Response(status=404, text="a page of the blog")
        target = URL(self.gatepost + request.raw_path.removeprefix(PREFIX), encoded=True)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in OWN_HEADERS}
        async with (
            aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=["Accept-Encoding"]) as session,
            session.request(request.method, target, headers=headers, data=await request.read()) as found,
        ):
            kept = [(name, value) for name, value in found.headers.items() if name.lower() not in OWN_HEADERS]
            return web.Response(status=found.status, body=await found.read(), headers=kept)

    def path_of(self, address: str) -> str:
        """The path at the service of an address that it gave; no address of anything else."""
        assert address.startswith(f"{self.root}/"), address
        return address.removeprefix(self.root)


@pytest.fixture
async def proxy() -> AsyncIterator[Prefixed]:
    """The proxy, listening."""
    proxy = Prefixed()
    runner = web.ServerRunner(web.Server(proxy.answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    proxy.root = f"http://{host}:{port}{PREFIX}"
    yield proxy
    await runner.cleanup()


@pytest.fixture
async def gatepost(start_gatepost: StartGatepost, proxy: Prefixed) -> Gatepost:
    """The service behind it."""
    started = await start_gatepost(change=lambda settings: settings["server"].update(public_url=proxy.root))
    proxy.gatepost = started.running.address
    return started


async def test_location_and_links_lead_back_to_the_service(gatepost: Gatepost, proxy: Prefixed) -> None:
    ada = gatepost.reader("ada")
    kept = {"Idempotency-Key": "one"}
    answers = [await ada.submit("Hello", post="2005%2F07", headers=kept) for _ in range(2)]
    assert [answer.headers.get("Idempotency-Replayed") for answer in answers] == [None, "true"]
    for answer in answers:
        found = await ada.get(proxy.path_of(answer.headers["Location"]))
        assert found.json["comment"]["id"] == answer.json["comment"]["id"]

    for number in range(3):
        await gatepost.approved(f"Comment {number}", post="2005%2F07")
    mo = gatepost.moderator("ada")
    await mo.submit("Also waits")
    post = f"{BLOG}/posts/2005%2F07/comments"
    for path in (post, f"{post}.html", f"{BLOG}/comments", f"{BLOG}/me/comments", f"{BLOG}/decisions", f"{BLOG}/queue"):
        listed = await mo.get(URL(f"{gatepost.running.address}{path}?limit=1", encoded=True).raw_path_qs)
        (link,) = re.fullmatch('<(.*)>; rel="next"', listed.headers["Link"]).groups()  # type: ignore[union-attr]
        assert (urlsplit(link).path, (await mo.get(proxy.path_of(link))).status) == (f"{PREFIX}{path}", 200)


async def test_every_problem_names_a_page_that_is_there(gatepost: Gatepost, proxy: Prefixed) -> None:
    mo = gatepost.moderator()
    many = {"decisions": [{"comment_id": "x", "action": "approve", "version": 1}]}
    problems = [
        await gatepost.visitor.get("/nothing"),
        await gatepost.visitor.call("PUT", "/health/live"),
        await gatepost.visitor.get("me"),
        await gatepost.visitor.get("me", headers={"Authorization": "Bearer bad"}),
        await gatepost.reader("ada").get("queue"),
        await gatepost.reader("ada").submit(" "),
        await exchange(gatepost, b"nonsense\r\n\r\n"),
        await send(gatepost, "GET", "/" + "a" * 30_000),
    ]
    shown = [answer.json for answer in problems]
    shown += [result["problem"] for result in (await mo.call("POST", "decisions", json=many)).json["results"]]
    for problem in shown:
        assert problem["type"] == f"{proxy.root}/problems/{problem['code']}"
        page = await gatepost.visitor.get(proxy.path_of(problem["type"]))
        assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


async def test_the_description_says_where_the_service_is(gatepost: Gatepost, proxy: Prefixed) -> None:
    described = json.loads((await gatepost.visitor.get("/openapi.json")).body)
    assert described["servers"] == [{"url": proxy.root}]
    pages = re.findall(r"\]\(([^)]*)\)", described["info"]["description"])
    assert pages
    for page in pages:
        assert (await gatepost.visitor.get(proxy.path_of(page))).status == 200
    assert re.search(
        described["paths"]["/v1/sites/{site}/posts/{post}/comments"]["post"]["responses"]["202"]["headers"]["Location"][
            "schema"
        ]["pattern"],
        f"{proxy.root}{BLOG}/comments/x",
    )


@pytest.mark.parametrize("asked", ["through the proxy", "past it"])
async def test_the_page_of_the_api_works(gatepost: Gatepost, proxy: Prefixed, chromium: Browser, asked: str) -> None:
    page = await chromium.new_page()
    missing: list[str] = []
    page.on("response", lambda answer: missing.append(answer.url) if answer.status >= 400 else None)
    page.on("pageerror", lambda error: missing.append(str(error)))
    root = proxy.root if asked == "through the proxy" else gatepost.running.address
    await page.goto(f"{root}/docs")
    await expect(page.get_by_text("/v1/sites/{site}/queue/claims").first).to_be_visible()
    assert missing == []


async def test_a_retry_after_the_service_has_moved_is_told_where_it_is_now(
    start_gatepost: StartGatepost, proxy: Prefixed
) -> None:
    kept = {"Idempotency-Key": "one"}
    before = await start_gatepost()
    first = await before.reader("ada").submit("Hello", headers=kept)
    await before.running.stop(drain_seconds=0)
    moved = await start_gatepost(change=lambda settings: settings["server"].update(public_url=proxy.root))
    again = await moved.reader("ada").submit("Hello", headers=kept)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == proxy.root + first.headers["Location"]
