"""Marks where checks saw something in a text: in its source, and in the HTML that readers see.

Checks count in the source (code points of what the author wrote), so there every mark is exact. HTML is followed back
to its source word by word: what lies between two words must be markup and nothing else. Where that does not work out
(an entity, a link's address behind other words), there is no marked HTML, and the desk shows the marked source.
"""

import html
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from markupsafe import Markup, escape

MOST_MARKS: Final = 100
"""In one text. It is for a person to see, and takes a time that grows with the square of it."""
_TAGS: Final = re.compile(r"(<[^>]*>)")
"""The sanitiser escapes `>` inside attribute values, so this finds real ones."""
_LINK_END: Final = re.compile(r"\]\([^\s()<>]*\)")
_MARKUP: Final = frozenset("*_`~#>+-=[]!\\|<")
_MARK: Final = Markup('<mark title="{}">{}</mark>')


@dataclass(frozen=True, slots=True)
class Mark:
    """What a check saw at a place of the source, in words."""

    start: int
    end: int
    title: Markup


class _Stretch(NamedTuple):
    """A place of the source of which the same marks speak from its beginning to its end."""

    start: int
    end: int
    title: Markup


class Source:
    """A text as its author wrote it, and what is marked in it."""

    def __init__(self, body: str, marks: Sequence[Mark] = ()) -> None:
        self.body = body
        self._stretches = list(_stretches(marks[:MOST_MARKS], len(body)))
        self._ends = [stretch.end for stretch in self._stretches]

    @property
    def whole(self) -> Markup:
        """All of it."""
        return self.part(0, len(self.body))

    def part(self, start: int, end: int) -> Markup:
        """What stands between two places, with the marks that lie in it."""
        written: list[Markup] = []
        at = start
        for number in self._in(start, end):
            stretch = self._stretches[number]
            first, last = max(start, stretch.start), min(end, stretch.end)
            written += [escape(self.body[at:first]), _MARK.format(stretch.title, self.body[first:last])]
            at = last
        return Markup("").join([*written, escape(self.body[at:end])])

    def in_html(self, sanitised: str) -> Markup | None:
        """The sanitised HTML of this text with the marks; None where one of them would be missing or out of place."""
        if not self._stretches:
            return Markup(sanitised)  # noqa: S704  # sanitised when it was stored
        written: list[str] = []
        shown: set[int] = set()
        at = 0
        for number, piece in enumerate(_TAGS.split(sanitised)):
            if number % 2:  # a tag
                written.append(piece)
                continue
            for line in html.unescape(piece).splitlines(keepends=True):
                words = line.strip()
                found = self._behind_markup(at, words)
                if found is None:
                    return None
                before, _, behind = line.partition(words) if words else ("", "", line)
                at = found + len(words)
                shown.update(self._in(found, at))
                written += [escape(before), self.part(found, at), escape(behind)]
        if len(shown) < len(self._stretches):
            return None
        return Markup("".join(written))  # noqa: S704  # tags of sanitised HTML, and escaped text

    def _in(self, start: int, end: int) -> range:
        """Which stretches lie in a part, wholly or not."""
        first = last = bisect_right(self._ends, start)
        while last < len(self._stretches) and self._stretches[last].start < end:
            last += 1
        return range(first, last)

    def _behind_markup(self, at: int, words: str) -> int | None:
        """Where these words begin, if only markup and white space stand before them."""
        while not self.body.startswith(words, at):
            if link_end := _LINK_END.match(self.body, at):
                at = link_end.end()
            elif at < len(self.body) and (self.body[at] in _MARKUP or self.body[at].isspace()):
                at += 1
            else:
                return None
        return at


def _stretches(marks: Sequence[Mark], length: int) -> Iterator[_Stretch]:
    """In order, none over another: where marks lie over each other, what all of them say."""
    edges = sorted({min(edge, length) for mark in marks for edge in (mark.start, mark.end)})
    for start, end in pairwise(edges):
        titles = [mark.title for mark in marks if mark.start < end and mark.end > start]
        if titles:
            yield _Stretch(start, end, Markup(" · ").join(dict.fromkeys(titles)))
