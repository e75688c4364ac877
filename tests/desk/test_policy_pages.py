"""The desk's pages of the policy: read in sentences, changed as text, tried, taken back."""

import json
from dataclasses import replace
from typing import Any

import pytest

from service.triage import starters
from tests.desk.stage import AtDesk, Page
from tests.harness import Gatepost
from tests.triage.policies import of_rules

ADMIN: dict[str, Any] = {"roles": ["admin"]}
LINKS = {
    "id": "links-hold",
    "title": "Links of newcomers",
    "for": ["newcomers"],
    "not_for": ["staff"],
    "when": [{"links.count": {"at_least": 1}}],
}
FIRST = {
    **of_rules(LINKS),
    "tests": [
        {"name": "a link waits", "text": "https://a.example/", "given": {"author.approved": 0}, "expect": "hold"}
    ],
}


@pytest.fixture
def root(gatepost: Gatepost) -> AtDesk:
    """An administrator."""
    return AtDesk(gatepost, "root", **ADMIN)


async def put(desk: AtDesk, document: Any, **more: Any) -> Page:
    """Let a document hold, by the page on which it is edited."""
    page = await desk.open("policy/edit")
    text = document if isinstance(document, str) else json.dumps(document, indent=1)
    return await desk.press(page, page.one('button[value="put"]'), document=text, **more)


async def holding(gatepost: Gatepost) -> Any:
    """What the API says of the policy."""
    return (await gatepost.moderator().get("policy")).json


async def test_a_site_begins_with_rules_that_are_ready(gatepost: Gatepost, root: AtDesk) -> None:
    page = await root.open("policy")
    assert "This site has no rules yet." in page.text
    assert [one.get("data-starter") for one in page.all("[data-starter]")] == list(starters.names())
    begun = await root.press(page, page.one('[data-starter="newcomers-wait"] button'))
    assert begun.says(".flash") == "These rules hold now, for every comment that comes."
    assert (await holding(gatepost))["policy"]["document"] == starters.document("newcomers-wait")
    assert begun.all("[data-starter]") == []


async def test_the_rules_are_sentences(gatepost: Gatepost, root: AtDesk, mo: AtDesk) -> None:
    assert (await put(root, FIRST, note="links")).status == 200
    page = await mo.open("policy")
    rule = page.one('[data-rule="links-hold"]')
    assert " ".join(rule.cssselect("p")[0].text_content().split()) == (
        "For newcomers, but not for staff, when the text has a link: hold for you."
    )
    german = await mo.open("policy", headers={"Accept-Language": "de"})
    assert "Für Neue, aber nicht für das Team, wenn der Text einen Link hat: für Sie aufhalten." in german.text


async def test_a_moderator_reads_checks_and_tries_but_lets_nothing_hold(
    gatepost: Gatepost, root: AtDesk, mo: AtDesk
) -> None:
    await put(root, FIRST)
    for address in ("policy", "policy/edit"):
        page = await mo.open(address)
        assert "needs the role of an admin" in page.text
        assert page.all('button[value="put"]') == []
    checked = await mo.press(page, page.one('button[value="check"]'))
    assert "Nothing is wrong with it: 1 rule. 1 test of its own passed." in checked.text
    fields = {"csrf": await mo.token(), "version": "1", "document": json.dumps(of_rules())}
    assert (await mo.send("/desk/blog/policy/edit", {**fields, "do": "put"})).status == 403
    assert (await mo.send("/desk/blog/policy/brakes", {"csrf": fields["csrf"], "rule": "links-hold"})).status == 403
    assert (await holding(gatepost))["policy"]["version"] == 1


async def test_what_is_wrong_stands_beside_its_line(gatepost: Gatepost, root: AtDesk) -> None:
    text = (
        '{"format": 1,\n "rules": [\n  {"id": "a", "title": "A",\n   "when": [{"link.count": {}}],\n   "then": "ban"}]}'
    )
    page = await put(root, text)
    assert page.status == 422
    wrong = {one.get("value"): one.cssselect(".told") for one in page.all("#wrong .numbered li")}
    assert list(wrong) == ["3", "4", "5"]
    assert [one.text for one in wrong["4"]] == [
        'link.count: there is no fact "link.count"; did you mean "links.count"?'
    ]
    assert "must be" in wrong["5"][0].text
    assert page.one("textarea#document").text.strip() == text, "nothing that was typed is lost"
    checked = await root.press(page, page.one('button[value="check"]'), document='{"format": 1,\n"rules": [}')
    assert [one.get("value") for one in checked.all("#wrong .numbered li") if one.cssselect(".told")] == ["2"]
    assert (await holding(gatepost))["policy"]["version"] == 0


