"""The demo in a real Chromium: a visitor, two readers and a moderator go through its page, by every way to log in."""

import json
import shlex
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, ConsoleMessage, Locator, Page, Response, expect

from service import demo as demo_room
from service.demo import CREDENTIALS, Demo
from service.demo.people import WAITING_COMMENT
from tests.embed.stage import OPEN_FORM

pytest_plugins = ["tests.browser"]
pytestmark = pytest.mark.browser

WIDE = 1200
TELEPHONE = 380
TEXT = 'It\'s a latch, I *knew* it; "mind the bees" indeed.'
SHOWN = 'It\'s a latch, I knew it; "mind the bees" indeed.'
ATTACK = '<img src=x onerror="window.hit=1"> <script>window.hit=1</script> [press](javascript:window.hit=1) <b>bold</b>'
WATCH_POLICY = "addEventListener('securitypolicyviolation', (event) => console.error('CSP', event.violatedDirective))"
IS_SHOWN_TO = """(name) => new Promise((resolve) => {
    const comments = document.querySelector("gatepost-comments");
    const isShown = () => comments.dataset.reader !== "unknown"
        && (name === null || (comments.reader?.name ?? "Visitor").startsWith(name));
    const look = () => isShown() ? resolve() : requestAnimationFrame(look);
    look();
})"""
WATCH_SHIFTS = """
    window.shifts = [];
    // The list of calls has the newest on top: whatever is called moves it.
    const nodes = (entry) => entry.sources.map(({ node }) => node).filter((node) => !node?.closest?.("#call-list"));
    const moved = (entry) => nodes(entry).map((node) => String(node?.outerHTML));
    const noted = (list) => shifts.push(...list.map(moved).filter((found) => found.length));
    window.watcher = new PerformanceObserver((list) => noted(list.getEntries()));
    watcher.observe({ type: "layout-shift", buffered: true });
    window.shiftsSoFar = () => (noted(watcher.takeRecords()), shifts);
"""
SHIFTS_BY_THE_NEXT_FRAME = """() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(
    () => resolve(shiftsSoFar()))))"""


@dataclass
class Window:
    """One browser window on the blog, and what went wrong in it."""

    page: Page
    errors: list[str] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)

    def watch(self) -> None:
        """Collect console errors, exceptions, refused requests and the tokens that were sent."""
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("response", self._answered)
        self.page.on("request", lambda request: self.tokens.add(request.headers.get("authorization", "")))

    def _heard(self, message: ConsoleMessage) -> None:
        # Chromium reports every refused request as an error too; those are in `refused`.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.errors.append(message.text)

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.refused.append(response.status)

    async def drawn(self, name: str | None = None) -> None:
        """Wait until the page shows what Gatepost last answered (to whoever has this name)."""
        await expect(self.page.locator("body:not(.opening) gatepost-comments")).to_have_attribute("data-state", "ready")
        await self.page.evaluate(IS_SHOWN_TO, name)
        await self.page.evaluate(OPEN_FORM)

    async def become(self, name: str) -> None:
        """Use the login switch, and wait until the page is that person's."""
        choice = self.page.locator("#switch").get_by_role("button", name=name)
        await choice.click()
        await expect(choice).to_have_attribute("aria-pressed", "true")
        await self.drawn(name)

    @property
    def field(self) -> Locator:
        """Where a comment is written."""
        return self.page.get_by_label("Your comment", exact=True)

    async def write(self, text: str) -> None:
        """Post a comment and wait until it is there."""
        await self.field.fill(text)
        await self.page.get_by_role("button", name="Send").click()
        await expect(self.page.locator("gatepost-comments p[role=status]")).to_have_text(
            "Sent. Your comment awaits moderation."
        )

    async def hides(self, text: str) -> None:
        """Nothing between head and foot of the page says `text` (the panel of curl lines repeats what was sent)."""
        await expect(self.page.locator("main").filter(has_text=text)).to_have_count(0)

    def comment(self, text: str) -> Locator:
        """The comment in the Comments list that says `text`."""
        return self.page.locator("gatepost-comments article[data-comment-id]").filter(has_text=text)

    @asynccontextmanager
    async def desk(self) -> AsyncIterator[Page]:
        """The moderators' desk in a tab of its own, as the page leads to it."""
        address = await self.page.get_by_role("link", name="Open the desk").get_attribute("href")
        tab = await self.page.context.new_page()
        tab.on("pageerror", lambda error: self.errors.append(str(error)))
        await tab.goto(str(address))
        yield tab
        await tab.close()

    async def press_at_desk(self, text: str, label: str) -> None:
        """As the moderator, press a button of a card at the desk and wait until it is settled."""
        async with self.desk() as desk:
            await card_of(desk, text).get_by_role("button", name=label, exact=True).click()
            await expect(desk.locator("[data-state=decided]")).to_have_count(1)


