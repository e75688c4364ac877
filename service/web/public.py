"""Public reading: what everybody sees. No credential is looked at, so shared caches may keep every reply."""

from collections.abc import Callable
from functools import partial

from aiohttp import web

from service.model import Page as Found
from service.model import PostKey, PublicComment
from service.reading import shapes, show
from service.reading.page import IDENTITY, Content, Encoded, Scope, coding_for
from service.reading.pages import Variant
from service.reading.tags import tags_of
from service.store import events, posts, published
from service.store.database import Transaction
from service.web import incoming
from service.web.call import Call, if_none_match, names, to_json


class Published(web.Response):
    """A reply made from a page in memory: `hatch` hands out the same again, as long as the page is current."""

    def __init__(self, scope: Scope, variant: Variant, encoded: Encoded, **response: object) -> None:
        super().__init__(**response)  # type: ignore[arg-type]
        self.scope = scope
        self.variant = variant
        self.encoded = encoded


# GET /v1/sites/{site}/posts/{post}/comments
async def list_comments(call: Call, query: incoming.CommentsQuery) -> web.Response:
    """A post's approved comments.

    `thread` is depth-first, replies oldest first under each comment; `flat` is by time. A post nobody has commented
    on is an empty list.
    """
    site, post = call.site_key, call.post_key
    order = (post, query.view, query.sort)
    listing: Callable[[Transaction], Found[PublicComment]] = partial(
        published.thread if query.view == "thread" else published.flat,
        site=site,
        post=post,
        newest_first=query.sort == "newest",
        limit=query.limit,
        after=call.position(query.cursor, *order),
    )

    def build(tx: Transaction) -> Content:
        found, page = posts.get(tx, site, post), listing(tx)
        following = call.cursor(page.next, *order)
        reply: shapes.PublicList = {
            "post": show.post(found),
            "comments": [show.item(item) for item in page.items],
            "next": following,
        }
        return Content(to_json(reply), found.revision, next=following)

    return await _published(call, (site, post), ("comments", *order[1:], query.limit, query.cursor), build)


# GET /v1/sites/{site}/counts?post=a&post=b
async def count_comments(call: Call, query: incoming.CountsQuery) -> web.Response:
    """Approved comments of up to 200 posts."""
    site = call.site_key

    def build(tx: Transaction) -> Content:
        found = posts.counts(tx, site, [PostKey(key) for key in query.post])
        reply: shapes.Counts = {"counts": {str(key): count for key, count in found.items()}}
        return Content(to_json(reply), events.site_revision(tx, site))

    return await _published(call, (site, None), ("counts", *query.post), build)


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


async def _published(
    call: Call, scope: Scope, variant: Variant, build: Callable[[Transaction], Content]
) -> web.Response:
    """The page with its validator: 304 to a client that has it, and as long in shared caches as the owner allows."""
    page = await call.services.pages.get(scope, variant, build)
    encoded = await page.encoded(coding_for(call.request.headers.get("Accept-Encoding")))
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
    }
    if encoded.coding != IDENTITY:
        headers["Content-Encoding"] = encoded.coding
    if names(if_none_match(call.request.headers), encoded.etag):
        for name in ("Content-Type", "Content-Encoding"):
            headers.pop(name, None)
        return Published(scope, variant, encoded, status=304, headers=headers)
    return Published(scope, variant, encoded, body=encoded.body, headers=headers)
