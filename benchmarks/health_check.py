"""What the image's health check takes beside the service: `python -m benchmarks.health_check`.

A service runs; `gatepost health` asks it, in turns with two others: importing what every command once imported, and a
Python that does nothing. Prints processor time and largest memory of each (medians), and the ratio of the first two.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from typer import echo

from benchmarks.server import ROOT, Server

HEALTH, EVERYTHING, NOTHING = "gatepost health", "importing everything", "python -c pass"
MOST_MEBIBYTES, MOST_RATIO = 25, 0.1
_LAUNCH = """
import os, sys
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(process, 0)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""A small process between: what Linux says of a program's memory is at least what its parent had."""


def main() -> None:
    """Measure, and print a line for each."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=10)
    rounds = options.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), f"sqlite:///{folder}/gatepost.db")
        server.start()
        commands = {
            HEALTH: ["-m", "service", "health", "--config", f"{folder}/gatepost.toml"],
            EVERYTHING: ["-c", "import service.cli, service.checkup, service.store.copy, service.transfer.pages"],
            NOTHING: ["-c", "pass"],
        }
        try:
            seen = [{name: _run(words) for name, words in commands.items()} for _ in range(rounds)]
        finally:
            server.stop()
    seconds = {name: median(turn[name][0] for turn in seen) for name in commands}
    memory = {name: max(turn[name][1] for turn in seen) for name in commands}
    for name in commands:
        echo(f"{name:22} {seconds[name] * 1000:7.0f} ms of processor time, {memory[name]:5.1f} MiB")
    ratio = seconds[HEALTH] / seconds[EVERYTHING]
    echo(f"Time: {ratio:.3f} of importing everything (wanted: {MOST_RATIO}).")
    echo(f"Memory: {memory[HEALTH]:.1f} MiB (wanted: {MOST_MEBIBYTES}).")


def _run(words: list[str]) -> tuple[float, float]:
    """Processor seconds and MiB that a Python with these words takes. Raises if it does not end with 0."""
    command = [sys.executable, "-S", "-c", _LAUNCH, sys.executable, *words]
    said = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout  # noqa: S603  # our own commands
    seconds, kibibytes = said.split()
    return float(seconds), int(kibibytes) / 1024


if __name__ == "__main__":
    main()
