"""The client for every call: how long and how much, and what is counted. `tests/auth/test_fetch.py`
has what the other side may do wrong."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from service.metrics import Metrics
from service.outbound.client import CallError, Outbound, Terms
from tests.auth.local_server import LocalServer, always

CONFIGURED = Terms("login", total_seconds=5.0, max_bytes=1024)


@pytest.fixture
async def server() -> AsyncIterator[LocalServer]:
    opened = LocalServer()
    await opened.up()
    opened.handlers["/"] = always(text="hello")
    yield opened
    await opened.close()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def client(metrics: Metrics) -> AsyncIterator[Outbound]:
    async with Outbound(metrics) as opened:
        yield opened


async def ask(client: Outbound, url: str, terms: Terms) -> tuple[int, bytes]:
    async with client.call("GET", url, terms) as answer:
        return answer.status, await answer.body()


async def ask_for_nothing(client: Outbound, url: str) -> None:
    async with client.call("GET", url, CONFIGURED):
        pass


def counted(metrics: Metrics) -> dict[tuple[str, str], float]:
    """How many calls there were, by purpose and outcome."""
    (family,) = metrics.outbound_calls.collect()
    return {(one.labels["purpose"], one.labels["outcome"]): one.value for one in family.samples}


async def test_an_address_that_the_operator_wrote_may_be_private(
    client: Outbound, server: LocalServer, metrics: Metrics
) -> None:
    assert await ask(client, f"{server.address}/", CONFIGURED) == (200, b"hello")
    assert counted(metrics) == {("login", "2xx"): 1}


async def test_a_redirect_is_an_answer_and_is_not_followed(client: Outbound, server: LocalServer) -> None:
    server.handlers["/"] = always(text="", status=307, Location="/elsewhere")
    async with client.call("POST", f"{server.address}/", CONFIGURED) as answer:
        assert (answer.status, answer.headers["Location"]) == (307, "/elsewhere")
    assert server.asked == {"/": 1}


async def test_a_server_that_hangs_holds_up_no_call_of_another_purpose(
    client: Outbound, server: LocalServer, metrics: Metrics
) -> None:
    """There are a hundred connections for one purpose; all of them wait."""
    arrived = asyncio.Event()

    async def hanging(request: web.Request) -> web.StreamResponse:
        if server.asked["/hang"] == 100:
            arrived.set()
        return await server.hang(request)

    server.handlers["/hang"] = hanging
    patient = Terms("login", total_seconds=60.0, max_bytes=1024)
    waiting = [asyncio.create_task(ask(client, f"{server.address}/hang", patient)) for _ in range(101)]
    await arrived.wait()
    purge = Terms("purge", total_seconds=60.0, max_bytes=1024)
    assert await ask(client, f"{server.address}/", purge) == (200, b"hello")
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert counted(metrics) == {("purge", "2xx"): 1, ("login", "cancelled"): 101}


async def test_every_outcome_is_counted(server: LocalServer, metrics: Metrics) -> None:
    server.handlers["/slow"] = server.hang
    server.handlers["/large"] = always(text="x" * 1025)
    server.handlers["/gone"] = always(text="", status=404)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}/"
    hasty = Terms("login", total_seconds=0.05, max_bytes=1024)
    calls = [
        (f"{server.address}/large", CONFIGURED),
        (f"{server.address}/slow", hasty),
        (nobody, CONFIGURED),
        ("ftp://127.0.0.1/", CONFIGURED),
    ]
    client = Outbound(metrics)
    await ask_for_nothing(client, f"{server.address}/gone")
    for url, terms in calls:
        with pytest.raises(CallError):
            await ask(client, url, terms)
    await client.close()
    with pytest.raises(CallError, match="the service is stopping"):
        await ask(client, f"{server.address}/", CONFIGURED)
    outcomes = ["4xx", "unusable", "late", "unreachable", "refused", "cancelled"]
    assert counted(metrics) == {("login", outcome): 1 for outcome in outcomes}
