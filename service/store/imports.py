"""Queries on imports: which comments of a foreign file the store has, and what is written of many at once."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, case, delete, func, insert, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from service.model import (
    AuthorKey,
    BatchId,
    Comment,
    CommentId,
    Decision,
    Identity,
    Label,
    Milliseconds,
    PostKey,
    SiteKey,
)
from service.store.among import among, listed
from service.store.comments import new_row
from service.store.database import Transaction
from service.store.tables import authors, comments, decisions, imports, originals, posts

_ADD_COMMENT = insert(comments).values({column.name: bindparam(column.name) for column in comments.c})
_EDITED_AT = comments.c.keys().index("edited_at")
_NO_EDIT = (None,) * 5
_KNOWN = select(*(imports.c[name] for name in ("source_id", "comment_id", "digest", "version", "batch"))).where(
    imports.c.site == bindparam("site"), imports.c.source == bindparam("source"), among(imports.c.source_id, "ids")
)
_ADD = insert(imports).values({column.name: bindparam(column.name) for column in imports.c})
_ADD_ORIGINAL = insert(originals).values({column.name: bindparam(column.name) for column in originals.c})
_RENEW = (
    update(imports)
    .where(imports.c.comment_id == bindparam("of_comment"))
    .values(digest=bindparam("new_digest"), version=bindparam("new_version"))
)
_DROP_ORIGINAL = delete(originals).where(originals.c.comment_id == bindparam("of_comment"))
_PLACES = select(comments.c.id, comments.c.post, comments.c.path, comments.c.depth).where(
    comments.c.site == bindparam("site"), among(comments.c.id, "ids")
)
_LOWEST = select(func.coalesce(func.min(decisions.c.seq), 0).label("seq")).where(decisions.c.site == bindparam("site"))
_ADD_DECISION = insert(decisions).values({column.name: bindparam(column.name) for column in decisions.c})

_new_author = upsert(authors).values({column.name: bindparam(column.name) for column in authors.c})
_AUTHOR = _new_author.on_conflict_do_update(
    index_elements=["site", "author"],
    set_={
        "approved": authors.c.approved + _new_author.excluded.approved,
        "rejected": authors.c.rejected + _new_author.excluded.rejected,
        "first_seen": case(
            (_new_author.excluded.first_seen < authors.c.first_seen, _new_author.excluded.first_seen),
            else_=authors.c.first_seen,
        ),
    },
)
_new_post = upsert(posts).values(
    {column.name: bindparam(column.name) for column in posts.c if column.name not in {"title", "url", "published_at"}}
)
_TAKE_NUMBERS = _new_post.on_conflict_do_update(
    index_elements=["site", "post"],
    set_={
        "comment_seq": posts.c.comment_seq + _new_post.excluded.comment_seq,
        "created_at": case(
            (_new_post.excluded.created_at < posts.c.created_at, _new_post.excluded.created_at),
            else_=posts.c.created_at,
        ),
        **{
            f"pinned_{part}": case(
                (or_(posts.c[f"pinned_{part}"].is_not(None), posts.c[part].is_not(None)), posts.c[f"pinned_{part}"]),
                else_=_new_post.excluded[f"pinned_{part}"],
            )
            for part in ("title", "url")
        },
    },
).returning(posts.c.comment_seq)


class Known(NamedTuple):
    """A comment that an import brought: its digest then, its version then, and which import that was. No digest and no
    batch: it was never brought."""

    comment_id: CommentId
    digest: str | None
    version: int
    batch: BatchId | None


class Place(NamedTuple):
    """Where in its thread a comment stands."""

    post: PostKey
    path: str
    depth: int


class Origin(NamedTuple):
    """From where a comment comes: a row of `imports`."""

    site: SiteKey
    source: str
    source_id: str
    comment_id: CommentId
    batch: BatchId
    digest: str
    version: int


class Elsewhere(NamedTuple):
    """A comment that was written elsewhere, with its root, since when readers are shown what they see of it, and the
    anchor under which it stood there."""

    comment: Comment
    root: str
    shown_at: Milliseconds | None
    anchor: str | None


def known(tx: Transaction, site: SiteKey, source: str, ids: Iterable[str]) -> dict[str, Known]:
    """Which of these comments of a source the site has."""
    rows = tx.all(_KNOWN, site=site, source=source, ids=listed(ids))
    return {row["source_id"]: Known(row["comment_id"], row["digest"], row["version"], row["batch"]) for row in rows}


def places(tx: Transaction, site: SiteKey, ids: Iterable[CommentId]) -> dict[CommentId, Place]:
    """Where these comments stand."""
    wanted = set(ids)
    rows = tx.all(_PLACES, site=site, ids=listed(wanted)) if wanted else []
    return {row["id"]: Place(row["post"], row["path"], row["depth"]) for row in rows}


def lowest_number(tx: Transaction, site: SiteKey) -> int:
    """The lowest number in the site's record, 0 at most: lines of what was decided elsewhere are counted downwards."""
    row = tx.first(_LOWEST, site=site)
    return min(int(row["seq"]), 0) if row else 0


