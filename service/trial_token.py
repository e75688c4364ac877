"""Makes a token as a blog would make it, to try a site out. Called by `gatepost token`."""

from collections.abc import Sequence
from typing import Any

from joserfc import jwt

from service.auth import keys
from service.auth.jwt import JwtKey, JwtLogin
from service.model import Milliseconds
from service.settings import Site


class NoSharedSecretError(Exception):
    """The site has no login for which a token can be made here. Its text says which it has, and what to do."""


def login_for(site: Site, name: str | None) -> JwtLogin:
    """The site's first login with a shared secret, or the one called `name`. Raises NoSharedSecretError."""
    found = [login for login in site.login if login.kind == "jwt" and _shared(login) and name in {None, login.label}]
    if found:
        return found[0]
    has = ", ".join(f"{login.label} (kind {login.kind})" for login in site.login) or "none at all"
    wanted = f'no login "{name}" with a shared secret' if name else "no login with a shared secret"
    raise NoSharedSecretError(
        f"site {site.key} has {wanted}; its logins: {has}. Only the blog can sign for those: let it make a token, "
        'or add a [[login]] with algorithms = ["HS256"] and secret_env'
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
    """A token (JWT, RFC 7519) of that login for `subject`, good for `minutes` from `now` (milliseconds).

    Raises ValueError with the fix when the secret is missing or too short.
    """
    signer = _shared(login)[0]
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
    header = {"alg": signer.algorithm, "typ": "JWT"} | ({"kid": signer.kid} if signer.kid else {})
    return jwt.encode(header, claims, signer.load().key, algorithms=[signer.algorithm])


def roles_without_meaning(login: JwtLogin, site: Site, roles: Sequence[str]) -> list[str]:
    """Those of `roles` that make nobody a moderator or an admin of the site."""
    mapping = login.roles or site.roles
    return [role for role in roles if role not in (*mapping.moderator, *mapping.admin)]


def _shared(login: JwtLogin) -> list[JwtKey]:
    return [key for key in login.each_key() if keys.is_shared(key.algorithm)]


def _put(claims: dict[str, Any], path: str, value: object) -> None:
    *tables, name = path.split(".")
    for table in tables:
        claims = claims.setdefault(table, {})
    claims[name] = value
