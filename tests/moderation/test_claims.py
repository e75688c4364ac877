"""Claims: what one moderator has been handed, no other is, until the lease ends or they give it back."""

import asyncio
from typing import Any

import pytest

from service.web.incoming_queue import QueueFilter
from service.web.queries import QueueQuery
from tests.harness import Gatepost, Person


async def waiting(gatepost: Gatepost, count: int) -> list[str]:
    """So many comments that wait, oldest first."""
    found = []
    for number in range(count):
        gatepost.clock.advance(seconds=1)
        submitted = await gatepost.reader("ada").submit(f"Number {number}")
        found.append(submitted.json["comment"]["id"])
    return found


async def claim(moderator: Person, *, limit: int, lease_seconds: int = 300) -> Any:
    """What the moderator is handed."""
    answer = await moderator.call("POST", "queue/claims", json={"limit": limit, "lease_seconds": lease_seconds})
    assert answer.status == 200, answer.json
    return answer.json


def ids(claimed: Any) -> list[str]:
    """Which comments were handed out."""
    return [entry["comment"]["id"] for entry in claimed["entries"]]


async def test_no_entry_is_handed_to_two_moderators_who_ask_at_once(gatepost: Gatepost) -> None:
    comments = await waiting(gatepost, 23)
    moderators = [gatepost.moderator(f"moderator {number}") for number in range(6)]
    handed = await asyncio.gather(*(claim(moderator, limit=4) for moderator in moderators for _ in range(2)))
    assert sorted(one for claimed in handed for one in ids(claimed)) == sorted(comments)


async def test_the_oldest_are_handed_out_first_and_then_the_next(gatepost: Gatepost) -> None:
    comments = await waiting(gatepost, 5)
    assert ids(await claim(gatepost.moderator("mo"), limit=2)) == comments[:2]
    assert ids(await claim(gatepost.moderator("max"), limit=2)) == comments[2:4]
    assert ids(await claim(gatepost.moderator("mo"), limit=2)) == comments[4:]
    assert ids(await claim(gatepost.moderator("max"), limit=2)) == []


async def test_a_lease_ends_by_the_clock(gatepost: Gatepost) -> None:
    comments = await waiting(gatepost, 1)
    await claim(gatepost.moderator("mo"), limit=1, lease_seconds=60)
    gatepost.clock.advance(seconds=59.999)
    assert ids(await claim(gatepost.moderator("max"), limit=1)) == []
    gatepost.clock.advance(seconds=0.001)
    assert ids(await claim(gatepost.moderator("max"), limit=1)) == comments


async def test_the_queue_says_who_holds_an_entry_until_the_lease_ends(gatepost: Gatepost) -> None:
    await waiting(gatepost, 1)
    claimed = await claim(gatepost.moderator("mo"), limit=1, lease_seconds=60)
    entry = (await gatepost.moderator("max").get("queue")).json["entries"][0]
    assert entry["claimed_by"]["name"] == "Mo"
    assert entry["claimed_until"] == claimed["claimed_until"] == claimed["entries"][0]["claimed_until"]
    gatepost.clock.advance(seconds=60)
    entry = (await gatepost.moderator("max").get("queue")).json["entries"][0]
    assert (entry["claimed_by"], entry["claimed_until"]) == (None, None)


async def test_giving_back_frees_ones_own_and_nobody_elses(gatepost: Gatepost) -> None:
    comments = await waiting(gatepost, 2)
    await claim(gatepost.moderator("mo"), limit=1)
    await claim(gatepost.moderator("max"), limit=1)
    assert (await gatepost.moderator("mo").call("DELETE", "queue/claims")).status == 204
    assert ids(await claim(gatepost.moderator("mia"), limit=5)) == comments[:1]


async def test_giving_back_nothing_is_no_mistake(gatepost: Gatepost) -> None:
    assert (await gatepost.moderator().call("DELETE", "queue/claims")).status == 204


