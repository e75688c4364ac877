"""`python -m service serve` in a process of its own, to be killed, starved and started again. Used by the tests here
and by `benchmarks/kill.py`."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from service.model import system_clock
from tests.harness import AUDIENCE, ISSUER, SECRET, Person, token

ROOT = Path(__file__).parent.parent.parent
PATIENCE_SECONDS = 60
"""How long anybody here waits for what must come: only a broken service ever takes so long."""


@dataclass
class Service:
    """One configuration; one process at a time. `address` changes with every start."""

    folder: Path
    url: str
    database: Mapping[str, Any] = field(default_factory=dict)
    """More settings of `[database]`."""
    server: Mapping[str, Any] = field(default_factory=lambda: {"port": 0})
    """Settings of `[server]`."""
    site: str = ""
    """More tables of the site, as they stand in the file."""
    module: str = "service"
    """What is run: a program with the same command line."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """More of it than this process has."""
    address: str = ""
    process: asyncio.subprocess.Process | None = None
    complaints: list[bytes] = field(default_factory=list)
    """What it wrote to standard error and is no line of an ordinary request."""
    _listening: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it and wait until it listens."""
        config = self.folder / "gatepost.toml"
        config.write_text(self._configuration())
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GATEPOST_")}
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", self.module, "serve", "--config", str(config)),
            cwd=self.folder,
            env={**kept, "PYTHONPATH": str(ROOT), **self.environment},
            stderr=asyncio.subprocess.PIPE,
        )
        started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._listening = asyncio.create_task(self._listen(self.process, started))
        async with asyncio.timeout(PATIENCE_SECONDS):
            self.address = await started

    async def end(self, number: int) -> int:
        """Send a signal; the exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return await self.ended()

    async def ended(self) -> int:
        """Until it ends, by itself or by `end`; the exit status."""
        assert self.process is not None
        assert self._listening is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            status = await self.process.wait()
            await asyncio.wait([self._listening])
        self.process = None
        return status

    async def make_sure_it_ended(self) -> None:
        """For the end of a test, whatever happened in it."""
        if self.process is not None:
            await self.end(signal.SIGKILL)

    def person(self, session: aiohttp.ClientSession, name: str, **claims: Any) -> Person:
        """Somebody logged in at the blog, for as long as it runs."""
        return Person(session, {"Authorization": f"Bearer {token(name, now=system_clock(), **claims)}"})

    async def _listen(self, process: asyncio.subprocess.Process, started: "asyncio.Future[str]") -> None:
        """Read its log to the end, so that it never waits for us."""
        assert process.stderr is not None
        async for line in process.stderr:
            event = json.loads(line)["event"] if line.startswith(b"{") else ""
            if event == "service.started":
                started.set_result(json.loads(line)["address"])
            elif event != "request":
                self.complaints.append(line)
        if not started.done():
            started.set_exception(RuntimeError(b"".join(self.complaints).decode()))

    def _configuration(self) -> str:
        return f"""
[server]
drain_seconds = 0
{_lines(self.server)}
[database]
url = {json.dumps(self.url)}
{_lines(self.database)}
[limits]
enabled = false
[sites.blog]
name = "A blog"
[[sites.blog.login]]
kind = "jwt"
algorithms = ["HS256"]
secret = {json.dumps(SECRET)}
issuer = {json.dumps(ISSUER)}
audience = {json.dumps(AUDIENCE)}
{self.site}
"""


def _lines(settings: Mapping[str, Any]) -> str:
    return "\n".join(f"{name} = {json.dumps(value)}" for name, value in settings.items())
