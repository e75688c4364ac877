"""What authors do with their own comments while moderators work on them: edits, edits of edits, withdrawing."""

import asyncio
from typing import Any

import pytest

from service.moderation.submissions import MAX_TEXTS
from tests.conftest import StartGatepost
from tests.harness import Gatepost
from tests.rows import Rows

COUNTS = ["SELECT count(*) FROM revisions", "SELECT count(*) FROM events"]


async def texts(gatepost: Gatepost) -> list[str]:
    """What readers see."""
    return [comment["html"] for comment in (await gatepost.public(view="flat"))["comments"]]


async def queue(gatepost: Gatepost) -> list[tuple[str, list[str]]]:
    """What moderators are asked to look at, and why."""
    entries = (await gatepost.moderator().get("queue")).json["entries"]
    return [(entry["comment"]["body"], [why["code"] for why in entry["why"]]) for entry in entries]


async def test_an_edit_of_an_edit_replaces_what_waits(gatepost: Gatepost) -> None:
    ada, comment = gatepost.reader("ada"), await gatepost.approved("First")
    second = (await ada.edit(comment["id"], "Second", 2)).json["comment"]
    third = (await ada.edit(comment["id"], "Third", 3)).json["comment"]
    assert (second["pending_edit"]["body"], third["pending_edit"]["body"]) == ("Second", "Third")
    assert (third["status"], third["version"], third["body"]) == ("approved", 4, "First")
    assert await texts(gatepost) == ['<p dir="auto">First</p>\n']
    assert await queue(gatepost) == [("First", ["edited"])]

    stale = await gatepost.moderator().decide(comment["id"], "approve", 3)
    assert (stale.status, stale.code, stale.json["comment"]["pending_edit"]["body"]) == (409, "stale-version", "Third")
    assert await texts(gatepost) == ['<p dir="auto">First</p>\n']
    assert (await gatepost.moderator().decide(comment["id"], "approve", 4)).status == 201
    assert await texts(gatepost) == ['<p dir="auto">Third</p>\n']
    assert await queue(gatepost) == []


async def test_a_discarded_edit_leaves_the_approved_text(gatepost: Gatepost) -> None:
    comment = await gatepost.approved("First")
    await gatepost.reader("ada").edit(comment["id"], "Second", 2)
    dropped = await gatepost.moderator().decide(comment["id"], "discard_edit", 3)
    assert (dropped.json["comment"]["pending_edit"], dropped.json["comment"]["status"]) == (None, "approved")
    assert (await texts(gatepost), await queue(gatepost)) == (['<p dir="auto">First</p>\n'], [])
    again = await gatepost.moderator().decide(comment["id"], "discard_edit", 4)
    assert (again.status, again.code) == (409, "illegal-transition")


async def test_a_comment_taken_down_with_its_edit_comes_back_for_review_with_the_newest_text(
    gatepost: Gatepost,
) -> None:
    comment = await gatepost.approved("First")
    await gatepost.reader("ada").edit(comment["id"], "Second", 2)
    await gatepost.moderator().decide(comment["id"], "reject", 3)
    restored = await gatepost.moderator().decide(comment["id"], "restore", 4)
    assert (restored.json["comment"]["body"], restored.json["comment"]["pending_edit"]) == ("Second", None)
    assert (await texts(gatepost), await queue(gatepost)) == ([], [("Second", ["restored"])])


async def test_a_moderator_cannot_approve_a_pending_text_they_did_not_see(gatepost: Gatepost) -> None:
    comment = (await gatepost.reader("ada").submit("First")).json["comment"]
    await gatepost.reader("ada").edit(comment["id"], "Second", 1)
    stale = await gatepost.moderator().decide(comment["id"], "approve", 1)
    assert (stale.status, stale.code, stale.json["comment"]["body"]) == (409, "stale-version", "Second")
    assert await texts(gatepost) == []


async def test_the_same_edit_from_two_windows_is_taken_once(gatepost: Gatepost) -> None:
    comment = (await gatepost.reader("ada").submit("First")).json["comment"]
    ada = gatepost.reader("ada")
    answers = await asyncio.gather(*(ada.edit(comment["id"], f"Window {number}", 1) for number in range(4)))
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]
    assert {answer.code for answer in answers if answer.status == 409} == {"stale-version"}


