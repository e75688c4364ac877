"""What a stranger's review of the whole house found, kept from coming back."""

import pytest

from tests.conftest import StartGatepost
from tests.harness import ORIGIN, Gatepost


async def test_a_withdrawal_stands_also_where_a_moderator_had_deleted_and_takes_that_back(gatepost: Gatepost) -> None:
    comment = await gatepost.approved("Hello")
    deleted = await gatepost.moderator().decide(comment["id"], "delete", comment["version"])
    assert (await gatepost.reader("ada").withdraw(comment["id"])).status == 204
    undone = await gatepost.moderator().undo(deleted.json["decision"]["id"])
    assert (undone.status, undone.code) == (409, "newer-decision")
    assert (await gatepost.public())["comments"] == []


async def test_withdrawing_twice_leaves_one_line_in_the_record(gatepost: Gatepost) -> None:
    comment = await gatepost.approved("Hello")
    for _ in range(2):
        assert (await gatepost.reader("ada").withdraw(comment["id"])).status == 204
    record = (await gatepost.moderator().get(f"decisions?comment={comment['id']}")).json["decisions"]
    assert [decision["action"] for decision in record] == ["hold", "approve", "withdraw"]


@pytest.mark.parametrize("path", ["comments/%00", "authors/%00"])
async def test_an_id_that_no_database_could_hold_is_not_known(gatepost: Gatepost, path: str) -> None:
    assert (await gatepost.moderator().get(path)).status == 404


async def test_a_replay_costs_the_author_nothing(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost(change=lambda settings: settings.update(limits={"submit_per_author": "1/hour"}))
    ada = gatepost.reader("ada")
    replies = [await ada.submit("Once", headers={"Idempotency-Key": "one"}) for _ in range(3)]
    assert [reply.status for reply in replies] == [202, 202, 202]
    assert len({reply.body for reply in replies}) == 1
    assert (await ada.submit("Twice")).status == 429


@pytest.mark.parametrize(
    ("method", "path", "visitor", "reader"),
    [
        ("POST", "posts/post/comments", 401, 415),
        ("POST", "queue/claims", 401, 403),
        ("GET", "queue?zzz=1", 401, 403),
        ("POST", "decisions", 401, 403),
    ],
)
async def test_who_may_not_ask_is_not_told_what_is_wrong_with_the_question(
    gatepost: Gatepost, method: str, path: str, visitor: int, reader: int
) -> None:
    assert (await gatepost.visitor.call(method, path)).status == visitor
    assert (await gatepost.reader("ada").call(method, path)).status == reader


async def test_one_odd_item_of_many_decisions_stands_alone(gatepost: Gatepost) -> None:
    comment = (await gatepost.reader("ada").submit("Hello")).json["comment"]
    wanted = [
        {"comment_id": "nonsense", "action": "approve", "version": 1},
        {"comment_id": comment["id"], "action": "approve", "version": 1},
    ]
    answer = await gatepost.moderator().call("POST", "decisions", json={"decisions": wanted})
    problem, done = answer.json["results"]
    assert (answer.status, problem["problem"]["code"]) == (200, "unknown-comment")
    assert done["decision"]["to_status"] == "approved"


async def test_a_very_long_cursor_is_a_bad_cursor(gatepost: Gatepost) -> None:
    answer = await gatepost.visitor.get("comments", params={"cursor": "x" * 3000})
    assert (answer.status, answer.code) == (400, "bad-cursor")


async def test_the_queue_is_searched_alike_whatever_the_letters(gatepost: Gatepost) -> None:
    await gatepost.reader("ada").submit("Über den Wolken")
    assert (await gatepost.moderator().get("queue", params={"q": "über"})).json["total"] == 1


async def test_odd_bytes_in_the_referer_are_no_fault_of_ours(gatepost: Gatepost) -> None:
    answer = await gatepost.visitor.get("me", headers={"Referer": f"{ORIGIN}/\udcff"})
    assert (answer.status, answer.code) == (401, "login-required")


async def test_guessing_credentials_is_limited(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost(change=lambda settings: settings.update(limits={"read_per_address": "3/hour"}))
    guesses = [await gatepost.visitor.get("queue", headers={"Authorization": f"Bearer {n}"}) for n in range(5)]
    assert [guess.status for guess in guesses] == [401, 401, 401, 429, 429]
