"""The keys that signatures are checked with: one algorithm each, and a set of them that is searched by `kid`.

`jwt` makes them from the configuration, `issuer_keys` from what an issuer publishes (RFC 7517). A key never serves
another algorithm than its own (RFC 8725, 3.1), so no public key is taken for a secret. joserfc does the arithmetic.
"""

import re
import warnings
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwa import JWS_ALGORITHMS, JWSAlgModel
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.util import base64_to_int

SharedAlgorithm = Literal["HS256", "HS384", "HS512"]
PublicAlgorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"
]
Algorithm = Literal[SharedAlgorithm, PublicAlgorithm]
Key = OctKey | RSAKey | ECKey | OKPKey

CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "Ed25519": "Ed25519"}
RSA_BITS = range(2048, 8193)
MIN_SECRET_BYTES = 32
MAX_KEY_ID = 256
MAX_KEYS = 100
MAX_TRIED = 8
"""How many keys one token without a `kid` may cost us."""

_KEY_TYPES: dict[str, type[Key]] = {"H": OctKey, "R": RSAKey, "P": RSAKey, "E": ECKey}
_PUBLISHED: dict[str, tuple[type[RSAKey] | type[ECKey] | type[OKPKey], tuple[str, ...]]] = {
    "RSA": (RSAKey, ("n", "e")),
    "EC": (ECKey, ("crv", "x", "y")),
    "OKP": (OKPKey, ("crv", "x")),
}
_CHECKS: dict[str, JWSAlgModel] = {model.name: model for model in JWS_ALGORITHMS if model.name != "none"}
_NAME = re.compile(r"[A-Za-z0-9._+-]{1,20}", re.ASCII)
_WRONG_KEY = (ValueError, TypeError, KeyError, JoseError, UnsupportedAlgorithm, SecurityWarning)


def same_algorithm(name: str) -> str:
    """`name`, or its newer name: `EdDSA` became `Ed25519` for the one curve we take (RFC 9864, 2.2)."""
    return "Ed25519" if name == "EdDSA" else name


