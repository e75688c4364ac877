"""One text, read once for all lists: its words, what each can be meant as, and how they may be put together."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final, NamedTuple

from service.text import disguises, folding
from service.text.disguises import LONGEST
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
    has_signed: re.Pattern[str]
    has_joined: re.Pattern[str]
    """Whether there can be any of these: found out in a tenth of the time, and most texts have none."""


def _patterns(letter: str, letters: str, word: str) -> _Patterns:
    return _Patterns(
        re.compile(word),
        re.compile(rf"(?<![{_SIGNS}])[{_SIGNS}]*{letters}(?:[{_SIGNS}]+{letters})*[$€£]*"),
        re.compile(rf"(?<!{letter}){letters}(?:[{_APART}]{{1,3}}{letters})+"),
        re.compile(rf"(?<!{letter}){letter}(?:(?:[^\w\n]|_){{1,3}}{letter}(?!{letter})){{2,}}"),
        re.compile(rf"[{_SIGNS}](?:(?={letter})|(?<={letter}[$€£]))"),
        re.compile(rf"[{_APART}](?<={letter}.)[{_APART}]{{0,2}}{letter}"),
    )


_ASCII: Final = _patterns("[0-9a-z]", "[0-9a-z]++", "[0-9a-z]++")
_ANY: Final = _patterns(_LETTER, _LETTERS, rf"[{UNSPACED}]+|{_LETTERS}")
_HAS_SIGN: Final = re.compile(f"[{_SIGNS}]")
FEWEST_SPELT: Final = 3
MOST_STRAY: Final = 2
"""In front of and behind a word that is spelt out stand at most so many single letters that are not of it."""


Place = tuple[int, int]
"""Where something begins and ends in the folded text."""


class Reading:
    """What lists look at. `words` stand in their order, `distinct` are the same, each once.

    Most words are in no list, so none has its place or its readings made before somebody asks.
    """

    def __init__(self, body: str) -> None:
        self.folded: Folded = folding.folded(body)
        text = self.folded.text
        self.own = disguises.own_alphabets(text)
        self._patterns = _ASCII if text.isascii() else _ANY
        self.words: list[str] = self._patterns.word.findall(text)
        self.distinct = set(self.words)

    @cached_property
    def places(self) -> Sequence[Place]:
        """Where each word stands."""
        return [found.span() for found in self._patterns.word.finditer(self.folded.text)]

    @cached_property
    def disguised(self) -> Mapping[str, Sequence[Place]]:
        """What may be one word: with signs for letters (`$hit`), set apart (`v-i-agra`), spelt out (`v i a g r a`)."""
        found: dict[str, list[Place]] = {}
        text = self.folded.text
        if self._patterns.has_signed.search(text):
            for signed in self._patterns.signed.finditer(text):
                if _HAS_SIGN.search(signed[0]):
                    found.setdefault(signed[0], []).append(signed.span())
        if self._patterns.has_joined.search(text):
            for joined in self._patterns.joined.finditer(text):
                found.setdefault("".join(filter(str.isalnum, joined[0])), []).append(joined.span())
        has_spelt = list(map(len, self.words)).count(1) >= FEWEST_SPELT
        for spelt in self._patterns.spelt.finditer(text) if has_spelt else ():
            if spelt.end() - spelt.start() <= 2 * LONGEST:
                for word, place in _spelt(spelt[0], spelt.start()):
                    found.setdefault(word, []).append(place)
        return found


def _spelt(written: str, start: int) -> Iterator[tuple[str, Place]]:
    """The whole of what is spelt out, and that without some letters at its ends: "I" is a word, and so is "a"."""
    places = [place for place, one in enumerate(written, start) if one.isalnum()]
    word, length = "".join(filter(str.isalnum, written)), len(places)
    for before in range(MOST_STRAY + 1):
        for behind in range(MOST_STRAY + 1):
            end = length - behind
            if end - before > MOST_STRAY:
                yield word[before:end], (places[before], places[end - 1] + 1)


def words_of(value: str) -> list[str]:
    """The folded words of an entry."""
    return [found[0] for found in _ANY.word.finditer(folding.fold(value))]
