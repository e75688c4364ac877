"""Disqus: its XML export, old style (with e-mail and IP addresses) and new, also in gzip."""

from collections.abc import Iterator
from typing import Final

from service.transfer.formats import glance, record, xml_elements
from service.transfer.formats.format import Format
from service.transfer.formats.record import Record
from service.transfer.imported import BodyFormat, ImportedComment, LeftOut, State
from service.transfer.opened import Part, Source


def _looks_like(part: Part) -> bool:
    return glance.at(part).has(glance.Kind.XML, "disqus")


def _read(source: Source) -> Iterator[ImportedComment | LeftOut]:
    threads: dict[str, dict[str, str]] = {}
    for part in source.parts:
        yield from record.comments(_posts(part, threads), _comment, personal=("author.email", "ipAddress"))


def _posts(part: Part, threads: dict[str, dict[str, str]]) -> Iterator[Record]:
    """Each post, with the address and the title of its thread; threads stand before their posts."""
    for name, element, _ in xml_elements.elements(part, "thread", "post"):
        if name == "thread":
            threads[element.text("@id")] = element.kept("link", "title")
        else:
            yield Record(element.line, {**element.fields, "thread": threads.get(element.text("thread@id"))})


def _comment(found: Record) -> ImportedComment:
    source_id = found.needed("@id", "id")
    return ImportedComment(
        source="disqus",
        source_id=source_id,
        source_parent=found.or_none("parent@id"),
        line=found.line,
        thread_id=found.needed("thread@id"),
        post_url=found.or_none("thread.link"),
        post_title=found.or_none("thread.title"),
        author_id=None if found.flag("author.isAnonymous") else found.or_none("author.username"),
        author_name=found.text("author.name"),
        body=found.text("message"),
        body_format=BodyFormat.HTML,
        state=_state(found),
        created_at=found.time("createdAt"),
        anchor=f"comment-{source_id}",
    )


def _state(found: Record) -> State:
    """Disqus deletes what is spam, and keeps its text; it does not say what waits."""
    if found.flag("isSpam") and found.text("message"):
        return State.SPAM
    return State.DELETED if found.flag("isDeleted") else State.APPROVED


FORMAT: Final = Format("disqus", _looks_like, _read)
