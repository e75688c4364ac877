"""Rate limits: how often one author, one address or one site's readers may ask (throttled-py, GCRA).

Counted in this process, or for several replicas together in a Redis or Valkey (`limits.shared`). While that cannot be
asked each process counts for itself: a limit is there to help, so its store being down stops nobody.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog
from throttled import MemoryStore, Quota, RateLimiterType, RateLimitResult, Throttled, rate_limiter
from throttled.asyncio import RedisStore
from throttled.asyncio import Throttled as SharedThrottled
from throttled.exceptions import StoreUnavailableError

from service.errors import SlowDown
from service.metrics import Metrics
from service.outbound import unreachable
from service.outbound.unreachable import Why
from service.settings import Limits, SettingsError

log = structlog.get_logger()
READS_AT_ONCE = 20
"""Reads of one address that are counted in one go, if that is at most a tenth of the limit."""
MAX_KEYS = 100_000
"""Counted at once by one rule in a process. throttled-py forgets the oldest beyond it."""
SHARED_SECONDS = 0.25
"""How long the shared store may take to answer."""
NO_ANSWER = (StoreUnavailableError, OSError, TimeoutError)
PAUSE_SECONDS = 2.0
"""After it did not, it is left alone for so long."""
GCRA = RateLimiterType.GCRA.value
_PERIODS = {"second": rate_limiter.per_sec, "minute": rate_limiter.per_min, "hour": rate_limiter.per_hour}
_RULES = ("submit_per_author", "submit_per_address", "submit_per_site", "read_per_address", "moderate_per_caller")


class RateLimits:
    """The rules of `[limits]`; none when they are switched off. Raises SettingsError without Redis's driver."""

    def __init__(self, settings: Limits, *, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._metrics = metrics
        self._clock = clock
        self._paused_until = 0.0
        self._local: dict[str, Throttled] = {}
        self._shared: dict[str, SharedThrottled] = {}
        self._store: RedisStore | None = None
        self._is_enabled = settings.enabled
        self._reads_at_once = max(1, min(READS_AT_ONCE, int(settings.read_per_address.partition("/")[0]) // 10))
        self._reads_left: OrderedDict[str, int] = OrderedDict()
        if settings.enabled:
            rates = {name: rate for name in _RULES if (rate := getattr(settings, name)) is not None}
            self._local = {name: _in_memory(name, rate) for name, rate in rates.items()}
            if settings.shared is not None:
                self._store = _redis(settings.shared)
                self._shared = {name: _in_common(name, rate, self._store) for name, rate in rates.items()}

    async def close(self) -> None:
        """Close the connections to the shared store."""
        if self._store is not None:
            client: Any = self._store._backend.get_client()  # throttled-py itself never closes it
            await client.aclose(close_connection_pool=True)

    async def shared_store_fault(self) -> Why | None:
        """Why the shared store does not answer; None where it does. Nothing is counted."""
        try:
            await self._asked("read_per_address", "nobody", 0)
        except NO_ANSWER as error:
            return unreachable.why(error)
        return None

    async def submit_by(self, site: str, author: str) -> None:
        """Count a text that an author sends to a site, a new one or an edit. Raises SlowDown.

        The author is counted first, so that one who is over their own limit uses up nothing of everybody's.
        """
        await self._count("submit_per_author", f"{site}/{author}")
        try:
            await self._count("submit_per_site", site)
        except SlowDown:  # it is others who said too much
            await self._count_less("submit_per_author", f"{site}/{author}")
            raise

    async def take_back(self, site: str, author: str) -> None:
        """A text of the author, counted a moment ago, was there already (a retry, say): it does not count."""
        await self._count_less("submit_per_author", f"{site}/{author}")
        await self._count_less("submit_per_site", site)

    async def submit_from(self, address: str) -> None:
        """Count a reader's write from an address. Raises SlowDown."""
        await self._count("submit_per_address", address)

    async def moderate_by(self, site: str, caller: str) -> None:
        """Count a moderators' call that somebody with a good credential makes. Raises SlowDown."""
        await self._count("moderate_per_caller", f"{site}/{caller}")

    async def read_from(self, address: str) -> None:
        """Count a read from an address. Raises SlowDown.

        Several are counted at once and then spent one by one: a read that is in memory costs less than its counting.
        """
        if self.read_at_once(address):
            return
        if self._is_shared() and await self._wait_for("read_per_address", address, self._reads_at_once) == 0:
            self._earn_reads(address)
        else:
            await self._count("read_per_address", address)

    def read_at_once(self, address: str) -> bool:
        """Count a read where that takes no waiting; False: ask `read_from`."""
        if not self._is_enabled:
            return True
        left = self._reads_left.get(address, 0)
        if left > 0:
            self._reads_left[address] = left - 1
            return True
        if self._is_shared() or _wait(self._local["read_per_address"].limit(address, self._reads_at_once)) > 0:
            return False
        self._earn_reads(address)
        return True

    def _earn_reads(self, address: str) -> None:
        """So many more are counted, and one of them is spent."""
        self._reads_left[address] = self._reads_left.get(address, 0) + self._reads_at_once - 1
        self._reads_left.move_to_end(address)
        if len(self._reads_left) > MAX_KEYS:
            self._reads_left.popitem(last=False)

    def _is_shared(self) -> bool:
        return self._store is not None and self._clock() >= self._paused_until

    async def _count(self, rule: str, key: str) -> None:
        if rule in self._local and (wait_seconds := await self._wait_for(rule, key, 1)) > 0:
            raise SlowDown(retry_after_seconds=max(1, -int(-wait_seconds // 1)))

    async def _count_less(self, rule: str, key: str) -> None:
        """throttled-py has no word for it: its arithmetic has, but stores no time that is over."""
        if rule not in self._local:
            return
        if not self._is_shared():
            local = self._local[rule]
            if local.limiter.limit(key, -1).state.reset_after <= 0:
                local._store.set(local.limiter._prepare_key(key), 0, 1)
            return
        shared = self._shared[rule]
        with suppress(StoreUnavailableError, OSError, TimeoutError):
            async with asyncio.timeout(SHARED_SECONDS):
                if (await shared.limiter.limit(key, -1)).state.reset_after <= 0:
                    await shared._store.set(shared.limiter._prepare_key(key), 0, 1)

    async def _wait_for(self, rule: str, key: str, cost: int) -> float:
        """Count so many; how many seconds to wait before they may be, 0 where they are within the limit."""
        wait_seconds = await self._shared_wait(rule, key, cost)
        return _wait(self._local[rule].limit(key, cost)) if wait_seconds is None else wait_seconds

    async def _shared_wait(self, rule: str, key: str, cost: int) -> float | None:
        """What the shared store says; None where there is none, or none that answers."""
        if not self._is_shared():
            return None
        try:
            return await self._asked(rule, key, cost)
        except NO_ANSWER as error:
            self._paused_until = self._clock() + PAUSE_SECONDS
            self._metrics.shared_limits_missed.inc()
            log.warning("limits.shared_store_unavailable", reason=unreachable.why(error).cause)
            return None

    async def _asked(self, rule: str, key: str, cost: int) -> float:
        """What the shared store says. Raises one of NO_ANSWER."""
        async with asyncio.timeout(SHARED_SECONDS):
            return _wait(await self._shared[rule].limit(key, cost))


def _redis(address: str) -> RedisStore:
    try:
        return RedisStore(server=address)
    except ImportError:
        raise SettingsError("limits.shared: needs its driver: pip install 'gatepost[redis]'") from None


def _wait(result: RateLimitResult) -> float:
    return max(result.state.retry_after, 0.001) if result.limited else 0.0


def _in_memory(name: str, rate: str) -> Throttled:
    store = MemoryStore(options={"MAX_SIZE": MAX_KEYS})
    return Throttled(key_prefix=_prefix(name), using=GCRA, quota=_quota(rate), store=store, timeout=-1)


def _in_common(name: str, rate: str, store: RedisStore) -> SharedThrottled:
    return SharedThrottled(key_prefix=_prefix(name), using=GCRA, quota=_quota(rate), store=store, timeout=-1)


def _prefix(name: str) -> str:
    return f"gatepost:{name}"


def _quota(rate: str) -> Quota:
    count, _, period = rate.partition("/")
    return _PERIODS[period](int(count), burst=int(count))
