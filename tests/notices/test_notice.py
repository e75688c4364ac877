"""One notice on a real store, and real targets: said once, when there is something to say, and after quiet hours."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from service import settings
from service.metrics import Metrics
from service.model import Action, SiteKey
from service.notices.notice import Notice
from service.notices.targets import Targets, open_all
from service.settings import Site
from service.store import leases
from service.store.database import Database
from tests.harness import Hands
from tests.notices.post import VARIABLE, Chat
from tests.store.scene import BLOG, OPEN, Scene

NAME = "notice:blog/moderators"
ONE = {"when": {"waiting": 1}, "at_most_every_minutes": 1}


@dataclass
class Teller:
    """One replica's part in a notice, whose looks the test takes."""

    notice: Notice
    metrics: Metrics

    async def look(self) -> None:
        """One look."""
        await self.notice.look()

    def counted(self, outcome: str) -> float:
        """How many notices were sent, or failed."""
        labels = {"site": "blog", "notice": "moderators", "outcome": outcome}
        return self.metrics.registry.get_sample_value("gatepost_notices_total", labels) or 0.0


@pytest.fixture
def teller(database: Database, clock: Hands, chat: Chat, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Teller]:
    """Makes a replica's part in a notice to one target, or to these paths."""

    def make(*paths: str, holder: str = "here", **wanted: Any) -> Teller:
        monkeypatch.setenv(VARIABLE, ",".join(f"json://{chat.place}/{path}" for path in paths or ("hook",)))
        site = a_site(**wanted)
        metrics = Metrics()
        told = Targets(site, site.notices[0], open_all(site.notices[0]))
        notice = Notice(told, database, public_url=None, holder=holder, clock=clock, metrics=metrics)
        return Teller(notice, metrics)

    return make


def a_site(**wanted: Any) -> Site:
    """A site with a notice."""
    notice = {"name": "moderators", "to_env": VARIABLE, **wanted}
    return settings.parse({"sites": {"blog": {"name": "A blog", "notices": [notice]}}}).sites[SiteKey("blog")]


@pytest.fixture
def scene(database: Database, clock: Hands) -> Scene:
    """Acts on the store."""
    return Scene(database, clock)


async def test_nothing_to_say_nothing_sent(teller: Any, scene: Scene, chat: Chat, clock: Hands) -> None:
    moderators = teller(**ONE)
    await moderators.look()
    await scene.submit(OPEN, "ada")  # another site, where nothing waits
    await scene.approved(BLOG, "ada")
    clock.advance(seconds=100_000)
    await moderators.look()
    assert chat.calls == []


async def test_it_is_said_once_and_again_when_something_came(
    teller: Any, scene: Scene, chat: Chat, clock: Hands
) -> None:
    moderators = teller(when={"waiting": 1}, at_most_every_minutes=120)
    await scene.submit(BLOG, "ada", text="What a day.")
    await moderators.look()
    await moderators.look()
    (call,) = chat.calls
    assert call.json["title"] == "1 comment waits on A blog"
    assert "submitted" in call.json["message"]  # what the scene's text is as HTML
    clock.advance(seconds=121 * 60)
    await moderators.look()
    assert len(chat.calls) == 1  # nothing new
    await scene.submit(BLOG, "bob")
    await moderators.look()
    assert [one.json["title"] for one in chat.calls[1:]] == ["2 comments wait on A blog"]
    await scene.submit(BLOG, "carl")
    clock.advance(seconds=119 * 60)
    await moderators.look()
    assert len(chat.calls) == 2  # not so soon
    clock.advance(seconds=60)
    await moderators.look()
    assert len(chat.calls) == 3
    assert moderators.counted("sent") == 3


async def test_enough_of_them_or_an_old_one(teller: Any, scene: Scene, chat: Chat, clock: Hands) -> None:
    moderators = teller(when={"waiting": 3, "oldest_minutes": 60}, at_most_every_minutes=1)
    first = await scene.submit(BLOG, "ada")
    await scene.submit(BLOG, "ada")
    await moderators.look()
    assert chat.calls == []
    await scene.submit(BLOG, "ada")
    await moderators.look()
    assert len(chat.calls) == 1
    await scene.decide(first, Action.APPROVE)
    clock.advance(seconds=3_600)
    await moderators.look()
    assert len(chat.calls) == 2


async def test_a_text_that_was_withdrawn_is_not_told(teller: Any, scene: Scene, chat: Chat) -> None:
    moderators = teller(**ONE)
    first = await scene.submit(BLOG, "ada")
    await scene.submit(BLOG, "bob")
    await scene.decide(first, Action.DELETE)
    await moderators.look()
    assert "Ada" not in chat.calls[0].body.decode()


