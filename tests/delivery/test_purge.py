"""Purging a cache, a real HTTP server here: each visible change, none lost, and one replica that does it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from service.checkup import caching
from service.checkup.finding import Outcome
from service.delivery import leased_relay
from service.delivery.leased_relay import LeasedRelay
from service.delivery.purge import Purger
from service.delivery.purge_call import MOST_TAGS, PurgeCall, PurgeError
from service.delivery.relay import Relay
from service.errors import StoreUnavailable
from service.metrics import Metrics
from service.model import POLICY, PostKey, SiteKey
from service.outbound.client import Outbound
from service.reading import tags
from service.reading.tags import changed_tag
from service.settings import Cache, Purge, SettingsError, parse
from service.store import events, leases, retention
from service.store.database import Database, Transaction
from tests.auth.local_server import LocalServer, always
from tests.conftest import StartGatepost
from tests.harness import Hands, configuration
from tests.launch import launch

SITE = SiteKey("blog")
PATIENCE_SECONDS = 60


class CacheServer(LocalServer):
    """A cache that remembers what it was told to purge: by path, and all together."""

    def __init__(self) -> None:
        super().__init__()
        self.purged: list[str] = []
        self._told = asyncio.Event()
        self.by_path: dict[str, list[str]] = {}

    async def take(self, request: web.Request) -> web.Response:
        """A handler that purges."""
        found = request.headers["Surrogate-Key"].split(" ")
        self.purged += found
        self.by_path.setdefault(request.path, []).extend(found)
        self._told.set()
        return web.Response()

    async def until_purged(self, post: str, *, times: int = 1) -> None:
        """Until everything that a change of this post makes out of date was purged so often."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while min(self.purged.count(tag) for tag in of(post)) < times:
                self._told.clear()
                await self._told.wait()


@pytest.fixture
async def cache() -> AsyncIterator[CacheServer]:
    """A cache that is up."""
    server = CacheServer()
    server.handlers = dict.fromkeys(("/", "/here", "/there"), server.take)
    await server.up()
    yield server
    await server.close()


def purging(server: CacheServer, **more: Any) -> Callable[[dict[str, Any]], None]:
    """A change of the configuration."""
    return lambda wanted: wanted.update(cache={"purge": {"url": f"{server.address}/", **more}})


def of(post: str) -> set[str]:
    """What is out of date when this post has changed."""
    return {changed_tag(SITE, PostKey(post)), changed_tag(SITE, None)}


# --- In the service ---------------------------------------------------------------------------------------------------


async def test_each_visible_change_is_purged_twice_and_nothing_else(
    start_gatepost: StartGatepost, cache: CacheServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Purger, "again_seconds", 0.1)
    monkeypatch.setattr(leased_relay, "LOOK_SECONDS", 3600.0)  # it is woken: who only looks would be late
    gatepost = await start_gatepost(change=purging(cache))
    comment = (await gatepost.reader("ada").submit("Hello", post="a")).json["comment"]
    await gatepost.reader("ada").submit("Waits", post="quiet")
    for version, action in enumerate(("approve", "spam", "restore", "approve"), start=1):
        cache.purged.clear()
        assert (await gatepost.moderator().decide(comment["id"], action, version)).status == 201
        if action != "restore":  # from one status that nobody sees to another
            await cache.until_purged("a", times=2)
        assert set(cache.purged) <= of("a")
    await gatepost.moderator().call("PATCH", "posts/c", json={"open": False})
    await cache.until_purged("c", times=2)
    assert set(cache.purged) <= of("a") | of("c")


async def test_while_the_cache_is_down_decisions_go_on_and_nothing_is_lost(
    start_gatepost: StartGatepost, cache: CacheServer
) -> None:
    gatepost = await start_gatepost(change=purging(cache))
    await gatepost.approved("First", post="first")
    await cache.until_purged("first")
    await cache.down()
    for number in range(5):
        await gatepost.approved(f"Text {number}", by=f"reader {number}", post=f"post {number}")
    failed = b'gatepost_purges_total{outcome="failed"}'
    async with asyncio.timeout(PATIENCE_SECONDS):
        while failed not in (await gatepost.visitor.get("/metrics")).body:
            pass
        while (await gatepost.visitor.get("/health/ready")).json["checks"]["job:purge"][0]["status"] != "warn":
            pass
    ready = await gatepost.visitor.get("/health/ready")
    assert ready.status == 200
    await cache.up()
    for number in range(5):
        await cache.until_purged(f"post {number}")


