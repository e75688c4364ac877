"""What a receiver of webhooks that takes nothing costs: `python -m benchmarks.webhooks`.

First submissions per second to the whole service, in turns in the same run: without a webhook, with one that takes
everything, and with ones that answer 500, or never. The ratios are what to look at. Then a receiver that is dead for
many events and comes back: rows and memory while it is dead, and whether it catches up in the order of the events.

    --rounds 3 --count 1500     how often and how many (0 rounds: only the dead receiver)
    --writers 32
    --events 100000             for how many events it is dead
"""

import argparse
import asyncio
import os
import resource
import signal
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

from aiohttp import web
from typer import echo

from service import settings as configuration
from service.metrics import Metrics
from service.model import POLICY, PostKey, SiteKey, system_clock
from service.outbound.client import Outbound
from service.store import deliveries, events, webhooks
from service.store.database import Database, Transaction
from service.webhooks import webhook as webhook_module
from service.webhooks.call import WebhookCall
from service.webhooks.webhook import Webhook
from tests.faults.crowd import Crowd
from tests.faults.process import Service

SITE, NAME = SiteKey("blog"), "build"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAAAA"  # noqa: S105  # of nobody
KINDS = ["no webhook", "takes all", "answers 500", "never answers"]
AT_ONCE = 1_000


class Receiver:
    """Answers as it is told, and remembers the numbers of what it took."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.taken: list[int] = []
        self.is_over = asyncio.Event()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """One call."""
        if self.kind == "never answers":
            await self.is_over.wait()
            return web.Response(status=504)
        event = await request.text()
        if self.kind == "answers 500":
            return web.Response(status=500)
        self.taken.append(int(event.partition('"seq":')[2].partition(",")[0].rstrip("}")))
        return web.Response(status=204)


@asynccontextmanager
async def _listening(receiver: Receiver) -> AsyncIterator[str]:
    runner = web.ServerRunner(web.Server(receiver.answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, shutdown_timeout=0.1)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    receiver.is_over.set()
    await runner.cleanup()


async def _submissions(folder: Path, kind: str, asked: argparse.Namespace) -> float:
    """How many a second."""
    folder.mkdir()  # noqa: ASYNC240  # nobody else runs yet
    async with _listening(Receiver(kind)) as url:
        webhook = f'[[sites.blog.webhooks]]\nname = "{NAME}"\nurl = "{url}"\nsecret_env = "HOOK_SECRET"\n'
        service = Service(
            folder,
            f"sqlite:///{folder}/store.db",
            site="" if kind == KINDS[0] else webhook,
            environment={"HOOK_SECRET": SECRET},
        )
        await service.start()
        async with Crowd([service], readers=asked.writers) as crowd:
            await crowd.told_more(asked.count // 5)
            began = time.perf_counter()
            await crowd.told_more(asked.count)
            taken = time.perf_counter() - began
            await crowd.go_home()
        await service.end(signal.SIGTERM)
    return float(asked.count / taken)


async def _outage(folder: Path, number: int) -> None:
    """Dead for so many events, then alive."""
    receiver = Receiver("answers 500")
    database = await Database.open(f"sqlite:///{folder}/outage.db", clock=system_clock)
    os.environ["HOOK_SECRET"] = SECRET
    async with _listening(receiver) as url, Outbound(Metrics()) as client:
        wanted = {"name": NAME, "url": url, "secret_env": "HOOK_SECRET"}
        site = configuration.parse({"sites": {SITE: {"name": "A blog", "webhooks": [wanted]}}}).sites[SITE]
        call = WebhookCall(site.webhooks[0], SITE, client, clock=system_clock)
        webhook = Webhook(call, site, database, holder="here", clock=system_clock, metrics=Metrics())
        await webhook.begin()
        job = asyncio.create_task(_work(webhook))
        before = _megabytes()
        for _ in range(number // AT_ONCE):
            await database.write(_happen)
        counted = await database.read(deliveries.page, SITE, NAME, state=None, limit=10_000, after=None)
        echo(f"dead for {number} events: {len(counted.items)} rows, {_megabytes() - before:.0f} MB more at the most")
        receiver.kind = "takes all"
        began = time.perf_counter()
        await database.write(_ask_now)
        while (await _standing(database)).seq < number:  # noqa: ASYNC110  # nobody says so
            await asyncio.sleep(0.5)
        seconds = time.perf_counter() - began
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
        await webhook.stop()
    early = max((seq - place - 1 for place, seq in enumerate(receiver.taken)), default=0)
    missing = set(range(1, number + 1)) - set(receiver.taken)
    echo(f"caught up in {seconds:.0f} s ({number / seconds:.0f} a second), {_megabytes() - before:.0f} MB more")
    echo(f"missing {len(missing)}, twice {len(receiver.taken) - number + len(missing)}, early by at most {early}")
    await database.close()


async def _work(webhook: Webhook) -> None:
    while True:
        await webhook.follow()
        await asyncio.sleep(0.02)


async def _standing(database: Database) -> webhooks.Standing:
    found = await database.read(webhooks.get, SITE, NAME)
    assert found is not None  # noqa: S101  # it has begun
    return found


def _ask_now(tx: Transaction) -> None:
    found = webhooks.get(tx, SITE, NAME)
    if found is not None:
        webhooks.resumed(tx, found)


def _happen(tx: Transaction) -> None:
    for _ in range(AT_ONCE):
        events.append(tx, SITE, "post.opened", POLICY, post=PostKey("a post"))


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def _run(asked: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(dir=".", prefix="benchmark-") as name:
        folder = Path(name).absolute()  # noqa: ASYNC240  # nobody else runs yet
        found: dict[str, list[float]] = {kind: [] for kind in KINDS}
        for number in range(asked.rounds):
            for kind in KINDS:
                found[kind].append(await _submissions(folder / f"{kind.replace(' ', '-')}-{number}", kind, asked))
        usual = median(found[KINDS[0]] or [0.0])
        for kind, rates in found.items() if asked.rounds else ():
            echo(f"{kind:14} {median(rates):7.0f} submissions a second, {median(rates) / usual:.2f} of those without")
        await _outage(folder, asked.events)


def main() -> None:
    """Run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--count", type=int, default=1_500)
    parser.add_argument("--writers", type=int, default=32)
    parser.add_argument("--events", type=int, default=100_000)
    webhook_module.LOOK_SECONDS = 1.0
    asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
