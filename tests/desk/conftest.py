"""A service whose moderators come to the desk with the blog's cookie."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext
from sqlalchemy.dialects.sqlite import dialect

from service.store import events, queue, rules
from service.store.transaction import Transaction
from tests.conftest import StartGatepost
from tests.desk.stage import AtDesk, cookie, with_cookies
from tests.harness import Gatepost

MEASURED = (events.last_numbers.__code__, queue.depth.__code__, rules.braked.__code__)
JOBS = ("store/leases.py", "store/search_index.py")
"""What only jobs ask: a page asks nothing of these."""
OpenBrowser = Callable[..., Awaitable[BrowserContext]]


@pytest.fixture
async def gatepost(start_gatepost: StartGatepost) -> Gatepost:
    """The service, with cookies."""
    return await start_gatepost(change=with_cookies)


@pytest.fixture
def mo(gatepost: Gatepost) -> AtDesk:
    """A moderator."""
    return AtDesk(gatepost)


@pytest.fixture
def jo(gatepost: Gatepost) -> AtDesk:
    """Another one."""
    return AtDesk(gatepost, "jo")


@pytest_asyncio.fixture
async def browser_of(chromium: Browser, gatepost: Gatepost) -> AsyncIterator[OpenBrowser]:
    """A browser in which somebody is known to the blog; by default it runs no scripts."""
    opened: list[BrowserContext] = []

    async def open_browser(name: str = "mo", *, scripts: bool = False, **options: Any) -> BrowserContext:
        address = gatepost.running.address
        context = await chromium.new_context(base_url=f"{address}/desk/blog/", java_script_enabled=scripts, **options)
        key, value = cookie(gatepost, name)
        await context.add_cookies([{"name": key, "value": value, "url": str(address)}])
        opened.append(context)
        return context

    yield open_browser
    for context in opened:
        await context.close()


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that the store is asked from now on, as text. What jobs ask is left out."""
    said: list[str] = []

    def is_of_a_job() -> bool:
        asking = sys._getframe(2)
        if asking.f_code.co_filename.endswith(JOBS):
            return True
        called_by = asking.f_back.f_code.co_filename if asking.f_back else ""
        return asking.f_code in MEASURED and called_by.endswith("store/database.py")

    def counted(ask: Callable[..., Any]) -> Callable[..., Any]:
        def asked(self: Transaction, statement: Any, /, **values: Any) -> Any:
            if not is_of_a_job():
                said.append(str(statement.compile(dialect=dialect())))
            return ask(self, statement, **values)

        return asked

    for name in ("all", "first"):
        monkeypatch.setattr(Transaction, name, counted(getattr(Transaction, name)))
    return said
