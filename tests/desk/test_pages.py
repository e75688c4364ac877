"""The desk's other pages: one comment, an author, a post, the record, the settings."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, cast
from urllib.parse import urljoin

import pytest
from multidict import CIMultiDictProxy

from service.desk import words
from service.transfer.imported import BodyFormat
from service.web.surface import EVENT_STREAM
from tests.desk.rules import put
from tests.desk.stage import AtDesk
from tests.desk.test_safety import SITED, filled
from tests.harness import Gatepost
from tests.transfer.bringing import bring
from tests.transfer.bringing import comment as imported

ENTERED = "input:not([type=hidden]):not([type=radio])"
"""Fields in which Enter presses a button of their form."""


async def test_a_comment_in_its_thread_with_its_versions_and_record(gatepost: Gatepost, mo: AtDesk) -> None:
    root = await gatepost.approved("The root.", by="bea")
    ada = gatepost.reader("ada")
    reply = (await ada.submit("A reply.", parent_id=root["id"])).json["comment"]
    await ada.edit(reply["id"], "A better reply.", 1)
    await gatepost.reader("cem").submit("Below.", parent_id=reply["id"])
    await gatepost.moderator().decide(reply["id"], "approve", 2, reason="on-topic")
    below = await gatepost.reader("cem").submit("Below it.", parent_id=reply["id"])
    assert below.status == 202

    page = await mo.open(f"c/{reply['id']}")
    assert page.says("section[aria-labelledby=above] .folded") == "The root."
    assert page.says("section[aria-labelledby=below] li:last-child .folded") == "Below it."
    versions = page.one("section[aria-labelledby=versions]")
    assert [" ".join(one.text_content().split()) for one in versions.cssselect(".source")] == [
        "A reply.",
        "A better reply.",
    ]
    assert [one.text for one in versions.cssselect("ins")] == ["better "]
    assert "Reason: on-topic" in page.says("section[aria-labelledby=lines]")
    undone = await mo.press(page, page.one(".lines button"))
    assert undone.one("main").get("data-page") == "comment"
    assert [one.get("href").rpartition("#")[0] for one in undone.all(".lines a") if "#d-" in one.get("href")] == [
        f"../c/{reply['id']}"
    ] * 2
    assert "Taken back since" in undone.text


async def test_what_an_imported_text_was_made_of_is_shown_as_plain_text(gatepost: Gatepost, mo: AtDesk) -> None:
    made_of = "<p>Once <b>so</b>.</p>"
    found = [imported(1, body=made_of, body_format=BodyFormat.HTML), imported(2)]
    await bring(gatepost.running.database, found)
    ids = [item["id"] for item in (await gatepost.public(post="%2Fone"))["comments"]]
    assert (await mo.open(f"c/{ids[0]}")).says("details.box .source") == made_of
    assert (await mo.open(f"c/{ids[1]}")).all("details.box") == []


async def test_the_script_gets_the_card_alone(gatepost: Gatepost, mo: AtDesk) -> None:
    comment = (await gatepost.reader("ada").submit("Words.")).json["comment"]
    part = await mo.open(f"c/{comment['id']}", headers={"X-Gatepost-Part": "1"})
    assert (part.status, part.document.tag) == (200, "article")
    assert part.document.get("data-comment-id") == comment["id"]
    missing = await mo.open("c/nothing", headers={"X-Gatepost-Part": "1"})
    assert (missing.status, missing.document.get("data-problem")) == (404, "unknown-comment")


async def test_an_unknown_comment_author_or_site_is_404(mo: AtDesk, gatepost: Gatepost) -> None:
    assert (await mo.open("c/00000000-0000-7000-8000-000000000000")).status == 404
    assert (await mo.open("authors/nobody")).status == 404
    assert (await gatepost.visitor.get("/desk/nowhere/")).status == 404


async def test_an_author_is_banned_trusted_and_noted(gatepost: Gatepost, mo: AtDesk) -> None:
    comment = await gatepost.approved("Words.", by="ada")
    await gatepost.reader("ada").submit("More.")
    key = comment["author"]["key"]
    page = await mo.open(f"authors/{key}")
    assert page.says("h1") == "Ada"
    assert "1 published, 0 refused, 1 wait" in page.text
    numbers = {link.text for link in page.all(".head nav a")}
    assert numbers == {"all", "pending 1", "published 1", "rejected 0", "spam 0", "deleted 0"}
    assert len(page.all("[data-card]")) == 2

    async def standing() -> Any:
        return (await gatepost.moderator().get(f"authors/{key}")).json["author"]

    page = await mo.press(page, page.one('button[value="ban-7"]'))
    assert page.says(".flash") == "Saved."
    assert (await standing())["banned_until"] is not None
    assert (await gatepost.reader("ada").submit("Why?")).status == 403
    page = await mo.press(page, page.one('button[value="ban-forever"]'))
    assert "Banned for ever." in page.text
    page = await mo.press(page, page.one('button[value="unban"]'))
    assert (await standing())["banned_until"] is None
    page = await mo.press(page, page.one('button[value="ban-until"]'), until="2031-02-03T04:05")
    assert (await standing())["banned_until"] == "2031-02-03T04:05:00.000Z"
    refused = await mo.press(page, page.one('button[value="ban-until"]'), until="2031-02-33T04:05")
    assert refused.status == 422
    page = await mo.press(page, page.one('button[value="trust"]'))
    page = await mo.press(page, page.one('button[value="note"]'), note="Knows bees.")
    assert ((await standing())["trusted"], (await standing())["note"]) == (True, "Knows bees.")
    page = await mo.press(page, page.one('button[value="distrust"]'))
    page = await mo.press(page, page.one('button[value="note"]'), note="")
    assert ((await standing())["trusted"], (await standing())["note"]) == (False, None)


async def test_everything_of_an_author_that_waits_is_rejected(gatepost: Gatepost, mo: AtDesk) -> None:
    approved = await gatepost.approved("Words.", by="ada")
    await gatepost.reader("ada").submit("More.")
    await gatepost.reader("bea").submit("Mine.")
    page = await mo.open(f"authors/{approved['author']['key']}")
    shown = await mo.press(page, page.one('form[action$="bulk/preview"] button'))
    done = await mo.press(shown, shown.one("main form button"))
    assert done.one("main").get("data-decided") == "1"
    rejected = await mo.open(f"authors/{approved['author']['key']}?status=rejected")
    assert len(rejected.all("[data-card]")) == 1
    assert len((await mo.open()).all("[data-card]")) == 1


async def test_a_post_is_closed_and_opened(gatepost: Gatepost, mo: AtDesk) -> None:
    await gatepost.approved("Public words.", post="2005%2F07")
    waits = (await gatepost.reader("bea").submit("Waits.", post="2005%2F07")).json["comment"]
    page = await mo.open("posts/2005%2F07")
    assert page.one("main").get("data-post") == "2005/07"
    assert page.card(waits["id"]) is not None
    assert "Public words." in page.says("section[aria-labelledby=thread]")
    closed = await mo.press(page, page.one('button[value="close"]'))
    assert "Closed: nobody can comment." in closed.text
    assert (await gatepost.reader("ada").submit("Late.", post="2005%2F07")).code == "post-closed"
    opened = await mo.press(closed, closed.one('button[value="open"]'))
    assert "Open for comments." in opened.text
    decided = await mo.press(opened, opened.card(waits["id"]).cssselect('button[value="approve"]')[0])
    assert decided.one("main").get("data-page") == "post"
    assert decided.says(".flash p") == "Approved. Comment by Bea"


async def test_the_record_is_narrowed_and_undone(gatepost: Gatepost, mo: AtDesk) -> None:
    first = await gatepost.approved("One.", by="ada")
    await gatepost.approved("Two.", by="bea", post="other")
    page = await mo.open("record")
    assert [one.cssselect("strong")[0].text for one in page.all(".lines li")] == [
        "Approved",
        "Held for review",
        "Approved",
        "Held for review",
    ]
    assert {one.get("data-by") for one in page.all(".lines li")} == {"moderator", "policy"}
    assert len((await mo.open("record?action=approve&post=other")).all(".lines li")) == 1
    assert len((await mo.open(f"record?author={first['author']['key']}&action=approve")).all(".lines li")) == 1
    assert len((await mo.open("record?since=2999-01-01")).all(".lines li")) == 0
    assert (await mo.open("record?since=2025-02-30")).status == 422
    narrowed = await mo.open("record?action=approve")
    undone = await mo.press(narrowed, narrowed.all(".lines button")[0])
    assert undone.address.startswith("/desk/blog/record?action=approve&done=")
    assert [len(one.cssselect("button")) for one in undone.all(".lines li")] == [0, 1]


async def test_the_record_shows_the_text_that_was_decided_about(gatepost: Gatepost, mo: AtDesk) -> None:
    """Whatever became of it since; what has another one now says so."""
    comment = await gatepost.approved("First words.")
    ada, moderator = gatepost.reader("ada"), gatepost.moderator()
    edited = (await ada.edit(comment["id"], "Second words.", 2)).json["comment"]
    kept = (await moderator.decide(comment["id"], "discard_edit", edited["version"])).json["comment"]
    again = (await ada.edit(comment["id"], "Third words.", kept["version"])).json["comment"]
    await moderator.decide(comment["id"], "approve", again["version"])
    told = ["Third words.", "Second words. (changed since)", "First words. (changed since)"]
    for address in ("record?action=approve", "record", f"authors/{comment['author']['key']}"):
        lines = (await mo.open(address)).all(".lines li:not([data-by=policy]) .about")
        said = [" ".join(line.text_content().split()).removeprefix("Comment by Ada: ") for line in lines]
        assert said == ([told[0], told[2]] if "action" in address else told), address


@pytest.mark.sqlite_only(reason="takes texts out of the file")
async def test_the_record_says_where_a_text_is_not_known(gatepost: Gatepost, mo: AtDesk, store_path: Path) -> None:
    comment = await gatepost.approved("First words.")
    edited = (await gatepost.reader("ada").edit(comment["id"], "Second words.", 2)).json["comment"]
    await gatepost.moderator().decide(comment["id"], "approve", edited["version"])
    with closing(sqlite3.connect(store_path)) as store:
        store.execute("DELETE FROM revisions")
        store.commit()
    first = (await mo.open("record?action=approve")).all(".lines .about")[1]
    assert "Second words. (as it is now)" in " ".join(first.text_content().split())


async def test_the_record_is_narrowed_to_a_person_a_comment_and_days(gatepost: Gatepost, mo: AtDesk) -> None:
    first = await gatepost.approved("One.")
    other = (await gatepost.reader("bea").submit("Two.")).json["comment"]
    await gatepost.moderator("jo").decide(other["id"], "spam", 1)
    page = await mo.open("record")
    (only_mine,) = [link for link in page.all(".filter a") if link.text == "Only mine"]
    mine = await mo.open(only_mine.get("href"))
    assert [one.cssselect(".who")[0].text_content() for one in mine.all(".lines li")] == ["Mo"]
    (jo,) = [link for link in page.all(".lines .who a") if link.text == "Jo"]
    assert len((await mo.open(jo.get("href"))).all(".lines li")) == 1
    assert len((await mo.open(f"record?comment={first['id']}")).all(".lines li")) == 2
    assert len((await mo.open("record?until=2999-01-01")).all(".lines li")) == 4
    assert "No decision here fits this filter." in (await mo.open("record?until=2001-01-01")).text


async def test_the_record_is_narrowed_to_a_reason(gatepost: Gatepost, mo: AtDesk) -> None:
    """As it was given. The field offers those of the site's catalogue and of the page; a reason leads to its like."""
    await put(gatepost, {"format": 1, "otherwise": "hold", "reasons": [{"code": "personal", "text": "Too personal."}]})
    ada = gatepost.reader("ada")
    for number, reason in enumerate(["off topic & rude", "off topic & rude", "off", None]):
        comment = (await ada.submit(f"Number {number}.")).json["comment"]
        await gatepost.moderator().decide(comment["id"], "reject", 1, reason=reason)
    page = await mo.open("record")
    assert [one.get("value") for one in page.all("#reasons option")] == ["off", "off topic & rude", "personal"]
    link = next(one for one in page.all(".lines a") if one.text == "Reason: off topic & rude")
    narrowed = await mo.open(link.get("href"))
    assert [one.text for one in narrowed.all(".lines li > p > a") if one.text.startswith("Reason")] == [link.text] * 2
    assert narrowed.one("input[name=reason]").get("value") == "off topic & rude"
    assert len((await mo.open("record?reason=off&action=reject")).all(".lines li")) == 1
    assert len((await mo.open("record?reason=&action=reject")).all(".lines li")) == 4
    assert "No decision here fits this filter." in (await mo.open("record?reason=of")).text


