"""Taking a decision back: what was there before is there again, unless something newer stands on it."""

import asyncio
from typing import Any

import pytest

from tests.harness import Gatepost

WRITTEN_BY_DECISIONS = {"version", "decision"}


async def seen(gatepost: Gatepost, comment_id: str) -> Any:
    """A comment and its place in the queue as a moderator sees them."""
    comment = (await gatepost.moderator().get(f"comments/{comment_id}")).json["comment"]
    entries = (await gatepost.moderator().get("queue")).json["entries"]
    places = [
        (entry["why"], entry["priority"], entry["waiting_since"])
        for entry in entries
        if entry["comment"]["id"] == comment_id
    ]
    return {name: value for name, value in comment.items() if name not in WRITTEN_BY_DECISIONS}, places


async def in_state(gatepost: Gatepost, state: str) -> Any:
    """A comment brought into a state."""
    comment = (await gatepost.reader("ada").submit(f"Once {state}")).json["comment"]
    gatepost.clock.advance(seconds=1)
    for action in {"pending": [], "edited": ["approve"], "approved": ["approve"]}.get(state, [state]):
        decided = await gatepost.moderator().decide(comment["id"], action, comment["version"])
        comment = decided.json["comment"]
    gatepost.clock.advance(seconds=1)
    if state == "edited":
        comment = (await gatepost.reader("ada").edit(comment["id"], "Better words", comment["version"])).json["comment"]
        gatepost.clock.advance(seconds=1)
    return comment


LEGAL = [
    *[("pending", action) for action in ("approve", "reject", "spam", "delete")],
    *[("approved", action) for action in ("approve", "reject", "spam", "delete")],
    *[("edited", action) for action in ("approve", "discard_edit", "reject", "spam", "delete")],
    *[("reject", action) for action in ("approve", "spam", "delete", "restore")],
    *[("spam", action) for action in ("approve", "reject", "delete", "restore")],
    ("delete", "restore"),
]


@pytest.mark.parametrize(("state", "action"), LEGAL, ids=" ".join)
async def test_undo_brings_back_what_was_there_and_can_be_undone(gatepost: Gatepost, state: str, action: str) -> None:
    comment = await in_state(gatepost, state)
    before, public_before = await seen(gatepost, comment["id"]), (await gatepost.public())["comments"]
    decided = await gatepost.moderator().decide(comment["id"], action, comment["version"])
    after, public_after = await seen(gatepost, comment["id"]), (await gatepost.public())["comments"]
    gatepost.clock.advance(seconds=1)

    undone = await gatepost.moderator("max").undo(decided.json["decision"]["id"])
    assert (undone.status, undone.json["decision"]["undoes"]) == (201, decided.json["decision"]["id"])
    assert (await seen(gatepost, comment["id"]), (await gatepost.public())["comments"]) == (before, public_before)

    again = await gatepost.moderator("mia").undo(undone.json["decision"]["id"])
    assert (again.status, again.json["comment"]["version"]) == (201, comment["version"] + 3)
    assert (await seen(gatepost, comment["id"]), (await gatepost.public())["comments"]) == (after, public_after)


@pytest.mark.parametrize("newer", ["decision", "edit", "withdrawal", "undo"])
async def test_what_something_newer_stands_on_cannot_be_undone(gatepost: Gatepost, newer: str) -> None:
    comment = await in_state(gatepost, "pending")
    decision = (await gatepost.moderator().decide(comment["id"], "approve", 1)).json["decision"]
    match newer:
        case "decision":
            await gatepost.moderator().decide(comment["id"], "reject", 2)
        case "edit":
            await gatepost.reader("ada").edit(comment["id"], "Other words", 2)
        case "withdrawal":
            await gatepost.reader("ada").withdraw(comment["id"])
        case "undo":
            await gatepost.moderator().undo(decision["id"])
    before = await seen(gatepost, comment["id"])
    refused = await gatepost.moderator("max").undo(decision["id"])
    assert (refused.status, refused.code) == (409, "newer-decision")
    assert refused.json["comment"]["version"] == 3
    assert await seen(gatepost, comment["id"]) == before


async def test_one_of_several_who_undo_at_once_wins(gatepost: Gatepost) -> None:
    comment = await in_state(gatepost, "pending")
    decision = (await gatepost.moderator().decide(comment["id"], "approve", 1)).json["decision"]
    answers = await asyncio.gather(*(gatepost.moderator(f"moderator {n}").undo(decision["id"]) for n in range(5)))
    won = [answer for answer in answers if answer.status == 201]
    lost = {(answer.status, answer.code, answer.json["decision"]["id"]) for answer in answers if answer not in won}
    assert len(won) == 1
    assert lost == {(409, "newer-decision", won[0].json["decision"]["id"])}


async def test_only_moderators_decisions_can_be_undone(gatepost: Gatepost) -> None:
    comment = await in_state(gatepost, "pending")
    await gatepost.reader("ada").withdraw(comment["id"])
    record = (await gatepost.moderator().get("decisions", params={"comment": comment["id"]})).json["decisions"]
    assert [line["actor"]["kind"] for line in record] == ["policy", "author"]
    for line in record:
        refused = await gatepost.moderator().undo(line["id"])
        assert (refused.status, refused.code) == (409, "illegal-transition")


async def test_a_withdrawn_comment_is_restored_by_a_new_decision(gatepost: Gatepost) -> None:
    comment = await in_state(gatepost, "approved")
    await gatepost.reader("ada").withdraw(comment["id"])
    restored = await gatepost.moderator().decide(comment["id"], "restore", 3)
    assert (restored.status, restored.json["comment"]["status"]) == (201, "pending")
    assert (await gatepost.public())["comments"] == []


async def test_unknown_decisions_and_those_of_other_sites_are_not_found(gatepost: Gatepost) -> None:
    theirs = (await gatepost.reader("ada", site="other").submit("Elsewhere")).json["comment"]
    decided = await gatepost.moderator(site="other").decide(theirs["id"], "approve", 1)
    for decision_id in (decided.json["decision"]["id"], "018f0000-0000-7000-8000-000000000000"):
        refused = await gatepost.moderator().undo(decision_id)
        assert (refused.status, refused.code) == (404, "unknown-decision")
