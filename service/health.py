"""Is the service ready for work? Asked by `/health/ready`; every check says what it saw."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from service.background import Background
from service.errors import StoreUnavailable
from service.store import probe
from service.store.database import Database

PROBE_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. Only `fail` makes the service unready."""

    name: str
    status: Literal["pass", "warn", "fail"]
    output: str


class ReportingLogin(Protocol):
    """A login that can say how it is."""

    name: str

    def health(self) -> tuple[Literal["pass", "warn"], str]: ...


class Health:
    """Looks at the store, the jobs, the logins (called `site/login`), and whether the service is being stopped."""

    def __init__(self, database: Database, background: Background, logins: Mapping[str, ReportingLogin]) -> None:
        self._database = database
        self._background = background
        self._logins = logins
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
                Check(f"job:{name}", "pass" if well else "fail", "well" if well else "keeps failing")
                for name, well in jobs.items()
            ),
            *(Check(f"login:{name}", *login.health()) for name, login in self._logins.items()),
        ]

    async def _store(self) -> Check:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await self._database.write(probe.write)
        except TimeoutError:
            return Check("store:write", "fail", f"no answer within {PROBE_SECONDS:g} seconds")
        except StoreUnavailable as problem:
            return Check("store:write", "fail", problem.detail)
        return Check("store:write", "pass", "written")
