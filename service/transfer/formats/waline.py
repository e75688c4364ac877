"""Waline: its JSON export."""

from collections.abc import Iterator
from typing import Final

from service.transfer.formats import glance, json_values, record
from service.transfer.formats.format import Format
from service.transfer.formats.glance import Kind
from service.transfer.formats.record import BadRecordError, Record
from service.transfer.imported import BodyFormat, ImportedComment, LeftOut, State
from service.transfer.opened import Part, Source

_STATES: Final = {"": State.APPROVED, "approved": State.APPROVED, "waiting": State.PENDING, "spam": State.SPAM}


def _looks_like(part: Part) -> bool:
    found = glance.at(part)
    return found.has(Kind.JSON, "type") and found.names["type"] == "waline"


def _read(source: Source) -> Iterator[ImportedComment | LeftOut]:
    for part in source.parts:
        yield from record.comments(_records(part), _comment, personal=("mail", "ip", "ua", "like"))


def _records(part: Part) -> Iterator[Record | LeftOut]:
    users = {
        found.text("objectId"): found.kept("display_name", "url")
        for found in json_values.objects(part, "data.Users")
        if isinstance(found, Record)
    }
    for found in json_values.objects(part, "data.Comment"):
        if isinstance(found, LeftOut):
            yield found
        else:
            yield Record(found.line, {**found.fields, "user": users.get(found.text("user_id"))})


def _comment(found: Record) -> ImportedComment:
    status = found.text("status")
    if status not in _STATES:
        raise BadRecordError(f"is in a state that Waline has not (`status`: {status[:40]!r})")
    source_id, url = found.needed("objectId"), found.needed("url")
    return ImportedComment(
        source="waline",
        source_id=source_id,
        source_parent=found.or_none("pid", "rid"),
        line=found.line,
        thread_id=url,
        post_url=url,
        author_id=found.or_none("user_id"),
        author_name=found.text("nick", "user.display_name"),
        author_url=found.or_none("link", "user.url"),
        body=found.text("comment"),
        body_format=BodyFormat.MARKDOWN,
        state=_STATES[status],
        created_at=found.time("insertedAt", "createdAt"),
        anchor=source_id,
    )


FORMAT: Final = Format("waline", _looks_like, _read)
