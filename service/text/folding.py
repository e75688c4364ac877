"""Text as searches and word lists compare it: the same letters whatever their case, width and composition, on every
database."""

import html
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from service.text.visible import INVISIBLE

MARKS: Final = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
"""For character classes: accents and what else is written above or below a letter of Latin, Greek or Cyrillic."""
_JOINS: Final = rf"{MARKS}\u0483-\u0489\u1161-\u11ff\u3099\u309a\uff9e\uff9f"
"""What becomes one character with that in front of it: accents, halves of Hangul, marks of Japanese."""
_MOST_MARKS: Final = 4
"""More upon one letter say nothing, and take quadratic time."""
_MOST_GROWN: Final = 4
"""Characters that one becomes: of letters that are whole sentences (U+FDFA) the beginning says enough."""
MOST_LETTERS: Final = 16_384
"""So many are remembered with what they become. Unicode has a million code points, and somebody may send them all."""
_ENTITY: Final = r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][0-9A-Za-z]{1,31});"
_PIECE: Final = re.compile(rf"{_ENTITY}|[\s\S][{_JOINS}]+")


def fold(text: str) -> str:
    """`text` without the differences that a search overlooks (Unicode 3.13, NFKC_Casefold): normalised, case folded.

    What shows nothing is left out: nobody can type what they do not see, and a word may be hidden behind it.
    A search that finds too much is better than one that finds too little, so the Turkish letters I are one as well.
    """
    if text.isascii() and text.isprintable():  # nothing is hidden, and no letter has another form but its small one
        return text.lower()
    shown = INVISIBLE.sub("", text)
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", shown).casefold())
    return folded.replace("i\u0307", "i").replace("\u0131", "i")


class _Folds(dict[int, str]):
    """What single characters fold to, found out when one is met first. For `str.translate`.

    `uneven` are those that become none or several.
    """

    def __init__(self) -> None:
        self.uneven: set[str] = set()

    def __missing__(self, code: int) -> str:
        if len(self) >= MOST_LETTERS:
            self.clear()
        become = self[code] = fold(chr(code))[:_MOST_GROWN]
        if len(become) != 1:
            self.uneven.add(chr(code))
        return become


_FOLDS: Final = _Folds()


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text that knows where each of its characters comes from.

    It is made of stretches, which begin `_at` these places. One whose end in the original is known stands for one piece
    of it, however long either is; in any other each character stands for one.
    """

    text: str
    _at: Sequence[int]
    _starts: Sequence[int]
    _ends: Sequence[int | None]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where in the original a stretch of the folded text stands, in code points. It is not empty."""
        if len(self._at) == 1 and self._ends[0] is None:  # one stretch, in which every character stands for one
            return self._starts[0] + start, self._starts[0] + end
        return self._place(start)[0], self._place(end - 1)[1]

    def _place(self, index: int) -> tuple[int, int]:
        stretch = bisect_right(self._at, index) - 1
        end = self._ends[stretch]
        if end is not None:
            return self._starts[stretch], end
        start = self._starts[stretch] + index - self._at[stretch]
        return start, start + 1


@lru_cache(maxsize=8)
def folded(text: str) -> Folded:
    """`fold(text)` with its way back. Character references of HTML are read as what they stand for.

    Several checks ask about one text, one behind the other: so the last ones are remembered.
    """
    if text.isascii() and "&" not in text:
        return Folded(text.lower(), (0,), (0,), (None,))
    whole = text.translate(_FOLDS)
    pieces = [found.span() for found in _PIECE.finditer(text)]
    if not _FOLDS.uneven.isdisjoint(text):
        pieces = _with_uneven(text, pieces)
    if not pieces:
        return Folded(whole, (0,), (0,), (None,))
    parts: list[str] = []
    stretches: list[tuple[int, int, int | None]] = []
    length = behind = 0
    for start, end in [*pieces, (len(text), len(text))]:
        if start > behind:
            parts.append(text[behind:start].translate(_FOLDS))
            stretches.append((length, behind, None))
            length += start - behind
        become = _fold_piece(text[start:end])
        if become:
            parts.append(become)
            stretches.append((length, start, end))
            length += len(become)
        behind = end
    at, starts, ends = zip(*stretches, strict=True) if stretches else ((), (), ())
    return Folded("".join(parts), at, starts, ends)


def _with_uneven(text: str, pieces: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The pieces, and between them each character that does not fold to one."""
    taken = {place for start, end in pieces for place in range(start, end)}
    uneven = _FOLDS.uneven
    more = [(place, place + 1) for place, one in enumerate(text) if one in uneven and place not in taken]
    return sorted(pieces + more)


@lru_cache(maxsize=4096)
def _fold_piece(piece: str) -> str:
    if piece[:1] == "&":
        means = meant(piece)
        return fold(means) if means == piece else fold(means)[:_MOST_GROWN]
    return fold(piece[: _MOST_MARKS + 1])[:_MOST_GROWN]


def meant(text: str) -> str:
    """`text` with what its character references stand for."""
    return html.unescape(text) if "&" in text else text
