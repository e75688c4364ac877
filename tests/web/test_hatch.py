"""The hatch says what the application says, header for header, whoever asks and however; and knows when to be silent.

The application answers an address first, the hatch from then on; the metric tells which of them it was.
"""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import brotli
import pytest
from multidict import CIMultiDict

from service.web import hatch
from tests.conftest import StartGatepost
from tests.feeds import require_valid
from tests.harness import Gatepost
from tests.web.plain_http import DEADLINE_SECONDS

LIST = "/v1/sites/blog/posts/post/comments"
ADDRESSES = [
    LIST,
    f"{LIST}?view=flat",
    f"{LIST}?sort=newest&limit=1",
    f"{LIST}?limit=1&view=thread",
    "/v1/sites/blog/posts/nobody%2Fhas%20commented/comments",
    "/v1/sites/blog/comments",
    "/v1/sites/blog/comments?limit=1",
    "/v1/sites/blog/counts?post=post&post=other",
]
CHANGING = ("Date", "X-Request-ID")
CODINGS: dict[str, Any] = {"identity": bytes, "gzip": gzip.decompress, "br": brotli.decompress}


class Connection:
    """One connection, byte for byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, target: str, *lines: str, method: str = "GET", version: str = "1.1") -> "Reply":
        """One request and its reply."""
        await self.send("\r\n".join([f"{method} {target} HTTP/{version}", "Host: gatepost.example", *lines, "", ""]))
        return await self.reply(method)

    async def send(self, text: str) -> None:
        """These very characters."""
        self.writer.write(text.encode())
        await self.writer.drain()

    async def reply(self, method: str = "GET") -> "Reply":
        """The next reply."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
            headers = CIMultiDict[str]([(name, value) for name, _, value in (line.partition(": ") for line in lines)])
            length = 0 if method == "HEAD" else int(headers.get("Content-Length", "0"))
            reply = Reply(first, headers, await self.reader.readexactly(length))
        require_valid(reply.status, headers, reply.body, coding=headers.get("Content-Encoding", ""))
        return reply

    async def is_closed(self) -> bool:
        """Whether nothing more comes."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await self.reader.read(1) == b""


class Reply:
    """What came back."""

    def __init__(self, line: str, headers: "CIMultiDict[str]", body: bytes) -> None:
        self.line = line
        self.status = int(line.split(" ")[1])
        self.headers = headers
        self.body = body

    def steady(self) -> tuple[str, list[tuple[str, str]], bytes]:
        """All of it that does not change from reply to reply."""
        kept = sorted((name.lower(), value) for name, value in self.headers.items() if name not in CHANGING)
        return self.line, kept, self.body


@asynccontextmanager
async def connection(gatepost: Gatepost) -> AsyncIterator[Connection]:
    """A connection that stays."""
    address = urlsplit(gatepost.running.address)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()


async def instant(gatepost: Gatepost) -> int:
    """How many pages the hatch has handed out."""
    text = (await gatepost.visitor.get("/metrics")).body.decode()
    found = [line for line in text.splitlines() if line.startswith('gatepost_page_cache_total{outcome="instant"}')]
    return int(float(found[0].split(" ")[1])) if found else 0


async def _conversation(gatepost: Gatepost) -> list[Any]:
    first = await gatepost.approved("A first comment, with *emphasis* and enough words. " * 12)
    gatepost.clock.advance(seconds=1)
    return [first, await gatepost.approved("An answer", by="bob", parent_id=first["id"])]


@pytest.mark.parametrize("target", ADDRESSES)
@pytest.mark.parametrize("accepted", ["identity", "gzip", "br"])
async def test_the_hatch_says_what_the_application_said(gatepost: Gatepost, target: str, accepted: str) -> None:
    await _conversation(gatepost)
    asked = f"Accept-Encoding: {accepted}"
    async with connection(gatepost) as to:
        said = {}
        for speaker in ("application", "hatch"):
            before = await instant(gatepost)
            whole = await to.ask(target, asked)
            etag = whole.headers["ETag"]
            replies = [
                whole,
                await to.ask(target, asked, method="HEAD"),
                await to.ask(target, asked, f"If-None-Match: {etag}"),
                await to.ask(target, asked, f'If-None-Match: "other", W/{etag}'),
                await to.ask(target, asked, 'If-None-Match: "other"', f"If-None-Match: {etag}"),
                await to.ask(target, asked, "If-None-Match: *", method="HEAD"),
                await to.ask(target, asked, 'If-None-Match: "other"'),
            ]
            said[speaker] = [reply.steady() for reply in replies]
            assert [reply.status for reply in replies] == [200, 200, 304, 304, 304, 304, 200]
            assert await instant(gatepost) - before == (len(replies) - (speaker == "application"))
            coding = whole.headers.get("Content-Encoding", "identity")
            assert json.loads(CODINGS[coding](whole.body))
        assert said["application"] == said["hatch"]
        # A request with a body is always the application's: what it says to one that has the page is the same as well.
        before = await instant(gatepost)
        for method, validator, expected in (("GET", etag, 2), ("HEAD", '"other"', 1)):
            lines = [f"{method} {target} HTTP/1.1", "Host: x", asked, f"If-None-Match: {validator}"]
            await to.send("\r\n".join([*lines, "Content-Length: 1", "", "x"]))
            assert (await to.reply(method)).steady() == said["hatch"][expected]
        assert await instant(gatepost) == before


async def test_the_first_request_of_a_connection_is_answered_at_once_as_well(gatepost: Gatepost) -> None:
    await _conversation(gatepost)
    async with connection(gatepost) as to:
        await to.ask(LIST)
    before = await instant(gatepost)
    for _ in range(5):
        async with connection(gatepost) as to:
            assert (await to.ask(LIST)).status == 200
    assert await instant(gatepost) == before + 5


async def test_every_reply_has_a_date_and_its_own_request_id(gatepost: Gatepost) -> None:
    async with connection(gatepost) as to:
        replies = [await to.ask(LIST) for _ in range(4)]
        assert len({reply.headers["X-Request-ID"] for reply in replies}) == 4
        assert all(reply.headers["Date"].endswith(" GMT") for reply in replies)
        assert (await to.ask(LIST, "X-Request-ID: mine-1")).headers["X-Request-ID"] == "mine-1"
        assert "{" not in (await to.ask(LIST, "X-Request-ID: {not sane}")).headers["X-Request-ID"]
    assert await instant(gatepost) == 5


# What is not as simple as a page view is the application's, also where the page is in memory.
NOT_SIMPLE: Mapping[str, tuple[dict[str, str], list[str], int, bool]] = {
    "POST": ({"method": "POST"}, ["Content-Length: 0"], 401, True),
    "OPTIONS": ({"method": "OPTIONS"}, [], 204, True),
    "HTTP/1.0": ({"version": "1.0"}, [], 200, False),
    "Connection: close": ({}, ["Connection: close"], 200, False),
    "an unknown expectation": ({}, ["Expect: the-unexpected"], 400, False),
}


@pytest.mark.parametrize("case", NOT_SIMPLE)
async def test_what_is_not_simple_is_the_application_s(gatepost: Gatepost, case: str) -> None:
    how, lines, status, stays = NOT_SIMPLE[case]
    async with connection(gatepost) as to:
        await to.ask(LIST)
        assert (await to.ask(LIST, *lines, **how)).status == status
        assert stays or await to.is_closed()
    assert await instant(gatepost) == 0


async def test_a_get_with_a_body_is_read_to_its_end(gatepost: Gatepost) -> None:
    async with connection(gatepost) as to:
        await to.ask(LIST)
        await to.send(f"GET {LIST} HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nGET ")
        assert (await to.reply()).status == 200
        assert (await to.ask(LIST)).status == 200
    assert await instant(gatepost) == 1


async def test_pipelined_requests_are_answered_in_order(gatepost: Gatepost) -> None:
    await _conversation(gatepost)
    one, other, me = LIST, "/v1/sites/blog/counts?post=post", "/v1/sites/blog/me"
    async with connection(gatepost) as to:
        expected = [(await to.ask(target)).body for target in (one, other)]
        asked = [one, other, me, other, one, one]
        await to.send("".join(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n" for target in asked))
        replies = [await to.reply() for _ in asked]
        assert [reply.status for reply in replies] == [200, 200, 401, 200, 200, 200]
        bodies = [reply.body for target, reply in zip(asked, replies, strict=True) if target != me]
        assert bodies == [expected[0], expected[1], expected[1], expected[0], expected[0]]


async def test_a_request_in_pieces_is_answered(gatepost: Gatepost) -> None:
    async with connection(gatepost) as to:
        whole = await to.ask(LIST)
        for cut in range(1, 60, 7):
            text = f"GET {LIST} HTTP/1.1\r\nHost: gatepost.example\r\n\r\n"
            await to.send(text[:cut])
            await to.send(text[cut:])
            assert (await to.reply()).steady() == whole.steady()


async def test_a_page_in_front_of_a_half_request_does_not_stop_its_clock(start_gatepost: StartGatepost) -> None:
    def change(settings: dict[str, Any]) -> None:
        settings["server"]["header_seconds"] = 0.2

    gatepost = await start_gatepost(change=change)
    async with connection(gatepost) as to:
        await to.ask(LIST)
        await to.send(f"GET {LIST} HTTP/1.1\r\nHost: x\r\n\r\nGET /never-")
        assert (await to.reply()).status == 200
        assert (await to.reply()).status == 408


async def test_a_takedown_shows_in_the_next_read_whoever_learnt_what(gatepost: Gatepost) -> None:
    first, second = await _conversation(gatepost)
    async with connection(gatepost) as to:
        for target in ADDRESSES:
            for _ in range(2):
                await to.ask(target)
        assert second["id"] in (await to.ask(LIST)).body.decode()
        decided = await gatepost.moderator().decide(second["id"], "spam", second["version"])
        assert decided.status == 201
        for target in ADDRESSES:
            for _ in range(2):
                assert second["id"] not in (await to.ask(target)).body.decode()
        counts = json.loads((await to.ask("/v1/sites/blog/counts?post=post&post=other")).body)
        assert counts == {"counts": {"post": 1, "other": 0}}
        assert (await gatepost.moderator().undo(decided.json["decision"]["id"])).status == 201
        assert second["id"] in (await to.ask(LIST)).body.decode()
        assert first["id"] in (await to.ask(LIST)).body.decode()


async def test_readers_who_never_stop_asking_never_see_what_a_decision_took_down(gatepost: Gatepost) -> None:
    """Promise 1 and 6 together: every read that begins after the moderator's answer shows what that decided."""
    comment = await gatepost.approved("On and off")
    version, is_shown, decided = comment["version"], True, 0
    is_deciding = is_over = False
    checked = [0] * 8

    async def read(number: int) -> None:
        async with connection(gatepost) as to:
            while not is_over:
                began = decided, is_deciding
                found = comment["id"] in (await to.ask(LIST)).body.decode()
                if began == (decided, False) and not is_deciding:  # nobody decided while this was asked
                    assert found == is_shown
                    checked[number] += 1

    async def all_have_looked() -> None:
        before = list(checked)
        async with connection(gatepost) as to:
            while any(now == was for now, was in zip(checked, before, strict=True)):
                assert (comment["id"] in (await to.ask(LIST)).body.decode()) == is_shown
                for reader in readers:
                    assert not reader.done(), reader.exception()

    readers = [asyncio.create_task(read(number)) for number in range(len(checked))]
    for _ in range(20):
        is_deciding = True
        answer = await gatepost.moderator().decide(comment["id"], "spam" if is_shown else "approve", version)
        version, is_shown, decided = answer.json["comment"]["version"], not is_shown, decided + 1
        is_deciding = False
        await all_have_looked()
    is_over = True
    await asyncio.gather(*readers)


