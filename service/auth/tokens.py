"""Reads signed tokens (JWS compact form, RFC 7515; JWT, RFC 7519) strictly, for `jwt` and `oidc`.

Nothing here follows what a token says about keys: `jwk`, `jku`, `x5c` and `x5u` are not looked at.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwt import JWTClaimsRegistry

from service import strict_json
from service.auth.keys import MAX_KEY_ID, VerificationKey, same_algorithm
from service.auth.login import refused
from service.model import Milliseconds

MAX_TOKEN = 16_384
LATEST_SECOND = 253_402_300_799
"""The last second of the year 9999."""
_BASE64 = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class SignedToken:
    """A token that was read, and not believed yet: `claims` count only after `require_signature`."""

    algorithm: str
    key_id: str | None
    kind: str | None
    claims: dict[str, Any] = field(repr=False)
    content: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def read(text: str) -> SignedToken:
    """The token in `text`. Raises InvalidCredential for whatever is not exactly one signed token."""
    if not text:
        raise refused("there is no token: an empty cookie, or an Authorization header that is not `Bearer` and a token")
    if len(text) > MAX_TOKEN:
        raise refused(f"the token is longer than {MAX_TOKEN} characters")
    parts = text.split(".")
    if len(parts) != 3:
        raise refused("the token has not three parts", fix="send the token itself, three parts with dots between")
    if not parts[2]:
        raise refused("the token is not signed", fix="sign with one of the login's algorithms; `none` is never taken")
    header, claims = _object(parts[0], "header"), _object(parts[1], "claims")
    for name in ("crit", "b64"):
        if name in header:
            raise refused(f"the header has {name}, which we know no extension for")
    return SignedToken(
        algorithm=same_algorithm(_text(header, "alg") or ""),
        key_id=_text(header, "kid"),
        kind=_text(header, "typ"),
        claims=claims,
        content=f"{parts[0]}.{parts[1]}".encode(),
        signature=_octets(parts[2], "signature"),
    )


def require_signature(token: SignedToken, keys: Iterable[VerificationKey]) -> None:
    """Raise InvalidCredential unless one of `keys` has signed. Each is tried alone, with its own algorithm."""
    if not any(key.algorithm == token.algorithm and key.has_signed(token.content, token.signature) for key in keys):
        fix = "compare secret or key at both ends: the text itself is the secret, without a line end or quotes"
        raise refused("no key of ours has made this signature", fix=fix)


def require_claims(
    claims: dict[str, Any], *, issuer: str, audiences: Collection[str], leeway_seconds: int, now: Milliseconds
) -> None:
    """Raise InvalidCredential unless `iss`, `aud`, `exp` and `sub` are there and right, and `nbf`, `iat` have come."""
    for name in ("exp", "nbf", "iat"):
        if name in claims and not _is_time(claims[name]):
            raise refused(f"{name} is not a time")
    rules = JWTClaimsRegistry(
        now=now // 1000,
        leeway=leeway_seconds,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "values": list(audiences)},
        exp={"essential": True},
        sub={"essential": True},
    )
    try:
        rules.validate(claims)
    except JoseError as error:
        raise refused(str(error)) from None


def _is_time(value: object) -> bool:
    """Seconds since 1970 (RFC 7519, 2 "NumericDate"): neither true nor text, and not beyond what a calendar knows."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LATEST_SECOND


def _object(part: str, name: str) -> dict[str, Any]:
    try:
        found = strict_json.parse_clean(_octets(part, name))
    except ValueError as error:
        raise refused(f"the {name}: {error}") from None
    if not isinstance(found, dict):
        raise refused(f"the {name} is not a JSON object")
    return found


def _octets(part: str, name: str) -> bytes:
    """What `part` encodes in base64url without padding, written in the one way there is (RFC 7515, 2)."""
    if not _BASE64.fullmatch(part) or len(part) % 4 == 1:
        raise refused(f"the {name} is not base64url")
    octets = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if urlsafe_b64encode(octets).rstrip(b"=") != part.encode():
        raise refused(f"the {name} is not base64url as it must be written")
    return octets


def _text(header: dict[str, Any], name: str) -> str | None:
    if name not in header:
        return None
    found = header[name]
    if not isinstance(found, str) or not 0 < len(found) <= MAX_KEY_ID:
        raise refused(f"{name} in the header is not a text of 1 to {MAX_KEY_ID} characters")
    return found
