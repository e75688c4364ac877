"""Listed words, looked up for each word of a text: what that costs does not grow with the list."""

import re
from collections.abc import Iterable, Iterator, Sequence
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

    def find(self, reading: Reading, *, but: Reading | None = None) -> Iterator[Found]:
        """Everything that stands in a text, each as often as it stands there. `but`: another that was looked at before;
        what was in no list there is in none here."""
        for found in self._found(reading, but):
            if not _is_excepted(found, reading.folded.text):
                yield found

    def _found(self, reading: Reading, but: Reading | None) -> Iterator[Found]:
        own, words = reading.own, reading.distinct
        if but is not None and but.own == own:
            words = words - but.unlisted
        of_words = self._targets(words, own)
        reading.unlisted = words - of_words.keys()
        if of_words:
            for word, place in zip(reading.words, reading.places, strict=True):
                for target in of_words.get(word, ()):
                    yield target, *place
        for word, targets in self._targets(reading.disguised, own).items():
            for place in reading.disguised[word]:
                for target in targets:
                    yield target, *place
        if self._phrases:
            yield from self._phrases_in(reading)
        if self._parts:
            yield from self._parts_in(reading.folded.text)

    def _targets(self, words: Iterable[str], own: tuple[bool, ...]) -> dict[str, list[Target]]:
        """What is listed of some folded words."""
        plain, heads, tails = self._plain, self._heads, self._tails
        found: dict[str, list[Target]] = {}
        for word in words:
            if disguises.is_plain(word):
                if word in plain:
                    found[word] = [*plain[word]]
                if word[:ENOUGH_LETTERS] in heads or word[-ENOUGH_LETTERS:] in tails:
                    found.setdefault(word, []).extend(self._of_part(word))
            elif targets := list(self._of_readings(disguises.readings(word, own))):
                found[word] = targets
        return found

    def _of_readings(self, readings: Readings) -> Iterator[Target]:
        for key in readings.plain:
            yield from self._plain.get(key, ())
        for key in readings.skeletons:
            yield from self._skeletons.get(key, ())
        if self._heads or self._tails:
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
        known = _Skeletons(reading)
        begin = {word for word, skeletons in known.of_all() if not self._firsts.isdisjoint(skeletons)}
        if not begin:
            return
        words = reading.words
        for position, word in enumerate(words):
            if word not in begin:
                continue
            paths: list[Path] = [(one,) for one in known[word] if one in self._firsts]
            for place in range(position + 1, len(words)):
                some = [reading.readings(one) for one in words[position : place + 1]]
                for phrase in self._that_end(paths, known[words[place]], some[-1]):
                    if _is_phrase(some, phrase):
                        yield phrase.target, reading.places[position].start, reading.places[place].end
                following = known[words[place]]
                paths = [longer for path in paths for one in following if (longer := (*path, one)) in self._paths]
                if not paths:
                    break

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


class _Skeletons(dict[str, frozenset[str]]):
    """What the words of a text can be without any disguise, found out when somebody asks."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def __missing__(self, word: str) -> frozenset[str]:
        readings = self._reading.readings(word)
        self[word] = frozenset((*map(disguises.skeleton, readings.plain), *readings.skeletons))
        return self[word]

    def of_all(self) -> Iterator[tuple[str, frozenset[str]]]:
        """Each word with its skeletons."""
        plain = [word for word in self._reading.distinct if disguises.is_plain(word)]
        for word, skeleton in zip(plain, disguises.skeletons_of(plain), strict=True) if plain else ():
            self[word] = frozenset((skeleton,))
        return ((word, self[word]) for word in self._reading.distinct)


def _is_phrase(some: Sequence[Readings], phrase: _Phrase) -> bool:
    last = len(phrase.words) - 1
    for number, (readings, wanted) in enumerate(zip(some, phrase.words, strict=True)):
        keys = readings.plain + readings.skeletons
        if wanted in keys:
            continue
        if readings.skeletons and disguises.skeleton(wanted) in readings.skeletons:
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
