"""Public reading: what everybody sees. No credential is looked at, so shared caches may keep every reply."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from urllib.parse import quote, urlencode

from aiohttp import hdrs, web

from service.model import Page as Found
from service.model import PostKey, PublicComment
from service.reading import atom, html, shapes, show
from service.reading.page import IDENTITY, Content, Encoded, Format, PageScope, coding_for, format_for
from service.reading.pages import Variant
from service.reading.tags import tags_of
from service.store import events, posts, published
from service.store.database import Transaction
from service.web import incoming
from service.web.call import Call, joined, names, to_json
from service.web.stream import EventStream

FRAGMENT_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""For a fragment that somebody opens by itself: it is text and links, and nothing in it may be more."""
BY_ACCEPT = {"Vary": "Accept-Encoding, Accept"}
HTML_BY_ACCEPT = {**BY_ACCEPT, "Cache-Control": "private, max-age=0"}
"""Shared caches that don't look at `Vary`, or only at the first line of `Accept`, would give it to who wants JSON."""


class Published(web.Response):
    """A reply made from a page in memory: `hatch` hands out the same again, as long as the page is current."""

    def __init__(self, scope: PageScope, variant: Variant, encoded: Encoded, **response: object) -> None:
        super().__init__(**response)  # type: ignore[arg-type]
        self.scope = scope
        self.variant = variant
        self.encoded = encoded


# GET /v1/sites/{site}/posts/{post}/comments
async def list_comments(call: Call, query: incoming.CommentsQuery) -> web.Response:
    """A post's approved comments.

    `thread` is depth-first, replies oldest first under each comment; `flat` is by time. A post nobody has commented
    on is an empty list. `Accept` may prefer HTML: then the reply is that of `comments.html`, for no shared cache.
    """
    if format_for(joined(call.request.headers, hdrs.ACCEPT)) is Format.HTML:
        return await _as_html(call, query, HTML_BY_ACCEPT)
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

    return await _published(call, (site, post), ("comments", *order, query.limit, query.cursor), build, BY_ACCEPT)


# GET /v1/sites/{site}/posts/{post}/comments.html
async def show_comments(call: Call, query: incoming.CommentsQuery) -> web.Response:
    """A post's approved comments as a fragment of HTML, for pages without JavaScript to include.

    It has no style and no script; its classes begin with `gatepost-`, and each comment has the id `comment-{id}`.
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
async def count_comments(call: Call, query: incoming.CountsQuery) -> web.Response:
    """Approved comments of up to 200 posts."""
    site, keys = call.site_key, [PostKey(key) for key in dict.fromkeys(query.post)]

    def build(tx: Transaction) -> Content:
        found = posts.counts(tx, site, keys)
        reply: shapes.Counts = {"counts": {str(key): count for key, count in found.items()}}
        return Content(to_json(reply), events.site_revision(tx, site))

    # One text, no longer than the reply: 200 texts take ten times the memory that `Pages` counts. No key has a NUL.
    return await _published(call, (site, None), ("counts", "\0".join(keys)), build)


# GET /v1/sites/{site}/comments
async def list_latest(call: Call, query: incoming.PageQuery) -> web.Response:
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
async def follow_post(call: Call, query: incoming.StreamQuery, headers: incoming.StreamHeaders) -> EventStream:
    """What readers see happen on a post, live (Server-Sent Events).

    `comment.published`, `comment.changed` and `comment.removed` carry `comment` and `post` as the list shows them now,
    `post.changed` the `post`. `reset` says that something is missing: read the list anew. Go on with the last `id`.
    """
    return EventStream(call, (call.site_key, call.post_key), headers.last_event_id or query.last_event_id)


def _listing(call: Call, query: incoming.CommentsQuery) -> Callable[[Transaction], Found[PublicComment]]:
    """The page of the post's list that the query asks for. Raises BadCursor."""
    return partial(
        published.thread if query.view == "thread" else published.flat,
        site=call.site_key,
        post=call.post_key,
        newest_first=query.sort == "newest",
        limit=query.limit,
        after=call.position(query.cursor, call.post_key, query.view, query.sort),
    )


async def _as_html(call: Call, query: incoming.CommentsQuery, more_headers: Mapping[str, str]) -> web.Response:
    site, post, order = call.site, call.post_key, (query.view, query.sort)
    address = _address(call, f"posts/{quote(post, safe='')}/comments.html")
    listing = _listing(call, query)

    def build(tx: Transaction) -> Content:
        found, page = posts.get(tx, site.key, post), listing(tx)
        following = call.cursor(page.next, post, *order)
        more = urlencode({"view": query.view, "sort": query.sort, "limit": query.limit, "cursor": following})
        rest = f"{address}?{more}" if following else None
        shown = html.fragment(site, found, page.items, nested=query.view == "thread", following=rest)
        return Content("".join(shown).encode(), found.revision, html.MEDIA_TYPE, following)

    headers = {"Content-Security-Policy": FRAGMENT_POLICY, **more_headers}
    return await _published(call, (site.key, post), ("html", *order, query.limit, query.cursor), build, headers)


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
