"""What the service does from time to time, whatever happens. `app` runs these jobs."""

from collections.abc import Collection, Iterator
from functools import partial

from service.background import Job
from service.delivery.follower import StoreFollower
from service.metrics import Metrics
from service.model import Clock
from service.moderation import brakes, desk_sessions, idempotency, rendering
from service.settings import Settings
from service.store import earlier, search_index
from service.store.backup_schedule import LOOK_EVERY_SECONDS, BackupSchedule
from service.store.database import Database
from service.store.retention import EVERY_SECONDS, Retention

FORGET_EVERY_SECONDS = 600.0


def jobs(
    settings: Settings,
    database: Database,
    *,
    once: Collection[StoreFollower],
    holder: str,
    clock: Clock,
    metrics: Metrics,
) -> Iterator[Job]:
    """All of them. `once`: the followers that must have handled an event before it is removed."""
    forget = partial(idempotency.forget_old, database)
    yield Job("forget-idempotency", forget, FORGET_EVERY_SECONDS, is_vital=False)
    hours = partial(database.bulk.write, brakes.forget_old)
    yield Job("forget-rule-hours", hours, FORGET_EVERY_SECONDS, is_vital=False)
    sessions = partial(desk_sessions.forget_ended, database)
    yield Job("forget-desk-sessions", sessions, FORGET_EVERY_SECONDS, is_vital=False)
    yield rendering.job(database, holder)
    index = partial(search_index.keep, database, holder)
    yield Job("search-index", index, search_index.LOOK_EVERY_SECONDS, is_vital=False)
    yield Job(earlier.NAME, partial(earlier.keep, database, holder), earlier.EVERY_SECONDS, is_vital=False)
    yield Job("forget-arrivals", partial(earlier.forget, database), FORGET_EVERY_SECONDS, is_vital=False)
    if folder := settings.backup.directory:
        schedule = BackupSchedule(folder, settings, database=database, holder=holder, clock=clock, metrics=metrics)
        yield Job("backup", schedule.make_if_due, LOOK_EVERY_SECONDS, is_vital=False)
    if days := settings.retention.events_days:
        awaited = [follower.name for follower in once]
        retention = Retention(database, days=days, awaited=awaited, holder=holder, clock=clock)
        yield Job("remove-events", retention.remove_old, EVERY_SECONDS, is_vital=False)
