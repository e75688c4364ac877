"""What a read costs beside the least that aiohttp can do: `make bench`, or `python -m benchmarks.bench`.

The whole service as deployed (default settings, metrics, limits high enough that one address is not refused, log as
JSON) and a bare aiohttp program with the same bytes (`bare.py`) take turns, round by round. Then readers with and
without people who submit among them. Prints everything, and writes a table and a chart into a folder. Nothing is
asserted: what falls short is said.

    --quick               about a minute: see whether something is badly off
    --rounds 5 --seconds 3
    --connections 64
    --no-pinning          else the server has one processor for itself, and those who ask have the others
    --results FOLDER      where the table and the chart go (benchmarks/results)
    --folder .            where the store goes: a real disk
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from typer import echo

from benchmarks import bare, loads, processes, report, seed, starting, visitors
from benchmarks.loads import HOT_POST, LONG_POST, POSTS, Load, Seen
from benchmarks.report import Findings, Turn
from benchmarks.server import ROOT, SITE, START_SECONDS, Server, free_port

COMMENTS, LONG = 50, 1000
HIGHEST = "9999999/second"
LIMITS = {"submit_per_author": HIGHEST, "submit_per_address": HIGHEST, "read_per_address": HIGHEST}
READERS = 640
EVERY = 20
"""One request in so many is a submission."""
ATTEMPTS = 3
"""At a run in which nothing came back, on a machine that did something else meanwhile."""
QUICK = {"rounds": 3, "seconds": 1}


@dataclass(frozen=True)
class Programs:
    """What is measured: process and port of each."""

    service: Server
    bare_pid: int
    bare_port: int
    idle_memory: float
    """MiB of the service before anybody asked it for anything."""

    def pid(self, name: str) -> int:
        """The process of "service" or "bare"."""
        return _pid(self.service) if name == "service" else self.bare_pid

    def port(self, name: str) -> int:
        """The port of "service" or "bare"."""
        return self.service.port if name == "service" else self.bare_port


def main() -> None:
    """Run, print, write."""
    asked = _arguments()
    pinned = processes.split_processors() if asked.pinning else ([], [])
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(dir=asked.folder, prefix="benchmark-"))
        ).absolute()
        server = Server(folder, f"sqlite:///{folder}/gatepost.db", limits=LIMITS)
        began = time.perf_counter()
        seed.fill(server.url, site=SITE, posts={**dict.fromkeys(POSTS, COMMENTS), LONG_POST: LONG, HOT_POST: COMMENTS})
        echo(f"{len(POSTS)} posts with {COMMENTS} comments and one with {LONG}: {time.perf_counter() - began:.1f} s")
        with processes.on_processors(pinned[0]):
            start, libraries = starting.measure(server, rounds=3)
            programs = stack.enter_context(_running(server))
        found = Findings(report.circumstances(asked, pinned=bool(pinned[0])), start, libraries, programs.idle_memory)
        with processes.on_processors(pinned[1]):
            _measure(programs, found, asked)
        found.highest_memory = processes.memory_mebibytes(programs.pid("service"), field="VmHWM")
    echo(report.words(found))
    report.write(found, Path(asked.results), name="quick" if asked.quick else "bench")


def _measure(programs: Programs, found: Findings, asked: argparse.Namespace) -> None:
    etag = _fetch(programs.port("service"), Load("", POSTS[:1]).paths("service")[0], {}).headers["ETag"]
    everything = loads.loads(etag)
    for load in everything:
        found.replies[load] = _same(programs, load)
        for name in ("service", "bare"):
            loads.read(load, name, programs.port(name), seconds=1, connections=asked.connections)
    tokens = [programs.service.token(f"reader {number}") for number in range(READERS)]
    for number in range(asked.rounds):
        echo(f"\nround {number + 1}")
        for load in everything:
            turn = Turn(*(_read(programs, load, name, asked) for name in ("service", "bare")))
            found.reads.setdefault(load, []).append(turn)
            echo(report.turn(load.title, turn))
        submitting = _visitors(programs, POSTS, asked, tokens=tokens, name=f"round {number}")
        deciding = _visitors(programs, [HOT_POST], asked, decisions=_decisions(programs, number, asked))
        for title, task, turns in ((report.MIXED, submitting, found.mixed), (report.HOT, deciding, found.hot)):
            alone = replace(task, tokens=[], decisions=[])
            turns.append(Turn(*(_visit(programs, one) for one in (task, alone))))
            echo(report.turn(title, turns[-1], beside="reads alone"))
    for load in everything:  # nothing above may have changed what readers see
        _same(programs, load)


def _read(programs: Programs, load: Load, name: str, asked: argparse.Namespace) -> Seen:
    def read() -> Seen:
        return loads.read(load, name, programs.port(name), seconds=asked.seconds, connections=asked.connections)

    return _with_cost(programs.pid(name), read)


def _visitors(programs: Programs, posts: list[str], asked: argparse.Namespace, **more: Any) -> visitors.Task:
    port = programs.port("service")
    texts = [loads.request(path, port, {}) for path in Load("", posts).paths("service")]
    return visitors.Task(port, texts, asked.seconds, asked.connections, every=EVERY, **more)


def _decisions(programs: Programs, number: int, asked: argparse.Namespace) -> list[str]:
    """More than a moderator has time for, on a comment of the hot post that no other round decides about."""
    port, token = programs.port("service"), programs.service.token("moderator", roles=["moderator"])
    shown = json.loads(_fetch(port, Load("", [HOT_POST]).paths("service")[0], {}).body)["comments"]
    comment = shown[number % len(shown)]["id"]
    return loads.decisions(comment, port=port, token=token, count=asked.seconds * 100)


def _visit(programs: Programs, task: visitors.Task) -> Seen:
    return _with_cost(programs.pid("service"), lambda: loads.visit(task))


def _with_cost(pid: int, run: Callable[[], Seen]) -> Seen:
    for _ in range(ATTEMPTS):
        before = processes.cpu_seconds(pid)
        seen = run()
        spent = processes.cpu_seconds(pid) - before
        if seen.requests and spent:
            return replace(seen, cpu_microseconds=spent / seen.requests * 1e6)
    raise loads.WrongAnswerError("no answer in a whole run: other work leaves this machine no time")


@contextmanager
def _running(server: Server) -> Iterator[Programs]:
    """The service and the bare program, until the end."""
    with ExitStack() as stack:
        server.start()
        stack.callback(server.stop)
        idle_memory = processes.memory_mebibytes(_pid(server))
        port = free_port()
        process = subprocess.Popen(  # noqa: S603  # our own command
            [
                *(sys.executable, "-m", "benchmarks.bare", "--port", str(port), "--site", SITE),
                *("--service", f"http://127.0.0.1:{server.port}", *POSTS, LONG_POST),
            ],
            cwd=ROOT,
        )
        stack.callback(process.wait)
        stack.callback(process.terminate)
        patience = time.perf_counter() + START_SECONDS
        while not _listens(port):
            if process.poll() is not None or time.perf_counter() > patience:
                raise RuntimeError("the bare program did not start")
            time.sleep(0.05)
        yield Programs(server, process.pid, port, idle_memory)


def _pid(server: Server) -> int:
    if server.process is None:
        raise RuntimeError("the service does not run")
    return server.process.pid


def _listens(port: int) -> bool:
    try:
        _fetch(port, Load("", POSTS[:1]).paths("bare")[0], {})
    except OSError:
        return False
    return True


def _fetch(port: int, path: str, headers: Mapping[str, str]) -> bare.Kept:
    return bare.fetch(f"http://127.0.0.1:{port}{path}", headers)


def _same(programs: Programs, load: Load) -> bare.Kept:
    """What both programs answer. Raises WrongAnswerError where they differ."""
    here, beside = (_fetch(programs.port(name), load.paths(name)[-1], load.headers) for name in ("service", "bare"))
    if (here.status, here.body) != (beside.status, beside.body):
        raise loads.WrongAnswerError(f"{load.title}: the programs give different bytes")
    return here


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--no-pinning", dest="pinning", action="store_false")
    parser.add_argument("--results", default=str(Path(__file__).parent / "results"))
    parser.add_argument("--folder", default=".")
    asked = parser.parse_args()
    if asked.quick:
        parser.set_defaults(**QUICK)
        asked = parser.parse_args()
    return asked


if __name__ == "__main__":
    main()
