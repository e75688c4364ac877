"""What readers see: every public list of comments, by `PUBLIC`, the one predicate by which anything becomes public.

Every page is read from where the one before ended, by one range of an index or one step in it for each comment, so it
costs what it shows, wherever it is and however long the thread. `tests/store/test_long_threads.py` looks at the plans.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sqlalchemy import (
    Column,
    FromClause,
    Integer,
    Select,
    bindparam,
    case,
    func,
    literal_column,
    null,
    select,
    true,
    tuple_,
)
from sqlalchemy.sql.elements import ColumnElement

from service.model import CommentId, Page, PostKey, Profile, PublicComment, SiteKey, Status
from service.store.among import among, listed
from service.store.database import Row, Transaction
from service.store.same_post import is_post
from service.store.tables import PUBLIC, comments

Position = tuple[str | int, ...]
END_OF_TIME: Position = (2**62, "")
_BEGINNING_OF_TIME: Position = (-1, "")
_BEFORE_ALL_ROOTS: Position = ("", "")
_AFTER_ALL_ROOTS: Position = ("~", "")
"""The codes of a path are digits and small letters."""

_TIME = tuple_(comments.c.created_at, comments.c.id)
_PLACE = tuple_(comments.c.root, comments.c.path)


def _given(name: str, column: Column[Any]) -> ColumnElement[Any]:
    return bindparam(name, type_=column.type)


_GIVEN_TIME = tuple_(_given("time", comments.c.created_at), _given("id", comments.c.id))
_GIVEN_ROOT, _GIVEN_PATH = _given("root", comments.c.root), _given("path", comments.c.path)
_GIVEN_PLACE = tuple_(_GIVEN_ROOT, _GIVEN_PATH)
_LIMIT = bindparam("limit", type_=Integer)
BEFORE = _TIME < _GIVEN_TIME
NEWEST_FIRST = (comments.c.created_at.desc(), comments.c.id.desc())


def _if_public(column: ColumnElement[object]) -> ColumnElement[object]:
    return case((PUBLIC, column), else_=null()).label(column.name)


_ITEM = select(
    comments.c.id,
    comments.c.post,
    comments.c.parent_id,
    comments.c.depth,
    comments.c.reply_count,
    comments.c.root,
    comments.c.path,
    comments.c.status,
    *(
        _if_public(comments.c[name])
        for name in (
            "author",
            "author_name",
            "author_bio",
            "author_url",
            "author_avatar",
            "html",
            "created_at",
            "edited_at",
            "published_at",
            "shown_at",
            "anchor",
        )
    ),
)
"""What a public list shows of a row: of a tombstone no word, name or time leaves the database."""


def _listed(row: FromClause) -> tuple[ColumnElement[bool], ...]:
    """Approved, or a tombstone that replies stand on."""
    return row.c.site == bindparam("site"), is_post(row.c.post), row.c.listed.is_(true())


def _next_of_newest(root: ColumnElement[str], path: ColumnElement[str]) -> ColumnElement[str]:
    """The id of the comment after a place: the next one below its root, else the first below the root before it."""
    reply, older, first = (comments.alias(name) for name in ("reply", "older", "first"))
    below = select(reply.c.id).where(*_listed(reply), reply.c.root == root, reply.c.path > path)
    older_root = select(func.max(older.c.root)).where(*_listed(older), older.c.root < root)
    there = select(first.c.id).where(
        *_listed(first), first.c.root == older_root.scalar_subquery().correlate_except(older)
    )
    return func.coalesce(
        below.order_by(reply.c.path).limit(1).scalar_subquery().correlate_except(reply),
        there.order_by(first.c.path).limit(1).scalar_subquery().correlate_except(first),
    )


def _thread_newest() -> Select[Any]:
    """Roots fall and paths rise: no index has that order, so a walk goes from each comment to the next, by seeks."""
    start, following = comments.alias("start"), comments.alias("following")
    walk = (
        select(literal_column("1", Integer).label("step"), start.c.id, start.c.root, start.c.path)
        .where(start.c.id == _next_of_newest(_GIVEN_ROOT, _GIVEN_PATH))
        .cte("walk", recursive=True)
    )
    walk = walk.union_all(
        select(walk.c.step + 1, following.c.id, following.c.root, following.c.path).where(
            walk.c.step < _LIMIT, following.c.id == _next_of_newest(walk.c.root, walk.c.path)
        )
    )
    return _ITEM.join_from(walk, comments, comments.c.id == walk.c.id).order_by(walk.c.step)


_ITEM_BY_ID = _ITEM.where(comments.c.site == bindparam("site"), comments.c.id == bindparam("id"))
_ON_POST = _ITEM.where(comments.c.site == bindparam("site"), comments.c.post == bindparam("post"))
_ONE_ON_POST = _ON_POST.where(PUBLIC, comments.c.id == bindparam("id"))
_BY_ANCHOR = (
    select(comments.c.id)
    .where(comments.c.site == bindparam("site"), comments.c.post == bindparam("post"), PUBLIC)
    .where(comments.c.anchor == bindparam("anchor"))
    .order_by(comments.c.id)
    .limit(1)
)
_ABOVE = _ITEM.where(*_listed(comments), comments.c.root == bindparam("root"), among(comments.c.path, "paths"))
_THREAD_OLDEST = (
    _ITEM.where(*_listed(comments), _PLACE > _GIVEN_PLACE).order_by(comments.c.root, comments.c.path).limit(_LIMIT)
)
_THREAD_NEWEST = _thread_newest()
_FLAT_OLDEST = _ON_POST.where(PUBLIC, _TIME > _GIVEN_TIME).order_by(comments.c.created_at, comments.c.id).limit(_LIMIT)
_FLAT_NEWEST = _ON_POST.where(PUBLIC, BEFORE).order_by(*NEWEST_FIRST).limit(_LIMIT)
_LATEST = _ITEM.where(comments.c.site == bindparam("site"), PUBLIC, BEFORE).order_by(*NEWEST_FIRST).limit(_LIMIT)
_SHOWN_LAST_FIRST = (comments.c.shown_at.desc(), comments.c.id.desc())
_NEWS_OF_POST = _ON_POST.where(PUBLIC).order_by(*_SHOWN_LAST_FIRST).limit(_LIMIT)
_NEWS_OF_SITE = _ITEM.where(comments.c.site == bindparam("site"), PUBLIC).order_by(*_SHOWN_LAST_FIRST).limit(_LIMIT)


def item(tx: Transaction, site: SiteKey, comment_id: CommentId) -> PublicComment:
    """One comment as a list shows it; a tombstone if it is not public, or not there any more."""
    row = tx.first(_ITEM_BY_ID, site=site, id=comment_id)
    return _item(row) if row else PublicComment(comment_id, None, 0, 0, removed=True)


def thread(
    tx: Transaction, site: SiteKey, post: PostKey, *, newest_first: bool, limit: int, after: Position | None
) -> Page[PublicComment]:
    """Depth-first: roots by time, replies oldest first. A position is (root, path)."""
    start = after or (_AFTER_ALL_ROOTS if newest_first else _BEFORE_ALL_ROOTS)
    rows = _thread_after(tx, site, post, newest_first=newest_first, limit=limit + 1, after=start)
    return _page(rows, limit, _BY_PLACE)


def flat(
    tx: Transaction, site: SiteKey, post: PostKey, *, newest_first: bool, limit: int, after: Position | None
) -> Page[PublicComment]:
    """By time, approved only, no tombstones. A position is (created_at, id)."""
    start = after or (END_OF_TIME if newest_first else _BEGINNING_OF_TIME)
    rows = _flat_after(tx, site, post, newest_first=newest_first, limit=limit + 1, after=start)
    return _page(rows, limit, _BY_TIME)


def id_at(tx: Transaction, site: SiteKey, post: PostKey, anchor: str) -> CommentId | None:
    """The comment on the post to which old links lead by this anchor."""
    row = tx.first(_BY_ANCHOR, site=site, post=post, anchor=anchor)
    return row["id"] if row else None


def thread_around(
    tx: Transaction, site: SiteKey, post: PostKey, *, newest_first: bool, limit: int, around: CommentId
) -> Page[PublicComment] | None:
    """The comments that `around` stands below, from the root down, itself, and what follows it in the thread.

    `limit` items beside the first ones. None where the comment is not public on the post.
    """
    row = tx.first(_ONE_ON_POST, site=site, post=post, id=around)
    if row is None:
        return None
    following = partial(_thread_after, tx, site, post, newest_first=newest_first)
    return _page_around(row, _above(tx, site, post, row), following, limit=limit, position=_BY_PLACE)


def flat_around(
    tx: Transaction, site: SiteKey, post: PostKey, *, newest_first: bool, limit: int, around: CommentId
) -> Page[PublicComment] | None:
    """The same in the list by time, which has no tombstones."""
    row = tx.first(_ONE_ON_POST, site=site, post=post, id=around)
    if row is None:
        return None
    above = [found for found in _above(tx, site, post, row) if found["status"] == Status.APPROVED]
    following = partial(_flat_after, tx, site, post, newest_first=newest_first)
    return _page_around(row, above, following, limit=limit, position=_BY_TIME)


def latest(tx: Transaction, site: SiteKey, *, limit: int, after: Position | None) -> Page[PublicComment]:
    """The site's approved comments, newest first. A position is (created_at, id)."""
    time, comment_id = after or END_OF_TIME
    rows = tx.all(_LATEST, site=site, time=time, id=comment_id, limit=limit + 1)
    return _page(rows, limit, ("created_at", "id"))