async def test_settings_are_kept_in_the_browser(gatepost: Gatepost, mo: AtDesk) -> None:
    answer = await mo.person.call(
        "POST",
        "/desk/blog/settings",
        data={"csrf": await mo.token(), "language": "de", "theme": "dark", "back": "settings"},
        headers={"Sec-Fetch-Site": "same-origin"},
        allow_redirects=False,
    )
    kept = cast(CIMultiDictProxy[str], answer.headers).getall("Set-Cookie")
    assert all("HttpOnly" in one and "SameSite=Lax" in one for one in kept)
    cookies = "; ".join([mo.person.headers["Cookie"], *(one.partition(";")[0] for one in kept)])
    page = await mo.open("settings", headers={"Cookie": cookies})
    assert (page.one("html").get("lang"), page.one("html").get("data-theme")) == ("de", "dark")
    assert page.one("input[name=language][checked]").get("value") == "de"


RULES = ("lists", "lists/slurs", "policy", "policy/edit", "policy/trial", "policy/versions", "policy/versions/1")


async def test_all_links_are_relative_to_the_page(gatepost: Gatepost, mo: AtDesk) -> None:
    """So the desk works below any path that a proxy puts before it, taken away or not."""
    comment = await gatepost.approved("Words.")
    await gatepost.reader("bea").submit("More.", parent_id=comment["id"])
    made = {"title": "Slurs", "kind": "words"}
    await gatepost.moderator().call("PUT", "lists/slurs", json=made, headers={"If-None-Match": "*"})
    rule = {"id": "a", "title": "A", "when": [{"lists.matched": {"any_of": ["slurs"]}}], "then": "hold"}
    document = {"document": {"format": 1, "rules": [rule]}}
    await gatepost.reader("root", roles=["admin"]).call("PUT", "policy", json=document, headers={"If-Match": '"0"'})
    for address in (
        "",
        f"c/{comment['id']}",
        f"authors/{comment['author']['key']}",
        "posts/post",
        "record",
        "c/no",
        *RULES,
    ):
        page = await mo.open(address)
        found = [*page.all("[href]:not([target])"), *page.all("[src]"), *page.all("form:not([method=dialog])")]
        links = [one.get("href") or one.get("src") or one.get("action") for one in found]
        assert len(links) > 3
        for link in links:
            assert link.startswith(("./", "../", "#")), (address, link)
            assert urljoin(f"https://proxy.example/below/desk/blog/{address}", link).startswith(
                "https://proxy.example/below/desk/"
            )


