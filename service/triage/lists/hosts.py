"""Hosts as lists and checks compare them: in the letters that the name system has, without `www.`."""

import re
from collections.abc import Iterator
from typing import Final

import idna

_HOST: Final = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])\Z"
)
_OF_ADDRESS: Final = re.compile(r"(?:https?://|mailto:[^@?]*@)(?:[^/?#@]*@)?([^/?#:]+)", re.IGNORECASE)


def of_address(address: str) -> str | None:
    """The host of a link, folded; None where that is none."""
    found = _OF_ADDRESS.match(address)
    return folded(found[1]) if found else None


def folded(host: str) -> str | None:
    """A host in its one spelling; None where it can be none."""
    name = host.strip().rstrip(".").lower()
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode()
        except (idna.IDNAError, UnicodeError):
            return None
    return name.removeprefix("www.") if _HOST.match(name) else None


def shown(host: str) -> str:
    """A folded host as browsers show it; the same where it cannot be."""
    if "xn--" not in host:
        return host
    try:
        return idna.decode(host)
    except (idna.IDNAError, UnicodeError):
        return host


def above(host: str) -> Iterator[str]:
    """The host and every one that it stands below."""
    parts = host.split(".")
    for first in range(len(parts) - 1):
        yield ".".join(parts[first:])
