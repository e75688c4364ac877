"""From nouns to what readers see: how an item of a public list, its author and its post are shown."""

from datetime import UTC, datetime
from functools import lru_cache

from service.model import Milliseconds, Post, Profile, PublicComment
from service.origins import is_own_page
from service.reading.shapes import AuthorView, PostView, SiteView, Tombstone, VisibleComment
from service.settings import Site


def timestamp(moment: Milliseconds) -> str:
    """Milliseconds since the epoch as RFC 3339."""
    seconds, rest = divmod(moment, 1000)
    return f"{_to_the_second(seconds)}.{rest:03d}Z"


@lru_cache(maxsize=4096)
def _to_the_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]


def optional_timestamp(moment: Milliseconds | None) -> str | None:
    """The same, where there may be none."""
    return None if moment is None else timestamp(moment)


def author(key: str, profile: Profile) -> AuthorView:
    """Who wrote something."""
    return {"key": key, "name": profile.name, "bio": profile.bio, "url": profile.url, "avatar": profile.avatar}


def item(found: PublicComment) -> VisibleComment | Tombstone:
    """One item of a post's list."""
    if found.removed or found.author is None:
        return {
            "id": found.id,
            "parent_id": found.parent_id,
            "depth": found.depth,
            "removed": True,
            "reply_count": found.reply_count,
        }
    return _visible_item(found, found.author)


def latest_item(found: PublicComment) -> VisibleComment:
    """One item of the site's list: it also names the post."""
    if found.author is None:
        raise LookupError(found.id)
    return {**_visible_item(found, found.author), "post": found.post or ""}


def _visible_item(found: PublicComment, profile: Profile) -> VisibleComment:
    shown: VisibleComment = {
        "id": found.id,
        "parent_id": found.parent_id,
        "depth": found.depth,
        "author": author(found.author_key or "", profile),
        "html": found.html or "",
        "created_at": timestamp(found.created_at or 0),
        "edited_at": optional_timestamp(found.edited_at),
        "reply_count": found.reply_count,
    }
    return {**shown, "anchor": found.anchor} if found.anchor else shown


def site(found: Site) -> SiteView:
    """A site, for who makes a form."""
    return {
        "key": found.key,
        "name": found.name,
        "login_url": found.login_url,
        "max_body_length": found.max_body_length,
        "edit_window_seconds": found.edit_window_seconds,
    }


def post(site: Site, found: Post) -> PostView:
    """A post."""
    return {
        "key": found.key,
        "title": found.title,
        "url": address_of(site, found),
        "count": found.count,
        "open": found.open,
    }


def address_of(site: Site, found: Post) -> str | None:
    """Where readers are led for a post: nowhere away from the site's own pages, whoever said so and whenever.

    Every address of a post that leaves this service has been through here.
    """
    return found.url if found.url and is_own_page(found.url, site.origins) else None
