"""What bringing comments of another system costs: `python -m benchmarks.importing`.

A made-up export is brought into an empty SQLite store, everything on: reading, CommonMark, HTML, threads, counts, the
record. Beside it, in the same run, the very rows that this left in the store go into an empty one by bare
`executemany`, with the same indexes and slices. The ratio is what to look at: of seconds where nothing else is at work,
else of processor time. An import of one comment says what the start of the program and a new store cost; that is taken
off. Then the memory of two imports.

    --format wordpress          or disqus
    --comments 20000            how many are brought (none: 0)
    --memory 10000 200000       the two sizes whose memory is compared (none: 0 0)
"""

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer import echo

from benchmarks import processes
from service.store import migrate
from service.transfer import bringing
from tests.transfer import made_up

CONFIGURATION = (
    '[database]\nurl = "sqlite:///{store}"\n[sites.blog]\nname = "A blog"\norigins = ["https://blog.example"]\n'
)
TABLES = ("posts", "authors", "comments", "decisions", "queue", "reasons", "imports", "originals", "events", "sites")
FORMATS = {"wordpress": made_up.wordpress, "disqus": made_up.disqus}
SECONDS_BETWEEN_LOOKS = 0.1


@dataclass(frozen=True, slots=True)
class Cost:
    """What some work took: seconds, of these on a processor, and the largest memory."""

    seconds: float
    processor: float
    peak_mebibytes: float = 0


def main() -> None:
    """Measure, and print what was measured."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--format", choices=FORMATS, default="wordpress")
    asked.add_argument("--comments", type=int, default=20_000)
    asked.add_argument("--memory", type=int, nargs=2, default=(10_000, 200_000))
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.comments:
            _rate(Path(folder), options.format, options.comments)
        few, many = options.memory
        if many:
            small, large = (_import(Path(folder), options.format, size).peak_mebibytes for size in (few, many))
            echo(f"memory: {small:.0f} MiB for {few}, {large:.0f} MiB for {many}: {large / small:.2f} times")


def _rate(folder: Path, form: str, comments: int) -> None:
    start, brought = _import(folder, form, 1), _import(folder, form, comments)
    rows = _rows(folder / "store.db")
    bare = _bare(folder / "bare.db", rows)
    echo(f"bare executemany of the same {sum(map(len, rows.values()))} rows: {_words(bare, comments)}")
    seconds, processor = brought.seconds - start.seconds, brought.processor - start.processor
    echo(f"ratio without that start: {seconds / bare.seconds:.1f}, of processor time {processor / bare.processor:.1f}")


def _import(folder: Path, form: str, comments: int) -> Cost:
    """Bring so many in a process of its own, into a new store."""
    file, store = folder / "export.xml", folder / "store.db"
    store.unlink(missing_ok=True)
    with file.open("wb") as target:
        target.writelines(FORMATS[form](comments))
    (folder / "gatepost.toml").write_text(CONFIGURATION.format(store=store))
    started, peak, said = time.monotonic(), 0.0, folder / "said.txt"
    words = [sys.executable, "-m", "service", "import", form, str(file), "--yes"]
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    with said.open("w") as target:
        process = subprocess.Popen(words, cwd=folder, stdout=target, stderr=target, env=environment)  # noqa: S603  # ours
    while not os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        with suppress(StopIteration, OSError):  # it has just ended
            peak = processes.memory_mebibytes(process.pid, field="VmHWM")
        time.sleep(SECONDS_BETWEEN_LOOKS)
    _, status, used = os.wait4(process.pid, 0)
    file.unlink()
    if status:
        raise SystemExit(f"the import failed: {said.read_text()}")
    cost = Cost(time.monotonic() - started, used.ru_utime + used.ru_stime, peak)
    echo(f"import of {form}: {_words(cost, comments)}; {peak:.0f} MiB")
    return cost


def _words(cost: Cost, comments: int) -> str:
    return (
        f"{comments} comments in {cost.seconds:.1f} s ({comments / cost.seconds:.0f} a second), "
        f"of these {cost.processor:.1f} s on a processor"
    )


def _rows(store: Path) -> dict[str, list[tuple[Any, ...]]]:
    with closing(sqlite3.connect(store)) as connection:
        return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}  # noqa: S608


def _bare(store: Path, rows: dict[str, list[tuple[Any, ...]]]) -> Cost:
    """The same rows, without any thought about them; as many in a transaction as an import has."""
    migrate.upgrade(store, 5.0)
    with closing(sqlite3.connect(store, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = OFF")
        started, used = time.monotonic(), time.process_time()
        for table, of_table in rows.items():
            places = ", ".join("?" * len(of_table[0])) if of_table else ""
            for start in range(0, len(of_table), bringing.SLICE):
                connection.execute("BEGIN IMMEDIATE")
                part = of_table[start : start + bringing.SLICE]
                connection.executemany(f"INSERT INTO {table} VALUES ({places})", part)  # noqa: S608
                connection.execute("COMMIT")
        return Cost(time.monotonic() - started, time.process_time() - used)


if __name__ == "__main__":
    main()
