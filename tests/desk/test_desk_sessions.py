"""Sessions of the desk: one for each site and browser, seen and ended by whom they concern, over by themselves."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from service import settings
from service.desk import words
from service.desk.rendering import render
from service.model import SiteKey
from service.moderation import desk_sessions
from service.web.desk.session import COOKIE, rules_of
from service.web.desk.sessions import SessionView
from tests.conftest import StartGatepost
from tests.desk.visit import FROM_THE_DESK, Shown, Visit, moderators_token, signed_in, visit
from tests.harness import Gatepost, Hands, configuration
from tests.launch import launch
from tests.rows import Rows

HOUR = 3600


async def _ids(rows: Rows) -> dict[str, str]:
    """The sessions that were not ended, by the name of their moderator."""
    query = "SELECT name, id FROM desk_sessions WHERE revoked_at IS NULL"
    return {str(name): str(session_id) for name, session_id in rows.execute(query).fetchall()}


# --- Several sites ----------------------------------------------------------------------------------------------------


async def test_one_browser_is_signed_in_at_two_sites(gatepost: Gatepost) -> None:
    browser = await signed_in(gatepost)
    assert not await browser.is_in("other")
    await browser.sign_in(moderators_token(gatepost, "jo", site="other"), site="other")
    assert await browser.is_in("blog")
    assert await browser.is_in("other")
    assert ">Mo<" in (await browser.get("/desk/blog/")).text
    assert ">Jo<" in (await browser.get("/desk/other/")).text

    await browser.post("/desk/other/sign-out", csrf=await browser.csrf("other"))
    assert await browser.is_in("blog")
    assert not await browser.is_in("other")


async def test_signing_in_from_another_hosts_page_leaves_the_other_sites_alone(gatepost: Gatepost) -> None:
    """Such a form comes without cookies (`SameSite=Lax`): who signs in by it cannot say what they have."""
    browser = await signed_in(gatepost)
    handed_over = await visit(gatepost).sign_in(moderators_token(gatepost, "jo", site="other"), site="other")
    browser.cookies |= {name: morsel.value for name, morsel in handed_over.cookies.items()}
    assert await browser.is_in("blog")
    assert await browser.is_in("other")


async def test_a_secret_opens_its_own_site_only(gatepost: Gatepost) -> None:
    secret = (await signed_in(gatepost)).secret()
    assert secret is not None
    assert not await Visit(gatepost.session, {f"{COOKIE}other": secret}).is_in("other")
    assert await Visit(gatepost.session, {f"{COOKIE}blog": secret}).is_in("blog")


async def test_a_session_of_the_desk_is_no_credential_of_the_api(gatepost: Gatepost) -> None:
    secret = (await signed_in(gatepost)).secret()
    for headers in ({"Cookie": f"{COOKIE}blog={secret}"}, {"Authorization": f"Bearer {secret}"}):
        assert (await gatepost.visitor.get("queue", headers=headers)).status == 401


# --- Beginning and ending ---------------------------------------------------------------------------------------------


async def test_every_sign_in_makes_a_new_secret_and_ends_the_old_session(gatepost: Gatepost) -> None:
    browser = await signed_in(gatepost)
    old = dict(browser.cookies)
    await browser.sign_in(moderators_token(gatepost))
    assert browser.cookies.keys() == old.keys()
    assert browser.secret() not in old.values()
    assert not await Visit(gatepost.session, old).is_in()
    assert await browser.is_in()


async def test_a_secret_that_was_planted_becomes_nobodys(gatepost: Gatepost) -> None:
    """Session fixation: what the browser brings along is never taken over."""
    planted = {f"{COOKIE}blog": "planted" * 6}
    browser = Visit(gatepost.session, dict(planted))
    await browser.sign_in(moderators_token(gatepost))
    assert not await Visit(gatepost.session, planted).is_in()
    assert await browser.is_in()


async def test_it_ends_after_twelve_hours_however_busy_it_was(gatepost: Gatepost) -> None:
    browser = await signed_in(gatepost)
    for _ in range(11):
        gatepost.clock.advance(seconds=HOUR)
        assert await browser.is_in()
    gatepost.clock.advance(seconds=HOUR - 1)
    assert await browser.is_in()
    gatepost.clock.advance(seconds=1)
    assert not await browser.is_in()


async def test_when_it_was_used_is_known_to_a_few_minutes(gatepost: Gatepost, rows: Rows) -> None:
    browser, query = await signed_in(gatepost), "SELECT seen_at FROM desk_sessions"
    made = rows.number(query)
    gatepost.clock.advance(seconds=299)
    await browser.is_in()
    assert rows.number(query) == made
    gatepost.clock.advance(seconds=1)
    await browser.is_in()
    assert rows.number(query) == made + 300_000


async def test_what_is_over_is_forgotten(gatepost: Gatepost, rows: Rows) -> None:
    await signed_in(gatepost)
    await gatepost.moderator().call("POST", "desk/codes")
    gatepost.clock.advance(seconds=12 * HOUR - 1)
    browser = await signed_in(gatepost, "jo")
    await desk_sessions.forget_ended(gatepost.running.database)
    assert (rows.number("SELECT count(*) FROM desk_sessions"), rows.number("SELECT count(*) FROM desk_codes")) == (2, 0)
    gatepost.clock.advance(seconds=1)
    await desk_sessions.forget_ended(gatepost.running.database)
    assert rows.number("SELECT count(*) FROM desk_sessions") == 1
    assert await browser.is_in()


ROLES: dict[str, tuple[dict[str, Any], bool]] = {
    "nothing": ({}, True),
    "the site's name": ({"name": "Another name"}, True),
    "another claim": ({"roles": {"claim": "groups"}}, False),
    "fewer moderators": ({"roles": {"moderator": ["editor"]}}, False),
    "more admins": ({"roles": {"admin": ["admin", "moderator"]}}, False),
    "the order of the same": ({"roles": {"moderator": ["editor", "moderator"]}}, True),
}


@pytest.mark.parametrize(("changed", "goes_on"), ROLES.values(), ids=ROLES)
async def test_it_ends_when_the_roles_of_the_site_change(
    store_url: str, clock: Hands, changed: dict[str, Any], goes_on: bool
) -> None:
    async with AsyncExitStack() as stack:
        gatepost = await launch(stack, configuration(store_url), clock=clock)
        browser = await signed_in(gatepost)
        elsewhere = await signed_in(gatepost, site="other")
        code = (await gatepost.moderator().call("POST", "desk/codes")).json["url"]
    async with AsyncExitStack() as stack:
        gatepost = await launch(stack, configuration(store_url, **changed), clock=clock)
        assert await Visit(gatepost.session, browser.cookies).is_in() == goes_on
        assert (await visit(gatepost).get(code)).status == (200 if goes_on else 401)
        assert await Visit(gatepost.session, elsewhere.cookies).is_in("other")


async def test_it_ends_when_the_login_may_make_no_moderators_any_more(store_url: str, clock: Hands) -> None:
    async with AsyncExitStack() as stack:
        browser = await signed_in(await launch(stack, configuration(store_url), clock=clock))
    changed = configuration(store_url)
    changed["sites"]["blog"]["login"][0]["may_moderate"] = False
    async with AsyncExitStack() as stack:
        gatepost = await launch(stack, changed, clock=clock)
        assert not await Visit(gatepost.session, browser.cookies).is_in()


# --- Two replicas -----------------------------------------------------------------------------------------------------


@pytest.fixture
async def replicas(postgres_url: str, clock: Hands) -> AsyncIterator[list[Gatepost]]:
    """Two services on one store."""
    async with AsyncExitStack() as stack:
        yield [await launch(stack, configuration(postgres_url), clock=clock) for _ in range(2)]


@pytest.mark.own_engines
async def test_two_replicas_know_the_same_sessions_codes_and_forms(replicas: list[Gatepost]) -> None:
    here, there = replicas
    browser = await signed_in(here)
    assert await Visit(there.session, browser.cookies).is_in()
    code = (await here.moderator().call("POST", "desk/codes")).json["url"]
    assert (await visit(there).get(code)).status == 200
    entered = visit(there)
    assert (await entered.post("/desk/blog/enter", code=code.partition("=")[2])).status == 303
    assert (await visit(here).get(code)).status == 401
    csrf = await browser.csrf()
    left = Visit(there.session, browser.cookies)
    assert (await left.post("/desk/blog/sign-out", csrf=csrf)).status == 303
    assert not await Visit(here.session, dict(browser.cookies)).is_in()
    assert await Visit(here.session, entered.cookies).is_in()


# --- Seen and ended ---------------------------------------------------------------------------------------------------


def _list(shown: Any, token: str) -> str:
    return render("sessions.html", language=words.named("en"), now=0, sessions=shown, form_token=token, root="./")


async def test_a_moderator_ends_their_own_sessions_and_no_others(gatepost: Gatepost, rows: Rows) -> None:
    mo, jo = await signed_in(gatepost), await signed_in(gatepost, "jo")
    at_home = await signed_in(gatepost, "mo", name="Mo at home")
    ids = await _ids(rows)
    for name in ("Jo", "Mo at home"):
        answer = await mo.post("/desk/blog/sessions", csrf=await mo.csrf(), id=ids[name])
        assert (answer.status, answer.location) == (303, "./settings")
    assert await jo.is_in()
    assert not await at_home.is_in()
    assert await mo.is_in()
    await mo.post("/desk/blog/sessions", csrf=await mo.csrf(), id=ids["Mo"])
    assert not await mo.is_in()


async def test_an_admin_ends_anybodys_session_of_the_site(gatepost: Gatepost, rows: Rows) -> None:
    admin = await signed_in(gatepost, "ann", roles=["admin"])
    jo, elsewhere = await signed_in(gatepost, "jo"), await signed_in(gatepost, "max", site="other")
    ids = await _ids(rows)
    for name in ("Jo", "Max"):
        await admin.post("/desk/blog/sessions", csrf=await admin.csrf(), id=ids[name])
    assert not await jo.is_in()
    assert await elsewhere.is_in("other")


@pytest.mark.parametrize("session_id", ["", "nonsense", "\0", "019b01a2-5f0c-7d4e-8a11-0c2d4e6f8a9b", "x" * 200])
async def test_an_odd_session_is_nobodys_fault(gatepost: Gatepost, session_id: str) -> None:
    browser = await signed_in(gatepost)
    answer = await browser.post("/desk/blog/sessions", csrf=await browser.csrf(), id=session_id)
    assert answer.status in (303, 422)
    assert await browser.is_in()


async def test_a_session_is_ended_only_by_a_form_of_whoever_may(gatepost: Gatepost, rows: Rows) -> None:
    mo, jo = await signed_in(gatepost), await signed_in(gatepost, "jo")
    mine = (await _ids(rows))["Mo"]
    attempts: list[Shown] = [
        await mo.post("/desk/blog/sessions", csrf=await jo.csrf(), id=mine),
        await mo.post("/desk/blog/sessions", id=mine),
        await mo.post("/desk/blog/sessions", headers={"Sec-Fetch-Site": "cross-site"}, csrf=await mo.csrf(), id=mine),
        await visit(gatepost).post("/desk/blog/sessions", headers=FROM_THE_DESK, csrf=await mo.csrf(), id=mine),
    ]
    assert [answer.status for answer in attempts] == [403, 403, 403, 401]
    assert await mo.is_in()


async def test_the_list_shows_whose_sessions_there_are_and_which_is_this(gatepost: Gatepost, rows: Rows) -> None:
    """As the settings show it."""
    for name in ("Mo <b>", "Mo at home"):
        await signed_in(gatepost, "mo", name=name)
    rules = rules_of(settings.parse(configuration("sqlite:///unused")).sites["blog"])
    found = await gatepost.running.database.read(desk_sessions.of_site, SiteKey("blog"), role_rules=rules)
    html = _list([SessionView(each, each.admission.name == "Mo at home") for each in found], "a-token")
    assert len(re.findall(r"<tr data-session", html)) == 2
    assert "Mo at home (this browser)" in html
    assert "Mo &lt;b&gt;" in html
    assert set(re.findall(r'name="id" value="([^"]*)"', html)) == set((await _ids(rows)).values())


async def test_nobodys_sessions_are_said_to_be_none(gatepost: Gatepost) -> None:
    assert "Nobody is signed in here" in _list([], "a-token")


# --- Over all that the desk has ---------------------------------------------------------------------------------------


def _third_site(wanted: dict[str, Any]) -> None:
    wanted["sites"]["third"] = {**wanted["sites"]["other"], "name": "A third blog"}


@pytest.fixture
async def three(start_gatepost: StartGatepost) -> Gatepost:
    """A service with three sites, of which two have the same login."""
    return await start_gatepost(change=_third_site)


async def test_the_same_person_at_two_sites_signs_in_at_each(three: Gatepost) -> None:
    """Even where one token would do for both."""
    browser = await signed_in(three, site="other")
    assert not await browser.is_in("third")
    await browser.sign_in(moderators_token(three, site="other"), site="third")
    assert await browser.is_in("third")
    assert await browser.is_in("other")
