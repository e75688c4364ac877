"""A store that does not take a slice of an import in time: it gets smaller ones, and everything comes once."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from service.errors import StoreUnavailable
from service.model import BatchId, Event, system_clock
from service.moderation import importing
from service.moderation.arriving import Import
from service.store.database import Database
from service.transfer import bringing
from tests.transfer.bringing import SITE, bring, comment, differences, digest, on_stage

THREADS = [comment(number, parent=number - 1 if number % 3 else None) for number in range(1, 101)]


class Holder:
    """Holds a store against its writer until that has failed so many times."""

    def __init__(self, store: Path, failures: int) -> None:
        self.failures = failures
        self._other = sqlite3.connect(store, isolation_level=None)
        self._other.execute("BEGIN IMMEDIATE")

    def committed(self, written: Sequence[Event]) -> None:
        """Nothing to do."""

    def in_doubt(self) -> None:
        """A write has failed."""
        self.failures -= 1
        if self.failures == 0:
            self.close()

    def close(self) -> None:
        """Let the writer in."""
        self._other.close()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bringing, "WAIT_SECONDS", 0)
    return tmp_path / "held.db"


async def opened(store: Path) -> Database:
    return await Database.open(f"sqlite:///{store}", clock=system_clock, busy_seconds=0.01)


async def test_a_store_that_is_held_for_a_while_gets_smaller_slices(store: Path, tmp_path: Path) -> None:
    database = await opened(store)
    holder = Holder(store, bringing.TRIES - 1)
    database.add_listener(holder)
    report = await bring(database, THREADS)
    await database.close()
    assert (holder.failures, report.new, report.known) == (0, 100, 0)
    url = f"sqlite:///{store}"
    assert differences(url) == []
    clean = f"sqlite:///{tmp_path / 'clean.db'}"
    database = await Database.open(clean, clock=system_clock)
    await bring(database, THREADS)
    await database.close()
    assert digest(url) == digest(clean)


async def test_a_store_that_is_held_for_good_ends_the_import(store: Path) -> None:
    database = await opened(store)
    with closing(Holder(store, bringing.TRIES + 1)) as holder:
        database.add_listener(holder)
        with pytest.raises(StoreUnavailable):
            await bring(database, THREADS)
    assert holder.failures == 1
    assert (await bring(database, THREADS, batch="again")).new == 100
    await database.close()


async def test_a_slice_that_came_late_and_is_brought_again_counts_once(database: Database, store_url: str) -> None:
    order = Import(SITE.rules, "elsewhere", BatchId("a-batch"))
    with on_stage(THREADS) as (stage, _):
        (slice_,) = stage.slices(bringing.SLICE)
    first, again = [await database.bulk.write(importing.bring, order, slice_) for _ in range(2)]
    assert first == again == importing.Brought(new=100)
    assert differences(store_url) == []
