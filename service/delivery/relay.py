"""Reads the event log of every site for this process: what it commits itself, and what other replicas do.

Own events are handed to the followers with the commit, before their writer gets an answer. For the others the database
wakes us (NOTIFY), and because a call can be lost we look anyway, several times a second. `app` builds one relay, adds
the followers and runs its two jobs.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog

from service.background import Job
from service.delivery.follower import Follower, Hears
from service.model import Event, SiteKey
from service.store import events
from service.store.database import Database

log = structlog.get_logger()
LOOK_SECONDS = 0.25
LEAST_PAUSE_SECONDS = 0.02
"""Between two looks, so that a busy writer does not make us look after each of its commits."""
LISTEN_AGAIN_SECONDS = 1.0
FRESH_SECONDS = 1.0
"""What was seen is trusted for so long after the look began. Then nothing more is known."""
EVENTS_AT_ONCE = 500


class Relay:
    """What this process knows of what happens in the store, and who is told of it.

    `monotonic` is a clock in seconds that never goes back.
    """

    def __init__(self, database: Database, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic
        self._woken = asyncio.Event()
        self._positions: dict[SiteKey, int] | None = None
        self._followers: dict[Hears, list[Follower]] = {hears: [] for hears in Hears}
        self._untold: dict[tuple[Follower, SiteKey], None] = {}
        self._doubts = 0
        self._fresh_until = 0.0 if database.is_shared else float("inf")
        database.add_listener(self)

    def add(self, follower: Follower) -> None:
        """From now on `follower` is handed every event."""
        self._followers[follower.hears].append(follower)

    def is_fresh(self) -> bool:
        """Whether what followers know is current: by a second at most, and at once for this process's own changes."""
        return not self._untold and self._monotonic() < self._fresh_until

    def position(self, site: SiteKey) -> int:
        """The number of the site's last event that was handed over in order. LookupError before the first look."""
        if self._positions is None:
            raise LookupError("nobody has looked yet")
        return self._positions.get(site, 0)

    def jobs(self) -> Sequence[Job]:
        """What runs for ever while the service does."""
        return (
            Job("follow-events", self.follow, LEAST_PAUSE_SECONDS, is_vital=True),
            Job("listen", self.listen, LISTEN_AGAIN_SECONDS, is_vital=False),
        )

    def committed(self, written: Sequence[Event]) -> None:
        """The database's call, with the commit."""
        self._hand(Hears.AT_ONCE, written)
        self._hand(Hears.IN_ORDER, [event for event in written if self._is_next(event)])

    def in_doubt(self) -> None:
        """The database's call: a commit failed and may stand all the same. Nothing is certain until we have looked."""
        if self._database.is_shared:
            self._fresh_until = 0.0
            self._doubts += 1
        self._woken.set()

    async def listen(self) -> None:
        """Be woken by other replicas, until cancelled. A job. Raises StoreUnavailable."""
        await self._database.listen(self._woken.set)

    async def follow(self) -> None:
        """Look once, hand over, and wait until woken or until it is time. A job. Raises StoreUnavailable."""
        self._woken.clear()
        await self.look()
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await self._woken.wait()

    async def look(self) -> None:
        """Read everything that is new and hand it over. Raises StoreUnavailable."""
        for follower, site in list(self._untold):
            self._skip(follower, site)
        while True:
            began, doubts = self._monotonic(), self._doubts
            if self._positions is None:  # the first look: what was before us is nobody's news
                self._positions = await self._database.follow.read(events.last_numbers)
                break
            found = await self._database.follow.read(events.after_each, dict(self._positions), limit=EVENTS_AT_ONCE)
            for site, number in found.gone.items():
                self._positions[site] = number
                for follower in self._all_followers():
                    self._skip(follower, site)
            positions = self._positions
            # What is not behind the position was ours, and was committed meanwhile.
            new = [event for event in found.events if event.seq > positions.get(event.site, 0)]
            positions.update({event.site: event.seq for event in new})
            self._hand(Hears.AT_ONCE, new)
            self._hand(Hears.IN_ORDER, new)
            if found.is_all:
                break
        if self._database.is_shared and doubts == self._doubts:  # else this look may have been too early
            self._fresh_until = began + FRESH_SECONDS

    def _is_next(self, event: Event) -> bool:
        """Whether this event follows upon the position, which is moved then; else it waits for the next look."""
        if self._positions is None or event.seq != self._positions.get(event.site, 0) + 1:
            self._woken.set()  # another replica's came before it
            return False
        self._positions[event.site] = event.seq
        return True

    def _hand(self, hears: Hears, handed: Sequence[Event]) -> None:
        if not handed:
            return
        for follower in self._followers[hears]:
            try:
                follower.handle(handed)
            except Exception:  # a bug there, which must not keep the events from others, nor the answer from a writer
                log.exception("follower.failed", follower=follower.name)
                for site in dict.fromkeys(event.site for event in handed):
                    self._skip(follower, site)

    def _skip(self, follower: Follower, site: SiteKey) -> None:
        """Tell the follower that it misses something; while it cannot even be told that, nothing here is fresh."""
        try:
            follower.skipped(site)
        except Exception:  # told again at the next look
            log.exception("follower.failed", follower=follower.name)
            self._untold[follower, site] = None
        else:
            self._untold.pop((follower, site), None)

    def _all_followers(self) -> list[Follower]:
        return [follower for of_kind in self._followers.values() for follower in of_kind]
