"""The policy over HTTP: read, tried, changed upon the version that was read, and released."""

import asyncio
from typing import Any

from service.triage.checks import LATER, facts_of
from service.triage.facts import Kind
from tests.harness import Answer, Gatepost, Person
from tests.triage.policies import of_rules

LINKS = {
    "id": "links-hold",
    "title": "Links wait",
    "not_for": ["staff"],
    "when": [{"links.count": {"at_least": 1}}],
    "then": "hold",
}
TO_COME = facts_of(LATER)
ADMIN, JSON_OF_LINKS = {"roles": ["admin"]}, of_rules(LINKS)


async def put(admin: Person, document: Any, version: int | str | None, **more: Any) -> Answer:
    """Change the policy upon a version."""
    headers = {} if version is None else {"If-Match": version if isinstance(version, str) else f'"{version}"'}
    return await admin.call("PUT", "policy", json={"document": document, **more}, headers=headers)


def admin_of(gatepost: Gatepost) -> Person:
    return gatepost.reader("root", roles=["admin"])


async def test_a_site_begins_with_what_its_configuration_says(gatepost: Gatepost) -> None:
    shown = await gatepost.moderator().get("policy")
    assert (shown.status, shown.headers["ETag"]) == (200, '"0"')
    policy = shown.json["policy"]
    assert policy["document"] == {"format": 1, "otherwise": "hold", "rules": []}
    assert (policy["version"], policy["made_by"], policy["made_at"]) == (0, None, None)
    assert shown.json["state"] == {"braked": [], "lockdown": None, "lists": [], "rules": []}


async def test_an_administrator_changes_it_and_a_moderator_does_not(gatepost: Gatepost) -> None:
    admin = admin_of(gatepost)
    changed = await put(admin, JSON_OF_LINKS, 0, note="no links")
    assert (changed.status, changed.headers["ETag"], changed.json["warnings"]) == (200, '"1"', [])
    assert changed.json["policy"]["document"] == JSON_OF_LINKS
    assert (changed.json["policy"]["note"], changed.json["policy"]["made_by"]["name"]) == ("no links", "Root")
    assert [rule["id"] for rule in changed.json["state"]["rules"]] == ["links-hold"]
    assert (await put(admin, JSON_OF_LINKS, 1)).headers["ETag"] == '"1"', "an equal one makes no new version"
    for person, status, code in [
        (gatepost.moderator(), 403, "forbidden"),
        (gatepost.reader("ada"), 403, "forbidden"),
        (gatepost.visitor, 401, "login-required"),
    ]:
        refused = await put(person, of_rules(), 1)
        assert (refused.status, refused.json["code"]) == (status, code)
    assert (await gatepost.moderator().get("policy")).json["policy"]["version"] == 1


async def test_a_change_says_upon_which_version(gatepost: Gatepost) -> None:
    admin = admin_of(gatepost)
    missing = await put(admin, JSON_OF_LINKS, None)
    assert (missing.status, missing.json["code"], missing.json["version"]) == (428, "if-match-required", 0)
    for header in ("*", "17", '"1", "2"', '""', '"-1"', '"01"'):
        wrong = await put(admin, JSON_OF_LINKS, header)
        assert (wrong.status, wrong.json["errors"][0]["pointer"]) == (422, "/If-Match"), header
    assert (await put(admin, JSON_OF_LINKS, 'W/"0"')).status == 200, "a proxy that compresses weakens it"
    stale = await put(admin, of_rules(), 0)
    assert (stale.status, stale.json["code"], stale.json["version"]) == (412, "document-changed", 1)
    assert stale.json["changed_by"]["name"] == "Root"


async def test_of_two_changes_upon_one_version_one_holds(gatepost: Gatepost) -> None:
    admin = admin_of(gatepost)
    for version in range(3):
        one, other = of_rules({**LINKS, "title": f"One {version}"}), of_rules({**LINKS, "title": f"Other {version}"})
        answers = await asyncio.gather(put(admin, one, version), put(admin, other, version))
        assert sorted(answer.status for answer in answers) == [200, 412]
        holds = next(answer for answer in answers if answer.status == 200).json["policy"]["document"]
        assert (await admin.get("policy")).json["policy"]["document"] == holds


