"""Queries on comments in any status: one by id, the writes, an author's own. Their texts are a part of it: `texts`.

What readers see is in `published`.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import bindparam, func, insert, or_, select, update

from service.model import (
    AuthorKey,
    Comment,
    CommentId,
    Label,
    Milliseconds,
    Page,
    PostKey,
    SiteKey,
    Status,
)
from service.store import texts
from service.store.among import among, listed
from service.store.database import Row, Transaction
from service.store.published import BEFORE, END_OF_TIME, NEWEST_FIRST, Position, profile_of
from service.store.recount import Recount, Rule
from service.store.tables import PUBLIC, comments

_WHOLE = select(comments)
_ONE = _WHOLE.where(comments.c.site == bindparam("site"), comments.c.id == bindparam("id"))
_SOME = _WHOLE.where(among(comments.c.id, "ids"))  # and no site, by whose index SQLite may prefer to go
_ONE_TO_CHANGE = _ONE.with_for_update()
_NOT_OF_A_NEW_ONE = {one.name for one in comments.c if one.name.startswith("edit") or one.name == "anchor"}
_NEW: dict[str, Any] = {one.name: bindparam(one.name) for one in comments.c if one.name not in _NOT_OF_A_NEW_ONE}
_ADD_BY_RULE = insert(comments).values(_NEW)
_ADD = insert(comments).values({name: value for name, value in _NEW.items() if name != "by_rule"})
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
                "edit_renderer",
                "edit_version",
                "edit_submitted_at",
                "post_title",
                "post_url",
                "by_rule",
            )
        }
    )
    .values(shown_at=func.coalesce(bindparam("shown_at", type_=comments.c.shown_at.type), comments.c.shown_at))
)
_COUNT = select(func.count().label("number")).select_from(comments)
_COUNT_REPLY = (
    update(comments)
    .where(comments.c.id == bindparam("comment_id"))
    .values(
        reply_count=comments.c.reply_count + bindparam("delta"),
        listed=or_(PUBLIC, comments.c.reply_count + bindparam("delta") > 0),
    )
    .returning(comments.c.parent_id, comments.c.status, comments.c.reply_count)
)
_OWN = _WHOLE.where(comments.c.site == bindparam("site"), comments.c.author == bindparam("author"), BEFORE)
_MINE = _OWN.order_by(*NEWEST_FIRST).limit(bindparam("limit"))
_MINE_ON_POST = _OWN.where(comments.c.post == bindparam("post")).order_by(*NEWEST_FIRST).limit(bindparam("limit"))


def get(tx: Transaction, site: SiteKey, comment_id: CommentId) -> Comment | None:
    """One comment in any status."""
    row = tx.first(_ONE, site=site, id=comment_id)
    return comment_of(row) if row else None


def get_to_change(tx: Transaction, site: SiteKey, comment_id: CommentId) -> Comment | None:
    """One comment, locked against other changes until the transaction ends."""
    row = tx.first(_ONE_TO_CHANGE, site=site, id=comment_id)
    return comment_of(row) if row else None


def get_many(tx: Transaction, site: SiteKey, ids: Iterable[CommentId]) -> dict[CommentId, Comment]:
    """The comments with these ids that the site has."""
    wanted = set(ids)
    if not wanted:
        return {}
    return {row["id"]: comment_of(row) for row in tx.all(_SOME, ids=listed(wanted)) if row["site"] == site}


def count(tx: Transaction) -> int:
    """How many there are in the store, in any status and on every site."""
    row = tx.first(_COUNT)
    return int(row["number"]) if row else 0


def add(tx: Transaction, comment: Comment, *, root: str) -> None:
    """Store a new comment. What it says of its post waits with it until it is approved."""
    row = new_row(comment, root, comment.published_at)
    tx.send(*((_ADD_BY_RULE, (*row, True)) if comment.by_rule else (_ADD, row)))


def new_row(comment: Comment, root: str, shown_at: Milliseconds | None) -> tuple[Any, ...]:
    """Its row, without what a new comment has not."""
    profile, text, label = comment.author, comment.text, comment.label
    place = (comment.id, comment.site, comment.post, comment.parent_id)
    author = (comment.author_key, profile.name, profile.bio, profile.url, profile.avatar)
    said = (text.body, texts.hash_of(text.body), text.html, text.renderer)
    state = (comment.status, comment.version, text.version, comment.created_at, comment.published_at, shown_at)
    thread = (root, comment.path, comment.depth, comment.reply_count, comment.listed)
    return (*place, *author, *said, *state, *thread, label.title, label.url)


def replace(tx: Transaction, before: Comment, after: Comment, *, shown_at: Milliseconds | None) -> bool:
    """Put `after` where `before` stands, if that still stands (same version, same status). False when not.

    `shown_at` is the moment from which readers see `after`; None where they see nothing that they did not see before.
    """
    changed = tx.run(
        _REPLACE,
        comment_id=before.id,
        seen_version=before.version,
        seen_status=before.status,
        shown_at=shown_at,
        **_changeable(after),
    )
    return changed == 1


def count_reply(tx: Transaction, comment_id: CommentId, delta: int) -> tuple[CommentId | None, bool, bool]:
    """One listed reply more or less below a comment: its parent, whether it was listed, whether it is listed now."""
    row = tx.first(_COUNT_REPLY, comment_id=comment_id, delta=delta)
    if row is None:
        raise LookupError(f"no comment {comment_id}")
    approved = row["status"] == Status.APPROVED
    return row["parent_id"], approved or row["reply_count"] - delta > 0, approved or row["reply_count"] > 0


# --- Lists --------------------------------------------------------------------------------------------------------


def of_author(
    tx: Transaction, site: SiteKey, author: AuthorKey, *, limit: int, after: Position | None
) -> Page[Comment]:
    """One author's comments in any status, newest first. A position is (created_at, id)."""
    time, comment_id = after or END_OF_TIME
    rows = tx.all(_MINE, site=site, author=author, time=time, id=comment_id, limit=limit + 1)
    return _page(rows, limit)


