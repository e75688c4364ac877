"""The buttons of a card over HTTP: decide, undo, take and give back; what is said when somebody else was faster."""

import asyncio
from typing import Any

import pytest

from service.web.desk import acts
from tests.desk.ruling import rules
from tests.desk.stage import AtDesk
from tests.harness import Gatepost


@pytest.fixture
async def comment(gatepost: Gatepost) -> Any:
    """One that waits."""
    return (await gatepost.reader("ada").submit("I was *there*.")).json["comment"]


async def status_of(gatepost: Gatepost, comment_id: str) -> tuple[str, int]:
    """How a comment stands."""
    found = (await gatepost.moderator().get(f"comments/{comment_id}")).json["comment"]
    return found["status"], found["version"]


def button(page: Any, comment_id: str, value: str) -> Any:
    """A button of a card."""
    (found,) = page.card(comment_id).cssselect(f'button[value="{value}"]')
    return found


async def test_a_decision_leads_back_and_offers_undo(gatepost: Gatepost, mo: AtDesk, comment: Any) -> None:
    queue = await mo.open("?order=priority")
    page = await mo.press(queue, button(queue, comment["id"], "approve"), note="An eye-witness.")

    assert page.address.partition("?")[2].startswith("order=priority&done=")
    assert page.says(".flash p") == "Approved. Comment by Ada"
    assert await status_of(gatepost, comment["id"]) == ("approved", 2)
    undone = await mo.press(page, page.one(".flash button"))
    assert undone.says(".flash p") == "Undone. Comment by Ada"
    assert await status_of(gatepost, comment["id"]) == ("pending", 3)
    assert [card.get("data-version") for card in undone.all("[data-card]")] == ["3"]
    record = (await gatepost.moderator().get(f"decisions?comment={comment['id']}")).json["decisions"]
    assert [(one["action"], one["note"]) for one in record] == [
        ("hold", None),
        ("approve", "An eye-witness."),
        ("undo", None),
    ]


async def test_the_script_gets_the_card(gatepost: Gatepost, mo: AtDesk, comment: Any) -> None:
    queue = await mo.open()
    part = await mo.press(queue, button(queue, comment["id"], "reject"), part=True)
    assert part.status == 201
    card = part.one("[data-card]")
    assert (card.get("data-state"), card.get("data-version")) == ("decided", "2")
    again = await mo.press(part, card.cssselect("button")[0], part=True)
    assert again.status == 201
    assert (again.one("[data-card]").get("data-state"), again.one("[data-card]").get("data-claim")) == (
        "waiting",
        "free",
    )


async def test_whoever_is_second_is_told_who_was_first(
    gatepost: Gatepost, mo: AtDesk, jo: AtDesk, comment: Any
) -> None:
    seen = await mo.open()
    theirs = await jo.open()
    await jo.press(theirs, button(theirs, comment["id"], "spam"))

    late = await mo.press(seen, button(seen, comment["id"], "approve"))
    assert late.status == 409
    assert "Somebody was faster" in late.says(".conflict")
    assert "Called spam · Jo" in late.says(".conflict")
    assert "It is spam now." in late.says(".conflict")
    part = await mo.press(seen, button(seen, comment["id"], "approve"), part=True)
    assert (part.status, part.one("[data-card]").get("data-state")) == (409, "conflict")
    assert await status_of(gatepost, comment["id"]) == ("spam", 2)
    changed = await mo.press(late, button(late, comment["id"], "approve"))
    assert changed.status == 200
    assert await status_of(gatepost, comment["id"]) == ("approved", 3)


async def test_an_edit_meanwhile_is_no_decision_about_it(gatepost: Gatepost, mo: AtDesk, comment: Any) -> None:
    seen = await mo.open()
    await gatepost.reader("ada").edit(comment["id"], "I was *not* there.", 1)
    late = await mo.press(seen, button(seen, comment["id"], "approve"))
    assert late.status == 409
    assert "The author has changed the text" in late.says(".conflict")
    assert "I was not there." in late.text
    assert (await status_of(gatepost, comment["id"]))[0] == "pending"


