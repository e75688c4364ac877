"""One who writes among 63 who read: `python -m benchmarks.among_readers`.

63 readers ask for pages of comments, each as fast as it is answered, so that the server is never idle. Among them, on a
connection of their own, one reader submits, or one moderator decides, or one moderator searches the queue. In turns
in one run: those one at a time alone, the readers alone, and both together. Prints p50 and p99 of each in milliseconds,
and ratios. The server has one processor for itself, those who ask have the others.

    --rounds 3 --seconds 4      how often each is measured, and how long
    --against TREE              another checkout with a `.venv` of its own, in turns with this one
    --folder .                  where the store goes: a real disk, or the syncs cost nothing
"""

import argparse
import asyncio
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import aiohttp
from typer import echo

from benchmarks import loads, processes, visitors
from benchmarks.server import ROOT, SITE, Server

READERS = 63
POSTS = [f"post-{number}" for number in range(20)]
COMMENTS = 20
"""On each post, approved."""
WAITING = 500
PAUSE_SECONDS = 0.01
"""Between an answer and the next request of the one among the readers."""

Act = Callable[[int], Awaitable[None]]


@dataclass
class Program:
    """One checkout's server, and what was seen of it: milliseconds by kind."""

    server: Server
    alone: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    among: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    readers: dict[str, list[loads.Seen]] = field(default_factory=lambda: defaultdict(list))


def main() -> None:
    """Fill, measure, print."""
    asked = _arguments()
    ours, others = processes.split_processors()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=asked.folder, prefix="benchmark-"))).resolve()
        trees = {"now": ROOT} | ({"before": Path(asked.against).resolve()} if asked.against else {})
        programs: dict[str, Program] = {}
        for name, tree in trees.items():
            server = Server(folder / name, f"sqlite:///{folder}/{name}/gatepost.db", tree=tree)
            with processes.on_processors(ours):
                server.start()
            stack.callback(server.stop)
            asyncio.run(_fill(server))
            programs[name] = Program(server)
        with processes.on_processors(others):
            for number in range(asked.rounds):
                for program in programs.values():
                    asyncio.run(_round(program, number, asked.seconds))
        for name, program in programs.items():
            _say(name, program)
        if asked.against:
            _compare(programs["now"], programs["before"])


async def _round(program: Program, number: int, seconds: float) -> None:
    async with _session(program.server) as session:
        acts = _acts(program.server, session, number)
        for kind, act in acts.items():
            program.alone[kind] += await _act(act, seconds, 0)
        program.readers["nobody"].append(await _read(program.server, seconds))
        for kind, act in acts.items():
            seen, times = await asyncio.gather(_read(program.server, seconds), _act(act, seconds, 10_000))
            program.readers[kind].append(seen)
            program.among[kind] += times


def _acts(server: Server, session: aiohttp.ClientSession, number: int) -> dict[str, Act]:
    """What one person does again and again; each call has a number of its own."""
    site = f"http://127.0.0.1:{server.port}/v1/sites/{SITE}"
    reader = {"Authorization": f"Bearer {server.token('one reader')}"}
    moderator = {"Authorization": f"Bearer {server.token('one moderator', roles=['moderator'])}"}
    decided: dict[str, Any] = {}

    async def call(method: str, path: str, status: int, **words: Any) -> Any:  # aiohttp's own
        async with session.request(method, f"{site}/{path}", **words) as answer:
            said = await answer.json()
            if answer.status != status:
                raise RuntimeError(str(said)[:1000])
            return said

    async def submit(turn: int) -> None:
        words = {"body": f"Run {number}, text {turn}: one writes while the others read."}
        await call("POST", "posts/written/comments", 202, json=words, headers=reader)

    async def decide(turn: int) -> None:
        if not decided:
            words = {"body": f"Run {number}, text {turn}: to be decided."}
            said = await call("POST", "posts/decided/comments", 202, json=words, headers=reader)
            decided.update(id=said["comment"]["id"], version=said["comment"]["version"], action="approve")
        words = {"action": decided["action"], "version": decided["version"]}
        said = await call("POST", f"comments/{decided['id']}/decisions", 201, json=words, headers=moderator)
        decided.update(
            version=said["comment"]["version"], action="reject" if decided["action"] == "approve" else "approve"
        )

    async def search(turn: int) -> None:
        await call("GET", "queue", 200, params={"q": f"number {turn % WAITING} of", "limit": "20"}, headers=moderator)

    return {"a submission": submit, "a decision": decide, "a search": search}


