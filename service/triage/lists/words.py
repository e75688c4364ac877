"""Listed words, looked up for each word of a text: what that costs does not grow with the list."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Final, NamedTuple

from service.text import disguises
from service.triage.lists.entry import Entry, Target
from service.triage.lists.reading import UNSPACED, Reading, Word, words_of

_UNSPACED: Final = re.compile(f"[{UNSPACED}]+")
_AROUND: Final = 120
"""Characters beside a word in which its exceptions are looked for."""
Found = tuple[Target, int, int]
"""A target and the place in the folded text."""
Path = tuple[str, ...]
"""How a phrase begins: the skeletons of its first words. A text is compared only with phrases that go on as it does."""


class _Phrase(NamedTuple):
    words: tuple[str, ...]
    is_open: bool
    """It ends in `*`: the last word may go on."""
    target: Target


class Words:
    """The words of some lists, ready to be looked up."""

    def __init__(self) -> None:
        self._plain: dict[str, list[Target]] = {}
        self._skeletons: dict[str, list[Target]] = {}
        self._beginnings: dict[str, list[Target]] = {}
        self._endings: dict[str, list[Target]] = {}
        self._parts: dict[str, list[Target]] = {}
        self._phrases: dict[Path, list[_Phrase]] = {}
        self._open: dict[Path, list[_Phrase]] = {}
        self._open_lengths: dict[Path, list[int]] = {}
        self._paths: dict[Path, list[_Phrase]] = {}
        self._lengths: dict[str, set[int]] = {}
        self._beginning_lengths: Sequence[int] = ()
        self._ending_lengths: Sequence[int] = ()

    def add(self, name: str, entries: Iterable[Entry]) -> "Words":
        """Take the entries of a list in."""
        for entry in entries:
            self._add(Target(name, entry))
        self._measure()
        return self

    def take(self, others: "Words") -> None:
        """Take in what others hold, compiled already."""
        for ours, theirs in zip(self._tables(), others._tables(), strict=True):
            for key, targets in theirs.items():
                ours[key] = [*ours[key], *targets] if key in ours else targets
        self._measure()

    def _tables(self) -> tuple[dict[Any, list[Any]], ...]:
        of_words = (self._plain, self._skeletons, self._beginnings, self._endings, self._parts)
        return (*of_words, self._phrases, self._open, self._open_lengths, self._paths)

    def _measure(self) -> None:
        self._beginning_lengths = sorted({len(key) for key in self._beginnings})
        self._ending_lengths = sorted({len(key) for key in self._endings})
        self._lengths = {}
        for part in self._parts:
            self._lengths.setdefault(part[0], set()).add(len(part))

    def _add(self, target: Target) -> None:
        value = target.entry.value.strip()
        words = tuple(words_of(value))
        starts, ends = value.startswith("*"), value.endswith("*")
        if not words:
            return
        if len(words) > 1:
            self._add_phrase(_Phrase(words, ends, target))
            return
        [word] = words
        if _UNSPACED.fullmatch(word):
            self._parts.setdefault(word, []).append(target)
        elif starts or ends:
            (self._endings if starts else self._beginnings).setdefault(word, []).append(target)
        else:
            self._plain.setdefault(word, []).append(target)
            self._skeletons.setdefault(disguises.skeleton(word), []).append(target)

    def _add_phrase(self, phrase: _Phrase) -> None:
        path = tuple(map(disguises.skeleton, phrase.words))
        self._phrases.setdefault(path, []).append(phrase)
        for length in range(1, len(path)):
            self._paths.setdefault(path[:length], [])
        if phrase.is_open:
            last = phrase.words[-1]
            self._open.setdefault((*path[:-1], last), []).append(phrase)
            self._open_lengths.setdefault(path[:-1], []).append(len(last))

    def find(self, reading: Reading) -> Iterator[Found]:
        """Everything that stands in a text, each as often as it stands there."""
        for found in self._found(reading):
            if not _is_excepted(found, reading.folded.text):
                yield found

    def _found(self, reading: Reading) -> Iterator[Found]:
        plain, skeletons, parts = self._plain, self._skeletons, self._beginning_lengths or self._ending_lengths
        for word in chain(reading.words, reading.disguised()):
            start, end, (keys, undisguised) = word
            for key in keys:
                for target in plain.get(key, ()):
                    yield target, start, end
            for key in undisguised:
                for target in skeletons.get(key, ()):
                    yield target, start, end
            if parts:
                yield from self._of_part(word)
        if self._phrases:
            yield from self._phrases_in(reading.words)
        if self._parts:
            yield from self._parts_in(reading.folded.text)

    def _of_part(self, word: Word) -> Iterator[Found]:
        start, end, readings = word
        for key in (*readings.plain, *readings.skeletons):
            for length in self._beginning_lengths:
                if length > len(key):
                    break
                for target in self._beginnings.get(key[:length], ()):
                    yield target, start, end
            for length in self._ending_lengths:
                if length > len(key):
                    break
                for target in self._endings.get(key[-length:], ()):
                    yield target, start, end

    def _phrases_in(self, words: Sequence[Word]) -> Iterator[Found]:
        skeletons = [{*map(disguises.skeleton, word.readings.plain), *word.readings.skeletons} for word in words]
        for position, word in enumerate(words):
            paths: list[Path] = [()]
            for place in range(position, len(words)):
                some = words[position : place + 1]
                for phrase in self._that_end(paths, skeletons[place], words[place]):
                    if _is_phrase(some, phrase):
                        yield phrase.target, word.start, some[-1].end
                paths = [
                    longer for path in paths for one in skeletons[place] if (longer := (*path, one)) in self._paths
                ]
                if not paths:
                    break

    def _that_end(self, paths: Sequence[Path], skeletons: Iterable[str], word: Word) -> Iterator[_Phrase]:
        """The phrases that have gone these ways so far and may end with this word."""
        for path in paths:
            for one in skeletons:
                yield from self._phrases.get((*path, one), ())
            for length in set(self._open_lengths.get(path, ())):
                for key in {key[:length] for key in (*word.readings.plain, *word.readings.skeletons)}:
                    yield from self._open.get((*path, key), ())

    def _parts_in(self, text: str) -> Iterator[Found]:
        for run in _UNSPACED.finditer(text):
            for start in range(run.start(), run.end()):
                for length in self._lengths.get(text[start], ()):
                    for target in self._parts.get(text[start : start + length], ()):
                        yield target, start, start + length


def _is_phrase(some: Sequence[Word], phrase: _Phrase) -> bool:
    last = len(phrase.words) - 1
    for number, (word, wanted) in enumerate(zip(some, phrase.words, strict=True)):
        keys = word.readings.plain + word.readings.skeletons
        if wanted in keys:
            continue
        if word.readings.skeletons and disguises.skeleton(wanted) in word.readings.skeletons:
            continue
        if not (number == last and phrase.is_open and any(key.startswith(wanted) for key in keys)):
            return False
    return True


def _is_excepted(found: Found, text: str) -> bool:
    """Whether the place is a part of one of the entry's exceptions."""
    target, start, end = found
    around = text[max(0, start - _AROUND) : end + _AROUND]
    place = start - max(0, start - _AROUND)
    for exception in target.entry.exceptions:
        if not all(word in around for word in _words_of(exception)):
            continue  # most are not there, and to look for one as a pattern takes longer
        for match in _exception(exception).finditer(around):
            if match.start() <= place and place + end - start <= match.end():
                return True
    return False


_words_of = lru_cache(maxsize=50_000)(words_of)


@lru_cache(maxsize=2_000)
def _exception(text: str) -> re.Pattern[str]:
    words = r"[\W_]+".join(map(re.escape, words_of(text)))
    behind = r"\w*" if text.endswith("*") else r"(?!\w)"
    return re.compile(rf"(?<!\w){words}{behind}")
