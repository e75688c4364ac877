"""Entries of the queue: several reasons from several sources; what settles which, and what undo brings back."""

import json
from typing import Any

import pytest

from service.model import Actor, ActorKind, CommentId, Reason, SiteKey, Why
from service.reading import news
from service.store import comments, decisions, events, queue, snapshot, verify
from service.store.database import Transaction
from service.store.snapshot import Watch
from tests.conftest import StartGatepost
from tests.harness import Gatepost
from tests.rows import Rows
from tests.store.damage import change

BOB = Actor(ActorKind.AUTHOR, "bob-key", "Bob")
EVE = Actor(ActorKind.AUTHOR, "eve-key", "Eve")


def _report(tx: Transaction, comment_id: CommentId, source: Actor, text: str | None) -> None:
    """What a reader's report will do."""
    found = comments.get(tx, SiteKey("blog"), comment_id)
    assert found is not None
    more = queue.put(tx, found, Reason(Why.REPORTED, source, tx.now, text))
    events.append(tx, found.site, "comment.reported", source, comment_id=comment_id, more_waiting=more)


async def report(gatepost: Gatepost, comment: Any, source: Actor = BOB, text: str | None = "Not nice") -> None:
    """Somebody reports a comment, a second after what was before."""
    gatepost.clock.advance(seconds=1)
    await gatepost.running.database.write(_report, CommentId(comment["id"]), source, text)


async def decide(gatepost: Gatepost, comment: Any, action: str, *, by: str = "mo") -> Any:
    """A decision about the comment as it is now, a second after what was before."""
    gatepost.clock.advance(seconds=1)
    standing = (await gatepost.moderator().get(f"comments/{comment['id']}")).json["comment"]
    decided = await gatepost.moderator(by).decide(comment["id"], action, standing["version"])
    assert decided.status == 201, decided.json
    return decided.json["decision"]


async def undo(gatepost: Gatepost, decision: Any) -> Any:
    """The decision is taken back, a second after what was before."""
    gatepost.clock.advance(seconds=1)
    undone = await gatepost.moderator().undo(decision["id"])
    assert undone.status == 201, undone.json
    return undone.json["decision"]


async def entries(gatepost: Gatepost, **query: str) -> list[Any]:
    """The queue."""
    found: list[Any] = (await gatepost.moderator().get("queue", params=query)).json["entries"]
    return found


async def reasons(gatepost: Gatepost) -> list[tuple[str, str]]:
    """Why the only entry is there: codes, and who gave them."""
    found = await entries(gatepost)
    return [(why["code"], why["from"]["name"]) for entry in found for why in entry["why"]]


def require_sound(store_url: str) -> None:
    """The store has no difference."""
    with snapshot.of(store_url) as moment:
        assert list(verify.differences(moment, Watch())) == []


async def test_an_entry_has_every_reason_and_the_priority_of_the_strongest(
    gatepost: Gatepost, store_url: str, clock: Any
) -> None:
    comment = (await gatepost.reader("ada").submit("Words")).json["comment"]
    (alone,) = await entries(gatepost)
    assert alone["why"] == [
        {
            "code": "awaiting-approval",
            "text": "This site reviews every comment before it is published.",
            "from": {"kind": "policy", "key": "policy", "name": "Site policy"},
            "at": comment["created_at"],
        }
    ]
    await report(gatepost, comment)
    await report(gatepost, comment, EVE, None)
    (entry,) = await entries(gatepost)
    assert [(why["code"], why["text"], why["from"]) for why in entry["why"]] == [
        ("reported", "Not nice", {"kind": "author", "key": "bob-key", "name": "Bob"}),
        ("reported", "Readers reported this comment.", {"kind": "author", "key": "eve-key", "name": "Eve"}),
        ("awaiting-approval", alone["why"][0]["text"], alone["why"][0]["from"]),
    ]
    assert (alone["priority"], entry["priority"], entry["waiting_since"]) == (0, 10, alone["waiting_since"])
    for code in ("reported", "awaiting-approval"):
        assert await entries(gatepost, reason=code) == [entry]
    claimed = await gatepost.moderator().call("POST", "queue/claims", json={"limit": 5, "lease_seconds": 60})
    assert claimed.json["entries"][0]["why"] == entry["why"]
    require_sound(store_url)


async def test_a_source_gives_a_reason_once(gatepost: Gatepost, store_url: str) -> None:
    comment = await gatepost.approved("Words")
    await report(gatepost, comment)
    await report(gatepost, comment, text="Not nice at all")
    (entry,) = await entries(gatepost)
    assert [why["text"] for why in entry["why"]] == ["Not nice at all"]
    assert entry["waiting_since"] < entry["why"][0]["at"]
    require_sound(store_url)


