"""How a post is called and where it is: no reader leads another reader away from the blog, or renames its posts."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import update

from service.model import SiteKey
from service.settings import parse
from service.store.database import Transaction
from service.store.tables import comments, posts
from service.transfer import pages
from tests.conftest import StartGatepost
from tests.harness import ORIGIN, Answer, Gatepost, configuration
from tests.web.ear import listening

ADAS = {"title": "A Tuesday", "url": f"{ORIGIN}/2005/07"}
EVES = {"title": "FREE PILLS", "url": "https://evil.example/phish"}
OWN_PHISH = {"title": "FREE PILLS", "url": f"{ORIGIN}/go?to=evil.example"}
FORMATS = ["posts/post/comments", "posts/post/comments.html", "posts/post/comments.atom", "comments.atom"]

ELSEWHERE = [
    "https://evil.example/",
    "http://blog.example/",
    "https://blog.example:8443/",
    "https://blog.example:0/",
    "https://blog.example.evil.example/",
    "https://evilblog.example/",
    "https://blog.example.",
    "https://www.blog.example/",
    "https://blog.example@evil.example/",
    "https://blog.example:443@evil.example/",
    "https://ada@blog.example/",
    "https://ada:secret@blog.example/",
    "https://blog.example\\@evil.example/",
    "https://evil.example\\@blog.example/",
    "https://blog.example\\.evil.example/",
    "https://blog.example%2f@evil.example/",
    "https://blog%2eexample/",
    "https://blog.example:443x/",
    "https://[::1]/",
    "https://blоg.example/",  # the о is Cyrillic
    "https://evil.example/https://blog.example/",
    "https://evil.example?https://blog.example/",
    "https://evil.example#https://blog.example/",
]
OWN = [
    ORIGIN,
    f"{ORIGIN}/",
    f"{ORIGIN}/2005/07?a=1&b=2#top",
    f"{ORIGIN}?tag=a|b",
    f"{ORIGIN}#top",
    f"{ORIGIN}/to@somebody:else\\x",
    "HTTPS://Blog.Example/",
    "https://blog.example:443/",
    "https://blog.example:0443/",
    "https://blog.example:/",
    "https://ｂｌｏｇ.example/",
    "https://blog。example/",
    "https://xn--bcher-kva.example/",
    "https://bücher.example/",
    "https://BÜCHER.example:443/",
    "http://[::1]:8000/",
]
ORIGINS = [ORIGIN, "https://xn--bcher-kva.example", "http://[::1]:8000"]


async def label(gatepost: Gatepost) -> tuple[Any, Any]:
    """What readers are told the post is called, and where it is."""
    post = (await gatepost.public())["post"]
    return post["title"], post["url"]


async def send(gatepost: Gatepost, who: str, body: str, **post: str | None) -> Answer:
    """A comment that says how the post is called. It is newer than those before it."""
    gatepost.clock.advance(seconds=1)
    return await gatepost.reader(who).call("POST", "posts/post/comments", json={"body": body, "post": post})


async def entry_of(gatepost: Gatepost, submitted: Answer) -> Any:
    """The comment's entry in the queue."""
    entries = (await gatepost.moderator().get("queue", params={"limit": 200})).json["entries"]
    return next(entry for entry in entries if entry["comment"]["id"] == submitted.json["comment"]["id"])


async def approve(gatepost: Gatepost, submitted: Answer) -> Answer:
    """The decision of a moderator who has seen the entry."""
    comment = submitted.json["comment"]
    decided = await gatepost.moderator().decide(comment["id"], "approve", comment["version"])
    assert decided.status == 201, decided.json
    return decided


async def everything_shown(gatepost: Gatepost) -> str:
    """All that readers get of the post, in every format."""
    return "\n".join([(await gatepost.visitor.get(path)).body.decode() for path in FORMATS])


# --- Whose address it is ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("premoderate", [True, False])
async def test_an_address_that_is_not_the_sites_is_refused_and_nothing_is_kept(
    start_gatepost: StartGatepost, premoderate: bool
) -> None:
    gatepost = await start_gatepost(premoderate=premoderate, origins=[ORIGIN, "https://www.example"])
    await send(gatepost, "ada", "I was there.", **ADAS)
    before = await everything_shown(gatepost)
    for address in ELSEWHERE:
        refused = await send(gatepost, "eve", "I agree.", title="FREE PILLS", url=address)
        assert (refused.status, refused.code) == (422, "invalid-request"), address
        (error,) = refused.json["errors"]
        assert (error["pointer"], error["in"]) == ("/post/url", "body"), address
        assert error["detail"] == f"must be on one of the site's origins: {ORIGIN}, https://www.example"
    assert (await gatepost.reader("eve").get("me/comments")).json["comments"] == []
    assert await everything_shown(gatepost) == before


