"""Login kind `jwt`: which keys the configuration may hold, and which tokens they let in. Attacks: `test_attacks`."""

from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from pydantic import ValidationError

from service.auth.jwt import JwtLogin, JwtVerifier
from service.auth.login import Credentials, LoginRoles, reason_of
from service.errors import InvalidCredential
from service.model import Identity, Role, SiteKey
from tests.auth.attacks import Target
from tests.auth.fetching import never_fetching
from tests.auth.forge import SECRET, Signer, compact, signer
from tests.harness import Hands

ISSUER = "https://blog.example"
AUDIENCE = "gatepost"
NEW_SECRET = "the new shared secret of the blog, long enough too"
PUBLIC_ALGORITHMS = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
SHARED_ALGORITHMS = ("HS256", "HS384", "HS512")


def login(**changes: Any) -> JwtLogin:
    usual: dict[str, Any] = {"issuer": ISSUER, "audience": AUDIENCE}
    if "keys" not in changes:
        usual |= {"algorithms": ["HS256"]}
        usual |= {} if any("secret" in name or "public_key" in name for name in changes) else {"secret": SECRET}
    return JwtLogin.model_validate({**usual, **changes})


def opened(settings: JwtLogin, clock: Hands) -> JwtVerifier:
    return settings.open(site=SiteKey("blog"), roles=LoginRoles(), clock=clock, fetch=never_fetching())


def target(by: Signer, clock: Hands) -> Target:
    return Target(ISSUER, AUDIENCE, clock() // 1000, by)


async def who(settings: JwtLogin, token: str, clock: Hands) -> Identity | None:
    return await opened(settings, clock).identify(Credentials(token))


async def why_not(settings: JwtLogin, token: str, clock: Hands) -> str:
    with pytest.raises(InvalidCredential) as refusal:
        await who(settings, token, clock)
    return reason_of(refusal.value)


def mistake(**changes: Any) -> str:
    with pytest.raises(ValidationError) as error:
        login(**changes)
    return str(error.value)


def mistake_in_key(**changes: Any) -> str:
    with pytest.raises(ValueError, match=r"\w") as error:
        login(**changes).load_keys()
    assert not isinstance(error.value, ValidationError)
    return str(error.value)


# --- Which tokens are let in ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", PUBLIC_ALGORITHMS)
async def test_token_signed_with_the_private_half_is_let_in(algorithm: str, clock: Hands) -> None:
    by = signer(algorithm)
    identity = await who(login(algorithms=[algorithm], public_key=by.pem), target(by, clock).token(), clock)
    assert identity is not None
    assert identity.subject == "ada"


@pytest.mark.parametrize("algorithm", SHARED_ALGORITHMS)
async def test_token_signed_with_the_shared_secret_is_let_in(algorithm: str, clock: Hands) -> None:
    token = target(signer(algorithm), clock).token()
    assert await who(login(algorithms=[algorithm]), token, clock) is not None


@pytest.mark.parametrize("configured", ["EdDSA", "Ed25519"])
@pytest.mark.parametrize("named", ["EdDSA", "Ed25519"])
async def test_both_names_of_eddsa_mean_the_same(configured: str, named: str, clock: Hands) -> None:
    by = signer("Ed25519")
    settings = login(algorithms=[configured], public_key=by.pem)
    assert await who(settings, target(by, clock).headed(alg=named), clock) is not None


@pytest.mark.parametrize(
    "header", [{"jwk": {"kty": "oct"}}, {"jku": "x"}, {"x5c": []}, {"x5u": 1}, {"unknown": {"a": 1}}]
)
async def test_header_we_do_not_need_is_not_looked_at(header: dict[str, Any], clock: Hands) -> None:
    assert await who(login(), target(signer("HS256"), clock).headed(**header), clock) is not None


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["another", AUDIENCE]},
        {"aud": [AUDIENCE]},
        {"roles": []},
        {"name": None},
        {"name": ""},
        {"website": "javascript:alert(1)"},
        {"sub": "a" * 255},
        {"sub": "ünï" + chr(0x1F600)},
        {"jti": "once"},
        {"other": {"deep": [None, 1.5, "x"]}},
    ],
)
async def test_good_claims_in_all_their_forms_are_let_in(claims: dict[str, Any], clock: Hands) -> None:
    assert await who(login(), target(signer("HS256"), clock).token(**claims), clock) is not None