def _words(code: str) -> dict[str, str]:
    return dict(json.loads((words.FOLDER / f"{code}.json").read_text("utf-8")))


@pytest.mark.parametrize("code", words.CODES)
def test_every_language_has_the_same_words_with_the_same_values(code: str) -> None:
    english, other = _words("en"), _words(code)
    assert set(other) == set(english)
    values = re.compile(r"\{\w+\}")
    differ = [name for name in other if sorted(values.findall(other[name])) != sorted(values.findall(english[name]))]
    assert differ == []
    assert {path.stem for path in words.FOLDER.glob("*.json")} == set(words.CODES)
    assert {path.stem for path in words.FOLDER.glob("policy/*.json")} == set(words.CODES) - {"en"}


async def test_enter_in_a_field_presses_the_button_of_that_field(gatepost: Gatepost, mo: AtDesk) -> None:
    """Browsers press the first button of a form: so one with a field has no other, or one that changes nothing."""
    names = await filled(gatepost)
    await gatepost.moderator().call(
        "PATCH", "lists/slurs/entries", headers={"If-Match": '"1"'}, json={"add": [{"value": "acme"}]}
    )
    banned = await mo.open(f"authors/{names['key']}")
    await mo.press(banned, banned.one('button[value="ban-7"]'))
    seen = 0
    for route in SITED:
        if route.method != "GET" or route.media_type == EVENT_STREAM:
            continue
        page = await mo.open(route.path.format(**names))
        for form in page.all("form"):
            buttons = form.cssselect("button:not([type=button])")
            if not form.cssselect(ENTERED) or form.get("method") == "get":
                continue
            seen += 1
            first = buttons[0]
            assert len(buttons) == 1 or first.get("value") == "check" or first.get("disabled") is not None, (
                page.address,
                form.get("action"),
            )
    assert seen >= 6
