"""Gatepost itself: its own export (`gatepost export site`, docs/export.md), as comments of another system.

What else an export holds comes only with all of it, into an empty site (`transfer/whole`).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from service import strict_json
from service.moderation import restoring
from service.transfer.formats.format import Format
from service.transfer.imported import BodyFormat, ImportedComment, LeftOut, State
from service.transfer.opened import Source

NAME: Final = restoring.SOURCE


def header_of(source: Source) -> Mapping[str, Any] | None:
    """The first line of an export; None where it is none. Raises SourceError.

    Such a line is short: no more is read of a file that may be of any other system.
    """
    with source.parts[0].open() as stream:
        line, _, _ = stream.read().partition(b"\n")
    try:
        header = strict_json.parse_clean(line)
    except ValueError:
        return None
    return header if isinstance(header, dict) and header.get("format") == NAME else None


def _looks_like(source: Source) -> bool:
    return header_of(source) is not None


def _read(source: Source) -> Iterator[ImportedComment | LeftOut]:
    posts: dict[str, Mapping[str, Any]] = {}
    for part in source.parts:
        with part.open() as stream:
            for number, line in stream.lines():
                try:
                    found = strict_json.parse_clean(line)
                    if "post" in found:
                        posts[found["post"]["key"]] = found["post"]
                    elif "comment" in found:
                        yield _comment(found["comment"], posts, number)
                except (ValueError, KeyError, TypeError) as error:
                    yield LeftOut(number, f"is no line of an export of Gatepost ({error})")


def _comment(found: Mapping[str, Any], posts: Mapping[str, Mapping[str, Any]], number: int) -> ImportedComment:
    post = posts.get(found["post"], {})
    return ImportedComment(
        source=NAME,
        source_id=found["id"],
        line=number,
        thread_id=found["post"],
        body=found["body"],
        body_format=BodyFormat.MARKDOWN,
        state=State(found["status"]),
        created_at=found["created_at"],
        source_parent=found["parent"],
        post_url=post.get("url"),
        post_title=post.get("title"),
        author_id=str(found["author"]),
        author_name=found["name"],
        author_url=found["url"],
        edited_at=found["edited_at"],
        anchor=found["anchor"],
    )


FORMAT: Final = Format(NAME, _looks_like, _read)
