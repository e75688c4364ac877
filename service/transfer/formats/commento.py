"""Commento, Commento++ and Comentario 2: their JSON export, version 1, plain or gzip."""

from collections.abc import Iterator
from typing import Final

from service.transfer.formats import glance, json_values, record
from service.transfer.formats.format import Format
from service.transfer.formats.glance import Kind
from service.transfer.formats.record import BadRecordError, Record
from service.transfer.imported import BodyFormat, ImportedComment, LeftOut, State
from service.transfer.opened import Part, Source

_STATES: Final = {"approved": State.APPROVED, "unapproved": State.PENDING, "flagged": State.PENDING}
_NOBODY: Final = ("anonymous", "0" * 64)


def _looks_like(part: Part) -> bool:
    found = glance.at(part)
    return found.has(Kind.JSON, "comments") and found.names.get("version") == 1


def _read(source: Source) -> Iterator[ImportedComment | LeftOut]:
    for part in source.parts:
        yield from record.comments(_records(part), _comment, personal=("score", "commenter.email"))


def _records(part: Part) -> Iterator[Record | LeftOut]:
    commenters = {
        found.text("commenterHex"): found.kept("name", "link", "websiteUrl", "email")
        for found in json_values.objects(part, "commenters")
        if isinstance(found, Record)
    }
    for found in json_values.objects(part, "comments"):
        if isinstance(found, LeftOut):
            yield found
        else:
            yield Record(found.line, {**found.fields, "commenter": commenters.get(found.text("commenterHex"))})


def _comment(found: Record) -> ImportedComment:
    state = found.text("state")
    if state not in _STATES:
        raise BadRecordError(f"is in a state that Commento has not (`state`: {state[:40]!r})")
    source_id, path = found.needed("commentHex"), found.needed("url", "path")
    page = f"/{path.removeprefix('/')}"
    host = found.text("domain", "host")
    author = found.or_none("commenterHex", nothing=_NOBODY)
    written = found.text("markdown")
    return ImportedComment(
        source="commento",
        source_id=source_id,
        source_parent=found.or_none("parentHex", nothing=("root",)),
        line=found.line,
        thread_id=f"{host}{path}",
        post_url=f"https://{host}{page}" if host else page,
        author_id=author,
        author_name=found.text("commenter.name") if author else found.text("authorName"),
        author_url=found.or_none("commenter.link", "commenter.websiteUrl", nothing=("undefined",)),
        body=written or found.text("html"),
        body_format=BodyFormat.MARKDOWN if written else BodyFormat.HTML,
        state=State.DELETED if found.flag("deleted") else _STATES[state],
        created_at=found.time("creationDate"),
        anchor=f"commento-{source_id}",
    )


FORMAT: Final = Format("commento", _looks_like, _read)
