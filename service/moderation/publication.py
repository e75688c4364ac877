"""What a change of a comment does to everything that readers see: counts, tombstones, revisions.

Called by every verb that changes a comment, inside its transaction, so counts can never drift from what they count.
"""

from dataclasses import dataclass, replace

from service.model import Author, Comment, CommentId, Status
from service.store import arrivals, authors, carriers, comments, posts
from service.store.database import Transaction
from service.triage.seen import page_hosts_of

_LINK = "<a href="
_REFUSED = frozenset({Status.REJECTED, Status.SPAM})


@dataclass(frozen=True, slots=True)
class Seen:
    """What readers see of a change: the post's new revision, and how many tombstones come into the list with it.

    These are the nearest comments above the changed one, in an unbroken line.
    """

    revision: int
    tombstones: int = 0


def is_public(comment: Comment) -> bool:
    """Whether readers see the comment's text."""
    return comment.status is Status.APPROVED


def publishes(before: Comment, after: Comment) -> bool:
    """Whether readers see the comment's text after a change, and did not before."""
    return is_public(after) and not is_public(before)


def shows_news(before: Comment | None, after: Comment) -> bool:
    """Whether `after` shows readers a text that `before` (None: it is new) did not show them."""
    if not is_public(after):
        return False
    return before is None or not is_public(before) or before.text.version != after.text.version


def apply(tx: Transaction, before: Comment | None, after: Comment) -> Seen | None:
    """Carry a change from `before` (None: it is new) to `after` into counts and lists.

    What readers see of it; None where that is nothing.
    """
    if before is None and after.status is Status.PENDING:  # it is in no count and in no list
        return None
    was_public, now_public = before is not None and is_public(before), is_public(after)
    _count_for_author(tx, before, after)
    was_listed = before is not None and before.listed
    relisted = 0
    if was_listed != after.listed and after.parent_id is not None:
        relisted = _relist(tx, after.parent_id, 1 if after.listed else -1)
    seen = None
    if shows_news(before, after) or (was_public and not now_public):
        revision = posts.show_change(tx, after.site, after.post, delta=int(now_public) - int(was_public))
        seen = Seen(revision, relisted if after.listed else 0)
    if was_public != now_public:
        _relabel(tx, after)
    _relink(tx, before if was_public else None, after if now_public else None)
    return seen


def _relink(tx: Transaction, before: Comment | None, after: Comment | None) -> None:
    """Which hosts approved comments link to, for the check on new ones. None: readers do not see it."""
    was = page_hosts_of(before.text.html) if before and _LINK in before.text.html else frozenset[str]()
    now = page_hosts_of(after.text.html) if after and _LINK in after.text.html else frozenset[str]()
    if before and was - now:
        arrivals.unlink(tx, before, was - now)
    if after and now - was:
        arrivals.link(tx, after, now - was)


def replies_listed(tx: Transaction, comment_id: CommentId, number: int) -> int:
    """So many more (or fewer) listed replies stand below a comment: how many tombstones above come or go with them."""
    parent_id, was_listed, is_listed = comments.count_reply(tx, comment_id, number)
    if was_listed == is_listed:
        return 0
    return 1 + _relist(tx, parent_id, 1 if number > 0 else -1)


def _count_for_author(tx: Transaction, before: Comment | None, after: Comment) -> None:
    approved = int(is_public(after)) - int(before is not None and is_public(before))
    rejected = int(after.status in _REFUSED) - int(before is not None and before.status in _REFUSED)
    if approved or rejected:
        authors.count(tx, after.site, after.author_key, approved=approved, rejected=rejected)


def without(author: Author, comment: Comment) -> Author:
    """Their record as it is without this comment of theirs."""
    approved, rejected = int(is_public(comment)), int(comment.status in _REFUSED)
    return replace(author, approved=author.approved - approved, rejected=author.rejected - rejected)


def _relabel(tx: Transaction, changed: Comment) -> None:
    """The post is called as its newest approved comments call it.

    What this comment did not carry stays as it is: nobody looks through a long post for an address that none has.
    """
    if changed.label.title:
        title = carriers.newest_title(tx, changed.site, changed.post)
        posts.set_title(tx, changed.site, changed.post, title.says if title else None)
    if changed.label.url:
        url = carriers.newest_url(tx, changed.site, changed.post)
        posts.set_url(tx, changed.site, changed.post, url.says if url else None)


def _relist(tx: Transaction, comment_id: CommentId | None, delta: int) -> int:
    """A listed reply more or less: tombstones above appear or go, up to the first comment that stays as it was.

    How many did.
    """
    relisted = 0
    while comment_id is not None:
        parent_id, was_listed, is_listed = comments.count_reply(tx, comment_id, delta)
        if was_listed == is_listed:
            break
        comment_id, relisted = parent_id, relisted + 1
    return relisted
