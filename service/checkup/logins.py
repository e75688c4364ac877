"""Can people log in, and does nobody else? And who is behind a token?"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from stat import S_IROTH
from typing import Any

from service.auth.fetch import Fetch
from service.auth.kinds import LoginSettings
from service.auth.login import Credentials, Login, reason_of
from service.auth.permissions import permissions_of
from service.checkup.finding import Finding, Outcome, fail, ok, warn
from service.checkup.masking import mask_subject
from service.errors import InvalidCredential, LoginUnavailable
from service.model import Caller, Clock, Identity
from service.settings import Site

MADE_UP = "gatepost-check-made-this-up"
ANSWERS_FROM_HERE = "see that its address is right and answers from this machine"
START_SECONDS = 15.0
"""Longer than a login may take to fetch its keys (two fetches of five seconds)."""


async def examine(
    login: LoginSettings, site: Site, *, proxies: Sequence[object], clock: Clock, fetch: Fetch
) -> list[Finding]:
    """Whether a login can do its work: its key loads, whom it must ask does answer, and strangers stay out."""
    subject = _subject(login, site)
    try:
        opened = login.open(site=site.key, roles=site.roles, clock=clock, fetch=fetch)
    except ValueError as error:
        return [fail(subject, *_split(str(error)))]
    async with _started(opened):
        found = [await _show_made_up(opened, login, subject=subject)]
    return [*found, *_secrets(login.model_dump(), subject), *_unreachable(login, site, proxies=proxies)]


async def identify(site: Site, credentials: Credentials, *, clock: Clock) -> list[Finding]:
    """Show the credentials to the site's logins in their order, as a request would, and say what they make of them."""
    found = []
    async with Fetch() as fetch:
        for settings in site.login:
            subject = _subject(settings, site)
            try:
                login = settings.open(site=site.key, roles=site.roles, clock=clock, fetch=fetch)
            except ValueError as error:
                found.append(fail(subject, *_split(str(error))))
                continue
            async with _started(login):
                finding = await _show(login, credentials, subject=subject)
            if finding is not None and finding.outcome is Outcome.OK:
                return [finding]
            found += [finding] if finding else []
    return found or [
        fail(f"site {site.key}", "no login finds anything in it", "give the other of --token and --cookie")
    ]


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


async def _show_made_up(login: Login, settings: LoginSettings, *, subject: str) -> Finding:
    """What becomes of a credential that nobody ever issued: it must be asked about where there is somebody to ask, and
    be refused."""
    cookies = settings.cookies if settings.kind == "session" else ()
    try:
        identity = await login.identify(Credentials(MADE_UP, cookies={name.rstrip("*"): MADE_UP for name in cookies}))
    except InvalidCredential:
        identity = None
    except LoginUnavailable as fault:
        return fail(subject, f"cannot be asked ({reason_of(fault)})", ANSWERS_FROM_HERE)
    if identity is not None:
        return fail(subject, "takes a made-up login for somebody", "anybody could come in: see what the blog answers")
    status, text = login.health()
    return ok(subject, text) if status == "pass" else fail(subject, text, ANSWERS_FROM_HERE)


async def _show(login: Login, credentials: Credentials, *, subject: str) -> Finding | None:
    """What a login says about credentials; None when there is nothing in them for it."""
    try:
        identity = await login.identify(credentials)
    except InvalidCredential as fault:
        fix = "compare it with the login's settings: algorithm, key, issuer, audience, and the time"
        return fail(subject, f"refuses it ({reason_of(fault)})", fix)
    except LoginUnavailable as fault:
        return fail(subject, f"cannot be asked ({reason_of(fault)})", ANSWERS_FROM_HERE)
    return None if identity is None else ok(subject, f"accepts it:{_described(identity)}")


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


def _secrets(values: Mapping[str, Any], subject: str) -> Iterator[Finding]:
    """Secrets that more people can read than need to. `values` is a login's settings, or a table in them."""
    for name, value in values.items():
        if name in {"secret", "client_secret"} and value is not None:
            fix = f"move it out of the file, and name it with {name}_env or {name}_file"
            yield warn(subject, f"{name} stands in the configuration file", fix)
        elif name.endswith("secret_file") and value is not None and Path(value).stat().st_mode & S_IROTH:
            yield warn(subject, f"everybody on this machine can read {value}", f"chmod o-r {value}")
        elif isinstance(value, Mapping):
            yield from _secrets(value, subject)
        elif isinstance(value, tuple):
            for item in value:
                yield from _secrets(item, subject) if isinstance(item, Mapping) else ()


def _unreachable(login: LoginSettings, site: Site, *, proxies: Sequence[object]) -> Iterator[Finding]:
    """Logins that are fine and never get to see anybody."""
    subject = _subject(login, site)
    if getattr(login, "cookie", None) is not None or login.kind == "session":
        if not site.origins:
            text = "reads a cookie, and a cookie is taken only from a page of a known origin"
            yield fail(subject, text, f'set sites.{site.key}.origins = ["https://blog.example"]')
    elif login.kind == "forwarded" and not proxies:
        text = "believes the trusted proxies, and there are none"
        yield fail(subject, text, 'name the proxy: server.trusted_proxies = ["127.0.0.1"]')


def _subject(login: LoginSettings, site: Site) -> str:
    return f"login {site.key}/{login.label}"


def _split(mistake: str) -> tuple[str, str]:
    """A sentence of the login kinds, "what is wrong: what to do", as its two halves. Some have no second."""
    text, _, fix = mistake.rpartition(": ")
    return (text, fix) if text and not fix.endswith(")") else (mistake, "compare it with docs/configuration.md")
