"""What rules do alone: publish, reject, call spam, refuse. What authors are told of it, and what humans make of it."""

import asyncio
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from service.model import CommentId, PostKey, SiteKey
from service.moderation import brakes, judging
from service.store import backup, judgements, rules
from service.store.database import Database, Transaction
from service.store.rules import Tally
from service.store.snapshot import Watch
from service.triage.judgement import Judgement
from tests.conftest import StartGatepost
from tests.harness import Answer, Gatepost
from tests.rows import Rows, everything_in
from tests.store import long_post
from tests.triage.policies import of_rules, put
from tests.web.ear import listening

LINKED = {"links.count": {"at_least": 1}}
REASONS = [{"code": "links", "text": "No links here, please."}]
RULE = {"id": "linkhater-9000", "title": "Linkhater", "when": [LINKED], "reason": "links"}
TEXT = "Look at https://example.org/ now"
BLOG = SiteKey("blog")
COUNTS = (
    "SELECT count(*) FROM comments",
    "SELECT count(*) FROM authors",
    "SELECT count(*) FROM events",
    "SELECT count(*) FROM idempotency",
)


async def ruled(gatepost: Gatepost, then: str, *more: Any, expected: int = 0, **members: Any) -> None:
    """Let texts with a link be treated so."""
    rule = {**RULE, "then": then}
    document = {**of_rules(rule, *more, otherwise="hold"), "reasons": REASONS, "audit_share": 0, **members}
    assert await put(gatepost.running.database, BLOG, document, expected=expected) is not None


async def decision_on(gatepost: Gatepost, comment_id: str) -> Any:
    """The last line of the record."""
    answer = await gatepost.moderator().get("decisions", params={"comment": comment_id, "order": "newest"})
    return answer.json["decisions"][0]


async def test_what_rules_publish_is_public_and_can_be_put_into_the_queue(gatepost: Gatepost) -> None:
    await ruled(gatepost, "publish")
    published = await gatepost.reader("ada").submit(TEXT)
    assert (published.status, published.json["comment"]["status"]) == (201, "approved")
    comment = published.json["comment"]
    line = await decision_on(gatepost, comment["id"])
    assert (line["action"], line["actor"]["kind"], line["rules"], line["policy_version"]) == (
        "approve",
        "policy",
        ["linkhater-9000"],
        1,
    )
    undone = await gatepost.moderator().undo(line["id"])
    assert (undone.status, undone.json["comment"]["status"]) == (201, "pending")
    assert (await gatepost.public())["comments"] == []
    entry = (await gatepost.moderator().get(f"queue/{comment['id']}")).json["entry"]
    assert [why["code"] for why in entry["why"]] == ["restored"]
    again = await gatepost.moderator().undo(undone.json["decision"]["id"])
    assert again.json["comment"]["status"] == "approved", "an undo can be undone"
    assert (await gatepost.moderator().undo(line["id"])).json["code"] == "newer-decision"


async def test_an_author_is_told_why_a_rule_rejected(gatepost: Gatepost) -> None:
    await ruled(gatepost, "reject")
    ada, mo = gatepost.reader("ada"), gatepost.moderator()
    rejected = await ada.submit(TEXT)
    assert rejected.status == 202
    comment = (await ada.get(f"comments/{rejected.json['comment']['id']}")).json["comment"]
    assert comment["status"] == "rejected"
    assert comment["decision"] == {"reason": "links", "reason_text": "No links here, please.", "note_to_author": None}
    assert (await mo.get("queue")).json["total"] == 0
    found = (await mo.get("moderation/comments?by=policy&status=rejected")).json["comments"]
    assert [one["id"] for one in found] == [comment["id"]]
    confirmed = await mo.decide(comment["id"], "reject", 1, reason="links")
    assert (confirmed.status, confirmed.json["decision"]["from_status"]) == (201, "rejected")
    assert confirmed.json["decision"]["reason_text"] == "No links here, please."
    assert (await mo.decide(comment["id"], "reject", 2)).json["code"] == "illegal-transition"
    assert (await mo.get("moderation/comments?by=policy")).json["comments"] == []


def _alike(answer: Answer, person: str, body: str) -> Any:
    """A reply without what differs between any two comments."""
    said = answer.body.decode() if answer.json is None else answer.json
    return _without_names({"status": answer.status, "said": said, "headers": sorted(answer.headers)}, person, body)


