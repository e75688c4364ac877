"""What operators ask before and while a service runs: is the configuration good, is it ready, does a token work.

Called by `cli` alone. Nothing here changes the configuration or the store's schema; all that is written is the one row
that the readiness check writes too, and a file in the folder of backups, which is removed again.
"""

from service.auth.fetch import Fetch, Heard
from service.checkup import (
    backups,
    caching,
    clocks,
    desk,
    listening,
    logins,
    notices,
    policies,
    sites,
    stored,
    webhooks,
)
from service.checkup.finding import Finding, fail
from service.errors import StoreUnavailable
from service.metrics import Metrics
from service.model import Clock
from service.outbound.client import Outbound
from service.settings import Settings


async def examine(settings: Settings, *, clock: Clock, send: bool = False) -> list[Finding]:
    """Look at everything: where it listens, the store, every site, its logins, webhooks and notices.

    `send`: webhooks are sent a test event.
    """
    found = [*await listening.examine(settings.server), *listening.examine_limits(settings)]
    found += await listening.examine_shared_limits(settings.limits)
    found += await stored.examine(settings.database, clock=clock)
    found += backups.examine(settings, clock=clock)
    found += await caching.examine(settings.cache)
    if not settings.sites:
        found.append(fail("sites", "none is configured, so nobody can comment", "add [sites.blog] with a name"))
    proxies = settings.server.trusted_proxies
    for site in settings.sites.values():
        heard: list[Heard] = []
        async with Outbound(Metrics()) as client:
            fetch = Fetch(client, witness=heard.append)
            found += sites.examine(site)
            for login in site.login:
                found += await logins.examine(login, site, proxies=proxies, clock=clock, fetch=fetch, heard=heard)
            found += await desk.examine(site, settings.server, client)
            found += await webhooks.examine(site, client, clock=clock, send=send)
            found += notices.examine(site, settings)
            found += await clocks.examine(site, heard, fetch=fetch, clock=clock)
    return [*found, *await _in_the_store(settings, clock=clock)]


async def _in_the_store(settings: Settings, *, clock: Clock) -> list[Finding]:
    """What the store knows of webhooks and policies. Nothing where `stored` says why there is none to ask."""
    found: list[Finding] = []
    async with stored.opened(settings.database, clock=clock) as database:
        if database is None:
            return []
        try:
            for site in settings.sites.values():
                found += await webhooks.examine_standing(site, database)
                found += await policies.examine(site, database)
        except StoreUnavailable as problem:
            found.append(stored.unreadable(problem))
    return found
