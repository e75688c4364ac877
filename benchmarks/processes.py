"""What a process costs, and on which processors it may run (Linux: `/proc` and the scheduler's own calls)."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far, all threads (proc(5), `stat`)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def memory_mebibytes(pid: int, *, field: str = "VmRSS") -> float:
    """What a process has in memory now; at most so far with `VmHWM` (proc(5), `status`)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field}:"))


def held_mebibytes(pid: int) -> dict[str, float]:
    """What a process holds by kind: `Pss` counts pages that others hold too in part, `Anonymous` is no file's."""
    lines = [line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()]
    return {line[0].rstrip(":"): int(line[1]) / 1024 for line in lines if line[-1] == "kB"}


def open_files(pid: int) -> int:
    """Files and sockets that a process has open."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


@contextmanager
def on_processors(processors: Iterable[int]) -> Iterator[None]:
    """What is started inside runs on these processors only, as long as it lives; on any for an empty list."""
    before, wanted = os.sched_getaffinity(0), set(processors)
    os.sched_setaffinity(0, wanted or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def split_processors() -> tuple[list[int], list[int]]:
    """One processor for the server, the others for those who ask it. Two empty lists where there is only one."""
    first, *others = sorted(os.sched_getaffinity(0))
    return ([first], others) if others else ([], [])
