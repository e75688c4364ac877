"""Comments in every status, as moderators find them: all that fit, in order, and none for longer than agreed."""

from typing import Any

import pytest

from service.moderation import finding
from tests.harness import Gatepost, Person
from tests.moderation.test_bulk import ABSENT

STATUSES = {"approve": "approved", "reject": "rejected", "spam": "spam", "delete": "deleted", None: "pending"}


async def scene(gatepost: Gatepost) -> list[dict[str, Any]]:
    """Comments of two authors on two posts in every status, oldest first."""
    made = []
    for author, post in (("ada", "one"), ("bob", "one"), ("ada", "two")):
        for action in STATUSES:
            gatepost.clock.advance(seconds=1)
            comment = (await gatepost.reader(author).submit(f"Straße {action} {post}", post=post)).json["comment"]
            if action:
                comment = (await gatepost.moderator().decide(comment["id"], action, 1)).json["comment"]
            made.append(comment)
    return made


async def found(person: Person, *, limit: int = 200, **query: str) -> list[Any]:
    """Every page of what is asked for."""
    comments: list[Any] = []
    more: dict[str, str] = {}
    while True:
        answer = await person.get("moderation/comments", params={"limit": str(limit), **query, **more})
        assert answer.status == 200, answer.json
        assert len(answer.json["comments"]) <= limit
        assert answer.json["stopped"] is False
        comments += answer.json["comments"]
        if answer.json["next"] is None:
            return comments
        more = {"cursor": answer.json["next"]}


@pytest.mark.parametrize("at_once", [1, 4, 500])
async def test_all_that_fits_is_found_in_either_order(
    gatepost: Gatepost, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(finding, "AT_ONCE", at_once)
    made = await scene(gatepost)
    mo, ada = gatepost.moderator(), made[0]["author"]["key"]
    await gatepost.reader("eve", site="other").submit("Straße elsewhere")
    cases: list[tuple[dict[str, str], Any]] = [
        ({}, lambda _: True),
        *(({"status": status}, lambda one, status=status: one["status"] == status) for status in STATUSES.values()),
        ({"author": ada}, lambda one: one["author"]["key"] == ada),
        ({"post": "one"}, lambda one: one["post"] == "one"),
        ({"post": "one", "author": ada}, lambda one: (one["post"], one["author"]["key"]) == ("one", ada)),
        ({"author": ada, "status": "spam"}, lambda one: (one["status"], one["author"]["key"]) == ("spam", ada)),
        ({"q": "STRASSE spam"}, lambda one: "spam" in one["body"]),
        ({"q": "bob", "status": "deleted"}, lambda one: (one["author"]["name"], one["status"]) == ("Bob", "deleted")),
        ({"q": "nowhere"}, lambda _: False),
        ({"by": "policy"}, lambda one: one["status"] == "pending"),
        ({"by": "policy", "status": "spam"}, lambda _: False),
        (
            {"since": made[3]["created_at"], "until": made[9]["created_at"]},
            lambda one: made[3]["created_at"] <= one["created_at"] < made[9]["created_at"],
        ),
        ({"since": made[9]["created_at"], "post": "one"}, lambda one: one in made[9:] and one["post"] == "one"),
        ({"until": made[9]["created_at"], "status": "spam"}, lambda one: one in made[:9] and one["status"] == "spam"),
    ]
    for query, fits in cases:
        expected = [one["id"] for one in made if fits(one)]
        for limit in (2, 200):
            oldest = await found(mo, limit=limit, order="oldest", **query)
            assert [one["id"] for one in oldest] == expected, query
            newest = await found(mo, limit=limit, **query)
            assert [one["id"] for one in newest] == expected[::-1], query


async def test_a_comment_is_shown_with_what_its_author_was_told(gatepost: Gatepost) -> None:
    comment = (await gatepost.reader("ada").submit("Hello")).json["comment"]
    decided = await gatepost.moderator().decide(comment["id"], "reject", 1, reason="rude", note_to_author="Be kind")
    (shown,) = await found(gatepost.moderator())
    assert shown == decided.json["comment"]
    assert shown["decision"] == {"reason": "rude", "reason_text": None, "note_to_author": "Be kind"}


async def test_who_looks_for_too_long_gets_what_was_found_and_goes_on_from_there(
    gatepost: Gatepost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "AT_ONCE", 4)
    monkeypatch.setattr(finding, "LOOK_SECONDS", 0.0)
    made = await scene(gatepost)
    query = {"q": "spam", "order": "oldest"}
    pages: list[Any] = []
    more: dict[str, str] = {}
    while True:
        answer = (await gatepost.moderator().get("moderation/comments", params={**query, **more})).json
        pages.append(([one["id"] for one in answer["comments"]], answer["stopped"]))
        if answer["next"] is None:
            break
        more = {"cursor": answer["next"]}
    spam = [one["id"] for one in made if one["status"] == "spam"]
    assert pages == [(spam[:1], True), (spam[1:2], True), ([], True), (spam[2:], False)]


async def test_only_moderators_find_what_is_not_public(gatepost: Gatepost) -> None:
    assert (await gatepost.visitor.get("moderation/comments")).code == "login-required"
    assert (await gatepost.reader("ada").get("moderation/comments")).code == "forbidden"


@pytest.mark.parametrize("query", ["status=lost", "by=mo", "order=random", "q=", f"cursor={ABSENT}", "since=now"])
async def test_an_odd_question_is_refused(gatepost: Gatepost, query: str) -> None:
    answer = await gatepost.moderator().get(f"moderation/comments?{query}")
    assert answer.code == ("bad-cursor" if query.startswith("cursor") else "invalid-request")


async def test_nothing_follows_where_all_were_found(gatepost: Gatepost) -> None:
    made, mo = await scene(gatepost), gatepost.moderator()
    for query, number in (({"author": made[0]["author"]["key"]}, 10), ({"status": "spam"}, 3)):
        for limit, is_more in ((number, False), (number - 1, True)):
            answer = await mo.get("moderation/comments", params={"limit": str(limit), **query})
            assert (len(answer.json["comments"]), answer.json["next"] is not None) == (limit, is_more)
