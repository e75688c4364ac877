"""Queries on comments in any status: one by id, the writes, an author's own. What readers see is in `published`."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import bindparam, func, insert, or_, select, update

from service.model import (
    AuthorKey,
    Comment,
    CommentId,
    Label,
    Milliseconds,
    Page,
    PendingEdit,
    PostKey,
    SiteKey,
    Status,
)
from service.store.among import among, listed
from service.store.database import Row, Transaction
from service.store.published import BEFORE, END_OF_TIME, NEWEST_FIRST, Position, profile_of
from service.store.tables import PUBLIC, comments, revisions

_WHOLE = select(comments)
_ONE = _WHOLE.where(comments.c.site == bindparam("site"), comments.c.id == bindparam("id"))
_SOME = _WHOLE.where(among(comments.c.id, "ids"))  # and no site, by whose index SQLite may prefer to go
_ONE_TO_CHANGE = _ONE.with_for_update()
_INSERT = insert(comments).values({column.name: bindparam(column.name) for column in comments.c})
_REPLACE = (
    update(comments)
    .where(
        comments.c.id == bindparam("comment_id"),
        comments.c.version == bindparam("seen_version"),
        comments.c.status == bindparam("seen_status"),
    )
    .values(
        {
            name: bindparam(name)
            for name in (
                "status",
                "version",
                "body",
                "body_hash",
                "html",
                "renderer",
                "text_version",
                "edited_at",
                "published_at",
                "listed",
                "edit_body",
                "edit_html",
                "edit_version",
                "edit_submitted_at",
                "post_title",
                "post_url",
            )
        }
    )
    .values(shown_at=func.coalesce(bindparam("shown_at", type_=comments.c.shown_at.type), comments.c.shown_at))
)
_COUNT_REPLY = (
    update(comments)
    .where(comments.c.id == bindparam("comment_id"))
    .values(
        reply_count=comments.c.reply_count + bindparam("delta"),
        listed=or_(PUBLIC, comments.c.reply_count + bindparam("delta") > 0),
    )
    .returning(comments.c.parent_id, comments.c.status, comments.c.reply_count)
)
_NEWEST_PUBLIC = (
    select(comments.c.post_title, comments.c.post_url, comments.c.created_at, comments.c.id)
    .where(comments.c.site == bindparam("site"), comments.c.post == bindparam("post"), PUBLIC)
    .order_by(comments.c.created_at.desc(), comments.c.id.desc())
    .limit(1)
)
_NEWEST_TITLE = _NEWEST_PUBLIC.where(comments.c.post_title.is_not(None))
_NEWEST_URL = _NEWEST_PUBLIC.where(comments.c.post_url.is_not(None))
_KEEP_TEXT = insert(revisions).values({column.name: bindparam(column.name) for column in revisions.c})
_MINE = (
    _WHOLE.where(comments.c.site == bindparam("site"), comments.c.author == bindparam("author"), BEFORE)
    .order_by(*NEWEST_FIRST)
    .limit(bindparam("limit"))
)
_OLD_TEXT = select(revisions).where(
    revisions.c.comment_id == bindparam("comment_id"), revisions.c.version == bindparam("version")
)
_COUNT_OTHER_TEXTS = select(func.count().label("texts")).where(
    revisions.c.comment_id == bindparam("comment_id"),
    revisions.c.version.not_in([bindparam("text_version"), bindparam("edit_version")]),
)


@dataclass(frozen=True, slots=True)
class Carrier:
    """What an approved comment says of its post, and the comment's place among the others: (created_at, id)."""

    says: str
    place: tuple[Milliseconds, CommentId]


def get(tx: Transaction, site: SiteKey, comment_id: CommentId) -> Comment | None:
    """One comment in any status."""
    row = tx.first(_ONE, site=site, id=comment_id)
    return _comment(row) if row else None


def get_to_change(tx: Transaction, site: SiteKey, comment_id: CommentId) -> Comment | None:
    """One comment, locked against other changes until the transaction ends."""
    row = tx.first(_ONE_TO_CHANGE, site=site, id=comment_id)
    return _comment(row) if row else None


def get_many(tx: Transaction, site: SiteKey, ids: Iterable[CommentId]) -> dict[CommentId, Comment]:
    """The comments with these ids that the site has."""
    wanted = set(ids)
    if not wanted:
        return {}
    return {row["id"]: _comment(row) for row in tx.all(_SOME, ids=listed(wanted)) if row["site"] == site}


def add(tx: Transaction, comment: Comment, *, root: str, body_hash: str, renderer: int) -> None:
    """Store a new comment. What it says of its post waits with it until it is approved."""
    tx.run(
        _INSERT,
        id=comment.id,
        site=comment.site,
        post=comment.post,
        parent_id=comment.parent_id,
        author=comment.author_key,
        author_name=comment.author.name,
        author_bio=comment.author.bio,
        author_url=comment.author.url,
        author_avatar=comment.author.avatar,
        root=root,
        path=comment.path,
        depth=comment.depth,
        reply_count=comment.reply_count,
        created_at=comment.created_at,
        shown_at=comment.published_at,
        **_changeable(comment, body_hash=body_hash, renderer=renderer),
    )


