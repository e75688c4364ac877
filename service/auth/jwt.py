"""Login kind `jwt`: a token that the blog signs with a shared secret (HMAC) or a private key.

The one algorithm is fixed by the configuration, never by the token (RFC 8725, 3.1); keys come from the configuration only,
so `jku`, `jwk`, `x5u` and `x5c` in a header mean nothing. Checked by joserfc (RFC 7515, 7519).
"""

from pathlib import Path
from typing import Any, Literal

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from pydantic import Field, field_validator, model_validator

from service.auth.fetch import Fetch
from service.auth.login import BaseLogin, CookieName, Credentials, Health, RoleMapping, identity_from
from service.errors import InvalidCredential
from service.model import Clock, Identity, SiteKey
from service.secret import read_bytes, read_secret

Algorithm = Literal[
    "HS256",
    "HS384",
    "HS512",
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
]
Key = OctKey | RSAKey | ECKey | OKPKey
KEY_SOURCES = ("secret_env", "secret_file", "secret", "public_key_file", "public_key")
MIN_SECRET_BYTES = 32
MAX_TOKEN = 16_384
MAX_KEY_ID = 256


class JwtLogin(BaseLogin):
    """Settings of a `jwt` login: one algorithm, one key, who must have issued the token and for whom."""

    kind: Literal["jwt"] = "jwt"
    algorithms: tuple[Algorithm, ...] = Field(min_length=1, max_length=1)
    issuer: str = Field(min_length=1)
    audience: str = Field(min_length=1)
    leeway_seconds: int = Field(30, ge=0, le=60)
    cookie: CookieName | None = None
    secret: str | None = Field(None, repr=False)
    secret_env: str | None = None
    secret_file: Path | None = None
    public_key: str | None = None
    public_key_file: Path | None = None

    @field_validator("algorithms", mode="before")
    @classmethod
    def _none_is_no_algorithm(cls, value: object) -> object:
        if isinstance(value, list | tuple) and any(str(name).lower() == "none" for name in value):
            raise ValueError("an unsigned token proves nothing: name the algorithm the blog signs with")
        return value

    @model_validator(mode="after")
    def _one_key_that_fits(self) -> "JwtLogin":
        given = [name for name in KEY_SOURCES if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(KEY_SOURCES)} (found: {', '.join(given) or 'none'})")
        symmetric = self.algorithms[0].startswith("HS")
        if symmetric != given[0].startswith("secret"):
            wanted = "a shared secret (secret_env, secret_file)" if symmetric else "a public key (public_key_file)"
            raise ValueError(f"{self.algorithms[0]} needs {wanted}, not {given[0]}")
        return self

    def load_key(self) -> Key:
        """The configured key. Raises ValueError with the fix when it is missing, short or of another type."""
        if self.algorithms[0].startswith("HS"):
            return OctKey.import_key(self._long_secret())
        return self._public_key()

    def open(self, *, site: SiteKey, roles: RoleMapping, clock: Clock, fetch: Fetch) -> "JwtVerifier":
        """This login at work for one site. Raises ValueError as `load_key` does."""
        return JwtVerifier(self, site=site, roles=roles, clock=clock)

    def _long_secret(self) -> bytes:
        secret = read_secret(variable=self.secret_env, file=self.secret_file, text=self.secret)
        if len(secret) < MIN_SECRET_BYTES:
            raise ValueError(
                f"the shared secret has {len(secret)} bytes, at least {MIN_SECRET_BYTES} are needed: "
                "make one with `openssl rand -hex 32` and give it to the blog too"
            )
        return secret

    def _public_key(self) -> Key:
        text = (self.public_key or "").encode() if self.public_key_file is None else read_bytes(self.public_key_file)
        algorithm = self.algorithms[0]
        kind: type[Key] = RSAKey if algorithm[:2] in {"RS", "PS"} else ECKey if algorithm.startswith("ES") else OKPKey
        try:
            key = kind.import_key(text)
        except (ValueError, TypeError, JoseError) as error:
            raise ValueError(f"the key is not a PEM public key for {algorithm} ({error})") from None
        if key.is_private:
            raise ValueError("this is a private key: keep it at the blog and give Gatepost the public half")
        return key


class JwtVerifier:
    """A `jwt` login at work."""

    def __init__(self, settings: JwtLogin, *, site: SiteKey, roles: RoleMapping, clock: Clock) -> None:
        self.name = settings.label
        self.kind = settings.kind
        self._settings = settings
        self._site = site
        self._roles = roles
        self._clock = clock
        self._key = settings.load_key()
        self._registry = jws.JWSRegistry(algorithms=list(settings.algorithms))

    async def identify(self, credentials: Credentials) -> Identity | None:
        """The person whom the bearer token (or the configured cookie) names; None without one.

        Raises InvalidCredential for every bad token, whatever is wrong with it.
        """
        token = credentials.bearer
        if token is None and self._settings.cookie is not None:
            token = credentials.cookies.get(self._settings.cookie)
        if token is None:
            return None
        claims = self._verified_claims(token)
        return identity_from(claims, site=self._site, settings=self._settings, roles=self._roles)

    async def start(self) -> None:
        """Nothing to do: the keys are in the configuration."""

    async def stop(self) -> None:
        """Nothing to do."""

    def health(self) -> Health:
        """Always well: there is nobody to ask."""
        return "pass", "the key is in the configuration"

    def _verified_claims(self, token: str) -> dict[str, Any]:
        if len(token) > MAX_TOKEN or not token.isascii():
            raise InvalidCredential
        try:
            decoded = jwt.decode(token, self._key, registry=self._registry)
            _check_header(decoded.header)
            _check_times(decoded.claims)
            jwt.JWTClaimsRegistry(
                now=self._clock() // 1000,
                leeway=self._settings.leeway_seconds,
                iss={"essential": True, "value": self._settings.issuer},
                aud={"essential": True, "value": self._settings.audience},
                exp={"essential": True},
                sub={"essential": True},
            ).validate(decoded.claims)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            raise InvalidCredential from None
        return decoded.claims


def _check_header(header: dict[str, Any]) -> None:
    key_id = header.get("kid")
    if "crit" in header or (key_id is not None and (not isinstance(key_id, str) or len(key_id) > MAX_KEY_ID)):
        raise InvalidCredential


def _check_times(claims: dict[str, Any]) -> None:
    """Times are numbers (RFC 7519, 2 "NumericDate"), and neither booleans nor text that looks like one."""
    for name in ("exp", "nbf", "iat"):
        value = claims.get(name)
        if name in claims and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise InvalidCredential
