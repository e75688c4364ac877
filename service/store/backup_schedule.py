"""Makes a backup when the newest is old enough, and removes the oldest. Run again and again by a job of `app`.

The backups themselves say when the next is due, so restarts neither skip one nor push old ones out. Replicas make one
between them: a lease says who is at it, and what is noted there when the last was made, so also those know that see
another disk.
"""

import asyncio
from pathlib import Path

import structlog
from prometheus_client import Gauge

from service.model import Clock
from service.settings import Settings
from service.store import backup, leases
from service.store.database import Database
from service.store.engine import StoreError
from service.store.leases import Lease
from service.store.snapshot import Watch

log = structlog.get_logger()
LOOK_EVERY_SECONDS = 300.0
MILLISECONDS_PER_HOUR = 3_600_000


class BackupSchedule:
    """The backups of one store in one folder."""

    def __init__(
        self, folder: str, settings: Settings, *, database: Database, holder: str, clock: Clock, last_success: Gauge
    ) -> None:
        self._database = database
        self._lease = f"backup to {folder}"
        self._holder = holder
        self._folder = Path(folder)
        self._url = settings.database.url
        self._settings = settings.backup
        self._clock = clock
        self._last_success = last_success

    async def make_if_due(self) -> None:
        """Back up unless the newest backup is young enough, or somebody else is at it.

        Raises StoreError, StoreUnavailable or OSError when that fails.
        """
        async with leases.held(self._database, self._lease, self._holder) as lease:
            if lease is not None:
                await self._make_if_due(lease)

    async def _make_if_due(self, lease: Lease) -> None:
        newest = await asyncio.to_thread(backup.newest, self._folder)
        last = max(newest or 0, int(lease.position or 0))
        if last:
            self._last_success.set(last / 1000)
            if self._clock() < last + self._settings.every_hours * MILLISECONDS_PER_HOUR:
                return
        try:
            made = await self._make()
        except StoreError as error:
            log.error("backup.failed", reason=str(error))
            raise
        self._last_success.set(self._clock() / 1000)
        await self._database.follow.write(leases.note, lease, str(self._clock()))
        removed = await asyncio.to_thread(backup.keep_newest, self._folder, self._settings.keep)
        log.info(
            "backup.made",
            file=str(made.path),
            digest=made.digest.text,
            as_of=made.digest.as_of,
            removed=[path.name for path in removed],
        )

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
