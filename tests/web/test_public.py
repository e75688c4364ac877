"""What everybody reads: the order of lists, paging, tombstones, validators, counts."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.conftest import StartGatepost
from tests.harness import Answer, Gatepost, Hands, Person
from tests.web.plain_http import assert_problem, send

# A conversation: each comment names the one that it answers, in the order in which they are written.
WRITTEN: dict[str, str | None] = {
    "a": None,
    "b": None,
    "a1": "a",
    "c": None,
    "b1": "b",
    "a2": "a",
    "a1x": "a1",
    "b1x": "b1",
    "a1y": "a1",
    "a1x1": "a1x",
    "d": None,
    "b2": "b",
}
THREAD_OLDEST = ["a", "a1", "a1x", "a1x1", "a1y", "a2", "b", "b1", "b1x", "b2", "c", "d"]
THREAD_NEWEST = ["d", "c", "b", "b1", "b1x", "b2", "a", "a1", "a1x", "a1x1", "a1y", "a2"]
LISTS = {
    ("thread", "oldest"): THREAD_OLDEST,
    ("thread", "newest"): THREAD_NEWEST,
    ("flat", "oldest"): list(WRITTEN),
    ("flat", "newest"): list(WRITTEN)[::-1],
}
TAKEN_DOWN = ["a1", "b1", "b1x", "c"]
"""Of these `a1` has replies that stay; below `b1` nothing stays, so it goes altogether."""
WITH_TOMBSTONES = {
    ("thread", "oldest"): ["a", "a1", "a1x", "a1x1", "a1y", "a2", "b", "b2", "d"],
    ("thread", "newest"): ["d", "b", "b2", "a", "a1", "a1x", "a1x1", "a1y", "a2"],
    ("flat", "oldest"): ["a", "b", "a2", "a1x", "a1y", "a1x1", "d", "b2"],
    ("flat", "newest"): ["b2", "d", "a1x1", "a1y", "a1x", "a2", "b", "a"],
}
ITEM = {"id", "parent_id", "depth", "author", "html", "created_at", "edited_at", "reply_count"}
TOMBSTONE = {"id", "parent_id", "depth", "removed", "reply_count"}


async def _conversation(gatepost: Gatepost, *, post: str = "post") -> dict[str, str]:
    """The ids of the conversation's comments by their names, which are their texts as well."""
    ids: dict[str, str] = {}
    for name, answers in WRITTEN.items():
        parent = {"parent_id": ids[answers]} if answers else {}
        ids[name] = (await gatepost.approved(name, by=f"author-{name}", post=post, **parent))["id"]
        gatepost.clock.advance(seconds=0.001)
    return ids


async def _take_down(gatepost: Gatepost, ids: dict[str, str], *names: str) -> None:
    """In turns by their authors and by moderators; lists look the same after both."""
    for number, name in enumerate(names):
        if number % 2:
            assert (await gatepost.reader(f"author-{name}").withdraw(ids[name])).status == 204
        else:
            assert (await gatepost.moderator().decide(ids[name], "reject", 2)).status == 201


def _names(ids: dict[str, str], items: list[Any]) -> list[str]:
    by_id = {comment_id: name for name, comment_id in ids.items()}
    return [by_id[item["id"]] for item in items]


def _depth(name: str) -> int:
    answers = WRITTEN[name]
    return 0 if answers is None else _depth(answers) + 1


async def _paged(person: Person, path: str, **query: Any) -> list[Any]:
    """Every item, by following `Link` from page to page."""
    found: list[Any] = []
    answer = await person.get(path, params=query)
    while True:
        assert answer.status == 200
        assert len(answer.json["comments"]) <= query["limit"]
        found += answer.json["comments"]
        if answer.json["next"] is None:
            assert "Link" not in answer.headers
            return found
        assert len(answer.json["comments"]) == query["limit"]
        target, _, relation = answer.headers["Link"].partition(">")
        assert (target[:1], relation) == ("<", '; rel="next"')
        by_link = await person.get(target[1:])
        by_cursor = await person.get(path, params={**query, "cursor": answer.json["next"]})
        assert by_link.body == by_cursor.body
        answer = by_link