async def test_reads_count_against_the_limit_also_where_they_are_instant(start_gatepost: StartGatepost) -> None:
    def change(settings: dict[str, Any]) -> None:
        settings["limits"] = {"enabled": True, "read_per_address": "300/hour"}

    gatepost = await start_gatepost(change=change)
    async with connection(gatepost) as to:
        statuses = [(await to.ask(LIST)).status for _ in range(310)]
    assert statuses == [200] * 300 + [429] * 10


async def test_each_proxied_reader_has_a_limit_of_their_own(start_gatepost: StartGatepost) -> None:
    def change(settings: dict[str, Any]) -> None:
        settings["limits"] = {"enabled": True, "read_per_address": "20/hour"}
        settings["server"]["trusted_proxies"] = ["127.0.0.0/8"]

    gatepost = await start_gatepost(change=change)
    async with connection(gatepost) as to:
        for client in ("203.0.113.1", "203.0.113.2", "2001:db8::1"):
            statuses = [(await to.ask(LIST, f"X-Forwarded-For: {client}")).status for _ in range(21)]
            assert statuses == [200] * 20 + [429]
        assert (await to.ask(LIST, "X-Forwarded-For: 2001:db8::2")).status == 429  # the same /64


async def _long_page(gatepost: Gatepost) -> None:
    """A page that fills a socket's buffers after a few times."""
    for number in range(20):
        await gatepost.approved(f"{number} " + "word " * 1_900)


