"""Which lines differ between two texts, with a line around them: for long texts of which little has changed."""

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, Literal

AROUND: Final = 1


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is gone, or has come, or stands around these."""

    state: Literal["gone", "come", "same"]
    text: str


def between(old: str, new: str) -> list[list[Line]]:
    """Each stretch of lines that differ. It may take a while for long texts, so this belongs in a thread."""
    olds, news = old.split("\n"), new.split("\n")
    found: list[list[Line]] = []
    for stretch in SequenceMatcher(None, olds, news, autojunk=False).get_grouped_opcodes(AROUND):
        lines: list[Line] = []
        for tag, i1, i2, j1, j2 in stretch:
            if tag == "equal":
                lines += [Line("same", text) for text in olds[i1:i2]]
            else:
                lines += [Line("gone", text) for text in olds[i1:i2]] + [Line("come", text) for text in news[j1:j2]]
        found.append(lines)
    return found
