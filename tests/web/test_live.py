"""Live streams: what readers and moderators hear, in order, nothing lost or doubled, and nothing that is not public."""

import asyncio
import random
import socket
from contextlib import AsyncExitStack
from itertools import cycle
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser

from service.delivery import listener, live
from service.model import Event, PostKey, Role, SiteKey
from service.moderation import api_keys
from service.store import events, retention
from tests.auth.local_server import LocalServer, always
from tests.conftest import StartGatepost
from tests.harness import ORIGIN, Gatepost, Person
from tests.web.ear import PATIENCE_SECONDS, Heard, listening
from tests.web.plain_http import assert_problem, send

pytest_plugins = ["tests.browser"]
POST = "/v1/sites/blog/posts/post/events"
QUEUE = "/v1/sites/blog/queue/events"
LISTEN = """address => new Promise((open, error) => {
    window.heard = [];
    const live = new EventSource(address);
    live.onopen = () => open();
    live.onerror = () => error(new Error("refused"));
    live.addEventListener("comment.published", ({data}) => heard.push(JSON.parse(data).comment.html));
})"""
UNKNOWN_ID = "0189abcd-0000-7000-8000-000000000000"


async def visible(gatepost: Gatepost, *, post: str = "post") -> list[Event]:
    """What readers of the post could see happen, from the record."""
    found = await gatepost.running.database.read(
        events.between, SiteKey("blog"), PostKey(post), 0, 2**62, limit=100_000
    )
    return [event for event in found if event.post_revision is not None]


# --- What is heard ----------------------------------------------------------------------------------------------------


async def test_readers_hear_what_happens_on_the_post(gatepost: Gatepost) -> None:
    async with listening(gatepost.visitor) as ear:
        await ear.settled()
        comment = await gatepost.approved("Hello", by="ada")
        heard = await ear.some(1)
        edited = await gatepost.reader("ada").edit(comment["id"], "Hello again", comment["version"])
        await gatepost.moderator().decide(comment["id"], "approve", edited.json["comment"]["version"])
        heard += await ear.some(1)
        await gatepost.moderator().call("PATCH", "posts/post", json={"open": False})
        heard += await ear.some(1)
        await gatepost.moderator().decide(comment["id"], "spam", edited.json["comment"]["version"] + 1)
        heard += await ear.some(1)
    assert [one.name for one in heard] == ["comment.published", "comment.changed", "post.changed", "comment.removed"]
    assert [one.id for one in heard] == [event.id for event in await visible(gatepost)]
    assert heard[2].data["post"]["open"] is False
    assert heard[3].data == {
        "comment": {"id": comment["id"], "parent_id": None, "depth": 0, "removed": True, "reply_count": 0},
        "post": {"key": "post", "title": None, "url": None, "count": 0, "open": False},
    }


async def test_what_is_heard_is_what_the_list_shows(gatepost: Gatepost) -> None:
    async with listening(gatepost.visitor) as ear:
        await ear.settled()
        await gatepost.approved("Hello")
        (heard,) = await ear.some(1)
    page = await gatepost.public()
    assert heard.data == {"comment": page["comments"][0], "post": page["post"]}


async def test_a_comment_with_replies_leaves_a_tombstone(gatepost: Gatepost) -> None:
    parent = await gatepost.approved("Parent")
    await gatepost.approved("Reply", by="bob", parent_id=parent["id"])
    async with listening(gatepost.visitor) as ear:
        await ear.settled()
        await gatepost.moderator().decide(parent["id"], "delete", parent["version"])
        (heard,) = await ear.some(1)
    assert (heard.name, heard.data["comment"]) == ("comment.removed", (await gatepost.public())["comments"][0])


async def test_other_posts_and_sites_are_not_heard(gatepost: Gatepost) -> None:
    async with listening(gatepost.visitor) as ear:
        await ear.settled()
        await gatepost.approved("Elsewhere", post="another")
        await gatepost.approved("Here")
        (heard,) = await ear.some(1)
    assert heard.data["comment"]["html"] == '<p dir="auto">Here</p>\n'


