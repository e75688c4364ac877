"""A moderator in front of a real Chromium, with the desk's script: what they press, and what they see."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import ConsoleMessage, Locator, Page, expect

from tests.desk.conftest import OpenBrowser
from tests.harness import Gatepost


async def waiting(gatepost: Gatepost, number: int, *, first: int = 0) -> list[Any]:
    """So many comments that wait, the oldest first, with words that are numbered from `first` on."""
    found = []
    for n in range(first, first + number):
        gatepost.clock.advance(seconds=0.01)
        found.append((await gatepost.reader(f"r{n % 7}").submit(f"The words of comment {n}.")).json["comment"])
    return found


class Room:
    """A page of the desk with its script."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.wrong: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(message.text)

    def card(self, comment: Any) -> Locator:
        """The card of a comment."""
        return self.page.locator(f'[data-card][data-comment-id="{comment["id"]}"]')

    @property
    def now(self) -> Locator:
        """The current card, when it could be seen for a moment: its keys count now."""
        return self.page.locator("[data-card][aria-current][data-armed]")

    async def armed(self, comment: Any) -> None:
        """Wait until the keys count for this comment's card."""
        await expect(self.now).to_have_attribute("data-comment-id", comment["id"])

    async def state(self, comment: Any, state: str) -> None:
        """Wait until a card says this."""
        await expect(self.card(comment)).to_have_attribute("data-state", state)

    async def numbers(self, name: str, text: str) -> None:
        """Wait until the line above the cards says this number."""
        await expect(self.page.locator(f"#tools [data-number={name}]")).to_have_text(text)

    async def top(self, comment: Any) -> float:
        """Where the card stands on the screen."""
        return float(await self.card(comment).evaluate("(card) => card.getBoundingClientRect().top"))


@asynccontextmanager
async def keeping_place(room: Room, comment: Any) -> AsyncIterator[None]:
    """What happens meanwhile does not move this card on the screen."""
    before = await room.top(comment)
    yield
    assert abs(await room.top(comment) - before) <= 2


async def enter(
    browser_of: OpenBrowser, name: str = "mo", address: str = "", *, has_own_clock: bool = False, **options: Any
) -> Room:
    """Open a page of the desk; with a clock of its own, a test can let its time pass."""
    room = Room(await (await browser_of(name, scripts=True, **options)).new_page())
    if has_own_clock:
        await room.page.clock.install()
    await room.page.goto(address)
    await expect(room.page.locator("#tools")).to_be_visible()
    return room


async def status_of(gatepost: Gatepost, comment: Any) -> str:
    """What the record says."""
    return str((await gatepost.moderator().get(f"comments/{comment['id']}")).json["comment"]["status"])
