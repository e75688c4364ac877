"""Who may do what at the desk: nobody without the role, no other site's moderator, no other page, no mere look."""

from typing import Any

import pytest

from service.web.routes import DESK
from service.web.surface import EVENT_STREAM, Audience
from tests.desk.stage import OWN_PAGE, AtDesk
from tests.harness import Gatepost
from tests.rows import Rows

SITED = [route for route in DESK if route.audience is Audience.DESK]
ENDING = [route for route in SITED if route.media_type != EVENT_STREAM]
"""All but the stream, which goes on: `test_news.py` reads it."""


async def filled(gatepost: Gatepost) -> dict[str, str]:
    """What the paths of the desk name: a comment that waits, its author and post, a list, a version of the policy."""
    comment = (await gatepost.reader("ada").submit("Words.")).json["comment"]
    await gatepost.moderator().call(
        "PUT", "lists/slurs", json={"title": "Words.", "kind": "words"}, headers={"If-None-Match": "*"}
    )
    document = {"format": 1, "rules": [{"id": "ada", "title": "Words. Ada", "when": [{}], "then": "hold"}]}
    admin = gatepost.reader("root", roles=["admin"])
    put = await admin.call("PUT", "policy", json={"document": document}, headers={"If-Match": '"0"'})
    assert put.status == 200, put.json
    of_comment = {"id": comment["id"], "key": comment["author"]["key"], "post": "post"}
    return {"site": "blog", "list": "slurs", "version": "1", **of_comment}


@pytest.mark.parametrize("route", SITED, ids=lambda route: f"{route.method} {route.path}")
async def test_every_page_asks_who_is_there(gatepost: Gatepost, route: Any) -> None:
    path = route.path.format(**await filled(gatepost))
    assert (await gatepost.visitor.call(route.method, path, headers=OWN_PAGE, allow_redirects=False)).status == 401
    reader = AtDesk(gatepost, "ada", roles=[])
    assert (await reader.person.call(route.method, path, headers=OWN_PAGE, allow_redirects=False)).status == 403
    stranger = AtDesk(gatepost, "mo", site="other")
    assert (await stranger.person.call(route.method, path, headers=OWN_PAGE, allow_redirects=False)).status == 401


@pytest.mark.parametrize("route", ENDING, ids=lambda route: f"{route.method} {route.path}")
async def test_nothing_of_one_site_is_seen_through_another(gatepost: Gatepost, route: Any) -> None:
    names = await filled(gatepost)
    stranger = AtDesk(gatepost, "olga", site="other")
    token = await stranger.token()
    page = await stranger.person.call(
        route.method,
        route.path.format(**{**names, "site": "other"}),
        headers=OWN_PAGE,
        allow_redirects=False,
        **({"data": {"csrf": token}} if route.method == "POST" else {}),
    )
    assert page.status < 500
    assert b"Words." not in page.body
    assert b"Ada" not in page.body


async def test_a_form_names_no_comment_of_another_site(gatepost: Gatepost) -> None:
    names = await filled(gatepost)
    stranger = AtDesk(gatepost, "olga", site="other")
    fields = {"csrf": await stranger.token(), "comment": names["id"], "version": "1", "action": "approve"}
    assert (await stranger.send("/desk/other/decide", fields)).status == 404
    own = AtDesk(gatepost)
    assert (await own.send("/desk/blog/decide", {**fields, "csrf": fields["csrf"]})).status == 403
    marked = {"csrf": fields["csrf"], "marked": f"{names['id']}:1", "action": "approve"}
    preview = await stranger.send("/desk/other/bulk/preview", marked)
    assert preview.one("main").get("data-would-change") == "0"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://blog.example"},
        {"Origin": "null"},
        {},
    ],
    ids=str,
)
async def test_another_page_cannot_send_a_form(gatepost: Gatepost, mo: AtDesk, headers: dict[str, str]) -> None:
    names = await filled(gatepost)
    fields = {"csrf": await mo.token(), "comment": names["id"], "version": "1", "action": "approve"}
    answer = await mo.person.call("POST", "/desk/blog/decide", data=fields, headers=headers, allow_redirects=False)
    assert answer.status == 403
    assert (await gatepost.moderator().get(f"comments/{names['id']}")).json["comment"]["status"] == "pending"


async def test_a_look_changes_nothing(gatepost: Gatepost, mo: AtDesk, rows: Rows) -> None:
    names = await filled(gatepost)
    tables = ("comments", "queue", "authors", "posts", "decisions", "events")

    def everything() -> list[Any]:
        return [rows.execute(f"SELECT * FROM {table}").fetchall() for table in tables]  # noqa: S608

    before = everything()
    for route in DESK:
        if route.method == "GET" and "{pin}" not in route.path and route.media_type != EVENT_STREAM:
            page = await mo.person.get(route.path.format(**names), allow_redirects=False)
            wanted = (401,) if route.path.endswith("/enter") else (200, 303, 308)  # no code, nobody to sign in
            assert page.status in wanted, route.path
    assert everything() == before


async def test_pages_say_what_they_may_do(gatepost: Gatepost, mo: AtDesk) -> None:
    headers = (await mo.open()).answer.headers
    assert headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    )
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Permissions-Policy"] == "camera=(), microphone=(), geolocation=()"
    assert headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in headers
    refused = await gatepost.visitor.get("/desk/blog/", headers={"Origin": "https://blog.example"})
    assert refused.headers["Content-Security-Policy"] == headers["Content-Security-Policy"]
    assert "Access-Control-Allow-Origin" not in refused.headers


async def test_files_are_kept_for_ever(gatepost: Gatepost, mo: AtDesk) -> None:
    page = await mo.open()
    for css, kind in (
        ("link[rel=stylesheet]", "text/css"),
        ("script", "text/javascript"),
        ("link[rel=icon]", "image/svg+xml"),
    ):
        address = page.one(css).get("href") or page.one(css).get("src")
        answer = await gatepost.visitor.get(f"/desk/blog/{address}")
        assert (answer.status, answer.headers["Content-Type"].partition(";")[0]) == (200, kind)
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        again = await gatepost.visitor.get(f"/desk/blog/{address}", headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status == 304
    assert (await gatepost.visitor.get("/desk/static/0123456789abcdef/desk.css")).status == 404
