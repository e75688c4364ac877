"""Coral (Talk): what `mongoexport` writes of its collections `comments`, `stories`, `users`; JSON lines or arrays."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from service.model import FOREVER
from service.transfer.formats import glance, json_values, record
from service.transfer.formats.format import Format
from service.transfer.formats.glance import Kind
from service.transfer.formats.record import BadRecordError, Record
from service.transfer.imported import Blocked, BodyFormat, Found, ImportedComment, LeftOut, State
from service.transfer.opened import Part, Source

_STATES: Final = {
    "NONE": State.APPROVED,
    "APPROVED": State.APPROVED,
    "REJECTED": State.REJECTED,
    "PREMOD": State.PENDING,
    "SYSTEM_WITHHELD": State.PENDING,
}


def _looks_like(part: Part) -> bool:
    """Whether it is the collection of comments."""
    return glance.at(part).has(Kind.JSON, "revisions", "storyID")


def _read(source: Source) -> Iterator[Found]:
    others = [part for part in source.parts if not _looks_like(part)]
    known: dict[str, dict[str, str]] = {}
    for part in others:
        for found in json_values.objects(part):
            if isinstance(found, Record):
                name = found.text("id")
                known[name] = found.kept("url", "metadata.title", "username", "email")
                if name and found.flag("status.ban.active"):
                    yield Blocked(found.line, name, FOREVER)
    for part in source.parts:
        if _looks_like(part):
            yield from record.comments(_records(part, known), _comment, personal=("author.email",))


def _records(part: Part, known: dict[str, dict[str, str]]) -> Iterator[Record | LeftOut]:
    for found in json_values.objects(part):
        if isinstance(found, LeftOut):
            yield found
            continue
        about = {"story": known.get(found.text("storyID")), "author": known.get(found.text("authorID"))}
        yield Record(found.line, {**found.fields, **about, "current": _current(found.value("revisions"))})


def _current(revisions: Any) -> dict[str, Any]:
    """The last revision, and when it was written if it is not the first."""
    if not isinstance(revisions, Sequence) or not revisions or not isinstance(revisions[-1], dict):
        return {}
    last = revisions[-1]
    return {"body": last.get("body"), "edited": last.get("createdAt") if len(revisions) > 1 else None}


def _comment(found: Record) -> ImportedComment:
    status = found.text("status")
    if status not in _STATES:
        raise BadRecordError(f"is in a state that Coral has not (`status`: {status[:40]!r})")
    return ImportedComment(
        source="coral",
        source_id=found.needed("id"),
        source_parent=found.or_none("parentID"),
        line=found.line,
        thread_id=found.needed("storyID"),
        post_url=found.or_none("story.url"),
        post_title=found.or_none("story.metadata.title"),
        author_id=found.or_none("authorID"),
        author_name=found.text("author.username"),
        body=found.text("current.body"),
        body_format=BodyFormat.HTML,
        state=State.DELETED if found.time_or_none("deletedAt") else _STATES[status],
        created_at=found.time("createdAt"),
        edited_at=found.time_or_none("current.edited"),
        anchor=found.text("id"),
    )


FORMAT: Final = Format("coral", _looks_like, _read)