async def test_what_happened_while_nobody_ran_is_purged_at_the_next_start(
    store_url: str, cache: CacheServer, clock: Hands
) -> None:
    wanted = configuration(store_url)
    purging(cache)(wanted)
    async with AsyncExitStack() as stack:
        gatepost = await launch(stack, wanted, clock=clock)
        await gatepost.approved("First", post="first")
        await cache.until_purged("first")
    async with AsyncExitStack() as stack:
        gatepost = await launch(stack, configuration(store_url), clock=clock)  # one that does not purge
        await gatepost.approved("Second", post="second", by="bob")
    async with AsyncExitStack() as stack:
        await launch(stack, wanted, clock=clock)
        await cache.until_purged("second")


async def test_a_service_that_lacks_the_secret_does_not_start(store_url: str, clock: Hands) -> None:
    wanted = configuration(store_url)
    wanted["cache"] = {"purge": {"url": "http://127.0.0.1:1/", "secret_header": "Key", "secret_env": "NOT_THERE"}}
    async with AsyncExitStack() as stack:
        with pytest.raises(SettingsError, match=r"cache\.purge: the environment has no variable NOT_THERE"):
            await launch(stack, wanted, clock=clock)


# --- One of several replicas ------------------------------------------------------------------------------------------


def happen(tx: Transaction, post: str, revision: int | None = 1) -> int:
    """One event of a post."""
    return events.append(tx, SITE, "post.opened", POLICY, post=PostKey(post), post_revision=revision)


class Replica:
    """A purger with a store, a relay and a call of its own."""

    def __init__(self, name: str, database: Database, server: CacheServer, clock: Hands) -> None:
        self.name = name
        self.database = database
        self.now = 0.0
        self.client = Outbound(Metrics())
        self.call = PurgeCall(Purge(url=f"{server.address}/{name}"), self.client)
        purger = Purger(self.call, tags_of=tags.changed_by, tag_of=tags.tag_of, clock=clock, metrics=Metrics())
        self.relay = LeasedRelay(purger, database, holder=name, sites=[SITE], monotonic=lambda: self.now)
        Relay(database).add(self.relay)

    async def go_on(self, *, seconds: float = 0) -> None:
        """One run of the job, after so many seconds."""
        self.now += seconds
        await self.relay.follow()


@pytest.fixture
async def replicas(
    postgres_url: str, cache: CacheServer, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Replica, Replica]]:
    """Two replicas that do not wait for anything, and have begun: `here` is the one that purges."""
    monkeypatch.setattr(leased_relay, "LOOK_SECONDS", 0.0)
    made = [Replica(name, await Database.open(postgres_url, clock=clock), cache, clock) for name in ("here", "there")]
    for replica in made:
        await replica.go_on()
    yield made[0], made[1]
    for replica in made:
        await replica.client.close()
        await replica.database.close()


@pytest.mark.own_engines
async def test_one_of_two_replicas_calls(replicas: tuple[Replica, Replica], cache: CacheServer) -> None:
    for number in range(6):
        await replicas[number % 2].database.write(happen, f"post {number}")
        for replica in replicas:
            await replica.go_on(seconds=1)
    assert set(cache.by_path) == {"/here"}
    assert set(cache.purged) == set().union(*(of(f"post {number}") for number in range(6)))


@pytest.mark.own_engines
async def test_a_replica_that_stops_hands_over_at_once(replicas: tuple[Replica, Replica], cache: CacheServer) -> None:
    here, there = replicas
    await here.database.write(happen, "a")
    await here.go_on()
    await here.go_on(seconds=Purger.again_seconds)
    await here.relay.stop()
    await here.database.write(happen, "b")
    await there.go_on()
    assert set(cache.by_path["/there"]) == of("b")


