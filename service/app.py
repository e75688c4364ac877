"""The composition root: settings in, a running service out. The only file that knows every room."""

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from uuid import UUID

import structlog
from aiohttp import web

from service import logs
from service.auth.authenticator import Authenticator
from service.auth.fetch import Fetch
from service.auth.login import Login
from service.background import Background, Job
from service.delivery.hearing import LEAST_PAUSE_SECONDS, Hearing
from service.delivery.live import BEAT_SECONDS, Live
from service.delivery.purge import Purger
from service.delivery.purge_call import PurgeCall
from service.errors import StoreUnavailable
from service.health import Health
from service.metrics import Metrics
from service.model import Clock, SiteKey, new_id, system_clock
from service.moderation import idempotency
from service.reading import news, tags
from service.reading.pages import Pages
from service.settings import Server, Settings, SettingsError
from service.store import search_index, secrets
from service.store.backup_schedule import LOOK_EVERY_SECONDS, BackupSchedule
from service.store.database import Database
from service.store.engine import StoreError
from service.web import application, listener, problems
from service.web.address import Addresses
from service.web.call import Services
from service.web.cursors import Cursors
from service.web.door import Limits
from service.web.limits import RateLimits
from service.web.links import Links
from service.web.serving import GuardedRunner

log = structlog.get_logger()
FORGET_EVERY_SECONDS = 600.0
LISTEN_AGAIN_SECONDS = 1.0
MEGABYTE = 1024 * 1024
COLLECT_AFTER = 10_000
"""Objects made and not freed before Python looks for cycles among them: a request makes hundreds, and frees them."""
ONE_SERVER = "the one server"
"""Who holds the leases of a store that nobody else can open: after a kill it need not wait for itself."""
Close = Callable[[], Awaitable[object]]


@dataclass
class Running:
    """A service that answers at `address` until it is stopped."""

    address: str
    database: Database
    hearing: Hearing
    live: Live
    health: Health
    _runner: GuardedRunner
    _background: Background
    _closing: Sequence[Close]
    _drain_seconds: float

    async def stop(self, *, drain_seconds: float | None = None) -> None:
        """Turn readiness red, serve on for the drain time, finish what is in hand, stop the jobs, close the store.

        In the drain time each reply ends its connection; who is idle keeps theirs, and may ask once more.

        What has stopped stays stopped: once more does nothing.
        """
        if self._runner.server is None:
            return
        self.health.draining = True
        self.live.close()
        self._runner.drain()
        await asyncio.sleep(self._drain_seconds if drain_seconds is None else drain_seconds)
        await self._runner.cleanup()
        await self._background.stop()
        for close in self._closing:
            await close()
        await self.database.close()


async def start(settings: Settings, *, clock: Clock = system_clock) -> Running:
    """Open the store, build every room, listen.

    Raises SettingsError, StoreError or SchemaError where that cannot succeed, and OSError when the port is taken.
    """
    async with AsyncExitStack() as opened:  # what is open already is closed again when something after it fails
        fetch = Fetch()
        opened.push_async_callback(fetch.close)
        logins = open_logins(settings, clock=clock, fetch=fetch)
        call = open_purge(settings)
        flat = [login for of_site in logins.values() for login in of_site]
        database = await _open_store(settings, clock=clock)
        opened.push_async_callback(database.close)
        replica = new_id(clock()) if database.is_shared else ONE_SERVER
        background, metrics, hearing = Background(), Metrics(), Hearing(database)
        named = {f"{site}/{login.name}": login for site, of_site in logins.items() for login in of_site}
        addresses = Addresses(settings.server.trusted_proxies)
        health = Health(database, background, named, clock=clock, unbelieved=addresses.unbelieved)
        try:
            await hearing.look()
            services = await _services(
                settings,
                database=database,
                hearing=hearing,
                logins=logins,
                addresses=addresses,
                clock=clock,
                metrics=metrics,
            )
        except StoreUnavailable as fault:
            cause = fault.__cause__ or fault.detail
            raise StoreError(
                f"the store takes no write ({cause}): look at the permissions of its file and folder, and at the disk"
            ) from None
        opened.push_async_callback(services.limits.close)
        hearing.add_knower(services.pages)
        hearing.add_reader(services.live)
        built, hatch = application.build(services, health=health)
        runner = GuardedRunner(
            built,
            first=hatch.reply,
            limits=_guard_limits(settings.server),
            problem=partial(problems.for_guard, metrics, services.links),
            trusted_proxies=settings.server.trusted_proxies,
            shutdown_timeout=settings.server.grace_seconds,
        )
        opened.push_async_callback(runner.cleanup)
        await runner.setup()
        for listening in await asyncio.to_thread(listener.open_sockets, settings.server.host, settings.server.port):
            await web.SockSite(runner, listening).start()
        for login in flat:
            opened.push_async_callback(login.stop)
            await login.start()
        opened.pop_all()
    background.start(Job("follow-events", hearing.follow, LEAST_PAUSE_SECONDS, is_vital=True))
    background.start(Job("listen", hearing.listen, LISTEN_AGAIN_SECONDS, is_vital=False))
    background.start(Job("tell-listeners", services.live.tell, LEAST_PAUSE_SECONDS, is_vital=False))
    background.start(Job("keep-listeners", services.live.beat, BEAT_SECONDS, is_vital=False))
    forget, index = partial(idempotency.forget_old, database), partial(search_index.keep, database, replica)
    background.start(Job("forget-idempotency", forget, FORGET_EVERY_SECONDS, is_vital=False))
    background.start(Job("search-index", index, search_index.LOOK_EVERY_SECONDS, is_vital=False))
    if folder := settings.backup.directory:
        schedule = BackupSchedule(
            folder, settings, database=database, holder=replica, clock=clock, last_success=metrics.last_backup
        )
        background.start(Job("backup", schedule.make_if_due, LOOK_EVERY_SECONDS, is_vital=False))
    address = _address(runner)
    log.info("service.started", address=address, sites=sorted(settings.sites))
    closing: list[Close] = [*(login.stop for login in flat), fetch.close, services.limits.close]
    if call is not None:
        purger = _purger(call, hearing, database=database, holder=replica, clock=clock, metrics=metrics)
        background.start(Job("purge", purger.follow, LEAST_PAUSE_SECONDS, is_vital=False))
        closing += [purger.stop, call.close]
    return Running(
        address,
        database,
        hearing,
        services.live,
        health,
        runner,
        background,
        closing,
        settings.server.drain_seconds,
    )


