"""Everything that happens after a commit, listed once. `app` hands it the events and runs its jobs.

To add a follower: a file with its class in `delivery/` (`follower.py` says what it has to say), and a line here.
"""

from collections.abc import Iterable, Iterator

from service.delivery.arrivals import Arrivals
from service.delivery.follower import Follower, StoreFollower
from service.delivery.live import Live
from service.delivery.purge import Purger
from service.delivery.purge_call import PurgeCall
from service.delivery.queue_gauges import QueueGauges
from service.metrics import Metrics
from service.model import Clock
from service.notice_settings import NoticeSettings
from service.notices.notice import Notice
from service.notices.targets import Targets, open_all
from service.outbound.client import Outbound
from service.reading import tags
from service.reading.pages import Pages
from service.settings import Settings, SettingsError, Site
from service.store.database import Database
from service.webhook_settings import WebhookSettings
from service.webhooks.call import WebhookCall
from service.webhooks.webhook import Webhook


def of_each_process(
    settings: Settings,
    *,
    pages: Pages,
    live: Live,
    arrivals: Arrivals,
    database: Database,
    clock: Clock,
    metrics: Metrics,
) -> Iterator[Follower]:
    """Those of which every replica has one of its own."""
    yield pages
    yield live
    yield arrivals
    yield QueueGauges(database, sites=[site.key for site in settings.sites.values()], clock=clock, metrics=metrics)


def of_the_store(settings: Settings, *, client: Outbound, clock: Clock, metrics: Metrics) -> Iterator[StoreFollower]:
    """Those that work once, however many replicas there are. Raises SettingsError where a secret is missing."""
    if settings.cache.purge.url is not None:
        call = _purge_call(settings, client)
        yield Purger(call, tags_of=tags.changed_by, tag_of=tags.tag_of, clock=clock, metrics=metrics)


def webhook_calls(settings: Settings, *, client: Outbound, clock: Clock) -> list[WebhookCall]:
    """The receivers of all sites. Raises SettingsError where a secret is missing."""
    return [
        _webhook_call(webhook, site, client, clock) for site in settings.sites.values() for webhook in site.webhooks
    ]


def webhooks(
    calls: Iterable[WebhookCall], settings: Settings, database: Database, *, holder: str, clock: Clock, metrics: Metrics
) -> Iterator[Webhook]:
    """The webhooks of all sites. `holder`: who holds the leases of this process."""
    for call in calls:
        yield Webhook(call, settings.sites[call.site], database, holder=holder, clock=clock, metrics=metrics)


def notice_targets(settings: Settings) -> list[Targets]:
    """Whom the notices of all sites go to.

    Raises SettingsError where an address is missing or cannot be used, or the library that sends.
    """
    return [_targets(notice, site) for site in settings.sites.values() for notice in site.notices]


def notices(
    wanted: Iterable[Targets], settings: Settings, database: Database, *, holder: str, clock: Clock, metrics: Metrics
) -> Iterator[Notice]:
    """The notices of all sites, likewise."""
    for targets in wanted:
        public_url = settings.server.public_url
        yield Notice(targets, database, public_url=public_url, holder=holder, clock=clock, metrics=metrics)


def _targets(notice: NoticeSettings, site: Site) -> Targets:
    try:
        return Targets(site, notice, open_all(notice))
    except ValueError as error:
        raise SettingsError(f"sites.{site.key}.notices.{notice.name}: {error}") from None


def _webhook_call(webhook: WebhookSettings, site: Site, client: Outbound, clock: Clock) -> WebhookCall:
    try:
        return WebhookCall(webhook, site.key, client, clock=clock)
    except ValueError as error:
        raise SettingsError(f"sites.{site.key}.webhooks.{webhook.name}: {error}") from None


def _purge_call(settings: Settings, client: Outbound) -> PurgeCall:
    try:
        return PurgeCall(settings.cache.purge, client)
    except ValueError as error:
        raise SettingsError(f"cache.purge: {error}") from None