def _without_names(told: Any, person: str, body: str) -> Any:
    shown = json.dumps(told)
    shown = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", shown)
    shown = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", shown)
    shown = re.sub(r'"(request_id|key|editable_until)": "[^"]*"', r'"\1": "-"', shown)
    for name in (person, person.title(), body):
        shown = shown.replace(json.dumps(name)[1:-1], "-")
    return json.loads(re.sub(r'"html": "[^}]*?</p>\\n"', '"html": "-"', shown))


async def _everything(gatepost: Gatepost, name: str, body: str) -> list[Any]:
    """Every call that an author has for a comment of theirs, and what they are replied and hear meanwhile."""
    person, post = gatepost.reader(name), f"post-of-{name}"
    reading = ("", ".html", ".atom")
    async with listening(person, f"posts/{post}/events") as ear:
        await ear.settled()
        answers = [await person.submit(body, post=post, headers={"Idempotency-Key": f"key of {name}"})]
        comment = answers[0].json["comment"]
        answers.append(await person.submit(body, post=post, headers={"Idempotency-Key": f"key of {name}"}))
        answers.append(await person.submit(body, post=post))
        answers.append(await person.submit("A reply of mine", post=post, parent_id=comment["id"]))
        answers.append(await person.call("POST", "preview", json={"body": body}))
        answers += [await person.get(path) for path in ("me/comments", f"me/comments?post={post}")]
        answers += [await person.get(f"posts/{post}/comments{form}") for form in reading]
        answers.append(await person.get(f"posts/{post}/comments?around={comment['id']}"))
        answers += [await person.get(path) for path in (f"counts?post={post}", "comments", "comments.atom")]
        answers.append(await person.get(f"comments/{comment['id']}"))
        answers.append(await person.edit(comment["id"], f"{body}?", 7))
        answers.append(await person.edit(comment["id"], body, 1))
        answers.append(await person.edit(comment["id"], f"{body}!", 1))
        answers.append(await person.edit(comment["id"], f"{body}!!", 1))
        answers.append(await person.get(f"comments/{comment['id']}"))
        answers.append(await person.get("me"))
        answers.append(await person.submit("One more than may wait", post="other"))
        answers.append(await person.withdraw(comment["id"]))
        answers.append(await person.get(f"comments/{comment['id']}"))
        answers.append(await person.edit(comment["id"], body, 3))
        answers.append(await person.withdraw(comment["id"]))
        await gatepost.moderator().call("PATCH", f"posts/{post}", json={"open": False})
        (heard,) = await ear.some(1)
    stream = _without_names([heard.name, heard.data], name, body)
    return [stream, *(_alike(answer, name, body) for answer in answers)]


async def test_an_author_cannot_tell_spam_of_a_rule_from_a_comment_that_waits(gatepost: Gatepost) -> None:
    busy = {"id": "busy", "title": "Busy", "when": [{"author.waiting": {"at_least": 3}}], "then": "refuse"}
    await ruled(gatepost, "spam", {**busy, "reason": "links"}, waiting_per_author=1)
    of_spam = await _everything(gatepost, "eve", TEXT)
    of_waiting = await _everything(gatepost, "ada", "Look at example dot org now")
    for spam, waiting in zip(of_spam, of_waiting, strict=True):
        assert spam == waiting
    assert of_spam[0][0] == "post.changed", "nothing else was heard"
    assert "too-many-waiting" in [one["said"].get("code") for one in of_spam[1:] if isinstance(one["said"], dict)]
    assert not re.search(r"spam|linkhater|score", json.dumps(of_spam))


async def test_moderators_are_told_spam_and_confirm_it_or_take_it_back(gatepost: Gatepost) -> None:
    await ruled(gatepost, "spam")
    eve, mo = gatepost.reader("eve"), gatepost.moderator()
    one, other = [(await eve.submit(f"{TEXT} {number}")).json["comment"] for number in (1, 2)]
    assert one["status"] == "pending"
    assert (await mo.get(f"comments/{one['id']}")).json["comment"]["status"] == "spam"
    assert (await mo.get("queue")).json["total"] == 0
    events = (await mo.get("events?types=comment.submitted")).json["events"]
    assert [event["data"]["comment"]["status"] for event in events] == ["spam", "spam"]
    confirmed = await mo.decide(one["id"], "spam", 1)
    assert (confirmed.status, confirmed.json["comment"]["status"]) == (201, "spam")
    assert (await eve.get(f"comments/{one['id']}")).json["comment"]["status"] == "spam"
    assert (await mo.decide(one["id"], "spam", 2)).json["code"] == "illegal-transition"
    undone = await mo.undo(confirmed.json["decision"]["id"])
    assert undone.json["comment"]["status"] == "spam"
    shown = (await eve.get(f"comments/{one['id']}")).json["comment"]
    assert (shown["status"], shown["decision"]) == ("pending", None), "again only a rule says so"
    back = await mo.undo((await decision_on(gatepost, other["id"]))["id"])
    assert back.json["comment"]["status"] == "pending"
    assert (await mo.get("queue")).json["total"] == 1


