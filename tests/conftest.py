"""Fixtures of the whole suite: a store, a running service."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from service import app, settings
from service.store import migrate
from service.store.database import Database
from tests.harness import Gatepost, Hands, configuration
from tests.postgres import empty_postgres_url, postgres_server, postgres_template, postgres_url

__all__ = ["empty_postgres_url", "postgres_server", "postgres_template", "postgres_url"]

StartGatepost = Callable[..., Awaitable[Gatepost]]


@pytest.fixture(scope="session")
def prepared_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store with the current schema; each test gets a copy, so a real database is nearly free."""
    path = tmp_path_factory.mktemp("prepared") / "gatepost.db"
    migrate.upgrade(path, 5.0)
    return path


@pytest.fixture
def store_path(prepared_store: Path, tmp_path: Path) -> Path:
    """A store of the test's own."""
    return Path(shutil.copy(prepared_store, tmp_path / "gatepost.db"))


@pytest.fixture
def clock() -> Hands:
    """A clock that the test moves."""
    return Hands()


@pytest.fixture
async def database(store_path: Path, clock: Hands) -> AsyncIterator[Database]:
    """An open store."""
    opened = await Database.open(f"sqlite:///{store_path}", clock=clock)
    yield opened
    await opened.close()


@pytest.fixture
async def start_gatepost(store_path: Path, clock: Hands) -> AsyncIterator[StartGatepost]:
    """Starts the whole service; keyword arguments change the configuration of the site `blog`, `change` anything."""
    async with AsyncExitStack() as stack:

        async def start(*, change: Callable[[dict[str, Any]], None] = lambda _: None, **site: Any) -> Gatepost:
            wanted = configuration(f"sqlite:///{store_path}", **site)
            change(wanted)
            running = await app.start(settings.parse(wanted), clock=clock)
            stack.push_async_callback(running.stop, drain_seconds=0)
            session = await stack.enter_async_context(
                aiohttp.ClientSession(running.address, cookie_jar=aiohttp.DummyCookieJar())
            )
            return Gatepost(running, session, clock)

        yield start


@pytest.fixture
async def gatepost(start_gatepost: StartGatepost) -> Gatepost:
    """The whole service with its usual configuration."""
    return await start_gatepost()
