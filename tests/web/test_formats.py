"""The public lists in other formats: what `Accept` chooses, validators, codings, the hatch, paging; in a browser."""

import gzip
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import brotli
import feedparser
import html5lib
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser

from service.reading.page import Format, format_for
from tests.conftest import StartGatepost
from tests.feeds import faults
from tests.harness import ORIGIN, Gatepost, Person, token
from tests.web.plain_http import assert_problem, send
from tests.web.test_hatch import connection, instant

pytest_plugins = ["tests.browser"]

BLOG = "/v1/sites/blog"
LIST = f"{BLOG}/posts/post/comments"
HTML, JSON, ATOM = "text/html; charset=utf-8", "application/json; charset=utf-8", "application/atom+xml; charset=utf-8"
ASKED: dict[str | None, Format] = {
    None: Format.JSON,
    "": Format.JSON,
    "*/*": Format.JSON,
    "application/json": Format.JSON,
    "application/json, */*": Format.JSON,
    "text/html": Format.HTML,
    "TEXT/HTML": Format.HTML,
    "text/*": Format.HTML,
    "text/html, application/json": Format.JSON,
    "text/html, application/json;q=0.9": Format.HTML,
    "text/html;q=0.9, application/json": Format.JSON,
    "text/html;q=0.5, application/json;q=0.4, */*;q=0.1": Format.HTML,
    "text/html, */*": Format.JSON,
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8": Format.HTML,
    "text/*;q=0.5, application/*;q=0.4": Format.HTML,
    "text/*, text/html;q=0, */*;q=0.5": Format.JSON,
    "text/html;q=0": Format.JSON,
    "text/html;q=0.001": Format.HTML,
    "text/html; charset=utf-8 ; q=0.8 , application/json;q=0.7": Format.HTML,
    "application/*;q=0.1, text/html;q=0.2": Format.HTML,
    "*/*;q=0.1, application/json;q=0": Format.HTML,
    "image/png": Format.JSON,
    "application/atom+xml": Format.JSON,
    "text/html;q=nonsense": Format.JSON,
    "text/html;q=nan, application/json;q=0.1": Format.JSON,
    ";;;,,,": Format.JSON,
}
ADDRESSES = {
    f"{LIST}.html": HTML,
    f"{LIST}.html?view=flat&sort=newest&limit=1": HTML,
    f"{BLOG}/posts/nobody%2Fhas%20commented/comments.html": HTML,
    f"{LIST}.atom": ATOM,
    f"{BLOG}/comments.atom": ATOM,
}
CODINGS: dict[str, Any] = {"identity": bytes, "gzip": gzip.decompress, "br": brotli.decompress}


async def _conversation(gatepost: Gatepost) -> list[Any]:
    first = await gatepost.approved("A first comment, with *emphasis* and enough words. " * 12)
    gatepost.clock.advance(seconds=1)
    return [first, await gatepost.approved("An answer", by="bob", parent_id=first["id"])]


def _valid(media_type: str, body: bytes) -> None:
    if media_type == HTML:
        html5lib.HTMLParser(strict=True).parseFragment(body.decode())
    else:
        assert list(faults(body)) == []


# --- What is chosen ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("accepted", "chosen"), ASKED.items(), ids=str)
def test_html_is_given_to_whom_it_is_better_than_json(accepted: str | None, chosen: Format) -> None:
    assert format_for(accepted) is chosen


async def test_accept_chooses_at_the_common_address_and_caches_are_told(gatepost: Gatepost) -> None:
    await _conversation(gatepost)
    as_json = await send(gatepost, "GET", LIST)
    as_html = await send(gatepost, "GET", LIST, ("Accept", "text/html"))
    by_name = await send(gatepost, "GET", f"{LIST}.html")
    assert (as_json.headers["Content-Type"], as_html.headers["Content-Type"]) == (JSON, HTML)
    assert as_json.headers["Vary"] == as_html.headers["Vary"] == "Accept-Encoding, Accept"
    assert by_name.headers["Vary"] == "Accept-Encoding"
    assert (as_html.body, as_html.headers["ETag"]) == (by_name.body, by_name.headers["ETag"])
    assert as_html.headers["ETag"] != as_json.headers["ETag"]
    several = await send(gatepost, "GET", LIST, ("Accept", "application/json;q=0.5"), ("Accept", "text/html"))
    assert several.body == as_html.body


