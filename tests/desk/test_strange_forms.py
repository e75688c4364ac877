"""Forms as nobody sends them on purpose, and what somebody typed in the field beside the button."""

import json
from typing import Any

import pytest

from tests.desk.stage import AtDesk
from tests.harness import Gatepost
from tests.triage.policies import of_rules


@pytest.fixture
def root(gatepost: Gatepost) -> AtDesk:
    """An administrator."""
    return AtDesk(gatepost, "root", roles=["admin"])


async def test_a_draft_upon_a_version_that_never_was_is_a_conflict(root: AtDesk) -> None:
    fields = {"csrf": await root.token(), "version": "7", "document": json.dumps(of_rules()), "do": "put"}
    page = await root.send("/desk/blog/policy/edit", fields)
    assert page.status == 412
    assert page.one("main").get("data-version") == "0"
    assert page.all("#conflict")


async def test_a_draft_that_is_nothing_is_not_tried_with_the_rules_that_hold(root: AtDesk) -> None:
    fields = {"csrf": await root.token(), "version": "0", "document": "null", "do": "try", "text": "x"}
    page = await root.send("/desk/blog/policy/edit", fields)
    assert (page.status, page.says("#wrong .told")) == (422, "must be an object")


async def test_a_note_may_be_as_long_as_its_field(gatepost: Gatepost, mo: AtDesk) -> None:
    """A browser counts the end of a line as one character, and sends two."""
    comment = (await gatepost.reader("ann").submit("Words.")).json["comment"]
    note = "\n".join(["x"] * 1000) + "y"
    page = await mo.open()
    buttons = page.card(comment["id"]).cssselect(".decide button")
    done = await mo.press(page, buttons[0], note=note.replace("\n", "\r\n"))
    assert done.status == 200
    notes = [one["note"] for one in (await gatepost.moderator().get("decisions")).json["decisions"]]
    assert notes[-1] == note


async def test_a_conflict_names_the_rules_in_the_language_of_the_page(
    gatepost: Gatepost, root: AtDesk, mo: AtDesk
) -> None:
    rule = {"id": "spam-word", "title": "Spam", "when": [{"links.count": {"at_least": 1}}], "then": "spam"}
    comment = (await gatepost.reader("ann").submit("Words.")).json["comment"]
    page = await mo.open(headers={"Accept-Language": "de"})
    put = {"csrf": await root.token(), "version": "0", "document": json.dumps(of_rules(rule)), "do": "put"}
    assert (await root.send("/desk/blog/policy/edit", put)).status == 200
    await gatepost.reader("ann").edit(comment["id"], "More at https://a.example/", 1)
    button = page.card(comment["id"]).cssselect(".decide button")[0]
    owner = dict(AtDesk._values(page, button.getparent().getparent()))
    german: dict[str, Any] = {"Accept-Language": "de"}
    shown = await mo.send("/desk/blog/decide", {**owner, "action": "approve"}, part=False, **german)
    assert shown.status == 409
    assert "Site policy" not in shown.text
    assert "Regeln der Site" in shown.says(".conflict")


async def test_trusting_somebody_keeps_the_note_that_was_typed_beside_it(gatepost: Gatepost, mo: AtDesk) -> None:
    comment = (await gatepost.reader("ann").submit("Words.")).json["comment"]
    page = await mo.open(f"authors/{comment['author']['key']}")
    after = await mo.press(page, page.one('button[value="trust"]'), note="A colleague.")
    assert after.one("#note").text.strip() == "A colleague."
