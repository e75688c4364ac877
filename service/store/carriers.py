"""Which approved comment says how its post is called, or where it is: the newest with a title, or with an address."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, literal_column, select, union_all

from service.model import CommentId, Milliseconds, PostKey, SiteKey
from service.store.among import each, listed
from service.store.database import Transaction
from service.store.tables import APPROVED, PUBLIC, comments

_NEWEST_PUBLIC = (
    select(comments.c.post_title, comments.c.post_url, comments.c.created_at, comments.c.id)
    .where(comments.c.site == bindparam("site"), comments.c.post == bindparam("post"), PUBLIC)
    .order_by(comments.c.created_at.desc(), comments.c.id.desc())
    .limit(1)
)
_NEWEST_TITLE = _NEWEST_PUBLIC.where(comments.c.post_title.is_not(None))
_NEWEST_URL = _NEWEST_PUBLIC.where(comments.c.post_url.is_not(None))
_posts = each("posts")


def _newest_with(part: str) -> Select[Any]:
    """The newest approved comment of each post that carries this part of its label."""
    newest = comments.alias("newest")
    first = (
        select(newest.c.id)
        .where(newest.c.site == bindparam("site"), newest.c.post == _posts.c.value, newest.c.status == APPROVED)
        .where(newest.c[part].is_not(None))
        .order_by(newest.c.created_at.desc(), newest.c.id.desc())
        .limit(1)
    )
    says: tuple[Any, ...] = (comments.c.post, literal_column(f"'{part}'").label("part"), comments.c[part].label("says"))
    return select(*says, comments.c.created_at, comments.c.id).join_from(
        _posts, comments, comments.c.id == first.correlate(_posts).scalar_subquery()
    )


_NEWEST_OF_EACH = union_all(_newest_with("post_title"), _newest_with("post_url"))


@dataclass(frozen=True, slots=True)
class Carrier:
    """What an approved comment says of its post, and the comment's place among the others: (created_at, id)."""

    says: str
    place: tuple[Milliseconds, CommentId]


def newest_title(tx: Transaction, site: SiteKey, post: PostKey) -> Carrier | None:
    """How the newest approved comment that carries a title of the post calls it."""
    row = tx.first(_NEWEST_TITLE, site=site, post=post)
    return Carrier(row["post_title"], (row["created_at"], row["id"])) if row else None


def newest_url(tx: Transaction, site: SiteKey, post: PostKey) -> Carrier | None:
    """Where the newest approved comment that carries an address of the post says it is."""
    row = tx.first(_NEWEST_URL, site=site, post=post)
    return Carrier(row["post_url"], (row["created_at"], row["id"])) if row else None


def newest_of_each(
    tx: Transaction, site: SiteKey, keys: Iterable[PostKey]
) -> tuple[dict[PostKey, Carrier], dict[PostKey, Carrier]]:
    """The same two for each of these posts: who carries its title, and who its address."""
    titles: dict[PostKey, Carrier] = {}
    urls: dict[PostKey, Carrier] = {}
    wanted = set(keys)
    for row in tx.all(_NEWEST_OF_EACH, site=site, posts=listed(wanted)) if wanted else ():
        found = titles if row["part"] == "post_title" else urls
        found[row["post"]] = Carrier(row["says"], (row["created_at"], row["id"]))
    return titles, urls
