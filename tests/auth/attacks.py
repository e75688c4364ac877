"""Forged and odd tokens, by name. `test_attacks` shows each of them to every kind of login that takes tokens."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc.jwk import OctKey

from tests.auth.forge import Part, Signer, base64, compact, octets, signer


@dataclass(frozen=True)
class Target:
    """A login to attack: a good token for it is `token()`."""

    issuer: str
    audience: str
    now: int
    by: Signer

    def header(self, **changes: Any) -> dict[str, Any]:
        """The header of a good token, changed: None leaves a member out."""
        return _without_none({"alg": self.by.algorithm, "kid": self.by.kid, "typ": "JWT", **changes})

    def claims(self, **changes: Any) -> dict[str, Any]:
        """The claims of a good token, changed."""
        usual = {"iss": self.issuer, "aud": self.audience, "sub": "ada", "exp": self.now + 300}
        return _without_none({**usual, **changes})

    def token(self, **changes: Any) -> str:
        """A token with changed claims and an honest signature."""
        return compact(self.header(), self.claims(**changes), self.by)

    def headed(self, by: Signer | None = None, **changes: Any) -> str:
        """A token with a changed header, signed by the right key unless `by` is given."""
        return compact(self.header(**changes), self.claims(), by or self.by)

    def raw(self, *, header: Part | None = None, claims: Part | None = None) -> str:
        """A token with any bytes as its header or claims, honestly signed."""
        return compact(
            self.header() if header is None else header, self.claims() if claims is None else claims, self.by
        )


def _without_none(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _claims_text(target: Target, change: str) -> bytes:
    """Good claims with more JSON text at their end, for what `json.dumps` cannot write."""
    return json.dumps(target.claims()).encode()[:-1] + b", " + change.encode() + b"}"


def _unsigned(target: Target, algorithm: str) -> str:
    return f"{base64(octets({'alg': algorithm, 'typ': 'JWT'}))}.{base64(octets(target.claims()))}."


def _not_checked(target: Target, algorithm: str) -> str:
    """With a signature, which whoever believes in `algorithm` would not look at."""
    return _unsigned(target, algorithm) + _parts(target)[2]


def _with_secret(target: Target, secret: bytes, algorithm: str = "HS256", **header: Any) -> str:
    """Signed as HMAC with `secret`. The key's constructor takes what `import_key` is too careful for."""
    by = Signer(algorithm, OctKey(secret, secret), target.by.kid)
    return compact({"alg": algorithm, "typ": "JWT", **header}, target.claims(), by)


def _with_algorithm(target: Target, other: dict[str, str]) -> str:
    """Signed with the right key and an algorithm that the key is not for."""
    algorithm = other[target.by.algorithm]
    return target.headed(Signer(algorithm, target.by.key), alg=algorithm)


def _public_text(target: Target) -> bytes:
    return b"nothing public" if isinstance(target.by.key, OctKey) else target.by.pem.encode()


def _stranger() -> Signer:
    return signer("ES256", owner="stranger")


def _parts(target: Target) -> list[str]:
    return target.token().split(".")


def _doubled(target: Target) -> str:
    """Claims that name `sub` twice: the first reader sees one person, the second another."""
    return target.raw(claims=b'{"sub": "mo", ' + json.dumps(target.claims()).encode()[1:])


