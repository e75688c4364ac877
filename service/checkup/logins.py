"""Can people log in, and does nobody else? And who is behind a token?"""

import asyncio
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from service.auth.fetch import Fetch, Heard
from service.auth.jwt import JwtLogin
from service.auth.kinds import LoginSettings
from service.auth.login import Credentials, Login, fix_of, reason_of
from service.auth.oidc import OidcLogin
from service.auth.permissions import permissions_of
from service.auth.session import SessionLogin
from service.checkup import answers, login_settings, token_claims
from service.checkup.finding import Finding, Outcome, fail, ok
from service.checkup.masking import mask_subject
from service.errors import InvalidCredential, LoginUnavailable
from service.metrics import Metrics
from service.model import Caller, Clock, Identity
from service.outbound.client import Outbound
from service.settings import Site
from service.values import Network

MADE_UP = "gatepost-check-made-this-up"
MADE_UP_SECONDS = 60
START_SECONDS = 15.0
"""Longer than a login may take to fetch its keys (two fetches of five seconds)."""


async def examine(
    login: LoginSettings, site: Site, *, proxies: Sequence[Network], clock: Clock, fetch: Fetch, heard: list[Heard]
) -> list[Finding]:
    """Whether a login can do its work: its key loads, whom it must ask does answer, and strangers stay out.

    `heard` is what `fetch` has heard so far; it adds to it.
    """
    subject = _subject(login, site)
    before = len(heard)
    try:
        opened = login.open(site=site.key, roles=site.roles, clock=clock, fetch=fetch)
    except ValueError as error:
        return [fail(subject, *_split(str(error)))]
    made_up = _made_up(login, clock=clock)
    async with _started(opened):
        try:
            identity = await opened.identify(made_up)
        except InvalidCredential as fault:
            found = answers.refused(opened, login, fault, heard[before:], subject=subject)
        except LoginUnavailable as fault:
            found = answers.unavailable(opened, fault, heard[before:], subject=subject)
        else:
            found = _nobody_refused(opened, identity, subject=subject)
    return [found, *login_settings.examine(login, site, subject=subject, proxies=proxies)]


async def identify(site: Site, credentials: Credentials, *, clock: Clock) -> list[Finding]:
    """Show the credentials to the site's logins in their order, as a request would, and say what they make of them."""
    found = []
    for settings in site.login:
        subject = _subject(settings, site)
        heard: list[Heard] = []
        async with Outbound(Metrics()) as client:
            fetch = Fetch(client, witness=heard.append)
            try:
                login = settings.open(site=site.key, roles=site.roles, clock=clock, fetch=fetch)
            except ValueError as error:
                found.append(fail(subject, *_split(str(error))))
                continue
            async with _started(login):
                finding = await _show(login, settings, credentials, heard, clock=clock, subject=subject)
        if finding is not None and finding.outcome is Outcome.OK:
            return [finding]
        found += [finding] if finding else []
    return found or [_unread(site, credentials)]


@asynccontextmanager
async def _started(login: Login) -> AsyncIterator[None]:
    """The login at work, after whatever its start began without waiting (fetching the issuer's keys) has ended."""
    before = asyncio.all_tasks()
    await login.start()
    begun = asyncio.all_tasks() - before
    if begun:
        await asyncio.wait(begun, timeout=START_SECONDS)
    try:
        yield
    finally:
        await login.stop()