def card_of(desk: Page, text: str) -> Locator:
    """The card at the desk that says `text`."""
    return desk.locator("[data-card]").filter(has_text=text)


Opens = Callable[..., Coroutine[Any, Any, Window]]


@pytest_asyncio.fixture
async def demo() -> AsyncIterator[Demo]:
    """A demo of this test's own."""
    async with demo_room.started() as running:
        yield running


@pytest_asyncio.fixture
async def open_window(chromium: Browser, demo: Demo) -> AsyncIterator[Opens]:
    """Opens windows on the demo, each with cookies of its own. At the end no window may have seen an error."""
    windows: list[Window] = []

    async def opens(*, credential: str = CREDENTIALS[0], width: int = WIDE, height: int = 800) -> Window:
        context = await chromium.new_context(viewport={"width": width, "height": height})
        window = Window(await context.new_page())
        await window.page.add_init_script(WATCH_POLICY)
        window.watch()
        windows.append(window)
        await window.page.goto(demo.blog)
        await window.drawn()
        if credential != CREDENTIALS[0]:
            await window.page.locator(f"input[value={credential}]").check()
            await window.drawn()
        return window

    yield opens
    assert [window.errors for window in windows] == [[] for _ in windows]


async def public_comments(demo: Demo) -> list[dict[str, Any]]:
    """What anybody on the network can read, asked without a browser and without a credential."""
    async with ClientSession() as client, client.get(f"{demo.gatepost}/v1/sites/demo/comments") as response:
        comments: list[dict[str, Any]] = (await response.json())["comments"]
        return comments


@pytest.mark.parametrize("credential", CREDENTIALS)
async def test_a_comment_goes_from_reader_by_moderator_to_everybody(
    demo: Demo, open_window: Opens, credential: str
) -> None:
    window = await open_window(credential=credential)
    page = window.page
    await expect(page.get_by_role("heading", level=1)).to_have_text("The gate at the end of the garden")
    await expect(page.locator(".byline")).to_contain_text("at 9:35am on Tuesday, 19th July 2005")
    await expect(page.get_by_role("link", name="LOGIN to add comments")).to_be_visible()
    await expect(window.field).to_have_count(0)

    await window.become("Ada")
    await expect(page.get_by_role("link", name="LOGIN to add comments")).to_have_count(0)
    await window.write(TEXT)
    await expect(window.comment(SHOWN)).to_contain_text("Awaiting moderation")

    for somebody_else in ("Visitor", "Grace"):
        await window.become(somebody_else)
        await expect(window.comment("Glad the comments are back.")).to_be_visible()
        await window.hides(SHOWN)
    assert not [comment for comment in await public_comments(demo) if "knew" in comment["html"]]

    await window.become("Mo")
    await window.press_at_desk(SHOWN, "Approve")

    await window.become("Visitor")
    await page.get_by_role("link", name="To the comments", exact=True).click()
    await expect(window.comment(SHOWN)).to_contain_text("Ada Pemberton")
    await expect(window.comment(SHOWN)).to_contain_text("Restores narrowboats at Stoke Bruerne")
    await expect(page.get_by_role("link", name="Open the desk")).to_be_hidden()
    [published] = [comment for comment in await public_comments(demo) if "knew" in comment["html"]]
    assert published["author"]["name"] == "Ada Pemberton"
    assert any(window.tokens) == (credential == "token")
    assert window.refused == []


