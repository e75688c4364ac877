"""What a card says of rules: which of them spoke, what checks saw, where in the text, and how urgent that makes it."""

import gzip
from typing import Any

import pytest

from service.desk import words as languages
from service.desk.why import told
from service.triage.checks import CHECKS
from tests.desk.ruling import LINKS, WORDS, rules, said, words
from tests.desk.stage import AtDesk, Page
from tests.harness import Gatepost

GERMAN = {"Accept-Language": "de"}


def ruled(page: Page, comment: Any) -> list[str]:
    """What the card says of rules."""
    return [" ".join(one.text_content().split()) for one in page.card(comment["id"]).cssselect(".ruled li")]


def marked(page: Page, comment: Any, within: str = "") -> list[tuple[str, str]]:
    """What is marked in the text, and what each says."""
    return [(one.text_content(), one.get("title")) for one in page.card(comment["id"]).cssselect(f"{within} mark")]


async def test_a_card_says_which_rule_holds_it_and_what_was_seen(gatepost: Gatepost, mo: AtDesk) -> None:
    await words(gatepost, "casino")
    await rules(gatepost, LINKS, WORDS)
    comment = await said(gatepost, "My *c a s i n o* is at https://a.example/ and https://b.example/")

    page = await mo.open()

    assert ruled(page, comment) == [
        "Held by a rule: No games of chance – “c a s i n o”, which reads “casino”, of the list Games of chance",
        "Held by a rule: Links are looked at – 2 links",
        "Also seen: links to 2 hosts that are new here",
    ]
    found = marked(page, comment, ".text")
    assert [text for text, _ in found] == ["c a s i n o", "https://a.example/", "https://b.example/"]
    assert found[0][1] == "No games of chance: “c a s i n o”, which reads “casino”, of the list Games of chance"
    assert found[1][1].startswith("Links are looked at: 2 links")
    assert "A rule of this site holds it." not in page.text
    assert "[a.example]" not in page.text, "the address says it already"


async def test_in_german_too(gatepost: Gatepost, mo: AtDesk) -> None:
    await words(gatepost, "casino")
    await rules(gatepost, LINKS, WORDS)
    comment = await said(gatepost, "Casino: https://casino.example/")
    page = await mo.open(headers=GERMAN)
    assert ruled(page, comment) == [
        "Von einer Regel aufgehalten: No games of chance – das Wort „casino“ der Liste Games of chance",
        "Von einer Regel aufgehalten: Links are looked at – 1 Link",
        "Außerdem aufgefallen: ein Link zu einem Host, der hier neu ist",
    ]


async def test_what_is_not_to_be_seen_in_the_html_is_marked_in_the_source(gatepost: Gatepost, mo: AtDesk) -> None:
    await rules(gatepost, LINKS)
    body = "See [this](https://casino.example/) & <b>that</b>"
    comment = await said(gatepost, body)
    for address in ("", f"c/{comment['id']}"):
        card = (await mo.open(address)).card(comment["id"])
        (source,) = card.cssselect(".source")
        assert source.text_content() == body
        assert [one.text for one in source.cssselect("mark")] == ["https://casino.example/"]
        (readers,) = card.cssselect("details > .text")
        assert "this [casino.example]" in " ".join(readers.text_content().split())
        assert readers.cssselect("mark") == []


async def test_an_edit_is_marked_in_the_new_text(gatepost: Gatepost, mo: AtDesk) -> None:
    await rules(gatepost, LINKS)
    comment = await gatepost.approved("Bees and wasps.")
    await gatepost.reader("ada").edit(comment["id"], "Bees: https://bees.example/", comment["version"])
    card = (await mo.open()).card(comment["id"])
    assert [one.text for one in card.cssselect("section:nth-child(2) ins mark")] != []
    assert "".join(one.text for one in card.cssselect("section:nth-child(2) mark")) == "https://bees.example/"
    assert card.cssselect("section:nth-child(1) mark") == []
    assert "The author changed an approved comment." in card.text_content()


def test_a_check_that_could_not_run_is_named() -> None:
    judgement = {
        "outcome": "hold",
        "by": ["new-hosts"],
        "rules": [
            {"id": "new-hosts", "title": "New hosts", "said": "hold", "braked": False},
            {"id": "trusted-pass", "title": "Trusted pass", "said": "publish", "braked": True},
        ],
        "could_not_judge": [
            {"rule": "new-hosts", "check": "hosts", "text": "The links of earlier comments are still being read."},
            {"rule": "new-hosts", "check": "remote", "text": 'The check "remote" could not run.'},
        ],
        "verdicts": [],
        "facts": {},
    }
    found = told(judgement, "Words.", {}, languages.named("en"))
    assert [(rule.words, rule.is_braked) for rule in found.rules] == [
        ("ruled.unknown", False),
        ("ruled.other.publish", True),
    ]
    assert found.rules[0].saw == [
        'the check “new hosts” could not run <i lang="en">(The links of earlier comments are still being read)</i>',
        "the check “remote” could not run",
    ]


