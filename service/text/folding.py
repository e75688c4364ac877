"""Text as searches and word lists compare it: the same letters whatever their case, width and composition, on every
database."""

import html
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Final

from service.text.letters import Letters, each_of
from service.text.visible import INVISIBLE

MARKS: Final = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
"""For character classes: accents and what else is written above or below a letter of Latin, Greek or Cyrillic."""
_JOINS: Final = rf"{MARKS}\u0483-\u0489\u1161-\u11ff\u3099\u309a\uff9e\uff9f"
"""What becomes one character with that in front of it: accents, halves of Hangul, marks of Japanese."""
_MOST_MARKS: Final = 4
"""More upon one letter say nothing, and take quadratic time."""
_MOST_GROWN: Final = 4
"""Characters that one becomes: of letters that are whole sentences (U+FDFA) the beginning says enough."""
_ENTITY: Final = r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][0-9A-Za-z]{1,31});"
_PIECE: Final = re.compile(rf"{_ENTITY}|[\s\S][{_JOINS}]+")
"""What becomes one only together."""
_PERHAPS_PIECE: Final = re.compile(f"[&{_JOINS}]")
_PLAIN: Final = re.compile("[\t-\r\x1c-%'-~«»\xc0-\xde\xe0-\xff\u0400-\u0481\u048a-\u052f–—‘’“”]*")
"""Texts in which nothing but capitals is folded: what most people write of Latin and Cyrillic."""


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


def _fold_each(letters: Sequence[str]) -> list[str]:
    return [one[:_MOST_GROWN] for one in each_of(fold, letters)]


_FOLDS: Final = Letters(_fold_each)


class Folded:
    """A folded text that knows where in the original each of its characters comes from."""

    __slots__ = ("_original", "_way_back", "text")

    def __init__(self, text: str, original: str | None = None) -> None:
        """Without its original each character stands for one."""
        self.text, self._original = text, original
        self._way_back: tuple[Sequence[int], Mapping[int, int]] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where in the original a stretch of the folded text stands, in code points. It is not empty."""
        if self._original is None:
            return start, end
        if self._way_back is None:  # most texts are never asked
            self._way_back = _way_back(self._original, self.text)
        grown_to, ends = self._way_back
        first, last = bisect_right(grown_to, start), bisect_right(grown_to, end - 1)
        return first, ends.get(last, last + 1)


def _way_back(original: str, text: str) -> tuple[Sequence[int], Mapping[int, int]]:
    """How long the folded text is behind each character of the original, and where pieces of several end."""
    if not _PERHAPS_PIECE.search(original) and _is_each_one(original, text):
        return range(1, len(original) + 1), {}
    lengths, ends = [*map(len, _FOLDS.of_each(original))], {}
    for found in _PIECE.finditer(original):
        start, end = found.span()
        lengths[start:end] = [len(_fold_piece(found[0])), *[0] * (end - start - 1)]
        ends[start] = end
    return list(accumulate(lengths)), ends


def _is_each_one(original: str, text: str) -> bool:
    return len(original) == len(text) and all(len(one) == 1 for one in _FOLDS.of_each("".join(set(original))))


@lru_cache(maxsize=8)
def folded(text: str) -> Folded:
    """`fold(text)` with its way back. Character references of HTML are read as what they stand for.

    Several checks ask about one text, one behind the other: so the last ones are remembered.
    """
    if _PLAIN.fullmatch(text):
        return Folded(text.lower())
    whole = _PIECE.sub(lambda found: _fold_piece(found[0]), text) if _PERHAPS_PIECE.search(text) else text
    return Folded(_FOLDS.of(whole), text)


@lru_cache(maxsize=4096)
def _fold_piece(piece: str) -> str:
    if piece[:1] == "&":
        means = meant(piece)
        return fold(means) if means == piece else fold(means)[:_MOST_GROWN]
    return fold(piece[: _MOST_MARKS + 1])[:_MOST_GROWN]


def meant(text: str) -> str:
    """`text` with what its character references stand for."""
    return html.unescape(text) if "&" in text else text
