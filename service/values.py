"""The kinds of value that settings hold, each with the sentence that says how to write it. For `settings`."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated
from urllib.parse import SplitResult, quote, urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, PlainValidator

SITE_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
IN_ADDRESSES = "/:%[]@!$&'()*+,;=~"
"""What stands in an address as it is, beside letters, digits and `-._` (RFC 3986)."""
DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[^\s:/?#@\[\],]*)(?::[0-9]*)?"
_POSTGRES = re.compile(
    rf"postgres(?:ql)?(?:\+psycopg)?://(?:[^\s/?#@]*@)?{_HOST}(?:,{_HOST})*(?:/[^\s?#@]*)?(?:\?\w+=[^\s#]*)?"
)
"""As libpq reads it (PostgreSQL's manual, 32.1.1.2). A password with a bare `/` or `@` would be taken for another part
of the address, and messages would name that part: it is refused."""


def _rate(text: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,6}/(second|minute|hour)", text):
        raise ValueError('write it as "count/second", "count/minute" or "count/hour", for example "10/minute"')
    return text


def _origin(text: str) -> str:
    """An origin as browsers send it (RFC 6454, 6.2): lower case, no default port."""
    parts = _address(text)
    if parts is None or parts.path or parts.query or parts.fragment:
        raise ValueError('write an origin as "https://blog.example": scheme and host (and port), nothing after it')
    host = _sent_host(parts)
    if not re.fullmatch(r"[a-z0-9._-]+|[0-9a-f:.]*:[0-9a-f:.]*", host):
        raise ValueError("name each host: one with other signs in it, such as a *, stands for no page at all")
    port = f":{parts.port}" if parts.port not in {None, DEFAULT_PORTS[parts.scheme]} else ""
    return f"{parts.scheme}://[{host}]{port}" if ":" in host else f"{parts.scheme}://{host}{port}"


def _sent_host(parts: SplitResult) -> str:
    host = str(parts.hostname)
    if not host.isascii():
        raise ValueError('write the host as browsers send it, in ASCII ("xn--...")')
    return host


def _login_url(text: str) -> str:
    braces = set(re.findall(r"\{[^{}]*\}|[{}]", text))
    if _address(text.replace("{url}", "")) is None or braces - {"{url}"}:
        raise ValueError(
            'write an address as "https://blog.example/login?next={url}"; {url} becomes the page to come back to'
        )
    return text


def _public_url(text: str) -> str:
    """An address before which nothing and behind which a path can stand; in ASCII, because headers begin with it."""
    parts = _address(text)
    if parts is None or re.search(r"[?#]", text):
        raise ValueError('write an address as "https://comments.blog.example": no query, and nothing after a "#"')
    _sent_host(parts)
    return quote(text.strip().rstrip("/"), safe=IN_ADDRESSES)


def _purge_url(text: str) -> str:
    braces = set(re.findall(r"\{[^{}]*\}|[{}]", text))
    if _address(text.replace("{tag}", "tag")) is None or braces - {"{tag}"}:
        raise ValueError('write an address as "http://cache:6081/" or "https://cdn.example/purge/{tag}"')
    return text


def _webhook_url(text: str) -> str:
    """An address that may carry a user and a password before the host."""
    start, at, rest = text.rpartition("@")
    scheme, slashes, name = start.partition("://")
    bare = f"{scheme}{slashes}{rest}" if at else text
    if _address(bare) is None or "#" in text or (at and re.search(r"[\s/?#@]", name)):
        raise ValueError(
            'write an address as "https://blog.example/hooks/gatepost"; special characters of a password are '
            "percent-encoded (/ is %2F, @ is %40, # is %23)"
        )
    return text


def _address(text: str) -> SplitResult | None:
    """The parts of an http(s) address without a name or password in it; None for everything else."""
    if re.search(r"""[\s<>"\\^`|\x00-\x1f\x7f]""", text.strip()):
        return None
    try:
        parts = urlsplit(text.strip())
        is_plain = parts.scheme in DEFAULT_PORTS and parts.hostname and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        return None
    return parts if is_plain else None


def _network(value: object) -> IPv4Network | IPv6Network:
    try:
        return ip_network(value.strip()) if isinstance(value, str) else ip_network(str(value))
    except ValueError:
        raise ValueError(
            'write a network as "10.0.0.0/8" (no bits set after the 8) or an address as "127.0.0.1"'
        ) from None


def _no_switch(value: object) -> object:
    """true is 1 to Python; in a configuration it is a misunderstanding."""
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    return value


def list_from_text(value: object) -> object:
    """A list may come from the environment as JSON or as words with commas between them."""
    if isinstance(value, str) and not value.lstrip().startswith("["):
        return [word.strip() for word in value.split(",") if word.strip()]
    return value


def _site_key(text: str) -> str:
    if not SITE_KEY.fullmatch(text):
        raise ValueError("a site's name is 1-63 of a-z, 0-9 and '-', not starting with '-'")
    return text


def _database_url(text: str) -> str:
    if re.match(r"postgres(ql)?(\+psycopg)?://", text):
        if not _POSTGRES.fullmatch(text):
            raise ValueError(
                'write an address as "postgresql://user:password@host:5432/database", with the special characters of '
                "the password percent-encoded (/ is %2F, @ is %40, # is %23), or with the password in PGPASSWORD"
            )
        return text
    path = text.removeprefix("sqlite:///")
    if path == text or not path.strip("/") or path == ":memory:" or "?" in path:
        raise ValueError(
            'write "sqlite:///path/to/gatepost.db" (with four slashes the path starts at the root) or "postgresql://..."'
        )
    return text


def _shared_store(text: str) -> str:
    if not re.fullmatch(r"(redis|rediss|valkey|valkeys)://\S+", text):
        raise ValueError('write an address as "redis://127.0.0.1:6379/0"')
    return re.sub(r"^valkey", "redis", text)


def _time_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, OSError, ValueError):  # not there, or no name that may be looked for
        raise ValueError('write the name of a time zone as "Europe/Berlin" or "UTC"') from None
    return text


Rate = Annotated[str, AfterValidator(_rate)]
Origin = Annotated[str, AfterValidator(_origin)]
Words = Annotated[tuple[str, ...], BeforeValidator(list_from_text)]
Origins = Annotated[tuple[Origin, ...], BeforeValidator(list_from_text)]
Network = Annotated[IPv4Network | IPv6Network, PlainValidator(_network)]
Networks = Annotated[tuple[Network, ...], BeforeValidator(list_from_text)]
Whole = Annotated[int, BeforeValidator(_no_switch)]
Seconds = Annotated[float, BeforeValidator(_no_switch)]
SiteName = Annotated[str, AfterValidator(_site_key)]
LoginUrl = Annotated[str, AfterValidator(_login_url)]
PublicUrl = Annotated[str, AfterValidator(_public_url)]
WebhookUrl = Annotated[str, AfterValidator(_webhook_url)]
PurgeUrl = Annotated[str, AfterValidator(_purge_url)]
SharedStore = Annotated[str, AfterValidator(_shared_store)]
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
