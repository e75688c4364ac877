"""What all login kinds share: their settings, what a request carries, and how claims become an identity.

A login kind is one file beside this one with a settings class and a login class, and one line in `kinds.py`.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any, Literal, Protocol, TypeVar
from urllib.parse import urlsplit

import structlog
from pydantic import BaseModel, ConfigDict, Field

from service.errors import InvalidCredential, LoginUnavailable
from service.model import AuthorKey, Identity, Profile, Role, SiteKey
from service.strict_json import is_clean
from service.text.visible import clean_line

log = structlog.get_logger(__name__)

MAX_SUBJECT = 255
MAX_NAME = 200
MAX_BIO = 2_000
MAX_URL = 2_000
MAX_ROLES = 200
MAX_SAID_ROLES, MAX_SAID_ROLE = 10, 60
UNNAMED = "Reader"
RETRY_AFTER_SECONDS = 5
NOT_IN_ADDRESSES = frozenset('"<>\\^`{|}')

LoginName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
CookieName = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", max_length=256)]
"""The name of a cookie: a token (RFC 6265, 4.1.1)."""
Fault = TypeVar("Fault", InvalidCredential, LoginUnavailable)
LoginHealth = tuple[Literal["pass", "warn"], str]
"""How a login is, and one sentence about it that is safe to show to operators."""


class ClaimsMapping(BaseModel):
    """Where in the claims each part of an identity stands: a dotted path."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    subject: str = "sub"
    name: str = "name"
    bio: str = "bio"
    url: str = "website"
    avatar: str = "picture"


class LoginRoles(BaseModel):
    """Which values of the role claim make somebody a moderator or an admin, for one login instead of the whole site."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    claim: str = Field("roles", min_length=1)
    moderator: tuple[str, ...] = ("moderator", "editor")
    admin: tuple[str, ...] = ("admin",)


class BaseLogin(BaseModel):
    """Settings that every login kind has.

    `name` tells two logins of one kind apart (default: the kind). People of different logins are different people,
    unless `shares_subjects` says the same in both or names the other login. `may_moderate = false` drops every role.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    kind: str
    name: LoginName | None = None
    claims: ClaimsMapping = ClaimsMapping()
    roles: LoginRoles | None = None
    may_moderate: bool = True
    shares_subjects: LoginName | None = None

    @property
    def label(self) -> str:
        """What logs, metrics and identities call this login."""
        return self.name or self.kind

    @property
    def namespace(self) -> str:
        """The set of people within which the subjects of this login are unique."""
        return self.shares_subjects or self.label


@dataclass(frozen=True, slots=True)
class Credentials:
    """What one request carries that may say who is speaking.

    `headers` has lower-case names; a header sent several times has its values on lines of their own. `peer` is the
    address at the other end of the socket, never one from a header; `trusted_peer` says that it is in
    `server.trusted_proxies`.
    """

    bearer: str | None = None
    cookies: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    peer: IPv4Address | IPv6Address | None = None
    trusted_peer: bool = False

    def without_cookies(self) -> "Credentials":
        """For a request with an `Authorization` header: a bad token is not saved by a good cookie."""
        if not self.cookies and "cookie" not in self.headers:
            return self
        headers = {name: value for name, value in self.headers.items() if name != "cookie"}
        return replace(self, cookies={}, headers=headers)


class Login(Protocol):
    """One configured way to log in. Holds no state that a restart would miss."""

    name: str
    reads_bearer: bool
    """Whether an `Authorization` header, where there is one, is what it goes by (else cookies or a proxy's headers)."""

    @property
    def kind(self) -> str:
        """Which of the kinds in `kinds.py` this is."""
        ...

    async def identify(self, credentials: Credentials) -> Identity | None:
        """The verified person, or None where the request carries nothing for this login.

        Raises InvalidCredential when it carries something bad and LoginUnavailable when the blog cannot be asked.
        """
        ...

    async def start(self) -> None:
        """Get ready. Returns soon and raises nothing when the blog is down: the service starts all the same."""
        ...

    async def stop(self) -> None:
        """End everything that `start` or `identify` began."""
        ...

    def readings(self) -> Mapping[str, float]:
        """Numbers for the metrics, such as `cache_hits` or `key_set_age_seconds`."""
        ...

    def health(self) -> LoginHealth:
        """`warn` when people probably cannot log in this way (a key set was never loaded, for example)."""
        ...


class RoleMapping(Protocol):
    """The part of a site's settings that says who is a moderator (`settings.Roles`)."""

    @property
    def claim(self) -> str: ...
    @property
    def moderator(self) -> tuple[str, ...]: ...
    @property
    def admin(self) -> tuple[str, ...]: ...


def refused(reason: str, *, fix: str = "") -> InvalidCredential:
    """An InvalidCredential to raise. All of them look alike from outside; `reason_of` tells the log what it was.

    `fix` is what an owner can do about it, for `gatepost check`.
    """
    return _noted(InvalidCredential(), reason, fix)


def unavailable(reason: str, *, retry_after_seconds: int = RETRY_AFTER_SECONDS, fix: str = "") -> LoginUnavailable:
    """A LoginUnavailable to raise, with its reason for the log, and what an owner can do about it."""
    return _noted(LoginUnavailable(retry_after_seconds=retry_after_seconds), reason, fix)