async def test_somebody_else_may_still_decide_what_is_claimed(gatepost: Gatepost) -> None:
    comments = await waiting(gatepost, 1)
    await claim(gatepost.moderator("mo"), limit=1)
    assert (await gatepost.moderator("max").decide(comments[0], "approve", 1)).status == 201
    late = await gatepost.moderator("mo").decide(comments[0], "reject", 1)
    assert (late.status, late.code, late.json["decision"]["actor"]["name"]) == (409, "already-decided", "Max")


async def test_an_edit_does_not_take_the_entry_from_who_holds_it(gatepost: Gatepost) -> None:
    comments = await waiting(gatepost, 1)
    await claim(gatepost.moderator("mo"), limit=1)
    assert (await gatepost.reader("ada").edit(comments[0], "Another text", 1)).status == 200
    assert ids(await claim(gatepost.moderator("max"), limit=1)) == []


async def test_claims_end_at_the_site(gatepost: Gatepost) -> None:
    await waiting(gatepost, 1)
    theirs = await gatepost.reader("ada", site="other").submit("Elsewhere")
    elsewhere = gatepost.moderator("mo", site="other")
    assert ids(await claim(elsewhere, limit=5)) == [theirs.json["comment"]["id"]]


async def take(moderator: Person, comments: list[str], *, lease_seconds: int = 300) -> Any:
    """What of these comments is the moderator's then."""
    body = {"comment_ids": comments, "lease_seconds": lease_seconds}
    answer = await moderator.call("POST", "queue/claims", json=body)
    assert answer.status == 200, answer.json
    return answer.json


async def listed(moderator: Person, **query: Any) -> list[str]:
    """Which entries the queue shows them."""
    answer = await moderator.get("queue", params=query)
    assert answer.status == 200, answer.json
    assert answer.json["total"] == len(answer.json["entries"])
    return [entry["comment"]["id"] for entry in answer.json["entries"]]


async def test_claims_by_id_take_what_is_free_renew_ones_own_and_leave_what_others_hold(gatepost: Gatepost) -> None:
    comments = await waiting(gatepost, 4)
    mo, max_ = gatepost.moderator("mo"), gatepost.moderator("max")
    await take(mo, comments[1:2], lease_seconds=60)
    await take(max_, comments[:1])
    gatepost.clock.advance(seconds=59)
    taken = await take(mo, [comments[2], comments[0], comments[1], comments[2]], lease_seconds=600)
    assert ids(taken) == [comments[2], comments[1]]
    gatepost.clock.advance(seconds=599)
    assert await listed(mo, claimed="mine") == comments[1:3]
    assert ids(await take(max_, comments)) == [comments[0], comments[3]]


async def test_the_queue_shows_what_is_mine_free_or_anybodys(gatepost: Gatepost) -> None:
    comments = await waiting(gatepost, 4)
    mo, max_ = gatepost.moderator("mo"), gatepost.moderator("max")
    await take(mo, comments[:1])
    await take(max_, comments[1:2], lease_seconds=60)
    for moderator, mine in ((mo, comments[:1]), (max_, comments[1:2])):
        for order in ("oldest", "priority"):
            assert await listed(moderator, claimed="mine", order=order) == mine
            assert await listed(moderator, claimed="free", order=order) == comments[2:]
            assert await listed(moderator, claimed="any", order=order) == comments
            assert await listed(moderator, order=order) == comments
            assert await listed(moderator, claimed="free", order=order, q="number 3") == comments[3:]
            assert await listed(moderator, claimed="mine", order=order, q="number 3") == []
    gatepost.clock.advance(seconds=60)
    assert await listed(max_, claimed="mine") == []
    assert await listed(mo, claimed="free") == comments[1:]


def test_a_claims_filter_has_the_members_of_the_queues_query() -> None:
    """Who holds an entry is no part of it: what others hold is left out of every claim."""
    names = set(QueueQuery.model_fields) - {"limit", "cursor", "claimed"}
    assert set(QueueFilter.model_fields) == names
    for name in names:
        assert QueueFilter.model_fields[name].alias == QueueQuery.model_fields[name].alias


