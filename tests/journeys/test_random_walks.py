"""Several readers and moderators do whatever comes to their minds, over HTTP, and every promise holds after each step.

`HYPOTHESIS_PROFILE=long` walks a thousand walks instead of twenty-five (give pytest `--timeout=0` along).
"""

import asyncio
import os
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import StartGatepost
from tests.harness import Gatepost
from tests.journeys.walk import Walk
from tests.journeys.walk_policy import put_policy
from tests.journeys.walk_steps import SCENES, step
from tests.rows import Rows
from tests.webhooks.receiver import SECRET, Receiver

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
numbers = count(1)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Who is told of everything that happens on both sites."""
    server = Receiver()
    await server.up()
    yield server
    await server.close()


@pytest.fixture
async def two_sites(start_gatepost: StartGatepost, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Gatepost:
    """A service with a site where everything waits, and `open` where nothing does. Both have a webhook, and rules of
    which only moderators may hear."""

    monkeypatch.setenv("HOOK_SECRET", SECRET)

    def add_open_site(wanted: dict[str, Any]) -> None:
        webhook = {"name": "all", "url": receiver.url, "secret_env": "HOOK_SECRET"}
        wanted["sites"]["blog"]["webhooks"] = [webhook]
        wanted["sites"]["open"] = {**wanted["sites"]["blog"], "premoderate": False}

    gatepost = await start_gatepost(change=add_open_site)
    await put_policy(gatepost, "blog", otherwise="hold")
    await put_policy(gatepost, "open", otherwise="publish")
    return gatepost


@pytest.mark.slow
@pytest.mark.timeout(0 if LONG else 600)
@settings(
    max_examples=1_000 if LONG else 25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    site=st.sampled_from(["blog", "blog", "open"]),
    scene=st.sampled_from(sorted(SCENES)),
    steps=st.lists(step, min_size=10, max_size=40),
    page_size=st.integers(1, 3),
)
async def test_what_was_promised_holds_after_every_step(
    two_sites: Gatepost,
    receiver: Receiver,
    rows: Rows,
    pytestconfig: pytest.Config,
    site: str,
    scene: str,
    steps: list[object],
    page_size: int,
) -> None:
    two_sites.clock.advance(seconds=1)
    walk = Walk(two_sites, rows, site, next(numbers), page_size)
    for wanted in [*SCENES[scene], *steps]:
        await walk.take(wanted)
    await walk.check_everything_once()
    await walk.check_webhook(receiver, once=pytestconfig.getoption("engine") != "replicas")
    gaps = rows.execute("SELECT site FROM events GROUP BY site HAVING min(seq) != 1 OR max(seq) != count(*)")
    assert gaps.fetchall() == []


TOGETHER = [
    ["approve", "reject", "spam", "delete"],
    ["approve", "approve", "approve"],
    ["delete", "discard_edit", "approve", "reject"],
]


@pytest.mark.parametrize("stands", ["pending", "approved", "edited"])
@pytest.mark.parametrize("actions", TOGETHER, ids=" ".join)
async def test_one_of_several_decisions_at_once_wins_and_the_others_learn_who(
    gatepost: Gatepost, stands: str, actions: list[str]
) -> None:
    moderators = [gatepost.moderator(f"moderator {number}") for number in range(len(actions))]
    author = gatepost.reader("ada")
    for turn in range(12):
        comment = (await author.submit(f"Take {turn}")).json["comment"]
        if stands != "pending":
            comment = (await moderators[0].decide(comment["id"], "approve", 1)).json["comment"]
        if stands == "edited":
            comment = (await author.edit(comment["id"], f"Take {turn}, better", 2)).json["comment"]
        # Another one goes first each time, so that each action gets its chance to win.
        order = [(turn + number) % len(actions) for number in range(len(actions))]
        answers = await asyncio.gather(
            *(moderators[one].decide(comment["id"], actions[one], comment["version"]) for one in order)
        )
        won = [answer.json["decision"] for answer in answers if answer.status == 201]
        legal = [one for one in order if stands == "edited" or actions[one] != "discard_edit"]
        assert len(won) == 1
        assert won[0]["actor"]["name"] in {f"Moderator {one}" for one in legal}
        lost = [answer for answer in answers if answer.status != 201]
        refusals = {(answer.status, answer.code) for answer in lost}
        assert refusals <= {(409, "already-decided"), (409, "illegal-transition")}
        for answer in lost:
            assert answer.code == "illegal-transition" or answer.json["decision"] == won[0]
            assert answer.code == "illegal-transition" or won[0]["actor"]["name"] in answer.json["detail"]
        record = (await moderators[0].get("decisions", params={"comment": comment["id"]})).json["decisions"]
        assert record[-1] == won[0]
