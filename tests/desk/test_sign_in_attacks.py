"""What must not sign anybody in, or out: links, other people's pages, codes that were used. Tables of attacks."""

from datetime import datetime
from typing import Any

import pytest

from service.store import desk_sessions as stored
from tests.conftest import StartGatepost
from tests.desk.visit import FROM_THE_DESK, ORIGIN_OF_NOBODY, Visit, moderators_token, signed_in, visit
from tests.harness import ORIGIN, Gatepost
from tests.rows import Rows

MINUTE = 60
DAY = 24 * 3600

# Which page sent a token, and whether the desk takes its word that the moderator wanted that.
SENDERS: dict[str, tuple[dict[str, str], bool]] = {
    "a page of the site": ({"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"}, True),
    "a page of the site, old browser": ({"Origin": ORIGIN}, True),
    "the desk": ({"Origin": "OWN", "Sec-Fetch-Site": "same-origin"}, True),
    "a page of nobody we know": (ORIGIN_OF_NOBODY, False),
    "a page that hides where it stands": ({"Origin": "null", "Sec-Fetch-Site": "cross-site"}, False),
    "a page that says nothing": ({}, False),
    "the site over http": ({"Origin": "http://blog.example"}, False),
    "a host below the site's": ({"Origin": "https://evil.blog.example"}, False),
    "the site, in capitals": ({"Origin": "https://BLOG.example"}, False),
    "two at once": ({"Origin": f"{ORIGIN}, https://nobody.example"}, False),
    "the desk's host, another port": ({"Origin": "http://127.0.0.1:1"}, False),
    "another host of the desk's site": ({"Origin": "OWN", "Sec-Fetch-Site": "same-site"}, False),
}


def _headers(gatepost: Gatepost, given: dict[str, str]) -> dict[str, str]:
    return {name: value.replace("OWN", gatepost.running.address) for name, value in given.items()}


@pytest.mark.parametrize(("given", "is_known"), SENDERS.values(), ids=SENDERS)
async def test_only_a_known_page_signs_in_at_once(gatepost: Gatepost, given: dict[str, str], is_known: bool) -> None:
    browser = visit(gatepost)
    answer = await browser.sign_in(moderators_token(gatepost), headers=_headers(gatepost, given))
    assert await browser.is_in() == is_known
    if is_known:
        assert answer.status == 303
        return
    assert (answer.status, answer.page, answer.title) == (200, "enter", "Continue as Mo?")
    assert not browser.cookies
    entered = await browser.post("/desk/blog/enter", code=answer.field("code"))
    assert (entered.status, entered.location) == (303, "./")
    assert await browser.is_in()