async def test_what_is_wrong_is_said_in_the_language_of_the_page(gatepost: Gatepost) -> None:
    root = AtDesk(gatepost, "root", **ADMIN)
    root.person = replace(root.person, headers={**root.person.headers, "Accept-Language": "de"})
    page = await put(root, {**of_rules({**LINKS, "when": [{"link.count": {}}]}), "otherwise": "spam"})
    assert [one.text for one in page.all("#wrong .numbered .told")] == [
        'otherwise: muss "publish" oder "hold" sein, nicht "spam"',
        'link.count: es gibt keinen Fakt "link.count"; meinten Sie "links.count"?',
    ]
    idle = json.dumps(of_rules({**LINKS, "then": "publish"}))
    warned = await root.press(page, page.one('button[value="check"]'), document=idle)
    assert warned.one("#good .numbered .told").text.startswith("ändert nichts: Wovon keine Regel spricht")
    trial = await root.open("policy/trial")
    tried = await root.press(trial, trial.one("form.fields button"), facts="moon.phase=1")
    assert 'es gibt keinen Fakt "moon.phase"' in tried.text


async def test_a_failing_test_of_its_own_is_told_at_its_line(gatepost: Gatepost, root: AtDesk) -> None:
    failing = {**FIRST, "tests": [{"name": "a link appears", "text": "https://a.example/", "expect": "hold"}]}
    page = await put(root, json.dumps(failing, indent=1))
    assert '"a link appears" expects hold, but publish comes out' in page.says("#wrong")


async def test_somebody_was_faster(gatepost: Gatepost, root: AtDesk) -> None:
    page = await root.open("policy/edit")
    await put(AtDesk(gatepost, "jo", **ADMIN), FIRST)
    mine = json.dumps(of_rules(), indent=1)
    late = await root.press(page, page.one('button[value="put"]'), document=mine, note="no rules")
    assert late.status == 412
    assert "Jo put version 1" in late.says("#conflict")
    assert late.one("textarea#document").text.strip() == mine
    assert late.one("input[name=note]").get("value") == "no rules"
    again = await root.press(late, late.one('button[value="put"]'))
    assert again.says(".flash") == "These rules hold now, for every comment that comes."
    assert (await holding(gatepost))["policy"]["version"] == 2


async def test_an_old_version_is_let_hold_again(gatepost: Gatepost, root: AtDesk) -> None:
    await put(root, FIRST)
    await put(root, of_rules(), note="no rules")
    page = await root.open("policy/versions")
    assert [one.get("data-version") for one in page.all(".lines li")] == ["2", "1"]
    old = await root.open("policy/versions/1")
    assert "when the text has a link" in old.text
    again = await root.press(old, old.one('button[value="put"]'))
    assert again.one("main").get("data-version") == "3"
    now = (await holding(gatepost))["policy"]
    assert (now["document"], now["note"]) == (FIRST, "version 1 again")


async def test_a_text_is_tried(gatepost: Gatepost, root: AtDesk, mo: AtDesk) -> None:
    await put(root, FIRST)
    page = await mo.open("policy/trial")
    tried = await mo.press(page, page.one("form.fields button"), text="See https://a.example/ now")
    assert tried.one("#result").get("data-outcome") == "hold"
    assert [one.get("data-spoke") for one in tried.all("[data-spoke]")] == ["links-hold"]
    assert tried.says("#result mark") == "https://a.example/"
    regular = await mo.press(tried, tried.one("form.fields button"), approved="3")
    assert regular.one("#result").get("data-outcome") == "publish"
    wrong = await mo.press(page, page.one("form.fields button"), facts="links.count=1\nlinks.count\nnothing=1")
    assert (wrong.status, wrong.all("#result")) == (422, [])
    assert [one.get("value") for one in wrong.all(".numbered li") if one.cssselect(".told")] == ["2"]
    unknown = await mo.press(page, page.one("form.fields button"), facts="links.count=1\nnothing=1")
    assert 'there is no fact "nothing"' in unknown.says(".numbered")


async def test_a_text_is_tried_with_a_draft(gatepost: Gatepost, root: AtDesk) -> None:
    page = await root.open("policy/edit")
    draft = json.dumps(FIRST)
    tried = await root.press(page, page.one('button[value="try"]'), document=draft, text="https://a.example/")
    assert tried.one("#result").get("data-outcome") == "hold"
    assert tried.one("textarea#document").text.strip() == draft
    assert (await holding(gatepost))["policy"]["version"] == 0


async def test_a_text_of_very_many_lines_is_refused(root: AtDesk) -> None:
    """Each line has its number on the page."""
    page = await root.open("policy/edit")
    told = await root.press(page, page.one('button[value="check"]'), document="\n" * 20_000)
    assert told.status == 422
    assert "must have at most 20,000 lines" in told.text