@pytest.mark.parametrize("address", OWN)
async def test_an_address_on_an_origin_of_the_site_is_taken_as_it_was_sent(
    start_gatepost: StartGatepost, address: str
) -> None:
    gatepost = await start_gatepost(premoderate=False, origins=ORIGINS)
    assert (await send(gatepost, "ada", "I was there.", url=address)).status == 201
    assert await label(gatepost) == (None, address)


@pytest.mark.parametrize("premoderate", [True, False])
async def test_a_site_without_origins_takes_no_address_from_a_reader(
    start_gatepost: StartGatepost, premoderate: bool
) -> None:
    gatepost = await start_gatepost(premoderate=premoderate, origins=[])
    sent = await send(gatepost, "eve", "I agree.", **EVES)
    if premoderate:
        assert (await entry_of(gatepost, sent))["label"] == {"title": "FREE PILLS", "url": None}
        await approve(gatepost, sent)
    assert await label(gatepost) == ("FREE PILLS", None)
    assert "evil.example" not in await everything_shown(gatepost)


def _take_it_as_older_releases_did(tx: Transaction) -> None:
    tx.run(update(comments).where(comments.c.post_url.is_not(None)).values(post_url=EVES["url"]))
    tx.run(update(posts).values(url=EVES["url"]))


def _texts_below(folder: Path) -> str:
    return "\n".join(path.read_text("utf-8") for path in folder.rglob("*.*") if path.is_file())


async def test_an_address_that_an_older_release_took_leads_nobody_away(
    gatepost: Gatepost, store_url: str, tmp_path: Path
) -> None:
    """Which addresses are another site's cannot be known by a migration: the configuration says."""
    await approve(gatepost, await send(gatepost, "ada", "I was there.", **ADAS))
    await gatepost.running.database.write(_take_it_as_older_releases_did)
    async with listening(gatepost.visitor) as ear:
        await ear.settled()
        await gatepost.approved("Me too.", by="bob")
        told = await ear.hear()
    assert told is not None
    assert told.data["post"]["url"] is None
    site = parse(configuration(store_url)).sites[SiteKey("blog")]
    await pages.export(gatepost.running.database, [site], tmp_path / "pages")
    files = _texts_below(tmp_path / "pages")
    await send(gatepost, "bob", "I was not.")
    asked = [await gatepost.moderator().get(path) for path in ("queue", "posts/post")]
    seen = [await everything_shown(gatepost), files, *(answer.body.decode() for answer in asked)]
    assert [text for text in seen if "evil.example" in text] == []
    assert "Me too." in files


async def test_an_address_of_the_sites_own_takes_the_place_of_one_that_leads_away(
    start_gatepost: StartGatepost,
) -> None:
    gatepost = await start_gatepost(premoderate=False)
    await send(gatepost, "eve", "I agree.", **ADAS)
    await gatepost.running.database.write(_take_it_as_older_releases_did)
    await send(gatepost, "ada", "I was there.", url=f"{ORIGIN}/moved")
    assert await label(gatepost) == (ADAS["title"], f"{ORIGIN}/moved")


# --- Who may change what stands ---------------------------------------------------------------------------------------


