"""Login kind `oidc` against a real issuer: what it lets in, how fresh its keys are, and what happens when it fails."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from joserfc.jwk import ECKey, OctKey
from pydantic import ValidationError

from service.auth.issuer_keys import COLD_PAUSE, REFRESH, TRUSTED, UNKNOWN_PAUSE
from service.auth.keys import MAX_KEYS, published_keys
from service.auth.login import Credentials, LoginRoles, reason_of
from service.auth.oidc import OidcLogin, OidcVerifier
from service.errors import InvalidCredential, LoginUnavailable
from service.model import Identity, Role, SiteKey
from tests.auth.fetching import fetching
from tests.auth.forge import Signer, base64, compact, signer
from tests.auth.issuer import AUDIENCE, DISCOVERY, KEY_SET, Issuer
from tests.auth.local_server import Handler, always, endless
from tests.conftest import StartGatepost
from tests.harness import Hands, Person

TOO_LONG_SECONDS = 0.05
OpenLogin = Callable[..., OidcVerifier]


@pytest.fixture
async def issuer(clock: Hands) -> AsyncIterator[Issuer]:
    opened = Issuer(clock)
    await opened.up()
    yield opened
    await opened.close()


@pytest.fixture
async def open_login(issuer: Issuer, clock: Hands) -> AsyncIterator[OpenLogin]:
    """Opens a login for the issuer; keyword arguments change its settings."""
    opened: list[OidcVerifier] = []
    async with fetching(total_seconds=5) as usual, fetching(total_seconds=TOO_LONG_SECONDS) as hasty:

        def open_it(*, impatient: bool = False, **changes: Any) -> OidcVerifier:
            settings = OidcLogin.model_validate({"issuer": issuer.name, "audience": AUDIENCE, **changes})
            fetch = hasty if impatient else usual
            opened.append(settings.open(site=SiteKey("blog"), roles=LoginRoles(), clock=clock, fetch=fetch))
            return opened[-1]

        yield open_it
        for login in opened:
            await login.stop()


@pytest.fixture
def login(open_login: OpenLogin) -> OidcVerifier:
    return open_login()


async def who(login: OidcVerifier, token: str) -> Identity | None:
    return await login.identify(Credentials(token))


async def why_not(login: OidcVerifier, token: str) -> str:
    with pytest.raises(InvalidCredential) as refusal:
        await who(login, token)
    return reason_of(refusal.value)


async def what_fails(login: OidcVerifier, token: str) -> str:
    with pytest.raises(LoginUnavailable) as fault:
        await who(login, token)
    assert fault.value.retry_after_seconds
    return reason_of(fault.value)


async def nobody_is_asking() -> None:
    """Wait until a fetch that no request waits for has ended."""
    await asyncio.wait([task for task in asyncio.all_tasks() if task.get_name() == "login keys"])


# --- Which tokens are let in ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["RS256", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"])
async def test_token_of_the_issuer_is_let_in(algorithm: str, issuer: Issuer, open_login: OpenLogin) -> None:
    by = signer(algorithm, "k")
    issuer.published = [by.published()]
    identity = await who(open_login(algorithms=[algorithm]), issuer.token(by, roles=["moderator"], name="Ada"))
    assert identity is not None
    assert (identity.subject, identity.profile.name) == ("ada", "Ada")
    assert identity.roles == {Role.MODERATOR}


async def test_algorithm_that_is_not_on_the_list_is_refused(issuer: Issuer, login: OidcVerifier) -> None:
    by = signer("ES256", "k")
    issuer.published = [by.published()]
    assert "not on the list" in await why_not(login, issuer.token(by))
    assert issuer.fetches == 0


@pytest.mark.parametrize("algorithm", ["HS256", "none"])
def test_only_algorithms_with_public_keys_can_be_configured(algorithm: str) -> None:
    with pytest.raises(ValidationError):
        OidcLogin.model_validate({"issuer": "https://id.example", "audience": "x", "algorithms": [algorithm]})


@pytest.mark.parametrize(
    ("settings", "claims", "let_in"),
    [
        ({}, {"aud": AUDIENCE}, True),
        ({}, {"aud": [AUDIENCE]}, True),
        ({}, {"aud": [AUDIENCE, AUDIENCE]}, True),
        ({}, {"azp": AUDIENCE}, True),
        ({}, {"azp": "another client"}, False),
        ({}, {"azp": 1}, False),
        ({}, {"azp": [AUDIENCE]}, False),
        ({}, {"azp": ""}, False),
        ({}, {"aud": [AUDIENCE, "account"]}, False),
        ({}, {"aud": [AUDIENCE, "account"], "azp": AUDIENCE}, True),
        ({}, {"aud": [AUDIENCE, "account"], "azp": "account"}, False),
        ({}, {"aud": "account", "azp": AUDIENCE}, False),
        ({"audience": ["one", AUDIENCE]}, {"aud": AUDIENCE}, True),
        ({"audience": ["one", "two"]}, {"aud": AUDIENCE}, False),
        ({"authorized_parties": ["front"]}, {"azp": "front"}, True),
        ({"authorized_parties": ["front"]}, {"aud": [AUDIENCE, "account"], "azp": "front"}, True),
        ({"authorized_parties": ["front"]}, {"azp": AUDIENCE}, False),
        ({"authorized_parties": ["front"]}, {}, False),
        ({"authorized_parties": "front"}, {"azp": "front"}, True),
        ({"authorized_parties": ["front", AUDIENCE]}, {}, True),
        ({"authorized_parties": ["front", AUDIENCE]}, {"aud": [AUDIENCE]}, True),
        ({"authorized_parties": ["front", AUDIENCE]}, {"aud": [AUDIENCE, AUDIENCE]}, True),
        ({"authorized_parties": ["front", AUDIENCE]}, {"aud": [AUDIENCE, "front"]}, False),
        ({"authorized_parties": ["front", AUDIENCE]}, {"azp": "other"}, False),
        ({}, {"client_id": "other"}, True),  # in a plain JWT a claim like others
    ],
)
async def test_token_must_be_for_us_and_made_for_a_party_we_know(
    settings: dict[str, Any], claims: dict[str, Any], let_in: bool, issuer: Issuer, open_login: OpenLogin
) -> None:
    login = open_login(**settings)
    if let_in:
        assert await who(login, issuer.token(**claims)) is not None
    else:
        assert await why_not(login, issuer.token(**claims))


PARTIES = {"authorized_parties": ["front"]}
NOT_SAID = "no azp and no client_id"


@pytest.mark.parametrize(
    ("settings", "typ", "claims", "why_not_said"),
    [
        (PARTIES, "at+jwt", {"client_id": "front"}, None),
        (PARTIES, "AT+JWT", {"client_id": "front"}, None),
        (PARTIES, "application/at+jwt", {"client_id": "front"}, None),
        (PARTIES, "Application/AT+JWT", {"client_id": "front"}, None),
        (PARTIES, "at+jwt", {"client_id": "front", "aud": [AUDIENCE, "account"]}, None),
        (PARTIES, "at+jwt", {"client_id": "front", "azp": "front"}, None),
        (PARTIES, "at+jwt", {"client_id": "other", "azp": "front"}, None),
        (PARTIES, "at+jwt", {"client_id": "front", "azp": "other"}, "azp is none of the authorized parties"),
        (PARTIES, "at+jwt", {"client_id": "other"}, "client_id is none of the authorized parties"),
        (PARTIES, "at+jwt", {}, NOT_SAID),
        (PARTIES, "JWT", {}, NOT_SAID),
        (PARTIES, "JWT", {"client_id": "front"}, "no azp, and a client_id that counts only where typ is at+jwt"),
        (PARTIES, None, {"aud": [AUDIENCE, "account"]}, NOT_SAID),
        ({}, "at+jwt", {"client_id": AUDIENCE}, None),
        ({}, "at+jwt", {"client_id": "front"}, "client_id is none of the authorized parties"),
        ({}, "at+jwt", {}, None),
        ({**PARTIES, "token_type": "at+jwt"}, "at+jwt", {"client_id": "front"}, None),
        ({**PARTIES, "token_type": "JWT"}, "JWT", {"client_id": "front"}, "client_id that counts only"),
    ],
)
async def test_client_of_an_access_token_is_its_party(
    settings: dict[str, Any],
    typ: str | None,
    claims: dict[str, Any],
    why_not_said: str | None,
    issuer: Issuer,
    open_login: OpenLogin,
) -> None:
    login = open_login(**settings)
    target = issuer.target()
    token = compact(target.header(typ=typ), target.claims(**claims), target.by)
    if why_not_said is None:
        assert await who(login, token) is not None
    else:
        assert why_not_said in await why_not(login, token)


@pytest.mark.parametrize(
    ("wanted", "typ", "let_in"),
    [
        (None, None, True),
        (None, "JWT", True),
        (None, "at+jwt", True),
        (None, "application/at+jwt", True),
        (None, "logout+jwt", False),
        (None, "dpop+jwt", False),
        ("at+jwt", "at+jwt", True),
        ("at+jwt", "AT+JWT", True),
        ("at+jwt", "application/at+jwt", True),
        ("application/at+jwt", "at+jwt", True),
        ("at+jwt", "JWT", False),
        ("at+jwt", None, False),
        ("JWT", "at+jwt", False),
    ],
)
async def test_typ_must_be_the_configured_one_or_one_of_the_usual(
    wanted: str | None, typ: str | None, let_in: bool, issuer: Issuer, open_login: OpenLogin
) -> None:
    login = open_login(token_type=wanted)
    token = issuer.target().headed(typ=typ)
    if let_in:
        assert await who(login, token) is not None
    else:
        assert "typ" in await why_not(login, token)


async def test_roles_are_found_where_keycloak_and_auth0_put_them(issuer: Issuer, open_login: OpenLogin) -> None:
    keycloak = open_login(roles={"claim": "realm_access.roles", "moderator": ["comments"]})
    auth0 = open_login(roles={"claim": "https://blog.example/roles", "admin": ["owner"], "moderator": []})
    claims: dict[str, Any] = {"realm_access": {"roles": ["comments", "x"]}, "https://blog.example/roles": ["owner"]}
    token = issuer.token(**claims)
    assert [found.roles for login in (keycloak, auth0) if (found := await who(login, token))] == [
        {Role.MODERATOR},
        {Role.ADMIN},
    ]


async def test_cookie_that_the_configuration_names_carries_the_token(issuer: Issuer, open_login: OpenLogin) -> None:
    login = open_login(cookie="id_token")
    assert await login.identify(Credentials(cookies={"id_token": issuer.token()})) is not None
    assert await login.identify(Credentials()) is None


@pytest.mark.parametrize(("ahead", "let_in"), [(30, True), (31, False)])
async def test_clock_of_the_issuer_may_be_ahead_by_the_leeway(
    ahead: int, let_in: bool, issuer: Issuer, login: OidcVerifier
) -> None:
    now = issuer.target().now
    token = issuer.token(iat=now + ahead, nbf=now + ahead)
    if let_in:
        assert await who(login, token) is not None
    else:
        assert await why_not(login, token)


@pytest.mark.parametrize(("behind", "let_in"), [(29, True), (30, False)])
async def test_clock_of_the_issuer_may_be_behind_by_the_leeway(
    behind: int, let_in: bool, issuer: Issuer, login: OidcVerifier
) -> None:
    token = issuer.token(exp=issuer.target().now - behind)
    if let_in:
        assert await who(login, token) is not None
    else:
        assert await why_not(login, token)


# --- Discovery --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", ["{}/", "{}x", "", None, 1, ["{}"]])
async def test_discovery_document_of_another_issuer_is_not_believed(
    wrong: Any, issuer: Issuer, login: OidcVerifier
) -> None:
    issuer.document["issuer"] = wrong.format(issuer.name) if isinstance(wrong, str) else wrong
    words = "same to the letter" if isinstance(wrong, str) else "names no issuer"
    assert words in await what_fails(login, issuer.token())
    assert issuer.fetches == 0


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        1,
        "/realms/blog/certs",
        "http://id.example/keys",
        "file:///etc/passwd",
        "https://user:password@id.example/keys",
        "https://id.example/keys#part",
        "https://id.example/ke ys",
        "https://",
        "https://[::1",
    ],
)
async def test_key_set_is_fetched_only_from_an_address_with_https(
    address: Any, issuer: Issuer, login: OidcVerifier
) -> None:
    issuer.document["jwks_uri"] = address
    assert "jwks_uri" in await what_fails(login, issuer.token())


@pytest.mark.parametrize("document", [[], "text", None, 1, {}])
async def test_discovery_document_that_is_none_is_a_fault(document: Any, issuer: Issuer, login: OidcVerifier) -> None:
    issuer.document = document
    assert await what_fails(login, issuer.token())


async def test_issuer_with_a_slash_at_its_end_is_found(issuer: Issuer, open_login: OpenLogin) -> None:
    issuer.name += "/"
    issuer.document["issuer"] = issuer.name
    assert await who(open_login(issuer=issuer.name), issuer.token()) is not None


async def test_discovery_document_may_stand_elsewhere_and_must_name_the_same_issuer(
    issuer: Issuer, open_login: OpenLogin
) -> None:
    issuer.name = "https://id.example/realms/blog"
    login = open_login(issuer=issuer.name, discovery_url=f"{issuer.address}{DISCOVERY}")
    issuer.document["issuer"] = issuer.name
    assert await who(login, issuer.token()) is not None


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"issuer": "http://id.example"}, "https"),
        ({"issuer": "id.example"}, "https"),
        ({"issuer": "https://id.example?tenant=1"}, "query"),
        ({"issuer": ""}, "issuer"),
        ({"discovery_url": "http://id.internal/x"}, "discovery_url"),
        ({"audience": []}, "audience"),
        ({"audience": ""}, "audience"),
        ({"audience": [""]}, "audience"),
        ({"algorithms": []}, "algorithms"),
        ({"leeway_seconds": 61}, "leeway_seconds"),
        ({"secret": "x"}, "secret"),
    ],
)
def test_mistake_in_the_configuration_stops_the_start_and_is_named(settings: dict[str, Any], part: str) -> None:
    with pytest.raises(ValidationError) as error:
        OidcLogin.model_validate({"issuer": "https://id.example", "audience": "x", **settings})
    assert part in str(error.value)


def test_http_is_for_this_machine_or_where_the_owner_allows_it() -> None:
    usual = {"kind": "oidc", "audience": "x"}
    assert OidcLogin.model_validate({**usual, "issuer": "http://localhost:8081/realms/blog"}).issuer
    assert OidcLogin.model_validate({**usual, "issuer": "http://keycloak:8080", "allow_http": True}).issuer


# --- How often the issuer is asked ------------------------------------------------------------------------------------


async def test_hundred_cold_requests_make_one_fetch(issuer: Issuer, login: OidcVerifier) -> None:
    found = await asyncio.gather(*(who(login, issuer.token(sub=f"reader-{number}")) for number in range(100)))
    assert {identity.subject for identity in found if identity} == {f"reader-{number}" for number in range(100)}
    assert issuer.asked == {DISCOVERY: 1, KEY_SET: 1}


async def test_start_fetches_the_keys_before_anybody_comes(issuer: Issuer, login: OidcVerifier) -> None:
    await login.start()
    await nobody_is_asking()
    assert login.health()[0] == "pass"
    assert await who(login, issuer.token()) is not None
    assert issuer.asked == {DISCOVERY: 1, KEY_SET: 1}


async def test_token_that_is_none_of_the_issuers_costs_no_fetch(issuer: Issuer, login: OidcVerifier) -> None:
    for claims in ({"iss": "https://blog.example"}, {"aud": "other"}, {"exp": 1}, {"sub": None}):
        assert await why_not(login, issuer.token(**claims))
    assert await why_not(login, "no token")
    assert await why_not(login, issuer.token(signer("HS256")))
    assert issuer.asked == {}


async def test_hundred_unknown_kids_in_a_second_make_one_fetch_and_nobody_gets_in(
    issuer: Issuer, login: OidcVerifier, clock: Hands
) -> None:
    assert await who(login, issuer.token()) is not None
    for number in range(100):
        clock.advance(seconds=0.01)
        stranger = Signer("RS256", signer("RS256", owner="stranger").key, f"unknown-{number}")
        assert "no key for this kid" in await why_not(login, issuer.token(stranger))
    assert issuer.fetches == 2
    assert await who(login, issuer.token()) is not None


async def test_hundred_unknown_kids_at_the_same_time_make_one_fetch(issuer: Issuer, login: OidcVerifier) -> None:
    assert await who(login, issuer.token()) is not None
    key = signer("RS256", owner="stranger").key
    tokens = [issuer.token(Signer("RS256", key, f"unknown-{number}")) for number in range(100)]
    found = await asyncio.gather(*(who(login, token) for token in tokens), return_exceptions=True)
    assert {type(each) for each in found} == {InvalidCredential}
    assert issuer.fetches == 2


async def test_unknown_kids_that_never_stop_make_two_fetches_a_minute(
    issuer: Issuer, login: OidcVerifier, clock: Hands
) -> None:
    """Together with the ordinary refreshing, which the fetches for unknown kids make unnecessary."""
    assert await who(login, issuer.token()) is not None
    key = signer("RS256", owner="stranger").key
    for number in range(600):
        clock.advance(seconds=1)
        await why_not(login, issuer.token(Signer("RS256", key, f"unknown-{number}")))
    assert issuer.fetches <= 2 + 600 * 1000 // UNKNOWN_PAUSE


async def test_busy_site_asks_twice_a_minute_and_idle_one_not_at_all(
    issuer: Issuer, login: OidcVerifier, clock: Hands
) -> None:
    assert await who(login, issuer.token()) is not None
    for _ in range(600):
        clock.advance(seconds=0.1)
        assert await who(login, issuer.token()) is not None
    assert 2 <= issuer.fetches <= 3
    before = issuer.fetches
    clock.advance(seconds=86_400)
    assert issuer.fetches == before
    assert issuer.asked[DISCOVERY] == 1


# --- Rotation ---------------------------------------------------------------------------------------------------------


async def test_new_key_is_seen_at_once(issuer: Issuer, login: OidcVerifier) -> None:
    assert await who(login, issuer.token()) is not None
    issuer.rotate("second")
    assert await who(login, issuer.token()) is not None
    assert issuer.fetches == 2


async def test_hundred_readers_with_the_new_key_make_one_fetch(issuer: Issuer, login: OidcVerifier) -> None:
    assert await who(login, issuer.token()) is not None
    issuer.rotate("second")
    found = await asyncio.gather(*(who(login, issuer.token(sub=f"reader-{number}")) for number in range(100)))
    assert len({identity.subject for identity in found if identity}) == 100
    assert issuer.fetches == 2


async def test_new_key_is_seen_within_sixty_seconds_while_somebody_tries_unknown_kids(
    issuer: Issuer, login: OidcVerifier, clock: Hands
) -> None:
    assert await who(login, issuer.token()) is not None
    stranger = Signer("RS256", signer("RS256", owner="stranger").key, "unknown")
    await why_not(login, issuer.token(stranger))
    issuer.rotate("second")
    assert await why_not(login, issuer.token()), "the fetch for unknown kids is used up"
    clock.advance(seconds=UNKNOWN_PAUSE / 1000)
    assert await who(login, issuer.token()) is not None
    assert UNKNOWN_PAUSE < 60_000


async def test_withdrawn_key_is_not_believed_for_longer_than_sixty_seconds(
    issuer: Issuer, login: OidcVerifier, clock: Hands
) -> None:
    stolen = issuer.signer
    assert await who(login, issuer.token(stolen)) is not None
    issuer.rotate("second")
    assert await who(login, issuer.token(stolen)) is not None, "nobody has asked the issuer since"
    clock.advance(seconds=TRUSTED / 1000)
    assert await why_not(login, issuer.token(stolen))
    assert TRUSTED <= 60_000


async def test_withdrawn_key_is_not_believed_by_a_busy_site_either(
    issuer: Issuer, login: OidcVerifier, clock: Hands
) -> None:
    stolen = issuer.signer
    assert await who(login, issuer.token(stolen)) is not None
    issuer.rotate("second")
    clock.advance(seconds=REFRESH / 1000)
    assert await who(login, issuer.token(stolen)) is not None, "this request has the issuer asked and does not wait"
    await nobody_is_asking()
    assert await why_not(login, issuer.token(stolen))


async def test_withdrawn_key_is_not_believed_when_the_issuer_comes_back_with_another(
    issuer: Issuer, login: OidcVerifier, clock: Hands
) -> None:
    stolen = issuer.signer
    assert await who(login, issuer.token(stolen)) is not None
    await issuer.down()
    clock.advance(seconds=TRUSTED / 1000)
    assert await who(login, issuer.token(stolen)) is not None
    issuer.rotate("second")
    await issuer.up()
    clock.advance(seconds=TRUSTED / 1000)
    assert await why_not(login, issuer.token(stolen))


async def test_key_set_that_moved_is_found_again(issuer: Issuer, login: OidcVerifier, clock: Hands) -> None:
    assert await who(login, issuer.token()) is not None
    issuer.handlers["/moved"] = issuer.handlers.pop(KEY_SET)
    issuer.document["jwks_uri"] = f"{issuer.address}/moved"
    for _ in range(2):
        clock.advance(seconds=TRUSTED / 1000)
        assert await who(login, issuer.token()) is not None
    assert issuer.asked["/moved"] == 1


async def test_discovery_document_is_read_again_every_hour(issuer: Issuer, login: OidcVerifier, clock: Hands) -> None:
    for _ in range(3):
        assert await who(login, issuer.token()) is not None
        clock.advance(seconds=3600)
    assert issuer.asked[DISCOVERY] == 3


async def test_clock_that_is_set_back_does_not_freeze_the_keys(
    issuer: Issuer, login: OidcVerifier, clock: Hands
) -> None:
    assert await who(login, issuer.token()) is not None
    stolen = issuer.signer
    issuer.rotate("second")
    clock.advance(seconds=-7200)
    assert await why_not(login, issuer.token(stolen))


# --- When the issuer fails --------------------------------------------------------------------------------------------

FAULTS: dict[str, Handler] = {
    "its own failure": always(text="{}", status=500),
    "not found": always(text="{}", status=404),
    "redirect": always(text="", status=302, Location=f"{DISCOVERY}/elsewhere"),
    "10 MB": always(text=json.dumps({"keys": [{"kty": "RSA", "n": "x" * 10 * 1024 * 1024}]})),
    "endless": endless,
    "broken JSON": always(text='{"keys": [{"kty"'),
    "HTML": always(text="<html>", content_type="text/html"),
    "wrong content type": always(text='{"keys": []}', content_type="text/plain"),
    "no keys": always(text='{"keys": []}'),
    "no list": always(text='{"keys": {}}'),
    "list only": always(text="[]"),
    "null": always(text="null"),
    "member twice": always(text='{"keys": [], "keys": []}'),
    "only keys for something else": always(
        text='{"keys": [{"kty": "RSA", "use": "enc"}, {"kty": "oct", "k": "AAAA"}, 1]}'
    ),
    "too many keys": always(text=json.dumps({"keys": [signer("RS256", "first").published()] * (MAX_KEYS + 1)})),
}


@pytest.mark.parametrize("place", [DISCOVERY, KEY_SET])
@pytest.mark.parametrize("fault", FAULTS)
async def test_nobody_is_let_in_without_keys_and_everybody_is_after_the_fault(
    fault: str, place: str, issuer: Issuer, login: OidcVerifier, clock: Hands
) -> None:
    usual = issuer.handlers[place]
    issuer.handlers[place] = FAULTS[fault]
    await what_fails(login, issuer.token())
    assert login.health()[0] == "warn"
    assert login.key_age is None
    issuer.handlers[place] = usual
    clock.advance(seconds=COLD_PAUSE / 1000)
    assert await who(login, issuer.token()) is not None
    assert login.health()[0] == "pass"


@pytest.mark.parametrize("fault", FAULTS)
async def test_last_good_keys_survive_any_fault(fault: str, issuer: Issuer, login: OidcVerifier, clock: Hands) -> None:
    assert await who(login, issuer.token()) is not None
    issuer.handlers[DISCOVERY] = issuer.handlers[KEY_SET] = FAULTS[fault]
    for _ in range(3):
        clock.advance(seconds=TRUSTED / 1000)
        assert await who(login, issuer.token()) is not None
    assert issuer.fetches + issuer.asked[DISCOVERY] >= 4, "the issuer was asked again"
    status, text = login.health()
    assert status == "warn"
    assert "180 s old" in text


async def test_issuer_that_is_down_makes_nobody_wait_but_the_first(
    issuer: Issuer, open_login: OpenLogin, clock: Hands
) -> None:
    """With an issuer that hangs: a request that waited for it would not be answered before the server is let go."""
    login = open_login()
    assert await who(login, issuer.token()) is not None
    await issuer.down()
    clock.advance(seconds=TRUSTED / 1000)
    assert await who(login, issuer.token()) is not None
    await issuer.up()
    issuer.handlers[KEY_SET] = issuer.handlers[DISCOVERY] = issuer.hang
    for _ in range(10):
        clock.advance(seconds=5)
        assert await who(login, issuer.token()) is not None
    assert login.health()[0] == "warn"


@pytest.mark.parametrize("where", ["hang", "hang_in_the_middle"])
async def test_slow_issuer_is_given_up(where: str, issuer: Issuer, open_login: OpenLogin) -> None:
    login = open_login(impatient=True)
    issuer.handlers[KEY_SET] = getattr(issuer, where)
    assert "no complete answer within 0.05 seconds" in await what_fails(login, issuer.token())


async def test_cold_login_asks_an_issuer_that_is_down_every_five_seconds(
    issuer: Issuer, login: OidcVerifier, clock: Hands
) -> None:
    issuer.handlers[DISCOVERY] = FAULTS["its own failure"]
    for _ in range(20):
        await what_fails(login, issuer.token())
        clock.advance(seconds=1)
    assert issuer.asked[DISCOVERY] == 4


async def test_unknown_key_of_an_issuer_that_is_down_is_no_refusal(issuer: Issuer, login: OidcVerifier) -> None:
    """It may be a new key: the reader is asked to come again, and not to log in again."""
    assert await who(login, issuer.token()) is not None
    old = issuer.token()
    await issuer.down()
    issuer.rotate("second")
    assert "cannot be asked" in await what_fails(login, issuer.token())
    assert await who(login, old) is not None


async def test_first_waiter_who_gives_up_takes_nobody_with_him(issuer: Issuer, login: OidcVerifier) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()
    usual = issuer.handlers[KEY_SET]

    async def held_back(request: web.Request) -> web.StreamResponse:
        arrived.set()
        await go_on.wait()
        return await usual(request)

    issuer.handlers[KEY_SET] = held_back
    first = asyncio.create_task(who(login, issuer.token()))
    await arrived.wait()
    second = asyncio.create_task(who(login, issuer.token(sub="second")))
    await asyncio.sleep(0)
    first.cancel()
    go_on.set()
    found = await second
    assert found is not None
    assert found.subject == "second"
    assert issuer.fetches == 1
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_stop_ends_a_fetch_that_hangs(issuer: Issuer, login: OidcVerifier) -> None:
    arrived = asyncio.Event()

    async def hanging(request: web.Request) -> web.StreamResponse:
        arrived.set()
        return await issuer.hang(request)

    issuer.handlers[KEY_SET] = hanging
    await login.start()
    await arrived.wait()
    await login.stop()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "login keys"]


async def test_reader_is_asked_to_come_again_while_the_issuer_was_never_reached_and_then_comments(
    issuer: Issuer, start_gatepost: StartGatepost, clock: Hands
) -> None:
    await issuer.down()
    gatepost = await start_gatepost(login=[{"kind": "oidc", "issuer": issuer.name, "audience": AUDIENCE}])
    reader = Person(gatepost.session, {"Authorization": f"Bearer {issuer.token(name='Ada')}"})
    refused = await reader.submit("Hello.")
    assert (refused.status, refused.code) == (503, "login-unavailable")
    assert int(refused.headers["Retry-After"]) > 0
    ready = await gatepost.visitor.get("/health/ready")
    assert ready.status == 200, "a login that is down is a warning: reading goes on"
    assert ready.json["status"] == "warn"
    await issuer.up()
    clock.advance(seconds=COLD_PAUSE / 1000)
    submitted = await reader.submit("Hello.")
    assert submitted.status == 202
    assert submitted.json["comment"]["author"]["name"] == "Ada"


# --- Odd key sets -----------------------------------------------------------------------------------------------------


async def test_two_keys_with_one_kid_are_both_tried(issuer: Issuer, login: OidcVerifier) -> None:
    one, two = signer("RS256", "same", "one"), signer("RS256", "same", "two")
    issuer.published = [one.published(), two.published()]
    assert await who(login, issuer.token(one)) is not None
    assert await who(login, issuer.token(two)) is not None
    assert await why_not(login, issuer.token(signer("RS256", "same", "stranger")))


async def test_key_of_another_type_with_the_same_kid_is_not_mistaken(issuer: Issuer, open_login: OpenLogin) -> None:
    rsa, ec = signer("RS256", "same"), signer("ES256", "same")
    issuer.published = [ec.published(), rsa.published()]
    login = open_login(algorithms=["RS256", "ES256"])
    assert await who(login, issuer.token(rsa)) is not None
    assert await who(login, issuer.token(ec)) is not None


async def test_key_whose_type_does_not_fit_the_algorithm_is_unknown(issuer: Issuer, open_login: OpenLogin) -> None:
    ec = signer("ES256", "same")
    issuer.published = [ec.published()]
    login = open_login(algorithms=["RS256", "ES256"])
    assert "no key for this kid and algorithm" in await why_not(login, issuer.token(signer("RS256", "same")))


async def test_public_key_of_the_issuer_is_no_shared_secret(issuer: Issuer, login: OidcVerifier) -> None:
    for secret in (issuer.signer.pem.encode(), json.dumps(issuer.signer.published()).encode()):
        by = Signer("HS256", OctKey(secret, secret), issuer.signer.kid)
        assert await why_not(login, issuer.token(by))
        claims_rs256 = compact({"alg": "RS256", "kid": by.kid}, issuer.target().claims(), by)
        assert await why_not(login, claims_rs256)


async def test_shared_secret_in_a_key_set_is_not_used(issuer: Issuer, login: OidcVerifier) -> None:
    issuer.published = [
        issuer.signer.published(),
        {"kty": "oct", "k": base64(b"0" * 32), "kid": "secret", "alg": "HS256"},
    ]
    assert await who(login, issuer.token()) is not None
    assert await why_not(login, issuer.token(Signer("HS256", OctKey.import_key(b"0" * 32), "secret")))


async def test_token_without_kid_is_tried_with_the_keys_of_its_algorithm(issuer: Issuer, login: OidcVerifier) -> None:
    other = signer("RS256", "other")
    issuer.published = [other.published(), issuer.signer.published()]
    assert await who(login, issuer.token(Signer("RS256", issuer.signer.key))) is not None
    assert await why_not(login, issuer.token(Signer("RS256", signer("RS256", owner="stranger").key)))


async def test_key_without_kid_serves_tokens_with_any(issuer: Issuer, login: OidcVerifier) -> None:
    issuer.published = [issuer.signer.published(kid=None)]
    assert await who(login, issuer.token()) is not None


def odd_keys() -> dict[str, Any]:
    """Keys that must not be used for RS256, each made from a good one."""
    good = signer("RS256", "k").published()
    return {
        "a number": 1,
        "null": None,
        "a list": [],
        "empty": {},
        "kty unknown": {**good, "kty": "XXX"},
        "kty a list": {**good, "kty": ["RSA"]},
        "kty in lower case": {**good, "kty": "rsa"},
        "for encryption": {**good, "use": "enc"},
        "use a list": {**good, "use": ["sig"]},
        "for signing only": {**good, "key_ops": ["sign"]},
        "key_ops a text": {**good, "key_ops": "verify"},
        "for another algorithm": {**good, "alg": "RS512"},
        "alg a number": {**good, "alg": 256},
        "alg none": {**good, "alg": "none"},
        "alg null": {**good, "alg": None},
        "private": signer("RS256", "k").key.as_dict(private=True),
        "modulus missing": {name: value for name, value in good.items() if name != "n"},
        "modulus a number": {**good, "n": 65537},
        "modulus short": {**good, "n": base64(b"\xff" * 128)},
        "modulus short behind zeros": {**good, "n": base64(bytes(128) + b"\xff" * 128)},
        "modulus long": {**good, "n": base64(b"\xff" * 2048)},
        "modulus not base64": {**good, "n": "???"},
        "modulus empty": {**good, "n": ""},
        "exponent 1": {**good, "e": base64(b"\x01")},
        "exponent even": {**good, "e": base64(b"\x04")},
        "exponent empty": {**good, "e": ""},
        "with a curve": {**good, "crv": "P-256"},
        "kid a number": {**good, "kid": 1},
        "kid null": {**good, "kid": None},
        "kid empty": {**good, "kid": ""},
        "kid of 257 characters": {**good, "kid": "k" * 257},
    }


@pytest.mark.parametrize("name", odd_keys())
async def test_odd_key_is_left_out_and_the_good_one_beside_it_serves(
    name: str, issuer: Issuer, login: OidcVerifier
) -> None:
    odd = odd_keys()[name]
    with pytest.raises(ValueError, match="no usable key"):
        published_keys({"keys": [odd]}, ["RS256"])
    issuer.published = [odd, issuer.signer.published(), odd]
    assert await who(login, issuer.token()) is not None


@pytest.mark.parametrize(
    "odd",
    [
        {"crv": "P-384"},
        {"crv": "P-999"},
        {"crv": ["P-256"]},
        {"crv": None},
        {"x": base64(b"\x01" * 32)},
        {"y": ""},
        {"x": None},
    ],
)
def test_odd_key_on_a_curve_is_left_out(odd: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no usable key"):
        published_keys({"keys": [signer("ES256", "k").published(**odd)]}, ["ES256", "ES384"])


def test_curve_decides_for_which_algorithm_a_key_serves() -> None:
    keys = [ECKey.generate_key(curve).as_dict(private=False, kid=curve) for curve in ("P-256", "P-384")]
    known = published_keys({"keys": keys}, ["ES256", "ES384"])
    assert [(key.key_id, key.algorithm) for key in known.keys] == [("P-256", "ES256"), ("P-384", "ES384")]


def test_key_without_alg_serves_every_allowed_algorithm_of_its_type_and_no_other() -> None:
    known = published_keys({"keys": [signer("RS256", "k").published(alg=None)]}, ["RS256", "PS256", "ES256"])
    assert [key.algorithm for key in known.keys] == ["RS256", "PS256"]
