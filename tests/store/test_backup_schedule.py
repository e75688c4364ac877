"""Scheduled backups in a running service: when they are made, which stay, what metrics and readiness say."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import Gauge

from service import settings
from service.metrics import Metrics
from service.store import backup, leases
from service.store.backup import SuspectBackupError
from service.store.backup_schedule import BackupSchedule
from service.store.database import Database
from service.store.engine import StoreError
from service.store.snapshot import StoppedError, Watch
from tests.conftest import StartGatepost
from tests.harness import Gatepost, Hands, configuration
from tests.store.damage import change
from tests.store.test_digest import digest_of

Replicas = Callable[[str], BackupSchedule]
HOUR = 3600
METRIC = "gatepost_backup_last_success_timestamp_seconds"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where backups go."""
    return tmp_path / "backups"


@pytest.fixture
def metrics() -> Metrics:
    """What the service would say of itself."""
    return Metrics()


@pytest.fixture
def last_success(metrics: Metrics) -> Gauge:
    """When the last sound one was made."""
    return metrics.last_backup


@pytest.fixture
async def replicas(filled_url: str, folder: Path, clock: Hands, metrics: Metrics) -> AsyncIterator[Replicas]:
    """A backup a day, and three stay; made by several replicas, each called by its name."""
    wanted = settings.parse({**configuration(filled_url), "backup": {"directory": str(folder), "keep": 3}})
    database = await Database.open(filled_url, clock=clock)

    def replica(name: str) -> BackupSchedule:
        return BackupSchedule(str(folder), wanted, database=database, holder=name, clock=clock, metrics=metrics)

    yield replica
    await database.close()


@pytest.fixture
def schedule(replicas: Replicas) -> BackupSchedule:
    """One of them."""
    return replicas("here")


def names(folder: Path) -> list[str]:
    """The files in a folder, oldest backup first."""
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


async def test_a_backup_is_made_when_the_newest_is_old_enough(
    schedule: BackupSchedule, folder: Path, clock: Hands, last_success: Gauge
) -> None:
    await schedule.make_if_due()
    (first,) = names(folder)
    clock.advance(seconds=24 * HOUR - 2)
    await schedule.make_if_due()
    assert names(folder) == [first]
    clock.advance(seconds=3)
    await schedule.make_if_due()
    assert len(names(folder)) == 2
    assert last_success._value.get() == clock() / 1000


async def test_the_newest_stay(schedule: BackupSchedule, folder: Path, clock: Hands) -> None:
    made = []
    for _ in range(5):
        await schedule.make_if_due()
        made.append(names(folder)[-1])
        clock.advance(seconds=25 * HOUR)
    assert names(folder) == made[2:]


async def test_a_restart_neither_makes_one_more_nor_forgets_when_the_last_was(
    schedule: BackupSchedule, folder: Path, clock: Hands, last_success: Gauge
) -> None:
    await schedule.make_if_due()
    made = names(folder)
    last_success.set(0)
    clock.advance(seconds=HOUR)
    await schedule.make_if_due()
    assert names(folder) == made
    assert last_success._value.get() == (clock() - HOUR * 1000) / 1000


