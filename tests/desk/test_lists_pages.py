"""The desk's pages of lists: made, filled, emptied and deleted, as the API has it."""

from typing import Any

from tests.desk.stage import AtDesk, Page
from tests.harness import Gatepost
from tests.triage.policies import of_rules

ADMIN = {"roles": ["admin"]}
NAMES_SLURS = {
    "id": "slurs-held",
    "title": "Slurs wait",
    "when": [{"lists.matched": {"any_of": ["slurs"]}}],
    "then": "hold",
}


async def made(mo: AtDesk, name: str = "slurs", *, kind: str = "words", **more: str) -> Page:
    """A new list; its page."""
    page = await mo.open("lists")
    return await mo.press(page, page.one("form.fields button"), name=name, title=f"The {name}", kind=kind, **more)


async def added(mo: AtDesk, page: Page, entries: str, **more: str) -> Page:
    """Entries are added in the field of a list's page."""
    return await mo.press(page, page.one('button[value="add"]'), entries=entries, **more)


async def entries_of(gatepost: Gatepost, name: str = "slurs") -> list[Any]:
    """What the API says of the entries."""
    return list((await gatepost.moderator().get(f"lists/{name}/entries")).json["entries"])


async def test_a_list_is_made_filled_and_emptied(gatepost: Gatepost, mo: AtDesk) -> None:
    page = await made(mo, note="Ask Jo.")
    assert (page.status, page.says("h1"), page.says(".flash")) == (200, "The slurs", "Saved.")
    assert "No rule asks about it" in page.text
    page = await added(mo, page, "acme | acme lane | acme road\r\n\r\n# a remark\r\ncasino*", entry_note="old friends")
    assert page.says(".flash") == "2 entries added."
    assert [(one["value"], one["not"], one["note"]) for one in await entries_of(gatepost)] == [
        ("acme", ["acme lane", "acme road"], "old friends"),
        ("casino*", [], "old friends"),
    ]
    page = await added(mo, page, "casino*\nbingo", entry_note="old friends")
    assert page.says(".flash") == "1 entry added. 1 was there already."
    page = await mo.press(page, page.one('button[value="remove"]'), remove="acme")
    assert page.says(".flash") == "1 entry removed."
    assert [one.get("data-entry") for one in page.all(".entries li")] == ["bingo", "casino*"]
    page = await mo.press(page, page.one('button[value="delete"]'))
    assert page.says(".flash") == "slurs was deleted."
    assert (await gatepost.moderator().get("lists/slurs")).status == 404