@pytest.mark.own_engines
async def test_a_kill_between_call_and_position_is_called_again(
    replicas: tuple[Replica, Replica], cache: CacheServer, clock: Hands
) -> None:
    here, there = replicas
    await here.database.write(happen, "a")
    await here.go_on()
    assert set(cache.by_path["/here"]) == of("a")  # and here it dies
    await there.go_on()
    assert "/there" not in cache.by_path
    clock.advance(seconds=leases.SECONDS)
    await there.go_on()
    assert set(cache.by_path["/there"]) == of("a")


@pytest.mark.own_engines
async def test_a_replica_that_slept_goes_on_where_the_other_is(
    replicas: tuple[Replica, Replica], cache: CacheServer, clock: Hands
) -> None:
    here, there = replicas
    clock.advance(seconds=leases.SECONDS)
    await here.database.write(happen, "a")
    await there.go_on()
    await there.go_on(seconds=Purger.again_seconds)
    await there.relay.stop()
    await here.go_on(seconds=leases.SECONDS)
    assert set(cache.by_path) == {"/there"}
    await here.database.write(happen, "b")
    await here.go_on()
    assert set(cache.by_path["/here"]) == of("b")


@pytest.mark.own_engines
async def test_nothing_moves_on_while_the_cache_is_down(replicas: tuple[Replica, Replica], cache: CacheServer) -> None:
    here, _ = replicas
    await cache.down()
    for number in range(3):
        await here.database.write(happen, f"post {number}")
        with pytest.raises(PurgeError):
            await here.go_on(seconds=leases.SECONDS / 2)
    await cache.up()
    await here.go_on()
    await cache.down()
    with pytest.raises(PurgeError):  # the second call
        await here.go_on(seconds=Purger.again_seconds)
    await cache.up()
    cache.purged.clear()
    await here.go_on(seconds=Purger.again_seconds)
    assert set(cache.purged) == of("post 0") | of("post 1") | of("post 2")
    cache.purged.clear()
    await here.go_on(seconds=Purger.again_seconds)
    assert cache.purged == []


async def test_the_past_of_a_store_is_not_purged(
    database: Database, cache: CacheServer, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leased_relay, "LOOK_SECONDS", 0.0)
    await database.write(happen, "past")
    replica = Replica("here", database, cache, clock)
    await replica.go_on()
    await database.write(happen, "unseen", None)
    await database.write(happen, "present")
    await replica.go_on()
    await replica.client.close()
    assert set(cache.purged) == of("present")


async def test_a_fault_of_the_store_at_the_beginning_skips_nothing(
    database: Database, cache: CacheServer, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leased_relay, "LOOK_SECONDS", 0.0)
    await database.write(happen, "past")
    replica = Replica("here", database, cache, clock)
    last_numbers = events.last_numbers

    def fails(tx: Transaction) -> Any:
        raise StoreUnavailable(retry_after_seconds=5)

    monkeypatch.setattr(events, "last_numbers", fails)
    with pytest.raises(StoreUnavailable):
        await replica.go_on()
    monkeypatch.setattr(events, "last_numbers", last_numbers)
    await replica.go_on()
    await database.write(happen, "present")
    await replica.go_on()
    await replica.client.close()
    assert set(cache.purged) == of("present")


async def test_where_its_events_are_gone_the_whole_site_is_purged(
    database: Database, cache: CacheServer, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leased_relay, "LOOK_SECONDS", 0.0)
    await database.write(happen, "past")
    replica = Replica("here", database, cache, clock)
    await replica.go_on()
    await database.write(happen, "removed")
    clock.advance(seconds=1)
    await database.write(happen, "present")
    await database.bulk.write(retention.cut, SITE, until=clock() - 1, awaited=())
    await cache.down()
    with pytest.raises(PurgeError):
        await replica.go_on()
    await cache.up()
    await replica.go_on()
    assert set(cache.purged) == {tags.tag_of(SITE)} | of("present")
    cache.purged.clear()
    await replica.go_on(seconds=Purger.again_seconds)
    await replica.client.close()
    assert set(cache.purged) == of("present")


