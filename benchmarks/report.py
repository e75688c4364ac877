"""What `bench.py` found, in words, as a table and as a chart."""

import argparse
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

from typer import echo

from benchmarks import chart
from benchmarks.bare import Kept
from benchmarks.loads import Load, Seen, has_wrk

MIXED_P99_AT_MOST, MIXED_TOTAL_AT_LEAST = 3.0, 0.6
IDLE_AT_MOST, HIGHEST_AT_MOST = 90, 200
START_AT_MOST = 2.0
MIXED = "200 posts, 5 % submissions"
HOT = "one post, 50 decisions/s"
BUSY = 0.9
"""A server that is at work for less of the time was not measured by its own speed."""
_VERDICTS = {True: "kept", False: "**falls short**", None: "**uncertain**"}
COLUMNS = (
    *("load", "bytes", "service", "bare", "ratio (lowest to highest)", "goal"),
    *("p50, p99", "of bare", "CPU", "of bare", "ratio of CPU"),
)


@dataclass(frozen=True)
class Turn:
    """One round: what was measured, and what it is measured by (the bare program, or readers alone)."""

    here: Seen
    beside: Seen

    @property
    def speed(self) -> float:
        """How much of the other's throughput."""
        return self.here.per_second / self.beside.per_second

    @property
    def cost(self) -> float:
        """How much of this one's processor time for a request the other needs: `speed`, without what others disturb."""
        return self.beside.cpu_microseconds / self.here.cpu_microseconds

    @property
    def disturbed(self) -> bool:
        """Whether one of the two was not measured by its own speed."""
        return min(self.here.busy, self.beside.busy) < BUSY

    @property
    def p99(self) -> float:
        """How many times the other's p99."""
        return self.here.p99 / self.beside.p99


@dataclass
class Findings:
    """Everything of one run. Times are seconds, memory is MiB."""

    circumstances: str
    start: float
    libraries: float
    idle_memory: float
    highest_memory: float = 0.0
    replies: dict[Load, Kept] = field(default_factory=dict)
    reads: dict[Load, list[Turn]] = field(default_factory=dict)
    mixed: list[Turn] = field(default_factory=list)
    hot: list[Turn] = field(default_factory=list)


@dataclass(frozen=True)
class Goal:
    """One promise, what came of it, and whether it is kept (None: too much else went on to tell)."""

    promise: str
    found: str
    kept: bool | None


def circumstances(asked: argparse.Namespace, *, pinned: bool) -> str:
    """How it was measured, without saying where."""
    try:
        loop = f"uvloop {version('uvloop')}"
    except PackageNotFoundError:
        loop = "asyncio's own loop"
    place = "server on one processor, those who ask on the others" if pinned else "no processor set aside"
    return (
        f"Python {platform.python_version()}, aiohttp {version('aiohttp')}, {loop}; {asked.connections} connections "
        f"from {'wrk' if has_wrk() else 'Python (wrk is not installed)'}; {asked.rounds} rounds of {asked.seconds} s; "
        f"{place}."
    )


def turn(title: str, one: Turn, *, beside: str = "bare") -> str:
    """One round on one line."""
    here, other = one.here, one.beside
    return (
        f"{title:28}{here.per_second:7.0f}/s {here.cpu_microseconds:5.0f} µs  p99 {here.p99:6.2f} ms   {beside} "
        f"{other.per_second:6.0f}/s {other.cpu_microseconds:4.0f} µs  p99 {other.p99:6.2f} ms   ratio {one.speed:.2f}"
    )


def words(found: Findings) -> str:
    """Medians, and which goals are kept."""
    lines = ["", found.circumstances, "", *_table(found), "", *_mixed_table(found), "", *_remarks(found), ""]
    return "\n".join([*lines, *goal_lines(found)])


