"""The messages of live streams about an event. They are made when they are sent, from what is public at that moment.

`app` hands these functions to `delivery/live`.
"""

from collections.abc import Mapping
from typing import Final

from service.delivery.live import News
from service.model import Actor, CommentId, Event, Milliseconds, PostKey, PublicComment, QueueEntry, Status
from service.reading import show
from service.reading.shapes import ClaimNews, CommentNews, PostNews, PostView, QueueNews
from service.settings import Site
from service.store import events, posts, published, queue
from service.store.database import Transaction

EDITED: Final = "comment.edited"
"""An author's new text. Where an older release wrote no status, readers saw the comment before, if they see this."""
MOST_TOMBSTONES: Final = 50
"""That are told with one event. Reading the list anew is cheaper than more."""


def of_post(sites: Mapping[str, Site], tx: Transaction, event: Event) -> list[News]:
    """What readers of a post hear. `event` is one that they can see, of one of `sites`.

    Tombstones that came into the list with it are told first, from the top: who hears of a reply knows what it answers.
    """
    if event.post is None:
        return []
    post = show.post(sites[event.site], posts.get(tx, event.site, event.post))
    if event.comment_id is None:
        if event.type in (events.IMPORTED, events.IMPORT_UNDONE):
            return [News("reset", {})]
        if rendered := event.about.get("comments"):
            items = (published.item(tx, event.site, comment_id) for comment_id in rendered)
            return [_of_comment(item, post, "comment.changed") for item in items]
        about: PostNews = {"post": post}
        return [News("post.changed", about)]
    tombstones = event.about.get("tombstones", 0)
    if tombstones > MOST_TOMBSTONES:
        return [News("reset", {})]
    found = published.item(tx, event.site, event.comment_id)
    was_public = event.from_status is Status.APPROVED or (event.from_status is None and event.type == EDITED)
    told = [_of_comment(found, post, "comment.changed" if was_public else "comment.published")]
    above = found
    for _ in range(tombstones):
        if above.parent_id is None:
            break
        above = published.item(tx, event.site, above.parent_id)
        told.append(_of_comment(above, post, "comment.published"))
    return told[::-1]


def of_queue(tx: Transaction, event: Event) -> list[News]:
    """What moderators hear: that a comment is in the queue now, and why, or that it is not; and who holds it."""
    if event.type == events.CLAIMED:
        return _of_claims(tx, event)
    if event.post is None:
        return []
    return [_of_entry(comment_id, event.post, queue.get(tx, comment_id)) for comment_id in events.waiting_of(event)]


def _of_entry(comment_id: CommentId, post: PostKey, entry: QueueEntry | None) -> News:
    told: QueueNews = {"comment_id": comment_id, "post": post, "why": list(entry.why) if entry else []}
    return News("queue.entered" if entry else "queue.left", told)


def _of_claims(tx: Transaction, event: Event) -> list[News]:
    """Whose the entries are that a call has taken or given back. Those that have left the queue are nobody's matter."""
    held: dict[tuple[Actor | None, Milliseconds | None], list[CommentId]] = {}
    for entry in queue.get_many(tx, event.about["comment_ids"]):
        held.setdefault((entry.claimed_by, entry.claimed_until), []).append(entry.comment_id)
    told: list[ClaimNews] = [
        {
            "comment_ids": list(ids),
            "claimed_by": {"key": holder.key, "name": holder.name} if holder else None,
            "claimed_until": show.optional_timestamp(until),
        }
        for (holder, until), ids in held.items()
    ]
    return [News(events.CLAIMED, news) for news in told]


def _of_comment(found: PublicComment, post: PostView, name: str) -> News:
    told: CommentNews = {"comment": show.item(found), "post": post}
    return News("comment.removed" if found.removed else name, told)
