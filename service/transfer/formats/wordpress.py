"""WordPress: its export file (WXR 1.0 to 1.2), as XML or in a zip, one file or several."""

from collections.abc import Iterator
from typing import Final

from service.transfer.formats import glance, record, xml_elements
from service.transfer.formats.format import Format
from service.transfer.formats.record import BadRecordError, Record
from service.transfer.imported import BodyFormat, ImportedComment, Kind, LeftOut, State
from service.transfer.opened import Part, Source

_STATES: Final = {
    "1": State.APPROVED,
    "approve": State.APPROVED,
    "0": State.PENDING,
    "hold": State.PENDING,
    "spam": State.SPAM,
    "trash": State.DELETED,
    "post-trashed": State.DELETED,
}
_KINDS: Final = {"pingback": Kind.PINGBACK, "trackback": Kind.TRACKBACK}
_NOT_WRITTEN_BY_READERS: Final = {
    "order_note": "a note of a shop's order",
    "action_log": "a line of a log",
    "note": "a note of an editor",
}
_OF_POST: Final = ("post_id", "link", "title", "status", "post_password")
_HIDDEN: Final = ("private", "draft", "pending", "future")
"""Posts in these states only editors see there; so it is with what stands on them."""


def _looks_like(part: Part) -> bool:
    return glance.at(part).has(glance.Kind.XML, "rss")


def _read(source: Source) -> Iterator[ImportedComment | LeftOut]:
    for part in source.parts:
        yield from record.comments(
            _records(part), _comment, personal=("comment_author_email", "comment_author_IP", "comment_agent")
        )


def _records(part: Part) -> Iterator[Record]:
    for name, element, post in xml_elements.elements(part, "item", inner="comment"):
        if name == "comment":
            about = {f"post.{key}": post.fields.get(key) for key in _OF_POST}
            yield Record(element.line, {**element.fields, **about})


def _comment(found: Record) -> ImportedComment | LeftOut:
    kind = found.text("comment_type")
    if kind in _NOT_WRITTEN_BY_READERS:
        return LeftOut(found.line, f"is {_NOT_WRITTEN_BY_READERS[kind]}")
    if found.text("post.status") in _HIDDEN or found.text("post.post_password"):
        return LeftOut(found.line, "stands on a post that is private, a draft or has a password: publish it first")
    # Ids are counted anew in each blog, and a file may have been put together of two: with its post's, an id is one.
    thread = found.needed("post.post_id", "post.link")
    parent = found.or_none("comment_parent", nothing=("0",))
    state = found.text("comment_approved")
    if state not in _STATES:
        raise BadRecordError(f"is in a state that WordPress itself has not (`comment_approved`: {state[:40]!r})")
    return ImportedComment(
        source="wordpress",
        source_id=f"{thread}#{found.needed('comment_id')}",
        source_parent=parent and f"{thread}#{parent}",
        line=found.line,
        thread_id=thread,
        post_url=found.or_none("post.link"),
        post_title=found.or_none("post.title"),
        author_id=found.or_none("comment_user_id", nothing=("0",)),
        author_name=found.text("comment_author"),
        author_url=found.or_none("comment_author_url", nothing=("http://", "https://")),
        body=found.text("comment_content"),
        body_format=BodyFormat.HTML,
        state=_STATES[state],
        created_at=found.time("comment_date_gmt", "comment_date"),
        anchor=f"comment-{found.text('comment_id')}",
        kind=_KINDS.get(kind, Kind.COMMENT),
    )


FORMAT: Final = Format("wordpress", _looks_like, _read)