def _made_up(login: LoginSettings, *, clock: Clock) -> Credentials:
    """A credential that nobody ever issued, as right as it can be without a key: whom the login must ask is asked."""
    if isinstance(login, SessionLogin):
        return Credentials(cookies={name.rstrip("*"): MADE_UP for name in login.cookies})
    if not isinstance(login, JwtLogin | OidcLogin):
        return Credentials(bearer=MADE_UP)
    now = clock() // 1000
    audience = login.audience if isinstance(login.audience, str) else login.audience[0]
    header: dict[str, Any] = {"typ": "JWT"}
    claims = {"iss": login.issuer, "aud": audience, "sub": MADE_UP, "iat": now, "exp": now + MADE_UP_SECONDS}
    if isinstance(login, OidcLogin):
        header |= {"alg": login.algorithms[0], "typ": login.token_type or "JWT"}
        claims["azp"] = (login.authorized_parties or (audience,))[0]
    else:
        key = login.each_key()[0]
        header |= {"alg": key.algorithm} | ({"kid": key.kid} if key.kid else {})
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), MADE_UP.encode())
    return Credentials(bearer=".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts))


def _nobody_refused(login: Login, identity: Identity | None, *, subject: str) -> Finding:
    if identity is not None:
        return fail(subject, "takes a made-up login for somebody", "anybody could come in: see what the blog answers")
    return ok(subject, login.health()[1])


async def _show(
    login: Login, settings: LoginSettings, credentials: Credentials, heard: list[Heard], *, clock: Clock, subject: str
) -> Finding | None:
    """What a login says about credentials; None when there is nothing in them for it."""
    try:
        identity = await login.identify(credentials)
    except LoginUnavailable as fault:
        return answers.unavailable(login, fault, heard, subject=subject)
    except InvalidCredential as fault:
        for gate in answers.gate(heard, subject=subject) if login.kind == "session" else ():
            return gate
        return _refusal(settings, credentials, fault, clock=clock, subject=subject)
    return None if identity is None else ok(subject, f"accepts it:{_described(identity)}")


def _refusal(
    settings: LoginSettings, credentials: Credentials, fault: InvalidCredential, *, clock: Clock, subject: str
) -> Finding:
    """The reason as the log has it, and what in the token differs from the settings."""
    text, fixes = f"refuses it ({reason_of(fault)})", [fix_of(fault)]
    if isinstance(settings, JwtLogin | OidcLogin):
        token = credentials.bearer or credentials.cookies.get(settings.cookie or "", "")
        found = token_claims.differences(token, settings, now=clock())
        text = "; ".join([text, *(difference.text for difference in found)])
        fixes = [difference.fix for difference in found] or fixes
    return fail(subject, text, "; ".join(filter(None, dict.fromkeys(fixes))) or answers.look_up(settings.kind))


def _unread(site: Site, credentials: Credentials) -> Finding:
    """No login of the site finds anything in these credentials: what they read instead."""
    subject = f"site {site.key}"
    cookies = [name for login in site.login for name in _cookies_of(login)]
    reads_tokens = any(login.kind in {"jwt", "oidc", "introspection"} for login in site.login)
    names = ", ".join(cookies)
    if credentials.bearer is None and cookies:
        given = ", ".join(credentials.cookies)
        fix = f"give one that is read: --cookie NAME=VALUE, where NAME is one of: {names}"
        return fail(subject, f"no login reads a cookie {given}, or it is empty; cookies that are read: {names}", fix)
    if credentials.bearer is None and reads_tokens:
        return fail(subject, "no login of this site reads a cookie", "give a token: --token")
    if cookies:
        return fail(subject, "no login of this site reads a token", f"give a cookie: --cookie NAME=VALUE ({names})")
    if site.login:
        text = "neither a token nor a cookie can be tried: a proxy says in headers who is logged in (kind forwarded)"
        return fail(subject, text, f"log in through the proxy, and call /v1/sites/{site.key}/me there")
    return fail(subject, "has no login that could read it", f"add [[sites.{site.key}.login]]")


def _cookies_of(login: LoginSettings) -> Iterator[str]:
    if isinstance(login, SessionLogin):
        yield from login.cookies
    elif isinstance(login, JwtLogin | OidcLogin) and login.cookie is not None:
        yield login.cookie


def _described(identity: Identity) -> str:
    profile = identity.profile
    caller = Caller(key="", profile=profile, roles=identity.roles, identity=identity)
    said = {
        "subject": mask_subject(identity.subject),
        "name": profile.name,
        "bio": profile.bio,
        "url": profile.url,
        "avatar": profile.avatar,
        "roles": ", ".join(sorted(identity.roles)) or "none",
        "may": ", ".join(sorted(permissions_of(caller))),
    }
    return "".join(f"\n    {name:8}{value}" for name, value in said.items() if value)


def _subject(login: LoginSettings, site: Site) -> str:
    return f"login {site.key}/{login.label}"


def _split(mistake: str) -> tuple[str, str]:
    """A sentence of the login kinds, "what is wrong: what to do", as its two halves. Some have no second."""
    text, _, fix = mistake.rpartition(": ")
    return (text, fix) if text and not fix.endswith(")") else (mistake, "compare it with docs/configuration.md")
