"""Patterns of lists: RE2, whose time grows with the text and with nothing else."""

from typing import Any

MAX_BYTES = 1 << 20
"""Of a compiled pattern: repetitions of repetitions take more, and are refused."""


def compiled(pattern: str) -> Any:
    """A pattern ready to search. Takes up to some milliseconds. Raises ValueError with RE2's own words.

    The library is loaded with the first pattern: most sites have none.
    """
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_BYTES
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        text = error.args[0] if error.args else ""
        raise ValueError(text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)) from None


class _NoPattern:
    """What another release of RE2 took and this one does not: who looks for it fails, so that nothing passes unseen."""

    def __init__(self, why: str) -> None:
        self._why = why

    def finditer(self, _: str) -> Any:
        """Raises ValueError."""
        raise ValueError(self._why)


def ready(pattern: str) -> Any:
    """A pattern of the store to search with."""
    try:
        return compiled(pattern)
    except ValueError as error:
        return _NoPattern(str(error))


def mistake(pattern: str) -> str | None:
    """Why this can be no pattern; None where it can."""
    try:
        found = compiled(pattern)
    except ValueError as error:
        return f"is no pattern that RE2 takes: {error}"
    return "matches the empty text, so everywhere" if found.search("") else None
