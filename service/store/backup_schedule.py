"""Makes a backup when the newest is old enough, and removes the oldest. Run again and again by a job of `app`.

The backups themselves say when the next is due, so restarts neither skip one nor push old ones out. Replicas make one
between them: a lease says who is at it, and what is noted there when the last was made, so also those know that see
another disk. A suspect backup counts as made, so that the disk does not fill; but the job fails until one is sound.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import structlog

from service.metrics import Metrics
from service.model import Clock, Milliseconds
from service.settings import Settings
from service.store import backup, leases
from service.store.backup import Kept, SuspectBackupError
from service.store.database import Database
from service.store.engine import StoreError
from service.store.leases import Lease
from service.store.snapshot import Watch

log = structlog.get_logger()
LOOK_EVERY_SECONDS = 300.0
MILLISECONDS_PER_HOUR = 3_600_000
SUSPECT = "suspect"
"""Stands in the lease behind the time of the last backup, where that is so."""


class BackupSchedule:
    """The backups of one store in one folder."""

    def __init__(
        self, folder: str, settings: Settings, *, database: Database, holder: str, clock: Clock, metrics: Metrics
    ) -> None:
        self._database = database
        self._lease = f"backup to {folder}"
        self._holder = holder
        self._folder = Path(folder)
        self._url = settings.database.url
        self._settings = settings.backup
        self._clock = clock
        self._metrics = metrics

    async def make_if_due(self) -> None:
        """Back up unless the newest backup is young enough, or somebody else is at it.

        Raises StoreError, StoreUnavailable or OSError when that fails; StoreError also while the newest is suspect.
        """
        async with leases.held(self._database, self._lease, self._holder) as lease:
            if lease is not None:
                await self._make_if_due(lease)

    async def _make_if_due(self, lease: Lease) -> None:
        there = await asyncio.to_thread(backup.in_folder, self._folder)
        last, is_suspect = _last(there, lease.position)
        if last:
            sound = [kept.made_at for kept in there if not kept.is_suspect] + ([] if is_suspect else [last])
            self._metrics.last_backup.set(max(sound, default=0) / 1000)
            self._metrics.suspect_backup.set(int(is_suspect))
            if self._clock() < last + self._settings.every_hours * MILLISECONDS_PER_HOUR:
                if is_suspect:
                    raise StoreError(f"{self._folder}: the newest backup is suspect")
                return
        try:
            made = await self._make()
        except SuspectBackupError as suspect:
            self._metrics.suspect_backup.set(1)
            removed = await self._finish(lease, f"{self._clock()} {SUSPECT}")
            log.error("backup.suspect", file=str(suspect.path), differences=suspect.differences, removed=removed)
            raise
        except StoreError as error:
            log.error("backup.failed", reason=str(error))
            raise
        self._metrics.last_backup.set(self._clock() / 1000)
        self._metrics.suspect_backup.set(0)
        removed = await self._finish(lease, str(self._clock()))
        log.info("backup.made", file=str(made.path), digest=made.digest.text, as_of=made.digest.as_of, removed=removed)

    async def _finish(self, lease: Lease, note: str) -> list[str]:
        """Tell the other replicas, and remove the oldest; the names of these."""
        await self._database.follow.write(leases.note, lease, note)
        removed = await asyncio.to_thread(backup.keep_newest, self._folder, self._settings.keep)
        return [path.name for path in removed]

    async def _make(self) -> backup.Backup:
        """One backup, on a thread of its own. Whoever cancels this waits until the thread has cleaned up."""
        watch = Watch()
        work = asyncio.create_task(
            asyncio.to_thread(backup.take, self._url, self._folder, now=self._clock(), watch=watch), name="backup"
        )
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            watch.end()
            await asyncio.wait([work])
            raise


def _last(there: Sequence[Kept], noted: str | None) -> tuple[Milliseconds, bool]:
    """When the last backup was made, in this folder or (by what the lease says) elsewhere; whether it is suspect."""
    time, _, mark = (noted or "0").partition(" ")
    made = [(int(time), mark == SUSPECT), *((kept.made_at, kept.is_suspect) for kept in there[:1])]
    return max(made, key=lambda one: one[0])
