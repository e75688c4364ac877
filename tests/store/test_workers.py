"""A pool of workers: who gets the next idle one."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from service.store.workers import Pool

T = TypeVar("T")


class Slow:
    """A worker whose answers come when the test says so."""

    def __init__(self) -> None:
        self.begun: list[tuple[asyncio.Future[Any], Any]] = []

    def start(self, work: Callable[[Any], T]) -> "asyncio.Future[T]":
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.begun.append((future, work(None)))
        return future

    def finish(self) -> None:
        future, answer = self.begun.pop()
        future.set_result(answer)

    def give_up(self) -> None:
        """Nothing hangs here."""

    async def close(self) -> None:
        """Nothing is open here."""


async def turns(number: int) -> None:
    """Let everything else run so many times."""
    for _ in range(number):
        await asyncio.sleep(0)


async def test_whoever_has_waited_longest_gets_the_worker_before_a_newcomer() -> None:
    worker = Slow()
    pool = Pool(lambda: worker, 1, seconds=60)
    served: list[str] = []

    async def ask(name: str) -> None:
        served.append(await pool.run(lambda _: name))

    callers = [asyncio.create_task(ask("first")), asyncio.create_task(ask("waits"))]
    await turns(3)
    newcomers = 0
    while len(served) < 2:  # each time that the worker becomes idle, somebody new asks in the same turn
        worker.finish()
        callers.append(asyncio.create_task(ask(f"newcomer {newcomers}")))
        newcomers += 1
        await turns(4)
        assert newcomers < 10, f"{served} were served, and one waits since the beginning"
    assert served[:2] == ["first", "waits"]
    for _ in range(newcomers):
        worker.finish()
        await turns(4)
    await asyncio.gather(*callers)
