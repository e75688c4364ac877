"""Comments as a feed (Atom, RFC 4287): of a post, and of a whole site.

A feed goes by the moment at which readers were shown a text, not by that at which it was written: who reads it hears of
everything, however long it waited for a moderator (docs/adr/0010).

A feed's id (UUIDv5, RFC 9562) is made in the store's own `namespace`: whatever the service's address is, a feed stays
the same feed, and somebody else's blog that is called the same has another one.

Written with a template and not with `feedgenerator`: that gives every entry a link, also where nobody knows the post's
address, dates an empty feed with the time of the request (so no validator would ever hold), and lets characters
through in attributes that XML does not have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid5

from service.model import Post, PostKey, Profile, PublicComment
from service.reading import show
from service.reading.address import web_address
from service.reading.templating import template
from service.settings import Site

MEDIA_TYPE: Final = "application/atom+xml; charset=utf-8"
LATEST: Final = 50
"""How many comments a feed has."""
NOT_YET: Final = "1970-01-01T00:00:00.000Z"
"""When a feed without comments was last changed: RFC 4287 asks for a time, and this one stays."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A comment in a feed. Times are RFC 3339: when readers first saw it, when they were shown its present text."""

    id: str
    title: str
    author: Profile
    html: str
    published: str
    updated: str
    page: str | None


@dataclass(frozen=True, slots=True)
class _Feed:
    """A feed: `address` is its own, `page` that of what it is about."""

    id: str
    title: str
    updated: str
    address: str
    page: str | None
    entries: Sequence[_Entry]


def of_post(site: Site, post: Post, items: Sequence[PublicComment], *, namespace: UUID, address: str) -> bytes:
    """The feed of a post. `items` are in its order: what was shown last is first."""
    title = f"Comments on {post.title or post.key} - {site.name}"
    entries = [_entry(site, item, post, f"Comment by {item.author.name}", item.author) for item in items if item.author]
    feed_id = uuid5(namespace, f"{site.key}\0{post.key}").urn
    return _written(feed_id, title, entries, address=address, page=web_address(show.address_of(site, post)))


def of_site(
    site: Site, posts: Mapping[PostKey, Post], items: Sequence[PublicComment], *, namespace: UUID, address: str
) -> bytes:
    """The same of a site's comments on all its posts. `posts` has the post of every item."""
    entries = []
    for item in items:
        if item.author is not None and item.post is not None:
            post = posts[item.post]
            entries.append(_entry(site, item, post, f"{item.author.name} on {post.title or post.key}", item.author))
    return _written(uuid5(namespace, site.key).urn, f"Comments - {site.name}", entries, address=address, page=None)


def _entry(site: Site, item: PublicComment, post: Post, title: str, author: Profile) -> _Entry:
    page, published = web_address(show.address_of(site, post)), item.published_at or 0
    return _Entry(
        id=item.id,
        title=title,
        author=author,
        html=item.html or "",
        published=show.timestamp(published),
        updated=show.timestamp(item.shown_at or published),
        page=f"{page.partition('#')[0]}#comment-{item.id}" if page else None,
    )


def _written(feed_id: str, title: str, entries: Sequence[_Entry], *, address: str, page: str | None) -> bytes:
    feed = _Feed(
        id=feed_id,
        title=title,
        updated=max((entry.updated for entry in entries), default=NOT_YET),
        address=address,
        page=page,
        entries=entries,
    )
    return template("feed.xml").render(feed=feed).encode()