async def test_an_edit_of_what_waits_is_judged_like_a_new_text(gatepost: Gatepost) -> None:
    await ruled(
        gatepost,
        "reject",
        {"id": "fine", "title": "Fine", "when": [{"text.characters": {"at_most": 4}}], "then": "publish"},
    )
    ada, mo = gatepost.reader("ada"), gatepost.moderator()
    one, other = [(await ada.submit(f"It waits {number}")).json["comment"] for number in (1, 2)]
    published = (await ada.edit(one["id"], "Fine", 1)).json["comment"]
    assert (published["status"], published["version"]) == ("approved", 2)
    assert [shown["id"] for shown in (await gatepost.public())["comments"]] == [one["id"]]
    assert (await decision_on(gatepost, one["id"]))["rules"] == ["fine"]
    rejected = (await ada.edit(other["id"], TEXT, 1)).json["comment"]
    assert (rejected["status"], rejected["decision"]["reason"]) == ("rejected", "links")
    assert (await mo.get("queue")).json["total"] == 0
    kept = (await mo.get(f"comments/{other['id']}/judgements")).json["judgements"]
    assert [(said["outcome"], said["text_version"]) for said in kept] == [("reject", 2), ("hold", 1)]
    restored = (await mo.decide(other["id"], "restore", 2)).json["comment"]
    again = (await ada.edit(other["id"], "Nice", restored["version"])).json["comment"]
    assert again["status"] == "pending", "a moderator put it back, so a human looks"


@pytest.mark.parametrize("then", ["hold", "spam"])
@pytest.mark.parametrize("otherwise", ["hold", "publish"])
async def test_nothing_is_published_by_an_edit_that_a_rule_held_back_before(
    gatepost: Gatepost, then: str, otherwise: str
) -> None:
    """So nobody can find out by trying which words a rule is about, nor whether it held or called it spam."""
    fine = {"id": "fine", "title": "Fine", "when": [{"text.characters": {"at_most": 4}}], "then": "publish"}
    await ruled(gatepost, then, fine, otherwise=otherwise)
    eve, mo = gatepost.reader("eve"), gatepost.moderator()
    comment = (await eve.submit(TEXT)).json["comment"]
    edited = (await eve.edit(comment["id"], "Fine", 1)).json["comment"]
    assert (edited["status"], edited["version"]) == ("pending", 2)
    assert (await mo.get("queue")).json["total"] == 1
    again = (await eve.edit(comment["id"], "Nice", 2)).json["comment"]
    assert again["status"] == "pending"
    looked = (await mo.decide(comment["id"], "approve", again["version"])).json["comment"]
    assert looked["status"] == "approved"
    assert (await eve.edit(comment["id"], "Good", looked["version"])).json["comment"]["body"] == "Good"


async def test_an_edit_of_the_audit_sample_waits_for_a_moderator_too(gatepost: Gatepost) -> None:
    await ruled(gatepost, "spam", otherwise="publish", audit_share=0.5)
    ada = gatepost.reader("ada")
    for number in range(20):
        comment = (await ada.submit(f"{TEXT} {number}")).json["comment"]
        edited = (await ada.edit(comment["id"], f"Clean now {number}", 1)).json["comment"]
        assert edited["status"] == "pending"
    assert (await gatepost.moderator().get("queue")).json["total"] == 20


@pytest.mark.parametrize("then", ["reject", "spam"])
async def test_an_edit_of_what_a_human_approved_is_held_at_most(gatepost: Gatepost, then: str) -> None:
    await ruled(gatepost, then)
    comment = await gatepost.approved("Approved")
    edited = (await gatepost.reader("ada").edit(comment["id"], TEXT, comment["version"])).json["comment"]
    assert (edited["status"], edited["body"], edited["pending_edit"]["body"]) == ("approved", "Approved", TEXT)
    entry = (await gatepost.moderator().get(f"queue/{comment['id']}")).json["entry"]
    assert (entry["judgement"]["outcome"], entry["judgement"]["rules"][0]["said"]) == ("hold", then)