async def test_mistakes_are_named_all_at_once_and_nothing_is_saved(gatepost: Gatepost) -> None:
    admin = admin_of(gatepost)
    wrong = of_rules({**LINKS, "when": [{"link.count": {"at_least": 1}}]}, otherwise="spam")
    refused = await put(admin, wrong, 0)
    assert refused.status == 422
    assert [(error["pointer"], error["in"]) for error in refused.json["errors"]] == [
        ("/document/rules/0/when/0/link.count", "body"),
        ("/document/otherwise", "body"),
    ]
    failing = {**JSON_OF_LINKS, "tests": [{"name": "none", "expect": "hold"}]}
    assert (await put(admin, failing, 0)).json["errors"][0]["pointer"] == "/document/tests/0"
    assert (await put(admin, [], 0)).json["errors"][0]["pointer"] == "/document"
    assert (await admin.get("policy")).json["policy"]["version"] == 0


async def test_a_document_is_validated_without_being_saved(gatepost: Gatepost) -> None:
    mo = gatepost.moderator()

    async def validated(document: Any) -> Any:
        answer = await mo.call("POST", "policy/validations", json={"document": document})
        assert answer.status == 200
        return answer.json

    good = {**JSON_OF_LINKS, "tests": [{"name": "a link", "text": "See https://example.org/", "expect": "hold"}]}
    assert await validated(good) == {"valid": True, "warnings": [], "tests": {"passed": 1}}
    assert await validated({"format": 2}) == {"valid": False, "errors": [{"pointer": "/format", "detail": "must be 1"}]}
    warned = await validated(of_rules({**LINKS, "until": "2020-01-01T00:00:00Z"}))
    assert [warning["code"] for warning in warned["warnings"]] == ["long-gone"]
    assert (await mo.get("policy")).json["policy"]["version"] == 0


async def test_versions_are_kept_and_an_old_one_can_be_put_again(gatepost: Gatepost) -> None:
    admin, mo = admin_of(gatepost), gatepost.moderator()
    for version, document in enumerate([JSON_OF_LINKS, of_rules(), JSON_OF_LINKS]):
        assert (await put(admin, document, version)).status == 200
    first = await mo.get("policy/versions?limit=2")
    assert [(one["version"], one["rules"]) for one in first.json["versions"]] == [(3, 1), (2, 0)]
    rest = await mo.get("policy/versions", params={"limit": 2, "cursor": first.json["next"]})
    assert ([one["version"] for one in rest.json["versions"]], rest.json["next"]) == ([1], None)
    assert (await mo.get("policy/versions/2")).json["policy"]["document"] == of_rules()
    for unknown in ("0", "4", "x", "-1", "99999999999999999999"):
        assert (await mo.get(f"policy/versions/{unknown}")).json["code"] == "unknown-version"


