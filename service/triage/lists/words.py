"""Listed words, looked up for each word of a text: what that costs does not grow with the list."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, NamedTuple

from service.text import disguises
from service.text.disguises import Own, Readings
from service.triage.lists.entry import ENOUGH_LETTERS, Entry, Target
from service.triage.lists.reading import UNSPACED, Reading, words_of

_UNSPACED: Final = re.compile(f"[{UNSPACED}]+")
_AROUND: Final = 120
"""Characters beside a word in which its exceptions are looked for."""
_MOST_KNOWN: Final = 20_000
_MOST_LETTERS: Final = 30
"""So many words, none longer, are remembered that are in no list: nearly all that people write with."""
Found = tuple[Target, int, int]
"""A target and the place in the folded text."""
Path = tuple[str, ...]
"""How a phrase begins: the skeletons of its first words. A text is compared only with phrases that go on as it does."""


class _Phrase(NamedTuple):
    words: list[str]
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
        self._heads: frozenset[str] = frozenset()
        self._tails: frozenset[str] = frozenset()
        self._firsts: frozenset[str] = frozenset()
        self._known: frozenset[str] = frozenset()
        """How beginnings and endings begin and end, with which skeletons phrases do, and every word as it is listed and
        without disguise: most words fail here."""
        self._nowhere: dict[Own, set[str]] = defaultdict(set)
        """Words of earlier texts, by the alphabets of these, that are in no list and begin no phrase."""

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
        self._heads = frozenset(key[:ENOUGH_LETTERS] for key in self._beginnings)
        self._tails = frozenset(key[-ENOUGH_LETTERS:] for key in self._endings)
        self._firsts = frozenset(path[0] for path in self._paths)
        self._known = self._firsts.union(self._plain, self._skeletons)
        self._lengths = {}
        for part in self._parts:
            self._lengths.setdefault(part[0], set()).add(len(part))

    def _add(self, target: Target) -> None:
        value = target.entry.value.strip()
        words = words_of(value)
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
            self._skeletons.setdefault(disguises.skeletons([word])[0], []).append(target)

    def _add_phrase(self, phrase: _Phrase) -> None:
        path = tuple(disguises.skeletons(phrase.words))
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
        if new := reading.distinct - self._nowhere[reading.own]:
            yield from self._words_in(reading, new)
        if self._parts:
            yield from self._parts_in(reading.folded.text)

    def _words_in(self, reading: Reading, words: set[str]) -> Iterator[Found]:
        readings, firsts = disguises.readings(self._may_be_listed([*words]), reading.own), self._firsts
        targets = {word: found for word, one in readings.items() if (found := self._of_readings(one))}
        begin = {
            word: paths
            for word, one in readings.items()
            if (paths := [skeleton for skeleton in one.undisguised if skeleton in firsts])
        }
        self._remember(words - targets.keys() - begin.keys(), self._nowhere[reading.own])
        if targets:
            for word, start, end in reading.places_of(targets.keys()):
                for target in targets[word]:
                    yield target, start, end
        if begin:
            yield from self._phrases_in(reading, begin, readings)

    def _may_be_listed(self, words: Sequence[str]) -> list[str]:
        """The words that could be an entry's or begin a phrase, whatever it is about them that looks disguised.

        Few are left of a text, and to read a word in every way takes ten times as long.
        """
        forms, heads, tails = disguises.other_forms(words), self._heads, self._tails
        some = set(words).union(*forms.values())
        listed = {one for one in some if one[:ENOUGH_LETTERS] in heads or one[-ENOUGH_LETTERS:] in tails}
        listed |= some & self._known
        runs = disguises.has_run("\n".join(words))
        return [
            word
            for word in words
            if word in listed
            or (word in forms and not listed.isdisjoint(forms[word]))
            or (runs and disguises.has_run(word))
        ]

    def _remember(self, words: Iterable[str], nowhere: set[str]) -> None:
        """These need not be looked at again."""
        if len(nowhere) > _MOST_KNOWN:
            nowhere.clear()
        nowhere.update(word for word in words if len(word) <= _MOST_LETTERS)

    def _of_readings(self, readings: Readings) -> list[Target]:
        found: list[Target] = []
        for keys, listed in ((readings.plain, self._plain), (readings.skeletons, self._skeletons)):
            for key in keys:
                found += listed.get(key, ())
                if key[:ENOUGH_LETTERS] in self._heads or key[-ENOUGH_LETTERS:] in self._tails:
                    found += self._of_part(key)
        return found

    def _of_part(self, key: str) -> Iterator[Target]:
        for length in self._beginning_lengths:
            if length > len(key):
                break
            yield from self._beginnings.get(key[:length], ())
        for length in self._ending_lengths:
            if length > len(key):
                break
            yield from self._endings.get(key[-length:], ())

    def _phrases_in(
        self, reading: Reading, begin: Mapping[str, Sequence[str]], some: Mapping[str, Readings]
    ) -> Iterator[Found]:
        """Phrases, looked for only where a word stands with which one begins. `some`: readings that are known."""
        words = reading.words
        second = {after for word, after in pairwise(words) if word in begin}
        readings = _Read({**some, **disguises.readings([*(second - some.keys())], reading.own)}, reading.own)
        for position, first in enumerate(words):
            if first not in begin:
                continue
            paths: list[Path] = [(one,) for one in begin[first]]
            place = position
            while paths and (place := place + 1) < len(words):
                last = readings[words[place]]
                for phrase in self._that_end(paths, last):
                    written = words[position : place + 1]
                    if written == phrase.words or _is_phrase([readings[one] for one in written], phrase):
                        yield phrase.target, reading.places[position][0], reading.places[place][1]
                paths = [
                    longer for path in paths for one in last.undisguised if (longer := (*path, one)) in self._paths
                ]

    def _that_end(self, paths: Sequence[Path], readings: Readings) -> Iterator[_Phrase]:
        """The phrases that have gone these ways so far and may end with this word."""
        for path in paths:
            for one in readings.undisguised:
                yield from self._phrases.get((*path, one), ())
            for length in set(self._open_lengths.get(path, ())):
                for key in {key[:length] for key in (*readings.plain, *readings.skeletons)}:
                    yield from self._open.get((*path, key), ())

    def _parts_in(self, text: str) -> Iterator[Found]:
        for run in _UNSPACED.finditer(text):
            for start in range(run.start(), run.end()):
                for length in self._lengths.get(text[start], ()):
                    for target in self._parts.get(text[start : start + length], ()):
                        yield target, start, start + length


class _Read(dict[str, Readings]):
    """The readings of words, found out when they are asked for."""

    def __init__(self, some: Mapping[str, Readings], own: Own) -> None:
        super().__init__(some)
        self._own = own

    def __missing__(self, word: str) -> Readings:
        found = self[word] = disguises.readings([word], self._own)[word]
        return found


def _is_phrase(words: Sequence[Readings], phrase: _Phrase) -> bool:
    last = len(phrase.words) - 1
    for number, (readings, wanted) in enumerate(zip(words, phrase.words, strict=True)):
        plain, skeletons, _ = readings
        if wanted in plain or wanted in skeletons:
            continue
        if skeletons and disguises.skeletons([wanted])[0] in skeletons:
            continue
        if not (number == last and phrase.is_open and any(key.startswith(wanted) for key in plain + skeletons)):
            return False
    return True


def _is_excepted(found: Found, text: str) -> bool:
    """Whether the place is a part of one of the entry's exceptions."""
    target, start, end = found
    if not target.entry.exceptions:
        return False
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
