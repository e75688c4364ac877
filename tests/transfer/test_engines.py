"""What is as long as it may be comes in on either database: PostgreSQL takes no entry of an index above 2,704 bytes."""

import random
from typing import Any

from service.store.database import Database
from tests.harness import Hands
from tests.transfer.bringing import bring, comment, differences


def unlike(length: int) -> str:
    """Characters of four bytes each, which nothing packs."""
    chance = random.Random(length)  # noqa: S311  # no secret
    return "".join(chr(chance.randrange(0x20000, 0x2A6DF)) for _ in range(length))


async def test_the_longest_names_come_in(any_url: str, clock: Hands) -> None:
    database = await Database.open(any_url, clock=clock)
    longest: dict[str, Any] = {"post": f"/{unlike(511)}", "author_id": unlike(255), "anchor": "a" * 200}
    report = await bring(database, [comment(1, source_id=unlike(500), **longest)])
    await database.close()
    assert (report.new, differences(any_url)) == (1, [])


async def test_equal_ids_on_threads_with_very_long_names_come_in(any_url: str, clock: Hands) -> None:
    database = await Database.open(any_url, clock=clock)
    report = await bring(
        database, [comment(1, source_id=unlike(500), thread_id=unlike(length)) for length in (2_000, 1_999)]
    )
    await database.close()
    assert (report.new, differences(any_url)) == (2, [])
