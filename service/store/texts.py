"""Queries on the texts of comments: those that left their comment's row, and what an older renderer made.

A text is known by its comment and its version. It may stand in the comment's row (as the comment's own, or as the edit
that waits), among the kept ones (`revisions`), or, where undo brought it back, in both.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import BindParameter, bindparam, func, insert, or_, select, update

from service.model import Comment, CommentId, PostKey, SiteKey, Status, Text
from service.store.database import Row, Transaction
from service.store.recount import Inspection, Rule
from service.store.snapshot import Snapshot
from service.store.tables import comments, originals, revisions

_KEEP = insert(revisions).values({column.name: bindparam(column.name) for column in revisions.c})
_KEPT = select(revisions).where(
    revisions.c.comment_id == bindparam("comment_id"), revisions.c.version == bindparam("version")
)
_COUNT_OTHERS = select(func.count().label("texts")).where(
    revisions.c.comment_id == bindparam("comment_id"),
    revisions.c.version.not_in([bindparam("text_version"), bindparam("edit_version")]),
)
_NEXT_IDS = (
    select(comments.c.id).where(comments.c.id > bindparam("after")).order_by(comments.c.id).limit(bindparam("limit"))
)
_OLDER_IN_ROWS = (
    select(comments)
    .where(
        comments.c.id > bindparam("after"),
        comments.c.id <= bindparam("last"),
        or_(comments.c.renderer < bindparam("renderer"), comments.c.edit_renderer < bindparam("renderer")),
    )
    .order_by(comments.c.id)
)
_OLDER_KEPT = (
    select(revisions)
    .where(
        revisions.c.comment_id > bindparam("after"),
        revisions.c.comment_id <= bindparam("last"),
        revisions.c.renderer < bindparam("renderer"),
    )
    .order_by(revisions.c.comment_id, revisions.c.version)
)
_OF_COMMENT: BindParameter[str] = bindparam("of_comment")
_OF_VERSION: BindParameter[int] = bindparam("of_version")
_NEW_RENDERER: BindParameter[int] = bindparam("new_renderer")
_RENDER_OWN = (
    update(comments)
    .where(comments.c.id == _OF_COMMENT, comments.c.text_version == _OF_VERSION, comments.c.renderer < _NEW_RENDERER)
    .values(html=bindparam("new_html"), renderer=_NEW_RENDERER)
    .returning(comments.c.site, comments.c.post, comments.c.status)
)
_RENDER_EDIT = (
    update(comments)
    .where(
        comments.c.id == _OF_COMMENT, comments.c.edit_version == _OF_VERSION, comments.c.edit_renderer < _NEW_RENDERER
    )
    .values(edit_html=bindparam("new_html"), edit_renderer=_NEW_RENDERER)
)
_RENDER_KEPT = (
    update(revisions)
    .where(
        revisions.c.comment_id == _OF_COMMENT, revisions.c.version == _OF_VERSION, revisions.c.renderer < _NEW_RENDERER
    )
    .values(html=bindparam("new_html"), renderer=_NEW_RENDERER)
)


_ORIGINAL = select(originals.c.format, originals.c.body).where(originals.c.comment_id == bindparam("comment_id"))


@dataclass(frozen=True, slots=True)
class Original:
    """What an imported comment's text was made of: HTML, or text that was no Markdown."""

    format: str
    body: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some comments in the order of their ids: the last one's id, how many they are, and their texts of old renderers.

    Each text stands with its comment's id.
    """

    last: CommentId
    comments: int
    older: list[tuple[CommentId, Text]]


def hash_of(body: str) -> str:
    """A hash by which equal texts are found (SHA-256)."""
    return hashlib.sha256(body.encode()).hexdigest()


def keep(tx: Transaction, comment_id: CommentId, text: Text) -> None:
    """Keep a text that leaves the comment's row (once: undo may put it back and a decision replace it again)."""
    if tx.first(_KEPT, comment_id=comment_id, version=text.version) is None:
        tx.run(
            _KEEP,
            comment_id=comment_id,
            version=text.version,
            body=text.body,
            html=text.html,
            renderer=text.renderer,
            submitted_at=text.submitted_at,
        )


