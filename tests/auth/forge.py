"""Signs anything, for tests: real keys of every type, and compact tokens of any header, claims and signature."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from joserfc.jwa import JWS_ALGORITHMS
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

MODELS = {model.name: model for model in JWS_ALGORITHMS}
SECRET = "a shared secret of the blog and Gatepost, long enough"
Part = Mapping[str, Any] | bytes


@dataclass(frozen=True)
class Signer:
    """A private key (or secret), the algorithm it signs with, and its name."""

    algorithm: str
    key: OctKey | RSAKey | ECKey | OKPKey
    kid: str | None = None

    def sign(self, content: bytes) -> bytes:
        """The signature over `content`."""
        return MODELS[self.algorithm].sign(content, self.key)

    @property
    def pem(self) -> str:
        """The public half as PEM text."""
        assert not isinstance(self.key, OctKey)
        return self.key.as_bytes(encoding="PEM", private=False).decode()

    def published(self, **more: Any) -> dict[str, Any]:
        """The public half as a JWK; `more` adds or changes members, None leaves one out."""
        wanted = {**self.key.as_dict(private=False), "kid": self.kid, "alg": self.algorithm, "use": "sig", **more}
        return {name: value for name, value in wanted.items() if value is not None}


@cache
def signer(algorithm: str, kid: str | None = None, owner: str = "blog") -> Signer:
    """A key for `algorithm`, the same one whenever the same `owner` is asked for `kid`."""
    if algorithm.startswith("HS"):
        return Signer(algorithm, OctKey.import_key(SECRET if owner == "blog" else f"{SECRET} of {owner}"), kid)
    if algorithm[:2] in {"RS", "PS"}:
        return Signer(algorithm, _rsa(kid, owner), kid)
    if algorithm.startswith("ES"):
        return Signer(
            algorithm, ECKey.generate_key({"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}[algorithm]), kid
        )
    return Signer(algorithm, OKPKey.generate_key("Ed25519"), kid)


@cache
def _rsa(kid: str | None, owner: str) -> RSAKey:
    return RSAKey.generate_key(2048)


def base64(octets: bytes) -> str:
    """`octets` in base64url without padding."""
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def octets(part: Part) -> bytes:
    """`part` as it is signed: bytes as they are, a mapping as JSON (with NaN, and lone surrogates as escapes)."""
    return part if isinstance(part, bytes) else json.dumps(part).encode()


def compact(header: Part, claims: Part, by: Signer) -> str:
    """A token with this header and these claims, whatever they are, signed by `by`."""
    content = f"{base64(octets(header))}.{base64(octets(claims))}"
    return f"{content}.{base64(by.sign(content.encode()))}"
