"""Listed words, looked up for each word of a text: what that costs does not grow with the list."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Any, Final, NamedTuple

from service.text import disguises
from service.text.disguises import Readings
from service.triage.lists.entry import ENOUGH_LETTERS, Entry, Target
from service.triage.lists.reading import UNSPACED, Reading, words_of

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
        self._heads: frozenset[str] = frozenset()
        self._tails: frozenset[str] = frozenset()
        self._firsts: frozenset[str] = frozenset()
        """How beginnings and endings begin and end, and with which skeletons phrases do: most words fail here."""

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
        known = reading.unlisted
        of_words = self._targets(reading.plain, reading.readings, known)
        disguised = [word for word in reading.disguised if word not in known]
        plain = list(filter(disguises.is_plain, disguised))
        of_disguised = self._targets(plain, disguises.readings(set(disguised).difference(plain), reading.own), known)
        reading.unlisted = reading.distinct.union(disguised).difference(of_words, of_disguised)
        if of_words:
            for word, place in zip(reading.words, reading.places, strict=True):
                for target in of_words.get(word, ()):
                    yield target, *place
        for word, targets in of_disguised.items():
            for place in reading.disguised[word]:
                for target in targets:
                    yield target, *place
        if self._phrases:
            yield from self._phrases_in(reading)
        if self._parts:
            yield from self._parts_in(reading.folded.text)

    def _targets(
        self, plain: Iterable[str], others: Mapping[str, Readings], known: AbstractSet[str]
    ) -> dict[str, list[Target]]:
        """What is listed of some words: of those that can be read in one way only, and of others. `known` are in no
        list."""
        words, heads, tails = self._plain, self._heads, self._tails
        found: dict[str, list[Target]] = {}
        for word in plain:
            if word in known:
                continue
            if word in words:
                found[word] = [*words[word]]
            if word[:ENOUGH_LETTERS] in heads or word[-ENOUGH_LETTERS:] in tails:
                found.setdefault(word, []).extend(self._of_part(word))
        for word, readings in others.items():
            if word not in known and (targets := list(self._of_readings(readings))):
                found[word] = targets
        return {word: targets for word, targets in found.items() if targets}

    def _of_readings(self, readings: Readings) -> Iterator[Target]:
        for key in readings.plain:
            if key in self._plain:
                yield from self._plain[key]
        for key in readings.skeletons:
            if key in self._skeletons:
                yield from self._skeletons[key]
        for key in (*readings.plain, *readings.skeletons):
            if key[:ENOUGH_LETTERS] in self._heads or key[-ENOUGH_LETTERS:] in self._tails:
                yield from self._of_part(key)

    def _of_part(self, key: str) -> Iterator[Target]:
        for length in self._beginning_lengths:
            if length > len(key):
                break
            yield from self._beginnings.get(key[:length], ())
        for length in self._ending_lengths:
            if length > len(key):
                break
            yield from self._endings.get(key[-length:], ())

    def _phrases_in(self, reading: Reading) -> Iterator[Found]:
        """Phrases, looked for only where a word stands with which one begins."""
        meant = self._that_begin(reading)
        if not meant:
            return
        words, readings = reading.words, reading.readings
        for position, word in enumerate(words):
            paths: list[Path] = [(one,) for one in meant.get(word, ())]
            for place in range(position + 1, len(words)):
                if not paths:
                    break
                last = readings.get(words[place]) or _only(words[place])
                following = set(last.undisguised)
                for phrase in self._that_end(paths, following, last):
                    if _is_phrase(words[position : place + 1], readings, phrase):
                        yield phrase.target, reading.places[position][0], reading.places[place][1]
                paths = [longer for path in paths for one in following if (longer := (*path, one)) in self._paths]

    def _that_begin(self, reading: Reading) -> dict[str, AbstractSet[str]]:
        """The words of a text with which a phrase may begin, and what such phrases begin with."""
        skeletons = zip(reading.plain, disguises.skeletons(reading.plain), strict=True)
        of_plain = {word: {skeleton} for word, skeleton in skeletons if skeleton in self._firsts}
        of_others = {
            word: self._firsts.intersection(readings.undisguised) for word, readings in reading.readings.items()
        }
        return {**of_plain, **{word: begin for word, begin in of_others.items() if begin}}

    def _that_end(self, paths: Sequence[Path], skeletons: Iterable[str], readings: Readings) -> Iterator[_Phrase]:
        """The phrases that have gone these ways so far and may end with this word."""
        for path in paths:
            for one in skeletons:
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


def _only(word: str) -> Readings:
    """The readings of a word that has only one."""
    return Readings((word,), (), tuple(disguises.skeletons([word])))


def _is_phrase(words: Sequence[str], readings: Mapping[str, Readings], phrase: _Phrase) -> bool:
    last = len(phrase.words) - 1
    for number, (word, wanted) in enumerate(zip(words, phrase.words, strict=True)):
        plain, skeletons, _ = readings.get(word) or _only(word)
        keys = plain + skeletons
        if wanted in keys:
            continue
        if skeletons and disguises.skeletons([wanted])[0] in skeletons:
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
