"""The queue's page: what its cards say, how it is narrowed, and what it costs."""

import gzip
import threading
from typing import Any

import pytest
from lxml import html

from service.desk import difference
from tests.desk.stage import AtDesk, Page
from tests.harness import Gatepost


async def submitted(gatepost: Gatepost, body: str, *, by: str = "ada", post: str = "post", **more: Any) -> Any:
    """A comment that waits."""
    answer = await gatepost.reader(by).submit(body, post=post, **more)
    assert answer.status == 202, answer.json
    return answer.json["comment"]


async def test_a_card_says_who_where_why_and_what(gatepost: Gatepost, mo: AtDesk) -> None:
    title = {"title": "A Tuesday", "url": "https://blog.example/2005/07"}
    answer = await gatepost.reader("bea").submit("First *light*.", post="2005%2F07")
    parent = answer.json["comment"]
    await gatepost.moderator().decide(parent["id"], "approve", 1)
    ada = gatepost.reader("ada", bio="Keeps bees")
    reply = (
        await ada.call(
            "POST",
            "posts/2005%2F07/comments",
            json={"body": "See [this](https://evil.example/x).", "parent_id": parent["id"], "post": title},
        )
    ).json["comment"]
    gatepost.clock.advance(seconds=3 * 3600 + 60)
    mo = AtDesk(gatepost)

    page = await mo.open()

    assert page.status == 200
    assert page.one("main").attrib["data-page"] == "queue"
    assert page.one("main").attrib["data-total"] == "1"
    assert page.one("main").attrib["data-held"] == "0"
    assert "the oldest for 3 h · you hold 0" in page.says(".head .quiet")
    card = page.card(reply["id"])
    assert (card.get("data-version"), card.get("data-state"), card.get("data-claim")) == ("1", "waiting", "free")
    said = " ".join(card.text_content().split())
    for words in (
        "Ada",
        "Keeps bees",
        "first comment",
        "waits for 3 h",
        "A Tuesday",
        "In reply to Bea",
        "First light.",
    ):
        assert words in said
    assert "This site reviews every comment." in said
    assert "this [evil.example]" in said
    assert [(one.get("value"), one.get("aria-keyshortcuts")) for one in card.cssselect(".decide > .bar button")] == [
        ("approve", "a"),
        ("reject", "r"),
        ("spam", "s"),
    ]
    assert [one.get("value") for one in card.cssselect("details button")] == ["delete"]
    assert card.cssselect(".where a")[0].get("href") == "./posts/2005%2F07"


async def test_a_card_says_how_its_author_has_fared(gatepost: Gatepost, mo: AtDesk) -> None:
    for number in range(2):
        known = await gatepost.approved(f"Good {number}.")
    refused = await submitted(gatepost, "Bad.")
    await gatepost.moderator().decide(refused["id"], "reject", 1)
    await gatepost.moderator().call("PATCH", f"authors/{known['author']['key']}", json={"trusted": True})
    waits = await submitted(gatepost, "And now?")
    await gatepost.moderator().call(
        "PATCH", f"authors/{known['author']['key']}", json={"banned_until": "2999-01-01T00:00:00.000Z"}
    )
    card = (await mo.open()).card(waits["id"])
    said = " ".join(card.cssselect("header")[0].text_content().split())
    assert "2 published, 1 refused" in said
    assert [one.text for one in card.cssselect("header .tag")] == ["banned", "trusted"]


async def test_a_long_text_can_be_folded(gatepost: Gatepost, mo: AtDesk) -> None:
    """The style sheet does that on phones. How much there is stands on the fold."""
    long, lines = await submitted(gatepost, "word " * 250), await submitted(gatepost, "line\n\n" * 8)
    short = await submitted(gatepost, "A few words.", by="bea")
    page = await mo.open()
    folds = [page.card(one["id"]).cssselect(".long + .unfold summary") for one in (long, lines, short)]
    assert [[fold.text for fold in some] for some in folds] == [
        ["All of it (1,250 characters)"],
        ["All of it (48 characters)"],
        [],
    ]


