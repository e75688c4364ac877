"""Purges shared caches: calls for each change that readers see. A follower that works once for the store.

Each change is called for at once and once more a little later. Between the two, a replica that has not heard of the
change, or a reply that was on its way, may have put an old page into a cache that had just been emptied.
"""

from collections.abc import Callable, Iterable, Sequence

import structlog

from service.delivery.follower import StoreFollower
from service.delivery.purge_call import PurgeCall, PurgeError
from service.delivery.relay import FRESH_SECONDS
from service.metrics import Metrics
from service.model import Clock, Event, Milliseconds, SiteKey

log = structlog.get_logger()


class Purger(StoreFollower):
    """Tells one cache. `tags_of` says what is out of date after an event, `tag_of` is on every page of a site."""

    name = "purge"
    again_seconds = FRESH_SECONDS + 1.0

    def __init__(
        self,
        call: PurgeCall,
        *,
        tags_of: Callable[[Event], Iterable[str]],
        tag_of: Callable[[SiteKey], str],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._call = call
        self._tags_of = tags_of
        self._tag_of = tag_of
        self._clock = clock
        self._metrics = metrics

    async def handle(self, events: Sequence[Event]) -> None:
        """Purge what is out of date after these. Raises PurgeError."""
        visible = [event for event in events if event.post_revision is not None]
        if visible:
            tags = dict.fromkeys(tag for event in visible for tag in self._tags_of(event))
            await self._purge(tuple(tags), since=visible[0].created_at)

    async def skipped(self, site: SiteKey) -> None:
        """What has changed nobody knows any more: purge everything of the site. Raises PurgeError."""
        await self._purge((self._tag_of(site),), since=self._clock())

    async def _purge(self, tags: tuple[str, ...], *, since: Milliseconds) -> None:
        try:
            await self._call.purge(tags)
        except PurgeError as error:
            self._metrics.purges.labels("failed").inc()
            self._metrics.purge_behind.set(max(0.0, (self._clock() - since) / 1000))
            log.warning("purge.failed", reason=str(error), tags=len(tags))
            raise
        self._metrics.purges.labels("done").inc()
        self._metrics.purge_behind.set(0.0)
