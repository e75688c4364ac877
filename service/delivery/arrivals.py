"""Wakes whoever waits for the next event of a site: calls of the event feed that hold their answer back."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar

from service.delivery.follower import Follower, Hears
from service.model import Event, SiteKey


class Arrivals(Follower):
    """Who waits in this process, by site. Whoever is woken reads from the store what has come."""

    name = "arrivals"
    hears: ClassVar[Hears] = Hears.AT_ONCE

    def __init__(self) -> None:
        self._bells: dict[SiteKey, dict[asyncio.Event, None]] = {}
        self.is_closed = False

    @contextmanager
    def bell(self, site: SiteKey) -> Iterator[asyncio.Event]:
        """An event of asyncio that is set whenever something has happened on the site, until the block ends.

        Clear it before you look: then nothing falls between looking and waiting.
        """
        bell = asyncio.Event()
        self._bells.setdefault(site, {})[bell] = None
        try:
            yield bell
        finally:
            del self._bells[site][bell]
            if not self._bells[site]:
                del self._bells[site]

    def handle(self, events: Sequence[Event]) -> None:
        """Wake those who wait for these."""
        for site in {event.site for event in events}:
            self.skipped(site)

    def skipped(self, site: SiteKey) -> None:
        """Something has happened on the site."""
        for bell in self._bells.get(site, ()):
            bell.set()

    def close(self) -> None:
        """The service stops: nobody waits any more."""
        self.is_closed = True
        for site in self._bells:
            self.skipped(site)

    def waiting(self, site: SiteKey) -> int:
        """How many wait."""
        return len(self._bells.get(site, ()))
