"""A store of an older release, upgraded: it is sound, nothing is lost, and readers see what they saw.

`test_nothing_is_lost` runs every migration on every store in `older/`, without another line. What a migration has to
bring about gets a test of its own below: rows as the code before it wrote them, and what today's code makes of them.
"""

from contextlib import AsyncExitStack
from typing import Any

import pytest

from service.model import BatchId, CommentId, PostKey, SiteKey
from service.moderation import rendering
from service.store import comments, published, queue_pages, snapshot, texts, verify
from service.store.database import Database
from service.store.queue_filter import Filter
from service.store.snapshot import Watch
from service.text import render
from service.transfer import bringing
from service.transfer.imported import BodyFormat
from service.transfer.keys import Keys
from service.transfer.reading import Wanted
from tests.harness import Hands, configuration
from tests.launch import launch
from tests.store import older
from tests.store.older import ADA, POST, OlderStore, comment_row
from tests.transfer.bringing import SITE, bring, comment

BLOG = SiteKey("blog")
OLD = "<p>old</p>"
KEPT = older.kept()
REWRITTEN = frozenset({"renderer", "about"})
"""What a migration changes on purpose: see the tests of 0006, and of 0007 in `test_followers_upgrade`."""
RENDERED_ANEW = frozenset({"html"})
"""What the service itself changes soon after the start: see the same test."""
pytestmark = pytest.mark.own_engines


def differences(url: str) -> list[str]:
    """What `gatepost db verify` says of the store."""
    with snapshot.of(url) as moment:
        return list(verify.differences(moment, Watch()))


def holds(now: Any, before: Any, *, but: frozenset[str]) -> bool:
    """Whether all that was said before is still said, `but` for some members' values. A thing may have more members;
    there may not be more things."""
    if isinstance(before, dict):
        return all(name in now and (name in but or holds(now[name], value, but=but)) for name, value in before.items())
    if isinstance(before, list):
        return len(now) == len(before) and all(holds(*pair, but=but) for pair in zip(now, before, strict=True))
    return bool(now == before)


@pytest.mark.parametrize("store", KEPT.values(), ids=KEPT)
async def test_nothing_is_lost(store: OlderStore, empty_url: str, clock: Hands) -> None:
    older.make(empty_url, store)
    await (await Database.open(empty_url, clock=clock)).close()
    assert differences(empty_url) == []
    assert holds(older.rows_of(empty_url), store.rows, but=REWRITTEN)
    async with AsyncExitStack() as stack:
        gatepost = await launch(stack, configuration(empty_url), clock=clock)
        assert holds(await older.seen_by_readers(gatepost), store.seen, but=RENDERED_ANEW)


# --- 0004: searches of the queue know letters as `text/folding` does, no longer as the database does ------------


async def test_what_waited_before_the_upgrade_is_found(empty_url: str, clock: Hands) -> None:
    waiting = 600  # more than are folded at once
    rows = [
        comment_row(f"id{number:04d}", status="pending", author_name="ÉMILIE", body=f"ПРИ\u200bВЕТ {number}.")
        for number in range(waiting)
    ]
    entries = [_entry(comment) for comment in rows]
    tables = {"authors": [ADA], "posts": [POST], "comments": rows, "queue": entries}
    older.make(empty_url, OlderStore("0003", tables))
    database = await Database.open(empty_url, clock=clock)
    numbers = [
        (await database.read(queue_pages.find, BLOG, Filter(text=words), by_priority=False, limit=1, after=None)).total
        for words in ("привет", "émilie", "привет 599.", "nobody")
    ]
    await database.close()
    assert [(found.number, found.is_exact) for found in numbers] == [
        (count, True) for count in (waiting, waiting, 1, 0)
    ]
    assert [line for line in differences(empty_url) if line.startswith("queue.folded")] == []


# --- 0005: feeds go by the moment at which readers were shown a text, no longer by that of its writing ----------------


async def test_feeds_are_in_the_order_in_which_readers_saw_the_comments(empty_url: str, clock: Hands) -> None:
    rows = [
        comment_row("late", created_at=100, published_at=900),
        comment_row("soon", created_at=200, published_at=250),
        comment_row("edited", created_at=300, published_at=350, edited_at=800),
        comment_row("edited-while-it-waited", created_at=400, published_at=500, edited_at=450),
        comment_row("gone", status="rejected", created_at=600, published_at=950),
        comment_row("waits", status="pending", created_at=700),
    ]
    older.make(empty_url, OlderStore("0003", {"authors": [ADA], "posts": [POST], "comments": rows}))
    database = await Database.open(empty_url, clock=clock)
    found = await database.read(published.newest_of_site, BLOG, limit=50)
    await database.close()
    assert [(item.id, item.published_at, item.shown_at) for item in found] == [
        ("late", 900, 900),
        ("edited", 350, 800),
        ("edited-while-it-waited", 500, 500),
        ("soon", 250, 250),
    ]


