"""How things stand when a text comes: one look at what it may be refused for, one at what checks want to know."""

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, and_, bindparam, case, func, literal_column, or_, select, true

from service.model import ActorKind, Author, AuthorKey, CommentId, Milliseconds, PostKey, SiteKey, Status
from service.store import policies as policies_of_site
from service.store import posts as posts_of_site
from service.store.authors import author_of
from service.store.database import Transaction
from service.store.tables import arrivals, authors, comments, decisions, policies, posts, rule_states, sites
from service.triage.seen import Arrived

DAY = 86_400_000
FLOOD_MINUTES = 10
BY_AUTHOR_DAYS = 7
ON_SITE_HOURS = 72
MOST_ARRIVALS = 500
"""More are not counted: a flood of 500 is one."""
RECENT_DAYS = 90
MOST_COUNTED = 200
"""Of an author's newest comments, what became of so many is counted: nobody waits for more."""


MOST_LOOKED_AT = 5_000
"""Among so many of an author's newest comments those that wait are counted where the policy limits them."""


class Standing(NamedTuple):
    """The author's record if they ever commented, whether the post takes comments, the number of its last one (None: it
    is not known), the first comment with the very text in the very place, and the digest of the policy that the site
    has made for itself."""

    author: Author | None
    post_is_open: bool
    last_number: int | None
    same_text: CommentId | None
    policy_digest: str | None


class Surroundings(NamedTuple):
    """What checks want to know beside a text: of its author's newest comments how many wait, and what humans decided on
    those of the last 90 days; of its post and of the queue; whether a rule of the site is braked."""

    waiting: int
    decided: int
    refused: int
    post_since: Milliseconds | None
    post_comments: int
    queue: int
    lists_mark: str | None
    hosts_are_known: bool
    some_braked: bool
    arrived: Arrived | None


_POST = (posts.c.site == bindparam("site"), posts.c.post == bindparam("post"))
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
_POLICY = (
    select(policies.c.digest).where(policies.c.site == bindparam("site")).order_by(policies.c.version.desc()).limit(1)
)
_LOOK = (
    select(
        authors,
        posts.c.open.label("post_is_open"),
        posts.c.comment_seq,
        _SAME_TEXT.scalar_subquery().label("same_text"),
        _POLICY.scalar_subquery().label("policy_digest"),
    )
    .where(authors.c.site == bindparam("site"), authors.c.author == bindparam("of_author"))
    .select_from(authors.outerjoin(posts, and_(*_POST)))
)


def seems_to_wait(of: Any) -> ColumnElement[bool]:
    """Whether a comment waits, as its author is told: what only a rule called spam seems to. (`of`: the columns)"""
    return or_(of.status == Status.PENDING.value, and_(of.status == Status.SPAM.value, of.by_rule.is_(true())))


_LAST_BY_HUMANS = (
    select(decisions.c.to_status)
    .where(decisions.c.comment_id == comments.c.id, decisions.c.actor_kind == ActorKind.MODERATOR.value)
    .order_by(decisions.c.seq.desc())
    .limit(1)
    .scalar_subquery()
)
_newest = (
    select(comments.c.status, comments.c.by_rule, comments.c.created_at, _LAST_BY_HUMANS.label("humans"))
    .where(
        comments.c.site == bindparam("site"),
        comments.c.author == bindparam("of_author"),
        comments.c.id != bindparam("comment_id"),
    )
    .order_by(comments.c.created_at.desc())
    .limit(MOST_COUNTED)
    .subquery("newest")
)
_IS_RECENT = _newest.c.created_at > bindparam("recent")
_many = (
    select(comments.c.status, comments.c.by_rule)
    .where(comments.c.site == bindparam("site"), comments.c.author == bindparam("of_author"))
    .order_by(comments.c.created_at.desc())
    .limit(MOST_LOOKED_AT)
    .subquery("many")
)
_WAITING = select(func.count().label("number")).select_from(_many).where(seems_to_wait(_many.c))
_HUMANS_REFUSED = or_(_newest.c.humans == Status.REJECTED.value, _newest.c.humans == Status.SPAM.value)
_counted = (
    select(
        func.count().filter(seems_to_wait(_newest.c)).label("waiting"),
        func.count().filter(and_(_IS_RECENT, _newest.c.humans.is_not(None))).label("decided"),
        func.count().filter(and_(_IS_RECENT, _HUMANS_REFUSED)).label("refused"),
    )
    .select_from(_newest)
    .subquery("counted")
)
_IS_OTHER = arrivals.c.comment_id != bindparam("comment_id")


