"""HTML that an older renderer made: no decision calls it today's, and rendering anew finds it wherever it is."""

import asyncio
import json
from typing import Any

import feedparser
import pytest

from service.model import CommentId, PostKey
from service.moderation import rendering
from service.store import texts
from service.store.database import Database
from service.store.snapshot import StoppedError, Watch
from service.text import render
from service.text.render import RENDERER_VERSION
from tests.conftest import StartGatepost
from tests.harness import Gatepost, Hands
from tests.rows import Rows
from tests.store import long_post
from tests.store.damage import change
from tests.web.ear import listening

PATIENCE_SECONDS = 60
OLD = "<p>As an older renderer wrote it.</p>"
BODY = "What a *fine* article."
MAKE_OLD = (
    "UPDATE comments SET renderer = 1, html = '<p>As an older renderer wrote it.</p>'",
    "UPDATE comments SET edit_renderer = 1, edit_html = '<p>As an older renderer wrote it.</p>'"
    " WHERE edit_body IS NOT NULL",
    "UPDATE revisions SET renderer = 1, html = '<p>As an older renderer wrote it.</p>'",
)


@pytest.fixture
async def gatepost(gatepost: Gatepost, rows: Rows) -> Gatepost:
    """At rest: its own first pass has found nothing and is over, so it does not meet what a test makes old."""
    noted = "SELECT count(*) FROM leases WHERE name = 'render' AND position IS NOT NULL"
    turned, loop = asyncio.Event(), asyncio.get_running_loop()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not rows.number(noted):
            turned.clear()
            loop.call_soon(turned.set)
            await turned.wait()
    return gatepost


def own(rows: Rows, comment_id: str) -> tuple[int, str]:
    """Who rendered the text in a comment's row, and what came of it."""
    renderer, html = rows.execute("SELECT renderer, html FROM comments WHERE id = ?", (comment_id,)).fetchone()
    return renderer, html


async def shown(gatepost: Gatepost) -> list[str]:
    """What readers see on the post, in all three formats."""
    listed = "".join(comment["html"] for comment in (await gatepost.public())["comments"])
    fragment = (await gatepost.visitor.get("posts/post/comments.html")).body.decode()
    feed = "".join(entry.content[0].value for entry in feedparser.parse(await feed_of(gatepost)).entries)
    return [listed, fragment, feed]


async def feed_of(gatepost: Gatepost) -> bytes:
    """The post's feed."""
    return (await gatepost.visitor.get("posts/post/comments.atom")).body


async def render_older(gatepost: Gatepost) -> int:
    """One pass over the whole store."""
    return await rendering.render_older(gatepost.running.database, Watch())


async def test_no_decision_calls_old_html_todays(gatepost: Gatepost, store_url: str, rows: Rows) -> None:
    comment = (await gatepost.reader("ada").submit(BODY)).json["comment"]
    change(store_url, *MAKE_OLD)
    for version, action in enumerate(["approve", "reject", "restore", "spam", "approve"], 1):
        decided = await gatepost.moderator().decide(comment["id"], action, version)
        assert (decided.status, own(rows, comment["id"])) == (201, (1, OLD)), action
    undone = await gatepost.moderator().undo(decided.json["decision"]["id"])
    assert (undone.status, own(rows, comment["id"])) == (201, (1, OLD))


async def test_texts_that_leave_keep_their_renderer(gatepost: Gatepost, store_url: str, rows: Rows) -> None:
    comment = await gatepost.approved(BODY)
    edited = (await gatepost.reader("ada").edit(comment["id"], "Better words", 2)).json["comment"]
    change(store_url, *MAKE_OLD)
    approved = await gatepost.moderator().decide(comment["id"], "approve", edited["version"])
    kept = "SELECT version, renderer, html FROM revisions WHERE comment_id = ?"
    assert own(rows, comment["id"]) == (1, OLD)
    assert rows.execute(kept, (comment["id"],)).fetchall() == [(1, 1, OLD)]
    await gatepost.moderator().undo(approved.json["decision"]["id"])
    assert own(rows, comment["id"]) == (1, OLD)
    edit = rows.execute("SELECT edit_renderer, edit_html FROM comments WHERE id = ?", (comment["id"],)).fetchone()
    assert edit == (1, OLD)


