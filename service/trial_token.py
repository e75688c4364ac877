"""Makes a token as a blog would make it, to try a site out. Called by `gatepost token`."""

from collections.abc import Sequence
from typing import Any

from joserfc import jwt
from joserfc.jwk import OctKey

from service.auth.jwt import JwtLogin
from service.model import Milliseconds
from service.settings import Site


class NoSharedSecretError(Exception):
    """The site has no login for which a token can be made here. Its text says which it has, and what to do."""


def login_for(site: Site, name: str | None) -> JwtLogin:
    """The site's first login with a shared secret, or the one called `name`. Raises NoSharedSecretError."""
    usable = [login for login in site.login if isinstance(login, JwtLogin) and login.algorithms[0].startswith("HS")]
    found = [login for login in usable if name in {None, login.label}]
    if found:
        return found[0]
    has = ", ".join(f"{login.label} ({_what_it_checks(login)})" for login in site.login) or "no login at all"
    wanted = f'has no login "{name}" with a shared secret' if name else "has no login with a shared secret"
    raise NoSharedSecretError(
        f"site {site.key} {wanted}; it has: {has}. A token can only be made where the blog's secret is known: "
        'let the blog make one, or add a [[login]] with algorithms = ["HS256"] and secret_env'
    )


def mint(
    login: JwtLogin,
    site: Site,
    *,
    subject: str,
    name: str | None,
    roles: Sequence[str],
    minutes: int,
    now: Milliseconds,
) -> str:
    """A token (JWT, RFC 7519) of that login for `subject`, good for `minutes`. Raises ValueError as `load_key` does."""
    key = login.load_key()
    if not isinstance(key, OctKey):
        raise NoSharedSecretError(f"login {login.label} has a public key: only the blog can sign for it")
    issued = now // 1000
    claims: dict[str, Any] = {
        "iss": login.issuer,
        "aud": login.audience,
        "sub": subject,
        "iat": issued,
        "exp": issued + minutes * 60,
    }
    _put(claims, login.claims.subject, subject)
    if name is not None:
        _put(claims, login.claims.name, name)
    if roles:
        _put(claims, (login.roles or site.roles).claim, list(roles))
    return jwt.encode({"alg": login.algorithms[0], "typ": "JWT"}, claims, key, algorithms=list(login.algorithms))


def roles_without_meaning(login: JwtLogin, site: Site, roles: Sequence[str]) -> list[str]:
    """Those of `roles` that make nobody a moderator or an admin of the site."""
    mapping = login.roles or site.roles
    return [role for role in roles if role not in (*mapping.moderator, *mapping.admin)]


def _put(claims: dict[str, Any], path: str, value: object) -> None:
    *tables, name = path.split(".")
    for table in tables:
        claims = claims.setdefault(table, {})
    claims[name] = value


def _what_it_checks(login: object) -> str:
    return login.algorithms[0] if isinstance(login, JwtLogin) else str(getattr(login, "kind", "another kind"))
