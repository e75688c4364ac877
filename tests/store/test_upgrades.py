"""A store of an older release, upgraded: it is sound, nothing is lost, and readers see what they saw.

`test_nothing_is_lost` runs every migration on every store in `older/`, without another line. What a migration has to
bring about gets a test of its own below: rows as the code before it wrote them, and what today's code makes of them.
"""

from contextlib import AsyncExitStack
from typing import Any

import pytest

from service.model import SiteKey
from service.store import published, queue, snapshot, verify
from service.store.database import Database
from service.store.queue import Filter
from service.store.snapshot import Watch
from tests.harness import Hands, configuration
from tests.launch import launch
from tests.store import older
from tests.store.older import OlderStore

BLOG = SiteKey("blog")
KEPT = older.kept()
ADA = {"site": "blog", "author": "ada", "namespace": "jwt", "subject": "ada", "name": "Ada", "first_seen": 0}
ADA |= {"approved": 0, "rejected": 0}
POST = {"site": "blog", "post": "post", "count": 0, "revision": 1, "comment_seq": 0, "created_at": 0}
pytestmark = pytest.mark.own_engines


def differences(url: str) -> list[str]:
    """What `gatepost db verify` says of the store."""
    with snapshot.of(url) as moment:
        return list(verify.differences(moment, Watch()))


def holds(now: Any, before: Any) -> bool:
    """Whether all that was said before is still said. A thing may have more members; there may not be more things."""
    if isinstance(before, dict):
        return all(name in now and holds(now[name], value) for name, value in before.items())
    if isinstance(before, list):
        return len(now) == len(before) and all(map(holds, now, before))
    return bool(now == before)


@pytest.mark.parametrize("store", KEPT.values(), ids=KEPT)
async def test_nothing_is_lost(store: OlderStore, empty_url: str, clock: Hands) -> None:
    older.make(empty_url, store)
    await (await Database.open(empty_url, clock=clock)).close()
    assert differences(empty_url) == []
    assert holds(older.rows_of(empty_url), store.rows)
    async with AsyncExitStack() as stack:
        gatepost = await launch(stack, configuration(empty_url), clock=clock)
        assert holds(await older.seen_by_readers(gatepost), store.seen)


# --- 0004: searches of the queue know letters as `service/folding.py` does, no longer as the database does ------------


async def test_what_waited_before_the_upgrade_is_found(empty_url: str, clock: Hands) -> None:
    waiting = 600  # more than are folded at once
    comments = [
        _comment(f"id{number:04d}", status="pending", author_name="ÉMILIE", body=f"ПРИВЕТ {number}.")
        for number in range(waiting)
    ]
    entries = [_entry(comment) for comment in comments]
    tables = {"authors": [ADA], "posts": [POST], "comments": comments, "queue": entries}
    older.make(empty_url, OlderStore("0003", tables))
    database = await Database.open(empty_url, clock=clock)
    numbers = [
        await database.read(queue.total, BLOG, Filter(text=words))
        for words in ("привет", "émilie", "привет 599.", "nobody")
    ]
    await database.close()
    assert numbers == [waiting, waiting, 1, 0]
    assert [line for line in differences(empty_url) if line.startswith("queue.folded")] == []


# --- 0005: feeds go by the moment at which readers were shown a text, no longer by that of its writing ----------------


async def test_feeds_are_in_the_order_in_which_readers_saw_the_comments(empty_url: str, clock: Hands) -> None:
    comments = [
        _comment("late", created_at=100, published_at=900),
        _comment("soon", created_at=200, published_at=250),
        _comment("edited", created_at=300, published_at=350, edited_at=800),
        _comment("edited-while-it-waited", created_at=400, published_at=500, edited_at=450),
        _comment("gone", status="rejected", created_at=600, published_at=950),
        _comment("waits", status="pending", created_at=700),
    ]
    older.make(empty_url, OlderStore("0003", {"authors": [ADA], "posts": [POST], "comments": comments}))
    database = await Database.open(empty_url, clock=clock)
    found = await database.read(published.newest_of_site, BLOG, limit=50)
    await database.close()
    assert [(item.id, item.published_at, item.shown_at) for item in found] == [
        ("late", 900, 900),
        ("edited", 350, 800),
        ("edited-while-it-waited", 500, 500),
        ("soon", 250, 250),
    ]


def _comment(comment_id: str, *, status: str = "approved", **more: Any) -> dict[str, Any]:
    """A row as older releases wrote it, of a comment without a parent."""
    place = {"site": "blog", "post": "post", "author": "ada", "root": comment_id, "path": comment_id, "depth": 0}
    text = {"author_name": "Ada", "body": "text", "body_hash": "hash", "html": "<p>text</p>", "renderer": 1}
    state = {"status": status, "listed": status == "approved", "reply_count": 0, "version": 2, "text_version": 2}
    return {
        "id": comment_id,
        **place,
        **text,
        **state,
        "created_at": 0,
        "edited_at": None,
        "published_at": None,
        **more,
    }


def _entry(comment: dict[str, Any]) -> dict[str, Any]:
    """The row of the queue by which the comment waits."""
    place = {name: comment[name] for name in ("site", "post", "author")}
    return {"comment_id": comment["id"], **place, "why": " awaiting-approval ", "priority": 0, "waiting_since": 0}
