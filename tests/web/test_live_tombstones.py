"""Tombstones in live streams: whoever keeps a list by what a stream says has the list, whatever goes and comes back."""

import random
from collections.abc import Sequence
from typing import Any

import pytest

from service.reading import news
from tests.harness import Gatepost
from tests.web.ear import Heard, listening

Words = list[tuple[str, str, int | None]]


def words(heard: Sequence[Heard]) -> Words:
    """Of each event its name, its comment, and how many replies stand on what was removed."""
    return [
        (one.name, one.data["comment"]["id"], one.data["comment"]["reply_count"] if "removed" in one.name else None)
        for one in heard
    ]


async def act(gatepost: Gatepost, comment: Any, *actions: str) -> Any:
    """A moderator decides, or takes the last decision back (`undo`), or the author takes it back (`withdraw`)."""
    for action in actions:
        if action == "withdraw":
            await gatepost.reader("bob").withdraw(comment["id"])
            comment = (await gatepost.moderator().get(f"comments/{comment['id']}")).json["comment"]
            continue
        if action == "undo":
            last = (await gatepost.moderator().get("decisions", params={"comment": comment["id"]})).json["decisions"]
            answer = await gatepost.moderator().undo(last[-1]["id"])
        else:
            answer = await gatepost.moderator().decide(comment["id"], action, comment["version"])
        assert answer.status == 201, answer.json
        comment = answer.json["comment"]
    return comment


async def chain(gatepost: Gatepost, length: int) -> list[Any]:
    """Comments that are all gone, each an answer to the one before, and an answer to the last that waits."""
    above: list[Any] = []
    for number in range(length):
        parent = {"parent_id": above[-1]["id"]} if above else {}
        above.append(await gatepost.approved(f"Comment {number}", **parent))
    reply = (await gatepost.reader("bob").submit("A reply", parent_id=above[-1]["id"])).json["comment"]
    for comment in above:
        await act(gatepost, comment, "delete")
    return [*above, reply]


@pytest.mark.parametrize("length", [1, 3])
@pytest.mark.parametrize("comes", ["while it listens", "before it comes back"])
async def test_a_tombstone_that_appears_is_told_before_the_reply_that_it_stands_for(
    gatepost: Gatepost, length: int, comes: str
) -> None:
    *above, reply = await chain(gatepost, length)
    async with listening(gatepost.visitor) as ear:
        await ear.settled()
        last_id = ear.last_id
        if comes == "while it listens":
            await act(gatepost, reply, "approve")
            heard = await ear.some(length + 1)
    if comes == "before it comes back":
        await act(gatepost, reply, "approve")
        async with listening(gatepost.visitor, last_id=last_id) as ear:
            heard = await ear.some(length + 1)
    tombstones = [("comment.removed", comment["id"], 1) for comment in above]
    assert words(heard) == [*tombstones, ("comment.published", reply["id"], None)]
    assert [one.data["comment"] for one in heard] == (await gatepost.public())["comments"]
    assert all(one.data["post"]["count"] == 1 for one in heard)
    assert [one.id for one in heard[:-1]] == [last_id] * length  # a client that is cut here hears all of it again
    assert heard[-1].id != last_id


@pytest.mark.parametrize(
    "actions",
    [
        ("reject", "approve"),
        ("approve", "spam", "approve"),
        ("approve", "reject", "undo"),
        ("approve", "undo", "undo"),
        ("approve", "withdraw", "restore", "approve"),
        ("delete", "restore", "approve"),
    ],
    ids=" ".join,
)
async def test_it_is_told_whenever_the_reply_comes(gatepost: Gatepost, actions: Sequence[str]) -> None:
    parent, reply = await chain(gatepost, 1)
    reply = await act(gatepost, reply, *actions[:-1])
    async with listening(gatepost.visitor) as ear:
        await ear.settled()
        await act(gatepost, reply, actions[-1])
        heard = await ear.some(2)
    assert words(heard) == [("comment.removed", parent["id"], 1), ("comment.published", reply["id"], None)]


async def test_a_tombstone_that_stands_already_is_not_told_again(gatepost: Gatepost) -> None:
    parent, reply = await chain(gatepost, 1)
    await act(gatepost, parent, "undo")
    other = (await gatepost.reader("cy").submit("Another", parent_id=parent["id"])).json["comment"]
    await act(gatepost, reply, "approve")
    await act(gatepost, parent, "undo")
    async with listening(gatepost.visitor) as ear:
        await ear.settled()
        await act(gatepost, other, "approve")
        (heard,) = await ear.some(1)
    assert words([heard]) == [("comment.published", other["id"], None)]


async def test_more_tombstones_than_an_event_holds_are_read_anew(
    gatepost: Gatepost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "MOST_TOMBSTONES", 2)
    *_, reply = await chain(gatepost, 3)
    async with listening(gatepost.visitor) as ear:
        await ear.settled()
        last_id = ear.last_id
        await act(gatepost, reply, "approve")
        (heard,) = await ear.some(1)
    assert (heard.name, heard.data) == ("reset", {})
    assert heard.id != last_id


# --- A list that is kept by what a stream says ------------------------------------------------------------------------


class Kept:
    """What a page shows that began with an empty list, and does what docs/api.md says of each event."""

    def __init__(self) -> None:
        self.items: dict[str, Any] = {}

    def hear(self, heard: Heard) -> None:
        """Put an item, or drop one with the tombstones that only stood for it."""
        item = heard.data["comment"]
        self.items[item["id"]] = item
        if "removed" in item and item["reply_count"] == 0:
            self._drop(item)

    def _drop(self, item: Any) -> None:
        del self.items[item["id"]]
        above = self.items.get(item["parent_id"])
        if above and "removed" in above and not any(one["parent_id"] == above["id"] for one in self.items.values()):
            self._drop(above)


ACTIONS = ("approve", "approve", "approve", "delete", "reject", "undo", "restore")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
async def test_who_keeps_a_list_by_what_is_told_has_the_list(gatepost: Gatepost, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  # the same in every run
    made: dict[str, Any] = {}
    async with listening(gatepost.visitor) as ear:
        await ear.settled()
        for number in range(60):
            parents = [one["id"] for one in made.values() if one["status"] == "approved"]
            if chance.random() < 0.4:
                parent = {"parent_id": chance.choice(parents[-3:])} if parents else {}
                answer = await gatepost.reader("bob").submit(f"Comment {number}", **parent)
                comment = answer.json["comment"]
            else:
                comment = await _something(gatepost, chance, made)
            if comment is not None:
                made[comment["id"]] = comment
        await gatepost.moderator().call("PATCH", "posts/post", json={"open": False})
        kept = Kept()
        while (heard := await ear.hear()) and heard.name != "post.changed":
            kept.hear(heard)
    listed = (await gatepost.public(limit=200))["comments"]
    assert {item["id"]: "removed" in item for item in listed} == {
        item["id"]: "removed" in item for item in kept.items.values()
    }
    assert any("removed" in item for item in listed)


async def _something(gatepost: Gatepost, chance: random.Random, made: dict[str, Any]) -> Any:
    """Anything that may be done to one of the comments; None where it may not."""
    if not made:
        return None
    comment, action = chance.choice(list(made.values())), chance.choice(ACTIONS)
    if action == "undo":
        last = (await gatepost.moderator().get("decisions", params={"comment": comment["id"]})).json["decisions"]
        answer = await gatepost.moderator().undo(last[-1]["id"])
    else:
        answer = await gatepost.moderator().decide(comment["id"], action, comment["version"])
    return answer.json["comment"] if answer.status == 201 else None
