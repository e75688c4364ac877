"""Remembers for seconds what a blog's login said about a credential: `introspection` and `session` ask through here.

Only good answers are kept, each under a SHA-256 of the credential it was given for, so memory holds no token or cookie.
An answer's age counts from the moment the question was sent, not from the reply: a slow login cannot stretch the limit.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from service import shelf
from service.model import Clock, Milliseconds
from service.shelf import Shelf

Answer = TypeVar("Answer")
LookUp = Callable[[], Awaitable[tuple[Answer, Milliseconds | None]]]
"""Asks the login: the good answer and the time it is good until at most (None: as long as the cache keeps it)."""
MAX_BYTES = 3 * 1024 * 1024
"""Of each login: some 5,800 answers. With 15 seconds each: 390 different readers a second before the oldest answer has
to be asked for again."""


def digest_of(*parts: str) -> bytes:
    """The key of a credential made of `parts`: no two different lists of parts share one (each is length-prefixed)."""
    digest = hashlib.sha256()
    for part in parts:
        octets = part.encode("utf-8", "surrogatepass")
        digest.update(len(octets).to_bytes(8, "big") + octets)
    return digest.digest()


@dataclass(frozen=True, slots=True)
class _Kept(Generic[Answer]):
    answer: Answer
    asked_at: Milliseconds
    good_until: Milliseconds


@dataclass(frozen=True, slots=True)
class _Question(Generic[Answer]):
    task: asyncio.Task[Answer]
    asked_at: Milliseconds


class AnswerCache(Generic[Answer]):
    """Good answers by credential: at most `max_bytes` of them, none older than `seconds` (0: every request asks)."""

    def __init__(self, *, seconds: float, clock: Clock, max_bytes: int = MAX_BYTES) -> None:
        self.hits = 0
        self.misses = 0
        self._lifetime: Milliseconds = round(seconds * 1000)
        self._clock = clock
        self._kept: Shelf[bytes, _Kept[Answer]] = Shelf(max_bytes, shelf.small)
        self._asking: dict[bytes, _Question[Answer]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    async def get(self, key: bytes, look_up: LookUp[Answer]) -> Answer:
        """The answer for `key`: a kept one, the one that is already being asked for, or a new one from `look_up`.

        Raises whatever `look_up` raises, to everybody who waits for it; failures are not kept. A caller who goes away
        does not take the answer from the others.
        """
        now = self._clock()
        kept = self._kept.find(key)
        # `asked_at <= now`: after the wall clock was set back, an answer must not live on for the difference.
        if kept is not None and kept.asked_at <= now < kept.good_until:
            self.hits += 1
            return kept.answer
        question = self._asking.get(key)
        if question is not None and question.asked_at <= now < question.asked_at + self._lifetime:
            self.hits += 1
            return await asyncio.shield(question.task)
        self.misses += 1
        return await asyncio.shield(self._begin(key, look_up, now))

    async def stop(self) -> None:
        """Forget everything and end the look-ups under way."""
        tasks = [question.task for question in self._asking.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._kept.clear()

    def _begin(self, key: bytes, look_up: LookUp[Answer], now: Milliseconds) -> asyncio.Task[Answer]:
        task = asyncio.create_task(self._ask(key, look_up, now))
        question = _Question(task, now)
        self._asking[key] = question

        def ended(done: asyncio.Task[Answer]) -> None:
            if self._asking.get(key) is question:
                del self._asking[key]
            if not done.cancelled():
                done.exception()  # heard here as well, for when everybody who waited has gone

        task.add_done_callback(ended)
        return task

    async def _ask(self, key: bytes, look_up: LookUp[Answer], asked_at: Milliseconds) -> Answer:
        answer, good_until = await look_up()
        latest = asked_at + self._lifetime
        self._keep(key, _Kept(answer, asked_at, latest if good_until is None else min(latest, good_until)))
        return answer

    def _keep(self, key: bytes, new: _Kept[Answer]) -> None:
        now = self._clock()
        if not new.asked_at <= now < new.good_until:
            return
        self._kept.put(key, new)
        while (oldest := self._kept.oldest()) is not None and oldest[1].good_until <= now:
            self._kept.drop(oldest[0])
