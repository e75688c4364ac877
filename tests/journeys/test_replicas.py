"""Two services on one PostgreSQL behave as one, whichever is asked; and the order of events, on both databases."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from itertools import count, cycle
from typing import Any

import psycopg
import pytest

from service.model import SiteKey
from service.store import events, migrate
from service.store.database import Database
from service.store.postgres import WRITER_LOCK
from tests.harness import Gatepost, Hands, configuration
from tests.launch import launch

pytestmark = pytest.mark.own_engines
SITE = SiteKey("blog")
PATIENCE_SECONDS = 60
"""How long a test waits for what must come: only a broken service ever takes so long."""

Pair = tuple[Gatepost, Gatepost]


@pytest.fixture
async def pair(postgres_url: str, clock: Hands) -> AsyncIterator[Pair]:
    """Two services on one store."""
    async with AsyncExitStack() as stack:
        wanted = configuration(postgres_url)
        yield (await launch(stack, wanted, clock=clock), await launch(stack, wanted, clock=clock))


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Asks again until it holds."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await holds():
            pass


async def submitted(gatepost: Gatepost, number: int) -> list[str]:
    """The ids of so many comments that wait."""
    answers = await asyncio.gather(*(gatepost.reader(f"reader {one}").submit(f"Text {one}") for one in range(number)))
    return [answer.json["comment"]["id"] for answer in answers]


# --- One service, whichever is asked ----------------------------------------------------------------------------------


async def test_a_comment_lives_on_both(pair: Pair) -> None:
    here, there = pair
    comment = (await here.reader("ada").submit("Hello")).json["comment"]
    queue = (await there.moderator().get("queue")).json
    assert [entry["comment"]["id"] for entry in queue["entries"]] == [comment["id"]]
    assert (await there.moderator().decide(comment["id"], "approve", 1)).status == 201

    assert await _shown(there) == [comment["id"]]
    await until(lambda: _shows(here, [comment["id"]]))
    edited = await here.reader("ada").edit(comment["id"], "Hello again", 2)
    assert (edited.status, edited.json["comment"]["author"]["key"]) == (200, comment["author"]["key"])


async def test_a_takedown_reaches_the_other(pair: Pair) -> None:
    here, there = pair
    comment = await here.approved("Not for long")

    await until(lambda: _shows(there, [comment["id"]]))
    assert (await here.moderator().decide(comment["id"], "spam", comment["version"])).status == 201
    assert await _shown(here) == []
    await until(lambda: _shows(there, []))


async def _shown(gatepost: Gatepost) -> list[str]:
    return [comment["id"] for comment in (await gatepost.public())["comments"]]


async def _shows(gatepost: Gatepost, ids: list[str]) -> bool:
    return await _shown(gatepost) == ids


async def test_one_of_two_decisions_on_two_services_wins(pair: Pair) -> None:
    for turn in range(10):
        (comment_id,) = await submitted(pair[turn % 2], 1)
        answers = await asyncio.gather(
            pair[0].moderator("mo").decide(comment_id, "approve", 1),
            pair[1].moderator("max").decide(comment_id, "reject", 1),
        )
        won, lost = sorted(answers, key=lambda answer: answer.status)
        assert [(won.status, won.code), (lost.status, lost.code)] == [(201, None), (409, "already-decided")]
        assert lost.json["decision"] == won.json["decision"]
        pair[0].clock.advance(seconds=100_000)  # or the next text of these readers would be a repeated one


async def test_claims_are_never_handed_out_twice(pair: Pair) -> None:
    waiting = await submitted(pair[0], 40)
    claims = await asyncio.gather(
        *(
            gatepost.moderator(f"moderator {number}").call(
                "POST", "queue/claims", json={"limit": 6, "lease_seconds": 60}
            )
            for number, gatepost in zip(range(8), cycle(pair), strict=False)
        )
    )
    held = [entry["comment"]["id"] for claim in claims for entry in claim.json["entries"]]
    assert {claim.status for claim in claims} == {200}
    assert sorted(held) == sorted(waiting)


async def test_a_key_is_good_once_on_both(pair: Pair) -> None:
    for number in range(5):
        answers = await asyncio.gather(
            *(
                gatepost.reader("ada").submit(f"Text {number}", headers={"Idempotency-Key": f"key {number}"})
                for gatepost in (*pair, *pair, *pair)
            )
        )
        assert {(answer.status, answer.body) for answer in answers} == {(202, answers[0].body)}
        replayed = sorted(answer.headers.get("Idempotency-Replayed", "first") for answer in answers)
        assert replayed == ["first", *["true"] * 5]
    assert (await pair[1].moderator().get("queue")).json["total"] == 5


async def test_a_key_with_another_body_is_refused_on_the_other(pair: Pair) -> None:
    here, there = pair
    key = {"Idempotency-Key": "key"}
    assert (await here.reader("ada").submit("One", headers=key)).status == 202
    other = await there.reader("ada").submit("Two", headers=key)
    assert (other.status, other.code) == (422, "idempotency-key-reused")


async def test_a_repeated_text_is_refused_on_the_other(pair: Pair) -> None:
    answers = await asyncio.gather(*(gatepost.reader("ada").submit("Twice") for gatepost in (*pair, *pair)))
    assert sorted((answer.status, answer.code) for answer in answers if answer.code) == [(409, "duplicate-comment")] * 3


async def test_cursors_of_one_are_good_on_the_other(pair: Pair) -> None:
    for number in range(5):
        pair[0].clock.advance(seconds=1)
        await pair[0].approved(f"Text {number}")
    found: list[str] = []
    cursor: dict[str, str] = {}
    for gatepost in cycle(pair):
        page = await gatepost.public(limit=1, view="flat", sort="oldest", **cursor)
        found += [comment["html"] for comment in page["comments"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert found == [f'<p dir="auto">Text {number}</p>\n' for number in range(5)]


async def test_a_ban_on_one_counts_on_the_other(pair: Pair) -> None:
    here, there = pair
    key = (await here.reader("eve").submit("First")).json["comment"]["author"]["key"]
    banned = await here.moderator().call("PATCH", f"authors/{key}", json={"banned_until": "forever"})
    assert banned.status == 200
    assert (await there.reader("eve").submit("Second")).code == "banned"


async def test_rules_lists_and_brakes_hold_on_the_other_from_the_next_text_on(pair: Pair) -> None:
    here, there = pair
    rule = {
        "id": "rivals",
        "title": "Rivals",
        "when": [{"lists.matched": {"any_of": ["rivals"]}}],
        "then": "spam",
        "brake": {"share": 1, "per_day": 2},
    }
    number = count(1)

    async def outcome(of: Gatepost, body: str) -> str:
        submitted = await of.reader("ada").submit(f"{body} {next(number)}")
        told = await here.moderator().get(f"comments/{submitted.json['comment']['id']}/judgements")
        return str(told.json["judgements"][0]["outcome"])

    async def change(of: Gatepost, method: str, path: str, version: int, body: Any) -> None:
        headers = {"If-Match": f'"{version}"'} if version >= 0 else {"If-None-Match": "*"}
        answer = await of.reader("root", roles=["admin"]).call(method, path, headers=headers, json=body)
        assert answer.status < 300, answer.json

    await change(here, "PUT", "lists/rivals", -1, {"title": "Rivals", "kind": "words"})
    document = {"format": 1, "otherwise": "publish", "audit_share": 0, "rules": [rule]}
    await change(here, "PUT", "policy", 0, {"document": document})
    assert await outcome(there, "Acme") == "publish"
    await change(here, "PATCH", "lists/rivals/entries", 1, {"add": [{"value": "acme"}]})
    assert [await outcome(there, "Acme"), await outcome(here, "Acme")] == ["spam", "spam"]
    assert await outcome(there, "Acme") == "hold", "what both did is counted together, so the rule is braked"
    released = await there.reader("root", roles=["admin"]).call("DELETE", "policy/brakes/rivals")
    assert (released.status, await outcome(here, "Acme")) == (204, "spam")
    await change(there, "PATCH", "lists/rivals/entries", 2, {"remove": ["acme"]})
    assert await outcome(here, "Acme") == "publish"
    await change(there, "PUT", "policy", 1, {"document": {**document, "otherwise": "hold"}})
    assert await outcome(here, "Acme") == "hold"


# --- The order of events ----------------------------------------------------------------------------------------------


class Tail:
    """A reader that remembers the last number it saw, and asks for what comes after it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.seen: list[tuple[int, str]] = []
        self._enough = asyncio.Event()

    async def follow(self) -> None:
        """Read until told that it is enough, and once more to the end."""
        while True:
            was_enough = self._enough.is_set()
            last = self.seen[-1][0] if self.seen else 0
            found = await self._database.read(events.after, SITE, last, limit=7)
            self.seen += [(event.seq, str(event.comment_id)) for event in found]
            if was_enough and not found:
                return

    def stop(self) -> None:
        """No more will be written."""
        self._enough.set()


