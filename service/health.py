"""Whether the service is ready for work. `/health/ready` asks; every check says what it found."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import structlog

from service.background import Background
from service.errors import StoreUnavailable
from service.model import Clock, Milliseconds
from service.store import probe
from service.store.database import Database

log = structlog.get_logger()
PROBE_SECONDS = 4.0
PROBE_PAUSE = 1_000
"""Milliseconds for which one probe answers everybody who asks."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. Only `fail` makes the service unready."""

    name: str
    status: Literal["pass", "warn", "fail"]
    output: str


class Reporting(Protocol):
    """A login, a webhook: what calls others and can say how that goes. It never makes the service unready."""

    def health(self) -> tuple[Literal["pass", "warn"], str]: ...


class Health:
    """Looks at the store, the jobs, whatever reports of itself, and whether the service is being stopped.

    `unbelieved` says which peers act as proxies and are not configured as such.
    """

    def __init__(
        self,
        database: Database,
        background: Background,
        reporting: Mapping[str, Reporting],
        *,
        clock: Clock,
        unbelieved: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._unbelieved = unbelieved
        self._database = database
        self._background = background
        self._reporting = reporting
        self._clock = clock
        self._probed_at: Milliseconds = 0
        self._probing: asyncio.Task[Check] | None = None
        self.draining = False

    def jobs(self) -> dict[str, bool]:
        """Whether each background job is well."""
        return self._background.healthy()

    async def checks(self) -> list[Check]:
        """Every check. The store is really written to, and opened at start only with the current schema."""
        jobs = self.jobs()
        return [
            Check("process:draining", "fail" if self.draining else "pass", "stopping" if self.draining else "serving"),
            await self._store(),
            *(
                Check(f"job:{name}", "pass", "well")
                if well
                else Check(f"job:{name}", "fail" if self._background.is_vital(name) else "warn", "keeps failing")
                for name, well in jobs.items()
            ),
            *(Check(name, *one.health()) for name, one in self._reporting.items()),
            *self._proxies(),
        ]

    def _proxies(self) -> Iterator[Check]:
        """A warning where a peer acts as a proxy and is not configured as one: all readers behind it share their
        limits."""
        if peers := self._unbelieved():
            text = f"{', '.join(peers)} sends X-Forwarded-For and is not in server.trusted_proxies"
            yield Check("proxy:untrusted", "warn", f"{text}: all readers behind it count as one")

    async def _store(self) -> Check:
        """What a test write to the store found. At most one a second is made, for everybody who asks meanwhile."""
        if self._probing is None or (self._probing.done() and abs(self._clock() - self._probed_at) >= PROBE_PAUSE):
            self._probed_at = self._clock()
            self._probing = asyncio.create_task(self._probe(), name="readiness probe")
        return await asyncio.shield(self._probing)

    async def _probe(self) -> Check:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await self._database.follow.write(probe.write)
        except TimeoutError:
            return Check("store:write", "fail", f"no answer within {PROBE_SECONDS:g} seconds")
        except StoreUnavailable as problem:
            return Check("store:write", "fail", problem.detail)
        except Exception as error:  # noqa: BLE001  # whatever it is, the store is not well
            log.error("health.probe_failed", error=type(error).__name__)
            return Check("store:write", "fail", type(error).__name__)
        return Check("store:write", "pass", "written")
