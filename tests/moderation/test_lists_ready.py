"""Lists are compiled outside of the writing transaction, each once for each of its versions."""

import pytest

from service.model import SiteKey, SiteRules
from service.moderation import lists
from service.moderation.lists import Addition, NotCompiled, Wanted
from service.store.database import Database, Transaction
from service.store.lists import mark_of
from service.triage.lists.compiled import NO_LISTS, Lists
from service.triage.lists.entry import Entry, ListKind
from tests.harness import Hands
from tests.store.scene import BLOG, MODERATOR, Scene
from tests.triage.policies import of_rules, put


@pytest.fixture
def scene(database: Database, clock: Hands) -> Scene:
    return Scene(database, clock)


RULE = {"id": "rivals", "title": "Rivals", "when": [{"lists.matched": {"any_of": ["rivals"]}}]}


def ready(tx: Transaction, site: SiteKey) -> Lists:
    return lists.ready(tx, site, mark_of(tx, site))


async def change(database: Database, name: str, version: int, *values: str) -> None:
    add = [Addition(Entry(value)) for value in values]
    await database.write(
        lists.change_entries, SiteRules(BLOG.key), name, MODERATOR, expected=version, add=add, remove=[]
    )


async def test_where_writes_wait_nothing_is_compiled(database: Database, scene: Scene) -> None:
    assert await database.write(ready, BLOG.key) is NO_LISTS
    for name in ("rivals", "slurs"):
        await database.write(lists.put, BLOG.key, name, Wanted(name, ListKind.WORDS), MODERATOR, expected=0)
        await change(database, name, 1, "acme", "initech")
    await put(database, BLOG.key, of_rules(RULE))
    with pytest.raises(NotCompiled):
        await scene.submit(BLOG, "ada", text="Buy at acme")
    kept = await database.read(lists.as_kept, BLOG.key)
    made = lists.compile_lists(BLOG.key, kept)
    assert await database.write(ready, BLOG.key) is made
    assert (await scene.submit(BLOG, "ada", text="Buy at acme")).status == "pending"


async def test_only_the_list_that_was_changed_is_read_and_compiled_again(database: Database) -> None:
    for name in ("rivals", "slurs"):
        await database.write(lists.put, BLOG.key, name, Wanted(name, ListKind.WORDS), MODERATOR, expected=0)
        await change(database, name, 1, "acme")
    await database.read(lists.holding, BLOG.key)
    await change(database, "slurs", 2, "initech")
    kept = await database.read(lists.as_kept, BLOG.key)
    assert [(one.kept.name, len(one.entries), one.made is None) for one in kept.lists] == [
        ("rivals", 0, False),
        ("slurs", 2, True),
    ]
    made = await database.read(lists.holding, BLOG.key)
    found = {(hit.list, hit.entry.value) for hit in made.find("acme initech", "acme initech", {})}
    assert found == {("rivals", "acme"), ("slurs", "acme"), ("slurs", "initech")}
