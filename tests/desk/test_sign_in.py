"""Signing in at the desk, by each kind of login: who comes in, who is told what to do instead, and how one leaves."""

import re
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest

from service.model import Role, SiteKey
from service.moderation import api_keys
from service.web.desk.session import COOKIE
from tests.auth.blog import AuthorizationServer, Blog
from tests.auth.issuer import Issuer
from tests.conftest import StartGatepost
from tests.desk.visit import ORIGIN_OF_NOBODY, Visit, moderators_token, signed_in, visit
from tests.harness import AUDIENCE, ISSUER, ORIGIN, SECRET, Gatepost, Hands, token

BLOG_COOKIE = "blog_login"
FROM_THE_BLOG = {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"}
HOURS = 3600


@dataclass
class Arrival:
    """How somebody with a login comes to the desk: with which token, or what the browser or the proxy brings along."""

    login: dict[str, Any]
    token: str | None = None
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


Arriving = Callable[[AsyncExitStack, Hands, list[str]], Awaitable[Arrival]]


async def _jwt(_: AsyncExitStack, clock: Hands, roles: list[str]) -> Arrival:
    return Arrival(_jwt_login(), token=token("mo", now=clock(), roles=roles))


async def _jwt_cookie(_: AsyncExitStack, clock: Hands, roles: list[str]) -> Arrival:
    return Arrival(_jwt_login(cookie=BLOG_COOKIE), cookies={BLOG_COOKIE: token("mo", now=clock(), roles=roles)})


async def _oidc(stack: AsyncExitStack, clock: Hands, roles: list[str]) -> Arrival:
    issuer = Issuer(clock)
    await issuer.up()
    stack.push_async_callback(issuer.close)
    login = {"kind": "oidc", "issuer": issuer.name, "audience": [AUDIENCE]}
    return Arrival(login, token=issuer.token(sub="mo", name="Mo", roles=roles))


async def _introspection(stack: AsyncExitStack, _: Hands, roles: list[str]) -> Arrival:
    server = await stack.enter_async_context(AuthorizationServer())
    server.tokens["opaque"] = {"active": True, "sub": "mo", "name": "Mo", "roles": roles}
    login = {"kind": "introspection", "url": server.url, "client_id": "gatepost", "client_secret_env": "CLIENT_SECRET"}
    return Arrival(login, token="opaque")


async def _session(stack: AsyncExitStack, _: Hands, roles: list[str]) -> Arrival:
    blog = await stack.enter_async_context(Blog())
    blog.log_in("mos-session", id="mo", name="Mo", roles=roles)
    return Arrival({"kind": "session", "url": blog.url, "cookies": ["sid"]}, cookies={"sid": "mos-session"})


async def _forwarded(_: AsyncExitStack, __: Hands, roles: list[str]) -> Arrival:
    named = {"subject": "X-User", "name": "X-Name", "roles": "X-Roles"}
    headers = {"X-User": "mo", "X-Name": "Mo", "X-Roles": ",".join(roles)}
    return Arrival({"kind": "forwarded", "headers": named}, headers=headers)


def _jwt_login(**more: Any) -> dict[str, Any]:
    usual = {"kind": "jwt", "algorithms": ["HS256"], "secret": SECRET, "issuer": ISSUER, "audience": AUDIENCE}
    return {**usual, **more}


BY_TOKEN: dict[str, Arriving] = {"jwt": _jwt, "oidc": _oidc, "introspection": _introspection}
AMBIENT: dict[str, Arriving] = {"jwt with cookie": _jwt_cookie, "session": _session, "forwarded": _forwarded}


@pytest.fixture(autouse=True)
def client_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIENT_SECRET", "the client's own secret")


@dataclass
class Stage:
    """A service with the login of one arrival, and the browser of whoever arrives."""

    gatepost: Gatepost
    arrival: Arrival
    browser: Visit


@pytest.fixture
async def arrive(start_gatepost: StartGatepost, clock: Hands) -> Any:
    async with AsyncExitStack() as stack:

        async def one(how: Arriving, roles: list[str]) -> Stage:
            arrival = await how(stack, clock, roles)
            gatepost = await start_gatepost(
                login=[arrival.login],
                change=lambda settings: settings["server"].update(trusted_proxies=["127.0.0.1"]),
            )
            return Stage(gatepost, arrival, Visit(gatepost.session, dict(arrival.cookies), dict(arrival.headers)))

        yield one


Arrive = Callable[[Arriving, list[str]], Awaitable[Stage]]


@pytest.mark.parametrize("how", BY_TOKEN.values(), ids=BY_TOKEN)
async def test_a_token_of_the_blog_signs_in(arrive: Arrive, how: Arriving) -> None:
    stage = await arrive(how, ["moderator"])
    assert stage.arrival.token is not None
    assert not await stage.browser.is_in()
    answer = await stage.browser.sign_in(stage.arrival.token, headers=FROM_THE_BLOG)
    assert (answer.status, answer.location) == (303, "./"), answer.text
    assert await stage.browser.is_in()
    assert "Mo" in (await stage.browser.get("/desk/blog/")).text


@pytest.mark.parametrize("how", AMBIENT.values(), ids=AMBIENT)
async def test_whom_the_blog_or_its_proxy_brings_along_is_in(arrive: Arrive, how: Arriving) -> None:
    stage = await arrive(how, ["moderator"])
    assert await stage.browser.is_in()
    assert (await stage.browser.get("/desk/blog/sign-in")).location == "./"
    left = await stage.browser.post("/desk/blog/sign-out", csrf=await stage.browser.csrf())
    assert (left.status, left.page) == (200, "elsewhere")
    assert "The desk cannot sign you out" in left.text
    assert "To sign out, log out at A blog." in left.text
    assert '<a class="button primary" href="https://blog.example">Open A blog</a>' in left.text
    assert not left.cookies
    assert stage.browser.secret() is None
    assert await stage.browser.is_in()  # until they log out at the blog
    stage.browser.cookies.clear()
    stage.browser.always.clear()
    assert not await stage.browser.is_in()


@pytest.mark.parametrize("how", [*BY_TOKEN.values(), *AMBIENT.values()], ids=[*BY_TOKEN, *AMBIENT])
async def test_without_the_role_it_is_said_which_roles_were_seen(arrive: Arrive, how: Arriving) -> None:
    stage = await arrive(how, ["<b>gardener</b>", "cook"])
    signed = stage.arrival.token
    refused = await (stage.browser.sign_in(signed) if signed else stage.browser.get("/desk/blog/"))
    assert (refused.status, refused.page) == (403, "no-role")
    assert "You are logged in as Mo." in refused.text
    assert "<code>&lt;b&gt;gardener&lt;/b&gt;</code>, <code>cook</code>" in refused.text
    assert "<code>moderator</code>, <code>editor</code>" in refused.text
    assert not refused.cookies


async def test_without_any_role_that_is_said_too(gatepost: Gatepost) -> None:
    refused = await visit(gatepost).sign_in(moderators_token(gatepost, roles=None))
    assert (refused.status, refused.page) == (403, "no-role")
    assert "Your login names no role." in refused.text


async def test_a_login_that_may_make_no_moderators_says_so(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost(login=[_jwt_login(may_moderate=False)])
    refused = await visit(gatepost).sign_in(moderators_token(gatepost))
    assert (refused.status, refused.page) == (403, "no-role")
    assert "Nobody with this login may moderate here." in refused.text


# --- The page of whoever is not signed in -----------------------------------------------------------------------------


async def test_who_is_not_signed_in_is_told_how_to(gatepost: Gatepost) -> None:
    for path in ("/desk/blog/", "/desk/blog/sign-in"):
        shown = await visit(gatepost).get(path)
        assert (shown.status, shown.page, shown.title) == (401, "sign-in", "Sign in at A blog")
        assert shown.headers["WWW-Authenticate"] == "Bearer"
        assert '<input id="token" name="token"' in shown.text


DEEP = "c/0190?cursor=a%2Fb"
"""A page of the desk, as seen from the queue."""


@pytest.mark.parametrize(
    ("public_url", "headers", "root"),
    [
        ("https://comments.example/below", {}, "https://comments.example/below"),
        (None, {"Host": "comments.example", "Sec-Fetch-Site": "none"}, "https://comments.example"),
        (None, {"Host": "comments.example"}, "http://comments.example"),
        (None, {"Host": "127.0.0.1:8080", "Sec-Fetch-Site": "none"}, "http://127.0.0.1:8080"),
    ],
)
@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ("", ""),
        (DEEP, DEEP),
        (f"{DEEP}&done=x", DEEP),
        ("sign-in", ""),
        ("enter?code=secret", ""),
    ],
)
async def test_the_blogs_login_leads_back_to_where_somebody_wanted_to_go(
    start_gatepost: StartGatepost, public_url: str | None, headers: dict[str, str], root: str, asked: str, place: str
) -> None:
    gatepost = await start_gatepost(change=lambda settings: settings["server"].update(public_url=public_url))
    shown = await visit(gatepost).get(f"/desk/blog/{asked}", headers=headers)
    back = quote(f"{root}/desk/blog/{place}", safe="")
    assert f'href="https://blog.example/login?next={back}"' in shown.text