def newest_of_post(tx: Transaction, site: SiteKey, post: PostKey, *, limit: int) -> list[PublicComment]:
    """The newest approved comments of a post, by when readers were shown their present texts: what feeds have."""
    return [_item(row) for row in tx.all(_NEWS_OF_POST, site=site, post=post, limit=limit)]


def newest_of_site(tx: Transaction, site: SiteKey, *, limit: int) -> list[PublicComment]:
    """The same for all posts of the site."""
    return [_item(row) for row in tx.all(_NEWS_OF_SITE, site=site, limit=limit)]


def profile_of(row: Row) -> Profile:
    """The author as they were when the text was reviewed."""
    return Profile(row["author_name"], row["author_bio"], row["author_url"], row["author_avatar"])


_BY_PLACE, _BY_TIME = ("root", "path"), ("created_at", "id")


def _thread_after(
    tx: Transaction, site: SiteKey, post: PostKey, *, newest_first: bool, limit: int, after: Position
) -> Sequence[Row]:
    root, path = after
    statement = _THREAD_NEWEST if newest_first else _THREAD_OLDEST
    return tx.all(statement, site=site, post=post, root=root, path=path, limit=limit)


def _flat_after(
    tx: Transaction, site: SiteKey, post: PostKey, *, newest_first: bool, limit: int, after: Position
) -> Sequence[Row]:
    time, comment_id = after
    statement = _FLAT_NEWEST if newest_first else _FLAT_OLDEST
    return tx.all(statement, site=site, post=post, time=time, id=comment_id, limit=limit)