# --- Order and paging -----------------------------------------------------------------------------------------------


async def test_every_list_has_its_order_and_every_paging_yields_exactly_that(gatepost: Gatepost) -> None:
    ids = await _conversation(gatepost)
    for (view, sort), expected in LISTS.items():
        whole = await gatepost.public(view=view, sort=sort)
        assert (_names(ids, whole["comments"]), whole["next"]) == (expected, None)
        assert all(set(item) == ITEM for item in whole["comments"])
        for item, name in zip(whole["comments"], expected, strict=True):
            answers = WRITTEN[name]
            assert (item["html"], item["depth"]) == (f'<p dir="auto">{name}</p>\n', _depth(name))
            assert item["parent_id"] == (ids[answers] if answers else None)
            assert item["reply_count"] == list(WRITTEN.values()).count(name)
        for limit in (1, 2, 3, 11, 12):
            paged = await _paged(gatepost.visitor, "posts/post/comments", view=view, sort=sort, limit=limit)
            assert paged == whole["comments"]


async def test_thread_and_oldest_are_what_is_meant_without_a_word(gatepost: Gatepost) -> None:
    ids = await _conversation(gatepost)
    assert _names(ids, (await gatepost.public())["comments"]) == THREAD_OLDEST
    assert _names(ids, (await gatepost.public(view="flat"))["comments"]) == list(WRITTEN)


async def test_tombstones_stand_where_replies_are_and_nowhere_else(gatepost: Gatepost) -> None:
    ids = await _conversation(gatepost)
    await _take_down(gatepost, ids, *TAKEN_DOWN)
    for (view, sort), expected in WITH_TOMBSTONES.items():
        whole = await gatepost.public(view=view, sort=sort)
        assert _names(ids, whole["comments"]) == expected
        assert whole["post"]["count"] == len(WRITTEN) - len(TAKEN_DOWN)
        removed = [item for item in whole["comments"] if item.get("removed")]
        assert _names(ids, removed) == (["a1"] if view == "thread" else [])
        for item in removed:
            assert item == {"id": ids["a1"], "parent_id": ids["a"], "depth": 1, "removed": True, "reply_count": 2}
            assert set(item) == TOMBSTONE
        for limit in (1, 2, 3):
            paged = await _paged(gatepost.visitor, "posts/post/comments", view=view, sort=sort, limit=limit)
            assert paged == whole["comments"]


async def test_nothing_of_a_comment_that_was_taken_down_is_in_any_public_reply(gatepost: Gatepost) -> None:
    secret = "A-word-that-must-go"
    parent = await gatepost.approved(secret, by="somebody-unmistakable")
    gatepost.clock.advance(seconds=1)
    await gatepost.approved("A reply", by="bob", parent_id=parent["id"])
    await gatepost.reader("somebody-unmistakable").withdraw(parent["id"])
    for path in ("posts/post/comments", "posts/post/comments?view=flat", "comments", "counts?post=post"):
        shown = (await gatepost.visitor.get(path)).body.decode()
        for word in (secret, "Unmistakable", parent["author"]["key"], parent["created_at"]):
            assert word not in shown


async def test_what_is_taken_down_comes_back_in_its_old_place(gatepost: Gatepost) -> None:
    ids = await _conversation(gatepost)
    before = await gatepost.public()
    await _take_down(gatepost, ids, *TAKEN_DOWN)
    moderator = gatepost.moderator()
    for name in TAKEN_DOWN:
        await moderator.decide(ids[name], "restore", 3)
        current = (await moderator.get(f"comments/{ids[name]}")).json["comment"]
        await moderator.decide(ids[name], "approve", current["version"])
    assert await gatepost.public() == before