async def test_html_at_the_common_address_is_in_no_shared_cache_where_others_would_get_it_for_json(
    start_gatepost: StartGatepost,
) -> None:
    gatepost = await start_gatepost(change=lambda settings: settings.update(cache={"s_maxage_seconds": 60}))
    kept = "public, max-age=0, s-maxage=60, stale-while-revalidate=0"
    expected = {(LIST, "text/html"): "private, max-age=0", (LIST, "*/*"): kept, (f"{LIST}.html", "text/html"): kept}
    async with connection(gatepost) as to:
        for _ in range(2):  # by the application, by the hatch
            for (address, accepted), said in expected.items():
                whole = await to.ask(address, f"Accept: {accepted}")
                known = await to.ask(address, f"Accept: {accepted}", f"If-None-Match: {whole.headers['ETag']}")
                assert [reply.status for reply in (whole, known)] == [200, 304]
                assert whole.headers["Cache-Control"] == known.headers["Cache-Control"] == said


async def test_an_address_with_an_ending_has_one_format(gatepost: Gatepost) -> None:
    for address, media_type in ADDRESSES.items():
        answer = await send(gatepost, "GET", address, ("Accept", "application/json"))
        assert (answer.status, answer.headers["Content-Type"]) == (200, media_type)


async def test_the_hatch_gives_everybody_their_own_format(gatepost: Gatepost) -> None:
    await _conversation(gatepost)
    asked = ["Accept: application/json", "Accept: text/html", "Accept: */*", "Accept: text/html, */*;q=0.1"]
    async with connection(gatepost) as to:
        said = [(await to.ask(LIST, line)).steady() for line in asked]
        before = await instant(gatepost)
        assert [(await to.ask(LIST, line)).steady() for line in asked] == said
        assert await instant(gatepost) == before + len(asked)
    assert said[0] == said[2] != said[1] == said[3]


async def test_links_to_the_service_are_whole_where_the_owner_says_how_readers_reach_it(
    start_gatepost: StartGatepost,
) -> None:
    outside = "https://blog.example/talk"
    gatepost = await start_gatepost(change=lambda settings: settings["server"].update(public_url=f"{outside}/"))
    for number in range(2):
        await gatepost.approved(f"Comment {number}", post="2005%2F07")
    post = f"{BLOG}/posts/2005%2F07"
    fragment = (await send(gatepost, "GET", f"{post}/comments.html?limit=1")).body.decode()
    (link,) = re.findall(r'href="([^"]+)" rel="next"', fragment)
    assert link.startswith(f"{outside}{post}/comments.html?view=thread&amp;sort=oldest&amp;limit=1&amp;cursor=")
    for address in (f"{BLOG}/comments.atom", f"{post}/comments.atom"):
        feed = feedparser.parse((await send(gatepost, "GET", address)).body).feed
        assert [link.href for link in feed.links if link.rel == "self"] == [f"{outside}{address}"]


async def test_a_feed_keeps_its_id_over_a_restart_and_shares_it_with_nobody_elses(
    start_gatepost: StartGatepost, tmp_path: Path
) -> None:
    elsewhere = f"sqlite:///{tmp_path / 'elsewhere.db'}"

    async def ids(gatepost: Gatepost) -> list[str]:
        addresses = (f"{BLOG}/comments.atom", f"{LIST}.atom")
        found = [feedparser.parse((await send(gatepost, "GET", address)).body).feed.id for address in addresses]
        await gatepost.running.stop()
        return found

    first, again = [await ids(await start_gatepost()) for _ in range(2)]
    others = await ids(await start_gatepost(change=lambda settings: settings.update(database={"url": elsewhere})))
    assert first == again
    assert len({*first, *others}) == 4


# --- As JSON in everything else ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("address", "media_type"), ADDRESSES.items())
@pytest.mark.parametrize("coding", CODINGS)
async def test_application_and_hatch_say_the_same(
    gatepost: Gatepost, address: str, media_type: str, coding: str
) -> None:
    await _conversation(gatepost)
    asked = f"Accept-Encoding: {coding}"
    async with connection(gatepost) as to:
        said = []
        for _ in range(2):
            whole = await to.ask(address, asked)
            etag = whole.headers["ETag"]
            kept = await to.ask(address, asked, f"If-None-Match: {etag}")
            head = await to.ask(address, asked, method="HEAD")
            assert [reply.status for reply in (whole, kept, head)] == [200, 304, 200]
            assert (kept.body, head.body) == (b"", b"")
            assert head.headers["Content-Length"] == str(len(whole.body))
            assert kept.headers["ETag"] == head.headers["ETag"] == etag
            said.append([reply.steady() for reply in (whole, kept, head)])
        assert said[0] == said[1]
        assert await instant(gatepost) == 5
    assert whole.headers["Content-Type"] == media_type
    assert whole.headers["Cache-Control"] == "public, max-age=0, s-maxage=0, stale-while-revalidate=0"
    assert whole.headers["Access-Control-Allow-Origin"] == "*"
    assert whole.headers["Cache-Tag"].startswith("blog,blog.")
    plain = CODINGS[whole.headers.get("Content-Encoding", "identity")](whole.body)
    assert whole.headers.get("Content-Encoding", "identity") == (coding if len(plain) >= 512 else "identity")
    _valid(media_type, plain)


