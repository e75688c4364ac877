"""Login kind `oidc`: bearer tokens of an OpenID Connect issuer (Keycloak, Auth0, ...), checked with its published keys.

Takes ID tokens (OpenID Connect Core, 3.1.3.7) and access tokens that are JWTs (RFC 9068). Only the issuer's address is
configured; its keys come by discovery and are kept fresh by `issuer_keys`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from service.auth import tokens
from service.auth.fetch import Fetch
from service.auth.issuer_keys import IssuerKeys, is_safe_address
from service.auth.keys import PublicAlgorithm, same_algorithm
from service.auth.login import BaseLogin, CookieName, Credentials, LoginHealth, RoleMapping, identity_from, refused
from service.model import Clock, Identity, Milliseconds, SiteKey

WELL_KNOWN = "/.well-known/openid-configuration"
TYPE_OF_ACCESS = "at+jwt"
USUAL_TYPES = frozenset({None, "jwt", TYPE_OF_ACCESS})
"""`typ` of ID and access tokens. Other tokens of the issuer (a `logout+jwt`, say) are signed with the same keys."""


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


Text = Annotated[str, Field(min_length=1)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_one_or_many)]


class OidcLogin(BaseLogin):
    """Settings of an `oidc` login: whose tokens, for whom, and with which algorithms."""

    kind: Literal["oidc"] = "oidc"
    issuer: Text
    audience: Annotated[Texts, Field(min_length=1)]
    algorithms: tuple[PublicAlgorithm, ...] = Field(("RS256",), min_length=1)
    authorized_parties: Texts = ()
    token_type: Text | None = None
    discovery_url: str | None = None
    allow_http: bool = False
    leeway_seconds: int = Field(30, ge=0, le=60, strict=True)
    cookie: CookieName | None = None

    @model_validator(mode="after")
    def _addresses_are_safe(self) -> Self:
        for name, address in (("issuer", self.issuer), ("discovery_url", self.discovery_url)):
            if address is not None and not is_safe_address(address, allow_http=self.allow_http):
                raise ValueError(f"{name}: write an https address (or allow_http = true, inside a network you trust)")
        if "?" in self.issuer:
            raise ValueError("issuer: an issuer has no query; copy it from the issuer's discovery document")
        return self

    def open(self, *, site: SiteKey, roles: RoleMapping, clock: Clock, fetch: Fetch) -> "OidcVerifier":
        """This login at work for one site."""
        return OidcVerifier(self, site=site, roles=roles, clock=clock, fetch=fetch)


class OidcVerifier:
    """An `oidc` login at work."""

    reads_bearer = True

    def __init__(self, settings: OidcLogin, *, site: SiteKey, roles: RoleMapping, clock: Clock, fetch: Fetch) -> None:
        self.name = settings.label
        self.kind = settings.kind
        self._settings = settings
        self._site = site
        self._roles = roles
        self._clock = clock
        self._algorithms = frozenset(same_algorithm(name) for name in settings.algorithms)
        self._parties = frozenset(settings.authorized_parties or settings.audience)
        self._keys = IssuerKeys(
            settings.issuer,
            discovery_url=settings.discovery_url or settings.issuer.rstrip("/") + WELL_KNOWN,
            algorithms=settings.algorithms,
            allow_http=settings.allow_http,
            fetch=fetch,
            clock=clock,
        )

    @property
    def key_age(self) -> Milliseconds | None:
        """How old the issuer's keys are; None while there are none."""
        return self._keys.age

    async def identify(self, credentials: Credentials) -> Identity | None:
        """The person whom the bearer token (or the configured cookie) names; None without one.

        Raises InvalidCredential for every bad token, whatever is wrong with it, and LoginUnavailable when the issuer's
        keys are needed and cannot be had. What needs no key is checked first: a token of somebody else costs no fetch.
        """
        text = credentials.bearer
        if text is None and self._settings.cookie is not None:
            text = credentials.cookies.get(self._settings.cookie)
        if text is None:
            return None
        token = tokens.read(text)
        if token.algorithm not in self._algorithms:
            raise refused("the algorithm is not on the list")
        kind = None if token.kind is None else _plain_type(token.kind)
        self._require_type(kind)
        tokens.require_claims(
            token.claims,
            issuer=self._settings.issuer,
            audiences=self._settings.audience,
            leeway_seconds=self._settings.leeway_seconds,
            now=self._clock(),
        )
        self._require_party(token.claims, kind)
        tokens.require_signature(token, await self._keys.for_token(token.key_id, token.algorithm))
        return identity_from(token.claims, site=self._site, settings=self._settings, roles=self._roles)

    async def start(self) -> None:
        """Have the keys fetched; nobody waits for them."""
        self._keys.begin()

    async def stop(self) -> None:
        """Stop fetching keys."""
        await self._keys.stop()

    def readings(self) -> Mapping[str, float]:
        """For the metrics."""
        age = self._keys.age
        return {} if age is None else {"key_set_age_seconds": age / 1000}

    def health(self) -> LoginHealth:
        """`warn` while there are no keys, or no newer ones can be had."""
        return self._keys.health()

    def _require_type(self, kind: str | None) -> None:
        """`typ` as configured, else one of the usual ones."""
        wanted = self._settings.token_type
        if kind not in USUAL_TYPES if wanted is None else kind != _plain_type(wanted):
            raise refused("typ is that of another kind of token")

    def _require_party(self, claims: Mapping[str, Any], kind: str | None) -> None:
        """Raise InvalidCredential unless the token was made for one of the parties: those that the owner listed, or the
        audience where the owner listed none.

        Three claims can say for whom a token was made: `azp` (OpenID Connect Core, 3.1.3.7, rules 4 and 5); without it
        `client_id`, but only in an access token (RFC 9068, 2.2); without both `aud`, if it names one party alone.
        """
        if "azp" in claims:
            member, party = "azp", claims["azp"]
        elif "client_id" in claims and kind == TYPE_OF_ACCESS:
            member, party = "client_id", claims["client_id"]
        else:
            member, party = "", _only(claims["aud"])
        if isinstance(party, str) and party in self._parties:
            return
        if member:
            raise refused(f"{member} is none of the authorized parties")
        missing = "no azp and no client_id"
        if "client_id" in claims:
            missing = "no azp, and a client_id that counts only where typ is at+jwt"
        raise refused(f"{missing}; and aud is not one of the authorized parties alone")


def _plain_type(kind: str) -> str:
    """A media type in lower case; `application/` in front of it means nothing (RFC 7515, 4.1.9)."""
    return kind.lower().removeprefix("application/")


def _only(audience: object) -> object:
    """The only audience of a token; None where it has several."""
    if not isinstance(audience, list):
        return audience
    return audience[0] if len(set(audience)) == 1 else None
