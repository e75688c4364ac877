"""Tags by which shared caches find what to purge: `Surrogate-Key` and `Cache-Tag` carry them, the purge names them."""

import hashlib

from service.model import Event, PostKey, SiteKey
from service.reading.page import PageScope


def tags_of(scope: PageScope) -> tuple[str, str]:
    """Of one page: the tag of everything that the site shows, and that of its own scope."""
    site, post = scope
    return tag_of(site), changed_tag(site, post)


def tag_of(site: SiteKey) -> str:
    """The tag of everything that the site shows."""
    return site


def changed_tag(site: SiteKey, post: PostKey | None) -> str:
    """What is out of date when a post has changed, or (None) what shows several posts of the site.

    A post's key may be long and hold anything; a hash of it stands in its place.
    """
    if post is None:
        return f"{site}.posts"
    return f"{site}.{hashlib.blake2b(post.encode(), digest_size=12).hexdigest()}"


def changed_by(event: Event) -> tuple[str, ...]:
    """What is out of date after an event that readers can see: pages of its post, and those that span posts."""
    return (changed_tag(event.site, event.post), changed_tag(event.site, None)) if event.post is not None else ()