def add_comments(tx: Transaction, new: Sequence[Elsewhere]) -> None:
    """Store comments that were written elsewhere."""
    rows = []
    for one in new:
        row, edit = new_row(one.comment, one.root, one.shown_at), one.comment.pending_edit
        waits = (edit.body, edit.html, edit.renderer, edit.version, edit.submitted_at) if edit else _NO_EDIT
        rows.append(
            (*row[:_EDITED_AT], one.comment.edited_at, *row[_EDITED_AT:], *waits, one.anchor, one.comment.by_rule)
        )
    tx.send_many(_ADD_COMMENT, rows)


def add(tx: Transaction, origins: Sequence[Origin], texts: Sequence[tuple[CommentId, str, str]]) -> None:
    """Remember where comments come from, and what their texts were made of: (comment, format, text)."""
    tx.send_many(_ADD, origins)
    if texts:
        tx.send_many(_ADD_ORIGINAL, texts)


def add_decisions(tx: Transaction, lines: Sequence[tuple[Decision, str | None]]) -> None:
    """Lines of the record, each with the state before it, as JSON; None where nothing can take it back."""
    tx.send_many(
        _ADD_DECISION,
        [
            (
                *(one.id, one.site, one.seq, one.comment_id, one.action, one.from_status, one.to_status, one.version),
                *(one.actor.kind, one.actor.key, one.actor.name, one.reason, one.note, one.note_to_author),
                *(one.undoes, before, one.created_at, one.batch, one.reason_text),
                *(" ".join(one.rules) or None, one.policy_version),
            )
            for one, before in lines
        ],
    )


def renew(
    tx: Transaction, comment_id: CommentId, *, digest: str, version: int, original: tuple[str, str] | None
) -> None:
    """The comment was brought again, otherwise than before."""
    tx.run(_RENEW, of_comment=comment_id, new_digest=digest, new_version=version)
    tx.run(_DROP_ORIGINAL, of_comment=comment_id)
    if original is not None:
        tx.send_many(_ADD_ORIGINAL, [(comment_id, *original)])


def met(
    tx: Transaction, people: Iterable[tuple[Identity, AuthorKey, Milliseconds, int, int, Milliseconds | None]]
) -> None:
    """People whose comments were brought: since when they comment, how many more are approved, how many rejected, and
    until when they are banned.

    Who is known stays called as they are, and banned or not.
    """
    tx.send_many(
        _AUTHOR,
        [
            (
                *(who.site, key, who.namespace, who.subject, who.profile.name, who.profile.bio, who.profile.url),
                *(who.profile.avatar, first_seen, approved, rejected, banned_until, False, None),
            )
            for who, key, first_seen, approved, rejected, banned_until in people
        ],
    )


def take_numbers(
    tx: Transaction, site: SiteKey, post: PostKey, count: int, *, since: Milliseconds, label: Label
) -> int:
    """`count` comments come to the post, which is made known if it was not; the number of the last of them.

    It is called as `label` says where nobody calls it anything yet.
    """
    row = tx.first(
        _TAKE_NUMBERS,
        site=site,
        post=post,
        open=True,
        count=0,
        revision=1,
        comment_seq=count,
        created_at=since,
        pinned_title=label.title,
        pinned_url=label.url,
    )
    if row is None:
        raise LookupError(post)
    return int(row["comment_seq"])
