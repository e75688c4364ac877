"""Login kind `jwt`: a token that the blog signs with a shared secret (HMAC) or a private key.

Each key has one algorithm, fixed by the configuration and never by the token (RFC 8725, 3.1). Several keys stand side
by side while a secret is being changed. Keys come from the configuration only, so there is nobody to ask or wait for.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from service.auth import keys, tokens
from service.auth.fetch import Fetch
from service.auth.keys import MAX_KEY_ID, Algorithm, KeySet, VerificationKey
from service.auth.login import BaseLogin, CookieName, Credentials, LoginHealth, RoleMapping, identity_from, refused
from service.auth.verified import VerifiedTokens
from service.model import Clock, Identity, SiteKey
from service.secret import read_bytes, read_secret

KEY_SOURCES = ("secret_env", "secret_file", "secret", "public_key_file", "public_key")
MAX_KEYS = 16


class KeySource(BaseModel):
    """Where a key comes from: exactly one of these."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    secret: str | None = Field(None, repr=False)
    secret_env: str | None = None
    secret_file: Path | None = None
    public_key: str | None = None
    public_key_file: Path | None = None

    def given_sources(self) -> dict[str, object]:
        """The sources that are set, by name."""
        return {name: value for name in KEY_SOURCES if (value := getattr(self, name)) is not None}


class JwtKey(KeySource):
    """One of several keys of a `jwt` login. `kid` is how tokens name it; without one it is tried for every name."""

    algorithm: Algorithm
    kid: str | None = Field(None, min_length=1, max_length=MAX_KEY_ID)

    @field_validator("algorithm", mode="before")
    @classmethod
    def _none_is_no_algorithm(cls, value: object) -> object:
        return _signed(value)

    @model_validator(mode="after")
    def _one_source_that_fits(self) -> Self:
        given = list(self.given_sources())
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(KEY_SOURCES)} (found: {', '.join(given) or 'none'})")
        shared = keys.is_shared(self.algorithm)
        if shared != given[0].startswith("secret"):
            wanted = "a shared secret (secret_env, secret_file)" if shared else "a public key (public_key_file)"
            raise ValueError(f"{self.algorithm} needs {wanted}, not {given[0]}")
        return self

    def load(self) -> VerificationKey:
        """The key. Raises ValueError with the fix when it is missing, short or of another type."""
        if keys.is_shared(self.algorithm):
            secret = read_secret(variable=self.secret_env, file=self.secret_file, text=self.secret)
            return keys.shared_key(self.algorithm, secret, key_id=self.kid)
        text = (self.public_key or "").encode() if self.public_key_file is None else read_bytes(self.public_key_file)
        return keys.public_key(self.algorithm, text, key_id=self.kid)


class JwtLogin(BaseLogin, KeySource):
    """Settings of a `jwt` login: who must have issued the token and for whom, and one key, or several in `keys`."""

    kind: Literal["jwt"] = "jwt"
    issuer: str = Field(min_length=1)
    audience: str = Field(min_length=1)
    algorithms: tuple[Algorithm, ...] = ()
    keys: tuple[JwtKey, ...] = Field((), max_length=MAX_KEYS)
    leeway_seconds: int = Field(30, ge=0, le=60, strict=True)
    cookie: CookieName | None = None

    @field_validator("algorithms", mode="before")
    @classmethod
    def _none_is_no_algorithm(cls, value: object) -> object:
        if not isinstance(value, list | tuple):
            return value
        if len(value) > 1:
            raise ValueError("name one algorithm; for several use `keys`, a table for each")
        return [_signed(name) for name in value]

    @model_validator(mode="after")
    def _one_key_or_a_list(self) -> Self:
        if self.keys and (self.algorithms or self.given_sources()):
            raise ValueError("with `keys`, the algorithm and the key stand in each of its tables and nowhere else")
        if not self.keys and not self.algorithms:
            raise ValueError("algorithms: name the one algorithm that the blog signs with")
        names = [key.kid for key in self.each_key() if key.kid is not None]
        if len(set(names)) != len(names):
            raise ValueError("keys: two keys have the same kid; give each its own")
        return self

    def each_key(self) -> tuple[JwtKey, ...]:
        """The keys, whichever way they are written."""
        return self.keys or (JwtKey.model_validate({"algorithm": self.algorithms[0], **self.given_sources()}),)

    def load_keys(self) -> KeySet:
        """All keys. Raises ValueError with the place and the fix when one is missing, short or of another type."""
        loaded = []
        for place, key in enumerate(self.each_key()):
            try:
                loaded.append(key.load())
            except ValueError as error:
                raise ValueError(f"keys.{place}: {error}" if self.keys else str(error)) from None
        return KeySet(loaded)

    def open(self, *, site: SiteKey, roles: RoleMapping, clock: Clock, fetch: Fetch) -> "JwtVerifier":
        """This login at work for one site. Raises ValueError as `load_keys` does."""
        return JwtVerifier(self, site=site, roles=roles, clock=clock)


class JwtVerifier:
    """A `jwt` login at work."""

    reads_bearer = True

    def __init__(self, settings: JwtLogin, *, site: SiteKey, roles: RoleMapping, clock: Clock) -> None:
        self.name = settings.label
        self.kind = settings.kind
        self._settings = settings
        self._site = site
        self._roles = roles
        self._clock = clock
        self._keys = settings.load_keys()
        self._verified = VerifiedTokens(clock=clock)

    async def identify(self, credentials: Credentials) -> Identity | None:
        """The person whom the bearer token (or the configured cookie) names; None without one.

        Raises InvalidCredential for every bad token, whatever is wrong with it.
        """
        text = credentials.bearer
        if text is None and self._settings.cookie is not None:
            text = credentials.cookies.get(self._settings.cookie)
        if text is None:
            return None
        return self._verified.find(text) or self._verify(text)

    def _verify(self, text: str) -> Identity:
        token = tokens.read(text)
        candidates = self._keys.candidates(token.key_id, token.algorithm)
        if not candidates:
            raise refused("no key of ours is for its algorithm and kid", fix="set algorithm and kid as the blog signs")
        tokens.require_signature(token, candidates)
        tokens.require_claims(
            token.claims,
            issuer=self._settings.issuer,
            audiences=[self._settings.audience],
            leeway_seconds=self._settings.leeway_seconds,
            now=self._clock(),
        )
        identity = identity_from(token.claims, site=self._site, settings=self._settings, roles=self._roles)
        self._verified.keep(text, identity, token.claims)
        return identity

    async def start(self) -> None:
        """Nothing to do: the keys are in the configuration."""

    async def stop(self) -> None:
        """Nothing to do."""

    def readings(self) -> Mapping[str, float]:
        """For the metrics."""
        return {"cache_hits": self._verified.hits}

    def health(self) -> LoginHealth:
        """Always well: there is nobody to ask."""
        return "pass", "the keys are in the configuration"


def _signed(algorithm: object) -> object:
    if str(algorithm).lower() == "none":
        raise ValueError("an unsigned token proves nothing: name the algorithm the blog signs with")
    return algorithm
