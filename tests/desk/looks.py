"""The desk's pages as everybody must be able to use them, wide or narrow, light or dark, in either language."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

SMALL_TARGETS = """() => [...document.querySelectorAll(
    "button, select, summary, input:not([type=hidden], [type=checkbox], [type=radio])")]
    .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 43.9).map((one) => one.outerHTML)"""


class Look(NamedTuple):
    """How wide the window is, in which colours, in which language."""

    width: int
    scheme: Literal["light", "dark"]
    language: str

    def __str__(self) -> str:
        return f"{self.width}-{self.scheme}-{self.language}"

    @property
    def options(self) -> dict[str, Any]:
        """What a browser is opened with to have it."""
        return {
            "scripts": True,
            "viewport": {"width": self.width, "height": 800},
            "color_scheme": self.scheme,
            "locale": self.language,
            "bypass_csp": True,  # for axe, which comes from outside
        }


LOOKS = [look for width in (1200, 380) for look in (Look(width, "light", "en"), Look(width, "dark", "de"))]
in_every_look = pytest.mark.parametrize("look", LOOKS, ids=str)


async def unfold(page: Page) -> None:
    """Open everything that can be unfolded."""
    await page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")


async def assert_usable(page: Page, what: str) -> None:
    """axe finds nothing, nothing sticks out sideways: the same at twice the size, as far as width goes."""
    found = await Axe().run(page)
    assert found.response["violations"] == [], f"{what}: {found.generate_report()}"
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), what


async def assert_all_usable(page: Page, addresses: Sequence[str]) -> None:
    """Each of these pages, with everything unfolded."""
    for address in addresses:
        await page.goto(address)
        await expect(page.locator("main")).to_be_visible()
        await unfold(page)
        await assert_usable(page, address)
