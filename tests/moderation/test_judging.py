"""A text is judged when it comes: by facts of the text and of its context, by the site's policy, in its transaction."""

import json
from typing import Any

import pytest

from service.model import (
    Action,
    AuthorKey,
    Caller,
    Comment,
    CommentId,
    Identity,
    Profile,
    SiteKey,
    SiteRules,
    Status,
    Why,
)
from service.moderation import policies, submissions
from service.moderation.submissions import Draft
from service.store import events, judgements, queue
from service.store.database import Database
from service.text import render
from service.triage.outcome import Outcome
from service.triage.policy import Policy
from tests.conftest import StartGatepost
from tests.harness import Gatepost, Hands
from tests.store.scene import BLOG, MODERATOR, ODD_POST, OPEN, Scene
from tests.triage.policies import of_rules, put

LINKS_WAIT = {
    "id": "links-wait",
    "title": "Links wait",
    "not_for": ["trusted"],
    "when": [{"links.count": {"at_least": 1}}],
}
NEWCOMERS_WAIT = {"id": "newcomers-wait", "title": "The first comment waits", "for": ["newcomers"], "when": [{}]}
BUSY = {"id": "busy", "title": "Two that wait are enough", "when": [{"author.waiting": {"at_least": 1}}]}


class Speaking(Scene):
    """A scene in which texts are rendered, so that checks see what readers would."""

    async def says(self, of: SiteRules, who: str, text: str) -> Comment:
        self.clock.advance(seconds=1)
        draft = Draft(text, render.to_html(text))
        identity = Identity(of.key, "login", who, Profile(who))
        return await self.database.write(submissions.submit, of, ODD_POST, AuthorKey(who), identity, draft)

    async def says_instead(self, of: SiteRules, comment: Comment, text: str) -> Comment:
        self.clock.advance(seconds=1)
        draft, who = Draft(text, render.to_html(text)), comment.author_key
        caller = Caller(who, Profile(who), frozenset(), Identity(of.key, "login", who, Profile(who)))
        return await self.database.write(submissions.edit, of, comment.id, caller, draft, version=comment.version)


@pytest.fixture
def scene(database: Database, clock: Hands) -> Speaking:
    return Speaking(database, clock)


async def said_of(database: Database, comment: Comment) -> dict[str, Any] | None:
    return await database.read(judgements.of_text, comment.id, comment.newest_text.version)


async def why(database: Database, comment_id: CommentId) -> tuple[Why, ...]:
    entry = await database.read(queue.get, comment_id)
    return entry.why if entry else ()


async def test_without_a_policy_the_configuration_decides(database: Database, scene: Speaking) -> None:
    waits, shown = await scene.says(BLOG, "ada", "One"), await scene.says(OPEN, "ada", "Another")
    assert (waits.status, await why(database, waits.id)) == (Status.PENDING, (Why.AWAITING_APPROVAL,))
    assert (shown.status, await why(database, shown.id)) == (Status.APPROVED, ())
    assert [await said_of(database, comment) for comment in (waits, shown)] == [None, None]


async def test_a_rule_on_the_text_holds_and_says_so(database: Database, scene: Speaking) -> None:
    await put(database, BLOG.key, of_rules(LINKS_WAIT))
    held = await scene.says(BLOG, "ada", "See https://example.org/ for more")
    shown = await scene.says(BLOG, "ada", "See for yourself")
    assert (held.status, shown.status) == (Status.PENDING, Status.APPROVED)
    assert await why(database, held.id) == (Why.HELD,)
    said = await said_of(database, held)
    assert said is not None
    assert (said["outcome"], said["by"], said["policy_version"]) == ("hold", ["links-wait"], 1)
    assert (said["facts"]["links.count"], said["facts"]["author.approved"]) == (1, 0)
    other = await said_of(database, shown)
    assert other is not None
    assert (other["outcome"], other["by"]) == ("publish", [])


