"""`kill -9` under load, and two replicas of which one dies: every event is delivered, each try signed, ids as ever."""

import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from service.delivery.outside_events import tellings
from service.model import Event, SiteKey
from service.store import events, leases
from service.store.database import Database
from tests.faults.crowd import Crowd
from tests.faults.process import Service
from tests.harness import Hands
from tests.webhooks.receiver import SECRET, Receiver

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
KILLS = 20 if LONG else 4
READERS = 12
ACKNOWLEDGED_BETWEEN = 40
TAKEOVER_SECONDS = 4 * leases.SECONDS
"""How long a test waits for what may take a lease to run out first."""
pytestmark = [pytest.mark.own_engines, pytest.mark.slow]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that refuses every fifth event once: then there is always something to be tried again."""
    server = Receiver()
    refused: set[str] = set()

    def answer(event: dict[str, Any]) -> int:
        if event["data"]["seq"] % 5 or event["id"] in refused:
            return 204
        refused.add(event["id"])
        return 500

    server.answer = answer
    await server.up()
    yield server
    await server.close()


def with_webhook(folder: Path, url: str, receiver: Receiver) -> Service:
    """A service that sends there. What is refused is tried again at once."""
    folder.mkdir(exist_ok=True)
    webhook = f"""
[[sites.blog.webhooks]]
name = "build"
url = "{receiver.url}"
secret_env = "HOOK_SECRET"
retry_seconds = [0.2, 0.2, 0.2, 1, 1, 1, 60]
"""
    return Service(folder, url, site=webhook, environment={"HOOK_SECRET": SECRET})


async def told_of(url: str) -> dict[str, tuple[str, int]]:
    """Everything that the outside is to be told of what is in the store: type and number by id."""
    database = await Database.open(url, clock=Hands())
    found: list[Event] = []
    while stretch := await database.read(events.after, SiteKey("blog"), found[-1].seq if found else 0, limit=1_000):
        found += stretch
    await database.close()
    return {one.id: (one.type, event.seq) for event in found for one in tellings(event)}


def has_all(receiver: Receiver, wanted: dict[str, tuple[str, int]]) -> Callable[[], bool]:
    """Whether all of these were taken."""
    return lambda: wanted.keys() <= {call["id"] for call in receiver.taken}


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
@pytest.mark.timeout(600)
async def test_a_killed_service_delivers_every_event(
    tmp_path: Path, request: pytest.FixtureRequest, receiver: Receiver, engine: str
) -> None:
    is_file = engine == "sqlite"
    url = f"sqlite:///{tmp_path}/killed.db" if is_file else str(request.getfixturevalue("empty_postgres_url"))
    service = with_webhook(tmp_path, url, receiver)
    await service.start()
    kills = KILLS if is_file else 1  # on PostgreSQL the killed one's lease has to run out
    async with Crowd([service], readers=READERS) as crowd:
        for _ in range(kills):
            await crowd.told_more(ACKNOWLEDGED_BETWEEN)
            crowd.service_is_down()
            assert await service.end(signal.SIGKILL) == -signal.SIGKILL
            await service.start()
            crowd.service_is_up()
        await crowd.told_more(ACKNOWLEDGED_BETWEEN)
        await crowd.go_home()
    copy = url
    wanted = {} if is_file else await told_of(copy)
    if is_file:  # nobody else may open it while the service runs
        await receiver.until(lambda: {call["id"] for call in receiver.taken} >= {call["id"] for call in receiver.calls})
    else:
        await receiver.until(has_all(receiver, wanted), seconds=TAKEOVER_SECONDS)
    assert await service.end(signal.SIGTERM) == 0
    if is_file:
        wanted = await told_of(url)
        await service.start()  # what was under way as it was stopped
        await receiver.until(has_all(receiver, wanted))
        assert await service.end(signal.SIGTERM) == 0
    require_told(receiver, wanted)


@pytest.mark.timeout(600)
async def test_a_killed_replica_s_deliveries_go_on_with_the_other(
    tmp_path: Path, postgres_url: str, receiver: Receiver
) -> None:
    services = [with_webhook(tmp_path / name, postgres_url, receiver) for name in ("first", "second")]
    for service in services:
        await service.start()
    async with Crowd(services, readers=READERS) as crowd:
        await crowd.told_more(ACKNOWLEDGED_BETWEEN)
        await services[0].end(signal.SIGKILL)  # it began first, so it sends
        await crowd.told_more(ACKNOWLEDGED_BETWEEN)
        await crowd.go_home()
    wanted = await told_of(postgres_url)
    await receiver.until(has_all(receiver, wanted), seconds=TAKEOVER_SECONDS)
    assert await services[1].end(signal.SIGTERM) == 0
    require_told(receiver, wanted)


def require_told(receiver: Receiver, wanted: dict[str, tuple[str, int]]) -> None:
    """All of these and nothing else was told. (Each call's signature was verified as it came.)"""
    told = {call["id"]: (call["type"], call["data"]["seq"]) for call in receiver.calls}
    assert told == wanted
    assert len(wanted) > ACKNOWLEDGED_BETWEEN
