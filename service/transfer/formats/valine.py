"""Valine: what LeanCloud exports of its class `Comment`, a JSON array or JSON lines. The bodies are HTML."""

from collections.abc import Iterator
from typing import Final

from service.transfer.formats import glance, json_values, record
from service.transfer.formats.format import Format
from service.transfer.formats.glance import Kind
from service.transfer.formats.record import BadRecordError, Record
from service.transfer.imported import BodyFormat, ImportedComment, LeftOut, State
from service.transfer.opened import Part, Source

# Valine itself knows no states; programs that moderate beside it write one into `status`.
_STATES: Final = {"": State.APPROVED, "approved": State.APPROVED, "waiting": State.PENDING, "spam": State.SPAM}
_PERSONAL: Final = ("mail", "ip", "ua", "like")


def _fits(part: Part, around: str = "") -> bool:
    names = (f"{around}{name}" for name in ("objectId", "nick", "comment", "url"))
    return glance.at(part).has(Kind.JSON, *names)


def _looks_like(part: Part) -> bool:
    return _fits(part) or _fits(part, "results.item.")


def _read(source: Source) -> Iterator[ImportedComment | LeftOut]:
    for part in source.parts:
        found = json_values.objects(part, "results" if _fits(part, "results.item.") else "")
        yield from record.comments(found, _comment, personal=_PERSONAL)


def _comment(found: Record) -> ImportedComment:
    status = found.text("status")
    if status not in _STATES:
        raise BadRecordError(f"is in a state that is not known (`status`: {status[:40]!r})")
    source_id, url = found.needed("objectId"), found.needed("url")
    return ImportedComment(
        source="valine",
        source_id=source_id,
        source_parent=found.or_none("pid", "rid"),
        line=found.line,
        thread_id=url,
        post_url=url,
        author_name=found.text("nick"),
        author_url=found.or_none("link"),
        body=found.text("comment"),
        body_format=BodyFormat.HTML,
        state=_STATES[status],
        created_at=found.time("insertedAt", "createdAt"),
        anchor=source_id,
    )


FORMAT: Final = Format("valine", _looks_like, _read)
