"""Tables of what single characters become, filled as texts bring them: Unicode has a million code points."""

from collections.abc import Callable, Sequence
from typing import Final

MOST_LETTERS: Final = 16_384
"""So many are remembered beside those of one text. Somebody may send them all."""
_BREAK: Final = "\n"


class _NewLetterError(Exception):
    """A text has a character that the table does not know yet."""


class Letters(dict[int, str | None]):
    """What each character becomes, for `str.translate`: None where nothing. A line break always stays one.

    All that are new in a text are found out at once: one by one that takes five times as long.
    """

    def __init__(self, become: Callable[[Sequence[str]], Sequence[str]]) -> None:
        super().__init__({ord(_BREAK): _BREAK})
        self._become = become

    def __missing__(self, code: int) -> str:
        raise _NewLetterError

    def of(self, text: str) -> str:
        """What a text becomes."""
        while True:
            try:
                return text.translate(self)
            except _NewLetterError:
                self._learn(text)

    def of_each(self, text: str) -> list[str]:
        """What each of its characters becomes."""
        while True:
            try:
                return [self[ord(letter)] or "" for letter in text]
            except _NewLetterError:
                self._learn(text)

    def _learn(self, text: str) -> None:
        codes = set(map(ord, text)) - {ord(_BREAK)}
        new = [code for code in codes if code not in self]
        if len(self) + len(new) > MOST_LETTERS:
            self.clear()
            self[ord(_BREAK)] = _BREAK
            new = [*codes]
        become = self._become([*map(chr, new)])
        self.update((code, one or None) for code, one in zip(new, become, strict=True))


def each_of(become: Callable[[str], str], letters: Sequence[str]) -> list[str]:
    """What each of some letters becomes by itself, found out for all at once."""
    return become(_BREAK.join(letters)).split(_BREAK)
