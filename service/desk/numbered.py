"""What somebody typed with numbered lines, and beside each line what is wrong there. Made for the templates."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

AROUND: Final = 1
"""So many lines are shown before and behind one that something is said about."""
LONGEST: Final = 200
"""Characters of a line that are shown."""


@dataclass(frozen=True, slots=True)
class Told:
    """Something that is said about a line, the first is 1; None: about the whole. `is_wrong`: it must be mended."""

    line: int | None
    detail: str
    is_wrong: bool = True


@dataclass(frozen=True, slots=True)
class Line:
    """One line, and what is said about it."""

    number: int
    text: str
    told: Sequence[Told]


def excerpts(lines: Sequence[str], told: Iterable[Told]) -> list[list[Line]]:
    """The lines that something is said about, with those around them: each stretch for itself."""
    about: dict[int, list[Told]] = {}
    for one in told:
        if one.line is not None:
            about.setdefault(one.line, []).append(one)
    found: list[list[Line]] = []
    around = {other for number in about for other in range(number - AROUND, number + AROUND + 1)}
    for number in sorted(number for number in around if 0 < number <= len(lines)):
        text = lines[number - 1]
        if not found or found[-1][-1].number != number - 1:
            found.append([])
        found[-1].append(Line(number, text if len(text) <= LONGEST else f"{text[:LONGEST]}…", about.get(number, ())))
    return found
