"""How many turns of the event loop one call needs when nothing else happens: `python -m benchmarks.turns`.

Beside readers at full speed a turn takes milliseconds, and a call waits for as many turns as it needs. The service runs
here on asyncio's own loop, whose turns can be counted; who asks is a thread with a plain socket. A turn counts if
something ran in it between the request's first byte and the reply's last. Background jobs have turns too, so the least
of some calls is what a call needs.

    --calls 30
    --url postgresql://...      on an empty PostgreSQL database
"""

import argparse
import asyncio
import socket
import tempfile
from collections import Counter
from collections.abc import Callable
from typing import Any

from typer import echo

from benchmarks.driver import Task, request
from service import app, logs, settings
from service.model import system_clock
from tests.harness import configuration, token

WARM_UP = 5


class CountedLoop(asyncio.SelectorEventLoop):
    """Counts its turns: in each it runs what is ready, once."""

    turns = 0

    def _run_once(self) -> None:
        super()._run_once()  # type: ignore[misc]  # the loop's own, which asyncio keeps to itself
        self.turns += 1


def main() -> None:
    """Count, and print a line for each kind of call."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--calls", type=int, default=30)
    options.add_argument("--url", default="")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=CountedLoop) as runner:
        found = runner.run(_count(asked.url or f"sqlite:///{folder}/gatepost.db", asked.calls))
    for name, turns in found.items():
        echo(f"{name:12} {min(turns)} turns at least, {turns.most_common(1)[0][0]} mostly (of {turns.total()} calls)")


async def _count(url: str, calls: int) -> dict[str, Counter[int]]:
    wanted = settings.parse(configuration(url))
    logs.configure(wanted.log)
    running = await app.start(wanted, clock=system_clock)
    task = Task(int(running.address.rpartition(":")[2]), [token("ada", now=system_clock())], calls)
    page = f"GET /v1/sites/{task.site}/posts/post-0/comments?limit=1 HTTP/1.1\r\nHost: {task.host}\r\n\r\n".encode()
    kinds: dict[str, Callable[[int], bytes]] = {
        "a submission": lambda number: request(task, number),
        "a page": lambda number: page,
    }
    loop = asyncio.get_running_loop()
    try:
        return {name: await asyncio.to_thread(_ask, loop, task, asks, calls) for name, asks in kinds.items()}
    finally:
        await running.stop(drain_seconds=0)


def _ask(loop: Any, task: Task, asks: Callable[[int], bytes], calls: int) -> Counter[int]:
    """The turns that each call took, one after the other on one connection."""
    found: Counter[int] = Counter()
    with socket.create_connection((task.host, task.port)) as connection:
        for number in range(WARM_UP + calls):
            before = loop.turns
            connection.sendall(asks(number))
            _read_reply(connection)
            if number >= WARM_UP:
                found[loop.turns - before + 1] += 1  # the turn that sends the reply is not over yet
    return found


def _read_reply(connection: socket.socket) -> None:
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    while len(body) < int(lines[b"content-length"]):
        body += connection.recv(65536)


if __name__ == "__main__":
    main()
