"""Credentials over HTTP: every bad one is the same 401, none is taken for nobody's, cookies need the site's own pages.

Robustness, points 7, 8 and 10. `tests/auth` looks at each login by itself; here is what a client can see.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from service.model import Role, SiteKey
from service.moderation import api_keys
from service.web.routes import ROUTES
from tests.auth.attacks import ATTACKS, Target
from tests.auth.forge import signer
from tests.harness import AUDIENCE, ISSUER, LOGIN_URL, ORIGIN, OTHER_SECRET, SECRET, Answer, Gatepost, token
from tests.web.plain_http import JSON, Header, assert_problem, send, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

COOKIE = "blog_login"
LONGEST = 8_000
ME = "/v1/sites/blog/me"
SUBMIT = "/v1/sites/blog/posts/p/comments"
GOOD = b'{"body":"Hello"}'
LOGIN = {
    "kind": "jwt",
    "algorithms": ["HS256"],
    "secret": SECRET,
    "issuer": ISSUER,
    "audience": AUDIENCE,
    "cookie": COOKIE,
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gatepost(prepared_store: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gatepost]:
    async with serving(prepared_store, tmp_path_factory.mktemp("credentials"), login=[LOGIN]) as served:
        yield served


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def approved(gatepost: Gatepost) -> Any:
    """A comment that everybody may read."""
    return await gatepost.approved("Hello everybody", post="p")


def _bearer(value: str | bytes) -> Header:
    return ("Authorization", b"Bearer " + (value.encode() if isinstance(value, str) else value))


def _good(gatepost: Gatepost, **claims: Any) -> str:
    return token("ada", now=gatepost.clock(), **claims)


def _without_id(answer: Answer) -> object:
    return {name: value for name, value in answer.json.items() if name != "request_id"}


async def _assert_turned_away(gatepost: Gatepost, approved: Any, *headers: Header) -> None:
    """The same 401 from every call that looks at credentials, the optional one included, and nothing is written."""
    expected = {
        "type": "/problems/invalid-credential",
        "title": "The credential was not accepted",
        "status": 401,
        "detail": "The credential was not accepted",
        "code": "invalid-credential",
        "login_url": LOGIN_URL.replace("{url}", ""),
    }
    moderator = gatepost.moderator()
    before = (await moderator.get("queue")).json["total"]
    for method, target, body in (
        ("GET", ME, b""),
        ("GET", f"/v1/sites/blog/comments/{approved['id']}", b""),
        ("POST", SUBMIT, GOOD),
        ("GET", "/v1/sites/blog/queue", b""),
    ):
        answer = await send(gatepost, method, target, *headers, *([JSON] if body else []), body=body)
        assert_problem(answer, 401, "invalid-credential")
        assert _without_id(answer) == expected
        assert answer.headers["Cache-Control"] == "private, no-store"
    assert (await moderator.get("queue")).json["total"] == before


async def test_the_good_one_is_good(gatepost: Gatepost) -> None:
    """What all the rows below are spoiled from."""
    for scheme in ("Bearer", "bearer", "BEARER", "bEaReR"):
        answer = await send(gatepost, "GET", ME, ("Authorization", f"{scheme} {_good(gatepost)}"))
        assert (answer.status, answer.json["user"]["name"]) == (200, "Ada")
    spaced = await send(gatepost, "GET", ME, ("Authorization", f"  Bearer   {_good(gatepost)}  "))
    assert spaced.status == 200


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer null",
        "Bearer undefined",
        "Bearer ..",
        "Bearer a.b.c",
        "Bearer e30.e30.e30",
        "Bearer {good} {good}",
        "Bearer {good},",
        "Bearer {good}.x",
        "Bearer ={good}",
        'Bearer "{good}"',
        "Bearer, {good}",
        "Bearer:{good}",
        "Bearer\t{good}",
        "Bearer Bearer {good}",
        "{good}",
        "Token {good}",
        "JWT {good}",
        "Basic: {good}",
        "Basic\t{good}",
        "DPoP {good}",
        "Bearer gp_",
        "Bearer gp_x",
        "Bearer GP_x",
        "Bearer gp_ä",
        "Bearer ä",
        b"Bearer \xff\xfe",
        b"\xff",
        "Bearer " + "a" * LONGEST,
        "Bearer " + "a." * (LONGEST // 2),
    ],
    ids=lambda value: repr(value[:24]),
)
async def test_an_odd_authorization_header_is_401(gatepost: Gatepost, approved: Any, value: str | bytes) -> None:
    shown = value.replace("{good}", _good(gatepost)) if isinstance(value, str) else value
    await _assert_turned_away(gatepost, approved, ("Authorization", shown))


def _forged(name: str, now: int) -> str:
    return ATTACKS[name](Target(ISSUER, AUDIENCE, now, signer("HS256")))


def _fits_in_a_header(text: str) -> bool:
    return text.isascii() and text.isprintable() and text == text.strip() and len(text) < LONGEST


@pytest.mark.parametrize("name", [name for name in ATTACKS if _fits_in_a_header(_forged(name, 1_700_000_000))])
async def test_a_forged_or_odd_token_is_the_same_401(gatepost: Gatepost, approved: Any, name: str) -> None:
    await _assert_turned_away(gatepost, approved, _bearer(_forged(name, gatepost.clock() // 1000)))


async def test_a_token_of_20_kilobytes_is_refused_before_it_is_read(gatepost: Gatepost) -> None:
    answer = await send(gatepost, "GET", ME, _bearer(_good(gatepost, filler="x" * 20_000)))
    assert_problem(answer, 431, "headers-too-large")


async def test_another_sites_token_is_401(gatepost: Gatepost, approved: Any) -> None:
    await _assert_turned_away(gatepost, approved, _bearer(_good(gatepost, secret=OTHER_SECRET, roles=["admin"])))


@pytest.mark.parametrize(
    ("site", "expired", "revoked"), [("other", False, False), ("blog", True, False), ("blog", False, True)]
)
async def test_an_api_key_that_does_not_hold_is_the_same_401(
    gatepost: Gatepost, approved: Any, site: str, expired: bool, revoked: bool
) -> None:
    key, secret = await gatepost.running.database.write(
        api_keys.create,
        "A program",
        site=SiteKey(site),
        roles=frozenset({Role.ADMIN}),
        expires_at=gatepost.clock() if expired else None,
    )
    if revoked:
        assert await gatepost.running.database.write(api_keys.revoke, key.id)
    await _assert_turned_away(gatepost, approved, _bearer(secret))
    await _assert_turned_away(gatepost, approved, _bearer(secret[:-1]))
    await _assert_turned_away(gatepost, approved, _bearer(secret + " "), ("Cookie", f"{COOKIE}={_good(gatepost)}"))


async def test_without_a_credential_what_needs_one_is_login_required(gatepost: Gatepost) -> None:
    calls = [
        ("GET", ME, b""),
        ("GET", "/v1/sites/blog/me/comments", b""),
        ("POST", SUBMIT, GOOD),
        ("PATCH", "/v1/sites/blog/comments/x", b'{"body":"Hello","version":1}'),
        ("DELETE", "/v1/sites/blog/comments/x", b""),
        ("GET", "/v1/sites/blog/queue", b""),
        ("POST", "/v1/sites/blog/queue/claims", b"{}"),
        ("DELETE", "/v1/sites/blog/queue/claims", b""),
        ("POST", "/v1/sites/blog/comments/x/decisions", b'{"action":"approve","version":1}'),
        ("POST", "/v1/sites/blog/decisions/x/undo", b""),
        ("GET", "/v1/sites/blog/decisions", b""),
        ("GET", "/v1/sites/blog/authors/x", b""),
        ("PATCH", "/v1/sites/blog/authors/x", b"{}"),
        ("GET", "/v1/sites/blog/posts/p", b""),
        ("PATCH", "/v1/sites/blog/posts/p", b'{"open":false}'),
    ]
    for method, target, body in calls:
        answer = await send(gatepost, method, target, *([JSON] if body else []), body=body)
        assert_problem(answer, 401, "login-required")
        assert answer.json["login_url"] == LOGIN_URL.replace("{url}", "")


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        (f"{ORIGIN}/2005/07?a=b&c", "https%3A%2F%2Fblog.example%2F2005%2F07%3Fa%3Db%26c"),
        (ORIGIN, "https%3A%2F%2Fblog.example"),
        ("https://evil.example/", ""),
        (f"{ORIGIN}.evil.example/", ""),
        (f"{ORIGIN}@evil.example/", ""),
        ("javascript:alert(1)", ""),
        ("", ""),
    ],
)
async def test_the_login_link_leads_back_to_pages_of_the_blog_only(gatepost: Gatepost, referer: str, back: str) -> None:
    answer = await send(gatepost, "GET", ME, ("Referer", referer))
    assert_problem(answer, 401, "login-required")
    assert answer.json["login_url"] == LOGIN_URL.replace("{url}", back)


async def test_a_site_without_a_login_page_says_null(gatepost: Gatepost) -> None:
    answer = await send(gatepost, "GET", "/v1/sites/other/me")
    assert_problem(answer, 401, "login-required")
    assert answer.json["login_url"] is None


@pytest.mark.parametrize("name", ["access_token", "token", "authorization", "Authorization", "bearer", "jwt", COOKIE])
async def test_a_token_in_the_query_is_not_looked_at(gatepost: Gatepost, name: str) -> None:
    answer = await send(gatepost, "GET", f"{ME}?{name}={_good(gatepost)}")
    assert_problem(answer, 422, "invalid-request")  # no member of any query that the call knows
    refused = await send(gatepost, "GET", f"/v1/sites/blog/queue?{name}={_good(gatepost, roles=['admin'])}")
    assert_problem(refused, 401, "login-required")


@pytest.mark.parametrize("target", [ME, SUBMIT, "/v1/sites/blog/queue", "/v1/sites/blog/comments/ID"])
async def test_two_authorization_headers_are_400_even_when_both_are_good(
    gatepost: Gatepost, approved: Any, target: str
) -> None:
    both = [_bearer(_good(gatepost)), _bearer(_good(gatepost))]
    method, more = ("POST", [JSON]) if target == SUBMIT else ("GET", [])
    body = GOOD if target == SUBMIT else b""
    answer = await send(gatepost, method, target.replace("ID", approved["id"]), *both, *more, body=body)
    assert_problem(answer, 400, "malformed-request")


SINGLE = {
    "Authorization": ("Basic YWRhOmFkYQ==", "Bearer {good}"),
    "Origin": (ORIGIN, ORIGIN),
    "Sec-Fetch-Site": ("same-origin", "same-origin"),
    "Cookie": ("theme=dark", f"{COOKIE}={{good}}"),
    "Content-Type": ("application/json", "application/json"),
}


@pytest.mark.parametrize("target", [ME, SUBMIT, "/v1/sites/blog/queue", "/v1/sites/blog/comments/ID"])
@pytest.mark.parametrize("name", SINGLE)
async def test_two_headers_that_say_who_asks_and_from_where_are_400(
    gatepost: Gatepost, approved: Any, name: str, target: str
) -> None:
    """Each row: two values, of which each alone would do. Two `Content-Type` the parser refuses, in its own words."""
    pair: list[Header] = [(name, value.replace("{good}", _good(gatepost))) for value in SINGLE[name]]
    method, more, body = ("POST", [JSON], GOOD) if target == SUBMIT else ("GET", [], b"")
    needed: list[Header] = [_cookie(_good(gatepost)), ("Origin", ORIGIN), *more]
    rest = [header for header in needed if header[0] != name]
    for headers in ([*pair, *rest], [*rest, *pair], [pair[0], *rest, (name.lower(), pair[1][1])]):
        answer = await send(gatepost, method, target.replace("ID", approved["id"]), *headers, body=body)
        assert_problem(answer, 400, "malformed-request")
        assert name in answer.json["detail"] or name == "Content-Type"


@pytest.mark.parametrize("order", [(ORIGIN, "https://evil.example"), ("https://evil.example", ORIGIN)])
async def test_of_two_origins_none_may_read_the_reply(gatepost: Gatepost, order: tuple[str, str]) -> None:
    answer = await send(gatepost, "GET", ME, *(("Origin", origin) for origin in order), _cookie(_good(gatepost)))
    assert_problem(answer, 400, "malformed-request")
    assert "Access-Control-Allow-Origin" not in answer.headers
    asked = await send(
        gatepost, "OPTIONS", ME, *(("Origin", origin) for origin in order), ("Access-Control-Request-Method", "GET")
    )
    assert "Access-Control-Allow-Origin" not in asked.headers


@pytest.mark.parametrize("path", ["posts/p/comments", "posts/p/comments?view=flat", "counts?post=p", "comments"])
async def test_public_reading_is_the_same_with_any_credential(gatepost: Gatepost, approved: Any, path: str) -> None:
    target = f"/v1/sites/blog/{path}"
    plain = await send(gatepost, "GET", target)
    assert plain.status == 200
    good, bad = _bearer(_good(gatepost, roles=["admin"])), _bearer("bad")
    for headers in ([good], [bad], [good, bad], [("Cookie", f"{COOKIE}=bad")], [("Authorization", "Basic x")]):
        answer = await send(gatepost, "GET", target, *headers)
        assert (answer.status, answer.body, answer.headers["ETag"]) == (200, plain.body, plain.headers["ETag"])
        assert answer.headers["Cache-Control"].startswith("public")


# --- Cookies --------------------------------------------------------------------------------------------------------


def _cookie(value: str) -> Header:
    return ("Cookie", f"theme=dark; {COOKIE}={value}; other=1")


async def test_a_cookie_reads(gatepost: Gatepost) -> None:
    for more in ([], [("Origin", ORIGIN)], [("Origin", "https://evil.example")], [("Sec-Fetch-Site", "none")]):
        answer = await send(gatepost, "GET", ME, _cookie(_good(gatepost)), *more)
        assert (answer.status, answer.json["user"]["name"]) == (200, "Ada")


@pytest.mark.parametrize("value", ["bad", "{other}", "{expired}", "", '"{good}"x'])
async def test_a_bad_cookie_is_401_and_not_nobody(gatepost: Gatepost, approved: Any, value: str) -> None:
    shown = (
        value.replace("{other}", _good(gatepost, secret=OTHER_SECRET))
        .replace("{expired}", _good(gatepost, exp=gatepost.clock() // 1000 - 3600))
        .replace("{good}", _good(gatepost))
    )
    await _assert_turned_away(gatepost, approved, _cookie(shown))


async def test_a_cookie_of_another_name_is_no_credential(gatepost: Gatepost) -> None:
    for name in (COOKIE.upper(), f"x{COOKIE}", "token"):
        assert_problem(await send(gatepost, "GET", ME, ("Cookie", f"{name}={_good(gatepost)}")), 401, "login-required")


async def test_a_bad_bearer_token_is_not_made_good_by_a_cookie(gatepost: Gatepost, approved: Any) -> None:
    for bad in (_bearer("bad"), ("Authorization", f"JWT {_good(gatepost)}"), ("Authorization", "")):
        await _assert_turned_away(gatepost, approved, bad, _cookie(_good(gatepost)))


FETCH_SITES: dict[str | None, bool] = {
    None: True,
    "same-origin": True,
    "same-site": True,
    "cross-site": True,
    "Same-Origin": True,
    "none": False,
    "": False,
    "anything": False,
    "same-origin, cross-site": False,
}
ORIGINS: dict[str | None, bool] = {
    ORIGIN: True,
    None: False,
    "": False,
    "null": False,
    "https://evil.example": False,
    f"{ORIGIN}/": False,
    f"{ORIGIN}.evil.example": False,
    f"{ORIGIN}:443": False,
    f"{ORIGIN}, {ORIGIN}": False,
    "http://blog.example": False,
    "https://BLOG.example": False,
    "https://www.blog.example": False,
    "*": False,
}
WRITES: dict[str, tuple[str, str, object]] = {
    "submit": ("POST", SUBMIT, {"body": "TEXT"}),
    "preview": ("POST", "/v1/sites/blog/preview", {"body": "TEXT"}),
    "edit": ("PATCH", "/v1/sites/blog/comments/ID", {"body": "TEXT", "version": 99}),
    "withdraw": ("DELETE", "/v1/sites/blog/comments/UNKNOWN", None),
    "claim": ("POST", "/v1/sites/blog/queue/claims", {"limit": 1}),
    "release": ("DELETE", "/v1/sites/blog/queue/claims", None),
    "decide": ("POST", "/v1/sites/blog/comments/ID/decisions", {"action": "reject", "version": 99}),
    "decide-many": (
        "POST",
        "/v1/sites/blog/decisions",
        {"decisions": [{"comment_id": "ID", "action": "reject", "version": 99}]},
    ),
    "undo": ("POST", "/v1/sites/blog/decisions/UNKNOWN/undo", None),
    "ban": ("PATCH", "/v1/sites/blog/authors/UNKNOWN", {"note": "x"}),
    "close": ("PATCH", "/v1/sites/blog/posts/unused", {"open": True}),
    "preview-undo": ("POST", "/v1/sites/blog/undos/previews", {"batch": "UNKNOWN"}),
    "undo-batch": ("POST", "/v1/sites/blog/undos", {"preview": "UNKNOWN"}),
    "offer-code": ("POST", "/v1/sites/blog/desk/codes", None),
    "put-list": ("PUT", "/v1/sites/blog/lists/unused", {"title": "Unused", "kind": "words"}),
    "delete-list": ("DELETE", "/v1/sites/blog/lists/UNKNOWN", None),
    "change-entries": ("PATCH", "/v1/sites/blog/lists/UNKNOWN/entries", {"add": []}),
    "retry": ("POST", "/v1/sites/blog/webhooks/UNKNOWN/deliveries/UNKNOWN/retry", None),
    "replay": ("POST", "/v1/sites/blog/webhooks/UNKNOWN/replay", {"after_seq": 0}),
    "resume": ("POST", "/v1/sites/blog/webhooks/UNKNOWN/resume", None),
    "put-policy": ("PUT", "/v1/sites/blog/policy", {"document": {"format": 1}}),
    "validate-policy": ("POST", "/v1/sites/blog/policy/validations", {"document": {"format": 1}}),
    "try-policy": ("POST", "/v1/sites/blog/policy/trials", {"text": "TEXT"}),
    "release-rule": ("DELETE", "/v1/sites/blog/policy/brakes/UNKNOWN", None),
    "try": ("POST", "/v1/sites/blog/webhooks/UNKNOWN/test", None),
}


async def test_every_write_is_on_the_list() -> None:
    declared = sorted((route.method, len(route.path.split("/"))) for route in ROUTES if route.method not in {"GET"})
    assert declared == sorted((method, len(target.split("/"))) for method, target, _ in WRITES.values())


async def _write(gatepost: Gatepost, approved: Any, name: str, *headers: Header, text: str = "Hello") -> Answer:
    method, target, payload = WRITES[name]
    body = json.dumps(payload).replace("ID", approved["id"]).replace("TEXT", text).encode() if payload else b""
    target = target.replace("ID", approved["id"])
    return await send(gatepost, method, target, *headers, *([JSON] if body else []), body=body)


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize(("origin", "taken"), ORIGINS.items())
async def test_a_write_with_a_cookie_comes_from_a_page_of_the_site(
    gatepost: Gatepost, approved: Any, name: str, origin: str | None, taken: bool
) -> None:
    cookie = _cookie(token("mo", now=gatepost.clock(), roles=["moderator"]))
    more = [("Origin", origin)] if origin is not None else []
    answer = await _write(gatepost, approved, name, cookie, *more, text=f"With a cookie from {origin}")
    if taken:
        assert answer.status < 500
        assert answer.status != 401
        assert answer.code != "origin-refused"
    else:
        assert_problem(answer, 403, "origin-refused")


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize(("origin", "taken"), [*[row for row in ORIGINS.items() if row[0] is not None], (None, True)])
async def test_a_write_with_a_token_needs_no_origin_but_no_foreign_one(
    gatepost: Gatepost, approved: Any, name: str, origin: str | None, taken: bool
) -> None:
    bearer = _bearer(token("mo", now=gatepost.clock(), roles=["moderator"]))
    more = [("Origin", origin)] if origin is not None else []
    answer = await _write(gatepost, approved, name, bearer, *more, text=f"With a token from {origin}")
    if taken:
        assert answer.code != "origin-refused"
        assert answer.status < 500
    else:
        assert_problem(answer, 403, "origin-refused")


@pytest.mark.parametrize(("fetch_site", "taken"), FETCH_SITES.items())
async def test_a_write_with_a_cookie_says_how_it_came_about(
    gatepost: Gatepost, approved: Any, fetch_site: str | None, taken: bool
) -> None:
    headers = [_cookie(_good(gatepost)), ("Origin", ORIGIN)]
    headers += [("Sec-Fetch-Site", fetch_site)] if fetch_site is not None else []
    answer = await _write(gatepost, approved, "submit", *headers, text=f"Sec-Fetch-Site {fetch_site}")
    if taken:
        assert answer.status == 202
    else:
        assert_problem(answer, 403, "origin-refused")


async def test_a_write_with_a_token_needs_no_fetch_metadata(gatepost: Gatepost, approved: Any) -> None:
    headers = [_bearer(_good(gatepost)), ("Sec-Fetch-Site", "none")]
    answer = await _write(gatepost, approved, "submit", *headers, text="A token needs no Sec-Fetch-Site")
    assert answer.status == 202


async def test_a_cookie_beside_a_good_token_changes_nothing(gatepost: Gatepost) -> None:
    answer = await send(gatepost, "GET", ME, _bearer(token("bob", now=gatepost.clock())), _cookie(_good(gatepost)))
    assert answer.json["user"]["name"] == "Bob"


# --- What a browser sends by itself, to a host that asks for a password before the whole blog ------------------------

BROWSERS_OWN = [
    "Basic YWRhOmFkYQ==",
    "basic YWRhOmFkYQ==",
    "BASIC YWRhOmFkYQ==",
    "Basic",
    "Basic {good}",
    'Digest username="ada", realm="staging"',
    "Negotiate oRQwEqADCgEA",
    "NTLM TlRMTVNTUAAB",
]


def _own(gatepost: Gatepost, value: str) -> Header:
    return ("Authorization", value.replace("{good}", _good(gatepost)))


@pytest.mark.parametrize("value", BROWSERS_OWN)
async def test_beside_a_browsers_own_password_the_cookie_counts(gatepost: Gatepost, approved: Any, value: str) -> None:
    own = _own(gatepost, value)
    answer = await send(gatepost, "GET", ME, own, _cookie(_good(gatepost)))
    assert (answer.status, answer.json["user"]["name"]) == (200, "Ada")
    written = await _write(
        gatepost,
        approved,
        "submit",
        own,
        _cookie(_good(gatepost)),
        ("Origin", ORIGIN),
        text=f"Beside number {BROWSERS_OWN.index(value)}",
    )
    assert written.status == 202
    await _assert_turned_away(gatepost, approved, own, _cookie("bad"))


@pytest.mark.parametrize("value", BROWSERS_OWN)
async def test_a_browsers_own_password_alone_is_nobodys_and_the_log_says_so(
    gatepost: Gatepost, approved: Any, value: str
) -> None:
    own = _own(gatepost, value)
    with capture_logs() as events:
        assert_problem(await send(gatepost, "GET", ME, own), 401, "login-required")
    assert [event["log_level"] for event in events if "an Authorization header that no login" in str(event)] == ["info"]
    assert value not in str(events)
    assert_problem(await send(gatepost, "POST", SUBMIT, own, JSON, body=GOOD), 401, "login-required")
    assert_problem(await send(gatepost, "GET", "/v1/sites/blog/queue", own), 401, "login-required")
    assert (await send(gatepost, "GET", f"/v1/sites/blog/comments/{approved['id']}", own)).status == 200


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("origin", [None, "https://evil.example", "null"])
async def test_a_browsers_own_password_does_not_make_a_cookie_good_for_foreign_pages(
    gatepost: Gatepost, approved: Any, name: str, origin: str | None
) -> None:
    cookie = _cookie(token("mo", now=gatepost.clock(), roles=["moderator"]))
    more = [("Origin", origin)] if origin is not None else []
    answer = await _write(gatepost, approved, name, ("Authorization", "Basic YWRhOmFkYQ=="), cookie, *more)
    assert_problem(answer, 403, "origin-refused")


@pytest.mark.parametrize("value", ["Bearer {good}", "JWT {good}", "{good}", ""])
async def test_a_token_that_no_login_reads_is_401_and_the_log_says_why(
    prepared_store: Path, tmp_path: Path, value: str
) -> None:
    session = {"kind": "session", "url": "http://127.0.0.1:9/whoami", "cookies": ["sid"]}
    async with serving(prepared_store, tmp_path, login=[session]) as served:
        with capture_logs() as events:
            answer = await send(served, "GET", ME, _own(served, value), ("Cookie", "sid=1"))
        assert_problem(answer, 401, "invalid-credential")
    reasons = [event["reason"] for event in events if event["event"] == "login.refused"]
    assert len(reasons) == 1
    assert "an Authorization header that no login of this site reads" in reasons[0]
    assert _good(served) not in str(events)
