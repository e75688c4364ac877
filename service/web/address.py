"""Whose request is it? The address of the client, believing `X-Forwarded-For` from configured proxies only.

A proxy that is missing in the configuration makes all its readers count as one client, and nothing fails. So when a
peer in a private network sends `X-Forwarded-For` and is not believed, that is logged once, and readiness shows it.
"""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import structlog
from aiohttp import web
from multidict import CIMultiDictProxy

log = structlog.get_logger()
Address = IPv4Address | IPv6Address
LONGEST_WORD = 100
"""Of `X-Forwarded-For`: an address with its zone and port is shorter. What is parsed is remembered, by its text."""
MOST_NOTICED = 16
"""Peers that are remembered, and so lines that are logged about them."""


class Addresses:
    """Reads addresses off requests, with the proxies that may speak for others."""

    def __init__(self, trusted_proxies: Sequence[IPv4Network | IPv6Network]) -> None:
        self._trusted = tuple(trusted_proxies)
        self._unbelieved: dict[Address, None] = {}

    def peer(self, request: web.Request) -> Address | None:
        """The other end of the connection; None for a socket without an address."""
        return _address(request.transport.get_extra_info("peername")) if request.transport else None

    def is_trusted(self, address: Address | None) -> bool:
        """Whether this is one of the configured proxies."""
        return address is not None and any(
            address.version == network.version and address in network for network in self._trusted
        )

    def client(self, address: Address | None, headers: "CIMultiDictProxy[str]") -> Address | None:
        """Who asked: the last address in the chain that none of our proxies added for itself.

        `address` is the other end of the connection.
        """
        if not self._trusted or not self.is_trusted(address):
            if "X-Forwarded-For" in headers or "Forwarded" in headers:
                self._notice(address)
            return address
        chain = ",".join(headers.getall("X-Forwarded-For", [])).split(",")
        for word in reversed(chain):
            hop = _parse(_without_port(word.strip())) if len(word) <= LONGEST_WORD else None
            if hop is None:
                return address
            address = hop
            if not self.is_trusted(hop):
                return hop
        return address

    def unbelieved(self) -> list[str]:
        """Peers of private addresses that sent `X-Forwarded-For` (or `Forwarded`) and are not configured."""
        return [str(address) for address in self._unbelieved]

    def _notice(self, address: Address | None) -> None:
        """Log the first time that a peer is not believed.

        Its address may stand in the log: it is not public, so it is the operator's own proxy, and no reader's. A public
        one can be anybody who writes the header by hand: that is no sign of a mistake.
        """
        if address is None or address in self._unbelieved or len(self._unbelieved) >= MOST_NOTICED or address.is_global:
            return
        self._unbelieved[address] = None
        log.warning("proxy.untrusted", peer=str(address), fix=f'server.trusted_proxies = ["{address}"]')

    def group(self, request: web.Request) -> str:
        """The name under which a client is counted: an IPv4 address, or an IPv6 /64 (RFC 6177)."""
        return _group(self.client(self.peer(request), request.headers))

    def group_of(self, peername: object, headers: "CIMultiDictProxy[str]") -> str:
        """The same before there is a request; `peername` is the transport's."""
        return _group(self.client(_address(peername), headers))


def _address(peername: object) -> Address | None:
    return _parse(peername[0]) if isinstance(peername, tuple) else None


@lru_cache(maxsize=4096)
def _group(address: Address | None) -> str:
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, 64), strict=False))
    return str(address)


def _without_port(text: str) -> str:
    """Some proxies add the port: `192.0.2.1:4711` or `[2001:db8::1]:4711`."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


@lru_cache(maxsize=4096)
def _parse(text: str) -> Address | None:
    try:
        address = ip_address(text.split("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
