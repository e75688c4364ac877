"""Jobs run for ever: each failure makes the next pause longer, health hears of it, and one success mends everything."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from service.background import LONGEST_PAUSE_SECONDS, Background, Job
from service.health import Health
from service.store.database import Database
from tests.harness import Hands


@dataclass
class Stage:
    """Drives a job turn by turn: its work does what the test says, its pauses end when the test says."""

    pauses: list[float] = field(default_factory=list)
    error: BaseException | None = None
    turns: int = 0
    _paused: asyncio.Event = field(default_factory=asyncio.Event)
    _go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def work(self) -> None:
        """The job."""
        self.turns += 1
        if self.error is not None:
            raise self.error

    async def pause(self, seconds: float) -> None:
        """Notes how long, and waits for the test."""
        self.pauses.append(seconds)
        self._paused.set()
        await self._go_on.wait()
        self._go_on.clear()

    async def turn(self, error: BaseException | None = None) -> float:
        """One more turn that ends with `error`; the pause after it."""
        self.error = error
        self._paused.clear()
        self._go_on.set()
        await self._paused.wait()
        return self.pauses[-1]

    async def first(self) -> float:
        """The pause after the first turn."""
        await self._paused.wait()
        return self.pauses[-1]


@pytest.fixture
def stage() -> Stage:
    """What a test drives."""
    return Stage()


@pytest.fixture
async def background(stage: Stage) -> AsyncIterator[Background]:
    """Jobs that pause as the stage says."""
    running = Background(pause=stage.pause)
    yield running
    await running.stop()


async def test_a_job_runs_at_once_and_then_at_its_own_pace(stage: Stage, background: Background) -> None:
    background.start(Job("sweep", stage.work, every_seconds=10, is_vital=True))
    assert await stage.first() == 10
    assert [await stage.turn() for _ in range(3)] == [10, 10, 10]
    assert stage.turns == 4


async def test_each_failure_doubles_the_pause_up_to_the_longest(stage: Stage, background: Background) -> None:
    background.start(Job("sweep", stage.work, every_seconds=10, is_vital=True))
    await stage.first()
    pauses = [await stage.turn(OSError()) for _ in range(8)]
    assert pauses == [20, 40, 80, 160, LONGEST_PAUSE_SECONDS, *[LONGEST_PAUSE_SECONDS] * 3]
    assert await stage.turn() == 10


async def test_a_job_slower_than_the_longest_pause_keeps_its_pace_when_it_fails(
    stage: Stage, background: Background
) -> None:
    background.start(Job("sweep", stage.work, every_seconds=LONGEST_PAUSE_SECONDS * 2, is_vital=True))
    await stage.first()
    assert await stage.turn(OSError()) == LONGEST_PAUSE_SECONDS * 2


async def test_a_job_is_sick_after_so_many_failures_in_a_row_and_well_after_one_success(
    stage: Stage, background: Background
) -> None:
    background.start(Job("sweep", stage.work, every_seconds=10, is_vital=True, sick_after=3))
    await stage.first()
    seen = []
    for error in (OSError(), OSError(), None, OSError(), OSError(), OSError(), OSError(), None):
        await stage.turn(error)
        seen.append(background.healthy()["sweep"])
    assert seen == [True, True, True, True, True, False, False, True]


async def test_a_job_that_has_ended_is_not_well(background: Background) -> None:
    ended = asyncio.Event()

    async def gives_up() -> None:
        ended.set()
        raise asyncio.CancelledError

    background.start(Job("sweep", gives_up, every_seconds=10, is_vital=True))
    await ended.wait()
    await asyncio.sleep(0)
    assert background.healthy() == {"sweep": False}


async def test_one_sick_job_leaves_the_others_alone(stage: Stage, background: Background) -> None:
    other = Stage()
    background.start(Job("well", other.work, every_seconds=10, is_vital=True))
    background.start(Job("sick", stage.work, every_seconds=10, is_vital=True, sick_after=1))
    stage.error = OSError()
    await stage.first()
    assert background.healthy() == {"well": True, "sick": False}
    assert other.turns == 1


async def test_stopping_ends_jobs_at_work_and_jobs_at_rest(stage: Stage) -> None:
    background, started, ended = Background(pause=stage.pause), asyncio.Event(), asyncio.Event()

    async def long() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    background.start(Job("at work", long, every_seconds=10, is_vital=True))
    background.start(Job("at rest", stage.work, every_seconds=10, is_vital=True))
    await started.wait()
    await stage.first()
    await background.stop()
    assert ended.is_set()
    assert background.healthy() == {}


async def test_readiness_fails_while_a_job_is_sick(stage: Stage, background: Background, database: Database) -> None:
    health = Health(database, background, {}, clock=Hands())
    background.start(Job("sweep", stage.work, every_seconds=10, is_vital=True, sick_after=1))
    await stage.first()
    await stage.turn(OSError())
    assert {check.name: check.status for check in await health.checks()} == {
        "process:draining": "pass",
        "store:write": "pass",
        "job:sweep": "fail",
    }
    await stage.turn()
    assert {check.status for check in await health.checks()} == {"pass"}
