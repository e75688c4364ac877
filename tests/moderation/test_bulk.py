"""Many decisions in one call: each stands alone, and the results come in the order of the request."""

import asyncio
from typing import Any

import pytest

from tests.harness import Answer, Gatepost

ABSENT = "018f0000-0000-7000-8000-000000000000"


async def decide_many(gatepost: Gatepost, rulings: list[dict[str, Any]]) -> Answer:
    """One call with many decisions."""
    return await gatepost.moderator().call("POST", "decisions", json={"decisions": rulings})


async def test_five_hundred_decisions_of_which_some_fail(gatepost: Gatepost) -> None:
    submitted = await asyncio.gather(*(gatepost.reader("ada").submit(f"Number {number}") for number in range(490)))
    ids = [answer.json["comment"]["id"] for answer in submitted]
    rulings = [{"comment_id": one, "action": "approve", "version": 1} for one in ids]
    rulings += [{"comment_id": ids[number], "action": "spam", "version": 2} for number in range(4)]
    odd: dict[int, tuple[dict[str, Any], str]] = {
        0: ({"comment_id": ABSENT, "action": "approve", "version": 1}, "unknown-comment"),
        7: ({"comment_id": ids[6], "action": "restore", "version": 1}, "illegal-transition"),
        100: ({"comment_id": ids[5], "action": "reject", "version": 1}, "already-decided"),
        101: ({"comment_id": ids[400], "action": "discard_edit", "version": 1}, "illegal-transition"),
        102: ({"comment_id": ids[401], "action": "approve", "version": 9}, "stale-version"),
        499: ({"comment_id": ids[0], "action": "approve", "version": 1}, "already-decided"),
    }
    for place, (ruling, _) in sorted(odd.items()):
        rulings.insert(place, ruling)
    answer = await decide_many(gatepost, rulings)
    results = answer.json["results"]
    assert (answer.status, len(results)) == (200, 500)
    assert [result["comment_id"] for result in results] == [ruling["comment_id"] for ruling in rulings]
    refused = {place: result["problem"]["code"] for place, result in enumerate(results) if "problem" in result}
    assert refused == {place: code for place, (_, code) in odd.items()}
    assert (await gatepost.public(limit=1))["post"]["count"] == 486
    assert (await gatepost.moderator().get("queue", params={"limit": 1})).json["total"] == 0


async def test_the_same_comment_may_come_twice(gatepost: Gatepost) -> None:
    comment = (await gatepost.reader("ada").submit("Once")).json["comment"]
    steps = [("reject", 1), ("approve", 2), ("approve", 2)]
    answer = await decide_many(
        gatepost, [{"comment_id": comment["id"], "action": action, "version": version} for action, version in steps]
    )
    results = answer.json["results"]
    assert [result.get("decision", {}).get("to_status") for result in results] == ["rejected", "approved", None]
    assert results[2]["problem"]["code"] == "already-decided"
    assert results[2]["problem"]["decision"] == results[1]["decision"]


async def test_reasons_and_notes_stay_with_their_decision(gatepost: Gatepost) -> None:
    ids = [(await gatepost.reader("ada").submit(text)).json["comment"]["id"] for text in ("one", "two")]
    told = [{"reason": "rude", "note": "third time", "note_to_author": "Be kind"}, {}]
    rulings = [
        {"comment_id": one, "action": "reject", "version": 1, **more} for one, more in zip(ids, told, strict=True)
    ]
    results = (await decide_many(gatepost, rulings)).json["results"]
    kept = [[result["decision"][name] for name in ("reason", "note", "note_to_author")] for result in results]
    assert kept == [["rude", "third time", "Be kind"], [None, None, None]]


@pytest.mark.parametrize("count", [0, 501])
async def test_none_or_too_many_decide_nothing(gatepost: Gatepost, count: int) -> None:
    comment = (await gatepost.reader("ada").submit("Once")).json["comment"]
    refused = await decide_many(gatepost, [{"comment_id": comment["id"], "action": "approve", "version": 1}] * count)
    assert (refused.status, refused.code) == (422, "invalid-request")
    assert (await gatepost.public())["comments"] == []


async def test_another_sites_comment_is_unknown(gatepost: Gatepost) -> None:
    theirs = (await gatepost.reader("ada", site="other").submit("Elsewhere")).json["comment"]
    answer = await decide_many(gatepost, [{"comment_id": theirs["id"], "action": "approve", "version": 1}])
    assert answer.json["results"][0]["problem"]["code"] == "unknown-comment"
