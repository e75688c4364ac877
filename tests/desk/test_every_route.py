"""Over every address that the desk has: nothing of a site is reached with another's session; no GET signs in or out."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from service.web.desk.session import COOKIE
from service.web.routes import EVERYTHING
from service.web.surface import EVENT_STREAM, Audience, Route
from tests.desk.visit import FROM_THE_DESK, Visit, moderators_token, signed_in
from tests.harness import Gatepost
from tests.rows import rows_of
from tests.web.plain_http import serving

pytestmark = pytest.mark.asyncio(loop_scope="module")
SITES = ("blog", "other")
DESK = [route for route in EVERYTHING if route.audience is Audience.DESK]
READ = [route for route in EVERYTHING if route.is_of_the_desk and route.method == "GET"]


def _name(route: Route) -> str:
    return f"{route.method} {route.path}"


def _address(route: Route, site: str) -> str:
    return re.sub(r"\{\w+\}", "x", route.path.replace("{site}", site))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the store of the service is."""
    return tmp_path_factory.mktemp("routes")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gatepost(prepared_store: Path, folder: Path) -> AsyncIterator[Gatepost]:
    async with serving(prepared_store, folder) as served:
        yield served


async def test_the_desk_has_addresses_and_each_names_its_site() -> None:
    assert len(DESK) > 2
    assert [_name(route) for route in DESK if "{site}" not in route.path] == []


@pytest.mark.parametrize("route", DESK, ids=_name)
@pytest.mark.parametrize("site", SITES)
async def test_nothing_of_a_site_is_reached_with_another_sites_session(
    gatepost: Gatepost, route: Route, site: str
) -> None:
    (elsewhere,) = set(SITES) - {site}
    browser = await signed_in(gatepost, site=elsewhere)
    csrf, secret = await browser.csrf(elsewhere), browser.secret(elsewhere)
    assert secret is not None
    planted = Visit(gatepost.session, {f"{COOKIE}{site}": secret, f"{COOKIE}{elsewhere}": secret})
    for visitor in (browser, planted):
        if route.method == "GET":
            shown = await visitor.get(_address(route, site))
        else:
            shown = await visitor.post(_address(route, site), headers=FROM_THE_DESK, csrf=csrf)
        assert (shown.status, shown.page) == (401, "sign-in")


async def test_two_sessions_of_a_browser_open_two_sites_and_no_third(prepared_store: Path, tmp_path: Path) -> None:
    async with serving(prepared_store, tmp_path, change=_with_a_third_site) as gatepost:
        browser = await signed_in(gatepost)
        await browser.sign_in(moderators_token(gatepost, site="other"), site="other")
        for site in SITES:
            assert await browser.is_in(site)
        planted = Visit(gatepost.session, {**browser.cookies, f"{COOKIE}third": str(browser.secret())})
        csrf = await browser.csrf()
        for route in DESK:
            for visitor in (browser, planted):
                path = _address(route, "third")
                shown = await (visitor.get(path) if route.method == "GET" else visitor.post(path, csrf=csrf))
                assert (shown.status, shown.page) == (401, "sign-in"), _name(route)


def _with_a_third_site(settings: dict[str, Any]) -> None:
    settings["sites"]["third"] = {**settings["sites"]["other"], "name": "A third blog"}


@pytest.mark.parametrize("route", [route for route in DESK if route.method != "GET"], ids=_name)
async def test_no_form_is_taken_from_another_page(gatepost: Gatepost, route: Route) -> None:
    browser = await signed_in(gatepost)
    csrf = await browser.csrf()
    for headers in ({}, {"Origin": "null"}, {"Origin": "https://blog.example", "Sec-Fetch-Site": "cross-site"}):
        shown = await browser.post(_address(route, "blog"), headers=headers, csrf=csrf)
        assert (shown.status, shown.page) == (403, "problem")
        assert "This must come from a page of the desk" in shown.text


@pytest.mark.parametrize("route", READ, ids=_name)
async def test_no_get_signs_in_or_out(gatepost: Gatepost, folder: Path, route: Route) -> None:
    browser = await signed_in(gatepost)
    code = (await gatepost.moderator().call("POST", "desk/codes")).json["url"].partition("?")[2]
    before, cookies = _kept(folder), dict(browser.cookies)
    query = f"?{code}" if "query" in route.takes else ""
    for visitor in (browser, Visit(gatepost.session)):
        shown = await visitor.get(_address(route, "blog") + query, ends=route.media_type != EVENT_STREAM)
        assert shown.status < 500
        assert not any(name.startswith(COOKIE) for name in shown.cookies)
    assert browser.cookies == cookies
    assert _kept(folder) == before


def _kept(folder: Path) -> list[list[tuple[object, ...]]]:
    with rows_of(f"sqlite:///{folder}/gatepost.db") as rows:
        tables = ("desk_sessions", "desk_codes")
        return [sorted(rows.execute(f"SELECT * FROM {table}").fetchall()) for table in tables]  # noqa: S608
