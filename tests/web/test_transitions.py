"""The transition table of the contract, every row, legal and illegal, for everybody who may and may not decide."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from service.model import ApiKey, Role, SiteKey
from service.moderation import api_keys
from tests.harness import Gatepost, Hands, Person
from tests.web.plain_http import assert_problem

POST = "a-post"
ACTIONS = ["approve", "reject", "spam", "delete", "restore", "discard_edit"]
_DECIDED = {"approve": "approved", "reject": "rejected", "spam": "spam", "delete": "deleted"}
TABLE: dict[str, dict[str, str]] = {
    "pending": _DECIDED,
    "approved": _DECIDED,
    "edited": {**_DECIDED, "discard_edit": "approved"},
    "rejected": {"approve": "approved", "spam": "spam", "delete": "deleted", "restore": "pending"},
    "spam": {"approve": "approved", "reject": "rejected", "delete": "deleted", "restore": "pending"},
    "deleted": {"restore": "pending"},
    "withdrawn": {"restore": "pending"},
}
STATUS_OF = {**{state: state for state in TABLE}, "edited": "approved", "withdrawn": "deleted"}
ROWS = [(state, action) for state in TABLE for action in ACTIONS]
FIRST_TEXT, SECOND_TEXT = "First text", "Second text"


async def _comment_in(gatepost: Gatepost, state: str, *, post: str = POST) -> Any:
    """A comment of Ada's in that state, as moderators see it."""
    ada, moderator = gatepost.reader("ada"), gatepost.moderator("setter")
    comment = (await ada.submit(FIRST_TEXT, post=post)).json["comment"]
    action = {"edited": "approve", "approved": "approve", "rejected": "reject", "spam": "spam", "deleted": "delete"}
    if state in action:
        decided = await moderator.decide(comment["id"], action[state], comment["version"])
        assert decided.status == 201
    if state == "edited":
        assert (await ada.edit(comment["id"], SECOND_TEXT, 2)).status == 200
    if state == "withdrawn":
        assert (await ada.withdraw(comment["id"])).status == 204
    shown = (await moderator.get(f"comments/{comment['id']}")).json["comment"]
    assert shown["status"] == STATUS_OF[state]
    return shown


async def _queue(gatepost: Gatepost) -> dict[str, list[str]]:
    found = (await gatepost.moderator("watcher").get("queue")).json
    assert found["total"] == len(found["entries"])
    return {entry["comment"]["id"]: [why["code"] for why in entry["why"]] for entry in found["entries"]}


async def _public_text(gatepost: Gatepost, comment_id: str, *, post: str = POST) -> str | None:
    """What a visitor reads of the comment, or None: the same through every public door, and counted the same."""
    alone = await gatepost.visitor.get(f"comments/{comment_id}")
    text: str | None = alone.json["comment"]["html"] if alone.status == 200 else None
    if text is None:
        assert_problem(alone, 404, "unknown-comment")
    latest = (await gatepost.visitor.get("comments")).json
    for listed in (await gatepost.public(post=post), await gatepost.public(post=post, view="flat"), latest):
        assert [item["html"] for item in listed["comments"] if item["id"] == comment_id] == ([text] if text else [])
    page = await gatepost.public(post=post)
    counts = (await gatepost.visitor.get("counts", params={"post": post})).json["counts"]
    assert page["post"]["count"] == counts[post] == int(text is not None)
    return text


async def _everything(gatepost: Gatepost, comment_id: str, *, post: str = POST) -> object:
    """All that a decision could change."""
    moderator = gatepost.moderator("watcher")
    return (
        (await moderator.get(f"comments/{comment_id}")).json,
        (await moderator.get("decisions")).json,
        await _queue(gatepost),
        await _public_text(gatepost, comment_id, post=post),
    )


async def _key(gatepost: Gatepost, *, site: str | None, **more: Any) -> tuple[Person, ApiKey]:
    key, secret = await gatepost.running.database.write(
        api_keys.create,
        "A program",
        site=SiteKey(site) if site else None,
        roles=more.get("roles", frozenset({Role.MODERATOR})),
        expires_at=more.get("expires_at"),
    )
    return Person(gatepost.session, {"Authorization": f"Bearer {secret}"}), key


async def _program(gatepost: Gatepost) -> Person:
    return (await _key(gatepost, site="blog"))[0]


async def _program_for_all(gatepost: Gatepost) -> Person:
    return (await _key(gatepost, site=None))[0]


async def _editor(gatepost: Gatepost) -> Person:
    return gatepost.reader("ed", roles=["editor"])


async def _admin(gatepost: Gatepost) -> Person:
    return gatepost.reader("adam", roles=["admin"])


OTHER_DECIDERS: dict[str, Callable[[Gatepost], Awaitable[Person]]] = {
    "editor": _editor,
    "admin": _admin,
    "key-for-this-site": _program,
    "key-for-all-sites": _program_for_all,
}