@pytest.mark.parametrize("then", ["hold", "spam"])
async def test_an_edit_that_a_rule_held_is_not_replaced_by_one_that_is_published(gatepost: Gatepost, then: str) -> None:
    """Else authors of approved comments would learn by trying which words a rule is about."""
    await ruled(gatepost, then, otherwise="publish")
    ada, mo = gatepost.reader("ada"), gatepost.moderator()
    comment = (await ada.submit("Plain words")).json["comment"]
    await ada.edit(comment["id"], TEXT, 1)
    for version, body in enumerate(("Clean words", "Cleaner words"), start=2):
        edited = (await ada.edit(comment["id"], body, version)).json["comment"]
        assert (edited["body"], edited["pending_edit"]["body"]) == ("Plain words", body)
    assert (await mo.get("queue")).json["total"] == 1
    looked = (await mo.decide(comment["id"], "discard_edit", edited["version"])).json["comment"]
    published = (await ada.edit(comment["id"], "Clean again", looked["version"])).json["comment"]
    assert (published["body"], published["pending_edit"]) == ("Clean again", None)


async def test_an_edit_that_no_rule_held_is_replaced_by_one_that_rules_publish(gatepost: Gatepost) -> None:
    fine = {"id": "fine", "title": "Fine", "when": [{"text.characters": {"at_most": 4}}], "then": "publish"}
    await ruled(gatepost, "hold", fine)
    ada, comment = gatepost.reader("ada"), await gatepost.approved("Plain words")
    waiting = (await ada.edit(comment["id"], "It waits", comment["version"])).json["comment"]
    published = (await ada.edit(comment["id"], "Fine", waiting["version"])).json["comment"]
    assert (published["body"], published["pending_edit"]) == ("Fine", None)


async def test_a_comment_does_not_count_against_its_own_edit(gatepost: Gatepost) -> None:
    """Else whoever may have one comment waiting could never mend a typo in it."""
    busy = {"id": "busy", "title": "One at a time", "when": [{"author.waiting": {"at_least": 1}}], "then": "refuse"}
    first = {"id": "first", "title": "The first", "when": [{"author.approved": {"at_most": 0}}], "then": "hold"}
    await ruled(gatepost, "hold", {**busy, "reason": "links"}, first, otherwise="publish")
    ada, mo = gatepost.reader("ada"), gatepost.moderator()
    comment = (await ada.submit("A first one")).json["comment"]
    mended = await ada.edit(comment["id"], "A first comment", 1)
    assert (mended.status, mended.json["comment"]["status"]) == (200, "pending")
    assert (await ada.submit("Another one")).code == "refused-by-policy"
    approved = (await mo.decide(comment["id"], "approve", 2)).json["comment"]
    edited = (await ada.edit(comment["id"], "The only comment", approved["version"])).json["comment"]
    assert edited["pending_edit"] is not None, "no other one is approved"
    rejected = (await mo.decide(comment["id"], "reject", edited["version"])).json["comment"]
    facts = (await mo.get(f"comments/{rejected['id']}/judgements")).json["judgements"][0]["facts"]
    assert [facts[f"author.{name}"] for name in ("approved", "rejected", "waiting")] == [0, 0, 0]


async def test_what_a_rule_did_can_be_undone_after_its_author_edited_it(gatepost: Gatepost) -> None:
    await ruled(gatepost, "spam", otherwise="publish")
    ada, mo = gatepost.reader("ada"), gatepost.moderator()
    spam, shown = [(await ada.submit(body)).json["comment"] for body in (TEXT, "Plain words")]
    lines = [await decision_on(gatepost, one["id"]) for one in (spam, shown)]
    await ada.edit(spam["id"], f"{TEXT}!", 1)
    await ada.edit(shown["id"], TEXT, 1)
    for line in lines:
        undone = await mo.undo(line["id"])
        assert (undone.status, undone.json["comment"]["status"]) == (201, "pending")
        entry = (await mo.get(f"queue/{line['comment_id']}")).json["entry"]
        assert [why["code"] for why in entry["why"]] == ["restored"]
    assert (await mo.get("queue")).json["total"] == 2
    assert (await mo.undo(lines[0]["id"])).code == "newer-decision"
    again = await mo.undo((await decision_on(gatepost, shown["id"]))["id"])
    assert (again.json["comment"]["status"], again.json["comment"]["pending_edit"]["body"]) == ("approved", TEXT)
    entry = (await mo.get(f"queue/{shown['id']}")).json["entry"]
    assert [why["code"] for why in entry["why"]] == ["edited"]


