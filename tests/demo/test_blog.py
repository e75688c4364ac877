"""The blog that the demo plays: its login, what it tells Gatepost about a reader, and its strict pages."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession, CookieJar

from service import demo as demo_room
from service.demo import Demo
from service.demo.people import ADA, FIRST_COMMENT

PAGES = ["/", "/login?next=/"]


@pytest.fixture
async def demo() -> AsyncIterator[Demo]:
    """A demo of this test's own."""
    async with demo_room.started() as running:
        yield running


@asynccontextmanager
async def reader_of(demo: Demo, who: str) -> AsyncIterator[ClientSession]:
    """A client that has logged in at the blog ("": nobody)."""
    async with ClientSession(demo.blog, cookie_jar=CookieJar(unsafe=True)) as client:
        async with client.post("/login", data={"who": who}, allow_redirects=False) as response:
            assert response.status == 303
        yield client


@pytest.mark.parametrize(
    ("asked", "led_to"),
    [
        ("/", "/"),
        ("/?page=2#comments", "/?page=2#comments"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\r\nSet-Cookie: a=b", "/"),
        ("", "/"),
    ],
)
async def test_login_leads_only_to_pages_of_the_blog(demo: Demo, asked: str, led_to: str) -> None:
    async with (
        ClientSession(demo.blog) as client,
        client.post("/login", data={"who": "ada", "next": asked}, allow_redirects=False) as response,
    ):
        assert response.headers["Location"] == led_to


async def test_login_leads_back_to_the_page_that_gatepost_named(demo: Demo) -> None:
    async with ClientSession() as client:
        me = f"{demo.gatepost}/v1/sites/demo/me"
        async with client.get(me, headers={"Referer": f"{demo.blog}/?page=2"}) as refused:
            login_url = (await refused.json())["login_url"]
        async with client.get(login_url) as page:
            assert 'name="next" value="/?page=2"' in await page.text()


@pytest.mark.parametrize(("origin", "status"), [("https://evil.example", 403), ("null", 403), (None, 303)])
async def test_login_from_another_site_is_refused(demo: Demo, origin: str | None, status: int) -> None:
    headers = {"Origin": origin} if origin else {}
    async with (
        ClientSession(demo.blog) as client,
        client.post("/login", data={"who": "ada"}, headers=headers, allow_redirects=False) as response,
    ):
        assert response.status == status
        assert ("Set-Cookie" in response.headers) == (status == 303)


async def test_unknown_reader_cannot_log_in(demo: Demo) -> None:
    async with ClientSession(demo.blog) as client, client.post("/login", data={"who": "eve"}) as response:
        assert response.status == 422


@pytest.mark.parametrize(("who", "roles"), [("ada", []), ("mo", ["moderator"])])
async def test_gatepost_knows_the_reader_by_their_token(demo: Demo, who: str, roles: list[str]) -> None:
    async with reader_of(demo, who) as client:
        async with client.get("/token") as response:
            answer = await response.json()
        bearer = {"Authorization": f"Bearer {answer['token']}"}
        async with client.get(f"{demo.gatepost}/v1/sites/demo/me", headers=bearer) as response:
            me = await response.json()
        async with client.get("/reader") as response:
            at_the_blog = (await response.json())["reader"]
    assert (me["user"]["name"], me["roles"]) == (at_the_blog["name"], roles)
    assert answer["expires_in"] == 300


async def test_token_and_cookie_are_the_same_author(demo: Demo) -> None:
    async with reader_of(demo, "ada") as client:
        async with client.get("/token") as response:
            token = (await response.json())["token"]
        address = f"{demo.gatepost}/v1/sites/demo/me"
        async with client.get(address) as response:
            by_cookie = await response.json()
        async with (
            ClientSession() as other,
            other.get(address, headers={"Authorization": f"Bearer {token}"}) as response,
        ):
            by_token = await response.json()
    assert by_cookie == by_token
    assert by_cookie["user"]["name"] == ADA.name


async def test_visitor_is_nobody(demo: Demo) -> None:
    async with reader_of(demo, "") as client:
        async with client.get("/whoami") as response:
            assert response.status == 401
        async with client.get("/token") as response:
            assert await response.json() == {"token": None}
        async with client.get("/reader") as response:
            assert await response.json() == {"reader": None}


async def test_comments_are_on_the_page_without_any_script(demo: Demo) -> None:
    async with ClientSession() as client, client.get(demo.blog) as response:
        page = await response.text()
    inside = page.partition("<gatepost-comments ")[2].partition("</gatepost-comments>")[0]
    assert FIRST_COMMENT.split("*")[0].strip() in inside


async def test_old_session_ends_with_the_logout(demo: Demo) -> None:
    async with reader_of(demo, "ada") as client:
        [session] = list(client.cookie_jar)
        async with client.post("/login", data={"who": ""}, allow_redirects=False):
            pass
    old = {"Cookie": f"{session.key}={session.value}"}
    async with ClientSession() as client, client.get(f"{demo.blog}/whoami", headers=old) as response:
        assert response.status == 401


async def test_session_cookie_is_out_of_reach_of_scripts_and_other_sites(demo: Demo) -> None:
    async with (
        ClientSession(demo.blog) as client,
        client.post("/login", data={"who": "ada"}, allow_redirects=False) as response,
    ):
        assert {"HttpOnly", "SameSite=Lax"} <= set(response.headers["Set-Cookie"].split("; "))


@pytest.mark.parametrize("path", PAGES)
async def test_pages_run_nothing_inline_and_say_so(demo: Demo, path: str) -> None:
    async with ClientSession(demo.blog) as client, client.get(path) as response:
        policy = response.headers["Content-Security-Policy"]
        page = await response.text()
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<style|<script(?![^>]* src=)|\son\w+=|\sstyle=|javascript:", page)


@pytest.mark.parametrize("path", PAGES)
async def test_everything_that_a_page_loads_is_there(demo: Demo, path: str) -> None:
    async with ClientSession(demo.blog) as client:
        async with client.get(path) as response:
            page = await response.text()
        for address in re.findall(r'(?:src|href)="(/static/[^"]+)"', page):
            async with client.get(address) as response:
                assert response.status == 200, address


async def test_conversation_is_public_and_names_nobodys_address(demo: Demo) -> None:
    async with ClientSession() as client, client.get(f"{demo.gatepost}/v1/sites/demo/comments") as response:
        said = await response.text()
    assert FIRST_COMMENT.split("*")[0].strip() in said
    assert "@towpath.example" not in said


async def test_store_is_gone_when_the_demo_ends() -> None:
    async with demo_room.started() as running:
        assert stores_in(running.folder) == ["gatepost.db"]
    assert stores_in(running.folder) is None


def stores_in(folder: Path) -> list[str] | None:
    """The databases in a folder; None where there is no such folder."""
    return [path.name for path in folder.glob("*.db")] if folder.exists() else None