async def test_a_time_goes_with_its_exact_moment(gatepost: Gatepost, mo: AtDesk) -> None:
    comment = await submitted(gatepost, "One.")
    card = (await mo.open()).card(comment["id"])
    assert card.cssselect(".when time")[0].get("datetime") == comment["created_at"]


async def test_an_edit_is_shown_as_what_differs(gatepost: Gatepost, mo: AtDesk) -> None:
    comment = await gatepost.approved("The bees are kept in a small garden.")
    await gatepost.reader("ada").edit(comment["id"], "The wasps are kept in a <b> garden.", comment["version"])

    card = (await mo.open()).card(comment["id"])

    assert [one.text for one in card.cssselect("del")] == ["bees", "small"]
    assert [one.text for one in card.cssselect("ins")] == ["wasps", "<b>"]
    assert [one.text for one in card.cssselect(".decide > .bar button")] == [
        "Publish the new text",
        "Keep the old text",
        "Reject both",
        "Spam",
    ]


async def test_a_page_has_twenty_cards_and_leads_on(gatepost: Gatepost, mo: AtDesk) -> None:
    for number in range(23):
        await submitted(gatepost, f"Number {number}.")
        gatepost.clock.advance(seconds=1)

    first = await mo.open()
    assert len(first.all("[data-card]")) == 20
    assert first.says("h1") == "Waiting: 23"
    rest = await mo.open(first.one("a[rel=next]").get("href"))
    assert [card.cssselect(".text")[0].text_content().strip() for card in rest.all("[data-card]")] == [
        "Number 20.",
        "Number 21.",
        "Number 22.",
    ]
    assert rest.all("a[rel=next]") == []


async def test_the_filter_is_the_address(gatepost: Gatepost, mo: AtDesk) -> None:
    await submitted(gatepost, "About bees.", post="garden")
    other = await submitted(gatepost, "About wasps.", by="bea", post="shed")

    page = await mo.open("?q=wasps&reason=awaiting-approval&order=priority")
    assert [card.get("data-comment-id") for card in page.all("[data-card]")] == [other["id"]]
    assert page.one("select[name=reason] option[selected]").get("value") == "awaiting-approval"
    assert page.one(".filter input[name=q]").get("value") == "wasps"
    assert "of 2 in all" in page.text
    assert len((await mo.open("?post=garden&author=&q=")).all("[data-card]")) == 1
    assert "Nothing here fits this filter." in (await mo.open("?reason=edited")).text
    assert (await mo.open("?reason=lost")).status == 422
    assert (await mo.open("?what=1")).status == 422
    assert (await mo.open("?cursor=nonsense")).status == 400


async def test_a_known_author_makes_it_more_urgent_and_the_card_says_so(gatepost: Gatepost, mo: AtDesk) -> None:
    for number in range(3):
        await gatepost.approved(f"Good {number}.")
    await submitted(gatepost, "One more.")
    page = await mo.open("?order=priority")
    assert page.status == 200
    assert "for what its author wrote before" in page.says('[data-why="urgency"]')


async def test_a_filter_by_somebody_of_whom_nothing_waits_any_more_says_their_key(
    gatepost: Gatepost, mo: AtDesk
) -> None:
    await submitted(gatepost, "One.")
    page = await mo.open("?author=nobody&post=nowhere")
    assert [one.text for one in page.all(".filter .tag")] == ["Author: nobody", "Post: nowhere"]