async def test_what_an_older_renderer_made_is_rendered_anew(gatepost: Gatepost, store_url: str, rows: Rows) -> None:
    before = await gatepost.approved(BODY)
    feed = feedparser.parse(await feed_of(gatepost))
    change(store_url, *MAKE_OLD)
    await gatepost.approved("Another one", post="other")
    gatepost.clock.advance(seconds=3600)
    assert await render_older(gatepost) == 1
    html = render.to_html(BODY)
    assert own(rows, before["id"]) == (RENDERER_VERSION, html)
    await gatepost.running.relay.look()
    for found in await shown(gatepost):
        assert "<em>fine</em>" in found
        assert OLD not in found
    after = (await gatepost.reader("ada").get(f"comments/{before['id']}")).json["comment"]
    assert after == {**before, "html": html}, "texts, versions, times and what was decided stay"
    again = feedparser.parse(await feed_of(gatepost))
    assert (again.feed.updated, again.entries[0].updated) == (feed.feed.updated, feed.entries[0].updated)
    assert await render_older(gatepost) == 0


async def test_pages_in_memory_are_built_anew(gatepost: Gatepost, store_url: str) -> None:
    await gatepost.approved(BODY)
    await gatepost.approved("Its neighbour")
    change(store_url, *MAKE_OLD)
    before = await gatepost.visitor.get("posts/post/comments")
    assert before.body.count(OLD.encode()) == 2
    await render_older(gatepost)
    await gatepost.running.relay.look()
    after = await gatepost.visitor.get("posts/post/comments", headers={"If-None-Match": before.headers["ETag"]})
    assert (after.status, after.body.count(OLD.encode())) == (200, 0)


async def test_readers_hear_of_each_comment_and_nothing_of_what_waits(
    gatepost: Gatepost, store_url: str, rows: Rows
) -> None:
    seen = [(await gatepost.approved(f"Number {number}"))["id"] for number in range(3)]
    await gatepost.reader("ada").submit("It waits")
    await gatepost.approved("Rendered as before")
    as_before = (
        """UPDATE comments SET html = '<p dir="auto">Rendered as before</p>\n' WHERE body = 'Rendered as before'"""
    )
    change(store_url, *MAKE_OLD, as_before)
    async with listening(gatepost.visitor) as ear:
        await ear.settled()
        await render_older(gatepost)
        told = await ear.some(len(seen))
    assert {news.name for news in told} == {"comment.changed"}
    assert {news.data["comment"]["id"]: news.data["comment"]["html"] for news in told} == {
        comment_id: render.to_html(f"Number {number}") for number, comment_id in enumerate(seen)
    }
    assert rows.number("SELECT count(*) FROM events WHERE type = 'post.rendered'") == 1
    assert rows.number("SELECT count(*) FROM comments WHERE renderer < ?", RENDERER_VERSION) == 0


async def test_an_edit_that_comes_meanwhile_is_not_overwritten(gatepost: Gatepost, store_url: str, rows: Rows) -> None:
    database, comment = gatepost.running.database, (await gatepost.reader("ada").submit(BODY)).json["comment"]
    change(store_url, *MAKE_OLD)
    stretch = await database.read(texts.older, RENDERER_VERSION, after=CommentId(""), limit=10)
    assert stretch is not None
    edited = (await gatepost.reader("ada").edit(comment["id"], "Other *words*", 1)).json["comment"]
    await database.write(rendering.put_anew, stretch.older, rendering.rendered(stretch.older))
    assert (await gatepost.reader("ada").get(f"comments/{comment['id']}")).json["comment"] == edited
    kept = rows.execute("SELECT version, renderer, html FROM revisions").fetchall()
    assert kept == [(1, RENDERER_VERSION, render.to_html(BODY))], "it left the row meanwhile, and is found there"