async def test_what_is_taken_down_is_gone_from_every_format_at_once(gatepost: Gatepost) -> None:
    _, answer = await _conversation(gatepost)
    seen = [await send(gatepost, "GET", address) for address in ADDRESSES]
    assert [answer["id"].encode() in reply.body for reply in seen] == [True, True, False, True, True]
    await gatepost.reader("bob").withdraw(answer["id"])
    for address, before in zip(ADDRESSES, seen, strict=True):
        after = await send(gatepost, "GET", address, ("If-None-Match", before.headers["ETag"]))
        assert after.status == (200 if answer["id"].encode() in before.body else 304)
        assert answer["id"].encode() not in after.body


@pytest.mark.parametrize("view", ["thread", "flat"])
@pytest.mark.parametrize("sort", ["oldest", "newest"])
async def test_pages_of_html_hold_what_pages_of_json_do(gatepost: Gatepost, view: str, sort: str) -> None:
    parents: list[str | None] = [None]
    for number in range(5):
        made = await gatepost.approved(f"Comment {number}", post="a%2Fb%22", parent_id=parents[number // 2])
        parents.append(made["id"])
        gatepost.clock.advance(seconds=1)
    whole = await gatepost.public(post="a%2Fb%22", view=view, sort=sort)
    found, target = [], f"{BLOG}/posts/a%2Fb%22/comments.html?view={view}&sort={sort}&limit=2"
    while target:
        answer = await send(gatepost, "GET", target)
        found += re.findall(r'id="comment-([^"]+)"', answer.body.decode())
        by_header = answer.headers.get("Link", "")[1:].partition(">")[0]
        (target,) = re.findall(r'href="([^"]+)" rel="next"', answer.body.decode()) or [""]
        target = target.replace("&amp;", "&")
        assert (by_header == "") == (target == "")
        if target:
            assert (await send(gatepost, "GET", by_header)).body == (await send(gatepost, "GET", target)).body
    assert found == [item["id"] for item in whole["comments"]]


async def test_a_cursor_is_good_for_the_list_in_every_format_of_it(gatepost: Gatepost) -> None:
    _, answer = await _conversation(gatepost)
    cursor = (await gatepost.public(limit=1))["next"]
    for address, accepted in ((LIST, "text/html"), (f"{LIST}.html", "*/*")):
        shown = await send(gatepost, "GET", f"{address}?limit=1&cursor={cursor}", ("Accept", accepted))
        assert re.findall(r'id="comment-([^"]+)"', shown.body.decode()) == [answer["id"]]


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        (f"{LIST}.html?limit=0", 422, "invalid-request"),
        (f"{LIST}.html?cursor=x", 400, "bad-cursor"),
        (f"{LIST}.html?colour=red", 422, "invalid-request"),
        ("/v1/sites/nowhere/posts/post/comments.html", 404, "unknown-site"),
        ("/v1/sites/nowhere/comments.atom", 404, "unknown-site"),
        (f"{BLOG}/posts/%00/comments.atom", 422, "invalid-request"),
        (f"{LIST}.pdf", 404, "not-found"),
    ],
)
async def test_problems_are_problems_whatever_was_asked_for(
    gatepost: Gatepost, target: str, status: int, code: str
) -> None:
    assert_problem(await send(gatepost, "GET", target, ("Accept", "text/html")), status, code)


async def test_feeds_have_the_newest_fifty(gatepost: Gatepost) -> None:
    reader, ids = gatepost.reader("ada"), []
    for number in range(51):
        ids.append((await reader.submit(f"Comment {number}", post=f"post-{number % 2}")).json["comment"]["id"])
        gatepost.clock.advance(seconds=1)
    for chunk in (ids[:50], ids[50:]):
        ruled = [{"comment_id": comment_id, "action": "approve", "version": 1} for comment_id in chunk]
        await gatepost.moderator().call("POST", "decisions", json={"decisions": ruled})
    for address, expected in (
        (f"{BLOG}/comments.atom", ids[:0:-1]),
        (f"{BLOG}/posts/post-1/comments.atom", ids[-2::-2]),
    ):
        found = feedparser.parse((await send(gatepost, "GET", address)).body)
        assert [entry.id for entry in found.entries] == [f"urn:uuid:{comment_id}" for comment_id in expected]


