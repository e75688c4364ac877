"""Listens to a live stream as a browser does (WHATWG HTML, 9.2). For the tests of live streams, and their benchmark."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.harness import Person

PATIENCE_SECONDS = 60
"""How long a test waits for what must come: only a broken service ever takes so long."""


@dataclass(frozen=True)
class Heard:
    """One event of a stream."""

    id: str
    name: str
    data: Any


class Ear:
    """One open stream. `last_id` is what a browser would send when it comes back."""

    def __init__(self, response: aiohttp.ClientResponse, last_id: str) -> None:
        self.response = response
        self.last_id = last_id
        self.raw = b""
        self.retry: int | None = None

    async def hear(self) -> Heard | None:
        """The next event; None when the stream has ended."""
        name, data = "message", ""
        while line := await self.line():
            field, _, value = line.strip().partition(": ")
            if field == "id":
                self.last_id = value
            elif field == "event":
                name = value
            elif field == "data":
                data = value
            elif field == "retry":
                self.retry = int(value)
            elif not line.strip() and data:
                return Heard(self.last_id, name, json.loads(data))
        return None

    async def some(self, count: int) -> list[Heard]:
        """The next so many."""
        found = [await self.hear() for _ in range(count)]
        assert None not in found
        return [one for one in found if one is not None]

    async def line(self) -> str:
        """The next line with its end; nothing when the stream has ended."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            try:
                line = await self.response.content.readline()
            except aiohttp.ClientError:  # cut in the middle
                return ""
        self.raw += line
        return line.decode()

    async def settled(self) -> "Ear":
        """Once the stream has begun, so that everything after this is heard."""
        assert re.fullmatch(r"retry: \d+\n", await self.line())
        while (line := await self.line()) != "\n":
            self.last_id = line.strip().removeprefix("id: ")
        return self


@asynccontextmanager
async def listening(
    person: Person, path: str = "posts/post/events", *, last_id: str = "", headers: Mapping[str, str] | None = None
) -> AsyncIterator[Ear]:
    """A stream that has answered 200."""
    sent = {**person.headers, **(headers or {}), **({"Last-Event-ID": last_id} if last_id else {})}
    forever = aiohttp.ClientTimeout(total=None)
    async with person.session.get(f"/v1/sites/{person.site}/{path}", headers=sent, timeout=forever) as response:
        assert response.status == 200, await response.text()
        yield Ear(response, last_id)
