"""Lists over HTTP and by commands: who may change what, upon which version, and what matches."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from service import cli
from service.model import SiteKey
from service.store import lists as stored
from tests.conftest import StartGatepost
from tests.harness import Answer, Gatepost, Person
from tests.store.scene import BLOG
from tests.triage.policies import of_rules, put

NEW = {"If-None-Match": "*"}
WORDS = {"title": "Names of rival shops", "kind": "words"}
RIVALS_WAIT = {
    "id": "rivals-wait",
    "title": "Names of rival shops",
    "when": [{"lists.matched": {"any_of": ["rivals"]}}],
}


def at(version: int) -> dict[str, str]:
    return {"If-Match": f'"{version}"'}


async def make(mo: Person, name: str = "rivals", **body: Any) -> Answer:
    return await mo.call("PUT", f"lists/{name}", headers=NEW, json={**WORDS, **body})


async def change(mo: Person, version: int, *values: str, remove: tuple[str, ...] = (), name: str = "rivals") -> Answer:
    add = [{"value": value} for value in values]
    return await mo.call("PATCH", f"lists/{name}/entries", headers=at(version), json={"add": add, "remove": remove})


async def entries(mo: Person, **query: Any) -> list[Any]:
    answer = await mo.get("lists/rivals/entries", params=query)
    assert answer.status == 200
    return [entry["value"] for entry in answer.json["entries"]]


async def test_a_list_is_made_changed_and_deleted_upon_its_version(gatepost: Gatepost) -> None:
    mo = gatepost.moderator()
    assert (await mo.call("PUT", "lists/rivals", json=WORDS)).code == "if-match-required"
    made = await make(mo)
    assert (made.status, made.headers["ETag"]) == (201, '"1"')
    assert (await make(mo)).code == "document-changed"
    again = await mo.call("PUT", "lists/rivals", headers=at(1), json=WORDS)
    assert (again.status, again.json["list"]["version"]) == (200, 1), "an equal one makes no new version"
    named = await mo.call("PUT", "lists/rivals", headers=at(1), json={**WORDS, "note": "Asked for"})
    assert (named.status, named.headers["ETag"], named.json["list"]["changed_by"]["name"]) == (200, '"2"', "Mo")
    late = await mo.call("PUT", "lists/rivals", headers=at(1), json=WORDS)
    assert (late.status, late.code, late.json["version"]) == (412, "document-changed", 2)
    assert late.json["changed_at"] == named.json["list"]["changed_at"]
    assert [one["name"] for one in (await mo.get("lists")).json["lists"]] == ["rivals"]
    assert (await mo.call("DELETE", "lists/rivals")).code == "if-match-required"
    assert (await mo.call("DELETE", "lists/rivals", headers=at(2))).status == 204
    assert (await mo.get("lists/rivals")).code == "unknown-list"
    assert (await mo.call("DELETE", "lists/rivals", headers=at(2))).code == "unknown-list"


async def test_a_list_that_is_made_anew_is_not_taken_for_the_one_that_was_deleted(gatepost: Gatepost) -> None:
    """Whoever still holds the version of the old one changes nothing of the new one."""
    mo = gatepost.moderator()
    await make(mo)
    await change(mo, 1, "acme")
    assert (await mo.call("DELETE", "lists/rivals", headers=at(2))).status == 204
    made = await make(mo)
    assert (made.status, made.headers["ETag"], made.json["list"]["version"]) == (201, '"4"', 4)
    for old in (1, 2, 3):
        assert (await change(mo, old, "initech")).code == "document-changed"
    assert (await change(mo, 4, "initech")).status == 200
    assert (await make(mo, "another")).headers["ETag"] == '"4"'


async def test_entries_are_added_and_removed_together(gatepost: Gatepost) -> None:
    mo = gatepost.moderator()
    await make(mo)
    first = await change(mo, 1, "Acme", "initech", "old name")
    assert (first.status, first.headers["ETag"]) == (200, '"2"')
    assert [first.json[name] for name in ("added", "removed", "unchanged")] == [3, 0, 0]
    second = await change(mo, 2, "ACME", "initech", "hooli", remove=("Old Name", "nothing"))
    assert [second.json[name] for name in ("added", "removed", "unchanged")] == [2, 1, 2]
    assert await entries(mo) == ["ACME", "hooli", "initech"]
    same = await change(mo, 3, "hooli")
    assert (same.json["unchanged"], same.json["list"]["version"]) == (1, 3), "nothing changed, so no new version"
    assert (await change(mo, 2, "late")).code == "document-changed"
    assert await entries(mo, q="OO") == ["hooli"]
    page = (await mo.get("lists/rivals/entries", params={"limit": 2})).json
    rest = (await mo.get("lists/rivals/entries", params={"limit": 2, "cursor": page["next"]})).json
    assert ([one["value"] for one in rest["entries"]], rest["next"]) == (["initech"], None)


async def test_each_bad_entry_is_named_and_nothing_is_kept(gatepost: Gatepost) -> None:
    mo = gatepost.moderator()
    await make(mo)
    add = [{"value": "fine"}, {"value": "sh!t"}, {"value": "acme", "not": ["..."]}, {"value": "ab*"}]
    answer = await mo.call("PATCH", "lists/rivals/entries", headers=at(1), json={"add": add})
    assert (answer.status, answer.code) == (422, "invalid-request")
    assert [error["pointer"] for error in answer.json["errors"]] == ["/add/1/value", "/add/2/not/0", "/add/3/value"]
    assert await entries(mo) == []
    await make(mo, "patterns", kind="patterns")
    answer = await change(mo, 1, "(a", name="patterns")
    assert "RE2" in answer.json["errors"][0]["detail"]
    answer = await change(mo, 1, *(f"a{number}" for number in range(51)), name="patterns")
    assert answer.json["errors"][0]["detail"] == "a list of patterns has at most 50 entries"
    assert (await make(mo, "Not-A-Name")).json["errors"][0]["pointer"] == "/list"
    await change(mo, 1, "acme")
    answer = await mo.call("PUT", "lists/rivals", headers=at(2), json={**WORDS, "kind": "hosts"})
    assert answer.json["errors"][0]["pointer"] == "/kind"
    for wrong in ("*", "2", 'W/"2"', '"a"'):
        refused = await mo.call("DELETE", "lists/rivals", headers={"If-Match": wrong})
        assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "/If-Match")


async def test_readers_and_strangers_see_no_list(gatepost: Gatepost) -> None:
    await make(gatepost.moderator())
    for path in ("lists", "lists/rivals", "lists/rivals/entries"):
        assert (await gatepost.reader("ada").get(path)).code == "forbidden"


async def test_what_matches_waits_and_no_reader_is_told_why(gatepost: Gatepost) -> None:
    mo, ada, database = gatepost.moderator(), gatepost.reader("ada"), gatepost.running.database
    await make(mo)
    await change(mo, 1, "acme")
    await put(database, SiteKey("blog"), of_rules(RIVALS_WAIT))
    held = await ada.submit("Buy at \u0430-c-m-e, not here")
    shown = await ada.submit("Buy at academe, not here")
    assert (held.json["comment"]["status"], shown.json["comment"]["status"]) == ("pending", "approved")
    for told in (held, await ada.get(f"comments/{held.json['comment']['id']}"), await ada.get("me/comments")):
        assert not [word for word in ("rivals", 'acme"', "lists.matched") if word in json.dumps(told.json)]
    await mo.decide(held.json["comment"]["id"], "approve", 1)
    [entry] = (await mo.get("lists/rivals/entries", params={"order": "overturned"})).json["entries"]
    assert (entry["matched_30d"], entry["overturned_30d"]) == (1, 1)
    assert entry["last_matched_at"] is not None


async def test_what_nobody_has_approved_is_not_overturned(gatepost: Gatepost) -> None:
    """Neither is an edit of an approved comment that waits or was discarded, nor an approval that was undone."""
    mo, ada = gatepost.moderator(), gatepost.reader("ada")
    await make(mo)
    await change(mo, 1, "acme")
    await put(gatepost.running.database, SiteKey("blog"), of_rules(RIVALS_WAIT))

    async def overturned() -> int:
        [entry] = (await mo.get("lists/rivals/entries")).json["entries"]
        return int(entry["overturned_30d"])

    comment = (await ada.submit("Plain words")).json["comment"]
    edited = (await ada.edit(comment["id"], "Buy at acme", 1)).json["comment"]
    assert await overturned() == 0
    discarded = (await mo.decide(comment["id"], "discard_edit", edited["version"])).json["comment"]
    assert await overturned() == 0
    again = (await ada.edit(comment["id"], "Buy at acme!", discarded["version"])).json["comment"]
    gatepost.clock.advance(seconds=1)
    approved = (await mo.decide(comment["id"], "approve", again["version"])).json
    assert await overturned() > 0
    gone = (await mo.decide(comment["id"], "reject", approved["comment"]["version"])).json
    assert await overturned() == 0
    back = (await mo.undo(gone["decision"]["id"])).json["decision"]
    assert await overturned() > 0
    await mo.undo(back["id"])
    assert await overturned() == 0


async def test_only_what_a_rule_held_back_because_of_an_entry_can_be_overturned(gatepost: Gatepost) -> None:
    """Not what the audit sample held, of a rule that would have published; nor what waits for another reason."""
    mo = gatepost.moderator()
    await make(mo)
    await change(mo, 1, "acme")
    passing = {**RIVALS_WAIT, "id": "rivals-pass", "then": "publish", "brake": None}
    document = {**of_rules(passing), "otherwise": "hold", "audit_share": 0.5}
    await put(gatepost.running.database, SiteKey("blog"), document)
    held = 0
    for number in range(20):
        answer = await gatepost.reader("ada").submit(f"Buy at acme, number {number}")
        if answer.status == 202:
            held += 1
            await mo.decide(answer.json["comment"]["id"], "approve", 1)
    assert held
    elsewhere = {"id": "buying-waits", "title": "All wait", "when": [{"text.characters": {"at_least": 1}}]}
    await put(gatepost.running.database, SiteKey("blog"), of_rules(elsewhere), expected=1)
    waits = (await gatepost.reader("bob").submit("Buy at acme, I say")).json["comment"]
    assert (await mo.decide(waits["id"], "approve", 1)).status == 201
    [entry] = (await mo.get("lists/rivals/entries")).json["entries"]
    assert (entry["matched_30d"], entry["overturned_30d"]) == (21, 0)


async def test_a_change_holds_for_the_next_text(gatepost: Gatepost) -> None:
    mo, ada = gatepost.moderator(), gatepost.reader("ada")
    await make(mo)
    await put(gatepost.running.database, SiteKey("blog"), of_rules(RIVALS_WAIT))
    texts = iter(range(10))

    async def status() -> Any:
        return (await ada.submit(f"Buy at acme, number {next(texts)}")).json["comment"]["status"]

    assert await status() == "approved"
    await change(mo, 1, "acme")
    assert await status() == "pending"
    await change(mo, 2, remove=("acme",))
    assert await status() == "approved"
    until = {"add": [{"value": "acme", "until": "2100-01-01T00:00:00Z"}]}
    assert (await mo.call("PATCH", "lists/rivals/entries", headers=at(3), json=until)).status == 200
    assert await status() == "pending"
    past = {"add": [{"value": "acme", "until": "2001-01-01T00:00:00Z"}]}
    assert (await mo.call("PATCH", "lists/rivals/entries", headers=at(4), json=past)).status == 200
    assert await status() == "approved"


async def test_a_list_that_the_policy_names_stays(gatepost: Gatepost) -> None:
    mo = gatepost.moderator()
    await make(mo)
    await put(gatepost.running.database, SiteKey("blog"), of_rules(RIVALS_WAIT))
    answer = await mo.call("DELETE", "lists/rivals", headers=at(1))
    assert (answer.status, answer.code, answer.json["rules"]) == (409, "list-in-use", ["rivals-wait"])


async def test_a_change_is_an_event_that_names_no_entry(gatepost: Gatepost) -> None:
    mo = gatepost.moderator()
    await make(mo)
    await change(mo, 1, "acme")
    told = (await mo.get("events", params={"types": "list.changed"})).json["events"]
    assert [event["data"]["list"] for event in told] == [
        {"name": "rivals", "version": 1},
        {"name": "rivals", "version": 2},
    ]
    assert "acme" not in json.dumps(told)


async def test_lists_come_from_files_and_go_into_files(
    start_gatepost: StartGatepost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gatepost = await start_gatepost()
    mo, site = gatepost.moderator(), BLOG
    from service import cli_lists
    from service.triage.lists.entry import ListKind

    file = tmp_path / "rivals.txt"
    file.write_text("# Rivals\nacme\tacme corp\n\nInitech\n", "utf-8")
    lines, additions = cli_lists._read(file)
    assert lines == [2, 4]
    changed = await gatepost.running.database.write(
        cli_lists._import, site, "rivals", ListKind.WORDS, "Rivals", additions, replace=False
    )
    assert (changed.added, changed.kept.version) == (2, 2)
    [acme, _] = (await mo.get("lists/rivals/entries")).json["entries"]
    assert (acme["value"], acme["not"], acme["added_by"]["name"]) == ("acme", ["acme corp"], "Operator")
    file.write_text("initech\nhooli\n", "utf-8")
    _, additions = cli_lists._read(file)
    await gatepost.running.database.write(
        cli_lists._import, site, "rivals", ListKind.WORDS, "Rivals", additions, replace=True
    )
    assert await entries(mo) == ["hooli", "initech"]
    assert CliRunner().invoke(cli.app, ["lists", "import", "--help"]).exit_code == 0


async def test_the_policy_names_the_lists_and_a_trial_knows_them(gatepost: Gatepost) -> None:
    mo, admin = gatepost.moderator(), gatepost.reader("root", roles=["admin"])
    await make(mo)
    await change(mo, 1, "acme")
    shown = await admin.call("PUT", "policy", headers=at(0), json={"document": of_rules(RIVALS_WAIT)})
    assert shown.json["state"]["lists"] == [{"name": "rivals", "version": 2, "entries": 1}]
    for text, by in [("Buy at a-c-m-e", ["rivals-wait"]), ("Buy at home", [])]:
        tried = await mo.call("POST", "policy/trials", json={"text": text})
        assert (tried.status, tried.json["judgement"]["by"]) == (200, by)


async def test_a_rule_whose_list_was_changed_is_watched_anew(gatepost: Gatepost) -> None:
    """Its share counts from the change on: 20 of 20 are too many, although few of all that came before were meant."""
    mo, admin = gatepost.moderator(), gatepost.reader("root", roles=["admin"])
    await make(mo)
    rule = {**RIVALS_WAIT, "then": "spam", "brake": {"share": 0.6, "per_day": 1000}}
    await admin.call("PUT", "policy", headers=at(0), json={"document": {**of_rules(rule), "audit_share": 0}})

    async def braked() -> list[str]:
        return [one["rule"] for one in (await mo.get("policy")).json["state"]["braked"]]

    for number in range(20):
        await gatepost.reader("ada").submit(f"Harmless words, number {number}")
    assert (await change(mo, 1, "acme")).status == 200
    for number in range(20):
        assert await braked() == []
        await gatepost.reader("bob").submit(f"Buy at acme, number {number}")
    assert await braked() == ["rivals-wait"]


async def test_a_list_that_changes_often_does_not_keep_its_rule_from_the_brake(gatepost: Gatepost) -> None:
    mo, admin = gatepost.moderator(), gatepost.reader("root", roles=["admin"])
    await make(mo)
    await change(mo, 1, "acme")
    rule = {**RIVALS_WAIT, "then": "spam", "brake": {"share": 0.05, "per_day": 1000}}
    await admin.call("PUT", "policy", headers=at(0), json={"document": {**of_rules(rule), "audit_share": 0}})
    for number in range(20):
        await gatepost.reader("bob").submit(f"Buy at acme, number {number}")
        if number in {9, 18}:
            gatepost.clock.advance(seconds=3 * 3600)
            assert (await change(gatepost.moderator(), 2 + number // 10, f"other-{number}")).status == 200
    (braked,) = (await gatepost.moderator().get("policy")).json["state"]["braked"]
    assert (braked["why"], braked["acted"], braked["of"]) == ("share", 20, 20)


async def test_a_list_that_a_rule_names_by_its_beginning_is_one_that_it_names(gatepost: Gatepost) -> None:
    """It stays for as long as the rule does, and when it is changed the rule is watched."""
    mo, admin = gatepost.moderator(), gatepost.reader("root", roles=["admin"])
    await make(mo)
    named = [{"lists.matched": {"any_of": ["riv*"]}}]
    rule = {**RIVALS_WAIT, "when": named, "then": "spam", "brake": {"share": 0.6, "per_day": 1000}}
    await admin.call("PUT", "policy", headers=at(0), json={"document": {**of_rules(rule), "audit_share": 0}})
    refused = await mo.call("DELETE", "lists/rivals", headers=at(1))
    assert (refused.status, refused.code, refused.json["rules"]) == (409, "list-in-use", ["rivals-wait"])
    for number in range(20):
        await gatepost.reader("ada").submit(f"Harmless words, number {number}")
    assert (await change(mo, 1, "acme")).status == 200
    for number in range(20):
        await gatepost.reader("bob").submit(f"Buy at acme, number {number}")
    assert [one["rule"] for one in (await mo.get("policy")).json["state"]["braked"]] == ["rivals-wait"]


async def test_a_rule_whose_list_is_gone_holds(gatepost: Gatepost) -> None:
    """As after a move, when lists have not been brought yet."""
    database, site = gatepost.running.database, SiteKey("blog")
    await make(gatepost.moderator())
    await put(database, site, {**of_rules({**RIVALS_WAIT, "then": "spam"}), "otherwise": "publish"})
    await database.write(stored.remove, site, "rivals", version=2)
    held = await gatepost.reader("ada").submit("Anything at all")
    assert (held.status, held.json["comment"]["status"]) == (202, "pending")
    [entry] = (await gatepost.moderator().get("queue")).json["entries"]
    assert [one["code"] for one in entry["why"]] == ["could-not-judge"]
    assert entry["judgement"]["could_not_judge"][0]["text"] == "The site has no list rivals."


async def test_a_policy_cannot_name_a_list_that_is_gone(gatepost: Gatepost) -> None:
    admin = gatepost.reader("root", roles=["admin"])
    refused = await admin.call("PUT", "policy", headers=at(0), json={"document": of_rules(RIVALS_WAIT)})
    assert (refused.status, refused.code) == (422, "invalid-request")


async def test_phrases_with_the_same_first_words_are_told_apart(gatepost: Gatepost) -> None:
    mo = gatepost.moderator()
    await make(mo)
    await change(mo, 1, *(f"buy number {number}" for number in range(100)), "buy numbered pil*")
    await put(gatepost.running.database, SiteKey("blog"), of_rules(RIVALS_WAIT))
    for text, entries_found in [
        ("Please buy number 42 today", ["buy number 42"]),
        ("buy numb\u0435r 7 and buy numbered pills", ["buy number 7", "buy numbered pil*"]),
    ]:
        assert (await gatepost.reader("ada").submit(text)).status == 202
        entries_now = (await mo.get("queue")).json["entries"]
        [entry] = [one for one in entries_now if one["comment"]["body"] == text]
        found = {one["entry"] for one in entry["judgement"]["verdicts"] if one["check"] == "lists"}
        assert found == set(entries_found), text
    assert (await gatepost.reader("ada").submit("buy number buy number buy")).status == 201