async def test_moderators_hear_of_the_queue(gatepost: Gatepost) -> None:
    async with listening(gatepost.moderator(), "queue/events") as ear:
        await ear.settled()
        comment = (await gatepost.reader("ada").submit("Waits")).json["comment"]
        await gatepost.moderator().decide(comment["id"], "approve", 1)
        heard = await ear.some(1)
        if heard[0].name == "queue.entered":  # else it was approved before it could be told: it says what is so now
            assert heard[0].data == {"comment_id": comment["id"], "post": "post", "why": ["awaiting-approval"]}
        (heard_last,) = await ear.some(1)
        assert (heard_last.name, heard_last.data["why"]) == ("queue.left", [])
        await gatepost.reader("ada").edit(comment["id"], "Edited", 2)
        (edited,) = await ear.some(1)
    assert (edited.name, edited.data["why"]) == ("queue.entered", ["edited"])


async def test_moderators_hear_who_takes_and_gives_back_what(gatepost: Gatepost) -> None:
    """One event for each call that changed something: what it says is so now, so each is awaited."""
    comments = []
    for text in ("one", "two", "three"):
        gatepost.clock.advance(seconds=1)
        comments.append((await gatepost.reader("ada").submit(text)).json["comment"]["id"])
    mo, max_ = gatepost.moderator("mo"), gatepost.moderator("max")
    async with listening(gatepost.moderator("mia"), "queue/events") as ear:
        await ear.settled()
        taken = await mo.call("POST", "queue/claims", json={"limit": 2})
        heard = await ear.some(1)
        await max_.call("POST", "queue/claims", json={"comment_ids": comments[:2]})  # changes nothing
        await max_.call("POST", "queue/claims", json={"comment_ids": comments[1:]})
        heard += await ear.some(1)
        await mo.call("DELETE", "queue/claims")
        heard += await ear.some(1)
        await mo.call("DELETE", "queue/claims")  # changes nothing
        await max_.decide(comments[2], "approve", 1)
        heard += await ear.some(1)
    assert [one.name for one in heard] == ["queue.claimed"] * 3 + ["queue.left"]
    assert heard[0].data == {
        "comment_ids": comments[:2],
        "claimed_by": taken.json["entries"][0]["claimed_by"],
        "claimed_until": taken.json["claimed_until"],
    }
    assert (heard[1].data["comment_ids"], heard[1].data["claimed_by"]["name"]) == (comments[2:], "Max")
    assert heard[2].data == {"comment_ids": comments[:2], "claimed_by": None, "claimed_until": None}


async def test_nothing_leaks_that_is_not_public(gatepost: Gatepost) -> None:
    """Whatever happens: no text, name or note that no reader may see, and no number that counts the site's events."""
    chance = random.Random(5)  # noqa: S311  # the same in every run
    hidden: set[str] = set()
    async with AsyncExitStack() as stack:
        ear = await stack.enter_async_context(listening(gatepost.visitor))
        queue = await stack.enter_async_context(listening(gatepost.moderator("hearing-mo"), "queue/events"))
        await ear.settled()
        await queue.settled()
        for number in range(30):
            ada = gatepost.reader(f"Name{number}x")
            comment = (await ada.submit(f"Pending{number}x")).json["comment"]
            action = chance.choice(["approve", "reject", "spam", "delete", None])
            if action is not None:
                mo = gatepost.moderator(f"Moderator{number}x")
                await mo.decide(comment["id"], action, 1, note=f"Note{number}x", reason=f"reason-{number}x")
            if action == "approve":
                await ada.edit(comment["id"], f"Edit{number}x", 2)
            hidden |= {f"Edit{number}x", f"Moderator{number}x", f"Note{number}x", f"reason-{number}x"}
            hidden |= set() if action == "approve" else {f"Pending{number}x", f"Name{number}X"}
        await gatepost.approved("The end", by="end")
        while (heard := await ear.hear()) and heard.data["comment"].get("html") != '<p dir="auto">The end</p>\n':
            assert set(heard.data) <= {"comment", "post"}
        await queue.some(30)
    assert [word for word in sorted(hidden) if word.encode() in ear.raw] == []
    assert b"Pending" in ear.raw
    assert b'"seq"' not in ear.raw + queue.raw
    assert [word for word in ("Pending", "Edit", "Note", "Moderator", "Name") if word.encode() in queue.raw] == []


