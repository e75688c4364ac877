"""A proxy that is not configured makes all readers one: the log, readiness and `check` say so, and say its address."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from structlog.testing import capture_logs

from service import settings
from service.checkup import listening
from service.checkup.finding import Outcome
from service.web.address import MOST_NOTICED, Addresses
from tests.conftest import StartGatepost
from tests.harness import Gatepost

LINE = "127.0.0.1 sends X-Forwarded-For and is not in server.trusted_proxies: all readers behind it count as one"
PUBLIC = "/v1/sites/blog/posts/post/comments"


def untrusted(events: list[Any]) -> list[str]:
    return [event["peer"] for event in events if event["event"] == "proxy.untrusted"]


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
async def test_proxy_that_is_not_trusted_is_logged_once_and_warned_of(gatepost: Gatepost, header: str) -> None:
    with capture_logs() as events:
        for number in range(3):
            told = {"X-Forwarded-For": f"203.0.113.{number}", "Forwarded": f"for=203.0.113.{number}"}
            assert (await gatepost.visitor.get(PUBLIC, headers={header: told[header]})).status == 200
    assert untrusted(events) == ["127.0.0.1"]
    assert "203.0.113" not in str([event for event in events if event["event"] == "proxy.untrusted"])
    ready = await gatepost.visitor.get("/health/ready")
    assert (ready.status, ready.json["status"]) == (200, "warn")
    assert ready.json["checks"]["proxy:untrusted"] == [{"status": "warn", "output": LINE}]


async def test_check_passes_on_what_the_running_service_saw(gatepost: Gatepost) -> None:
    server = settings.parse({"server": {"port": urlsplit(gatepost.running.address).port}}).server
    (fine,) = await listening.examine(server)
    await gatepost.visitor.get(PUBLIC, headers={"X-Forwarded-For": "203.0.113.9"})
    again, found = await listening.examine(server)
    assert again == fine
    assert (found.outcome, found.subject) == (Outcome.WARN, "trusted proxies")
    assert found.text == f"the running service says: {LINE}"
    assert found.fix == "if that is your proxy, add its address"


async def test_nothing_is_said_of_a_trusted_proxy_or_of_readers_without_one(start_gatepost: StartGatepost) -> None:
    def trust(values: dict[str, Any]) -> None:
        values["server"]["trusted_proxies"] = ["127.0.0.1"]

    gatepost = await start_gatepost(change=trust)
    with capture_logs() as events:
        await gatepost.visitor.get(PUBLIC)
        await gatepost.visitor.get(PUBLIC, headers={"X-Forwarded-For": "203.0.113.9"})
    assert untrusted(events) == []
    assert "proxy:untrusted" not in (await gatepost.visitor.get("/health/ready")).json["checks"]


@pytest.mark.parametrize(
    ("peer", "is_noticed"),
    [
        ("172.18.0.1", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("fd00::1", True),
        ("::ffff:10.0.0.5", True),
        ("100.64.0.1", True),
        ("8.8.8.8", False),
        ("2606:4700::1", False),
    ],
)
def test_only_an_address_that_is_nobodys_on_the_internet_is_logged(peer: str, is_noticed: bool) -> None:
    addresses = Addresses([])
    headers = CIMultiDictProxy(CIMultiDict({"X-Forwarded-For": "203.0.113.9"}))
    with capture_logs() as events:
        assert addresses.group_of((peer, 1), headers)
    assert bool(untrusted(events)) is bool(addresses.unbelieved()) is is_noticed


def test_memory_and_log_are_bounded_however_many_peers_there_are() -> None:
    addresses = Addresses([])
    headers = CIMultiDictProxy(CIMultiDict({"X-Forwarded-For": "203.0.113.9"}))
    with capture_logs() as events:
        for number in range(100):
            addresses.group_of((f"10.0.0.{number}", 1), headers)
    assert len(untrusted(events)) == len(addresses.unbelieved()) == MOST_NOTICED
