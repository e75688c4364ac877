"""What `check` says about a token or cookie that a login refuses: the reason, and what differs, with its own fix."""

from typing import Any, NamedTuple

import pytest

from service import settings
from service.auth.login import Credentials
from service.checkup import logins
from service.checkup.finding import Finding
from tests.auth.forge import signer
from tests.auth.issuer import Issuer
from tests.auth.local_server import LocalServer, always
from tests.checkup.checked import FAIL, jwt
from tests.harness import SECRET, Hands, token


def blog(*login: dict[str, Any]) -> settings.Site:
    site = {"name": "A blog", "login": list(login), "origins": ["https://blog.example"]}
    return settings.parse({"sites": {"blog": site}}).sites["blog"]


async def refusal(site: settings.Site, credentials: Credentials, clock: Hands) -> Finding:
    (found,) = await logins.identify(site, credentials, clock=clock)
    assert found.outcome is FAIL, found
    assert credentials.bearer is None or credentials.bearer not in str(found)
    return found


class Refused(NamedTuple):
    """How a token differs from what the login wants, and what is said."""

    login: dict[str, Any]
    claims: dict[str, Any]
    text: str
    fix: str


KEYS = [{"algorithm": "HS256", "kid": "new", "secret": SECRET}]
JWT = {
    "issuer": Refused(
        {},
        {"iss": "https://blog.example/\x1b"},
        'its iss is "https://blog.example/\\u001b", the login wants "https://blog.example"',
        "equal to the letter",
    ),
    "audience": Refused({}, {"aud": ["app"]}, 'its aud is ["app"], the login wants "gatepost"', "audience"),
    "no audience": Refused({}, {"aud": None}, 'its aud is missing, the login wants "gatepost"', "audience"),
    "no end": Refused({}, {"exp": None}, "its exp is missing", "seconds since 1970"),
    "subject is a number": Refused({}, {"sub": 42}, "its sub is missing or no text", '"42", not 42'),
    "long over": Refused({}, {"exp": -7200}, "it expired 2 hours ago by this machine's clock (", "take a fresh one"),
    "just over": Refused({}, {"exp": -300}, "it expired 5 minutes ago by this machine's clock (", "clock is wrong"),
    "from the future": Refused({}, {"iat": 300}, "it was issued 5 minutes in the future by this machine's", "(NTP)"),
    "begins later": Refused({}, {"nbf": 300}, "it begins 5 minutes in the future by this machine's clock", "(NTP)"),
    "another algorithm": Refused(
        {"algorithms": ["HS512"], "secret": SECRET * 2},
        {},
        'it is signed with "HS256", the login takes HS512',
        "sign with an algorithm that the login takes",
    ),
    "another secret": Refused(
        {"secret": "another secret that is long enough too"},
        {},
        "refuses it (no key of ours has made this signature)",
        "compare secret or key at both ends",
    ),
    "unknown kid": Refused(
        {"secret": None, "algorithms": None, "keys": KEYS},
        {"header": {"kid": "old"}},
        'its kid is "old", the login\'s keys are called "new"',
        "kid",
    ),
    "roles in a text": Refused({}, {"roles": "editor"}, "roles is not a list of at most", '["moderator"]'),
}