async def test_request_without_token_is_nobody(clock: Hands) -> None:
    verifier = opened(login(), clock)
    assert await verifier.identify(Credentials()) is None
    assert await verifier.identify(Credentials(cookies={"token": "x"})) is None


# --- Times ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "let_in"),
    [
        ({"exp": 1}, True),
        ({"exp": 0}, True),
        ({"exp": -29}, True),
        ({"exp": -30}, False),
        ({"exp": 0.5}, True),
        ({"nbf": 30}, True),
        ({"nbf": 31}, False),
        ({"nbf": -1000}, True),
        ({"iat": 30}, True),
        ({"iat": 31}, False),
    ],
)
async def test_clocks_may_differ_by_the_leeway_and_no_more(
    claims: dict[str, float], let_in: bool, clock: Hands
) -> None:
    aimed = target(signer("HS256"), clock)
    token = aimed.token(**{name: aimed.now + seconds for name, seconds in claims.items()})
    if let_in:
        assert await who(login(), token, clock) is not None
    else:
        assert await why_not(login(), token, clock)


async def test_token_ends_when_its_time_is_over(clock: Hands) -> None:
    verifier = opened(login(leeway_seconds=0), clock)
    token = target(signer("HS256"), clock).token()
    clock.advance(seconds=299)
    assert await verifier.identify(Credentials(token)) is not None
    clock.advance(seconds=1)
    with pytest.raises(InvalidCredential):
        await verifier.identify(Credentials(token))


# --- Several keys -----------------------------------------------------------------------------------------------------


def rotating(**kids: str | None) -> JwtLogin:
    """Two shared secrets side by side, the old and the new one, under these names."""
    old = {"algorithm": "HS256", "secret": SECRET, "kid": kids.get("old")}
    new = {"algorithm": "HS256", "secret": NEW_SECRET, "kid": kids.get("new")}
    return login(keys=[{name: value for name, value in key.items() if value} for key in (old, new)])


def hmac_signer(secret: str, kid: str | None = None) -> Signer:
    return Signer("HS256", OctKey.import_key(secret), kid)


@pytest.mark.parametrize("kids", [{}, {"old": "a", "new": "b"}, {"new": "b"}])
@pytest.mark.parametrize("secret", [SECRET, NEW_SECRET])
async def test_old_and_new_secret_work_side_by_side(secret: str, kids: dict[str, str], clock: Hands) -> None:
    token = target(hmac_signer(secret), clock).token()
    assert await who(rotating(**kids), token, clock) is not None


@pytest.mark.parametrize(
    ("named", "kids", "secret", "let_in"),
    [
        ("a", {"old": "a", "new": "b"}, SECRET, True),
        ("b", {"old": "a", "new": "b"}, NEW_SECRET, True),
        ("b", {"old": "a", "new": "b"}, SECRET, False),
        ("c", {"old": "a", "new": "b"}, SECRET, False),
        ("c", {"new": "b"}, SECRET, True),
        ("c", {"new": "b"}, NEW_SECRET, False),
        ("b", {"new": "b"}, SECRET, False),
        ("anything", {}, NEW_SECRET, True),
    ],
)
async def test_kid_chooses_the_key_and_nameless_keys_serve_unknown_ones(
    named: str, kids: dict[str, str], secret: str, let_in: bool, clock: Hands
) -> None:
    token = target(hmac_signer(secret, named), clock).token()
    if let_in:
        assert await who(rotating(**kids), token, clock) is not None
    else:
        assert "no key of ours" in await why_not(rotating(**kids), token, clock)


async def test_keys_of_every_type_stand_side_by_side_each_with_its_own_algorithm(clock: Hands) -> None:
    signers = [signer(name, name) for name in ("RS256", "PS256", "ES256", "EdDSA")]
    tables = [{"algorithm": by.algorithm, "kid": by.kid, "public_key": by.pem} for by in signers]
    settings = login(keys=[*tables, {"algorithm": "HS256", "secret": SECRET}])
    for by in [*signers, signer("HS256")]:
        assert await who(settings, target(by, clock).token(), clock) is not None
    rsa = signers[0]
    crossed = compact({"alg": "PS256", "kid": "RS256"}, target(rsa, clock).claims(), Signer("PS256", rsa.key))
    assert await why_not(settings, crossed, clock)