def _above(tx: Transaction, site: SiteKey, post: PostKey, row: Row) -> list[Row]:
    """What a comment stands below in the thread, from the root down, and what it answers: as many as a thread is deep.

    A path is codes of one length, the first of which is the root. Beyond the deepest level a reply stands beside what
    it answers, not below it.
    """
    root, path = row["root"], row["path"]
    paths = [path[:end] for end in range(len(root), len(path), len(root))]
    rows = tx.all(_ABOVE, site=site, post=post, root=root, paths=listed(paths)) if paths else []
    above = sorted(rows, key=lambda found: str(found["path"]))
    if row["parent_id"] is not None and row["parent_id"] not in {found["id"] for found in above}:
        parent = tx.first(_ITEM_BY_ID, site=site, id=row["parent_id"])
        above += [parent] if parent else []
    return above


def _page_around(
    row: Row, above: Sequence[Row], following: Callable[..., Sequence[Row]], *, limit: int, position: tuple[str, str]
) -> Page[PublicComment]:
    """Each comment once: where the newest come first, what stands above also follows."""
    shown = {found["id"] for found in above}
    after = tuple(row[name] for name in position)
    rest = [found for found in following(limit=limit + len(above), after=after) if found["id"] not in shown]
    page = _page([row, *rest], limit, position)
    return Page([*map(_item, above), *page.items], page.next)


def _page(rows: Sequence[Row], limit: int, position: tuple[str, str]) -> Page[PublicComment]:
    following = tuple(rows[limit - 1][name] for name in position) if len(rows) > limit else None
    return Page([_item(row) for row in rows[:limit]], following)


def _item(row: Row) -> PublicComment:
    if row["status"] != Status.APPROVED:
        return PublicComment(row["id"], row["parent_id"], row["depth"], row["reply_count"], removed=True)
    return PublicComment(
        id=row["id"],
        parent_id=row["parent_id"],
        depth=row["depth"],
        reply_count=row["reply_count"],
        removed=False,
        author_key=row["author"],
        author=profile_of(row),
        html=row["html"],
        created_at=row["created_at"],
        edited_at=row["edited_at"],
        published_at=row["published_at"],
        shown_at=row["shown_at"],
        post=row["post"],
        anchor=row["anchor"],
    )