async def test_a_text_is_tried_and_nothing_is_kept(gatepost: Gatepost) -> None:
    mo, ada = gatepost.moderator(), gatepost.reader("ada")
    assert (await put(admin_of(gatepost), JSON_OF_LINKS, 0)).status == 200

    async def tried(**body: Any) -> Any:
        answer = await mo.call("POST", "policy/trials", json=body)
        assert answer.status == 200, answer.json
        return answer.json["judgement"]

    held = await tried(text="See https://example.org/")
    assert (held["outcome"], held["by"], held["facts"]["links.count"]) == ("hold", ["links-hold"], 1)
    assert (await tried(text="See nothing"))["outcome"] == "publish"
    assert (await tried(text="See nothing", given={"links.count": 2}))["outcome"] == "hold"
    strict = of_rules({**LINKS, "then": "spam"}, otherwise="hold")
    assert (await tried(text="See https://example.org/", document=strict))["outcome"] == "spam"
    comment = (await ada.submit("Look: https://example.org/")).json["comment"]
    of_comment = await tried(comment_id=comment["id"])
    assert (of_comment["outcome"], of_comment["facts"]["author.approved"]) == ("hold", 0)
    assert of_comment["at"] == comment["created_at"]
    assert (await mo.get("queue")).json["total"] == 1

    async def refused(**body: Any) -> str:
        answer = await mo.call("POST", "policy/trials", json=body)
        assert answer.status in {404, 422}
        return str(answer.json["errors"][0]["pointer"] if answer.status == 422 else answer.json["code"])

    assert await refused(text="x", given={"links.many": 1}) == "/given/links.many"
    assert await refused(text="x", given={"links.count": "two"}) == "/given/links.count"
    assert await refused(text="x", document={"format": 3}) == "/document/format"
    assert await refused(text="x", comment_id=comment["id"]) == "/text"
    assert await refused(comment_id="0189abcd-0000-7000-8000-000000000000") == "unknown-comment"


async def test_a_trial_of_a_comment_knows_which_checks_could_not_run_when_it_came(gatepost: Gatepost) -> None:
    mo, flood = gatepost.moderator(), {"id": "flood", "title": "Flood", "when": [{"flood.author": {"at_least": 5}}]}
    await gatepost.reader("bob").submit("From before the rules, so that nobody knows what came then")
    assert (await put(admin_of(gatepost), of_rules(flood, otherwise="publish"), 0)).status == 200
    comment = (await gatepost.reader("ada").submit("Some words")).json["comment"]
    kept = (await mo.get(f"comments/{comment['id']}/judgements")).json["judgements"][0]
    tried = (await mo.call("POST", "policy/trials", json={"comment_id": comment["id"]})).json["judgement"]
    assert kept["could_not_judge"] != []
    assert (tried["outcome"], [one["rule"] for one in tried["could_not_judge"]]) == (
        kept["outcome"],
        [one["rule"] for one in kept["could_not_judge"]],
    )


async def test_a_trial_of_an_edit_that_waits_knows_that_readers_see_an_approved_text(gatepost: Gatepost) -> None:
    mo, approved = gatepost.moderator(), await gatepost.approved("No link")
    assert (await put(admin_of(gatepost), of_rules({**LINKS, "then": "spam"}), 0)).status == 200
    edited = await gatepost.reader("ada").edit(approved["id"], "See https://example.org/", approved["version"])
    assert edited.status == 200
    kept = (await mo.get(f"comments/{approved['id']}/judgements")).json["judgements"][0]
    tried = (await mo.call("POST", "policy/trials", json={"comment_id": approved["id"]})).json["judgement"]
    assert (tried["outcome"], tried["by"]) == (kept["outcome"], kept["by"]) == ("hold", ["links-hold"])


async def test_a_braked_rule_only_holds_in_a_trial_too(gatepost: Gatepost) -> None:
    mo, linked = gatepost.moderator(), {"text": "See https://example.org/"}
    document = {**of_rules({**LINKS, "then": "spam", "brake": {"share": 0.05, "per_day": 1}}), "audit_share": 0}
    assert (await put(admin_of(gatepost), document, 0)).status == 200

    async def tried(**more: Any) -> tuple[str, bool]:
        judgement = (await mo.call("POST", "policy/trials", json={**linked, **more})).json["judgement"]
        return judgement["outcome"], judgement["rules"][0]["braked"]

    assert await tried() == ("spam", False)
    assert (await gatepost.reader("ada").submit(linked["text"])).status == 202
    assert await tried() == await tried(document=document) == ("hold", True)


