"""The stage on which the tests of the embed play."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser

from tests.conftest import StartGatepost
from tests.embed.stage import Stage, staged


@pytest_asyncio.fixture
async def stage(chromium: Browser, start_gatepost: StartGatepost) -> AsyncIterator[Stage]:
    """A stage whose page has the embed, for a visitor until `reader` is set."""
    async with staged(chromium, start_gatepost) as made:
        yield made
