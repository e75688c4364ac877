"""Queries on authors: the blog's people, as this site knows them."""

from collections.abc import Sequence

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.sqlite import insert

from service.model import Author, AuthorKey, Identity, Milliseconds, Profile, SiteKey
from service.store.among import among, listed
from service.store.database import Row, Transaction
from service.store.recount import Recount, Rule
from service.store.tables import authors

_KEY = (authors.c.site == bindparam("of_site"), authors.c.author == bindparam("of_author"))
_insert = insert(authors).values({column.name: bindparam(column.name) for column in authors.c})
_SEEN = _insert.on_conflict_do_update(
    index_elements=["site", "author"],
    set_={name: _insert.excluded[name] for name in ("name", "bio", "url", "avatar")},
)
_NOTHING_HELD = (0, 0, None, False, None)
"""Of a new author: approved, rejected, banned_until, trusted, note."""
_ONE = select(authors).where(*_KEY)
_SOME = select(authors).where(authors.c.site == bindparam("site"), among(authors.c.author, "keys"))
_COUNT = (
    update(authors)
    .where(*_KEY)
    .values(
        approved=authors.c.approved + bindparam("more_approved"),
        rejected=authors.c.rejected + bindparam("more_rejected"),
    )
)
_JUDGE = update(authors).where(*_KEY).values({name: bindparam(name) for name in ("banned_until", "trusted", "note")})


def seen(tx: Transaction, key: AuthorKey, identity: Identity) -> None:
    """Make the author's record if it is their first time, else give it the name and biography of today."""
    who, profile = (identity.site, key, identity.namespace, identity.subject), identity.profile
    tx.send(_SEEN, (*who, profile.name, profile.bio, profile.url, profile.avatar, tx.now, *_NOTHING_HELD))


def get(tx: Transaction, site: SiteKey, key: AuthorKey) -> Author | None:
    """The author's record, if they ever commented."""
    row = tx.first(_ONE, of_site=site, of_author=key)
    return author_of(row) if row else None


def get_many(tx: Transaction, site: SiteKey, keys: set[AuthorKey]) -> dict[AuthorKey, Author]:
    """The records of these authors."""
    if not keys:
        return {}
    return {row["author"]: author_of(row) for row in tx.all(_SOME, site=site, keys=listed(keys))}


def subjects(tx: Transaction, site: SiteKey, keys: set[AuthorKey]) -> dict[AuthorKey, tuple[str, str]]:
    """How the blog's logins know these authors: the namespace, and the subject in it. For the blog alone."""
    if not keys:
        return {}
    rows = tx.all(_SOME, site=site, keys=listed(keys))
    return {row["author"]: (row["namespace"], row["subject"]) for row in rows}


def count(tx: Transaction, site: SiteKey, key: AuthorKey, *, approved: int, rejected: int) -> None:
    """So many more (or fewer) of the author's comments are approved, or are rejected or spam."""
    tx.run(_COUNT, of_site=site, of_author=key, more_approved=approved, more_rejected=rejected)


def judge(
    tx: Transaction,
    site: SiteKey,
    key: AuthorKey,
    *,
    banned_until: Milliseconds | None,
    trusted: bool,
    note: str | None,
) -> None:
    """Set what moderators hold of an author."""
    tx.run(_JUDGE, of_site=site, of_author=key, banned_until=banned_until, trusted=trusted, note=note)


def author_of(row: Row) -> Author:
    """The author in a row that has the columns of `authors`."""
    return Author(
        site=row["site"],
        key=row["author"],
        profile=Profile(row["name"], row["bio"], row["url"], row["avatar"]),
        first_seen=row["first_seen"],
        approved=row["approved"],
        rejected=row["rejected"],
        banned_until=row["banned_until"],
        trusted=bool(row["trusted"]),
        note=row["note"],
    )


# --- What `verify` counts anew ----------------------------------------------------------------------------------------

RULES: Sequence[Rule] = [
    Recount(
        "authors.approved",
        """SELECT a.site, a.author, a.approved, count(c.id) FROM authors AS a
           LEFT JOIN comments AS c ON c.site = a.site AND c.author = a.author AND c.status = 'approved'
           GROUP BY a.site, a.author, a.approved HAVING a.approved <> count(c.id) ORDER BY a.site, a.author""",
        "authors.approved: site {0}, author {1} says {2}, approved comments are {3}",
    ),
    Recount(
        "authors.rejected",
        """SELECT a.site, a.author, a.rejected, count(c.id) FROM authors AS a
           LEFT JOIN comments AS c ON c.site = a.site AND c.author = a.author AND c.status IN ('rejected', 'spam')
           GROUP BY a.site, a.author, a.rejected HAVING a.rejected <> count(c.id) ORDER BY a.site, a.author""",
        "authors.rejected: site {0}, author {1} says {2}, rejected comments and spam are {3}",
    ),
]
