"""What only rules have decided: shown with the reason, confirmed or taken out, one by one and many at once."""

from typing import Any

import pytest

from tests.desk.room import status_of
from tests.desk.ruling import LINKS, rules, said
from tests.desk.stage import AtDesk, Page
from tests.harness import Gatepost

DONE = {"spam": "spam", "reject": "rejected", "publish": "approved"}


async def ruled(gatepost: Gatepost, then: str, number: int = 1) -> list[Any]:
    """So many comments with a link, of which a rule says this."""
    rule = {**LINKS, "then": then, "brake": {"share": 1, "per_day": 1_000}}
    await rules(gatepost, {**rule, **({"reason": "no"} if then == "reject" else {})})
    found = []
    for n in range(number):
        found.append(await said(gatepost, f"Number {n}: https://a.example/"))
        gatepost.clock.advance(seconds=1)
    return found


def button(page: Page, comment: Any, action: str) -> Any:
    (found,) = page.card(comment["id"]).cssselect(f".decide button[value={action}]")
    return found


def shown(page: Page) -> list[str]:
    return [one.get("data-comment-id") for one in page.all("[data-card]")]


@pytest.mark.parametrize(
    ("then", "status", "words", "confirm", "action"),
    [
        ("spam", "spam", "Called spam by a rule: Links are looked at – 1 link", "Confirm: spam", "spam"),
        ("reject", "rejected", "Rejected by a rule: Links are looked at – 1 link", "Confirm: rejected", "reject"),
        ("publish", "approved", "Published by a rule: Links are looked at – 1 link", "Confirm: published", "approve"),
    ],
)
async def test_what_a_rule_decided_is_confirmed(
    gatepost: Gatepost, mo: AtDesk, then: str, status: str, words: str, confirm: str, action: str
) -> None:
    (comment,) = await ruled(gatepost, then)
    page = await mo.open(f"ruled?status={status}")
    assert " ".join(page.one("[data-rule]").text_content().split()) == words
    assert page.one("[data-rule] a").get("href") == "./policy#rule-links-hold"
    assert [one.text for one in page.all(".text mark")] == ["https://a.example/"]
    assert (button(page, comment, action).text, button(page, comment, action).get("class")) == (confirm, "primary")
    done = await mo.press(page, button(page, comment, action))
    assert done.address.startswith("/desk/blog/ruled?")
    assert done.one(".flash") is not None
    assert shown(done) == []
    assert "Nothing here waits to be confirmed." in done.text
    assert await status_of(gatepost, comment) == status
    undone = await mo.press(done, done.one(".flash button"))
    assert shown(undone) == ([comment["id"]] if then != "publish" else []), "a human has looked at what is public"


async def test_what_is_wrong_is_taken_out(gatepost: Gatepost, mo: AtDesk) -> None:
    first, second = await ruled(gatepost, "spam", 2)
    page = await mo.open("ruled")
    assert shown(page) == [second["id"], first["id"]], "the newest first"
    page = await mo.press(page, button(page, first, "approve"))
    page = await mo.press(page, button(page, second, "restore"))
    assert [await status_of(gatepost, one) for one in (first, second)] == ["approved", "pending"]
    queue = await mo.open()
    assert shown(queue) == [second["id"]]
    assert "Called spam by a rule:" in queue.text


async def test_all_on_the_page_are_confirmed_at_once(gatepost: Gatepost, mo: AtDesk) -> None:
    found = await ruled(gatepost, "spam", 22)
    page = await mo.open("ruled")
    assert len(shown(page)) == 20
    preview = await mo.press(page, page.one("#page button"))
    assert preview.one("main form button").text == "Call 20 comments spam"
    result = await mo.press(preview, preview.one("main form button"))
    assert result.one("main").get("data-decided") == "20"
    left = await mo.open("ruled")
    assert shown(left) == [found[1]["id"], found[0]["id"]]
    assert left.one("#page button").text == "Confirm all 2 on this page..."


async def test_marked_ones_are_taken_out_at_once(gatepost: Gatepost, mo: AtDesk) -> None:
    first, second = await ruled(gatepost, "spam", 2)
    page = await mo.open("ruled")
    preview = await mo.press(page, page.one("#bulk button[value=approve]"), marked=f"{first['id']}:1")
    await mo.press(preview, preview.one("main form button"))
    assert [await status_of(gatepost, one) for one in (first, second)] == ["approved", "spam"]


async def test_older_ones_are_on_the_next_page(gatepost: Gatepost, mo: AtDesk) -> None:
    found = await ruled(gatepost, "reject", 23)
    first = await mo.open("ruled?status=rejected")
    rest = await mo.open(first.one("a[rel=next]").get("href"))
    assert shown(first) + shown(rest) == [one["id"] for one in reversed(found)]
    assert rest.all("a[rel=next]") == []
    assert (await mo.open("ruled?status=pending")).status == 422
    assert (await mo.open("ruled?cursor=nonsense")).status == 400


async def test_the_page_is_found_where_there_are_rules(gatepost: Gatepost, mo: AtDesk) -> None:
    assert (await mo.open()).all("nav a[href$=ruled]") == []
    assert (await mo.open("ruled")).status == 200
    await ruled(gatepost, "spam")
    for address in ("", "record", "settings", "ruled"):
        (link,) = (await mo.open(address)).all(".top nav a[href$=ruled]")
        assert link.text == "By rules"


async def test_the_first_view_after_a_change_says_where_there_are_rules(gatepost: Gatepost, mo: AtDesk) -> None:
    """As in a process that has just begun, or in the one beside it: nothing here has asked for the rules meanwhile."""
    for address in ("record", "settings", "lists", "policy/versions"):
        version = (await gatepost.moderator().get("policy")).json["policy"]["version"]
        await rules(gatepost, LINKS, expected=version)
        assert len((await mo.open(address)).all(".top nav a[href$=ruled]")) == 1, address
        await rules(gatepost, expected=version + 1)
        assert (await mo.open(address)).all(".top nav a[href$=ruled]") == [], address


async def test_without_a_rule_that_spoke_it_says_so(gatepost: Gatepost, mo: AtDesk) -> None:
    await rules(gatepost, LINKS, otherwise="publish")
    comment = await said(gatepost, "Words.")
    page = await mo.open("ruled?status=approved")
    assert shown(page) == [comment["id"]]
    assert "Published, because no rule spoke against it." in page.text


async def test_a_rules_decision_is_undone_in_the_record(gatepost: Gatepost, mo: AtDesk) -> None:
    (comment,) = await ruled(gatepost, "publish")
    page = await mo.open("record")
    assert "(links-hold)" in page.says(".lines li[data-by=policy]")
    undone = await mo.press(page, page.one(".lines li[data-by=policy] button"))
    assert await status_of(gatepost, comment) == "pending"
    assert undone.all(".lines li[data-by=policy] button") == []