async def test_what_came_up_in_quiet_hours_is_said_afterwards(
    teller: Any, scene: Scene, chat: Chat, clock: Hands
) -> None:
    clock.now = round(datetime(2026, 7, 1, 21, 30, tzinfo=UTC).timestamp() * 1000)  # 22:30 in London
    moderators = teller(quiet="22:00-07:00", time_zone="Europe/London", **ONE)
    await scene.submit(BLOG, "ada")
    await moderators.look()
    clock.now = round(datetime(2026, 7, 2, 5, 59, 59, tzinfo=UTC).timestamp() * 1000)
    await moderators.look()
    assert chat.calls == []
    clock.advance(seconds=1)
    await moderators.look()
    assert len(chat.calls) == 1


async def test_a_target_that_fails_is_asked_again_and_the_others_are_not(
    teller: Any, scene: Scene, chat: Chat, clock: Hands
) -> None:
    moderators = teller("well", "sick", when={"waiting": 1}, at_most_every_minutes=10_000)
    chat.handlers["/sick"] = _refuse
    await scene.submit(BLOG, "ada")
    await moderators.look()
    assert [call.path for call in chat.calls] == ["/well"]
    assert moderators.notice.health() == ("warn", "not taken by JSON (2)")
    assert moderators.counted("failed") == 1
    for seconds, failed in [(59, 1), (1, 2), (119, 2), (1, 3)]:
        clock.advance(seconds=seconds)
        await moderators.look()
        assert moderators.counted("failed") == failed
    del chat.handlers["/sick"]
    clock.advance(seconds=240)
    await moderators.look()
    assert [call.path for call in chat.calls] == ["/well", "/sick"]
    assert moderators.notice.health() == ("pass", "well")
    clock.advance(seconds=3_600)
    await moderators.look()
    assert len(chat.calls) == 2


async def test_a_target_that_failed_is_left_alone_in_quiet_hours_and_when_nothing_waits(
    teller: Any, scene: Scene, chat: Chat, clock: Hands
) -> None:
    clock.now = round(datetime(2026, 7, 1, 20, 58, tzinfo=UTC).timestamp() * 1000)
    moderators = teller(quiet="21:00-07:00", **ONE)
    chat.handlers["/hook"] = _refuse
    comment = await scene.submit(BLOG, "ada")
    await moderators.look()
    del chat.handlers["/hook"]
    clock.advance(seconds=3_600)
    await moderators.look()
    assert chat.calls == []
    await scene.decide(comment, Action.APPROVE)
    clock.advance(seconds=10 * 3_600)
    await moderators.look()
    assert chat.calls == []


async def test_of_two_replicas_one_says_it(
    teller: Any, scene: Scene, chat: Chat, clock: Hands, database: Database
) -> None:
    replicas = [teller(holder=holder, **ONE) for holder in ("first", "second", "third")]
    for _ in range(5):
        await scene.submit(BLOG, "ada")
        await asyncio.gather(*(replica.look() for replica in replicas))
        for replica in reversed(replicas):
            await replica.look()
        clock.advance(seconds=60)
    assert len(chat.calls) == 5
    assert sum(replica.counted("sent") for replica in replicas) == 5
    assert await database.read(leases.noted, NAME) is not None


async def test_another_replica_knows_who_must_still_hear_it(
    teller: Any, scene: Scene, chat: Chat, clock: Hands
) -> None:
    first, second = (teller("well", "sick", holder=holder, **ONE) for holder in ("first", "second"))
    chat.handlers["/sick"] = _refuse
    await scene.submit(BLOG, "ada")
    await first.look()
    await second.look()
    assert [call.path for call in chat.calls] == ["/well"]
    assert second.notice.health()[0] == "warn"
    del chat.handlers["/sick"]
    clock.advance(seconds=60)
    await second.look()
    assert [call.path for call in chat.calls] == ["/well", "/sick"]
    await first.look()
    assert first.notice.health()[0] == "pass"


async def test_while_another_replica_says_it_this_one_does_not(
    teller: Any, scene: Scene, chat: Chat, clock: Hands, database: Database
) -> None:
    moderators = teller(**ONE)
    await scene.submit(BLOG, "ada")
    assert await database.write(leases.take, NAME, "another") is not None
    await moderators.look()
    assert chat.calls == []
    clock.advance(seconds=leases.SECONDS)  # it died
    await moderators.look()
    assert len(chat.calls) == 1


async def test_what_is_under_way_at_a_stop_is_noted(teller: Any, scene: Scene, chat: Chat, database: Database) -> None:
    moderators = teller(**ONE)
    arrived, may_answer = asyncio.Event(), asyncio.Event()

    async def slow(request: Any) -> Any:
        arrived.set()
        await may_answer.wait()
        return await chat.take(request)

    chat.handlers["/hook"] = slow
    await scene.submit(BLOG, "ada")
    job = asyncio.create_task(moderators.look())
    await arrived.wait()
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)
    stopping = asyncio.create_task(moderators.notice.stop())
    may_answer.set()
    await stopping
    assert await database.read(leases.noted, NAME) is not None
    await teller(holder="another", **ONE).look()
    assert len(chat.calls) == 1


async def _refuse(request: web.Request) -> web.StreamResponse:
    return web.Response(status=500)
