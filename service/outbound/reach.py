"""Which addresses a call may go to. `client` asks at each connection, about the address that it is about to connect to.

A name may lead to a private address, and to another one each time it is looked up, so checking the name beforehand
proves nothing (server-side request forgery; OWASP calls the second trick DNS rebinding).
"""

import socket
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any


class Reach(StrEnum):
    """Whose addresses may be called."""

    ANYWHERE = "anywhere"
    """The operator wrote the address in the configuration: it may be this machine, or a private network."""
    PUBLIC = "public"
    """Somebody else wrote the address: it must be one that everybody on the internet can reach."""


NAT64 = IPv6Network("64:ff9b::/96")
"""The last 32 bits are an IPv4 address (RFC 6052, 2.1): a network with only IPv6 calls every IPv4 host like this."""


class NotPublicError(OSError):
    """The address is not public, so no connection was tried. Always in the same words, so that several are one."""

    def __init__(self) -> None:
        super().__init__("the address is not public")


def is_public(text: str) -> bool:
    """Whether everybody on the internet can reach an IP address: it is not private, loopback, link-local, multicast,
    reserved, nor an IPv6 address that stands for an IPv4 address of these kinds. Raises ValueError for other text.
    """
    address = ip_address(text)
    inner = _within(address) if isinstance(address, IPv6Address) else None
    if inner is not None:
        return is_public(str(inner))
    return address.is_global and not (address.is_multicast or address.is_reserved)


def public_socket(found: tuple[Any, ...]) -> socket.socket:
    """A socket for one of the addresses that a name has, as `getaddrinfo` gives it. Raises NotPublicError."""
    family, kind, protocol, _, (host, *_) = found
    if not is_public(host):
        raise NotPublicError
    return socket.socket(family, kind, protocol)


def _within(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for (mapped, 6to4, NAT64)."""
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour
