"""Gatepost itself: its own export (`gatepost export site`, docs/export.md), as comments of another system.

What else an export holds comes only with all of it, into an empty site (`transfer/whole`).
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from service import strict_json
from service.moderation import restoring
from service.transfer import lines
from service.transfer.formats.format import Format
from service.transfer.imported import BodyFormat, ImportedComment, LeftOut, State
from service.transfer.lines import AuthorLine, CommentLine, PostLine
from service.transfer.opened import Part, Source, SourceError

NAME: Final = restoring.SOURCE
VERSION: Final = 1


def header_of(part: Part) -> Mapping[str, Any] | None:
    """The first line of an export; None where it is none. Raises SourceError.

    Such a line is short: no more is read of a file that may be of any other system.
    """
    with part.open() as stream:
        line, _, _ = stream.read().partition(b"\n")
    return _header(part, line)


def _header(part: Part, line: bytes) -> Mapping[str, Any] | None:
    """`line` where it is the first of an export. Raises SourceError where that is of another version."""
    try:
        header = strict_json.parse_clean(line)
    except ValueError:
        return None
    if not isinstance(header, dict) or header.get("format") != NAME:
        return None
    if header.get("version") != VERSION:
        raise SourceError(
            f"{part.name}, line 1: is of another version than this release reads ({VERSION}): use the release that "
            "wrote it, or a later one"
        )
    return header


def _looks_like(part: Part) -> bool:
    return header_of(part) is not None


def _read(source: Source) -> Iterator[ImportedComment | LeftOut]:
    posts: dict[str, PostLine] = {}
    authors = _Authors()
    for part in source.parts:
        with part.open() as stream:
            for number, line in stream.lines():
                if number == 1 and _header(part, line) is not None:
                    continue
                try:
                    found = lines.line_of(strict_json.parse_clean(line))
                except ValueError as error:
                    yield LeftOut(number, f"is no line of an export of Gatepost ({error})")
                    continue
                if "post" in found:
                    posts[found["post"]["key"]] = found["post"]
                elif "author" in found:
                    authors.meet(found["author"])
                elif "comment" in found:
                    yield _comment(found["comment"], posts, authors, number)


class _Authors:
    """By which name an author is told from the others. The number that they have is another one in each export, so the
    name is made of what readers see of them, and how many before them look the same."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._alike: Counter[str] = Counter()

    def meet(self, found: AuthorLine) -> None:
        shown = "\0".join(found[part] or "" for part in ("name", "bio", "url", "avatar"))
        name = hashlib.sha256(shown.encode()).hexdigest()[:32]
        self._alike[name] += 1
        self._names[found["number"]] = f"{name} {self._alike[name]}"

    def name_of(self, number: int) -> str | None:
        return self._names.get(number)


def _comment(found: CommentLine, posts: Mapping[str, PostLine], authors: _Authors, number: int) -> ImportedComment:
    post = posts.get(found["post"])
    return ImportedComment(
        source=NAME,
        source_id=found["id"],
        line=number,
        thread_id=found["post"],
        body=found["body"],
        body_format=BodyFormat.OWN,
        state=State(found["status"]),
        created_at=found["created_at"],
        source_parent=found["parent"],
        post_url=post["url"] if post else None,
        post_title=post["title"] if post else None,
        author_id=authors.name_of(found["author"]),
        is_users_id=False,
        author_name=found["name"],
        author_url=found["url"],
        edited_at=found["edited_at"],
        anchor=found["anchor"],
    )


FORMAT: Final = Format(NAME, _looks_like, _read)
