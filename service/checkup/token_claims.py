"""What a reader's token says against what its login wants: for the owner who gave it to `gatepost check` on a terminal.

Nothing here is believed, and nothing decides: a login has refused the token already, and the log may not say with what
words of the token. Names of people are not shown, and never the token.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeGuard

from service.auth import tokens
from service.auth.jwt import JwtLogin
from service.auth.keys import same_algorithm
from service.auth.oidc import OidcLogin
from service.errors import InvalidCredential
from service.model import Milliseconds

MAX_SHOWN = 120
FRESH_SECONDS = 600
"""A token that expired or was issued so near to now may be right, and a clock wrong."""
CLOCKS = "let this machine and the one that issues tokens keep time (NTP)"


class Difference(NamedTuple):
    """One thing that the token says and the login does not take, and what to do."""

    text: str
    fix: str


def differences(text: str, login: JwtLogin | OidcLogin, *, now: Milliseconds) -> list[Difference]:
    """Every difference between the token in `text` and its login's settings; none for what is no token at all."""
    try:
        token = tokens.read(text)
    except InvalidCredential:
        return []
    found = [*_header(token, login), *_names(token.claims, login), *_times(token.claims, login, now // 1000)]
    if isinstance(login, OidcLogin):
        found += _party(token.claims, login)
    return found


def _header(token: tokens.SignedToken, login: JwtLogin | OidcLogin) -> Iterator[Difference]:
    wanted = login.algorithms if isinstance(login, OidcLogin) else [key.algorithm for key in login.each_key()]
    if token.algorithm not in map(same_algorithm, wanted):
        fix = "sign with an algorithm that the login takes, or set the login's to that of the token"
        yield Difference(f"it is signed with {_shown(token.algorithm)}, the login takes {', '.join(wanted)}", fix)
    if isinstance(login, OidcLogin) or token.key_id is None:
        return
    names = [key.kid for key in login.each_key() if key.algorithm == token.algorithm]
    if names and token.key_id not in names and None not in names:
        called = ", ".join(_shown(name) for name in names)
        yield Difference(f"its kid is {_shown(token.key_id)}, the login's keys are called {called}", "set `kid` to it")


def _names(claims: dict[str, Any], login: JwtLogin | OidcLogin) -> Iterator[Difference]:
    audiences = [login.audience] if isinstance(login.audience, str) else list(login.audience)
    issuer, audience = claims.get("iss"), claims.get("aud")
    if issuer != login.issuer:
        fix = "make them equal to the letter: no slash more, no capital"
        yield Difference(f"its iss is {_shown(issuer)}, the login wants {_shown(login.issuer)}", fix)
    if not set(map(str, audience if isinstance(audience, list) else [audience])) & set(audiences):
        wanted = " or ".join(map(_shown, audiences))
        fix = "let whoever issues it name this audience, or set `audience` to what it names"
        yield Difference(f"its aud is {_shown(audience)}, the login wants {wanted}", fix)
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        yield Difference("its sub is missing or no text", 'write the account\'s lasting id as a text: "42", not 42')


def _times(claims: dict[str, Any], login: JwtLogin | OidcLogin, now: int) -> Iterator[Difference]:
    expires = claims.get("exp")
    if not _is_number(expires):
        yield Difference(f"its exp is {_shown(expires)}", "let it say when it ends, in seconds since 1970")
    elif expires + login.leeway_seconds <= now:
        fix = "take a fresh one"
        if now - expires < FRESH_SECONDS:
            fix = f"take a fresh one; if it was fresh, a clock is wrong: {CLOCKS}"
        yield Difference(f"it expired {_span(now - expires)} ago by this machine's clock ({_moment(expires)})", fix)
    for name, text in (("iat", "it was issued"), ("nbf", "it begins")):
        begins = claims.get(name)
        if _is_number(begins) and begins - login.leeway_seconds > now:
            yield Difference(
                f"{text} {_span(begins - now)} in the future by this machine's clock ({_moment(begins)})",
                f"a clock is wrong: {CLOCKS}",
            )


def _party(claims: dict[str, Any], login: OidcLogin) -> Iterator[Difference]:
    """For whom the token was made, as far as it says so."""
    wanted = login.authorized_parties or login.audience
    named = {name: claims[name] for name in ("azp", "client_id") if name in claims}
    audience = claims.get("aud")
    if not named and (audience if isinstance(audience, list) else [audience]) in [[party] for party in wanted]:
        return  # made for its only audience, which is listed
    if login.authorized_parties and not named:
        text = "it names no client (no azp, no client_id), and authorized_parties are set"
        yield Difference(text, "let the issuer name the client in it, or leave authorized_parties out")
    elif named and not any(value in wanted for value in named.values()):
        said = ", ".join(f"{name} is {_shown(value)}" for name, value in named.items())
        text = f"its {said}, and the login takes {', '.join(map(_shown, wanted))}"
        yield Difference(text, "if that is your client, add it to `authorized_parties`")


def _shown(value: Any) -> str:
    """A value as JSON, short, in characters that do nothing to a terminal."""
    return "missing" if value is None else json.dumps(value)[:MAX_SHOWN]


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= tokens.LATEST_SECOND


def _moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _span(seconds: float) -> str:
    """A time in the largest unit of which it has two or more."""
    for name, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length:.0f} {name}"
    return f"{seconds:.0f} seconds"
