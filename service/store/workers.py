"""Threads that own a connection each, and pools of them. Nobody waits for a thread beyond a deadline.

A database may fall silent: it neither answers nor closes the connection, and a thread that waits for it waits for ever.
So the deadline is kept on the event loop. When it passes, the caller gets DeadlinePassed, the thread is given up, and
a new one takes its place. The engines make the workers; the threads are daemons, so the process can end without them.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class DeadlinePassed(Exception):  # noqa: N818  # a fact about the store, which `is_fault` makes an error of
    """The store gave no answer in time. What was asked for may have happened all the same."""


class Prompt(asyncio.Future[T]):
    """A future that calls `then` in the very turn of the event loop in which it is done; others do one turn later.

    Beside many readers a turn takes milliseconds, and whoever writes would wait for one more.
    """

    def __init__(self, then: "Callable[[asyncio.Future[T]], None]") -> None:
        super().__init__(loop=asyncio.get_running_loop())
        self._then = then

    def set_result(self, result: T) -> None:
        """Be done."""
        super().set_result(result)
        self._then(self)

    def set_exception(self, exception: type | BaseException) -> None:
        """Fail."""
        super().set_exception(exception)
        self._then(self)


class Worker(Protocol):
    """A thread with a connection of its own, which it makes when it is first used."""

    def start(self, work: Callable[[Any], T]) -> "asyncio.Future[T]":
        """Run `work` with the connection, after everything that was started before.

        It is left out if the future is done before its turn comes: then nobody waits for it any more.
        """
        ...

    def give_up(self) -> None:
        """Wake the thread if it hangs in the driver, and let it end. Nothing can be started any more."""
        ...

    async def close(self) -> None:
        """Let the thread finish what was started, and wait until the connection is closed."""
        ...


class Pool:
    """Workers that stand in for one another: a caller gets an idle one, or waits for its turn. Built by an engine."""

    def __init__(self, make: Callable[[], Worker], size: int, *, seconds: float) -> None:
        self._make = make
        self._seconds = seconds
        self._workers = {make() for _ in range(size)}
        self._idle = list(self._workers)
        self._free = asyncio.Semaphore(size)  # whoever waits longest is the next

    async def run(self, work: Callable[[Any], T]) -> T:
        """What `work` returns or raises. Raises DeadlinePassed when waiting and working together take too long."""
        deadline = asyncio.get_running_loop().time() + self._seconds
        worker = await self._next(deadline)
        answer = worker.start(work)
        expect(answer, deadline)
        answer.add_done_callback(lambda done: self._take_back(worker, done))
        return await asyncio.shield(answer)  # a caller who goes away does not make the worker idle

    async def close(self) -> None:
        """Close every worker."""
        await asyncio.gather(*(worker.close() for worker in self._workers))

    def give_up(self) -> None:
        """Give up every worker: for when closing takes too long."""
        for worker in self._workers:
            worker.give_up()

    async def _next(self, deadline: float) -> Worker:
        try:
            async with asyncio.timeout_at(deadline):
                await self._free.acquire()
        except TimeoutError:
            raise DeadlinePassed from None
        return self._idle.pop()

    def _take_back(self, worker: Worker, answer: "asyncio.Future[Any]") -> None:
        if not answer.cancelled() and isinstance(answer.exception(), DeadlinePassed):
            worker.give_up()
            self._workers.discard(worker)
            worker = self._make()
            self._workers.add(worker)
        self._idle.append(worker)
        self._free.release()


def expect(answer: "asyncio.Future[Any]", deadline: float) -> None:
    """Let `answer` fail with DeadlinePassed if it has not come by `deadline`, a time of the running loop's clock."""
    watch = asyncio.get_running_loop().call_at(deadline, _expire, answer)
    answer.add_done_callback(lambda _: watch.cancel())


def _expire(answer: "asyncio.Future[Any]") -> None:
    if not answer.done():
        answer.set_exception(DeadlinePassed())
