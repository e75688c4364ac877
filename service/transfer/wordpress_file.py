"""`gatepost export wordpress`: the comments of a site as WordPress exports its own (WXR 1.2), which others read too.

Approved, pending and spam; what was rejected or deleted has no place in it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Final
from urllib.parse import quote
from xml.sax.saxutils import escape

from service.model import Milliseconds
from service.reading import show
from service.settings import Site
from service.store import content
from service.store.content import Row
from service.store.snapshot import Snapshot, Watch
from service.text.visible import writable

STEP: Final = "content"
_STATES: Final = {"approved": "1", "pending": "0", "spam": "spam"}
_HEAD: Final = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/" \
xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" \
xmlns:wp="http://wordpress.org/export/1.2/">
<channel>
<title>{title}</title>
<link>{link}</link>
<wp:wxr_version>1.2</wp:wxr_version>
<wp:base_site_url>{link}</wp:base_site_url>
<wp:base_blog_url>{link}</wp:base_blog_url>
"""
_ITEM: Final = """<item>
<title>{title}</title>
<link>{link}</link>
<pubDate>{date}</pubDate>
<content:encoded><![CDATA[]]></content:encoded>
<wp:post_id>{number}</wp:post_id>
<wp:post_date>{moment}</wp:post_date>
<wp:post_date_gmt>{moment}</wp:post_date_gmt>
<wp:post_name>{key}</wp:post_name>
<wp:comment_status>{open}</wp:comment_status>
<wp:status>publish</wp:status>
<wp:post_type>post</wp:post_type>
"""
_COMMENT: Final = """<wp:comment>
<wp:comment_id>{number}</wp:comment_id>
<wp:comment_author>{name}</wp:comment_author>
<wp:comment_author_url>{url}</wp:comment_author_url>
<wp:comment_date>{moment}</wp:comment_date>
<wp:comment_date_gmt>{moment}</wp:comment_date_gmt>
<wp:comment_content>{text}</wp:comment_content>
<wp:comment_approved>{state}</wp:comment_approved>
<wp:comment_type>comment</wp:comment_type>
<wp:comment_parent>{parent}</wp:comment_parent>
<wp:comment_user_id>0</wp:comment_user_id>
</wp:comment>
"""


def lines(moment: Snapshot, site: Site, watch: Watch) -> Iterator[bytes]:
    """The file, piece by piece."""
    origin = site.origins[0] if site.origins else ""
    yield _HEAD.format(title=_text(site.name or site.key), link=_text(origin)).encode()
    total, number = content.size(moment, site.key)["comments"], 0
    posts = content.posts_of(moment, site.key)  # both go by the posts' keys
    for place, (key, rows) in enumerate(groupby(content.by_post(moment, site.key), lambda row: row["post"]), start=1):
        watch.tell(STEP, number, max(total, number))
        post = next(found for found in posts if found["post"] == key)
        yield _item(post, place, origin)
        numbers: dict[str, int] = {}
        for row in rows:
            if row["status"] in _STATES:
                number += 1
                numbers[row["id"]] = number
                yield _comment(row, number, numbers.get(row["parent_id"] or "", 0))
        yield b"</item>\n"
    yield b"</channel>\n</rss>\n"
    watch.tell(STEP, total, total)


def _item(post: Row, number: int, origin: str) -> bytes:
    link = post["pinned_url"] or post["url"] or f"{origin}/{quote(post['post'].lstrip('/'))}"
    return _ITEM.format(
        title=_text(post["pinned_title"] or post["title"] or post["post"]),
        link=_text(link),
        date=f"{datetime.fromtimestamp(post['created_at'] / 1000, UTC):%a, %d %b %Y %H:%M:%S +0000}",
        number=number,
        moment=_moment(post["created_at"]),
        key=_text(post["post"]),
        open="open" if post["open"] else "closed",
    ).encode()


def _comment(row: Row, number: int, parent: int) -> bytes:
    return _COMMENT.format(
        number=number,
        name=_text(row["author_name"]),
        url=_text(row["author_url"] or ""),
        moment=_moment(row["created_at"]),
        text=_text(row["html"]),
        state=_STATES[row["status"]],
        parent=parent,
    ).encode()


def _moment(time: Milliseconds) -> str:
    return show.timestamp(time)[:19].replace("T", " ")


def _text(text: str) -> str:
    return escape(writable(text))
