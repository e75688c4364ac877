"""What moderators look at: the queue, with all that is needed to judge, and claims on parts of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from service.errors import UnknownComment
from service.model import (
    Actor,
    Author,
    Comment,
    CommentId,
    Decision,
    Label,
    Milliseconds,
    Post,
    QueueEntry,
    SiteKey,
    SiteRules,
)
from service.moderation import labels, publication
from service.moderation.labels import Newest
from service.store import authors, claims, comments, decisions, events, posts, queue, queue_pages
from service.store.database import Transaction
from service.store.queue_filter import Claimed, Filter
from service.store.queue_pages import Position, Total

MOST_HELD: Final = 200
"""Cases that one moderator holds at once."""
PAGES_LOOKED_AT: Final = 4
"""Pages of the queue in which a claim with a filter looks: others who write wait for it."""
ANY: Final = Filter()


@dataclass(frozen=True, slots=True)
class Case:
    """A queue entry with everything to judge it by. `label` is what approving it would change of the post's."""

    entry: QueueEntry
    comment: Comment
    author: Author
    post: Post
    label: Label | None
    parent: Comment | None
    decision: Decision | None


def browse(
    tx: Transaction, site: SiteRules, wanted: Filter, *, by_priority: bool, limit: int, after: Position | None
) -> tuple[list[Case], Position | None, Total]:
    """A page of the queue: cases, the position after them, and how many there are in all."""
    found = queue_pages.find(tx, site.key, wanted, by_priority=by_priority, limit=limit, after=after)
    return _cases(tx, site, found.entries), found.next, found.total


def show(tx: Transaction, site: SiteRules, comment_id: CommentId) -> Case:
    """One case. Raises UnknownComment where the comment does not wait."""
    entry = queue.get(tx, comment_id)
    cases = _cases(tx, site, [entry] if entry else [])
    if not cases:
        raise UnknownComment
    return cases[0]


def claim(
    tx: Transaction,
    site: SiteRules,
    holder: Actor,
    *,
    limit: int,
    lease_seconds: int,
    wanted: Filter = ANY,
    by_priority: bool = False,
) -> tuple[list[Case], Milliseconds]:
    """The next free cases, handed to nobody else until the returned time. Nobody holds more than MOST_HELD."""
    until = tx.now + lease_seconds * 1000
    limit = min(limit, MOST_HELD - len(claims.held(tx, site.key, holder)))
    if limit <= 0:
        return [], until
    if wanted == ANY and not by_priority:
        handed = claims.take_next(tx, site.key, holder, limit=limit, until=until)
    else:
        found = _next_free(tx, site.key, wanted, by_priority=by_priority, limit=limit)
        handed = claims.take(tx, site.key, holder, found, until=until)
    _tell(tx, site.key, holder, [entry.comment_id for entry in handed])
    return _cases(tx, site, handed), until


def claim_these(
    tx: Transaction, site: SiteRules, holder: Actor, ids: Sequence[CommentId], *, lease_seconds: int
) -> tuple[list[Case], Milliseconds]:
    """These cases, as far as nobody else holds them and MOST_HELD allows; one's own are held for longer."""
    until = tx.now + lease_seconds * 1000
    mine = claims.held(tx, site.key, holder)
    others = [comment_id for comment_id in dict.fromkeys(ids) if comment_id not in mine]
    free = {entry.comment_id for entry in queue.get_many(tx, others) if entry.claimed_by is None}
    taken = set([comment_id for comment_id in others if comment_id in free][: MOST_HELD - len(mine)])
    wanted = [comment_id for comment_id in dict.fromkeys(ids) if comment_id in mine or comment_id in taken]
    handed = claims.take(tx, site.key, holder, wanted, until=until)
    _tell(tx, site.key, holder, [entry.comment_id for entry in handed])
    return _cases(tx, site, handed), until


def release(tx: Transaction, site: SiteKey, holder: Actor, ids: Sequence[CommentId] | None = None) -> None:
    """Give back these cases, or all that `holder` holds."""
    _tell(tx, site, holder, claims.give_back(tx, site, holder, ids))


def _next_free(tx: Transaction, site: SiteKey, wanted: Filter, *, by_priority: bool, limit: int) -> list[CommentId]:
    """Free entries that the filter finds in the next pages."""
    found: list[CommentId] = []
    after: Position | None = None
    for _ in range(PAGES_LOOKED_AT):
        page = queue_pages.find(
            tx,
            site,
            replace(wanted, claimed=Claimed.FREE),
            by_priority=by_priority,
            limit=limit - len(found),
            after=after,
        )
        found += [entry.comment_id for entry in page.entries]
        after = page.next
        if after is None or len(found) == limit:
            break
    return found


def _tell(tx: Transaction, site: SiteKey, holder: Actor, ids: Sequence[CommentId]) -> None:
    """One event for all that a call changed. Who listens is told what is so then."""
    if ids:
        events.append(tx, site, events.CLAIMED, holder, about={"comment_ids": list(ids)})


def _cases(tx: Transaction, site: SiteRules, entries: Sequence[QueueEntry]) -> list[Case]:
    found = comments.get_many(tx, site.key, (entry.comment_id for entry in entries))
    parents = comments.get_many(tx, site.key, (comment.parent_id for comment in found.values() if comment.parent_id))
    people = authors.get_many(tx, site.key, {comment.author_key for comment in found.values()})
    known = posts.get_many(tx, site.key, (comment.post for comment in found.values()))
    asked = labels.newest_in(tx, site)
    newest = Newest(cache(asked.title), cache(asked.url))  # once for all entries of a post
    last = decisions.last_on_each(tx, list(found))
    return [
        Case(
            entry=entry,
            comment=comment,
            author=people[comment.author_key],
            post=known[comment.post],
            label=None
            if publication.is_public(comment)
            else labels.would_set(site, comment, known[comment.post], newest),
            parent=parents.get(comment.parent_id) if comment.parent_id else None,
            decision=last.get(comment.id),
        )
        for entry in entries
        if (comment := found.get(entry.comment_id)) is not None
    ]
