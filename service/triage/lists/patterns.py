"""Patterns of lists: RE2, whose time grows with the text and with nothing else."""

from functools import lru_cache
from typing import Any

MAX_BYTES = 1 << 20
"""Of a compiled pattern: repetitions of repetitions take more, and are refused."""


@lru_cache(maxsize=1_000)
def compiled(pattern: str) -> Any:
    """A pattern ready to search. Raises ValueError with RE2's own words.

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


def mistake(pattern: str) -> str | None:
    """Why this can be no pattern; None where it can."""
    try:
        found = compiled(pattern)
    except ValueError as error:
        return f"is no pattern that RE2 takes: {error}"
    return "matches the empty text, so everywhere" if found.search("") else None