async def test_a_token_leads_to_where_somebody_wanted_to_go(gatepost: Gatepost) -> None:
    browser = visit(gatepost)
    wanted = (await browser.get(f"/desk/blog/{DEEP}&done=x")).field("next")
    assert wanted == DEEP
    answer = await browser.post("/desk/blog/sign-in", token=moderators_token(gatepost), next=wanted)
    assert (answer.status, answer.location) == (303, f"./{DEEP}")


async def test_a_wrong_token_or_code_leads_there_all_the_same(gatepost: Gatepost) -> None:
    """The page that says so has the field for another token open."""
    browser = visit(gatepost)
    wrong = await browser.post("/desk/blog/sign-in", token="nonsense", next=DEEP)
    over = [
        await browser.get(f"/desk/blog/enter?code=nonsense&next={quote(DEEP, safe='')}"),
        await browser.post("/desk/blog/enter", code="nonsense", next=DEEP),
    ]
    assert "<details open>" in wrong.text
    for page in (wrong, *over):
        assert (page.status, page.page, page.field("next")) == (401, "sign-in", DEEP)
        assert quote(f"/desk/blog/{DEEP}", safe="") in page.text  # the blog's login leads there too
        answer = await browser.post("/desk/blog/sign-in", token=moderators_token(gatepost), next=page.field("next"))
        assert answer.location == f"./{DEEP}"


