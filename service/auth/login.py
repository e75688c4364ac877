"""What all login kinds share: their settings, what a request carries, and how claims become an identity.

A login kind is one file beside this one with a settings class and a login class, and one line in `kinds.py`.
"""

import hashlib
import hmac
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from service.errors import InvalidCredential
from service.model import AuthorKey, Identity, Profile, Role, SiteKey

MAX_SUBJECT = 255
MAX_NAME = 200
MAX_BIO = 2_000
MAX_URL = 2_000
MAX_ROLES = 200
UNNAMED = "Reader"


class ClaimsMapping(BaseModel):
    """Where in the claims each part of an identity stands: a dotted path."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    subject: str = "sub"
    name: str = "name"
    bio: str = "bio"
    url: str = "website"
    avatar: str = "picture"


class BaseLogin(BaseModel):
    """Settings that every login kind has. `name` tells two logins of one kind apart (default: the kind)."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: str | None = Field(None, pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    claims: ClaimsMapping = ClaimsMapping()


@dataclass(frozen=True, slots=True)
class Credentials:
    """What one request carries that may say who is speaking."""

    bearer: str | None = None
    cookies: Mapping[str, str] = field(default_factory=dict)


class Login(Protocol):
    """One configured way to log in. Holds no state that a restart would miss."""

    name: str

    async def identify(self, credentials: Credentials) -> Identity | None:
        """The verified person, or None where the request carries nothing for this login.

        Raises InvalidCredential when it carries something bad and LoginUnavailable when the blog cannot be asked.
        """
        ...


class RoleMapping(Protocol):
    """The part of a site's settings that says who is a moderator (`settings.Roles`)."""

    @property
    def claim(self) -> str: ...
    @property
    def moderator(self) -> tuple[str, ...]: ...
    @property
    def admin(self) -> tuple[str, ...]: ...


def identity_from(
    claims: Mapping[str, Any], *, site: SiteKey, login: str, mapping: ClaimsMapping, roles: RoleMapping
) -> Identity:
    """The identity that verified claims describe. Claims are untrusted text: raises InvalidCredential for a wrong type,
    NUL or a lone surrogate; long labels are cut, addresses that are not http(s) are dropped."""
    subject = _text(claims, mapping.subject)
    if not subject or len(subject) > MAX_SUBJECT:
        raise InvalidCredential
    name = _label(_text(claims, mapping.name), MAX_NAME)
    return Identity(
        site=site,
        namespace=login,
        subject=subject,
        profile=Profile(
            name=name or UNNAMED,
            bio=_label(_text(claims, mapping.bio), MAX_BIO),
            url=_address(_text(claims, mapping.url)),
            avatar=_address(_text(claims, mapping.avatar)),
        ),
        roles=_roles(_at(claims, roles.claim), roles),
        login=login,
    )


def author_key(secret: bytes, identity: Identity) -> AuthorKey:
    """The public name of an identity: a keyed hash (HMAC-SHA-256, RFC 2104) of site, namespace and subject, 32 hex digits."""
    parts = "\0".join((identity.site, identity.namespace, identity.subject))
    return AuthorKey(hmac.new(secret, parts.encode(), hashlib.sha256).hexdigest()[:32])


def _at(claims: Mapping[str, Any], path: str) -> Any:
    """The claim called `path`, or the one found by following its dots. A whole name wins: claim names may hold dots."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for step in path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _text(claims: Mapping[str, Any], path: str) -> str | None:
    found = _at(claims, path)
    if found is None:
        return None
    if not isinstance(found, str) or not _is_clean(found):
        raise InvalidCredential
    return found


def _is_clean(text: str) -> bool:
    return "\0" not in text and not any(0xD800 <= ord(character) <= 0xDFFF for character in text)


def _label(text: str | None, longest: int) -> str | None:
    """One line of shown text: controls and invisible direction marks out, white space collapsed, cut to `longest`."""
    if text is None:
        return None
    visible = "".join(" " if character.isspace() else character for character in text)
    visible = "".join(character for character in visible if unicodedata.category(character) not in {"Cc", "Cf"} or character == "\u200d")
    return " ".join(visible.split())[:longest].strip() or None


def _address(text: str | None) -> str | None:
    if not text or len(text) > MAX_URL or any(character.isspace() for character in text):
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    return text if parts.scheme in {"http", "https"} and parts.hostname else None


def _roles(found: object, roles: RoleMapping) -> frozenset[Role]:
    if found is None:
        return frozenset()
    listed = [found] if isinstance(found, str) else found
    if not isinstance(listed, list) or len(listed) > MAX_ROLES or not all(isinstance(role, str) for role in listed):
        raise InvalidCredential
    granted = set()
    if any(role in roles.moderator for role in listed):
        granted.add(Role.MODERATOR)
    if any(role in roles.admin for role in listed):
        granted.add(Role.ADMIN)
    return frozenset(granted)