async def test_an_entry_says_why_it_waits(gatepost: Gatepost) -> None:
    before = (await gatepost.reader("bob").submit("From before")).json["comment"]
    assert (await put(admin_of(gatepost), of_rules({**LINKS, "priority": 7}), 0)).status == 200
    comment = (await gatepost.reader("ada").submit("Look: https://example.org/")).json["comment"]
    gatepost.clock.advance(seconds=3 * 3600)
    mo = gatepost.moderator()
    entry = (await mo.get(f"queue/{comment['id']}")).json["entry"]
    assert [why["code"] for why in entry["why"]] == ["held"]
    assert (entry["judgement"]["by"], entry["judgement"]["policy_version"]) == (["links-hold"], 1)
    assert entry["priority_parts"] == [
        {"code": "waiting", "points": 18, "text": "Waits for 3 hours."},
        {"code": "rules", "points": 7, "text": "Rules of the site say how urgent it is."},
    ]
    assert entry["priority"] == 25
    old = (await mo.get(f"queue/{before['id']}")).json["entry"]["judgement"]
    assert (old["outcome"], old["by"], old["policy_version"]) == ("hold", [], 0)
    assert (await mo.get(f"comments/{comment['id']}/judgements")).json["judgements"] == [entry["judgement"]]
    late = (await gatepost.reader("ada").submit("Late: https://example.org/2")).json["comment"]
    order = [comment["id"], before["id"], late["id"]]
    for start in range(3):
        page = (await mo.get(f"queue?order=priority&limit={start + 1}")).json
        assert [entry["comment"]["id"] for entry in page["entries"]] == order[: start + 1]
    first = (await mo.get("queue?order=priority&limit=1")).json
    rest = (await mo.get("queue", params={"order": "priority", "cursor": first["next"]})).json["entries"]
    assert [(entry["comment"]["id"], entry["priority"]) for entry in rest] == [(before["id"], 18), (late["id"], 7)]


async def test_what_is_known_of_an_author_makes_a_comment_more_urgent(gatepost: Gatepost) -> None:
    """With and without rules; and it stays as it was when the comment came."""
    mo, ada = gatepost.moderator(), gatepost.reader("ada")

    async def parts(comment_id: str) -> list[tuple[str, int, str]]:
        entry = (await mo.get(f"queue/{comment_id}")).json["entry"]
        assert entry["priority"] == sum(part["points"] for part in entry["priority_parts"])
        return [(part["code"], part["points"], part["text"]) for part in entry["priority_parts"][1:]]

    stranger = (await gatepost.reader("bob").submit("Nobody knows me")).json["comment"]
    for number in range(3):
        await gatepost.approved(f"Approved {number}")
    known = (await ada.submit("You know me")).json["comment"]
    assert (await parts(stranger["id"]), await parts(known["id"])) == (
        [],
        [("known-author", 15, "3 approved comments.")],
    )
    assert (await put(admin_of(gatepost), of_rules({**LINKS, "priority": 7}, otherwise="hold"), 0)).status == 200
    for number in range(4):
        await gatepost.approved(f"More {number}")
    linked = (await ada.submit("Look: https://example.org/")).json["comment"]
    both = [
        ("known-author", 30, "6 approved comments or more."),
        ("rules", 7, "Rules of the site say how urgent it is."),
    ]
    assert await parts(linked["id"]) == both
    assert (await parts(known["id"]))[0][1] == 15
    order = [entry["comment"]["id"] for entry in (await mo.get("queue?order=priority")).json["entries"]]
    assert order == [linked["id"], known["id"], stranger["id"]]
    decided = await mo.decide(known["id"], "reject", 1)
    undone = await mo.undo(decided.json["decision"]["id"])
    assert undone.status == 201
    assert (await parts(known["id"]))[0][1] == 15, "undo brings back what stood there"
    edited = await ada.edit(linked["id"], "No link any more", 1)
    assert edited.status == 200
    assert await parts(linked["id"]) == both[:1]


