"""Rate limits: how often one author or one address may ask. Counted in this process (throttled-py, GCRA)."""

from throttled.asyncio import MemoryStore, RateLimiterType, Throttled, rate_limiter

from service.errors import SlowDown
from service.settings import Limits

MAX_KEYS = 100_000
"""Counted at once by one rule. throttled-py forgets the oldest beyond it."""
_PERIODS = {"second": rate_limiter.per_sec, "minute": rate_limiter.per_min, "hour": rate_limiter.per_hour}


class RateLimits:
    """The three rules of `[limits]`; none when they are switched off."""

    def __init__(self, settings: Limits) -> None:
        self._rules = (
            {
                name: _rule(name, getattr(settings, name))
                for name in ("submit_per_author", "submit_per_address", "read_per_address")
            }
            if settings.enabled
            else {}
        )

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
        throttled = self._rules.get(rule)
        if throttled is None:
            return
        result = await throttled.limit(key)
        if result.limited:
            raise SlowDown(retry_after_seconds=max(1, -int(-result.state.retry_after // 1)))


def _rule(name: str, rate: str) -> Throttled:
    count, _, period = rate.partition("/")
    return Throttled(
        key_prefix=name,
        using=RateLimiterType.GCRA.value,
        quota=_PERIODS[period](int(count), burst=int(count)),
        store=MemoryStore(options={"MAX_SIZE": MAX_KEYS}),
        timeout=-1,
    )