async def _write_and_decide(gatepost: Gatepost, name: str) -> None:
    """Submissions, each followed by a decision, with refused ones between them."""
    reader = gatepost.reader(name)
    for number in range(6):
        comment = (await reader.submit(f"Text {number}")).json["comment"]
        assert (await reader.submit(f"Text {number}")).status == 409
        assert (await gatepost.moderator().decide(comment["id"], "approve", 1)).status == 201


async def test_a_tailing_reader_misses_nothing_and_meets_no_gap(services: list[Gatepost]) -> None:
    tails = [Tail(gatepost.running.database) for gatepost in services for _ in range(2)]
    following = [asyncio.create_task(tail.follow()) for tail in tails]
    await asyncio.gather(
        *(
            _write_and_decide(gatepost, f"reader {number}")
            for number, gatepost in zip(range(16), cycle(services), strict=False)
        )
    )
    for tail in tails:
        tail.stop()
    await asyncio.gather(*following)
    for tail in tails:
        assert [seq for seq, _ in tail.seen] == list(range(1, 16 * 6 * 2 + 1))
        assert tail.seen == tails[0].seen


async def test_decisions_stand_in_the_order_of_their_events(services: list[Gatepost]) -> None:
    await asyncio.gather(
        *(
            _write_and_decide(gatepost, f"reader {number}")
            for number, gatepost in zip(range(4), cycle(services), strict=False)
        )
    )
    found: list[tuple[int, str]] = []
    tail = Tail(services[0].running.database)
    tail.stop()
    await tail.follow()
    record = (await services[-1].moderator().get("decisions", params={"limit": 200})).json["decisions"]
    found = [(number, decision["comment_id"]) for number, decision in enumerate(record, start=1)]
    assert found == tail.seen


