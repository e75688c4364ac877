"""Follows the event log of every site: what this process commits itself, and what other replicas do.

Own events are heard with the commit, before their writer gets an answer. For the others the database wakes us (NOTIFY),
and because a call can be lost we look anyway, several times a second. `app` builds one and runs its two jobs.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from service.model import Event, SiteKey
from service.store import events
from service.store.database import Database

LOOK_SECONDS = 0.25
LEAST_PAUSE_SECONDS = 0.02
"""Between two looks, so that a busy writer does not make us look after each of its commits."""
FRESH_SECONDS = 1.0
"""What was seen is trusted for so long after the look began. Then nothing more is known."""
AT_ONCE = 500


class Reader(Protocol):
    """Wants each event once, in the order of its site."""

    def read(self, event: Event) -> None:
        """The next event."""
        ...


class Knower(Protocol):
    """Wants to know as soon as may be what is not current any more; twice and in any order is fine."""

    def know(self, event: Event) -> None:
        """This has happened."""
        ...


class Hearing:
    """What this process knows of what happens in the store.

    `monotonic` is a clock in seconds that never goes back.
    """

    def __init__(self, database: Database, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic
        self._woken = asyncio.Event()
        self._last: dict[SiteKey, int] | None = None
        self._readers: list[Reader] = []
        self._knowers: list[Knower] = []
        self._doubts = 0
        self.fresh_until = 0.0 if database.is_shared else float("inf")
        """Until when (by `monotonic`) every change that was committed a second ago is known."""
        database.tell(self)

    def add_reader(self, reader: Reader) -> None:
        """From now on `reader` gets every event."""
        self._readers.append(reader)

    def add_knower(self, knower: Knower) -> None:
        """From now on `knower` knows of every event."""
        self._knowers.append(knower)

    def is_fresh(self) -> bool:
        """Whether what knowers know is current: by a second at most, and at once for this process's own changes."""
        return self._monotonic() < self.fresh_until

    def position(self, site: SiteKey) -> int:
        """The number of the site's last event that readers have got. Raises LookupError before the first look."""
        if self._last is None:
            raise LookupError("nobody has looked yet")
        return self._last.get(site, 0)

    def heard(self, committed: Sequence[Event]) -> None:
        """The database's call, with the commit."""
        for event in committed:
            self._tell_knowers(event)
            if self._last is None or event.seq != self._last.get(event.site, 0) + 1:
                self._woken.set()  # another replica's came before it: readers get them in order
            else:
                self._tell_readers(event, self._last)

    def in_doubt(self) -> None:
        """The database's call: a commit failed and may stand all the same. Nothing is certain until we have looked."""
        if self._database.is_shared:
            self.fresh_until = 0.0
            self._doubts += 1
        self._woken.set()

    async def listen(self) -> None:
        """Be woken by other replicas, until cancelled. A job of its own. Raises StoreUnavailable."""
        await self._database.listen(self._woken.set)

    async def follow(self) -> None:
        """Look once, tell, and wait until woken or until it is time. A job. Raises StoreUnavailable."""
        self._woken.clear()
        await self.look()
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await self._woken.wait()

    async def look(self) -> None:
        """Read everything that is new and tell it. Raises StoreUnavailable."""
        while True:
            began, doubts = self._monotonic(), self._doubts
            if self._last is None:  # the first look: what was before us is nobody's news
                self._last = await self._database.follow.read(events.last_numbers)
                break
            found, is_all = await self._database.follow.read(events.after_each, dict(self._last), limit=AT_ONCE)
            for event in found:
                if event.seq > self._last.get(event.site, 0):  # else it was ours, and was committed meanwhile
                    self._tell_knowers(event)
                    self._tell_readers(event, self._last)
            if is_all:
                break
        if self._database.is_shared and doubts == self._doubts:  # else this look may have been too early
            self.fresh_until = began + FRESH_SECONDS

    def _tell_knowers(self, event: Event) -> None:
        for knower in self._knowers:
            knower.know(event)

    def _tell_readers(self, event: Event, last: dict[SiteKey, int]) -> None:
        last[event.site] = event.seq
        for reader in self._readers:
            reader.read(event)
