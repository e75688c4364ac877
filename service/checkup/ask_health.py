"""Asks a running service whether it is ready. Called by `gatepost health` and so by the image's health check."""

import asyncio
import json
import os
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import aiohttp

from service.settings import Server

LIMIT_SECONDS = 5.0
MAX_BYTES = 64 * 1024
PATH = "/health/ready"
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # where it listens, not where we do


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether the service is ready, one line for everything that is not fine, and whether it was a Gatepost at all."""

    ready: bool
    lines: tuple[str, ...] = ()
    is_gatepost: bool = False


def address_of(server: Server) -> str:
    """Where a service with these settings can be asked from the same machine."""
    host = _ANY_ADDRESS.get(server.host, server.host)
    return f"http://[{host}]:{server.port}" if _is_version_6(host) else f"http://{host}:{server.port}"


async def ask(address: str, *, limit_seconds: float = LIMIT_SECONDS) -> Answer:
    """What `/health/ready` at `address` says. Never raises for what the other side does."""
    url = address.rstrip("/").removesuffix(PATH) + PATH
    limit = aiohttp.ClientTimeout(total=limit_seconds)
    try:
        async with aiohttp.ClientSession(timeout=limit) as session, session.get(url, allow_redirects=False) as reply:
            return _answer(reply.status, await _body(reply), url)
    except TimeoutError:
        return Answer(False, (f"{url}: no answer within {limit_seconds:g} seconds",))
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
        return Answer(False, (f"{url}: is not an http address",))
    except aiohttp.ClientError as error:
        return Answer(False, (f"{url}: no answer ({_reason(error)}): is the service running?",))


def ask_now(address: str) -> Answer:
    """The same for those who have no event loop."""
    return asyncio.run(ask(address))


async def _body(reply: aiohttp.ClientResponse) -> bytes:
    try:
        return await reply.content.readexactly(MAX_BYTES)
    except asyncio.IncompleteReadError as end:
        return end.partial


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


def _is_version_6(host: str) -> bool:
    try:
        return ip_address(host).version == 6
    except ValueError:
        return False


def _reason(error: aiohttp.ClientError) -> str:
    number = error.errno if isinstance(error, aiohttp.ClientOSError) else None
    return os.strerror(number) if number is not None and number > 0 else type(error).__name__
