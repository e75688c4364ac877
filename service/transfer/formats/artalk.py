"""Artalk: its export "Artrans", a JSON array, also as the API wraps it (`{"artrans": "[...]"}`)."""

from collections.abc import Iterator
from typing import Final

from service.transfer.formats import glance, json_values, record
from service.transfer.formats.format import Format
from service.transfer.formats.glance import Kind
from service.transfer.formats.record import Record
from service.transfer.imported import BodyFormat, ImportedComment, LeftOut, State
from service.transfer.opened import Part, Source

_PERSONAL: Final = ("email", "ip", "ua", "vote_up", "vote_down")


def _looks_like(part: Part) -> bool:
    found = glance.at(part)
    return found.has(Kind.JSON, "content", "page_key", "rid") or found.has(Kind.JSON, "artrans")


def _read(source: Source) -> Iterator[ImportedComment | LeftOut]:
    for part in source.parts:
        yield from record.comments(_records(part), _comment, personal=_PERSONAL)


def _records(part: Part) -> Iterator[Record | LeftOut]:
    for found in json_values.objects(part):
        if isinstance(found, Record) and isinstance(wrapped := found.value("artrans"), str):
            yield from json_values.objects_in(part, wrapped)
        else:
            yield found


def _comment(found: Record) -> ImportedComment:
    """The values may all be strings. `updated_at` changes with every vote, so it is no time of an edit."""
    source_id, key = found.needed("id"), found.needed("page_key")
    return ImportedComment(
        source="artalk",
        source_id=source_id,
        source_parent=found.or_none("rid", nothing=("0",)),
        line=found.line,
        thread_id=key,
        post_url=key if "/" in key else None,
        post_title=found.or_none("page_title"),
        author_name=found.text("nick"),
        author_url=found.or_none("link"),
        body=found.text("content"),
        body_format=BodyFormat.MARKDOWN,
        state=State.PENDING if found.flag("is_pending") else State.APPROVED,
        created_at=found.time("created_at"),
        anchor=f"atk-comment-{source_id}",
    )


FORMAT: Final = Format("artalk", _looks_like, _read)
