"""What open streams say of an event: made when it is told, from what is public then. `app` hands it to `live`."""

from collections.abc import Mapping
from typing import Final

from service.delivery.live import News
from service.model import Event, Status
from service.reading import show
from service.reading.shapes import CommentNews, PostNews, QueueNews
from service.settings import Site
from service.store import posts, published, queue
from service.store.database import Transaction

EDITED: Final = "comment.edited"
"""An author's new text; where readers see it at once, the comment was public before."""


def of_post(sites: Mapping[str, Site], tx: Transaction, event: Event) -> News | None:
    """What readers of a post hear. `event` is one that they can see, of one of `sites`."""
    if event.post is None:
        return None
    post = show.post(sites[event.site], posts.get(tx, event.site, event.post))
    if event.comment_id is None:
        about: PostNews = {"post": post}
        return News("post.changed", about)
    found = published.item(tx, event.site, event.comment_id)
    told: CommentNews = {"comment": show.item(found), "post": post}
    if found.removed:
        return News("comment.removed", told)
    was_public = event.type == EDITED or event.about.get("from_status") == Status.APPROVED
    return News("comment.changed" if was_public else "comment.published", told)


def of_queue(tx: Transaction, event: Event) -> News | None:
    """What moderators hear: that a comment is in the queue now, and why, or that it is not."""
    if event.comment_id is None or event.post is None:
        return None
    entry = queue.get(tx, event.comment_id)
    told: QueueNews = {"comment_id": event.comment_id, "post": event.post, "why": list(entry.why) if entry else []}
    return News("queue.entered" if entry else "queue.left", told)