async def test_login_link_leads_through_the_blogs_login_back_to_the_form(open_window: Opens) -> None:
    window = await open_window()
    page = window.page
    await page.get_by_role("link", name="LOGIN to add comments").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Log in")
    await page.get_by_role("button", name="Log in as Grace Okafor").click()
    await expect(window.field).to_be_focused()
    await expect(page.get_by_role("button", name="Grace")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("credential", CREDENTIALS)
async def test_old_text_stays_public_while_an_edit_waits(open_window: Opens, credential: str) -> None:
    window = await open_window(credential=credential)
    page = window.page
    await window.become("Ada")
    await window.write("The first text")
    await window.become("Mo")
    await window.press_at_desk("The first text", "Approve")

    await window.become("Ada")
    await window.comment("The first text").get_by_role("button", name="Edit").click()
    await page.get_by_role("textbox", name="Edit your comment").fill("The second text")
    await page.keyboard.press("Control+Enter")
    await expect(window.comment("The first text")).to_contain_text("Your new text awaits moderation")
    await expect(window.comment("The first text")).to_contain_text("The second text")

    await window.become("Visitor")
    await expect(window.comment("The first text")).to_be_visible()
    await window.hides("The second text")

    await window.become("Mo")
    await window.press_at_desk("The second text", "Publish the new text")

    await window.become("Visitor")
    await expect(window.comment("The second text")).to_contain_text("edited")
    await window.hides("The first text")


@pytest.mark.parametrize("credential", CREDENTIALS)
async def test_the_page_leads_moderators_to_the_desk(open_window: Opens, demo: Demo, credential: str) -> None:
    window = await open_window(credential=credential)
    page = window.page
    await window.become("Mo")
    await page.get_by_role("link", name="Open the desk").click()
    await expect(page.locator("[data-card]").first).to_contain_text(WAITING_COMMENT)
    held = page.locator("[data-card]", has_text="Percy Latchford")
    await expect(held.locator("[data-rule]")).to_contain_text("Somebody looks at links first")
    await expect(held.locator("mark")).to_have_text("https://latches.example/towpath")
    await page.get_by_role("button", name="Approve", exact=True).first.click()
    await expect(page.get_by_role("button", name="Undo").first).to_be_visible()
    await page.goto(demo.blog)
    await window.drawn()
    await expect(window.comment(WAITING_COMMENT)).to_be_visible()


@pytest.mark.parametrize("credential", CREDENTIALS)
async def test_withdrawn_comment_with_a_reply_leaves_a_tombstone(open_window: Opens, credential: str) -> None:
    window = await open_window(credential=credential)
    page = window.page
    await window.become("Ada")
    await window.write("Something I shall regret")
    await window.become("Mo")
    await window.press_at_desk("Something I shall regret", "Approve")
    await window.become("Grace")
    await window.comment("Something I shall regret").get_by_role("button", name="Reply to Ada Pemberton").click()
    await page.get_by_role("textbox", name="Reply to Ada Pemberton").fill("An answer that stays")
    await page.keyboard.press("Control+Enter")
    await expect(window.comment("An answer that stays")).to_contain_text("Awaiting moderation")
    await window.become("Mo")
    async with window.desk() as desk:
        parent = card_of(desk, "An answer that stays").locator(".parent")
        await expect(parent).to_contain_text("Something I shall regret")
    await window.press_at_desk("An answer that stays", "Approve")

    await window.become("Ada")
    await window.comment("Something I shall regret").get_by_role("button", name="Withdraw").click()
    await window.comment("Something I shall regret").get_by_role("button", name="Withdraw").click()
    gone = page.locator("gatepost-comments article[data-status=removed]")
    await expect(gone).to_have_text("This comment was removed.")

    await window.become("Visitor")
    await expect(gone.locator("xpath=..").locator("ol article")).to_contain_text("An answer that stays")
    await window.hides("Something I shall regret")


async def test_rejected_author_reads_why_and_the_moderator_can_undo(open_window: Opens) -> None:
    window, ada = await open_window(), await open_window()
    await ada.become("Ada")
    await ada.write("Buy my boat")
    await window.become("Mo")
    async with window.desk() as desk:
        card = card_of(desk, "Buy my boat")
        await card.get_by_text("Reason, notes, more").click()
        await card.get_by_label("Words to the author").fill("No adverts, please.")
        await card.get_by_role("button", name="Reject", exact=True).click()
        await expect(desk.locator("[data-state=decided]")).to_contain_text("Rejected. Comment by Ada Pemberton")
        await ada.become("Ada")
        await expect(ada.comment("Buy my boat")).to_contain_text("Not published")
        await expect(ada.comment("Buy my boat")).to_contain_text("No adverts, please.")

        await desk.locator("[data-state=decided]").get_by_role("button", name="Undo").click()
        await expect(card.get_by_role("button", name="Approve", exact=True)).to_be_visible()
    await ada.become("Ada")
    await expect(ada.comment("Buy my boat")).to_contain_text("Awaiting moderation")


async def test_markup_in_a_comment_stays_text_for_everybody(open_window: Opens) -> None:
    window = await open_window()
    page = window.page
    await window.become("Ada")
    await window.write(ATTACK)
    await expect(window.comment("<script>window.hit=1</script>")).to_contain_text('<img src=x onerror="window.hit=1">')
    await window.become("Mo")
    await window.press_at_desk("<script>window.hit=1</script>", "Approve")
    await window.become("Visitor")
    attack = window.comment("<script>window.hit=1</script>")
    await expect(attack).to_be_visible()
    assert await attack.locator("[part=text] :is(img, script, b, a[href^=javascript])").count() == 0
    assert await page.evaluate("window.hit") is None


async def test_double_click_posts_once(demo: Demo, open_window: Opens) -> None:
    window = await open_window()
    page = window.page
    keys: list[str] = []
    page.on("request", lambda request: keys.append(request.headers.get("idempotency-key", "")))
    await window.become("Ada")
    await window.field.fill(TEXT)
    await page.get_by_role("button", name="Send").dblclick(no_wait_after=True)
    await expect(window.comment(SHOWN)).to_have_count(1)
    assert len({key for key in keys if key}) == 1
    await window.become("Mo")
    async with window.desk() as desk:
        await expect(card_of(desk, SHOWN)).to_have_count(1)
    assert window.refused == []


async def test_repeated_text_is_refused_in_words(open_window: Opens) -> None:
    window = await open_window()
    await window.become("Ada")
    await window.write(TEXT)
    await window.field.fill(TEXT)
    await window.page.get_by_role("button", name="Send").click()
    await expect(window.page.locator("gatepost-comments p[role=status]")).to_have_text("You have said that already.")
    await expect(window.comment(SHOWN)).to_be_focused()
    assert window.refused == [409]


async def test_reader_whose_session_ended_keeps_the_text_and_is_told(open_window: Opens) -> None:
    window = await open_window(credential="cookie")
    await window.become("Ada")
    await window.page.context.clear_cookies()
    await window.field.fill(TEXT)
    await window.page.get_by_role("button", name="Send").click()
    await expect(window.page.get_by_role("alert")).to_have_text("You are not logged in any more. Your text is kept.")
    await expect(window.field).to_have_value(TEXT)
    assert set(window.refused) == {401}


async def test_printed_curl_line_is_the_request_that_was_sent(demo: Demo, open_window: Opens) -> None:
    window = await open_window()
    await window.become("Ada")
    await window.write(TEXT)
    lines = await window.page.locator("#call-list code").all_text_contents()
    [submission] = [line for line in lines if "Idempotency-Key" in line]
    url, *words = shlex.split(submission.removeprefix("curl "))
    options = list(zip(words[::2], words[1::2], strict=True))
    headers = dict(value.split(": ", 1) for name, value in options if name == "-H")
    [body] = [value for name, value in options if name == "--data-raw"]
    assert json.loads(body)["body"] == TEXT
    async with ClientSession() as client, client.post(url, headers=headers, data=body) as response:
        assert response.headers["Idempotency-Replayed"] == "true"
        repeated = (await response.json())["comment"]
    await expect(window.comment(SHOWN)).to_have_attribute("data-comment-id", repeated["id"])


async def test_keyboard_alone_posts_a_comment_and_lands_on_it(open_window: Opens) -> None:
    window = await open_window()
    page = window.page
    await page.locator("#switch").get_by_role("button", name="Ada").press("Enter")
    await window.drawn("Ada")
    await window.field.press("h")
    await page.keyboard.type("erons too")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(window.comment("herons too")).to_be_focused()


@pytest.mark.parametrize("width", [WIDE, TELEPHONE])
async def test_accessible_and_fitting_for_everybody(demo: Demo, open_window: Opens, width: int) -> None:
    window = await open_window(width=width)
    page = window.page
    await expect_accessible(page)
    await window.become("Ada")
    await window.write(TEXT)
    await window.comment("Glad the comments are back.").get_by_role("button", name="Reply").click()
    await expect_accessible(page)
    await window.become("Mo")
    await expect(page.get_by_role("link", name="Open the desk")).to_be_visible()
    await expect_accessible(page)
    await page.goto(f"{demo.blog}/login?next=/")
    await expect_accessible(page)


@pytest.mark.parametrize("width", [WIDE, TELEPHONE])
@pytest.mark.parametrize("who", ["Visitor", "Ada", "Mo"])
async def test_nothing_moves_while_the_page_loads(open_window: Opens, who: str, width: int) -> None:
    window = await open_window(width=width, height=3_000)
    await window.become(who)
    await window.page.add_init_script(WATCH_SHIFTS)
    await window.page.reload()
    await window.drawn()
    assert await window.page.evaluate(SHIFTS_BY_THE_NEXT_FRAME) == []


async def expect_accessible(page: Page) -> None:
    """axe-core finds nothing, and nothing sticks out sideways."""
    found = await Axe().run(page)
    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found.response["violations"]] == []
    assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