async def test_what_readers_see_may_be_in_the_queue(gatepost: Gatepost, store_url: str) -> None:
    comment = await gatepost.approved("Words", post="post")
    await report(gatepost, comment)
    require_sound(store_url)
    (entry,) = await entries(gatepost)
    points = 10 + 5  # for the report, and for an approved comment of the author
    assert (entry["comment"]["status"], entry["label"], entry["priority"]) == ("approved", None, points)
    assert [shown["id"] for shown in (await gatepost.public())["comments"]] == [comment["id"]]
    await decide(gatepost, comment, "approve")  # it stays
    assert await entries(gatepost) == []
    require_sound(store_url)


@pytest.mark.parametrize("action", ["approve", "reject", "spam", "delete"])
async def test_a_decision_settles_all_and_undo_puts_all_back(gatepost: Gatepost, store_url: str, action: str) -> None:
    comment = (await gatepost.reader("ada").submit("Words")).json["comment"]
    await report(gatepost, comment)
    await report(gatepost, comment, EVE)
    before = [(entry["why"], entry["priority"], entry["waiting_since"]) for entry in await entries(gatepost)]
    decision = await decide(gatepost, comment, action)
    assert await entries(gatepost) == []
    undone = await undo(gatepost, decision)
    after = [(entry["why"], entry["priority"], entry["waiting_since"]) for entry in await entries(gatepost)]
    assert (after, len(after[0][0])) == (before, 3)
    require_sound(store_url)
    await undo(gatepost, undone)
    assert await entries(gatepost) == []
    require_sound(store_url)


async def test_what_was_reported_since_a_decision_stays_when_that_is_undone(gatepost: Gatepost, store_url: str) -> None:
    comment = (await gatepost.reader("ada").submit("Words")).json["comment"]
    decision = await decide(gatepost, comment, "approve")
    await report(gatepost, comment)
    undone = await undo(gatepost, decision)
    assert await reasons(gatepost) == [("reported", "Bob"), ("awaiting-approval", "Site policy")]
    require_sound(store_url)
    await undo(gatepost, undone)
    assert await reasons(gatepost) == [("reported", "Bob")]
    require_sound(store_url)


async def test_a_restored_comment_says_who_restored_it_and_undo_takes_that_back(
    gatepost: Gatepost, store_url: str
) -> None:
    comment = (await gatepost.reader("ada").submit("Words")).json["comment"]
    await decide(gatepost, comment, "spam")
    restored = await decide(gatepost, comment, "restore", by="max")
    assert await reasons(gatepost) == [("restored", "Max")]
    require_sound(store_url)
    undone = await undo(gatepost, restored)
    assert await reasons(gatepost) == []
    await undo(gatepost, undone)
    assert await reasons(gatepost) == [("restored", "Max")]
    require_sound(store_url)


async def test_discarding_an_edit_answers_nothing_else(gatepost: Gatepost, store_url: str) -> None:
    comment = await gatepost.approved("Words")
    await report(gatepost, comment)
    await gatepost.reader("ada").edit(comment["id"], "Better words", comment["version"])
    assert await reasons(gatepost) == [("reported", "Bob"), ("edited", "Ada")]
    require_sound(store_url)
    decision = await decide(gatepost, comment, "discard_edit")
    (entry,) = await entries(gatepost)
    points = 10 + 5  # for the report, and for an approved comment of the author
    assert ([why["code"] for why in entry["why"]], entry["priority"]) == (["reported"], points)
    require_sound(store_url)
    await undo(gatepost, decision)
    assert await reasons(gatepost) == [("reported", "Bob"), ("edited", "Ada")]
    require_sound(store_url)


async def test_a_new_text_ends_what_was_said_of_the_old_and_keeps_reports(gatepost: Gatepost, store_url: str) -> None:
    comment = await gatepost.approved("Words")
    first = (await gatepost.reader("ada").edit(comment["id"], "Better words", comment["version"])).json["comment"]
    await report(gatepost, comment)
    (before,) = await entries(gatepost)
    gatepost.clock.advance(seconds=1)
    second = await gatepost.reader("ada").edit(comment["id"], "The best words", first["version"])
    (after,) = await entries(gatepost)
    assert [why["code"] for why in after["why"]] == ["reported", "edited"]
    assert (after["why"][0], after["waiting_since"]) == (before["why"][0], before["waiting_since"])
    assert after["why"][1]["at"] == second.json["comment"]["pending_edit"]["submitted_at"] > before["why"][1]["at"]
    assert [entry["comment"]["id"] for entry in await entries(gatepost, q="the best")] == [comment["id"]]
    require_sound(store_url)


