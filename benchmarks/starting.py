"""How long a start takes beside importing the libraries that it needs. For `bench.py`."""

import subprocess
import sys
import time
from statistics import median

from benchmarks.server import ENVIRONMENT, ROOT, Server

_NAMES = """
import json, sys
import service.cli
sys.modules["rich"] = None  # as `serve` does
import service.app
del sys.modules["rich"]
print(json.dumps([name for name in sys.modules if name.partition(".")[0] not in {"service", "__main__"}]))
"""
_IMPORT = """
import importlib, json, sys
for name in json.load(sys.stdin):
    try:
        importlib.import_module(name)
    except ImportError:
        pass
"""


def measure(server: Server, *, rounds: int) -> tuple[float, float]:
    """Median seconds until the service says it is ready, and of importing what it imports and is not its own."""
    starts, imports = [], []
    names = _run(_NAMES, b"")
    _run(_IMPORT, names)
    server.start()  # compiles what nobody has compiled yet
    server.stop()
    for _ in range(rounds):
        starts.append(server.start())
        server.stop()
        began = time.perf_counter()
        _run(_IMPORT, names)
        imports.append(time.perf_counter() - began)
    return median(starts), median(imports)


def _run(code: str, given: bytes) -> bytes:
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-c", code], cwd=ROOT, input=given, stdout=subprocess.PIPE, check=True, env=ENVIRONMENT
    )
    return done.stdout
