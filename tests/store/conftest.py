"""Stores for the tests of whole stores (digest, backup, upgrades, ...): each on both engines, whatever the run's is."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg.conninfo
import pytest

from tests.harness import Hands
from tests.postgres import copy_of
from tests.store import scene


@pytest.fixture(scope="session")
def prepared_scene(prepared_store: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Hands]:
    """An SQLite file with one of everything, and the clock when it was done. Each test gets a copy."""
    path, clock = tmp_path_factory.mktemp("scene") / "gatepost.db", Hands()
    shutil.copy(prepared_store, path)
    asyncio.run(scene.fill(f"sqlite:///{path}", clock))
    return path, clock


@pytest.fixture(scope="session")
def prepared_postgres_scene(postgres_server: str, postgres_template: str) -> Iterator[tuple[str, Hands]]:
    """The same on PostgreSQL: the name of a database."""
    clock = Hands()
    with copy_of(postgres_server, postgres_template) as url:
        asyncio.run(scene.fill(url, clock))
        yield str(psycopg.conninfo.conninfo_to_dict(url)["dbname"]), clock


@pytest.fixture
def filled_path(prepared_scene: tuple[Path, Hands], store_path: Path, clock: Hands) -> Path:
    """A store with one of everything, an SQLite file. Nobody uses it."""
    path, done_at = prepared_scene
    clock.now = done_at()
    return Path(shutil.copy(path, store_path))


@pytest.fixture(params=["sqlite", "postgres"])
def filled_url(request: pytest.FixtureRequest, clock: Hands) -> Iterator[str]:
    """The same, on the one engine and then on the other."""
    if request.param == "sqlite":
        yield f"sqlite:///{request.getfixturevalue('filled_path')}"
        return
    name, done_at = request.getfixturevalue("prepared_postgres_scene")
    clock.now = done_at()
    with copy_of(request.getfixturevalue("postgres_server"), name) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where there is nothing yet, on the one engine and then on the other."""
    if request.param == "postgres":
        return str(request.getfixturevalue("empty_postgres_url"))
    return f"sqlite:///{tmp_path}/empty.db"
