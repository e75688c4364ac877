"""Rate limits of several replicas together, in a real Redis; and each for itself while that is down."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import product
from pathlib import Path

import pytest

from service.errors import SlowDown
from service.metrics import Metrics
from service.settings import Limits, SettingsError
from service.web.limits import RateLimits
from service.web.rates import LocalCount, Rate, SharedCount

SERVER = shutil.which("valkey-server") or shutil.which("redis-server")
if SERVER is None and not os.environ.get("CI"):
    pytest.skip("no redis-server or valkey-server on this machine", allow_module_level=True)

StartRedis = Callable[[], Awaitable[asyncio.subprocess.Process]]


@asynccontextmanager
async def _redis(socket: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Redis of the test's own on a Unix socket."""
    assert SERVER is not None, "CI installs redis-server"
    process = await asyncio.create_subprocess_exec(
        SERVER, "--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    while b"connections" not in (line := await process.stdout.readline()):
        assert line, "redis-server ended before it was ready"
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def _limits(socket: Path, metrics: Metrics, clock: Callable[[], float] = lambda: 0.0) -> RateLimits:
    settings = Limits(submit_per_author="2/hour", shared="redis://unused")
    return RateLimits(settings.model_copy(update={"shared": f"unix://{socket}"}), metrics=metrics, clock=clock)


async def _taken(limits: RateLimits, author: str, times: int) -> list[bool]:
    taken = []
    for _ in range(times):
        try:
            await limits.submit_by("blog", author)
        except SlowDown:
            taken.append(False)
        else:
            taken.append(True)
    return taken


@pytest.fixture
def socket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the test's Redis listens."""
    return tmp_path_factory.mktemp("r") / "s"


async def test_replicas_count_together(socket: Path) -> None:
    async with _redis(socket):
        one, two = _limits(socket, Metrics()), _limits(socket, Metrics())
        assert await _taken(one, "ada", 1) == [True]
        assert await _taken(two, "ada", 2) == [True, False]
        assert await _taken(one, "ada", 1) == [False]
        assert await _taken(one, "grace", 1) == [True]
        await one.close()
        await two.close()


async def test_what_a_replica_takes_back_counts_on_none(socket: Path) -> None:
    async with _redis(socket):
        one, two = _limits(socket, Metrics()), _limits(socket, Metrics())
        for _ in range(3):
            assert await _taken(one, "ada", 1) == [True]
            await one.take_back("blog", "ada")
        assert await _taken(two, "ada", 2) == [True, True]
        await one.take_back("blog", "ada")
        assert await _taken(two, "ada", 2) == [True, False]
        await one.close()
        await two.close()


async def test_redis_counts_as_a_process_does(socket: Path) -> None:
    """Counts and what is given back in every order, where no step passes meanwhile."""
    rate = Rate.read("3/hour")
    async with _redis(socket):
        together = SharedCount(f"unix://{socket}")
        for costs in product((1, -1, 2), repeat=5):
            here, key = LocalCount(rate, clock=lambda: 1.0), str(costs)
            counted = [await together.count(rate, key, cost) == 0 for cost in costs]
            assert counted == [here.count("key", cost) == 0 for cost in costs], costs
        await together.close()


async def test_without_the_shared_store_each_counts_for_itself_and_says_so(socket: Path) -> None:
    metrics = Metrics()
    limits = _limits(socket, metrics)
    assert await _taken(limits, "ada", 3) == [True, True, False]
    assert metrics.registry.get_sample_value("gatepost_shared_limits_missed_total") == 1.0
    await limits.close()


async def test_the_shared_store_is_asked_again_when_it_is_back(socket: Path) -> None:
    now = 0.0
    metrics = Metrics()
    limits = _limits(socket, metrics, clock=lambda: now)
    assert await _taken(limits, "ada", 3) == [True, True, False]
    now = 10.0
    async with _redis(socket):
        assert await _taken(limits, "ada", 3) == [True, True, False]
        assert metrics.registry.get_sample_value("gatepost_shared_limits_missed_total") == 1.0
        await limits.close()


async def test_whether_the_shared_store_answers_can_be_asked_and_counts_nothing(socket: Path) -> None:
    limits = _limits(socket, Metrics())
    why = await limits.shared_store_fault()
    assert why is not None
    assert why.cause == "No such file or directory"
    async with _redis(socket):
        limits = _limits(socket, Metrics())
        assert [await limits.shared_store_fault() for _ in range(3)] == [None] * 3
        assert await _taken(limits, "ada", 3) == [True, True, False]
        await limits.close()


def test_missing_driver_is_answered_with_what_to_install(socket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)  # as Python remembers what cannot be imported
    with pytest.raises(SettingsError) as mistake:
        _limits(socket, Metrics())
    assert str(mistake.value) == "limits.shared: needs its driver: pip install 'gatepost[redis]'"
