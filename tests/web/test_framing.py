"""Each request is judged by itself, wherever it stands in what a client sends; what was good before it is answered.

The tables are sent over sockets to a whole service, in whose hatch the page lies that most rows ask for. The sections
named here are those of RFC 9110 and RFC 9112.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import RawRequestMessage

from service.web.aiohttp_inside import Arrived
from service.web.door import ConnectionLimits
from service.web.framing import JudgingParser, is_authority
from tests.harness import Gatepost
from tests.web.plain_http import DEADLINE_SECONDS, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = b"/v1/sites/blog/posts/post/comments"
HOST = b"Host: gatepost.example\r\n"
GET = b"GET " + PAGE + b" HTTP/1.1\r\n" + HOST + b"\r\n"
LAST = b"GET " + PAGE + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
WHO = b"X-Who: ada\r\n"
"""Stands for the headers of somebody who is logged in."""
POST = b"POST " + PAGE + b" HTTP/1.1\r\n" + HOST + WHO
CHUNKS = b"2\r\n{}\r\n0\r\n\r\n"


def _get(*lines: bytes, target: bytes = PAGE, version: bytes = b"1.1") -> bytes:
    return b"GET " + target + b" HTTP/" + version + b"\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def _post(*lines: bytes, body: bytes = b"{}") -> bytes:
    return POST + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def _headers(kilobytes: int) -> bytes:
    """A request with so many bytes of headers, none of which is too long by itself."""
    return _get(HOST.strip(), *(b"X-%d: %s" % (number, b"a" * 1015) for number in range(kilobytes)))


REFUSED = {
    # The end of the body: 9112, 6.1 to 6.3
    "gzip, chunked": (400, _post(b"Transfer-Encoding: gzip, chunked", body=CHUNKS)),
    "identity, chunked": (400, _post(b"Transfer-Encoding: identity, chunked", body=CHUNKS)),
    "foo, chunked": (400, _post(b"Transfer-Encoding: foo, chunked", body=CHUNKS)),
    "chunked, chunked": (400, _post(b"Transfer-Encoding: chunked, chunked", body=CHUNKS)),
    "chunked, gzip": (400, _post(b"Transfer-Encoding: chunked, gzip", body=CHUNKS)),
    "identity": (400, _post(b"Transfer-Encoding: identity")),
    "coding with a parameter": (400, _post(b"Transfer-Encoding: chunked;q=1", body=CHUNKS)),
    "no coding": (400, _post(b"Transfer-Encoding:", b"Content-Length: 2")),
    "coding twice": (400, _post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=CHUNKS)),
    "coding twice, the other one first": (400, _post(b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked")),
    "coding in HTTP/1.0": (400, _post(b"Transfer-Encoding: chunked", body=CHUNKS).replace(b"HTTP/1.1", b"HTTP/1.0")),
    "coding in HTTP/1.0 that goes on": (
        400,
        _post(b"Connection: keep-alive", b"Transfer-Encoding: chunked", body=CHUNKS).replace(b"HTTP/1.1", b"HTTP/1.0"),
    ),
    "coding and length": (400, _post(b"Transfer-Encoding: chunked", b"Content-Length: 12", body=CHUNKS)),
    "length and coding": (400, _post(b"Content-Length: 12", b"Transfer-Encoding: chunked", body=CHUNKS)),
    "coding of a GET": (400, _get(HOST.strip(), b"Transfer-Encoding: gzip, chunked") + CHUNKS),
    "the same length twice": (400, _post(b"Content-Length: 2", b"Content-Length: 2")),
    "two lengths": (400, _post(b"Content-Length: 2", b"Content-Length: 3")),
    "list of lengths": (400, _post(b"Content-Length: 2,2")),
    "length with sign": (400, _post(b"Content-Length: +2")),
    "negative length": (400, _post(b"Content-Length: -2")),
    "empty length": (400, _post(b"Content-Length:")),
    # Lines: 9112, 2.2 and 5
    "folded header": (400, _get(HOST.strip(), b"X-A: a", b" b")),
    "space before colon": (400, _get(HOST.strip(), b"X-A : a")),
    "space before the first header": (400, _get(b" X-A: a", HOST.strip())),
    "line that ends in LF": (400, GET.replace(b"\r\nHost", b"\nHost")),
    "CR in a header": (400, _get(HOST.strip(), b"X-A: a\rb")),
    "NUL in a header": (400, _get(HOST.strip(), b"X-A: a\0b")),
    "line without colon": (400, _get(HOST.strip(), b"X-A")),
    "no HTTP": (400, b"Good morning\r\n\r\n"),
    "version 0.9": (400, _get(HOST.strip(), version=b"0.9")),
    "version 2.0": (400, _get(HOST.strip(), version=b"2.0")),
    # Methods: 9110, 9.1
    "method nobody knows": (400, GET.replace(b"GET", b"FETCH")),
    "method in small letters": (400, GET.replace(b"GET", b"get")),
    "method that is no token": (400, GET.replace(b"GET", b"G@T")),
    # Host: 9112, 3.2, and 9110, 4.2 and 7.2
    "no Host": (400, _get()),
    "two Hosts": (400, _get(HOST.strip(), HOST.strip())),
    "empty Host": (400, _get(b"Host:")),
    "empty Host in HTTP/1.0": (400, _get(b"Host:", version=b"1.0")),
    "empty Host for everything": (400, b"OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n"),
    "space in Host": (400, _get(b"Host: a b")),
    "path in Host": (400, _get(b"Host: a/b")),
    "query in Host": (400, _get(b"Host: a?b")),
    "user in Host": (400, _get(b"Host: user@host")),
    "scheme in Host": (400, _get(b"Host: http://a")),
    "two names in Host": (400, _get(b"Host: a, b")),
    "half of an address in Host": (400, _get(b"Host: [::1")),
    "IPv6 address without brackets": (400, _get(b"Host: ::1")),
    "no IPv6 address": (400, _get(b"Host: [1::2::3]")),
    "name in brackets": (400, _get(b"Host: [blog.example]")),
    "byte above 127 in Host": (400, _get("Host: bl\u00f6g.example".encode())),
    "half an escape in Host": (400, _get(b"Host: a%4")),
    "port only": (400, _get(b"Host: :80")),
    "port that is none": (400, _get(b"Host: a:http")),
    "negative port": (400, _get(b"Host: a:-1")),
    "port too high": (400, _get(b"Host: a:65536")),
    "port of many digits": (400, _get(b"Host: a:" + b"9" * 5000)),
    "wrong Host in HTTP/1.0": (400, _get(b"Host: a/b", version=b"1.0")),
    # Targets: 9112, 3.2, and 9110, 4.2
    "absolute target and no Host": (400, _get(target=b"http://gatepost.example" + PAGE)),
    "absolute target and a wrong Host": (400, _get(b"Host: a/b", target=b"http://gatepost.example" + PAGE)),
    "absolute target without host": (400, _get(HOST.strip(), target=b"http://" + PAGE)),
    "absolute target with a user": (400, _get(HOST.strip(), target=b"http://user@gatepost.example" + PAGE)),
    "absolute target with a wrong port": (400, _get(HOST.strip(), target=b"http://gatepost.example:65536" + PAGE)),
    "absolute target of another scheme": (400, _get(HOST.strip(), target=b"ftp://gatepost.example" + PAGE)),
    "target that is no path": (400, _get(HOST.strip(), target=PAGE[1:])),
    "space in target": (400, _get(HOST.strip(), target=PAGE + b" a")),
    # Sizes: 9110, 5.4, and 9112, 3
    "40 kB of headers": (431, _headers(40)),
    "95 kB of headers": (431, _headers(95)),
    "too many headers": (431, _get(HOST.strip(), *(b"X-%d: a" % number for number in range(100)))),
    "header of 9 kB": (431, _get(HOST.strip(), b"X-A: " + b"a" * 9000)),
    "target of 25 kB": (431, _get(HOST.strip(), target=PAGE + b"?q=" + b"a" * 25_000)),
}
SPLITTABLE = {name: row for name, row in REFUSED.items() if len(row[1]) < 1000}

HOSTS = [
    b"gatepost.example",
    b"GATEPOST.example",
    b"gatepost.example:8080",
    b"gatepost.example:",
    b"gatepost.example:0",
    b"gatepost.example:065535",
    b"gatepost.example.",
    b"gate_post.example",
    b"xn--bcher-kva.example",
    b"b%C3%BCcher.example",
    b"localhost",
    b"127.0.0.1",
    b"127.0.0.1:8080",
    b"[::1]",
    b"[::1]:8080",
    b"[2001:db8::ffff:192.0.2.1]",
    b"[v1.fe80::a+en1]",
    b"  gatepost.example\t",
]
KEPT = b"Connection: keep-alive"
GOOD = {
    **{f"Host: {host.decode()}": (200, _get(b"Host: " + host)) for host in HOSTS},
    "HEAD": (200, GET.replace(b"GET", b"HEAD")),
    "blank lines before": (200, b"\r\n\r\n" + GET),
    "absolute target": (200, _get(HOST.strip(), target=b"http://gatepost.example" + PAGE)),
    "absolute target with another Host": (200, _get(HOST.strip(), target=b"HTTPS://other.example:8080" + PAGE)),
    "absolute target with an empty Host": (200, _get(b"Host:", target=b"http://[::1]:8080" + PAGE + b"?limit=1")),
    "everything": (404, b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n"),
    "method of WebDAV": (405, GET.replace(b"GET", b"PROPFIND")),
    "HTTP/1.0 without Host": (200, _get(KEPT, version=b"1.0")),
    "HTTP/1.0 with Host": (200, _get(KEPT, HOST.strip(), version=b"1.0")),
    "bytes above 127 in a header": (200, _get(HOST.strip(), b"X-A: \xe9\xff")),
    "empty header": (200, _get(HOST.strip(), b"X-A:")),
    "no space behind colon": (200, _get(b"Host:gatepost.example", b"X-A:a")),
    "tab in a header": (200, _get(HOST.strip(), b"X-A: a\tb")),
    "30 kB of headers": (200, _headers(29)),
    "target of 20 kB": (404, _get(HOST.strip(), target=b"/" + b"a" * 20_000)),
    "declined protocol": (200, _get(HOST.strip(), b"Connection: upgrade", b"Upgrade: websocket")),
    "unknown protocol": (200, _get(HOST.strip(), b"Connection: upgrade, HTTP2-Settings", b"Upgrade: h2c")),
    "protocol in HTTP/1.0": (200, _get(b"Connection: keep-alive, upgrade", b"Upgrade: h2c", version=b"1.0")),
    "length": (202, _post(b"Content-Length: 16", body=b'{"body":"Hello"}')),
    "length with zeros": (202, _post(b"Content-Length: 0016", body=b'{"body":"Hello"}')),
    "body of a declined protocol": (
        202,
        _post(b"Connection: upgrade", b"Upgrade: websocket", b"Content-Length: 16", body=b'{"body":"Hello"}'),
    ),
    "body of an unknown protocol": (
        202,
        _post(b"Connection: upgrade", b"Upgrade: h2c", b"Content-Length: 16", body=b'{"body":"Hello"}'),
    ),
    "waits to be asked, and does not": (
        202,
        _post(b"Expect: 100-continue", b"Content-Length: 16", body=b'{"body":"Hello"}'),
    ),
    **{
        f"Transfer-Encoding: {coding.decode()}": (
            202,
            _post(b"Transfer-Encoding: " + coding, body=b'8\r\n{"body":\r\n8\r\n"Hello"}\r\n0\r\n\r\n'),
        )
        for coding in (b"chunked", b"Chunked", b"CHUNKED", b"\t chunked ")
    },
    "extensions and trailers": (
        202,
        _post(
            b"Transfer-Encoding: chunked",
            b"Trailer: X-Sum",
            body=b'8;a=b\r\n{"body":\r\n08;c="d;e"\r\n"Hello"}\r\n0;f\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n',
        ),
    ),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gatepost(prepared_store: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gatepost]:
    async with serving(prepared_store, tmp_path_factory.mktemp("framing")) as served:
        await served.approved("In the hatch")
        await served.public()
        await served.public()
        server = served.running._runner.server
        assert server is not None
        server.limits = replace(server.limits, linger_seconds=DEADLINE_SECONDS)  # this machine may be very slow
        yield served


async def _statuses(gatepost: Gatepost, *segments: bytes, heads: Sequence[bool] = ()) -> list[int]:
    """Send these, one after the other, on one connection; the statuses of all replies until the service closes it.

    `heads` says which of the replies belong to HEAD, and have no body. An interim reply is left out.
    """
    person = gatepost.reader("ada").headers["Authorization"].encode()
    credentials = b"Authorization: " + person + b"\r\nContent-Type: application/json\r\nIdempotency-Key: same\r\n"
    address = urlsplit(gatepost.running.address)
    found: list[int] = []
    async with asyncio.timeout(DEADLINE_SECONDS):
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        try:
            for segment in segments:
                writer.write(segment.replace(WHO, credentials))
                await asyncio.sleep(0)
            while head := await _head(reader):
                status, length = head
                if status == 100:
                    continue
                found.append(status)
                if not (heads and heads[len(found) - 1]):
                    await reader.readexactly(length)
        finally:
            writer.close()
    return found


async def _head(reader: asyncio.StreamReader) -> tuple[int, int] | None:
    """Status and length of the next reply; None: the connection ended before it began."""
    try:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    except asyncio.IncompleteReadError as end:
        if end.partial:
            raise
        return None
    fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    return int(lines[0].split(" ")[1]), int(fields.get("content-length", "0"))


# --- What is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REFUSED)
async def test_a_bad_request_is_refused_wherever_it_stands_in_a_segment(gatepost: Gatepost, name: str) -> None:
    status, bad = REFUSED[name]
    assert await _statuses(gatepost, bad) == [status]
    assert await _statuses(gatepost, bad + LAST) == [status]
    assert await _statuses(gatepost, GET + bad + LAST) == [200, status]
    assert await _statuses(gatepost, GET + GET + bad + LAST) == [200, 200, status]


@pytest.mark.parametrize("name", REFUSED)
async def test_a_bad_request_is_refused_behind_others_of_earlier_segments(gatepost: Gatepost, name: str) -> None:
    status, bad = REFUSED[name]
    assert await _statuses(gatepost, GET, GET, bad, LAST) == [200, 200, status]
    assert await _statuses(gatepost, GET + bad[:9], bad[9:] + LAST) == [200, status]


@pytest.mark.parametrize("bad", [_get(b"Host: a b"), _headers(95), b"\r\n\0\r\n\r\n"], ids=["host", "long", "garbage"])
async def test_a_refusal_is_said_in_the_version_that_the_service_speaks(gatepost: Gatepost, bad: bytes) -> None:
    """RFC 9110, 2.5. Also behind a good request: one connection, one version."""
    address = urlsplit(gatepost.running.address)
    async with asyncio.timeout(DEADLINE_SECONDS):
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        try:
            writer.write(GET + bad)
            replies = await reader.read()
        finally:
            writer.close()
    assert re.findall(rb"HTTP/[0-9.]+ [0-9]", replies) == [b"HTTP/1.1 2", b"HTTP/1.1 4"]


@pytest.mark.parametrize("name", SPLITTABLE)
async def test_a_bad_request_is_refused_however_it_is_split(gatepost: Gatepost, name: str) -> None:
    status, bad = SPLITTABLE[name]
    assert await _statuses(gatepost, GET, *(bad[at : at + 1] for at in range(len(bad))), LAST) == [200, status]


@pytest.mark.parametrize("before", [b"", GET, LAST.replace(b"close", b"keep-alive")], ids=["alone", "second", "later"])
async def test_headers_that_never_end_are_refused_wherever_they_begin(gatepost: Gatepost, before: bytes) -> None:
    """Not only when the time for them is over: what they take is bounded."""
    endless = _headers(95)[:-2]
    expected = [200, 431] if before else [431]
    assert await _statuses(gatepost, before + endless) == expected
    assert (
        await _statuses(gatepost, before, *(endless[at : at + 3000] for at in range(0, len(endless), 3000))) == expected
    )


async def test_what_stands_behind_a_last_request_is_not_served(gatepost: Gatepost) -> None:
    """9112, 9.6: whatever it is; and the request has its own answer."""
    for behind in (GET, LAST, b"Good morning\r\n\r\n", b"\0", _headers(95)):
        assert await _statuses(gatepost, LAST + behind) == [200]
        assert await _statuses(gatepost, GET + LAST + behind) == [200, 200]
        assert await _statuses(gatepost, _get(version=b"1.0") + behind) == [200]
        assert await _statuses(
            gatepost, GOOD["length"][1].replace(b"\r\n", b"\r\nConnection: close\r\n", 1) + behind
        ) == [202]
        assert await _statuses(gatepost, b"CONNECT a:443 HTTP/1.1\r\n" + HOST + b"\r\n" + behind) == [404]


# --- What is not ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GOOD)
async def test_a_good_request_is_served_wherever_it_stands_in_a_segment(gatepost: Gatepost, name: str) -> None:
    status, good = GOOD[name]
    is_head = name == "HEAD"
    assert await _statuses(gatepost, good + LAST, heads=[is_head, False]) == [status, 200]
    assert await _statuses(gatepost, GET + good + LAST, heads=[False, is_head, False]) == [200, status, 200]
    assert await _statuses(gatepost, good * 2 + LAST, heads=[is_head, is_head, False]) == [status, status, 200]
    assert await _statuses(gatepost, good, good[:20], good[20:] + LAST, heads=[is_head, is_head, False]) == [
        status,
        status,
        200,
    ]


async def test_more_requests_than_are_read_ahead_are_all_answered(gatepost: Gatepost) -> None:
    upgrade = GOOD["declined protocol"][1]
    for request in (GET, upgrade, GOOD["length"][1]):
        found = await _statuses(gatepost, request * 100 + LAST)
        assert found == [202 if request is GOOD["length"][1] else 200] * 100 + [200]
    assert await _statuses(gatepost, GET * 100 + b"Good morning\r\n\r\n" + GET * 100) == [200] * 100 + [400]


# --- The parser by itself: every split --------------------------------------------------------------------------------


def _fed(*pieces: bytes) -> list[Arrived]:
    loop = asyncio.get_running_loop()
    protocol = BaseProtocol(loop)
    parser = JudgingParser(protocol, loop, limits=ConnectionLimits(), broken_body=lambda _: web.HTTPBadRequest())
    protocol._parser = parser
    return [found for piece in pieces for found in parser.feed_data(piece)[0]]


def _outcome(arrived: list[Arrived]) -> list[str | int]:
    return [head.path if isinstance(head, RawRequestMessage) else head.status for head, _ in arrived]


@pytest.mark.parametrize("name", REFUSED)
async def test_every_split_of_a_bad_request_has_the_same_outcome(name: str) -> None:
    status, bad = REFUSED[name]
    sent = GET + bad + GET
    expected = [PAGE.decode(), status]
    for cut in range(0, len(sent), max(1, len(sent) // 400)):
        assert _outcome(_fed(sent[:cut], sent[cut:])) == expected, cut


@pytest.mark.parametrize("name", GOOD)
async def test_every_split_of_a_good_request_has_the_same_outcome(name: str) -> None:
    _, good = GOOD[name]
    sent = GET + good + GET
    whole = _fed(sent)
    assert len(whole) == 3
    for cut in range(0, len(sent), max(1, len(sent) // 400)):
        assert _outcome(_fed(sent[:cut], sent[cut:])) == _outcome(whole), cut


@pytest.mark.parametrize("text", ["", " ", "a:b:1", "[::1]a", "[]", "[::1%25eth0]", "a\u212a", "a:\u0661", "a\n"])
async def test_what_names_no_host(text: str) -> None:
    assert not is_authority(text)