async def test_a_press_that_is_sent_twice_counts_once(gatepost: Gatepost, mo: AtDesk, comment: Any) -> None:
    queue = await mo.open()
    first = await mo.press(queue, button(queue, comment["id"], "approve"), part=True)
    second = await mo.press(queue, button(queue, comment["id"], "approve"), part=True)
    assert (first.status, second.status) == (201, 201)
    assert second.one("[name=decision]").get("value") == first.one("[name=decision]").get("value")
    other = await mo.press(queue, button(queue, comment["id"], "reject"), part=True)
    assert other.status == 409
    undo = first.one("button")
    assert (await mo.press(first, undo, part=True)).status == 201
    assert (await mo.press(first, undo, part=True)).status == 201
    assert await status_of(gatepost, comment["id"]) == ("pending", 3)


async def test_what_something_newer_stands_on_is_not_undone(
    gatepost: Gatepost, mo: AtDesk, jo: AtDesk, comment: Any
) -> None:
    queue = await mo.open()
    decided = await mo.press(queue, button(queue, comment["id"], "approve"))
    page = await jo.open(f"c/{comment['id']}")
    await jo.press(page, button(page, comment["id"], "spam"))
    late = await mo.press(decided, decided.one(".flash button"))
    assert late.status == 409
    assert "Something newer stands on that decision" in late.says(".conflict")


async def test_taking_giving_back_and_what_others_hold(
    gatepost: Gatepost, mo: AtDesk, jo: AtDesk, comment: Any
) -> None:
    queue = await mo.open()
    mine = await mo.press(queue, queue.one('button[value="take"]'))
    assert mine.address.endswith("?claimed=mine")
    assert (mine.card(comment["id"]).get("data-claim"), mine.one("main").get("data-held")) == ("mine", "1")
    assert "Yours until" in mine.text

    theirs = await jo.open()
    card = theirs.card(comment["id"])
    assert card.get("data-claim") == "other"
    assert "Mo has it until" in theirs.text
    assert [one.get("value") for one in card.cssselect(".anyway button")] == ["approve", "reject", "spam"]
    renewed = await mo.send(
        "/desk/blog/claims", {"csrf": await mo.token(), "do": "renew", "comment": comment["id"]}, part=True
    )
    assert renewed.one("section").get("data-claimed") == "1"
    free = await mo.press(mine, mine.one('button[value="give-back"]'))
    assert free.card(comment["id"]).get("data-claim") == "free"
    assert "Yours" not in free.text


async def test_signing_out_gives_back_although_the_blogs_login_stays(
    gatepost: Gatepost, mo: AtDesk, comment: Any
) -> None:
    queue = await mo.open()
    mine = await mo.press(queue, queue.one('button[value="take"]'))
    left = await mo.press(mine, mine.one('form[action$="sign-out"] button'))
    assert left.says("h1") == "You are still signed in"
    assert "What you held of the queue was given back" in left.text
    (back,) = [link for link in left.all("main a") if link.text == "Stay at the desk"]
    again = await mo.open(back.get("href"))
    assert again.card(comment["id"]).get("data-claim") == "free"


async def test_taking_keeps_to_the_filter(gatepost: Gatepost, mo: AtDesk, comment: Any) -> None:
    other = (await gatepost.reader("bea").submit("Not me.", post="other")).json["comment"]
    queue = await mo.open("?post=other")
    part = await mo.press(queue, queue.one('button[value="take"]'), part=True)
    assert [card.get("data-comment-id") for card in part.all("[data-card]")] == [other["id"]]
    assert (await mo.open()).card(comment["id"]).get("data-claim") == "free"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"csrf": "nonsense"}, 403),
        ({"csrf": ""}, 403),
        ({"version": "0"}, 422),
        ({"version": "1e3"}, 422),
        ({"version": ""}, 422),
        ({"action": "burn"}, 422),
        ({"comment": "x"}, 404),
        ({"comment": "a\x00b"}, 422),
        ({"back": "//evil.example/"}, 422),
        ({"back": "https://evil.example/"}, 422),
        ({"back": "c/..%2F..%2F\\evil.example"}, 422),
        ({"what": "1"}, 422),
        ({"reason": "x" * 501}, 422),
    ],
)
async def test_bad_input_is_refused_and_changes_nothing(
    gatepost: Gatepost, mo: AtDesk, comment: Any, changes: dict[str, str], status: int
) -> None:
    fields = {
        "csrf": await mo.token(),
        "comment": comment["id"],
        "version": "1",
        "action": "approve",
        "back": "",
    }
    page = await mo.send("/desk/blog/decide", {**fields, **changes})
    assert page.status == status
    assert page.one("main").get("data-page") == ("again" if "csrf" in changes else "problem")
    assert await status_of(gatepost, comment["id"]) == ("pending", 1)


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"json": {"action": "approve"}}, 415),
        ({"data": b"action=%FF"}, 400),
        ({"data": b"action=approve", "headers": {"Content-Encoding": "gzip"}}, 415),
        ({"data": b"&".join(b"a=1" for _ in range(1_001))}, 400),
        ({"data": b"note=" + b"a" * 300_000}, 413),
    ],
)
async def test_what_is_no_form_is_refused(mo: AtDesk, options: dict[str, Any], status: int) -> None:
    headers = {
        "Sec-Fetch-Site": "same-origin",
        **({} if "json" in options else {"Content-Type": "application/x-www-form-urlencoded"}),
        **options.pop("headers", {}),
    }
    answer = await mo.person.call("POST", "/desk/blog/decide", headers=headers, **options)
    assert answer.status == status


