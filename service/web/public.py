"""Public reading: what everybody sees. No credential is looked at, so shared caches may keep every reply."""

from functools import partial

from aiohttp import web

from service.model import Page, Post, PostKey, PublicComment, SiteKey
from service.store import comments, posts
from service.store.database import Transaction
from service.web import incoming, outgoing, show
from service.web.call import Call, etag_of, matches, to_json


# GET /v1/sites/{site}/posts/{post}/comments
async def list_comments(call: Call, query: incoming.CommentsQuery) -> web.Response:
    """A post's approved comments.

    `thread` is depth-first, replies oldest first under each comment; `flat` is by time. A post nobody has commented
    on is an empty list.
    """
    post = call.post_key
    scope = (post, query.view, query.sort)
    listing = partial(
        comments.thread if query.view == "thread" else comments.flat,
        newest_first=query.sort == "newest",
        limit=query.limit,
        after=call.position(query.cursor, *scope),
    )
    found, page = await call.database.read(_post_and_page, call.site_key, post, listing)
    following = call.cursor(page.next, *scope)
    reply: outgoing.PublicList = {
        "post": show.post(found),
        "comments": [show.item(item) for item in page.items],
        "next": following,
    }
    return _cacheable(call, reply, call.next_link(following))


# GET /v1/sites/{site}/counts?post=a&post=b
async def count_comments(call: Call, query: incoming.CountsQuery) -> web.Response:
    """Approved comments of up to 200 posts."""
    found = await call.database.read(posts.counts, call.site_key, [PostKey(key) for key in query.post])
    reply: outgoing.Counts = {"counts": {str(key): count for key, count in found.items()}}
    return _cacheable(call, reply)


# GET /v1/sites/{site}/comments
async def list_latest(call: Call, query: incoming.PageQuery) -> web.Response:
    """The site's approved comments on all posts, newest first."""
    after = call.position(query.cursor)
    page = await call.database.read(comments.latest, call.site_key, limit=query.limit, after=after)
    following = call.cursor(page.next)
    reply: outgoing.LatestList = {"comments": [show.latest_item(item) for item in page.items], "next": following}
    return _cacheable(call, reply, call.next_link(following))


def _post_and_page(
    tx: Transaction, site: SiteKey, post: PostKey, listing: "partial[Page[PublicComment]]"
) -> tuple[Post, Page[PublicComment]]:
    return posts.get(tx, site, post), listing(tx, site, post)


def _cacheable(call: Call, payload: object, headers: dict[str, str] | None = None) -> web.Response:
    """The reply with its validator: 304 to a client that has it, and as long in shared caches as the owner allows."""
    body = to_json(payload)
    etag = etag_of(body)
    cache = call.services.settings.cache
    shared = f"s-maxage={cache.s_maxage_seconds}, stale-while-revalidate={cache.stale_while_revalidate_seconds}"
    policy = f"public, max-age=0, {shared}"
    kept = {"ETag": etag, "Cache-Control": policy, "Vary": "Accept-Encoding", **(headers or {})}
    if matches(call.request, etag):
        return web.Response(status=304, headers=kept)
    return web.Response(body=body, headers=kept, content_type="application/json", charset="utf-8")
