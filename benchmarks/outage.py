"""Takes PostgreSQL away for a whole minute under concurrent writers: `python -m benchmarks.outage`.

The people are those of `tests/faults`: they ask again until they are answered. Prints how soon readiness said so, how
soon it was ready again, and what was lost, doubled or out of order at the end (status 1 if anything was).

    --seconds 60 --writers 16
"""

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
from typer import echo

from tests.faults.crowd import Crowd, audit
from tests.faults.own_postgres import OwnPostgres, own_postgres
from tests.faults.process import Service
from tests.rows import rows_of

BETWEEN = 200
"""Submissions acknowledged before the outage, and after it."""
LOOK_SECONDS = 0.1


def main() -> None:
    """Run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--writers", type=int, default=16)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=".", prefix="benchmark-") as name, own_postgres() as postgres:
        service = Service(Path(name).absolute(), postgres.url)
        wrong = asyncio.run(_outage(service, postgres, seconds=asked.seconds, writers=asked.writers))
    sys.exit(1 if wrong else 0)


async def _outage(service: Service, postgres: OwnPostgres, *, seconds: float, writers: int) -> list[str]:
    await service.start()
    try:
        async with Crowd([service], readers=writers) as crowd:
            await crowd.told_more(BETWEEN)
            gone = time.monotonic()
            await asyncio.to_thread(postgres.stop)
            red = await _until(service, 503) - gone
            await asyncio.sleep(max(0.0, seconds - (time.monotonic() - gone)))
            await asyncio.to_thread(postgres.start)
            back = time.monotonic()
            green = await _until(service, 200) - back
            await crowd.told_more(BETWEEN)
            await crowd.go_home()
        status = await service.end(signal.SIGTERM)
    finally:
        await service.make_sure_it_ended()
    with rows_of(postgres.url) as rows:
        wrong = audit(crowd.told, rows)
    echo(f"gone for {back - gone:.1f} s: not ready after {red:.1f} s, ready again {green:.1f} s after its return")
    echo(f"ended with {status}; lost, doubled, out of order: {len(wrong)}")
    for line in wrong:
        echo(line)
    return wrong


async def _until(service: Service, status: int) -> float:
    """When readiness first says so."""
    async with aiohttp.ClientSession(service.address) as session:
        while True:
            async with session.get("/health/ready") as response:
                if response.status == status:
                    return time.monotonic()
            await asyncio.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    main()
