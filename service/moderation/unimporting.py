"""Takes an import back: its comments leave the store, rows and all, so that they can be brought again.

What somebody decided about here, edited or answered since stays. Posts stay known: the number of their revision must
not go back, or pages in memory would be taken for current. Called by `transfer` in slices, each a transaction.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from service.model import GATEPOST, AuthorKey, BatchId, CommentId, PostKey, SiteKey, Status
from service.moderation import publication
from service.store import authors, events, imported, posts
from service.store.database import Transaction
from service.store.imported import Member

_REFUSED = (Status.REJECTED, Status.SPAM)


class Stay(StrEnum):
    """Why a comment stays."""

    CHANGED = "somebody decided about it here, or edited it"
    ANSWERED = "it was answered here"


@dataclass(frozen=True, slots=True)
class Slice:
    """What became of some comments of an import. `last` is where the next slice goes on; None: there are no more."""

    taken_out: int
    staying: Sequence[tuple[CommentId, Stay]]
    last: CommentId | None


def take_out(tx: Transaction, site: SiteKey, batch: BatchId, *, before: CommentId | None, limit: int) -> Slice:
    """Take out up to `limit` comments with ids before `before`, the newest first: answers before what they answer.

    An answer that is older than what it answers lets that stay until it is asked for once more.
    """
    members = imported.members(tx, site, batch, before=before, limit=limit)
    leaving, staying = _parted(members)
    if leaving:
        waited = imported.remove(tx, [member.id for member in leaving])
        _count_for_authors(tx, site, leaving)
        for post in dict.fromkeys(member.post for member in leaving):
            _show(tx, site, batch, post, [member for member in leaving if member.post == post], waited)
        imported.forget_strangers(tx, site, {member.author for member in leaving})
    return Slice(len(leaving), staying, members[-1].id if len(members) == limit else None)


def _parted(members: Sequence[Member]) -> tuple[list[Member], list[tuple[CommentId, Stay]]]:
    gone: Counter[CommentId | None] = Counter()
    leaving, staying = [], []
    for member in members:
        if member.is_changed:
            staying.append((member.id, Stay.CHANGED))
        elif member.answers > gone[member.id]:
            staying.append((member.id, Stay.ANSWERED))
        else:
            gone[member.parent_id] += 1
            leaving.append(member)
    return leaving, staying


def _count_for_authors(tx: Transaction, site: SiteKey, leaving: Sequence[Member]) -> None:
    counted: dict[AuthorKey, Counter[Status]] = {}
    for member in leaving:
        counted.setdefault(member.author, Counter())[member.status] += 1
    for key, by_status in counted.items():
        rejected = sum(by_status[status] for status in _REFUSED)
        authors.count(tx, site, key, approved=-by_status[Status.APPROVED], rejected=-rejected)


def _show(
    tx: Transaction, site: SiteKey, batch: BatchId, post: PostKey, leaving: Sequence[Member], waited: set[CommentId]
) -> None:
    """Carry what left one post to its readers and to moderators."""
    gone = {member.id for member in leaving}
    below = Counter(
        member.parent_id for member in leaving if member.listed and member.parent_id and member.parent_id not in gone
    )
    for comment_id, number in below.items():
        publication.replies_listed(tx, comment_id, -number)
    approved = sum(member.status is Status.APPROVED for member in leaving)
    here = sorted(gone & waited)
    events.append(
        tx,
        site,
        events.IMPORT_UNDONE,
        GATEPOST,
        post=post,
        post_revision=posts.show_change(tx, site, post, delta=-approved) if approved else None,
        about={"batch": batch, "number": len(leaving), "waiting": here},
        more_waiting=-len(here),
    )