# --- 0006: a decision wrote the renderer's number of its day beside older HTML, so such numbers are not believed ------


async def test_all_html_that_may_be_old_is_rendered_anew(empty_url: str, clock: Hands) -> None:
    edit: dict[str, Any] = {"edit_body": "waits", "edit_html": OLD, "edit_version": 3, "edit_submitted_at": 300}
    old: dict[str, Any] = {"renderer": 2, "html": OLD, "created_at": 100}
    rows = [
        comment_row("approved", **old, version=3, text_version=2, edited_at=150),
        comment_row("edited", **old, version=3, text_version=1, **edit),
        comment_row("untouched", status="pending", **old, version=1, text_version=1),
    ]
    kept = {"comment_id": "approved", "version": 1, "body": "kept", "html": OLD, "renderer": 2, "submitted_at": 100}
    tables = {"authors": [ADA], "posts": [POST], "comments": rows, "revisions": [kept]}
    older.make(empty_url, OlderStore("0003", tables))
    database = await Database.open(empty_url, clock=clock)
    ids = [CommentId(str(row["id"])) for row in rows]
    before = await database.read(comments.get_many, BLOG, ids)
    number = await rendering.render_older(database, Watch())
    after = await database.read(comments.get_many, BLOG, ids)
    left = await database.read(texts.kept, CommentId("approved"), 1)
    await database.close()
    assert {key: (found.text.renderer, found.text.submitted_at) for key, found in before.items()} == {
        "approved": (1, 150),
        "edited": (1, 100),
        "untouched": (2, 100),  # nobody decided about it, so its number is right
    }
    assert number == 4
    made = [
        after[CommentId("approved")].text,
        after[CommentId("edited")].text,
        after[CommentId("edited")].pending_edit,
        left,
    ]
    assert [found and (found.body, found.html, found.renderer) for found in made] == [
        (body, render.to_html(body), render.RENDERER_VERSION) for body in ("text", "text", "waits", "kept")
    ]
    assert after[CommentId("untouched")] == before[CommentId("untouched")]


# --- 0017: comments come from elsewhere, and old links lead to them


async def test_an_older_store_takes_imports_beside_what_it_has(empty_url: str, clock: Hands) -> None:
    rows = [comment_row(f"0000{number}", created_at=number) for number in range(3)]
    post = {**POST, "count": len(rows), "comment_seq": len(rows)}
    tables = {"authors": [{**ADA, "approved": len(rows)}], "posts": [post], "comments": rows}
    older.make(empty_url, OlderStore("0016", tables))
    database = await Database.open(empty_url, clock=clock)
    found = [comment(1, post="post", body="<b>Old</b>", body_format=BodyFormat.HTML), comment(2, post="post", parent=1)]
    reports = [await bring(database, found, Wanted(SITE, Keys.ID), batch=batch) for batch in ("a-batch", "again")]
    led_to = await database.read(published.id_at, BLOG, PostKey("post"), "comment-2")
    after = older.rows_of(empty_url)
    await bringing.undo(database, BLOG, BatchId("a-batch"), Watch())
    await database.close()
    assert [(report.new, report.known) for report in reports] == [(2, 0), (0, 2)]
    assert led_to == max(row["id"] for row in after["comments"] if row["anchor"] == "comment-2")
    assert [row["anchor"] for row in after["comments"]].count(None) == len(rows)
    assert [row["body"] for row in after["originals"]] == ["<b>Old</b>"]
    left = older.rows_of(empty_url)
    assert [row["id"] for row in left["comments"]] == [row["id"] for row in rows]
    assert (left["imports"], left["originals"], left["posts"][0]["count"]) == ([], [], len(rows))


def _entry(comment: dict[str, Any]) -> dict[str, Any]:
    """The row of the queue by which the comment waits."""
    place = {name: comment[name] for name in ("site", "post", "author")}
    return {"comment_id": comment["id"], **place, "why": " awaiting-approval ", "priority": 0, "waiting_since": 0}
