"""One text, read once for all lists: its words, what each can be meant as, and how they may be put together."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from service.text import disguises, folding
from service.text.disguises import LONGEST, Readings
from service.text.folding import MARKS, Folded

UNSPACED: Final = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
"""For character classes: scripts that put no space between words (Thai, Lao, Myanmar, Khmer, Japanese, Chinese)."""
# Vowels and points of Hebrew, Arabic and the scripts of India, which are no letters by themselves.
_POINTS: Final = (
    r"\u0483-\u0487\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0900-\u0963\u0981-\u09e3"
    r"\u0a01-\u0a75\u0a81-\u0ae3\u0b01-\u0b63\u0b82-\u0bcd\u0c00-\u0c63\u0c81-\u0ce3\u0d00-\u0d63\u0d81-\u0df3"
)
_LETTER: Final = rf"(?:[^\W_{UNSPACED}]|[{MARKS}{_POINTS}])"
_LETTERS: Final = rf"(?:[^\W_{UNSPACED}]++|[{MARKS}{_POINTS}]++)++"
_SIGNS: Final = r"@$€£!|"
_APART: Final = r"\-._*~+=·•‐‑–"
"""What stands between letters that are set apart within one word. No apostrophe: "he'll" is an innocent word."""


class _Patterns(NamedTuple):
    word: re.Pattern[str]
    signed: re.Pattern[str]
    joined: re.Pattern[str]
    spelt: re.Pattern[str]


def _patterns(letter: str, letters: str, word: str) -> _Patterns:
    return _Patterns(
        re.compile(word),
        re.compile(rf"[{_SIGNS}]*{letters}(?:[{_SIGNS}]+{letters})*[$€£]*"),
        re.compile(rf"(?<!{letter}){letters}(?:[{_APART}]{{1,3}}{letters})+"),
        re.compile(rf"(?<!{letter}){letter}(?:(?:[^\w\n]|_){{1,3}}{letter}(?!{letter})){{2,}}"),
    )


_ASCII: Final = _patterns("[0-9a-z]", "[0-9a-z]++", "[0-9a-z]++")
_ANY: Final = _patterns(_LETTER, _LETTERS, rf"[{UNSPACED}]+|{_LETTERS}")
_HAS_SIGN: Final = re.compile(f"[{_SIGNS}]")
_NO_LETTER: Final = re.compile(r"[\W_]+")
MOST_STRAY: Final = 2
"""In front of and behind a word that is spelt out stand at most so many single letters that are not of it."""


class Word(NamedTuple):
    """A word of a text, or what may be one in disguise. Its place is that in the folded text."""

    start: int
    end: int
    readings: Readings


class Reading:
    """What lists look at. `words` stand in their order; `disguised` are what some of them may be together."""

    def __init__(self, body: str) -> None:
        self.folded: Folded = folding.folded(body)
        text = self.folded.text
        self.own = disguises.own_alphabets(text)
        self._patterns = _ASCII if text.isascii() else _ANY
        own, read = self.own, disguises.readings
        self.words = [Word(*found.span(), read(found[0], own)) for found in self._patterns.word.finditer(text)]

    def disguised(self) -> Iterator[Word]:
        """Words with signs for letters (`$hit`), set apart (`v-i-agra`) and spelt out (`v i a g r a`)."""
        text = self.folded.text
        if _HAS_SIGN.search(text):
            for found in self._patterns.signed.finditer(text):
                if _HAS_SIGN.search(found[0]):
                    yield self._word(found.start(), found.end(), found[0])
        for found in self._patterns.joined.finditer(text):
            yield self._word(found.start(), found.end(), _NO_LETTER.sub("", found[0]))
        for found in self._patterns.spelt.finditer(text):
            yield from self._spelt(found)

    def _spelt(self, found: re.Match[str]) -> Iterator[Word]:
        """The whole of it, and without some letters at its ends: "I" is a word, and so is "a"."""
        if found.end() - found.start() > 2 * LONGEST:
            return
        places = [place for place in range(found.start(), found.end()) if not _NO_LETTER.match(self.folded.text[place])]
        for before in range(MOST_STRAY + 1):
            for behind in range(MOST_STRAY + 1):
                some = places[before : len(places) - behind]
                if len(some) > MOST_STRAY:
                    word = "".join(self.folded.text[place] for place in some)
                    yield self._word(some[0], some[-1] + 1, word)

    def _word(self, start: int, end: int, word: str) -> Word:
        return Word(start, end, disguises.readings(word, self.own))


def words_of(value: str) -> list[str]:
    """The folded words of an entry."""
    return [found[0] for found in _ANY.word.finditer(folding.fold(value))]
