"""Starts services for a test in its own process, one or several on the same store. Called by fixtures."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from itertools import cycle
from typing import Any, cast

import aiohttp

from service import app, settings
from tests.harness import Gatepost, Hands


class InTurn:
    """Stands for a session: every call goes to the next of several services, after it has heard of the others'."""

    def __init__(self, services: Sequence[Gatepost]) -> None:
        self._services = services
        self._sessions = cycle([service.session for service in services])

    async def catch_up(self) -> None:
        """They would within a second; a test that reads what it wrote elsewhere need not wait for it."""
        for service in self._services:
            await service.running.relay.look()

    def __getattr__(self, name: str) -> Any:
        return getattr(next(self._sessions), name)


async def launch(stack: AsyncExitStack, wanted: dict[str, Any], *, clock: Hands) -> Gatepost:
    """A service with these settings; it ends with `stack`."""
    running = await app.start(settings.parse(wanted), clock=clock)
    stack.push_async_callback(running.stop, drain_seconds=0)
    session = await stack.enter_async_context(
        aiohttp.ClientSession(running.address, cookie_jar=aiohttp.DummyCookieJar())
    )
    return Gatepost(running, session, clock)


def together(services: Sequence[Gatepost]) -> Gatepost:
    """Several services as one: whoever calls meets them in turn, as behind a proxy that balances."""
    in_turn = cast(aiohttp.ClientSession, InTurn(services))
    return Gatepost(services[0].running, in_turn, services[0].clock)
