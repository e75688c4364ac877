"""Many readers who submit comments as fast as they are answered: a process beside the server's, on plain sockets.

`submissions.py` and `kill.py` start it and hand it one JSON object (`Task`) on standard input; it prints one with what
it saw. It shares nothing with the server: no interpreter, no HTTP library, no event loop.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

PROSE = (
    "the gate was open and nobody had seen who came through it before the morning train left for the coast with "
    "letters papers and a hundred small things that people send when they think of each other "
)


@dataclass
class Task:
    """What to submit. Request `n` is by `tokens[n % len]`, on post `n % posts`, with a text and a key of its own."""

    port: int
    tokens: list[str]
    count: int
    connections: int = 64
    posts: int = 200
    name: str = "run"
    marked: bool = False
    host: str = "127.0.0.1"
    site: str = "blog"


@dataclass
class Seen:
    """What came of it."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    broken: int = 0
    milliseconds: list[float] = field(default_factory=list)


def request(task: Task, number: int) -> bytes:
    """The bytes of one submission: some 230 characters of prose, or (`marked`) with emphasis and a link in it."""
    turned = number % len(PROSE)
    prose = f"A {PROSE[turned:]}{PROSE[:turned]}".rstrip()
    where = f"*really*, see https://blog.example/{number}" if task.marked else "really"
    body = f"{prose[:90]}, {where}. And {prose[90:]}: {task.name} {number}."
    content = json.dumps({"body": body, "post": {"title": f"Post {number % task.posts}"}}).encode()
    head = (
        f"POST /v1/sites/{task.site}/posts/post-{number % task.posts}/comments HTTP/1.1\r\n"
        f"Host: {task.host}:{task.port}\r\n"
        f"Authorization: Bearer {task.tokens[number % len(task.tokens)]}\r\n"
        f"Idempotency-Key: {task.name}-{number}\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


class Reader(asyncio.Protocol):
    """One kept-alive connection: the next request follows the last answer."""

    def __init__(self, requests: Iterator[bytes], seen: Seen, done: "asyncio.Future[None]") -> None:
        self._requests = requests
        self._seen = seen
        self._done = done
        self._received = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a TCP connection's
        self._ask()

    def data_received(self, data: bytes) -> None:
        received = self._received + data
        head_end = received.find(b"\r\n\r\n")
        if head_end < 0 or len(received) < head_end + 4 + _content_length(received[:head_end]):
            self._received = received
            return
        self._received = b""
        self._seen.statuses[int(received[9:12])] += 1
        self._seen.milliseconds.append((time.perf_counter() - self._sent_at) * 1000)
        self._ask()

    def connection_lost(self, exc: BaseException | None) -> None:
        if not self._done.done():
            self._seen.broken += 1
            self._done.set_result(None)

    def _ask(self) -> None:
        following = next(self._requests, None)
        if following is None:
            self._done.set_result(None)
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(following)


def _content_length(head: bytes) -> int:
    start = head.lower().find(b"content-length:") + 15
    return int(head[start : head.find(b"\r\n", start) if b"\r\n" in head[start:] else None])


async def drive(task: Task) -> Seen:
    """Send them all, each connection its share."""
    prepared = [request(task, number) for number in range(task.count)]
    seen, loop = Seen(), asyncio.get_running_loop()
    waiting = iter(prepared)
    finished = [loop.create_future() for _ in range(task.connections)]
    started = time.perf_counter()
    for done in finished:
        await loop.create_connection(lambda done=done: Reader(waiting, seen, done), task.host, task.port)  # type: ignore[misc]  # mypy has no type for a lambda's default
    await asyncio.gather(*finished)
    seen.seconds = time.perf_counter() - started
    return seen


def main() -> None:
    """Read a task, drive, report."""
    loop: Callable[[], asyncio.AbstractEventLoop] | None = None
    with suppress(ImportError):
        from uvloop import new_event_loop as loop
    given: dict[str, Any] = json.load(sys.stdin)
    with asyncio.Runner(loop_factory=loop) as runner:
        seen = runner.run(drive(Task(**given)))
    json.dump({**asdict(seen), "statuses": dict(seen.statuses)}, sys.stdout)


if __name__ == "__main__":
    main()