def kept(tx: Transaction, comment_id: CommentId, version: int) -> Text:
    """A text that left the comment's row. Raises LookupError where none of this version was kept."""
    row = tx.first(_KEPT, comment_id=comment_id, version=version)
    if row is None:
        raise LookupError(f"no text of version {version} for comment {comment_id}")
    return text_of(row)


def count(tx: Transaction, comment: Comment) -> int:
    """How many texts its author has given the comment: those in its row, and those that left it."""
    versions = {"text_version": comment.text.version, "edit_version": comment.newest_text.version}
    row = tx.first(_COUNT_OTHERS, comment_id=comment.id, **versions)
    return (row["texts"] if row else 0) + len(set(versions.values()))


def original(tx: Transaction, comment_id: CommentId) -> Original | None:
    """What the text of an imported comment was made of; None where it is as it was written."""
    row = tx.first(_ORIGINAL, comment_id=comment_id)
    return Original(row["format"], row["body"]) if row else None


# --- What an older renderer made --------------------------------------------------------------------------------------


def older(tx: Transaction, renderer: int, *, after: CommentId, limit: int) -> Stretch | None:
    """The next `limit` comments behind the id `after`, with each text of theirs that a renderer before `renderer` made.

    None where there is no comment any more.
    """
    ids = tx.all(_NEXT_IDS, after=after, limit=limit)
    if not ids:
        return None
    last = ids[-1]["id"]
    among = {"after": after, "last": last, "renderer": renderer}
    found = [(row["comment_id"], text_of(row)) for row in tx.all(_OLDER_KEPT, **among)]
    for row in tx.all(_OLDER_IN_ROWS, **among):
        found += [(row["id"], text) for text in of_row(row) if text is not None and text.renderer < renderer]
    return Stretch(
        last, len(ids), list({(comment_id, text.version): (comment_id, text) for comment_id, text in found}.values())
    )


def put_anew(tx: Transaction, comment_id: CommentId, text: Text) -> tuple[SiteKey, PostKey] | None:
    """Put the HTML of `text` wherever the text of this version stands with that of an older renderer.

    The comment's site and post, if readers are shown this text; else None.
    """
    values = {
        "of_comment": comment_id,
        "of_version": text.version,
        "new_html": text.html,
        "new_renderer": text.renderer,
    }
    tx.run(_RENDER_KEPT, **values)
    tx.run(_RENDER_EDIT, **values)
    row = tx.first(_RENDER_OWN, **values)
    return (row["site"], row["post"]) if row and row["status"] == Status.APPROVED else None


# --- What `verify` looks at ------------------------------------------------------------------------------------------


def _changed(moment: Snapshot) -> Iterator[str]:
    """Texts that are no longer what was hashed when they were written."""
    for comment_id, body, of_body in moment.rows(select(comments.c.id, comments.c.body, comments.c.body_hash)):
        if hash_of(body) != of_body:
            yield f"comments.body_hash: the text of comment {comment_id} is not the one that was stored"


RULES: Sequence[Rule] = [Inspection("comments.body_hash", _changed)]


# --- Rows and nouns ---------------------------------------------------------------------------------------------------


def of_row(row: Row) -> tuple[Text, Text | None]:
    """The texts in a comment's row: its own, and the edit that waits."""
    written_at = row["created_at"] if row["edited_at"] is None else row["edited_at"]
    own = Text(row["body"], row["html"], row["renderer"], row["text_version"], written_at)
    if row["edit_body"] is None:
        return own, None
    return own, Text(*(row[f"edit_{part}"] for part in ("body", "html", "renderer", "version", "submitted_at")))


def in_row(comment: Comment) -> dict[str, object]:
    """The same the other way: the columns of a comment's row that hold its texts."""
    own, edit = comment.text, comment.pending_edit
    return {
        "body": own.body,
        "body_hash": hash_of(own.body),
        "html": own.html,
        "renderer": own.renderer,
        "text_version": own.version,
        "edited_at": comment.edited_at,
        "edit_body": edit.body if edit else None,
        "edit_html": edit.html if edit else None,
        "edit_renderer": edit.renderer if edit else None,
        "edit_version": edit.version if edit else None,
        "edit_submitted_at": edit.submitted_at if edit else None,
    }


def text_of(row: Row) -> Text:
    """The text in a row that has the columns of `revisions`."""
    return Text(row["body"], row["html"], row["renderer"], row["version"], row["submitted_at"])
