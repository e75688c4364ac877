"""What readers notice of moderators at work: `python -m benchmarks.beside`.

A store with many waiting comments, and one service; on PostgreSQL two replicas, and the submissions go to the second. A
reader opens a page of comments again and again and another one submits, each on a connection of their own; in turns
they are alone, beside moderators who search the queue for what is not there, and beside moderators who decide 500
comments with each call, all as fast as they are answered. The moderators are a process of their own. Prints p50 and p99
of each and the ratio to alone. The promise for pages is a p99 of at most twice that of alone.

    --waiting 20000             comments of 2,000 characters that a search goes through
    --searching 8 --deciding 6  moderators
    --rounds 5 --seconds 4      how often each is measured, and how long
    --engine postgres           on a PostgreSQL server of its own (from the wheel of the tests)
    --folder .                  where the store goes: a real disk, or the syncs cost nothing
"""

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import aiohttp
from typer import echo

from benchmarks import seed
from benchmarks.server import ROOT, SITE, Server
from service.auth.login import author_key
from service.model import Identity, Label, PostKey, Profile, SiteKey, SiteRules
from service.moderation import submissions
from service.moderation.submissions import Draft
from service.store import search_index, secrets
from service.store.database import Database
from service.text import render
from tests.faults.own_postgres import own_postgres

ALONE, SEARCHES, BULKS = "alone", "beside searches", "beside bulks"
PAUSE_SECONDS = 0.004
"""Between an answer and the next request: readers who wait for the server, not a load that fills it."""
BATCH = 500
LENGTH = 2000


def main() -> None:
    """Fill, measure, print. With `--load`: be the moderators."""
    if sys.argv[1:] == ["--load"]:
        asyncio.run(_moderate(json.loads(sys.stdin.readline())))
        return
    asked = _arguments()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=asked.folder, prefix="benchmark-")))
        is_shared = asked.engine == "postgres"
        url = stack.enter_context(own_postgres()).url if is_shared else f"sqlite:///{folder}/gatepost.db"
        ids = asyncio.run(_fill(url, asked.waiting, asked.rounds * asked.deciding * BATCH))
        here = Server(folder / "here", url)
        servers = [here, Server(folder / "there", url, secret=here.secret)] if is_shared else [here]
        for server in servers:
            server.start()
            stack.callback(server.stop)
        _measure(servers, (ids[start : start + BATCH] for start in range(0, len(ids), BATCH)), asked)


def _measure(servers: list[Server], ids: Iterator[list[str]], asked: argparse.Namespace) -> None:
    here, there = servers[0], servers[-1]
    seen: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for number in range(asked.rounds):
        loads: dict[str, dict[str, Any]] = {
            ALONE: {},
            SEARCHES: {"searching": asked.searching},
            BULKS: {"deciding": [next(ids) for _ in range(asked.deciding)]},
        }
        for kind, load in loads.items():
            with _moderators(here, load, asked.seconds) as calls:
                for what, times in asyncio.run(_readers(here, there, asked.seconds, f"{kind} {number}")).items():
                    seen[what][kind] += times
            if calls:
                seen["a moderator's call"][kind] += calls
    for what, kinds in seen.items():
        echo(f"\n{what}")
        alone = _p99(kinds[ALONE]) if ALONE in kinds else 0.0
        for kind, times in kinds.items():
            ratio = f", p99 {_p99(times) / alone:.2f} of alone" if alone and kind != ALONE else ""
            echo(f"  {kind:16} {len(times):6}  p50 {median(times):8.2f} ms  p99 {_p99(times):8.2f} ms{ratio}")


def _p99(times: list[float]) -> float:
    return quantiles(times, n=100, method="inclusive")[98] if len(times) > 1 else times[0]


async def _readers(here: Server, there: Server, seconds: float, name: str) -> dict[str, list[float]]:
    """Milliseconds of each page view and of each submission in so many seconds."""
    until = time.perf_counter() + seconds
    async with aiohttp.ClientSession() as session:

        async def view() -> list[float]:
            address = f"http://127.0.0.1:{here.port}/v1/sites/{SITE}/posts/quiet/comments"
            return [milliseconds async for milliseconds in _timed(until, lambda _: session.get(address), 200)]

        async def submit() -> list[float]:
            address = f"http://127.0.0.1:{there.port}/v1/sites/{SITE}/posts/other/comments"
            headers = {"Authorization": f"Bearer {there.token(f'reader {name}')}"}

            def call(number: int) -> Any:  # aiohttp's own context manager
                words = {"body": f"Text {number} of {name}, written while others are at work."}
                return session.post(address, json=words, headers=headers)

            return [milliseconds async for milliseconds in _timed(until, call, 202)]

        pages, submitted = await asyncio.gather(view(), submit())
    return {"a page of comments": pages, "a submission": submitted}