# --- Whatever somebody is called --------------------------------------------------------------------------------------


async def test_hostile_words_are_only_words_in_every_format(gatepost: Gatepost) -> None:
    hostile = '"><script>alert(1)</script><!-- ]]> \x01'
    name, key = hostile.replace("\x01", ""), 'a"><b>'
    label = {"title": hostile, "url": 'https://blog.example/?"><script>alert(1)</script>'}
    signed = token("eve", now=gatepost.clock(), name=name, bio=name, website="javascript:alert(1)")
    who = Person(gatepost.session, {"Authorization": f"Bearer {signed}"})
    post = quote(key, safe="")
    made = await who.call("POST", f"posts/{post}/comments", json={"body": "<script>alert(1)</script>", "post": label})
    await gatepost.moderator().decide(made.json["comment"]["id"], "approve", 1)
    for ending in ("comments.html", "comments.atom"):
        answer = await send(gatepost, "GET", f"{BLOG}/posts/{post}/{ending}")
        _valid(answer.headers["Content-Type"], answer.body)
        assert b"<script" not in answer.body
        assert b"javascript:" not in answer.body
        assert "alert(1)" in answer.body.decode()
    site = await send(gatepost, "GET", f"{BLOG}/comments.atom")
    _valid(ATOM, site.body)
    assert b"<script" not in site.body


async def test_a_fragment_that_is_opened_by_itself_may_do_nothing(gatepost: Gatepost) -> None:
    for target, accepted in ((f"{LIST}.html", "*/*"), (LIST, "text/html")):
        answer = await send(gatepost, "GET", target, ("Accept", accepted))
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; base-uri 'none';")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.browser
async def test_a_page_that_includes_it_is_accessible(gatepost: Gatepost, chromium: Browser) -> None:
    first, answer = await _conversation(gatepost)
    await gatepost.approved("A third, with [a link](https://a.example/)", by="cy", parent_id=answer["id"])
    await gatepost.reader("bob").withdraw(answer["id"])
    fragment = (await send(gatepost, "GET", f"{LIST}.html?limit=2")).body.decode()
    page = await chromium.new_page()
    await page.set_content(
        f'<!doctype html><html lang="en"><title>A post</title><main><h1>A post</h1>{fragment}</main></html>'
    )
    found = (await Axe().run(page)).response["violations"]
    assert [(violation["id"], violation["nodes"][0]["html"]) for violation in found] == []
    assert await page.locator("article").count() == 2
    assert (await page.get_by_role("link", name="LOGIN to add comments").get_attribute("href") or "").startswith(ORIGIN)
    assert await page.locator(f"#comment-{first['id']}").is_visible()
    await page.close()


# --- Languages --------------------------------------------------------------------------------------------------------


async def test_a_fragment_speaks_the_language_that_is_asked_for(gatepost: Gatepost) -> None:
    await _conversation(gatepost)
    said = {"en": "2 comments", "de": "2 Kommentare", "fr": "2 commentaires", "es": "2 comentarios", "ar": "تعليقان"}
    tags = set()
    for lang, count in said.items():
        for _ in range(2):  # the second time it may be the hatch
            answer = await gatepost.visitor.get(f"{LIST}.html?lang={lang}&limit=1")
            assert f'<h2 class="gatepost-count">{count}</h2>' in answer.body.decode()
            assert f'<section class="gatepost-comments" lang="{lang}" ' in answer.body.decode()
        tags.add(answer.headers["ETag"])
        rest = answer.headers["Link"][1:].partition(">")[0]
        assert f"lang={lang}" in rest
        assert rest.partition("?")[2].split("&")[0] in answer.body.decode()
        assert f">{count}</h2>" in (await gatepost.visitor.get(rest)).body.decode()
    assert len(tags) == len(said)
    assert ' lang="' not in (await gatepost.visitor.get(f"{LIST}.html")).body.decode()


@pytest.mark.parametrize("lang", ["pt", "de-AT", "EN", "", "../en"])
async def test_a_language_that_it_does_not_speak_is_refused(gatepost: Gatepost, lang: str) -> None:
    assert_problem(await gatepost.visitor.get(f"{LIST}.html", params={"lang": lang}), 422, "invalid-request")


async def test_only_the_fragment_has_a_language(gatepost: Gatepost) -> None:
    for path in (LIST, f"{LIST}.atom", f"{BLOG}/counts"):
        assert_problem(await gatepost.visitor.get(path, params={"lang": "de"}), 422, "invalid-request")
