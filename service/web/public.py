"""Public reading: what everybody sees. No credential is looked at, so shared caches may keep every reply."""

import hashlib
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from urllib.parse import quote, urlencode

from aiohttp import hdrs, web

from service.errors import UnknownComment
from service.model import CommentId, PostKey, PublicComment
from service.model import Page as Found
from service.reading import atom, html, language, shapes, show
from service.reading.page import IDENTITY, Content, Encoded, Format, PageScope, coding_for, format_for
from service.reading.pages import Variant
from service.reading.shapes import ID_PATTERN
from service.reading.tags import tag_of, tags_of
from service.store import events, posts, published
from service.store.database import Transaction
from service.web import incoming, queries
from service.web.call import Call, to_json
from service.web.header_lists import joined, names
from service.web.stream import EventStream

FRAGMENT_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""For a fragment that somebody opens by itself: it is text and links, and nothing in it may be more."""
BY_ACCEPT = {"Vary": "Accept-Encoding, Accept"}
HTML_BY_ACCEPT = {**BY_ACCEPT, "Cache-Control": "private, max-age=0"}
"""Shared caches that don't look at `Vary`, or only at the first line of `Accept`, would give it to who wants JSON."""

SITE_CACHE = "public, max-age=3600"
"""A site changes with the configuration only, and no purge tells of that."""


class Published(web.Response):
    """A reply made from a page in memory: `hatch` hands out the same again, as long as the page is current."""

    def __init__(self, scope: PageScope, variant: Variant, encoded: Encoded, **response: object) -> None:
        super().__init__(**response)  # type: ignore[arg-type]
        self.scope = scope
        self.variant = variant
        self.encoded = encoded


# GET /v1/sites/{site}
async def show_site(call: Call) -> web.Response:
    """What a form needs to know of the site: where readers log in, how long a comment may be and how long edited."""
    body = to_json({"site": show.site(call.site)})
    etag, tag = f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"', tag_of(call.site_key)
    headers = {
        "ETag": etag,
        "Cache-Control": SITE_CACHE,
        "Vary": "Accept-Encoding",
        "Surrogate-Key": tag,
        "Cache-Tag": tag,
    }
    if names(joined(call.request.headers, hdrs.IF_NONE_MATCH), etag):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, headers={**headers, "Content-Type": "application/json; charset=utf-8"})


# GET /v1/sites/{site}/posts/{post}/comments
async def list_comments(call: Call, query: queries.CommentsQuery) -> web.Response:
    """A post's approved comments.

    `thread` is depth-first, replies oldest first under each comment; `flat` is by time. A post nobody has commented
    on is an empty list. `around` begins with one comment below those that it answers, and has `limit` items besides
    these. `Accept` may prefer HTML: then the reply is that of `comments.html`, for no shared cache.
    """
    if format_for(joined(call.request.headers, hdrs.ACCEPT)) is Format.HTML:
        return await _as_html(call, queries.FragmentQuery(**query.model_dump()), HTML_BY_ACCEPT)
    site, post, order = call.site_key, call.post_key, (query.view, query.sort)
    listing = _listing(call, query)

    def build(tx: Transaction) -> Content:
        found, page = posts.get(tx, site, post), listing(tx)
        following = call.cursor(page.next, post, *order)
        reply: shapes.PublicList = {
            "post": show.post(call.site, found),
            "comments": [show.item(item) for item in page.items],
            "next": following,
        }
        return Content(to_json(reply), found.revision, next=following)

    variant = ("comments", *order, query.limit, query.cursor, query.around)
    return await _published(call, (site, post), variant, build, BY_ACCEPT)


# GET /v1/sites/{site}/posts/{post}/comments.html
async def show_comments(call: Call, query: queries.FragmentQuery) -> web.Response:
    """A post's approved comments as a fragment of HTML, for pages without JavaScript to include.

    It has no style and no script; its classes begin with `gatepost-`, and each comment has the id `comment-{id}`.
    Its own words are in English, or in the language that `lang` names.
    """
    return await _as_html(call, query, {})


# GET /v1/sites/{site}/posts/{post}/comments.atom
async def feed_comments(call: Call) -> web.Response:
    """The 50 comments of a post that were published (or changed) last, as a feed (Atom, RFC 4287)."""
    site, post, feeds = call.site, call.post_key, call.services.feeds
    address = _address(call, f"posts/{quote(post, safe='')}/comments.atom")

    def build(tx: Transaction) -> Content:
        found = posts.get(tx, site.key, post)
        items = published.newest_of_post(tx, site.key, post, limit=atom.LATEST)
        body = atom.of_post(site, found, items, namespace=feeds, address=address)
        return Content(body, found.revision, atom.MEDIA_TYPE)

    return await _published(call, (site.key, post), ("atom",), build)


# GET /v1/sites/{site}/counts?post=a&post=b
async def count_comments(call: Call, query: queries.CountsQuery) -> web.Response:
    """Approved comments of up to 200 posts."""
    site, keys = call.site_key, [PostKey(key) for key in dict.fromkeys(query.post)]

    def build(tx: Transaction) -> Content:
        found = posts.counts(tx, site, keys)
        reply: shapes.Counts = {"counts": {str(key): count for key, count in found.items()}}
        return Content(to_json(reply), events.site_revision(tx, site))

    # One text, no longer than the reply: 200 texts take ten times the memory that `Pages` counts. No key has a NUL.
    return await _published(call, (site, None), ("counts", "\0".join(keys)), build)


