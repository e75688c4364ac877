"""What checks know of other texts: hosts of approved comments, what came lately, and what stood there before."""

from typing import Any

import pytest

from service.model import Action, Comment, SiteRules
from service.store import earlier, judgements
from service.store.database import Database
from tests.harness import Hands
from tests.moderation.test_judging import Speaking
from tests.store.scene import BLOG
from tests.triage.policies import of_rules, put

NEW_LINKS = {"id": "new-links", "title": "New links", "when": [{"links.new_hosts": {"at_least": 1}}]}
REPEATS = {"id": "repeats", "title": "Again", "when": [{"repeats.by_author": {"at_least": 1}}]}
HERE = "See https://www.a.example/x for more"


@pytest.fixture
def scene(database: Database, clock: Hands) -> Speaking:
    return Speaking(database, clock)


async def facts(scene: Speaking, of: SiteRules, who: str, text: str) -> Any:
    return await said(scene.database, await scene.says(of, who, text))


async def said(database: Database, comment: Comment) -> Any:
    found = await database.read(judgements.of_text, comment.id, comment.newest_text.version)
    assert found is not None
    return found["facts"]


async def test_a_host_is_new_until_an_approved_comment_links_there(database: Database, scene: Speaking) -> None:
    await put(database, BLOG.key, of_rules(NEW_LINKS))
    held = await scene.says(BLOG, "ada", HERE)
    assert (await said(database, held))["links.new_hosts"] == 1
    assert (await facts(scene, BLOG, "bob", "Or https://a.example"))["links.new_hosts"] == 1
    _, approved = await scene.decide(held, Action.APPROVE)
    shown = await scene.says(BLOG, "bob", "So https://a.example/y and mailto:me@b.example")
    assert (await said(database, shown))["links.new_hosts"] == 0
    await scene.decide(approved, Action.DELETE)
    await scene.decide(shown, Action.DELETE)
    assert (await facts(scene, BLOG, "cy", "Or https://a.example"))["links.new_hosts"] == 1


async def test_what_comes_again_is_counted_for_some_days(database: Database, scene: Speaking, clock: Hands) -> None:
    await put(database, BLOG.key, of_rules(REPEATS))
    await scene.says(BLOG, "ada", "Buy cheap pills")
    again = await facts(scene, BLOG, "ada", "BUY ch\u0435ap p\u200bills!!")
    assert [again[name] for name in ("repeats.by_author", "repeats.on_site", "flood.author", "flood.site")] == [
        1,
        1,
    ] * 2
    other = await facts(scene, BLOG, "bob", "Buy cheap pills.")
    assert [other[name] for name in ("repeats.by_author", "repeats.on_site", "flood.author", "flood.post")] == [
        0,
        2,
        0,
        2,
    ]
    clock.advance(seconds=4 * 86_400)
    later = await facts(scene, BLOG, "ada", "Buy: cheap pills")
    assert [later[name] for name in ("repeats.by_author", "repeats.on_site", "flood.site")] == [2, 0, 0]
    await earlier.forget(database)
    clock.advance(seconds=4 * 86_400)
    assert (await facts(scene, BLOG, "ada", "Buy cheap pills?"))["repeats.by_author"] == 1


async def test_an_edit_does_not_repeat_itself(database: Database, scene: Speaking) -> None:
    await put(database, BLOG.key, of_rules(REPEATS))
    comment = await scene.says(BLOG, "ada", "A fine article")
    edited = await scene.says_instead(BLOG, comment, "A fine article!")
    assert (await said(database, edited))["repeats.by_author"] == 0


async def test_what_came_before_the_rules_is_read_and_until_then_unknown(database: Database, scene: Speaking) -> None:
    for _ in range(2):
        await scene.approved(BLOG, "ada", html='<p><a href="https://a.example/">a</a></p>')
    await scene.says(BLOG, "ada", "Buy cheap pills")
    await put(database, BLOG.key, of_rules(REPEATS, NEW_LINKS))
    unknown = await scene.says(BLOG, "bob", "Something else")
    told = await database.read(judgements.of_text, unknown.id, 1)
    assert told is not None
    assert [(one["rule"], one["check"]) for one in told["could_not_judge"]] == [("repeats", "repeats")]
    await earlier.keep(database, "me")
    known = await facts(scene, BLOG, "ada", "Buy cheap pills at https://a.example/")
    assert (known["links.new_hosts"], known["flood.site"]) == (0, 4)
    assert (await facts(scene, BLOG, "ada", "Buy cheap pills!"))["repeats.by_author"] == 1
