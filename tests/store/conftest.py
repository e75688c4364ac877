"""Stores for the tests of whole stores (digest, backup, upgrades, ...): each on both engines, whatever the run's is."""

from pathlib import Path

import pytest

from tests.harness import Hands
from tests.store import scene


@pytest.fixture
async def filled_url(any_url: str, clock: Hands) -> str:
    """A store with one of everything, on the one engine and then on the other. Nobody uses it."""
    await scene.fill(any_url, clock)
    return any_url


@pytest.fixture
async def filled_path(store_path: Path, clock: Hands) -> Path:
    """The same, an SQLite file."""
    await scene.fill(f"sqlite:///{store_path}", clock)
    return store_path


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where there is nothing yet, on the one engine and then on the other."""
    if request.param == "postgres":
        return str(request.getfixturevalue("empty_postgres_url"))
    return f"sqlite:///{tmp_path}/empty.db"
