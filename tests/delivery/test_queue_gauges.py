"""The queue's gauges: absent until measured, measured when something has happened, kept while nobody can measure."""

import asyncio
from collections.abc import Sequence

import pytest

from service.delivery.queue_gauges import QueueGauges
from service.delivery.relay import Relay
from service.errors import StoreUnavailable
from service.metrics import Metrics
from service.model import Action, SiteKey
from service.moderation import posts
from service.store import queue
from service.store.database import Database, Transaction
from tests.harness import Hands
from tests.store.scene import BLOG, MODERATOR, ODD_POST, OPEN, Scene

SITES = [BLOG.key, OPEN.key]


class Scrape:
    """Gauges on a store, and what a scrape sees of them."""

    def __init__(self, database: Database, clock: Hands, sites: Sequence[SiteKey] = SITES) -> None:
        self.metrics = Metrics()
        self.gauges = QueueGauges(database, sites=sites, clock=clock, metrics=self.metrics)
        Relay(database).add(self.gauges)

    def sees(self, site: SiteKey) -> tuple[float | None, float | None]:
        """Entries and seconds."""
        registry, labels = self.metrics.registry, {"site": str(site)}
        return (
            registry.get_sample_value("gatepost_queue_entries", labels),
            registry.get_sample_value("gatepost_queue_oldest_seconds", labels),
        )

    def wants_to_measure(self) -> bool:
        """Whether the job has something to do."""
        return self.gauges._woken.is_set()


async def test_what_is_not_known_is_absent(database: Database, clock: Hands) -> None:
    scrape = Scrape(database, clock)
    assert scrape.sees(BLOG.key) == (None, None)
    await scrape.gauges.measure()
    assert scrape.sees(BLOG.key) == scrape.sees(OPEN.key) == (0, 0)


async def test_the_oldest_grows_older_without_a_measurement(database: Database, clock: Hands) -> None:
    scrape, scene = Scrape(database, clock), Scene(database, clock)
    first = await scene.submit(BLOG, "ada")
    await scene.submit(BLOG, "bob")  # a second later
    await scrape.gauges.measure()
    clock.advance(seconds=59)
    assert scrape.sees(BLOG.key) == (2, 60)
    await scene.decide(first, Action.APPROVE)  # another second
    await scrape.gauges.measure()
    assert scrape.sees(BLOG.key) == (1, 60)


async def test_only_what_happens_to_comments_of_a_configured_site_is_measured(database: Database, clock: Hands) -> None:
    scrape, scene = Scrape(database, clock, [BLOG.key]), Scene(database, clock)
    await scrape.gauges.measure()
    assert not scrape.wants_to_measure()
    await scene.submit(OPEN, "ada")
    await database.write(posts.set_open, BLOG.key, ODD_POST, MODERATOR, is_open=False)
    assert not scrape.wants_to_measure()
    scrape.gauges.skipped(BLOG.key)
    assert scrape.wants_to_measure()
    await scrape.gauges.measure()
    assert scrape.sees(OPEN.key) == (None, None)


async def test_a_fault_of_the_store_keeps_what_was_measured_and_measures_later(
    database: Database, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    scrape, scene = Scrape(database, clock), Scene(database, clock)
    await scrape.gauges.measure()
    await scene.submit(BLOG, "ada")

    def fails(tx: Transaction, site: SiteKey) -> None:
        raise StoreUnavailable(retry_after_seconds=5)

    with monkeypatch.context() as broken:
        broken.setattr(queue, "depth", fails)
        with pytest.raises(StoreUnavailable):
            await scrape.gauges.measure()
    assert scrape.sees(BLOG.key) == (0, 0)
    await scrape.gauges.measure()
    assert scrape.sees(BLOG.key) == (1, 0)


async def test_what_happens_while_it_measures_is_measured_again(database: Database, clock: Hands) -> None:
    scrape, scene = Scrape(database, clock), Scene(database, clock)
    await scrape.gauges.measure()
    await scene.submit(BLOG, "ada")
    measuring = asyncio.create_task(scrape.gauges.measure())
    await asyncio.wait([measuring], timeout=0)  # it is on its way to the store
    await scene.submit(BLOG, "bob")
    await measuring
    await scrape.gauges.measure()
    assert scrape.sees(BLOG.key)[0] == 2
