"""What has changed between two texts, by words: what is gone is marked in the old one, what came in the new one."""

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final

from markupsafe import Markup

from service.desk.marking import Mark, Source

_WORDS: Final = re.compile(r"\s+|\w+|[^\w\s]")
_LINES: Final = re.compile(r"[^\n]*\n|[^\n]+")
MOST_COMPARED: Final = 300
"""Parts of one text."""
MOST_PAIRS: Final = 1_000
"""Parts of one text that are the same as one of the other: every `a` with every other `a`, white space left out. With
them grows what `difflib` takes, so an author could make it take seconds; usual prose has about half."""


def marked(old: str, new: str, marks: Sequence[Mark] = ()) -> tuple[Markup, Markup]:
    """The old text with `<del>`, and the new one with `<ins>` and these marks. Long texts that differ much are compared
    by lines; where these are too many, all that lies between the first and the last difference counts as changed."""
    olds, news = _parts(old, new)
    start = _same_from_the_start(olds, news)
    end = _same_from_the_start(olds[start:][::-1], news[start:][::-1])
    before, after = olds[:start], olds[len(olds) - end :]
    old_middle, new_middle = olds[start : len(olds) - end], news[start : len(news) - end]
    source = _Reading(new, marks)
    was, now = [_plain(before)], [source.next(before)]
    for tag, i1, i2, j1, j2 in _changes(old_middle, new_middle):
        if tag == "equal":
            was.append(_plain(old_middle[i1:i2]))
            now.append(source.next(new_middle[j1:j2]))
            continue
        if i1 < i2:
            was.append(Markup("<del>{}</del>").format("".join(old_middle[i1:i2])))
        if j1 < j2:
            now.append(Markup("<ins>{}</ins>").format(source.next(new_middle[j1:j2])))
    return Markup("").join([*was, _plain(after)]), Markup("").join([*now, source.next(after)])


class _Reading:
    """The new text from its beginning to its end, with its marks."""

    def __init__(self, text: str, marks: Sequence[Mark]) -> None:
        self._source = Source(text, marks)
        self._at = 0

    def next(self, parts: Sequence[str]) -> Markup:
        """The parts that come next."""
        start = self._at
        self._at += sum(map(len, parts))
        return self._source.part(start, self._at)


def _parts(old: str, new: str) -> tuple[list[str], list[str]]:
    words = _WORDS.findall(old), _WORDS.findall(new)
    start = _same_from_the_start(*words)
    end = _same_from_the_start(words[0][start:][::-1], words[1][start:][::-1])
    if _are_comparable(words[0][start : len(words[0]) - end], words[1][start : len(words[1]) - end]):
        return words
    return _LINES.findall(old), _LINES.findall(new)


def _changes(old: Sequence[str], new: Sequence[str]) -> Sequence[tuple[str, int, int, int, int]]:
    if not _are_comparable(old, new):
        return [("replace", 0, len(old), 0, len(new))]
    return SequenceMatcher(str.isspace, old, new, autojunk=False).get_opcodes()


def _are_comparable(old: Sequence[str], new: Sequence[str]) -> bool:
    if max(len(old), len(new)) > MOST_COMPARED:
        return False
    number = Counter(part for part in new if not part.isspace())
    return sum(number[part] for part in old) <= MOST_PAIRS


def _same_from_the_start(one: Sequence[str], other: Sequence[str]) -> int:
    number = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        number += 1
    return number


def _plain(parts: Sequence[str]) -> Markup:
    return Markup("{}").format("".join(parts))