# --- The call ---------------------------------------------------------------------------------------------------------


async def test_an_address_with_a_tag_is_called_for_each(cache: CacheServer) -> None:
    for name in ("a", "b"):
        cache.handlers[f"/purge/{name}"] = always(text="")
    async with Outbound(Metrics()) as client:
        call = PurgeCall(Purge(url=f"{cache.address}/purge/{{tag}}", method="DELETE"), client)
        await call.purge(["a", "b"])
    assert cache.asked == {"/purge/a": 1, "/purge/b": 1}


async def test_method_and_secret_go_along(cache: CacheServer, tmp_path: Path) -> None:
    seen: list[tuple[str, str | None]] = []

    async def take(request: web.Request) -> web.Response:
        seen.append((request.method, request.headers.get("Fastly-Key")))
        return await cache.take(request)

    cache.handlers["/"] = take
    file = tmp_path / "secret"
    file.write_text("the key\n")
    settings = Purge(url=f"{cache.address}/", method="POST", secret_header="Fastly-Key", secret_file=file)
    async with Outbound(Metrics()) as client:
        await PurgeCall(settings, client).purge([f"tag-{number}" for number in range(MOST_TAGS + 1)])
    assert seen == [("POST", "the key")] * 2
    assert len(cache.purged) == MOST_TAGS + 1


@pytest.mark.parametrize("status", [301, 404, 500])
async def test_any_other_status_is_a_failure(cache: CacheServer, status: int) -> None:
    cache.handlers["/"] = always(text="", status=status, Location="/here")
    async with Outbound(Metrics()) as client:
        with pytest.raises(PurgeError, match=f"its status is {status}"):
            await PurgeCall(Purge(url=f"{cache.address}/"), client).purge(["a"])
    assert cache.by_path == {}


async def test_a_cache_that_hangs_is_a_failure(cache: CacheServer) -> None:
    cache.handlers["/"] = cache.hang
    async with Outbound(Metrics()) as client:
        with pytest.raises(PurgeError, match=r"no complete answer within 0\.05 seconds"):
            await PurgeCall(Purge(url=f"{cache.address}/", timeout_seconds=0.05), client).purge(["a"])


# --- Settings and check -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"url": "cache:6081"}, "write an address"),
        ({"url": "http://cache/{post}"}, "write an address"),
        ({"secret_header": "Key"}, "give secret_header together with one of"),
        ({"secret_env": "KEY"}, "give secret_header together with one of"),
        ({"secret_header": "A key", "secret_env": "KEY"}, "secret_header"),
        ({"method": "purge"}, "method"),
    ],
)
def test_a_purge_that_cannot_be_is_refused(wrong: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        parse({"cache": {"purge": wrong}})


async def test_check_says_when_a_takedown_may_live_on() -> None:
    assert [found.outcome for found in await caching.examine(Cache())] == [Outcome.OK]
    (found,) = await caching.examine(Cache(s_maxage_seconds=50, stale_while_revalidate_seconds=10))
    assert (found.outcome, "60 seconds after it was taken down" in found.text) == (Outcome.WARN, True)


async def test_check_tries_the_purge(cache: CacheServer) -> None:
    settings = Cache(s_maxage_seconds=60, purge=Purge(url=f"{cache.address}/"))
    assert [found.outcome for found in await caching.examine(settings)] == [Outcome.OK, Outcome.OK]
    assert cache.purged == [caching.MADE_UP_TAG]
    await cache.down()
    assert [found.outcome for found in await caching.examine(settings)] == [Outcome.OK, Outcome.FAIL]


@pytest.mark.parametrize("text", ["", "two\nlines", "ünï"])
def test_a_secret_that_fits_no_header_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "secret"
    file.write_text(text)
    with pytest.raises(ValueError, match="the secret is empty or no text for a header"):
        PurgeCall(Purge(url="http://cache/", secret_header="Key", secret_file=file), Outbound(Metrics()))