async def test_an_edit_that_is_public_at_once_keeps_reports(start_gatepost: StartGatepost, store_url: str) -> None:
    strict = await start_gatepost()
    comment = await strict.approved("Words")
    waiting = (await strict.reader("ada").edit(comment["id"], "Better words", comment["version"])).json["comment"]
    await report(strict, comment)
    await strict.running.stop(drain_seconds=0)
    gatepost = await start_gatepost(premoderate=False)
    edited = await gatepost.reader("ada").edit(comment["id"], "The best words", waiting["version"])
    assert edited.json["comment"]["pending_edit"] is None
    assert await reasons(gatepost) == [("reported", "Bob")]
    assert [entry["comment"]["id"] for entry in await entries(gatepost, q="the best")] == [comment["id"]]
    require_sound(store_url)


async def test_who_withdraws_leaves_nothing_to_look_at(gatepost: Gatepost, store_url: str) -> None:
    comment = await gatepost.approved("Words")
    await report(gatepost, comment)
    await gatepost.reader("ada").withdraw(comment["id"])
    assert await entries(gatepost) == []
    require_sound(store_url)


async def test_the_queues_stream_says_what_is_left(gatepost: Gatepost) -> None:
    comment = await gatepost.approved("Words")
    await report(gatepost, comment)
    await report(gatepost, comment, EVE)
    await gatepost.reader("ada").edit(comment["id"], "Better words", comment["version"])

    def told(tx: Transaction) -> Any:
        (event,) = events.newest(tx, SiteKey("blog"), None, 2**40, limit=1)
        return news.of_queue(tx, event)

    (edited,) = await gatepost.running.database.read(told)
    assert (edited.name, edited.about["why"]) == ("queue.entered", ["reported", "edited"])
    await decide(gatepost, comment, "discard_edit")
    (discarded,) = await gatepost.running.database.read(told)
    assert (discarded.name, discarded.about["why"]) == ("queue.entered", ["reported"])
    await decide(gatepost, comment, "reject")
    (rejected,) = await gatepost.running.database.read(told)
    assert (rejected.name, rejected.about["why"]) == ("queue.left", [])


@pytest.mark.parametrize(
    ("actions", "code", "source"),
    [
        (["approve"], "awaiting-approval", "Site policy"),
        (["spam", "restore", "reject"], "restored", "An older release did not keep who it was"),
    ],
)
async def test_a_decision_that_an_older_release_wrote_down_can_be_undone(
    gatepost: Gatepost, store_url: str, rows: Rows, actions: list[str], code: str, source: str
) -> None:
    comment = (await gatepost.reader("ada").submit("Words")).json["comment"]
    for action in actions:
        decision = await decide(gatepost, comment, action)
    (kept,) = rows.execute("SELECT before FROM decisions WHERE id = ?", (decision["id"],)).fetchone()
    was = json.loads(kept)
    was["queue"] = {"why": [code], "priority": 0, "waiting_since": 1_000}
    was["edited_at"] = None
    change(store_url, f"UPDATE decisions SET before = '{json.dumps(was)}' WHERE seq = {latest(rows)}")  # noqa: S608
    await undo(gatepost, decision)
    (entry,) = await entries(gatepost)
    assert [(why["code"], why["from"]["name"]) for why in entry["why"]] == [(code, source)]
    assert (entry["waiting_since"], entry["why"][0]["at"]) == ("1970-01-01T00:00:01.000Z",) * 2
    require_sound(store_url)


def latest(rows: Rows) -> int:
    """The number of the last decision."""
    return rows.number("SELECT max(seq) FROM decisions")


async def test_the_record_says_nothing_of_who_reported(gatepost: Gatepost) -> None:
    """What undo needs is in the record, and never leaves by it."""
    comment = (await gatepost.reader("ada").submit("Words")).json["comment"]
    await report(gatepost, comment)
    decision = await decide(gatepost, comment, "approve")
    answer = await gatepost.moderator().get("decisions")
    assert decision in answer.json["decisions"]
    assert b"Not nice" not in answer.body
    found = await gatepost.running.database.read(decisions.get, SiteKey("blog"), decision["id"])
    assert found is not None
    assert "Not nice" in json.dumps(found[1])
