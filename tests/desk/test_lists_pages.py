"""The desk's pages of lists: made, filled, emptied and deleted, as the API has it."""

from typing import Any

from tests.desk.stage import AtDesk, Page
from tests.harness import Gatepost
from tests.triage.policies import of_rules

ADMIN: dict[str, Any] = {"roles": ["admin"]}
NAMES_SLURS = {
    "id": "slurs-held",
    "title": "Slurs wait",
    "when": [{"lists.matched": {"any_of": ["slurs"]}}],
    "then": "hold",
}


async def made(mo: AtDesk, name: str = "slurs", *, kind: str = "words", **more: Any) -> Page:
    """A new list; its page."""
    page = await mo.open("lists")
    return await mo.press(page, page.one("form.fields button"), name=name, title=f"The {name}", kind=kind, **more)


async def added(mo: AtDesk, page: Page, entries: str, **more: Any) -> Page:
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
    page = await mo.press(page, page.one('button[value="remove"]'), marked="acme")
    assert page.says(".flash") == "1 entry removed."
    assert [one.get("data-entry") for one in page.all(".entries li")] == ["bingo", "casino*"]
    page = await mo.press(page, page.one('button[value="delete"]'))
    assert page.says(".flash") == "slurs was deleted."
    assert (await gatepost.moderator().get("lists/slurs")).status == 404


async def test_entries_end_when_somebody_says_so(gatepost: Gatepost, mo: AtDesk) -> None:
    """When they are added, and later; an empty field is no end. What else an entry says stays."""
    page = await added(mo, await made(mo), "acme | acme lane\nbingo", entry_note="a wave", until="2031-02-03T04:05")
    assert "holds until" in page.says('[data-entry="bingo"]')

    async def ends() -> dict[str, tuple[Any, ...]]:
        return {one["value"]: (one["not"], one["note"], one["until"]) for one in await entries_of(gatepost)}

    then, later = "2031-02-03T04:05:00.000Z", "2032-01-01T00:00:00.000Z"
    assert await ends() == {"acme": (["acme lane"], "a wave", then), "bingo": ([], "a wave", then)}
    page = await mo.press(page, page.one('button[value="until"]'), marked="acme", until="2032-01-01T00:00")
    assert page.says(".flash") == "Saved."
    assert await ends() == {"acme": (["acme lane"], "a wave", later), "bingo": ([], "a wave", then)}
    page = await mo.press(page, page.one('button[value="until"]'), marked="bingo")
    assert (await ends())["bingo"] == ([], "a wave", None)
    wrong = await mo.press(page, page.one('button[value="until"]'), marked="bingo", until="2031-02-33T04:05")
    assert wrong.status == 422
    assert "must be a day and a time" in wrong.says("[role=alert]")
    assert [one.get("value") for one in wrong.all("[name=marked][checked]")] == ["bingo"]
    none = await mo.press(page, page.one('button[value="until"]'), until="2032-01-01T00:00")
    assert (none.status, none.says("[role=alert]")) == (422, "Mark the entries that you mean.")


async def test_what_is_wrong_stands_beside_its_line(gatepost: Gatepost, mo: AtDesk) -> None:
    page = await made(mo)
    typed = "fine\n\n@bad\nsh*t | x"
    wrong = await added(mo, page, typed)
    assert wrong.status == 422
    told = {one.get("value"): [each.text for each in one.cssselect(".told")] for one in wrong.all(".numbered li")}
    assert [number for number, said in told.items() if said] == ["3", "4"]
    assert wrong.one("textarea[name=entries]").text.strip() == typed, "nothing that was typed is lost"
    assert await entries_of(gatepost) == []
    assert (await added(mo, page, " \n# nothing")).status == 422
    assert (
        await mo.press(page, page.one('button[value="add"]'), entries="\n".join(map(str, range(501))))
    ).status == 422


async def test_a_name_that_is_taken_or_none_is_told(gatepost: Gatepost, mo: AtDesk) -> None:
    await made(mo)
    again = await made(mo)
    assert (again.status, again.one("input[name=title]").get("value")) == (412, "The slurs")
    assert "There is a list of this name already." in again.says("[role=alert]")
    wrong = await made(mo, "No Name")
    assert (wrong.status, wrong.one("input[name=name]").get("value")) == (422, "No Name")
    assert "must be lower-case letters" in wrong.says("[role=alert]")


async def test_somebody_was_faster(gatepost: Gatepost, mo: AtDesk, jo: AtDesk) -> None:
    page = await made(mo)
    await added(jo, await jo.open("lists/slurs"), "acme")
    late = await added(mo, page, "bingo\ncasino")
    assert late.status == 412
    assert "Jo changed the list" in late.says("[role=alert]")
    assert [one.get("data-entry") for one in late.all(".entries li")] == ["acme"]
    assert late.one("textarea[name=entries]").text.strip() == "bingo\ncasino"
    done = await mo.press(late, late.one('button[value="add"]'))
    assert done.says(".flash") == "2 entries added."
    changes: dict[str, dict[str, Any]] = {
        "remove": {"marked": "acme"},
        "until": {"marked": "acme"},
        "call": {"title": "T"},
        "delete": {},
    }
    for button, fields in changes.items():
        assert (await mo.press(page, done.one(f'button[value="{button}"]'), version="1", **fields)).status == 412


async def test_a_list_that_rules_name_is_not_deleted(gatepost: Gatepost, mo: AtDesk) -> None:
    page = await made(mo)
    admin = gatepost.reader("root", **ADMIN)
    document = of_rules(NAMES_SLURS)
    answer = await admin.call("PUT", "policy", json={"document": document}, headers={"If-Match": '"0"'})
    assert answer.status == 200, answer.json
    refused = await mo.press(page, page.one('button[value="delete"]'))
    assert refused.status == 409
    assert "Slurs wait" in refused.text
    assert refused.all('button[value="delete"]') == []


async def test_entries_say_what_they_found(gatepost: Gatepost, mo: AtDesk) -> None:
    await added(mo, await made(mo), "acme\nbingo")
    admin = gatepost.reader("root", **ADMIN)
    await admin.call("PUT", "policy", json={"document": of_rules(NAMES_SLURS)}, headers={"If-Match": '"0"'})
    held = (await gatepost.reader("ada").submit("Bingo!")).json["comment"]
    page = await mo.open("lists/slurs?order=matched")
    assert [one.get("data-entry") for one in page.all(".entries li")] == ["bingo", "acme"]
    assert "found in 1 text in 30 days" in page.says('[data-entry="bingo"]')
    await gatepost.moderator().decide(held["id"], "approve", 1)
    assert "found in 0 texts" in (await mo.open("lists/slurs?q=ac")).text


async def test_a_list_is_called_otherwise(gatepost: Gatepost, mo: AtDesk) -> None:
    page = await made(mo)
    page = await mo.press(page, page.one('button[value="call"]'), title="Words we hold", kind="hosts", note="n")
    assert (page.says("h1"), page.says(".flash")) == ("Words we hold", "Saved.")
    kept = (await gatepost.moderator().get("lists/slurs")).json["list"]
    assert (kept["kind"], kept["note"], kept["changed_by"]["name"]) == ("hosts", "n", "Mo")
    blank = await mo.press(page, page.one('button[value="call"]'), title="  ")
    assert (blank.status, blank.one("form input[name=title]").get("value")) == (422, "  ")