@pytest.mark.parametrize("case", JWT)
async def test_signed_token_is_refused_with_what_differs_and_its_fix(clock: Hands, case: str) -> None:
    wanted = JWT[case]
    times = {name: clock() // 1000 + wanted.claims[name] for name in ("exp", "iat", "nbf") if wanted.claims.get(name)}
    text = token("ada", now=clock(), **{**wanted.claims, **times})
    found = await refusal(blog(jwt(**wanted.login)), Credentials(bearer=text), clock)
    assert wanted.text in found.text
    assert wanted.fix in found.fix
    assert "signature" not in found.text or case == "another secret"


async def test_what_is_no_token_at_all_has_its_own_fix(clock: Hands) -> None:
    found = await refusal(blog(jwt()), Credentials(bearer="Bearer x"), clock)
    assert (found.text, found.fix) == (
        "refuses it (the token has not three parts)",
        "send the token itself, three parts with dots between",
    )


@pytest.mark.parametrize(
    ("changes", "claims", "text", "fix"),
    [
        ({}, {"aud": "app"}, 'its aud is "app", the login wants "gatepost"', "audience"),
        ({}, {"azp": "app"}, 'its azp is "app", and the login takes "gatepost"', "`authorized_parties`"),
        (
            {"authorized_parties": ["front"]},
            {"azp": None},
            "it names no client (no azp, no client_id)",
            "leave authorized_parties out",
        ),
        ({"algorithms": ["PS256"]}, {}, 'it is signed with "RS256", the login takes PS256', "algorithm"),
    ],
)
async def test_token_of_an_issuer_is_refused_with_what_differs_and_its_fix(
    clock: Hands, issuer: Issuer, changes: dict[str, Any], claims: dict[str, Any], text: str, fix: str
) -> None:
    issuer.published += [signer("PS256").published()]
    login = {"kind": "oidc", "issuer": issuer.name, "audience": "gatepost", **changes}
    found = await refusal(blog(login), Credentials(bearer=issuer.token(**claims)), clock)
    assert (text in found.text, fix in found.fix) == (True, True), found


async def test_fault_of_the_issuer_is_no_fault_of_the_token(clock: Hands, issuer: Issuer) -> None:
    await issuer.down()
    login = {"kind": "oidc", "issuer": issuer.name, "audience": "gatepost"}
    found = await refusal(blog(login), Credentials(bearer=issuer.token()), clock)
    assert "cannot be asked (no keys of the issuer yet: no usable answer (Connection refused))" in found.text
    assert found.fix.startswith("start it, or correct host and port")


# --- Cookies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "text", "fix"),
    [
        (
            always(text="", status=401),
            "refuses it (the blog says nobody is logged in (401))",
            "log in at the blog once",
        ),
        (always(text='{"user": 7}'), "refuses it (the blog says nobody is logged in (no subject))", "claims.subject"),
        (always(text='{"id": ["ada"]}'), "the blog's answer cannot be used: id is not a text", '"42", not 42'),
        (
            always(text="", content_type="text/html", status=401, WWW_Authenticate="Basic"),
            "wants a password first (HTTP Basic): nobody can log in",
            "exempt /v1/",
        ),
    ],
)
async def test_refused_cookie_is_about_the_session_and_not_about_tokens(
    clock: Hands, server: LocalServer, answer: Any, text: str, fix: str
) -> None:
    server.handlers["/whoami"] = answer
    login = {"kind": "session", "url": f"{server.address}/whoami", "cookies": ["sid"]}
    found = await refusal(blog(login), Credentials(cookies={"sid": "x"}), clock)
    assert (text in found.text, fix in found.fix) == (True, True), found
    assert not any(word in found.fix for word in ("algorithm", "issuer", "audience"))


SESSION = {"kind": "session", "url": "http://127.0.0.1:9/", "cookies": ["sid", "wordpress_logged_in_*"]}
FORWARDED = {"kind": "forwarded"}
TOKEN, COOKIE = Credentials(bearer="made-up-token"), Credentials(cookies={"other": "x"})


@pytest.mark.parametrize(
    ("login", "credentials", "text", "fix"),
    [
        ([SESSION], COOKIE, "no login reads a cookie other", "where NAME is one of: sid, wordpress_logged_in_*"),
        ([SESSION], Credentials(cookies={"sid": ""}), "or it is empty; cookies that are read: sid", "--cookie NAME"),
        ([jwt(cookie="jwt"), SESSION], COOKIE, "cookies that are read: jwt, sid", "one of: jwt, sid"),
        ([jwt()], COOKIE, "no login of this site reads a cookie", "give a token: --token"),
        ([SESSION], TOKEN, "no login of this site reads a token", "--cookie NAME=VALUE (sid, wordpress_logged_in_*)"),
        ([FORWARDED], TOKEN, "neither a token nor a cookie can be tried", "call /v1/sites/blog/me there"),
        ([FORWARDED], COOKIE, "neither a token nor a cookie can be tried", "log in through the proxy"),
        ([], TOKEN, "has no login that could read it", "add [[sites.blog.login]]"),
    ],
)
async def test_credential_that_no_login_reads_is_answered_with_what_they_read(
    clock: Hands, login: list[dict[str, Any]], credentials: Credentials, text: str, fix: str
) -> None:
    found = await refusal(blog(*login), credentials, clock)
    assert (text in found.text, fix in found.fix) == (True, True), found


async def test_token_without_a_signature_is_called_that(clock: Hands) -> None:
    unsigned = token("ada", now=clock()).rpartition(".")[0] + "."
    found = await refusal(blog(jwt()), Credentials(bearer=unsigned), clock)
    assert "refuses it (the token is not signed)" in found.text
    assert "`none` is never taken" in (found.fix or "")