async def test_a_code_leads_to_where_somebody_wanted_to_go(gatepost: Gatepost) -> None:
    """Both from a page that hides where it stands, and by the address of the API with a `next` behind it."""
    browser = visit(gatepost)
    signed = moderators_token(gatepost)
    asked = await browser.post("/desk/blog/sign-in", headers={"Origin": "null"}, token=signed, next="record?batch=1")
    code = (await gatepost.moderator().call("POST", "desk/codes")).json["url"].partition("=")[2]
    offered = await browser.get(f"/desk/blog/enter?code={code}&next=record%3Fbatch%3D1")
    for page in (asked, offered):
        entered = await browser.post("/desk/blog/enter", code=page.field("code"), next=page.field("next"))
        assert entered.location == "./record?batch=1"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "../other/",
        "sign-out",
        "c/x#y",
        "javascript:alert(1)",
    ],
)
async def test_a_sign_in_leads_nowhere_else(gatepost: Gatepost, elsewhere: str) -> None:
    browser = visit(gatepost)
    answer = await browser.post("/desk/blog/sign-in", token=moderators_token(gatepost), next=elsewhere)
    assert (answer.status, answer.cookies) == (422, {})
    assert (await browser.get(f"/desk/blog/enter?code=x&next={quote(elsewhere)}")).status == 422


