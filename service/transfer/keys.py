"""Which post of the blog a foreign thread is: the key under which its pages ask for comments."""

import csv
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from service.strict_json import is_clean
from service.transfer.imported import ImportedComment

LONGEST: Final = 512
"""Characters of a key, as the API takes it."""
_FIRST_ROW: Final = ["from", "to"]


class MapError(Exception):
    """The map cannot be used. Its text is one line that says what to do."""


class Keys(StrEnum):
    """What a key is made of."""

    URL_PATH = "url-path"
    URL = "url"
    ID = "id"


def read_map(path: Path) -> dict[str, str]:
    """The keys in a CSV file with the columns `from` (an id, an address or a path) and `to`. Raises MapError.

    A path may stand there as it does in an address: with a slash at its end, percent-encoded.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MapError(f"{path}: cannot be read ({error}): it must be CSV in UTF-8") from None
    found: dict[str, str] = {}
    paths: dict[str, str] = {}
    for number, row in enumerate(rows, start=1):
        if not row or (number == 1 and row == _FIRST_ROW):
            continue
        if len(row) != len(_FIRST_ROW) or (mistake := mistake_in(row[1])):
            raise MapError(f"{path}, line {number}: write from,to{f' (the key {mistake})' if len(row) > 1 else ''}")
        found[row[0]] = row[1]
        if row[0].startswith("/") and "?" not in row[0] and (decoded := path_of(row[0])):
            paths[decoded] = row[1]
    return paths | found


def key_of(comment: ImportedComment, keys: Keys, given: Mapping[str, str]) -> str | None:
    """The key of the post on which a comment stands; None where nothing says it. What is `given` wins."""
    path = path_of(comment.post_url) if comment.post_url else None
    for name in (comment.thread_id, comment.post_url, path):
        if name is not None and name in given:
            return given[name]
    match keys:
        case Keys.URL_PATH:
            return path
        case Keys.URL:
            return comment.post_url
        case Keys.ID:
            return comment.thread_id or None


@lru_cache(maxsize=256)  # comments of a post stand beside each other
def path_of(address: str) -> str | None:
    """The path of an address, without the slash at its end, percent-decoded. None where it has no path to speak of."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return None
    if parts.scheme and not parts.netloc:
        return None
    path = parts.path.rstrip("/")
    decoded = unquote(path, errors="surrogateescape")
    return (decoded if is_clean(decoded) else path) or "/"


def mistake_in(key: str) -> str | None:
    """What is wrong with a post's key, as the API says it (`web/post_keys`); None for a good one."""
    if not 1 <= len(key) <= LONGEST:
        return f"must have 1 to {LONGEST} characters"
    if not is_clean(key):
        return "must be UTF-8 without NUL"
    return 'must not be "." or ".."' if key in (".", "..") else None