async def test_what_was_taken_down_meanwhile_is_never_told_again(gatepost: Gatepost) -> None:
    first = await gatepost.approved("First", by="eve")
    (start,) = await visible(gatepost)
    comment = await gatepost.approved("Not for long", by="ada")
    await gatepost.moderator().decide(comment["id"], "reject", comment["version"])
    async with listening(gatepost.visitor, last_id=start.id) as ear:
        heard = await ear.some(2)
    assert [one.name for one in heard] == ["comment.removed", "comment.removed"]
    assert b"Not for long" not in ear.raw
    assert first["id"] not in str(heard)


# --- Going on ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["header", "query"])
async def test_a_client_goes_on_where_it_was(gatepost: Gatepost, by: str) -> None:
    for number in range(4):
        await gatepost.approved(f"Text {number}", by=f"reader {number}")
    told = [event.id for event in await visible(gatepost)]
    path = "posts/post/events" + (f"?last_event_id={told[1]}" if by == "query" else "")
    async with listening(gatepost.visitor, path, last_id=told[1] if by == "header" else "") as ear:
        assert [one.id for one in await ear.some(2)] == told[2:]
        await gatepost.approved("Text 4", by="reader 4")
        assert [one.id for one in await ear.some(1)] == [event.id for event in await visible(gatepost)][4:]


async def test_a_stream_begins_with_the_id_to_go_on_from(gatepost: Gatepost) -> None:
    await gatepost.approved("Before")
    (before,) = await visible(gatepost)
    async with listening(gatepost.visitor) as ear:
        assert (await ear.settled()).last_id == before.id
    await gatepost.approved("Between", by="bob")
    async with listening(gatepost.visitor, last_id=ear.last_id) as ear:
        assert [one.data["comment"]["html"] for one in await ear.some(1)] == ['<p dir="auto">Between</p>\n']


