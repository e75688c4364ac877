"""Renders anew what an older renderer made: `gatepost db render`, and a job of `app` after the renderer has changed.

Only HTML changes. Texts, versions and the record stay, and no feed moves: nobody wrote anything, and nobody decided.
Each text is written where its version stands, so an edit or a decision that comes meanwhile is never overwritten. What
is done carries the new renderer's number: whoever is interrupted begins again and finds only the rest.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import structlog

from service.background import Job
from service.model import GATEPOST, CommentId, PostKey, SiteKey, Text
from service.store import comments, events, leases, posts, texts
from service.store.database import Database, Transaction
from service.store.snapshot import Watch
from service.text import render

log = structlog.get_logger()
STEP = "render"
LOOKED_AT_ONCE = 200
"""Comments that are read in one transaction."""
WRITTEN_AT_ONCE = 25
"""Texts that are rendered, then written in one transaction: a submission waits for so many at most."""
AGAIN_SECONDS = 3600.0
"""When a replica looks again after it has found something: a replica of the older release may have been at work."""

Found = tuple[CommentId, Text]


def job(database: Database, holder: str) -> Job:
    """What `app` runs. Nobody waits for it: the HTML that is there is safe as far as its own renderer knew."""
    return Job(STEP, partial(render_if_older, database, holder), AGAIN_SECONDS, is_vital=False)


async def render_if_older(database: Database, holder: str) -> None:
    """Render anew what an older renderer made, unless nothing is left of it, or another replica is at it.

    That nothing is left is noted with the lease, so that later starts need not look. Raises StoreUnavailable.
    """
    async with leases.held(database, STEP, holder) as lease:
        if lease is None or lease.position == str(render.RENDERER_VERSION):
            return
        number = await render_older(database, Watch())
        if number:
            log.info("texts.rendered", texts=number, renderer=render.RENDERER_VERSION)
        else:
            await database.follow.write(leases.note, lease, str(render.RENDERER_VERSION))


async def render_older(database: Database, watch: Watch) -> int:
    """Render anew every text that an older renderer made; how many. Raises StoreUnavailable and StoppedError."""
    total = await database.bulk.read(comments.count)
    after, seen, number = CommentId(""), 0, 0
    while True:
        watch.tell(STEP, seen, max(seen, total))
        stretch = await database.bulk.read(texts.older, render.RENDERER_VERSION, after=after, limit=LOOKED_AT_ONCE)
        if stretch is None:
            return number
        for start in range(0, len(stretch.older), WRITTEN_AT_ONCE):
            part = stretch.older[start : start + WRITTEN_AT_ONCE]
            await database.bulk.write(put_anew, part, await asyncio.to_thread(rendered, part))
        after, seen, number = stretch.last, seen + stretch.comments, number + len(stretch.older)


def put_anew(tx: Transaction, before: Sequence[Found], after: Sequence[Found]) -> None:
    """Put texts with new HTML (`after`) where they stand with the old (`before`).

    Where readers see a difference, their post has an event that names the comments: one for each post.
    """
    seen: dict[tuple[SiteKey, PostKey], list[CommentId]] = {}
    for (comment_id, old), (_, new) in zip(before, after, strict=True):
        place = texts.put_anew(tx, comment_id, new)
        if place is not None and old.html != new.html:
            seen.setdefault(place, []).append(comment_id)
    for (site, post), changed in seen.items():
        revision = posts.show_change(tx, site, post, delta=0)
        about = {"comments": changed}
        events.append(tx, site, "post.rendered", GATEPOST, post=post, post_revision=revision, about=about)


def rendered(found: Sequence[Found]) -> list[Found]:
    """The same texts as today's renderer makes them. Takes long."""
    return [
        (comment_id, replace(text, html=render.to_html(text.body), renderer=render.RENDERER_VERSION))
        for comment_id, text in found
    ]