async def serve(settings: Settings, *, clock: Clock = system_clock) -> None:
    """Run until a signal asks to stop. Raises what `start` raises."""
    logs.configure(settings.log)
    with asked_to_stop() as asked:  # before the start: a signal that comes while starting counts too
        running = await start(settings, clock=clock)
        gc.collect()
        gc.freeze()  # what is there now stays: it need not be looked through again and again
        gc.set_threshold(COLLECT_AFTER)
        await asked.wait()
        log.info("service.stopping", drain_seconds=settings.server.drain_seconds)
        await running.stop()
        log.info("service.stopped")


@contextmanager
def asked_to_stop() -> Iterator[asyncio.Event]:
    """Set by SIGTERM, SIGINT and SIGHUP, which would end the process at once; a second one changes nothing.

    SIGHUP comes when a terminal goes away. Who started the process with `nohup` wants it to be ignored.
    """
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    numbers = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, asked.set)
    try:
        yield asked
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


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


def open_purge(settings: Settings) -> PurgeCall | None:
    """The call that purges a cache, where one is configured. Raises SettingsError where its secret is missing."""
    if settings.cache.purge.url is None:
        return None
    try:
        return PurgeCall(settings.cache.purge)
    except ValueError as error:
        raise SettingsError(f"cache.purge: {error}") from None


def _purger(
    call: PurgeCall, hearing: Hearing, *, database: Database, holder: str, clock: Clock, metrics: Metrics
) -> Purger:
    purger = Purger(database, call, tags_of=tags.changed_by, holder=holder, clock=clock, metrics=metrics)
    hearing.add_knower(purger)
    return purger


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


async def _services(
    settings: Settings,
    *,
    database: Database,
    hearing: Hearing,
    logins: dict[SiteKey, list[Login]],
    addresses: Addresses,
    clock: Clock,
    metrics: Metrics,
) -> Services:
    hash_key = await database.write(secrets.get_or_make, "author-key")
    cursor_key = await database.write(secrets.get_or_make, "cursor")
    feed_key = await database.write(secrets.get_or_make, "feed")
    return Services(
        settings=settings,
        database=database,
        pages=Pages(database, hearing, max_bytes=settings.cache.max_megabytes * MEGABYTE, metrics=metrics),
        live=Live(
            database, hearing, of_post=partial(news.of_post, settings.sites), of_queue=news.of_queue, metrics=metrics
        ),
        authenticator=Authenticator(logins, database=database, hash_key=hash_key, clock=clock, metrics=metrics),
        cursors=Cursors(cursor_key),
        feeds=UUID(bytes=feed_key[:16], version=4),
        limits=RateLimits(settings.limits, metrics=metrics),
        links=Links(settings.server.public_url),
        metrics=metrics,
        addresses=addresses,
        clock=clock,
    )


def _guard_limits(server: Server) -> Limits:
    return Limits(
        header_seconds=server.header_seconds,
        body_seconds=server.body_seconds,
        keepalive_seconds=server.keepalive_seconds,
        write_seconds=server.write_seconds,
        max_connections=server.max_connections,
        max_connections_per_address=server.max_connections_per_address,
    )


def _address(runner: web.AppRunner) -> str:
    host, port = runner.addresses[0][:2]
    shown = f"[{host}]" if ip_address(host).version == 6 else host
    return f"http://{shown}:{port}"
