"""Feeds: what readers of RFC 4287 understand, the same as long as nothing changes, whatever somebody is called."""

from typing import Any
from uuid import UUID

import feedparser
import pytest
from defusedxml import ElementTree

from service.model import Post, PostKey, Profile, SiteKey
from service.reading import atom
from service.settings import Site, parse
from tests.feeds import NO_HTML, faults
from tests.reading.hostile import ADDRESSES, GOOD_ADDRESSES, TEXTS, UNWRITABLE, comment, identity

NAME = "{http://www.w3.org/2005/Atom}"
BLOG = SiteKey("blog")
POST = Post(BLOG, PostKey("post"), "A post", "https://blog.example/post?a=1&b=2#top")
OURS, THEIRS = UUID(int=1), UUID(int=2)
LATER = 1_121_765_760_000


def site(name: str = "A blog") -> Site:
    """A site as the configuration describes it."""
    return parse({"sites": {"blog": {"name": name}}}).sites[BLOG]


def read(feed: bytes) -> Any:
    """As a feed reader does. Nothing may be wrong with it but texts, which here are not what `render` makes."""
    assert [fault for fault in faults(feed) if not fault.startswith(NO_HTML)] == []
    return feedparser.parse(feed)


def plain(feed: bytes, path: str) -> list[str]:
    """The texts at a path of element names, as they are written."""
    root = ElementTree.fromstring(feed, forbid_dtd=True)
    return [found.text or "" for found in root.findall("/".join(NAME + step for step in path.split("/")))]


def test_a_feed_of_a_post_has_what_rfc_4287_asks_for() -> None:
    profile = Profile("Ada", "Counts things.", "https://ada.example/")
    items = [
        comment(2, profile=profile, edited_at=LATER, shown_at=LATER, html="<p>So &amp; <em>so</em></p>\n"),
        comment(1),
    ]
    found = read(atom.of_post(site(), POST, items, namespace=OURS, address="/v1/feed"))
    assert (found.feed.title, found.feed.updated) == ("Comments on A post - A blog", "2005-07-19T09:36:00.000Z")
    assert {link.rel: link.href for link in found.feed.links} == {"self": "/v1/feed", "alternate": POST.url}
    first, second = found.entries
    assert (first.id, second.id) == (f"urn:uuid:{identity(2)}", f"urn:uuid:{identity(1)}")
    assert (first.published, first.updated) == ("2005-07-19T09:35:00.000Z", "2005-07-19T09:36:00.000Z")
    assert (second.published, second.updated) == (first.published, first.published)
    assert (first.author_detail.name, first.author_detail.href) == ("Ada", "https://ada.example/")
    assert (first.title, first.link) == ("Comment by Ada", f"https://blog.example/post?a=1&b=2#comment-{identity(2)}")
    assert (first.content[0].type, first.content[0].value) == (
        "text/html",
        '<div dir="auto"><p>So &amp; <em>so</em></p>\n</div>',
    )


def test_a_feed_of_a_site_says_which_post() -> None:
    quiet = Post(BLOG, PostKey("2005/07"))
    items = [comment(2, post="2005/07"), comment(1, post="post")]
    found = read(atom.of_site(site(), {POST.key: POST, quiet.key: quiet}, items, namespace=OURS, address="/v1/feed"))
    assert [entry.title for entry in found.entries] == ["Ada on 2005/07", "Ada on A post"]
    assert [[link.href for link in entry.get("links", [])] for entry in found.entries] == [
        [],
        [f"https://blog.example/post?a=1&b=2#comment-{identity(1)}"],
    ]
    assert found.feed.title == "Comments - A blog"


def test_every_feed_has_an_id_of_its_own_that_stays() -> None:
    other = Post(BLOG, PostKey("other"))

    def feeds(namespace: UUID, address: str) -> list[bytes]:
        of_posts = [atom.of_post(site(), post, [], namespace=namespace, address=address) for post in (POST, other)]
        return [*of_posts, atom.of_site(site(), {}, [], namespace=namespace, address=address)]

    first, again = [[*feeds(OURS, address), *feeds(THEIRS, address)] for address in ("/a", "/b")]
    ids = [read(feed).feed.id for feed in first]
    assert ids == [read(feed).feed.id for feed in again]
    assert len(set(ids)) == 6
    assert all(found.startswith("urn:uuid:") for found in ids)


def test_an_empty_feed_is_the_same_whenever_it_is_made() -> None:
    assert plain(atom.of_post(site(), POST, [], namespace=OURS, address="/a"), "updated") == [
        "1970-01-01T00:00:00.000Z"
    ]


def test_what_was_removed_is_in_no_feed() -> None:
    assert read(atom.of_post(site(), POST, [comment(1, removed=True)], namespace=OURS, address="/a")).entries == []


@pytest.mark.parametrize("text", TEXTS)
def test_whatever_somebody_is_called_is_text(text: str) -> None:
    post = Post(BLOG, PostKey("post"), text)
    feed = atom.of_post(site(text), post, [comment(1, profile=Profile(text), html=text)], namespace=OURS, address="/a")
    read(feed)
    assert plain(feed, "title") == [f"Comments on {text} - {text}"]
    assert plain(feed, "entry/author/name") == [text]
    assert plain(feed, "entry/title") == [f"Comment by {text}"]
    assert plain(feed, "entry/content") == [f'<div dir="auto">{text}</div>']


@pytest.mark.parametrize("text", UNWRITABLE)
def test_what_xml_has_no_place_for_is_replaced(text: str) -> None:
    post = Post(BLOG, PostKey(text), url=f"https://a.example/{text}")
    item = comment(1, profile=Profile(text, url=f"https://a.example/{text}"), html=text, post=text)
    for feed in (
        atom.of_post(site(), post, [item], namespace=OURS, address="/a"),
        atom.of_site(site(), {post.key: post}, [item], namespace=OURS, address="/a"),
    ):
        read(feed)
        for path, around in (("entry/author/name", ""), ("entry/content", '<div dir="auto"></div>')):
            (shown,) = plain(feed, path)
            assert len(shown) == len(text) + len(around)
            assert "\ufffd" in shown


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_is_no_web_address_is_no_link(address: str) -> None:
    post = Post(BLOG, PostKey("post"), url=address)
    found = read(
        atom.of_post(site(), post, [comment(1, profile=Profile("Ada", url=address))], namespace=OURS, address="/a")
    )
    assert [link.rel for link in found.feed.links] == ["self"]
    assert found.entries[0].get("links", []) == []
    assert "href" not in found.entries[0].author_detail


@pytest.mark.parametrize(("address", "written"), GOOD_ADDRESSES.items())
def test_a_web_address_is_linked_as_a_feed_may_hold_it(address: str, written: str) -> None:
    post = Post(BLOG, PostKey("post"), url=address)
    feed = atom.of_post(site(), post, [comment(1, profile=Profile("Ada", url=address))], namespace=OURS, address="/a")
    found = read(feed)
    assert plain(feed, "entry/author/uri") == [written]
    assert [link.href for link in found.feed.links if link.rel == "alternate"] == [written]
    assert found.entries[0].link == f"{written.partition('#')[0]}#comment-{identity(1)}"