async def test_every_verdict_is_told_in_every_language(gatepost: Gatepost, mo: AtDesk) -> None:
    """What checks say of texts that have everything about them; no sentence is left in English."""
    await words(gatepost, "casino", "poker*")
    every = {"when": [{}], "id": "every", "title": "Every"}
    await rules(gatepost, every)
    shout = "BUY ALL THIS NOW, AND ALL OF THAT AS WELL!!!!!!!!!!!!"
    for body in (
        shout,
        f"{shout}!",
        "cаsino (with a Cyrillic letter) and pokerface",
        "[www.a.example](https://b.example/) https://bit.ly/x https://xn--80ak6aa92e.example/",
    ):
        await said(gatepost, body)
        gatepost.clock.advance(seconds=120)
    entries = (await gatepost.moderator().get("queue")).json["entries"]
    verdicts = [verdict for entry in entries for verdict in entry["judgement"]["verdicts"]]
    codes = {verdict["code"] for verdict in verdicts}
    assert codes >= {
        "links",
        "lookalike",
        "shows-another-host",
        "shortener",
        "word-matched",
        "newcomer",
        "repeated-by-author",
        "repeated-on-site",
        "repeated-run",
        "capitals",
        "disguised",
    }
    for entry in entries:
        for code in languages.CODES:
            judgement = {**entry["judgement"], "verdicts": [{**one, "lean": "hold"} for one in verdicts]}
            facts = {**judgement["facts"]}
            for other in entries:
                facts |= {name: value for name, value in other["judgement"]["facts"].items() if value}
            found = told({**judgement, "facts": facts}, entry["comment"]["body"], {}, languages.named(code))
            spoken = {str(mark.title) for mark in found.marks} | {str(one) for one in found.also}
            assert spoken.isdisjoint({one["text"].rstrip(".") for one in verdicts})


@pytest.mark.parametrize("code", languages.CODES)
def test_every_check_has_a_name_in_every_language(code: languages.Code) -> None:
    known = languages.named(code).words
    assert [check.name for check in CHECKS if f"check.{check.name}" not in known] == []


async def test_how_urgent_an_entry_is_stands_where_these_come_first(gatepost: Gatepost, mo: AtDesk) -> None:
    await words(gatepost, "casino")
    await rules(gatepost, LINKS, WORDS)
    comment = await said(gatepost, "Casino.")
    gatepost.clock.advance(seconds=3 * 3600)
    mo = AtDesk(gatepost)
    assert "Urgency" not in (await mo.open()).text
    page = await mo.open("?order=priority")
    assert ruled(page, comment)[-1] == "Urgency 38: 18 for waiting, 20 by rules of this site"


async def test_the_queue_is_narrowed_by_what_rules_said(gatepost: Gatepost, mo: AtDesk) -> None:
    await words(gatepost, "casino")
    await rules(gatepost, LINKS, WORDS)
    linked = await said(gatepost, "https://a.example/")
    gatepost.clock.advance(seconds=1)
    listed = await said(gatepost, "A casino.", by="bea")
    page = await mo.open()
    assert [one.get("name") for one in page.all(".filter select")] == [
        *("reason", "claimed", "order", "rule", "list", "check", "outcome"),
    ]
    assert [(one.get("value"), one.text) for one in page.all("select[name=rule] option")] == [
        ("", "any"),
        ("links-hold", "Links are looked at"),
        ("games-hold", "No games of chance"),
    ]
    for query, found in (
        ("rule=links-hold", [linked]),
        ("list=games", [listed]),
        ("check=lists", [listed]),
        ("outcome=hold", [linked, listed]),
        ("outcome=spam", []),
        ("rule=games-hold&list=games&q=casino", [listed]),
        ("rule=forgotten", []),
    ):
        page = await mo.open(f"?{query}")
        assert [one.get("data-comment-id") for one in page.all("[data-card]")] == [one["id"] for one in found], query
    assert page.one("select[name=rule] option[selected]").get("value") == "forgotten"
    page = await mo.open("?list=games")
    taken = await mo.press(page, page.one(".claims [value=take]"))
    assert (taken.address, len(taken.all("[data-card]"))) == ("/desk/blog/?list=games&claimed=mine", 1)
    shown = await mo.press(taken, taken.one("#bulk [value=reject]"), which="matching")
    assert shown.one("main").get("data-would-change") == "1"
    assert (await mo.open("?rule=%3Cb%3E")).status == 422


async def test_without_rules_there_is_nothing_of_them(gatepost: Gatepost, mo: AtDesk) -> None:
    await said(gatepost, "See https://a.example/")
    page = await mo.open()
    assert [one.get("name") for one in page.all(".filter select")] == ["reason", "claimed", "order"]
    assert page.all(".ruled, mark, nav a[href$=ruled]") == []


async def test_what_humans_decided_needs_no_other_reason(gatepost: Gatepost, mo: AtDesk) -> None:
    await rules(gatepost, LINKS)
    comment = await gatepost.approved("See https://a.example/")
    assert (await mo.open(f"c/{comment['id']}")).all(".ruled, mark") == []


async def test_the_audit_sample_is_shown_without_what_rules_said(gatepost: Gatepost, mo: AtDesk) -> None:
    await rules(gatepost, {**LINKS, "then": "spam"}, audit_share=0.5)
    found = [await said(gatepost, f"https://a.example/{number}") for number in range(12)]
    page = await mo.open()
    assert 0 < len(page.all("[data-card]")) < len(found)
    assert page.all("[data-rule], mark") == []


async def test_a_page_of_rules_costs_no_more_than_another(gatepost: Gatepost, statements: list[str]) -> None:
    """Twenty cards that say why: as many statements and bytes as `test_queue_page` allows."""
    await words(gatepost, "casino", "poker")
    await rules(gatepost, LINKS, WORDS)
    text = "I have kept bees on a roof for *twenty* years. See https://bees.example/{n} for casino and poker."
    for number in range(24):
        await said(gatepost, text.replace("{n}", str(number)), by=f"reader{number}", post=f"p{number % 12}")
    asked = []
    for _ in range(3):  # what a job in the background asks meanwhile is not the page's
        statements.clear()
        page = await AtDesk(gatepost).open()
        asked.append(list(statements))
    fewest = min(asked, key=len)
    assert len(page.all("[data-card] mark")) == 60
    assert 5 < len(fewest) <= 12, "\n".join(fewest)
    assert len(gzip.compress(page.answer.body, 9)) <= 12_000