# GET /v1/sites/{site}/comments
async def list_latest(call: Call, query: queries.PageQuery) -> web.Response:
    """The site's approved comments on all posts, newest first."""
    site, after = call.site_key, call.position(query.cursor)

    def build(tx: Transaction) -> Content:
        page = published.latest(tx, site, limit=query.limit, after=after)
        following = call.cursor(page.next)
        reply: shapes.LatestList = {"comments": [show.latest_item(item) for item in page.items], "next": following}
        return Content(to_json(reply), events.site_revision(tx, site), next=following)

    return await _published(call, (site, None), ("latest", query.limit, query.cursor), build)


# GET /v1/sites/{site}/comments.atom
async def feed_latest(call: Call) -> web.Response:
    """The 50 comments of the site that were published (or changed) last, as a feed (Atom, RFC 4287)."""
    site, feeds = call.site, call.services.feeds
    address = _address(call, "comments.atom")

    def build(tx: Transaction) -> Content:
        found = published.newest_of_site(tx, site.key, limit=atom.LATEST)
        on = posts.get_many(tx, site.key, {item.post for item in found if item.post is not None})
        body = atom.of_site(site, on, found, namespace=feeds, address=address)
        return Content(body, events.site_revision(tx, site.key), atom.MEDIA_TYPE)

    return await _published(call, (site.key, None), ("atom",), build)


# GET /v1/sites/{site}/posts/{post}/events
async def follow_post(call: Call, query: queries.StreamQuery, headers: incoming.StreamHeaders) -> EventStream:
    """What readers see happen on a post, live (Server-Sent Events).

    `comment.published`, `comment.changed` and `comment.removed` carry `comment` and `post` as the list shows them now,
    `post.changed` the `post`. `reset` says that something is missing: read the list anew. Go on with the last `id`.
    """
    return EventStream(call, (call.site_key, call.post_key), headers.last_event_id or query.last_event_id)


def _listing(call: Call, query: queries.CommentsQuery) -> Callable[[Transaction], Found[PublicComment]]:
    """Reads the page of the post's list that the query asks for, or raises UnknownComment. Raises BadCursor."""
    site, post, is_thread, newest_first = call.site_key, call.post_key, query.view == "thread", query.sort == "newest"
    after = call.position(query.cursor, post, query.view, query.sort)

    def from_a_place(tx: Transaction) -> Found[PublicComment]:
        page = published.thread if is_thread else published.flat
        return page(tx, site, post, newest_first=newest_first, limit=query.limit, after=after)

    def from_a_comment(tx: Transaction) -> Found[PublicComment]:
        page, named = published.thread_around if is_thread else published.flat_around, query.around or ""
        comment = CommentId(named) if re.fullmatch(ID_PATTERN, named) else published.id_at(tx, site, post, named)
        found = comment and page(tx, site, post, newest_first=newest_first, limit=query.limit, around=comment)
        if not found:
            raise UnknownComment
        return found

    return from_a_place if query.around is None else from_a_comment


async def _as_html(call: Call, query: queries.FragmentQuery, more_headers: Mapping[str, str]) -> web.Response:
    site, post, order = call.site, call.post_key, (query.view, query.sort)
    address = _address(call, f"posts/{quote(post, safe='')}/comments.html")
    listing, spoken = _listing(call, query), language.named(query.lang) if query.lang else None
    same = {
        "view": query.view,
        "sort": query.sort,
        "limit": query.limit,
        **({"lang": query.lang} if query.lang else {}),
    }

    def build(tx: Transaction) -> Content:
        found, page = posts.get(tx, site.key, post), listing(tx)
        following = call.cursor(page.next, post, *order)
        rest = f"{address}?{urlencode({**same, 'cursor': following})}" if following else None
        is_nested = query.view == "thread"
        shown = html.fragment(site, found, page.items, nested=is_nested, following=rest, spoken=spoken)
        return Content("".join(shown).encode(), found.revision, html.MEDIA_TYPE, following)

    headers = {"Content-Security-Policy": FRAGMENT_POLICY, **more_headers}
    variant = ("html", *order, query.limit, query.cursor, query.around, query.lang)
    return await _published(call, (site.key, post), variant, build, headers)


def _address(call: Call, path: str) -> str:
    """Where `path` of the site is, for pages elsewhere."""
    return call.services.links.to(f"/v1/sites/{call.site_key}/{path}")


async def _published(
    call: Call,
    scope: PageScope,
    variant: Variant,
    build: Callable[[Transaction], Content],
    more_headers: Mapping[str, str] = MappingProxyType({}),
) -> web.Response:
    """The page with its validator: 304 to a client that has it, and as long in shared caches as the owner allows."""
    page = await call.services.pages.get(scope, variant, build)
    encoded = await page.encoded(coding_for(joined(call.request.headers, hdrs.ACCEPT_ENCODING)))
    cache = call.services.settings.cache
    shared = f"s-maxage={cache.s_maxage_seconds}, stale-while-revalidate={cache.stale_while_revalidate_seconds}"
    tags = tags_of(scope)
    headers = {
        "Content-Type": page.media_type,
        "ETag": encoded.etag,
        "Cache-Control": f"public, max-age=0, {shared}",
        "Vary": "Accept-Encoding",
        "Surrogate-Key": " ".join(tags),
        "Cache-Tag": ",".join(tags),
        **call.next_link(page.next),
        **more_headers,
    }
    if encoded.coding != IDENTITY:
        headers["Content-Encoding"] = encoded.coding
    if names(joined(call.request.headers, hdrs.IF_NONE_MATCH), encoded.etag):
        for name in ("Content-Type", "Content-Encoding"):
            headers.pop(name, None)
        return Published(scope, variant, encoded, status=304, headers=headers)
    return Published(scope, variant, encoded, body=encoded.body, headers=headers)
