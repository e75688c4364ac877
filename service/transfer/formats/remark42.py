"""The system remark42: its backup, JSON lines. The first says who is blocked; every other is a comment."""

from collections.abc import Iterator, Mapping
from typing import Final

from service.model import FOREVER
from service.transfer.formats import glance, json_values, record
from service.transfer.formats.format import Format
from service.transfer.formats.glance import Kind
from service.transfer.formats.record import Record
from service.transfer.imported import Blocked, BodyFormat, Found, ImportedComment, LeftOut, State
from service.transfer.opened import Part, Source


def _looks_like(part: Part) -> bool:
    found = glance.at(part)
    return found.has(Kind.JSON, "version", "users") or found.has(Kind.JSON, "locator.url", "user.id")


def _read(source: Source) -> Iterator[Found]:
    for part in source.parts:
        yield from _blocked(part)
        yield from record.comments(_records(part), _comment, personal=("user.ip", "votes", "voted_ips"))


def _records(part: Part) -> Iterator[Record | LeftOut]:
    for found in json_values.objects(part):
        if isinstance(found, LeftOut) or "users" not in found.fields:
            yield found


def _blocked(part: Part) -> Iterator[Blocked]:
    """Whom the first line has as blocked. For good means for a hundred years there."""
    first = next(json_values.objects(part), None)
    users = first.value("users") if isinstance(first, Record) else None
    for user in users if isinstance(users, list) else ():
        if isinstance(user, Mapping):
            found = Record(1, user)
            if (who := found.text("id")) and found.flag("blocked.status"):
                yield Blocked(1, who, found.time_or_none("blocked.until") or FOREVER)


def _comment(found: Record) -> ImportedComment:
    source_id, url = found.needed("id"), found.needed("locator.url")
    written = found.text("orig")
    return ImportedComment(
        source="remark42",
        source_id=source_id,
        source_parent=found.or_none("pid"),
        line=found.line,
        thread_id=url,
        post_url=url,
        post_title=found.or_none("title"),
        author_id=found.or_none("user.id"),
        author_name=found.text("user.name"),
        body=written or found.text("text"),
        body_format=BodyFormat.MARKDOWN if written else BodyFormat.HTML,
        state=State.DELETED if found.flag("delete") else State.APPROVED,
        created_at=found.time("time"),
        edited_at=found.time_or_none("edit.time"),
        anchor=f"remark42__comment-{source_id}",
    )


FORMAT: Final = Format("remark42", _looks_like, _read)
