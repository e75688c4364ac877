"""`demo.run` as a process of its own: what it prints, which ports it takes, how it stops, what it leaves alone."""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from service import demo

START = """
import asyncio
from service import demo
asyncio.run(demo.run(host="127.0.0.1", port={}, blog_port={}, open_browser=False))
"""
LAST_LINE = b"Ctrl-C stops the demo."
ROOT = Path(__file__).resolve().parents[2]


@asynccontextmanager
async def demo_process(
    *, port: int = 0, blog_port: int = 0, **environment: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A demo in a process of its own, and what it has printed when it is ready."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", START.format(port, blog_port)),
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        printed = await process.stdout.readuntil(LAST_LINE)
        yield process, printed.decode()
    finally:
        if process.returncode is None:
            process.terminate()  # and not killed: it has a folder to remove
        await process.wait()


def is_there(path: str | Path) -> bool:
    """Whether there is such a file or folder."""
    return Path(path).exists()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
async def test_stops_cleanly_and_leaves_nothing(sign: signal.Signals) -> None:
    async with demo_process() as (process, printed):
        [folder] = re.findall(r"Its store +(\S+)", printed)
        assert is_there(folder)
        process.send_signal(sign)
        assert await process.wait() == 0
        assert not is_there(folder)


async def test_port_in_use_is_named_and_the_next_free_one_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with demo_process(port=port) as (_, printed):
            [instead] = re.findall(rf"Port {port} is in use: Gatepost is on (\d+) instead\.", printed)
            assert int(instead) > port
            assert f"Gatepost    http://127.0.0.1:{instead}" in printed


@pytest.mark.parametrize(
    ("host", "shown"),
    [("::1", "[::1]"), ("::", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("localhost", "localhost")],  # noqa: S104
)
async def test_listens_wherever_the_service_can(host: str, shown: str) -> None:
    if host.startswith("::") and not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    async with demo.started(host=host) as running, aiohttp.ClientSession() as session:
        for address, path in ((running.blog, "/"), (running.gatepost, "/health/ready")):
            assert address.rpartition(":")[0] == f"http://{shown}"
            async with session.get(f"{address}{path}") as answer:
                assert answer.status == 200


async def test_environment_of_a_real_service_is_left_alone(tmp_path: Path) -> None:
    real = tmp_path / "real.db"
    async with demo_process(GATEPOST_DATABASE__URL=f"sqlite:///{real}", GATEPOST_SITES__BLOG__NAME="My blog"):
        assert not is_there(real)
