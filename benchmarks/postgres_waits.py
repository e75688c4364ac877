"""What submissions wait for on PostgreSQL: `python -m benchmarks.postgres_waits`.

Starts a PostgreSQL server (from the wheel of the tests) and one service on it, or two, lets 64 readers submit, and
looks meanwhile at what the writer's connection does. "Waits for the service" is the share of time in which a
transaction has written and the server has nothing to do: the service has not sent the next statement yet. How often a
process goes to sleep for each submission says how often one waited for the other.

    --count 4000 --connections 64 --rounds 2
    --replicas 1                services that share the readers
    --folder .                  where the services' folders go
"""

import argparse
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Any

import psycopg
from typer import echo

from benchmarks import processes
from benchmarks.driver import Task
from benchmarks.server import Server
from benchmarks.submissions import READERS, WARM_UP, drive
from tests.faults.own_postgres import own_postgres

LOOK_EVERY_SECONDS = 0.02
_LOOK = """
    SELECT CASE wait_event WHEN 'ClientRead' THEN 'waits for the service' ELSE coalesce(wait_event, 'works') END
    FROM pg_stat_activity WHERE application_name = 'gatepost' AND backend_xid IS NOT NULL"""
_BACKENDS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'gatepost'"


def main() -> None:
    """Start, submit, look, print."""
    asked = _arguments()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=asked.folder, prefix="benchmark-")))
        url = stack.enter_context(own_postgres()).url
        first = Server(folder / "0", url)
        servers = [first, *(Server(folder / str(n), url, secret=first.secret) for n in range(1, asked.replicas))]
        for server in servers:
            server.start()
            stack.callback(server.stop)
        tokens = [first.token(f"reader {number}") for number in range(READERS)]
        share = (asked.count // asked.replicas, asked.connections // asked.replicas)
        _submit(servers, tokens, WARM_UP, share[1], "warm")
        for number in range(asked.rounds):
            _measure(url, servers, tokens, *share, f"round {number}")


def _measure(url: str, servers: list[Server], tokens: list[str], count: int, connections: int, name: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection, ThreadPoolExecutor(1) as other:
        services = [server.process.pid for server in servers if server.process is not None]
        backends = [int(row[0]) for row in connection.execute(_BACKENDS).fetchall()]
        ended = Event()
        seen = other.submit(_look, connection, ended)
        before = [(sum(map(processes.cpu_seconds, of)), sum(map(_sleeps, of))) for of in (services, backends)]
        started = time.perf_counter()
        _submit(servers, tokens, count, connections, name)
        taken, number = time.perf_counter() - started, count * len(servers)
        ended.set()
        echo(f"{name}: {number / taken:.0f}/s")
        for what, of, (cpu, sleeps) in zip(("service", "PostgreSQL"), (services, backends), before, strict=True):
            spent, slept = sum(map(processes.cpu_seconds, of)) - cpu, sum(map(_sleeps, of)) - sleeps
            echo(f"  {what:10} {spent / number * 1e6:5.0f} µs CPU each, sleeps {slept / number:.1f} times for each")
        for event, times in seen.result().most_common(5):
            echo(f"  {times / seen.result().total():5.0%} {event}")


def _look(connection: "psycopg.Connection[Any]", ended: Event) -> "Counter[str]":
    """How often the writers' connections were seen to wait for what."""
    seen: Counter[str] = Counter()
    while not ended.wait(LOOK_EVERY_SECONDS):
        seen.update(str(row[0]) for row in connection.execute(_LOOK).fetchall())
    return seen


def _submit(servers: list[Server], tokens: list[str], count: int, connections: int, name: str) -> None:
    tasks = [Task(server.port, tokens, count, connections, name=f"{name} {server.port}") for server in servers]
    with ThreadPoolExecutor(len(tasks)) as pool:
        for seen in pool.map(drive, tasks):
            if seen["statuses"] != {"202": count}:
                raise RuntimeError(f"not every submission was taken: {seen['statuses']}")


def _sleeps(pid: int) -> int:
    """How often the threads of a process have gone to sleep by themselves (proc(5), `voluntary_ctxt_switches`)."""
    lines = (
        line for each in Path(f"/proc/{pid}/task").iterdir() for line in (each / "status").read_text().splitlines()
    )
    return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--replicas", type=int, default=1)
    parser.add_argument("--folder", default=".")
    return parser.parse_args()


if __name__ == "__main__":
    main()