async def test_where_nothing_waits_an_edit_is_published_at_once(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost(premoderate=False)
    comment = (await gatepost.reader("ada").submit("First")).json["comment"]
    edited = (await gatepost.reader("ada").edit(comment["id"], "Second", 1)).json["comment"]
    assert (edited["pending_edit"], edited["status"]) == (None, "approved")
    assert (await texts(gatepost), await queue(gatepost)) == (['<p dir="auto">Second</p>\n'], [])


async def test_an_edit_that_waited_leaves_the_queue_when_a_later_one_is_published_at_once(
    start_gatepost: StartGatepost,
) -> None:
    strict = await start_gatepost()
    comment = await strict.approved("First")
    await strict.reader("ada").edit(comment["id"], "Second", 2)
    await strict.running.stop(drain_seconds=0)
    lenient = await start_gatepost(premoderate=False)
    await lenient.reader("ada").edit(comment["id"], "Third", 3)
    assert (await texts(lenient), await queue(lenient)) == (['<p dir="auto">Third</p>\n'], [])


async def _all_there_is(gatepost: Gatepost, comment_id: str) -> list[Any]:
    """What the author and moderators see of a comment, its record and the queue."""
    moderator = gatepost.moderator()
    shown = [
        await moderator.get(path) for path in (f"comments/{comment_id}", f"decisions?comment={comment_id}", "queue")
    ]
    return [answer.json for answer in shown]


@pytest.mark.parametrize("premoderate", [True, False])
@pytest.mark.parametrize("edited", [False, True])
async def test_an_edit_that_changes_nothing_changes_nothing(
    start_gatepost: StartGatepost, rows: Rows, premoderate: bool, edited: bool
) -> None:
    gatepost = await start_gatepost(premoderate=premoderate)
    ada = gatepost.reader("ada")
    comment = await gatepost.approved("First") if premoderate else (await ada.submit("First")).json["comment"]
    if edited:
        comment = (await ada.edit(comment["id"], "Second", comment["version"])).json["comment"]
    before = await _all_there_is(gatepost, comment["id"])
    counted = [rows.number(query) for query in COUNTS]
    gatepost.clock.advance(seconds=1)
    again = await ada.edit(comment["id"], "Second" if edited else "First", comment["version"])
    assert (again.status, again.json["comment"]) == (200, comment)
    assert await _all_there_is(gatepost, comment["id"]) == before
    assert [rows.number(query) for query in COUNTS] == counted
    stale = await ada.edit(comment["id"], "First", comment["version"] - 1) if edited else None
    assert stale is None or stale.code == "stale-version"


@pytest.mark.parametrize("premoderate", [True, False])
async def test_one_comment_keeps_so_many_texts_and_no_more(
    start_gatepost: StartGatepost, rows: Rows, premoderate: bool
) -> None:
    gatepost = await start_gatepost(premoderate=premoderate)
    ada = gatepost.reader("ada")
    comment = await gatepost.approved("Text 1") if premoderate else (await ada.submit("Text 1")).json["comment"]
    for number in range(2, MAX_TEXTS + 1):
        edited = await ada.edit(comment["id"], f"Text {number}", comment["version"])
        assert edited.status == 200
        comment = edited.json["comment"]
    too_many = await ada.edit(comment["id"], "One more", comment["version"])
    assert (too_many.status, too_many.code) == (409, "too-many-edits")
    assert str(MAX_TEXTS) in too_many.json["detail"]
    assert rows.number(COUNTS[0]) <= MAX_TEXTS
    assert (await ada.edit(comment["id"], f"Text {MAX_TEXTS}", comment["version"])).json["comment"] == comment
    if premoderate:  # a moderator's decision is no edit, and neither is taking it back
        decided = await gatepost.moderator().decide(comment["id"], "approve", comment["version"])
        undone = await gatepost.moderator().undo(decided.json["decision"]["id"])
        assert (decided.status, undone.status) == (201, 201)
        comment = undone.json["comment"]
        assert (await ada.edit(comment["id"], "One more", comment["version"])).code == "too-many-edits"
    assert (await gatepost.reader("ada").submit("In a comment of its own")).status in {201, 202}
    assert (await ada.withdraw(comment["id"])).status == 204


# --- Withdrawing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["approve", "reject", "spam", "delete"])
async def test_withdrawing_and_deciding_at_once_leaves_the_comment_withdrawn(gatepost: Gatepost, action: str) -> None:
    for turn in range(6):
        comment = (await gatepost.reader("ada").submit(f"Take {turn}")).json["comment"]
        calls: list[Any] = [
            gatepost.reader("ada").withdraw(comment["id"]),
            gatepost.moderator().decide(comment["id"], action, 1),
        ]
        first, second = await asyncio.gather(*(calls if turn % 2 else reversed(calls)))
        withdrawn, decided = (first, second) if turn % 2 else (second, first)
        assert withdrawn.status == 204
        assert decided.status == 201 or (decided.code, decided.json["decision"]["action"]) == (
            "already-decided",
            "withdraw",
        )
        shown = (await gatepost.moderator().get(f"comments/{comment['id']}")).json["comment"]
        assert shown["status"] == "deleted"
    assert (await texts(gatepost), await queue(gatepost)) == ([], [])


async def test_a_moderator_who_comes_after_the_author_learns_of_it(gatepost: Gatepost) -> None:
    comment = (await gatepost.reader("ada").submit("Never mind")).json["comment"]
    await gatepost.reader("ada").withdraw(comment["id"])
    late = await gatepost.moderator().decide(comment["id"], "approve", 1)
    assert (late.status, late.code) == (409, "already-decided")
    assert (late.json["decision"]["actor"]["kind"], late.json["decision"]["actor"]["name"]) == ("author", "Ada")
    assert late.json["allowed"] == ["restore"]


async def test_withdrawing_twice_is_one_line_in_the_record(gatepost: Gatepost) -> None:
    comment = await gatepost.approved("Never mind")
    answers = [await gatepost.reader("ada").withdraw(comment["id"]) for _ in range(2)]
    assert [answer.status for answer in answers] == [204, 204]
    record = (await gatepost.moderator().get("decisions", params={"comment": comment["id"]})).json["decisions"]
    assert [line["action"] for line in record] == ["hold", "approve", "withdraw"]


async def test_nobody_withdraws_or_edits_for_somebody_else(gatepost: Gatepost) -> None:
    public, hidden = await gatepost.approved("Public"), (await gatepost.reader("ada").submit("Hidden")).json["comment"]
    for person in (gatepost.reader("bob"), gatepost.moderator()):
        for comment, status in ((public, 403), (hidden, 404)):
            assert (await person.withdraw(comment["id"])).status == status
            assert (await person.edit(comment["id"], "Mine", comment["version"])).status == status
    assert await texts(gatepost) == ['<p dir="auto">Public</p>\n']
