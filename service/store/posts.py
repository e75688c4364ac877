"""Queries on posts. A post has a row once somebody commented on it or a moderator opened, closed or named it."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects.sqlite import insert

from service.model import Label, Milliseconds, Post, PostKey, SiteKey
from service.store.among import among, listed
from service.store.database import Row, Transaction
from service.store.recount import Recount, Rule
from service.store.tables import posts

_NOT_OF_A_NEW_ONE = {"title", "url", "pinned_title", "pinned_url", "published_at"}
_ROW: dict[str, Any] = {
    column.name: bindparam(column.name) for column in posts.c if column.name not in _NOT_OF_A_NEW_ONE
}
_NEW = insert(posts).values(_ROW)
_TOUCH = _NEW.on_conflict_do_update(
    index_elements=["site", "post"], set_={"comment_seq": posts.c.comment_seq + bindparam("one")}
).returning(posts.c.comment_seq)
_ONE_MORE = (
    update(posts)
    .where(posts.c.site == bindparam("of_site"), posts.c.post == bindparam("of_post"))
    .values(comment_seq=bindparam("number"))
)
_SET_OPEN = _NEW.on_conflict_do_update(
    index_elements=["site", "post"], set_={"open": bindparam("open"), "revision": posts.c.revision + bindparam("one")}
).returning(posts)
_PIN = (
    insert(posts)
    .values({**_ROW, "pinned_title": bindparam("pinned_title"), "pinned_url": bindparam("pinned_url")})
    .on_conflict_do_update(
        index_elements=["site", "post"],
        set_={
            "pinned_title": bindparam("pinned_title"),
            "pinned_url": bindparam("pinned_url"),
            "revision": posts.c.revision + bindparam("one"),
        },
    )
    .returning(posts)
)
_DATE = (
    insert(posts)
    .values({**_ROW, "published_at": bindparam("published_at")})
    .on_conflict_do_update(index_elements=["site", "post"], set_={"published_at": bindparam("published_at")})
)
_ONE = select(posts).where(posts.c.site == bindparam("site"), posts.c.post == bindparam("post"))
_SOME = select(posts).where(posts.c.site == bindparam("site"), among(posts.c.post, "keys"))
_COUNTS = select(posts.c.post, posts.c.count).where(posts.c.site == bindparam("site"), among(posts.c.post, "keys"))
_SHOW_CHANGE = (
    update(posts)
    .where(posts.c.site == bindparam("of_site"), posts.c.post == bindparam("of_post"))
    .values(
        count=posts.c.count + bindparam("delta"),
        revision=posts.c.revision + 1,
    )
    .returning(posts.c.revision)
)
_ONE_TO_NAME = update(posts).where(posts.c.site == bindparam("of_site"), posts.c.post == bindparam("of_post"))
_SET_TITLE = _ONE_TO_NAME.values(title=bindparam("new_title"))
_SET_URL = _ONE_TO_NAME.values(url=bindparam("new_url"))

_COMMENTED = (
    select(posts)
    .where(posts.c.site == bindparam("site"), posts.c.post > bindparam("after"), posts.c.count > 0)
    .order_by(posts.c.post)
    .limit(bindparam("limit"))
)
_COUNT_COMMENTED = (
    select(func.count().label("number")).select_from(posts).where(posts.c.site == bindparam("site"), posts.c.count > 0)
)


def get(tx: Transaction, site: SiteKey, post: PostKey) -> Post:
    """The post; one that nobody has commented on is open and empty."""
    row = tx.first(_ONE, site=site, post=post)
    return _post(row) if row else Post(site, post)


def get_many(tx: Transaction, site: SiteKey, keys: Iterable[PostKey]) -> dict[PostKey, Post]:
    """The posts with these keys; one that nobody has commented on is open and empty."""
    wanted = set(keys)
    rows = tx.all(_SOME, site=site, keys=listed(wanted)) if wanted else []
    return {key: Post(site, key) for key in wanted} | {row["post"]: _post(row) for row in rows}


def commented(tx: Transaction, site: SiteKey, *, limit: int, after: PostKey) -> list[Post]:
    """Posts with approved comments, by key; those behind `after`."""
    return [_post(row) for row in tx.all(_COMMENTED, site=site, after=after, limit=limit)]


def count_commented(tx: Transaction, site: SiteKey) -> int:
    """How many posts have approved comments."""
    row = tx.first(_COUNT_COMMENTED, site=site)
    return int(row["number"]) if row else 0


def next_comment(tx: Transaction, site: SiteKey, post: PostKey, *, last: int | None = None) -> int:
    """The number of the comment about to be added to the post, which is made known if it was not.

    `last` is that of the one before it; None where nobody has looked.
    """
    if last is not None:
        tx.send(_ONE_MORE, (last + 1, site, post))
        return last + 1
    row = tx.first(_TOUCH, **_values(tx, site, post), one=1)
    if row is None:
        raise LookupError(post)
    return int(row["comment_seq"])


def set_open(tx: Transaction, site: SiteKey, post: PostKey, *, is_open: bool) -> Post:
    """Open or close a post for comments, known or not."""
    row = tx.first(_SET_OPEN, **{**_values(tx, site, post), "open": is_open, "comment_seq": 0}, one=1)
    if row is None:
        raise LookupError(post)
    return _post(row)


def pin(tx: Transaction, site: SiteKey, post: PostKey, label: Label) -> Post:
    """Call a post, known or not, what a moderator says; None goes back to what approved comments carried."""
    row = tx.first(
        _PIN,
        **{**_values(tx, site, post), "comment_seq": 0},
        pinned_title=label.title,
        pinned_url=label.url,
        one=1,
    )
    if row is None:
        raise LookupError(post)
    return _post(row)


def date(tx: Transaction, site: SiteKey, post: PostKey, published_at: Milliseconds | None) -> None:
    """Keep when the blog published a post, known or not; None: nobody says so any more."""
    tx.run(_DATE, **{**_values(tx, site, post), "comment_seq": 0}, published_at=published_at)


def show_change(tx: Transaction, site: SiteKey, post: PostKey, *, delta: int) -> int:
    """Readers see something new on the post: `delta` more approved comments. Its new revision."""
    row = tx.first(_SHOW_CHANGE, of_site=site, of_post=post, delta=delta)
    if row is None:
        raise LookupError(post)
    return int(row["revision"])


def set_title(tx: Transaction, site: SiteKey, post: PostKey, title: str | None) -> None:
    """How approved comments call the post."""
    tx.run(_SET_TITLE, of_site=site, of_post=post, new_title=title)


def set_url(tx: Transaction, site: SiteKey, post: PostKey, url: str | None) -> None:
    """Where the post is, as approved comments say."""
    tx.run(_SET_URL, of_site=site, of_post=post, new_url=url)


def counts(tx: Transaction, site: SiteKey, keys: Sequence[PostKey]) -> dict[PostKey, int]:
    """The number of approved comments of each post, 0 for those without."""
    found = {row["post"]: row["count"] for row in tx.all(_COUNTS, site=site, keys=listed(keys))}
    return {key: found.get(key, 0) for key in keys}


def _values(tx: Transaction, site: SiteKey, post: PostKey) -> dict[str, object]:
    return {
        "site": site,
        "post": post,
        "open": True,
        "count": 0,
        "revision": 1,
        "comment_seq": 1,
        "created_at": tx.now,
    }


def _post(row: Row) -> Post:
    pinned, carried = Label(row["pinned_title"], row["pinned_url"]), Label(row["title"], row["url"])
    return Post(
        site=row["site"],
        key=row["post"],
        title=pinned.title or carried.title,
        url=pinned.url or carried.url,
        count=row["count"],
        open=bool(row["open"]),
        revision=row["revision"],
        pinned=pinned,
        carried=carried,
        published_at=row["published_at"],
    )


# --- What `verify` counts anew ----------------------------------------------------------------------------------------

RULES: Sequence[Rule] = [
    Recount(
        "posts.count",
        """SELECT p.site, p.post, p.count, count(c.id) FROM posts AS p
           LEFT JOIN comments AS c ON c.site = p.site AND c.post = p.post AND c.status = 'approved'
           GROUP BY p.site, p.post, p.count HAVING p.count <> count(c.id) ORDER BY p.site, p.post""",
        "posts.count: site {0}, post {1} says {2}, approved comments are {3}",
    ),
    Recount(
        "posts.title",
        """SELECT p.site, p.post FROM posts AS p WHERE coalesce(p.title, '') <> coalesce((
             SELECT c.post_title FROM comments AS c
             WHERE c.site = p.site AND c.post = p.post AND c.status = 'approved' AND c.post_title IS NOT NULL
             ORDER BY c.created_at DESC, c.id DESC LIMIT 1), '') ORDER BY p.site, p.post""",
        "posts.title: site {0}, post {1} is not called as its newest approved comment with a title calls it",
    ),
    Recount(
        "posts.url",
        """SELECT p.site, p.post FROM posts AS p WHERE coalesce(p.url, '') <> coalesce((
             SELECT c.post_url FROM comments AS c
             WHERE c.site = p.site AND c.post = p.post AND c.status = 'approved' AND c.post_url IS NOT NULL
             ORDER BY c.created_at DESC, c.id DESC LIMIT 1), '') ORDER BY p.site, p.post""",
        "posts.url: site {0}, post {1} is not where its newest approved comment with an address says",
    ),
]
