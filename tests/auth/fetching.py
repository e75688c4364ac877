"""A `Fetch` with a client of its own, for as long as a test needs it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from service.auth.fetch import Fetch
from service.metrics import Metrics
from service.outbound.client import Outbound


@asynccontextmanager
async def fetching(**settings: Any) -> AsyncIterator[Fetch]:
    """`settings` are those of `Fetch`."""
    async with Outbound(Metrics()) as client:
        yield Fetch(client, **settings)


def never_fetching() -> Fetch:
    """For logins that ask nobody."""
    return Fetch(Outbound(Metrics()))
