"""Posts: their title and address become public with a comment that carried them; closing stops comments and edits.

Who may change what stands is in `test_labels`.
"""

from typing import Any

from tests.harness import Gatepost

FIRST = {"title": "Its first title", "url": "https://blog.example/1"}
SECOND = {"title": "Another title", "url": "https://blog.example/2"}


async def label(gatepost: Gatepost) -> tuple[Any, Any]:
    """What readers are told the post is called."""
    post = (await gatepost.public())["post"]
    return post["title"], post["url"]


async def submit(gatepost: Gatepost, body: str, **post: str) -> Any:
    """A comment that says how the post is called. It is newer than those before it."""
    gatepost.clock.advance(seconds=1)
    sent = {"body": body, "post": post}
    answer = await gatepost.reader("ada").call("POST", "posts/post/comments", json=sent)
    assert answer.status == 202, answer.json
    return answer.json["comment"]


async def test_a_title_is_public_only_once_a_comment_that_carried_it_is(gatepost: Gatepost) -> None:
    waits = await submit(gatepost, "one", **FIRST)
    refused = await submit(gatepost, "two", title="Rude", url="https://blog.example/rude")
    await gatepost.moderator().decide(refused["id"], "reject", 1)
    assert await label(gatepost) == (None, None)
    await gatepost.moderator().decide(waits["id"], "approve", 1)
    assert await label(gatepost) == (FIRST["title"], FIRST["url"])


async def test_a_later_title_waits_like_the_first(gatepost: Gatepost) -> None:
    first = await submit(gatepost, "one", **FIRST)
    await gatepost.moderator().decide(first["id"], "approve", 1)
    second = await submit(gatepost, "two", **SECOND)
    assert await label(gatepost) == (FIRST["title"], FIRST["url"])
    await gatepost.moderator().decide(second["id"], "approve", 1)
    assert await label(gatepost) == (SECOND["title"], SECOND["url"])


async def test_a_comment_without_a_title_changes_none(gatepost: Gatepost) -> None:
    first = await submit(gatepost, "one", **FIRST)
    second = await submit(gatepost, "two", title="Only a title")
    third = await submit(gatepost, "three")
    for comment in (first, second, third):
        await gatepost.moderator().decide(comment["id"], "approve", 1)
    assert await label(gatepost) == ("Only a title", FIRST["url"])


async def test_the_queue_shows_the_title_that_approving_would_publish(gatepost: Gatepost) -> None:
    await submit(gatepost, "one", **FIRST)
    entry = (await gatepost.moderator().get("queue")).json["entries"][0]
    assert (entry["post"]["title"], entry["post"]["url"]) == (FIRST["title"], FIRST["url"])


async def test_a_closed_post_takes_no_comments_and_no_edits_but_decisions_and_withdrawals(gatepost: Gatepost) -> None:
    waits = await submit(gatepost, "waits")
    public = await gatepost.approved("public")
    closed = await gatepost.moderator().call("PATCH", "posts/post", json={"open": False})
    assert (closed.status, closed.json["post"]["open"], (await gatepost.public())["post"]["open"]) == (
        200,
        False,
        False,
    )
    for refused in (
        await gatepost.reader("bob").submit("late"),
        await gatepost.reader("ada").edit(public["id"], "late", public["version"]),
    ):
        assert (refused.status, refused.code) == (409, "post-closed")
    assert (await gatepost.moderator().decide(waits["id"], "approve", 1)).status == 201
    assert (await gatepost.reader("ada").withdraw(public["id"])).status == 204
    await gatepost.moderator().call("PATCH", "posts/post", json={"open": True})
    assert (await gatepost.reader("bob").submit("in time again")).status == 202


async def test_a_post_nobody_has_commented_on_can_be_closed(gatepost: Gatepost) -> None:
    await gatepost.moderator().call("PATCH", "posts/untouched", json={"open": False})
    refused = await gatepost.reader("ada").submit("first", post="untouched")
    assert (refused.status, refused.code) == (409, "post-closed")
    assert (await gatepost.public(post="untouched"))["post"]["open"] is False


async def test_a_title_goes_with_the_last_comment_that_carried_it(gatepost: Gatepost) -> None:
    first = await submit(gatepost, "one", **FIRST)
    decided = await gatepost.moderator().decide(first["id"], "approve", 1)
    assert await label(gatepost) == (FIRST["title"], FIRST["url"])
    await gatepost.moderator().undo(decided.json["decision"]["id"])
    assert await label(gatepost) == (None, None)
