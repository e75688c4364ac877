"""Can the service listen where it should, for as many as it should, and whom does it believe?"""

import asyncio
import errno
import resource
from collections.abc import Iterator

from service import ask_health
from service.checkup.finding import Finding, fail, ok, warn
from service.metrics import Metrics
from service.settings import Limits, Server, Settings, SettingsError
from service.web import listener
from service.web.limits import RateLimits

SPARE_FILES = 100
"""Open files that are no connections: the store, standard streams, outgoing requests."""
BROADEST_PREFIX = {4: 8, 6: 16}
"""A broader network of proxies than these is nobody's own."""
HOW_TO_NAME_A_PROXY = (
    "name in server.trusted_proxies the address from which your proxy connects, and no other: 127.0.0.1 if it runs on "
    "this machine, another if Gatepost runs in a container (the log line proxy.untrusted says it at the first request)"
)
EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104  # compared with, not bound
_BIND_FIX = 'set server.host to an address of this machine, or to "::" (IPv4 and IPv6) or "0.0.0.0" for all of them'
_NO_IPV6_FIX = 'this machine has no such IPv6 address, or no IPv6 at all: "0.0.0.0" is every IPv4 address'
_BIND_FIXES = {errno.EACCES: "set server.port to 1024 or more, and let a proxy take the port below"}


async def examine(server: Server) -> list[Finding]:
    """Whether the service could listen now, or listens already; then also what it warns of itself."""
    try:
        opened = listener.open_sockets(server.host, server.port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return await _taken(server)
        fix = _BIND_FIXES.get(error.errno or 0, _NO_IPV6_FIX if listener.is_version_6(server.host) else _BIND_FIX)
        return [fail("server", f"cannot listen on {server.host}, port {server.port} ({listener.reason(error)})", fix)]
    where = listener.in_words(opened)
    listener.close(opened)
    return [ok("server", f"can listen on {where}, port {server.port}")]


def examine_limits(settings: Settings) -> Iterator[Finding]:
    """Whom it believes about addresses, how many it can serve, how much one may ask."""
    yield _proxies(settings.server)
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    wanted = settings.server.max_connections + SPARE_FILES
    if files != resource.RLIM_INFINITY and files < wanted:
        text = f"this process may open {files} files, and max_connections is {settings.server.max_connections}"
        yield warn("server", text, f"allow {wanted} (`ulimit -n`, LimitNOFILE=, ulimits), or lower max_connections")
    if not settings.limits.enabled:
        yield warn("limits", "are off: one client can fill the queue", "remove limits.enabled = false")


async def examine_shared_limits(limits: Limits) -> list[Finding]:
    """Whether the store answers in which several replicas count together."""
    if not limits.enabled or limits.shared is None:
        return []
    try:
        counting = RateLimits(limits, metrics=Metrics())
    except SettingsError as mistake:
        return [fail("limits", "cannot be counted together", str(mistake))]
    why = await counting.shared_store_fault()
    await counting.close()
    if why is None:
        return [ok("limits", "are counted together with other replicas")]
    text = f"limits.shared does not answer ({why.cause}): until it does, each replica counts for itself"
    return [warn("limits", text, why.fix)]


async def _taken(server: Server) -> list[Finding]:
    address = ask_health.address_of(server.host, server.port)
    answer = await asyncio.to_thread(ask_health.ask, address)
    if not answer.is_gatepost:
        fix = "stop the other program, or set server.port to a free port"
        return [fail("server", f"port {server.port} is taken by another program", fix)]
    if not answer.ready:
        return [fail("server", f"is running at {address} and is not ready", "; ".join(answer.lines))]
    return [ok("server", f"is running at {address} and is ready"), *map(_warned, answer.lines)]


def _warned(line: str) -> Finding:
    """What a running service warns of, as its own finding: it has seen requests, which `check` never does."""
    name, _, said = line.split(": ", 2)
    if name.startswith("proxy:"):
        return warn("trusted proxies", f"the running service says: {said}", "if that is your proxy, add its address")
    return warn(
        "server", f"the running service says: {name}: {said}", "its log has the reason; a restart alone mends nothing"
    )


def _proxies(server: Server) -> Finding:
    subject = "trusted proxies"
    if not server.trusted_proxies:
        text = "none: behind a proxy all readers would share one address and its limits"
        return warn(subject, text, HOW_TO_NAME_A_PROXY)
    broadest = min(server.trusted_proxies, key=lambda network: network.prefixlen / network.max_prefixlen)
    if broadest.prefixlen == 0:
        text = "everybody is trusted, so anybody can claim to be any address"
        return fail(subject, text, HOW_TO_NAME_A_PROXY)
    if broadest.prefixlen < BROADEST_PREFIX[broadest.version]:
        text = f"{broadest} is broad: whoever has an address in it can claim to be any other"
        return warn(subject, text, "name only the networks of your own proxies")
    names = ", ".join(map(str, server.trusted_proxies))
    if server.host in EVERY_ADDRESS and all(network.is_loopback for network in server.trusted_proxies):
        text = f"only {names}, while {server.host} lets proxies connect from elsewhere too, as into a container"
        return warn(subject, f"{text}: all readers behind such a proxy would share one address", HOW_TO_NAME_A_PROXY)
    return ok(subject, names)
