"""What `gatepost check` says of the moderators' desk: how they come in, and what is in the way, with its fix."""

from collections.abc import Callable
from typing import Any

import pytest

from service.checkup.finding import Finding, Outcome
from tests.auth.local_server import LocalServer, always
from tests.checkup.checked import FAIL, WARN, changed, examine, jwt
from tests.conftest import StartGatepost
from tests.harness import Hands

SUBJECT = "desk blog"
FORWARDED = {"kind": "forwarded", "headers": {"roles": "X-Roles"}}
SIGN_IN = "/desk/blog/sign-in"


def _session(server: LocalServer) -> dict[str, Any]:
    return {"kind": "session", "url": f"{server.address}/whoami", "cookies": ["sid"]}


def _of_the_desk(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.subject == SUBJECT]


def _bad(findings: list[Finding]) -> Finding:
    (found,) = [finding for finding in _of_the_desk(findings) if finding.outcome is not Outcome.OK]
    return found


LOGINS: dict[str, tuple[Callable[[LocalServer], dict[str, Any]], str]] = {
    "token": (lambda _: jwt(), "by a form of the blog with their token"),
    "cookie": (_session, "with the blog's cookie"),
    "token in a cookie": (lambda _: jwt(cookie="blog"), "with the blog's cookie, or by a form of the blog"),
    "proxy": (lambda _: FORWARDED, "through the proxy that logs them in"),
    "none": (lambda _: jwt(may_moderate=False), "by a link that `gatepost desk` prints"),
}


@pytest.mark.parametrize(("login", "words"), LOGINS.values(), ids=LOGINS)
async def test_it_says_where_the_desk_is_and_how_moderators_come_in(
    configured: dict[str, Any],
    server: LocalServer,
    clock: Hands,
    login: Callable[[LocalServer], dict[str, Any]],
    words: str,
) -> None:
    (found,) = _of_the_desk(await examine(changed(configured, "sites.blog.login", [login(server)]), clock))
    assert found.outcome is Outcome.OK
    assert f"moderators come in {words}" in found.text


async def test_the_page_of_a_running_service_answers(
    start_gatepost: StartGatepost, configured: dict[str, Any], clock: Hands
) -> None:
    gatepost = await start_gatepost()
    findings = await examine(changed(configured, "server.public_url", gatepost.running.address), clock)
    assert [finding.text for finding in _of_the_desk(findings)][1:] == ["its page to sign in answers"]


async def test_a_proxy_that_logs_people_in_may_stand_before_it(
    configured: dict[str, Any], server: LocalServer, clock: Hands
) -> None:
    server.handlers[SIGN_IN] = always(text="", status=302, Location="/login")
    configured["server"]["public_url"] = server.address
    findings = await examine(changed(configured, "sites.blog.login", [FORWARDED]), clock)
    assert _of_the_desk(findings)[-1].text == "the proxy asks for its login first (302)"


PAGES: dict[str, tuple[dict[str, Any], str, str]] = {
    "the blog's own 404": ({"text": "<h1>Gone", "status": 404}, "another page answers at", "hand /desk/ on"),
    "the blog's front page": ({"text": "<h1>Welcome"}, "another page answers at", "hand /desk/ on"),
    "a login before it": ({"text": "", "status": 302, "Location": "/login"}, "another page answers", "hand /desk/ on"),
    "nobody behind the proxy": ({"text": "", "status": 502}, "the proxy answers in its place", "start the service"),
}


@pytest.mark.parametrize(("page", "words", "fix"), PAGES.values(), ids=PAGES)
async def test_another_page_in_its_place_is_told(
    configured: dict[str, Any], server: LocalServer, clock: Hands, page: dict[str, Any], words: str, fix: str
) -> None:
    server.handlers[SIGN_IN] = always(content_type="text/html", **page)
    found = _bad(await examine(changed(configured, "server.public_url", server.address), clock))
    assert (found.outcome, words in found.text, fix in found.fix) == (WARN, True, True), found


async def test_a_service_that_cannot_be_reached_is_told(
    configured: dict[str, Any], server: LocalServer, clock: Hands
) -> None:
    await server.down()
    found = _bad(await examine(changed(configured, "server.public_url", server.address), clock))
    assert found.outcome is WARN
    assert "its page does not answer from this machine" in found.text
    assert found.fix


async def test_without_https_nobody_stays_signed_in(configured: dict[str, Any], clock: Hands) -> None:
    configured["server"]["public_url"] = "http://comments.invalid"
    found = [each for each in _of_the_desk(await examine(configured, clock)) if each.outcome is FAIL]
    assert [each.text for each in found] == ["is reached over http, where a browser does not keep anybody signed in"]
    assert "server.public_url" in found[0].fix


async def test_a_proxy_that_names_no_roles_makes_no_moderators(configured: dict[str, Any], clock: Hands) -> None:
    found = _bad(await examine(changed(configured, "sites.blog.login", [{"kind": "forwarded"}]), clock))
    assert found.outcome is WARN
    assert "its headers name no roles" in found.text
    assert "headers.roles" in found.fix
    assert "gatepost desk" in found.fix


HOSTS = {
    "https://comments.blog.invalid": True,
    "https://blog.invalid": True,
    "https://www.blog.invalid": True,
    "https://comments.invalid": False,
    "https://blog.example": False,
    "https://192.0.2.7": False,
}


@pytest.mark.parametrize(("public_url", "reaches"), HOSTS.items())
async def test_a_cookie_that_cannot_reach_the_desk_is_told(
    configured: dict[str, Any], server: LocalServer, clock: Hands, public_url: str, reaches: bool
) -> None:
    configured["server"]["public_url"] = public_url
    configured["sites"]["blog"] |= {"origins": ["https://blog.invalid"], "login": [_session(server)]}
    texts = [finding.text for finding in _of_the_desk(await examine(configured, clock))]
    assert any("the blog's cookie (sid) does not reach" in text for text in texts) == (not reaches)