async def test_a_known_page_of_one_site_is_none_of_another(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost(
        change=lambda settings: settings["sites"]["other"].update(origins=["https://other.example"])
    )
    browser = visit(gatepost)
    answer = await browser.sign_in(moderators_token(gatepost), headers={"Origin": "https://other.example"})
    assert answer.page == "enter"


# Which page sent a form of the desk.
FORGERS: dict[str, dict[str, str]] = {
    "another site": ORIGIN_OF_NOBODY,
    "another host of this site": {"Origin": "OWN", "Sec-Fetch-Site": "same-site"},
    "the blog": {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"},
    "the blog, old browser": {"Origin": ORIGIN},
    "nobody's page, old browser": {"Origin": "https://nobody.example"},
    "a page that hides where it stands": {"Origin": "null"},
    "a page that says nothing": {},
    "an address that was typed": {"Sec-Fetch-Site": "none"},
    "a fetch that says nonsense": {"Origin": "OWN", "Sec-Fetch-Site": "nonsense"},
    "another port": {"Origin": "http://127.0.0.1:1"},
}


@pytest.mark.parametrize("given", FORGERS.values(), ids=FORGERS)
async def test_a_form_of_another_page_changes_nothing(gatepost: Gatepost, given: dict[str, str]) -> None:
    """Login CSRF and logout CSRF, each with everything right but the page it comes from."""
    headers = _headers(gatepost, given)
    asked = await visit(gatepost).sign_in(moderators_token(gatepost, "eve"), headers=ORIGIN_OF_NOBODY)
    victim = visit(gatepost)
    refused = await victim.post("/desk/blog/enter", headers=headers, code=asked.field("code"))
    assert (refused.status, refused.page) == (403, "problem")
    assert not victim.cookies

    browser = await signed_in(gatepost)
    refused = await browser.post("/desk/blog/sign-out", headers=headers, csrf=await browser.csrf())
    assert (refused.status, refused.page) == (403, "problem")
    assert await browser.is_in()


@pytest.mark.parametrize("given", [FROM_THE_DESK, {"Origin": "OWN"}], ids=["new browser", "old browser"])
async def test_a_form_of_the_desk_is_taken(gatepost: Gatepost, given: dict[str, str]) -> None:
    browser = await signed_in(gatepost)
    answer = await browser.post("/desk/blog/sign-out", headers=_headers(gatepost, given), csrf=await browser.csrf())
    assert answer.status == 303


async def test_public_url_says_what_the_desks_own_origin_is(start_gatepost: StartGatepost) -> None:
    """Behind a proxy that does not hand `Host` on."""

    def change(settings: dict[str, Any]) -> None:
        settings["server"]["public_url"] = "https://comments.example/below"

    gatepost = await start_gatepost(change=change)
    browser = await signed_in(gatepost)
    answer = await browser.post(
        "/desk/blog/sign-out", headers={"Origin": "https://comments.example"}, csrf=await browser.csrf()
    )
    assert answer.status == 303


async def test_a_form_needs_the_token_of_whoever_sends_it(gatepost: Gatepost) -> None:
    browser, other = await signed_in(gatepost), await signed_in(gatepost, "jo")
    again = await signed_in(gatepost)
    elsewhere = await signed_in(gatepost, site="other")
    good = await browser.csrf()
    bad = {
        "": "none",
        good[:-1] + ("0" if good[-1] != "0" else "1"): "changed",
        await other.csrf(): "another moderator's",
        await again.csrf(): "another session's of the same moderator",
        await elsewhere.csrf("other"): "another site's",
        "ü\U0001f600": "no hexadecimal",
    }
    for token, what in bad.items():
        assert (await browser.post("/desk/blog/sign-out", csrf=token)).status == 403, what
        assert await browser.is_in(), what
    assert (await browser.post("/desk/blog/sign-out", csrf=good)).status == 303


async def test_a_forms_token_is_good_today_and_tomorrow(start_gatepost: StartGatepost) -> None:
    """With a login that outlives a session: the blog's own cookie."""
    gatepost = await start_gatepost(
        login=[{"kind": "forwarded", "headers": {"subject": "X-User", "roles": "X-Roles"}}],
        change=lambda settings: settings["server"].update(trusted_proxies=["127.0.0.1"]),
    )
    browser = Visit(gatepost.session, always={"X-User": "mo", "X-Roles": "moderator"})
    csrf = await browser.csrf()
    gatepost.clock.advance(seconds=DAY)
    assert (await browser.post("/desk/blog/sign-out", csrf=csrf)).status == 200
    gatepost.clock.advance(seconds=DAY)
    assert (await browser.post("/desk/blog/sign-out", csrf=csrf)).status == 403


async def test_whom_a_proxy_brings_along_needs_the_token_too(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost(
        login=[{"kind": "forwarded", "headers": {"subject": "X-User", "roles": "X-Roles"}}],
        change=lambda settings: settings["server"].update(trusted_proxies=["127.0.0.1"]),
    )
    mo = Visit(gatepost.session, always={"X-User": "mo", "X-Roles": "moderator"})
    jo = Visit(gatepost.session, always={"X-User": "jo", "X-Roles": "moderator"})
    for csrf in ("", await jo.csrf()):
        assert (await mo.post("/desk/blog/sign-out", csrf=csrf)).status == 403
    for headers in FORGERS.values():
        sent = _headers(gatepost, headers)
        assert (await mo.post("/desk/blog/sign-out", headers=sent, csrf=await mo.csrf())).status == 403


# --- Codes ------------------------------------------------------------------------------------------------------------


async def _code(gatepost: Gatepost, name: str = "mo") -> str:
    answer = await gatepost.moderator(name).call("POST", "desk/codes")
    assert answer.status == 201, answer.json
    assert answer.json["url"].startswith("/desk/blog/enter?code=")
    return str(answer.json["url"]).partition("=")[2]


async def test_an_address_of_the_api_signs_in_after_a_question(gatepost: Gatepost) -> None:
    code = await _code(gatepost)
    browser = visit(gatepost)
    for _ in range(3):  # looking uses nothing up
        asked = await browser.get(f"/desk/blog/enter?code={code}")
        assert (asked.status, asked.title) == (200, "Continue as Mo?")
        assert not browser.cookies
    entered = await browser.post("/desk/blog/enter", code=asked.field("code"))
    assert (entered.status, entered.location) == (303, "./")
    assert await browser.is_in()


async def test_a_code_is_good_once(gatepost: Gatepost) -> None:
    code = await _code(gatepost)
    first, second = visit(gatepost), visit(gatepost)
    assert (await first.post("/desk/blog/enter", code=code)).status == 303
    for answer in (await second.post("/desk/blog/enter", code=code), await second.get(f"/desk/blog/enter?code={code}")):
        assert (answer.status, answer.page) == (401, "sign-in")
        assert "This link was used already, or its time is over." in answer.text
    assert not second.cookies
    assert await first.is_in()


async def test_a_code_is_good_for_a_minute(gatepost: Gatepost) -> None:
    ends = (await gatepost.moderator().call("POST", "desk/codes")).json["expires_at"]
    assert datetime.fromisoformat(ends).timestamp() * 1000 == gatepost.clock() + MINUTE * 1000
    in_time, too_late = await _code(gatepost), await _code(gatepost)
    gatepost.clock.advance(seconds=MINUTE - 1)
    assert (await visit(gatepost).post("/desk/blog/enter", code=in_time)).status == 303
    gatepost.clock.advance(seconds=1)
    assert (await visit(gatepost).get(f"/desk/blog/enter?code={too_late}")).status == 401
    assert (await visit(gatepost).post("/desk/blog/enter", code=too_late)).status == 401


async def test_a_code_that_nobody_made_signs_nobody_in(gatepost: Gatepost) -> None:
    code = await _code(gatepost)
    wrong = [
        "",
        "nonsense",
        code[:-1],
        code[:-1] + ("A" if code[-1] != "A" else "B"),
        code.swapcase(),
        code + "=",
        "\0",
    ]
    for other in wrong:
        browser = visit(gatepost)
        assert (await browser.post("/desk/blog/enter", code=other)).status == 401, other
        assert not browser.cookies
    assert (await visit(gatepost).post("/desk/other/enter", code=code)).status == 401
    assert (await visit(gatepost).post("/desk/blog/enter", code=code)).status == 303


async def test_the_question_of_a_foreign_page_is_good_once_and_for_a_minute(gatepost: Gatepost) -> None:
    asked = [await visit(gatepost).sign_in(moderators_token(gatepost), headers=ORIGIN_OF_NOBODY) for _ in range(2)]
    codes = [each.field("code") for each in asked]
    browser = visit(gatepost)
    assert (await browser.post("/desk/blog/enter", code=codes[0])).status == 303
    assert (await browser.post("/desk/blog/enter", code=codes[0])).status == 401
    gatepost.clock.advance(seconds=MINUTE)
    assert (await browser.post("/desk/blog/enter", code=codes[1])).status == 401


async def test_who_may_not_moderate_gets_no_code(gatepost: Gatepost) -> None:
    assert (await gatepost.visitor.call("POST", "desk/codes")).status == 401
    assert (await gatepost.reader("ada").call("POST", "desk/codes")).code == "forbidden"


async def test_no_secret_is_in_the_store(gatepost: Gatepost, rows: Rows) -> None:
    code = await _code(gatepost)
    browser = await signed_in(gatepost)
    secret = browser.secret()
    assert secret is not None
    for table, given in (("desk_codes", code), ("desk_sessions", secret)):
        kept = rows.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608  # our own table's name
        assert kept
        assert stored.secret_hash(given) in {row[0] for row in kept}
        assert given not in repr(kept)


# --- https, and how often ---------------------------------------------------------------------------------------------

# Where a browser would keep the cookie, as far as the service can know. `Host` is what the address bar shows.
PLACES: dict[str, tuple[dict[str, str], bool]] = {
    "its own machine": ({"Host": "127.0.0.1:8080"}, True),
    "its own machine by name": ({"Host": "localhost:8080"}, True),
    "its own machine, IPv6": ({"Host": "[::1]:8080"}, True),
    "a name of its own machine": ({"Host": "desk.localhost"}, True),
    "somewhere": ({"Host": "desk.example"}, False),
    "a private network": ({"Host": "192.168.1.5:8080"}, False),
    "somewhere, says the browser itself": ({"Host": "desk.example", "Sec-Fetch-Site": "cross-site"}, True),
    "somewhere, says a proxy": ({"Host": "desk.example", "X-Forwarded-Proto": "https"}, True),
    "somewhere, says a proxy: http": ({"Host": "desk.example", "X-Forwarded-Proto": "http"}, False),
    "where public_url says": ({"Host": "comments.example"}, True),
    "a host that begins alike": ({"Host": "comments.example.org"}, False),
    "localhost as a part": ({"Host": "localhost.example"}, False),
}


@pytest.mark.parametrize(("headers", "is_secure"), PLACES.values(), ids=PLACES)
async def test_over_http_the_desk_says_that_it_needs_https(
    start_gatepost: StartGatepost, headers: dict[str, str], is_secure: bool
) -> None:
    def change(settings: dict[str, Any]) -> None:
        settings["server"] |= {"public_url": "https://comments.example", "trusted_proxies": ["127.0.0.1"]}

    gatepost = await start_gatepost(change=change)
    browser = visit(gatepost)
    shown = await browser.get("/desk/blog/", headers=headers)
    assert (shown.status, shown.page) == (401, "sign-in")
    assert ("The desk needs https" in shown.text) != is_secure
    answer = await browser.sign_in(moderators_token(gatepost), headers={"Origin": ORIGIN, **headers})
    code = await _path_of_code(gatepost)
    entered = await browser.get(code, headers=headers)
    if is_secure:
        assert (answer.status, entered.status) == (303, 200)
    else:
        assert (answer.status, entered.status) == (403, 403)
        assert "The desk needs https" in answer.text
        assert not browser.cookies


async def test_a_word_of_a_stranger_about_https_counts_for_nothing(gatepost: Gatepost) -> None:
    headers = {"Host": "desk.example", "X-Forwarded-Proto": "https"}
    assert "The desk needs https" in (await visit(gatepost).get("/desk/blog/", headers=headers)).text


async def _path_of_code(gatepost: Gatepost) -> str:
    answer = await gatepost.moderator().call("POST", "desk/codes")
    return str(answer.json["url"]).removeprefix("https://comments.example")


async def test_an_address_may_try_so_often(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost(change=lambda settings: settings.update(limits={"sign_in_per_address": "4/hour"}))
    browser = visit(gatepost)
    statuses = [(await browser.sign_in("nonsense")).status for _ in range(2)]
    statuses += [(await browser.post("/desk/blog/enter", code="nonsense")).status for _ in range(2)]
    assert statuses == [401] * 4
    slowed = [
        await browser.sign_in(moderators_token(gatepost)),
        await browser.post("/desk/blog/enter", code="nonsense"),
        await browser.sign_in(moderators_token(gatepost, site="other"), site="other"),
    ]
    assert [answer.status for answer in slowed] == [429] * 3
    assert all(1 <= int(answer.headers["Retry-After"]) <= 3600 for answer in slowed)
    assert not browser.cookies


async def test_ten_a_minute_unless_somebody_says_otherwise(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost(change=lambda settings: settings.update(limits={}))
    browser = visit(gatepost)
    statuses = [(await browser.sign_in("nonsense")).status for _ in range(11)]
    assert statuses == [401] * 10 + [429]
