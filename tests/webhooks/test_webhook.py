"""One webhook and a real receiver: each event at least once, in order, whatever the receiver does meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from standardwebhooks import Webhook as Reference

from service.metrics import Metrics
from service.model import POLICY, Action, PostKey, SiteKey
from service.outbound.client import Outbound
from service.store import copy, deliveries, events, leases, retention, snapshot, webhooks
from service.store.database import Database, Transaction
from service.store.deliveries import Delivery, State
from service.store.snapshot import Watch
from service.store.webhooks import Standing
from service.webhook_settings import WebhookSettings
from service.webhooks import orders, upcoming
from service.webhooks import webhook as webhook_module
from service.webhooks.call import WebhookCall
from service.webhooks.webhook import Webhook
from tests.delivery.test_outside_events import a_site
from tests.harness import Hands
from tests.store.scene import BLOG, Scene
from tests.webhooks.receiver import OTHER_SECRET, PATIENCE_SECONDS, SECRET, Receiver

SITE = SiteKey("blog")
NAME = "build"


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A turn ends when there is nothing to do; everything is noted at once; the secret is there."""
    monkeypatch.setattr(webhook_module, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(webhook_module, "NOTE_SECONDS", 0.0)
    monkeypatch.setenv("HOOK_SECRET", SECRET)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that is up."""
    server = Receiver()
    await server.up()
    yield server
    await server.close()


@pytest.fixture
async def client() -> AsyncIterator[Outbound]:
    """Who makes the calls."""
    async with Outbound(Metrics()) as opened:
        yield opened


@dataclass
class Sender:
    """One replica's part in a webhook, whose turns the test takes."""

    database: Database
    webhook: Webhook
    clock: Hands
    metrics: Metrics

    async def turn(self) -> None:
        """One run of the job."""
        await self.webhook.follow()

    async def until(self, holds: Callable[[Standing], bool]) -> Standing:
        """Turns until it stands so in the store."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                await self.turn()
                standing = await self.standing()
                if holds(standing):
                    return standing

    async def rest(self) -> Standing:
        """Turns until everything is sent that can be."""
        last = await self.database.read(events.last_number, SITE)

        def is_sent(standing: Standing) -> bool:
            return standing.seq == last or standing.off is not None or standing.ask_at > self.clock()

        standing = await self.until(is_sent)
        if standing.off is None and standing.ask_at <= self.clock():
            while [row for row in await self.rows() if row.next_try_at and row.next_try_at <= self.clock()]:
                await self.turn()
        return await self.standing()

    async def standing(self) -> Standing:
        """How it stands in the store."""
        found = await self.database.read(webhooks.get, SITE, NAME)
        assert found is not None
        return found

    async def rows(self, state: State | None = None) -> list[Delivery]:
        """Deliveries that are rows, oldest first."""
        page = await self.database.read(deliveries.page, SITE, NAME, state=state, limit=5_000, after=None)
        return page.items[::-1]


@pytest.fixture
async def sender(database: Database, receiver: Receiver, client: Outbound, clock: Hands) -> Sender:
    """A webhook that has begun."""
    return await begun(database, receiver, client, clock)


async def begun(
    database: Database, receiver: Receiver, client: Outbound, clock: Hands, *, holder: str = "here", **settings: Any
) -> Sender:
    """A webhook as it is after the start of a service."""
    metrics = Metrics()
    wanted = WebhookSettings.model_validate(
        {"name": NAME, "url": receiver.url, "secret_env": "HOOK_SECRET", **settings}
    )
    call = WebhookCall(wanted, SITE, client, clock=clock)
    webhook = Webhook(
        call, a_site(), database, holder=holder, clock=clock, metrics=metrics, chance=lambda low, high: (low + high) / 2
    )
    await webhook.begin()
    return Sender(database, webhook, clock, metrics)


async def happen(database: Database, times: int = 1) -> None:
    """So many events, each told as one."""

    def append(tx: Transaction) -> None:
        for _ in range(times):
            events.append(tx, SITE, "post.opened", POLICY, post=PostKey("a post"))

    await database.write(append)


def numbers(calls: Sequence[dict[str, Any]]) -> list[int]:
    """Of which events they tell."""
    return [call["data"]["seq"] for call in calls]


async def test_what_happens_is_told_once_signed_and_as_what_readers_see(
    sender: Sender, receiver: Receiver, clock: Hands
) -> None:
    comment = await Scene(sender.database, clock).approved(BLOG, "ada")
    await sender.rest()
    assert sorted(receiver.told) == [("comment.approved", 2), ("comment.published", 2), ("comment.submitted", 1)]
    assert receiver.told[0] == ("comment.submitted", 1) or receiver.most_at_once > 1
    (published,) = [call for call in receiver.calls if call["type"] == "comment.published"]
    assert published["data"]["comment"]["body"] == comment.text.body
    assert Reference(SECRET).verify(published["body"], published["headers"])["id"] == published["id"]
    assert published["headers"]["Content-Type"] == "application/json"
    assert published["headers"]["User-Agent"].startswith("Gatepost/")
    assert [row.state for row in await sender.rows()] == [State.DELIVERED] * 3
    await sender.rest()
    assert len(receiver.calls) == 3


async def test_it_begins_with_the_next_event(
    database: Database, receiver: Receiver, client: Outbound, clock: Hands
) -> None:
    await happen(database)
    sender = await begun(database, receiver, client, clock)
    await happen(database)
    await sender.rest()
    assert numbers(receiver.calls) == [2]


async def test_the_filter_moves_the_position_too(
    database: Database, receiver: Receiver, client: Outbound, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upcoming, "LOOKED_AT", 3)
    sender = await begun(database, receiver, client, clock, events="comment.*")
    await happen(database, 10)
    await Scene(database, clock).submit(BLOG, "ada")
    assert (await sender.rest()).seq == 11
    assert receiver.told == [("comment.submitted", 11)]


async def test_a_refused_one_is_tried_again_with_its_id_and_holds_nothing_back(
    sender: Sender, receiver: Receiver, clock: Hands
) -> None:
    receiver.answer = lambda event: 500 if event["data"]["seq"] == 1 else 204
    await happen(sender.database, 3)
    standing = await sender.rest()
    assert (sorted(numbers(receiver.taken)), standing.seq) == ([2, 3], 3)
    (row,) = await sender.rows(State.RETRYING)
    assert (row.attempt, row.next_try_at, row.tries[0].error) == (1, clock() + 5_000, "its status is 500")
    clock.advance(seconds=4.9)
    await sender.rest()
    assert len(receiver.calls) == 3
    receiver.answer = lambda _: 200
    clock.advance(seconds=0.2)
    await sender.rest()
    tries = [call for call in receiver.calls if call["data"]["seq"] == 1]
    assert [call["status"] for call in tries] == [500, 200]
    assert len({call["id"] for call in tries}) == 1
    assert len({call["headers"]["webhook-timestamp"] for call in tries}) == 2
    assert await sender.rows(State.RETRYING) == []


async def test_what_is_refused_to_the_end_is_kept_as_failed(
    database: Database, receiver: Receiver, client: Outbound, clock: Hands
) -> None:
    sender = await begun(database, receiver, client, clock, retry_seconds=[1, 2])
    receiver.answer = lambda event: 400 if event["data"]["seq"] == 1 else 204
    await happen(database)
    await sender.rest()
    for _ in range(3):
        await happen(database)  # taken, so it is this delivery and not the receiver that fails
        clock.advance(seconds=3)
        await sender.rest()
    (failed,) = await sender.rows(State.FAILED)
    assert (failed.attempt, [one.status for one in failed.tries]) == (3, [400] * 3)
    assert numbers(receiver.calls).count(1) == 3


async def test_a_receiver_that_refuses_five_in_a_row_is_asked_with_one_and_goes_on_in_order(
    sender: Sender, receiver: Receiver, clock: Hands
) -> None:
    receiver.answer = lambda _: 503
    await happen(sender.database, 100)
    standing = await sender.rest()
    assert upcoming.AT_ONCE >= len(receiver.calls) >= 5
    assert standing.refused == len(receiver.calls)
    first = len(receiver.calls)
    for probe in range(1, 12):
        clock.now = (await sender.standing()).ask_at
        await sender.rest()
        assert len(receiver.calls) == first + probe
        assert (await sender.standing()).ask_at - clock() <= 300_000
    probed = receiver.calls[first:]
    assert {call["data"]["seq"] for call in probed} == {min(numbers(receiver.calls))}
    assert {row.attempt for row in await sender.rows()} == {1}  # probes count no tries
    assert sender.webhook.health()[0] == "warn"
    receiver.answer = lambda _: 200
    receiver.most_at_once = 0
    clock.now = (await sender.standing()).ask_at
    await sender.until(lambda standing: standing.seq == 100)
    await sender.rest()
    taken = numbers(receiver.taken)
    assert sorted(taken) == list(range(1, 101))
    assert receiver.most_at_once <= upcoming.AT_ONCE
    # Sixteen are under way, and begun in order: none is further ahead than that.
    assert all(number <= place + 1 + upcoming.AT_ONCE for place, number in enumerate(taken))
    assert sender.webhook.health() == ("pass", "well")


@pytest.mark.parametrize("wanted", ["30", "date"])
async def test_a_receiver_that_asks_for_time_gets_it(
    sender: Sender, receiver: Receiver, clock: Hands, wanted: str
) -> None:
    clock.now -= clock.now % 1000  # dates have no milliseconds
    header = wanted if wanted == "30" else formatdate((clock() + 30_000) / 1000, usegmt=True)
    receiver.answer = lambda _: web.Response(status=503, headers={"Retry-After": header})
    await happen(sender.database)
    standing = await sender.rest()
    assert standing.ask_at == clock() + 30_000
    await happen(sender.database)
    receiver.answer = lambda _: 200
    clock.advance(seconds=29.9)
    await sender.rest()
    assert len(receiver.calls) == 1
    clock.advance(seconds=0.1)
    await sender.rest()
    assert sorted(numbers(receiver.taken)) == [1, 2]


async def _too_much(request: web.Request) -> web.StreamResponse:
    return web.Response(status=500, body=b"x" * 5_000_000)


async def _much_and_well(request: web.Request) -> web.StreamResponse:
    return web.Response(status=200, body=b"x" * 5_000_000)


async def _redirect(request: web.Request) -> web.StreamResponse:
    return web.Response(status=307, headers={"Location": "/elsewhere"})


async def _to_a_secret(request: web.Request) -> web.StreamResponse:
    location = "https://me:word@hooks.example:444/services/T0/secret?token=secret"
    return web.Response(status=308, headers={"Location": location})


async def _to_no_text(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.write(b"HTTP/1.1 302 Found\r\nLocation: http://caf\xe9/\r\nContent-Length: 0\r\n\r\n")
    return web.Response()


async def _reset(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def _garbage(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.write(b"\x00\xffnonsense\r\n\r\n")
    request.transport.close()
    return web.Response()


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        (_too_much, "its status is 500"),
        (_redirect, "it redirects (status 307), and redirects are not followed"),
        (_to_a_secret, "it redirects to https://hooks.example (status 308), and redirects are not followed"),
        (_to_no_text, "it redirects (status 302), and redirects are not followed"),
        (_reset, "no usable answer"),
        (_garbage, "no usable answer"),
        ("hang", "no complete answer within 0.2 seconds"),
        ("down", "no usable answer"),
    ],
)
async def test_an_answer_that_is_none_is_a_refusal_in_words(
    database: Database, receiver: Receiver, client: Outbound, clock: Hands, handler: Any, said: str
) -> None:
    sender = await begun(database, receiver, client, clock, timeout_seconds=0.2)
    receiver.handlers["/hook"] = receiver.hang if handler == "hang" else handler
    if handler == "down":
        await receiver.down()
    await happen(database)
    await sender.rest()
    (row,) = await sender.rows()
    assert row.state is State.RETRYING
    assert said in (row.tries[0].error or "")
    assert receiver.address not in str(row)
    assert "secret" not in str(row)
    assert "/elsewhere" not in receiver.asked


async def test_a_try_that_is_ordered_during_another_one_is_made(
    database: Database, receiver: Receiver, client: Outbound, clock: Hands
) -> None:
    sender = await begun(database, receiver, client, clock, retry_seconds=(1,))
    receiver.answer = lambda _: 500
    await happen(database)
    await sender.rest()

    async def ordering(request: web.Request) -> web.StreamResponse:
        (row,) = await sender.rows()
        await database.write(orders.retry, SITE, NAME, row.id)
        return await receiver.take(request)

    receiver.handlers["/hook"] = ordering  # the last try of the plan is under way
    clock.advance(seconds=5)
    await sender.rest()
    receiver.handlers["/hook"] = receiver.take
    receiver.answer = lambda _: 204
    clock.advance(seconds=5)
    await sender.rest()
    assert [row.state for row in await sender.rows()] == [State.DELIVERED]


async def test_a_long_answer_that_takes_it_is_not_read(sender: Sender, receiver: Receiver) -> None:
    receiver.handlers["/hook"] = _much_and_well
    await happen(sender.database)
    await sender.rest()
    assert [row.state for row in await sender.rows()] == [State.DELIVERED]


async def test_410_switches_it_off_until_the_configuration_changes(
    database: Database, receiver: Receiver, client: Outbound, clock: Hands
) -> None:
    sender = await begun(database, receiver, client, clock)
    receiver.answer = lambda _: 410
    await happen(database, 3)
    assert (await sender.rest()).off is not None
    asked = len(receiver.calls)
    assert sender.webhook.health()[0] == "warn"
    receiver.answer = lambda _: 200
    clock.advance(seconds=100_000)
    await sender.rest()
    again = await begun(database, receiver, client, clock)  # the same configuration
    await again.rest()
    assert (len(receiver.calls), await again.rows()) == (asked, [])
    changed = await begun(database, receiver, client, clock, timeout_seconds=9)
    await changed.rest()
    assert sorted(numbers(receiver.taken)) == [1, 2, 3]


async def test_410_ends_with_a_resume(sender: Sender, receiver: Receiver) -> None:
    receiver.answer = lambda _: 410
    await happen(sender.database, 3)
    standing = await sender.rest()
    receiver.answer = lambda _: 200
    await sender.database.write(webhooks.resumed, standing)
    await sender.rest()
    assert sorted(numbers(receiver.taken)) == [1, 2, 3]


async def test_while_a_secret_is_replaced_both_sign(
    database: Database, receiver: Receiver, client: Outbound, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", f"{OTHER_SECRET},{SECRET}")
    sender = await begun(database, receiver, client, clock)
    await happen(database)
    await sender.rest()
    (call,) = receiver.calls
    for secret in (SECRET, OTHER_SECRET):
        assert Reference(secret).verify(call["body"], call["headers"])["id"] == call["id"]


async def test_a_text_that_was_taken_down_is_not_told_by_a_late_try(
    sender: Sender, receiver: Receiver, clock: Hands
) -> None:
    scene = Scene(sender.database, clock)
    receiver.answer = lambda _: 500
    comment = await scene.approved(BLOG, "ada")
    await sender.rest()
    assert comment.text.body in {call["data"]["comment"]["body"] for call in receiver.calls}
    await scene.decide(comment, Action.DELETE)
    seen = len(receiver.calls)
    receiver.answer = lambda _: 200
    for _ in range(20):
        clock.advance(seconds=300)
        await sender.rest()
    assert len(receiver.taken) == 5
    assert {call["data"]["comment"]["body"] for call in receiver.calls[seen:]} == {None}
    assert {call["data"]["comment"]["status"] for call in receiver.taken} == {"deleted"}


async def test_events_that_were_removed_are_missed_and_said(sender: Sender, receiver: Receiver, clock: Hands) -> None:
    await happen(sender.database, 5)
    clock.advance(seconds=10)
    await happen(sender.database)
    await sender.database.write(retention.cut, SITE, until=clock() - 5_000, awaited=[])
    standing = await sender.rest()
    assert (numbers(receiver.calls), standing.missed, standing.seq) == ([6], 5, 6)
    counted = sender.metrics.registry.get_sample_value(
        "gatepost_webhook_events_missed_total", {"site": "blog", "webhook": NAME}
    )
    assert counted == 5


async def test_a_try_whose_event_was_removed_meanwhile_has_failed(
    sender: Sender, receiver: Receiver, clock: Hands
) -> None:
    receiver.answer = lambda _: 500
    await happen(sender.database)
    await sender.rest()
    clock.advance(seconds=10)
    await sender.database.write(retention.cut, SITE, until=clock(), awaited=[])
    await sender.rest()
    (row,) = await sender.rows()
    assert (row.state, "removed from the log" in (row.tries[-1].error or "")) == (State.FAILED, True)


@pytest.mark.parametrize("events_while_dead", [3_000])
async def test_a_dead_receiver_costs_a_few_rows_and_catches_up(
    sender: Sender, receiver: Receiver, clock: Hands, events_while_dead: int
) -> None:
    receiver.answer = lambda _: 500
    for _ in range(events_while_dead // 500):
        await happen(sender.database, 500)
        clock.now = max(clock.now, (await sender.standing()).ask_at)
        await sender.rest()
    assert len(await sender.rows()) <= upcoming.AT_ONCE
    receiver.answer = lambda _: 200
    clock.now = max(clock.now, (await sender.standing()).ask_at)
    await sender.until(lambda standing: standing.seq == events_while_dead)
    await sender.rest()
    taken = numbers(receiver.taken)
    assert sorted(taken) == list(range(1, events_while_dead + 1))
    assert all(number <= place + 1 + 2 * upcoming.AT_ONCE for place, number in enumerate(taken))
    assert len(await sender.rows()) <= deliveries.KEPT_OF[State.DELIVERED]


async def test_one_that_refuses_every_other_event_is_not_begun_without_end(
    sender: Sender, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upcoming, "MOST_IN_DOUBT", 10)
    receiver.answer = lambda event: 400 if event["data"]["seq"] % 2 else 204
    await happen(sender.database, 200)
    for _ in range(300):
        await sender.turn()
    assert 10 <= len(await sender.rows(State.RETRYING)) <= 10 + upcoming.AT_ONCE
    assert (await sender.standing()).seq < 200


async def test_events_are_sent_once_more_where_somebody_wants_that(sender: Sender, receiver: Receiver) -> None:
    await happen(sender.database, 60)
    standing = await sender.rest()
    first = {call["data"]["seq"]: call["id"] for call in receiver.calls}
    wanted = replace(standing, replay_after=10, replay_until=50)
    await sender.database.write(webhooks.save, wanted)
    await sender.until(lambda standing: standing.replay_after is None)
    await sender.rest()
    again = receiver.calls[60:]
    assert sorted(numbers(again)) == list(range(11, 51))
    assert {call["data"]["seq"]: call["id"] for call in again} == {seq: first[seq] for seq in range(11, 51)}
    assert await sender.rows(State.RETRYING) == []


async def test_a_kill_at_any_moment_loses_nothing(
    database: Database, receiver: Receiver, client: Outbound, clock: Hands
) -> None:
    receiver.answer = lambda event: 500 if event["data"]["seq"] % 7 == 0 else 204
    sender = await begun(database, receiver, client, clock)
    for round_ in range(12):
        await happen(database, 10)
        for _ in range(round_ % 4):
            await sender.turn()
        sender = await begun(database, receiver, client, clock)  # and the other one is never heard of again
        clock.advance(seconds=1)
    receiver.answer = lambda _: 204
    clock.advance(seconds=100)
    await sender.rest()
    assert set(numbers(receiver.taken)) == set(range(1, 121))


async def test_a_failed_one_is_one_row_though_it_was_killed_before_it_was_noted(
    database: Database, receiver: Receiver, client: Outbound, clock: Hands
) -> None:
    """The row is written with a position before it, because an older delivery is still under way."""
    sender = await begun(database, receiver, client, clock, timeout_seconds=30)
    take = receiver.handlers["/hook"]

    async def hang_at_the_first(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        return await (receiver.hang(request) if body["data"]["seq"] == 1 else take(request))

    receiver.handlers["/hook"] = hang_at_the_first
    receiver.answer = lambda _: 500
    await happen(database, 2)
    while not await sender.rows():
        await sender.turn()
    assert (await sender.standing()).seq == 0
    receiver.handlers["/hook"] = take
    receiver.answer = lambda _: 204
    again = await begun(database, receiver, client, clock)
    await again.rest()
    assert numbers(receiver.taken) == [1]
    clock.advance(seconds=10)
    await again.rest()
    assert numbers(receiver.taken) == [1, 2]
    assert [row.state for row in await again.rows()].count(State.DELIVERED) == 2


# --- Several replicas, other stores -----------------------------------------------------------------------------------


@pytest.fixture
async def pair(postgres_url: str, clock: Hands) -> AsyncIterator[tuple[Database, Database]]:
    """Two replicas' stores."""
    here, there = [await Database.open(postgres_url, clock=clock) for _ in range(2)]
    yield here, there
    await here.close()
    await there.close()


@pytest.mark.own_engines
async def test_two_replicas_send_nothing_twice(
    pair: tuple[Database, Database], receiver: Receiver, client: Outbound, clock: Hands
) -> None:
    senders = [
        await begun(one, receiver, client, clock, holder=name) for name, one in zip(("a", "b"), pair, strict=True)
    ]
    for number in range(8):
        await happen(pair[number % 2], 5)
        for sender in senders:
            await sender.turn()
        await senders[0 if number < 4 else 1].rest()
        if number == 3:
            await senders[0].webhook.stop()  # and the other one goes on
            await senders[1].turn()
    assert sorted(numbers(receiver.calls)) == list(range(1, 41))


@pytest.mark.own_engines
async def test_when_one_replica_is_killed_the_other_goes_on(
    pair: tuple[Database, Database], receiver: Receiver, client: Outbound, clock: Hands
) -> None:
    here, there = [
        await begun(one, receiver, client, clock, holder=name) for name, one in zip(("a", "b"), pair, strict=True)
    ]
    await happen(pair[0], 5)
    await here.rest()
    await happen(pair[0], 5)
    await here.turn()  # begun, and killed
    await there.turn()
    assert (await there.standing()).seq == 5
    clock.advance(seconds=leases.SECONDS)
    await there.rest()
    assert set(numbers(receiver.taken)) == set(range(1, 11))


def _copied(here: str, there: str) -> None:
    with snapshot.of(here) as moment:
        copy.copy(moment, there, Watch())


@pytest.mark.own_engines
async def test_a_move_to_postgresql_takes_along_what_is_not_delivered(
    store_path: Path,
    empty_postgres_url: str,
    receiver: Receiver,
    client: Outbound,
    clock: Hands,
) -> None:
    database = await Database.open(f"sqlite:///{store_path}", clock=clock)
    sender = await begun(database, receiver, client, clock)
    receiver.answer = lambda event: 500 if event["data"]["seq"] == 1 else 204
    await happen(database, 2)
    await sender.rest()
    await sender.webhook.stop()
    await happen(database, 2)
    await database.close()
    await asyncio.to_thread(_copied, f"sqlite:///{store_path}", empty_postgres_url)
    receiver.answer = lambda _: 204
    moved = await Database.open(empty_postgres_url, clock=clock)
    sender = await begun(moved, receiver, client, clock)
    clock.advance(seconds=10)
    await sender.rest()
    await moved.close()
    assert sorted(numbers(receiver.taken)) == [1, 2, 3, 4]