async def test_where_nobody_reviews_no_reader_changes_what_stands(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost(premoderate=False)
    await send(gatepost, "ada", "I was there.", **ADAS)
    shown = await everything_shown(gatepost)
    assert ADAS["url"] in shown
    assert quote(ADAS["url"], safe="") in shown  # the way back from the login
    await send(gatepost, "eve", "I agree.", **OWN_PHISH)
    assert await label(gatepost) == tuple(ADAS.values())
    after = await everything_shown(gatepost)
    assert "FREE PILLS" not in after
    assert "to=evil" not in after
    assert quote("to=evil", safe="") not in after


async def test_each_part_is_taken_where_none_of_its_own_stands(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost(premoderate=False)
    await send(gatepost, "ada", "one", title="A Tuesday")
    await send(gatepost, "bob", "two", title="Another", url=ADAS["url"])
    await send(gatepost, "cyd", "three", url=f"{ORIGIN}/elsewhere")
    assert await label(gatepost) == ("A Tuesday", ADAS["url"])


async def test_a_moderator_who_was_shown_the_difference_changes_what_stands(gatepost: Gatepost) -> None:
    first = await send(gatepost, "ada", "I was there.", **ADAS)
    assert (await entry_of(gatepost, first))["label"] == ADAS
    await approve(gatepost, first)
    same = await send(gatepost, "bob", "Me too.", **ADAS)
    assert (await entry_of(gatepost, same))["label"] is None
    other = await send(gatepost, "eve", "I agree.", title="FREE PILLS", url=ADAS["url"])
    entry = await entry_of(gatepost, other)
    assert entry["label"] == {"title": "FREE PILLS", "url": None}
    assert (entry["post"]["title"], entry["post"]["url"]) == tuple(ADAS.values()), "what stands is shown beside it"
    await approve(gatepost, same)
    assert await label(gatepost) == tuple(ADAS.values())
    await approve(gatepost, other)
    assert await label(gatepost) == ("FREE PILLS", ADAS["url"])


async def test_claims_show_the_label_as_the_queue_does(gatepost: Gatepost) -> None:
    await send(gatepost, "ada", "one", **ADAS)
    await send(gatepost, "bob", "two")
    queue = (await gatepost.moderator().get("queue")).json["entries"]
    claimed = (await gatepost.moderator().call("POST", "queue/claims", json={})).json["entries"]
    assert [entry["label"] for entry in claimed] == [entry["label"] for entry in queue] == [ADAS, None]


async def test_a_moderator_who_was_shown_no_difference_changes_nothing(gatepost: Gatepost) -> None:
    """What is not in the queue is approved without a look at what it would change."""
    await approve(gatepost, await send(gatepost, "ada", "I was there.", **ADAS))
    refused = await send(gatepost, "eve", "I agree.", **OWN_PHISH)
    comment = refused.json["comment"]["id"]
    await gatepost.moderator().decide(comment, "reject", 1)
    await gatepost.moderator().decide(comment, "approve", 2)
    assert await label(gatepost) == tuple(ADAS.values())


async def test_an_older_comment_changes_nothing_and_the_queue_says_so(gatepost: Gatepost) -> None:
    older = await send(gatepost, "eve", "I agree.", **OWN_PHISH)
    newer = await send(gatepost, "ada", "I was there.", **ADAS)
    assert (await entry_of(gatepost, older))["label"] == OWN_PHISH
    await approve(gatepost, newer)
    assert (await entry_of(gatepost, older))["label"] is None
    await approve(gatepost, older)
    assert await label(gatepost) == tuple(ADAS.values())
    await gatepost.moderator().decide(newer.json["comment"]["id"], "delete", 2)
    assert await label(gatepost) == (None, None), "nobody was ever shown that the older one would be called so"


async def test_what_was_not_taken_does_not_come_when_the_label_goes(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost(premoderate=False)
    adas = await send(gatepost, "ada", "I was there.", **ADAS)
    await send(gatepost, "eve", "I agree.", **OWN_PHISH)
    await gatepost.reader("ada").withdraw(adas.json["comment"]["id"])
    assert await label(gatepost) == (None, None)


async def test_a_label_falls_back_to_the_comment_before(gatepost: Gatepost) -> None:
    await approve(gatepost, await send(gatepost, "ada", "I was there.", **ADAS))
    renamed = await send(gatepost, "bob", "It moved.", title="A Wednesday", url=f"{ORIGIN}/2005/08")
    decided = await approve(gatepost, renamed)
    undone = await gatepost.moderator().undo(decided.json["decision"]["id"])
    assert await label(gatepost) == tuple(ADAS.values())
    assert (await entry_of(gatepost, renamed))["label"] == {"title": "A Wednesday", "url": f"{ORIGIN}/2005/08"}
    await gatepost.moderator().undo(undone.json["decision"]["id"])
    assert await label(gatepost) == ("A Wednesday", f"{ORIGIN}/2005/08")


async def test_undo_brings_back_what_was_not_taken(gatepost: Gatepost) -> None:
    older = await send(gatepost, "bob", "It moved.", title="A Wednesday")
    newer = await approve(gatepost, await send(gatepost, "ada", "I was there.", **ADAS))
    decided = await approve(gatepost, older)
    await gatepost.moderator().undo(newer.json["decision"]["id"])
    await gatepost.moderator().undo(decided.json["decision"]["id"])
    assert (await entry_of(gatepost, older))["label"] == {"title": "A Wednesday", "url": None}


# --- What a moderator pins --------------------------------------------------------------------------------------------


async def change(gatepost: Gatepost, **changes: Any) -> Answer:
    """A moderator changes the post."""
    return await gatepost.moderator().call("PATCH", "posts/post", json=changes)


@pytest.mark.parametrize("premoderate", [True, False])
async def test_no_comment_changes_what_a_moderator_pinned(start_gatepost: StartGatepost, premoderate: bool) -> None:
    gatepost = await start_gatepost(premoderate=premoderate)
    first = await send(gatepost, "ada", "I was there.", **ADAS)
    if premoderate:
        await approve(gatepost, first)
    pinned = await change(gatepost, title="Pinned", url=f"{ORIGIN}/pinned")
    assert (pinned.status, pinned.json["post"]["title"], pinned.json["post"]["url"]) == (
        200,
        "Pinned",
        f"{ORIGIN}/pinned",
    )
    other = await send(gatepost, "eve", "I agree.", **OWN_PHISH)
    if premoderate:
        assert (await entry_of(gatepost, other))["label"] is None
        await approve(gatepost, other)
    await gatepost.reader("ada").withdraw(first.json["comment"]["id"])
    assert await label(gatepost) == ("Pinned", f"{ORIGIN}/pinned")
    assert "FREE PILLS" not in await everything_shown(gatepost)


async def test_null_goes_back_to_what_approved_comments_say_each_part_by_itself(gatepost: Gatepost) -> None:
    await approve(gatepost, await send(gatepost, "ada", "I was there.", **ADAS))
    await change(gatepost, title="Pinned", url=f"{ORIGIN}/pinned")
    await approve(gatepost, await send(gatepost, "eve", "I agree.", **OWN_PHISH))
    await change(gatepost, title=None)
    assert await label(gatepost) == (ADAS["title"], f"{ORIGIN}/pinned")
    unpinned = await change(gatepost, url=None)
    assert unpinned.json["post"]["url"] == ADAS["url"]
    assert await label(gatepost) == tuple(ADAS.values())


async def test_a_post_that_nobody_has_commented_on_can_be_named(gatepost: Gatepost) -> None:
    named = await change(gatepost, open=False, title="  Pinned ")
    shown = {"key": "post", "title": "Pinned", "url": None, "count": 0, "open": False, "published_at": None}
    assert named.json["post"] == shown
    assert (await change(gatepost, open=True)).json["post"]["title"] == "Pinned"
    assert (await change(gatepost, title=None)).json["post"]["title"] is None


async def test_open_pages_and_feeds_hear_of_a_new_name(gatepost: Gatepost) -> None:
    await gatepost.approved("I was there.", post="post")
    feed = await gatepost.visitor.get("comments.atom")
    async with listening(gatepost.visitor) as ear:
        await ear.settled()
        await change(gatepost, title="Pinned")
        await change(gatepost, title="Pinned")  # twice is once
        heard = await ear.some(1)  # an event tells what is so when it is told: this one, before the next change
        await change(gatepost, open=False)
        heard += await ear.some(1)
    assert [(one.name, one.data["post"]["title"], one.data["post"]["open"]) for one in heard] == [
        ("post.changed", "Pinned", True),
        ("post.changed", "Pinned", False),
    ]
    assert b"on Pinned" in (await gatepost.visitor.get("comments.atom")).body
    assert b"on Pinned" not in feed.body


@pytest.mark.parametrize("address", ELSEWHERE)
async def test_a_moderator_leads_nobody_away_either(gatepost: Gatepost, address: str) -> None:
    refused = await change(gatepost, open=False, url=address)
    assert (refused.status, refused.code) == (422, "invalid-request")
    (error,) = refused.json["errors"]
    assert (error["pointer"], error["detail"]) == ("/url", f"must be on one of the site's origins: {ORIGIN}")
    assert (await gatepost.public())["post"]["open"] is True


async def test_where_no_origins_are_configured_a_moderator_may_say_where_a_post_is(
    start_gatepost: StartGatepost,
) -> None:
    gatepost = await start_gatepost(origins=[])
    assert (await change(gatepost, url="https://anywhere.example/")).json["post"]["url"] == "https://anywhere.example/"


async def test_readers_rename_no_post(gatepost: Gatepost) -> None:
    refused = await gatepost.reader("eve").call("PATCH", "posts/post", json={"title": "FREE PILLS"})
    assert (refused.status, refused.code) == (403, "forbidden")


# --- Titles -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("A \u202eyadseuT\u202c", "A yadseuT"),
        ("A\u2066\u2069 Tuesday", "A Tuesday"),
        ("  A\n\tTuesday ", "A Tuesday"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        (" ", None),
        ("\u200b", None),
        ("\u3164", None),
        ("\u202e", None),
    ],
)
async def test_a_title_is_shown_as_it_is_read(gatepost: Gatepost, sent: str, kept: str | None) -> None:
    submitted = await send(gatepost, "ada", "I was there.", title=sent)
    assert (await entry_of(gatepost, submitted))["label"] == (kept and {"title": kept, "url": None})
    await approve(gatepost, submitted)
    assert await label(gatepost) == (kept, None)
    pinned = await change(gatepost, title=sent)
    assert (pinned.status, pinned.json.get("post", {}).get("title")) == ((200, kept) if kept else (422, None))
