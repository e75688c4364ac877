"""`gatepost check` on webhooks: is the receiver there, can we sign, does it take a test event."""

from collections.abc import AsyncIterator

import pytest

from service import settings
from service.checkup import webhooks
from service.checkup.finding import Finding, Outcome
from service.metrics import Metrics
from service.outbound.client import Outbound
from service.settings import SettingsError
from tests.harness import Hands
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
