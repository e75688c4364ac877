"""Deciding about many at the desk: a preview of exactly what is meant, in pieces, with what stays named, and undone."""

from typing import Any

import pytest

from service.moderation import bulk
from tests.desk.ruling import rules
from tests.desk.stage import AtDesk, Page
from tests.harness import Gatepost
from tests.rows import Rows


async def waiting(gatepost: Gatepost, number: int, *, by: str = "ada") -> list[Any]:
    """Comments that wait."""
    reader = gatepost.reader(by)
    return [(await reader.submit(f"Number {one} by {by}.")).json["comment"] for one in range(number)]


async def preview(mo: AtDesk, page: Page, action: str, *marked: Any, which: str = "marked") -> Page:
    """Mark some, and press a button below the cards."""
    form = page.one("#bulk")
    values = [(name, value) for name, value in AtDesk._values(page, form) if name not in ("which", "marked")]
    values += [("marked", f"{comment['id']}:{comment['version']}") for comment in marked]
    return await mo.send("/desk/blog/bulk/preview", [*values, ("which", which), ("action", action)])


async def statuses(gatepost: Gatepost, comments: list[Any]) -> list[str]:
    """How they stand."""
    moderator = gatepost.moderator("watcher")
    return [(await moderator.get(f"comments/{one['id']}")).json["comment"]["status"] for one in comments]


async def test_posts_are_called_by_their_titles_where_they_have_one(gatepost: Gatepost, mo: AtDesk) -> None:
    async def says(post: str, title: str | None) -> Any:
        gatepost.clock.advance(seconds=1)
        written = {"body": f"On {post}, {title}.", "post": {"title": title} if title else {}}
        answer = await gatepost.reader("ada").call("POST", f"posts/{post}/comments", json=written)
        assert answer.status == 202, answer.json
        return answer.json["comment"]

    await says("p1", "A <Tuesday>")
    await gatepost.moderator().decide((await says("p2", "What stands"))["id"], "approve", 1)
    for post, title in (("p1", "Another day"), ("p2", "Another day"), ("p2", None), ("p3", None), ("p1", None)):
        await says(post, title)
    shown = await preview(mo, await mo.open(), "reject", which="matching")
    assert [one.text for one in shown.all(".counts li")][1:] == ["A <Tuesday>: 3", "What stands: 2", "p3: 1"]


async def test_marked_comments_are_decided_as_shown_and_undone_as_one(gatepost: Gatepost, mo: AtDesk) -> None:
    comments = await waiting(gatepost, 2) + await waiting(gatepost, 1, by="bea")
    shown = await preview(mo, await mo.open(), "reject", *comments[1:])

    assert "2 comments would change." in shown.text
    assert [one.text for one in shown.all(".counts li")] == ["Ada: 1", "Bea: 1", "post: 2"]
    assert "Number 1 by ada." in shown.text
    assert await statuses(gatepost, comments) == ["pending"] * 3
    button = shown.one("main form button")
    assert button.text == "Reject 2 comments"
    done = await mo.press(shown, button, note="A wave.")
    assert (done.status, done.one("main").get("data-decided")) == (201, "2")
    assert await statuses(gatepost, comments) == ["pending", "rejected", "rejected"]
    record = (await gatepost.moderator().get(f"decisions?batch={done.one('main').get('data-batch')}")).json["decisions"]
    assert [(one["action"], one["note"]) for one in record] == [("reject", "A wave.")] * 2
    again = await mo.press(shown, button, note="A wave.")
    assert again.one("main").get("data-decided") == "2"
    undo = done.one('form[action$="undo"] button')
    assert undo.text == "Undo these 2"
    undone = await mo.press(done, undo)
    assert "2 decisions undone." in undone.text
    assert await statuses(gatepost, comments) == ["pending"] * 3


async def test_a_reason_that_is_needed_is_asked_for_before_anything_is_done(gatepost: Gatepost, mo: AtDesk) -> None:
    comments = await waiting(gatepost, 2)
    await rules(gatepost, require_reason=True)
    shown = await preview(mo, await mo.open(), "reject", *comments)
    refused = await mo.press(shown, shown.one("main form button"))
    assert refused.status == 422
    assert "must name one of these reasons: no." in refused.text
    assert await statuses(gatepost, comments) == ["pending"] * 2
    done = await mo.press(shown, shown.one("main form button"), reason="no")
    assert (done.status, done.one("main").get("data-decided")) == (201, "2")


async def test_all_that_the_filter_finds(gatepost: Gatepost, mo: AtDesk) -> None:
    ada, bea = await waiting(gatepost, 3), await waiting(gatepost, 2, by="bea")
    key = ada[0]["author"]["key"]
    shown = await preview(mo, await mo.open(f"?author={key}"), "spam", which="matching")
    later = await waiting(gatepost, 1, by="cem")
    assert "3 comments would change." in shown.text
    await mo.press(shown, shown.one("main form button"))
    assert await statuses(gatepost, ada + bea + later) == ["spam"] * 3 + ["pending"] * 3


async def test_of_more_than_a_preview_takes_the_first_are_shown(
    gatepost: Gatepost, mo: AtDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "MOST", 2)  # it takes 2,000
    await waiting(gatepost, 3)
    shown = await preview(mo, await mo.open(), "reject", which="matching")
    assert shown.status == 200
    assert "2 comments would change." in shown.text
    assert "These are the first 2 that were found." in shown.text


