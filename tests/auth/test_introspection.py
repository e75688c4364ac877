"""Login kind `introspection`, against a real RFC 7662 endpoint on a port of its own."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from service import settings
from service.auth.fetch import Fetch
from service.auth.introspection import IntrospectionLogin, IntrospectionVerifier
from service.auth.login import Credentials, reason_of
from service.errors import InvalidCredential, LoginUnavailable
from service.model import Profile, Role, SiteKey
from service.settings import Roles
from tests.auth.blog import FAULTS, SLOW, AuthorizationServer
from tests.auth.fetching import fetching
from tests.auth.forge import compact, signer
from tests.auth.local_server import Handler, LocalServer, always
from tests.conftest import StartGatepost
from tests.harness import Hands

SITE = SiteKey("blog")
SECRET = "the client's own secret: 100% + more"
SECRET_VARIABLE = "INTROSPECTION_CLIENT_SECRET"
OpenLogin = Callable[..., IntrospectionVerifier]


@pytest.fixture(autouse=True)
def client_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, SECRET)


@pytest.fixture
async def server() -> AsyncIterator[AuthorizationServer]:
    async with AuthorizationServer() as running:
        yield running


@pytest.fixture
async def fetch() -> AsyncIterator[Fetch]:
    async with fetching() as client:
        yield client


@pytest.fixture
async def open_login(server: AuthorizationServer, fetch: Fetch, clock: Hands) -> AsyncIterator[OpenLogin]:
    opened: list[IntrospectionVerifier] = []

    def open_one(*, through: Fetch = fetch, **changes: Any) -> IntrospectionVerifier:
        block = {
            "url": server.url,
            "client_id": "gatepost",
            "client_secret_env": SECRET_VARIABLE,
            **changes,
        }
        configured = IntrospectionLogin.model_validate(block)
        opened.append(configured.open(site=SITE, roles=Roles(), clock=clock, fetch=through))
        return opened[-1]

    yield open_one
    for login in opened:
        await login.stop()


@pytest.fixture
def login(open_login: OpenLogin) -> IntrospectionVerifier:
    return open_login()


async def subject_of(login: IntrospectionVerifier, token: str) -> str | None:
    identity = await login.identify(Credentials(bearer=token))
    return None if identity is None else identity.subject


# --- Who is it? -------------------------------------------------------------------------------------------------------


async def test_what_the_server_says_becomes_the_identity(
    login: IntrospectionVerifier, server: AuthorizationServer
) -> None:
    server.tokens["t"] = {
        "active": True,
        "sub": "ada",
        "name": "Ada Pemberton",
        "bio": "Restores narrowboats.",
        "website": "https://ada.example/",
        "picture": "https://ada.example/a.png",
        "roles": ["admin"],
        "username": "ada@blog.example",
        "scope": "openid profile",
    }
    identity = await login.identify(Credentials(bearer="t"))
    assert identity is not None
    assert (identity.site, identity.namespace, identity.subject) == ("blog", "introspection", "ada")
    assert identity.profile == Profile(
        "Ada Pemberton", "Restores narrowboats.", "https://ada.example/", "https://ada.example/a.png"
    )
    assert identity.roles == {Role.ADMIN}


async def test_request_without_a_token_carries_nothing_for_this_login(
    login: IntrospectionVerifier, server: AuthorizationServer
) -> None:
    assert await login.identify(Credentials(cookies={"sid": "1"}, headers={"cookie": "sid=1"})) is None
    assert server.questions == []


@pytest.mark.parametrize("token", ["", "two words", "a\r\nb", "a\tb", "\0", "\x7f", "é", "\udcff", "x" * 16_385])
async def test_what_is_no_access_token_is_refused_and_nobody_is_asked(
    login: IntrospectionVerifier, server: AuthorizationServer, token: str
) -> None:
    with pytest.raises(InvalidCredential):
        await login.identify(Credentials(bearer=token))
    assert server.questions == []


@pytest.mark.parametrize("token", ["t", "a.b.c", "a&token=b", "a=b+c%20/~", "x" * 16_384])
async def test_server_sees_the_very_token(
    login: IntrospectionVerifier, server: AuthorizationServer, token: str
) -> None:
    server.tokens[token] = {"active": True, "sub": "ada"}
    assert await subject_of(login, token) == "ada"
    assert server.questions[0].form == {"token": token, "token_type_hint": "access_token"}


# --- Who asks ---------------------------------------------------------------------------------------------------------


async def test_client_names_itself_by_basic_authentication_with_both_halves_encoded(
    open_login: OpenLogin, server: AuthorizationServer
) -> None:
    login = open_login(client_id="gate:post é")
    server.tokens["t"] = {"active": True, "sub": "ada"}
    await login.identify(Credentials(bearer="t"))
    (question,) = server.questions
    scheme, _, encoded = question.headers["Authorization"].partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(encoded) == b"gate%3Apost+%C3%A9:the+client%27s+own+secret%3A+100%25+%2B+more"
    assert question.method == "POST"
    assert question.headers["Content-Type"].startswith("application/x-www-form-urlencoded")
    assert set(question.form) == {"token", "token_type_hint"}


async def test_client_names_itself_in_the_body_where_the_owner_says_so(
    open_login: OpenLogin, server: AuthorizationServer
) -> None:
    login = open_login(client_authentication="client_secret_post")
    server.tokens["t"] = {"active": True, "sub": "ada"}
    await login.identify(Credentials(bearer="t"))
    (question,) = server.questions
    assert "Authorization" not in question.headers
    assert question.form["client_id"] == "gatepost"
    assert question.form["client_secret"] == SECRET


async def test_secret_may_come_from_a_file(open_login: OpenLogin, server: AuthorizationServer, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from-a-file\n")
    login = open_login(client_secret_env=None, client_secret_file=tmp_path / "secret")
    with pytest.raises(InvalidCredential):
        await login.identify(Credentials(bearer="t"))
    encoded = server.questions[0].headers["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(encoded) == b"gatepost:from-a-file"


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (401, '{"active": true, "sub": "ada"}'),
        (401, '{"error": "invalid_client"}'),
        (401, '{"error": "unsupported_token_type"}'),
        (403, "<h1>Forbidden</h1>"),
        (400, '{"error": "invalid_client"}'),
        (400, '{"error": "unauthorized_client", "active": true}'),
    ],
)
async def test_client_that_the_server_does_not_know_lets_nobody_in_and_health_says_which_settings_to_see(
    login: IntrospectionVerifier, server: AuthorizationServer, status: int, text: str
) -> None:
    server.behaviour = always(text=text, status=status)
    with pytest.raises(LoginUnavailable) as caught:
        await login.identify(Credentials(bearer="t"))
    state, sentence = login.health()
    assert state == "warn"
    for said in (reason_of(caught.value), sentence):
        assert "it does not take this client" in said
        assert str(status) in said
        assert all(name in said for name in ("client_id", "secret", "client_authentication"))


# --- What the server says is no token of its own ----------------------------------------------------------------------

NO_TOKEN = {
    error: always(text=json.dumps({"error": error, "active": True, "sub": "ada"}), status=400)
    for error in ("unsupported_token_type", "invalid_token", "invalid_request")
}


@pytest.mark.parametrize("error", NO_TOKEN)
async def test_token_that_the_server_refuses_to_look_at_is_refused_and_the_login_is_well(
    login: IntrospectionVerifier, server: AuthorizationServer, error: str
) -> None:
    honest = server.behaviour
    server.tokens["t"] = {"active": True, "sub": "ada"}
    assert await subject_of(login, "t") == "ada"
    for _ in range(2):  # and is not remembered
        server.behaviour = NO_TOKEN[error]
        with pytest.raises(InvalidCredential) as caught:
            await login.identify(Credentials(bearer="a.b.c"))
        assert error in reason_of(caught.value)
        assert login.health()[0] == "pass"
    server.behaviour = honest
    server.tokens["a.b.c"] = {"active": True, "sub": "bob"}
    assert await subject_of(login, "a.b.c") == "bob"


async def test_request_that_the_server_has_never_understood_is_our_own_fault(
    login: IntrospectionVerifier, server: AuthorizationServer
) -> None:
    honest, server.behaviour = server.behaviour, NO_TOKEN["invalid_request"]
    with pytest.raises(LoginUnavailable):
        await login.identify(Credentials(bearer="t"))
    assert login.health()[0] == "warn"
    assert "client_authentication" in login.health()[1]
    server.behaviour = honest
    with pytest.raises(InvalidCredential):
        await login.identify(Credentials(bearer="t"))
    assert login.health()[0] == "pass"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "unsupported_token_type",
        "null",
        "[]",
        '["unsupported_token_type"]',
        '{"error": ["unsupported_token_type"]}',
        '{"error": {"unsupported_token_type": 1}}',
        '{"error": null}',
        '{"error": "server_error"}',
        '{"error": "unsupported_token_type", "error": "x"}',
        '{"error": "Unsupported_Token_Type"}',
        '{"error": "unsupported_token_type"' + " " * 1_100_000 + "}",
    ],
    ids=lambda text: text[:40],
)
async def test_every_other_400_is_a_fault_of_the_server(
    login: IntrospectionVerifier, server: AuthorizationServer, text: str
) -> None:
    server.behaviour = always(text=text, status=400)
    with pytest.raises(LoginUnavailable):
        await login.identify(Credentials(bearer="t"))
    assert login.health()[0] == "warn"


@pytest.mark.parametrize("kinds", ["introspection", "oidc introspection", "introspection oidc"])
async def test_token_of_the_wrong_shape_is_401_over_http_and_the_service_stays_well(
    start_gatepost: StartGatepost, server: AuthorizationServer, kinds: str
) -> None:
    """Also beside an `oidc` login that has read it and refused it."""
    blocks = {
        "introspection": {"url": server.url, "client_id": "gatepost", "client_secret_env": SECRET_VARIABLE},
        "oidc": {"issuer": "http://127.0.0.1:9", "audience": "gatepost"},
    }
    gatepost = await start_gatepost(login=[{"kind": kind, **blocks[kind]} for kind in kinds.split()])
    a_jwt = compact({"alg": "RS256"}, {"iss": "https://elsewhere.example", "sub": "ada"}, signer("RS256"))
    bearer = {"Authorization": f"Bearer {a_jwt}"}

    server.behaviour = NO_TOKEN["unsupported_token_type"]
    answer = await gatepost.visitor.get("me", headers=bearer)
    assert (answer.status, answer.code) == (401, "invalid-credential")
    assert "introspection address answers" in str((await gatepost.visitor.get("/health/ready")).json)

    server.behaviour = always(text='{"error": "invalid_client"}', status=401)
    answer = await gatepost.visitor.get("me", headers=bearer)
    assert (answer.status, answer.code) == (503, "login-unavailable")
    assert "it does not take this client" in str((await gatepost.visitor.get("/health/ready")).json)


# --- Refused ----------------------------------------------------------------------------------------------------------

HOUR = 3600


def claims_at(clock: Hands, changes: dict[str, Any]) -> dict[str, Any]:
    """An active token's answer; times in `changes` are seconds from now."""
    now = clock() // 1000
    moved = {
        name: now + value if name in {"exp", "nbf"} and isinstance(value, int | float) and abs(value) < 10**6 else value
        for name, value in changes.items()
        if not isinstance(value, bool)
    }
    return {"active": True, "sub": "ada", **changes, **moved}


