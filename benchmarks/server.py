"""A Gatepost in a process of its own, as a deployment runs it. Used by the benchmarks beside it."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import OctKey

from benchmarks import processes

ISSUER, AUDIENCE, SITE = "https://blog.example", "gatepost", "blog"
START_SECONDS = 30.0
STOP_SECONDS = 30.0
ROOT = Path(__file__).parent.parent
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {
    "PYTHONPYCACHEPREFIX": f"{tempfile.gettempdir()}/gatepost-benchmarks"
}
"""As in the image, everything is compiled before: compiling at the start took half of it, and 7 MiB for good."""


@dataclass
class Server:
    """One configuration, started and stopped as often as wanted. `module` is what `python -m` runs.

    `tree` is the checkout that it is started from: this one, or another commit's with a `.venv` of its own.
    """

    folder: Path
    url: str
    module: str = "service"
    limits: Mapping[str, Any] = field(default_factory=lambda: {"enabled": False})
    server: Mapping[str, Any] = field(default_factory=dict)
    """More settings of `[server]`."""
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    port: int = field(default_factory=lambda: free_port())
    process: subprocess.Popen[bytes] | None = None
    tree: Path = ROOT

    def start(self) -> float:
        """Start it; the seconds until it answered that it is ready."""
        self.folder.mkdir(parents=True, exist_ok=True)
        config = (self.folder / "gatepost.toml").resolve()
        python = sys.executable if self.tree == ROOT else str(self.tree / ".venv/bin/python")
        config.write_text(self._configuration())
        started = time.perf_counter()
        self.process = subprocess.Popen(  # noqa: S603  # our own command
            [python, "-m", self.module, "serve", "--config", str(config)],
            cwd=self.tree,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=ENVIRONMENT,
        )
        while not self.is_ready():
            if self.process.poll() is not None or time.perf_counter() > started + START_SECONDS:
                self.kill()
                raise RuntimeError(f"the server did not start: try `python -m {self.module} serve --config {config}`")
            time.sleep(0.005)
        return time.perf_counter() - started

    def stop(self) -> int:
        """SIGTERM; the status it ended with."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """SIGKILL."""
        return self._end(signal.SIGKILL)

    def is_ready(self) -> bool:
        """Whether it says so."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/ready", timeout=10) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def cpu_seconds(self) -> float:
        """User and system time of the process so far, all threads."""
        if self.process is None:
            raise RuntimeError("not started")
        return processes.cpu_seconds(self.process.pid)

    def token(self, subject: str, **claims: Any) -> str:
        """A token as the blog signs it."""
        usual = {"sub": subject, "name": subject, "iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 7200}
        return jwt.encode({"alg": "HS256"}, {**usual, **claims}, OctKey.import_key(self.secret))

    def _end(self, number: signal.Signals) -> int:
        if self.process is None:
            raise RuntimeError("not started")
        self.process.send_signal(number)
        status = self.process.wait(STOP_SECONDS)
        self.process = None
        return status

    def _configuration(self) -> str:
        limits = "\n".join(f"{name} = {json.dumps(value)}" for name, value in self.limits.items())
        server = "\n".join(f"{name} = {json.dumps(value)}" for name, value in self.server.items())
        return f"""
[server]
port = {self.port}
drain_seconds = 0
{server}
[database]
url = {json.dumps(self.url)}
[limits]
{limits}
[sites.{SITE}]
name = "A blog"
[[sites.{SITE}.login]]
kind = "jwt"
algorithms = ["HS256"]
secret = {json.dumps(self.secret)}
issuer = "{ISSUER}"
audience = "{AUDIENCE}"
"""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
