"""Twikoo: its export, one JSON object in a line (or an array of them). The bodies are HTML."""

from collections.abc import Iterator
from typing import Final

from service.transfer.formats import glance, json_values, record
from service.transfer.formats.format import Format
from service.transfer.formats.glance import Kind
from service.transfer.formats.record import LONGEST_KEPT, Record
from service.transfer.imported import BodyFormat, ImportedComment, LeftOut, State
from service.transfer.opened import Part, Source

_PERSONAL: Final = ("mail", "mailMd5", "ip", "ua", "ups", "like")


def _looks_like(part: Part) -> bool:
    return glance.at(part).has(Kind.JSON, "_id", "nick", "url", "comment")


def _read(source: Source) -> Iterator[ImportedComment | LeftOut]:
    for part in source.parts:
        yield from record.comments(_records(part), _comment, personal=_PERSONAL)


def _records(part: Part) -> Iterator[Record | LeftOut]:
    """MongoDB tells the text `a` from the object id `a`, and some files have a comment under each."""
    kinds: dict[str, str] = {}
    for found in json_values.objects(part):
        if isinstance(found, LeftOut):
            yield found
            continue
        kind, own = ("text", text) if (text := found.text("_id")) else ("oid", found.text("_id.$oid"))
        own = own[:LONGEST_KEPT]
        is_other = kinds.setdefault(own, kind) != kind
        yield Record(found.line, {**found.fields, "_id": f"{own}#{kind}" if is_other else own, "anchor": own})


def _comment(found: Record) -> ImportedComment:
    source_id = found.needed("_id")
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
        anchor=found.text("anchor"),
    )


FORMAT: Final = Format("twikoo", _looks_like, _read)
