"""A small real proxy in front of the service, which says 503 to everything for as long as a test wants."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

OF_ONE_CONNECTION = ("Connection", "Content-Length", "Keep-Alive", "Transfer-Encoding", "Host")


class Proxy:
    """`is_away`: it answers by itself, and hands nothing on."""

    def __init__(self, service: str, client: aiohttp.ClientSession) -> None:
        self._service = service
        self._client = client
        self.is_away = False
        self.refused = 0
        self.address = ""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """What the service answers, as it comes."""
        if self.is_away:
            self.refused += 1
            return web.Response(status=503, headers={"Retry-After": "10"})
        async with self._client.request(
            request.method,
            self._service + request.raw_path,
            headers=_handed_on(request.headers),
            data=await request.read(),
            allow_redirects=False,
        ) as answer:
            reply = web.StreamResponse(status=answer.status, headers=_handed_on(answer.headers))
            await reply.prepare(request)
            async for piece in answer.content.iter_any():
                await reply.write(piece)
            return reply


def _handed_on(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.title() not in OF_ONE_CONNECTION}


@asynccontextmanager
async def proxy_to(service: str) -> AsyncIterator[Proxy]:
    """A proxy on a port of its own."""
    async with aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, timeout=aiohttp.ClientTimeout(total=None)
    ) as client:
        proxy = Proxy(service, client)
        runner = web.ServerRunner(web.Server(proxy.answer), shutdown_timeout=0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        proxy.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield proxy
        await runner.cleanup()