ACCEPTED: list[dict[str, Any]] = [
    {},
    {"exp": HOUR},
    {"exp": 0.5},
    {"exp": -29},
    {"nbf": 30},
    {"nbf": -HOUR, "exp": HOUR},
    {"exp": None, "nbf": None},
    {"exp": 10**300},
    {"token_type": "Bearer"},
    {"token_type": "bearer", "typ": "Bearer", "token_use": "access_token"},
    {"cnf": None},
    {"roles": None, "name": None},
]
REFUSED: list[dict[str, Any]] = [
    {"active": False},
    {"exp": -30},
    {"exp": -HOUR},
    {"exp": True},
    {"exp": "9999999999"},
    {"exp": [9999999999]},
    {"exp": -(10**300)},
    {"nbf": 31},
    {"nbf": True},
    {"nbf": "0"},
    {"token_type": "refresh_token"},
    {"token_use": "refresh_token"},
    {"typ": "Refresh"},
    {"cnf": {"jkt": "x"}},
    {"cnf": {}},
    {"sub": None},
    {"sub": ""},
    {"sub": " "},
    {"sub": 7},
    {"sub": True},
    {"sub": ["ada"]},
    {"sub": {"id": "ada"}},
    {"sub": "x" * 256},
    {"name": 7},
    {"name": {}},
    {"bio": []},
    {"website": False},
    {"picture": 1.5},
    {"roles": "admin"},
    {"roles": ["admin", 7]},
    {"roles": {"admin": True}},
    {"roles": ["admin"] * 201},
]


