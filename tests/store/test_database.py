"""Transactions: what one caller may rely on while others write, fail, read and go away."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import psycopg
import pytest
from sqlalchemy import bindparam, func, insert, select

from service.errors import StoreUnavailable, UnknownComment
from service.model import PostKey, SiteKey
from service.store import posts, rules
from service.store.database import Database, Transaction
from service.store.engine import Connection
from service.store.tables import events as events_table
from service.store.tables import posts as posts_table
from tests.harness import Hands
from tests.rows import Rows

T = TypeVar("T")
SITE = SiteKey("blog")
NOTE_EVENT = insert(events_table).values({column.name: bindparam(column.name) for column in events_table.c})
PATIENCE_SECONDS = 30
"""How long a thread waits for its gate: only a broken test ever does."""


def close_post(tx: Transaction, key: str) -> str:
    """A write like any other."""
    return posts.set_open(tx, SITE, PostKey(key), is_open=False).key


def closed_posts(tx: Transaction) -> list[str]:
    """What the writes left."""
    rows = tx.all(select(posts_table.c.post).where(~posts_table.c.open).order_by(posts_table.c.post))
    return [row["post"] for row in rows]


class Gate:
    """Holds a database thread inside a transaction until the test opens it."""

    def __init__(self) -> None:
        self._reached = threading.Event()
        self._open = threading.Event()

    def holding(self, work: Callable[[Transaction], object]) -> Callable[[Transaction], object]:
        """`work`, held before it starts."""

        def held(tx: Transaction) -> object:
            self.wait()
            return work(tx)

        return held

    def wait(self) -> None:
        """Called on the database thread."""
        self._reached.set()
        assert self._open.wait(PATIENCE_SECONDS)

    async def reached(self) -> None:
        """Until the thread stands at the gate."""
        assert await asyncio.to_thread(self._reached.wait, PATIENCE_SECONDS)

    def open(self) -> None:
        """Let the thread go on."""
        self._open.set()


class Ledger:
    """The engine, with a list of the transactions that it carried out from now on."""

    def __init__(self, database: Database) -> None:
        self._engine = database._engine
        self.made: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def write(self, work: Callable[[Connection], T], then: "Callable[[asyncio.Future[T]], None]") -> None:
        """As the engine writes."""

        def ended(answer: "asyncio.Future[T]") -> None:
            if answer.exception() is None:
                self.made.append("commit")
            then(answer)

        self._engine.write(work, ended)


def commits(database: Database) -> list[str]:
    """The commits that the store makes from now on."""
    database._commits._engine = ledger = Ledger(database)
    return ledger.made


async def in_one_batch(database: Database, *works: Callable[[Transaction], object]) -> list[object]:
    """What becomes of each, when all of them wait while another commit is made."""
    gate = Gate()
    before = asyncio.create_task(database.write(gate.holding(lambda tx: None)))
    await gate.reached()
    writes = [asyncio.create_task(database.write(work)) for work in works]
    await asyncio.sleep(0)
    gate.open()
    await before
    return await asyncio.gather(*writes, return_exceptions=True)


async def test_a_unit_that_fails_is_rolled_back_alone(database: Database) -> None:
    def fail(tx: Transaction) -> None:
        close_post(tx, "half")
        raise UnknownComment

    made = commits(database)
    outcomes = await in_one_batch(
        database, lambda tx: close_post(tx, "first"), fail, lambda tx: close_post(tx, "third")
    )
    assert [type(one) for one in outcomes] == [str, UnknownComment, str]
    assert await database.read(closed_posts) == ["first", "third"]
    assert len(made) == 2  # the one before, and theirs


async def test_a_refusal_before_anything_was_written_costs_the_others_nothing(database: Database) -> None:
    ran: list[str] = []

    def close(tx: Transaction, key: str) -> None:
        ran.append(key)
        close_post(tx, key)

    def refuse(tx: Transaction) -> None:
        assert "first" in closed_posts(tx)
        raise UnknownComment

    outcomes = await in_one_batch(database, lambda tx: close(tx, "first"), refuse, lambda tx: close(tx, "third"))
    assert [type(one) for one in outcomes] == [type(None), UnknownComment, type(None)]
    assert await database.read(closed_posts) == ran == ["first", "third"]


async def test_a_broken_rule_of_the_schema_is_a_bug_and_keeps_nobody_else_back(database: Database) -> None:
    def break_rule(tx: Transaction) -> None:
        close_post(tx, "half")
        posts.show_change(tx, SITE, PostKey("half"), delta=-1)

    outcomes = await in_one_batch(database, break_rule, lambda tx: close_post(tx, "after"))
    assert isinstance(outcomes[0], sqlite3.IntegrityError | psycopg.IntegrityError)
    assert await database.read(closed_posts) == ["after"]


async def test_writes_that_wait_for_a_commit_share_the_next(database: Database) -> None:
    made, gate = commits(database), Gate()
    first = asyncio.create_task(database.write(gate.holding(lambda tx: close_post(tx, "first"))))
    await gate.reached()
    writes = [asyncio.create_task(database.write(close_post, f"post {number}")) for number in range(100)]
    await asyncio.sleep(0)
    gate.open()
    await asyncio.gather(first, *writes)
    assert len(made) == 2
    assert len(await database.read(closed_posts)) == 101


async def test_nested_failures_keep_what_stands_around_them(database: Database) -> None:
    def work(tx: Transaction) -> None:
        close_post(tx, "before")
        with suppress(UnknownComment), tx.savepoint():
            close_post(tx, "inside")
            raise UnknownComment
        close_post(tx, "behind")

    await database.write(work)
    assert await database.read(closed_posts) == ["before", "behind"]


async def test_a_caller_who_goes_away_disturbs_nobody(database: Database) -> None:
    gate = Gate()
    in_hand = asyncio.create_task(database.write(gate.holding(lambda tx: close_post(tx, "in hand"))))
    await gate.reached()
    waiting = asyncio.create_task(database.write(close_post, "waiting"))
    patient = asyncio.create_task(database.write(close_post, "patient"))
    await asyncio.sleep(0)
    in_hand.cancel()
    waiting.cancel()
    gate.open()
    assert await patient == "patient"
    assert [task.cancelled() for task in (in_hand, waiting)] == [True, True]
    assert {"in hand", "patient"} <= set(await database.read(closed_posts))


async def test_a_reader_who_goes_away_gives_the_connection_back(store_url: str, clock: Hands) -> None:
    database = await Database.open(store_url, clock=clock, readers=1)
    gate = Gate()
    reader = asyncio.create_task(database.read(gate.holding(closed_posts)))
    await gate.reached()
    reader.cancel()
    gate.open()
    assert await database.read(closed_posts) == []
    await database.close()


async def test_closing_finishes_the_writes_in_hand(store_url: str, clock: Hands, rows: Rows) -> None:
    database = await Database.open(store_url, clock=clock)
    gate = Gate()
    writes = [asyncio.create_task(database.write(gate.holding(lambda tx: close_post(tx, "first"))))]
    await gate.reached()
    writes += [asyncio.create_task(database.write(close_post, key)) for key in ("second", "third")]
    await asyncio.sleep(0)
    closing_down = asyncio.create_task(database.close())
    await asyncio.sleep(0)
    gate.open()
    await closing_down
    assert await asyncio.gather(*writes) == ["first", "second", "third"]
    assert rows.number("SELECT count(*) FROM posts WHERE NOT open") == 3


async def test_a_read_sees_one_moment(database: Database) -> None:
    gate = Gate()

    def look_twice(tx: Transaction) -> tuple[list[str], list[str]]:
        first = closed_posts(tx)
        gate.wait()
        return first, closed_posts(tx)

    reader = asyncio.create_task(database.read(look_twice))
    await gate.reached()
    await database.write(close_post, "meanwhile")
    gate.open()
    assert await reader == ([], [])
    assert await database.read(closed_posts) == ["meanwhile"]


async def test_readers_cannot_write(database: Database) -> None:
    with pytest.raises(StoreUnavailable):
        await database.read(close_post, "by a reader")
    assert await database.read(closed_posts) == []


async def test_readers_do_not_wait_for_a_writer(database: Database) -> None:
    gate = Gate()
    writer = asyncio.create_task(database.write(gate.holding(lambda tx: close_post(tx, "slow"))))
    await gate.reached()
    assert await database.read(closed_posts) == []
    gate.open()
    await writer


async def test_a_transaction_has_one_time(database: Database, clock: Hands) -> None:
    clock.advance(seconds=5)
    assert await database.write(lambda tx: tx.now) == clock()
    assert await database.read(lambda tx: tx.now) == clock()


async def test_every_writer_gets_its_own_answer(database: Database) -> None:
    keys = [f"post {number:04d}" for number in range(1000)]
    assert await asyncio.gather(*(database.write(close_post, key) for key in keys)) == keys
    assert await database.read(closed_posts) == keys
    count = select(func.count().label("count")).select_from(posts_table)
    assert await database.read(lambda tx: [row["count"] for row in tx.all(count)]) == [1000]


def note_event(tx: Transaction, number: int) -> str:
    """A row that is sent later, of the table `events`."""
    row: dict[str, object] = dict.fromkeys(column.name for column in events_table.c)
    row |= {"site": SITE, "seq": number, "id": f"event {number}", "type": "test", "about": "{}", "created_at": tx.now}
    row |= {"actor_kind": "system", "schema": 1}
    tx.send_later(NOTE_EVENT, tuple(row.values()))
    return f"event {number}"


def noted(tx: Transaction) -> list[int]:
    """The numbers of the events that a query finds."""
    return [row["seq"] for row in tx.all(select(events_table.c.seq).order_by(events_table.c.seq))]


async def test_what_is_sent_later_is_there_for_whoever_asks_for_it(database: Database) -> None:
    def work(tx: Transaction) -> list[int]:
        note_event(tx, 1)
        return noted(tx)

    assert await database.write(work) == [1]
    await database.write(note_event, 2)
    assert await database.read(noted) == [1, 2]


async def test_what_a_batch_sends_later_is_sent_together_and_a_unit_that_fails_takes_only_its_own_with_it(
    database: Database,
) -> None:
    def fail(tx: Transaction) -> None:
        note_event(tx, 2)
        raise UnknownComment

    outcomes = await in_one_batch(
        database, lambda tx: note_event(tx, 1), fail, lambda tx: note_event(tx, 3), lambda tx: note_event(tx, 1)
    )
    assert [type(one) for one in outcomes[:3]] == [str, UnknownComment, str]
    assert isinstance(outcomes[3], sqlite3.IntegrityError | psycopg.IntegrityError), "its number is taken"
    assert await database.read(noted) == [1, 3]


async def test_what_was_to_be_sent_later_is_forgotten_with_its_savepoint(database: Database) -> None:
    def work(tx: Transaction) -> None:
        note_event(tx, 1)
        with suppress(UnknownComment), tx.savepoint():
            note_event(tx, 2)
            raise UnknownComment
        note_event(tx, 3)

    await database.write(work)
    assert await database.read(noted) == [1, 3]


async def test_what_a_batch_counts_is_added_up_and_a_unit_that_fails_takes_only_its_own_with_it(
    database: Database,
) -> None:
    def spoke(tx: Transaction) -> int:
        rules.count(tx, SITE, "links", decided=1)
        rules.count(tx, SITE, "links")
        return rules.tallies(tx, SITE, ["links"])["links"].spoke

    def fail(tx: Transaction) -> None:
        rules.count(tx, SITE, "links")
        raise UnknownComment

    outcomes = await in_one_batch(database, spoke, fail, spoke)
    assert (outcomes[0], type(outcomes[1]), outcomes[2]) == (2, UnknownComment, 4)
    found = (await database.read(rules.tallies, SITE, ["links"]))["links"]
    assert (found.spoke, found.decided) == (4, 2)


async def test_a_closed_store_answers_everybody_who_waits(database: Database) -> None:
    """However many slices wait, each is told; none is left without an answer."""
    await database.close()
    writes = [database.bulk.write(closed_posts) for _ in range(1_500)]
    outcomes = await asyncio.wait_for(asyncio.gather(*writes, return_exceptions=True), PATIENCE_SECONDS)
    assert all(isinstance(one, Exception) for one in outcomes)
