"""The memory of prepared pages. Finding a page in it takes two look-ups in dictionaries; a page that is not in it is
built once, however many requests wait for it.

Each page is kept under the revision that it shows. The relay tells this memory the new revision of a post after each
change, and from then on pages of an older revision are not found: nobody has to delete them. While this process cannot
know the current revisions (it has not read the event log for too long), no page is served from here and none is kept.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from service.delivery.follower import Follower, Hears
from service.delivery.relay import Relay
from service.metrics import Metrics
from service.model import Event, SiteKey
from service.reading.page import Build, PageScope, PreparedPage, nobody
from service.store.database import Database

MAX_SCOPES = 50_000
"""Posts and sites whose revision is remembered."""
Variant = Hashable
"""Which page of a scope: kind of list, order, size, position."""


@dataclass(slots=True)
class _Known:
    """The current revision of a scope, and which of its pages are kept."""

    revision: int
    kept: set[Variant] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Building:
    """A page that is being built. Numbers rise: a higher one was begun later."""

    number: int
    page: "asyncio.Task[PreparedPage]"


class Pages(Follower):
    """Pages by scope, revision and variant, at most `max_bytes` of them."""

    name = "pages"
    hears = Hears.AT_ONCE

    def __init__(self, database: Database, relay: Relay, *, max_bytes: int, metrics: Metrics) -> None:
        self._database = database
        self._relay = relay
        self._max_bytes = max_bytes
        self._metrics = metrics
        self._known: OrderedDict[PageScope, _Known] = OrderedDict()
        self._pages: OrderedDict[tuple[PageScope, int, Variant], PreparedPage] = OrderedDict()
        self._building: dict[tuple[PageScope, Variant], _Building] = {}
        self._begun = 0
        self._forgotten = 0
        self.bytes = 0

    def handle(self, events: Sequence[Event]) -> None:
        """These have been committed: pages with an older revision than they made are not current any more."""
        for event in events:
            if event.post_revision is not None and event.site_revision is not None:
                self._advance((event.site, event.post), event.post_revision)
                self._advance((event.site, None), event.site_revision)

    def skipped(self, site: SiteKey) -> None:
        """What is current on the site is not known any more: forget all of it, and keep no page that is being built."""
        for scope in [scope for scope in self._known if scope[0] == site]:
            self._forget(scope)
        self._forgotten += 1

    def ready(self, scope: PageScope, variant: Variant) -> PreparedPage | None:
        """The page, if it is in memory and known to be current. The service does nothing more often than this."""
        known = self._known.get(scope)
        if known is None or not self._relay.is_fresh():
            return None
        page = self._pages.get((scope, known.revision, variant))
        if page is not None:
            self._pages.move_to_end((scope, known.revision, variant))
            self._known.move_to_end(scope)  # else a crawler's many scopes would push out what everybody reads
        return page

    async def get(self, scope: PageScope, variant: Variant, build: Build) -> PreparedPage:
        """The page with everything that was committed before this call, at least. Raises what `build` and the store
        raise."""
        before_us = self._begun
        page = self.ready(scope, variant)
        if page is not None:
            self._metrics.page_cache.counts["hit",] += 1
            return page
        known = self._known.get(scope)
        wanted = known.revision if known else 0
        while True:
            building = self._building.get((scope, variant))
            if building is None:
                self._metrics.page_cache.counts["built",] += 1
                building = self._begin(scope, variant, build)
            else:
                self._metrics.page_cache.counts["shared",] += 1
            page = await asyncio.shield(building.page)
            if building.number > before_us or (self._relay.is_fresh() and page.revision >= wanted):
                return page
            # This build began before our call, so it may lack what was committed since: wait for the next one.

    def _begin(self, scope: PageScope, variant: Variant, build: Build) -> _Building:
        self._begun += 1
        task = asyncio.create_task(self._build(scope, variant, build), name="build a page")
        task.add_done_callback(_look_at)  # whoever asked may have gone away
        building = self._building[scope, variant] = _Building(self._begun, task)
        return building

    async def _build(self, scope: PageScope, variant: Variant, build: Build) -> PreparedPage:
        is_fresh, forgotten = self._relay.is_fresh(), self._forgotten
        try:
            page = PreparedPage(await self._database.read(build))
        finally:
            del self._building[scope, variant]
        # A scope that was forgotten meanwhile may have changed without our remembering it.
        if is_fresh and (scope in self._known or forgotten == self._forgotten):
            self._advance(scope, page.revision)
            self._keep(scope, variant, page)
        return page

    def _advance(self, scope: PageScope, revision: int) -> None:
        known = self._known.get(scope)
        if known is None:
            self._known[scope] = _Known(revision)
        elif revision > known.revision:
            for variant in known.kept:  # at once, so that a stream of decisions pushes nobody else's pages out
                self._drop((scope, known.revision, variant))
            known.kept.clear()
            known.revision = revision
        self._known.move_to_end(scope)
        while len(self._known) > MAX_SCOPES:
            self._forget(next(iter(self._known)))

    def _forget(self, scope: PageScope) -> None:
        known = self._known.pop(scope)
        self._forgotten += 1
        for variant in known.kept:
            self._drop((scope, known.revision, variant))

    def _keep(self, scope: PageScope, variant: Variant, page: PreparedPage) -> None:
        known = self._known.get(scope)
        if known is None or known.revision != page.revision or page.size > self._max_bytes:
            return
        self._drop((scope, page.revision, variant))
        self._pages[scope, page.revision, variant] = page
        known.kept.add(variant)
        page.grew = self._grew
        self._grew(page.size)

    def _grew(self, more: int) -> None:
        self.bytes += more
        while self.bytes > self._max_bytes:
            scope, revision, variant = next(iter(self._pages))
            self._drop((scope, revision, variant))
            self._known[scope].kept.discard(variant)

    def _drop(self, key: tuple[PageScope, int, Variant]) -> None:
        page = self._pages.pop(key, None)
        if page is not None:
            self.bytes -= page.size
            page.grew = nobody


def _look_at(task: "asyncio.Task[PreparedPage]") -> None:
    if not task.cancelled():
        task.exception()
