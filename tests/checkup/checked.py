"""How the tests of `gatepost check` change a configuration, have it examined, and look at what was found."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

from service import checkup, settings
from service.checkup import masking
from service.checkup.finding import Finding, Outcome
from tests.harness import AUDIENCE, ISSUER, SECRET, Hands

ROOT = Path(__file__).parents[2]
WARN, FAIL = Outcome.WARN, Outcome.FAIL


def jwt(**changes: Any) -> dict[str, Any]:
    usual = {"kind": "jwt", "algorithms": ["HS256"], "secret": SECRET, "issuer": ISSUER, "audience": AUDIENCE}
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


def changed(values: dict[str, Any], place: str, value: object) -> dict[str, Any]:
    """The configuration with another value at a dotted path."""
    *tables, name = place.split(".")
    table = values
    for step in tables:
        table = table[step]
    table[name] = value
    return values


async def examine(values: dict[str, Any], clock: Hands) -> list[Finding]:
    return await checkup.examine(settings.parse(values), clock=clock)


def not_fine(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.outcome is not Outcome.OK]


class Printed(NamedTuple):
    """What the command `gatepost check` ended with."""

    status: int
    out: str
    err: str


async def run_check(values: dict[str, Any], folder: Path, *words: str, **variables: str) -> Printed:
    """The command in a process of its own, with its configuration in `folder`. No secret may stand in `values`."""
    (folder / "gatepost.toml").write_text(masking.toml(settings.parse(values)))
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "COVERAGE_PROCESS_CONFIG") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "service", "check", *words),
        cwd=folder,
        env={**kept, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8", **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert b"Traceback" not in err, err.decode()
    return Printed(process.returncode or 0, out.decode(), err.decode())


def content_of(path: Path) -> bytes:
    return path.read_bytes()


def the_one_about(findings: list[Finding], subject: str) -> Finding:
    (found,) = [finding for finding in not_fine(findings) if finding.subject == subject]
    return found