def reason_of(fault: BaseException) -> str:
    """The reason behind a refusal, for the log: no client sees it. Never part of a token or of its claims."""
    notes: list[str] = getattr(fault, "__notes__", [])
    return notes[0] if notes else "no reason given"


def fix_of(fault: BaseException) -> str:
    """What an owner can do about it; empty where whoever raised it did not say."""
    notes: list[str] = getattr(fault, "__notes__", [])
    return notes[1] if len(notes) > 1 else ""


def _noted(fault: Fault, reason: str, fix: str) -> Fault:
    fault.add_note(reason)
    if fix:
        fault.add_note(fix)
    return fault


def log_refusal(login: str, fault: InvalidCredential | LoginUnavailable) -> None:
    """Say in the log why `login` ("site/name") let nobody in: never with the credential itself."""
    event = "login.refused" if isinstance(fault, InvalidCredential) else "login.unavailable"
    log.info(event, login=login, reason=reason_of(fault))


def identity_from(claims: Mapping[str, Any], *, site: SiteKey, settings: BaseLogin, roles: RoleMapping) -> Identity:
    """The identity that verified claims describe; `roles` is the site's mapping, for a login without one of its own.

    Claims are untrusted text: raises InvalidCredential for a wrong type, NUL or a lone surrogate; long labels are cut,
    addresses that are not http(s) are dropped.
    """
    mapping = settings.claims
    subject = _text(claims, mapping.subject)
    if not subject or not subject.strip() or len(subject) > MAX_SUBJECT:
        fix = f"let {mapping.subject} be the account's lasting id, as a text; or name another member in claims.subject"
        raise refused(f"{mapping.subject} must be a text of 1 to {MAX_SUBJECT} characters", fix=fix)
    said = (_text(claims, path) for path in (mapping.name, mapping.bio, mapping.url, mapping.avatar))
    return Identity(
        site=site,
        namespace=settings.namespace,
        subject=subject,
        profile=profile_of(*said),
        roles=_roles(claims, settings.roles or roles) if settings.may_moderate else frozenset(),
        login=settings.label,
        said_roles=_said_roles(claims, settings.roles or roles),
    )


def profile_of(name: str | None, bio: str | None = None, url: str | None = None, avatar: str | None = None) -> Profile:
    """What somebody says of a person, made fit to be shown: one clean line each, addresses that may be followed."""
    return Profile(_label(name, MAX_NAME) or UNNAMED, _label(bio, MAX_BIO), _address(url), _address(avatar))


def author_key(secret: bytes, identity: Identity) -> AuthorKey:
    """The public name of an identity: HMAC-SHA-256 (RFC 2104) of site, namespace and subject, 32 hex digits of it."""
    return _author_key(secret, identity.site, identity.namespace, identity.subject)


@lru_cache(maxsize=4096)
def _author_key(secret: bytes, *parts: str) -> AuthorKey:
    return AuthorKey(hmac.digest(secret, "\0".join(parts).encode(), "sha256").hex()[:32])


def claim_at(claims: Mapping[str, Any], path: str) -> Any:
    """The claim called `path`, or the one found by following its dots. A whole name wins: claim names may hold dots."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for step in path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _text(claims: Mapping[str, Any], path: str) -> str | None:
    found = claim_at(claims, path)
    if found is None:
        return None
    if not isinstance(found, str):
        raise refused(f"{path} is not a text", fix=f'write {path} as a text, in quotes: "42", not 42')
    if not is_clean(found):
        raise refused(f"{path} holds NUL or half a character")
    return found


def _label(text: str | None, longest: int) -> str | None:
    """One clean line of at most `longest` characters; None where nothing of it would show."""
    line = clean_line(text or "")
    # A cut may leave a part of what was whole, such as half an emoji: cleaned again, it is gone.
    return (line if len(line) <= longest else clean_line(line[:longest])) or None


def _address(text: str | None) -> str | None:
    """`text` where a browser may follow it: http(s), a host, no name or password (they disguise the host)."""
    if (
        not text
        or len(text) > MAX_URL
        or any(c.isspace() or not c.isprintable() or c in NOT_IN_ADDRESSES for c in text)
    ):
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    return text if parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc else None


def _roles(claims: Mapping[str, Any], roles: RoleMapping) -> frozenset[Role]:
    listed = claim_at(claims, roles.claim)
    if listed is None:
        return frozenset()
    if not isinstance(listed, list) or len(listed) > MAX_ROLES or not all(isinstance(role, str) for role in listed):
        fix = f'write {roles.claim} as a list: ["moderator"], not "moderator"'
        raise refused(f"{roles.claim} is not a list of at most {MAX_ROLES} texts", fix=fix)
    granted = set()
    if any(role in roles.moderator for role in listed):
        granted.add(Role.MODERATOR)
    if any(role in roles.admin for role in listed):
        granted.add(Role.ADMIN)
    return frozenset(granted)


def _said_roles(claims: Mapping[str, Any], roles: RoleMapping) -> tuple[str, ...]:
    listed = claim_at(claims, roles.claim)
    first = listed[:MAX_SAID_ROLES] if isinstance(listed, list) else []
    return tuple(label for role in first if isinstance(role, str) and (label := _label(role, MAX_SAID_ROLE)))
