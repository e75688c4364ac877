"""Login kind `introspection`: an opaque access token that the authorization server explains when asked (RFC 7662)."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote_plus

from pydantic import Field, model_validator

from service.auth.asked import AskedLogin
from service.auth.endpoint import Endpoint
from service.auth.fetch import Fetch, Fetched
from service.auth.login import (
    BaseLogin,
    Credentials,
    RoleMapping,
    identity_from,
    refused,
    unavailable,
)
from service.errors import InvalidCredential, LoginUnavailable
from service.model import FOREVER, Clock, Identity, Milliseconds, SiteKey
from service.secret import read_secret
from service.values import Whole

MAX_TOKEN = 16_384
TOKEN_KIND_MEMBERS = ("token_type", "token_use", "typ")
"""Where servers say what kind of token it is: RFC 7662, Ory Hydra, Keycloak."""
ABOUT_THE_TOKEN = frozenset({"unsupported_token_type", "invalid_token"})
"""What servers call a token in a 400 that they should call not active: oidc-provider a signed one, Spring any."""
ABOUT_THE_CLIENT = frozenset({"invalid_client", "unauthorized_client"})
OBJECTIONS = (400, 401, 403)
"""Statuses that may say whom the server objects to: this reader's token, or us."""


class IntrospectionLogin(BaseLogin):
    """Settings of an `introspection` login: whom to ask, as which client, and what the answer must say."""

    kind: Literal["introspection"] = "introspection"
    url: Endpoint
    client_id: str = Field(min_length=1)
    client_secret_env: str | None = None
    client_secret_file: Path | None = None
    client_authentication: Literal["client_secret_basic", "client_secret_post"] = "client_secret_basic"
    issuer: str | None = Field(None, min_length=1)
    audience: str | None = Field(None, min_length=1)
    leeway_seconds: Whole = Field(30, ge=0, le=60)
    cache_seconds: Whole = Field(30, ge=0, le=300)

    @model_validator(mode="after")
    def _one_secret(self) -> "IntrospectionLogin":
        if (self.client_secret_env is None) == (self.client_secret_file is None):
            raise ValueError("give exactly one of client_secret_env, client_secret_file")
        return self

    def load_secret(self) -> str:
        """The client's secret. Raises ValueError with the fix when it is missing or empty."""
        secret = read_secret(variable=self.client_secret_env, file=self.client_secret_file)
        if not secret:
            raise ValueError("the client secret is empty: set it to what the authorization server gave this client")
        try:
            return secret.decode()
        except UnicodeDecodeError:  # its own words would show a part of the secret
            raise ValueError("the client secret is not UTF-8 text: see whether it is the right file") from None

    def open(self, *, site: SiteKey, roles: RoleMapping, clock: Clock, fetch: Fetch) -> "IntrospectionVerifier":
        """This login at work for one site. Raises ValueError as `load_secret` does."""
        return IntrospectionVerifier(self, site=site, roles=roles, clock=clock, fetch=fetch)


