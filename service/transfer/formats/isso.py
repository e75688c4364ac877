"""The system isso: its SQLite file, or the generic JSON that it reads itself."""

from collections.abc import Iterator
from typing import Any, Final

from service.transfer.formats import glance, json_values, record, rows
from service.transfer.formats.format import Format
from service.transfer.formats.glance import Kind
from service.transfer.formats.record import BadRecordError, Record
from service.transfer.imported import BodyFormat, ImportedComment, LeftOut, State
from service.transfer.opened import Part, Source

_STATES: Final = {"1": State.APPROVED, "2": State.PENDING, "4": State.DELETED}
_COLUMNS: Final = ("id", "tid", "parent", "created", "modified", "mode", "text", "author", "website")
_PERSONAL: Final = ("email", "remote_addr", "likes", "dislikes")


def _is_database(part: Part) -> bool:
    return glance.at(part).has(Kind.SQLITE, "threads.uri", "comments.tid", "comments.mode")


def _is_generic(part: Part) -> bool:
    found = glance.at(part)
    return found.has(Kind.JSON, "comments") and "version" not in found.names


def _looks_like(part: Part) -> bool:
    return _is_database(part) or _is_generic(part)


def _read(source: Source) -> Iterator[ImportedComment | LeftOut]:
    for part in source.parts:
        if _is_database(part):
            yield from record.comments(_rows(part), _comment, personal=_PERSONAL)
        else:
            yield from record.comments(_generic(part), _comment, personal=_PERSONAL)


def _rows(part: Part) -> Iterator[Record]:
    found = rows.of_table(part, "threads", ("id", "uri", "title"))
    threads = {row.text("id"): Record(row.line, row.kept("uri", "title")) for row in found}
    for row in rows.of_table(part, "comments", (*_COLUMNS, *_PERSONAL)):
        thread = threads.get(row.text("tid"), Record(row.line, {}))
        yield Record(row.line, {**row.fields, **_about(thread, "uri"), "anchor": f"isso-{row.text('id')}"})


def _generic(part: Part) -> Iterator[Record | LeftOut]:
    """The comments of each thread. Their ids are only counted within it, and all of them are shown."""
    number = 0
    for thread in json_values.objects(part):
        if isinstance(thread, LeftOut):
            yield thread
            continue
        uri, found_in = thread.text("id"), thread.value("comments")
        if not isinstance(found_in, list | None):
            yield LeftOut(number + 1, "stands in a thread whose `comments` are no array")
            continue
        for fields in found_in or ():
            number += 1
            if not isinstance(fields, dict):
                yield LeftOut(number, "is no JSON object")
                continue
            found = Record(number, fields)
            ids = {name: f"{uri}#{found.text(name)}" for name in ("id", "parent") if found.text(name)}
            yield Record(number, {"mode": 1, **fields, **_about(thread, "id"), **ids})


def _about(thread: Record, uri: str) -> dict[str, Any]:
    return {"thread.uri": thread.text(uri), "thread.title": thread.text("title")}


def _comment(found: Record) -> ImportedComment:
    uri, mode = found.text("thread.uri"), found.text("mode")
    if not uri:
        raise BadRecordError("belongs to a thread that is not in the file")
    if mode not in _STATES:
        raise BadRecordError(f"is in a mode that isso has not (`mode`: {mode[:40]!r})")
    return ImportedComment(
        source="isso",
        source_id=found.needed("id"),
        source_parent=found.or_none("parent"),
        line=found.line,
        thread_id=uri,
        post_url=uri,
        post_title=found.or_none("thread.title"),
        author_name=found.text("author"),
        author_url=found.or_none("website"),
        body=found.text("text"),
        body_format=BodyFormat.MARKDOWN,
        state=_STATES[mode],
        created_at=found.time("created"),
        edited_at=found.time_or_none("modified"),
        anchor=found.or_none("anchor"),
    )


FORMAT: Final = Format("isso", _looks_like, _read)
