"""Log lines: all arrive, in order, those of one turn of the event loop in one write; none stops a caller."""

import asyncio
import io
import json
import os
import sys
import threading
from pathlib import Path

from service.logs import _Lines

ROOT = Path(__file__).parent.parent


class _Out(io.StringIO):
    """Where lines go, counting how often it is written to."""

    writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        return super().write(text)


class _Full(io.StringIO):
    """A disk that takes nothing."""

    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


async def _next_turn() -> None:
    await asyncio.sleep(0)


async def test_lines_of_one_turn_are_written_together() -> None:
    out = _Out()
    lines = _Lines(out)
    for name in ("first", "second", "third"):
        lines.msg(name)
    assert out.getvalue() == ""
    await _next_turn()
    assert (out.getvalue(), out.writes) == ("first\nsecond\nthird\n", 1)
    lines.msg("fourth")
    await _next_turn()
    assert (out.getvalue(), out.writes) == ("first\nsecond\nthird\nfourth\n", 2)


def test_without_an_event_loop_a_line_is_written_at_once() -> None:
    out = _Out()
    _Lines(out).msg("line")
    assert out.getvalue() == "line\n"


async def test_no_line_of_many_threads_is_lost() -> None:
    out = _Out()
    lines = _Lines(out)

    def talk(name: int) -> None:
        for number in range(500):
            lines.msg(f"{name} {number}")

    threads = [threading.Thread(target=talk, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for number in range(500):
        lines.msg(f"loop {number}")
        await _next_turn()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    await _next_turn()
    expected = {f"{name} {number}" for name in (0, 1, 2, 3, "loop") for number in range(500)}
    assert sorted(out.getvalue().splitlines()) == sorted(expected)


async def test_a_disk_that_is_full_stops_nobody() -> None:
    lines = _Lines(_Full())
    lines.msg("line")
    await _next_turn()
    assert not lines._waiting


# --- What others log --------------------------------------------------------------------------------------------------

CONFIGURATION = """
[server]
port = 0
drain_seconds = 0

[database]
url = "sqlite:///{folder}/gatepost.db"
"""
PROVOKE = """
import asyncio, gc, logging, sys, threading, warnings
from pathlib import Path
from service import process, settings

class Grumpy:
    def __del__(self):
        raise ValueError("in a destructor")

def fail(words):
    raise OSError(words)

async def main():
    serving = asyncio.create_task(process.serve(settings.load(Path(sys.argv[1]))))
    await asyncio.sleep(0)  # now the log is set up
    lost = asyncio.get_running_loop().create_future()
    lost.set_exception(OSError("name or service\\nnot known"))
    del lost
    grumpy = Grumpy()
    del grumpy
    gc.collect()
    warnings.warn("a library's warning", ResourceWarning)
    logging.getLogger("aiohttp.server").error("Error handling %s", "a request", exc_info=ValueError("in a library"))
    thread = threading.Thread(target=fail, args=("in a thread",), name="a thread")
    thread.start()
    await asyncio.to_thread(thread.join)
    raise RuntimeError("what nobody foresaw")

asyncio.run(main())
"""


async def test_every_line_is_json_whoever_says_it(tmp_path: Path) -> None:
    (tmp_path / "gatepost.toml").write_text(CONFIGURATION.format(folder=tmp_path))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "always", "-c", PROVOKE, str(tmp_path / "gatepost.toml")),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"},
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    lines = [json.loads(line) for line in errors.decode().splitlines()]
    assert all({"event", "level", "timestamp"} <= set(line) for line in lines)
    said = [(line.get("logger"), line["event"].splitlines()[0]) for line in lines]
    for logger, words in [
        ("asyncio", "Future exception was never retrieved"),
        ("py.warnings", "a library's warning"),
        ("aiohttp.server", "Error handling a request"),
        (None, "thread.crashed"),
        (None, "process.error_ignored"),
        (None, "process.crashed"),
    ]:
        assert any(name == logger and words in event for name, event in said), (words, said)
    crash = next(line for line in lines if line["event"] == "process.crashed")
    assert crash["exception"][0]["exc_type"] == "RuntimeError"
    assert process.returncode == 1
