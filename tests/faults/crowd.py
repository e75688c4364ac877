"""Readers and moderators who go on while a service is killed under them, and remember what they were told.

Each reader submits one text after the other, each with a key of its own, and asks again until there is an answer; a
moderator decides about it in the same way. Whatever was answered with success must be in the store exactly once at the
end, and nothing else. Called by the tests here and by `benchmarks/kill.py`.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

import aiohttp

from tests.faults.process import Service
from tests.harness import Answer, Person
from tests.rows import Rows

NOT_NOW = {503}
REPLAY_EVERY = 8
"""Each reader asks for one of so many old answers again."""
DECIDED = "SELECT comment_id, id FROM decisions WHERE actor_kind = 'moderator'"


@dataclass
class Told:
    """What the crowd has in writing."""

    submissions: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """Comment id and reply by text."""
    decisions: dict[str, str] = field(default_factory=dict)
    """Decision id by comment id."""
    retried: int = 0
    """Requests that had to be sent again: it is not known what became of the first."""
    replayed: int = 0
    """Old keys that were sent again, and got the first reply again."""
    odd: list[str] = field(default_factory=list)
    """Answers that nobody should get."""


class Crowd:
    """So many readers, each at one of the services (in turn, where there are several)."""

    def __init__(self, services: Sequence[Service], *, readers: int) -> None:
        self.told = Told()
        self._services = services
        self._readers = readers
        self._up = asyncio.Event()
        self._up.set()
        self._going_home = False
        self._news = asyncio.Condition()
        self._tasks: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> "Crowd":
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=60)
        )
        self._tasks = [asyncio.create_task(self._read_and_write(number)) for number in range(self._readers)]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.close()

    async def told_more(self, number: int) -> None:
        """Until so many more submissions are acknowledged."""
        wanted = len(self.told.submissions) + number
        async with self._news:
            await self._news.wait_for(lambda: len(self.told.submissions) >= wanted or self._has_failed())
        self._raise_failures()

    def service_is_down(self) -> None:
        """Whoever meets a closed door waits for `service_is_up`."""
        self._up.clear()

    def service_is_up(self) -> None:
        """Try again."""
        self._up.set()

    async def go_home(self) -> None:
        """Everybody finishes what they have in hand."""
        self._going_home = True
        await asyncio.gather(*self._tasks)

    def _has_failed(self) -> bool:
        return any(task.done() and not task.cancelled() and task.exception() for task in self._tasks)

    def _raise_failures(self) -> None:
        for task in self._tasks:
            if task.done():
                task.result()

    async def _read_and_write(self, number: int) -> None:
        reader, moderator = self._people(number)
        try:
            for turn in count():
                if self._going_home:
                    return
                text = f"Reader {number}, text {turn}"
                await self._submit(reader, text)
                if turn % 2:
                    await self._decide(moderator, self.told.submissions[text][0])
                if turn % REPLAY_EVERY == 0:
                    await self._replay(reader, f"Reader {number}, text {turn // 2}")
        finally:
            async with self._news:
                self._news.notify_all()

    def _people(self, number: int) -> tuple[Person, Person]:
        service = self._services[number % len(self._services)]
        return (
            service.person(self._session, f"reader {number}"),
            service.person(self._session, f"moderator {number}", roles=["moderator"]),
        )

    async def _submit(self, reader: Person, text: str) -> None:
        answer = await self._ask(reader, f"posts/post-{text[-1]}/comments", {"body": text}, text)
        if answer.status != 202:
            self.told.odd.append(f"submission: {answer.status} {answer.code}")
            return
        self.told.submissions[text] = (answer.json["comment"]["id"], answer.body)
        async with self._news:
            self._news.notify_all()

    async def _decide(self, moderator: Person, comment_id: str) -> None:
        answer = await self._ask(
            moderator, f"comments/{comment_id}/decisions", {"action": "approve", "version": 1}, None
        )
        if answer.status not in {201, 409}:
            self.told.odd.append(f"decision: {answer.status} {answer.code}")
            return
        # 409: it was the first attempt that got through, although its answer did not.
        self.told.decisions[comment_id] = answer.json["decision"]["id"]

    async def _replay(self, reader: Person, text: str) -> None:
        answer = await self._ask(reader, f"posts/post-{text[-1]}/comments", {"body": text}, text)
        if answer.body != self.told.submissions[text][1] or "Idempotency-Replayed" not in answer.headers:
            self.told.odd.append(f"replay: {answer.status} {answer.code}")
        self.told.replayed += 1

    async def _ask(self, person: Person, path: str, body: dict[str, object], key: str | None) -> Answer:
        """Ask until there is an answer."""
        for attempt in count():
            await self._up.wait()
            service = self._services[(hash(person.headers["Authorization"]) + attempt) % len(self._services)]
            url = f"{service.address}/v1/sites/blog/{path}"
            try:
                async with self._session.post(
                    url, json=body, headers={**person.headers, **({"Idempotency-Key": key} if key else {})}
                ) as response:
                    content = await response.read()
                    if response.status not in NOT_NOW:
                        return Answer(response.status, response.headers, content, await response.json())
            except (aiohttp.ClientError, ConnectionError):
                pass
            self.told.retried += 1
            await asyncio.sleep(0)
        raise AssertionError


def audit(told: Told, rows: Rows) -> list[str]:
    """What is lost, doubled or out of order in the store, given what the crowd was told. Empty: nothing.

    Everybody went home before: what the store has and nobody was told of is wrong as well.
    """
    found = told.odd + lost_or_doubled(told, rows)
    texts = [body for (body,) in rows.execute("SELECT body FROM comments")]
    found += [f"nobody was told of: {text}" for text in texts if text not in told.submissions]
    decided = [comment_id for comment_id, _ in rows.execute(DECIDED)]
    found += [f"nobody was told of the decision: {one}" for one in decided if one not in told.decisions]
    numbers = rows.execute("SELECT count(*), min(seq), max(seq) FROM events WHERE site = 'blog'").fetchone()
    wanted = len(told.submissions) + len(told.decisions)
    if tuple(numbers) != (wanted, 1, wanted):
        found.append(f"events: {wanted} are expected, count, first and last are {tuple(numbers)}")
    return found


def lost_or_doubled(told: Told, rows: Rows) -> list[str]:
    """What the crowd was told and is not in the store exactly once; and what is there in part only. Empty: nothing."""
    kept: dict[str, str] = {}
    times: Counter[str] = Counter()
    for body, comment_id in rows.execute("SELECT body, id FROM comments"):
        times[body] += 1
        kept[body] = comment_id
    found = [f"lost: {text}" for text, (comment_id, _) in told.submissions.items() if kept.get(text) != comment_id]
    found += [f"doubled: {text}" for text, number in times.items() if number > 1]
    replies = rows.number("SELECT count(*) FROM idempotency")
    if replies != times.total():
        found.append(f"kept replies: {replies}, and {times.total()} comments")
    return found + _lost_or_doubled_decisions(told, rows)


def _lost_or_doubled_decisions(told: Told, rows: Rows) -> list[str]:
    kept = rows.execute(DECIDED).fetchall()
    ids = dict(kept)
    found = [f"decision lost: {one}" for one, decision_id in told.decisions.items() if ids.get(one) != decision_id]
    if len(kept) != len(ids):
        found.append("a comment is decided twice")
    approved = {comment_id for (comment_id,) in rows.execute("SELECT id FROM comments WHERE status = 'approved'")}
    return found + [f"decided and not approved, or the other way: {one}" for one in approved ^ set(ids)]