async def test_a_client_that_waits_to_be_asked_for_the_form_is_asked(
    gatepost: Gatepost, mo: AtDesk, comment: Any
) -> None:
    fields = {"csrf": await mo.token(), "comment": comment["id"], "version": "1", "action": "approve"}
    headers = {"Sec-Fetch-Site": "same-origin"}
    async with asyncio.timeout(20):
        answer = await mo.person.call(
            "POST", "/desk/blog/decide", data=fields, headers=headers, expect100=True, allow_redirects=False
        )
    assert answer.status == 303


async def test_a_back_address_stays_at_the_desk(gatepost: Gatepost, mo: AtDesk, comment: Any) -> None:
    fields = {"csrf": await mo.token(), "comment": comment["id"], "version": "1", "action": "approve"}
    answer = await mo.person.call(
        "POST",
        "/desk/blog/decide",
        data={**fields, "back": "authors/a%2Fb?x=1&done=old"},
        headers={"Sec-Fetch-Site": "same-origin"},
        allow_redirects=False,
    )
    assert answer.status == 303
    assert answer.headers["Location"].startswith("./authors/a%2Fb?x=1&done=0")


async def test_the_same_decision_in_other_words_is_another_one(gatepost: Gatepost, mo: AtDesk, comment: Any) -> None:
    """In another window of the same moderator: what was written there is not said to be kept."""
    queue = await mo.open()
    reject = button(queue, comment["id"], "reject")
    words = {"reason": "off-topic", "note_to_author": "Please stay on topic."}
    await mo.press(queue, reject)
    for name, text in words.items():
        late = await mo.press(queue, reject, part=True, **{name: text})
        assert (late.status, late.one("[data-card]").get("data-state")) == (409, "conflict")
    assert (await mo.press(queue, reject, part=True)).status == 201


@pytest.mark.parametrize("act", ["_done", "_undone"])
async def test_what_somebody_decides_before_the_reply_is_not_called_mine(
    gatepost: Gatepost, mo: AtDesk, comment: Any, act: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await mo.open()
    if act == "_undone":
        page = await mo.press(page, button(page, comment["id"], "approve"), part=True)
        pressed = page.one(".settled button")
    else:
        pressed = button(page, comment["id"], "approve")
    said = getattr(acts, act)

    async def later(call: Any, form: Any, decision: Any, moderator: Any) -> Any:
        answer = await gatepost.moderator("jo").decide(comment["id"], "spam", decision.version + 1)
        assert answer.status == 201, answer.json
        return await said(call, form, decision, moderator)

    monkeypatch.setattr(acts, act, later)
    late = await mo.press(page, pressed, part=True)
    assert (late.status, late.one("[data-card]").get("data-state")) == (409, "conflict")
    assert "Called spam · Jo" in late.says(".conflict")
    assert late.all(".settled") == []


async def test_a_rejection_that_needs_a_reason_says_which_there_are(
    gatepost: Gatepost, mo: AtDesk, comment: Any
) -> None:
    await rules(gatepost, require_reason=True)
    queue = await mo.open()
    for part in (True, False):
        told = await mo.press(queue, button(queue, comment["id"], "reject"), part=part)
        assert told.status == 422
        assert "must name one of these reasons: no." in told.text
    assert await status_of(gatepost, comment["id"]) == ("pending", 1)
