"""To which origin an address leads a browser, and whether that is one of a site's."""

import re
from collections.abc import Collection
from typing import Final

from yarl import URL

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_PLAIN: Final = re.compile(r"(https?)://([^/?#@\\%:\[\]]+|\[[0-9a-f:.]+\])(?::([0-9]*))?(?![^/?#])", re.IGNORECASE)
"""Scheme, host and port, where everybody reads an address alike. A name before the host disguises it; a backslash is a
slash to browsers and a letter to others."""


def is_own_page(address: str, origins: Collection[str]) -> bool:
    """Whether an address can be that of a post of a site: on one of its `origins`; anywhere, where it has none."""
    return not origins or origin_of(address) in origins


def origin_of(address: str) -> str | None:
    """The origin (RFC 6454) of an http(s) address as browsers send it; None where two readers could disagree on it."""
    match = _PLAIN.match(address)
    if match is None:
        return None
    scheme = match[1].lower()
    port = int(match[3] or _DEFAULT_PORTS[scheme])
    try:
        host = URL(f"{scheme}://{match[2]}").raw_host
    except ValueError:
        return None
    shown = f"[{host}]" if ":" in (host or "") else host
    return f"{scheme}://{shown}" + (f":{port}" if port != _DEFAULT_PORTS[scheme] else "")
