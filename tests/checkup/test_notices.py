"""`gatepost check` on notices: can they be sent, and does anybody who reads them find the desk."""

import sys
from typing import Any

import pytest

from service import settings
from service.checkup import notices
from service.checkup.finding import Finding, Outcome

SECRET = "a-very-secret-word"


def examined(**server: Any) -> list[Finding]:
    """What is found about a notice."""
    site = {"name": "A blog", "notices": [{"name": "moderators", "to_env": "NOTICE_URLS"}]}
    parsed = settings.parse({"server": server, "sites": {"blog": site}})
    return list(notices.examine(parsed.sites["blog"], parsed))


def test_a_notice_that_can_be_sent_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTICE_URLS", f"json://{SECRET}@blog.example/,mailto://user:{SECRET}@blog.example")
    (found,) = examined(public_url="https://comments.example")
    assert (found.outcome, found.subject) == (Outcome.OK, "notice blog/moderators")
    assert found.text.startswith("goes to JSON (1), E-Mail (2)")
    assert SECRET not in found.text


def test_a_service_that_does_not_know_its_address_gives_no_link(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTICE_URLS", "json://blog.example/")
    _, found = examined()
    assert (found.outcome, "server.public_url" in found.fix) == (Outcome.WARN, True)


@pytest.mark.parametrize("value", [None, "", SECRET, f"nonsense://{SECRET}"])
def test_what_cannot_be_sent_to_is_found_with_its_fix(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTICE_URLS", raising=False)
    if value is not None:
        monkeypatch.setenv("NOTICE_URLS", value)
    (found,) = examined()
    assert (found.outcome, "NOTICE_URLS" in found.fix, SECRET in found.fix) == (Outcome.FAIL, True, False)


def test_the_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTICE_URLS", "json://blog.example/")
    monkeypatch.setitem(sys.modules, "apprise", None)
    (found,) = examined()
    assert (found.outcome, "pip install 'gatepost[notify]'" in found.fix) == (Outcome.FAIL, True)
