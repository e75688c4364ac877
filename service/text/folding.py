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
# Letters of which each folds by its small form alone: Cyrillic, Japanese, Chinese. With an accent behind it none does.
_PLAIN: Final = r"\u0410-\u044f\u3041-\u3094\u30a1-\u30fa\u4e00-\u9fff"
_ENTITY: Final = r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][0-9A-Za-z]{1,31});"
_PIECE: Final = re.compile(rf"{_ENTITY}|[^\x00-\x7f{_PLAIN}][{_JOINS}]*|[A-Za-z{_PLAIN}][{_JOINS}]+")


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


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text that knows where each of its characters comes from.

    `turns` are the places in it from which on it is shifted against the original, with the originals' places.
    """

    text: str
    _at: Sequence[int]
    _starts: Sequence[int]
    _ends: Sequence[int | None]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where in the original a stretch of the folded text stands, in code points. It is not empty."""
        return self._place(start)[0], self._place(end - 1)[1]

    def _place(self, index: int) -> tuple[int, int]:
        stretch = bisect_right(self._at, index) - 1
        end = self._ends[stretch]
        if end is not None:  # of one piece
            return self._starts[stretch], end
        start = self._starts[stretch] + index - self._at[stretch]
        return start, start + 1


def folded(text: str) -> Folded:
    """`fold(text)` with its way back. Character references of HTML are read as what they stand for."""
    if text.isascii() and "&" not in text:
        return Folded(text.lower(), (0,), (0,), (None,))
    parts: list[str] = []
    at: list[int] = []
    starts: list[int] = []
    ends: list[int | None] = []
    length = behind = 0
    for piece in _PIECE.finditer(text):
        start, end = piece.span()
        if start > behind:
            parts.append(text[behind:start].lower())
            at.append(length)
            starts.append(behind)
            ends.append(None)
            length += start - behind
        become = _fold_piece(piece[0])
        if become:
            parts.append(become)
            at.append(length)
            starts.append(start)
            ends.append(end)
            length += len(become)
        behind = end
    if behind < len(text):
        parts.append(text[behind:].lower())
        at.append(length)
        starts.append(behind)
        ends.append(None)
    return Folded("".join(parts), at, starts, ends)


@lru_cache(maxsize=4096)
def _fold_piece(piece: str) -> str:
    return fold(meant(piece[: _MOST_MARKS + 1]) if piece[0] != "&" else meant(piece))


def meant(text: str) -> str:
    """`text` with what its character references stand for."""
    return html.unescape(text) if "&" in text else text
