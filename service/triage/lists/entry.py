"""What lists hold: entries of three kinds, and what may be one."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from service.model import Milliseconds
from service.text import folding
from service.triage.lists import hosts, patterns
from service.triage.lists.reading import words_of

LIST_NAME: Final = "^[a-z0-9]+(-[a-z0-9]+)*$"
"""What a list may be called, in 40 characters: policies name it so."""
MAX_NAME: Final = 40
MAX_LENGTH: Final = 100
MAX_PATTERN: Final = 200
MAX_ENTRIES: Final = 2_000
MAX_PATTERNS: Final = 50
MAX_EXCEPTIONS: Final = 20
ENOUGH_LETTERS: Final = 3
"""In front of or behind a `*`. With fewer it would match everywhere."""


class ListKind(StrEnum):
    """What a list's entries are."""

    WORDS = "words"
    PATTERNS = "patterns"
    HOSTS = "hosts"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `exceptions` are texts in which the word is meant otherwise (`not`); past `until` it holds no more."""

    value: str
    exceptions: tuple[str, ...] = ()
    until: Milliseconds | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """The entry that something in a text led to, and its list. Each is made once, when the list is made ready."""

    list: str
    entry: Entry


_DISGUISE: Final = re.compile(r"[@$€£!|\\/&#<>]|\w\*+\w")
_STAR: Final = "*"


def is_name(text: str) -> bool:
    """Whether a list may be called so."""
    return len(text) <= MAX_NAME and re.match(LIST_NAME, text) is not None and not text.endswith("\n")


def most_entries(kind: ListKind) -> int:
    """How many entries a list of this kind holds."""
    return MAX_PATTERNS if kind is ListKind.PATTERNS else MAX_ENTRIES


def key_of(kind: ListKind, value: str) -> str:
    """By what two entries are the same."""
    match kind:
        case ListKind.WORDS:
            return " ".join(folding.fold(value).split())
        case ListKind.HOSTS:
            return hosts.folded(value) or value
        case ListKind.PATTERNS:
            return value


def mistake(kind: ListKind, value: str) -> str | None:
    """Why a value can be no entry of a list; None where it can."""
    most = MAX_PATTERN if kind is ListKind.PATTERNS else MAX_LENGTH
    if len(value) > most:
        return f"must have at most {most} characters"
    match kind:
        case ListKind.WORDS:
            return _mistake_in_words(value)
        case ListKind.HOSTS:
            return None if hosts.folded(value) else 'must be a host, for example "pills.example"'
        case ListKind.PATTERNS:
            return patterns.mistake(value)


def exception_mistake(kind: ListKind, value: str, exception: str) -> str | None:
    """Why this can be no exception of an entry."""
    if kind is ListKind.PATTERNS:
        return "a pattern has no exceptions: write them into the pattern"
    if kind is ListKind.HOSTS:
        host, above = hosts.folded(exception), hosts.folded(value)
        return None if host and above and host.endswith(f".{above}") else f"must be a host below {value}"
    if len(exception) > MAX_LENGTH:
        return f"must have at most {MAX_LENGTH} characters"
    return None if words_of(exception) else "needs a word"


def _mistake_in_words(value: str) -> str | None:
    words = words_of(value)
    if not words:
        return "needs a letter or a digit"
    if _DISGUISE.search(value):
        return "write it as plain letters: disguises are found without being listed"
    stars = value.count(_STAR)
    if stars > 1 or (stars and not (value.startswith(_STAR) or value.endswith(_STAR))):
        return "may have one * at its end or at its beginning, and none elsewhere"
    starred = words[0] if value.startswith(_STAR) else words[-1]
    if stars and len(starred) < ENOUGH_LETTERS:
        return f"needs {ENOUGH_LETTERS} letters beside its *"
    return None
