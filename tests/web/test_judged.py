"""Texts are judged with the lists as they are now, whoever compiles them meanwhile, and nobody compiles them twice."""

import asyncio

import pytest

from service.moderation import lists
from service.moderation.lists import AsKept
from service.triage.lists.compiled import Lists
from service.web import judged
from tests.harness import Gatepost
from tests.store.scene import BLOG
from tests.triage.policies import of_rules, put
from tests.web.test_lists import RIVALS_WAIT, change, make


@pytest.fixture
async def ruled(gatepost: Gatepost) -> Gatepost:
    """A blog with a rule that holds what names a rival."""
    await make(gatepost.moderator())
    await change(gatepost.moderator(), 1, "acme")
    await put(gatepost.running.database, BLOG.key, of_rules(RIVALS_WAIT))
    return gatepost


async def submitted(gatepost: Gatepost, text: str) -> str:
    answer = await gatepost.reader("ada").submit(text)
    assert answer.status in (201, 202), answer.json
    status: str = answer.json["comment"]["status"]
    return status


async def test_however_many_wait_for_lists_they_are_compiled_once(ruled: Gatepost) -> None:
    database, turn = ruled.running.database, asyncio.Lock()
    made = await asyncio.gather(*(judged.compiled(database, BLOG.key, turn) for _ in range(20)))
    assert len({id(one) for one in made}) == 1
    await change(ruled.moderator(), 2, "initech")
    assert await judged.compiled(database, BLOG.key, turn) is not made[0]


async def test_older_lists_that_are_ready_last_are_in_nobodys_way(
    ruled: Gatepost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if another request had read the lists before the change, and its thread ended last."""
    assert await submitted(ruled, "Some words") == "approved"
    older = await ruled.running.database.read(lists.as_kept, BLOG.key)
    await change(ruled.moderator(), 2, "initech")
    compile_lists = lists.compile_lists
    lists._of_site.clear()

    def and_then_the_older(site: str, kept: AsKept) -> Lists:
        made = compile_lists(BLOG.key, kept)
        lists._of_site[BLOG.key] = older.made or compile_lists(BLOG.key, older)
        return made

    monkeypatch.setattr(lists, "compile_lists", and_then_the_older)
    assert await submitted(ruled, "Buy at initech") == "pending"
    assert await submitted(ruled, "Other words") == "approved"
