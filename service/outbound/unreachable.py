"""Why another machine could not be reached, in words, and what to do about it.

For whoever calls out: `client` beside it (HTTP), `web.limits` (Redis). HTTP clients and drivers wrap what the system
said in errors of their own; here it is taken out again.
"""

import errno
import os
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"})
"""What OpenSSL calls an answer that is no TLS; the name depends on its release and on the first bytes."""
NO_SUCH_NAME = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})
EXPIRED, NOT_YET = 10, 9
OTHER_NAMES = frozenset({62, 63, 64})
"""X509_V_ERR_HOSTNAME_MISMATCH, _EMAIL_MISMATCH and _IP_ADDRESS_MISMATCH (openssl-verification-options)."""
BROKEN_OFF = {
    "ServerDisconnectedError": "it ended the connection without an answer",
    "BadStatusLine": "its answer is no HTTP",
    "BadHttpMessage": "its answer is no HTTP",
    "ClientPayloadError": "its answer broke off in the middle",
}
"""aiohttp's errors that come from no error of the system, by their names: this file needs no HTTP client."""
MOST_WRAPPINGS = 8


@dataclass(frozen=True, slots=True)
class Why:
    """The cause and its remedy, each a part of a sentence. Neither holds an address that was asked for."""

    cause: str
    fix: str


NO_HOST = Why("there is no host of this name", "correct the host in the address, or make its name known to DNS")


def why(error: BaseException) -> Why:
    """What lies behind an error of an HTTP client or of a driver."""
    inside = list(_inside(error))
    for inner in inside:
        if isinstance(inner, ssl.SSLCertVerificationError):
            return _certificate(inner)
        if isinstance(inner, ssl.SSLError):
            return _tls(inner)
        if isinstance(inner, socket.gaierror):
            return _name(inner)
        if isinstance(inner, UnicodeError):  # a part of the name is empty, or longer than a name's parts may be
            return NO_HOST
        if isinstance(inner, OSError) and inner.errno:
            return _connection(inner)
    if isinstance(error, TimeoutError):
        return Why("no answer in time", "see that it runs, and that no firewall swallows the connection")
    name = type(inside[0]).__name__
    return Why(BROKEN_OFF.get(name, name), "see what answers there: it may be another program, or want TLS (https)")


def _inside(error: BaseException) -> Iterator[BaseException]:
    """The errors that `error` was made from, innermost first: the one from the system comes before its wrappings."""
    found: list[BaseException] = []
    left: list[object] = [error]
    while left and len(found) < MOST_WRAPPINGS:
        one = left.pop(0)
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            left += [getattr(one, name, None) for name in ("certificate_error", "os_error", "__cause__", "__context__")]
    yield from reversed(found)


def _certificate(error: ssl.SSLCertVerificationError) -> Why:
    if error.verify_code in OTHER_NAMES:
        return Why("its certificate is for another name", "ask it by the name that its certificate is for")
    if error.verify_code in {EXPIRED, NOT_YET}:
        cause = "its certificate has expired" if error.verify_code == EXPIRED else "its certificate is not valid yet"
        return Why(cause, "renew the certificate, and see that this machine's clock is right")
    return Why(
        f"its certificate is not one that this machine trusts ({error.verify_message})",
        "let a public authority sign it, or name your own authority's certificate in the environment: "
        "SSL_CERT_FILE=/path/to/authority.pem",
    )


def _tls(error: ssl.SSLError) -> Why:
    if error.reason in NO_TLS:
        fix = "correct the port, or write http:// where it is on this machine or in a network that you trust"
        return Why("it does not speak TLS", fix)
    return Why(
        f"TLS with it fails ({error.reason or type(error).__name__})", "see which TLS it speaks: it must be 1.2 up"
    )


def _name(error: socket.gaierror) -> Why:
    if error.errno in NO_SUCH_NAME:
        return NO_HOST
    cause = f"the name of its host cannot be looked up ({error.strerror})"
    return Why(cause, "see that DNS works on this machine (in this container)")


def _connection(error: OSError) -> Why:
    number = error.errno or 0
    if number == errno.ECONNREFUSED:
        fix = "start it, or correct host and port (in a container 127.0.0.1 is that container itself)"
    elif number in {errno.ECONNRESET, errno.EPIPE}:
        fix = "look into its own log: it ended the connection"
    else:
        fix = "see that this machine may reach it: routes, firewalls, networks of containers"
    return Why(os.strerror(number), fix)