async def test_a_policy_is_warned_of_what_this_site_seldom_knows(gatepost: Gatepost) -> None:
    admin, mo = admin_of(gatepost), gatepost.moderator()
    new = {"title": "Names of rivals", "kind": "words"}
    assert (await mo.call("PUT", "lists/rivals", headers={"If-None-Match": "*"}, json=new)).status == 201
    shouting = {"id": "shouting", "title": "Shouts", "when": [{"text.capitals_share": {"at_least": 0.7}}]}
    listed = {"id": "rivals", "title": "Rivals", "when": [{"lists.matched": {"any_of": ["rivals"]}}]}
    document = of_rules(shouting, listed)

    async def warnings() -> list[tuple[str, str]]:
        answer = await mo.call("POST", "policy/validations", json={"document": document})
        assert answer.json["valid"], answer.json
        return [(one["pointer"], one["code"]) for one in answer.json["warnings"]]

    empty = ("/rules/1/when/0/lists.matched", "empty-list")
    assert await warnings() == [empty]
    assert (await put(admin, document, 0)).json["warnings"][0]["code"] == "empty-list"
    for number in range(100):
        assert (await gatepost.reader("ada").submit(f"Short {number}")).status == 201
    assert await warnings() == [("/rules/0/when/0/text.capitals_share", "abstains-often"), empty]
    for number in range(12):
        assert (await gatepost.reader("ada").submit(f"Long enough to say something {number}")).status == 201
    assert await warnings() == [empty]


async def test_the_queue_is_narrowed_by_what_was_said(gatepost: Gatepost) -> None:
    mo = gatepost.moderator()
    assert (await put(admin_of(gatepost), of_rules(LINKS, otherwise="hold"), 0)).status == 200
    held = (await gatepost.reader("ada").submit("Look: https://example.org/")).json["comment"]
    await gatepost.reader("ada").submit("No link")

    async def found(query: str) -> list[str]:
        answer = await mo.get(f"queue?{query}")
        assert answer.status == 200, answer.json
        assert answer.json["total"] == len(answer.json["entries"])
        return [entry["comment"]["id"] for entry in answer.json["entries"]]

    assert await found("rule=links-hold") == [held["id"]]
    assert await found("check=links&outcome=hold") == [held["id"]]
    assert len(await found("outcome=hold")) == 2
    for nothing in ("rule=links", "rule=links-hold&outcome=spam", "list=slurs", "check=flood", "outcome=publish"):
        assert await found(nothing) == [], nothing
    for wrong in ("rule=%25", "rule=A", "outcome=ban", "list=_"):
        assert (await mo.get(f"queue?{wrong}")).status == 422
    body = {"filter": {"rule": "links-hold"}, "limit": 5}
    claimed = (await mo.call("POST", "queue/claims", json=body)).json["entries"]
    assert [entry["comment"]["id"] for entry in claimed] == [held["id"]]
    edited = await gatepost.reader("ada").edit(held["id"], "No link any more", held["version"])
    assert edited.status == 200
    assert await found("rule=links-hold") == [], "its newest text has none"


async def test_facts_of_checks_to_come_may_be_named_and_are_nothing(gatepost: Gatepost) -> None:
    asked = {Kind.NUMBER: {"at_least": 0}, Kind.SHARE: {"at_least": 0}, Kind.NAMES: {"any_of": ["*"]}, Kind.FLAG: True}
    later = [{"id": "later", "title": "Later", "when": [{name: asked[fact.kind]} for name, fact in TO_COME.items()]}]
    assert {name.partition(".")[0] for name in TO_COME} == {"learned", "wave"}
    changed = await put(admin_of(gatepost), of_rules(*later), 0)
    assert (changed.status, changed.json["warnings"]) == (200, [])
    submitted = await gatepost.reader("ada").submit("Whatever it is")
    assert (submitted.status, submitted.json["comment"]["status"]) == (201, "approved")
    said = await gatepost.moderator().get(f"comments/{submitted.json['comment']['id']}/judgements")
    assert (said.json["judgements"][0]["rules"], said.json["judgements"][0]["could_not_judge"]) == ([], [])