async def test_a_token_is_asked_for_only_where_a_login_reads_one(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost(login=[{"kind": "forwarded"}])
    shown = await visit(gatepost).get("/desk/blog/")
    assert (shown.status, shown.page) == (401, "sign-in")
    assert "<form" not in shown.text


async def test_a_german_browser_is_asked_in_german(gatepost: Gatepost) -> None:
    shown = await visit(gatepost).get("/desk/blog/sign-in", headers={"Accept-Language": "de-AT,en;q=0.5"})
    assert shown.title == "Bei A blog anmelden"


async def test_a_token_that_is_not_accepted_gets_nobody_in(gatepost: Gatepost) -> None:
    bad = {
        "": "empty",
        "nonsense": "no token",
        moderators_token(gatepost, site="other"): "of another site",
        token("mo", now=gatepost.clock() - 2 * HOURS * 1000, roles=["moderator"]): "over",
    }
    for signed, what in bad.items():
        browser = visit(gatepost)
        refused = await browser.sign_in(signed)
        assert (refused.status, refused.page) == (401, "sign-in"), what
        assert "Your login was not accepted, or it is over." in refused.text, what
        assert not browser.cookies, what


async def test_an_api_key_is_no_person(gatepost: Gatepost) -> None:
    _, secret = await gatepost.running.database.write(
        api_keys.create, "bot", site=SiteKey("blog"), roles=frozenset({Role.MODERATOR}), expires_at=None
    )
    browser = visit(gatepost)
    refused = await browser.sign_in(secret)
    assert (refused.status, refused.page) == (403, "problem")
    assert "An API key is for programs" in refused.text
    assert not browser.cookies


async def test_the_cookie_is_a_hosts_own_and_ends_after_twelve_hours(gatepost: Gatepost) -> None:
    browser = visit(gatepost)
    answer = await browser.sign_in(moderators_token(gatepost))
    ((name, morsel),) = answer.cookies.items()
    assert name == f"{COOKIE}blog"
    assert name.startswith("__Host-")
    assert len(morsel.value) == 43  # 32 bytes
    assert {key: morsel[key] for key in ("secure", "httponly", "samesite", "path", "domain", "max-age")} == {
        "secure": True,
        "httponly": True,
        "samesite": "Lax",
        "path": "/",
        "domain": "",
        "max-age": str(12 * HOURS),
    }


async def test_pages_of_signing_in_are_kept_by_nobody_and_shown_in_no_frame(gatepost: Gatepost) -> None:
    asked = await visit(gatepost).sign_in(moderators_token(gatepost), headers=ORIGIN_OF_NOBODY)
    code = asked.field("code")
    shown = [
        await visit(gatepost).get("/desk/blog/sign-in"),
        asked,
        await visit(gatepost).get(f"/desk/blog/enter?code={code}"),
        await visit(gatepost).get("/desk/blog/enter?code=nonsense"),
        await visit(gatepost).sign_in(moderators_token(gatepost, roles=[])),
        await visit(gatepost).sign_in(moderators_token(gatepost)),
    ]
    for answer in shown:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert "form-action 'self'" in answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_no_address_leads_out_of_the_desk_unless_the_configuration_does(gatepost: Gatepost) -> None:
    """Below whatever prefix a proxy puts, links and forms work: they are relative."""
    asked = await visit(gatepost).sign_in(moderators_token(gatepost), headers=ORIGIN_OF_NOBODY)
    signed = await visit(gatepost).get("/desk/blog/")
    for shown in (asked, signed):
        addresses = re.findall(r'(?:href|src|action)="([^"]*)"', shown.text)
        own = [address for address in addresses if not address.startswith("https://blog.example/login")]
        assert own
        assert [address for address in own if address.startswith(("/", "http"))] == []


# --- Leaving ----------------------------------------------------------------------------------------------------------


async def test_signing_out_ends_the_session_and_gives_back_what_was_held(gatepost: Gatepost) -> None:
    await gatepost.reader("ada").submit("Hello")
    claimed = await gatepost.moderator().call("POST", "queue/claims", json={"limit": 5})
    assert len(claimed.json["entries"]) == 1
    browser = await signed_in(gatepost)
    kept = dict(browser.cookies)
    answer = await browser.post("/desk/blog/sign-out", csrf=await browser.csrf())
    assert (answer.status, answer.location) == (303, "sign-in")
    assert browser.cookies == {}
    assert not await Visit(gatepost.session, kept).is_in()
    assert (await gatepost.moderator().get("queue", params={"claimed": "free"})).json["total"] == 1
