"""Cusdis: its SQLite file, or its tables `comments`, `pages` and `projects` as CSV."""

from collections.abc import Callable, Iterator
from typing import Final

from service.transfer.formats import glance, record, rows
from service.transfer.formats.format import Format
from service.transfer.formats.glance import Kind
from service.transfer.formats.record import BadRecordError, Record
from service.transfer.imported import BodyFormat, ImportedComment, LeftOut, State
from service.transfer.opened import Part, Source

_COMMENT: Final = ("id", "pageId", "parentId", "created_at", "deletedAt", "moderatorId", "by_nickname", "content")
_PAGE: Final = ("id", "slug", "url", "title")
_PERSONAL: Final = ("by_email",)


def _is_database(part: Part) -> bool:
    return glance.at(part).has(Kind.SQLITE, "comments.by_nickname", "comments.pageId", "pages.slug")


def _is_csv(part: Part, *columns: str) -> bool:
    return glance.at(part).has(Kind.CSV, *columns)


def _looks_like(part: Part) -> bool:
    return _is_database(part) or _is_csv(part, "by_nickname", "pageId")


def _read(source: Source) -> Iterator[ImportedComment | LeftOut]:
    tables = [part for part in source.parts if _is_csv(part, "slug", "projectId")]
    pages = _by_id(row for part in tables for row in rows.of_csv(part))
    for part in source.parts:
        if _is_database(part):
            own = _by_id(rows.of_table(part, "pages", _PAGE))
            found = rows.of_table(part, "comments", (*_COMMENT, "approved", *_PERSONAL))
            yield from record.comments(found, _with(own), personal=_PERSONAL)
        elif _is_csv(part, "by_nickname", "pageId"):
            yield from record.comments(rows.of_csv(part), _with(pages), personal=_PERSONAL)


def _by_id(pages: Iterator[Record]) -> dict[str, dict[str, str]]:
    return {page.text("id"): page.kept(*_PAGE) for page in pages}


def _with(pages: dict[str, dict[str, str]]) -> Callable[[Record], ImportedComment]:
    def comment(found: Record) -> ImportedComment:
        page = Record(found.line, pages.get(found.text("pageId"), {}))
        if not page.fields:
            raise BadRecordError("belongs to a page that is not in the files: name that of the table `pages`, too")
        return ImportedComment(
            source="cusdis",
            source_id=found.needed("id"),
            source_parent=found.or_none("parentId", nothing=("NULL", "null")),
            line=found.line,
            thread_id=page.needed("slug"),
            post_url=page.or_none("url"),
            post_title=page.or_none("title"),
            author_id=found.or_none("moderatorId", nothing=("NULL", "null")),
            author_name=found.text("by_nickname"),
            body=found.text("content"),
            body_format=BodyFormat.MARKDOWN,
            state=_state(found),
            created_at=found.time("created_at"),
        )

    return comment


def _state(found: Record) -> State:
    if found.time_or_none("deletedAt"):
        return State.DELETED
    return State.APPROVED if found.flag("approved") else State.PENDING


FORMAT: Final = Format("cusdis", _looks_like, _read)
