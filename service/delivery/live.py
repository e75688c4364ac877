"""Tells open streams what happens: one for each post, and for moderators one for each site's queue.

`web` opens a `Listener` for each request and writes what it takes. What a stream says of an
event is made once, however many listen, from what the store holds at that moment: a comment that was published and has
been taken down meanwhile leaves as one that was removed. The bytes are those of Server-Sent Events (WHATWG HTML, 9.2).
"""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

import pydantic_core

from service.background import Job
from service.delivery.follower import Follower
from service.delivery.listener import Listener
from service.delivery.relay import LEAST_PAUSE_SECONDS, Relay
from service.metrics import Metrics
from service.model import Event, PostKey, SiteKey
from service.store import events
from service.store.database import Database, Transaction

BEAT_SECONDS = 15.0
"""How often every listener hears something, so that proxies keep the connection and we see who has gone."""
RETRY_MILLISECONDS = (2000, 5000)
"""After which clients come back when a stream has ended: each after another time, for a stopping server ends them all
at once."""
MOST_MISSED = 1000
"""Events that are told again to one who comes back. Reading the list anew is cheaper than more."""
MOST_UNTOLD = 10_000
"""Events that wait to be told, all streams together, before everybody is sent away to come back."""
AT_ONCE = 100
"""Events that are read in one transaction, and listeners woken in one turn of the loop."""
EVENT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Stream = tuple[SiteKey, PostKey | None]
"""What is listened to: a post, or (None) the site's queue."""


def come_back() -> str:
    """The line that tells a client when to come back after the end."""
    return f"retry: {random.randint(*RETRY_MILLISECONDS)}\n"  # noqa: S311  # spreads, and guards nothing


@dataclass(frozen=True, slots=True)
class News:
    """What a stream says of an event: its name there, and what goes into `data` as JSON."""

    name: str
    about: object


Tell = Callable[[Transaction, Event], Sequence[News]]


@dataclass(frozen=True, slots=True)
class _Past:
    """What a listener has missed; where it has not, or too much, from which event on it goes: `start`."""

    missed: Sequence[Event] | None = None
    start: str | None = None