def _other_ending(part: str) -> str:
    """The same octets, written in another way: bits that nothing stands for are set (RFC 4648, 3.5)."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert len(part) % 4, "every bit of this part counts"
    return part[:-1] + alphabet[alphabet.index(part[-1]) + 1]


def _odd_claims(target: Target) -> str:
    """Claims whose length leaves bits over."""
    filler = next(n for n in range(3) if len(octets(target.claims(filler="x" * n))) % 3)
    return target.token(filler="x" * filler)


def _der_signature(target: Target) -> str:
    """An ECDSA signature as X.509 writes it instead of as JWS does (RFC 7518, 3.4)."""
    head, claims, signature = _parts(target)
    raw = urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    half = len(raw) // 2
    numbers = (int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))
    return f"{head}.{claims}.{base64(encode_dss_signature(*numbers))}"


NONES = ("none", "None", "NONE", "nOnE", "none ", " none", "none\u0000", "ｎｏｎｅ", "")

ATTACKS: dict[str, Callable[[Target], str]] = {
    # --- Nobody signed ------------------------------------------------------------------------------------------------
    **{f"alg {name!r} unsigned": partial(_unsigned, algorithm=name) for name in NONES},
    **{f"alg {name!r} with a signature": partial(_not_checked, algorithm=name) for name in NONES},
    "alg missing": lambda t: compact({"typ": "JWT"}, t.claims(), t.by),
    "alg null": lambda t: compact({"alg": None}, t.claims(), t.by),
    "alg a number": lambda t: compact({"alg": 256}, t.claims(), t.by),
    "alg a list": lambda t: t.headed(alg=[t.by.algorithm]),
    "alg in lower case": lambda t: t.headed(alg=t.by.algorithm.lower()),
    "alg unknown": lambda t: t.headed(alg="XX256"),
    "alg with NUL": lambda t: t.headed(alg=f"{t.by.algorithm}\0"),
    "signature missing": lambda t: ".".join(_parts(t)[:2]) + ".",
    "signature of zeros": lambda t: ".".join([*_parts(t)[:2], base64(bytes(64))]),
    "signature of zeros, 256 of them": lambda t: ".".join([*_parts(t)[:2], base64(bytes(256))]),
    # --- The wrong key signed -----------------------------------------------------------------------------------------
    "key of another site": lambda t: t.headed(signer(t.by.algorithm, t.by.kid, owner="another site")),
    "HMAC with the public key": lambda t: _with_secret(t, _public_text(t)),
    "HMAC with the public key and its kid": lambda t: _with_secret(t, _public_text(t), kid=t.by.kid or "shared"),
    "HMAC with the public key without line ends": lambda t: _with_secret(t, _public_text(t).replace(b"\n", b"")),
    "HMAC with the public key, stripped": lambda t: _with_secret(t, _public_text(t).strip()),
    "HMAC-512 with the public key": lambda t: _with_secret(t, _public_text(t), "HS512"),
    "HMAC with the public key, said to be RS256": lambda t: compact(
        {"alg": "RS256"}, t.claims(), Signer("HS256", OctKey(_public_text(t), _public_text(t)))
    ),
    "HMAC with no secret": lambda t: _with_secret(t, b" "),
    "HMAC with the issuer's name": lambda t: _with_secret(t, t.issuer.encode()),
    "HMAC with \"secret\"": lambda t: _with_secret(t, b"secret"),
    "another algorithm": lambda t: _with_algorithm(t, {"HS256": "HS384", "RS256": "RS512"}),
    "another algorithm, a better one": lambda t: _with_algorithm(t, {"HS256": "HS512", "RS256": "PS256"}),
    "own key in jwk": lambda t: t.headed(_stranger(), alg="ES256", jwk=_stranger().published(kid=None)),
    "own key in jwk, our kid": lambda t: t.headed(_stranger(), alg="ES256", jwk=_stranger().published(kid=t.by.kid)),
    "secret in jwk": lambda t: _with_secret(t, b"0" * 32, jwk={"kty": "oct", "k": base64(b"0" * 32)}),
    "jku": lambda t: t.headed(_stranger(), alg="ES256", jku="https://evil.example/keys"),
    "jku inside this machine": lambda t: t.headed(_stranger(), alg="ES256", jku="http://127.0.0.1:1/keys"),
    "jku of a file": lambda t: t.headed(_stranger(), alg="ES256", jku="file:///etc/passwd"),
    "x5u": lambda t: t.headed(_stranger(), alg="ES256", x5u="https://evil.example/certificate"),
    "x5c": lambda t: t.headed(_stranger(), alg="ES256", x5c=["MIIBszCCAVqgAwIBAgIUE"]),
    "x5t": lambda t: t.headed(_stranger(), alg="ES256", x5t="dGh1bWI"),
    # --- kid ----------------------------------------------------------------------------------------------------------
    "kid ../../dev/null": lambda t: _with_secret(t, b"\0", kid="../../../../../../dev/null"),
    "kid /etc/hostname": lambda t: _with_secret(t, b"localhost", kid="/etc/hostname"),
    "kid file:": lambda t: _with_secret(t, b"\0", kid="file:///dev/null"),
    "kid SQL": lambda t: _with_secret(t, b"key", kid="x' UNION SELECT 'key' --"),
    "kid SQL or": lambda t: _with_secret(t, b"key", kid="' OR '1'='1"),
    "kid shell": lambda t: _with_secret(t, b"key", kid="| id"),
    "kid template": lambda t: _with_secret(t, b"49", kid="{{7*7}}"),
    "kid a URL": lambda t: t.headed(_stranger(), alg="ES256", kid="https://evil.example/keys"),
    "kid of nobody": lambda t: t.headed(signer(t.by.algorithm, owner="stranger"), kid="nobody"),
    "kid a number": lambda t: t.headed(kid=1),
    "kid null": lambda t: compact({**t.header(), "kid": None}, t.claims(), t.by),
    "kid a list": lambda t: t.headed(kid=[t.by.kid]),
    "kid an object": lambda t: t.headed(kid={"kid": t.by.kid}),
    "kid true": lambda t: t.headed(kid=True),
    "kid empty": lambda t: t.headed(kid=""),
    "kid of 257 characters": lambda t: t.headed(kid="k" * 257),
    "kid with NUL": lambda t: t.headed(kid="a\0b"),
    "kid a lone surrogate": lambda t: t.headed(kid="\ud800"),
    # --- Other headers ------------------------------------------------------------------------------------------------
    "crit unknown": lambda t: t.headed(crit=["unknown"], unknown=True),
    "crit exp": lambda t: t.headed(crit=["exp"], exp=1),
    "crit empty": lambda t: t.headed(crit=[]),
    "crit a text": lambda t: t.headed(crit="exp"),
    "crit b64": lambda t: t.headed(crit=["b64"], b64=False),
    "b64 true": lambda t: t.headed(b64=True),
    "typ a number": lambda t: t.headed(typ=1),
    # --- Times --------------------------------------------------------------------------------------------------------
    "exp missing": lambda t: t.token(exp=None),
    "exp null": lambda t: t.raw(claims={**t.claims(), "exp": None}),
    "exp past": lambda t: t.token(exp=t.now - 31),
    "exp just past the leeway": lambda t: t.token(exp=t.now - 30),
    "exp 0": lambda t: t.token(exp=0),
    "exp negative": lambda t: t.token(exp=-1),
    "exp a text": lambda t: t.token(exp=str(t.now + 300)),
    "exp true": lambda t: t.token(exp=True),
    "exp a list": lambda t: t.token(exp=[t.now + 300]),
    "exp an object": lambda t: t.token(exp={"": t.now + 300}),
    "exp NaN": lambda t: t.token(exp=float("nan")),
    "exp Infinity": lambda t: t.token(exp=float("inf")),
    "exp 1e400": lambda t: t.raw(claims=_claims_text(t, '"exp": 1e400').replace(b'"exp": %d, ' % (t.now + 300), b"")),
    "exp in milliseconds": lambda t: t.token(exp=(t.now + 300) * 1000),
    "exp of 5000 digits": lambda t: t.raw(claims=octets(t.claims(exp=0)).replace(b": 0", b": " + b"9" * 5000)),
    "exp beyond 64 bits": lambda t: t.token(exp=2**64),
    "nbf in the future": lambda t: t.token(nbf=t.now + 31),
    "nbf a text": lambda t: t.token(nbf="0"),
    "nbf false": lambda t: t.token(nbf=False),
    "nbf null": lambda t: t.raw(claims={**t.claims(), "nbf": None}),
    "nbf negative": lambda t: t.token(nbf=-1),
    "iat in the future": lambda t: t.token(iat=t.now + 31),
    "iat a text": lambda t: t.token(iat="today"),
    "iat true": lambda t: t.token(iat=True),
    # --- Issuer and audience ------------------------------------------------------------------------------------------
    "iss missing": lambda t: t.token(iss=None),
    "iss null": lambda t: t.raw(claims={**t.claims(), "iss": None}),
    "iss of somebody else": lambda t: t.token(iss="https://evil.example"),
    "iss with a slash more": lambda t: t.token(iss=f"{t.issuer}/"),
    "iss in upper case": lambda t: t.token(iss=t.issuer.upper()),
    "iss that begins like ours": lambda t: t.token(iss=f"{t.issuer}.evil.example"),
    "iss a list": lambda t: t.token(iss=[t.issuer]),
    "iss a number": lambda t: t.token(iss=1),
    "iss empty": lambda t: t.token(iss=""),
    "aud missing": lambda t: t.token(aud=None),
    "aud null": lambda t: t.raw(claims={**t.claims(), "aud": None}),
    "aud of somebody else": lambda t: t.token(aud="another service"),
    "aud that begins like ours": lambda t: t.token(aud=f"{t.audience}2"),
    "aud a part of ours": lambda t: t.token(aud=t.audience[:4]),
    "aud in upper case": lambda t: t.token(aud=t.audience.upper()),
    "aud empty": lambda t: t.token(aud=""),
    "aud an empty list": lambda t: t.token(aud=[]),
    "aud a list of others": lambda t: t.token(aud=["a", "b"]),
    "aud a list with a number": lambda t: t.token(aud=[t.audience, 1]),
    "aud a list in a list": lambda t: t.token(aud=[[t.audience]]),
    "aud an object": lambda t: t.token(aud={t.audience: True}),
    "aud a number": lambda t: t.token(aud=1),
    "aud true": lambda t: t.token(aud=True),
    # --- Who, and what the blog says about them -----------------------------------------------------------------------
    "sub missing": lambda t: t.token(sub=None),
    "sub null": lambda t: t.raw(claims={**t.claims(), "sub": None}),
    "sub empty": lambda t: t.token(sub=""),
    "sub of spaces": lambda t: t.token(sub="  "),
    "sub a number": lambda t: t.token(sub=42),
    "sub true": lambda t: t.token(sub=True),
    "sub a list": lambda t: t.token(sub=["ada"]),
    "sub an object": lambda t: t.token(sub={"id": "ada"}),
    "sub of 256 characters": lambda t: t.token(sub="a" * 256),
    "sub with NUL": lambda t: t.token(sub="ada\0"),
    "sub a lone surrogate": lambda t: t.token(sub="ada\ud800"),
    "sub twice": _doubled,
    "name a lone surrogate": lambda t: t.token(name="Ada \udc00"),
    "name with NUL": lambda t: t.token(name="Ada\0"),
    "name an object": lambda t: t.token(name={"first": "Ada"}),
    "bio a number": lambda t: t.token(bio=1),
    "website a list": lambda t: t.token(website=["https://ada.example"]),
    "picture true": lambda t: t.token(picture=True),
    "a claim we don't read with a lone surrogate": lambda t: t.token(other={"deep": ["\ud83d"]}),
    "a claim's name with NUL": lambda t: t.token(**{"a\0b": 1}),
    "roles a text": lambda t: t.token(roles="admin"),
    "roles a number": lambda t: t.token(roles=1),
    "roles an object": lambda t: t.token(roles={"admin": True}),
    "roles a list with a number": lambda t: t.token(roles=["moderator", 1]),
    "roles a list with null": lambda t: t.token(roles=["moderator", None]),
    "roles too many": lambda t: t.token(roles=["reader"] * 201),
    # --- JSON ---------------------------------------------------------------------------------------------------------
    "header not JSON": lambda t: t.raw(header=b"alg: HS256"),
    "header empty object": lambda t: t.raw(header=b"{}"),
    "header a list": lambda t: t.raw(header=b"[]"),
    "header a text": lambda t: t.raw(header=b'"HS256"'),
    "header null": lambda t: t.raw(header=b"null"),
    "header twice alg": lambda t: t.raw(header=b'{"alg": "none", ' + octets(t.header())[1:]),
    "header in UTF-16": lambda t: t.raw(header=json.dumps(t.header()).encode("utf-16")),
    "header with a byte order mark": lambda t: t.raw(header=b"\xef\xbb\xbf" + octets(t.header())),
    "header and more": lambda t: t.raw(header=octets(t.header()) + b"{}"),
    "claims not JSON": lambda t: t.raw(claims=b"sub=ada"),
    "claims a list": lambda t: t.raw(claims=octets(t.claims()).join([b"[", b"]"])),
    "claims a text": lambda t: t.raw(claims=b'"ada"'),
    "claims null": lambda t: t.raw(claims=b"null"),
    "claims true": lambda t: t.raw(claims=b"true"),
    "claims empty object": lambda t: t.raw(claims=b"{}"),
    "claims not UTF-8": lambda t: t.raw(claims=octets(t.claims()).replace(b"ada", b"\xff\xfe")),
    "claims with a surrogate in UTF-8": lambda t: t.raw(claims=octets(t.claims()).replace(b"ada", b"\xed\xa0\x80")),
    "claims with a comment": lambda t: t.raw(claims=_claims_text(t, "// no comment\n")),
    "claims with a comma too many": lambda t: t.raw(claims=octets(t.claims())[:-1] + b",}"),
    "claims and more": lambda t: t.raw(claims=octets(t.claims()) + b" []"),
    "claims 40 levels deep": lambda t: t.raw(claims=_claims_text(t, '"x": ' + "[" * 40 + "]" * 40)),
    "claims 3000 levels deep": lambda t: t.raw(claims=_claims_text(t, '"x": ' + "[" * 3000 + "]" * 3000)),
    "claims 3000 brackets that nobody closes": lambda t: t.raw(claims=b"[" * 3000),
    "claims with NaN": lambda t: t.raw(claims=_claims_text(t, '"x": NaN')),
    # --- Form ---------------------------------------------------------------------------------------------------------
    "empty": lambda t: "",
    "a space": lambda t: " ",
    "a word": lambda t: "token",
    "two dots": lambda t: "..",
    "one part": lambda t: _parts(t)[0],
    "two parts": lambda t: ".".join(_parts(t)[:2]),
    "four parts": lambda t: t.token() + ".AAAA",
    "a dot more": lambda t: t.token() + ".",
    "a dot before": lambda t: "." + t.token(),
    "JWE": lambda t: ".".join([base64(b'{"alg":"dir","enc":"A256GCM"}'), "", "AAAA", "AAAA", base64(bytes(16))]),
    "JWE in three parts": lambda t: t.headed(enc="A256GCM", alg="dir"),
    "JSON form": lambda t: json.dumps(dict(zip(("protected", "payload", "signature"), _parts(t), strict=True))),
    "space before": lambda t: " " + t.token(),
    "space behind": lambda t: t.token() + " ",
    "line end behind": lambda t: t.token() + "\n",
    "space inside": lambda t: t.token().replace(".", ". ", 1),
    "line end inside": lambda t: t.token().replace(".", "\n.", 1),
    "NUL behind": lambda t: t.token() + "\0",
    "Bearer before": lambda t: f"Bearer {t.token()}",
    "quotes around": lambda t: f'"{t.token()}"',
    "padding": lambda t: t.token() + "=",
    "plus for minus": lambda t: t.token()[:-4] + "+/+/",
    "percent code": lambda t: t.token().replace(".", "%2E"),
    "full-width dot": lambda t: t.token().replace(".", "．"),
    "full-width letter": lambda t: "ｅ" + t.token()[1:],
    "lone surrogate": lambda t: t.token() + "\ud800",
    "signature cut": lambda t: t.token()[:-4],
    "signature longer": lambda t: t.token() + "AAAA",
    "signature a character longer": lambda t: t.token() + "A",
    "signature doubled": lambda t: t.token() + _parts(t)[2],
    "signature of another token": lambda t: ".".join([*_parts(t)[:2], t.token(sub="eve").split(".")[2]]),
    "claims of another token": lambda t: ".".join([_parts(t)[0], t.token(sub="eve").split(".")[1], _parts(t)[2]]),
    "header of another token": lambda t: ".".join([t.headed(x=1).split(".")[0], *_parts(t)[1:]]),
    "claims cut": lambda t: ".".join([_parts(t)[0], _parts(t)[1][:-4], _parts(t)[2]]),
    "claims empty": lambda t: ".".join([_parts(t)[0], "", _parts(t)[2]]),
    "header empty": lambda t: ".".join(["", *_parts(t)[1:]]),
    "claims with bits over": lambda t: ".".join(
        [(whole := _odd_claims(t).split("."))[0], _other_ending(whole[1]), whole[2]]
    ),
    "signature with bits over": lambda t: ".".join([*_parts(t)[:2], _other_ending(_parts(t)[2])]),
    "signature in DER": _der_signature,
    "100 kB of claims": lambda t: t.token(bio="x" * 100_000),
    "100 kB of signature": lambda t: t.token() + "A" * 100_000,
    "100 kB of dots": lambda t: "." * 100_000,
    "100 kB of header": lambda t: t.headed(x5c=["A" * 100_000]),
    "a character over the limit": lambda t: t.token(bio="x" * 12_000) + "A" * 1_000,
}  # fmt: skip

FRONT_END = "front-end"
"""The client that a login's `authorized_parties` list, for the table below."""


