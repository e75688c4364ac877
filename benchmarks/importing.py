"""What bringing comments of another system costs: `python -m benchmarks.importing`.

A made-up export of WordPress is brought into an empty SQLite store, everything on: reading, CommonMark, HTML, threads,
counts, the record. Beside it, in the same run, the very rows that this left in the store go into an empty one by bare
`executemany`, with the same indexes and slices. The ratio is what to look at. Then the memory of two imports.

    --comments 20000            how many are brought
    --memory 10000 200000       the two sizes whose memory is compared (none: 0 0)
"""

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from typer import echo

from service.store import migrate
from service.transfer import bringing
from tests.transfer.made_up import wordpress

CONFIGURATION = (
    '[database]\nurl = "sqlite:///{store}"\n[sites.blog]\nname = "A blog"\norigins = ["https://blog.example"]\n'
)
TABLES = ("posts", "authors", "comments", "decisions", "queue", "reasons", "imports", "originals", "events", "sites")


def main() -> None:
    """Measure, and print what was measured."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--comments", type=int, default=20_000)
    asked.add_argument("--memory", type=int, nargs=2, default=(10_000, 200_000))
    asked.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.comments:
            _rate(Path(folder), options.comments)
        few, many = options.memory
        if many:
            small, large = (_import(Path(folder), size)["peak_mb"] for size in (few, many))
            echo(f"memory: {small:.0f} MB for {few}, {large:.0f} MB for {many}: {large / small:.2f} times")


def _rate(folder: Path, comments: int) -> None:
    brought = _import(folder, comments)
    rows = _rows(folder / f"{comments}.db")
    bare = _bare(folder / "bare.db", rows)
    seconds, number = brought["seconds"], sum(map(len, rows.values()))
    echo(f"import: {comments / seconds:.0f} comments/s, with the start of the program ({seconds:.1f} s)")
    echo(f"bare executemany of the same {number} rows: {comments / bare:.0f} comments/s ({bare:.1f} s)")
    echo(f"ratio: {seconds / bare:.1f}")


def _import(folder: Path, comments: int) -> dict[str, float]:
    """Bring so many in a process of its own: seconds, and its largest memory."""
    file, store = folder / f"{comments}.xml", folder / f"{comments}.db"
    with file.open("wb") as target:
        target.writelines(wordpress(comments))
    (folder / "gatepost.toml").write_text(CONFIGURATION.format(store=store))
    started = time.monotonic()
    words = [sys.executable, "-m", "service", "import", "wordpress", str(file), "--yes"]
    process = subprocess.Popen(  # noqa: S603  # our own program
        words, cwd=folder, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(Path.cwd())}
    )
    _, status, used = os.wait4(process.pid, 0)
    file.unlink()
    if status:
        raise SystemExit(f"the import failed: {status}")
    return {"seconds": time.monotonic() - started, "peak_mb": used.ru_maxrss / 1024}


def _rows(store: Path) -> dict[str, list[tuple[Any, ...]]]:
    with closing(sqlite3.connect(store)) as connection:
        return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}  # noqa: S608


def _bare(store: Path, rows: dict[str, list[tuple[Any, ...]]]) -> float:
    """Seconds for the same rows, without any thought about them; as many in a transaction as an import has."""
    migrate.upgrade(store, 5.0)
    with closing(sqlite3.connect(store, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = OFF")
        started = time.monotonic()
        for table, of_table in rows.items():
            places = ", ".join("?" * len(of_table[0])) if of_table else ""
            for start in range(0, len(of_table), bringing.SLICE):
                connection.execute("BEGIN IMMEDIATE")
                part = of_table[start : start + bringing.SLICE]
                connection.executemany(f"INSERT INTO {table} VALUES ({places})", part)  # noqa: S608
                connection.execute("COMMIT")
        return time.monotonic() - started


if __name__ == "__main__":
    main()
