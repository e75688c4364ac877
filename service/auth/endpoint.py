"""How the address must be written that a login asks. Part of the settings of `introspection` and `session`."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator


def _endpoint(text: str) -> str:
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    # A name and password in it would be sent along with every question; a fragment or a space means something else.
    if not usable or "@" in parts.netloc or parts.fragment or not text.isprintable() or " " in text:
        raise ValueError('write an address as "https://blog.example/whoami", without a name or password in it')
    return text


Endpoint = Annotated[str, AfterValidator(_endpoint)]
