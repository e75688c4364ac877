"""Asks a running service whether it is ready. Called by `gatepost health` and so by the image's health check."""

import asyncio
import json
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
    """Whether the service is ready, and one line for everything that is not fine."""

    ready: bool
    lines: tuple[str, ...] = ()


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
    lines = tuple(f"{name}: {check.get('status')}: {check.get('output', '')}" for name, check in found)
    if status == 200:
        return Answer(True, lines)
    return Answer(False, lines or (f"{url}: answers {status}: is this Gatepost?",))


def _checks(body: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Every check that is not fine (draft-inadarei-api-health-check); none where the body is something else."""
    try:
        checks = json.loads(body)["checks"]
        return [(name, check) for name, several in checks.items() for check in several if check["status"] != "pass"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def _is_version_6(host: str) -> bool:
    try:
        return ip_address(host).version == 6
    except ValueError:
        return False


def _reason(error: aiohttp.ClientError) -> str:
    return str(getattr(error, "strerror", None) or type(error).__name__)
