"""Queries on the moderation queue: which comments someone must look at.

Lists and their lengths are in `queue_pages`, who holds what in `claims`.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import Integer, bindparam, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from service.model import (
    POLICY,
    PRIORITY,
    Actor,
    ActorKind,
    Comment,
    CommentId,
    Milliseconds,
    QueueEntry,
    Reason,
    SiteKey,
    Why,
    priority_of_author,
)
from service.store import authors, judgements, reasons, texts
from service.store.among import each, listed
from service.store.database import Row, Transaction
from service.store.recount import Inspection, Recount, Rule
from service.store.snapshot import Snapshot
from service.store.tables import comments, queue, sites
from service.text.folding import fold

_WRITTEN = ("comment_id", "site", "post", "author", "why", "priority", "waiting_since", "folded", "of_author")
_ADD = (
    insert(queue)
    .values({name: bindparam(name) for name in _WRITTEN})
    .on_conflict_do_nothing(index_elements=["comment_id"])
)
_OF_COMMENT = queue.c.comment_id == bindparam("of_comment")
_SUM_UP = (
    update(queue)
    .where(_OF_COMMENT)
    .values(
        why=bindparam("new_why"),
        priority=bindparam("new_priority", type_=Integer) + queue.c.of_author,
        folded=bindparam("new_folded"),
    )
)
_FOLD = update(queue).where(_OF_COMMENT).values(folded=bindparam("new_folded"))
_TAKE_OUT = delete(queue).where(queue.c.comment_id == bindparam("comment_id"))
_CLAIM = ("claimed_by", "claimed_by_name", "claimed_until")
ENTRY = tuple(queue.c[name] for name in ("comment_id", "why", "priority", "of_author", "waiting_since", *_CLAIM))
"""The columns that make an entry."""
_listed = each("ids")
_SOME = select(*ENTRY).join_from(_listed, queue, queue.c.comment_id == _listed.c.value)
_ONE = select(*ENTRY).where(queue.c.comment_id == bindparam("comment_id"))
_DEPTH = select(
    sites.c.waiting,
    select(func.min(queue.c.waiting_since)).where(queue.c.site == bindparam("site")).scalar_subquery().label("oldest"),
).where(sites.c.site == bindparam("site"))
_NEWEST = select(func.max(queue.c.waiting_since).label("newest")).where(queue.c.site == bindparam("site"))
_REASONS = (
    select(queue.c.why, func.count().label("number")).where(queue.c.site == bindparam("site")).group_by(queue.c.why)
)

_HELD = select(func.count()).where(
    queue.c.site == bindparam("site"),
    queue.c.claimed_by == bindparam("holder"),
    queue.c.claimed_until > bindparam("now"),
)
_OVERVIEW = _DEPTH.add_columns(_HELD.scalar_subquery().label("held"))


def put(
    tx: Transaction,
    comment: Comment,
    reason: Reason,
    *,
    waiting_since: Milliseconds | None = None,
    of_rules: int | None = None,
    of_author: int | None = None,
) -> int:
    """Someone must look at this comment, for this reason too. One that waits already keeps its place.

    `of_rules` is what rules add to its priority; None: what was said of its newest text tells. So is `of_author` what
    its author adds; None: as many comments of theirs as are approved now. By how many the queue grew: 1 or 0.
    """
    if of_rules is None:
        of_rules = judgements.priority_of(tx, comment)
    if of_author is None:
        author = authors.get(tx, comment.site, comment.author_key)
        of_author = priority_of_author(author.approved if author else 0)
    since = tx.now if waiting_since is None else waiting_since
    grown = tx.run(_ADD, **_values(comment, reason, since, of_rules, of_author))
    reasons.give(tx, comment.id, reason)
    if not grown:
        standing = get(tx, comment.id)
        _sum_up(tx, comment, reasons.joined(standing.reasons if standing else (), reason), of_rules)
    return grown


def add(tx: Transaction, comment: Comment, reason: Reason, *, of_rules: int, of_author: int) -> int:
    """Someone must look at a new comment, which waits for nothing yet. By how many the queue grew: 1."""
    tx.send_later(_ADD, tuple(_values(comment, reason, tx.now, of_rules, of_author).values()))
    reasons.give(tx, comment.id, reason)
    return 1


def settle(tx: Transaction, comment: Comment, codes: Collection[Why]) -> int:
    """These reasons are answered. The comment leaves the queue when no other one is left.

    By how many the queue grew: 0, or -1.
    """
    standing = get(tx, comment.id)
    left = tuple(reason for reason in standing.reasons if reason.code not in codes) if standing else ()
    if not left:
        return take_out(tx, comment.id)
    for code in codes:
        reasons.drop(tx, comment.id, code)
    _sum_up(tx, comment, left, judgements.priority_of(tx, comment))
    return 0


def judged_again(tx: Transaction, comment: Comment, why: Why, of_rules: int) -> None:
    """What the policy says of the new text of a comment that waits stands where it spoke of the text before."""
    standing = get(tx, comment.id)
    if standing is None:
        return
    others = [reason for reason in standing.reasons if reason.code not in reasons.OF_THE_POLICY]
    if len(others) == len(standing.reasons):  # a moderator put it back: that is why it waits
        _sum_up(tx, comment, standing.reasons, of_rules)
        return
    _sum_up(tx, comment, reasons.in_order([*others, Reason(why, POLICY, standing.waiting_since)]), of_rules)


def put_text(tx: Transaction, comment: Comment) -> None:
    """A comment that waits has another text: searches find that."""
    tx.run(_FOLD, of_comment=comment.id, new_folded=_folded(comment))


def folded(body: str, edit_body: str | None, author_name: str) -> str:
    """What searches look at: the texts and the name, each by itself."""
    return "\n".join(fold(text) for text in (body, edit_body, author_name) if text is not None)


def take_out(tx: Transaction, comment_id: CommentId) -> int:
    """Nobody needs to look any more: the entry goes with all of its reasons.

    By how many the queue grew: -1, or 0 where the comment did not wait.
    """
    return -tx.run(_TAKE_OUT, comment_id=comment_id)


def get(tx: Transaction, comment_id: CommentId) -> QueueEntry | None:
    """The entry of one comment."""
    return next(iter(entries_of(tx, tx.all(_ONE, comment_id=comment_id))), None)


def get_many(tx: Transaction, ids: list[CommentId]) -> list[QueueEntry]:
    """The entries of these comments, in the same order, without those that do not wait."""
    if not ids:
        return []
    found = {row["comment_id"]: row for row in tx.all(_SOME, ids=listed(ids))}
    return entries_of(tx, [found[comment_id] for comment_id in ids if comment_id in found])


def depth(tx: Transaction, site: SiteKey) -> tuple[int, Milliseconds | None]:
    """How many entries wait on the site, and since when the oldest does."""
    row = tx.first(_DEPTH, site=site)
    return (row["waiting"], row["oldest"]) if row else (0, None)


def overview(tx: Transaction, site: SiteKey, holder: str) -> tuple[int, Milliseconds | None, int]:
    """The same, and how many of them `holder` holds: by one statement."""
    row = tx.first(_OVERVIEW, site=site, holder=holder, now=tx.now)
    return (row["waiting"], row["oldest"], row["held"]) if row else (0, None, 0)


def newest(tx: Transaction, site: SiteKey) -> Milliseconds | None:
    """Since when the entry waits that came last; None where none does."""
    row = tx.first(_NEWEST, site=site)
    return row["newest"] if row else None


def count_reasons(tx: Transaction, site: SiteKey) -> Counter[Why]:
    """How many entries have each reason; one may have several. It looks at every entry of the site."""
    found: Counter[Why] = Counter()
    for row in tx.all(_REASONS, site=site):
        for code in row["why"].split():
            found[Why(code)] += row["number"]
    return found


def entries_of(tx: Transaction, rows: Sequence[Row]) -> list[QueueEntry]:
    """The entries in rows with the columns `ENTRY`, each with its reasons; a claim that has run out is none."""
    given = reasons.of_each(tx, rows)
    return [_entry(row, given[row["comment_id"]], tx.now) for row in rows]


def _values(
    comment: Comment, reason: Reason, waiting_since: Milliseconds, of_rules: int, of_author: int
) -> dict[str, object]:
    """In the order of `_WRITTEN`."""
    return {
        "comment_id": comment.id,
        "site": comment.site,
        "post": comment.post,
        "author": comment.author_key,
        "why": reasons.summary([reason.code]),
        "priority": PRIORITY[reason.code] + of_rules + of_author,
        "waiting_since": waiting_since,
        "folded": _folded(comment),
        "of_author": of_author,
    }


def _folded(comment: Comment) -> str:
    edit = comment.pending_edit
    return folded(comment.text.body, edit.body if edit else None, comment.author.name)


def _sum_up(tx: Transaction, comment: Comment, given: Sequence[Reason], of_rules: int) -> None:
    """The entry says what its reasons and the comment's texts are now. `given`: strongest first."""
    tx.run(
        _SUM_UP,
        of_comment=comment.id,
        new_why=reasons.summary(reason.code for reason in given),
        new_priority=PRIORITY[given[0].code] + of_rules,
        new_folded=_folded(comment),
    )


