"""Asks a running service whether it is ready. For `gatepost health` and so for the image's health check.

That runs every half minute beside the service, in its memory and on its processor: this file imports next to nothing.
"""

import json
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import urlsplit

LIMIT_SECONDS = 5.0
MAX_BYTES = 64 * 1024
PATH = "/health/ready"
_CONNECTIONS = {"http": HTTPConnection, "https": HTTPSConnection}
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # where it listens, not where we do


class Answer(NamedTuple):
    """Whether the service is ready, one line for everything that is not fine, and whether it was a Gatepost at all."""

    ready: bool
    lines: tuple[str, ...] = ()
    is_gatepost: bool = False


def address_of(host: str, port: int) -> str:
    """Where a service that listens there can be asked from the same machine."""
    host = _ANY_ADDRESS.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def ask(address: str, *, limit_seconds: float = LIMIT_SECONDS) -> Answer:
    """What `/health/ready` at `address` says. Never raises for what the other side does."""
    url = address.rstrip("/").removesuffix(PATH) + PATH
    answers: list[Answer] = []
    # In a thread, because the time limit of a socket is for each byte, and looking a name up has none.
    asking = Thread(target=lambda: answers.append(_ask(url, limit_seconds)), daemon=True)
    asking.start()
    asking.join(limit_seconds)
    return answers[0] if answers else _late(url, limit_seconds)


def _ask(url: str, limit_seconds: float) -> Answer:
    try:
        parts = urlsplit(url)
        connect, host, port = _CONNECTIONS[parts.scheme], parts.hostname or "", parts.port
    except (KeyError, ValueError):
        host = ""
    if not host:
        return Answer(False, (f"{url}: is not an http address",))
    connection = connect(host, port, timeout=limit_seconds)
    try:
        connection.request("GET", parts.path)
        reply = connection.getresponse()
        return _answer(reply.status, reply.read(MAX_BYTES), url)
    except (OSError, HTTPException, ValueError) as error:  # ValueError: a name that is too long to be looked up
        return _silent(url, error, limit_seconds)
    finally:
        connection.close()


def _silent(url: str, error: Exception, limit_seconds: float) -> Answer:
    if isinstance(error, TimeoutError):
        return _late(url, limit_seconds)
    reason = getattr(error, "strerror", None) or type(error).__name__
    return Answer(False, (f"{url}: no answer ({reason}): is the service running?",))


def _late(url: str, limit_seconds: float) -> Answer:
    return Answer(False, (f"{url}: no answer within {limit_seconds:g} seconds",))


def _answer(status: int, body: bytes, url: str) -> Answer:
    found = _checks(body)
    if found is None:
        return Answer(False, (f"{url}: answers {status}, but not as a Gatepost does: is the address right?",))
    lines = tuple(f"{name}: {check['status']}: {check.get('output', '')}" for name, check in found)
    return Answer(status == 200, lines, is_gatepost=True)


def _checks(body: bytes) -> list[tuple[str, dict[str, Any]]] | None:
    """Every check that is not fine (draft-inadarei-api-health-check); None where the body is something else."""
    try:
        checks = json.loads(body)["checks"]
        return [(name, check) for name, several in checks.items() for check in several if check["status"] != "pass"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
