"""One replica's part in one webhook: sends what happens on a site to a receiver, from a position in the store.

Only the replica that holds the lease sends. To the relay of its process it is a follower that is woken; all it knows of
events it reads from the store itself (`book`).
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import ClassVar, Literal

import structlog

from service.background import Job
from service.delivery.follower import Follower, Hears
from service.delivery.leased_relay import KEEP_SECONDS, NOTE_SECONDS
from service.delivery.relay import LEAST_PAUSE_SECONDS
from service.errors import StoreUnavailable
from service.metrics import Metrics
from service.model import Clock, Event, SiteKey
from service.settings import Site
from service.store import leases, webhooks
from service.store.database import Database
from service.store.deliveries import Try
from service.store.leases import Lease
from service.store.webhooks import Standing
from service.webhooks import book, retries, upcoming
from service.webhooks.book import NOT_KEPT, Outcome
from service.webhooks.call import Answered, WebhookCall
from service.webhooks.retries import Chance
from service.webhooks.upcoming import Found, Page, Sending

log = structlog.get_logger()
LOOK_SECONDS = 5.0
"""How often a replica looks without being woken: whether the lease is free, or somebody wants something sent again."""
STOP_SECONDS = 2.0
"""How long stopping waits for what is under way. What is cut off then is sent once more after the next start."""


class Webhook(Follower):
    """Sends to one receiver. `chance` spreads retries, `monotonic` is a clock in seconds that never goes back."""

    hears: ClassVar[Hears] = Hears.AT_ONCE

    def __init__(
        self,
        call: WebhookCall,
        site: Site,
        database: Database,
        *,
        holder: str,
        clock: Clock,
        metrics: Metrics,
        chance: Chance = random.uniform,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = f"webhook:{site.key}/{call.settings.name}"
        self.call = call
        self.site = site.key
        self.page = Page(site, call.settings)
        self._database = database
        self._holder = holder
        self._clock = clock
        self._metrics = metrics
        self._labels = (str(site.key), call.settings.name)
        self._chance = chance
        self._monotonic = monotonic
        self._woken = asyncio.Event()
        self._lease: Lease | None = None
        self._kept_until = 0.0
        self._standing: Standing | None = None
        self._noted = 0
        self._note_at = 0.0
        self._begun = 0
        self._missed = 0
        self._heeds_events = True
        self._under_way: dict[asyncio.Task[Answered], Sending] = {}
        self._ahead: dict[str, int] = {}
        self._outcomes: list[Outcome] = []

    def handle(self, events: Sequence[Event]) -> None:
        """Something has happened: what, the store says."""
        if self._heeds_events and any(event.site == self.site for event in events):
            self._woken.set()

    def skipped(self, site: SiteKey) -> None:
        """This process missed something; the position in the store did not."""
        self._woken.set()

    def wake(self) -> None:
        """Somebody has changed in the store what is to be sent."""
        self._woken.set()

    def health(self) -> tuple[Literal["pass", "warn"], str]:
        """How it is, as far as this replica knows."""
        standing = self._standing
        why = (standing.last_failure.error if standing and standing.last_failure else None) or "unknown"
        if standing is not None and standing.off is not None:
            return "warn", f"off: {why}; `gatepost webhook resume` goes on"
        if standing is not None and retries.is_suspended(standing.refused):
            return "warn", f"refused {standing.refused} in a row: {why}"
        return "pass", "well"

    def jobs(self) -> Sequence[Job]:
        """One job, of this name."""
        return (Job(self.name, self.follow, LEAST_PAUSE_SECONDS, is_vital=False),)

    async def begin(self) -> None:
        """Note where it begins, if it never worked: with the next event. One that is off may go on."""
        site, name = self.site, self.call.settings.name
        self._standing = await self._database.follow.write(
            webhooks.begin, site, name, configured=self.page.settings.fingerprint
        )

    async def follow(self) -> None:
        """Keep what came back, send what is next, then wait. A job. Raises StoreUnavailable."""
        if not await self._holds():
            await asyncio.sleep(LOOK_SECONDS)
            return
        self._woken.clear()
        self._collect()
        if self._must_settle() and not await self._settle():
            return
        found = await self._begin_some()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pause(found)):
                await self._woken.wait()

    async def stop(self) -> None:
        """Wait a little for what is under way, note how far it came, and let another replica go on at once."""
        if self._lease is None:
            return
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=STOP_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        with suppress(StoreUnavailable):  # then the lease runs out
            self._collect()
            if (self._outcomes or self._position() != self._noted) and not await self._settle():
                return
            await self._database.follow.write(leases.give_back, self.name, self._holder)
        self._lease = None

    async def _holds(self) -> bool:
        """Whether this replica is the one, now and for a while."""
        now = self._monotonic()
        if self._lease is not None and now < self._kept_until:
            return True
        taken = await self._database.follow.write(book.take, self.name, self._holder, self.page)
        if taken is None:
            self._let_go()
            self._standing = await self._database.follow.read(webhooks.get, self.site, self.call.settings.name)
            return False
        lease, standing, ahead = taken
        if self._lease is None or standing.seq != self._noted:  # else nobody else has been at it
            self._let_go()
            self._begun = self._noted = standing.seq
            self._ahead = ahead
        self._lease, self._standing, self._kept_until = lease, standing, now + KEEP_SECONDS
        return True

    def _let_go(self) -> None:
        """Another replica sends: what is under way here is no longer ours."""
        for task in self._under_way:
            task.cancel()
        self._under_way.clear()
        self._outcomes.clear()
        self._lease, self._missed = None, 0
        for gauge in (self._metrics.webhook_behind, self._metrics.webhook_oldest):
            gauge.labels(*self._labels).set(0)

    def _collect(self) -> None:
        """Take what has come back. What is not settled is begun anew."""
        for task in [task for task in self._under_way if task.done() and not task.cancelled()]:
            sending = self._under_way.pop(task)
            outcome = Outcome(sending, task.result())
            self._outcomes.append(outcome)
            if sending.row is None and not outcome.is_settled:
                self._ahead.pop(sending.event_id, None)
                self._begun = min(self._begun, sending.seq - 1)

    def _position(self) -> int:
        """Up to which event everything is delivered, or becomes a row."""
        return min([self._begun, *(one.seq - 1 for one in self._under_way.values() if one.row is None)])

    def _must_settle(self) -> bool:
        """Whether something is to be kept now. What arrived at the first try waits a little, for one write for all."""
        if self._missed or any(one.sending.row or not one.answered.is_taken for one in self._outcomes):
            return True
        has_moved = bool(self._outcomes) or self._position() != self._noted
        return has_moved and self._monotonic() >= self._note_at

    async def _settle(self) -> bool:
        """Keep it. False: another replica has the lease."""
        if self._lease is None:
            return False
        now, position, outcomes, missed = self._monotonic(), self._position(), self._outcomes[:], self._missed
        standing = await self._database.follow.write(
            book.settle,
            self.page,
            self._lease,
            outcomes,
            position=position,
            missed=missed,
            chance=self._chance,
        )
        if standing is None:
            self._let_go()
            return False
        self._tell(outcomes, before=self._standing, after=standing)
        del self._outcomes[: len(outcomes)]
        self._missed -= missed
        self._standing, self._noted = standing, position
        self._ahead = {event_id: seq for event_id, seq in self._ahead.items() if seq > position}
        self._kept_until, self._note_at = now + KEEP_SECONDS, now + NOTE_SECONDS
        return True

    async def _begin_some(self) -> Found:
        """Send what is next, as far as there is room."""
        rows = [one.row.id for one in (*self._under_way.values(), *(o.sending for o in self._outcomes)) if one.row]
        found = await self._database.read(
            upcoming.look,
            self.page,
            self._begun,
            under_way=len(self._under_way),
            held=frozenset(rows),
            ahead=frozenset(self._ahead),
        )
        if found.missed:
            log.warning("webhook.missed", webhook=self.name, events=found.missed)
            self._metrics.webhook_missed.labels(*self._labels).inc(found.missed)
            self._missed += found.missed
        self._standing, self._begun = found.standing, found.begun
        for sending in found.sendings:
            if sending.row is None:
                self._ahead[sending.event_id] = sending.seq
            task = asyncio.create_task(self._send(sending), name=f"{self.name} {sending.event_id}")
            task.add_done_callback(lambda _: self._woken.set())
            self._under_way[task] = sending
        if found.standing.replay_after is not None and found.doubts.number < upcoming.AT_ONCE and self._lease:
            await self._database.follow.write(book.replay_some, self.page, self._lease)
            self._woken.set()
        self._measure(found)
        return found

    async def _send(self, sending: Sending) -> Answered:
        if sending.content is None:
            return Answered(Try(self._clock(), None, NOT_KEPT, 0))
        try:
            return await self.call.send(sending.event_id, sending.content)
        except Exception as error:  # a bug here, which must not stop the other deliveries
            log.exception("webhook.broken", webhook=self.name)
            return Answered(Try(self._clock(), None, f"Gatepost could not send it ({type(error).__name__})", 0))

    def _pause(self, found: Found) -> float:
        """Until something is due, or is to be noted."""
        waits = [LOOK_SECONDS]
        if self._missed or (not found.is_all and found.standing.off is None and found.again_at is None):
            waits.append(0.0)
        if found.again_at is not None:
            waits.append((found.again_at - self._clock()) / 1000)
        if self._outcomes or self._position() != self._noted:
            waits.append(self._note_at - self._monotonic())
        return max(0.0, min(waits))

    def _measure(self, found: Found) -> None:
        is_open = found.standing.off is None and self._clock() >= found.standing.ask_at
        # A receiver that takes nothing now need not be looked at with every comment.
        self._heeds_events = is_open and len(self._under_way) < upcoming.AT_ONCE
        late = 0.0 if found.since is None else max(0.0, (self._clock() - found.since) / 1000)
        self._metrics.webhook_behind.labels(*self._labels).set(max(0, found.last - self._position()))
        self._metrics.webhook_oldest.labels(*self._labels).set(late)

    def _tell(self, outcomes: Sequence[Outcome], *, before: Standing | None, after: Standing) -> None:
        """Count what came of them, and log what an owner should know."""
        for outcome in outcomes:
            word = "delivered" if outcome.answered.is_taken else "refused"
            self._metrics.webhook_deliveries.labels(*self._labels, word).inc()
        was_suspended = before is not None and retries.is_suspended(before.refused)
        is_suspended = retries.is_suspended(after.refused)
        error = after.last_failure.error if after.last_failure else None
        if after.off is not None and (before is None or before.off is None):
            log.warning("webhook.off", webhook=self.name, error=error)
        elif is_suspended and not was_suspended:
            log.warning("webhook.suspended", webhook=self.name, error=error)
        elif was_suspended and not is_suspended:
            log.info("webhook.goes_on", webhook=self.name)