def write(found: Findings, folder: Path, *, name: str) -> None:
    """A table and a chart called `name` in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    echo(f"\nwritten: {name}.md and {name}.svg in {folder.name}")
    parts = ["# One run of `make bench`", "", found.circumstances, "", f"![Requests a second]({name}.svg)", ""]
    parts += [*_table(found), "", *_mixed_table(found), "", *_remarks(found), "", "## Goals", ""]
    (folder / f"{name}.md").write_text("\n".join([*parts, *goal_lines(found), ""]), "utf-8")
    bars = [
        chart.Bars(
            load.title,
            _median(turns, "here", _speed),
            _median(turns, "beside", _speed),
            median(one.speed for one in turns),
            load.goal,
        )
        for load, turns in found.reads.items()
    ]
    (folder / f"{name}.svg").write_text(chart.svg(bars, of="service", beside="bare aiohttp"), "utf-8")


def goal_lines(found: Findings) -> list[str]:
    """Each goal on a line: kept, or falls short, or nobody can tell from this run."""
    return [f"- {_VERDICTS[goal.kept]}: {goal.promise}; found {goal.found}" for goal in goals(found)]


def goals(found: Findings) -> Iterator[Goal]:
    """The promises of a run."""
    for load, turns in found.reads.items():
        if load.goal is not None:
            yield _speed_goal(f"{load.title}: at least {load.goal} of the bare program", turns, load.goal)
    p99, turns = median(one.p99 for one in found.mixed), found.mixed
    promise = f"5 % submissions: p99 of the reads at most {MIXED_P99_AT_MOST:.0f} times that of reads alone"
    yield Goal(promise, f"{p99:.1f}{_doubt(turns)}", None if _are_disturbed(turns) else p99 <= MIXED_P99_AT_MOST)
    promise = f"5 % submissions: at least {MIXED_TOTAL_AT_LEAST} of the throughput of reads alone"
    yield _speed_goal(promise, turns, MIXED_TOTAL_AT_LEAST)
    for when, memory, most in (
        ("idle", found.idle_memory, IDLE_AT_MOST),
        ("at most", found.highest_memory, HIGHEST_AT_MOST),
    ):
        yield Goal(f"memory {when}: {most} MiB or less", f"{memory:.0f} MiB", memory <= most)
    ratio = found.start / found.libraries
    promise = f"the first healthy answer within {START_AT_MOST:.0f} times of importing the libraries"
    yield Goal(promise, f"{ratio:.1f} times", ratio <= START_AT_MOST)


def _speed_goal(promise: str, turns: list[Turn], goal: float) -> Goal:
    """In disturbed rounds nothing is certain unless the processor time says the same."""
    ratio, cost = median(one.speed for one in turns), median(one.cost for one in turns)
    certain = not _are_disturbed(turns) or (ratio >= goal) == (cost >= goal)
    found = f"{ratio:.2f} ({cost:.2f} by processor time){_doubt(turns)}"
    return Goal(promise, found, ratio >= goal if certain else None)


def _are_disturbed(turns: list[Turn]) -> bool:
    return sum(one.disturbed for one in turns) > len(turns) / 2


def _doubt(turns: list[Turn]) -> str:
    disturbed = sum(one.disturbed for one in turns)
    return f", disturbed in {disturbed} of {len(turns)} rounds" if disturbed else ""


def _table(found: Findings) -> list[str]:
    lines = [f"| {' | '.join(COLUMNS)} |", f"|{'---|' * len(COLUMNS)}"]
    for load, turns in found.reads.items():
        ratios = [one.speed for one in turns]
        row = [
            load.title,
            f"{len(found.replies[load].body):,}",
            *(f"{_median(turns, side, _speed):,.0f}/s" for side in ("here", "beside")),
            f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
            f"{load.goal}" if load.goal else "",
            *(_percentiles(turns, side) for side in ("here", "beside")),
            *(f"{_median(turns, side, _cost):.0f} µs" for side in ("here", "beside")),
            f"{median(one.cost for one in turns):.2f}",
        ]
        lines.append(f"| {' | '.join(row)} |")
    return lines


def _mixed_table(found: Findings) -> list[str]:
    lines = ["| visitors | requests | reads' p50, p99 | CPU |", "|---|---|---|---|"]
    for title, alone, turns in (
        (MIXED, "200 posts, reads alone", found.mixed),
        (HOT, "one post, reads alone", found.hot),
    ):
        for name, side in ((title, "here"), (alone, "beside")):
            speed, cost = _median(turns, side, _speed), _median(turns, side, _cost)
            lines.append(f"| {name} | {speed:,.0f}/s | {_percentiles(turns, side)} | {cost:.0f} µs |")
    return lines


def _remarks(found: Findings) -> Iterator[str]:
    for load, kept in found.replies.items():
        asked = load.headers.get("Accept-Encoding", "")
        if asked and asked != kept.headers.get("Content-Encoding"):
            yield f"{load.title}: the service did not compress."
    seen = [
        one
        for turns in (*found.reads.values(), found.mixed, found.hot)
        for turn in turns
        for one in (turn.here, turn.beside)
    ]
    idle = [one for one in seen if one.busy < BUSY]
    if idle:
        lowest = min(one.busy for one in idle)
        yield (
            f"In {len(idle)} of {len(seen)} runs the server was at work less than {BUSY:.0%} of the time (down to "
            f"{lowest:.0%}): other work on the machine disturbed it, or those who ask were slower. Ratios of such runs "
            "say little; those of processor time say more."
        )
    yield (
        f"Memory: {found.idle_memory:.0f} MiB idle, {found.highest_memory:.0f} MiB at most. "
        f"Start: {found.start:.2f} s until ready, {found.libraries:.2f} s of importing libraries alone."
    )


def _speed(seen: Seen) -> float:
    return seen.per_second


def _cost(seen: Seen) -> float:
    return seen.cpu_microseconds


def _median(turns: list[Turn], side: str, measure: Callable[[Seen], float]) -> float:
    return median(measure(getattr(one, side)) for one in turns)


def _percentiles(turns: list[Turn], side: str) -> str:
    p50, p99 = (_median(turns, side, lambda seen, name=name: getattr(seen, name)) for name in ("p50", "p99"))  # type: ignore[misc]  # mypy has no type for a lambda's default
    return f"{p50:.2f}, {p99:.2f} ms"
