"""Rate limits: how often one author, one address or one site's readers may ask. `rates` does the counting.

Counted in this process, or for several replicas together in a Redis or Valkey (`limits.shared`). While that cannot be
asked each process counts for itself: a limit is there to help, so its store being down stops nobody.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable

import structlog

from service.errors import SlowDown
from service.metrics import Metrics
from service.outbound import unreachable
from service.outbound.unreachable import Why
from service.settings import Limits, SettingsError
from service.web.rates import MAX_KEYS, SECOND, CountingError, LocalCount, Rate, SharedCount

log = structlog.get_logger()
READS_AT_ONCE = 20
"""Reads of one address that are counted in one go, if that is at most a tenth of the limit."""
SHARED_SECONDS = 0.25
"""How long the shared store may take to answer."""
NO_ANSWER = (CountingError, TimeoutError)
PAUSE_SECONDS = 2.0
"""After it did not, it is left alone for so long."""
_RULES = (
    "submit_per_author",
    "submit_per_address",
    "submit_per_site",
    "read_per_address",
    "moderate_per_caller",
    "sign_in_per_address",
)


class RateLimits:
    """The rules of `[limits]`; none when they are switched off. Raises SettingsError without Redis's driver."""

    def __init__(self, settings: Limits, *, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._metrics = metrics
        self._clock = clock
        self._paused_until = 0.0
        self._is_enabled = settings.enabled
        self._reads_at_once = max(1, min(READS_AT_ONCE, int(settings.read_per_address.partition("/")[0]) // 10))
        self._reads_left: OrderedDict[str, int] = OrderedDict()
        written = {name: getattr(settings, name) for name in _RULES} if settings.enabled else {}
        self._rates = {name: Rate.read(rate) for name, rate in written.items() if rate is not None}
        self._here = {name: LocalCount(rate, clock=clock) for name, rate in self._rates.items()}
        self._together = _redis(settings.shared) if settings.enabled and settings.shared is not None else None

    async def close(self) -> None:
        """Close the connections to the shared store."""
        if self._together is not None:
            await self._together.close()

    async def shared_store_fault(self) -> Why | None:
        """Why the shared store does not answer; None where it does, or where there is none. Nothing is counted."""
        if self._together is None:
            return None
        try:
            await self._asked(self._together, "read_per_address", "nobody", 0)
        except NO_ANSWER as error:
            return unreachable.why(error)
        return None

    async def submit_by(self, site: str, author: str) -> None:
        """Count a text that an author sends to a site, a new one or an edit. Raises SlowDown.

        The author's limit comes first, so that an author who is over it uses up nothing of the site's limit.
        """
        await self._count("submit_per_author", f"{site}/{author}")
        try:
            await self._count("submit_per_site", site)
        except SlowDown:  # it is others who said too much
            await self._count_less("submit_per_author", f"{site}/{author}")
            raise

    async def take_back(self, site: str, author: str) -> None:
        """Undo `submit_by`: the text turned out to be there already (a retry, for example)."""
        await self._count_less("submit_per_author", f"{site}/{author}")
        await self._count_less("submit_per_site", site)

    async def submit_from(self, address: str) -> None:
        """Count a reader's write from an address. Raises SlowDown."""
        await self._count("submit_per_address", address)

    async def moderate_by(self, site: str, caller: str) -> None:
        """Count a moderators' call that somebody with a good credential makes. Raises SlowDown."""
        await self._count("moderate_per_caller", f"{site}/{caller}")

    async def sign_in_from(self, address: str) -> None:
        """Count an attempt to sign in at the desk from an address. Raises SlowDown."""
        await self._count("sign_in_per_address", address)

    async def read_from(self, address: str) -> None:
        """Count a read from an address. Raises SlowDown.

        Several reads are counted in one go, and the next reads of the address use them up: counting a read, in Redis at
        least, costs more than answering it from memory.
        """
        if self.read_at_once(address):
            return
        if self._is_shared() and await self._wait_for("read_per_address", address, self._reads_at_once) == 0:
            self._earn_reads(address)
        else:
            await self._count("read_per_address", address)

    def read_at_once(self, address: str) -> bool:
        """Count a read, where nothing has to be waited for. False: not counted; call `read_from`."""
        if not self._is_enabled:
            return True
        left = self._reads_left.get(address, 0)
        if left > 0:
            self._reads_left[address] = left - 1
            return True
        if self._is_shared() or self._here["read_per_address"].count(address, self._reads_at_once) > 0:
            return False
        self._earn_reads(address)
        return True

    def _earn_reads(self, address: str) -> None:
        """A batch of reads was counted for `address`: this read is one of them, the others are kept for later reads."""
        self._reads_left[address] = self._reads_left.get(address, 0) + self._reads_at_once - 1
        self._reads_left.move_to_end(address)
        if len(self._reads_left) > MAX_KEYS:
            self._reads_left.popitem(last=False)

    def _is_shared(self) -> bool:
        return self._together is not None and self._clock() >= self._paused_until

    async def _count(self, rule: str, key: str) -> None:
        if rule in self._rates and (wait := await self._wait_for(rule, key, 1)) > 0:
            raise SlowDown(retry_after_seconds=-(-wait // SECOND))

    async def _count_less(self, rule: str, key: str) -> None:
        if rule in self._rates:
            await self._wait_for(rule, key, -1)

    async def _wait_for(self, rule: str, key: str, cost: int) -> int:
        """Count so many and return 0, or count nothing and return the microseconds to wait, as `rates` does."""
        if self._together is not None and self._is_shared():
            try:
                return await self._asked(self._together, rule, key, cost)
            except NO_ANSWER as error:
                self._paused_until = self._clock() + PAUSE_SECONDS
                self._metrics.shared_limits_missed.inc()
                log.warning("limits.shared_store_unavailable", reason=unreachable.why(error).cause)
        return self._here[rule].count(key, cost)

    async def _asked(self, together: SharedCount, rule: str, key: str, cost: int) -> int:
        """What the shared store says. Raises one of NO_ANSWER."""
        async with asyncio.timeout(SHARED_SECONDS):
            return await together.count(self._rates[rule], f"gatepost:{rule}:{key}", cost)


def _redis(address: str) -> SharedCount:
    try:
        return SharedCount(address)
    except ImportError:
        raise SettingsError("limits.shared: needs its driver: pip install 'gatepost[redis]'") from None