async def test_an_empty_queue_says_so(gatepost: Gatepost, mo: AtDesk) -> None:
    """And what else there is: what waits beside the filter, and what was decided."""
    for address in ("", "?claimed=mine", "?q=wasps"):
        page = await mo.open(address)
        assert page.says(".empty p:first-child") == "Nothing waits. Well done."
        assert [link.text for link in page.all(".empty a")] == ["Look for new ones", "What you decided"]
    await submitted(gatepost, "About bees.")
    mine = await mo.open("?claimed=mine")
    assert mine.says(".empty p:first-child") == "You hold nothing that waits."
    assert [link.text for link in mine.all(".empty a")] == ["The whole queue: 1 waits", "What you decided"]
    assert (await mo.open("?q=wasps")).says(".empty p:first-child") == "Nothing here fits this filter."
    whole = await mo.open(mine.all(".empty a")[0].get("href"))
    assert len(whole.all("[data-card]")) == 1


async def test_the_words_are_those_that_the_browser_asks_for(gatepost: Gatepost, mo: AtDesk) -> None:
    await submitted(gatepost, "One.")
    german = await mo.open(headers={"Accept-Language": "fr, de-AT;q=0.8, en;q=0.5"})
    assert german.one("html").get("lang") == "de"
    assert "Freigeben" in german.text
    assert (await mo.open(headers={"Accept-Language": "fr;q=x, es"})).one("html").get("lang") == "en"


async def test_addresses_without_a_slash_lead_to_those_with_one(gatepost: Gatepost, mo: AtDesk) -> None:
    visitor = gatepost.visitor
    assert (await visitor.get("/desk", allow_redirects=False)).headers["Location"] == "desk/"
    assert (await visitor.get("/desk/blog", allow_redirects=False)).headers["Location"] == "./blog/"
    chooser = await visitor.get("/desk/", allow_redirects=False)
    assert [(link.text, link.get("href")) for link in html.fromstring(chooser.body).cssselect(".sites a")] == [
        ("A blog", "blog/"),
        ("Another blog", "other/"),
    ]


async def test_the_only_site_needs_no_choice(start_gatepost: Any) -> None:
    gatepost = await start_gatepost(change=lambda settings: settings["sites"].pop("other"))
    answer = await gatepost.visitor.get("/desk/", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "./blog/")


async def full_page(gatepost: Gatepost) -> Page:
    """A page of twenty usual cards: other people, other posts, labels, replies, reasons, an edit."""
    parent = await gatepost.approved("A first word on this, and a few more.", post="p0")
    edited = await gatepost.approved("Words that stand.", post="p1")
    await gatepost.reader("ada").edit(edited["id"], "Words that are to stand.", edited["version"])
    text = (
        "I have kept bees on a roof for *twenty* years, and **nobody** minded. See https://bees.example/{n} for more."
    )
    for number in range(24):
        await submitted(
            gatepost,
            text.replace("{n}", str(number)),
            by=f"reader{number}",
            post=f"p{number % 12}" if number else "p0",
            **({"parent_id": parent["id"]} if number == 0 else {}),
        )
    return await AtDesk(gatepost).open()


async def test_a_page_takes_at_most_twelve_statements(gatepost: Gatepost, statements: list[str]) -> None:
    await full_page(gatepost)
    statements.clear()
    await AtDesk(gatepost).open()
    assert 5 < len(statements) <= 12, "\n".join(statements)


async def test_twenty_cards_are_at_most_twelve_kilobytes(gatepost: Gatepost) -> None:
    page = await full_page(gatepost)
    assert len(page.all("[data-card]")) == 20
    assert len(gzip.compress(page.answer.body, 9)) <= 12_000


async def test_what_an_edit_changes_is_not_looked_for_on_the_event_loop(
    gatepost: Gatepost, mo: AtDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    approved = await gatepost.approved("I was there.")
    await gatepost.reader("ada").edit(approved["id"], "I was here.", approved["version"])
    looked: list[int] = []
    marked = difference.marked

    def watched(*texts: Any) -> Any:
        looked.append(threading.get_ident())
        return marked(*texts)

    monkeypatch.setattr(difference, "marked", watched)
    for address, number in (("", 1), (f"c/{approved['id']}", 2)):
        assert (await mo.open(address)).status == 200
        assert len(looked) == number
        assert threading.get_ident() not in looked
        looked.clear()
