"""More at once than one call decides about: in pieces of 500, stopped and gone on with, taken back as one."""

from typing import Any

from tests.desk.crowd import submitted
from tests.desk.stage import AtDesk, Page
from tests.harness import Gatepost
from tests.rows import Rows

NUMBER = 1_200


def _by_status(rows: Rows) -> dict[str, int]:
    found = rows.execute("SELECT status, count(*) FROM comments GROUP BY status").fetchall()
    return {str(status): int(number) for status, number in found}


async def test_twelve_hundred_in_three_pieces_stopped_and_gone_on_with_are_undone_as_one(
    gatepost: Gatepost, mo: AtDesk, rows: Rows
) -> None:
    """One of them changes between preview and decision: it stays, and is named."""
    comments = await submitted(gatepost, NUMBER)
    queue = await mo.open()
    shown = await mo.press(queue, queue.one("#bulk button[value=reject]"), which="matching")
    assert shown.one("main form button").text == "Reject 1,200 comments"
    first_id = queue.all("[data-card]")[0].get("data-comment-id")
    await _edited(gatepost, next(one for one in comments if one["id"] == first_id))

    first = await mo.press(shown, shown.one("main form button"), reason="off-topic")
    assert (first.says("h1"), first.one("form .primary").text) == ("500 of 1,200", "Continue, 700 left")
    assert first.one("main").get("data-decided") == "499"
    assert (await mo.open()).one("main").get("data-total") == "701"
    last = await _go_on(mo, first)
    assert last.says("h1") == "1,200 of 1,200"
    assert last.one("main").get("data-decided") == "1199"
    assert [one.get("data-stayed") for one in last.all("[data-stayed]")] == [first_id]
    assert "it has changed" in last.text
    assert _by_status(rows) == {"rejected": NUMBER - 1, "pending": 1}
    assert rows.number("SELECT count(DISTINCT batch) FROM decisions WHERE action = 'reject'") == 1

    undo = last.one('form[action$="undo"] button')
    assert undo.text == "Undo these 1,199"
    await _go_on(mo, await mo.press(last, undo))
    assert _by_status(rows) == {"pending": NUMBER}
    assert rows.number("SELECT count(*) FROM decisions WHERE action = 'undo'") == NUMBER - 1
    assert rows.number("SELECT count(DISTINCT batch) FROM decisions WHERE action = 'undo'") == 1


async def test_a_page_of_a_long_queue_takes_no_more_statements(
    gatepost: Gatepost, mo: AtDesk, statements: list[str]
) -> None:
    """More wait than are counted one by one where there is a filter."""
    await submitted(gatepost, NUMBER)
    for address in ("", "?reason=awaiting-approval"):
        statements.clear()
        page = await mo.open(address)
        assert len(page.all("[data-card]")) == 20
        assert 5 < len(statements) <= 12, "\n".join(statements)
    assert page.one("main").get("data-total") == "1,000+"


async def _go_on(mo: AtDesk, page: Page) -> Page:
    """Press "Continue" for as long as it is there."""
    while onwards := _continue_of(page):
        page = await mo.press(page, onwards[0])
    return page


def _continue_of(page: Page) -> list[Any]:
    return [button for button in page.all("main form button") if (button.text or "").startswith("Continue")]


async def _edited(gatepost: Gatepost, comment: Any) -> None:
    author = comment["author"]["name"].lower()
    answer = await gatepost.reader(author).edit(comment["id"], "Quite other words.", comment["version"])
    assert answer.status == 200, answer.json
