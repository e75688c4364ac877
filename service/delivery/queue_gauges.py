"""How many comments wait on each site, since when, and how many rules are braked: measured for `/metrics` when
something has happened.

Whoever scrapes the metrics gets what was measured last, also while the store cannot be asked.
"""

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial

from service.background import Job
from service.delivery.follower import Follower, Hears
from service.metrics import Metrics
from service.model import Clock, Event, Milliseconds, SiteKey
from service.store import queue, rules
from service.store.database import Database
from service.store.events import waiting_of

MEASURE_SECONDS = 1.0
"""Between two measurements, however much happens: the entries of a site are counted in each."""

_OF_RULES = frozenset({"rule.braked", "rule.released"})


class QueueGauges(Follower):
    """Sets the gauges of the queue of each of `sites`. A site that was not measured yet has none."""

    name = "queue-gauges"
    hears = Hears.AT_ONCE

    def __init__(self, database: Database, *, sites: Iterable[SiteKey], clock: Clock, metrics: Metrics) -> None:
        self._database = database
        self._clock = clock
        self._metrics = metrics
        self._sites = frozenset(sites)
        self._changed = set(self._sites)
        self._woken = asyncio.Event()
        self._woken.set()

    def handle(self, events: Sequence[Event]) -> None:
        """The queue may have another length where something happened to a comment, or rules are braked or released."""
        self._measure_again({event.site for event in events if waiting_of(event) or event.type in _OF_RULES})

    def skipped(self, site: SiteKey) -> None:
        """Whatever happened, the queue tells how long it is now."""
        self._measure_again({site})

    def jobs(self) -> Sequence[Job]:
        """One that measures."""
        return (Job("measure-queue", self.measure, MEASURE_SECONDS, is_vital=False),)

    async def measure(self) -> None:
        """Wait until something has changed, then measure those sites. A job. Raises StoreUnavailable."""
        await self._woken.wait()
        self._woken.clear()
        while self._changed:
            site = self._changed.pop()
            try:
                entries, oldest = await self._database.bulk.read(queue.depth, site)
                braked = await self._database.bulk.read(rules.braked, site)
            except BaseException:
                self._measure_again({site})
                raise
            self._metrics.queue_depth.labels(site).set(entries)
            self._metrics.braked_rules.labels(site).set(len(braked))
            self._metrics.queue_oldest.labels(site).set_function(partial(self._seconds, oldest))

    def _measure_again(self, sites: set[SiteKey]) -> None:
        changed = sites & self._sites
        if changed:
            self._changed |= changed
            self._woken.set()

    def _seconds(self, since: Milliseconds | None) -> float:
        return 0.0 if since is None else (self._clock() - since) / 1000
