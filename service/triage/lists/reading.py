"""One text, read once for all lists: its words, what each can be meant as, and how they may be put together."""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

from service.text import disguises, folding
from service.text.disguises import LONGEST
from service.text.folding import MARKS, Folded
from service.text.letters import Letters

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


_LETTERS_ALONE: Final = Letters(lambda some: [one if one.isalnum() else "" for one in some])


class _Patterns(NamedTuple):
    word: re.Pattern[str]
    signed: re.Pattern[str]
    joined: re.Pattern[str]
    spelt: re.Pattern[str]


def _patterns(letter: str, letters: str, word: str) -> _Patterns:
    return _Patterns(
        re.compile(word),
        re.compile(rf"(?<![{_SIGNS}])[{_SIGNS}]*{letters}(?:[{_SIGNS}]+{letters})*[$€£]*"),
        re.compile(rf"(?<!{letter}){letters}(?:[{_APART}]{{1,3}}{letters})+"),
        re.compile(rf"(?<!{letter}){letter}(?:(?:[^\w\n]|_){{1,3}}{letter}(?!{letter})){{2,}}"),
    )


_ASCII: Final = _patterns("[0-9a-z]", "[0-9a-z]++", "[0-9a-z]++")
_ANY: Final = _patterns(_LETTER, _LETTERS, rf"[{UNSPACED}]+|{_LETTERS}")
_HAS_SIGN: Final = re.compile(f"[{_SIGNS}]")
_PERHAPS_ODD: Final = re.compile(rf"[{_SIGNS}{_APART}](?:(?=\S)|(?<=[$€£]))")
_ODD_PARTS: Final = re.compile(rf"(?<!\S)[^\s{_SIGNS}{_APART}]*+[{_SIGNS}{_APART}]\S*")
"""What stands between spaces and may be a word with signs or one that is set apart: little of most texts."""
FEWEST_SPELT: Final = 3
MOST_STRAY: Final = 2
"""In front of and behind a word that is spelt out stand at most so many single letters that are not of it."""


Place = tuple[int, int]
"""Where something begins and ends in the folded text."""


class Reading:
    """What lists look at. `words` stand in their order; `distinct` is, once each, whatever may be one word: with signs
    for letters (`$hit`), set apart (`v-i-agra`) or spelt out (`v i a g r a`) as well.

    Nearly all of these are in no list, so none has its place found before somebody asks.
    """

    def __init__(self, body: str) -> None:
        self.folded: Folded = folding.folded(body)
        text = self._text = self.folded.text
        self.own = disguises.own_alphabets(text)
        ways = self._ways = _ASCII if text.isascii() else _ANY
        self.words: list[str] = ways.word.findall(text)
        odd = "\n".join(_ODD_PARTS.findall(text)) if _PERHAPS_ODD.search(text) else ""
        has_sign = _HAS_SIGN.search
        self._signed = set(filter(has_sign, set(ways.signed.findall(odd)))) if has_sign(odd) else set()
        self._joined = _letters_of(ways.joined.findall(odd)) if odd else []
        spelt = ways.spelt.findall(text) if _perhaps_spelt(self.words) else []
        self._spelt = _letters_of([one for one in spelt if _is_short(one)])
        self.distinct = {*self.words, *self._signed, *self._joined}
        for letters in self._spelt:
            self.distinct.update(letters[start:end] for start, end in _without_strays(len(letters)))

    @cached_property
    def places(self) -> Sequence[Place]:
        """Where each word stands."""
        return [found.span() for found in self._ways.word.finditer(self._text)]

    def places_of(self, words: AbstractSet[str]) -> Iterator[tuple[str, int, int]]:
        """Where some of the distinct words stand."""
        if not words.isdisjoint(self.words):
            for word, place in zip(self.words, self.places, strict=True):
                if word in words:
                    yield word, *place
        if not words.isdisjoint(self._signed):
            for found in self._ways.signed.finditer(self._text):
                if found[0] in words and found[0] in self._signed:
                    yield found[0], *found.span()
        if not words.isdisjoint(self._joined):
            for word, found in zip(self._joined, self._ways.joined.finditer(self._text), strict=True):
                if word in words:
                    yield word, *found.span()
        if self._spelt:
            yield from self._places_of_spelt(words)

    def _places_of_spelt(self, words: AbstractSet[str]) -> Iterator[tuple[str, int, int]]:
        short = (found for found in self._ways.spelt.finditer(self._text) if _is_short(found[0]))
        for letters, found in zip(self._spelt, short, strict=True):
            for start, end in _without_strays(len(letters)):
                if letters[start:end] in words:
                    places = [place for place, one in enumerate(found[0], found.start()) if one.isalnum()]
                    yield letters[start:end], places[start], places[end - 1] + 1


def _letters_of(written: Sequence[str]) -> list[str]:
    """The letters and digits of words that are set apart or spelt out."""
    return _LETTERS_ALONE.of("\n".join(written)).split("\n") if written else []


def _perhaps_spelt(words: Sequence[str]) -> bool:
    """Whether single letters stand side by side; an accent may be what stands between them."""
    if [*map(len, words)].count(1) < FEWEST_SPELT:
        return False
    return b"\1\1" in bytes([len(word) == 1 or not word.isalnum() for word in words])


def _is_short(written: str) -> bool:
    return len(written) <= 2 * LONGEST


@lru_cache(maxsize=2 * LONGEST)
def _without_strays(length: int) -> Sequence[Place]:
    """The whole of what is spelt out, and that without some letters at its ends: "I" is a word, and so is "a"."""
    starts, ends = range(MOST_STRAY + 1), range(length - MOST_STRAY, length + 1)
    return [(start, end) for start in starts for end in ends if end - start > MOST_STRAY]


def words_of(value: str) -> list[str]:
    """The folded words of an entry."""
    return [found[0] for found in _ANY.word.finditer(folding.fold(value))]
