"""What the service holds after a long time at a moderate pace: `python -m benchmarks.soak`.

A store with many posts, one service with its default settings behind a proxy, and a crowd (`crowd.py`) in a process of
its own: reads of every post in five formats, submissions that are decided about at once, live streams that come and go,
and odd requests, each from another address. Prints by minute what memory the service's process takes (proportional set
size), how much of that is anonymous, its open files, p50 and p99 of the reads, errors, the server's share of a
processor and the machine's load; at the end whether memory stays where it is. No memory is asked for by the
measurement itself: the kernel says it all (`smaps_rollup`).

    --minutes 40               how long
    --reads 240                a second, of --posts 20000, every second one of 200 that everybody reads
    --writes 30                submissions a second, each with a decision about it
    --odd 5 --streams 60       odd requests a second, open streams
    --engine postgres          on a PostgreSQL server of its own (from the wheel of the tests)
    --folder .                 where the store goes
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from typer import echo

from benchmarks import processes, seed
from benchmarks.crowd import Task
from benchmarks.server import ROOT, SITE, Server
from tests.faults.own_postgres import own_postgres

COMMENTS, COMMENTS_OF_MANY = 3, 30
"""On each post before it begins, and on every hundredth."""
PEOPLE, MODERATORS = 20_000, 10
FLAT, MOST_MEBIBYTES, SLOWER = 1.03, 200.0, 1.3
HEADINGS = "minute    PSS  anonymous  files  reads/s   p50 ms   p99 ms  errors   cpu  load"


@dataclass(frozen=True)
class Line:
    """One minute. Memory in MiB, as it is at its end."""

    pss: float
    anonymous: float
    files: int
    milliseconds: list[float]
    errors: Counter[str]
    processors: float
    load: float

    def show(self, number: int) -> str:
        """A row of the table under HEADINGS."""
        times = self.milliseconds
        return (
            f"{number:6} {self.pss:6.1f} {self.anonymous:10.1f} {self.files:6} {len(times) / 60:8.1f} "
            f"{median(times):8.2f} {p99(times):8.2f} {self.errors.total():7} {self.processors:5.2f} {self.load:5.2f}"
        )


def main() -> None:
    """Fill, ask, print."""
    asked = _arguments()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=asked.folder, prefix="benchmark-")))
        is_shared = asked.engine == "postgres"
        url = stack.enter_context(own_postgres()).url if is_shared else f"sqlite:///{folder}/gatepost.db"
        many = {f"post-{n}": COMMENTS if n % 100 else COMMENTS_OF_MANY for n in range(asked.posts)}
        seed.fill(url, site=SITE, posts=many)
        server = Server(folder / "server", url, limits={}, server={"trusted_proxies": ["127.0.0.1/32"]})
        server.start()
        stack.callback(server.stop)
        pid = server.process.pid if server.process else 0
        first = processes.held_mebibytes(pid)
        echo(
            f"{asked.posts} posts; before the first request {first['Pss']:.1f} MiB, anonymous {first['Anonymous']:.1f}"
        )
        echo(HEADINGS)
        lines, statuses = [], Counter[str]()
        for line, seen in _lines(server, pid, _task(server, asked)):
            lines.append(line)
            statuses += seen
            echo(line.show(len(lines)))
    echo(f"answers: {dict(sorted(statuses.items()))}")
    if errors := sum((line.errors for line in lines), Counter[str]()):
        echo(f"errors: {dict(errors)}")
    for verdict in verdicts(lines):
        echo(verdict)


def verdicts(lines: list[Line]) -> Iterator[str]:
    """What was wanted, and whether it came so."""
    # Of a file that other programs map as well, the share that counts here changes as they come and go.
    settled = [line.anonymous for line in lines[19:] or lines[len(lines) // 2 :]]
    ratio = max(settled) / min(settled)
    yield _verdict(
        f"anonymous memory of the last {len(settled)} minutes: {ratio:.3f} of its least", FLAT, is_met=ratio <= FLAT
    )
    most = max(line.pss for line in lines)
    yield _verdict(f"most memory: {most:.1f} MiB", MOST_MEBIBYTES, is_met=most <= MOST_MEBIBYTES)
    first, last = (p99([one for line in few for one in line.milliseconds]) for few in (lines[:5], lines[-5:]))
    slower = last / first
    told = f"p99 of the first five minutes {first:.2f} ms, of the last {last:.2f} ms: {slower:.2f}"
    yield _verdict(told, SLOWER, is_met=slower <= SLOWER)


def _verdict(told: str, most: float, *, is_met: bool) -> str:
    return f"{told} (at most {most}: {'met' if is_met else 'NOT MET'})"


def p99(times: list[float]) -> float:
    """The 99th percentile."""
    return quantiles(times, n=100, method="inclusive")[98]


def _lines(server: Server, pid: int, task: Task) -> Iterator[tuple[Line, Counter[str]]]:
    with _crowd(task) as minutes:
        used = server.cpu_seconds()
        for said in minutes:
            seen, before, used = json.loads(said), used, server.cpu_seconds()
            held = processes.held_mebibytes(pid)
            yield (
                Line(
                    held["Pss"],
                    held["Anonymous"],
                    processes.open_files(pid),
                    seen["milliseconds"],
                    Counter(seen["errors"]),
                    (used - before) / 60,
                    os.getloadavg()[0],
                ),
                Counter(seen["statuses"]),
            )


@contextmanager
def _crowd(task: Task) -> Iterator[Iterator[bytes]]:
    command = [sys.executable, "-m", "benchmarks.crowd"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("no pipes")
        try:
            process.stdin.write(json.dumps(asdict(task)).encode() + b"\n")
            process.stdin.flush()
            yield iter(process.stdout)
        finally:
            process.terminate()


def _task(server: Server, asked: argparse.Namespace) -> Task:
    usual: dict[str, Any] = {"reads": asked.reads, "writes": asked.writes, "odd": asked.odd, "streams": asked.streams}
    tokens = [server.token(f"reader {number}") for number in range(PEOPLE)]
    moderators = [server.token(f"moderator {number}", roles=["moderator"]) for number in range(MODERATORS)]
    return Task(server.port, SITE, asked.minutes, posts=asked.posts, tokens=tokens, moderators=moderators, **usual)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=40)
    parser.add_argument("--reads", type=float, default=240)
    parser.add_argument("--writes", type=float, default=30)
    parser.add_argument("--odd", type=float, default=5)
    parser.add_argument("--streams", type=int, default=60)
    parser.add_argument("--posts", type=int, default=20_000)
    parser.add_argument("--engine", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--folder", default=".")
    return parser.parse_args()


if __name__ == "__main__":
    main()
