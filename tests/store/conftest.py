"""Stores for the tests of digest, verify, backup and copy: each on both engines, whatever the run's engine is."""

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
