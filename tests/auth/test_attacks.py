"""No forged or odd token is let in, by any login that takes tokens, and none learns why."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from service.auth.fetch import Fetch
from service.auth.jwt import JwtLogin, JwtVerifier
from service.auth.login import Credentials, LoginRoles, log_refusal, reason_of
from service.auth.oidc import OidcLogin
from service.errors import InvalidCredential, Problem
from service.model import SiteKey
from tests.auth.attacks import ATTACKS, FRONT_END, OTHER_PARTIES, Target
from tests.auth.fetching import fetching
from tests.auth.forge import SECRET, signer
from tests.auth.issuer import AUDIENCE, Issuer
from tests.conftest import StartGatepost
from tests.harness import Hands

ISSUER = "https://blog.example"
SITE = SiteKey("blog")
LONGEST_HEADER = 4_000


@pytest.fixture
async def fetch() -> AsyncIterator[Fetch]:
    async with fetching() as opened:
        yield opened


@pytest.fixture
async def issuer(clock: Hands) -> AsyncIterator[Issuer]:
    opened = Issuer(clock)
    await opened.up()
    yield opened
    await opened.close()


def jwt_login() -> JwtLogin:
    """A login with keys of every type side by side, so that each may be mistaken for another."""
    tables = [
        {"algorithm": "HS256", "secret": SECRET},
        *(
            {"algorithm": name, "kid": name, "public_key": signer(name, name).pem}
            for name in ("RS256", "PS256", "ES256", "EdDSA")
        ),
    ]
    return JwtLogin.model_validate({"issuer": ISSUER, "audience": AUDIENCE, "keys": tables})


def jwt_verifier(clock: Hands) -> JwtVerifier:
    return JwtVerifier(jwt_login(), site=SITE, roles=LoginRoles(), clock=clock)


def target(algorithm: str, clock: Hands) -> Target:
    by = signer(algorithm) if algorithm == "HS256" else signer(algorithm, algorithm)
    return Target(ISSUER, AUDIENCE, clock() // 1000, by)


def face(problem: Problem) -> object:
    """Everything of a problem that a client can see."""
    return (
        problem.code,
        problem.status,
        problem.title,
        problem.detail,
        problem.members,
        problem.retry_after_seconds,
        str(problem),
    )


@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "PS256", "ES256", "EdDSA"])
async def test_good_token_that_the_attacks_start_from_is_let_in(algorithm: str, clock: Hands) -> None:
    identity = await jwt_verifier(clock).identify(Credentials(target(algorithm, clock).token(roles=["admin"])))
    assert identity is not None
    assert identity.subject == "ada"


@pytest.mark.parametrize("algorithm", ["HS256", "RS256"])
@pytest.mark.parametrize("attack", ATTACKS)
async def test_attack_on_jwt_is_refused_and_learns_nothing(attack: str, algorithm: str, clock: Hands) -> None:
    forged = ATTACKS[attack](target(algorithm, clock))
    with pytest.raises(InvalidCredential) as refusal:
        await jwt_verifier(clock).identify(Credentials(forged))
    assert face(refusal.value) == face(InvalidCredential())
    assert reason_of(refusal.value) != reason_of(InvalidCredential()), "the log does not say why"
    assert SECRET not in reason_of(refusal.value)


async def test_attacks_on_oidc_are_refused_and_learn_nothing(issuer: Issuer, clock: Hands, fetch: Fetch) -> None:
    login = OidcLogin(issuer=issuer.name, audience=(AUDIENCE,)).open(
        site=SITE, roles=LoginRoles(), clock=clock, fetch=fetch
    )
    assert await login.identify(Credentials(issuer.token())) is not None
    faces, silent = {}, []
    for attack, forge in ATTACKS.items():
        with pytest.raises(InvalidCredential) as refusal:
            pytest.fail(f"let in: {attack}: {await login.identify(Credentials(forge(issuer.target())))}")
        faces[attack] = face(refusal.value)
        if reason_of(refusal.value) == reason_of(InvalidCredential()):
            silent.append(attack)
    assert faces == dict.fromkeys(ATTACKS, face(InvalidCredential()))
    assert silent == [], "the log does not say why"
    assert issuer.fetches <= 2, "one load, and one more for kids nobody knows"


@pytest.mark.parametrize("attack", OTHER_PARTIES)
async def test_token_that_was_made_for_another_client_is_refused_over_http(
    issuer: Issuer, start_gatepost: StartGatepost, attack: str
) -> None:
    settings = {"kind": "oidc", "issuer": issuer.name, "audience": [AUDIENCE, FRONT_END]}
    gatepost = await start_gatepost(login=[{**settings, "authorized_parties": [FRONT_END]}])
    answers = {}
    for name, forged in {"good": issuer.token(azp=FRONT_END), attack: OTHER_PARTIES[attack](issuer.target())}.items():
        answers[name] = await gatepost.visitor.get("me", headers={"Authorization": f"Bearer {forged}"})
    assert answers["good"].status == 200
    assert (answers[attack].status, answers[attack].code) == (401, "invalid-credential")


async def test_every_attack_over_http_gets_the_same_answer(start_gatepost: StartGatepost, clock: Hands) -> None:
    login = jwt_login().model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    gatepost = await start_gatepost(login=[{"kind": "jwt", **login}])
    tokens = [
        forged
        for algorithm in ("HS256", "RS256")
        for attack in ATTACKS.values()
        if len(forged := attack(target(algorithm, clock))) < LONGEST_HEADER
        and forged.isascii()
        and forged.isprintable()
        and " " not in forged
        and forged
    ]
    assert len(tokens) > 200
    good = await gatepost.visitor.get("me", headers={"Authorization": f"Bearer {target('RS256', clock).token()}"})
    assert good.status == 200
    seen = set()
    for forged in tokens:
        answer = await gatepost.visitor.get("me", headers={"Authorization": f"Bearer {forged}"})
        assert answer.status == 401
        body = {name: value for name, value in answer.json.items() if name != "request_id"}
        seen.add((str(body), answer.headers["WWW-Authenticate"], frozenset(answer.headers) - {"Date"}))
    assert len(seen) == 1, seen


def test_there_are_many_different_attacks(clock: Hands) -> None:
    forged = {attack(target("RS256", clock)) for attack in ATTACKS.values()}
    assert len(forged) > 180
    assert len(ATTACKS) - len(forged) < 5


async def test_refusal_is_logged_with_login_and_reason_and_never_the_token(clock: Hands) -> None:
    forged = target("HS256", clock).token(exp=1)
    with pytest.raises(InvalidCredential) as refusal:
        await jwt_verifier(clock).identify(Credentials(forged))
    with capture_logs() as events:
        log_refusal("jwt", refusal.value)
    assert events == [
        {"event": "login.refused", "login": "jwt", "log_level": "info", "reason": "expired_token: The token is expired"}
    ]


async def test_tokens_that_take_longest_to_refuse_are_refused_side_by_side(clock: Hands) -> None:
    """Nothing about a token is remembered: what one request brings changes nothing for the next."""
    verifier = jwt_verifier(clock)
    good, bad = target("RS256", clock).token(), target("RS256", clock).token(exp=1)
    found = await asyncio.gather(
        *(verifier.identify(Credentials(token)) for token in [good, bad] * 20), return_exceptions=True
    )
    assert [isinstance(each, InvalidCredential) for each in found] == [False, True] * 20
