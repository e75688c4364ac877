"""A memory with a bound in bytes, for what is kept only because making it again costs more. For `auth` and `web`."""

import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
ENTRY_BYTES = 250
"""What a small entry takes beside its texts: key, value and their places in the dictionary."""


class Shelf(Generic[Key, Value]):
    """Values by key, together at most `max_bytes`, each as long as `size_of` says; what came first makes room."""

    def __init__(self, max_bytes: int, size_of: Callable[[Key, Value], int]) -> None:
        self._max_bytes = max_bytes
        self._size_of = size_of
        self._entries: OrderedDict[Key, Value] = OrderedDict()
        self.find = self._entries.get  # the dictionary's own: nothing is called more often
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, key: Key, value: Value) -> None:
        """Keep it, as the youngest."""
        self.drop(key)
        self._entries[key] = value
        self.bytes += self._size_of(key, value)
        while self.bytes > self._max_bytes:
            self.drop(next(iter(self._entries)))

    def drop(self, key: Key) -> None:
        """Forget it, if it is there."""
        value = self._entries.pop(key, None)
        if value is not None:
            self.bytes -= self._size_of(key, value)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self.bytes = 0

    def oldest(self) -> tuple[Key, Value] | None:
        """What was put here first of all that is here; None where nothing is."""
        return next(iter(self._entries.items()), None)


def small(key: bytes, value: object) -> int:
    """The size of a small value under a digest: what is in it, as text, is about as long as its own texts."""
    return ENTRY_BYTES + len(key) + sys.getsizeof(repr(value))