def _entry(row: Row, given: tuple[Reason, ...], now: Milliseconds) -> QueueEntry:
    held = row["claimed_until"] is not None and row["claimed_until"] > now
    return QueueEntry(
        comment_id=row["comment_id"],
        reasons=given,
        waiting_since=row["waiting_since"],
        claimed_by=Actor(ActorKind.MODERATOR, row["claimed_by"], row["claimed_by_name"]) if held else None,
        claimed_until=row["claimed_until"] if held else None,
        of_rules=row["priority"] - row["of_author"] - PRIORITY[given[0].code] if given else 0,
        of_author=row["of_author"],
    )


# --- What `verify` counts anew ----------------------------------------------------------------------------------------


def _unfound(moment: Snapshot) -> Iterator[str]:
    """Comments in the queue that searches would miss. Those with a changed text are named already."""
    joined = queue.join(comments, comments.c.id == queue.c.comment_id)
    searched = (comments.c.body, comments.c.edit_body, comments.c.author_name)
    entries = select(queue.c.comment_id, queue.c.folded, comments.c.body_hash, *searched).select_from(joined)
    for comment_id, kept, body_hash, body, *others in moment.rows(entries.order_by(queue.c.comment_id)):
        if folded(body, *others) != kept and texts.hash_of(body) == body_hash:
            yield f"queue.folded: comment {comment_id} waits, and searches do not look at the text that it has"


RULES: Sequence[Rule] = [
    *reasons.RULES,
    Recount(
        "sites.waiting",
        """SELECT s.site, s.waiting, count(q.comment_id) FROM sites AS s LEFT JOIN queue AS q ON q.site = s.site
           GROUP BY s.site, s.waiting HAVING s.waiting <> count(q.comment_id) ORDER BY s.site""",
        "sites.waiting: site {0} says {1}, queue entries are {2}",
    ),
    Recount(
        "queue names the place",
        """SELECT q.comment_id FROM queue AS q JOIN comments AS c ON c.id = q.comment_id
           WHERE q.site <> c.site OR q.post <> c.post OR q.author <> c.author ORDER BY q.comment_id""",
        "queue: the entry of comment {0} names another site, post or author than the comment",
    ),
    Inspection("queue.folded", _unfound),
]
