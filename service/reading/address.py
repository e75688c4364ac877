"""Addresses of the blog and of its people as a document may hold them. `templating`, `atom` and `html` ask here.

Browsers take more in an address than an IRI may have (RFC 3987, 2.2): `|`, `^`, `"`, a lone `%` and others. A feed with
such a link is no valid feed, so what may not stand as it is gets percent-encoded; it leads where it led.
"""

import re
from typing import Final
from urllib.parse import quote, urlsplit

_IN_PLANES: Final = "".join(f"{chr(plane << 16)}-{chr((plane << 16) + 0xFFFD)}" for plane in range(1, 15))
_LETTERS: Final = (
    r"A-Za-z0-9\-._~\xa0-\u061b\u061d-\u200d\u2010-\u2029\u202f-\u2065\u206a-\ud7ff\uf900-\ufdcf\ufdf0-\uffef"
    + _IN_PLANES
)
"""`iunreserved` without the marks of direction, which no address may have (4.1)."""
_MARKS: Final = "!$&'()*+,;="
_OTHERS: Final = rf"%(?![0-9A-Fa-f]{{2}})|[^%{_LETTERS}{_MARKS}:@/"
_NOT_IN_PATH: Final = re.compile(rf"{_OTHERS}]")
_NOT_IN_QUERY: Final = re.compile(rf"{_OTHERS}?\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd]")
_NOT_IN_FRAGMENT: Final = re.compile(rf"{_OTHERS}?]")
_HOST: Final = re.compile(rf"(\[[0-9A-Fa-f:.]+\]|([{_LETTERS}{_MARKS}]|%[0-9A-Fa-f]{{2}})+)(:[0-9]{{0,5}})?")
_ADDRESS: Final = re.compile(
    r"(?P<scheme>https?://)([^/\\?#]*@)?(?P<host>[^/\\?#]+)(?P<path>[^?#]*)(\?(?P<query>[^#]*))?(#(?P<fragment>.*))?",
    re.IGNORECASE | re.DOTALL,
)
_AROUND: Final = "".join(map(chr, range(0x21)))
_BREAKS: Final = re.compile(r"[\t\n\r]")


def web_address(text: str | None) -> str | None:
    """An address that a reader may follow: http or https with a host, without anybody's password. None for all else.

    It is read as browsers do (WHATWG URL): they drop white space around it and breaks within, and take `\\` for `/`.
    """
    found = _ADDRESS.fullmatch(_BREAKS.sub("", (text or "").strip(_AROUND)))
    if found is None or not _is_host(found["host"]):
        return None
    path = _escaped(_NOT_IN_PATH, found["path"].replace("\\", "/"))
    query = "" if found["query"] is None else f"?{_escaped(_NOT_IN_QUERY, found['query'])}"
    fragment = "" if found["fragment"] is None else f"#{_escaped(_NOT_IN_FRAGMENT, found['fragment'])}"
    return f"{found['scheme']}{found['host']}{path}{query}{fragment}"


def _is_host(host: str) -> bool:
    """Whether it is a name or an address, and a port if there is any."""
    try:
        parts = urlsplit(f"//{host}")
        return _HOST.fullmatch(host) is not None and bool(parts.hostname) and (parts.port or 80) > 0
    except ValueError:  # what is in brackets is no address, or the port is none
        return False


def _escaped(unfit: re.Pattern[str], part: str) -> str:
    return unfit.sub(lambda found: quote(found[0].encode("utf-8", "replace"), safe=""), part)
