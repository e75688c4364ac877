"""Webhooks over HTTP and by commands: how they stand, and what an owner can order, with the whole service running."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from service import cli
from service.webhooks import webhook as webhook_module
from tests.conftest import StartGatepost
from tests.harness import Gatepost, Person
from tests.webhooks.receiver import SECRET, Receiver


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that is up."""
    server = Receiver()
    await server.up()
    yield server
    await server.close()


Started = tuple[Gatepost, Receiver]


@pytest.fixture
async def started(start_gatepost: StartGatepost, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Started:
    """A service with a webhook, and its receiver."""
    monkeypatch.setattr(webhook_module, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(webhook_module, "NOTE_SECONDS", 0.0)
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    url = receiver.url.replace("http://", "http://gatepost:a-password@") + "?key=a-secret"
    return await start_gatepost(webhooks=[{"name": "build", "url": url, "secret_env": "HOOK_SECRET"}]), receiver


def owner(gatepost: Gatepost) -> Person:
    """An admin."""
    return gatepost.reader("olga", roles=["admin"])


async def until(gatepost: Gatepost, holds: Callable[[Any], bool]) -> Any:
    """Asks until the webhook stands so."""
    for _ in range(3_000):
        (shown,) = (await owner(gatepost).get("webhooks")).json["webhooks"]
        if holds(shown):
            return shown
    raise AssertionError(shown)


async def deliveries(gatepost: Gatepost, **query: Any) -> Any:
    """A page of the webhook's deliveries."""
    answer = await owner(gatepost).get("webhooks/build/deliveries", params=query)
    assert answer.status == 200, answer.json
    return answer.json


async def test_what_happens_arrives_and_is_shown(started: Started) -> None:
    gatepost, receiver = started
    comment = await gatepost.approved("Hello")
    await receiver.until(lambda: len(receiver.taken) == 3)
    assert {call["data"]["comment"]["body"] for call in receiver.calls} == {comment["body"]}
    shown = await until(gatepost, lambda webhook: webhook["position"] == 2 and webhook["last_success_at"])
    assert shown["url"] == receiver.url.replace("http://", "http://gatepost:*****@") + "?*****"
    assert (shown["state"], shown["behind"], shown["failed"], shown["last_failure"]) == ("well", 0, 0, None)
    told = (await deliveries(gatepost))["deliveries"]
    assert {(one["event"]["type"], one["state"]) for one in told} == {
        ("comment.submitted", "delivered"),
        ("comment.approved", "delivered"),
        ("comment.published", "delivered"),
    }
    metrics = (await gatepost.visitor.get("/metrics")).body.decode()
    assert 'gatepost_webhook_deliveries_total{outcome="delivered",site="blog",webhook="build"} 3.0' in metrics
    assert 'gatepost_job_healthy{job="webhook:blog/build"} 1.0' in metrics


async def test_a_refused_one_is_shown_and_sent_again_by_hand(started: Started) -> None:
    gatepost, receiver = started
    receiver.answer = lambda _: 500
    await gatepost.reader("ada").submit("Hello")
    shown = await until(gatepost, lambda webhook: webhook["state"] == "retrying")
    assert shown["last_failure"]["error"] == "its status is 500"
    (row,) = (await deliveries(gatepost, state="retrying"))["deliveries"]
    assert (row["tries"][0]["status"], row["next_try_at"] > row["tries"][0]["at"]) == (500, True)
    receiver.answer = lambda _: 204
    path = f"webhooks/build/deliveries/{row['id']}/retry"
    assert (await owner(gatepost).call("POST", path)).status == 202
    await until(gatepost, lambda webhook: webhook["state"] == "well")
    assert [one["state"] for one in (await deliveries(gatepost))["deliveries"]] == ["delivered"]
    unknown = await owner(gatepost).call("POST", path.replace(row["id"], "no-such-id"))
    assert (unknown.status, unknown.code) == (404, "unknown-delivery")


async def test_deliveries_come_in_pages(started: Started) -> None:
    gatepost, receiver = started
    for number in range(3):
        await gatepost.reader("ada").submit(f"Hello {number}")
    await receiver.until(lambda: len(receiver.taken) == 3)
    await until(gatepost, lambda webhook: webhook["position"] == 3)
    whole = [one["id"] for one in (await deliveries(gatepost))["deliveries"]]
    first = await deliveries(gatepost, limit=2)
    rest = await deliveries(gatepost, limit=2, cursor=first["next"])
    assert [one["id"] for one in (*first["deliveries"], *rest["deliveries"])] == whole
    assert (await deliveries(gatepost, state="failed"))["deliveries"] == []


async def test_everything_since_a_number_is_sent_again_with_its_ids(started: Started) -> None:
    gatepost, receiver = started
    for number in range(4):
        await gatepost.reader("ada").submit(f"Hello {number}")
    await receiver.until(lambda: len(receiver.taken) == 4)
    await until(gatepost, lambda webhook: webhook["position"] == 4)
    answer = await owner(gatepost).call("POST", "webhooks/build/replay", json={"after_seq": 1, "until_seq": 3})
    assert (answer.status, answer.json) == (202, {"events": 2})
    await receiver.until(lambda: len(receiver.taken) == 6)
    ids = {call["data"]["seq"]: call["id"] for call in receiver.calls[:4]}
    assert {call["data"]["seq"]: call["id"] for call in receiver.calls[4:]} == {2: ids[2], 3: ids[3]}
    nothing = await owner(gatepost).call("POST", "webhooks/build/replay", json={"after_seq": 400})
    assert nothing.json == {"events": 0}


async def test_one_that_answered_410_goes_on_when_it_is_resumed(started: Started) -> None:
    gatepost, receiver = started
    receiver.answer = lambda _: 410
    await gatepost.reader("ada").submit("Hello")
    await until(gatepost, lambda webhook: webhook["state"] == "off")
    ready = (await gatepost.visitor.get("/health/ready")).json
    assert (ready["status"], ready["checks"]["webhook:blog/build"][0]["status"]) == ("warn", "warn")
    receiver.answer = lambda _: 204
    assert (await owner(gatepost).call("POST", "webhooks/build/resume")).status == 202
    await until(gatepost, lambda webhook: webhook["state"] == "well" and webhook["position"] == 1)
    assert len(receiver.taken) == 1


async def test_a_test_is_sent_at_once_and_answered_with_what_came_back(started: Started) -> None:
    gatepost, receiver = started
    answer = await owner(gatepost).call("POST", "webhooks/build/test")
    assert (answer.status, answer.json["status"], answer.json["error"]) == (200, 204, None)
    assert [(call["type"], call["data"]) for call in receiver.calls] == [("gatepost.test", {"site": "blog", "seq": 0})]
    await receiver.down()
    refused = await owner(gatepost).call("POST", "webhooks/build/test")
    assert (refused.status, refused.json["status"]) == (200, None)
    assert "nothing listens there" in refused.json["error"] or "no usable answer" in refused.json["error"]


CALLS = [
    ("GET", "webhooks"),
    ("GET", "webhooks/build/deliveries"),
    ("POST", "webhooks/build/deliveries/an-id/retry"),
    ("POST", "webhooks/build/replay"),
    ("POST", "webhooks/build/resume"),
    ("POST", "webhooks/build/test"),
]


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_they_are_for_admins(started: Started, method: str, path: str) -> None:
    gatepost, receiver = started
    body: dict[str, Any] = {"json": {"after_seq": 0}} if path.endswith("replay") else {}
    assert (await gatepost.visitor.call(method, path, **body)).status == 401
    assert (await gatepost.reader("ada").call(method, path, **body)).status == 403
    assert (await gatepost.moderator().call(method, path, **body)).status == 403
    assert receiver.calls == []


@pytest.mark.parametrize(("method", "path"), CALLS[1:])
async def test_one_that_is_not_configured_is_unknown(started: Started, method: str, path: str) -> None:
    body: dict[str, Any] = {"json": {"after_seq": 0}} if path.endswith("replay") else {}
    answer = await owner(started[0]).call(method, path.replace("build", "other"), **body)
    assert (answer.status, answer.code) == (404, "unknown-webhook")


@pytest.mark.sqlite_only(reason="the commands are given the file that the service has open")
async def test_commands_do_the_same(started: Started, tmp_path: Any, store_path: Any) -> None:
    gatepost, receiver = started
    config = tmp_path / "gatepost.toml"
    config.write_text(
        f"""
[database]
url = "sqlite:///{store_path}"
[sites.blog]
name = "A blog"
[[sites.blog.webhooks]]
name = "build"
url = "{receiver.url}"
secret_env = "HOOK_SECRET"
"""
    )

    async def run(*words: str, status: int = 0) -> str:
        done = await asyncio.to_thread(CliRunner().invoke, cli.app, ["webhook", *words, "--config", str(config)])
        assert done.exit_code == status, done.output
        return done.output

    receiver.answer = lambda _: 500
    await gatepost.reader("ada").submit("Hello")
    await until(gatepost, lambda webhook: webhook["state"] == "retrying")
    assert "its status is 500" in await run("list")
    (row,) = (await deliveries(gatepost))["deliveries"]
    assert row["id"] in await run("deliveries", "build", "--site", "blog", "--state", "retrying")
    receiver.answer = lambda _: 204
    await run("retry", "build", row["id"], "--site", "blog")
    gatepost.clock.advance(seconds=120)  # the command has another clock, which went on meanwhile
    await until(gatepost, lambda webhook: webhook["state"] == "well")
    assert (await run("replay", "build", "--site", "blog", "--after", "0")).startswith("1 events")
    await receiver.until(lambda: len(receiver.taken) == 2)
    assert "goes on" in await run("resume", "build", "--site", "blog")
    assert "took it: status 204" in await run("test", "build", "--site", "blog")
    receiver.answer = lambda _: 418
    assert "its status is 418" in await run("test", "build", "--site", "blog", status=1)
    assert "no webhook" in await run("test", "other", "--site", "blog", status=2)
