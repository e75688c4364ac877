"""How many durable, authenticated submissions a second, and what one costs: `python -m benchmarks.submissions`.

The whole service with its default settings (rate limits off: they would refuse the load): each submission goes through
verification, rendering, the idempotency row, the record of decisions, the event and a synced commit. Beside it, in
turns in the same run: texts with emphasis and a bare link ("marked"), a site with 64 rules and ten lists of 2,000 words
("ruled"), one commit for each write, commits that are not synced, and another commit of this project (`--against`).
Medians and ratios are what to look at; figures of two machines, or of one machine on two days, say nothing about each
other.

    --rounds 3 --count 6000     how often and how many
    --connections 64
    --against TREE              another checkout, with a `.venv` of its own: prose and marked texts there as well
    --engine postgres           on a PostgreSQL server of its own (from the wheel of the tests)
    --url postgresql://...      on an empty PostgreSQL database
    --endurance 20000           at the end so many in one go, by default settings; each counted in the store
    --folder .                  where the store goes: a real disk, or the syncs cost nothing
    --only prose,ruled          these kinds and no others
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from sqlalchemy import func, select
from typer import echo

from benchmarks import ruled
from benchmarks.driver import Task
from benchmarks.server import ROOT, Server
from service.model import system_clock
from service.store.database import Database, Transaction
from service.store.tables import comments, events, idempotency
from tests.faults.own_postgres import own_postgres

READERS = 640
WARM_UP = 640


PROSE, MARKED, ONE_EACH, NOT_SYNCED = "prose", "marked", "one commit each", "not synced"
RULED, RULED_MARKED = "ruled", "ruled marked"
PROSE_BEFORE, MARKED_BEFORE = "prose before", "marked before"


@dataclass(frozen=True)
class Program:
    """What is started, and what it is given."""

    module: str = "service"
    marked: bool = False
    tree: Path = ROOT
    ruled: bool = False


@dataclass
class Round:
    """One run against one server."""

    per_second: float
    cpu_microseconds: float
    p50: float
    p99: float


def main() -> None:
    """Run, print."""
    asked = _arguments()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir=asked.folder, prefix="benchmark-"))
        if asked.engine == "postgres":
            asked.url = stack.enter_context(own_postgres()).url
        kinds = _kinds(asked)
        found: dict[str, list[Round]] = {kind: [] for kind in kinds}
        for number in range(asked.rounds):
            for kind, program in kinds.items():
                place = Path(folder, f"{kind.replace(' ', '-')}-{number}")
                found[kind].append(_round(place, asked, program, name=f"{number}-{kind}"))
                _say(kind, found[kind][-1:])
        echo("\nmedians")
        for kind, rounds in found.items():
            _say(kind, rounds)
        _ratios(found)
        if asked.endurance:
            _endure(Path(folder, "endurance"), asked)


def drive(task: Task) -> dict[str, Any]:
    """Let a driver process work; what it saw."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.driver"],
        cwd=ROOT,
        input=json.dumps(asdict(task)).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def stored(url: str) -> tuple[int, int, int]:
    """How many comments, events and kept replies a store that no server uses now holds."""

    def count(tx: Transaction) -> tuple[int, int, int]:
        found = [
            tx.all(select(func.count().label("rows")).select_from(table))[0]["rows"]
            for table in (comments, events, idempotency)
        ]
        return found[0], found[1], found[2]

    async def ask() -> tuple[int, int, int]:
        database = await Database.open(url, clock=system_clock)
        try:
            return await database.read(count)
        finally:
            await database.close()

    return asyncio.run(ask())


def _kinds(asked: argparse.Namespace) -> dict[str, Program]:
    kinds = {PROSE: Program(), MARKED: Program(marked=True)}
    if not asked.url:  # rules stay in a store, and each run must begin with an empty one
        kinds |= {RULED: Program(ruled=True), RULED_MARKED: Program(marked=True, ruled=True)}
    if asked.against:
        tree = Path(asked.against).resolve()
        kinds |= {PROSE_BEFORE: Program(tree=tree), MARKED_BEFORE: Program(marked=True, tree=tree)}
    kinds[ONE_EACH] = Program("benchmarks.one_commit")
    if not asked.url:
        kinds[NOT_SYNCED] = Program("benchmarks.not_synced")
    only = asked.only.split(",") if asked.only else kinds
    return {kind: program for kind, program in kinds.items() if kind in only}


