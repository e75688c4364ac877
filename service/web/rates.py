"""Counting against a rate, in this process or in a Redis: the generic cell rate algorithm (GCRA, ITU-T I.371).

For each key one time is kept: the moment at which everything counted so far is forgotten. Each thing that is counted
moves that moment on by one step, and it may be at most `count` steps ahead of now. Times are whole microseconds, so
that both places count exactly alike. What was counted can be given back; libraries for rate limits do not offer that.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

SECOND = 1_000_000
"""In microseconds, as all times here."""
PERIODS = {"second": SECOND, "minute": 60 * SECOND, "hour": 3600 * SECOND}
MAX_KEYS = 20_000
"""Keys of one rule that a process counts at once, at some 200 bytes each; the one that was counted longest ago is
forgotten first. With the default limits that is before its time only where more than 300 new ones come a second."""

SCRIPT = """
local step, count, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call("TIME")
local now = time[1] * 1000000 + time[2]
local forgotten_at = math.max(now, tonumber(redis.call("GET", KEYS[1]) or now)) + cost * step
local wait = forgotten_at - now - count * step
if wait > 0 then
    return wait
elseif forgotten_at <= now then
    redis.call("DEL", KEYS[1])
else
    redis.call("SET", KEYS[1], string.format("%.0f", forgotten_at), "PX", math.ceil((forgotten_at - now) / 1000))
end
return 0
"""
"""`LocalCount.count` in Lua, which Redis runs at once and as a whole."""


class CountingError(Exception):
    """Redis did not answer; why it did not is the cause."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many things in a period: all of them at once, and then one in each step."""

    count: int
    step: int

    @classmethod
    def read(cls, text: str) -> "Rate":
        """A rate as the settings write it: `10/minute`."""
        count, _, period = text.partition("/")
        return cls(int(count), max(1, PERIODS[period] // int(count)))


class LocalCount:
    """The counts of one rule in this process. `clock` gives seconds that only go forward."""

    def __init__(self, rate: Rate, *, clock: Callable[[], float], max_keys: int = MAX_KEYS) -> None:
        self._rate = rate
        self._clock = clock
        self._max_keys = max_keys
        self._forgotten_at: OrderedDict[str, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._forgotten_at)

    def count(self, key: str, cost: int) -> int:
        """Count `cost` things of `key`, and return 0; where they are too many, count nothing, and return the
        microseconds until they would not be. A negative `cost` gives back what was counted.
        """
        rate, now = self._rate, int(self._clock() * SECOND)
        forgotten_at = max(now, self._forgotten_at.get(key, now)) + cost * rate.step
        wait = forgotten_at - now - rate.count * rate.step
        if wait > 0:
            return wait
        self._forgotten_at.pop(key, None)  # so that it goes to the end, among the youngest
        if forgotten_at > now:
            self._forgotten_at[key] = forgotten_at
            self._drop_stale(now)
        return 0

    def _drop_stale(self, now: int) -> None:
        """Drop keys whose counts are forgotten by now, and the oldest ones where there are too many."""
        while self._forgotten_at:
            oldest = next(iter(self._forgotten_at))
            if len(self._forgotten_at) <= self._max_keys and self._forgotten_at[oldest] > now:
                return
            del self._forgotten_at[oldest]


class SharedCount:
    """The counts in a Redis or Valkey, which all replicas share. Raises ImportError without the driver."""

    def __init__(self, address: str) -> None:
        import redis.asyncio as driver  # an extra: most installations count in one process
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
        from redis.exceptions import RedisError

        self._faults = (RedisError, OSError)
        # No second try: whoever counts does not wait for one, and the next count is the next try.
        self._client: Any = driver.Redis.from_url(address, retry=Retry(NoBackoff(), 0))
        self._script = self._client.register_script(SCRIPT)

    async def count(self, rate: Rate, key: str, cost: int) -> int:
        """As `LocalCount.count`. Raises CountingError when Redis does not answer."""
        try:
            return int(await self._script(keys=[key], args=[rate.step, rate.count, cost]))
        except self._faults as error:
            raise CountingError from error

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose(close_connection_pool=True)
