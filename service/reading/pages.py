"""The memory of prepared pages. Finding a page in it takes one look-up in a dictionary; a page that is not in it is
built once, however many requests wait for it.

What is in memory is current. The relay tells this memory the new revision of a post after each change: then its older
pages leave, and those that are being built are not kept. Of posts without a page here nothing is remembered. While this
process cannot know the current revisions (it has not read the event log for too long), no page is served from here and
none is kept.
"""

import asyncio
import math
import sys
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from service.delivery.follower import Follower, Hears
from service.delivery.relay import Relay
from service.metrics import Metrics
from service.model import Event, SiteKey
from service.reading.page import Build, PageScope, PreparedPage, nobody
from service.store.database import Database

Variant = Hashable
"""Which page of a scope: kind of list, order, size, position."""


@dataclass(slots=True)
class _Kept:
    """Which pages of a scope are kept. They all show one revision."""

    revision: int
    variants: set[Variant] = field(default_factory=set)


@dataclass(slots=True)
class _Building:
    """A page that is being built. Numbers rise: a higher one was begun later. If it shows less than the revision
    `wanted`, it is old before it is there."""

    number: int
    page: "asyncio.Task[PreparedPage]"
    wanted: float = 0


class Pages(Follower):
    """Pages by scope and variant, at most `max_bytes` of them with all that is kept for them; who was read longest ago
    makes room."""

    name = "pages"
    hears = Hears.AT_ONCE

    def __init__(self, database: Database, relay: Relay, *, max_bytes: int, metrics: Metrics) -> None:
        self._database = database
        self._relay = relay
        self._max_bytes = max_bytes
        self._metrics = metrics
        self._pages: OrderedDict[tuple[PageScope, Variant], PreparedPage] = OrderedDict()
        self._kept: dict[PageScope, _Kept] = {}
        self._building: dict[PageScope, dict[Variant, _Building]] = {}
        self._begun = 0
        self._tell = self._grew  # one for all pages
        self.bytes = 0

    def handle(self, events: Sequence[Event]) -> None:
        """These have been committed: pages with an older revision than they made are not current any more."""
        for event in events:
            if event.post_revision is not None and event.site_revision is not None:
                self._advance((event.site, event.post), event.post_revision)
                self._advance((event.site, None), event.site_revision)

    def skipped(self, site: SiteKey) -> None:
        """What is current on the site is not known any more: forget all of it, and keep no page that is being built."""
        for scope in {scope for scope in (*self._kept, *self._building) if scope[0] == site}:
            self._advance(scope, math.inf)

    def ready(self, scope: PageScope, variant: Variant) -> PreparedPage | None:
        """The page, if it is in memory and known to be current. The service does nothing more often than this."""
        page = self._pages.get((scope, variant))
        if page is None or not self._relay.is_fresh():
            return None
        self._pages.move_to_end((scope, variant))
        return page

    async def get(self, scope: PageScope, variant: Variant, build: Build) -> PreparedPage:
        """The page with everything that was committed before this call, at least. Raises what `build` and the store
        raise."""
        before_us = self._begun
        page = self.ready(scope, variant)
        if page is not None:
            self._metrics.page_cache.counts["hit",] += 1
            return page
        building = self._under_way(scope, variant)
        wanted = building.wanted if building else 0
        while True:
            if building is None:
                self._metrics.page_cache.counts["built",] += 1
                building = self._begin(scope, variant, build)
            else:
                self._metrics.page_cache.counts["shared",] += 1
            page = await asyncio.shield(building.page)
            if building.number > before_us or (self._relay.is_fresh() and page.revision >= wanted):
                return page
            # This build began before our call, so it may lack what was committed since: wait for the next one.
            building = self._under_way(scope, variant)

    def _under_way(self, scope: PageScope, variant: Variant) -> _Building | None:
        return self._building.get(scope, {}).get(variant)

    def _begin(self, scope: PageScope, variant: Variant, build: Build) -> _Building:
        self._begun += 1
        task = asyncio.create_task(self._build(scope, variant, build), name="build a page")
        task.add_done_callback(_look_at)  # whoever asked may have gone away
        building = self._building.setdefault(scope, {})[variant] = _Building(self._begun, task)
        return building

    async def _build(self, scope: PageScope, variant: Variant, build: Build) -> PreparedPage:
        is_fresh = self._relay.is_fresh()
        try:
            page = PreparedPage(await self._database.read(build))
        finally:
            building = self._building[scope].pop(variant)
            if not self._building[scope]:
                del self._building[scope]
        if is_fresh and page.revision >= building.wanted:
            self._advance(scope, page.revision)
            self._keep(scope, variant, page)
        return page

    def _advance(self, scope: PageScope, revision: float) -> None:
        """Pages of the scope that show less are old, those that are being built too."""
        for building in self._building.get(scope, {}).values():
            building.wanted = max(building.wanted, revision)
        kept = self._kept.get(scope)
        if kept is not None and kept.revision < revision:
            for variant in list(kept.variants):  # at once, so that a stream of decisions pushes nobody else's pages out
                self._drop(scope, variant)

    def _keep(self, scope: PageScope, variant: Variant, page: PreparedPage) -> None:
        page.size += sys.getsizeof(repr((scope, variant)))
        kept = self._kept.get(scope)
        if (kept is not None and kept.revision > page.revision) or page.size > self._max_bytes:
            return
        self._drop(scope, variant)
        self._pages[scope, variant] = page
        self._kept.setdefault(scope, _Kept(page.revision)).variants.add(variant)
        page.grew = self._tell
        self._grew(page.size)

    def _grew(self, more: int) -> None:
        self.bytes += more
        while self.bytes > self._max_bytes:
            self._drop(*next(iter(self._pages)))

    def _drop(self, scope: PageScope, variant: Variant) -> None:
        page = self._pages.pop((scope, variant), None)
        if page is None:
            return
        self.bytes -= page.size
        page.grew = nobody
        kept = self._kept[scope]
        kept.variants.remove(variant)
        if not kept.variants:
            del self._kept[scope]


def _look_at(task: "asyncio.Task[PreparedPage]") -> None:
    if not task.cancelled():
        task.exception()
