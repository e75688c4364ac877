"""A power cut at any moment (only synced bytes survive, of the rest any part): what was acknowledged is in the SQLite
store exactly once, and the store is sound. PostgreSQL is trusted with its own."""

import os
import random
import shutil
import signal
import sqlite3
import sys
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from service.model import system_clock
from service.store import snapshot, verify
from service.store.database import Database
from service.store.engine import StoreError
from service.store.migrate import SchemaError
from service.store.snapshot import Watch
from service.store.sqlite import path_of
from tests.faults import power_cut
from tests.faults.crowd import Crowd, Told, lost_or_doubled
from tests.faults.power_cut import DATABASE, Disk, Fate, Operation
from tests.faults.process import Service
from tests.rows import rows_of

COMPILER = shutil.which("cc") or shutil.which("gcc")
if (COMPILER is None or not sys.platform.startswith("linux")) and not os.environ.get("CI"):
    pytest.skip("records writes with a library of its own: needs Linux and a C compiler", allow_module_level=True)

pytestmark = [pytest.mark.own_engines, pytest.mark.slow]
READERS = 16
ACKNOWLEDGED_BETWEEN = 5
NOTES_AFTER_CHECKPOINT = 40
CUTS = 20
FATES = {
    "only what was synced": power_cut.nothing,
    "all of it": power_cut.everything,
    **{f"chance {seed}": power_cut.chance(seed) for seed in range(2)},
}


@dataclass(frozen=True)
class Note:
    """What had been acknowledged when the log was this long, so all of it rests on syncs before."""

    log_bytes: int
    submissions: int
    decisions: int

    @classmethod
    def take(cls, told: Told, log: Path) -> "Note":
        """Now: the answers are counted before the log is looked at."""
        submissions, decisions = len(told.submissions), len(told.decisions)
        return cls(log.stat().st_size, submissions, decisions)


@dataclass(frozen=True)
class Run:
    """One service from an empty folder until it had made a checkpoint under many writers, and what they were told."""

    told: Told
    notes: list[Note]
    log: list[Operation]

    def acknowledged_at(self, operation: Operation) -> Told:
        """What had been acknowledged when the log ended with this operation."""
        note = self.notes[bisect_right(self.notes, operation.end, key=lambda note: note.log_bytes) - 1]
        submissions = dict(islice(self.told.submissions.items(), note.submissions))
        return Told(submissions, dict(islice(self.told.decisions.items(), note.decisions)))

    def after_start(self) -> list[int]:
        """The places of the log where a cut may come."""
        return [place for place, one in enumerate(self.log) if one.end >= self.notes[0].log_bytes]

    def disks(self, places: list[int]) -> Iterator[tuple[Operation, Disk]]:
        """The disk right after each of these places."""
        disk, wanted = Disk(), set(places)
        for place, operation in enumerate(self.log):
            disk.do(operation)
            if place in wanted:
                yield operation, disk


async def recorded(folder: Path, *, module: str = "service") -> Run:
    """Start a service in `folder`, and go on until some time after its first checkpoint."""
    assert COMPILER is not None, "CI installs gcc"
    store, log = folder / "gatepost.db", folder / "log"
    library = power_cut.recorder(COMPILER, folder)
    environment = power_cut.recording(library, store, log)
    service = Service(folder, f"sqlite:///{store}", module=module, environment=environment)
    await service.start()
    try:
        before, notes, after = store.stat().st_size, [], 0
        async with Crowd([service], readers=READERS) as crowd:
            while after < NOTES_AFTER_CHECKPOINT:
                await crowd.told_more(ACKNOWLEDGED_BETWEEN)
                notes.append(Note.take(crowd.told, log))
                after += store.stat().st_size > before
            await crowd.go_home()
        assert await service.end(signal.SIGKILL) == -signal.SIGKILL
    finally:
        await service.make_sure_it_ended()
    assert crowd.told.odd == []
    run = Run(crowd.told, notes, list(power_cut.operations(log)))
    log.unlink()  # some 40 MB, which pytest would keep
    return run


async def wrong_after(disk: Disk, fate: Fate, told: Told, folder: Path) -> list[str]:
    """What is wrong with the store that a power cut leaves, once the service's own code has opened it."""
    with TemporaryDirectory(dir=folder) as left:
        url = f"sqlite:///{left}/gatepost.db"
        disk.leave(path_of(url), fate)
        try:
            await (await Database.open(url, clock=system_clock)).close()
            with rows_of(url) as rows, snapshot.of(url) as moment:
                return lost_or_doubled(told, rows) + list(verify.differences(moment, Watch()))
        except (StoreError, SchemaError, sqlite3.Error) as error:
            return [f"cannot be opened or read: {error}"]


async def test_a_power_cut_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    run = await recorded(tmp_path)
    dice = random.Random(1)  # noqa: S311  # a repeatable choice, no secret
    anywhere = run.after_start()
    checkpoint = [place for place in anywhere if run.log[place].file == DATABASE]
    places = dice.sample(anywhere, CUTS // 2) + dice.sample(checkpoint, CUTS // 2 - 1) + [checkpoint[-1]]
    wrong: dict[tuple[int, str], list[str]] = {}
    for operation, disk in run.disks(places):
        told = run.acknowledged_at(operation)
        for name, fate in FATES.items():
            found = await wrong_after(disk, fate, told, tmp_path)
            wrong |= {(operation.end, name): found[:5]} if found else {}
    assert wrong == {}


async def test_commits_that_are_not_synced_are_lost(tmp_path: Path) -> None:
    """The test above notices: until the first checkpoint no commit is synced, so all of them are gone."""
    run = await recorded(tmp_path, module="benchmarks.not_synced")
    for operation, disk in run.disks(run.after_start()[:1]):
        told = run.acknowledged_at(operation)
        found = await wrong_after(disk, power_cut.nothing, told, tmp_path)
        assert {f"lost: {text}" for text in told.submissions} <= set(found)
