"""The front end's calls: who am I, my comments, editing, withdrawing, and everything a reader may be refused for."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from service.model import Role, SiteKey
from service.moderation import api_keys
from tests.conftest import StartGatepost
from tests.harness import Answer, Gatepost, Hands, Person, token
from tests.web.plain_http import assert_problem

OWN_MEMBERS = {
    *("id", "site", "post", "parent_id", "author", "body", "html", "status", "version", "created_at", "edited_at"),
    *("published_at", "decision", "pending_edit", "editable_until"),
}
PUBLIC_MEMBERS = {"id", "parent_id", "depth", "author", "html", "created_at", "edited_at", "reply_count", "post"}
AUTHOR_MEMBERS = {"key", "name", "bio", "url", "avatar"}


async def _submitted(person: Person, body: str = "Hello", **more: Any) -> Any:
    answer = await person.submit(body, **more)
    assert answer.status in {201, 202}, answer.json
    return answer.json["comment"]


def _named(gatepost: Gatepost, subject: str, name: str, **claims: Any) -> Person:
    signed = token(subject, now=gatepost.clock(), name=name, **claims)
    return Person(gatepost.session, {"Authorization": f"Bearer {signed}"})


async def _mine(person: Person, comment_id: str) -> Any:
    return (await person.get(f"comments/{comment_id}")).json["comment"]


async def _ban(gatepost: Gatepost, key: str, until: str | None) -> None:
    answer = await gatepost.moderator().call("PATCH", f"authors/{key}", json={"banned_until": until})
    assert answer.status == 200


async def _program(gatepost: Gatepost) -> Person:
    _, secret = await gatepost.running.database.write(
        api_keys.create, "A program", site=SiteKey("blog"), roles=frozenset({Role.MODERATOR}), expires_at=None
    )
    return Person(gatepost.session, {"Authorization": f"Bearer {secret}"})


# --- Who am I -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claimed", "roles", "may"),
    [
        (None, [], ["submit"]),
        ([], [], ["submit"]),
        (["subscriber", "Moderator"], [], ["submit"]),
        (["moderator"], ["moderator"], ["moderate", "submit"]),
        (["editor"], ["moderator"], ["moderate", "submit"]),
        (["admin"], ["admin"], ["configure", "moderate", "submit"]),
        (["admin", "editor"], ["admin", "moderator"], ["configure", "moderate", "submit"]),
    ],
)
async def test_me_says_who_i_am_and_what_i_may(
    gatepost: Gatepost, claimed: Any, roles: list[str], may: list[str]
) -> None:
    profile = {"bio": "Counts things", "website": "https://ada.example/", "picture": "https://ada.example/a.png"}
    ada = gatepost.reader("ada", roles=claimed, **profile)
    answer = await ada.get("me")
    assert answer.status == 200
    key = (await _submitted(ada))["author"]["key"]
    assert answer.json == {
        "user": {
            "key": key,
            "name": "Ada",
            "bio": "Counts things",
            "url": "https://ada.example/",
            "avatar": "https://ada.example/a.png",
        },
        "roles": roles,
        "may": may,
        "banned_until": None,
    }
    assert answer.headers["Cache-Control"] == "private, no-store"


async def test_a_visitor_may_ask_who_they_are(gatepost: Gatepost) -> None:
    answer = await gatepost.visitor.get("me?visitor=1")
    assert (answer.status, answer.json) == (200, {"user": None, "roles": [], "may": [], "banned_until": None})
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert_problem(await gatepost.visitor.get("me"), 401, "login-required")
    ada = gatepost.reader("ada")
    assert (await ada.get("me?visitor=1")).json == (await ada.get("me")).json
    bad = Person(gatepost.session, {"Authorization": "Bearer nonsense"})
    assert_problem(await bad.get("me?visitor=1"), 401, "invalid-credential")
    for nonsense in ("0", "true", ""):
        assert_problem(await gatepost.visitor.get(f"me?visitor={nonsense}"), 422, "invalid-request")


async def test_an_api_key_may_moderate_but_is_no_reader(gatepost: Gatepost) -> None:
    program = await _program(gatepost)
    me = (await program.get("me")).json
    assert (me["roles"], me["may"], me["user"]["name"]) == (["moderator"], ["moderate"], "A program")
    comment = await gatepost.approved("Hello")
    assert_problem(await program.submit("A comment"), 403, "forbidden")
    assert_problem(await program.edit(comment["id"], "Other", 1), 403, "forbidden")
    assert_problem(await program.withdraw(comment["id"]), 403, "forbidden")
    assert_problem(await program.get("me/comments"), 403, "forbidden")
    assert_problem(await program.call("POST", "preview", json={"body": "A comment"}), 403, "forbidden")


async def test_one_person_has_another_key_on_every_site(gatepost: Gatepost) -> None:
    here, there = gatepost.reader("ada"), gatepost.reader("ada", site="other")
    assert (await here.get("me")).json["user"]["key"] != (await there.get("me")).json["user"]["key"]


# --- Submitting -----------------------------------------------------------------------------------------------------


async def test_a_submission_is_answered_with_all_of_the_comment(gatepost: Gatepost, clock: Hands) -> None:
    ada = gatepost.reader("ada", bio="Counts things")
    answer = await ada.submit("Hello *there* <b>", post="2005%2F07%2F19")
    comment = answer.json["comment"]
    assert (answer.status, set(answer.json), set(comment), set(comment["author"])) == (
        202,
        {"comment"},
        OWN_MEMBERS,
        AUTHOR_MEMBERS,
    )
    assert answer.headers["Location"] == f"/v1/sites/blog/comments/{comment['id']}"
    assert answer.headers["Cache-Control"] == "private, no-store"
    expected = {
        "site": "blog",
        "post": "2005/07/19",
        "parent_id": None,
        "body": "Hello *there* <b>",
        "html": '<p dir="auto">Hello <em>there</em> &lt;b&gt;</p>\n',
        "status": "pending",
        "version": 1,
        "edited_at": None,
        "published_at": None,
        "decision": None,
        "pending_edit": None,
    }
    assert {name: comment[name] for name in expected} == expected
    assert comment["id"][14] == "7"
    assert (await ada.get(answer.headers["Location"])).json["comment"] == comment


async def test_without_premoderation_a_comment_is_public_at_once(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost(premoderate=False)
    answer = await gatepost.reader("ada").submit("Hello")
    comment = answer.json["comment"]
    assert (answer.status, comment["status"], comment["published_at"]) == (201, "approved", comment["created_at"])
    assert [item["id"] for item in (await gatepost.public())["comments"]] == [comment["id"]]
    assert (await gatepost.moderator().get("queue")).json["total"] == 0
    record = (await gatepost.moderator().get("decisions")).json["decisions"]
    assert [(line["action"], line["actor"]["kind"]) for line in record] == [("approve", "policy")]


async def test_a_site_may_allow_shorter_texts(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost(max_body_length=5)
    ada = gatepost.reader("ada")
    comment = await _submitted(ada, "  12345\n ")
    refused = await ada.submit("123456")
    assert_problem(refused, 422, "invalid-request")
    assert refused.json["errors"][0]["pointer"] == "/body"
    assert_problem(await ada.edit(comment["id"], "123456", 1), 422, "invalid-request")


@pytest.mark.parametrize("status", ["pending", "rejected", "spam", "deleted", "withdrawn"])
async def test_a_comment_that_is_not_public_is_for_its_author_and_moderators_only(
    gatepost: Gatepost, status: str
) -> None:
    ada = gatepost.reader("ada")
    comment = await _submitted(ada, "Not for you")
    if status == "withdrawn":
        assert (await ada.withdraw(comment["id"])).status == 204
    elif status != "pending":
        action = {"rejected": "reject", "spam": "spam", "deleted": "delete"}[status]
        assert (await gatepost.moderator().decide(comment["id"], action, 1)).status == 201
    path = f"comments/{comment['id']}"
    for insider in (ada, gatepost.moderator(), gatepost.reader("al", roles=["admin"]), await _program(gatepost)):
        seen = await insider.get(path)
        assert (seen.status, seen.json["comment"]["body"], set(seen.json["comment"])) == (
            200,
            "Not for you",
            OWN_MEMBERS,
        )
    unknown = await gatepost.visitor.get("comments/0189abcd-0000-7000-8000-000000000000")
    for outsider in (gatepost.visitor, gatepost.reader("bob")):
        refused = await outsider.get(path)
        assert_problem(refused, 404, "unknown-comment")
        assert {**refused.json, "request_id": ""} == {**unknown.json, "request_id": ""}


async def test_an_approved_comment_shows_strangers_only_what_is_public(gatepost: Gatepost) -> None:
    comment = await gatepost.approved("Hello", by="ada")
    for outsider in (gatepost.visitor, gatepost.reader("bob")):
        seen = (await outsider.get(f"comments/{comment['id']}")).json["comment"]
        assert (set(seen), set(seen["author"]), seen["html"]) == (
            PUBLIC_MEMBERS,
            AUTHOR_MEMBERS,
            '<p dir="auto">Hello</p>\n',
        )
    for insider in (gatepost.reader("ada"), gatepost.moderator()):
        assert set(await _mine(insider, comment["id"])) == OWN_MEMBERS


# --- The same thing twice -------------------------------------------------------------------------------------------


async def test_the_same_text_twice_is_a_duplicate_of_the_first(gatepost: Gatepost, clock: Hands) -> None:
    ada = gatepost.reader("ada")
    first = await _submitted(ada)
    clock.advance(seconds=24 * 3600 - 1)
    again = await gatepost.reader("ada").submit("Hello")
    assert_problem(again, 409, "duplicate-comment")
    assert again.json["comment_id"] == first["id"]
    assert (await gatepost.moderator().get("queue")).json["total"] == 1
    clock.advance(seconds=1)
    assert (await gatepost.reader("ada").submit("Hello")).status == 202


async def test_only_the_same_text_by_the_same_author_in_the_same_place_is_a_duplicate(gatepost: Gatepost) -> None:
    parent = await gatepost.approved("A parent", by="ada")
    ada = gatepost.reader("ada")
    await _submitted(ada)
    for person, more in (
        (ada, {"body": "hello"}),
        (ada, {"body": "Hello "}),
        (ada, {"post": "another"}),
        (ada, {"parent_id": parent["id"]}),
        (gatepost.reader("bob"), {}),
        (gatepost.reader("ada", site="other"), {}),
    ):
        assert (await person.submit(**{"body": "Hello", **more})).status == 202, more
    repeated = await ada.submit("Hello", parent_id=parent["id"])
    assert_problem(repeated, 409, "duplicate-comment")


@pytest.mark.parametrize("status", ["approved", "rejected", "spam"])
async def test_a_comment_that_was_decided_still_counts_as_said(gatepost: Gatepost, status: str) -> None:
    first = await _submitted(gatepost.reader("ada"))
    action = {"approved": "approve", "rejected": "reject", "spam": "spam"}[status]
    await gatepost.moderator().decide(first["id"], action, 1)
    assert_problem(await gatepost.reader("ada").submit("Hello"), 409, "duplicate-comment")


async def test_what_was_withdrawn_may_be_said_again(gatepost: Gatepost) -> None:
    ada = gatepost.reader("ada")
    await ada.withdraw((await _submitted(ada))["id"])
    assert (await ada.submit("Hello")).status == 202


async def test_a_site_may_allow_repetition(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost(duplicate_window_seconds=0)
    ids = {(await _submitted(gatepost.reader("ada")))["id"] for _ in range(3)}
    assert len(ids) == 3


async def test_of_two_equal_comments_at_the_same_time_one_is_taken(gatepost: Gatepost) -> None:
    answers = await asyncio.gather(*(gatepost.reader("ada").submit("Hello") for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [202, 409, 409, 409]
    assert (await gatepost.moderator().get("queue")).json["total"] == 1


# --- Previews ---------------------------------------------------------------------------------------------------------

PREVIEWED = [
    "I was *there*.",
    "# A heading\n\n<b>raw</b> [a](javascript:x) https://example.org/a",
    "سلام",
    "> a\n> b" * 400,
]


async def _preview(person: Person, body: Any) -> Answer:
    return await person.call("POST", "preview", json={"body": body})


@pytest.mark.parametrize("body", PREVIEWED)
async def test_a_preview_is_what_the_comment_will_look_like(gatepost: Gatepost, body: str) -> None:
    ada = gatepost.reader("ada")
    previewed = await _preview(ada, body)
    assert (previewed.status, previewed.headers["Cache-Control"]) == (200, "private, no-store")
    assert previewed.json == {"html": (await _submitted(ada, body))["html"]}


async def test_nothing_is_kept_of_a_preview(gatepost: Gatepost) -> None:
    ada = gatepost.reader("ada")
    await _preview(ada, "Not yet")
    assert (await ada.get("me/comments")).json["comments"] == []
    assert (await gatepost.moderator().get("queue")).json["total"] == 0


async def test_a_preview_refuses_what_a_submission_refuses_in_its_body(start_gatepost: StartGatepost) -> None:
    ada = (await start_gatepost(max_body_length=20)).reader("ada")
    for body in ("", "  ", "***", "\u200b", "a" * 21, " " * 2_000 + "a", "a\0", 7, None):
        refused, sent = await _preview(ada, body), await ada.submit(body)  # type: ignore[arg-type]  # that is refused
        assert_problem(refused, 422, "invalid-request")
        assert (sent.status, refused.json["errors"]) == (422, sent.json["errors"])
    assert (await _preview(ada, "a" * 20)).status == 200


async def test_a_preview_is_for_readers_and_counts_as_a_read(start_gatepost: StartGatepost) -> None:
    limits = {"read_per_address": "3/hour", "submit_per_address": "1/hour", "submit_per_author": "1/hour"}
    gatepost = await start_gatepost(change=lambda wanted: wanted.update(limits=limits))
    assert_problem(await _preview(gatepost.visitor, "Hello"), 401, "login-required")
    ada = gatepost.reader("ada")
    assert [(await _preview(ada, "Hello")).status for _ in range(3)] == [200, 200, 429]
    assert (await ada.submit("Hello")).status == 202


# --- My comments ------------------------------------------------------------------------------------------------------


async def test_my_comments_are_mine_in_every_status_newest_first(gatepost: Gatepost, clock: Hands) -> None:
    ada, moderator = gatepost.reader("ada"), gatepost.moderator()
    ids = {}
    for action in ("approve", "reject", "spam", "delete", "withdraw", "wait"):
        comment = await _submitted(ada, f"To {action}", post=action)
        ids[action] = comment["id"]
        if action == "withdraw":
            await ada.withdraw(comment["id"])
        elif action != "wait":
            await moderator.decide(comment["id"], action, 1, reason=f"Why {action}", note="Between us")
        clock.advance(seconds=0.001 if action == "spam" else 60)
    await _submitted(gatepost.reader("bob"), "Not hers")
    listed = await ada.get("me/comments")
    assert listed.headers["Cache-Control"] == "private, no-store"
    assert [(comment["id"], comment["status"]) for comment in listed.json["comments"]] == [
        (ids["wait"], "pending"),
        (ids["withdraw"], "deleted"),
        (ids["delete"], "deleted"),
        (ids["spam"], "spam"),
        (ids["reject"], "rejected"),
        (ids["approve"], "approved"),
    ]
    assert all(set(comment) == OWN_MEMBERS for comment in listed.json["comments"])
    reasons = [comment["decision"] and comment["decision"]["reason"] for comment in listed.json["comments"]]
    assert reasons == [None, None, "Why delete", "Why spam", "Why reject", "Why approve"]
    assert listed.json["next"] is None
    assert "Link" not in listed.headers
    for limit in (1, 2, 3):
        assert await _paged(ada, "me/comments", limit) == listed.json["comments"]


async def test_my_comments_on_one_post_are_those_of_all_my_comments(gatepost: Gatepost, clock: Hands) -> None:
    ada, posts = gatepost.reader("ada"), ["post", "other", "2005/07", "post", "other", "post"]
    for number, post in enumerate(posts):
        comment = await _submitted(ada, f"{number}", post=post.replace("/", "%2F"))
        await _submitted(gatepost.reader("bob"), f"{number}", post=post.replace("/", "%2F"))
        if number % 2:
            await gatepost.moderator().decide(comment["id"], "approve", 1)
        clock.advance(seconds=1)
    everything = (await ada.get("me/comments")).json["comments"]
    for post in (*posts, "nobody-wrote-there"):
        mine = [comment for comment in everything if comment["post"] == post]
        answer = await ada.get("me/comments", params={"post": post})
        assert answer.json == {"comments": mine, "next": None}
        assert await _paged(ada, "me/comments", 1, post=post) == mine
    cursor = (await ada.get("me/comments?limit=1&post=post")).json["next"]
    for path in ("me/comments", "me/comments?post=other"):
        assert_problem(await ada.get(path, params={"cursor": cursor}), 400, "bad-cursor")
    assert_problem(await gatepost.visitor.get("me/comments?post=post"), 401, "login-required")
    assert_problem(await ada.get("me/comments?post=."), 422, "invalid-request")


async def _paged(person: Person, path: str, limit: int, **query: str) -> list[Any]:
    """Everything, by following `Link`."""
    found: list[Any] = []
    answer = await person.get(path, params={"limit": limit, **query})
    while True:
        assert len(answer.json["comments"]) <= limit
        found += answer.json["comments"]
        if answer.json["next"] is None:
            return found
        link = answer.headers["Link"]
        assert link.startswith("</v1/sites/")
        assert link.endswith('>; rel="next"')
        assert answer.json["next"] in link
        answer = await person.get(link[1:].partition(">")[0])


async def test_a_new_comment_does_not_shift_the_pages(gatepost: Gatepost, clock: Hands) -> None:
    ada = gatepost.reader("ada")
    before = []
    for number in range(4):
        before.append((await _submitted(ada, f"Comment {number}"))["id"])
        clock.advance(seconds=0.001)
    first = (await ada.get("me/comments", params={"limit": 2})).json
    await _submitted(ada, "A newer one")
    rest = (await ada.get("me/comments", params={"limit": 2, "cursor": first["next"]})).json
    seen = [comment["id"] for page in (first, rest) for comment in page["comments"]]
    assert seen == before[::-1]
    assert rest["next"] is None


# --- Editing ----------------------------------------------------------------------------------------------------------


async def test_an_edit_of_a_waiting_comment_is_its_new_text(gatepost: Gatepost, clock: Hands) -> None:
    ada = gatepost.reader("ada")
    comment = await _submitted(ada, "First")
    clock.advance(seconds=5)
    edited = await ada.edit(comment["id"], "Second", 1)
    after = edited.json["comment"]
    assert (edited.status, after["status"], after["body"], after["version"]) == (200, "pending", "Second", 2)
    assert (after["pending_edit"], after["edited_at"] > after["created_at"]) == (None, True)
    assert await _mine(ada, comment["id"]) == after
    queue = (await gatepost.moderator().get("queue")).json
    assert [(entry["comment"]["body"], entry["comment"]["version"]) for entry in queue["entries"]] == [("Second", 2)]
    stale = await gatepost.moderator().decide(comment["id"], "approve", 1)
    assert_problem(stale, 409, "stale-version")


async def test_an_edit_of_a_published_comment_waits_and_readers_keep_the_approved_text(gatepost: Gatepost) -> None:
    comment = await gatepost.approved("First", by="ada")
    ada = gatepost.reader("ada")
    before = await gatepost.public()
    for number, text in enumerate(("Second", "Third")):
        edited = await ada.edit(comment["id"], text, comment["version"] + number)
        after = edited.json["comment"]
        assert (edited.status, after["status"], after["body"]) == (200, "approved", "First")
        assert after["version"] == comment["version"] + number + 1
        assert (after["pending_edit"]["body"], after["pending_edit"]["html"]) == (text, f'<p dir="auto">{text}</p>\n')
        assert await _mine(ada, comment["id"]) == after == await _mine(gatepost.moderator(), comment["id"])
        assert await gatepost.public() == before
        assert "pending_edit" not in (await gatepost.reader("bob").get(f"comments/{comment['id']}")).json["comment"]
    queue = (await gatepost.moderator().get("queue")).json["entries"]
    assert [[why["code"] for why in entry["why"]] for entry in queue] == [["edited"]]


async def test_without_premoderation_an_edit_is_public_at_once(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost(premoderate=False)
    comment = await _submitted(gatepost.reader("ada"), "First")
    edited = (await gatepost.reader("ada").edit(comment["id"], "Second", 1)).json["comment"]
    assert (edited["body"], edited["status"], edited["version"], edited["pending_edit"]) == (
        "Second",
        "approved",
        2,
        None,
    )
    (item,) = (await gatepost.public())["comments"]
    assert (item["html"], item["edited_at"]) == ('<p dir="auto">Second</p>\n', edited["edited_at"])


async def test_the_reply_to_an_edit_is_what_reading_shows(gatepost: Gatepost) -> None:
    ada = gatepost.reader("ada")
    comment = await _submitted(ada)
    await gatepost.moderator().decide(comment["id"], "approve", 1, note_to_author="Thank you")
    edited = (await ada.edit(comment["id"], "Second", 2)).json["comment"]
    assert edited["decision"] == {"reason": None, "reason_text": None, "note_to_author": "Thank you"}
    assert edited == await _mine(ada, comment["id"])


async def test_the_window_for_editing_ends(start_gatepost: StartGatepost, clock: Hands) -> None:
    gatepost = await start_gatepost(edit_window_seconds=60)
    comment = await _submitted(gatepost.reader("ada"), "First")
    clock.advance(seconds=60)
    assert comment["editable_until"] == (await _mine(gatepost.reader("ada"), comment["id"]))["editable_until"]
    assert (await gatepost.reader("ada").edit(comment["id"], "Second", 1)).status == 200
    clock.advance(seconds=0.001)
    late = await gatepost.reader("ada").edit(comment["id"], "Third", 2)
    assert_problem(late, 409, "edit-window-over")
    assert (await _mine(gatepost.reader("ada"), comment["id"]))["body"] == "Second"


async def test_a_closed_post_takes_no_edits(gatepost: Gatepost) -> None:
    comment = await _submitted(gatepost.reader("ada"))
    await gatepost.moderator().call("PATCH", "posts/post", json={"open": False})
    assert_problem(await gatepost.reader("ada").edit(comment["id"], "Second", 1), 409, "post-closed")
    await gatepost.moderator().call("PATCH", "posts/post", json={"open": True})
    assert (await gatepost.reader("ada").edit(comment["id"], "Second", 1)).status == 200


@pytest.mark.parametrize("action", ["reject", "spam", "delete", "withdraw"])
async def test_what_is_not_up_for_publication_cannot_be_edited(gatepost: Gatepost, action: str) -> None:
    ada = gatepost.reader("ada")
    comment = await _submitted(ada)
    if action == "withdraw":
        await ada.withdraw(comment["id"])
    else:
        await gatepost.moderator().decide(comment["id"], action, 1)
    assert_problem(await ada.edit(comment["id"], "Second", 2), 409, "not-editable")
    shown = await _mine(ada, comment["id"])
    assert (shown["body"], shown["version"], shown["editable_until"]) == ("Hello", 2, None)


async def test_an_edit_names_the_version_it_was_written_upon(gatepost: Gatepost) -> None:
    ada = gatepost.reader("ada")
    comment = await _submitted(ada, "First")
    await ada.edit(comment["id"], "Second", 1)
    for version in (1, 3):
        stale = await ada.edit(comment["id"], "Third", version)
        assert_problem(stale, 409, "stale-version")
        current = stale.json["comment"]
        assert (current["id"], current["version"], current["body"]) == (comment["id"], 2, "Second")


async def test_an_edit_whose_reply_was_lost_can_be_sent_again(gatepost: Gatepost) -> None:
    ada = gatepost.reader("ada")
    comment = await _submitted(ada, "First")
    first = await ada.edit(comment["id"], "Second", 1)
    again = await ada.edit(comment["id"], "Second", 1)
    assert (again.status, again.json) == (200, first.json)


@pytest.mark.parametrize("call", ["edit", "withdraw"])
async def test_other_peoples_comments_are_not_mine(gatepost: Gatepost, call: str) -> None:
    public = await gatepost.approved("Public", by="ada")
    waiting = await _submitted(gatepost.reader("ada"), "Waiting")

    async def attempt(person: Person, comment: Any) -> Answer:
        if call == "edit":
            return await person.edit(comment["id"], "Mine now", comment["version"])
        return await person.withdraw(comment["id"])

    for person in (gatepost.reader("bob"), gatepost.moderator()):
        assert_problem(await attempt(person, public), 403, "forbidden")
    assert_problem(await attempt(gatepost.reader("bob"), waiting), 404, "unknown-comment")
    assert_problem(await attempt(gatepost.visitor, public), 401, "login-required")
    assert_problem(await attempt(gatepost.reader("ada", site="other"), public), 404, "unknown-comment")
    for comment in (public, waiting):
        kept = await _mine(gatepost.reader("ada"), comment["id"])
        assert (kept["version"], kept["body"]) == (comment["version"], comment["body"])


# --- Withdrawing ------------------------------------------------------------------------------------------------------


async def test_a_withdrawn_comment_is_gone_for_all_but_its_author_and_moderators(gatepost: Gatepost) -> None:
    comment = await gatepost.approved("Hello", by="ada")
    ada = gatepost.reader("ada")
    withdrawn = await ada.withdraw(comment["id"])
    assert (withdrawn.status, withdrawn.body) == (204, b"")
    page = await gatepost.public()
    assert (page["comments"], page["post"]["count"]) == ([], 0)
    kept = await _mine(ada, comment["id"])
    assert (kept["status"], kept["version"], kept["body"], kept["decision"]) == ("deleted", 3, "Hello", None)
    line = (await gatepost.moderator().get("decisions")).json["decisions"][-1]
    assert (line["action"], line["actor"]["kind"], line["actor"]["name"]) == ("withdraw", "author", "Ada")


async def test_a_waiting_comment_that_is_withdrawn_leaves_the_queue(gatepost: Gatepost) -> None:
    comment = await _submitted(gatepost.reader("ada"))
    await gatepost.reader("ada").withdraw(comment["id"])
    assert (await gatepost.moderator().get("queue")).json["total"] == 0
    late = await gatepost.moderator().decide(comment["id"], "approve", 1)
    assert_problem(late, 409, "already-decided")
    assert late.json["decision"]["actor"]["kind"] == "author"


async def test_withdrawing_twice_is_withdrawing_once(gatepost: Gatepost) -> None:
    comment = await gatepost.approved("Hello", by="ada")
    ada = gatepost.reader("ada")
    assert [(await ada.withdraw(comment["id"])).status for _ in range(3)] == [204, 204, 204]
    record = (await gatepost.moderator().get("decisions")).json["decisions"]
    assert [line["action"] for line in record] == ["hold", "approve", "withdraw"]
    assert (await _mine(ada, comment["id"]))["version"] == 3


async def test_a_tombstone_without_a_word_stays_where_replies_are(gatepost: Gatepost) -> None:
    parent = await gatepost.approved("The parent's secret words", by="ada")
    reply = await gatepost.approved("A reply", by="bob", parent_id=parent["id"])
    await gatepost.reader("ada").withdraw(parent["id"])
    page = await gatepost.public()
    tombstone, below = page["comments"]
    assert tombstone == {"id": parent["id"], "parent_id": None, "depth": 0, "removed": True, "reply_count": 1}
    assert (below["id"], below["depth"], below["parent_id"], page["post"]["count"]) == (reply["id"], 1, parent["id"], 1)
    assert [item["id"] for item in (await gatepost.public(view="flat"))["comments"]] == [reply["id"]]
    assert_problem(await gatepost.visitor.get(f"comments/{parent['id']}"), 404, "unknown-comment")
    answered = await gatepost.reader("cy").submit("Too late", parent_id=parent["id"])
    assert_problem(answered, 422, "unknown-parent")
    await gatepost.reader("bob").withdraw(reply["id"])
    assert (await gatepost.public())["comments"] == []


async def test_a_banned_author_may_still_read_and_take_back(gatepost: Gatepost) -> None:
    comment = await _submitted(gatepost.reader("ada"))
    await _ban(gatepost, comment["author"]["key"], "forever")
    ada = gatepost.reader("ada")
    assert len((await ada.get("me/comments")).json["comments"]) == 1
    assert (await ada.withdraw(comment["id"])).status == 204


# --- Bans and closed posts --------------------------------------------------------------------------------------------


async def test_a_ban_holds_until_its_time(gatepost: Gatepost, clock: Hands) -> None:
    comment = await _submitted(gatepost.reader("ada"), "Before")
    end = clock() + 60_000 - clock() % 1000
    until = _timestamp(end)
    await _ban(gatepost, comment["author"]["key"], until)
    ada = gatepost.reader("ada")
    refused = await ada.submit("During")
    assert_problem(refused, 403, "banned")
    assert refused.json["banned_until"] == until
    edited = await ada.edit(comment["id"], "Edited", 1)
    assert_problem(edited, 403, "banned")
    assert edited.json["banned_until"] == until
    me = (await ada.get("me")).json
    assert (me["may"], me["banned_until"]) == ([], until)
    clock.now = end - 1
    assert_problem(await ada.submit("During"), 403, "banned")
    clock.now = end
    assert (await ada.submit("After")).status == 202
    me = (await ada.get("me")).json
    assert (me["may"], me["banned_until"]) == (["submit"], None)


def _timestamp(moment: int) -> str:
    return datetime.fromtimestamp(moment // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


async def test_a_ban_forever_is_forever_until_it_is_lifted(gatepost: Gatepost, clock: Hands) -> None:
    key = (await _submitted(gatepost.reader("ada")))["author"]["key"]
    await _ban(gatepost, key, "forever")
    clock.advance(seconds=100 * 365 * 24 * 3600)
    refused = await gatepost.reader("ada").submit("Still banned?")
    assert_problem(refused, 403, "banned")
    assert refused.json["banned_until"] == "forever"
    assert (await gatepost.reader("ada").get("me")).json["banned_until"] == "forever"
    assert (await gatepost.moderator().get(f"authors/{key}")).json["author"]["banned_until"] == "forever"
    await _ban(gatepost, key, None)
    assert (await gatepost.reader("ada").submit("Free")).status == 202


async def test_a_ban_is_of_one_author_on_one_site(gatepost: Gatepost) -> None:
    await _ban(gatepost, (await _submitted(gatepost.reader("ada")))["author"]["key"], "forever")
    assert (await gatepost.reader("bob").submit("I am Bob")).status == 202
    assert (await gatepost.reader("ada", site="other").submit("Elsewhere")).status == 202
    assert_problem(await _named(gatepost, "ada", "Somebody else").submit("A new name"), 403, "banned")


async def test_a_closed_post_takes_no_comments_and_says_so(gatepost: Gatepost) -> None:
    await gatepost.approved("Before")
    closed = await gatepost.moderator().call("PATCH", "posts/post", json={"open": False})
    assert closed.json["post"]["open"] is False
    assert_problem(await gatepost.reader("bob").submit("Late"), 409, "post-closed")
    page = await gatepost.public()
    assert (page["post"]["open"], page["post"]["count"]) == (False, 1)
    assert (await gatepost.reader("bob").submit("Elsewhere", post="another")).status == 202
    await gatepost.moderator().call("PATCH", "posts/post", json={"open": True})
    assert (await gatepost.reader("bob").submit("Late")).status == 202


async def test_a_post_may_be_closed_before_anybody_commented(gatepost: Gatepost) -> None:
    await gatepost.moderator().call("PATCH", "posts/quiet", json={"open": False})
    assert (await gatepost.public(post="quiet"))["post"]["open"] is False
    assert_problem(await gatepost.reader("ada").submit("Hello", post="quiet"), 409, "post-closed")


# --- What moderators say, and what nobody learns ----------------------------------------------------------------------


async def test_the_note_to_the_author_reaches_them_and_the_note_to_colleagues_does_not(gatepost: Gatepost) -> None:
    ada = gatepost.reader("ada")
    comment = await _submitted(ada)
    said = {"reason": "off-topic", "note": "Between us", "note_to_author": "Please stay on topic"}
    await gatepost.moderator().decide(comment["id"], "reject", 1, **said)
    for shown in (await _mine(ada, comment["id"]), (await ada.get("me/comments")).json["comments"][0]):
        told = {"reason": "off-topic", "reason_text": None, "note_to_author": "Please stay on topic"}
        assert shown["decision"] == told
        assert "Between us" not in str(shown)
    assert (await gatepost.moderator().get("decisions")).json["decisions"][-1]["note"] == "Between us"


async def test_the_subject_is_in_no_reply_and_no_metric(gatepost: Gatepost) -> None:
    """It is often an e-mail address: here are all replies that there are, to people whose subject is one."""
    subjects = ("ada.lovelace@mail.example", "mo.derator@mail.example")
    ada = _named(gatepost, subjects[0], "Ada")
    moderator = _named(gatepost, subjects[1], "Mo", roles=["moderator"])
    answers: list[Answer] = [await ada.submit("Hello"), await ada.submit("Hello")]
    comment = answers[0].json["comment"]
    author = f"authors/{comment['author']['key']}"
    answers.append(await moderator.call("POST", "queue/claims", json={}))
    decided = await moderator.decide(comment["id"], "approve", 1, note="A note")
    answers += [decided, await ada.edit(comment["id"], "Second", 2), await ada.edit(comment["id"], "Third", 2)]
    answers.append(await moderator.decide(comment["id"], "approve", 2))
    for person in (ada, moderator, gatepost.reader("bob"), gatepost.visitor):
        for path in (
            *("me", "me/comments", f"comments/{comment['id']}", "queue", "decisions", author, "posts/post"),
            *("posts/post/comments", "comments", "counts?post=post", "/metrics", "/health/ready"),
        ):
            answers.append(await person.get(path))
    answers += [
        await moderator.undo(decided.json["decision"]["id"]),
        await moderator.call("PATCH", author, json={"banned_until": "forever"}),
        await ada.submit("Banned"),
        await ada.withdraw(comment["id"]),
    ]
    assert {answer.status for answer in answers} == {200, 201, 202, 204, 401, 403, 409}
    for answer in answers:
        shown = answer.body.decode() + str(answer.headers)
        assert not [subject for subject in subjects if subject in shown or subject.split("@")[0] in shown], shown


async def test_what_was_decided_about_an_older_text_is_not_told_while_a_new_one_waits(gatepost: Gatepost) -> None:
    """Else an author could tell a text that a rule called spam, of which nothing is told, from one that waits."""
    ada, mo = gatepost.reader("ada"), gatepost.moderator()
    comment = (await ada.submit("First words")).json["comment"]
    await mo.decide(comment["id"], "reject", 1)
    restored = await mo.decide(comment["id"], "restore", 2, note_to_author="Sorry")
    assert restored.status == 201
    assert (await ada.get(f"comments/{comment['id']}")).json["comment"]["decision"]["note_to_author"] == "Sorry"
    edited = (await ada.edit(comment["id"], "Other words", 3)).json["comment"]
    assert (edited["status"], edited["decision"]) == ("pending", None)
