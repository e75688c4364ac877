"""Fixtures of the whole suite: a store, a running service.

`--engine postgres` puts both on PostgreSQL; with `--engine replicas` the service is two that are asked in turn.
A test that is about the SQLite file itself says so: `@pytest.mark.sqlite_only(reason="...")`.
"""

import gc
import shutil
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from service.__main__ import COLLECT_AFTER
from service.store import migrate
from service.store.database import Database
from tests.harness import Gatepost, Hands, configuration
from tests.launch import launch, together
from tests.postgres import (
    empty_postgres_url,
    postgres_server,
    postgres_template,
    postgres_url,
    postgres_url_without_letters,
    postgres_url_without_unicode,
)
from tests.rows import Rows, rows_of

__all__ = [
    "empty_postgres_url",
    "postgres_server",
    "postgres_template",
    "postgres_url",
    "postgres_url_without_letters",
    "postgres_url_without_unicode",
]

StartGatepost = Callable[..., Awaitable[Gatepost]]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--engine`: which database the stores of the tests are on, and how many services on each."""
    parser.addoption(
        "--engine", choices=["sqlite", "postgres", "replicas"], default="sqlite", help="database of the tests"
    )


def pytest_configure(config: pytest.Config) -> None:
    """The markers that go with `--engine`. What tests start hears SIGHUP, though `nohup` started the tests. Garbage is
    looked for as seldom as in the service itself."""
    gc.set_threshold(COLLECT_AFTER)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    config.addinivalue_line("markers", "sqlite_only(reason): about the SQLite file itself; no test on PostgreSQL")
    config.addinivalue_line("markers", "own_engines: brings its own databases, so it runs with the first engine only")
    config.addinivalue_line("markers", "service: starts the whole service (whoever asks for one has this marker)")
    config.addinivalue_line("markers", "whole_way: the one test of those that `make check-fast` does not leave out")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL, tests of the SQLite file are skipped, each with its own reason, and what would run twice.

    A test would run twice when it asks for nothing that another engine changes: no store of the run's engine, and with
    `--engine replicas` no service either (what it has of the store, `--engine postgres` tries).
    """
    for item in items:
        if {"start_gatepost", "services"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.service)
    if hasattr(config, "workerinput"):
        # One of several processes: what needs a time limit of its own comes first, lest one process is long at it while
        # the others have nothing more to do.
        items.sort(key=lambda item: item.get_closest_marker("timeout") is None)
    engine = config.getoption("engine")
    if engine == "sqlite":
        return
    changed = "start_gatepost" if engine == "replicas" else "store_url"
    for item in items:
        marker = item.get_closest_marker("sqlite_only")
        if marker is not None:
            item.add_marker(pytest.mark.skip(reason=marker.kwargs["reason"]))
        elif item.get_closest_marker("own_engines"):
            item.add_marker(pytest.mark.skip(reason="runs with --engine sqlite, and brings its own databases"))
        elif changed not in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.skip(reason=f"is the same with every engine: asks for no {changed}"))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Thousands of tests stay to the end: Python need not look through them again and again for garbage."""
    gc.collect()
    gc.freeze()


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
def store_url(request: pytest.FixtureRequest) -> str:
    """The address of a store of the test's own, on the engine of this run."""
    if request.config.getoption("engine") == "sqlite":
        return f"sqlite:///{request.getfixturevalue('store_path')}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture(params=["sqlite", "postgres"])
def any_url(request: pytest.FixtureRequest) -> str:
    """An empty store of the test's own, on the one engine and then on the other."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{request.getfixturevalue('store_path')}"


@pytest.fixture
def rows(store_url: str) -> Iterator[Rows]:
    """The rows of the test's store as they are committed, for recounts."""
    with rows_of(store_url) as found:
        yield found


@pytest.fixture
def clock() -> Hands:
    """A clock that the test moves."""
    return Hands()


@pytest.fixture
async def database(store_url: str, clock: Hands) -> AsyncIterator[Database]:
    """An open store."""
    opened = await Database.open(store_url, clock=clock)
    yield opened
    await opened.close()


@pytest.fixture
async def start_gatepost(request: pytest.FixtureRequest, store_url: str, clock: Hands) -> AsyncIterator[StartGatepost]:
    """Starts the whole service; keyword arguments change the configuration of the site `blog`, `change` anything."""
    replicas = 2 if request.config.getoption("engine") == "replicas" else 1
    async with AsyncExitStack() as stack:

        async def start(*, change: Callable[[dict[str, Any]], None] = lambda _: None, **site: Any) -> Gatepost:
            wanted = configuration(store_url, **site)
            change(wanted)
            started = [await launch(stack, wanted, clock=clock) for _ in range(replicas)]
            return started[0] if replicas == 1 else together(started)

        yield start


@pytest.fixture
async def gatepost(start_gatepost: StartGatepost) -> Gatepost:
    """The whole service with its usual configuration."""
    return await start_gatepost()


@pytest.fixture(params=["sqlite", "postgres"])
async def services(request: pytest.FixtureRequest, clock: Hands) -> AsyncIterator[list[Gatepost]]:
    """One service on SQLite; two on PostgreSQL."""
    urls = (
        [f"sqlite:///{request.getfixturevalue('store_path')}"]
        if request.param == "sqlite"
        else [request.getfixturevalue("postgres_url")] * 2
    )
    async with AsyncExitStack() as stack:
        yield [await launch(stack, configuration(url), clock=clock) for url in urls]