async def test_what_others_hold_or_have_changed_stays_and_is_counted(gatepost: Gatepost, mo: AtDesk) -> None:
    comments = await waiting(gatepost, 4)
    page = await mo.open()
    jo = gatepost.moderator("jo")
    await jo.call("POST", "queue/claims", json={"comment_ids": [comments[0]["id"]]})
    await gatepost.reader("ada").edit(comments[1]["id"], "Other words.", 1)
    shown = await preview(mo, page, "approve", *comments)

    assert [(one.get("data-stays"), " ".join(one.text.split())) for one in shown.all("[data-stays]")] == [
        ("claimed", "1 is held by somebody else and stays."),
        ("changed", "1 has changed and stays."),
    ]
    await gatepost.reader("ada").edit(comments[2]["id"], "Quite other words.", 1)
    await jo.call("POST", "queue/claims", json={"comment_ids": [comments[3]["id"]]})
    done = await mo.press(shown, shown.one("main form button"))
    assert done.one("main").get("data-decided") == "0"
    assert [one.get("data-stayed") for one in done.all("[data-stayed]")] == [comments[2]["id"], comments[3]["id"]]
    assert "it has changed" in done.text
    assert "somebody else holds it" in done.text
    assert await statuses(gatepost, comments) == ["pending"] * 4


async def test_in_pieces(gatepost: Gatepost, mo: AtDesk, monkeypatch: Any, rows: Rows) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 4)
    comments = await waiting(gatepost, 10)
    shown = await preview(mo, await mo.open(), "reject", *comments)
    page = await mo.press(shown, shown.one("main form button"), reason="off-topic")
    assert page.says("h1") == "4 of 10"
    assert await statuses(gatepost, comments) == ["rejected"] * 4 + ["pending"] * 6
    onwards = page.one("form .primary")
    assert onwards.text == "Continue, 6 left"
    page = await mo.press(page, onwards)
    assert await mo.press(page, page.one("form .primary")) is not None
    last = await mo.press(page, page.one("form .primary"))
    assert (last.says("h1"), last.all("form .primary")) == ("10 of 10", [])
    assert last.one("main").get("data-decided") == "10"
    assert rows.number("SELECT count(*) FROM decisions WHERE action = 'reject' AND reason = 'off-topic'") == 10
    assert rows.number("SELECT count(DISTINCT batch) FROM decisions WHERE action = 'reject'") == 1


async def test_a_preview_is_good_for_its_moderator_and_ten_minutes(gatepost: Gatepost, mo: AtDesk, jo: AtDesk) -> None:
    comments = await waiting(gatepost, 1)
    shown = await preview(mo, await mo.open(), "reject", *comments)
    sealed = shown.one("input[name=preview]").get("value")
    theirs = await jo.send("/desk/blog/bulk", {"csrf": await jo.token(), "preview": sealed})
    assert theirs.status == 409
    assert theirs.one("main").get("data-problem") == "preview-expired"
    assert (await mo.send("/desk/blog/bulk", {"csrf": await mo.token(), "preview": "x"})).status == 409
    gatepost.clock.advance(seconds=601)
    assert (await mo.press(shown, shown.one("main form button"))).status == 409
    assert await statuses(gatepost, comments) == ["pending"]


async def test_nothing_marked_is_said(gatepost: Gatepost, mo: AtDesk) -> None:
    await waiting(gatepost, 1)
    shown = await preview(mo, await mo.open(), "reject")
    assert "No comment was marked." in shown.text
    assert shown.all("main form button") == []


async def test_many_approvals_name_no_post(gatepost: Gatepost, mo: AtDesk) -> None:
    reader = gatepost.reader("ada")
    await reader.call("POST", "posts/p/comments", json={"body": "One.", "post": {"title": "As it is"}})
    first = await mo.open()
    await mo.press(first, first.all('button[value="approve"]')[0])
    other = (
        await reader.call("POST", "posts/p/comments", json={"body": "Two.", "post": {"title": "As it is not"}})
    ).json
    shown = await preview(mo, await mo.open(), "approve", other["comment"])
    await mo.press(shown, shown.one("main form button"))
    assert (await gatepost.moderator().get("posts/p")).json["post"]["title"] == "As it is"


async def test_a_batch_is_undone_from_the_record(gatepost: Gatepost, mo: AtDesk) -> None:
    comments = await waiting(gatepost, 3)
    shown = await preview(mo, await mo.open(), "spam", *comments)
    done = await mo.press(shown, shown.one("main form button"))
    record = await mo.open(f"record?batch={done.one('main').get('data-batch')}")
    asked = await mo.press(
        record, record.one('form[action$="undo"] input[name=batch]').getparent().cssselect("button")[0]
    )
    assert "3 decisions would be undone." in asked.text
    assert await statuses(gatepost, comments) == ["spam"] * 3
    await mo.press(asked, asked.one("main form button"))
    assert await statuses(gatepost, comments) == ["pending"] * 3


async def test_as_many_as_the_script_marks_at_once(gatepost: Gatepost, mo: AtDesk) -> None:
    (comment,) = await waiting(gatepost, 1)
    shown = await preview(mo, await mo.open(), "reject", *[comment] * 500)
    assert "1 comment would change." in shown.text
    assert (await preview(mo, await mo.open(), "reject", *[comment] * 501)).status == 422
