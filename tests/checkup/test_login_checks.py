"""What `check` says about logins that ask somebody, and about settings that keep people out or let everybody in."""

import time
from email.utils import formatdate
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from service.checkup.finding import Finding, Outcome
from tests.auth.forge import signer
from tests.auth.issuer import Issuer
from tests.auth.local_server import Handler, LocalServer, always
from tests.checkup.checked import FAIL, WARN, examine, jwt, not_fine, run_check
from tests.harness import SECRET, Hands

OK = Outcome.OK


class Answered(NamedTuple):
    """What somebody answers when a login asks with a made-up credential, and what is said about it."""

    answer: Handler
    outcome: Outcome
    text: str
    fix: str = ""


def page(**headers: str) -> dict[str, Any]:
    return {"text": "<h1>No", "content_type": "text/html", **headers}


SESSION = {
    "401": Answered(always(text="", status=401), OK, "answered a made-up cookie with 401: nobody is logged in"),
    "204": Answered(always(text="", status=204), OK, "answered a made-up cookie with 204: nobody is logged in"),
    "null": Answered(always(text="null"), OK, "answered a made-up cookie with 200: nobody is logged in"),
    "no subject": Answered(always(text='{"id": ""}'), OK, "answered a made-up cookie with 200: nobody is logged in"),
    "somebody": Answered(always(text='{"id": "ada"}'), FAIL, "takes a made-up login for somebody", "anybody could"),
    "WordPress's index": Answered(
        always(text='{"name": "A blog", "namespaces": [], "x\\u001b[2J": 1}'),
        WARN,
        "answered a made-up cookie with 200 and an object without `id` (it has: name, namespaces)",
        "claims.subject",
    ),
    "a password first": Answered(
        always(**page(WWW_Authenticate='Basic realm="staging"'), status=401),
        FAIL,
        "answers 401 and wants a password first (HTTP Basic): nobody can log in",
        "exempt /v1/",
    ),
    "a framework that names Basic": Answered(
        always(text="{}", status=401, WWW_Authenticate='Basic realm="api"'),
        WARN,
        "wants a password first (HTTP Basic): if that is not the blog's own answer",
        "without that password",
    ),
    "a framework that names its own scheme": Answered(
        always(text="{}", status=401, WWW_Authenticate="Cookie"), OK, "answered a made-up cookie with 401"
    ),
    "redirect": Answered(
        always(**page(Location="/whoami/?token=secret-of-theirs"), status=301),
        FAIL,
        "it redirects (301) to http://127.0.0.1:PORT/whoami/)",
        "write the address that it leads to",
    ),
    "wrong path": Answered(
        always(**page(), status=404), FAIL, "its status is not 200 (404)", "whether it ends in a slash"
    ),
    "broken": Answered(always(**page(), status=500), FAIL, "its status is not 200 (500)", "log of the server"),
    "a page": Answered(always(**page()), FAIL, "content type is not JSON", "another page answers there"),
    "a list": Answered(always(text="[]"), FAIL, "is not a JSON object", "docs/login/session.md"),
}


@pytest.mark.parametrize("case", SESSION)
async def test_answer_to_a_made_up_cookie_is_said_with_its_status_and_its_fix(
    configured: dict[str, Any], clock: Hands, server: LocalServer, case: str
) -> None:
    wanted = SESSION[case]
    server.handlers["/whoami"] = wanted.answer
    login = {"kind": "session", "url": f"{server.address}/whoami", "cookies": ["sid"]}
    said = await about({**login}, "login blog/session", configured, clock)
    assert (said.outcome, wanted.text.replace("PORT", str(server.port)) in said.text) == (wanted.outcome, True), said
    assert (wanted.fix in said.fix, bool(said.fix)) == (True, said.outcome is not OK), said
    assert "secret-of-theirs" not in str(said)
    assert "\x1b" not in said.text


INTROSPECTION = {
    "as it should be": Answered(
        always(text='{"active": false}'), OK, "answered a made-up token with 200: the token is"
    ),
    "wrong secret": Answered(
        always(text='{"error": "invalid_client"}', status=401),
        FAIL,
        "does not take this client: it answers 401",
        "client_id, the client's secret (client_secret_env or _file) and client_authentication",
    ),
    "wrong secret, as django-oauth-toolkit says it": Answered(
        always(text="", status=403), FAIL, "does not take this client: it answers 403", "client_authentication"
    ),
    "wrong path": Answered(always(**page(), status=404), FAIL, "(404)", "whether it ends in a slash"),
    "something else": Answered(always(text="{}"), FAIL, "no `active`", "docs/login/introspection.md"),
}