async def test_a_rule_on_the_author_knows_what_became_of_their_comments(database: Database, scene: Speaking) -> None:
    await put(database, BLOG.key, of_rules(NEWCOMERS_WAIT, BUSY))
    first = await scene.says(BLOG, "ada", "First")
    assert first.status is Status.PENDING
    await scene.decide(first, Action.APPROVE)
    second = await scene.says(BLOG, "ada", "Second")
    assert second.status is Status.APPROVED
    await scene.says(BLOG, "bob", "His first waits")
    third = await scene.says(BLOG, "bob", "So does his second")
    said = await said_of(database, third)
    assert said is not None
    assert said["by"] == ["busy", "newcomers-wait"]
    assert (said["facts"]["author.waiting"], said["facts"]["queue.waiting"]) == (1, 1)


async def test_what_humans_decided_in_ninety_days_is_counted(database: Database, scene: Speaking, clock: Hands) -> None:
    await put(database, BLOG.key, of_rules(LINKS_WAIT, otherwise="hold"))
    for number, action in enumerate([Action.APPROVE, Action.REJECT, Action.SPAM, Action.REJECT, Action.APPROVE]):
        await scene.decide(await scene.says(BLOG, "ada", f"Text {number}"), action)
    said = await said_of(database, await scene.says(BLOG, "ada", "After five"))
    assert said is not None
    assert said["facts"]["author.rejected_share"] == 0.6
    clock.advance(seconds=91 * 86_400)
    said = await said_of(database, await scene.says(BLOG, "ada", "A season later"))
    assert said is not None
    assert said["facts"]["author.rejected_share"] is None


async def test_an_edit_of_what_readers_see_is_judged_and_waits_beside_it(database: Database, scene: Speaking) -> None:
    await put(database, BLOG.key, of_rules(LINKS_WAIT))
    before = await scene.says(BLOG, "ada", "Fine")
    after = await scene.says_instead(BLOG, before, "Now see https://example.org/")
    assert (after.status, after.text.body) == (Status.APPROVED, "Fine")
    assert after.pending_edit is not None
    assert await why(database, after.id) == (Why.EDITED,)
    said = await said_of(database, after)
    assert said is not None
    assert (said["outcome"], said["by"], said["text_version"]) == ("hold", ["links-wait"], 2)


async def test_a_policy_is_only_put_upon_the_version_that_was_seen(database: Database) -> None:
    first = await put(database, BLOG.key, of_rules(LINKS_WAIT))
    assert first is not None
    assert await put(database, BLOG.key, of_rules(LINKS_WAIT), expected=1) == first, "an equal one makes no new version"
    assert await put(database, BLOG.key, of_rules(BUSY), expected=0) is None
    second = await put(database, BLOG.key, of_rules(BUSY), expected=1)
    assert second is not None
    assert (second.version, json.loads(second.document)) == (2, of_rules(BUSY))
    found = await database.read(events.after, BLOG.key, 0, limit=10)
    assert [(event.type, event.actor, event.about) for event in found] == [
        ("policy.changed", "admin", {"policy_version": 1}),
        ("policy.changed", "admin", {"policy_version": 2}),
    ]


async def test_a_policy_that_this_release_cannot_read_holds_everything(database: Database, scene: Speaking) -> None:
    of_later = of_rules({"id": "new", "title": "By a fact of later", "when": [{"moon.phase": {"at_least": 1}}]})
    unknown = Policy(1, Outcome.HOLD)  # a release that knows it has examined it
    await database.write(policies.put, OPEN, of_later, unknown, MODERATOR, expected=0)
    policies._compiled.clear()  # as in a process of this release
    comment = await scene.says(OPEN, "ada", "Hello")
    assert (comment.status, await why(database, comment.id)) == (Status.PENDING, (Why.AWAITING_APPROVAL,))


async def test_what_rules_decide_is_what_readers_and_moderators_are_told(start_gatepost: StartGatepost) -> None:
    gatepost: Gatepost = await start_gatepost(premoderate=True)
    database = gatepost.running.database
    await put(database, SiteKey("blog"), of_rules(LINKS_WAIT))
    shown = await gatepost.reader("ada").submit("No link here")
    held = await gatepost.reader("ada").submit("But here: https://example.org/")
    assert (shown.status, held.status) == (201, 202)
    assert policies.may_have_rules(SiteKey("blog"))
    again = await gatepost.reader("bob").submit("And here: https://example.org/2")
    assert again.status == 202
    entries = (await gatepost.moderator("mo").get("queue?reason=held")).json["entries"]
    assert [entry["why"][0]["text"] for entry in entries] == ["A rule of this site holds it."] * 2
