"""Comentario 3: its JSON export, version 3, plain or gzip."""

from collections.abc import Iterator
from typing import Final

from service.transfer.formats import glance, json_values, record
from service.transfer.formats.format import Format
from service.transfer.formats.glance import Kind
from service.transfer.formats.record import Record
from service.transfer.imported import BodyFormat, ImportedComment, LeftOut, State
from service.transfer.opened import Part, Source

_NOBODY: Final = ("00000000-0000-0000-0000-000000000000",)


def _looks_like(part: Part) -> bool:
    found = glance.at(part)
    return found.has(Kind.JSON, "version", "pages") and found.names["version"] == 3


def _read(source: Source) -> Iterator[ImportedComment | LeftOut]:
    for part in source.parts:
        yield from record.comments(_records(part), _comment, personal=("authorIP", "score", "commenter.email"))


def _records(part: Part) -> Iterator[Record | LeftOut]:
    pages = _by_id(part, "pages", ("path", "title"))
    commenters = _by_id(part, "commenters", ("name", "websiteUrl", "email"))
    for found in json_values.objects(part, "comments"):
        if isinstance(found, LeftOut):
            yield found
            continue
        about = {"page": pages.get(found.text("pageId")), "commenter": commenters.get(found.text("userCreated"))}
        yield Record(found.line, {**found.fields, **about})


def _by_id(part: Part, under: str, names: tuple[str, ...]) -> dict[str, dict[str, str]]:
    return {
        found.text("id"): found.kept(*names) for found in json_values.objects(part, under) if isinstance(found, Record)
    }


def _comment(found: Record) -> ImportedComment:
    source_id = found.needed("id")
    written = found.text("markdown")
    return ImportedComment(
        source="comentario",
        source_id=source_id,
        source_parent=found.or_none("parentId", nothing=_NOBODY),
        line=found.line,
        thread_id=found.needed("pageId"),
        post_url=found.text("url").partition("#")[0] or found.or_none("page.path"),
        post_title=found.or_none("page.title"),
        author_id=found.or_none("userCreated", nothing=_NOBODY),
        author_name=found.text("commenter.name", "authorName"),
        author_url=found.or_none("commenter.websiteUrl"),
        body=written or found.text("html"),
        body_format=BodyFormat.MARKDOWN if written else BodyFormat.HTML,
        state=_state(found),
        created_at=found.time("createdTime"),
        edited_at=found.time_or_none("editedTime"),
        anchor=f"comentario-{source_id}",
    )


def _state(found: Record) -> State:
    if found.flag("isDeleted"):
        return State.DELETED
    if found.flag("isPending"):
        return State.PENDING
    return State.APPROVED if found.flag("isApproved") else State.REJECTED


FORMAT: Final = Format("comentario", _looks_like, _read)