# --- Starting together ------------------------------------------------------------------------------------------------


async def test_services_that_start_at_once_make_the_schema_once(empty_postgres_url: str, clock: Hands) -> None:
    opened = await asyncio.gather(*(Database.open(empty_postgres_url, clock=clock) for _ in range(4)))
    for database in opened:
        await database.close()
    with psycopg.connect(empty_postgres_url) as connection:
        assert migrate.current_postgres(connection) == migrate.head()


async def test_services_that_start_at_once_share_one_secret(empty_postgres_url: str, clock: Hands) -> None:
    async with AsyncExitStack() as stack:
        started = await asyncio.gather(
            *(launch(stack, configuration(empty_postgres_url), clock=clock) for _ in range(3))
        )
        keys = {(await one.reader("ada").get("me")).json["user"]["key"] for one in started}
    assert len(keys) == 1


async def test_an_upgrade_waits_for_writes_in_hand(empty_postgres_url: str, clock: Hands) -> None:
    with psycopg.connect(empty_postgres_url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (WRITER_LOCK,))
        opening = asyncio.create_task(Database.open(empty_postgres_url, clock=clock))
        with psycopg.connect(empty_postgres_url, autocommit=True) as observer:

            async def is_waiting() -> bool:
                asked = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
                found: Any = await asyncio.to_thread(lambda: observer.execute(asked).fetchone())
                return bool(found[0])

            await until(is_waiting)
            assert migrate.current_postgres(observer) is None
        other.rollback()
    await (await opening).close()
