"""Login kind `forwarded`: a reverse proxy has already logged the reader in and says in headers who they are.

Anybody can write such headers, so they count only on a connection from a configured proxy; from everybody else it is as
if they had not been sent. Called for every request; asks nobody.
"""

import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from service.auth.fetch import Fetch
from service.auth.header_text import readable
from service.auth.login import BaseLogin, Credentials, LoginHealth, RoleMapping, identity_from, refused
from service.model import Clock, Identity, SiteKey
from service.secret import read_secret
from service.values import Networks

MIN_SECRET_BYTES = 32
HeaderName = Annotated[
    str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", max_length=100), AfterValidator(lambda name: name.lower())
]
"""The name of a header: a token (RFC 9110, 5.1), kept in lower case."""


class ForwardedHeaders(BaseModel):
    """Which header says what. None: not said.

    Only `subject` has a default: a header that the proxy does not always set or remove is the reader's to write.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    subject: HeaderName = "x-forwarded-user"
    name: HeaderName | None = None
    bio: HeaderName | None = None
    url: HeaderName | None = None
    avatar: HeaderName | None = None
    roles: HeaderName | None = None


class ForwardedLogin(BaseLogin):
    """Settings of a `forwarded` login: which headers, from which of the trusted proxies, with which shared secret."""

    kind: Literal["forwarded"] = "forwarded"
    headers: ForwardedHeaders = ForwardedHeaders()
    proxies: Networks = ()
    secret_header: HeaderName | None = None
    secret_env: str | None = None
    secret_file: Path | None = None

    @model_validator(mode="after")
    def _headers_instead_of_claims(self) -> "ForwardedLogin":
        if "claims" in self.model_fields_set:
            raise ValueError("claims: a forwarded login has none: name the headers in the table `headers`")
        named = [name for name in (*self.headers.model_dump().values(), self.secret_header) if name is not None]
        doubled = sorted({name for name in named if named.count(name) > 1})
        if doubled:
            raise ValueError(f"the header {doubled[0]} is named twice: each says one thing")
        return self

    @model_validator(mode="after")
    def _secret_with_its_header(self) -> "ForwardedLogin":
        sources = [source for source in (self.secret_env, self.secret_file) if source is not None]
        if len(sources) != (0 if self.secret_header is None else 1):
            raise ValueError("a shared secret needs secret_header and exactly one of secret_env, secret_file")
        return self

    def load_secret(self) -> bytes | None:
        """What the proxy must send in `secret_header`. Raises ValueError with the fix when it is missing or short."""
        if self.secret_header is None:
            return None
        secret = read_secret(variable=self.secret_env, file=self.secret_file)
        if len(secret) < MIN_SECRET_BYTES:
            raise ValueError(
                f"the proxy's secret has {len(secret)} bytes, at least {MIN_SECRET_BYTES} are needed: "
                "make one with `openssl rand -hex 32` and give it to the proxy too"
            )
        return secret

    def open(self, *, site: SiteKey, roles: RoleMapping, clock: Clock, fetch: Fetch) -> "ForwardedVerifier":
        """This login at work for one site. Raises ValueError as `load_secret` does."""
        return ForwardedVerifier(self, site=site, roles=roles)


class ForwardedVerifier:
    """A `forwarded` login at work."""

    reads_bearer = False

    def __init__(self, settings: ForwardedLogin, *, site: SiteKey, roles: RoleMapping) -> None:
        self.name = settings.label
        self.kind: str = settings.kind
        self._settings = settings
        self._site = site
        self._roles = roles
        self._secret = settings.load_secret()

    async def identify(self, credentials: Credentials) -> Identity | None:
        """The person whom the proxy names; None without a name, and for whatever did not come through the proxy.

        Raises InvalidCredential for a wrong shared secret and for headers that cannot be an identity.
        """
        if not self._is_from_proxy(credentials):
            return None
        if not _said(credentials, self._settings.headers.subject):
            return None
        if self._secret is not None:
            shown = credentials.headers.get(self._settings.secret_header or "")
            if shown is None:
                return None
            if not hmac.compare_digest(shown.encode("utf-8", "surrogatepass"), self._secret):
                raise refused("the proxy's shared secret is wrong")
        return identity_from(self._claims(credentials), site=self._site, settings=self._settings, roles=self._roles)

    async def start(self) -> None:
        """Nothing to do."""

    async def stop(self) -> None:
        """Nothing to do."""

    def readings(self) -> Mapping[str, float]:
        """For the metrics."""
        return {}

    def health(self) -> LoginHealth:
        """Always `pass`: there is nobody to ask."""
        return "pass", "The reverse proxy says who is logged in."

    def _is_from_proxy(self, credentials: Credentials) -> bool:
        """Whether the other end of the socket is a proxy of the server's and, if this login has a list, on that."""
        peer, proxies = credentials.peer, self._settings.proxies
        if not credentials.trusted_peer or peer is None:
            return False
        return not proxies or any(peer.version == network.version and peer in network for network in proxies)

    def _claims(self, credentials: Credentials) -> dict[str, object]:
        """The headers under the names that claims have. An empty header says nothing.

        Subject and roles count to the letter: if two ways of writing were one person, whoever may choose a name could
        choose one that reads as somebody else's account, or as a group.
        """
        said: dict[str, object] = {self._settings.claims.subject: _said(credentials, self._settings.headers.subject)}
        for part in ("name", "bio", "url", "avatar"):
            value = readable(_said(credentials, getattr(self._settings.headers, part)))
            if value:
                said[getattr(self._settings.claims, part)] = value
        listed = [role.strip() for role in _said(credentials, self._settings.headers.roles).split(",")]
        if any(listed):
            said[(self._settings.roles or self._roles).claim] = [role for role in listed if role]
        return said


def _said(credentials: Credentials, header: str | None) -> str:
    """What a header says; empty when it is not there or not named.

    A line feed stands between the values of a header that was sent twice: the reader wrote one of them, and nobody can
    know which.
    """
    value = "" if header is None else credentials.headers.get(header, "")
    if "\n" in value:
        raise refused(f"the header {header} was sent twice")
    return value.strip()
