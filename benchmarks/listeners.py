"""What thousands of live streams cost: `python -m benchmarks.listeners`.

A service in a process of its own, so many listeners on one post in this one. Prints the server's memory before and
with them, what each takes, the processor time of a quiet minute, and how long after a decision the first and the last
of them have heard of it.

    --listeners 5000
"""

import argparse
import asyncio
import json
import resource
import tempfile
import time
from pathlib import Path
from statistics import median

import aiohttp
from typer import echo

from benchmarks.server import SITE, Server
from tests.harness import Person

AT_ONCE = 200
QUIET_SECONDS = 60
DECISIONS = 10


def main() -> None:
    """Run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listeners", type=int, default=5000)
    asked = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * asked.listeners + 500
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, most), most))  # the server inherits it
    with tempfile.TemporaryDirectory() as folder:
        most_connections = {"max_connections": wanted, "max_connections_per_address": wanted}
        server = Server(Path(folder), f"sqlite:///{folder}/gatepost.db", server=most_connections)
        server.start()
        try:
            asyncio.run(_measure(server, asked.listeners))
        finally:
            server.stop()


async def _measure(server: Server, count: int) -> None:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session:
        await _decide(server, session, "Warm-up")
        before = _resident_bytes(server)
        ears = []
        for _ in range(0, count, AT_ONCE):
            ears += await asyncio.gather(*(_listen(server.port) for _ in range(AT_ONCE)))
        held = _resident_bytes(server)
        echo(f"{len(ears)} listeners: {before / 2**20:.1f} MiB before, {held / 2**20:.1f} MiB with them, ")
        echo(f"  {(held - before) / len(ears) / 1024:.1f} KiB each")
        used = server.cpu_seconds()
        await asyncio.sleep(QUIET_SECONDS)
        echo(f"  processor time of {QUIET_SECONDS} quiet seconds: {server.cpu_seconds() - used:.2f} s")
        await _tell(server, session, ears)
        echo(f"  {_resident_bytes(server) / 2**20:.1f} MiB in the end")
        for _, writer in ears:
            writer.close()


async def _tell(server: Server, session: aiohttp.ClientSession, ears: list["Ear"]) -> None:
    """How long after a decision was sent its first and its last listener had it."""
    first, last = [], []
    for number in range(DECISIONS):
        hearing = [asyncio.create_task(_hear(reader)) for reader, _ in ears]
        await asyncio.sleep(0)
        started = await _decide(server, session, f"Text {number}")
        times = [moment - started for moment in await asyncio.gather(*hearing)]
        first.append(min(times))
        last.append(max(times))
    echo(
        f"  {DECISIONS} decisions: the first heard it after {median(first) * 1000:.1f} ms, "
        f"the last after {median(last) * 1000:.1f} ms (medians; this process reads them one after the other)"
    )


Ear = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _listen(port: int) -> Ear:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4096)
    writer.write(f"GET /v1/sites/{SITE}/posts/post/events HTTP/1.1\r\nHost: gatepost\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    await reader.readuntil(b"\n\n")
    return reader, writer


async def _hear(reader: asyncio.StreamReader) -> float:
    while not (await reader.readline()).startswith(b"event: "):
        pass
    return time.perf_counter()


async def _decide(server: Server, session: aiohttp.ClientSession, text: str) -> float:
    """Publish a comment; when the decision was sent."""
    ada = Person(session, {"Authorization": f"Bearer {server.token(f'reader of {text}')}"}, SITE)
    mo = Person(session, {"Authorization": f"Bearer {server.token('mo', roles=['moderator'])}"}, SITE)
    submitted = await ada.submit(text)
    if submitted.status != 202:
        raise RuntimeError(json.dumps(submitted.json))
    started = time.perf_counter()
    await mo.decide(submitted.json["comment"]["id"], "approve", 1)
    return started


def _resident_bytes(server: Server) -> int:
    if server.process is None:
        raise RuntimeError("not started")
    pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


if __name__ == "__main__":
    main()
