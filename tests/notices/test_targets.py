"""Targets of notices, through Apprise to real servers: what arrives, what comes back, and what nobody is shown."""

import logging
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring

from service.notice_settings import NoticeSettings
from service.notices import targets
from service.notices.letter import Letter
from service.notices.targets import Target
from tests.notices.post import VARIABLE, Chat, Post

SETTINGS = NoticeSettings(name="moderators", to_env=VARIABLE)
LETTER = Letter("Two wait", ("They wait.", ("one", "two")), "https://comments.example/desk/blog/")
SECRET = "a-very-secret-word"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Opens the targets of these addresses."""

    def open_all(*addresses: str) -> list[Target]:
        monkeypatch.setenv(VARIABLE, ", ".join(addresses))
        return targets.open_all(SETTINGS)

    return open_all


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """Every line that a library logs and the service would show."""
    lines: list[str] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if not record.name.startswith(("aiohttp", "mail.log")):  # the servers of the tests
                lines.append(record.getMessage())

    root, handler = logging.getLogger(), Lines()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(handler)
    root.setLevel(level)


async def test_json_form_and_xml_arrive(chat: Chat, opened: Any) -> None:
    found = opened(*(f"{kind}://user:{SECRET}@{chat.place}/{kind}" for kind in ("json", "form", "xml")))
    assert [(await target.send(LETTER)).error for target in found] == [None] * 3
    text = LETTER.body("text")
    calls = {call.path: call for call in chat.calls}
    assert (calls["/json"].json["title"], calls["/json"].json["message"]) == (LETTER.title, text)
    form = parse_qs(calls["/form"].body.decode())
    assert (form["title"], form["message"]) == ([LETTER.title], [text])
    xml: Element = fromstring(calls["/xml"].body)
    assert text in [element.text for element in xml.iter()]


async def test_a_mail_arrives(post: Post, opened: Any) -> None:
    (target,) = opened(f"mailto://127.0.0.1:{post.port}/?from=gatepost@blog.example&to=mo@blog.example&mode=insecure")
    assert (await target.send(LETTER)).error is None
    (mail,) = post.mails
    assert (mail["Subject"], mail["From"], mail["To"]) == (LETTER.title, "gatepost@blog.example", "mo@blog.example")
    assert mail.get_content().splitlines() == LETTER.body("text").splitlines()


@pytest.mark.parametrize("at", ["@", "%40"])
async def test_each_recipient_of_mails_is_told_apart_and_not_named(
    post: Post, opened: Any, logged: list[str], at: str
) -> None:
    post.unknown = "kim@blog.example"
    to = f"mo{at}blog.example,kim{at}blog.example"
    found = opened(f"mailto://127.0.0.1:{post.port}/?from=gatepost@blog.example&to={to}&mode=insecure")
    mo, kim = [await target.send(LETTER) for target in found]
    assert (mo.error, [mail["To"] for mail in post.mails]) == (None, ["mo@blog.example"])
    assert kim.error is not None
    assert mo.target.id != kim.target.id
    assert "kim" not in f"{kim.error} {logged}"
    assert "blog.example" not in f"{kim.error} {logged}"


async def test_what_goes_wrong_is_said_without_the_address(chat: Chat, opened: Any, logged: list[str]) -> None:
    chat.status = 500
    found = opened(
        f"json://user:{SECRET}@{chat.place}/{SECRET}",
        f"ntfy://{chat.place}/{SECRET}",
        f"json://{SECRET}:x@127.0.0.1:1/",
        f"mailto://127.0.0.1:1/?from=gatepost@blog.example&to={SECRET}@blog.example&mode=insecure",
    )
    told = [await target.send(LETTER) for target in found]
    assert all(one.error for one in told)
    assert "500" in str(told[0].error)
    shown = f"{[(one.error, one.target.label, one.target.id) for one in told]} {logged}"
    assert SECRET not in shown
    assert chat.place not in shown
    assert [one.target.label for one in told] == ["JSON (1)", "ntfy (2)", "JSON (3)", "E-Mail (4)"]


async def test_a_target_that_hangs_is_given_up_and_not_asked_again_meanwhile(
    chat: Chat, opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "DEADLINE_SECONDS", 0.05)
    chat.handlers["/hang"] = chat.hang
    (target,) = opened(f"json://{chat.place}/hang?rto=60")
    assert (await target.send(LETTER)).error == "no answer within 0.05 seconds"
    assert (await target.send(LETTER)).error == "it still has not answered the notice before"


async def test_redirects_are_not_followed(chat: Chat, opened: Any) -> None:
    async def redirect(request: Any) -> Any:
        answer = await chat.take(request)
        answer.set_status(307)
        answer.headers["Location"] = "/elsewhere"
        return answer

    chat.handlers["/hook"] = redirect
    (target,) = opened(f"json://{chat.place}/hook")
    assert (await target.send(LETTER)).error is not None
    assert [call.path for call in chat.calls] == ["/hook"]


def test_several_addresses_stand_in_one_variable_and_equal_ones_are_one(opened: Any) -> None:
    twice = "mailto://user:pw@blog.example/?to=a@blog.example,b@blog.example"
    found = opened("json://one.example/", twice, "json://two.example/", twice)
    assert [target.label for target in found] == ["JSON (1)", "E-Mail (2.1)", "E-Mail (2.2)", "JSON (3)"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, f"has no variable {VARIABLE}"),
        ("", f"{VARIABLE} is empty"),
        (" , ", f"{VARIABLE} is empty"),
        (SECRET, "address 1 of 1"),
        (f"json://blog.example/, nonsense://{SECRET}", "address 2 of 2"),
        (f"slack://{SECRET}", "address 1 of 1"),
    ],
)
def test_an_address_that_cannot_be_used_is_counted_and_not_shown(
    value: str | None, said: str, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(ValueError, match=said) as mistake:
        targets.open_all(SETTINGS)
    assert SECRET not in f"{mistake.value} {logged}"


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    monkeypatch.setenv(VARIABLE, "json://blog.example/")
    with pytest.raises(ValueError, match=r"pip install 'gatepost\[notify\]'"):
        targets.open_all(SETTINGS)


async def test_nothing_is_kept_on_disk(opened: Any) -> None:
    (target,) = opened("json://blog.example/")
    asset = target._service.asset
    assert asset.storage_mode.value == "memory"
    assert not asset.plugin_paths
    assert asset.image_url("info") is None
