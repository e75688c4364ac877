"""Whatever the other side does, a fetch ends soon, holds little memory and gives strict JSON or LoginUnavailable."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from service.auth.fetch import MAX_RETRY_AFTER_SECONDS, Fetch
from service.auth.login import RETRY_AFTER_SECONDS, reason_of
from service.errors import LoginUnavailable
from service.metrics import Metrics
from service.outbound.client import Outbound
from tests.auth.fetching import fetching
from tests.auth.local_server import Handler, LocalServer, always, endless

TOO_LONG_SECONDS = 0.05
KILOBYTE = 1024


@pytest.fixture
async def server() -> AsyncIterator[LocalServer]:
    opened = LocalServer()
    await opened.up()
    yield opened
    await opened.close()


@pytest.fixture
async def fetch() -> AsyncIterator[Fetch]:
    async with fetching() as opened:
        yield opened


async def reason_for(fetch: Fetch, url: str) -> str:
    with pytest.raises(LoginUnavailable) as fault:
        await fetch.get(url)
    return reason_of(fault.value)


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "Application/JSON", "application/jwk-set+json"],
)
async def test_json_is_read(content_type: str, server: LocalServer, fetch: Fetch) -> None:
    server.handlers["/"] = always(text='{"name": "Ada \\u00e9"}', content_type=content_type)
    reply = await fetch.get(server.address + "/")
    assert reply.status == 200
    assert reply.value == {"name": "Ada é"}


BAD_ANSWERS: dict[str, tuple[Handler, str]] = {
    "HTML": (always(text="{}", content_type="text/html"), "content type"),
    "text": (always(text="{}", content_type="text/plain"), "content type"),
    "type that only ends like JSON": (always(text="{}", content_type="text/x+json"), "content type"),
    "no type": (always(text="{}", content_type=None), "content type"),
    "Latin-1": (always(text="{}", content_type="application/json; charset=latin-1"), "content type"),
    "broken": (always(text='{"keys": ['), "not JSON"),
    "empty": (always(text=""), "not JSON"),
    "not UTF-8": (always(text=b'"\xff"'), "UTF-8"),
    "byte order mark": (always(text=b"\xef\xbb\xbf{}"), "not JSON"),
    "member twice": (always(text='{"id": 1, "id": 2}'), "twice"),
    "NaN": (always(text='{"id": NaN}'), "NaN"),
    "out of range": (always(text='{"id": 1e999}'), "range"),
    "digits without end": (always(text="9" * 10_000), "no good"),
    "lone surrogate": (always(text='{"name": "\\ud800"}'), "half a character"),
    "lone surrogate in a name": (always(text='{"\\udfff": 1}'), "half a character"),
    "NUL": (always(text='{"name": "a\\u0000"}'), "NUL"),
    "33 levels": (always(text="[" * 34 + "]" * 34), "deep"),
    "100000 levels": (always(text="[" * 100_000), "deep"),
    "compressed": (always(text=gzip.compress(b"{}"), Content_Encoding="gzip"), "compressed"),
    "redirect": (always(text="{}", status=302, Location="/elsewhere"), "redirects (302)"),
    "permanent redirect": (always(text="{}", status=308, Location="/elsewhere"), "redirects (308)"),
    "no content": (always(text="", status=204), "not 200 (204)"),
    "not found": (always(text="{}", status=404), "not 200 (404)"),
    "its own failure": (always(text="{}", status=500), "not 200 (500)"),
    "20 kB of headers": (always(text="{}", X_Long="x" * 20_000), "no usable answer"),
    "endless": (endless, "larger than 1048576 bytes"),
    "10 MB": (always(text=b'"' + b"x" * 10 * KILOBYTE * KILOBYTE + b'"'), "larger than 1048576 bytes"),
}


@pytest.mark.parametrize("answer", BAD_ANSWERS)
async def test_bad_answer_is_a_fault_with_a_reason(answer: str, server: LocalServer, fetch: Fetch) -> None:
    server.handlers["/"], part_of_reason = BAD_ANSWERS[answer]
    server.handlers["/elsewhere"] = always(text='{"id": "somebody"}')
    assert part_of_reason in await reason_for(fetch, server.address + "/")
    assert server.asked["/elsewhere"] == 0


async def test_long_answer_is_read_as_strictly_as_a_short_one(server: LocalServer, fetch: Fetch) -> None:
    items = ["x" * 40] * 10_000
    server.handlers["/"] = always(text=json.dumps(items))
    assert (await fetch.get(server.address + "/")).value == items
    server.handlers["/"] = always(text=json.dumps([*items, "\ud800"]))
    assert "half a character" in await reason_for(fetch, server.address + "/")


async def test_answer_of_exactly_the_limit_is_read_and_one_byte_more_is_not(server: LocalServer) -> None:
    async with fetching(max_bytes=KILOBYTE) as fetch:
        server.handlers["/"] = always(text=json.dumps("x" * (KILOBYTE - 2)))
        assert len((await fetch.get(server.address + "/")).value) == KILOBYTE - 2
        server.handlers["/"] = always(text=json.dumps("x" * (KILOBYTE - 1)))
        assert "larger than 1024 bytes" in await reason_for(fetch, server.address + "/")


@pytest.mark.parametrize("where", ["before the answer", "in the middle of it"])
async def test_slow_answer_is_given_up(where: str, server: LocalServer) -> None:
    server.handlers["/"] = server.hang if where == "before the answer" else server.hang_in_the_middle
    async with fetching(total_seconds=TOO_LONG_SECONDS) as fetch:
        assert "no complete answer within 0.05 seconds" in await reason_for(fetch, server.address + "/")


async def test_server_that_is_down_is_a_fault_and_works_again_when_it_is_up(server: LocalServer, fetch: Fetch) -> None:
    server.handlers["/"] = always(text="{}")
    assert (await fetch.get(server.address + "/")).status == 200
    await server.down()
    assert "no usable answer" in await reason_for(fetch, server.address + "/")
    await server.up()
    assert (await fetch.get(server.address + "/")).status == 200


async def test_connection_that_breaks_in_the_middle_is_a_fault(server: LocalServer, fetch: Fetch) -> None:
    async def broken(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"{")
        assert request.transport is not None
        request.transport.abort()
        return response

    server.handlers["/"] = broken
    assert "no usable answer" in await reason_for(fetch, server.address + "/")


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/", "file:///etc/passwd", "no address", "http://", "http://[::1", "http://a b/"]
)
async def test_address_that_is_none_is_a_fault(url: str, fetch: Fetch) -> None:
    assert await reason_for(fetch, url)


async def test_status_that_the_caller_expects_comes_back_without_its_body(server: LocalServer, fetch: Fetch) -> None:
    server.handlers["/"] = always(text="<html>", content_type="text/html", status=401)
    reply = await fetch.get(server.address + "/", also=(401, 403))
    assert (reply.status, reply.value) == (401, None)


async def test_redirect_is_never_followed_even_where_the_caller_expects_it(server: LocalServer, fetch: Fetch) -> None:
    server.handlers["/"] = always(text="{}", status=302, Location="/login")
    server.handlers["/login"] = always(text='{"id": "somebody"}')
    assert (await fetch.get(server.address + "/", also=(302,))).value is None
    assert server.asked["/login"] == 0


async def test_cookies_are_neither_kept_nor_sent_back(server: LocalServer, fetch: Fetch) -> None:
    seen: list[str | None] = []

    async def setting(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("Cookie"))
        return web.json_response({}, headers={"Set-Cookie": "session=somebody; Path=/"})

    server.handlers["/"] = setting
    await fetch.get(server.address + "/")
    await fetch.get(server.address + "/", headers={"Cookie": "blog=mine"})
    await fetch.get(server.address + "/")
    assert seen == [None, "blog=mine", None]


async def test_request_asks_for_plain_json_and_carries_what_the_caller_adds(server: LocalServer, fetch: Fetch) -> None:
    seen: dict[str, str] = {}

    async def listening(request: web.Request) -> web.StreamResponse:
        seen.update(request.headers)
        seen["body"] = (await request.read()).decode()
        return web.json_response({})

    server.handlers["/"] = listening
    await fetch.post(server.address + "/", {"token": "a b&c"}, headers={"Authorization": "Basic x"})
    assert seen["Accept"] == "application/json"
    assert seen["Accept-Encoding"] == "identity"
    assert seen["Authorization"] == "Basic x"
    assert seen["Content-Type"] == "application/x-www-form-urlencoded"
    assert seen["body"] == "token=a+b%26c"


async def test_proxy_of_the_environment_is_not_used(
    server: LocalServer, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    server.handlers["/"] = always(text="{}")
    assert (await fetch.get(server.address + "/")).status == 200


@pytest.mark.parametrize(
    ("said", "passed_on"),
    [
        ("7", 7),
        ("0", 1),
        ("86400", MAX_RETRY_AFTER_SECONDS),
        ("-1", RETRY_AFTER_SECONDS),
        ("Wed, 21 Oct 2026 07:28:00 GMT", RETRY_AFTER_SECONDS),
        ("²", RETRY_AFTER_SECONDS),
        ("9" * 5000, RETRY_AFTER_SECONDS),
    ],
)
async def test_time_to_wait_is_passed_on_within_reason(
    said: str, passed_on: int, server: LocalServer, fetch: Fetch
) -> None:
    server.handlers["/"] = always(text="{}", status=503, Retry_After=said)
    with pytest.raises(LoginUnavailable) as fault:
        await fetch.get(server.address + "/")
    assert fault.value.retry_after_seconds == passed_on


async def test_fault_is_logged_without_what_may_be_secret_in_the_address(server: LocalServer, fetch: Fetch) -> None:
    address = server.address.replace("http://", "http://name:password@")
    with capture_logs() as events, pytest.raises(LoginUnavailable) as fault:
        await fetch.get(f"{address}/who?token=secret#part")
    assert events == [
        {
            "event": "login.fetch_failed",
            "log_level": "warning",
            "method": "GET",
            "url": f"{server.address}/who",
            "reason": "its status is not 200 (404)",
        }
    ]
    assert "secret" not in str(fault.value)
    assert fault.value.detail == LoginUnavailable().detail


async def test_fetch_after_the_end_is_a_fault_and_closing_twice_is_none(server: LocalServer) -> None:
    client = Outbound(Metrics())
    fetch = Fetch(client)
    server.handlers["/"] = always(text="{}")
    await fetch.get(server.address + "/")
    await client.close()
    await client.close()
    assert await reason_for(fetch, server.address + "/") == "the service is stopping"


async def test_caller_who_gives_up_stays_given_up(server: LocalServer, fetch: Fetch) -> None:
    """A cancelled request must not be answered with LoginUnavailable: nobody is there to hear it."""
    arrived = asyncio.Event()

    async def hanging(request: web.Request) -> web.StreamResponse:
        arrived.set()
        return await server.hang(request)

    server.handlers["/"] = hanging
    waiting = asyncio.create_task(fetch.get(server.address + "/"))
    await arrived.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