def is_shared(algorithm: str) -> bool:
    """Whether both sides hold the same secret (HMAC)."""
    return algorithm.startswith("HS")


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A key, the one algorithm it may be used with, and what its owner calls it."""

    algorithm: str
    key: Key = field(repr=False)
    key_id: str | None = None

    def has_signed(self, content: bytes, signature: bytes) -> bool:
        """Whether `signature` over `content` was made with this key (or its private half) and its algorithm."""
        return _CHECKS[self.algorithm].verify(content, signature, self.key)


class KeySet:
    """Several keys. Choosing among them is a look-up in a dictionary, whatever text a token brings as its `kid`."""

    def __init__(self, keys: Iterable[VerificationKey]) -> None:
        self.keys = tuple(keys)
        self._named: defaultdict[tuple[str, str], list[VerificationKey]] = defaultdict(list)
        self._nameless: defaultdict[str, list[VerificationKey]] = defaultdict(list)
        self._by_algorithm: defaultdict[str, list[VerificationKey]] = defaultdict(list)
        for key in self.keys:
            self._by_algorithm[key.algorithm].append(key)
            if key.key_id is None:
                self._nameless[key.algorithm].append(key)
            else:
                self._named[key.key_id, key.algorithm].append(key)

    def knows(self, key_id: str | None, algorithm: str) -> bool:
        """Whether there is a key for `algorithm` that is called `key_id`; any key for it where a token names none."""
        return algorithm in self._by_algorithm if key_id is None else (key_id, algorithm) in self._named

    def candidates(self, key_id: str | None, algorithm: str) -> list[VerificationKey]:
        """The keys that may have signed: those of that name, else those without one; all where a token names none."""
        if key_id is None:
            return self._by_algorithm.get(algorithm, [])[:MAX_TRIED]
        return (self._named.get((key_id, algorithm)) or self._nameless.get(algorithm, []))[:MAX_TRIED]


def shared_key(algorithm: str, secret: bytes, *, key_id: str | None = None) -> VerificationKey:
    """A key from a secret that both sides hold. Raises ValueError with the fix when it is short or no secret."""
    if len(secret) < MIN_SECRET_BYTES:
        raise ValueError(
            f"the shared secret has {len(secret)} bytes, at least {MIN_SECRET_BYTES} are needed: "
            "make one with `openssl rand -hex 32` and give it to the blog too"
        )
    try:
        return VerificationKey(algorithm, _strictly(OctKey, secret), key_id)
    except _WRONG_KEY:
        raise ValueError(
            f"this is a public key, which everybody may know, and no secret: {algorithm} needs a random text"
        ) from None


def public_key(algorithm: str, text: bytes, *, key_id: str | None = None) -> VerificationKey:
    """A key from PEM text (a public key or a certificate). Raises ValueError with the fix when it does not fit."""
    algorithm = same_algorithm(algorithm)
    try:
        key = _strictly(_key_type(algorithm), text)
        curve = key.curve_name if isinstance(key, ECKey | OKPKey) else None
    except _WRONG_KEY as error:
        raise ValueError(f"the key is not a PEM public key for {algorithm} ({_first_line(error)})") from None
    if key.is_private:
        raise ValueError("this is a private key: keep it at the blog and give Gatepost the public half")
    if curve != CURVES.get(algorithm):
        raise ValueError(f"{algorithm} needs a key on the curve {CURVES.get(algorithm)}, this one is on {curve}")
    if isinstance(key, RSAKey) and key.raw_value.key_size not in RSA_BITS:
        raise ValueError(f"an RSA key has {RSA_BITS[0]} to {RSA_BITS[-1]} bits, this one {key.raw_value.key_size}")
    return VerificationKey(algorithm, key, key_id)


def published_keys(document: Any, algorithms: Collection[str]) -> KeySet:
    """The keys of a JWK set (RFC 7517, 5) that can check one of `algorithms`. Keys that are odd are left out.

    Raises ValueError when it is no JWK set, or when no key of it is left.
    """
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise ValueError("it is not a JWK set")
    if len(listed) > MAX_KEYS:
        raise ValueError(f"it has more than {MAX_KEYS} keys")
    wanted = dict.fromkeys(same_algorithm(name) for name in algorithms if not is_shared(name))
    keys = [
        VerificationKey(algorithm, key, entry.get("kid"))
        for entry in listed
        if isinstance(entry, dict) and (key := _published_key(entry)) is not None
        for algorithm in wanted
        if _serves(entry, algorithm)
    ]
    if not keys:
        raise ValueError(f"it has no usable key for {', '.join(wanted)} ({_described(listed)})")
    return KeySet(keys)


def _described(listed: list[Any]) -> str:
    """What keys there are: their `alg`, or else their `kty` and `crv`; nothing that is not made like such a name."""
    kinds = []
    for entry in listed:
        said = entry if isinstance(entry, dict) else {}
        names = [said["alg"]] if "alg" in said else [said.get("kty"), said.get("crv")]
        kinds.append(" ".join(name for name in names if isinstance(name, str) and _NAME.fullmatch(name)) or "unnamed")
    return f"its keys: {', '.join(dict.fromkeys(kinds))}" if kinds else "it has no keys at all"


def _published_key(entry: Mapping[str, Any]) -> Key | None:
    """The key in a JWK: only the members that make up a public key are looked at, and none that should be secret."""
    key_id, kind = entry.get("kid"), entry.get("kty")
    if "kid" in entry and not (isinstance(key_id, str) and 0 < len(key_id) <= MAX_KEY_ID):
        return None
    if not isinstance(kind, str) or kind not in _PUBLISHED or "d" in entry:
        return None
    imported, names = _PUBLISHED[kind]
    members = {name: entry[name] for name in names if isinstance(entry.get(name), str)}
    if len(members) < len(names):
        return None
    try:
        if kind == "RSA" and base64_to_int(members["n"]).bit_length() not in RSA_BITS:
            return None
        return imported.import_key({"kty": kind, **members})
    except _WRONG_KEY:
        return None


def _serves(entry: Mapping[str, Any], algorithm: str) -> bool:
    """Whether a JWK is meant for `algorithm`: type and curve fit, `alg`, `use` and `key_ops` don't say otherwise."""
    operations = entry.get("key_ops", ["verify"])
    return (
        _key_type(algorithm).key_type == entry["kty"]
        and entry.get("crv") == CURVES.get(algorithm)
        and ("alg" not in entry or (isinstance(entry["alg"], str) and same_algorithm(entry["alg"]) == algorithm))
        and entry.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
    )


def _key_type(algorithm: str) -> type[Key]:
    return OKPKey if algorithm == "Ed25519" else _KEY_TYPES[algorithm[0]]


def _strictly(kind: type[Key], text: bytes) -> Key:
    """Import a key; joserfc's warnings about weak ones are errors. At the start only: filters are the process's."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", SecurityWarning)
        return kind.import_key(text)


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:120]