@pytest.mark.parametrize(("state", "action"), ROWS)
async def test_a_moderator_gets_what_the_table_says(gatepost: Gatepost, state: str, action: str) -> None:
    comment = await _comment_in(gatepost, state)
    before = await _everything(gatepost, comment["id"])
    answer = await gatepost.moderator().decide(
        comment["id"], action, comment["version"], reason="Because", note="For colleagues"
    )
    if action in TABLE[state]:
        await _assert_carried_out(gatepost, comment, state, action, answer)
        return
    assert_problem(answer, 409, "illegal-transition")
    assert answer.json["allowed"] == [possible for possible in ACTIONS if possible in TABLE[state]]
    assert answer.json["comment"] == comment
    assert answer.json["decision"]["to_status"] == STATUS_OF[state]
    assert await _everything(gatepost, comment["id"]) == before


async def _assert_carried_out(gatepost: Gatepost, comment: Any, state: str, action: str, answer: Any) -> None:
    status = TABLE[state][action]
    assert answer.status == 201, answer.json
    after, decision = answer.json["comment"], answer.json["decision"]
    assert (after["status"], after["version"], after["pending_edit"]) == (status, comment["version"] + 1, None)
    recorded = {name: decision[name] for name in ("comment_id", "action", "from_status", "to_status", "version")}
    assert recorded == {
        "comment_id": comment["id"],
        "action": action,
        "from_status": STATUS_OF[state],
        "to_status": status,
        "version": comment["version"],
    }
    assert (decision["actor"]["kind"], decision["reason"], decision["note"]) == (
        "moderator",
        "Because",
        "For colleagues",
    )
    record = (await gatepost.moderator().get("decisions", params={"comment": comment["id"]})).json["decisions"]
    assert record[-1] == decision
    assert (await gatepost.moderator().get(f"comments/{comment['id']}")).json["comment"] == after
    assert await _queue(gatepost) == ({comment["id"]: ["restored"]} if status == "pending" else {})
    newest = SECOND_TEXT if state == "edited" and action != "discard_edit" else FIRST_TEXT
    assert after["body"] == newest
    assert await _public_text(gatepost, comment["id"]) == (
        f'<p dir="auto">{newest}</p>\n' if status == "approved" else None
    )


@pytest.mark.parametrize("decider", OTHER_DECIDERS)
async def test_whoever_else_may_decide_gets_the_same(gatepost: Gatepost, decider: str) -> None:
    person = await OTHER_DECIDERS[decider](gatepost)
    for state, action in ROWS:
        post = f"{state}-{action}"
        comment = await _comment_in(gatepost, state, post=post)
        answer = await person.decide(comment["id"], action, comment["version"])
        if action in TABLE[state]:
            assert (answer.status, answer.json["comment"]["status"]) == (201, TABLE[state][action]), post
            assert answer.json["decision"]["actor"]["kind"] == "moderator"
        else:
            assert_problem(answer, 409, "illegal-transition")
            assert answer.json["allowed"] == [possible for possible in ACTIONS if possible in TABLE[state]]
        text = await _public_text(gatepost, comment["id"], post=post)
        assert (text is not None) == (TABLE[state].get(action, STATUS_OF[state]) == "approved"), post


async def _visitor(gatepost: Gatepost) -> Person:
    return gatepost.visitor


async def _reader(gatepost: Gatepost) -> Person:
    return gatepost.reader("bob", roles=["subscriber"])


async def _author(gatepost: Gatepost) -> Person:
    return gatepost.reader("ada")


async def _moderator_of_another_site(gatepost: Gatepost) -> Person:
    stranger = gatepost.reader("mo", site="other", roles=["moderator", "admin"])
    return Person(gatepost.session, stranger.headers)


async def _key_for_another_site(gatepost: Gatepost) -> Person:
    return (await _key(gatepost, site="other"))[0]


async def _key_without_a_role(gatepost: Gatepost) -> Person:
    return (await _key(gatepost, site="blog", roles=frozenset()))[0]


async def _revoked_key(gatepost: Gatepost) -> Person:
    person, key = await _key(gatepost, site="blog")
    assert (await person.get("queue")).status == 200
    assert await gatepost.running.database.write(api_keys.revoke, key.id)
    return person


async def _expired_key(gatepost: Gatepost) -> Person:
    person, _ = await _key(gatepost, site="blog", expires_at=gatepost.clock() + 60_000)
    assert (await person.get("queue")).status == 200
    gatepost.clock.advance(seconds=60)
    return person


OTHERS: dict[str, tuple[Callable[[Gatepost], Awaitable[Person]], int, str]] = {
    "visitor": (_visitor, 401, "login-required"),
    "reader": (_reader, 403, "forbidden"),
    "author": (_author, 403, "forbidden"),
    "moderator-of-another-site": (_moderator_of_another_site, 401, "invalid-credential"),
    "key-for-another-site": (_key_for_another_site, 401, "invalid-credential"),
    "key-without-a-role": (_key_without_a_role, 403, "forbidden"),
    "revoked-key": (_revoked_key, 401, "invalid-credential"),
    "expired-key": (_expired_key, 401, "invalid-credential"),
}


