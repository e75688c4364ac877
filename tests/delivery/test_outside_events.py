"""What the outside is told of each event: its names, which of them readers see, and how much of it is told."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from service.delivery import outside_content, outside_events
from service.delivery.outside_events import KINDS, OUTSIDE_OF, Share, is_known, is_wanted, tellings
from service.delivery.outside_shapes import OutsideEvent
from service.model import Action, ActorKind, AuthorKey, Event, EventId, PostKey, SiteKey
from service.moderation import authors, posts, rendering
from service.moderation.record import EVENT_OF
from service.settings import Site
from service.store import events
from service.store.database import Database
from tests.harness import Hands
from tests.store.scene import BLOG, MODERATOR, OPEN, Scene

MODERATION = Path(__file__).parent.parent.parent / "service" / "moderation"
ONLY_LOGGED = {"policy.unreadable"}
PUBLIC_TYPES = {"comment.published", "comment.changed", "comment.removed"}


def types_written() -> Iterator[str]:
    """Every type of event that the house writes: by the table of decisions, and where an event is appended."""
    yield from (*EVENT_OF.values(), events.IMPORTED, events.IMPORT_UNDONE)
    for path in MODERATION.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in ONLY_LOGGED:
                family, dot, what = node.value.partition(".")
                if dot and family in {"comment", "post", "author", "policy", "rule", "list"} and what.isidentifier():
                    yield node.value


def a_site() -> Site:
    """The settings of the site `blog`."""
    site = Site(name="A blog", origins=("https://blog.example",))
    site._key = SiteKey("blog")
    return site


def an_event(event_type: str, **more: Any) -> Event:
    """An event that says little."""
    usual: dict[str, Any] = {"post": PostKey("post"), "comment_id": None, "created_at": 0, "about": {}}
    usual |= {"actor_kind": ActorKind.MODERATOR, "actor": "mo", "site": SiteKey("blog"), "seq": 1}
    return Event(**{**usual, "id": EventId("an-id"), "type": event_type, **more})


def test_every_event_has_a_name_outside_or_says_that_nobody_is_told() -> None:
    assert set(types_written()) == set(OUTSIDE_OF)


def test_every_name_has_an_example_and_is_told() -> None:
    assert set(KINDS) == {name for name in OUTSIDE_OF.values() if name} | PUBLIC_TYPES


@pytest.mark.parametrize("type_", KINDS)
def test_every_example_is_what_is_sent(type_: str) -> None:
    TypeAdapter(OutsideEvent).validate_python(outside_events.example(type_), strict=True)


@pytest.mark.parametrize(
    ("wanted", "told"),
    [((), True), (("comment.*",), True), (("*",), True), (("comment.approved",), True), (("post.*",), False)],
)
def test_a_filter_is_a_list_of_names_and_beginnings(wanted: tuple[str, ...], told: bool) -> None:
    assert is_wanted("comment.approved", wanted) is told


@pytest.mark.parametrize("wanted", ["comment.aproved", "commentss.*", "", "co*mment"])
def test_a_filter_that_means_nothing_is_known_as_such(wanted: str) -> None:
    assert not is_known(wanted)


async def told_of_last(scene: Scene, of: Any, share: Share = Share.TEXTS) -> list[Any]:
    """What is told of the site's last event."""

    def read(tx: Any) -> list[Any]:
        last = events.last_number(tx, of.key)
        (event,) = events.after(tx, of.key, last - 1, limit=5)
        site = a_site()
        site._key = of.key
        return list(outside_content.tell(tx, site, list(tellings(event)), share))

    return await scene.database.read(read)


@pytest.fixture
def scene(database: Database, clock: Hands) -> Scene:
    """Somebody who acts on the store."""
    return Scene(database, clock)


def types(told: list[Any]) -> list[str]:
    """Their names."""
    return [event["type"] for event in told]


async def test_a_comment_that_waits_is_seen_by_nobody(scene: Scene) -> None:
    await scene.submit(BLOG, "ada")
    (told,) = await told_of_last(scene, BLOG)
    assert (told["type"], told["data"]["comment"]["why"]) == ("comment.submitted", ["awaiting-approval"])
    assert told["data"]["decision"]["actor"] == {"kind": "policy", "name": "Site policy"}


async def test_a_comment_that_is_public_at_once_is_submitted_and_published(scene: Scene) -> None:
    await scene.submit(OPEN, "ada")
    told = await told_of_last(scene, OPEN)
    assert types(told) == ["comment.submitted", "comment.published"]
    assert told[1]["id"] == f"{told[0]['id']}-public"
    assert told[0]["data"] == told[1]["data"]


