"""A thousand random texts in many scripts, submitted and read back wherever they are shown: whole, and valid."""

import asyncio
import json
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import feedparser
import html5lib
import pytest
from defusedxml import ElementTree

from tests.conftest import StartGatepost
from tests.harness import LOGIN_URL, Gatepost, Person, token
from tests.journeys.scripts import SCRIPTS, Text, Writer
from tests.test_cli import command, environment

SEED = 10
POSTS, PER_POST = 20, 50
ATOM = "{http://www.w3.org/2005/Atom}"
CONFIGURATION = f"""
[sites.blog]
name = "A blog"
origins = ["https://blog.example"]
login_url = "{LOGIN_URL}"
premoderate = false
login = [{{ kind = "jwt", algorithms = ["HS256"], secret = "{"s" * 40}", issuer = "i", audience = "a" }}]
"""
NOT_SEEN = re.compile(r"\s+")

Written = dict[str, tuple[str, Text]]
"""By the comment's id: the author's name, the text."""


def _parsed(html: str) -> Element:
    """The fragment, if it is valid HTML."""
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parseFragment(html)  # type: ignore[no-any-return]


def _seen(element: Element) -> str:
    return NOT_SEEN.sub("", "".join(element.itertext()))


def _assert_shown(element: Element, text: Text) -> None:
    assert _seen(element) == text.seen, ascii(text.source)
    links = list(element.iter("a"))
    assert len(links) == len(text.links), ascii(text.source)
    for link, address in zip(links, text.links, strict=True):
        assert (link.get("href") or "").isascii()
        assert address.startswith("http://b") or (link.get("href") or "").startswith(address.rstrip(address[-1]))


async def _submit(gatepost: Gatepost, author: Person, name: str, text: Text, post: int) -> tuple[str, tuple[str, Text]]:
    answer = await author.submit(text.source, post=f"post-{post}")
    assert answer.status == 201, (answer.json, text)
    return answer.json["comment"]["id"], (name, text)


async def _write(gatepost: Gatepost) -> tuple[Written, list[Person]]:
    """A thousand comments; each script has an author, who is called in it."""
    writer = Writer(SEED)
    authors = []
    for script in SCRIPTS:
        name = writer.name(script)
        signed = token(script, now=gatepost.clock(), name=name)
        authors.append((script, name, Person(gatepost.session, {"Authorization": f"Bearer {signed}"})))
    written: Written = {}
    for post in range(POSTS):
        chosen = [authors[number % len(authors)] for number in range(PER_POST)]
        made = [_submit(gatepost, who, name, writer.text(script), post) for script, name, who in chosen]
        written |= dict(await asyncio.gather(*made))
    return written, [who for _, _, who in authors]


async def _bodies(authors: Iterable[Person]) -> dict[str, str]:
    """What each author reads of their own."""
    found: dict[str, str] = {}
    for author in authors:
        page = (await author.get("me/comments?limit=200")).json
        assert page["next"] is None
        found |= {comment["id"]: comment["body"] for comment in page["comments"]}
    return found


def _check_list(listed: Any, written: Written) -> list[str]:
    """Items of the API, or of an exported file; their ids."""
    for item in listed["comments"]:
        name, text = written[item["id"]]
        assert item["author"]["name"] == name
        _assert_shown(_parsed(item["html"]), text)
    return [item["id"] for item in listed["comments"]]


def _check_fragment(html: str, written: Written) -> list[str]:
    ids = []
    for article in _parsed(html).iter("article"):
        ids.append((article.get("id") or "").removeprefix("comment-"))
        name, text = written[ids[-1]]
        shown = {part.get("class"): part for part in article.iter() if part.get("class")}
        assert "".join(shown["gatepost-author"].itertext()) == name
        _assert_shown(shown["gatepost-text"], text)
    return ids


def _check_feed(feed: bytes, written: Written) -> list[str]:
    assert not feedparser.parse(feed, sanitize_html=False, resolve_relative_uris=False).bozo
    ids = []
    for entry in ElementTree.fromstring(feed).iter(f"{ATOM}entry"):
        ids.append(entry.findtext(f"{ATOM}id", "").removeprefix("urn:uuid:"))
        name, text = written[ids[-1]]
        assert entry.findtext(f"{ATOM}author/{ATOM}name") == name
        content = _parsed(entry.findtext(f"{ATOM}content", ""))
        assert [part.get("dir") for part in content] == ["auto"]
        _assert_shown(content, text)
    return ids


@pytest.mark.slow
@pytest.mark.timeout(300)  # half a minute of work; the machine may have other work as well
async def test_a_thousand_texts_are_whole_and_valid_wherever_they_are_shown(
    start_gatepost: StartGatepost, store_url: str, tmp_path: Path
) -> None:
    gatepost = await start_gatepost(premoderate=False)
    written, authors = await _write(gatepost)
    assert len(written) == POSTS * PER_POST
    assert await _bodies(authors) == {comment: text.source for comment, (_, text) in written.items()}

    seen = []
    for post in range(POSTS):
        read = {
            ending: await gatepost.visitor.get(f"posts/post-{post}/comments{ending}")
            for ending in ("", ".html", ".atom")
        }
        of_post = _check_list(read[""].json, written)
        assert sorted(_check_fragment(read[".html"].body.decode(), written)) == sorted(of_post)
        assert sorted(_check_feed(read[".atom"].body, written)) == sorted(of_post)
        seen += of_post
    assert sorted(seen) == sorted(written)

    (tmp_path / "gatepost.toml").write_text(CONFIGURATION)
    done = await asyncio.to_thread(
        subprocess.run, command("export", "pages", "out"), cwd=tmp_path,
        env=environment({"GATEPOST_DATABASE__URL": store_url}), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    exported = []
    for post in range(POSTS):
        of_post = _check_list(json.loads((tmp_path / f"out/blog/post-{post}.json").read_bytes()), written)
        assert sorted(_check_fragment((tmp_path / f"out/blog/post-{post}.html").read_text("utf-8"), written)) == sorted(
            of_post
        )
        exported += of_post
    assert sorted(exported) == sorted(written)
