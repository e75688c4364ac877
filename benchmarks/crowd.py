"""A blog's public at a steady pace, for as long as wanted: a process beside the server's, on plain sockets.

`soak.py` starts it and hands it one JSON object (`Task`) on standard input; after every minute it prints one with what
it saw in that minute (`Minute`). Readers open pages in five formats, others submit comments which moderators decide
about, live streams come and go, and some ask for what is odd or broken. Each request comes from another address, as
through a proxy. A request that is late is sent at once; what was missed is not made up for.
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from benchmarks import driver, seed
from benchmarks.visitors import body_length

FORMATS = (
    ("comments", ""),
    ("comments", "Accept-Encoding: gzip\r\n"),
    ("comments", "Accept-Encoding: gzip, br\r\n"),
    ("comments.html", "Accept-Encoding: gzip, br\r\n"),
    ("comments.atom", "Accept-Encoding: gzip\r\n"),
)
POPULAR = 200
"""Every second read is of one of so many posts, the others are of any."""
VISIT = 50
"""Reads on one connection before it is closed."""
READERS, WRITERS, STRANGERS = 24, 6, 3
"""How many take turns at asking."""
STREAM_SECONDS = (5.0, 90.0)
PATIENCE_SECONDS = 30.0
BROKEN = (OSError, asyncio.IncompleteReadError, TimeoutError)


@dataclass
class Task:
    """What to ask for: `reads`, `writes` (a submission and the decision about it) and `odd` requests a second."""

    port: int
    site: str
    minutes: int
    reads: float
    writes: float
    odd: float
    streams: int
    posts: int
    tokens: list[str]
    moderators: list[str]


@dataclass
class Minute:
    """What came of it. `errors` are connections that broke and answers that nobody wants to see."""

    statuses: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)
    """Of each read, from when it was sent to the last byte of the answer."""


class Line:
    """A connection that is kept for so many requests, and opened when it is needed."""

    def __init__(self, port: int, requests: int) -> None:
        self._port = port
        self._requests = requests
        self._left = 0
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """The status and the body. Raises what is BROKEN."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            if self._left == 0:
                self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
                self._left = self._requests
            self._left -= 1
            try:
                self._writer.write(request)
                head = await self._reader.readuntil(b"\r\n\r\n")
                body = await self._reader.readexactly(body_length(head))
            except BROKEN:
                self._left = 0
                raise
            finally:
                if self._left == 0:
                    self._writer.close()
        return int(head[9:12]), body