def _round(folder: Path, asked: argparse.Namespace, program: Program, *, name: str) -> Round:
    url = asked.url or f"sqlite:///{folder.resolve()}/gatepost.db"
    server = Server(folder, url, program.module, tree=program.tree)
    if program.ruled:
        folder.mkdir(parents=True, exist_ok=True)
        ruled.put(url)
    server.start()
    try:
        tokens = [server.token(f"reader {number}") for number in range(READERS)]
        drive(Task(server.port, tokens, WARM_UP, asked.connections, name=f"warm-{name}", marked=program.marked))
        before = server.cpu_seconds()
        seen = drive(Task(server.port, tokens, asked.count, asked.connections, name=name, marked=program.marked))
        spent = server.cpu_seconds() - before
    finally:
        server.stop()
    if seen["statuses"] != {"202": asked.count} or seen["broken"]:
        raise RuntimeError(f"not every submission was taken: {seen['statuses']}, {seen['broken']} broken connections")
    return Round(
        asked.count / seen["seconds"],
        spent / asked.count * 1e6,
        median(seen["milliseconds"]),
        quantiles(seen["milliseconds"], n=100)[98],
    )


def _endure(folder: Path, asked: argparse.Namespace) -> None:
    folder.mkdir()
    server = Server(folder, asked.url or f"sqlite:///{folder}/gatepost.db")
    before = stored(server.url)
    server.start()
    tokens = [server.token(f"reader {number}") for number in range(READERS)]
    seen = drive(Task(server.port, tokens, asked.endurance, asked.connections, name="endurance"))
    server.stop()
    held = [now - then for now, then in zip(stored(server.url), before, strict=True)]
    echo(
        f"\n{asked.endurance} at full speed: answers {seen['statuses']}, broken connections {seen['broken']}, "
        f"{asked.endurance / seen['seconds']:.0f}/s\n"
        f"stored: {held[0]} comments, {held[1]} events, {held[2]} kept replies"
    )


def _say(kind: str, rounds: list[Round]) -> None:
    echo(
        f"{kind:16} {median(one.per_second for one in rounds):7.0f}/s  "
        f"{median(one.cpu_microseconds for one in rounds):5.0f} µs CPU each  "
        f"p50 {median(one.p50 for one in rounds):6.1f} ms  p99 {median(one.p99 for one in rounds):6.1f} ms",
    )


def _ratios(found: dict[str, list[Round]]) -> None:
    speed = {kind: median(one.per_second for one in rounds) for kind, rounds in found.items()}
    cost = {kind: median(one.cpu_microseconds for one in rounds) for kind, rounds in found.items()}
    for first, second in [(PROSE, ONE_EACH), (PROSE, NOT_SYNCED), (RULED, PROSE), (RULED_MARKED, MARKED)]:
        if {first, second} <= speed.keys():
            echo(f"{first} / {second}, by speed: {speed[first] / speed[second]:.2f}")
    for first, second in [
        (MARKED, PROSE),
        (PROSE, RULED),
        (MARKED, RULED_MARKED),
        (PROSE, PROSE_BEFORE),
        (MARKED, MARKED_BEFORE),
    ]:
        if {first, second} <= cost.keys():
            echo(f"{first} / {second}, by processor time: {cost[first] / cost[second]:.2f}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--count", type=int, default=6000)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--against", default="")
    parser.add_argument("--engine", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--url", default="")
    parser.add_argument("--endurance", type=int, default=0)
    parser.add_argument("--folder", default=".")
    parser.add_argument("--only", default="")
    return parser.parse_args()


if __name__ == "__main__":
    main()