async def _act(act: Act, seconds: float, first: int) -> list[float]:
    """Milliseconds of each call, one after the other, in so many seconds."""
    times: list[float] = []
    until = time.perf_counter() + seconds
    for turn in count(first):
        began = time.perf_counter()
        if began > until:
            return times
        await act(turn)
        times.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(PAUSE_SECONDS)
    raise AssertionError


async def _read(server: Server, seconds: float) -> loads.Seen:
    """What the readers saw: a process of its own."""
    requests = [loads.request(f"/v1/sites/{SITE}/posts/{post}/comments", server.port, {}) for post in POSTS]
    task = visitors.Task(server.port, requests, seconds, READERS)
    before = server.cpu_seconds()
    seen = await asyncio.to_thread(loads.visit, task)
    spent = (server.cpu_seconds() - before) / seen.requests * 1e6
    return loads.Seen(seen.requests, seen.seconds, seen.p50, seen.p99, spent)


async def _fill(server: Server) -> None:
    """Submit and approve what is read, and submit what waits, over HTTP: another checkout may keep it otherwise."""
    site = f"http://127.0.0.1:{server.port}/v1/sites/{SITE}"
    moderator = {"Authorization": f"Bearer {server.token('filler', roles=['moderator'])}"}
    texts = [(post, f"Comment {number} on {post}", True) for post in POSTS for number in range(COMMENTS)]
    texts += [("waiting", f"This is number {number} of those that wait.", False) for number in range(WAITING)]

    async with _session(server) as session:

        async def write(number: int, post: str, words: str, approve: bool) -> None:
            reader = {"Authorization": f"Bearer {server.token(f'reader {number}')}"}
            async with session.post(f"{site}/posts/{post}/comments", json={"body": words}, headers=reader) as answer:
                comment = (await answer.json())["comment"]
            if approve:
                decision = {"action": "approve", "version": comment["version"]}
                address = f"{site}/comments/{comment['id']}/decisions"
                async with session.post(address, json=decision, headers=moderator) as answer:
                    answer.raise_for_status()

        await asyncio.gather(*(write(number, *text) for number, text in enumerate(texts)))


def _session(server: Server) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=16))


def _say(name: str, program: Program) -> None:
    echo(f"\n{name}")
    nobody = program.readers["nobody"]
    without = median(seen.p99 for seen in nobody)
    speed = median(seen.per_second for seen in nobody)
    echo(f"  readers alone            {speed:8.0f}/s  p50 {median(s.p50 for s in nobody):7.2f}  p99 {without:7.2f} ms")
    for kind, alone in program.alone.items():
        among, readers = program.among[kind], program.readers[kind]
        beside = median(seen.p99 for seen in readers)
        echo(f"  {kind:13} alone      {len(alone):6}    p50 {median(alone):7.2f}  p99 {_p99(alone):7.2f} ms")
        echo(f"  {kind:13} among them {len(among):6}    p50 {median(among):7.2f}  p99 {_p99(among):7.2f} ms")
        speed = median(seen.per_second for seen in readers)
        echo(f"    readers beside it      {speed:8.0f}/s  p99 {beside:7.2f} ms, {beside / without:.2f} of without it")


def _compare(now: Program, before: Program) -> None:
    echo("\nnow / before, p50 among readers")
    for kind, times in now.among.items():
        echo(f"  {kind:13} {median(times) / median(before.among[kind]):.2f}")


def _p99(times: list[float]) -> float:
    return quantiles(times, n=100, method="inclusive")[98] if len(times) > 1 else times[0]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--against", default="")
    parser.add_argument("--folder", default=".")
    return parser.parse_args()


if __name__ == "__main__":
    main()
