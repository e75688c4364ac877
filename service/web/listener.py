"""The sockets that the service listens on. The composition root opens them, and the demo; `gatepost check` tries to."""

import errno
import os
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

ANY_4, ANY_6 = IPv4Address("0.0.0.0"), IPv6Address("::")  # noqa: S104  # compared with, not listened on


def open_sockets(host: str, port: int) -> list[socket.socket]:
    """A listening socket for each address that `host` stands for, all on one port (0: any that is free).

    `::` is one socket for every address of the machine, IPv4 as well; asyncio itself would make it IPv6 only.
    Raises OSError where there is none to be had.
    """
    if _parsed(host) == ANY_6:
        if not socket.has_dualstack_ipv6():
            raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))
        return [socket.create_server((host, port), family=socket.AF_INET6, dualstack_ipv6=True)]
    opened: list[socket.socket] = []
    missing: OSError | None = None
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except UnicodeError:  # a part of the name is empty, or longer than a name's parts may be
        raise socket.gaierror(socket.EAI_NONAME, "no name that can be looked up") from None
    try:
        for family, _, _, _, (name, _, *scope) in dict.fromkeys(found):
            on = opened[0].getsockname()[1] if opened else port
            try:
                opened.append(socket.create_server((name, on, *scope), family=family))
            except OSError as error:  # `localhost` is ::1 too, also on a machine without IPv6
                if error.errno not in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
                    raise
                missing = error
    except BaseException:
        close(opened)
        raise
    if missing is not None and not opened:
        raise missing
    return opened


def close(sockets: Sequence[socket.socket]) -> None:
    """Listen on them no more."""
    for opened in sockets:
        opened.close()


def reason(error: OSError) -> str:
    """Why no socket could be opened, in the system's words: Python adds the address to them, twice."""
    # Where a name cannot be resolved, the number is the resolver's own, and below 0.
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror)


def in_words(sockets: Sequence[socket.socket]) -> str:
    """Where they listen, for people."""
    names = [opened.getsockname()[0] for opened in sockets]
    if _parsed(names[0]) == ANY_6:
        return "every address of this machine, IPv4 and IPv6"
    if _parsed(names[0]) == ANY_4:
        return 'every IPv4 address of this machine, and no IPv6 (server.host = "::" takes both)'
    return " and ".join(names)


def is_version_6(host: str) -> bool:
    """Whether this is an IPv6 address."""
    return isinstance(_parsed(host), IPv6Address)


def _parsed(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
