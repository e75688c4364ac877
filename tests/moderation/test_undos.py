"""Undoing a batch: what the preview showed is undone, all else stays and is named, and a lost reply is no matter."""

import asyncio
from typing import Any

import pytest

from service.moderation import undos
from tests.harness import Answer, Gatepost
from tests.moderation.test_bulk import decide_many


async def waiting(gatepost: Gatepost, number: int) -> list[str]:
    """So many comments that wait."""
    sent = await asyncio.gather(*(gatepost.reader("ada").submit(f"Number {each}") for each in range(number)))
    return [answer.json["comment"]["id"] for answer in sent]


async def batch_of(gatepost: Gatepost, ids: list[str], action: str = "spam") -> str:
    """What one call decides about comments that nobody has decided about."""
    answer = await decide_many(gatepost, [{"comment_id": one, "action": action, "version": 1} for one in ids])
    assert all("decision" in result for result in answer.json["results"])
    return str(answer.json["batch"])


async def preview(gatepost: Gatepost, batch: str, *, by: str = "mo") -> Any:
    """What undoing the batch would change."""
    answer = await gatepost.moderator(by).call("POST", "undos/previews", json={"batch": batch})
    assert answer.status == 200, answer.json
    return answer.json


async def undo(gatepost: Gatepost, shown: Any, *, by: str = "mo", **more: Any) -> Answer:
    """Carry a preview out."""
    return await gatepost.moderator(by).call("POST", "undos", json={"preview": shown["preview"], **more})


async def statuses(gatepost: Gatepost, ids: list[str]) -> list[str]:
    """Of these comments."""
    return [(await gatepost.moderator().get(f"comments/{one}")).json["comment"]["status"] for one in ids]


async def test_a_batch_is_undone_as_one_and_that_can_be_undone_as_well(gatepost: Gatepost) -> None:
    ids = await waiting(gatepost, 4)
    batch = await batch_of(gatepost, ids)
    shown = await preview(gatepost, batch)
    assert (shown["would_change"], shown["stays"], shown["by_action"]) == (4, [], {"spam": 4})
    assert set(shown["examples"]) == set(ids)
    assert await statuses(gatepost, ids) == ["spam"] * 4
    done = await undo(gatepost, shown, note="no spam")
    assert (done.status, done.json["undone"], done.json["stayed"], done.json["remaining"]) == (201, 4, [], 0)
    assert await statuses(gatepost, ids) == ["pending"] * 4
    made = (await gatepost.moderator().get("decisions", params={"batch": done.json["batch"]})).json["decisions"]
    assert [(line["action"], line["note"]) for line in made] == [("undo", "no spam")] * 4
    again = await preview(gatepost, done.json["batch"])
    assert (again["would_change"], again["by_action"]) == (4, {"undo": 4})
    assert (await undo(gatepost, again)).json["undone"] == 4
    assert await statuses(gatepost, ids) == ["spam"] * 4


async def test_what_changes_between_preview_and_undo_stays_and_is_named(gatepost: Gatepost) -> None:
    ids = await waiting(gatepost, 4)
    batch = await batch_of(gatepost, ids, "reject")
    before, between, withdrawn, untouched = ids
    await gatepost.moderator("max").decide(before, "approve", 2)
    shown = await preview(gatepost, batch)
    assert (shown["would_change"], shown["stays"]) == (3, [{"why": "newer-decision", "count": 1}])
    await gatepost.moderator("max").decide(between, "spam", 2)
    assert (await gatepost.reader("ada").withdraw(withdrawn)).status == 204
    done = (await undo(gatepost, shown)).json
    assert (done["undone"], done["remaining"]) == (1, 0)
    assert {(stayed["comment_id"], stayed["why"]) for stayed in done["stayed"]} == {
        (one, "newer-decision") for one in (before, between, withdrawn)
    }
    assert await statuses(gatepost, ids) == ["approved", "spam", "deleted", "pending"]
    assert untouched not in {stayed["comment_id"] for stayed in done["stayed"]}


async def test_what_another_moderator_holds_stays_as_shown_whoever_gives_it_back(gatepost: Gatepost) -> None:
    ids = await waiting(gatepost, 3)
    await batch_of(gatepost, ids)
    restored = await decide_many(gatepost, [{"comment_id": one, "action": "restore", "version": 2} for one in ids])
    claims = {"limit": 1, "lease_seconds": 60}
    await gatepost.moderator("max").call("POST", "queue/claims", json=claims)
    shown = await preview(gatepost, restored.json["batch"])
    assert (shown["would_change"], shown["stays"]) == (2, [{"why": "claimed", "count": 1}])
    theirs = await preview(gatepost, restored.json["batch"], by="max")
    assert theirs["would_change"] == 3
    await gatepost.moderator("max").call("DELETE", "queue/claims")
    done = (await undo(gatepost, shown)).json
    assert (done["undone"], [stayed["why"] for stayed in done["stayed"]]) == (2, ["claimed"])
    assert sorted(await statuses(gatepost, ids)) == ["pending", "spam", "spam"]


async def test_the_same_call_again_goes_on_and_then_changes_nothing(
    gatepost: Gatepost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undos, "AT_ONCE", 30)  # two slices of the writer, the second not full
    ids = await waiting(gatepost, 70)
    shown = await preview(gatepost, await batch_of(gatepost, ids))
    told = []
    for _ in range(4):
        gatepost.clock.advance(seconds=500)  # each use keeps the preview good
        told.append((await undo(gatepost, shown)).json)
    assert [(done["undone"], done["remaining"]) for done in told] == [(30, 40), (60, 10), (70, 0), (70, 0)]
    assert len({done["batch"] for done in told}) == 1
    assert set(await statuses(gatepost, ids)) == {"pending"}


async def test_two_that_carry_out_one_preview_at_once_undo_each_decision_once(gatepost: Gatepost) -> None:
    ids = await waiting(gatepost, 40)
    shown = await preview(gatepost, await batch_of(gatepost, ids))
    told = await asyncio.gather(undo(gatepost, shown), undo(gatepost, shown))
    assert [answer.status for answer in told] == [201, 201]
    made = await gatepost.moderator().get("decisions", params={"batch": told[0].json["batch"], "limit": 200})
    assert len(made.json["decisions"]) == 40


async def test_a_preview_is_good_for_its_caller_and_its_time_only(gatepost: Gatepost) -> None:
    batch = await batch_of(gatepost, await waiting(gatepost, 1))
    shown = await preview(gatepost, batch)
    for other in (
        await undo(gatepost, shown, by="max"),
        await undo(gatepost, {"preview": shown["preview"][:-1]}),
        await undo(gatepost, {"preview": "made up"}),
    ):
        assert (other.status, other.code) == (409, "preview-expired")
    gatepost.clock.advance(seconds=601)
    late = await undo(gatepost, shown)
    assert (late.status, late.code) == (409, "preview-expired")


async def test_nobody_knows_another_sites_batch(gatepost: Gatepost) -> None:
    batch = await batch_of(gatepost, await waiting(gatepost, 1))
    elsewhere = gatepost.reader("mo", site="other", roles=["moderator"])
    answer = await elsewhere.call("POST", "undos/previews", json={"batch": batch})
    assert (answer.status, answer.code) == (404, "unknown-batch")


@pytest.mark.parametrize("path", ["undos/previews", "undos"])
async def test_only_moderators_undo(gatepost: Gatepost, path: str) -> None:
    assert (await gatepost.visitor.call("POST", path, json={})).code == "login-required"
    assert (await gatepost.reader("ada").call("POST", path, json={})).code == "forbidden"