async def test_an_undo_that_comes_meanwhile_brings_back_no_old_html(
    gatepost: Gatepost, store_url: str, rows: Rows
) -> None:
    database, comment = gatepost.running.database, await gatepost.approved(BODY)
    edited = (await gatepost.reader("ada").edit(comment["id"], "Better words", 2)).json["comment"]
    decided = await gatepost.moderator().decide(comment["id"], "approve", edited["version"])
    change(store_url, *MAKE_OLD)
    stretch = await database.read(texts.older, RENDERER_VERSION, after=CommentId(""), limit=10)
    assert stretch is not None
    await gatepost.moderator().undo(decided.json["decision"]["id"])
    await database.write(rendering.put_anew, stretch.older, rendering.rendered(stretch.older))
    assert own(rows, comment["id"]) == (RENDERER_VERSION, render.to_html(BODY))
    for table, column in (("comments", "renderer"), ("comments", "edit_renderer"), ("revisions", "renderer")):
        assert rows.number(f"SELECT count(*) FROM {table} WHERE {column} < ?", RENDERER_VERSION) == 0  # noqa: S608


@pytest.fixture
async def many(database: Database, store_url: str) -> int:
    """More old comments than are looked at at once; how many."""
    number = 2 * rendering.LOOKED_AT_ONCE + 30
    await database.write(long_post.fill, PostKey("post"), long_post.many_roots(number))
    change(store_url, "UPDATE comments SET renderer = 1")
    return number


async def test_who_is_interrupted_begins_again_and_finds_the_rest(many: int, database: Database, rows: Rows) -> None:
    watch = Watch(lambda _, done, of_all: watch.end() if done else None)
    with pytest.raises(StoppedError):
        await rendering.render_older(database, watch)
    left = rows.number("SELECT count(*) FROM comments WHERE renderer = 1")
    assert 0 < left < many
    assert await rendering.render_older(database, Watch()) == left
    assert rows.number("SELECT count(*) FROM comments WHERE renderer = ?", RENDERER_VERSION) == many


async def test_a_start_renders_anew_by_itself(
    many: int, database: Database, start_gatepost: StartGatepost, rows: Rows
) -> None:
    await database.close()
    gatepost = await start_gatepost()
    while rows.number("SELECT count(*) FROM comments WHERE renderer < ?", RENDERER_VERSION):
        assert (await gatepost.visitor.get("/health/live")).status == 200
    assert rows.number("SELECT count(*) FROM comments") == many


async def test_what_a_newer_renderer_made_is_left_alone(gatepost: Gatepost, store_url: str, rows: Rows) -> None:
    comment = await gatepost.approved(BODY)
    change(store_url, *MAKE_OLD, "UPDATE comments SET renderer = 1000")
    assert await render_older(gatepost) == 0
    assert own(rows, comment["id"]) == (1000, OLD)


async def test_it_is_noted_once_nothing_is_left(database: Database, store_url: str, clock: Hands, rows: Rows) -> None:
    await database.write(long_post.fill, PostKey("post"), long_post.many_roots(60))

    def noted() -> Any:
        found = rows.execute("SELECT position FROM leases WHERE name = 'render'").fetchone()
        return found[0] if found else None

    change(store_url, "UPDATE comments SET renderer = 1")
    await rendering.render_if_older(database, "a replica")
    assert noted() is None, "a replica of the older release may still have written behind it"
    change(store_url, "UPDATE comments SET renderer = 1 WHERE id = (SELECT max(id) FROM comments)")
    await rendering.render_if_older(database, "a replica")
    assert rows.number("SELECT count(*) FROM comments WHERE renderer = 1") == 0
    await rendering.render_if_older(database, "a replica")
    assert noted() == str(RENDERER_VERSION)


async def test_one_replica_does_it(many: int, database: Database, rows: Rows) -> None:
    await asyncio.gather(*(rendering.render_if_older(database, f"replica {number}") for number in range(3)))
    assert rows.number("SELECT count(*) FROM comments WHERE renderer = ?", RENDERER_VERSION) == many
    told = [json.loads(about)["comments"] for (about,) in rows.execute("SELECT about FROM events").fetchall()]
    public = rows.execute("SELECT id FROM comments WHERE status = 'approved' ORDER BY id").fetchall()
    assert [(comment_id,) for part in told for comment_id in part] == public, "each once"
