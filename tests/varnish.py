"""A real Varnish for a test: the files of `deploy/` and the command line of the compose file, on this machine.

The network 10.77.0.0/24 of the compose file becomes 127.0.0.0/24: replicas belong on `REPLICAS`, with any port.
"""

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
REPLICAS = ("127.0.0.11", "127.0.0.12")
PATIENCE_SECONDS = 60
"""How long anybody here waits for what must come: only a broken proxy ever takes so long."""

_WHERE = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"
VARNISHD = shutil.which("varnishd", path=_WHERE)
_ADMIN = shutil.which("varnishadm", path=_WHERE)


@asynccontextmanager
async def varnish(ports: Sequence[int], *, purger: str = REPLICAS[0], **environment: str) -> AsyncIterator[str]:
    """The address of a proxy before the replicas on these ports, in the order of `REPLICAS`.

    It is purged from there, or from `purger` in the place of the first.
    """
    assert VARNISHD, "CI installs varnish"
    with tempfile.TemporaryDirectory(prefix="gatepost-varnish-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "replicas.vcl").write_text(_replicas(ports, purger))
        process = await asyncio.create_subprocess_exec(
            *(VARNISHD, "-j", "none", "-n", str(folder / "varnishd"), "-p", f"vcl_path={folder}", *_arguments()),
            env={**os.environ, **environment},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            yield await _address(folder / "varnishd", process)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


def _replicas(ports: Sequence[int], purger: str) -> str:
    """`deploy/replicas.vcl` for replicas on this machine."""
    shipped = (ROOT / "deploy" / "replicas.vcl").read_text().replace("10.77.0.", "127.0.0.")
    given = iter(ports)
    shipped = shipped.replace(f'    "{REPLICAS[0]}";', f'    "{purger}";')
    return re.sub(r'\.port = "\d+"', lambda _: f'.port = "{next(given)}"', shipped)


def _arguments() -> list[str]:
    """What the compose file starts, with another port and another place for the VCL."""
    compose = yaml.safe_load((ROOT / "docker-compose.scale.yml").read_text())
    ours = {"/etc/varnish/default.vcl": str(ROOT / "deploy" / "varnish.vcl"), "http=:8080": "http=127.0.0.1:0"}
    command = compose["services"]["proxy"]["command"]
    assert ours.keys() <= set(command)
    return [ours.get(word, word) for word in command[1:]]


async def _address(folder: Path, process: asyncio.subprocess.Process) -> str:
    """Where it listens, as soon as it does."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while process.returncode is None:
            admin = await asyncio.create_subprocess_exec(
                *(str(_ADMIN), "-n", str(folder), "debug.listen_address"),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
            words = (await admin.communicate())[0].split()  # name, host, port
            if admin.returncode == 0 and len(words) == 3:
                return f"http://{words[1].decode()}:{words[2].decode()}"
    raise AssertionError(f"varnishd ended with {process.returncode}")