async def test_each_decision_is_told_with_what_readers_see_of_it(scene: Scene) -> None:
    comment = await scene.approved(BLOG, "ada")
    assert types(await told_of_last(scene, BLOG)) == ["comment.approved", "comment.published"]
    kept = (await scene.decide(comment, Action.APPROVE))[1]
    assert types(await told_of_last(scene, BLOG)) == ["comment.approved"]
    edited = await scene.edit(BLOG, "ada", kept)
    (told,) = await told_of_last(scene, BLOG)
    assert (told["type"], told["data"]["comment"]["pending_edit"]["body"]) == (
        "comment.edited",
        edited.newest_text.body,
    )
    shown = (await scene.decide(edited, Action.APPROVE))[1]
    assert types(await told_of_last(scene, BLOG)) == ["comment.approved", "comment.changed"]
    await scene.decide(shown, Action.REJECT)
    assert types(await told_of_last(scene, BLOG)) == ["comment.rejected", "comment.removed"]


async def test_an_edit_that_is_published_at_once_is_a_change(scene: Scene) -> None:
    await scene.edit(OPEN, "ada", await scene.submit(OPEN, "ada"))
    assert types(await told_of_last(scene, OPEN)) == ["comment.edited", "comment.changed"]


@pytest.mark.parametrize("share", Share)
async def test_the_text_of_a_deleted_comment_is_not_told_by_a_late_delivery(scene: Scene, share: Share) -> None:
    comment = await scene.approved(BLOG, "ada")
    (event,) = await scene.database.read(events.after, BLOG.key, 1, limit=1)
    await scene.decide(comment, Action.DELETE)
    told = await scene.database.read(outside_content.tell, a_site(), list(tellings(event)), share)
    assert comment.text.body not in str(told)
    assert {event["data"]["comment"]["status"] for event in told} == {"deleted"}
    assert {event["data"]["comment"].get("html") for event in told} == {None}


async def test_how_much_is_told(scene: Scene) -> None:
    parent = await scene.approved(BLOG, "bob")
    await scene.approved(BLOG, "ada", parent=parent)
    bare, texts, people = [(await told_of_last(scene, BLOG, share))[1]["data"] for share in Share]
    assert bare == {
        "site": "blog",
        "seq": bare["seq"],
        "post": {"key": bare["post"]["key"]},
        "comment": {"id": bare["comment"]["id"], "status": "approved", "version": 2, "parent_id": parent.id},
        "parent": {"id": parent.id},
        "decision": {"id": bare["decision"]["id"]},
    }
    assert texts["comment"]["author"] == {"key": "ada-key", "name": "Ada"}
    assert texts["parent"] == {"id": parent.id, "author": {"key": "bob-key", "name": "Bob"}}
    assert people["comment"]["author"] == {
        **texts["comment"]["author"],
        "login": "login",
        "subject": "ada@blog.example",
    }
    assert people["parent"]["author"]["subject"] == "bob@blog.example"
    assert "@blog.example" not in str(texts)


async def test_a_note_for_moderators_never_leaves(scene: Scene) -> None:
    await scene.approved(BLOG, "ada")
    changes: Any = {"note": "A secret", "trusted": True}
    await scene.database.write(authors.judge, BLOG.key, AuthorKey("ada-key"), MODERATOR, changes=changes)
    assert await told_of_last(scene, BLOG) == []
    told = await scene.database.read(
        lambda tx: [
            outside_content.tell(tx, a_site(), list(tellings(event)), Share.PEOPLE)
            for event in events.after(tx, BLOG.key, 0, limit=50)
        ]
    )
    assert "A secret" not in str(told)
    assert told[-2][0]["data"]["author"]["trusted"] is True


async def test_posts_that_are_closed_named_or_rendered_anew_are_told(scene: Scene) -> None:
    comment = await scene.approved(BLOG, "ada")
    await scene.database.write(posts.set_open, BLOG.key, comment.post, MODERATOR, is_open=False)
    (closed,) = await told_of_last(scene, BLOG)
    assert (closed["type"], closed["data"]["post"]["open"]) == ("post.closed", False)
    newer = replace(comment.text, html="<p>anew</p>", renderer=comment.text.renderer + 1)
    await scene.database.write(rendering.put_anew, [(comment.id, comment.text)], [(comment.id, newer)])
    (rendered,) = await told_of_last(scene, BLOG)
    assert (rendered["type"], rendered["data"]["comments"]) == ("post.rendered", [comment.id])


@pytest.mark.parametrize(
    ("event_type", "revision", "told"),
    [
        ("comment.submitted", None, ["comment.submitted"]),
        ("comment.approved", 3, ["comment.approved", "comment.published"]),
        ("comment.edited", 3, ["comment.edited", "comment.changed"]),
        ("comment.deleted", 3, ["comment.deleted", "comment.removed"]),
        ("comment.withdrawn", 3, ["comment.withdrawn", "comment.removed"]),
    ],
)
def test_events_of_an_older_release_are_told_as_far_as_they_say(
    event_type: str, revision: int | None, told: list[str]
) -> None:
    old = an_event(event_type, comment_id="a-comment", post_revision=revision, schema=1)
    assert [one.type for one in tellings(old)] == told