@pytest.mark.parametrize("case", INTROSPECTION)
async def test_answer_to_a_made_up_token_is_said_with_its_fix(
    configured: dict[str, Any], clock: Hands, server: LocalServer, tmp_path: Path, case: str
) -> None:
    wanted = INTROSPECTION[case]
    server.handlers["/introspect"] = wanted.answer
    secret = tmp_path / "client"
    secret.write_text("secret")
    secret.chmod(0o600)
    url = f"{server.address}/introspect"
    login = {"kind": "introspection", "url": url, "client_id": "g", "client_secret_file": str(secret)}
    said = await about(login, "login blog/introspection", configured, clock)
    assert (said.outcome, wanted.text in said.text, wanted.fix in said.fix) == (wanted.outcome, True, True), said


async def about(login: dict[str, Any], subject: str, configured: dict[str, Any], clock: Hands) -> Finding:
    configured["sites"]["blog"]["login"] = [login]
    (said,) = [finding for finding in await examine(configured, clock) if finding.subject == subject]
    return said


# --- Issuers ----------------------------------------------------------------------------------------------------------


def oidc(issuer: Issuer, **changes: Any) -> dict[str, Any]:
    return {"kind": "oidc", "issuer": issuer.name, "audience": "gatepost", **changes}


async def test_issuer_of_another_name_is_shown_beside_ours(
    configured: dict[str, Any], clock: Hands, issuer: Issuer
) -> None:
    issuer.document["issuer"] = f"{issuer.name}/"
    said = await about(oidc(issuer), "login blog/oidc", configured, clock)
    assert f'is for the issuer "{issuer.name}/", not for "{issuer.name}"' in said.text
    assert said.fix.startswith("if that is your issuer, copy the first into `issuer`")


async def test_algorithms_that_the_issuer_has_no_key_for_are_shown_beside_those_it_has(
    configured: dict[str, Any], clock: Hands, issuer: Issuer
) -> None:
    nameless = signer("ES256").published(alg=None)
    issuer.published = [signer("RS256", "first").published(), nameless, {"kty": "oct\x1b[2J"}, "odd"]
    said = await about(oidc(issuer, algorithms=["PS512"]), "login blog/oidc", configured, clock)
    assert "it has no usable key for PS512 (its keys: RS256, EC P-256, unnamed)" in said.text
    assert said.fix.startswith("set `algorithms` to what its keys are for")


@pytest.mark.parametrize("parties", [[], ["blog-frontend"]])
async def test_issuer_is_asked_once_and_a_made_up_token_stays_out(
    configured: dict[str, Any], clock: Hands, issuer: Issuer, parties: list[str]
) -> None:
    said = await about(oidc(issuer, authorized_parties=parties), "login blog/oidc", configured, clock)
    assert (said.outcome, said.text) == (OK, "1 keys, 0 s old")
    assert issuer.fetches == 1


# --- Clocks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(5, "5 minutes ahead of that of 127.0.0.1"), (-5, "5 minutes behind that of 127.0.0.1"), (0, "agrees with")],
)
@pytest.mark.parametrize("kind", ["session", "oidc", "jwt"])
async def test_clock_that_is_not_the_blogs_is_found_by_the_date_of_an_answer(
    configured: dict[str, Any], clock: Hands, server: LocalServer, kind: str, minutes: int, words: str
) -> None:
    blog = configured["sites"]["blog"]
    if kind == "jwt":  # asks nobody: so the blog is asked for nothing but the time
        blog["origins"] = [server.address]
    elif kind == "oidc":
        blog["login"] = [{"kind": "oidc", "issuer": server.address, "audience": "gatepost"}]
    else:
        server.handlers["/whoami"] = always(text="", status=401)
        blog["login"] = [{"kind": "session", "url": f"{server.address}/whoami", "cookies": ["sid"]}]
    clock.advance(seconds=minutes * 60)
    (said,) = [finding for finding in await examine(configured, clock) if finding.subject == "clock"]
    assert (said.outcome, words in said.text) == (WARN if minutes else OK, True), said
    assert ("NTP" in said.fix) is bool(minutes)


