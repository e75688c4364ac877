"""A real headless Chromium for tests, as a pytest plug-in: `pytest_plugins = ["tests.browser"]` in a test file.

Nothing is downloaded: the Chromium is the one on this machine.
"""

import os
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MILLISECONDS = 30_000
"""How long a condition may take to come true on a machine that is busy; no test relies on it."""


def installed_chromium() -> str | None:
    """The Chromium on the search path, if there is one."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@pytest_asyncio.fixture
async def chromium() -> AsyncIterator[Browser]:
    """A fresh Chromium. Without one the test is skipped on a laptop and fails in CI."""
    executable = installed_chromium()
    if executable is None and os.environ.get("CI"):
        pytest.fail("no Chromium on the search path: .ci/run installs one")
    if executable is None:
        pytest.skip(f"no Chromium on the search path (looked for {', '.join(NAMES)})")
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        await browser.close()