async def test_a_backup_that_fails_removes_none(
    schedule: BackupSchedule, folder: Path, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        await schedule.make_if_due()
        clock.advance(seconds=25 * HOUR)
    kept = names(folder)
    monkeypatch.setattr(schedule, "_url", "sqlite:////nowhere/gatepost.db")
    with pytest.raises(StoreError, match="is no store that can be read"):
        await schedule.make_if_due()
    assert names(folder) == kept


async def test_a_suspect_backup_is_kept_and_told_until_one_is_sound(
    replicas: Replicas, filled_url: str, folder: Path, clock: Hands, metrics: Metrics
) -> None:
    here, there = replicas("here"), replicas("there")
    for _ in range(4):
        await here.make_if_due()
        sound_at = clock() // 1000
        clock.advance(seconds=25 * HOUR)
    sound = names(folder)
    change(filled_url, "UPDATE posts SET count = count + 1 WHERE post = 'quiet'")
    with pytest.raises(SuspectBackupError) as found:
        await here.make_if_due()
    assert names(folder) == [*sound, found.value.path.name]
    for replica in (here, there, replicas("started again")):  # it is not made again, and not forgotten
        clock.advance(seconds=HOUR)
        with pytest.raises(StoreError, match="the newest backup is suspect"):
            await replica.make_if_due()
        assert (metrics.suspect_backup._value.get(), int(metrics.last_backup._value.get())) == (1, sound_at)
    assert names(folder) == [*sound, found.value.path.name]
    change(filled_url, "UPDATE posts SET count = count - 1 WHERE post = 'quiet'")
    clock.advance(seconds=25 * HOUR)
    await there.make_if_due()
    assert (metrics.suspect_backup._value.get(), metrics.last_backup._value.get()) == (0, clock() / 1000)
    assert names(folder) == [*sound[1:], found.value.path.name, names(folder)[-1]]
    await here.make_if_due()


async def test_a_replica_with_another_disk_knows_that_the_last_one_is_suspect(
    replicas: Replicas, filled_url: str, folder: Path, clock: Hands, metrics: Metrics
) -> None:
    change(filled_url, "UPDATE posts SET count = count + 1 WHERE post = 'quiet'")
    with pytest.raises(SuspectBackupError):
        await replicas("here").make_if_due()
    await asyncio.to_thread(folder.rename, folder.with_name("the disk of the other"))
    metrics.suspect_backup.set(0)
    with pytest.raises(StoreError, match="the newest backup is suspect"):
        await replicas("there").make_if_due()
    assert (names(folder), metrics.suspect_backup._value.get()) == ([], 1)


async def test_who_cancels_waits_until_nothing_is_left(
    schedule: BackupSchedule, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, cancelled = threading.Event(), threading.Event()
    write = backup.write

    def held(moment: Any, path: Path, watch: Watch) -> None:
        write(moment, path, watch)
        reached.set()
        assert cancelled.wait(30)
        watch.tell("copy", 1, 1)

    monkeypatch.setattr(backup, "write", held)
    job = asyncio.create_task(schedule.make_if_due())
    assert await asyncio.to_thread(reached.wait, 30)
    assert names(folder) != []
    job.cancel()
    await asyncio.sleep(0)
    cancelled.set()
    with pytest.raises((asyncio.CancelledError, StoppedError)):
        await job
    assert names(folder) == []


# --- Several replicas -------------------------------------------------------------------------------------------------


async def test_replicas_make_one_between_them(replicas: Replicas, folder: Path, clock: Hands) -> None:
    for count in (1, 2):
        await asyncio.gather(*(replicas(f"replica {number}").make_if_due() for number in range(4)))
        assert len(names(folder)) == count
        clock.advance(seconds=25 * HOUR)


async def test_a_replica_with_another_disk_knows_that_one_was_made(
    replicas: Replicas, folder: Path, clock: Hands, last_success: Gauge
) -> None:
    await replicas("here").make_if_due()
    await asyncio.to_thread(folder.rename, folder.with_name("the disk of the other"))
    last_success.set(0)
    await replicas("there").make_if_due()
    assert (names(folder), last_success._value.get()) == ([], clock() / 1000)
    clock.advance(seconds=25 * HOUR)
    await replicas("there").make_if_due()
    assert len(names(folder)) == 1


async def test_a_replica_that_died_at_it_is_followed_by_another(replicas: Replicas, folder: Path, clock: Hands) -> None:
    dead = replicas("dead")
    assert await dead._database.write(leases.take, dead._lease, "dead") is not None
    await replicas("there").make_if_due()
    assert names(folder) == []
    clock.advance(seconds=leases.SECONDS)
    await replicas("there").make_if_due()
    assert len(names(folder)) == 1


# --- In the service ---------------------------------------------------------------------------------------------------


def backing_up(folder: Path) -> Callable[[dict[str, Any]], None]:
    """A change of the configuration."""

    def change(wanted: dict[str, Any]) -> None:
        wanted["backup"] = {"directory": str(folder)}

    return change


async def metric(gatepost: Gatepost) -> float:
    """When the service says that it last made one."""
    text = (await gatepost.visitor.get("/metrics")).body.decode()
    (value,) = (line.split()[1] for line in text.splitlines() if line.startswith(f"{METRIC} "))
    return float(value)


async def test_a_service_backs_itself_up_soon_after_the_start(
    start_gatepost: StartGatepost, store_url: str, folder: Path
) -> None:
    gatepost = await start_gatepost(change=backing_up(folder))
    while not await metric(gatepost):
        pass
    (path,) = await asyncio.to_thread(lambda: list(folder.iterdir()))
    assert await asyncio.to_thread(digest_of, f"sqlite:///{path}") == await asyncio.to_thread(digest_of, store_url)
    assert await metric(gatepost) == pytest.approx(gatepost.clock() / 1000)
    ready = await gatepost.visitor.get("/health/ready")
    assert ready.json["checks"]["job:backup"][0]["status"] == "pass"


async def test_a_service_without_a_folder_makes_none_and_has_no_such_job(gatepost: Gatepost) -> None:
    assert await metric(gatepost) == 0
    assert "job:backup" not in (await gatepost.visitor.get("/health/ready")).json["checks"]
