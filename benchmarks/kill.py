"""Kills the service again and again under concurrent writers, then counts: `python -m benchmarks.kill`.

The people are those of `tests/faults`: readers who submit with an Idempotency-Key and ask again until they are
answered, moderators who decide, both going on after each `kill -9` and restart. At the end the store is compared with
what they were told. Prints what was lost, doubled or out of order; ends with status 1 if anything was.

    --kills 50 --writers 64
    --engine postgres           on a PostgreSQL server of its own (from the wheel of the tests)
    --url postgresql://...      on an empty PostgreSQL database
"""

import argparse
import asyncio
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from typer import echo

from tests.faults.crowd import Crowd, audit
from tests.faults.own_postgres import own_postgres
from tests.faults.process import Service
from tests.rows import rows_of

FEWEST, MOST = 20, 400
"""Submissions acknowledged between two kills, by chance: a kill meets logs that are full and logs that are empty."""


def main() -> None:
    """Run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--writers", type=int, default=64)
    parser.add_argument("--engine", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--url", default="")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=".", prefix="benchmark-") as name:
        folder = Path(name).absolute()
        with _store(asked, folder) as url:
            wrong = asyncio.run(_kill(Service(folder, url), kills=asked.kills, writers=asked.writers))
    sys.exit(1 if wrong else 0)


@contextmanager
def _store(asked: argparse.Namespace, folder: Path) -> Iterator[str]:
    if asked.url:
        yield asked.url
    elif asked.engine == "postgres":
        with own_postgres() as server:
            yield server.url
    else:
        yield f"sqlite:///{folder}/killed.db"


async def _kill(service: Service, *, kills: int, writers: int) -> list[str]:
    starts: list[float] = []
    await service.start()
    async with Crowd([service], readers=writers) as crowd:
        for number in range(1, kills + 1):
            await crowd.told_more(random.randint(FEWEST, MOST))  # noqa: S311  # no secret
            crowd.service_is_down()
            await service.end(signal.SIGKILL)
            started = time.perf_counter()
            await service.start()
            starts.append(time.perf_counter() - started)
            crowd.service_is_up()
            if number % 10 == 0:
                echo(f"{number} kills, {len(crowd.told.submissions)} submissions acknowledged")
        await crowd.told_more(FEWEST)
        await crowd.go_home()
    await service.end(signal.SIGTERM)
    with rows_of(service.url) as rows:
        wrong = audit(crowd.told, rows)
    told = crowd.told
    echo(
        f"\n{kills} kills under {writers} writers: {len(told.submissions)} submissions and {len(told.decisions)} "
        f"decisions acknowledged, {told.retried} requests sent again, {told.replayed} old keys replayed\n"
        f"start after a kill: median {median(starts):.2f} s, longest {max(starts):.2f} s\n"
        f"lost, doubled, out of order: {len(wrong)}"
    )
    for line in wrong[:20]:
        echo(f"  {line}")
    return wrong


if __name__ == "__main__":
    main()
