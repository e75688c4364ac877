"""What stands around a comment in its thread, in every status: for moderators. What readers see is in `published`."""

from sqlalchemy import Integer, bindparam, literal_column, select

from service.model import Comment, CommentId, SiteKey, Text
from service.store.comments import comment_of
from service.store.database import Transaction
from service.store.tables import comments, revisions
from service.store.texts import text_of

_first = (
    select(literal_column("0", Integer).label("height"), comments.c.parent_id)
    .where(comments.c.site == bindparam("site"), comments.c.id == bindparam("id"))
    .cte("way", recursive=True)
)
_next = comments.alias("next")
_way = _first.union_all(
    select(_first.c.height + 1, _next.c.parent_id).where(
        _next.c.id == _first.c.parent_id, _first.c.height < bindparam("limit", type_=Integer)
    )
)
_ABOVE = (
    select(comments)
    .join_from(_way, comments, comments.c.id == _way.c.parent_id)
    .where(_way.c.height < bindparam("limit", type_=Integer))
    .order_by(_way.c.height.desc())
)
_BELOW = (
    select(comments)
    .where(comments.c.parent_id == bindparam("id"), comments.c.site == bindparam("site"))
    .order_by(comments.c.created_at, comments.c.id)
    .limit(bindparam("limit"))
)
_KEPT = select(revisions).where(revisions.c.comment_id == bindparam("id")).order_by(revisions.c.version)


def above(tx: Transaction, site: SiteKey, comment_id: CommentId, *, limit: int) -> list[Comment]:
    """What the comment answers, and what that answers, and so on: up to `limit` of them, the uppermost first."""
    return [comment_of(row) for row in tx.all(_ABOVE, site=site, id=comment_id, limit=limit)]


def below(tx: Transaction, site: SiteKey, comment_id: CommentId, *, limit: int) -> list[Comment]:
    """The first answers to the comment, oldest first."""
    return [comment_of(row) for row in tx.all(_BELOW, site=site, id=comment_id, limit=limit)]


def texts_of(tx: Transaction, comment: Comment) -> list[Text]:
    """Every text that its author gave the comment, oldest first."""
    kept = [text_of(row) for row in tx.all(_KEPT, id=comment.id)]
    found = {text.version: text for text in (*kept, comment.text, comment.newest_text)}
    return [found[version] for version in sorted(found)]
