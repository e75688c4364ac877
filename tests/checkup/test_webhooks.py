"""`gatepost check` on webhooks: is the receiver there, can we sign, does it take a test event."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from service import settings
from service.checkup import webhooks
from service.checkup.finding import Finding, Outcome
from service.metrics import Metrics
from service.model import POLICY, PostKey
from service.outbound.client import Outbound
from service.settings import SettingsError
from service.store import deliveries, events
from service.store import webhooks as webhooks_store
from service.store.database import Database, Transaction
from service.store.deliveries import State, Try
from tests.checkup.checked import examine
from tests.harness import Hands
from tests.store.scene import DELIVERY
from tests.webhooks.receiver import OTHER_SECRET, SECRET, Receiver

USUAL = {"name": "build", "url": "https://blog.example/hook", "secret_env": "HOOK_SECRET"}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that is up."""
    server = Receiver()
    await server.up()
    yield server
    await server.close()


async def examined(url: str, clock: Hands, *, send: bool = False) -> Finding:
    """What is found about a webhook to this address."""
    parsed = settings.parse({"sites": {"blog": {"name": "A blog", "webhooks": [{**USUAL, "url": url}]}}})
    async with Outbound(Metrics()) as client:
        (found,) = await webhooks.examine(parsed.sites["blog"], client, clock=clock, send=send)
    return found


async def test_a_receiver_is_connected_to_and_hears_nothing(
    receiver: Receiver, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    assert (await examined(receiver.url, clock)).outcome is Outcome.OK
    assert receiver.calls == []
    await receiver.down()
    found = await examined(receiver.url, clock)
    assert (found.outcome, bool(found.fix)) == (Outcome.FAIL, True)
    assert receiver.address not in found.text


async def test_a_host_that_no_name_can_have_is_found(clock: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    found = await examined("https://two..dots.example/hook", clock)
    assert (found.outcome, found.text) == (Outcome.FAIL, "cannot be reached (there is no host of this name)")


async def test_a_test_event_is_sent_where_that_is_asked_for(
    receiver: Receiver, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    assert (await examined(receiver.url, clock, send=True)).outcome is Outcome.OK
    assert [call["type"] for call in receiver.calls] == ["gatepost.test"]
    receiver.answer = lambda _: 404
    found = await examined(receiver.url, clock, send=True)
    assert (found.outcome, "its status is 404" in found.text) == (Outcome.FAIL, True)


@pytest.mark.parametrize(
    "secret",
    [
        None,
        "",
        "a secret",
        "whsec_",
        "whsec_!!!!",
        "whsec_c2hvcnQ=",
        f"{SECRET},nonsense",
        SECRET.removeprefix("whsec_"),
    ],
)
async def test_a_secret_that_cannot_sign_is_named_with_its_fix(
    secret: str | None, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOOK_SECRET", raising=False)
    if secret is not None:
        monkeypatch.setenv("HOOK_SECRET", secret)
    found = await examined("http://127.0.0.1:1/", clock)
    assert (found.outcome, found.text) == (Outcome.FAIL, "cannot sign")
    assert ("HOOK_SECRET" if secret is None else "openssl rand") in found.fix
    assert "nonsense" not in found.fix


async def test_two_secrets_are_good(receiver: Receiver, clock: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", f"{OTHER_SECRET}, {SECRET}")
    assert (await examined(receiver.url, clock, send=True)).outcome is Outcome.OK


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": "Build"}, "name"),
        ({"url": "blog.example/hook"}, "write an address"),
        ({"url": "ftp://blog.example/"}, "write an address"),
        ({"secret_env": None}, "give one of secret_env, secret_file"),
        ({"secret_file": "there"}, "give one of secret_env, secret_file"),
        ({"events": ["comment.aproved"]}, "is no event"),
        ({"with": "everything"}, "with"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"retry_seconds": [0]}, "retry_seconds"),
        ({"secret": SECRET}, "secret"),
    ],
)
def test_a_webhook_that_cannot_be_is_refused(wrong: dict[str, object], said: str) -> None:
    given = {name: value for name, value in {**USUAL, **wrong}.items() if value is not None}
    with pytest.raises(SettingsError, match=said) as mistake:
        settings.parse({"sites": {"blog": {"name": "A blog", "webhooks": [given]}}})
    assert SECRET not in str(mistake.value)


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(SettingsError, match='two webhooks are called "build"'):
        settings.parse({"sites": {"blog": {"name": "A blog", "webhooks": [USUAL, USUAL]}}})


STANDINGS = [
    ({}, Outcome.OK, "is well, 0 events behind", ""),
    ({"off": True}, Outcome.FAIL, "is off, 3 events behind, last at", "gatepost webhook resume build --site blog"),
    (
        {"refused": 7},
        Outcome.WARN,
        "is being tried again (0 deliveries), 3 events behind, last at",
        "mend the receiver",
    ),
    ({"state": State.RETRYING}, Outcome.WARN, "is being tried again (1 deliveries)", "mend the receiver"),
    ({"state": State.FAILED}, Outcome.WARN, "is well, 0 events behind; 1 deliveries were given up", "--state failed"),
]


@pytest.mark.parametrize(("stands", "outcome", "said", "fix"), STANDINGS)
async def test_how_a_webhook_stands_in_the_store_is_said(
    database: Database, stands: dict[str, Any], outcome: Outcome, said: str, fix: str
) -> None:
    site = settings.parse({"sites": {"blog": {"name": "A blog", "webhooks": [USUAL]}}}).sites["blog"]
    (webhook,) = site.webhooks
    wanted = dict(stands)

    def set_up(tx: Transaction) -> None:
        standing = webhooks_store.begin(tx, site.key, "build", configured=webhook.fingerprint)
        if state := wanted.pop("state", None):
            deliveries.add(tx, replace(DELIVERY, state=state))
        if wanted:
            off = webhook.fingerprint if wanted.pop("off", False) else None
            failure = Try(at=tx.now, status=410, error="its status is 410", ms=1)
            webhooks_store.save(tx, replace(standing, off=off, last_failure=failure, **wanted))
            for _ in range(3):
                events.append(tx, site.key, "post.opened", POLICY, post=PostKey("a post"))

    await database.write(set_up)
    (found,) = await webhooks.examine_standing(site, database)
    assert (found.outcome, found.subject) == (outcome, "webhook blog/build")
    assert found.text.startswith(said)
    assert fix in found.fix


async def test_the_store_is_asked_by_the_command_and_one_that_is_not_there_is_no_trouble(
    configured: dict[str, Any], clock: Hands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    configured["sites"]["blog"]["webhooks"] = [{**USUAL, "url": "http://127.0.0.1:1/"}]
    found = await examine(configured, clock)
    assert "is well, 0 events behind" in [one.text for one in found if one.subject == "webhook blog/build"]
    configured["database"]["url"] = f"sqlite:///{tmp_path}/none.db"
    found = await examine(configured, clock)
    assert len([one for one in found if one.subject == "webhook blog/build"]) == 1
    assert not (tmp_path / "none.db").exists()