class Crowd:
    """Everybody who asks."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._chance = random.Random("crowd")  # noqa: S311  # no secret
        self._numbers = count()
        self._oddities = self._odd()
        self.minute = Minute()

    async def run(self) -> None:
        """Ask until cancelled."""
        task = self._task
        async with asyncio.TaskGroup() as group:
            for kind, people, rate in (
                (self._reader, READERS, task.reads),
                (self._writer, WRITERS, task.writes),
                (self._stranger, STRANGERS, task.odd),
            ):
                for _ in range(people if rate else 0):
                    group.create_task(self._again_and_again(kind(), people / rate))
            for _ in range(task.streams):
                group.create_task(self._again_and_again(self._listen, 0.0))

    async def _again_and_again(self, act: Callable[[], Awaitable[None]], seconds: float) -> None:
        due = time.perf_counter() + self._chance.random() * max(seconds, 1.0)
        while True:
            await asyncio.sleep(due - time.perf_counter())
            due = max(due + seconds, time.perf_counter())
            try:
                await act()
            except BROKEN as error:
                self.minute.errors[f"broken: {error!r}"[:100]] += 1

    def _reader(self) -> Callable[[], Awaitable[None]]:
        line = Line(self._task.port, VISIT)

        async def read() -> None:
            kind, headers = self._chance.choice(FORMATS)
            request = self._get(f"posts/post-{self._post()}/{kind}", headers)
            started = time.perf_counter()
            status, _ = await line.ask(request)
            self.minute.milliseconds.append((time.perf_counter() - started) * 1000)
            self._saw("read", status, 200)

        return read

    def _writer(self) -> Callable[[], Awaitable[None]]:
        line, task = Line(self._task.port, VISIT), self._task
        writing = driver.Task(task.port, task.tokens, 0, posts=task.posts, name="soak", site=task.site)

        async def write() -> None:
            number = next(self._numbers)
            asked = driver.request(writing, number * 7 + self._chance.randrange(7))
            status, body = await line.ask(asked.replace(b"\r\n", f"\r\n{self._address()}".encode(), 1))
            self._saw("submission", status, 202)
            if status == 202:
                action = self._chance.choice(("approve", "approve", "approve", "reject", "spam"))
                words = {"action": action, "version": 1}
                path = f"comments/{json.loads(body)['comment']['id']}/decisions"
                status, _ = await line.ask(self._post_json(path, self._chance.choice(task.moderators), words))
                self._saw("decision", status, 201)

        return write

    async def _listen(self) -> None:
        """A stream that is open for a while; half of them go without a word, half come back where they were."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._task.port)
        back = "Last-Event-ID: 1\r\n" if self._chance.random() < 0.5 else ""
        writer.write(self._get(f"posts/post-{self._chance.randrange(POPULAR)}/events", back))
        with suppress(TimeoutError):
            async with asyncio.timeout(self._chance.uniform(*STREAM_SECONDS)):
                head = await reader.readuntil(b"\r\n\r\n")
                self._saw("stream", int(head[9:12]), 200)
                while await reader.read(65_536):
                    pass
        if self._chance.random() < 0.5:
            writer.transport.abort()
        else:
            writer.close()

    def _stranger(self) -> Callable[[], Awaitable[None]]:
        async def ask() -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._task.port)
            request, waits = next(self._oddities)
            writer.write(request)
            if waits:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    answer = await reader.read()
                status = int(answer[9:12] or 0)
                self._saw("odd", status, *range(200, 500))
            writer.close()

        return ask

    def _odd(self) -> Iterator[tuple[bytes, bool]]:
        """Requests that are rare, wrong or broken, and whether there is an answer to wait for."""
        chance, end = self._chance, "Connection: close\r\n"
        for number in count():
            post, one, other = self._post(), chance.choice(seed.WORDS), chance.choice(seed.WORDS)
            some = "&".join(f"post=post-{self._post()}" for _ in range(chance.randint(1, 50)))
            yield self._get(f"posts/nobody-wrote-{number}/comments", end), True
            yield self._get(f"counts?{some}", end), True
            yield self._get(f"comments?limit={chance.randint(1, 100)}", end), True
            yield self._get(f"posts/post-{post}/comments?limit={chance.randint(1, 100)}&sort=newest", end), True
            yield self._get(f"posts/post-{post}/comments?view=flat&x={number}", end), True
            yield self._get(f"posts/post-{post}/comments", f"If-None-Match: *\r\n{end}"), True
            yield self._get(f"posts/post-{post}/comments", f"Accept: text/html;q=0.{number}\r\n{end}"), True
            yield self._get(f"posts/post-{post}/comments", f"Accept-Encoding: gzip;q=0.{number}\r\n{end}"), True
            yield self._get(f"posts/post-{post}/comments", end).replace(b"GET", b"HEAD", 1), True
            yield self._get("nothing/here", end), True
            yield self._get("posts", f"Authorization: Bearer {chance.choice(self._task.tokens)[:-9]}\r\n{end}"), True
            moderator = f"Authorization: Bearer {chance.choice(self._task.moderators)}\r\n"
            yield self._get(f"queue?q={one}+{other}", moderator + end), True
            yield self._get(f"queue?limit={chance.randint(1, 100)}", moderator + end), True
            token = chance.choice(self._task.tokens)
            path = f"posts/post-{post}/comments"
            yield self._post_json(path, token[:-9] + "wrong-one", {"body": one}, end), True
            yield self._post_json(path, token, {"body": "", "more": one}, end), True
            yield self._post_json(path, token, {"body": one * 20_000}, end), True
            yield f"GET /metrics HTTP/1.1\r\nHost: odd\r\n{end}\r\n".encode(), True
            yield b"GET / HTTP/9.9\r\n\r\n", True
            yield self._get(f"posts/post-{post}/comments", end)[:-20], False

    def _saw(self, kind: str, status: int, *expected: int) -> None:
        self.minute.statuses[f"{kind} {status}"] += 1
        if status not in expected:
            self.minute.errors[f"{kind} {status}"] += 1

    def _post(self) -> int:
        return self._chance.randrange(self._chance.choice((min(POPULAR, self._task.posts), self._task.posts)))

    def _address(self) -> str:
        number = self._chance.randrange(2**18)
        return f"X-Forwarded-For: 100.{64 + (number >> 16)}.{number >> 8 & 255}.{number & 255}\r\n"

    def _get(self, path: str, headers: str) -> bytes:
        head = f"GET /v1/sites/{self._task.site}/{path} HTTP/1.1\r\nHost: 127.0.0.1:{self._task.port}\r\n"
        return f"{head}{self._address()}{headers}\r\n".encode()

    def _post_json(self, path: str, token: str, words: dict[str, Any], headers: str = "") -> bytes:
        content = json.dumps(words).encode()
        sizes = f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        head = self._get(path, f"Authorization: Bearer {token}\r\n{sizes}{headers}")
        return head.replace(b"GET", b"POST", 1) + content


async def watch(task: Task) -> None:
    """Ask for so many minutes, and say after each what was seen."""
    crowd = Crowd(task)
    running = asyncio.create_task(crowd.run())
    for _ in range(task.minutes):
        await asyncio.wait([running], timeout=60)
        if running.done():
            running.result()
        seen, crowd.minute = crowd.minute, Minute()
        sys.stdout.write(json.dumps(vars(seen)) + "\n")
        sys.stdout.flush()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


def main() -> None:
    """Read a task, ask, report."""
    loop: Callable[[], asyncio.AbstractEventLoop] | None = None
    with suppress(ImportError):
        from uvloop import new_event_loop as loop
    given: dict[str, Any] = json.loads(sys.stdin.readline())
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(watch(Task(**given)))


if __name__ == "__main__":
    main()
