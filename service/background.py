"""Runs jobs for ever: each at its own pace, backing off when it fails, telling health and metrics how it is."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

log = structlog.get_logger()
LONGEST_PAUSE_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do again and again. After `sick_after` failures in a row the job counts as sick.

    A job is vital where readers or moderators would get wrong or old answers while it is sick: then the service is not
    ready. Housekeeping is never vital.
    """

    name: str
    work: Callable[[], Awaitable[object]]
    every_seconds: float
    is_vital: bool
    sick_after: int = 3


class Background:
    """The running jobs of one service. `pause` waits that many seconds between two runs of a job."""

    def __init__(self, *, pause: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        self._pause = pause
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._failures: dict[str, int] = {}
        self._sick_after: dict[str, int] = {}
        self._vital: set[str] = set()

    def start(self, job: Job) -> None:
        """Run `job` until `stop`."""
        self._failures[job.name] = 0
        self._sick_after[job.name] = job.sick_after
        if job.is_vital:
            self._vital.add(job.name)
        self._tasks[job.name] = asyncio.create_task(self._run(job), name=job.name)

    async def stop(self) -> None:
        """End every job and wait until it has ended."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._tasks.clear()

    def is_vital(self, name: str) -> bool:
        """Whether the service is not ready while this job is sick."""
        return name in self._vital

    def healthy(self) -> dict[str, bool]:
        """Whether each job is well: still there, and not failing again and again."""
        return {
            name: not task.done() and self._failures[name] < self._sick_after[name]
            for name, task in self._tasks.items()
        }

    async def _run(self, job: Job) -> None:
        while True:
            try:
                await job.work()
            except Exception as error:  # noqa: BLE001  # a job survives whatever happens to it, and says so
                self._failures[job.name] += 1
                log.warning("job.failed", job=job.name, error=type(error).__name__, failures=self._failures[job.name])
            else:
                self._failures[job.name] = 0
            seconds = job.every_seconds * 2 ** min(self._failures[job.name], 8)
            await self._pause(min(seconds, max(LONGEST_PAUSE_SECONDS, job.every_seconds)))