@pytest.mark.parametrize("changes", ACCEPTED, ids=lambda changes: json.dumps(changes)[:50])
async def test_active_token_of_this_moment_is_accepted(
    login: IntrospectionVerifier, server: AuthorizationServer, clock: Hands, changes: dict[str, Any]
) -> None:
    server.tokens["t"] = claims_at(clock, changes)
    assert await subject_of(login, "t") == "ada"


@pytest.mark.parametrize("changes", REFUSED, ids=lambda changes: json.dumps(changes)[:50])
async def test_every_other_token_is_refused_and_that_is_not_remembered(
    login: IntrospectionVerifier, server: AuthorizationServer, clock: Hands, changes: dict[str, Any]
) -> None:
    server.tokens["t"] = claims_at(clock, changes)
    with pytest.raises(InvalidCredential):
        await login.identify(Credentials(bearer="t"))
    assert login.health()[0] == "pass"
    server.tokens["t"] = {"active": True, "sub": "ada"}
    assert await subject_of(login, "t") == "ada"


ISSUER_AND_AUDIENCE: list[tuple[dict[str, Any], bool]] = [
    ({"iss": "https://id.example", "aud": "gatepost"}, True),
    ({"iss": "https://id.example", "aud": ["blog", "gatepost"]}, True),
    ({"aud": "gatepost"}, False),
    ({"iss": "https://id.example/", "aud": "gatepost"}, False),
    ({"iss": ["https://id.example"], "aud": "gatepost"}, False),
    ({"iss": "https://id.example"}, False),
    ({"iss": "https://id.example", "aud": None}, False),
    ({"iss": "https://id.example", "aud": []}, False),
    ({"iss": "https://id.example", "aud": "gatepost2"}, False),
    ({"iss": "https://id.example", "aud": "Gatepost"}, False),
    ({"iss": "https://id.example", "aud": ["gatepost", 7]}, False),
    ({"iss": "https://id.example", "aud": {"gatepost": True}}, False),
    ({"iss": "https://id.example", "aud": True}, False),
]


