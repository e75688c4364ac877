"""Idempotency keys: the first reply again for 24 hours, also after a restart; then they are forgotten."""

import asyncio
from typing import Any

from service.moderation import idempotency
from tests.conftest import StartGatepost
from tests.harness import Gatepost

KEY = {"Idempotency-Key": "first attempt"}
DAY_SECONDS = 24 * 3600


async def test_a_retry_gets_the_first_reply_again_and_posts_nothing(gatepost: Gatepost) -> None:
    first = await gatepost.reader("ada").submit("Once", headers=KEY)
    gatepost.clock.advance(seconds=60)
    again = await gatepost.reader("ada").submit("Once", headers=KEY)
    assert (again.status, again.json, again.headers["Location"]) == (202, first.json, first.headers["Location"])
    assert (first.headers.get("Idempotency-Replayed"), again.headers["Idempotency-Replayed"]) == (None, "true")
    assert (await gatepost.moderator().get("queue")).json["total"] == 1


async def test_retries_at_once_post_one_comment(gatepost: Gatepost) -> None:
    ada = gatepost.reader("ada")
    answers = await asyncio.gather(*(ada.submit("Once", headers=KEY) for _ in range(8)))
    assert {answer.status for answer in answers} == {202}
    assert len({answer.json["comment"]["id"] for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 7


async def test_a_retry_after_a_restart_gets_the_first_reply_again(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost()
    first = await gatepost.reader("ada").submit("Once", headers=KEY)
    await gatepost.running.stop(drain_seconds=0)
    gatepost = await start_gatepost()
    again = await gatepost.reader("ada").submit("Once", headers=KEY)
    assert (again.status, again.json) == (202, first.json)


async def test_a_refused_attempt_does_not_use_the_key_up(gatepost: Gatepost) -> None:
    attempts: list[dict[str, Any]] = [
        {"body": ""},
        {"body": "Once", "parent_id": "018f0000-0000-7000-8000-000000000000"},
    ]
    for attempt in attempts:
        refused = await gatepost.reader("ada").submit(headers=KEY, **attempt)
        assert refused.status == 422
    assert (await gatepost.reader("ada").submit("Once", headers=KEY)).status == 202


async def test_another_body_with_the_same_key_is_refused_and_nothing_posted(gatepost: Gatepost) -> None:
    await gatepost.reader("ada").submit("Once", headers=KEY)
    refused = await gatepost.reader("ada").submit("Another", headers=KEY)
    assert (refused.status, refused.code) == (422, "idempotency-key-reused")
    assert (await gatepost.moderator().get("queue")).json["total"] == 1


async def test_a_key_is_its_authors_own(gatepost: Gatepost) -> None:
    await gatepost.reader("ada").submit("Once", headers=KEY)
    other = await gatepost.reader("bob").submit("Another", headers=KEY)
    assert (other.status, other.headers.get("Idempotency-Replayed")) == (202, None)


async def test_a_key_is_good_for_a_day_and_no_longer(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost(duplicate_window_seconds=0)
    first = await gatepost.reader("ada").submit("Once", headers=KEY)
    gatepost.clock.advance(seconds=DAY_SECONDS - 0.001)
    again = await gatepost.reader("ada").submit("Once", headers=KEY)
    gatepost.clock.advance(seconds=0.001)
    later = await gatepost.reader("ada").submit("Once", headers=KEY)
    assert again.json == first.json
    assert later.json["comment"]["id"] != first.json["comment"]["id"]


async def test_replies_that_have_outlived_their_day_are_forgotten(gatepost: Gatepost) -> None:
    await gatepost.reader("ada").submit("Once", headers=KEY)
    gatepost.clock.advance(seconds=DAY_SECONDS / 2)
    await gatepost.reader("bob").submit("Once", headers=KEY)
    gatepost.clock.advance(seconds=DAY_SECONDS / 2)
    forgotten = [await gatepost.running.database.write(idempotency.forget_some) for _ in range(2)]
    assert forgotten == [1, 0]
    again = await gatepost.reader("bob").submit("Once", headers=KEY)
    assert again.headers["Idempotency-Replayed"] == "true"