async def test_an_author_is_not_told_that_a_comment_was_put_back_into_the_queue(gatepost: Gatepost) -> None:
    await ruled(gatepost, "spam")
    ada, mo = gatepost.reader("ada"), gatepost.moderator()
    silent, told = [(await ada.submit(f"{TEXT} {number}")).json["comment"] for number in (1, 2)]
    await mo.decide(silent["id"], "restore", 1)
    await mo.decide(told["id"], "restore", 1, note_to_author="We look again")
    shown = [(await ada.get(f"comments/{one['id']}")).json["comment"]["decision"] for one in (silent, told)]
    assert shown == [None, {"reason": None, "reason_text": None, "note_to_author": "We look again"}]


TRACES = (b"xylophone", b"example.org/quux", b"zoe-quarx", b"Zoe-Quarx", b"a-post-of-its-own", b"a key of its own")


def _traces_in(content: bytes) -> list[bytes]:
    return [trace for trace in TRACES if trace in content]


async def test_nothing_of_a_refused_text_is_kept(
    gatepost: Gatepost, store_url: str, tmp_path: Path, rows: Rows
) -> None:
    """Every byte of the store is searched, and of a backup that is made of it."""
    await ruled(gatepost, "refuse")
    zoe, key = gatepost.reader("zoe-quarx"), {"Idempotency-Key": "a key of its own"}
    body = "xylophone-zanzibar https://example.org/quux"
    counts = [rows.number(query) for query in COUNTS]
    refused = await zoe.submit(body, headers=key, post="a-post-of-its-own")
    assert (refused.status, refused.json["code"]) == (422, "refused-by-policy")
    assert (refused.json["reason"], refused.json["reason_text"]) == ("links", "No links here, please.")
    assert [body[span["start"] : span["end"]] for span in refused.json["spans"]] == ["https://example.org/quux"]
    assert "linkhater" not in refused.body.decode()
    assert _traces_in(everything_in(store_url)) == []
    made = await asyncio.to_thread(backup.take, store_url, tmp_path / "backups", now=gatepost.clock(), watch=Watch())
    assert _traces_in(made.path.read_bytes()) == []
    assert [rows.number(query) for query in COUNTS] == counts
    state = (await gatepost.moderator().get("policy")).json["state"]["rules"][0]
    assert (state["spoke_24h"], state["decided_24h"]) == (1, 1)
    await ruled(gatepost, "refuse", expected=1, rules=[])
    taken = await zoe.submit(body, headers=key, post="a-post-of-its-own")
    assert (taken.status, "Idempotency-Replayed" in taken.headers) == (202, False)
    assert len(_traces_in(everything_in(store_url))) >= 4, "what was taken is found by the same search"


async def test_a_refused_edit_changes_nothing(gatepost: Gatepost, store_url: str) -> None:
    await ruled(gatepost, "refuse")
    ada = gatepost.reader("ada")
    comment = (await ada.submit("It waits")).json["comment"]
    refused = await ada.edit(comment["id"], TEXT, 1)
    assert refused.json["code"] == "refused-by-policy"
    assert TEXT.encode() not in everything_in(store_url)
    assert (await ada.get(f"comments/{comment['id']}")).json["comment"] == comment


