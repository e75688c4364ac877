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


async def test_what_one_call_decides_is_a_batch_of_its_own(gatepost: Gatepost) -> None:
    moderator = gatepost.moderator()
    ids = [(await gatepost.reader("ada").submit(f"Number {number}")).json["comment"]["id"] for number in range(4)]
    calls = [
        await decide_many(gatepost, [{"comment_id": one, "action": "spam", "version": 1} for one in part])
        for part in (ids[:2], [ids[2], ABSENT])
    ]
    alone = (await moderator.decide(ids[3], "spam", 1)).json["decision"]
    batches = [call.json["batch"] for call in calls]
    assert len(set(batches)) == 2
    assert [result["decision"]["batch"] for result in calls[0].json["results"]] == batches[:1] * 2
    assert alone["batch"] is None
    found = [(await moderator.get("decisions", params={"batch": batch})).json["decisions"] for batch in batches]
    assert [[decision["comment_id"] for decision in part] for part in found] == [ids[:2], [ids[2]]]


async def test_the_record_is_read_newest_first_and_narrowed(gatepost: Gatepost) -> None:
    moderator = gatepost.moderator()
    for author, post in (("ada", "one"), ("bob", "two"), ("ada", "two")):
        gatepost.clock.advance(seconds=1)
        await gatepost.approved("Hello", by=author, post=post)
    everything = (await moderator.get("decisions")).json["decisions"]
    newest = (await moderator.get("decisions", params={"order": "newest", "limit": 4})).json
    rest = (await moderator.get("decisions", params={"order": "newest", "cursor": newest["next"]})).json
    assert newest["decisions"] + rest["decisions"] == everything[::-1]
    turned = await moderator.get("decisions", params={"cursor": newest["next"]})
    assert (turned.status, turned.code) == (400, "bad-cursor")
    ada = everything[0]["comment_id"]
    key = (await moderator.get(f"comments/{ada}")).json["comment"]["author"]["key"]
    for narrowed, places in [
        ({"author": key}, [0, 1, 4, 5]),
        ({"post": "two"}, [2, 3, 4, 5]),
        ({"author": key, "post": "two", "action": "approve"}, [5]),
        ({"action": "hold", "until": everything[4]["created_at"]}, [0, 2]),
    ]:
        found = (await moderator.get("decisions", params=narrowed)).json["decisions"]
        assert found == [everything[place] for place in places], narrowed


@pytest.mark.parametrize("query", ["order=random", "action=frown", "batch=mine", "until=yesterday"])
async def test_an_odd_question_about_the_record_is_refused(gatepost: Gatepost, query: str) -> None:
    answer = await gatepost.moderator().get(f"decisions?{query}")
    assert (answer.status, answer.code) == (422, "invalid-request")