@pytest.mark.parametrize("last_id", [UNKNOWN_ID, "nonsense", "another post", "pending", "too far", "removed"])
async def test_who_cannot_go_on_is_told_to_read_anew(
    gatepost: Gatepost, last_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await gatepost.approved("Elsewhere", post="another")
    first = (await visible(gatepost, post="another"))[0].id
    for number in range(3):
        gatepost.clock.advance(seconds=1)
        await gatepost.approved(f"Text {number}", by=f"reader {number}")
    told = [event.id for event in await visible(gatepost)]
    if last_id == "too far":
        monkeypatch.setattr(live, "MOST_MISSED", 1)
    submitted = await gatepost.running.database.read(events.after, SiteKey("blog"), 2, limit=1)
    ids = {"another post": first, "pending": submitted[0].id, "too far": told[0], "removed": told[0]}
    named = ids.get(last_id, last_id)
    if last_id == "removed":
        until = (await visible(gatepost))[-1].created_at - 1
        assert await gatepost.running.database.write(retention.cut, SiteKey("blog"), until=until, awaited=())
    async with listening(gatepost.visitor, last_id=named) as ear:
        assert [(one.name, one.data, one.id) for one in await ear.some(1)] == [("reset", {}, told[-1])]
        await gatepost.approved("And on", by="reader 9")
        assert [one.name for one in await ear.some(1)] == ["comment.published"]


async def _decide(gatepost: Gatepost, name: str, elsewhere: Gatepost) -> None:
    """Comments that come and go; every third on another post."""
    for number in range(9):
        post = "another" if number % 3 == 2 else "post"
        comment = await gatepost.approved(f"Text {number}", by=name, post=post)
        if number % 2:
            await elsewhere.moderator().decide(comment["id"], "spam", comment["version"])


async def _come_and_go(services: list[Gatepost], chance: random.Random) -> list[Heard]:
    """A client that keeps going away and coming back, to one service or another, until it has heard the last word."""
    heard: list[Heard] = []
    last_id = ""
    while not heard or heard[-1].name != "post.changed":
        gatepost = chance.choice(services)
        async with listening(gatepost.visitor, last_id=last_id) as ear:
            for _ in range(chance.randint(1, 6)):
                if heard and heard[-1].name == "post.changed":
                    break
                found = await ear.hear()
                assert found is not None
                heard.append(found)
            last_id = ear.last_id
    return heard


@pytest.mark.own_engines
async def test_nothing_is_lost_or_doubled_under_concurrent_decisions(services: list[Gatepost]) -> None:
    chances = [random.Random(number) for number in range(8)]  # noqa: S311  # the same in every run
    clients = [asyncio.create_task(_come_and_go(services, chance)) for chance in chances]
    async with listening(services[-1].visitor) as ear:  # one that stays
        await ear.settled()
        pairs = zip(range(8), cycle(services), cycle(services[::-1]), strict=False)
        await asyncio.gather(*(_decide(here, f"reader {number}", there) for number, here, there in pairs))
        await services[0].moderator().call("PATCH", "posts/post", json={"open": False})
        expected = [str(event.id) for event in await visible(services[0])]
        assert [one.id for one in await ear.some(len(expected))] == expected
    for client in clients:
        ids = [one.id for one in await client]
        assert ids == expected[expected.index(ids[0]) :]
        assert len(ids) > 1


@pytest.mark.browser
async def test_a_browser_listens_and_goes_on_by_itself(gatepost: Gatepost, chromium: Browser) -> None:
    blog = LocalServer()
    blog.handlers["/"] = always(text="A blog", content_type="text/html")
    await blog.up()
    page = await chromium.new_page()
    await page.goto(blog.address)
    await page.evaluate(LISTEN, gatepost.running.address + POST)
    await gatepost.approved("One", by="ada")
    await page.wait_for_function("heard.length == 1", timeout=PATIENCE_SECONDS * 1000)
    gatepost.running.live.send_away()
    await gatepost.approved("Two", by="bob")
    await page.wait_for_function("heard.length == 2", timeout=PATIENCE_SECONDS * 1000)
    assert await page.evaluate("heard") == ['<p dir="auto">One</p>\n', '<p dir="auto">Two</p>\n']
    await page.close()
    await blog.close()


# --- Streams and their connections ------------------------------------------------------------------------------------


async def test_the_head_of_a_stream(gatepost: Gatepost) -> None:
    for method in ("GET", "HEAD"):
        answer = await send(gatepost, method, POST, ("Origin", "https://anybody.example"))
        assert (answer.status, answer.body) == (200, b"")
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert (answer.headers["Cache-Control"], answer.headers["X-Accel-Buffering"]) == ("no-store", "no")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_the_queue_is_for_moderators_and_their_pages(gatepost: Gatepost) -> None:
    assert_problem(await send(gatepost, "GET", QUEUE), 401, "login-required")
    assert_problem(await send(gatepost, "GET", QUEUE, person=gatepost.reader("ada")), 403, "forbidden")
    for origin, shown in ((ORIGIN, ORIGIN), ("https://evil.example", None)):
        answer = await send(gatepost, "GET", QUEUE, ("Origin", origin), person=gatepost.moderator())
        assert (answer.status, answer.headers.get("Access-Control-Allow-Origin")) == (200, shown)


async def test_a_stream_counts_as_one_read(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost(change=lambda wanted: wanted.update(limits={"read_per_address": "2/hour"}))
    for _ in range(2):
        async with listening(gatepost.visitor) as ear:
            await ear.settled()
    assert_problem(await send(gatepost, "GET", POST), 429, "slow-down")


async def test_everybody_hears_that_the_stream_is_alive(gatepost: Gatepost) -> None:
    async with listening(gatepost.visitor) as ear:
        await ear.settled()
        await gatepost.running.live.beat()
        assert [await ear.line(), await ear.line()] == [":\n", "\n"]


async def test_a_moderator_hears_as_long_as_they_are_one(gatepost: Gatepost) -> None:
    async with listening(gatepost.moderator(), "queue/events") as ear:
        await ear.settled()
        gatepost.clock.advance(seconds=60)
        await gatepost.running.live.beat()
        assert await ear.line() == ":\n"
        gatepost.clock.advance(seconds=4000)  # the token has run out
        await gatepost.running.live.beat()
        assert await ear.hear() is None


async def test_a_clock_that_is_set_back_makes_nobody_a_moderator_for_longer(gatepost: Gatepost) -> None:
    write = gatepost.running.database.write
    key, secret = await write(api_keys.create, "bot", site=None, roles=frozenset({Role.MODERATOR}), expires_at=None)
    bot = Person(gatepost.session, {"Authorization": f"Bearer {secret}"})
    async with listening(bot, "queue/events") as ear:
        await ear.settled()
        await write(api_keys.revoke, key.id)
        gatepost.clock.advance(seconds=-3600)
        await gatepost.running.live.beat()
        assert await ear.hear() is None


async def test_streams_end_at_once_when_the_service_stops(gatepost: Gatepost) -> None:
    async with listening(gatepost.visitor) as ear, listening(gatepost.moderator(), "queue/events") as queue:
        await ear.settled()
        await queue.settled()
        stopping = asyncio.create_task(gatepost.running.stop(drain_seconds=3600))
        assert [await ear.hear(), await queue.hear()] == [None, None]
    async with listening(gatepost.visitor) as late:  # a client that comes back is sent away, not refused
        assert await late.hear() is None
        assert late.retry is not None
        assert live.RETRY_MILLISECONDS[0] <= late.retry <= live.RETRY_MILLISECONDS[1]
    stopping.cancel()


async def test_not_all_listeners_come_back_at_once(gatepost: Gatepost) -> None:
    told = set()
    for _ in range(20):
        async with listening(gatepost.visitor) as ear:
            told.add(await ear.line())
    assert len(told) > 5


async def test_a_client_that_takes_nothing_is_cut(gatepost: Gatepost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "MOST_WAITING", 4)
    address = urlsplit(gatepost.running.address)
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.setblocking(False)  # the standard library's own
        loop = asyncio.get_running_loop()
        await loop.sock_connect(slow, (address.hostname, address.port))
        await loop.sock_sendall(slow, f"GET {POST} HTTP/1.1\r\nHost: gatepost\r\n\r\n".encode())
        assert (await loop.sock_recv(slow, 1)) == b"H"
        async with listening(gatepost.visitor) as ear, asyncio.timeout(PATIENCE_SECONDS):
            await ear.settled()
            number = 0
            while not await _cut(gatepost):
                await gatepost.approved("*x* " * 2400 + str(number), by=f"reader {number}")
                await ear.some(1)  # whoever listens meanwhile hears everything
                number += 1


async def _cut(gatepost: Gatepost) -> bool:
    metrics = (await gatepost.visitor.get("/metrics")).body.decode()
    return "gatepost_listeners_cut_total 1.0" in metrics and 'gatepost_listeners{stream="post"} 1.0' in metrics


async def test_who_leaves_a_stream_has_left(gatepost: Gatepost) -> None:
    """Nothing has to be told for it: the end of what they say is enough, though they could still hear."""
    address = urlsplit(gatepost.running.address)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(f"GET {POST} HTTP/1.1\r\nHost: gatepost\r\n\r\n".encode())
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert b"retry" in await reader.readuntil(b"\n\n")
        writer.write_eof()
        assert b"data" not in await reader.read()
    writer.close()


async def test_open_streams_are_counted(gatepost: Gatepost) -> None:
    async with listening(gatepost.visitor) as ear:
        await ear.settled()
        assert b'gatepost_listeners{stream="post"} 1.0' in (await gatepost.visitor.get("/metrics")).body
    async with asyncio.timeout(PATIENCE_SECONDS):
        while b'gatepost_listeners{stream="post"} 0.0' not in (await gatepost.visitor.get("/metrics")).body:
            await gatepost.running.live.beat()