async def test_a_refused_text_counts_against_its_author(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost(change=lambda wanted: wanted.update(limits={"submit_per_author": "2/hour"}))
    await ruled(gatepost, "refuse")
    ada = gatepost.reader("ada")
    assert [(await ada.submit(TEXT)).status for _ in range(3)] == [422, 422, 429]


async def test_only_so_many_of_an_author_may_wait(gatepost: Gatepost) -> None:
    await ruled(gatepost, "publish", waiting_per_author=2)
    ada, mo = gatepost.reader("ada"), gatepost.moderator()
    first = (await ada.submit("First")).json["comment"]
    await ada.submit("Second")
    refused = await ada.submit("Third", headers={"Idempotency-Key": "third"})
    assert (refused.status, refused.json["code"], refused.json["waiting"]) == (409, "too-many-waiting", 2)
    assert (await ada.submit(TEXT)).status == 201, "it does not wait"
    assert (await gatepost.reader("bob").submit("First")).status == 202
    await mo.decide(first["id"], "approve", 1)
    assert (await ada.submit("Third", headers={"Idempotency-Key": "third"})).status == 202


async def test_a_sample_of_what_rules_would_do_is_judged_blindly(gatepost: Gatepost) -> None:
    await ruled(gatepost, "publish", audit_share=0.5)
    mo, held = gatepost.moderator(), []
    for number in range(40):
        answer = await gatepost.reader("ada").submit(f"{TEXT} {number}")
        held += [answer.json["comment"]] if answer.status == 202 else []
    assert 5 < len(held) < 35
    entry = (await mo.get(f"queue/{held[0]['id']}")).json["entry"]
    assert ([why["code"] for why in entry["why"]], entry["judgement"]) == (["awaiting-approval"], None)
    assert (await mo.get(f"comments/{held[0]['id']}/judgements")).json["judgements"] == []
    assert (await mo.get("queue?rule=linkhater-9000")).json["total"] == 0
    assert (await decision_on(gatepost, held[0]["id"]))["rules"] == []
    await mo.decide(held[0]["id"], "approve", 1)
    await mo.decide(held[1]["id"], "spam", 1)
    told = (await mo.get(f"comments/{held[0]['id']}/judgements")).json["judgements"][0]
    assert (told["audited"], told["by"]) == (True, ["linkhater-9000"])
    state = (await mo.get("policy")).json["state"]["rules"][0]
    assert state["humans"] == {"agreed": 1, "overturned": 1}


async def test_of_what_humans_said_the_last_of_each_rule_count(database: Database) -> None:
    """As the brakes count: else every look at a policy would read all that was ever decided."""
    await database.write(long_post.fill, PostKey("post"), long_post.one_root(rules.MOST_OUTCOMES + 30))

    def learn(tx: Transaction) -> Mapping[str, Tally]:
        for number in range(rules.MOST_OUTCOMES + 30):
            comment = CommentId(f"post-{number:09}")
            rules.learn(tx, BLOG, "long", comment, said="spam", agreed=number >= 40)
            if number < 3:
                rules.learn(tx, BLOG, "short", comment, said="publish", agreed=number > 0)
        return rules.tallies(tx, BLOG, ["long", "short", "silent"])

    tallies = await database.write(learn)
    humans = {rule: (tally.agreed, tally.overturned) for rule, tally in tallies.items()}
    assert humans == {"long": (190, 10), "short": (2, 1), "silent": (0, 0)}


async def test_a_rule_that_acts_too_often_is_braked_until_it_is_released(gatepost: Gatepost) -> None:
    await put(
        gatepost.running.database,
        BLOG,
        {
            **of_rules({**RULE, "then": "reject", "brake": {"share": 1, "per_day": 3}}),
            "reasons": REASONS,
        },
    )
    mo, admin = gatepost.moderator(), gatepost.reader("root", roles=["admin"])

    async def statuses(number: int, of: str) -> list[str]:
        answers = [await gatepost.reader("ada").submit(f"{TEXT} {of} {n}") for n in range(number)]
        return [answer.json["comment"]["status"] for answer in answers]

    assert await statuses(5, "first") == ["rejected"] * 3 + ["pending"] * 2
    (braked,) = (await mo.get("policy")).json["state"]["braked"]
    assert (braked["rule"], braked["why"], braked["acted"]) == ("linkhater-9000", "per-day", 3)
    entry = (await mo.get("queue")).json["entries"][0]
    assert entry["judgement"]["rules"] == [
        {"id": "linkhater-9000", "title": "Linkhater", "said": "hold", "braked": True}
    ]
    assert (await mo.call("DELETE", "policy/brakes/linkhater-9000")).status == 403
    assert (await admin.call("DELETE", "policy/brakes/linkhater-9000")).status == 204
    assert (await admin.call("DELETE", "policy/brakes/linkhater-9000")).status == 204
    assert (await mo.get("policy")).json["state"]["braked"] == []
    assert await statuses(4, "second") == ["rejected"] * 3 + ["pending"], "its counts start anew"
    told = (await mo.get("events?types=rule.*")).json["events"]
    assert [(event["type"], event["data"]["rule"]["why"]) for event in told] == [
        ("rule.braked", "per-day"),
        ("rule.released", None),
        ("rule.braked", "per-day"),
    ]


async def test_a_changed_rule_that_acts_on_most_of_what_comes_is_braked(gatepost: Gatepost) -> None:
    await ruled(gatepost, "reject")
    statuses = []
    for number in range(21):
        answer = await gatepost.reader("ada").submit(f"{TEXT} {number}")
        statuses.append(answer.json["comment"]["status"])
    assert statuses == ["rejected"] * 20 + ["pending"]
    (braked,) = (await gatepost.moderator().get("policy")).json["state"]["braked"]
    assert (braked["why"], braked["acted"], braked["of"]) == ("share", 20, 20)


async def test_a_rule_that_humans_find_wrong_is_braked(gatepost: Gatepost) -> None:
    brake = {"share": 1, "per_day": 1000}
    rule = {**RULE, "then": "spam", "brake": brake}
    document = {**of_rules(rule), "reasons": REASONS, "audit_share": 0}
    await put(gatepost.running.database, BLOG, document)
    mo = gatepost.moderator()
    for number in range(40):
        comment = (await gatepost.reader("eve").submit(f"{TEXT} {number}")).json["comment"]
        assert (await mo.get("policy")).json["state"]["braked"] == []
        await mo.decide(comment["id"], "approve" if number in {20, 39} else "spam", 1)
    (braked,) = (await mo.get("policy")).json["state"]["braked"]
    assert (braked["why"], braked["acted"], braked["of"]) == ("wrong", 2, 40)


WATCHED = {**RULE, "then": "spam", "brake": {"share": 1, "per_day": 1000}}


async def _approve_each(gatepost: Gatepost, ids: list[str]) -> Any:
    """A moderator finds the rule wrong each time: which rules are braked afterwards."""
    mo = gatepost.moderator()
    for comment_id in ids:
        assert (await mo.decide(comment_id, "approve", 1)).status == 201
    return (await mo.get("policy")).json["state"]["braked"]


async def _called_spam(gatepost: Gatepost, number: int) -> list[str]:
    document = {**of_rules(WATCHED), "reasons": REASONS, "audit_share": 0}
    await put(gatepost.running.database, BLOG, document)
    eve = gatepost.reader("eve")
    return [(await eve.submit(f"{TEXT} {one}")).json["comment"]["id"] for one in range(number)]


async def test_a_rule_that_was_mended_does_not_answer_for_what_the_old_one_did(gatepost: Gatepost) -> None:
    ids = await _called_spam(gatepost, 40)
    gatepost.clock.advance(seconds=60)
    mended = of_rules({**WATCHED, "when": [{"links.count": {"at_least": 9}}]})
    await put(gatepost.running.database, BLOG, {**mended, "reasons": REASONS, "audit_share": 0}, expected=1)
    assert await _approve_each(gatepost, ids) == []


async def test_a_rule_that_was_released_does_not_answer_for_what_it_did_before(gatepost: Gatepost) -> None:
    ids = await _called_spam(gatepost, 80)
    assert [one["why"] for one in await _approve_each(gatepost, ids[:40])] == ["wrong"]
    gatepost.clock.advance(seconds=60)
    admin = gatepost.reader("root", roles=["admin"])
    assert (await admin.call("DELETE", "policy/brakes/linkhater-9000")).status == 204
    assert await _approve_each(gatepost, ids[40:]) == []


async def test_a_rule_is_braked_whose_mistakes_all_came_first(gatepost: Gatepost) -> None:
    """Before 40 outcomes nobody can say that they are too many; then somebody must look, whatever the last one was."""
    ids, mo = await _called_spam(gatepost, 40), gatepost.moderator()
    assert await _approve_each(gatepost, ids[:20]) == []
    for comment_id in ids[20:]:
        await mo.decide(comment_id, "spam", 1)
    (braked,) = (await mo.get("policy")).json["state"]["braked"]
    assert (braked["why"], braked["acted"], braked["of"]) == ("wrong", 20, 40)


async def test_a_brake_says_of_how_many_of_the_same_day(gatepost: Gatepost) -> None:
    """Also where the rule is as it is for longer than its hours are kept."""
    document = {**of_rules({**RULE, "then": "reject", "brake": {"share": 1, "per_day": 3}}), "reasons": REASONS}
    await put(gatepost.running.database, BLOG, document)
    ada = gatepost.reader("ada")
    for number in range(5):
        await ada.submit(f"calm {number}")
    changed = {**document, "rules": [{**document["rules"][0], "when": [LINKED, {"links.count": {"at_least": 7}}]}]}
    await put(gatepost.running.database, BLOG, changed, expected=1)
    gatepost.clock.advance(seconds=9 * 86_400)
    await gatepost.running.database.write(brakes.forget_old)
    assert (await gatepost.reader("ada").submit("calm again")).status == 201
    for number in range(3):
        assert (await gatepost.reader("ada").submit(f"{TEXT} {number}")).status == 202
    (braked,) = (await gatepost.moderator().get("policy")).json["state"]["braked"]
    assert (braked["why"], braked["acted"], braked["of"]) == ("per-day", 3, 4)


async def test_an_undo_leaves_what_a_human_said_before(gatepost: Gatepost) -> None:
    (comment_id,), mo = await _called_spam(gatepost, 1), gatepost.moderator()

    async def humans() -> Any:
        return (await mo.get("policy")).json["state"]["rules"][0]["humans"]

    approved = (await mo.decide(comment_id, "approve", 1)).json["decision"]
    assert await humans() == {"agreed": 0, "overturned": 1}
    spam = (await mo.decide(comment_id, "spam", 2)).json["decision"]
    assert await humans() == {"agreed": 1, "overturned": 0}
    undone = (await mo.undo(spam["id"])).json["decision"]
    assert await humans() == {"agreed": 0, "overturned": 1}, "the approval stands"
    again = (await mo.undo(undone["id"])).json["decision"]
    assert await humans() == {"agreed": 1, "overturned": 0}, "an undo can be undone"
    await mo.undo(again["id"])
    await mo.undo(approved["id"])
    assert await humans() == {"agreed": 0, "overturned": 1}, "something newer stands on the approval"


async def test_an_undo_of_the_only_decision_leaves_nothing_said(gatepost: Gatepost) -> None:
    (comment_id,), mo = await _called_spam(gatepost, 1), gatepost.moderator()
    approved = (await mo.decide(comment_id, "approve", 1)).json["decision"]
    assert (await mo.undo(approved["id"])).status == 201
    assert (await mo.get("policy")).json["state"]["rules"][0]["humans"] == {"agreed": 0, "overturned": 0}


async def test_a_reason_of_the_catalogue_is_told_with_its_text(gatepost: Gatepost) -> None:
    await ruled(gatepost, "hold", require_reason=True)
    ada, mo = gatepost.reader("ada"), gatepost.moderator()
    comment = (await ada.submit(TEXT)).json["comment"]
    for reason in ({}, {"reason": "of my own"}):
        refused = await mo.decide(comment["id"], "reject", 1, **reason)
        assert (refused.status, refused.json["code"], refused.json["reasons"]) == (422, "unknown-reason", ["links"])
    decided = await mo.decide(comment["id"], "reject", 1, reason="links")
    assert decided.json["decision"]["reason_text"] == "No links here, please."
    told = (await ada.get(f"comments/{comment['id']}")).json["comment"]["decision"]
    assert told == {"reason": "links", "reason_text": "No links here, please.", "note_to_author": None}
    await ruled(gatepost, "hold", expected=1, reasons=[{"code": "links", "text": "Other words"}])
    assert (await ada.get(f"comments/{comment['id']}")).json["comment"]["decision"] == told, "as it was then"


async def test_a_refused_newcomer_does_not_make_others_wait_twice(
    gatepost: Gatepost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal leaves nothing to roll back, so the texts that share its transaction are judged once."""
    await ruled(gatepost, "refuse", otherwise="publish")
    judge, judged_texts = judging.judge, []

    def counted(*given: Any) -> Judgement:
        judged_texts.append(given)
        return judge(*given)

    monkeypatch.setattr(judging, "judge", counted)
    bodies = [TEXT, *(f"Words {number}" for number in range(20)), f"{TEXT}!"]
    people = [gatepost.reader(f"person{number}") for number in range(len(bodies))]
    answers = await asyncio.gather(*(one.submit(body) for one, body in zip(people, bodies, strict=True)))
    assert [answer.status for answer in answers] == [422, *[201] * 20, 422]
    assert len(judged_texts) == len(bodies)


async def test_what_waits_keeps_what_was_said_of_it(gatepost: Gatepost) -> None:
    await ruled(gatepost, "hold")
    comment = (await gatepost.reader("ada").submit(TEXT)).json["comment"]
    await ruled(gatepost, "hold", expected=1, rules=[])
    kept = await gatepost.running.database.read(judgements.of_text, comment["id"], 1)
    assert kept is not None
    assert (kept["policy_version"], kept["by"]) == (1, ["linkhater-9000"])