class Live(Follower):
    """All open streams of this process.

    `of_post` and `of_queue` say what streams tell of an event; they read what is so now.
    """

    name = "live"

    def __init__(self, database: Database, relay: Relay, *, of_post: Tell, of_queue: Tell, metrics: Metrics) -> None:
        self._database = database
        self._relay = relay
        self._of_post = of_post
        self._of_queue = of_queue
        self._metrics = metrics
        self._listeners: dict[Stream, dict[Listener, None]] = {}
        self._untold: list[tuple[Stream, Event]] = []
        self._woken = asyncio.Event()
        self._is_closed = False

    async def place(self, stream: Stream, last_id: str) -> int | None:
        """The number of the event `last_id`; None where it is none of this stream's. Raises StoreUnavailable."""
        if not EVENT_ID.fullmatch(last_id):
            return None
        last = await self._database.read(events.find, stream[0], last_id)
        return last.seq if last is not None and stream in _streams_of(last) else None

    @contextmanager
    def listener(self, stream: Stream, abort: Callable[[], None], *, place: int = 0) -> Iterator[Listener]:
        """Somebody who listens until the block ends: to every event that this process hears of from now on.

        What is not behind `place` they know from a replica that is ahead of this one.
        """
        now = self._relay.position(stream[0])
        listener = Listener(now, max(now, place), abort)
        if self._is_closed:
            listener.silence()
        open_ones = self._metrics.listeners.labels("queue" if stream[1] is None else "post")
        self._listeners.setdefault(stream, {})[listener] = None
        open_ones.inc()
        try:
            yield listener
        finally:
            open_ones.dec()
            del self._listeners[stream][listener]
            if not self._listeners[stream]:
                del self._listeners[stream]

    async def until_now(
        self, listener: Listener, stream: Stream, place: int | None, *, is_new: bool
    ) -> AsyncIterator[bytes]:
        """How a stream begins: with what came after `place` and before what `listener` gets.

        Where that cannot be told, with a `reset`, unless it `is_new`: read everything anew. Raises StoreUnavailable.
        """
        past = await self._database.read(_look_back, stream, place, listener.since)
        start = f"id: {past.start}\n" if past.start else ""
        yield f"{come_back()}{start}\n".encode()
        if past.missed is None and not is_new:
            yield f"{start}event: reset\ndata: {{}}\n\n".encode()
        missed = iter(past.missed or ())
        while part := [(stream, event) for event in islice(missed, AT_ONCE)]:
            yield b"".join(await self._database.read(self._messages, part))

    def handle(self, events: Sequence[Event]) -> None:
        """Keep what somebody listens to, until it is told."""
        if not self._listeners:
            return
        heard = [(stream, event) for event in events for stream in _streams_of(event) if stream in self._listeners]
        if len(self._untold) + len(heard) > MOST_UNTOLD:
            self._untold.clear()
            self.send_away()
        elif heard:
            self._untold += heard
            self._woken.set()

    def skipped(self, site: SiteKey) -> None:
        """Nobody can be told what is missing: everybody is sent away, and reads anew when they come back."""
        self._untold.clear()
        self.send_away()

    def jobs(self) -> Sequence[Job]:
        """One that tells, one that lets every listener hear that the stream is alive."""
        return (
            Job("tell-listeners", self.tell, LEAST_PAUSE_SECONDS, is_vital=False),
            Job("keep-listeners", self.beat, BEAT_SECONDS, is_vital=False),
        )

    async def tell(self) -> None:
        """Wait for events, tell some. A job. Raises StoreUnavailable: then the same are told at the next run."""
        await self._woken.wait()
        told = self._untold[:AT_ONCE]
        messages = await self._database.read(self._messages, told)
        if self._untold[: len(told)] == told:  # else everybody has been sent away meanwhile
            del self._untold[: len(told)]
            for (stream, event), message in zip(told, messages, strict=True):
                await self._give(stream, event, message)
        if not self._untold:
            self._woken.clear()

    async def beat(self) -> None:
        """Let every listener hear that the stream is alive. A job."""
        for stream in list(self._listeners):
            for listeners in _parts(self._listeners.get(stream, ())):
                for listener in listeners:
                    listener.beat()
                await asyncio.sleep(0)

    def close(self) -> None:
        """End every stream at once, and every one that is opened after that."""
        self._is_closed = True
        self.send_away()

    def send_away(self) -> None:
        """End every stream that is open; clients come back and go on where they were."""
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.end()

    async def _give(self, stream: Stream, event: Event, message: bytes) -> None:
        if not message:
            return
        for listeners in _parts(self._listeners.get(stream, ())):
            for listener in listeners:
                if event.seq > listener.after and not listener.give(message):
                    self._metrics.listeners_cut.inc()
            await asyncio.sleep(0)

    def _messages(self, tx: Transaction, told: Sequence[tuple[Stream, Event]]) -> list[bytes]:
        return [self._message(tx, stream, event) for stream, event in told]

    def _message(self, tx: Transaction, stream: Stream, event: Event) -> bytes:
        """Everything that the stream says of the event.

        Only the last part has the event's id: a client that got no more than the ones before it hears all of it again.
        """
        tell = self._of_queue if stream[1] is None else self._of_post
        told = [
            b"event: %b\ndata: %b\n\n" % (news.name.encode(), pydantic_core.to_json(news.about))
            for news in tell(tx, event)
        ]
        if told:
            told[-1] = b"id: %b\n%b" % (event.id.encode(), told[-1])
        return b"".join(told)


def _streams_of(event: Event) -> Iterator[Stream]:
    """Who may hear of it: readers of what readers see, moderators of what happens to comments, and who holds them."""
    if event.post is not None and event.post_revision is not None:
        yield event.site, event.post
    if events.waiting_of(event) or event.type == events.CLAIMED:
        yield event.site, None


def _look_back(tx: Transaction, stream: Stream, place: int | None, now: int) -> _Past:
    site, post = stream
    if place is not None and place + 1 >= events.first_number(tx, site):  # else some of it has been removed
        missed = events.between(tx, site, post, place, now, limit=MOST_MISSED + 1)
        if len(missed) <= MOST_MISSED:
            return _Past([event for event in missed if stream in _streams_of(event)])
    newest = events.newest(tx, site, post, now, limit=AT_ONCE)
    return _Past(start=next((event.id for event in newest if stream in _streams_of(event)), None))


def _parts(listeners: "dict[Listener, None] | tuple[()]") -> Iterator[list[Listener]]:
    every = iter(list(listeners))
    while part := list(islice(every, AT_ONCE)):
        yield part