def _access(target: Target, typ: str | None = "at+jwt", **changes: Any) -> str:
    """An access token in the form of RFC 9068, honestly signed."""
    return compact(target.header(typ=typ), target.claims(**changes), target.by)


OTHER_PARTIES: dict[str, Callable[[Target], str]] = {
    # Good tokens of the issuer, but made for another client of it: shown to an `oidc` login with `FRONT_END` listed.
    "other client's at+jwt": lambda t: _access(t, client_id="other-app"),
    "other client's application/at+jwt": lambda t: _access(t, "application/at+jwt", client_id="other-app"),
    "other client's AT+JWT": lambda t: _access(t, "AT+JWT", client_id="other-app"),
    "other client's at+jwt for two": lambda t: _access(t, client_id="other-app", aud=[t.audience, FRONT_END]),
    "other client's at+jwt for the front end too": lambda t: _access(t, client_id="other-app", aud=[FRONT_END]),
    "azp another's, client_id ours": lambda t: _access(t, azp="other-app", client_id=FRONT_END),
    "azp a number, client_id ours": lambda t: _access(t, azp=1, client_id=FRONT_END),
    "azp a list, client_id ours": lambda t: _access(t, azp=[FRONT_END], client_id=FRONT_END),
    "azp an object, client_id ours": lambda t: _access(t, azp={FRONT_END: True}, client_id=FRONT_END),
    "azp true, client_id ours": lambda t: _access(t, azp=True, client_id=FRONT_END),
    "azp empty, client_id ours": lambda t: _access(t, azp="", client_id=FRONT_END),
    "azp null, client_id ours": lambda t: compact(
        t.header(typ="at+jwt"), {**t.claims(client_id=FRONT_END), "azp": None}, t.by
    ),
    "azp in upper case": lambda t: _access(t, azp=FRONT_END.upper()),
    "client_id a list": lambda t: _access(t, client_id=[FRONT_END]),
    "client_id a number": lambda t: _access(t, client_id=1),
    "client_id an object": lambda t: _access(t, client_id={FRONT_END: True}),
    "client_id empty": lambda t: _access(t, client_id=""),
    "client_id in upper case": lambda t: _access(t, client_id=FRONT_END.upper()),
    "client_id that begins like ours": lambda t: _access(t, client_id=f"{FRONT_END}-2"),
    "client_id the audience": lambda t: _access(t, client_id=t.audience),
    "client_id in a plain JWT": lambda t: _access(t, "JWT", client_id=FRONT_END),
    "client_id in a JWT of no type": lambda t: _access(t, None, client_id=FRONT_END),
    "client_id in the header": lambda t: compact(t.header(typ="at+jwt", client_id=FRONT_END), t.claims(), t.by),
    "azp in the header": lambda t: t.headed(azp=FRONT_END),
    "at+jwt of nobody": lambda t: _access(t),
    "JWT of nobody": lambda t: t.token(),
    "aud of two, one of them listed": lambda t: t.token(aud=[t.audience, FRONT_END]),
    "aud a list of one that is not listed": lambda t: t.token(aud=[t.audience]),
}  # fmt: skip