def of_author_on(
    tx: Transaction, site: SiteKey, author: AuthorKey, *, post: PostKey, limit: int, after: Position | None
) -> Page[Comment]:
    """The same on one post."""
    time, comment_id = after or END_OF_TIME
    rows = tx.all(_MINE_ON_POST, site=site, author=author, post=post, time=time, id=comment_id, limit=limit + 1)
    return _page(rows, limit)


def _page(rows: Sequence[Row], limit: int) -> Page[Comment]:
    following = (rows[limit - 1]["created_at"], rows[limit - 1]["id"]) if len(rows) > limit else None
    return Page([comment_of(row) for row in rows[:limit]], following)


# --- Rows and nouns -------------------------------------------------------------------------------------------------


def _changeable(comment: Comment) -> dict[str, object]:
    return {
        "status": comment.status.value,
        "version": comment.version,
        "published_at": comment.published_at,
        "listed": comment.listed,
        "post_title": comment.label.title,
        "post_url": comment.label.url,
        "by_rule": comment.by_rule,
        **texts.in_row(comment),
    }


def comment_of(row: Row) -> Comment:
    """The comment in a row with all columns."""
    text, pending_edit = texts.of_row(row)
    return Comment(
        id=row["id"],
        site=row["site"],
        post=row["post"],
        parent_id=row["parent_id"],
        author_key=row["author"],
        author=profile_of(row),
        text=text,
        status=Status(row["status"]),
        version=row["version"],
        created_at=row["created_at"],
        published_at=row["published_at"],
        path=row["path"],
        depth=row["depth"],
        reply_count=row["reply_count"],
        listed=bool(row["listed"]),
        label=Label(row["post_title"], row["post_url"]),
        pending_edit=pending_edit,
        by_rule=bool(row["by_rule"]),
    )


# --- What `verify` counts anew ----------------------------------------------------------------------------------------

RULES: Sequence[Rule] = [
    Recount(
        "comments.reply_count",
        """SELECT c.id, c.reply_count, count(r.id) FROM comments AS c
           LEFT JOIN comments AS r ON r.parent_id = c.id AND r.listed
           GROUP BY c.id, c.reply_count HAVING c.reply_count <> count(r.id) ORDER BY c.id""",
        "comments.reply_count: comment {0} says {1}, listed replies are {2}",
    ),
    Recount(
        "comments.listed",
        """SELECT id, listed, status, reply_count FROM comments
           WHERE listed <> (status = 'approved' OR reply_count > 0) ORDER BY id""",
        "comments.listed: comment {0} says {1}, but it is {2} and has {3} listed replies",
    ),
    Recount(
        "comments.shown_at",
        """SELECT id FROM comments WHERE status = 'approved' AND (published_at IS NULL OR shown_at IS NULL)
           ORDER BY id""",
        "comments.shown_at: comment {0} is approved, and since when is not known: no feed can place it",
    ),
]
