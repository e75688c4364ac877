"""What moderators do with a whole post: open and close it for comments."""

from service.model import Actor, Post, PostKey, SiteKey
from service.store import events, posts
from service.store.database import Transaction


def set_open(tx: Transaction, site: SiteKey, post: PostKey, actor: Actor, *, is_open: bool) -> Post:
    """Open or close a post, whether anybody has commented on it or not. Doing it twice changes nothing."""
    if posts.get(tx, site, post).open == is_open:
        return posts.get(tx, site, post)
    changed = posts.set_open(tx, site, post, is_open=is_open)
    event_type = "post.opened" if is_open else "post.closed"
    events.append(tx, site, event_type, post=post, post_revision=changed.revision, about={"actor": actor.key})
    return changed
