"""Rate limits: how often one author or one address may ask (throttled-py, GCRA).

Counted in this process, or for several replicas together in a Redis or Valkey (`limits.shared`). While that cannot be
asked each process counts for itself: a limit is there to help, so its store being down stops nobody.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import structlog
from throttled.asyncio import MemoryStore, RateLimiterType, RedisStore, Throttled, rate_limiter
from throttled.asyncio.store import BaseStore
from throttled.exceptions import StoreUnavailableError

from service.errors import SlowDown
from service.metrics import Metrics
from service.settings import Limits

log = structlog.get_logger()
MAX_KEYS = 100_000
"""Counted at once by one rule in a process. throttled-py forgets the oldest beyond it."""
SHARED_SECONDS = 0.25
"""How long the shared store may take to answer."""
PAUSE_SECONDS = 2.0
"""After it did not, it is left alone for so long."""
_PERIODS = {"second": rate_limiter.per_sec, "minute": rate_limiter.per_min, "hour": rate_limiter.per_hour}
_RULES = ("submit_per_author", "submit_per_address", "read_per_address")


class RateLimits:
    """The three rules of `[limits]`; none when they are switched off."""

    def __init__(self, settings: Limits, *, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._metrics = metrics
        self._clock = clock
        self._paused_until = 0.0
        self._local: dict[str, Throttled] = {}
        self._shared: dict[str, Throttled] = {}
        self._store: RedisStore | None = None
        if settings.enabled:
            rates = {name: getattr(settings, name) for name in _RULES}
            self._local = {name: _rule(name, rate, _in_memory()) for name, rate in rates.items()}
            if settings.shared is not None:
                self._store = RedisStore(server=settings.shared)
                self._shared = {name: _rule(name, rate, self._store) for name, rate in rates.items()}

    async def close(self) -> None:
        """Close the connections to the shared store."""
        if self._store is not None:
            client: Any = self._store._backend.get_client()  # throttled-py itself never closes it
            await client.aclose(close_connection_pool=True)

    async def submit_by(self, author: str) -> None:
        """Count a submission of an author. Raises SlowDown."""
        await self._count("submit_per_author", author)

    async def submit_from(self, address: str) -> None:
        """Count a reader's write from an address. Raises SlowDown."""
        await self._count("submit_per_address", address)

    async def read_from(self, address: str) -> None:
        """Count a read from an address. Raises SlowDown."""
        await self._count("read_per_address", address)

    async def _count(self, rule: str, key: str) -> None:
        if rule not in self._local:
            return
        wait_seconds = await self._shared_wait(rule, key)
        if wait_seconds is None:
            wait_seconds = await _wait(self._local[rule], key)
        if wait_seconds > 0:
            raise SlowDown(retry_after_seconds=max(1, -int(-wait_seconds // 1)))

    async def _shared_wait(self, rule: str, key: str) -> float | None:
        """What the shared store says; None where there is none, or none that answers."""
        if rule not in self._shared or self._clock() < self._paused_until:
            return None
        try:
            async with asyncio.timeout(SHARED_SECONDS):
                return await _wait(self._shared[rule], key)
        except (StoreUnavailableError, OSError, TimeoutError) as error:
            self._paused_until = self._clock() + PAUSE_SECONDS
            self._metrics.shared_limits_missed.inc()
            log.warning("limits.shared_store_unavailable", error=type(error).__name__)
            return None


async def _wait(throttled: Throttled, key: str) -> float:
    """Count one; how many seconds to wait before the next, 0 where this one was within the limit."""
    result = await throttled.limit(key)
    return max(result.state.retry_after, 0.001) if result.limited else 0.0


def _in_memory() -> MemoryStore:
    return MemoryStore(options={"MAX_SIZE": MAX_KEYS})


def _rule(name: str, rate: str, store: BaseStore) -> Throttled:
    count, _, period = rate.partition("/")
    return Throttled(
        key_prefix=f"gatepost:{name}",
        using=RateLimiterType.GCRA.value,
        quota=_PERIODS[period](int(count), burst=int(count)),
        store=store,
        timeout=-1,
    )