def replace(
    tx: Transaction, before: Comment, after: Comment, *, body_hash: str, renderer: int, shown_at: Milliseconds | None
) -> bool:
    """Put `after` where `before` stands, if that still stands (same version, same status). False when not.

    `shown_at` is the moment from which readers see `after`; None where they see nothing that they did not see before.
    """
    changed = tx.run(
        _REPLACE,
        comment_id=before.id,
        seen_version=before.version,
        seen_status=before.status,
        shown_at=shown_at,
        **_changeable(after, body_hash=body_hash, renderer=renderer),
    )
    return changed == 1


def count_reply(tx: Transaction, comment_id: CommentId, delta: int) -> tuple[CommentId | None, bool, bool]:
    """One listed reply more or less below a comment: its parent, whether it was listed, whether it is listed now."""
    row = tx.first(_COUNT_REPLY, comment_id=comment_id, delta=delta)
    if row is None:
        raise LookupError(f"no comment {comment_id}")
    approved = row["status"] == Status.APPROVED
    return row["parent_id"], approved or row["reply_count"] - delta > 0, approved or row["reply_count"] > 0


def newest_title(tx: Transaction, site: SiteKey, post: PostKey) -> Carrier | None:
    """How the newest approved comment that carries a title of the post calls it."""
    row = tx.first(_NEWEST_TITLE, site=site, post=post)
    return Carrier(row["post_title"], (row["created_at"], row["id"])) if row else None


def newest_url(tx: Transaction, site: SiteKey, post: PostKey) -> Carrier | None:
    """Where the newest approved comment that carries an address of the post says it is."""
    row = tx.first(_NEWEST_URL, site=site, post=post)
    return Carrier(row["post_url"], (row["created_at"], row["id"])) if row else None


def keep_text(tx: Transaction, comment_id: CommentId, text: PendingEdit, *, renderer: int) -> None:
    """Keep a text that leaves the comment's row (once: undo may put it back and a decision replace it again)."""
    if tx.first(_OLD_TEXT, comment_id=comment_id, version=text.version) is None:
        tx.run(
            _KEEP_TEXT,
            comment_id=comment_id,
            version=text.version,
            body=text.body,
            html=text.html,
            renderer=renderer,
            submitted_at=text.submitted_at,
        )


def kept_text(tx: Transaction, comment_id: CommentId, version: int) -> PendingEdit:
    """A text that left the comment's row, with the version and time at which it was written."""
    row = tx.first(_OLD_TEXT, comment_id=comment_id, version=version)
    if row is None:
        raise LookupError(f"no text of version {version} for comment {comment_id}")
    return PendingEdit(row["body"], row["html"], row["version"], row["submitted_at"])


def count_texts(tx: Transaction, comment: Comment) -> int:
    """How many texts its author has given the comment: those in its row, and those that left it."""
    edit_version = comment.pending_edit.version if comment.pending_edit else None
    row = tx.first(
        _COUNT_OTHER_TEXTS, comment_id=comment.id, text_version=comment.text_version, edit_version=edit_version or 0
    )
    return (row["texts"] if row else 0) + (1 if edit_version is None else 2)


# --- Lists --------------------------------------------------------------------------------------------------------


def of_author(
    tx: Transaction, site: SiteKey, author: AuthorKey, *, limit: int, after: Position | None
) -> Page[Comment]:
    """One author's comments in any status, newest first. A position is (created_at, id)."""
    time, comment_id = after or END_OF_TIME
    rows = tx.all(_MINE, site=site, author=author, time=time, id=comment_id, limit=limit + 1)
    following = (rows[limit - 1]["created_at"], rows[limit - 1]["id"]) if len(rows) > limit else None
    return Page([_comment(row) for row in rows[:limit]], following)


# --- Rows and nouns -------------------------------------------------------------------------------------------------


def _changeable(comment: Comment, *, body_hash: str, renderer: int) -> dict[str, object]:
    edit = comment.pending_edit
    return {
        "status": comment.status.value,
        "version": comment.version,
        "body": comment.body,
        "body_hash": body_hash,
        "html": comment.html,
        "renderer": renderer,
        "text_version": comment.text_version,
        "edited_at": comment.edited_at,
        "published_at": comment.published_at,
        "listed": comment.listed,
        "edit_body": edit.body if edit else None,
        "edit_html": edit.html if edit else None,
        "edit_version": edit.version if edit else None,
        "edit_submitted_at": edit.submitted_at if edit else None,
        "post_title": comment.label.title,
        "post_url": comment.label.url,
    }


def _comment(row: Row) -> Comment:
    edit = None
    if row["edit_body"] is not None:
        edit = PendingEdit(row["edit_body"], row["edit_html"], row["edit_version"], row["edit_submitted_at"])
    return Comment(
        id=row["id"],
        site=row["site"],
        post=row["post"],
        parent_id=row["parent_id"],
        author_key=row["author"],
        author=profile_of(row),
        body=row["body"],
        html=row["html"],
        status=Status(row["status"]),
        version=row["version"],
        text_version=row["text_version"],
        created_at=row["created_at"],
        edited_at=row["edited_at"],
        published_at=row["published_at"],
        path=row["path"],
        depth=row["depth"],
        reply_count=row["reply_count"],
        listed=bool(row["listed"]),
        label=Label(row["post_title"], row["post_url"]),
        pending_edit=edit,
    )
