"""What moderators do with a whole post: open and close it for comments, say how it is called and where it is."""

from dataclasses import replace
from typing import TypedDict

from service.model import Actor, Milliseconds, Post, PostKey, SiteKey
from service.store import events, posts
from service.store.database import Transaction


class Change(TypedDict, total=False):
    """What to change; what is left out stays. A title or address is pinned; None goes back to what comments carried.

    `published_at` is when the blog published it, for rules about its age; None: nobody says so any more.
    """

    open: bool
    title: str | None
    url: str | None
    published_at: Milliseconds | None


def change(tx: Transaction, site: SiteKey, key: PostKey, actor: Actor, *, changes: Change) -> Post:
    """Change a post, whether anybody has commented on it or not. Doing it twice changes nothing."""
    if "open" in changes:
        set_open(tx, site, key, actor, is_open=changes["open"])
    post = posts.get(tx, site, key)
    if "published_at" in changes and changes["published_at"] != post.published_at:
        posts.date(tx, site, key, changes["published_at"])
        events.append(tx, site, "post.dated", actor, post=key)
        post = posts.get(tx, site, key)
    pinned = replace(post.pinned, **{part: changes[part] for part in ("title", "url") if part in changes})
    if pinned == post.pinned:
        return post
    return _told(tx, posts.pin(tx, site, key, pinned), "post.labelled", actor)


def set_open(tx: Transaction, site: SiteKey, post: PostKey, actor: Actor, *, is_open: bool) -> Post:
    """Open or close a post, whether anybody has commented on it or not. Doing it twice changes nothing."""
    before = posts.get(tx, site, post)
    if before.open == is_open:
        return before
    changed = posts.set_open(tx, site, post, is_open=is_open)
    return _told(tx, changed, "post.opened" if is_open else "post.closed", actor)


def _told(tx: Transaction, post: Post, event_type: str, actor: Actor) -> Post:
    events.append(tx, post.site, event_type, actor, post=post.key, post_revision=post.revision)
    return post
