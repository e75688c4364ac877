"""Whether the last page of a post with 100,000 comments costs what the first does: `python -m benchmarks.long_thread`.

Fills two posts straight into a store: one where everything stands below a single root, one with many roots; both have
a chain of replies deeper than threads nest, and a tenth of their comments is gone. Then it reads the first, the middle
and the last page of every list, as the service does without a page in memory: one transaction each, in turns. Prints
medians, the ratios to the first page, and the plan of each statement.

    --comments 100000           on each post
    --limit 50                  comments on a page
    --rounds 200                how often each page is read
    --engine postgres           on a PostgreSQL server of its own (from the wheel of the tests)
    --url postgresql://...      on an empty PostgreSQL database
    --folder .                  where the store goes
"""

import argparse
import asyncio
import tempfile
import time
from contextlib import ExitStack
from random import sample
from statistics import median

import psycopg
from typer import echo

from service.model import PostKey, system_clock
from service.store.database import Database
from service.store.published import Position
from tests.faults.own_postgres import own_postgres
from tests.store import long_post
from tests.store.long_post import LISTS, Listing
from tests.store.plans import plans_of

SHAPES = {"one root": long_post.one_root, "many roots": long_post.many_roots}


def main() -> None:
    """Fill, read, print."""
    asked = _arguments()
    with ExitStack() as stack:
        if asked.engine == "postgres" and not asked.url:
            asked.url = stack.enter_context(own_postgres()).url
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir=asked.folder, prefix="benchmark-"))
        asyncio.run(_measure(asked.url or f"sqlite:///{folder}/gatepost.db", asked))


async def _measure(url: str, asked: argparse.Namespace) -> None:
    database = await Database.open(url, clock=system_clock, statement_seconds=60)
    try:
        for shape, parents in SHAPES.items():
            started = time.perf_counter()
            await database.write(long_post.fill, PostKey(shape), parents(asked.comments))
            echo(f"{asked.comments} comments, {shape}: filled in {time.perf_counter() - started:.1f} s")
        if url.startswith("postgres"):
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")  # as autovacuum does in time
        echo(f"\n{'median milliseconds of a page':34}  first  middle    last  middle/first  last/first")
        last: dict[str, Position | None] = {}
        for shape in SHAPES:
            for name, listing in LISTS.items():
                last[name] = await _compare(database, shape, name, listing, asked)
        echo("\nplans of the last page")
        for name, listing in LISTS.items():
            await _explain(database, name, listing, last[name], asked.limit)
    finally:
        await database.close()


async def _compare(
    database: Database, shape: str, name: str, listing: Listing, asked: argparse.Namespace
) -> Position | None:
    """Read the pages in turns; where the last one starts."""
    post = PostKey(shape)
    starts = await database.read(long_post.starts, post, listing, limit=asked.limit)
    milliseconds: dict[str, list[float]] = {page: [] for page in starts}
    for _ in range(asked.rounds):
        for page in sample(list(starts), len(starts)):  # else Python's garbage collection may meet one page each time
            started = time.perf_counter()
            found = await database.read(listing, post, asked.limit, starts[page])
            milliseconds[page].append((time.perf_counter() - started) * 1000)
            if len(found.items) != asked.limit:
                raise RuntimeError(f"the {page} page of {name!r} has {len(found.items)} comments")
    first, middle, last = (median(each) for each in milliseconds.values())
    echo(
        f"{shape + ': ' + name:34} {first:6.2f}  {middle:6.2f}  {last:6.2f}  "
        f"{middle / first:12.2f}  {last / first:10.2f}"
    )
    return starts["last"]


async def _explain(database: Database, name: str, listing: Listing, after: Position | None, limit: int) -> None:
    post = PostKey("many roots")
    for plan in await database.read(plans_of, lambda tx: listing(tx, post, limit, after)):
        echo(f"\n{name}\n    " + "\n    ".join(plan))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comments", type=int, default=100_000)
    parser.add_argument("--limit", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--engine", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--url", default="")
    parser.add_argument("--folder", default=".")
    return parser.parse_args()


if __name__ == "__main__":
    main()