class IntrospectionVerifier(AskedLogin):
    """An `introspection` login at work."""

    asked = "The introspection address"
    reads_bearer = True

    def __init__(
        self, settings: IntrospectionLogin, *, site: SiteKey, roles: RoleMapping, clock: Clock, fetch: Fetch
    ) -> None:
        super().__init__(
            settings, cache_seconds=settings.cache_seconds, site=site, roles=roles, clock=clock, fetch=fetch
        )
        self._settings = settings
        self._headers, self._form = _client_authentication(settings)
        self._was_understood = False

    async def identify(self, credentials: Credentials) -> Identity | None:
        """The person whom the bearer token stands for; None without one.

        Raises InvalidCredential for a token that the server does not call active, and for one that is not meant for us;
        LoginUnavailable when the server gives no usable answer.
        """
        token = credentials.bearer
        if token is None:
            return None
        if not token or len(token) > MAX_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
            raise refused("that is not an access token (RFC 6750, 2.1)")
        return await self.identity_of(token)

    async def ask(self, credential: str) -> tuple[Identity, Milliseconds | None]:
        """The person whom an access token stands for, and when it expires."""
        claims = await self._claims(credential)
        good_until = self._check(claims)
        return identity_from(claims, site=self._site, settings=self._settings, roles=self._roles), good_until

    async def _claims(self, token: str) -> dict[str, Any]:
        """What the server says about an active token."""
        form = {"token": token, "token_type_hint": "access_token", **self._form}
        reply = await self._fetch.post(self._settings.url, form, headers=self._headers, also=OBJECTIONS)
        if reply.status != 200:
            raise self._objection(reply)
        answer = reply.value
        if not isinstance(answer, dict) or not isinstance(answer.get("active"), bool):
            # Without the one member that RFC 7662, 2.2 requires, this is no introspection endpoint.
            raise unavailable("the answer has no `active` that is true or false")
        self._was_understood = True
        if not answer["active"]:
            raise refused("the token is not active")
        return answer

    def _objection(self, reply: Fetched) -> InvalidCredential | LoginUnavailable:
        """Whom the server objects to: the token, and then it is refused; or us, and then nobody can be let in.

        `invalid_request` may mean either. All questions are alike but for the token, so once the server has understood
        one of them, it is the token.
        """
        error = reply.value.get("error") if isinstance(reply.value, dict) else None
        if not isinstance(error, str):
            error = None
        if reply.status != 400 or error in ABOUT_THE_CLIENT:
            return unavailable(
                f"it does not take this client ({reply.status}): see client_id, its secret, and client_authentication"
            )
        if error in ABOUT_THE_TOKEN or (error == "invalid_request" and self._was_understood):
            return refused(f"the server does not take it for a token of its own (400 {error})")
        if error == "invalid_request":
            return unavailable("it does not understand the question (400 invalid_request): see client_authentication")
        return unavailable("its status is not 200 (400)")

    def _check(self, claims: Mapping[str, Any]) -> Milliseconds | None:
        """When the token expires, if the server says so. Raises InvalidCredential unless it is for us, and now."""
        now, leeway = self._clock(), self._settings.leeway_seconds * 1000
        expires, begins = _time(claims, "exp"), _time(claims, "nbf")
        if expires is not None and expires + leeway <= now:
            raise refused("the token has expired")
        if begins is not None and begins - leeway > now:
            raise refused("the token is not valid yet")
        if self._settings.issuer is not None and claims.get("iss") != self._settings.issuer:
            raise refused("the token has another issuer, or none")
        if self._settings.audience is not None and self._settings.audience not in _audiences(claims):
            raise refused("the token is for somebody else, or for nobody in particular")
        if any("refresh" in str(claims.get(member, "")).lower() for member in TOKEN_KIND_MEMBERS):
            raise refused("this is a refresh token")
        if claims.get("cnf") is not None:
            # Only good together with a key or certificate (RFC 7800, RFC 9449); shown alone it may be stolen.
            raise refused("the token is bound to a key")
        return expires


def _client_authentication(settings: IntrospectionLogin) -> tuple[dict[str, str], dict[str, str]]:
    """Headers and form members that say who asks (RFC 6749, 2.3.1)."""
    secret = settings.load_secret()
    if settings.client_authentication == "client_secret_post":
        return {}, {"client_id": settings.client_id, "client_secret": secret}
    pair = f"{quote_plus(settings.client_id)}:{quote_plus(secret)}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}, {}


def _time(claims: Mapping[str, Any], name: str) -> Milliseconds | None:
    """A time claim: a number (RFC 7519, 2 "NumericDate"), and neither a boolean nor text that looks like one."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refused(f"{name} is not a number")
    return round(min(max(value, 0), FOREVER // 1000) * 1000)


def _audiences(claims: Mapping[str, Any]) -> list[str]:
    """Whom the token is for: one text or a list of texts (RFC 7519, 4.1.3)."""
    found = claims.get("aud", [])
    listed = [found] if isinstance(found, str) else found
    if not isinstance(listed, list) or not all(isinstance(audience, str) for audience in listed):
        raise refused("aud is neither a text nor a list of texts")
    return listed
