"""Claims: what one moderator has been handed, no other is, until the lease ends or they give it back."""

import asyncio
from typing import Any

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
