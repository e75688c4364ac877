"""What moderators look at: the queue, with all that is needed to judge, and claims on parts of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from service.model import Actor, Author, Comment, Decision, Label, Milliseconds, Post, QueueEntry, SiteKey, SiteRules
from service.moderation import labels, publication
from service.moderation.labels import Newest
from service.store import authors, comments, decisions, posts, queue, queue_pages
from service.store.database import Transaction
from service.store.queue_pages import Filter, Position, Total


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


def claim(
    tx: Transaction, site: SiteRules, holder: Actor, *, limit: int, lease_seconds: int
) -> tuple[list[Case], Milliseconds]:
    """The next free cases, handed to nobody else until the returned time."""
    until = tx.now + lease_seconds * 1000
    return _cases(tx, site, queue.claim(tx, site.key, holder, limit=limit, until=until)), until


def release(tx: Transaction, site: SiteKey, holder: Actor) -> None:
    """Give back what `holder` holds."""
    queue.release(tx, site, holder)


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