async def _timed(until: float, call: Any, expected: int) -> Any:
    for number in count():
        started = time.perf_counter()
        if started > until:
            return
        async with call(number) as answer:
            await answer.read()
            if answer.status != expected:
                raise RuntimeError(await answer.text())
        yield (time.perf_counter() - started) * 1000
        await asyncio.sleep(PAUSE_SECONDS)


@contextmanager
def _moderators(server: Server, load: dict[str, Any], seconds: float) -> Iterator[list[float]]:
    """The moderators, at work inside; afterwards, in what was given: how long each of their calls took."""
    calls: list[float] = []
    if not load:
        yield calls
        return
    task = {"searching": 0, "deciding": [], **load, "port": server.port, "seconds": seconds}
    command = [sys.executable, "-m", "benchmarks.beside", "--load"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("no pipes")
        process.stdin.write(json.dumps({**task, "token": server.token("mo", roles=["moderator"])}).encode() + b"\n")
        process.stdin.flush()
        process.stdout.readline()  # they have begun
        yield calls
        calls += json.loads(process.stdout.readline())


async def _moderate(task: dict[str, Any]) -> None:
    """Search and decide until the time is over; print how long each call took."""
    until = time.perf_counter() + task["seconds"]
    site = f"http://127.0.0.1:{task['port']}/v1/sites/{SITE}"
    calls: list[float] = []
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {task['token']}"}) as session:

        async def search(number: int) -> None:
            words = seed.WORDS
            for turn in count():
                if time.perf_counter() > until:
                    return
                looked_for = f"{words[number]} {words[turn % len(words)]} and what nobody wrote"
                await call("GET", f"{site}/queue", params={"q": looked_for, "limit": "20"})

        async def decide(ids: list[str]) -> None:
            for version in count(1):
                if time.perf_counter() > until:
                    return
                action = "approve" if version % 2 else "reject"
                chosen = [{"comment_id": one, "action": action, "version": version} for one in ids]
                await call("POST", f"{site}/decisions", json={"decisions": chosen})

        async def call(method: str, address: str, **words: Any) -> None:  # aiohttp's own
            started = time.perf_counter()
            async with session.request(method, address, **words) as answer:
                said = await answer.json()
                if answer.status != 200 or any("problem" in one for one in said.get("results", [])):
                    raise RuntimeError(str(said)[:1000])
            calls.append((time.perf_counter() - started) * 1000)

        sys.stdout.write("begun\n")
        sys.stdout.flush()
        await asyncio.gather(*(search(n) for n in range(task["searching"])), *(decide(ids) for ids in task["deciding"]))
    sys.stdout.write(json.dumps(calls) + "\n")


async def _fill(url: str, waiting: int, to_decide: int) -> list[str]:
    """Write the comments that are searched, those that are decided (their ids), and a page that readers open."""
    times = count(seed.BEGINNING, 1000)
    chance = random.Random("beside")  # noqa: S311  # no secret
    database = await Database.open(url, clock=lambda: next(times))
    try:
        key = await database.write(secrets.get_or_make, "author-key")
        sites = {kind: SiteRules(SiteKey(SITE), premoderate=kind) for kind in (True, False)}

        async def write(number: int, post: str, length: int, *, waits: bool) -> str:
            identity = Identity(SiteKey(SITE), "jwt", f"reader {number % 5000}", Profile(f"Reader {number % 5000}"))
            body = f"{number}: {' '.join(chance.choices(seed.WORDS, k=length // 5))}"[:length]
            draft = Draft(body, render.to_html(body), None, Label(f"Post {post}", None))
            author = author_key(key, identity)
            return (await database.write(submissions.submit, sites[waits], PostKey(post), author, identity, draft)).id

        async def write_all(amount: int, post: str, length: int, *, waits: bool) -> list[str]:
            ids: list[str] = []
            for start in range(0, amount, 500):
                slice_ = range(start, min(start + 500, amount))
                ids += await asyncio.gather(*(write(n, post.format(n % 200), length, waits=waits) for n in slice_))
            return ids

        await write_all(50, "quiet", 300, waits=False)
        await write_all(waiting, "post-{}", LENGTH, waits=True)
        ids = await write_all(to_decide, "busy-{}", 200, waits=True)
        await search_index.keep(database, "benchmark")  # else the service would make it while it is measured
        return ids
    finally:
        await database.close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--waiting", type=int, default=20_000)
    parser.add_argument("--searching", type=int, default=8)
    parser.add_argument("--deciding", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--engine", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--folder", default=".")
    return parser.parse_args()


if __name__ == "__main__":
    main()