async def test_a_reader_who_asks_on_and_reads_later_gets_everything(gatepost: Gatepost) -> None:
    await _long_page(gatepost)
    async with connection(gatepost) as to:
        whole = await to.ask(LIST)
        count = 12_000_000 // len(whole.body)

        async def ask_on() -> None:
            for _ in range(count):
                await to.send(f"GET {LIST} HTTP/1.1\r\nHost: x\r\n\r\n")

        asking = asyncio.create_task(ask_on())
        async with connection(gatepost) as another:  # whom nobody keeps waiting
            assert (await another.ask(LIST)).steady() == whole.steady()
        for _ in range(count):
            assert (await to.reply()).steady() == whole.steady()
        await asking


async def test_a_reader_who_asks_on_and_never_reads_is_cut(start_gatepost: StartGatepost) -> None:
    def change(settings: dict[str, Any]) -> None:
        settings["server"]["write_seconds"] = 0.2

    gatepost = await start_gatepost(change=change)
    await _long_page(gatepost)
    async with connection(gatepost) as to:
        await to.ask(LIST)

        async def ask_for_ever() -> None:
            while True:
                await to.send(f"GET {LIST} HTTP/1.1\r\nHost: x\r\n\r\n")

        with pytest.raises(ConnectionError):
            await asyncio.wait_for(ask_for_ever(), DEADLINE_SECONDS)


