"""The door: how much one connection may take, and how many may be open. `guard` asks it for every connection."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from service.values import Network


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What one connection may take. Robustness, point 15."""

    header_seconds: float = 10.0
    """From the connection, or from the first byte of a later request, to the end of the headers."""
    body_seconds: float = 15.0
    """From the end of the headers to the end of the body."""
    keepalive_seconds: float = 75.0
    """From the end of a reply to the first byte of the next request."""
    write_seconds: float = 60.0
    """Without the reader taking anything of a reply that waits above the transport's high-water mark."""
    linger_seconds: float = 2.0
    """From the end of a connection that the client meant to keep, to see it and close the other side."""
    max_connections: int = 10_000
    max_connections_per_address: int = 200
    """Per IPv4 address or IPv6 /64; trusted proxies are exempt."""
    max_header_bytes: int = 32 * 1024
    """The whole header section. It bounds the memory that unfinished requests can hold."""
    max_target_bytes: int = 24 * 1024
    """The request target: `counts` asks for up to 200 posts in it."""
    max_field_bytes: int = 8190
    """One header field."""
    max_header_count: int = 100
    max_skipped_bytes: int = 64 * 1024
    """Of a body that nobody reads, to keep the connection. A longer one closes it behind the reply."""


def _parse_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    address = ipaddress.ip_address(host)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def address_group(host: str) -> str:
    """Who counts as one client: an IPv4 address, or an IPv6 /64, which is what one subscriber is given (RFC 6177).

    Raises ValueError if `host` is not an IP address.
    """
    address = _parse_address(host)
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return f"{ipaddress.IPv6Address(int(address) >> 64 << 64)}/64"


class Door:
    """Counts the open connections, altogether and by address group, and says when the house is full."""

    def __init__(self, limits: ConnectionLimits, trusted_proxies: Sequence[Network]) -> None:
        self.open = 0
        self.refused = 0
        self._limits = limits
        self._trusted_proxies = trusted_proxies
        self._open_by_group: dict[str, int] = {}

    def group_of(self, peername: object) -> str | None:
        """The group that a peer is counted in, None if it has no address (a UNIX socket) or is a trusted proxy."""
        if not isinstance(peername, tuple):
            return None
        address = _parse_address(peername[0])
        return None if any(address in network for network in self._trusted_proxies) else address_group(peername[0])

    def enter(self, group: str | None) -> bool:
        """Count a new connection. False if there is no room for it; then it is not counted and must not `leave`."""
        in_group = 0 if group is None else self._open_by_group.get(group, 0)
        if self.open >= self._limits.max_connections or in_group >= self._limits.max_connections_per_address:
            self.refused += 1
            return False
        self.open += 1
        if group is not None:
            self._open_by_group[group] = in_group + 1
        return True

    def leave(self, group: str | None) -> None:
        """A connection that had entered is gone."""
        self.open -= 1
        if group is None:
            return
        left = self._open_by_group[group] - 1
        if left:
            self._open_by_group[group] = left
        else:
            del self._open_by_group[group]
