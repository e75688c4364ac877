"""One look at what a submission may be refused for: its author, its post, the same text sent before."""

from dataclasses import dataclass

from sqlalchemy import bindparam, select

from service.model import Author, AuthorKey, CommentId, Milliseconds, PostKey, SiteKey, Status
from service.store import posts as posts_of_site
from service.store.authors import author_of
from service.store.database import Transaction
from service.store.tables import authors, comments, posts


@dataclass(frozen=True, slots=True)
class Standing:
    """The author's record if they ever commented, and the first comment with the very text in the very place."""

    author: Author | None
    post_is_open: bool
    same_text: CommentId | None


_POST_IS_OPEN = select(posts.c.open).where(posts.c.site == bindparam("site"), posts.c.post == bindparam("post"))
_SAME_TEXT = (
    select(comments.c.id)
    .where(
        comments.c.site == bindparam("site"),
        comments.c.author == bindparam("of_author"),
        comments.c.body_hash == bindparam("body_hash"),
        comments.c.post == bindparam("post"),
        comments.c.parent_id.is_not_distinct_from(bindparam("parent_id")),
        comments.c.created_at > bindparam("since"),
        comments.c.status != Status.DELETED.value,
    )
    .order_by(comments.c.created_at)
    .limit(1)
)
_LOOK = select(
    authors,
    _POST_IS_OPEN.scalar_subquery().label("post_is_open"),
    _SAME_TEXT.scalar_subquery().label("same_text"),
).where(authors.c.site == bindparam("site"), authors.c.author == bindparam("of_author"))


def look(
    tx: Transaction,
    site: SiteKey,
    post: PostKey,
    *,
    author: AuthorKey,
    parent_id: CommentId | None,
    body_hash: str,
    since: Milliseconds,
) -> Standing:
    """How things stand for a text of `author`. What is deleted, or not younger than `since`, is no double."""
    row = tx.first(_LOOK, site=site, post=post, of_author=author, parent_id=parent_id, body_hash=body_hash, since=since)
    if row is None:  # their first comment on the site, so there can be no double
        return Standing(None, posts_of_site.get(tx, site, post).open, None)
    return Standing(
        author_of(row),
        post_is_open=row["post_is_open"] is None or bool(row["post_is_open"]),  # nobody has commented on it yet
        same_text=row["same_text"],
    )
