"""The composition root: settings in, a running service out. The only file that knows every room."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import structlog
from aiohttp import web

from service import followers, housekeeping
from service.auth.authenticator import Authenticator
from service.auth.fetch import Fetch
from service.auth.login import Login
from service.background import Background, Job
from service.delivery.arrivals import Arrivals
from service.delivery.follower import Follower, StoreFollower
from service.delivery.leased_relay import LeasedRelay
from service.delivery.live import Live
from service.delivery.relay import Relay
from service.errors import StoreUnavailable
from service.health import Health, Reporting
from service.life import Life
from service.metrics import Metrics
from service.model import Clock, SiteKey, new_id, system_clock
from service.moderation.desk_sessions import AUTHOR_KEY
from service.notices.targets import Targets
from service.outbound.client import Outbound
from service.reading import news
from service.reading.pages import Pages
from service.settings import Server, Settings, SettingsError
from service.store import secrets
from service.store.database import Database
from service.store.engine import StoreError
from service.web import application, listener, problems
from service.web.address import Addresses
from service.web.call import Services
from service.web.cursors import Cursors
from service.web.door import ConnectionLimits
from service.web.form_tokens import FormTokens
from service.web.limits import RateLimits
from service.web.links import Links
from service.web.serving import GuardedRunner
from service.webhooks.call import WebhookCall
from service.webhooks.webhook import Webhook

log = structlog.get_logger()
MEGABYTE = 1024 * 1024
ONE_SERVER = "the one server"
"""Who holds the leases of a store that nobody else can open: after a kill it need not wait for itself."""


@dataclass
class Running:
    """A service that answers at `address` until it is stopped."""

    address: str
    database: Database
    relay: Relay
    live: Live
    arrivals: Arrivals
    health: Health
    _runner: GuardedRunner
    _life: Life
    _drain_seconds: float

    async def stop(self, *, drain_seconds: float | None = None) -> None:
        """Turn readiness red, serve on for the drain time, finish what is in hand, stop the jobs, close the store.

        In the drain time each reply closes its connection; an idle connection stays open for one more request.

        A second call does nothing.
        """
        if self._runner.server is None:
            return
        self.health.draining = True
        self.live.close()
        self.arrivals.close()
        self._runner.drain()
        await asyncio.sleep(self._drain_seconds if drain_seconds is None else drain_seconds)
        await self._life.aclose()


@dataclass(frozen=True)
class _Open:
    """What is open before the rooms are built."""

    settings: Settings
    clock: Clock
    metrics: Metrics
    logins: dict[SiteKey, list[Login]]
    once: list[StoreFollower]
    """The followers that work once for the store."""
    receivers: list[WebhookCall]
    notices: list[Targets]
    limits: RateLimits
    database: Database
    holder: str
    """Who holds the leases that this process takes."""


@dataclass(frozen=True)
class _Wired:
    """The rooms, which know each other and do nothing yet."""

    services: Services
    relay: Relay
    health: Health
    background: Background
    runner: GuardedRunner
    jobs: list[Job]


async def start(settings: Settings, *, clock: Clock = system_clock) -> Running:
    """Open the store, build every room, listen.

    Raises SettingsError, StoreError or SchemaError where that cannot succeed, and OSError when the port is taken. What
    is open already is closed then.
    """
    async with Life() as life:
        opened = await _open(settings, life, clock=clock)
        wired = await _wire(opened, life)
        address = await _run(opened, wired, life)
        log.info("service.started", address=address, sites=sorted(settings.sites))
        return Running(
            address,
            opened.database,
            wired.relay,
            wired.services.live,
            wired.services.arrivals,
            wired.health,
            wired.runner,
            life.pop_all(),
            settings.server.drain_seconds,
        )


async def _open(settings: Settings, life: Life, *, clock: Clock) -> _Open:
    """Open whatever leads out of this process: to logins, to a cache, to shared limits, to the store."""
    metrics = Metrics()
    client = Outbound(metrics)
    life.closes("outgoing calls", client.close)
    logins = open_logins(settings, clock=clock, fetch=Fetch(client))
    once = list(followers.of_the_store(settings, client=client, clock=clock, metrics=metrics))
    receivers = followers.webhook_calls(settings, client=client, clock=clock)
    notices = followers.notice_targets(settings)
    limits = RateLimits(settings.limits, metrics=metrics)
    life.closes("shared limits", limits.close)
    database = await _open_store(settings, clock=clock)
    life.closes("store", database.close)
    holder = new_id(clock()) if database.is_shared else ONE_SERVER
    return _Open(settings, clock, metrics, logins, once, receivers, notices, limits, database, holder)


async def _wire(opened: _Open, life: Life) -> _Wired:
    """Build every room. The first writes to the store happen here: raises StoreError where it takes none."""
    settings, database, metrics = opened.settings, opened.database, opened.metrics
    holder, clock = opened.holder, opened.clock
    background, relay = Background(), Relay(database)
    reporting: dict[str, Reporting] = {
        f"login:{site}/{login.name}": login for site, logins in opened.logins.items() for login in logins
    }
    addresses = Addresses(settings.server.trusted_proxies)
    webhooks = list(
        followers.webhooks(opened.receivers, settings, database, holder=holder, clock=clock, metrics=metrics)
    )
    notices = list(followers.notices(opened.notices, settings, database, holder=holder, clock=clock, metrics=metrics))
    reporting |= {webhook.name: webhook for webhook in webhooks} | {notice.name: notice for notice in notices}
    health = Health(database, background, reporting, clock=clock, unbelieved=addresses.unbelieved)
    try:
        await relay.look()
        services = await _services(opened, relay, addresses, webhooks)
        following = [*_following(opened, services), *webhooks, *notices]
        for follower in following:
            await follower.begin()
    except StoreUnavailable as fault:
        cause = fault.__cause__ or fault.detail
        raise StoreError(
            f"the store takes no write ({cause}): look at the permissions of its file and folder, and at the disk"
        ) from None
    for follower in following:
        relay.add(follower)
    life.closes_together({f"follower {follower.name}": follower.stop for follower in following})
    built, hatch = application.build(services, health=health)
    runner = GuardedRunner(
        built,
        first=hatch.reply,
        limits=_guard_limits(settings.server),
        problem=partial(problems.for_guard, metrics, services.links),
        trusted_proxies=settings.server.trusted_proxies,
        shutdown_timeout=settings.server.grace_seconds,
    )
    jobs = [
        *relay.jobs(),
        *(job for follower in following for job in follower.jobs()),
        *housekeeping.jobs(settings, database, once=opened.once, holder=holder, clock=clock, metrics=metrics),
    ]
    return _Wired(services, relay, health, background, runner, jobs)


async def _run(opened: _Open, wired: _Wired, life: Life) -> str:
    """Set everything to work; the address. The port is taken first, and the first request is accepted last."""
    server, runner = opened.settings.server, wired.runner
    sockets = await asyncio.to_thread(listener.open_sockets, server.host, server.port)
    life.callback(listener.close, sockets)
    for logins in opened.logins.values():
        for login in logins:
            life.closes(f"login {login.name}", login.stop)
            await login.start()
    life.closes("jobs", wired.background.stop)
    for job in wired.jobs:
        wired.background.start(job)
    life.closes("server", runner.cleanup)
    await runner.setup()
    for listening in sockets:
        await web.SockSite(runner, listening).start()
    return runner.address


def _following(opened: _Open, services: Services) -> Iterator[Follower]:
    """Everything that happens after a commit, those that work once for the store with their leases."""
    yield from followers.of_each_process(
        opened.settings,
        pages=services.pages,
        live=services.live,
        arrivals=services.arrivals,
        database=opened.database,
        clock=opened.clock,
        metrics=opened.metrics,
    )
    sites = [site.key for site in opened.settings.sites.values()]
    for follower in opened.once:
        yield LeasedRelay(follower, opened.database, holder=opened.holder, sites=sites)


def open_logins(settings: Settings, *, clock: Clock, fetch: Fetch) -> dict[SiteKey, list[Login]]:
    """Every login of every site at work. Raises SettingsError where a key is missing or does not fit."""
    found: dict[SiteKey, list[Login]] = {}
    for site in settings.sites.values():
        found[site.key] = []
        for login in site.login:
            try:
                found[site.key].append(login.open(site=site.key, roles=site.roles, clock=clock, fetch=fetch))
            except ValueError as error:
                raise SettingsError(f"sites.{site.key}.login.{login.name or login.kind}: {error}") from None
    return found


async def _open_store(settings: Settings, *, clock: Clock) -> Database:
    store = settings.database
    return await Database.open(
        store.url,
        clock=clock,
        readers=store.readers,
        busy_seconds=store.busy_seconds,
        statement_seconds=store.statement_seconds,
        prepared_statements=store.prepared_statements,
    )


async def _services(opened: _Open, relay: Relay, addresses: Addresses, webhooks: Sequence[Webhook]) -> Services:
    settings, database, metrics, clock = opened.settings, opened.database, opened.metrics, opened.clock
    names = (AUTHOR_KEY, "cursor", "desk-form", "feed")
    hash_key, cursor_key, form_key, feed_key = [await database.write(secrets.get_or_make, name) for name in names]
    return Services(
        settings=settings,
        database=database,
        pages=Pages(database, relay, max_bytes=settings.cache.max_megabytes * MEGABYTE, metrics=metrics),
        live=Live(
            database, relay, of_post=partial(news.of_post, settings.sites), of_queue=news.of_queue, metrics=metrics
        ),
        arrivals=Arrivals(),
        webhooks={(webhook.site, webhook.call.settings.name): webhook for webhook in webhooks},
        authenticator=Authenticator(opened.logins, database=database, hash_key=hash_key, clock=clock, metrics=metrics),
        cursors=Cursors(cursor_key),
        form_tokens=FormTokens(form_key, clock=clock),
        feeds=UUID(bytes=feed_key[:16], version=4),
        limits=opened.limits,
        links=Links(settings.server.public_url),
        metrics=metrics,
        addresses=addresses,
        clock=clock,
    )


def _guard_limits(server: Server) -> ConnectionLimits:
    return ConnectionLimits(
        header_seconds=server.header_seconds,
        body_seconds=server.body_seconds,
        keepalive_seconds=server.keepalive_seconds,
        write_seconds=server.write_seconds,
        max_connections=server.max_connections,
        max_connections_per_address=server.max_connections_per_address,
    )