async def test_secret_that_was_taken_out_is_no_longer_believed(clock: Hands) -> None:
    token = target(hmac_signer(SECRET), clock).token()
    assert await who(rotating(), token, clock) is not None
    assert await why_not(login(keys=[{"algorithm": "HS256", "secret": NEW_SECRET}]), token, clock)


# --- Where the token is -----------------------------------------------------------------------------------------------


async def test_cookie_that_the_configuration_names_carries_the_token(clock: Hands) -> None:
    verifier = opened(login(cookie="blog_token"), clock)
    token = target(signer("HS256"), clock).token()
    assert await verifier.identify(Credentials(cookies={"blog_token": token})) is not None
    assert await verifier.identify(Credentials(cookies={"other": token})) is None
    with pytest.raises(InvalidCredential):
        await verifier.identify(Credentials(cookies={"blog_token": "x"}))


async def test_bad_bearer_token_is_not_saved_by_a_good_cookie(clock: Hands) -> None:
    verifier = opened(login(cookie="blog_token"), clock)
    token = target(signer("HS256"), clock).token()
    with pytest.raises(InvalidCredential):
        await verifier.identify(Credentials("bad", cookies={"blog_token": token}))


# --- What the configuration may say -----------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", ["", "short", "x" * 31])
@pytest.mark.parametrize("algorithm", SHARED_ALGORITHMS)
def test_short_secret_stops_the_start_with_the_command_that_makes_a_long_one(secret: str, algorithm: str) -> None:
    text = mistake_in_key(algorithms=[algorithm], secret=secret)
    assert "openssl rand -hex 32" in text
    assert f"has {len(secret)} bytes" in text


def test_secret_comes_from_the_environment_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLOG_JWT_SECRET", SECRET)
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    for settings in (login(secret_env="BLOG_JWT_SECRET"), login(secret_file=file)):
        assert settings.load_keys().keys == login().load_keys().keys


@pytest.mark.parametrize("source", [{"secret_env": "NOBODY_SET_THIS"}, {"secret_file": "/nowhere/secret"}])
def test_secret_that_is_not_there_stops_the_start_and_is_named(source: dict[str, str]) -> None:
    assert next(iter(source.values())) in mistake_in_key(**source)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_public_key_as_secret_stops_the_start(algorithm: str) -> None:
    assert "no secret" in mistake_in_key(secret=signer(algorithm).pem)


def test_private_key_stops_the_start() -> None:
    pem = ECKey.generate_key("P-256").as_bytes(encoding="PEM", private=True).decode()
    assert "private key" in mistake_in_key(algorithms=["ES256"], public_key=pem)


def public_pem(kind: str) -> str:
    if kind in {"secp256k1", "P-384"}:
        return ECKey.generate_key(kind).as_bytes(encoding="PEM", private=False).decode()
    if kind in {"X25519", "Ed448"}:
        return OKPKey.generate_key("X25519" if kind == "X25519" else "Ed448").as_bytes(encoding="PEM").decode()
    return signer(kind).pem if kind in PUBLIC_ALGORITHMS else kind


@pytest.mark.parametrize(
    ("algorithm", "kind"),
    [
        ("RS256", "ES256"),
        ("ES256", "P-384"),
        ("ES512", "ES256"),
        ("ES256", "secp256k1"),
        ("EdDSA", "ES256"),
        ("EdDSA", "X25519"),
        ("EdDSA", "Ed448"),
        ("ES256", "no key at all"),
        ("RS256", ""),
    ],
)
def test_key_of_another_type_or_curve_stops_the_start(algorithm: str, kind: str) -> None:
    text = mistake_in_key(algorithms=[algorithm], public_key=public_pem(kind))
    assert algorithm.replace("EdDSA", "Ed25519") in text


def test_short_rsa_key_stops_the_start() -> None:
    with pytest.warns(match="2048"):
        pem = RSAKey.generate_key(1024).as_bytes(encoding="PEM", private=False).decode()
    assert "2048" in mistake_in_key(algorithms=["RS256"], public_key=pem)


