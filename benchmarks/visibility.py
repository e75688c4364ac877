"""How long after a decision on one replica another one shows it: `python -m benchmarks.visibility`.

Two services in processes of their own on one PostgreSQL, which the script starts. A moderator approves a comment on the
first; from the moment of the reply a reader asks the second until the comment is there. The promise is one second.

    --decisions 300
    --url postgresql://...      on an empty PostgreSQL database
"""

import argparse
import asyncio
import tempfile
import time
from contextlib import AsyncExitStack, nullcontext
from pathlib import Path
from statistics import median, quantiles

import aiohttp
from typer import echo

from tests.faults.own_postgres import own_postgres
from tests.faults.process import Service
from tests.harness import Person


def main() -> None:
    """Run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--decisions", type=int, default=300)
    parser.add_argument("--url", default="")
    asked = parser.parse_args()
    with nullcontext() if asked.url else own_postgres() as server:
        asyncio.run(_measure(server.url if server else asked.url, asked.decisions))


async def _measure(url: str, decisions: int) -> None:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sessions = []
        for name in ("here", "there"):
            (folder / name).mkdir()
            service = Service(folder / name, url)
            await service.start()
            stack.push_async_callback(service.make_sure_it_ended)
            sessions.append(await stack.enter_async_context(aiohttp.ClientSession(service.address)))
        here, there = sessions
        reader, moderator = service.person(here, "ada"), service.person(here, "mo", roles=["moderator"])
        own = [await _delay(reader, moderator, Person(here), number) for number in range(decisions)]
        other = [await _delay(reader, moderator, Person(there), number + decisions) for number in range(decisions)]
    _say("on the same replica", own)
    _say("on the other replica", other)


async def _delay(reader: Person, moderator: Person, visitor: Person, number: int) -> float:
    """Seconds from the reply to a decision to the beginning of the first read that shows it."""
    path = f"posts/post-{number % 20}/comments?view=flat&sort=newest"
    await visitor.get(path)  # so that whatever may be kept in memory is
    comment = (await reader.submit(f"Text {number}", post=f"post-{number % 20}")).json["comment"]
    decided = await moderator.decide(comment["id"], "approve", 1)
    if decided.status != 201:
        raise RuntimeError(decided.json)
    start = time.perf_counter()
    while True:
        asked = time.perf_counter()
        if any(one["id"] == comment["id"] for one in (await visitor.get(path)).json["comments"]):
            return asked - start


def _say(where: str, delays: list[float]) -> None:
    milliseconds = [delay * 1000 for delay in delays]
    echo(
        f"{where:20} {len(delays)} decisions, visible after: median {median(milliseconds):.1f} ms, "
        f"p99 {quantiles(milliseconds, n=100)[98]:.1f} ms, longest {max(milliseconds):.1f} ms"
    )


if __name__ == "__main__":
    main()
