"""Hands the event log to one `StoreFollower`, on whichever replica holds its lease, from a position in the store.

To the relay of its process it is a follower that is woken; all it knows of events it reads from the store itself.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from service.background import Job
from service.delivery.follower import Follower, Hears, StoreFollower
from service.delivery.relay import EVENTS_AT_ONCE, LEAST_PAUSE_SECONDS
from service.errors import StoreUnavailable
from service.model import Event, SiteKey
from service.store import events, followers, leases
from service.store.database import Database
from service.store.followers import Positions
from service.store.leases import Lease

LOOK_SECONDS = 5.0
"""How often a replica looks without being woken: whether the lease is free, or something has happened after all."""
NOTE_SECONDS = 1.0
"""The position is noted once in so long, not after each event: it is a write. After a kill, so much comes twice."""
KEEP_SECONDS = leases.SECONDS / leases.TIMES_KEPT
MOST_HELD = 10_000
"""Events that are kept to be handed over again, before the log is read on."""


@dataclass(frozen=True, slots=True)
class _Held:
    """What was handed over once: when to do it again (monotonic seconds), and up to where all is handled then."""

    due: float
    events: Sequence[Event]
    positions: Positions


class LeasedRelay(Follower):
    """One replica's part in what `follower` does. `sites` are the configured ones."""

    hears = Hears.AT_ONCE

    def __init__(
        self,
        follower: StoreFollower,
        database: Database,
        *,
        holder: str,
        sites: Iterable[SiteKey],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = follower.name
        self._follower = follower
        self._database = database
        self._holder = holder
        self._sites = tuple(sites)
        self._monotonic = monotonic
        self._woken = asyncio.Event()
        self._lease: Lease | None = None
        self._kept_until = 0.0
        self._read: Positions = {}
        self._done: Positions = {}
        self._noted: Positions = {}
        self._note_at = 0.0
        self._held: deque[_Held] = deque()

    def handle(self, events: Sequence[Event]) -> None:
        """Something has happened: what, the store says."""
        self._woken.set()

    def skipped(self, site: SiteKey) -> None:
        """This process missed something; the position in the store did not."""
        self._woken.set()

    def jobs(self) -> Sequence[Job]:
        """One job, of the follower's name."""
        return (Job(self.name, self.follow, LEAST_PAUSE_SECONDS, is_vital=False),)

    async def begin(self) -> None:
        """Note where the follower begins, if it never worked: it is handed everything that happens from now on."""
        await self._database.follow.write(followers.begin, self.name, sites=self._sites)

    async def follow(self) -> None:
        """Hand over what is new and what is due again, then wait. Raises what the follower raises, StoreUnavailable."""
        if not await self._holds():
            await asyncio.sleep(LOOK_SECONDS)  # nobody's decisions make this replica ask for the lease more often
            return
        self._woken.clear()
        await self._hand_over_news()
        await self._hand_over_again()
        if self._done != self._noted and self._monotonic() >= self._note_at:
            await self._note()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pause()):
                await self._woken.wait()

    async def stop(self) -> None:
        """Note how far it came, and let another replica go on at once."""
        if self._lease is not None:
            with suppress(StoreUnavailable):  # then the lease runs out
                if self._done != self._noted:
                    await self._note()
                await self._database.follow.write(leases.give_back, self.name, self._holder)
            self._lease = None
        await self._follower.stop()

    async def _holds(self) -> bool:
        """Whether this replica is the one, now and for a while."""
        now = self._monotonic()
        if self._lease is not None and now < self._kept_until:
            return True
        before, self._lease = self._lease, None
        taken = await self._database.follow.write(followers.take, self.name, self._holder, sites=self._sites)
        if taken is None:
            return False
        self._lease, found = taken
        self._kept_until = now + KEEP_SECONDS
        if before is None or found != self._noted:  # else nobody else has been at it
            self._read, self._done, self._noted = dict(found), dict(found), dict(found)
            self._held.clear()
        return True

    async def _hand_over_news(self) -> None:
        """One stretch of the log: between two of them the position is noted, and the lease is kept."""
        if sum(len(held.events) for held in self._held) >= MOST_HELD:
            return
        found = await self._database.follow.read(events.after_each, self._read, limit=EVENTS_AT_ONCE)
        for site, number in found.gone.items():
            await self._follower.skipped(site)
            self._read[site] = number
        if found.events:
            await self._follower.handle(found.events)
            self._read |= {event.site: event.seq for event in found.events}
        if not self._follower.again_seconds:
            self._done = dict(self._read)
        elif found.events or found.gone:
            due = self._monotonic() + self._follower.again_seconds
            self._held.append(_Held(due, found.events, dict(self._read)))
        if not found.is_all:
            self._woken.set()

    async def _hand_over_again(self) -> None:
        now = self._monotonic()
        due = [held for held in self._held if held.due <= now]
        if not due:
            return
        if again := [event for held in due for event in held.events]:
            await self._follower.handle(again)
        self._done = due[-1].positions
        for _ in due:
            self._held.popleft()

    async def _note(self) -> None:
        """All is handled up to there. If this replica slept for too long, another one goes on."""
        if self._lease is None:
            return
        now, done = self._monotonic(), self._done
        moved = {site: seq for site, seq in done.items() if self._noted.get(site) != seq}
        if await self._database.follow.write(followers.note, self._lease, moved):
            self._noted = dict(done)
            self._kept_until, self._note_at = now + KEEP_SECONDS, now + NOTE_SECONDS
        else:
            self._lease = None

    def _pause(self) -> float:
        """Until something is due: to be handed over again, or to be noted."""
        now = self._monotonic()
        waits = [LOOK_SECONDS]
        if self._held:
            waits.append(self._held[0].due - now)
        if self._done != self._noted:
            waits.append(self._note_at - now)
        return max(0.0, min(waits))