async def test_a_claim_with_a_filter_hands_out_what_it_finds_and_nothing_twice(gatepost: Gatepost) -> None:
    comments = await waiting(gatepost, 12)
    for post in ("another", "another"):
        gatepost.clock.advance(seconds=1)
        comments.append((await gatepost.reader("bob").submit(f"On {len(comments)}", post=post)).json["comment"]["id"])
    mo, max_ = gatepost.moderator("mo"), gatepost.moderator("max")

    async def claim_some(moderator: Person, limit: int, **wanted: Any) -> list[str]:
        answer = await moderator.call("POST", "queue/claims", json={"limit": limit, "filter": wanted})
        assert answer.status == 200, answer.json
        return ids(answer.json)

    assert await claim_some(mo, 5, post="another") == comments[12:]
    assert await claim_some(max_, 5, post="another") == []
    assert await claim_some(max_, 1, q="number 1") == comments[1:2]
    assert await claim_some(mo, 9, q="number 1") == comments[10:12]
    assert await claim_some(mo, 1, order="priority") == comments[:1]
    assert await claim_some(mo, 9, reason="edited") == []
    both = await asyncio.gather(claim_some(mo, 5, post="post"), claim_some(max_, 5, post="post"))
    assert sorted(both[0] + both[1]) == sorted(comments[2:10])


async def test_nobody_holds_more_than_two_hundred(gatepost: Gatepost) -> None:
    mo = gatepost.moderator()
    sent = await asyncio.gather(*(gatepost.reader("ada").submit(f"Number {number}") for number in range(203)))
    every = [answer.json["comment"]["id"] for answer in sent]
    assert len(ids(await claim(mo, limit=199))) == 199
    mine = await listed(mo, claimed="mine", limit=200)
    rest = [one for one in every if one not in mine]
    assert len(ids(await take(mo, rest))) == 1
    assert ids(await claim(mo, limit=5)) == []
    assert len(ids(await take(mo, mine[:50]))) == 50
    gatepost.clock.advance(seconds=300)
    assert len(ids(await claim(mo, limit=200))) == 200


async def test_some_are_given_back_and_the_others_stay(gatepost: Gatepost) -> None:
    comments = await waiting(gatepost, 4)
    mo, max_ = gatepost.moderator("mo"), gatepost.moderator("max")
    await take(mo, comments[:3])
    await take(max_, comments[3:])
    query = [("comment", comments[0]), ("comment", comments[3])]
    assert (await mo.call("DELETE", "queue/claims", params=query)).status == 204
    assert await listed(mo, claimed="mine") == comments[1:3]
    assert await listed(max_, claimed="mine") == comments[3:]
    many = [("comment", comments[1])] * 201
    refused = await mo.call("DELETE", "queue/claims", params=many)
    assert (refused.status, refused.code) == (422, "invalid-request")
    assert await listed(mo, claimed="mine") == comments[1:3]


async def test_one_entry_is_shown_as_the_queue_shows_it(gatepost: Gatepost) -> None:
    comments = await waiting(gatepost, 2)
    mo = gatepost.moderator()
    await take(mo, comments[:1])
    alone = (await mo.get(f"queue/{comments[0]}")).json["entry"]
    assert alone == (await mo.get("queue")).json["entries"][0]
    assert alone["claimed_by"]["name"] == "Mo"
    await mo.decide(comments[0], "approve", 1)
    gone = await mo.get(f"queue/{comments[0]}")
    assert (gone.status, gone.code) == (404, "unknown-comment")
    elsewhere = await gatepost.moderator("mo", site="other").get(f"queue/{comments[1]}")
    assert (elsewhere.status, elsewhere.code) == (404, "unknown-comment")
    assert (await gatepost.reader("ada").get(f"queue/{comments[1]}")).code == "forbidden"


@pytest.mark.parametrize(
    "body",
    [
        {"comment_ids": []},
        {"comment_ids": ["one"], "limit": 1},
        {"comment_ids": ["one"], "filter": {}},
        {"comment_ids": ["one"] * 201},
        {"filter": {"claimed": "mine"}},
        {"filter": {"order": "newest"}},
    ],
    ids=str,
)
async def test_an_odd_claim_is_refused(gatepost: Gatepost, body: Any) -> None:
    refused = await gatepost.moderator().call("POST", "queue/claims", json=body)
    assert (refused.status, refused.code) == (422, "invalid-request")
