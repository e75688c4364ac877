"""Login kind `session`, against a real blog on a port of its own."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from service import settings
from service.auth.fetch import Fetch
from service.auth.login import Credentials
from service.auth.session import SessionLogin, SessionVerifier
from service.errors import InvalidCredential, LoginUnavailable
from service.model import Profile, Role, SiteKey
from service.settings import Roles
from tests.auth.blog import FAULTS, SLOW, Blog
from tests.auth.fetching import fetching
from tests.auth.local_server import Handler, LocalServer, always
from tests.conftest import StartGatepost
from tests.harness import ORIGIN, Hands, Person

SITE = SiteKey("blog")
OpenLogin = Callable[..., SessionVerifier]
HEADERS_OF_OUR_OWN = {"host", "accept", "accept-encoding", "user-agent", "cookie", "x-gatepost-site"}


@pytest.fixture
async def blog() -> AsyncIterator[Blog]:
    async with Blog() as running:
        yield running


@pytest.fixture
async def fetch() -> AsyncIterator[Fetch]:
    async with fetching() as client:
        yield client


@pytest.fixture
async def impatient() -> AsyncIterator[Fetch]:
    async with fetching(total_seconds=0.2) as client:
        yield client


@pytest.fixture
async def open_login(blog: Blog, fetch: Fetch, clock: Hands) -> AsyncIterator[OpenLogin]:
    opened: list[SessionVerifier] = []

    def open_one(*, site: SiteKey = SITE, through: Fetch = fetch, **changes: Any) -> SessionVerifier:
        configured = SessionLogin.model_validate({"url": blog.url, "cookies": ["sid"], **changes})
        opened.append(configured.open(site=site, roles=Roles(), clock=clock, fetch=through))
        return opened[-1]

    yield open_one
    for login in opened:
        await login.stop()


@pytest.fixture
def login(open_login: OpenLogin) -> SessionVerifier:
    return open_login()


def browser(cookie: str, **headers: str) -> Credentials:
    """What comes from a browser with this `Cookie` header."""
    return Credentials(headers={"cookie": cookie, **headers})


async def subject_of(login: SessionVerifier, cookie: str) -> str | None:
    identity = await login.identify(browser(cookie))
    return None if identity is None else identity.subject


# --- Who is it? -------------------------------------------------------------------------------------------------------


async def test_blogs_answer_becomes_the_identity(login: SessionVerifier, blog: Blog) -> None:
    cookie = blog.log_in(
        "1",
        id="ada@blog.example",
        name="Ada Pemberton",
        bio="Restores narrowboats.",
        url="https://ada.example/",
        avatar="https://ada.example/a.png",
        roles=["editor", "subscriber"],
        email="ada@blog.example",
    )
    identity = await login.identify(browser(cookie))
    assert identity is not None
    assert (identity.site, identity.namespace, identity.login) == ("blog", "session", "session")
    assert identity.subject == "ada@blog.example"
    assert identity.profile == Profile(
        "Ada Pemberton", "Restores narrowboats.", "https://ada.example/", "https://ada.example/a.png"
    )
    assert identity.roles == {Role.MODERATOR}


async def test_paths_lead_into_the_answer(open_login: OpenLogin, blog: Blog) -> None:
    claims = {"subject": "user.uuid", "name": "user.display.name", "bio": "user.description"}
    login = open_login(claims=claims, roles={"claim": "user.groups", "admin": ["owners"]})
    cookie = blog.log_in(
        "1", user={"uuid": "u-1", "display": {"name": "Ada"}, "description": "Herons", "groups": ["owners"]}
    )
    identity = await login.identify(browser(cookie))
    assert identity is not None
    assert (identity.subject, identity.profile.name, identity.profile.bio) == ("u-1", "Ada", "Herons")
    assert identity.roles == {Role.ADMIN}


async def test_login_that_may_not_moderate_grants_no_role(open_login: OpenLogin, blog: Blog) -> None:
    login = open_login(may_moderate=False)
    identity = await login.identify(browser(blog.log_in("1", id="ada", roles=["admin"])))
    assert identity is not None
    assert identity.roles == frozenset()


@pytest.mark.parametrize(
    ("given", "subject"), [(7, "7"), (0, "0"), (-1, "-1"), (2**63 - 1, str(2**63 - 1)), ("007", "007"), ("ада", "ада")]
)
async def test_number_of_an_account_is_a_good_subject(
    login: SessionVerifier, blog: Blog, given: int | str, subject: str
) -> None:
    assert await subject_of(login, blog.log_in("1", id=given)) == subject


NOBODY: dict[str, Handler] = {
    "401 in JSON": always(text='{"id": "ada"}', status=401),
    "401 as a page": always(text="<h1>Log in</h1>", status=401, content_type="text/html"),
    "403 in JSON": always(text='{"id": "ada"}', status=403),
    "403 as a page": always(text="<h1>No</h1>", status=403, content_type="text/html"),
    "no content": always(text="", status=204, content_type=None),
    "null": always(text="null"),
    "empty object": always(text="{}"),
    "null subject": always(text='{"id": null, "name": "Guest"}'),
    "empty subject": always(text='{"id": "", "name": "Guest"}'),
    "null on the way": always(text='{"user": null}'),
}


@pytest.mark.parametrize("behaviour", NOBODY.values(), ids=NOBODY)
async def test_nobody_is_logged_in_and_that_is_not_remembered(
    login: SessionVerifier, blog: Blog, behaviour: Handler
) -> None:
    honest, blog.behaviour = blog.behaviour, behaviour
    cookie = blog.log_in("1", id="ada")
    for _ in range(2):
        with pytest.raises(InvalidCredential):
            await login.identify(browser(cookie))
    assert login.health()[0] == "pass"
    blog.behaviour = honest
    assert await subject_of(login, cookie) == "ada"
    assert len(blog.questions) == 3


# --- Faults of the blog -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("behaviour", FAULTS.values(), ids=FAULTS)
async def test_fault_lets_nobody_in_and_is_over_when_the_blog_recovers(
    login: SessionVerifier, blog: Blog, behaviour: Handler
) -> None:
    honest, blog.behaviour = blog.behaviour, behaviour
    cookie = blog.log_in("1", id="ada")
    with pytest.raises(LoginUnavailable) as caught:
        await login.identify(browser(cookie))
    assert caught.value.retry_after_seconds is not None
    assert caught.value.retry_after_seconds >= 1
    assert login.health()[0] == "warn"
    assert [question.path for question in blog.questions] == ["/whoami"]
    blog.behaviour = honest
    assert await subject_of(login, cookie) == "ada"
    assert login.health()[0] == "pass"


@pytest.mark.parametrize("slow", SLOW.values(), ids=SLOW)
async def test_slow_blog_is_given_up_on(
    open_login: OpenLogin, blog: Blog, impatient: Fetch, slow: Callable[[LocalServer], Handler]
) -> None:
    login = open_login(through=impatient)
    blog.behaviour = slow(blog)
    with pytest.raises(LoginUnavailable) as caught:
        await login.identify(browser("sid=1"))
    assert caught.value.retry_after_seconds is not None


async def test_stopped_blog_lets_nobody_in_until_it_is_back(login: SessionVerifier, blog: Blog, clock: Hands) -> None:
    cookie = blog.log_in("1", id="ada")
    assert await subject_of(login, cookie) == "ada"
    await blog.down()
    with pytest.raises(LoginUnavailable):
        await login.identify(browser("sid=2"))
    assert await subject_of(login, cookie) == "ada", "her answer is still fresh"
    clock.advance(seconds=15)
    with pytest.raises(LoginUnavailable) as caught:
        await login.identify(browser(cookie))
    assert caught.value.retry_after_seconds is not None
    await blog.up()
    assert await subject_of(login, cookie) == "ada"


async def test_blog_may_say_when_to_come_back(login: SessionVerifier, blog: Blog) -> None:
    blog.behaviour = always(text="", status=503, Retry_After="17")
    with pytest.raises(LoginUnavailable) as caught:
        await login.identify(browser("sid=1"))
    assert caught.value.retry_after_seconds == 17


WRONG_TYPES = [
    {"id": True},
    {"id": False},
    {"id": 1.5},
    {"id": ["ada"]},
    {"id": {"id": "ada"}},
    {"id": 2**63},
    {"id": "x" * 256},
    {"id": " "},
    {"id": "ada", "name": 7},
    {"id": "ada", "name": ["Ada"]},
    {"id": "ada", "bio": {}},
    {"id": "ada", "bio": False},
    {"id": "ada", "url": ["https://ada.example"]},
    {"id": "ada", "avatar": True},
    {"id": "ada", "roles": "admin"},
    {"id": "ada", "roles": {"0": "admin"}},
    {"id": "ada", "roles": ["admin", 1]},
    {"id": "ada", "roles": ["admin", None]},
    {"id": "ada", "roles": [["admin"]]},
    {"id": "ada", "roles": ["admin"] * 201},
    {"id": "ada", "roles": 1},
    {"id": "ada", "roles": True},
]


@pytest.mark.parametrize("answer", WRONG_TYPES, ids=lambda answer: json.dumps(answer)[:50])
async def test_wrong_type_anywhere_in_the_answer_lets_nobody_in(
    login: SessionVerifier, blog: Blog, answer: dict[str, Any]
) -> None:
    cookie = blog.log_in("1", **answer)
    with pytest.raises(LoginUnavailable):
        await login.identify(browser(cookie))
    state, text = login.health()
    assert state == "warn"
    assert [*answer][-1] in text, "the owner learns which member it is"


# --- What the blog gets to see ----------------------------------------------------------------------------------------

WORDPRESS = "wordpress_logged_in_5bd7a9c61cda6e66fc921a05bc80ee93"
COOKIES = [
    # the patterns, what the browser sends, what the blog must see
    (["sid"], "sid=1", "sid=1"),
    (["sid"], "theme=dark; sid=1; _ga=GA1.2.3", "sid=1"),
    (["sid", "remember"], "remember=r; x=y; sid=s", "remember=r; sid=s"),
    (["sid"], "SID=2; sid=1; sidd=3; _sid=4", "sid=1"),
    (["sid"], "sid=first; sid=second", "sid=first; sid=second"),
    (["sid"], 'sid="quoted \\054 and; x=y', 'sid="quoted \\054 and'),
    (["sid"], 'sid="a\\"b"', 'sid="a\\"b"'),
    (["sid"], "sid=a=b==", "sid=a=b=="),
    (["sid"], "sid=a%20b%3B%0d%0a", "sid=a%20b%3B%0d%0a"),
    (["sid"], "sid=two words, and a comma", "sid=two words, and a comma"),
    (["sid"], 'sid={"a":[1,2]}', 'sid={"a":[1,2]}'),
    (["sid"], "sid=a\tb", "sid=a\tb"),
    (["sid"], "sid=élan ☕ 🚲", "sid=élan ☕ 🚲"),
    (["sid"], "sid=s%3Aabc.d+e/f==", "sid=s%3Aabc.d+e/f=="),
    (["sid"], "  sid =  1  ;x=y", "sid=1"),
    (["sid"], ";;sid=1;;", "sid=1"),
    (["sid"], "nameless; sid=1; =x; =sid=2", "sid=1"),
    (["sid", "csrf"], "sid=1; csrf=", "sid=1; csrf="),
    (["sid"], "sid=" + "x" * 8000, "sid=" + "x" * 8000),
    (["__Host-sid"], "__Host-sid=1; __Secure-sid=2", "__Host-sid=1"),
    (["wordpress_logged_in_*"], f"wp-settings-1=a; {WORDPRESS}=ada%7C1%7Cx", f"{WORDPRESS}=ada%7C1%7Cx"),
    (["wordpress_logged_in_*"], "wordpress_logged_in_=1; wordpress_logged_in=2", "wordpress_logged_in_=1"),
    (["wordpress_logged_in_*"], "wordpress_sec_1=secret; wordpress_logged_in_1=1", "wordpress_logged_in_1=1"),
    (["a*", "ab*"], "abc=1; b=2", "abc=1"),
]


@pytest.mark.parametrize(("patterns", "sent", "seen"), COOKIES)
async def test_blog_sees_the_named_cookies_byte_for_byte_and_nothing_else(
    open_login: OpenLogin, blog: Blog, patterns: list[str], sent: str, seen: str
) -> None:
    login = open_login(cookies=patterns)
    blog.sessions[seen.encode()] = {"id": "ada"}
    identity = await login.identify(
        browser(
            sent,
            authorization="Bearer not-for-the-blog",
            origin="https://blog.example",
            referer="https://blog.example/post",
            **{"x-forwarded-for": "203.0.113.7", "user-agent": "a reader's browser"},
        )
    )
    assert identity is not None
    (question,) = blog.questions
    assert question.method == "GET"
    assert question.cookie == seen.encode()
    assert {name.lower() for name in question.headers} == HEADERS_OF_OUR_OWN
    assert question.headers["X-Gatepost-Site"] == "blog"
    assert "reader" not in question.headers["User-Agent"]


@pytest.mark.parametrize(
    "cookie", ["", "sid=", "sid=; sid=", "theme=dark", "sid", "=sid", "SID=1", "xsid=1", "sid2=1", ";", "=;=;="]
)
async def test_request_without_the_blogs_cookie_carries_nothing_for_this_login(
    login: SessionVerifier, blog: Blog, cookie: str
) -> None:
    assert await login.identify(browser(cookie)) is None
    assert blog.questions == []


@pytest.mark.parametrize("credentials", [Credentials(), Credentials(bearer="token", headers={"origin": "x"})])
async def test_request_without_any_cookie_carries_nothing_for_this_login(
    login: SessionVerifier, blog: Blog, credentials: Credentials
) -> None:
    assert await login.identify(credentials) is None
    assert blog.questions == []


@pytest.mark.parametrize(
    "value",
    [
        "a\r\nX-Injected: 1",
        "a\nb",
        "a\rb",
        "a\0b",
        "a;b",
        "; admin=1",
        "\x01",
        "\x1f",
        "\x7f",
        "\udcff",
        "a\ud800",
        "x" * 8200,
    ],
)
async def test_cookie_that_cannot_be_passed_on_unchanged_is_refused_and_nobody_is_asked(
    login: SessionVerifier, blog: Blog, value: str
) -> None:
    with pytest.raises(InvalidCredential):
        await login.identify(Credentials(cookies={"sid": value}))
    if ";" not in value:
        with pytest.raises(InvalidCredential):
            await login.identify(browser(f"sid={value}"))
    assert blog.questions == []


async def test_odd_cookie_of_somebody_else_is_nobodys_business(login: SessionVerifier, blog: Blog) -> None:
    cookie = blog.log_in("1", id="ada")
    assert await subject_of(login, f"tracker=\udcff\x01; {cookie}") == "ada"


async def test_credentials_without_headers_count_by_their_cookies(login: SessionVerifier, blog: Blog) -> None:
    blog.log_in("1", id="ada")
    identity = await login.identify(Credentials(cookies={"sid": "1", "theme": "dark"}))
    assert identity is not None
    assert identity.subject == "ada"
    assert blog.questions[0].cookie == b"sid=1"


# --- What is remembered -----------------------------------------------------------------------------------------------


async def test_answer_for_one_reader_is_never_served_to_another(
    open_login: OpenLogin, blog: Blog, clock: Hands
) -> None:
    """Forty readers, logged in or not, each many times at once and over several cache times, with shuffled replies.

    The blog has a name here, because cookie jars keep no cookies of bare addresses: one jar for all readers would show.
    """
    login = open_login(url=blog.url.replace("127.0.0.1", "localhost"))
    readers = {blog.log_in(f"{number}", id=f"reader {number}"): f"reader {number}" for number in range(30)}
    strangers = [f"sid=stranger-{number}" for number in range(10)]

    async def visit(cookie: str) -> None:
        try:
            identity = await login.identify(browser(f"theme=dark; {cookie}"))
        except InvalidCredential:
            assert cookie in strangers
        else:
            assert identity is not None
            assert identity.subject == readers[cookie]

    honest = blog.behaviour
    turns = itertools.cycle([3, 0, 4, 1, 0, 2, 5])

    async def shuffled(request: Any) -> Any:
        for _ in range(next(turns)):
            await asyncio.sleep(0)
        return await honest(request)

    blog.behaviour = shuffled
    for times in ([4, 1], [1, 4], [2, 2]):
        await asyncio.gather(
            *map(visit, [*readers, *strangers] * times[0] + [*strangers, *reversed(readers)] * times[1])
        )
        clock.advance(seconds=15)
    seen = {question.cookie.decode() for question in blog.questions}
    assert seen == {*readers, *strangers}, "no cookie that the blog set for one reader went out with another's"


async def test_concurrent_requests_of_one_reader_ask_once(login: SessionVerifier, blog: Blog) -> None:
    cookie = blog.log_in("1", id="ada")
    blog.hold()
    visits = [asyncio.ensure_future(subject_of(login, cookie)) for _ in range(20)]
    await blog.has_been_asked(1)
    blog.release()
    assert await asyncio.gather(*visits) == ["ada"] * 20
    assert len(blog.questions) == 1
    assert (login.answers.misses, login.answers.hits) == (1, 19)


async def test_session_that_was_logged_out_stops_working_within_the_cache_time(
    login: SessionVerifier, blog: Blog, clock: Hands
) -> None:
    cookie = blog.log_in("1", id="ada")
    assert await subject_of(login, cookie) == "ada"
    blog.log_out(cookie)
    clock.advance(seconds=14)
    assert await subject_of(login, cookie) == "ada", "the owner chose 15 seconds"
    clock.advance(seconds=1)
    with pytest.raises(InvalidCredential):
        await login.identify(browser(cookie))


async def test_being_asked_often_does_not_prolong_an_answer(login: SessionVerifier, blog: Blog, clock: Hands) -> None:
    cookie = blog.log_in("1", id="ada")
    assert await subject_of(login, cookie) == "ada"
    blog.log_out(cookie)
    for _ in range(14):
        clock.advance(seconds=1)
        assert await subject_of(login, cookie) == "ada"
    clock.advance(seconds=1)
    with pytest.raises(InvalidCredential):
        await login.identify(browser(cookie))


async def test_slow_reply_does_not_prolong_a_session(login: SessionVerifier, blog: Blog, clock: Hands) -> None:
    cookie = blog.log_in("1", id="ada")
    blog.hold()
    visit = asyncio.ensure_future(subject_of(login, cookie))
    await blog.has_been_asked(1)
    clock.advance(seconds=15)
    blog.release()
    assert await visit == "ada"
    blog.log_out(cookie)
    with pytest.raises(InvalidCredential):
        await login.identify(browser(cookie))


async def test_without_a_cache_time_logging_out_counts_at_once(open_login: OpenLogin, blog: Blog) -> None:
    login = open_login(cache_seconds=0)
    cookie = blog.log_in("1", id="ada")
    assert await subject_of(login, cookie) == "ada"
    blog.log_out(cookie)
    with pytest.raises(InvalidCredential):
        await login.identify(browser(cookie))


async def test_logging_in_counts_at_once(login: SessionVerifier, blog: Blog) -> None:
    with pytest.raises(InvalidCredential):
        await login.identify(browser("sid=1"))
    blog.log_in("1", id="ada")
    assert await subject_of(login, "sid=1") == "ada"


async def test_sites_remember_for_themselves(open_login: OpenLogin, blog: Blog) -> None:
    cookie = blog.log_in("1", id="ada")
    for site in ("blog", "other"):
        identity = await open_login(site=SiteKey(site)).identify(browser(cookie))
        assert identity is not None
        assert identity.site == site
    assert [question.headers["X-Gatepost-Site"] for question in blog.questions] == ["blog", "other"]


async def test_stopped_login_has_forgotten_everybody(login: SessionVerifier, blog: Blog) -> None:
    assert await subject_of(login, blog.log_in("1", id="ada")) == "ada"
    await login.stop()
    assert len(login.answers) == 0


# --- Through the whole service ----------------------------------------------------------------------------------------


async def test_reader_comments_with_the_blogs_cookie_and_a_stopped_blog_is_503(
    start_gatepost: StartGatepost, blog: Blog, clock: Hands
) -> None:
    gatepost = await start_gatepost(login=[{"kind": "session", "url": blog.url, "cookies": ["sid"]}])
    cookie = blog.log_in('"odd \\054 value, é', id=7, name="Ada Pemberton")
    ada = Person(gatepost.session, {"Cookie": f"theme=dark; {cookie}", "Origin": ORIGIN})
    submitted = await ada.submit("A lovely garden.")
    assert submitted.status == 202
    assert submitted.json["comment"]["author"]["name"] == "Ada Pemberton"
    assert blog.questions[0].cookie == cookie.encode()

    stranger = Person(gatepost.session, {"Cookie": "sid=stranger", "Origin": ORIGIN})
    assert (await stranger.submit("Let me in.")).code == "invalid-credential"

    await blog.down()
    clock.advance(seconds=15)
    refused = await ada.submit("Anybody there?")
    assert (refused.status, refused.code) == (503, "login-unavailable")
    assert int(refused.headers["Retry-After"]) >= 1
    assert (await ada.get("posts/post/comments")).status == 200, "reading asks no login"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": ORIGIN + ".evil.example"},
        {"Origin": ORIGIN.upper()},
        {"Origin": ORIGIN, "Sec-Fetch-Site": "none"},
        {"Origin": ORIGIN, "Sec-Fetch-Site": "odd"},
    ],
)
async def test_write_with_a_cookie_from_a_page_that_is_not_the_sites_is_refused(
    start_gatepost: StartGatepost, blog: Blog, headers: dict[str, str]
) -> None:
    gatepost = await start_gatepost(login=[{"kind": "session", "url": blog.url, "cookies": ["sid"]}])
    ada = Person(gatepost.session, {"Cookie": blog.log_in("1", id="ada"), **headers})
    refused = await ada.submit("A form on another page sent this.")
    assert (refused.status, refused.code) == (403, "origin-refused")


# --- Configuration ----------------------------------------------------------------------------------------------------

GOOD_SETTINGS = {"kind": "session", "url": "https://blog.example/whoami", "cookies": ["sid"]}


def parsed(**changes: Any) -> settings.Settings:
    block = {**GOOD_SETTINGS, **changes}
    return settings.parse({"sites": {"blog": {"name": "A blog", "login": [block]}}})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"url": None}, "url: must be text in quotes"),
        ({"url": "blog.example/whoami"}, "url: write an address"),
        ({"url": "ftp://blog.example/whoami"}, "url: write an address"),
        ({"url": "https://"}, "url: write an address"),
        ({"url": "https://ada:hunter2@blog.example/whoami"}, "url: write an address"),
        ({"url": "https://blog.example/whoami#me"}, "url: write an address"),
        ({"url": "https://blog.example/who am i"}, "url: write an address"),
        ({"url": "https://blog.example:port/"}, "url: write an address"),
        ({"url": "https://[::1/"}, "url: write an address"),
        ({"url": "https://blog.example/\r\nX: y"}, "url: write an address"),
        ({"cookies": []}, "cookies: "),
        ({"cookies": ["*"]}, "would hand over all of them"),
        ({"cookies": ["a;b"]}, "cookies.0: "),
        ({"cookies": ["a b"]}, "cookies.0: "),
        ({"cookies": [""]}, "cookies.0: "),
        ({"cache_seconds": -1}, "cache_seconds: must be greater"),
        ({"cache_seconds": 301}, "cache_seconds: must be less"),
        ({"cache_seconds": True}, "cache_seconds: must be a number"),
        ({"claims": {"subjekt": "id"}}, "subjekt: is not a setting"),
        ({"cookie": "sid=hunter2"}, "cookie: is not a setting"),
    ],
)
def test_mistake_in_the_settings_is_named_and_no_value_is_shown(change: dict[str, Any], sentence: str) -> None:
    assert isinstance(parsed().sites["blog"].login[0], SessionLogin)
    with pytest.raises(settings.SettingsError) as caught:
        parsed(**change)
    assert sentence in str(caught.value)
    assert "hunter2" not in str(caught.value)