async def test_metrics_count_both_alike(gatepost: Gatepost) -> None:
    async with connection(gatepost) as to:
        etag = (await to.ask(LIST)).headers["ETag"]
        for _ in range(3):
            await to.ask(LIST)
        await to.ask(LIST, f"If-None-Match: {etag}")
        await to.ask(LIST, method="HEAD")
    text = (await gatepost.visitor.get("/metrics")).body.decode()
    route = 'route="/v1/sites/{site}/posts/{post}/comments"'
    assert f'gatepost_http_requests_total{{method="GET",{route},status="200"}} 4.0' in text
    assert f'gatepost_http_requests_total{{method="GET",{route},status="304"}} 1.0' in text
    assert f'gatepost_http_requests_total{{method="HEAD",{route},status="200"}} 1.0' in text
    assert f'gatepost_http_request_seconds_count{{method="GET",{route}}} 5.0' in text


async def test_while_draining_the_last_reply_says_so_and_closes(gatepost: Gatepost) -> None:
    async with connection(gatepost) as idle, connection(gatepost) as late:
        await idle.ask(LIST)
        gatepost.running._runner.drain()
        for one in (idle, late):
            reply = await one.ask(LIST)
            assert (reply.status, reply.headers["Connection"]) == (200, "close")
            assert await one.is_closed()


async def test_addresses_of_unusual_length_are_not_learnt(gatepost: Gatepost) -> None:
    target = "/v1/sites/blog/counts?" + "&".join(f"post=a-post-with-a-long-key-{number}" for number in range(60))
    async with connection(gatepost) as to:
        assert [(await to.ask(target)).status for _ in range(3)] == [200] * 3
    assert await instant(gatepost) == 0


@pytest.fixture
def room_for_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """To learn two addresses with the heads of their replies, and not three."""
    monkeypatch.setattr(hatch, "MAX_BYTES", 3_600)


@pytest.mark.usefixtures("room_for_two")
async def test_what_was_learnt_longest_ago_is_forgotten_first(gatepost: Gatepost) -> None:
    """Learnt anew after a change, an address is the youngest again."""
    read_often, seldom, once = LIST, f"{LIST}?view=flat", f"{LIST}?sort=newest"
    async with connection(gatepost) as to:
        for target in (read_often, seldom):
            await to.ask(target)
        await gatepost.approved("A change")
        for target in (read_often, once):
            await to.ask(target)
        assert await instant(gatepost) == 0
        await to.ask(read_often)
    assert await instant(gatepost) == 1