def test_key_that_does_not_fit_is_named_by_its_place_in_the_list() -> None:
    keys = [{"algorithm": "HS256", "secret": SECRET}, {"algorithm": "HS256", "secret": "short"}]
    assert mistake_in_key(keys=keys).startswith("keys.1: ")


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"algorithms": ["none"]}, "unsigned"),
        ({"algorithms": ["NONE"]}, "unsigned"),
        ({"algorithms": ["HS256", "RS256"]}, "name one algorithm; for several use `keys`"),
        ({"algorithms": []}, "algorithms"),
        ({"algorithms": ["ES256K"]}, "algorithms"),
        ({"algorithms": ["hs256"]}, "algorithms"),
        ({"algorithms": ["RS256"]}, "public key"),
        ({"algorithms": ["HS256"], "public_key": "x"}, "shared secret"),
        ({"secret": SECRET, "secret_env": "X"}, "exactly one"),
        ({"secret": SECRET, "keys": [{"algorithm": "HS256", "secret": SECRET}]}, "nowhere else"),
        ({"algorithms": ["HS256"], "keys": [{"algorithm": "HS256", "secret": SECRET}]}, "nowhere else"),
        ({"keys": [{"algorithm": "none", "secret": SECRET}]}, "unsigned"),
        ({"keys": [{"algorithm": "HS256"}]}, "exactly one"),
        ({"keys": [{"secret": SECRET}]}, "algorithm"),
        ({"keys": [{"algorithm": "HS256", "secret": SECRET, "kid": "a"}] * 2}, "same kid"),
        ({"keys": [{"algorithm": "HS256", "secret": SECRET, "kid": ""}]}, "kid"),
        ({"keys": [{"algorithm": "HS256", "secret": SECRET, "kid": "k" * 257}]}, "kid"),
        ({"keys": [{"algorithm": "HS256", "secret": SECRET}] * 17}, "at most 16"),
        ({"keys": [{"algorithm": "HS256", "secret": SECRET, "colour": "red"}]}, "colour"),
        ({"leeway_seconds": 61}, "60"),
        ({"leeway_seconds": -1}, "0"),
        ({"leeway_seconds": True}, "leeway_seconds"),
        ({"issuer": ""}, "issuer"),
        ({"audience": ""}, "audience"),
        ({"cookie": "a b"}, "cookie"),
        ({"cookie": ""}, "cookie"),
        ({"name": "Not A Slug"}, "name"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_mistake_in_the_configuration_stops_the_start_and_is_named(changes: dict[str, Any], part: str) -> None:
    assert part in mistake(**changes)


@pytest.mark.parametrize("settings", [login(), rotating(old="a")], ids=["one key", "two keys"])
def test_settings_can_be_printed_without_their_secret(settings: JwtLogin) -> None:
    assert SECRET not in f"{settings} {settings!r}"
    assert NEW_SECRET not in f"{settings} {settings!r}"


def test_mistake_is_told_without_the_secret() -> None:
    assert SECRET not in mistake(secret=SECRET, secret_env="X")


# --- Who comes out ----------------------------------------------------------------------------------------------------


async def test_identity_says_what_the_token_says(clock: Hands) -> None:
    token = target(signer("HS256"), clock).token(
        name="Ada Lovelace",
        bio="Countess",
        website="https://ada.example/",
        picture="https://ada.example/a.png",
        roles=["editor"],
    )
    identity = await who(login(name="main"), token, clock)
    assert identity is not None
    assert (identity.site, identity.namespace, identity.subject, identity.login) == ("blog", "main", "ada", "main")
    assert (identity.profile.name, identity.profile.bio) == ("Ada Lovelace", "Countess")
    assert (identity.profile.url, identity.profile.avatar) == ("https://ada.example/", "https://ada.example/a.png")
    assert identity.roles == {Role.MODERATOR}


async def test_login_is_well_from_the_start_and_has_nothing_to_stop(clock: Hands) -> None:
    verifier = opened(login(name="main"), clock)
    await verifier.start()
    assert (verifier.name, verifier.kind, verifier.health()[0]) == ("main", "jwt", "pass")
    await verifier.stop()