@pytest.mark.parametrize(("claims", "accepted"), ISSUER_AND_AUDIENCE)
async def test_configured_issuer_and_audience_must_be_there_and_right(
    open_login: OpenLogin, server: AuthorizationServer, claims: dict[str, Any], accepted: bool
) -> None:
    login = open_login(issuer="https://id.example", audience="gatepost")
    server.tokens["t"] = {"active": True, "sub": "ada", **claims}
    if accepted:
        assert await subject_of(login, "t") == "ada"
    else:
        with pytest.raises(InvalidCredential):
            await login.identify(Credentials(bearer="t"))


# --- Faults of the server ---------------------------------------------------------------------------------------------

NOT_RFC_7662: dict[str, Handler] = {
    f"active is {text}": always(text=f'{{"sub": "ada", "active": {text}}}')
    for text in ('"true"', '"yes"', "1", "0", "null", "[]", "[true]", '{"active": true}', "1.0")
}
NOT_RFC_7662["no active"] = always(text='{"sub": "ada"}')
NOT_RFC_7662["Active"] = always(text='{"sub": "ada", "Active": true}')
NOT_RFC_7662["empty object"] = always(text="{}")
NOT_RFC_7662["null"] = always(text="null")
NOT_RFC_7662["no content"] = always(text="", status=204)
NOT_RFC_7662["forbidden"] = always(text='{"sub": "ada", "active": true}', status=403)
EVERY_FAULT = FAULTS | NOT_RFC_7662


