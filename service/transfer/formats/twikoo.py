"""Twikoo: its export, one JSON object in a line (or an array of them). The bodies are HTML."""

from collections.abc import Iterator
from typing import Final

from service.transfer.formats import glance, json_values, record
from service.transfer.formats.format import Format
from service.transfer.formats.glance import Kind
from service.transfer.formats.record import Record
from service.transfer.imported import BodyFormat, ImportedComment, LeftOut, State
from service.transfer.opened import Source

_PERSONAL: Final = ("mail", "mailMd5", "ip", "ua", "ups", "like")


def _looks_like(source: Source) -> bool:
    return any(glance.at(part).has(Kind.JSON, "_id", "nick", "url", "comment") for part in source.parts)


def _read(source: Source) -> Iterator[ImportedComment | LeftOut]:
    for part in source.parts:
        yield from record.comments(json_values.objects(part), _comment, personal=_PERSONAL)


def _comment(found: Record) -> ImportedComment:
    source_id = found.needed("_id", "_id.$oid")
    return ImportedComment(
        source="twikoo",
        source_id=source_id,
        source_parent=found.or_none("pid", "rid"),
        line=found.line,
        thread_id=found.needed("url"),
        post_url=found.text("href", "url"),
        author_name=found.text("nick"),
        author_url=found.or_none("link"),
        body=found.text("comment"),
        body_format=BodyFormat.HTML,
        state=State.SPAM if found.flag("isSpam") else State.APPROVED,
        created_at=found.time("created"),
        anchor=source_id,
    )


FORMAT: Final = Format("twikoo", _looks_like, _read)