def _rushing(*of: ColumnElement[bool]) -> ColumnElement[int]:
    """How many of these came in the last minutes, MOST_ARRIVALS at most: whether there are so many is asked first, or
    a flood would be counted whole."""
    some = select(func.count()).select_from(arrivals)
    some = some.where(arrivals.c.site == bindparam("site"), arrivals.c.created_at > bindparam("flood"), *of)
    most = literal_column(str(MOST_ARRIVALS), Integer)
    many = some.with_only_columns(most).order_by(arrivals.c.created_at.desc()).limit(1).offset(MOST_ARRIVALS - 1)
    return func.coalesce(many.scalar_subquery(), some.scalar_subquery())


_alike = (
    select(arrivals.c.author, arrivals.c.created_at)
    .where(
        arrivals.c.site == bindparam("site"),
        _IS_OTHER,
        arrivals.c.key == bindparam("key"),
        arrivals.c.created_at > bindparam("week"),
    )
    .order_by(arrivals.c.created_at.desc())
    .limit(MOST_ARRIVALS)
    .subquery("alike")
)
_equal = (
    select(
        func.count().filter(_alike.c.author == bindparam("of_author")).label("equal_by_author"),
        func.count().filter(_alike.c.created_at > bindparam("lately")).label("equal_on_site"),
    )
    .select_from(_alike)
    .subquery("equal")
)
_BY_AUTHOR = arrivals.c.author == bindparam("of_author")
_OWN = _rushing(_BY_AUTHOR, ~_IS_OTHER)
_SURROUNDINGS = select(
    _counted,
    _equal,
    _rushing().label("on_site"),
    case((bindparam("comment_id") == "", 0), else_=_OWN).label("own"),
    _rushing(_BY_AUTHOR).label("by_author"),
    _rushing(arrivals.c.post == bindparam("post")).label("on_post"),
    select(func.coalesce(posts.c.published_at, posts.c.created_at)).where(*_POST).scalar_subquery().label("post_since"),
    select(posts.c.count).where(*_POST).scalar_subquery().label("post_comments"),
    select(rule_states.c.rule)
    .where(rule_states.c.site == bindparam("site"), rule_states.c.braked_at.is_not(None))
    .exists()
    .label("some_braked"),
    sites.c.waiting.label("waiting_on_site"),
    sites.c.lists_mark,
    sites.c.hosts_known,
    sites.c.arrivals_known,
).select_from(_counted.join(_equal, true()).outerjoin(sites, sites.c.site == bindparam("site")))


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
        is_open = posts_of_site.get(tx, site, post).open
        return Standing(None, is_open, None, None, policies_of_site.newest_digest(tx, site))
    return Standing(
        author_of(row),
        post_is_open=row["post_is_open"] is None or bool(row["post_is_open"]),  # nobody has commented on it yet
        last_number=row["comment_seq"],
        same_text=row["same_text"],
        policy_digest=row["policy_digest"],
    )


def count_waiting(tx: Transaction, site: SiteKey, author: AuthorKey) -> int:
    """How many of an author's newest comments wait, as they are told."""
    row = tx.first(_WAITING, site=site, of_author=author)
    return int(row["number"]) if row else 0


def surroundings(
    tx: Transaction, site: SiteKey, post: PostKey, author: AuthorKey, *, key: str, comment_id: CommentId | None
) -> Surroundings:
    """What checks want to know beside a text, before it is stored. `comment_id`: whose newer text it is; that comment
    does not count. `key`: by what equal texts are found (`arrivals.key_of`)."""
    row = tx.first(
        _SURROUNDINGS,
        site=site,
        post=post,
        of_author=author,
        recent=tx.now - RECENT_DAYS * DAY,
        comment_id=comment_id or "",
        key=key,
        flood=tx.now - FLOOD_MINUTES * 60_000,
        week=tx.now - BY_AUTHOR_DAYS * DAY,
        lately=tx.now - ON_SITE_HOURS * 3_600_000,
    )
    if row is None:
        raise LookupError(site)  # it counts, so it has one row
    is_new_site = row["waiting_on_site"] is None  # nothing has ever happened there
    # Which texts are the comment's own, indexes do not say: to leave them out of a count would read each row.
    counts = [row[name] - row["own"] for name in ("by_author", "on_post", "on_site")]
    return Surroundings(
        row["waiting"],
        row["decided"],
        row["refused"],
        row["post_since"],
        row["post_comments"] or 0,
        row["waiting_on_site"] or 0,
        row["lists_mark"],
        is_new_site or bool(row["hosts_known"]),
        bool(row["some_braked"]),
        Arrived(row["equal_by_author"], row["equal_on_site"], *counts)
        if is_new_site or row["arrivals_known"]
        else None,
    )
