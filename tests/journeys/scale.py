"""The profile `scale` on this machine: two replicas on one PostgreSQL behind a real Varnish. Used by the proxy's tests.

`scaled` is a fixture; whoever imports it is skipped on a laptop without varnishd, and never in CI.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from yarl import URL

from service.model import SiteKey
from tests.harness import Answer, Gatepost, Hands, Person, configuration
from tests.launch import launch
from tests.varnish import PATIENCE_SECONDS, REPLICAS, VARNISHD, varnish

if VARNISHD is None and not os.environ.get("CI"):
    pytest.skip("no varnishd on this machine", allow_module_level=True)

SITE = SiteKey("blog")
LIST = "posts/post/comments"
KEPT = {"s_maxage_seconds": 3600}
"""Longer than any test takes."""
LONG = "Hello, hello, hello. " * 50
"""Worth compressing."""


@dataclass
class Scale:
    """The replicas, and who reads through the proxy in front of them."""

    replicas: list[Gatepost]
    proxy: str
    visitor: Person

    def through(self, person: Person) -> Person:
        """The same person at the proxy."""
        return Person(self.visitor.session, person.headers, person.site)

    async def read(self, path: str = LIST, **headers: str) -> Answer:
        """A visitor's reply as it comes over the wire."""
        url = path if path.startswith("/") else f"/v1/sites/{SITE}/{path}"
        async with self.visitor.session.get(url, headers={**self.visitor.headers, **headers}) as response:
            return Answer(response.status, response.headers, await response.read())

    async def seen(self, path: str = LIST, **headers: str) -> str:
        """What the proxy did for a reader who got what they asked for: `hit`, `miss` or `pass`."""
        answer = await self.read(path, **headers)
        assert answer.status == 200, answer.body
        return answer.headers["X-Cache"]

    async def purge(self, tags: str, *, by: str = REPLICAS[0], **headers: str) -> int:
        """The status of a purge call from that address."""
        connector = aiohttp.TCPConnector(local_addr=(by, 0))
        async with aiohttp.ClientSession(self.proxy, connector=connector) as session:
            caller = Person(session, {"Surrogate-Key": tags, **headers})
            return (await caller.call("PURGE", "/")).status

    async def served(self, *, status: int = 200) -> list[int]:
        """How many requests for a post's comments each replica has answered with that status."""
        return [await served(replica.visitor, status=status) for replica in self.replicas]


async def served(visitor: Person, *, status: int) -> int:
    """How many requests for a post's comments the replica that this visitor talks to has answered so."""
    metrics = (await visitor.get("/metrics")).body.decode()
    line = rf'route="/v1/sites/{{site}}/posts/{{post}}/comments",status="{status}"}} (\S+)$'
    return sum(int(float(number)) for number in re.findall(line, metrics, flags=re.MULTILINE))


Scaled = Callable[..., Awaitable[Scale]]


@pytest.fixture
async def scaled(postgres_url: str, clock: Hands) -> AsyncIterator[Scaled]:
    """Starts two replicas with these settings of `[cache]`, and the proxy."""
    async with AsyncExitStack() as stack:

        async def start(*, limits: Any = None, secret: str | None = None, **cache: int) -> Scale:
            environment = {} if secret is None else {"PURGE_SECRET": secret}
            replicas = [
                await launch(stack, _wanted(postgres_url, host, limits, cache), clock=clock) for host in REPLICAS
            ]
            ports = [URL(replica.running.address).port or 0 for replica in replicas]
            proxy = await stack.enter_async_context(varnish(ports, **environment))
            return Scale(replicas, proxy, await stack.enter_async_context(reading(proxy)))

        yield start


def _wanted(url: str, host: str, limits: Any, cache: dict[str, int]) -> dict[str, Any]:
    wanted = configuration(url)
    wanted["server"] |= {"host": host, "port": 0, "trusted_proxies": ["127.0.0.1"]}
    wanted["sites"] |= dict.fromkeys(("blog-2", "a-blog"), wanted["sites"]["other"])
    wanted["limits"] = limits or wanted["limits"]
    return wanted | {"cache": cache}


@asynccontextmanager
async def reading(proxy: str, *, address: str = "127.0.0.1") -> AsyncIterator[Person]:
    """Somebody at this address, who sees replies as they come over the wire."""
    connector = aiohttp.TCPConnector(local_addr=(address, 0))
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(proxy, connector=connector, cookie_jar=jar, auto_decompress=False) as session:
        yield Person(session, {"Accept-Encoding": "identity"})


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Asks again until it holds."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await holds():
            pass
