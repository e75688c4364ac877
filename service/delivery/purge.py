"""Purges shared caches: follows the event log from a position in the store, and calls for each change that readers see.

One replica does it at a time, by its lease; `app` runs the job. The position moves only behind what was called for, so
after a fault, a kill or with another replica it goes on there: something may be called for twice, nothing is left out.

Each change is called for at once and once more a little later. Between the two, a replica that has not heard of the
change, or a reply that was on its way, may have put an old page into a cache that had just been emptied.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from service.delivery.hearing import FRESH_SECONDS
from service.delivery.purge_call import PurgeCall, PurgeError
from service.errors import StoreUnavailable
from service.metrics import Metrics
from service.model import Clock, Event, SiteKey
from service.store import events, leases
from service.store.database import Database
from service.store.leases import Lease

log = structlog.get_logger()
NAME = "purge"
AGAIN_SECONDS = FRESH_SECONDS + 1.0
AT_ONCE = 500
LOOK_SECONDS = 5.0
"""How often a replica looks without being woken: whether the lease is free, or something has happened after all."""
KEEP_SECONDS = leases.SECONDS / leases.TIMES_KEPT

Position = dict[SiteKey, int]
"""The number of the last event of each site."""


@dataclass(frozen=True, slots=True)
class _Called:
    """What was called for once: when to do it again (monotonic seconds), and up to where all is done then."""

    due: float
    tags: tuple[str, ...]
    position: Position


class Purger:
    """One replica's part in it. `tags_of` says what is out of date after an event. To be a `Knower` of hearing."""

    def __init__(
        self,
        database: Database,
        call: PurgeCall,
        *,
        tags_of: Callable[[Event], Iterable[str]],
        holder: str,
        clock: Clock,
        metrics: Metrics,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._call = call
        self._tags_of = tags_of
        self._holder = holder
        self._clock = clock
        self._metrics = metrics
        self._monotonic = monotonic
        self._woken = asyncio.Event()
        self._lease: Lease | None = None
        self._kept_until = 0.0
        self._position: Position = {}
        self._called: deque[_Called] = deque()

    def know(self, event: Event) -> None:
        """Something has happened (`hearing.Knower`)."""
        if event.post_revision is not None:
            self._woken.set()

    async def follow(self) -> None:
        """Call for what is new and for what is due again, then wait. A job. Raises PurgeError and StoreUnavailable."""
        if not await self._holds():
            await asyncio.sleep(LOOK_SECONDS)  # nobody's decisions make this replica ask for the lease more often
            return
        self._woken.clear()
        await self._call_for_news()
        await self._call_again()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pause()):
                await self._woken.wait()

    async def stop(self) -> None:
        """Let another replica go on at once."""
        if self._lease is not None:
            self._lease = None
            with suppress(StoreUnavailable):  # then the lease runs out
                await self._database.follow.write(leases.give_back, NAME, self._holder)

    async def _holds(self) -> bool:
        """Whether this replica is the one, now and for a while."""
        now = self._monotonic()
        if self._lease is not None and now < self._kept_until:
            return True
        before, self._lease = self._lease, None
        lease = await self._database.follow.write(leases.take, NAME, self._holder)
        if lease is None:
            return False
        if before is None or before.position != lease.position:
            lease = await self._begin(lease)
        self._lease = lease
        self._kept_until = now + KEEP_SECONDS
        return lease is not None

    async def _begin(self, lease: Lease) -> Lease | None:
        """Go on from what was noted. What happened before somebody configured a purge is nobody's news."""
        last = await self._database.follow.read(events.last_numbers)
        noted: Position = last if lease.position is None else json.loads(lease.position)
        self._called.clear()
        # A number ahead of the log is another store's, and says nothing about this one.
        self._position = {site: number for site, number in noted.items() if number <= last.get(site, 0)}
        return await self._noted(lease, self._position) if lease.position is None else lease

    async def _call_for_news(self) -> None:
        is_all = False
        while not is_all:
            found, is_all = await self._database.follow.read(events.after_each, self._position, limit=AT_ONCE)
            if not found:
                return
            visible = [event for event in found if event.post_revision is not None]
            tags = tuple(dict.fromkeys(tag for event in visible for tag in self._tags_of(event)))
            await self._purge(tags, since=visible[0].created_at if visible else 0)
            self._position = {**self._position, **{event.site: event.seq for event in found}}
            self._called.append(_Called(self._monotonic() + AGAIN_SECONDS, tags, self._position))

    async def _call_again(self) -> None:
        now = self._monotonic()
        due = [called for called in self._called if called.due <= now]
        if not due or self._lease is None:
            return
        await self._purge(tuple(dict.fromkeys(tag for called in due for tag in called.tags)), since=0)
        self._lease = await self._noted(self._lease, due[-1].position)
        self._kept_until = now + KEEP_SECONDS
        for _ in due:
            self._called.popleft()

    async def _purge(self, tags: tuple[str, ...], *, since: int) -> None:
        if not tags:
            return
        try:
            await self._call.purge(tags)
        except PurgeError as error:
            self._metrics.purges.labels("failed").inc()
            self._metrics.purge_behind.set(max(0.0, (self._clock() - since) / 1000) if since else 0.0)
            log.warning("purge.failed", reason=str(error), tags=len(tags))
            raise
        self._metrics.purges.labels("done").inc()
        self._metrics.purge_behind.set(0.0)

    async def _noted(self, lease: Lease, position: Position) -> Lease | None:
        """All is done up to there. None: this replica slept for too long, and another one goes on."""
        text = json.dumps(position, sort_keys=True)
        if await self._database.follow.write(leases.note, lease, text):
            return Lease(lease.name, lease.holder, text)
        return None

    def _pause(self) -> float:
        due = self._called[0].due - self._monotonic() if self._called else LOOK_SECONDS
        return min(LOOK_SECONDS, max(0.0, due))
