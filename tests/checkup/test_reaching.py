"""What is said about a server that cannot be reached: by `check` with its fix, and in the log and readiness alike."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from service.delivery.purge_call import PurgeCall, PurgeError
from service.metrics import Metrics
from service.outbound import unreachable
from service.outbound.client import Outbound
from service.settings import Purge
from tests.auth.certificates import certificate
from tests.auth.local_server import LocalServer, always
from tests.checkup.checked import FAIL, examine, run_check, the_one_about
from tests.conftest import StartGatepost
from tests.harness import Hands

HERE = IPv4Address("127.0.0.1")
Place = Callable[[Path, AsyncExitStack], Awaitable[str]]


async def with_certificate(stack: AsyncExitStack, path: Path, **made: Any) -> str:
    server = LocalServer(tls=certificate(path / "server.pem", **made))
    await server.up()
    stack.push_async_callback(server.close)
    server.handlers["/whoami"] = always(text="null")
    return f"{server.address}/whoami"


async def self_signed(path: Path, stack: AsyncExitStack) -> str:
    return await with_certificate(stack, path, names=[HERE])


async def plain_http(path: Path, stack: AsyncExitStack) -> str:
    server = LocalServer()
    await server.up()
    stack.push_async_callback(server.close)
    return f"https://127.0.0.1:{server.port}/whoami"


async def no_such_name(path: Path, stack: AsyncExitStack) -> str:
    return "http://blog.invalid/whoami"


async def nobody_there(path: Path, stack: AsyncExitStack) -> str:
    server = LocalServer()
    stack.push_async_callback(server.close)
    return f"{server.address}/whoami"


PLACES: dict[str, tuple[Place, str, str]] = {
    "self-signed": (self_signed, "its certificate is not one that this machine trusts (self-signed", "SSL_CERT_FILE="),
    "plain http": (plain_http, "it does not speak TLS", "write http://"),
    "no such host": (no_such_name, "", "DNS"),
    "nobody listens": (nobody_there, "Connection refused", "correct host and port"),
}


@pytest.fixture(params=PLACES)
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[str, str, str]]:
    make, words, fix = PLACES[request.param]
    async with AsyncExitStack() as stack:
        yield await make(tmp_path, stack), words or name_fault(), fix


def name_fault() -> str:
    """What this machine says of a name that never exists (RFC 6761): some say "none", some that they cannot ask."""
    with pytest.raises(socket.gaierror) as fault:
        socket.getaddrinfo("blog.invalid", 80)
    return unreachable.why(fault.value).cause


def session(url: str) -> dict[str, Any]:
    return {"kind": "session", "url": url, "cookies": ["sid"]}


async def test_blog_out_of_reach_is_found_with_the_reason_and_its_own_fix(
    configured: dict[str, Any], clock: Hands, place: tuple[str, str, str]
) -> None:
    url, words, fix = place
    configured["sites"]["blog"]["login"] = [session(url)]
    said = the_one_about(await examine(configured, clock), "login blog/session")
    assert said.outcome is FAIL
    assert f"cannot be asked (no usable answer ({words}" in said.text
    assert fix in said.fix


async def test_issuer_out_of_reach_is_found_with_the_reason_and_its_own_fix(
    configured: dict[str, Any], clock: Hands, place: tuple[str, str, str]
) -> None:
    url, words, fix = place
    configured["sites"]["blog"]["login"] = [{"kind": "oidc", "issuer": url, "audience": "g", "allow_http": True}]
    said = the_one_about(await examine(configured, clock), "login blog/oidc")
    assert (said.outcome, words in said.text, fix in said.fix) == (FAIL, True, True), said


async def test_log_and_readiness_say_the_same(start_gatepost: StartGatepost, place: tuple[str, str, str]) -> None:
    url, words, _ = place
    gatepost = await start_gatepost(login=[session(url)])
    with capture_logs() as events:
        answer = await gatepost.visitor.get("me", headers={"Cookie": "sid=1"})
    assert answer.status == 503
    (failed,) = [event for event in events if event["event"] == "login.fetch_failed"]
    assert words in failed["reason"]
    ready = await gatepost.visitor.get("/health/ready")
    assert words in ready.json["checks"]["login:blog/session"][0]["output"]


async def test_cache_out_of_reach_is_said_in_the_same_words(place: tuple[str, str, str]) -> None:
    url, words, fix = place
    async with Outbound(Metrics()) as client:
        with pytest.raises(PurgeError) as fault:
            await PurgeCall(Purge(url=url), client).purge(["tag"])
    assert words in str(fault.value)
    assert fix in fault.value.fix


# Once the machine trusts the authority, what is still wrong is the certificate itself. A process reads it once.


@pytest.mark.parametrize(
    ("made", "status", "words"),
    [
        ({"names": [HERE]}, 0, "answered a made-up cookie with 200: nobody is logged in"),
        ({"names": ["blog.example"]}, 1, "its certificate is for another name"),
        ({"names": [HERE], "ends_in_days": -1}, 1, "its certificate has expired"),
    ],
    ids=["right", "another name", "expired"],
)
async def test_private_authority_is_trusted_by_the_variable_that_the_fix_names(
    configured: dict[str, Any], tmp_path: Path, made: dict[str, Any], status: int, words: str
) -> None:
    async with AsyncExitStack() as stack:
        configured["sites"]["blog"]["login"] = [session(await with_certificate(stack, tmp_path, **made))]
        found = await run_check(configured, tmp_path, SSL_CERT_FILE=str(tmp_path / "server.pem"))
    assert words in found.out, found
    assert found.status == status
    assert ("SSL_CERT_FILE" in found.out) is False