async def test_beyond_the_deepest_level_replies_stand_side_by_side(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost(max_depth=2)
    ids = await _conversation(gatepost)
    shown = await gatepost.public()
    assert _names(ids, shown["comments"]) == ["a", "a1", "a1x", "a1y", "a1x1", "a2", "b", "b1", "b1x", "b2", "c", "d"]
    assert {
        name: item["depth"] for name, item in zip(_names(ids, shown["comments"]), shown["comments"], strict=True)
    } == {name: min(_depth(name), 2) for name in WRITTEN}
    deepest = next(item for item in shown["comments"] if item["id"] == ids["a1x1"])
    assert deepest["parent_id"] == ids["a1x"]
    assert await _paged(gatepost.visitor, "posts/post/comments", limit=1) == shown["comments"]


async def test_what_is_approved_between_two_pages_neither_doubles_nor_hides_the_rest(gatepost: Gatepost) -> None:
    ids = await _conversation(gatepost)
    for (view, sort), expected in LISTS.items():
        first = await gatepost.public(view=view, sort=sort, limit=5)
        extra = await gatepost.approved(f"Between {view} {sort}", parent_id=ids["a"])
        gatepost.clock.advance(seconds=0.001)
        rest = await gatepost.public(view=view, sort=sort, cursor=first["next"])
        found = [item["id"] for item in (*first["comments"], *rest["comments"]) if item["id"] != extra["id"]]
        assert found == [ids[name] for name in expected]
        await gatepost.moderator().decide(extra["id"], "delete", extra["version"])


async def test_the_latest_of_the_site_span_all_posts(gatepost: Gatepost) -> None:
    await _conversation(gatepost)
    await gatepost.reader("ada").submit("Waiting")
    await gatepost.approved("On another post", post="2005%2F07")
    latest = (await gatepost.visitor.get("comments")).json
    assert set(latest) == {"comments", "next"}
    assert all(set(item) == {*ITEM, "post"} for item in latest["comments"])
    shown = [(item["post"], item["html"]) for item in latest["comments"]]
    assert shown == [
        ("2005/07", '<p dir="auto">On another post</p>\n'),
        *(("post", f'<p dir="auto">{name}</p>\n') for name in list(WRITTEN)[::-1]),
    ]
    for limit in (1, 2, 3):
        assert await _paged(gatepost.visitor, "comments", limit=limit) == latest["comments"]


async def test_fifty_are_a_page_unless_another_number_is_asked_for(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost(premoderate=False)
    for number in range(51):
        assert (await gatepost.reader("ada").submit(f"Comment {number}")).status == 201
    for query in ({}, {"view": "flat"}, {"limit": 50}):
        page = await gatepost.public(**query)
        assert (len(page["comments"]), page["next"] is None, page["post"]["count"]) == (50, False, 51)
    assert len((await gatepost.public(limit=200))["comments"]) == 51
    assert len((await gatepost.visitor.get("comments")).json["comments"]) == 50


@pytest.mark.parametrize("key", ["a b", "a/b", "?", "#", "ä", "%41", "a&b=c", '"', "<a>", "{a}"])
async def test_the_link_to_the_next_page_can_be_followed_whatever_the_post_is_called(
    gatepost: Gatepost, key: str
) -> None:
    post = quote(key, safe="")
    for number in range(3):
        await gatepost.approved(f"Comment {number}", post=post)
    target = f"/v1/sites/blog/posts/{post}/comments?limit=1"
    seen = []
    while target:
        answer = await send(gatepost, "GET", target)
        assert (answer.status, answer.json["post"]["key"]) == (200, key)
        seen += [item["html"] for item in answer.json["comments"]]
        target = answer.headers.get("Link", "")[1:].partition(">")[0]
    assert seen == [f'<p dir="auto">Comment {number}</p>\n' for number in range(3)]


async def test_a_link_holds_no_character_that_must_be_encoded(gatepost: Gatepost) -> None:
    for number in range(2):
        await gatepost.approved(f"Comment {number}", post="%3Ca%3E%22")
    answer = await send(gatepost, "GET", '/v1/sites/blog/posts/<a>"/comments?limit=1')
    assert answer.json["post"]["key"] == '<a>"'
    assert answer.headers["Link"].startswith("</v1/sites/blog/posts/%3Ca%3E%22/comments?limit=1&cursor=")
    followed = await send(gatepost, "GET", answer.headers["Link"][1:].partition(">")[0])
    assert [item["html"] for item in followed.json["comments"]] == ['<p dir="auto">Comment 1</p>\n']


# --- Posts and counts -------------------------------------------------------------------------------------------------


async def test_a_post_that_nobody_has_commented_on_is_an_empty_list(gatepost: Gatepost) -> None:
    assert await gatepost.public(post="quiet") == {
        "post": {"key": "quiet", "title": None, "url": None, "count": 0, "open": True},
        "comments": [],
        "next": None,
    }


async def test_a_post_is_called_what_an_approved_comment_called_it(gatepost: Gatepost) -> None:
    label = {"title": "Cats & <dogs>", "url": "https://blog.example/cats?a=1&b=2"}
    submitted = await gatepost.reader("ada").submit("Hello", post="post")
    assert submitted.status == 202
    named = await gatepost.reader("bob").call("POST", "posts/post/comments", json={"body": "Hello", "post": label})
    before = (await gatepost.public())["post"]
    assert (before["title"], before["url"]) == (None, None)
    await gatepost.moderator().decide(named.json["comment"]["id"], "approve", 1)
    after = (await gatepost.public())["post"]
    assert (after["title"], after["url"], after["count"]) == (label["title"], label["url"], 1)


async def test_counts_are_of_approved_comments(gatepost: Gatepost) -> None:
    ids = await _conversation(gatepost, post="a")
    await gatepost.approved("Hello", post="b%2Fc")
    await gatepost.reader("ada").submit("Waiting", post="b%2Fc")
    await _take_down(gatepost, ids, *TAKEN_DOWN)
    query = [("post", "b/c"), ("post", "none"), ("post", "a"), ("post", "a")]
    counted = await gatepost.visitor.get("counts", params=query)
    assert counted.json == {"counts": {"b/c": 1, "none": 0, "a": len(WRITTEN) - len(TAKEN_DOWN)}}
    other = await Person(gatepost.session, site="other").get("counts", params=query)
    assert other.json == {"counts": {"b/c": 0, "none": 0, "a": 0}}


async def test_a_post_that_is_named_twice_is_counted_once(gatepost: Gatepost) -> None:
    """It is the same page: what stands in memory is no longer than the reply, which `max_megabytes` counts."""
    once = await gatepost.visitor.get("counts", params=[("post", "a"), ("post", "b")])
    twice = await gatepost.visitor.get("counts", params=[("post", "a"), ("post", "b"), ("post", "a")])
    assert twice.json == once.json
    metrics = (await gatepost.visitor.get("/metrics")).body
    assert b'gatepost_page_cache_total{outcome="built"} 1.0' in metrics


async def test_two_hundred_posts_with_long_names_are_counted_at_once(gatepost: Gatepost) -> None:
    keys = [f"2005/07/19/{number:0>90}" for number in range(200)]
    counted = await gatepost.visitor.get("counts", params=[("post", key) for key in keys])
    assert counted.json == {"counts": dict.fromkeys(keys, 0)}


async def test_sites_do_not_see_each_others_comments(gatepost: Gatepost) -> None:
    comment = await gatepost.approved("Here")
    stranger = Person(gatepost.session, site="other")
    assert (await stranger.get("posts/post/comments")).json["comments"] == []
    assert (await stranger.get("comments")).json["comments"] == []
    assert_problem(await stranger.get(f"comments/{comment['id']}"), 404, "unknown-comment")


# --- Validators and caches --------------------------------------------------------------------------------------------

PATHS = ["posts/post/comments", "posts/post/comments?view=flat&sort=newest&limit=1", "counts?post=post", "comments"]


async def _with(gatepost: Gatepost, path: str, *tags: str) -> Answer:
    headers = [("If-None-Match", tag) for tag in tags]
    return await send(gatepost, "GET", f"/v1/sites/blog/{path}", *headers)


@pytest.mark.parametrize("path", PATHS)
async def test_a_client_that_has_the_page_gets_304(gatepost: Gatepost, path: str) -> None:
    await gatepost.approved("One")
    await gatepost.approved("Two")
    whole = await _with(gatepost, path)
    etag = whole.headers["ETag"]
    assert etag.startswith('"')
    assert etag.endswith('"')
    assert (whole.status, whole.headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    for tags in (
        [etag],
        [f"W/{etag}"],
        ["*"],
        [" * "],
        [f'"other", {etag}'],
        [f'W/"other" , W/{etag},"third"'],
        [f"{etag},"],
        ['"other"', etag],
    ):
        kept = await _with(gatepost, path, *tags)
        assert (kept.status, kept.body) == (304, b""), tags
        for name in ("ETag", "Cache-Control", "Vary", "Access-Control-Allow-Origin"):
            assert kept.headers[name] == whole.headers[name]
        assert kept.headers.get("Link") == whole.headers.get("Link")
    for tags in (['"other"'], [etag.strip('"')], [etag[:-2] + '"'], [""], [f'"W/{etag}"'], ["**"]):
        sent = await _with(gatepost, path, *tags)
        assert (sent.status, sent.body) == (200, whole.body), tags


@pytest.mark.parametrize("path", PATHS)
async def test_head_says_what_get_would(gatepost: Gatepost, path: str) -> None:
    await gatepost.approved("One")
    await gatepost.approved("Two")
    got = await _with(gatepost, path)
    target = f"/v1/sites/blog/{path}"
    headed = await send(gatepost, "HEAD", target)
    for name in ("ETag", "Cache-Control", "Vary", "Content-Type", "Content-Length", "Access-Control-Allow-Origin"):
        assert headed.headers[name] == got.headers[name]
    assert (headed.status, headed.body, headed.headers.get("Link")) == (200, b"", got.headers.get("Link"))
    assert int(got.headers["Content-Length"]) == len(got.body)
    unchanged = await send(gatepost, "HEAD", target, ("If-None-Match", got.headers["ETag"]))
    assert (unchanged.status, unchanged.body) == (304, b"")


async def test_the_validator_changes_with_what_readers_see_and_only_then(gatepost: Gatepost) -> None:
    ada, moderator = gatepost.reader("ada"), gatepost.moderator()

    async def etags() -> list[str]:
        return [(await _with(gatepost, path)).headers["ETag"] for path in PATHS]

    seen = [await etags()]
    comment = (await ada.submit("First")).json["comment"]
    assert await etags() == seen[-1]
    await moderator.decide(comment["id"], "approve", 1)
    seen.append(await etags())
    await ada.edit(comment["id"], "Second", 2)
    await moderator.decide(comment["id"], "discard_edit", 3)
    assert await etags() == seen[-1]
    await ada.edit(comment["id"], "Third", 4)
    await moderator.decide(comment["id"], "approve", 5)
    edited = await etags()
    assert [new != old for new, old in zip(edited, seen[-1], strict=True)] == [True, True, False, True]
    await ada.withdraw(comment["id"])
    assert await etags() == seen[0]
    assert all(new != old for new, old in zip(seen[1], seen[0], strict=True))


async def test_shared_caches_keep_what_the_owner_allows(start_gatepost: StartGatepost) -> None:
    def allow(settings: dict[str, Any]) -> None:
        settings["cache"] = {"s_maxage_seconds": 60, "stale_while_revalidate_seconds": 30}

    gatepost = await start_gatepost(change=allow)
    for path in PATHS:
        answer = await _with(gatepost, path)
        assert answer.headers["Cache-Control"] == "public, max-age=0, s-maxage=60, stale-while-revalidate=30"
        assert "Accept-Encoding" in answer.headers["Vary"]
    refused = await _with(gatepost, "comments?limit=0")
    assert refused.headers["Cache-Control"] == "private, no-store"


async def test_until_then_they_keep_nothing_unasked(gatepost: Gatepost) -> None:
    answer = await _with(gatepost, "comments")
    assert answer.headers["Cache-Control"] == "public, max-age=0, s-maxage=0, stale-while-revalidate=0"


async def test_a_reply_is_utf8_json_as_it_was_written(gatepost: Gatepost, clock: Hands) -> None:
    await gatepost.approved("Grüße 😀 \u2028 </script>", by="ada")
    answer = await _with(gatepost, "posts/post/comments")
    assert "Grüße 😀" in answer.body.decode()
    assert json.loads(answer.body)["comments"][0]["html"].startswith('<p dir="auto">Grüße 😀')
    assert "</script>" not in answer.body.decode()
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
