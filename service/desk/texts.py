"""How the text of a comment looks at the desk: the HTML that readers see, and whither each link leads."""

import html
import re
from typing import Final
from urllib.parse import urlsplit

from markupsafe import Markup, escape

_LINK: Final = re.compile(r'<a href="([^"]*)"([^>]*)>(.*?)</a>', re.DOTALL)
_TAG: Final = re.compile(r"<[^>]*>")


def shown(sanitised: str) -> Markup:
    """The sanitised HTML of a text, with marks or without; behind each link that does not say it its host in brackets,
    and each link opens a page of its own, so that the place at the desk is kept."""
    return Markup(_LINK.sub(_with_host, sanitised))  # noqa: S704  # sanitised when it was stored


def _with_host(link: re.Match[str]) -> str:
    address = html.unescape(link[1])
    opened = f'<a href="{link[1]}" target="_blank"{link[2]}>{link[3]}</a>'
    if html.unescape(_TAG.sub("", link[3])) == address:
        return opened
    return f'{opened} <span class="host">[{escape(host_of(address))}]</span>'


def host_of(address: str) -> str:
    """The host in an address, as the network knows it; of `mailto:` whom it writes to."""
    try:
        parts = urlsplit(address)
        return parts.hostname.encode("idna").decode() if parts.hostname else parts.path
    except (ValueError, UnicodeError):
        return address