@pytest.mark.parametrize("headers", [{"Age": "600"}, {"Date": "noon"}, {"Date": "Mon, 99 Foo 99999 99:99:99 GMT"}])
async def test_date_that_says_nothing_about_now_is_not_taken_for_the_time(
    configured: dict[str, Any], clock: Hands, server: LocalServer, headers: dict[str, str]
) -> None:
    old = {"Date": formatdate(time.time() - 600, usegmt=True)}
    server.handlers["/whoami"] = always(text="", status=401, **{**old, **headers})
    configured["sites"]["blog"]["login"] = [{"kind": "session", "url": f"{server.address}/whoami", "cookies": ["sid"]}]
    assert [finding for finding in await examine(configured, clock) if finding.subject == "clock"] == []


# --- Settings that keep people out, or let everybody in ---------------------------------------------------------------


class Set(NamedTuple):
    """A login among trusted proxies, and what is said about it; None: nothing but what is fine."""

    proxies: list[str]
    login: dict[str, Any]
    outcome: Outcome | None
    words: str = ""


def forwarded(**changes: Any) -> dict[str, Any]:
    return {"kind": "forwarded", **changes}


SECRET_FILE = {"secret_header": "x-secret", "secret_file": "SECRET"}
SETTINGS = {
    "no proxy": Set([], forwarded(), FAIL, "believes the trusted proxies, and there are none"),
    "loopback, no secret": Set(["127.0.0.1"], forwarded(), WARN, "any program on it can come in as anybody"),
    "all of loopback": Set(["127.0.0.0/8"], forwarded(proxies=["127.0.0.1"]), WARN, "believes this machine without"),
    "loopback of IPv6": Set(["::1"], forwarded(), WARN, "believes this machine without a secret"),
    "loopback and a secret": Set(["127.0.0.1"], forwarded(**SECRET_FILE), None),
    "only another machine": Set(["10.0.0.5"], forwarded(), None),
    "another machine of several": Set(["127.0.0.1", "10.0.0.5"], forwarded(proxies=["10.0.0.5"]), None),
    "none that is trusted": Set(["127.0.0.1"], forwarded(proxies=["10.0.0.5"], **SECRET_FILE), FAIL, "nobody comes in"),
    "one that is not": Set(
        ["10.0.0.0/24"], forwarded(proxies=["10.0.0.5", "10.1.0.5"]), WARN, "lists 10.1.0.5/32 in `proxies`"
    ),
    "shared with nobody": Set(["10.0.0.5"], jwt(shares_subjects="app"), WARN, "is the name of no other login"),
}


@pytest.mark.parametrize("case", SETTINGS)
async def test_settings_that_cannot_be_meant_are_found(
    configured: dict[str, Any], clock: Hands, tmp_path: Path, case: str
) -> None:
    proxies, login, outcome, words = SETTINGS[case]
    secret = tmp_path / "shared"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    places = {name: str(secret) for name in ("secret_file",) if login.get(name) or login.pop("secret", None)}
    configured["server"]["trusted_proxies"] = proxies
    configured["sites"]["blog"]["login"] = [{**login, **places}]
    found = [finding for finding in not_fine(await examine(configured, clock)) if finding.subject.startswith("login")]
    assert [finding.outcome for finding in found] == ([] if outcome is None else [outcome]), found
    assert all(words in finding.text and finding.fix for finding in found)


async def test_subjects_shared_with_another_login_are_fine(configured: dict[str, Any], clock: Hands) -> None:
    first = configured["sites"]["blog"]["login"][0]
    configured["sites"]["blog"]["login"] = [{**first, "name": "a"}, {**first, "name": "b", "shares_subjects": "a"}]
    assert not_fine(await examine(configured, clock)) == []


async def test_command_prints_finding_and_fix_and_ends_with_1(
    configured: dict[str, Any], server: LocalServer, tmp_path: Path
) -> None:
    server.handlers["/whoami"] = always(**page(WWW_Authenticate='Basic realm="[staging]"'), status=401)
    configured["sites"]["blog"]["login"] = [{"kind": "session", "url": f"{server.address}/whoami", "cookies": ["sid"]}]
    printed = await run_check(configured, tmp_path)
    assert printed.status == 1
    assert "FAIL login blog/session: the who-am-I address answers 401 and wants a password first" in printed.out
    assert "     -> let Gatepost's machine ask the who-am-I address without that password" in printed.out
