"""A post's list around one comment: what a link to a comment leads to, wherever in the list it stands."""

import html5lib
import pytest

from tests.harness import Gatepost
from tests.web.plain_http import assert_problem, send
from tests.web.test_hatch import connection, instant
from tests.web.test_public import THREAD_OLDEST, _conversation, _names, _take_down

LIST = "/v1/sites/blog/posts/post/comments"
AROUND_A1X = {
    ("thread", "oldest"): ["a", "a1", "a1x", "a1x1", "a1y"],
    ("thread", "newest"): ["a", "a1", "a1x", "a1x1", "a1y"],
    ("flat", "oldest"): ["a", "a1", "a1x", "b1x", "a1y"],
    ("flat", "newest"): ["a", "a1", "a1x", "a2", "b1"],
}
"""With three items beside what it stands below."""
NOBODY = "00000000-0000-7000-8000-000000000000"


@pytest.mark.parametrize(("order", "names"), AROUND_A1X.items())
async def test_a_list_begins_with_what_the_comment_stands_below(
    gatepost: Gatepost, order: tuple[str, str], names: list[str]
) -> None:
    ids = await _conversation(gatepost)
    asked = {"view": order[0], "sort": order[1], "limit": "3"}
    answer = await gatepost.visitor.get(LIST, params={**asked, "around": ids["a1x"]})
    assert (answer.status, _names(ids, answer.json["comments"])) == (200, names)
    whole = (await gatepost.visitor.get(LIST, params={**asked, "limit": "200"})).json
    assert answer.json["post"] == whole["post"]
    shown = {item["id"]: item for item in whole["comments"]}
    assert [shown[item["id"]] for item in answer.json["comments"]] == answer.json["comments"]
    rest = _names(ids, whole["comments"])
    following = await gatepost.visitor.get(LIST, params={**asked, "limit": "200", "cursor": answer.json["next"]})
    assert _names(ids, following.json["comments"]) == rest[rest.index(names[-1]) + 1 :]


async def test_the_link_to_the_rest_leads_on_from_there(gatepost: Gatepost) -> None:
    ids = await _conversation(gatepost)
    shown, link = list[str](), f"{LIST}?limit=2&around={ids['a2']}"
    while link:
        answer = await gatepost.visitor.get(link)
        assert answer.status == 200
        shown += _names(ids, answer.json["comments"])
        link = answer.headers.get("Link", "")[1:].partition(">")[0]
    assert shown == ["a", *THREAD_OLDEST[THREAD_OLDEST.index("a2") :]]


async def test_tombstones_stand_above_it_where_the_list_has_them(gatepost: Gatepost) -> None:
    ids = await _conversation(gatepost)
    await _take_down(gatepost, ids, "a1")
    for view, names in {"thread": ["a", "a1", "a1x"], "flat": ["a", "a1x"]}.items():
        page = await gatepost.public(around=ids["a1x"], view=view, limit=1)
        assert _names(ids, page["comments"]) == names
        assert [item.get("removed", False) for item in page["comments"]] == [name == "a1" for name in names]


async def test_what_is_not_public_on_the_post_is_unknown(gatepost: Gatepost) -> None:
    ids = await _conversation(gatepost)
    elsewhere = (await gatepost.approved("Elsewhere", post="elsewhere"))["id"]
    pending = (await gatepost.reader("ada").submit("It waits")).json["comment"]["id"]
    await _take_down(gatepost, ids, "a1")
    for view in ("thread", "flat"):
        for one in (NOBODY, elsewhere, pending, ids["a1"]):
            for path in (LIST, f"{LIST}.html"):
                answer = await gatepost.visitor.get(path, params={"around": one, "view": view})
                assert_problem(answer, 404, "unknown-comment")
                assert answer.headers["Cache-Control"] == "private, no-store"


async def test_a_page_has_one_beginning(gatepost: Gatepost) -> None:
    ids = await _conversation(gatepost)
    cursor = (await gatepost.public(limit=1))["next"]
    answer = await gatepost.visitor.get(LIST, params={"around": ids["a"], "cursor": cursor})
    assert_problem(answer, 422, "invalid-request")
    assert [error["pointer"] for error in answer.json["errors"]] == ["/around"]
    for unknown in ("comment-1", ids["a"].upper(), f"comment-{ids['a']}"):  # an anchor that no comment has
        assert_problem(await gatepost.visitor.get(LIST, params={"around": unknown}), 404, "unknown-comment")
    for nonsense in ("", "-1", "a b", "a" * 201):
        assert_problem(await gatepost.visitor.get(LIST, params={"around": nonsense}), 422, "invalid-request")


async def test_it_is_a_public_page_like_the_others(gatepost: Gatepost) -> None:
    ids = await _conversation(gatepost)
    address = f"{LIST}?around={ids['a1x']}&limit=2"
    async with connection(gatepost) as sent:
        first = await sent.ask(address)
        before = await instant(gatepost)
        again = await sent.ask(address)
        assert await instant(gatepost) == before + 1
        assert (again.status, again.body) == (first.status, first.body)
        whole = await sent.ask(LIST)
        for name in ("Cache-Control", "Vary", "Surrogate-Key", "Cache-Tag", "Access-Control-Allow-Origin"):
            assert first.headers[name] == whole.headers[name]
    known = await send(gatepost, "GET", address, ("If-None-Match", first.headers["ETag"]))
    assert (known.status, known.body) == (304, b"")
    await _take_down(gatepost, ids, "a1x")
    assert_problem(await gatepost.visitor.get(address), 404, "unknown-comment")


async def test_the_fragment_nests_it_as_the_thread_does(gatepost: Gatepost) -> None:
    ids = await _conversation(gatepost)
    answer = await gatepost.visitor.get(f"{LIST}.html", params={"around": ids["a1x"], "limit": "2"})
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    (section,) = parser.parseFragment(answer.body.decode())
    found = [element.get("id", "").removeprefix("comment-") for element in section.iter("article")]
    assert found == [ids[name] for name in ("a", "a1", "a1x", "a1x1")]
    assert len(section.findall("./ol/li")) == 1
    (rest,) = [link.get("href", "") for link in section.iter("a") if link.get("rel") == "next"]
    assert "around" not in rest
    assert ids["a1y"] in (await gatepost.visitor.get(rest)).body.decode()
