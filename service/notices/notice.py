"""One replica's part in one notice: looks whether there is something to say, and says it, once for the store.

When it was last said is noted in the lease of its name, so a replica only takes that where it has something to say, and
finds there whether another one has said it meanwhile. To the relay of its process it is a follower that is woken.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import ClassVar, Final, Literal

import structlog
from pydantic import TypeAdapter

from service.background import Job
from service.delivery.follower import Follower, Hears
from service.metrics import Metrics
from service.model import Clock, Event, SiteKey
from service.notices import digest, letter, timing
from service.notices.targets import Targets, Told
from service.notices.timing import Said, Trouble, Waiting
from service.store import leases
from service.store.database import Database, Transaction
from service.store.leases import Lease

log = structlog.get_logger()
LOOK_SECONDS = 30.0
"""How often it looks without being woken: something may have grown old, or a quiet time be over."""
LEAST_PAUSE_SECONDS = 1.0
"""Between two looks, however much happens."""
STOP_SECONDS = 5.0
"""How long stopping waits for a notice that is under way. What is cut off then is said again after the next start."""
_SAID: Final = TypeAdapter(Said)


class Notice(Follower):
    """Tells people what waits on their site."""

    hears: ClassVar[Hears] = Hears.AT_ONCE

    def __init__(
        self,
        targets: Targets,
        database: Database,
        *,
        public_url: str | None,
        holder: str,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._settings = targets.settings
        self._site = targets.site
        self.name = f"notice:{self._site.key}/{self._settings.name}"
        self._targets = {target.id: target for target in targets.all}
        self._zone = letter.zone_of(self._settings, self._site)
        self._database = database
        self._public_url = public_url
        self._holder = holder
        self._clock = clock
        self._told = metrics.notices
        self._said = Said()
        self._woken = asyncio.Event()
        self._woken.set()
        self._saying: asyncio.Task[None] | None = None

    def handle(self, events: Sequence[Event]) -> None:
        """Something has happened to a comment: perhaps there is something to say."""
        if any(event.site == self._site.key and event.comment_id is not None for event in events):
            self._woken.set()

    def skipped(self, site: SiteKey) -> None:
        """Whatever happened, the queue says what waits."""
        self._woken.set()

    def jobs(self) -> Sequence[Job]:
        """One job, of this name."""
        return (Job(self.name, self.follow, LEAST_PAUSE_SECONDS, is_vital=False),)

    def health(self) -> tuple[Literal["pass", "warn"], str]:
        """Which targets did not take the last notice, as far as this replica knows."""
        failing = [self._targets[name].label for name in self._said.troubles if name in self._targets]
        return ("warn", f"not taken by {', '.join(failing)}") if failing else ("pass", "well")

    async def follow(self) -> None:
        """Wait until something may have changed, then say what there is to say. A job. Raises StoreUnavailable."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await self._woken.wait()
        self._woken.clear()
        await self.look()

    async def look(self) -> None:
        """Say what there is to say now, if anything. Raises StoreUnavailable."""
        waiting, self._said = await self._database.bulk.read(_stand, self._site.key, self.name)
        if not self._whom(waiting, self._said):
            return
        self._saying = asyncio.create_task(self._say_once(), name=self.name)
        await asyncio.shield(self._saying)  # a job that is stopped leaves it to `stop`

    async def stop(self) -> None:
        """Wait a little for what is under way: it has reached people, and is still to be noted."""
        if self._saying is not None and not self._saying.done():
            await asyncio.wait([self._saying], timeout=STOP_SECONDS)
            self._saying.cancel()
            await asyncio.gather(self._saying, return_exceptions=True)

    async def _say_once(self) -> None:
        """Say it, unless another replica is at it."""
        async with leases.held(self._database, self.name, self._holder) as lease:
            if lease is not None:
                await self._say(lease)

    async def _say(self, lease: Lease) -> None:
        """Say it, unless another replica has; then note that, and who did not take it."""
        said = _read(lease.position)
        found = await self._database.bulk.read(digest.read, self._site.key)
        if found is None:
            return
        now, whom = self._clock(), self._whom(found.waiting, said)
        if not whom:
            self._said = said
            return
        written = letter.write(found, self._site, self._settings, public_url=self._public_url)
        answers = await asyncio.gather(*(self._targets[name].send(written) for name in whom))
        is_new = timing.is_due(found.waiting, said, self._settings, now)
        after = Said(
            at=now if is_new else said.at,
            until=found.waiting.newest if is_new else said.until,
            troubles=self._troubles(said, answers),
        )
        if await self._database.follow.write(leases.note, lease, _SAID.dump_json(after).decode()):
            self._said = after

    def _whom(self, waiting: Waiting | None, said: Said) -> list[str]:
        """Who is to be told now. Who failed is asked again when its pause is over, and not before."""
        now = self._clock()
        if waiting is None or timing.is_quiet(now, self._settings, self._zone):
            return []
        again = timing.due_again(said, now)
        if not timing.is_due(waiting, said, self._settings, now):
            return [name for name in self._targets if name in again]
        return [name for name in self._targets if name in again or name not in said.troubles]

    def _troubles(self, said: Said, answers: Sequence[Told]) -> dict[str, Trouble]:
        """Those that stand, with what came back just now."""
        troubles = {name: trouble for name, trouble in said.troubles.items() if name in self._targets}
        for told in answers:
            before = troubles.pop(told.target.id, Trouble(0, 0))
            self._told.labels(self._site.key, self._settings.name, "failed" if told.error else "sent").inc()
            if told.error is not None:
                tries = before.tries + 1
                troubles[told.target.id] = Trouble(tries, timing.again_at(tries, self._clock()))
                log.warning("notice.failed", notice=self.name, target=told.target.label, error=told.error, tries=tries)
        return troubles


def _stand(tx: Transaction, site: SiteKey, name: str) -> tuple[Waiting | None, Said]:
    return digest.count(tx, site), _read(leases.noted(tx, name))


def _read(noted: str | None) -> Said:
    return Said() if noted is None else _SAID.validate_json(noted)
