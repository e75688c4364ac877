"""Many moderators at one queue, some of whose replies are lost: each comment is decided once, and nobody is told wrong.

`HYPOTHESIS_PROFILE=long` makes it fifty moderators and two thousand comments.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from tests.desk.crowd import ACTIONS, Moderator, submitted
from tests.harness import Gatepost
from tests.rows import Rows

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
MODERATORS, COMMENTS = (50, 2_000) if LONG else (10, 200)
ONE_LOOKS_IN = 5
DID = {"approve": "Approved", "reject": "Rejected", "spam": "Called spam"}


@pytest.mark.timeout(900)
async def test_every_comment_is_decided_once_and_every_list_is_right(
    gatepost: Gatepost, rows: Rows, record_property: Callable[[str, object], None]
) -> None:
    waiting = {comment["id"] for comment in await submitted(gatepost, COMMENTS)}
    crowd = [
        Moderator(gatepost, f"mo{number}", takes=number % ONE_LOOKS_IN != 0, chance=Random(number))  # noqa: S311  # the same again
        for number in range(MODERATORS)
    ]

    await asyncio.gather(*(moderator.clear_the_queue() for moderator in crowd))

    made = await _record(gatepost)
    assert Counter(one["comment_id"] for one in made) == dict.fromkeys(waiting, 1)
    assert rows.number("SELECT count(*) FROM queue") == 0
    stands = {one["comment_id"]: (one["actor"]["name"], one["action"]) for one in made}
    for moderator in crowd:
        name = moderator.name.title()
        mine = {comment: told.action for comment, told in moderator.told.items() if told.is_mine}
        assert mine == {comment: action for comment, (by, action) in stands.items() if by == name}
        for comment, told in moderator.told.items():
            by, action = stands[comment]
            assert DID[action] in told.words
            assert told.is_mine or f"· {by} ·" in told.words
    conflicts = sum(not told.is_mine for moderator in crowd for told in moderator.told.values())
    lost = sum(moderator.lost for moderator in crowd)
    record_property("lost", lost)
    record_property("conflicts", conflicts)
    assert lost
    assert conflicts


async def _record(gatepost: Gatepost) -> list[Any]:
    """All that people decided, from the API."""
    found: list[Any] = []
    cursor = ""
    while True:
        page = (await gatepost.moderator().get(f"decisions?limit=200{cursor}")).json
        found += [one for one in page["decisions"] if one["action"] in ACTIONS]
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"