@pytest.mark.parametrize("who", OTHERS)
async def test_nobody_else_decides_anything(gatepost: Gatepost, who: str) -> None:
    make, status, code = OTHERS[who]
    cases = [await _comment_in(gatepost, state, post=state) for state in TABLE]
    person = await make(gatepost)
    before = [await _everything(gatepost, comment["id"], post=comment["post"]) for comment in cases]
    for comment in cases:
        for action in ACTIONS:
            assert_problem(await person.decide(comment["id"], action, comment["version"]), status, code)
            one = {"comment_id": comment["id"], "action": action, "version": comment["version"]}
            assert_problem(await person.call("POST", "decisions", json={"decisions": [one]}), status, code)
    assert [await _everything(gatepost, comment["id"], post=comment["post"]) for comment in cases] == before


@pytest.mark.parametrize("state", TABLE)
async def test_the_other_site_knows_nothing_of_the_comment(gatepost: Gatepost, state: str) -> None:
    comment = await _comment_in(gatepost, state)
    stranger = gatepost.reader("mo", site="other", roles=["moderator", "admin"])
    everywhere = (await _key(gatepost, site=None))[0]
    before = await _everything(gatepost, comment["id"])
    for person in (stranger, Person(gatepost.session, everywhere.headers, "other")):
        for action in ACTIONS:
            answer = await person.decide(comment["id"], action, comment["version"])
            assert_problem(answer, 404, "unknown-comment")
        assert_problem(await person.get(f"comments/{comment['id']}"), 404, "unknown-comment")
        decision = (await gatepost.moderator().get("decisions")).json["decisions"][-1]
        assert_problem(await person.undo(decision["id"]), 404, "unknown-decision")
    assert await _everything(gatepost, comment["id"]) == before


async def test_many_decisions_in_one_call_follow_the_same_table(gatepost: Gatepost) -> None:
    rows = [(state, action, await _comment_in(gatepost, state, post=f"{state}-{action}")) for state, action in ROWS]
    asked = [
        {"comment_id": comment["id"], "action": action, "version": comment["version"]} for _, action, comment in rows
    ]
    answer = await gatepost.moderator().call("POST", "decisions", json={"decisions": asked})
    assert answer.status == 200
    assert [result["comment_id"] for result in answer.json["results"]] == [one["comment_id"] for one in asked]
    for (state, action, comment), result in zip(rows, answer.json["results"], strict=True):
        text = await _public_text(gatepost, comment["id"], post=f"{state}-{action}")
        if action in TABLE[state]:
            assert result["decision"]["to_status"] == TABLE[state][action], (state, action)
            assert (text is not None) == (TABLE[state][action] == "approved"), (state, action)
            continue
        problem = result["problem"]
        assert (problem["status"], problem["code"]) == (409, "illegal-transition"), (state, action)
        assert problem["allowed"] == [possible for possible in ACTIONS if possible in TABLE[state]]
        assert problem["request_id"] == answer.headers["X-Request-ID"]
        assert (text is not None) == (STATUS_OF[state] == "approved"), (state, action)


@pytest.mark.parametrize(
    ("state", "seen", "code"),
    [
        ("pending", 2, "stale-version"),
        ("approved", 1, "already-decided"),
        ("approved", 3, "stale-version"),
        ("edited", 1, "stale-version"),
        ("edited", 2, "stale-version"),
        ("rejected", 1, "already-decided"),
        ("spam", 1, "already-decided"),
        ("deleted", 1, "already-decided"),
        ("withdrawn", 1, "already-decided"),
    ],
)
async def test_a_decision_on_another_version_is_told_what_stands_now(
    gatepost: Gatepost, state: str, seen: int, code: str
) -> None:
    comment = await _comment_in(gatepost, state)
    before = await _everything(gatepost, comment["id"])
    for action in ACTIONS:
        answer = await gatepost.moderator().decide(comment["id"], action, seen)
        assert_problem(answer, 409, code)
        assert answer.json["comment"] == comment
        assert answer.json["allowed"] == [possible for possible in ACTIONS if possible in TABLE[state]]
        assert answer.json["decision"]["to_status"] == STATUS_OF[state]
        assert answer.json["decision"]["actor"]["name"]
    assert await _everything(gatepost, comment["id"]) == before


async def test_keeping_an_approved_comment_leaves_its_first_publication_time(gatepost: Gatepost, clock: Hands) -> None:
    comment = await _comment_in(gatepost, "approved")
    clock.advance(seconds=60)
    kept = (await gatepost.moderator().decide(comment["id"], "approve", comment["version"])).json["comment"]
    assert kept["published_at"] == comment["published_at"]