@pytest.mark.parametrize("behaviour", EVERY_FAULT.values(), ids=EVERY_FAULT)
async def test_fault_lets_nobody_in_and_is_over_when_the_server_recovers(
    login: IntrospectionVerifier, server: AuthorizationServer, behaviour: Handler
) -> None:
    honest, server.behaviour = server.behaviour, behaviour
    server.tokens["t"] = {"active": True, "sub": "ada"}
    with pytest.raises(LoginUnavailable) as caught:
        await login.identify(Credentials(bearer="t"))
    assert caught.value.retry_after_seconds is not None
    assert caught.value.retry_after_seconds >= 1
    assert login.health()[0] == "warn"
    assert [question.path for question in server.questions] == ["/introspect"]
    server.behaviour = honest
    assert await subject_of(login, "t") == "ada"
    assert login.health()[0] == "pass"


@pytest.mark.parametrize("slow", SLOW.values(), ids=SLOW)
async def test_slow_server_is_given_up_on(
    open_login: OpenLogin, server: AuthorizationServer, slow: Callable[[LocalServer], Handler]
) -> None:
    server.behaviour = slow(server)
    async with fetching(total_seconds=0.2) as impatient:
        login = open_login(through=impatient)
        with pytest.raises(LoginUnavailable):
            await login.identify(Credentials(bearer="t"))


async def test_stopped_server_lets_nobody_in_until_it_is_back(
    login: IntrospectionVerifier, server: AuthorizationServer
) -> None:
    server.tokens["t"] = {"active": True, "sub": "ada"}
    await server.down()
    with pytest.raises(LoginUnavailable) as caught:
        await login.identify(Credentials(bearer="t"))
    assert caught.value.retry_after_seconds is not None
    await server.up()
    assert await subject_of(login, "t") == "ada"


