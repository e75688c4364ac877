"""Visitors who read, and some who submit among them, each as fast as it is answered: a process beside the server's.

`loads.py` starts it and hands it one JSON object (`Task`) on standard input; it prints one with what it saw, reads and
submissions apart. Plain sockets, requests made beforehand: it shares nothing with the server.
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from statistics import median, quantiles
from typing import Any

from benchmarks import driver

TURNS = 10_007
"""How many reads are drawn by chance before they come again in the same order."""


@dataclass
class Task:
    """What to ask for: one of `reads` (whole requests) each time, and every `every`th time a submission, if there are
    `tokens` to submit with. `name` makes a run's submissions its own. Beside them, on a connection of its own, one
    moderator who sends `decisions` (whole requests) in their order, `decisions_per_second` at most."""

    port: int
    reads: list[str]
    seconds: float
    connections: int = 64
    tokens: list[str] = field(default_factory=list)
    every: int = 20
    decisions: list[str] = field(default_factory=list)
    decisions_per_second: int = 50
    name: str = "run"
    host: str = "127.0.0.1"


@dataclass
class Kind:
    """What came of the reads, of the submissions, or of the decisions."""

    statuses: Counter[int] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """Its count, statuses and percentiles."""
        times = self.milliseconds
        several = len(times) > 1
        return {
            "requests": len(times),
            "statuses": dict(self.statuses),
            "p50": median(times) if several else 0.0,
            "p99": quantiles(times, n=100)[98] if several else 0.0,
        }


@dataclass
class Run:
    """Shared by all connections of one run."""

    asks: Iterator[tuple[Kind, bytes]]
    until: float
    broken: int = 0


class Visitor(asyncio.Protocol):
    """One kept-alive connection: the next request follows the last answer."""

    def __init__(self, run: Run, done: "asyncio.Future[None]") -> None:
        self._run = run
        self._done = done
        self._head = b""
        self._missing = 0
        self._kind: Kind
        self._sent_at = 0.0
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a TCP connection's
        self._ask()

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            self._missing = end + 4 + body_length(self._head[:end]) - len(self._head)
        if self._missing == 0:
            self._answered()

    def connection_lost(self, exc: BaseException | None) -> None:
        if not self._done.done():
            self._run.broken += 1
            self._done.set_result(None)

    def _answered(self) -> None:
        now = time.perf_counter()
        self._kind.statuses[int(self._head[9:12])] += 1
        self._kind.milliseconds.append((now - self._sent_at) * 1000)
        self._head = b""
        if now < self._run.until:
            self._ask()
            return
        self._done.set_result(None)
        self._transport.close()

    def _ask(self) -> None:
        self._kind, request = next(self._run.asks)
        self._sent_at = time.perf_counter()
        self._transport.write(request)


def body_length(head: bytes) -> int:
    """How long the body after this head of a reply is."""
    if head[9:12] in (b"304", b"204"):
        return 0
    start = head.lower().index(b"content-length:") + 15
    end = head.find(b"\r\n", start)
    return int(head[start : end if end > 0 else None])


def asks(task: Task, reads: Kind, submissions: Kind) -> Iterator[tuple[Kind, bytes]]:
    """Requests without end, each with the kind it belongs to."""
    chance = random.Random(task.name)  # noqa: S311  # no secret
    turns = [request.encode() for request in chance.choices(task.reads, k=TURNS)]
    writing = driver.Task(task.port, task.tokens, 0, name=task.name)
    for number in count(1):
        if task.tokens and number % task.every == 0:
            yield submissions, driver.request(writing, number // task.every)
        else:
            yield reads, turns[number % TURNS]


async def visit(task: Task) -> dict[str, Any]:
    """Ask until the time is over; what was seen."""
    reads, submissions, decisions, loop = Kind(), Kind(), Kind(), asyncio.get_running_loop()
    started = time.perf_counter()
    run = Run(asks(task, reads, submissions), started + task.seconds)
    finished = [loop.create_future() for _ in range(task.connections)]
    for done in finished:
        await loop.create_connection(lambda done=done: Visitor(run, done), task.host, task.port)  # type: ignore[misc]  # mypy has no type for a lambda's default
    await asyncio.gather(*finished, moderate(task, decisions, run.until))
    seconds = time.perf_counter() - started
    kinds = {"reads": reads.summary(), "submissions": submissions.summary(), "decisions": decisions.summary()}
    return {"seconds": seconds, "broken": run.broken, **kinds}


async def moderate(task: Task, decisions: Kind, until: float) -> None:
    """Decide, one after the other, until the time is over."""
    if not task.decisions:
        return
    reader, writer = await asyncio.open_connection(task.host, task.port)
    for request in task.decisions:
        if (sent_at := time.perf_counter()) > until:
            break
        writer.write(request.encode())
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(body_length(head))
        taken = time.perf_counter() - sent_at
        decisions.statuses[int(head[9:12])] += 1
        decisions.milliseconds.append(taken * 1000)
        await asyncio.sleep(1 / task.decisions_per_second - taken)
    writer.close()


def main() -> None:
    """Read a task, visit, report."""
    loop: Callable[[], asyncio.AbstractEventLoop] | None = None
    with suppress(ImportError):
        from uvloop import new_event_loop as loop
    given: dict[str, Any] = json.load(sys.stdin)
    with asyncio.Runner(loop_factory=loop) as runner:
        json.dump(runner.run(visit(Task(**given))), sys.stdout)


if __name__ == "__main__":
    main()