# --- What is remembered -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("expires_in", "kept_for"), [(10, 10), (HOUR, 30), (None, 30), (1, 1)])
async def test_answer_is_kept_until_the_token_expires_or_the_cache_time_is_over(
    login: IntrospectionVerifier,
    server: AuthorizationServer,
    clock: Hands,
    expires_in: int | None,
    kept_for: int,
) -> None:
    clock.now = clock.now // 1000 * 1000
    server.tokens["t"] = {"active": True, "sub": "ada", "exp": expires_in and clock.now // 1000 + expires_in}
    assert await subject_of(login, "t") == "ada"
    server.tokens.clear()
    clock.advance(seconds=kept_for - 0.5)
    assert await subject_of(login, "t") == "ada"
    assert len(server.questions) == 1
    clock.advance(seconds=0.5)
    with pytest.raises(InvalidCredential):
        await login.identify(Credentials(bearer="t"))


async def test_token_that_lives_on_leeway_alone_is_asked_about_every_time(
    login: IntrospectionVerifier, server: AuthorizationServer, clock: Hands
) -> None:
    server.tokens["t"] = {"active": True, "sub": "ada", "exp": clock() // 1000 - 5}
    assert await subject_of(login, "t") == "ada"
    assert await subject_of(login, "t") == "ada"
    assert len(server.questions) == 2


async def test_without_a_cache_time_a_revoked_token_stops_at_once(
    open_login: OpenLogin, server: AuthorizationServer
) -> None:
    login = open_login(cache_seconds=0)
    server.tokens["t"] = {"active": True, "sub": "ada"}
    assert await subject_of(login, "t") == "ada"
    server.tokens.clear()
    with pytest.raises(InvalidCredential):
        await login.identify(Credentials(bearer="t"))


async def test_concurrent_requests_share_a_question_and_never_an_answer(
    login: IntrospectionVerifier, server: AuthorizationServer
) -> None:
    people = {f"token-{number}": f"reader {number}" for number in range(30)}
    server.tokens |= {token: {"active": True, "sub": who} for token, who in people.items()}
    server.hold()
    visits = [asyncio.ensure_future(subject_of(login, token)) for token in [*people] * 5]
    await server.has_been_asked(len(people))
    server.release()
    assert await asyncio.gather(*visits) == [*people.values()] * 5
    assert len(server.questions) == len(people)


async def test_stopped_login_has_forgotten_everybody(login: IntrospectionVerifier, server: AuthorizationServer) -> None:
    server.tokens["t"] = {"active": True, "sub": "ada"}
    assert await subject_of(login, "t") == "ada"
    await login.stop()
    assert len(login.answers) == 0


# --- Configuration ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"url": "id.example/introspect"}, "url: write an address"),
        ({"url": "https://gatepost:hunter2@id.example/introspect"}, "url: write an address"),
        ({"client_id": ""}, "client_id: "),
        ({"client_secret_env": None}, "exactly one of client_secret_env, client_secret_file"),
        ({"client_secret_file": "secret"}, "exactly one of client_secret_env, client_secret_file"),
        ({"client_secret": "hunter2"}, "client_secret: is not a setting"),
        ({"client_authentication": "none"}, "client_authentication: "),
        ({"leeway_seconds": 61}, "leeway_seconds: must be less"),
        ({"leeway_seconds": True}, "leeway_seconds: must be a number"),
        ({"cache_seconds": 301}, "cache_seconds: must be less"),
        ({"issuer": ""}, "issuer: "),
        ({"audience": ""}, "audience: "),
    ],
)
def test_mistake_in_the_settings_is_named_and_no_value_is_shown(change: dict[str, Any], sentence: str) -> None:
    good = {
        "kind": "introspection",
        "url": "https://id.example/introspect",
        "client_id": "gatepost",
        "client_secret_env": SECRET_VARIABLE,
    }

    def parse(**changes: Any) -> settings.Settings:
        return settings.parse({"sites": {"blog": {"name": "A blog", "login": [{**good, **changes}]}}})

    assert isinstance(parse().sites["blog"].login[0], IntrospectionLogin)
    with pytest.raises(settings.SettingsError) as caught:
        parse(**change)
    assert sentence in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("value", [None, ""])
async def test_missing_secret_stops_the_start(
    open_login: OpenLogin, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    if value is None:
        monkeypatch.delenv(SECRET_VARIABLE)
    else:
        monkeypatch.setenv(SECRET_VARIABLE, value)
    with pytest.raises(ValueError, match="secret"):
        open_login()


def test_secret_that_is_no_text_is_refused_without_a_word_of_it(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"hunter\xff2")
    login = IntrospectionLogin.model_validate(
        {"url": "https://login.example/x", "client_id": "gatepost", "client_secret_file": tmp_path / "secret"}
    )
    with pytest.raises(ValueError, match="the client secret is not UTF-8 text") as mistake:
        login.load_secret()
    assert "0xff" not in str(mistake.value)
