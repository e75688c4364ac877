"""The fragment: valid, nested as replies go, nobody's words but as words, a time as a person writes it."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import jinja2
import pytest
from markupsafe import escape

from service.model import Post, PostKey, Profile, PublicComment, SiteKey
from service.reading import html, language
from service.settings import Site, parse
from tests.reading.hostile import ADDRESSES, GOOD_ADDRESSES, TEXTS, UNWRITABLE, comment, identity

POST = Post(SiteKey("blog"), PostKey("post"), "A post", "https://blog.example/a?b=1&c", count=3)
LOGIN = "https://blog.example/login?a=1&next={url}"
TIMES = {
    "2005-07-19T09:35:00": "at 9:35am UTC on Tuesday, 19th July 2005",
    "2005-07-19T00:05:59": "at 12:05am UTC on Tuesday, 19th July 2005",
    "2024-02-29T12:00:00": "at 12:00pm UTC on Thursday, 29th February 2024",
    "2026-01-01T23:59:59": "at 11:59pm UTC on Thursday, 1st January 2026",
    "2026-03-02T13:01:00": "at 1:01pm UTC on Monday, 2nd March 2026",
    "2026-05-03T11:59:00": "at 11:59am UTC on Sunday, 3rd May 2026",
    "2026-09-11T08:00:00": "at 8:00am UTC on Friday, 11th September 2026",
    "2026-10-12T08:00:00": "at 8:00am UTC on Monday, 12th October 2026",
    "2026-11-13T08:00:00": "at 8:00am UTC on Friday, 13th November 2026",
    "2026-12-21T08:00:00": "at 8:00am UTC on Monday, 21st December 2026",
    "2026-08-22T08:00:00": "at 8:00am UTC on Saturday, 22nd August 2026",
    "2026-06-23T08:00:00": "at 8:00am UTC on Tuesday, 23rd June 2026",
    "2026-07-31T08:00:00": "at 8:00am UTC on Friday, 31st July 2026",
}


def site(**more: Any) -> Site:
    """A site as the configuration describes it."""
    return parse({"sites": {"blog": {"name": "A blog", "login_url": LOGIN, **more}}}).sites[SiteKey("blog")]


def text_of(items: Iterable[PublicComment], *, post: Post = POST, nested: bool = True, **more: Any) -> str:
    """The whole fragment."""
    return "".join(html.fragment(site(**more), post, items, nested=nested))


def parsed(fragment: str) -> Element:
    """Its one element, read by a parser that takes nothing invalid."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    found: Element = parser.parseFragment(fragment)
    (section,) = found
    assert section.tag == "section"
    return section


def words(element: Element | None) -> str:
    """What a person reads there."""
    assert element is not None
    return "".join(element.itertext()).strip()


def of_class(section: Element, name: str) -> list[Element]:
    """Every element with the class."""
    return [element for element in section.iter() if name in element.get("class", "").split()]


def levels(section: Element, depth: int = 0) -> Iterator[tuple[str, int]]:
    """The number of every comment, and how many comments it stands below."""
    for item in section.findall("./ol/li"):
        article = item.find("article")
        assert article is not None
        yield str(int(article.get("id", "")[-12:], 16)), depth
        yield from levels(item, depth + 1)


@pytest.mark.parametrize(("moment", "said"), TIMES.items())
def test_a_time_is_written_as_a_person_writes_it(moment: str, said: str) -> None:
    milliseconds = int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp() * 1000) + 999
    assert language.named("en").time(milliseconds) == said


def test_a_comment_has_author_biography_time_and_place() -> None:
    profile = Profile("Ada", "Counts things.", "https://ada.example/?a=1&b=2")
    section = parsed(text_of([comment(1, profile=profile, edited_at=1_121_765_760_000)]))
    (article,) = section.iter("article")
    link = article.find("header/p/a")
    assert link is not None
    assert (article.get("id"), article.get("aria-label")) == (f"comment-{identity(1)}", "Comment by Ada")
    assert (link.text, link.get("href"), link.get("rel")) == ("Ada", profile.url, "nofollow ugc noopener")
    assert words(of_class(section, "gatepost-bio")[0]) == "Counts things."
    assert [(time.get("datetime"), time.text) for time in article.iter("time")] == [
        ("2005-07-19T09:35:00.000Z", "at 9:35am UTC on Tuesday, 19th July 2005"),
        ("2005-07-19T09:36:00.000Z", "at 9:36am UTC on Tuesday, 19th July 2005"),
    ]
    assert article.find(f".//a[@href='#comment-{identity(1)}']/time") is not None
    assert words(of_class(section, "gatepost-text")[0]) == "A text"


@pytest.mark.parametrize(("count", "said"), [(0, "No comments"), (1, "1 comment"), (2, "2 comments")])
def test_comments_are_counted(count: int, said: str) -> None:
    section = parsed(text_of([], post=Post(POST.site, POST.key, count=count)))
    assert [words(heading) for heading in section.iter("h2")] == [said]
    assert list(section.iter("ol")) == []


@pytest.mark.parametrize(
    ("depths", "expected"),
    [
        ([0, 0], [0, 0]),
        ([0, 1, 2, 1, 0, 1], [0, 1, 2, 1, 0, 1]),
        ([0, 1, 2, 3, 0], [0, 1, 2, 3, 0]),
        ([3, 3, 2, 0, 1], [0, 0, 0, 0, 1]),  # a page that begins in the middle of a thread
        ([2, 3, 4, 1, 2, 0], [0, 1, 2, 0, 1, 0]),
        (list(range(65)), list(range(65))),
    ],
)
def test_lists_nest_as_replies_do(depths: list[int], expected: list[int]) -> None:
    items = [comment(number, depth=depth) for number, depth in enumerate(depths)]
    assert list(levels(parsed(text_of(items)))) == [(str(number), depth) for number, depth in enumerate(expected)]
    assert list(levels(parsed(text_of(items, nested=False)))) == [(str(number), 0) for number in range(len(depths))]


def test_a_reply_says_what_it_answers_where_the_list_does_not() -> None:
    # 2 stands below 1; 3 as deep as replies go, so beside what it answers; 9 answers something of the page before.
    items = [comment(9, depth=2, parent=8), comment(1), comment(2, depth=1, parent=1), comment(3, depth=1, parent=2)]
    threaded, flat = (
        [*of_class(parsed(text_of(items, nested=nested)), "gatepost-answers")] for nested in (True, False)
    )
    assert [(words(note), [link.get("href") for link in note.iter("a")]) for note in threaded] == [
        ("In reply to an earlier comment", []),
        ("In reply to an earlier comment", [f"#comment-{identity(2)}"]),
    ]
    assert [link.get("href") for note in flat for link in note.iter("a")] == [
        f"#comment-{identity(number)}" for number in (8, 1, 2)
    ]


def test_of_a_removed_comment_only_its_place_is_there() -> None:
    section = parsed(text_of([comment(1, removed=True), comment(2, depth=1, parent=1)]))
    assert list(levels(section)) == [("1", 0), ("2", 1)]
    (removed,) = of_class(section, "gatepost-removed")
    assert words(removed) == "This comment was removed."
    assert list(removed.iter("time")) == list(removed.iter("a")) == []


def test_the_login_link_comes_back_to_the_post() -> None:
    (link,) = parsed(text_of([])).findall("./p[@class='gatepost-login']/a")
    back = "https%3A%2F%2Fblog.example%2Fa%3Fb%3D1%26c"
    assert (link.text, link.get("href")) == ("LOGIN to add comments", f"https://blog.example/login?a=1&next={back}")
    (link,) = parsed(text_of([], post=Post(POST.site, POST.key))).findall("./p[@class='gatepost-login']/a")
    assert link.get("href") == "https://blog.example/login?a=1&next="
    assert of_class(parsed(text_of([], login_url=None)), "gatepost-login") == []


def test_a_closed_post_says_so_and_asks_nobody_to_log_in() -> None:
    section = parsed(text_of([], post=Post(POST.site, POST.key, open=False)))
    assert [words(note) for note in of_class(section, "gatepost-closed")] == ["Comments are closed."]
    assert list(section.iter("a")) == []


def test_the_rest_is_linked() -> None:
    fragment = "".join(html.fragment(site(), POST, [], nested=True, following="/v1/x?a=1&b=2"))
    (link,) = parsed(fragment).findall("./p[@class='gatepost-next']/a")
    assert (link.get("rel"), link.get("href"), link.text) == ("next", "/v1/x?a=1&b=2", "More comments")


@pytest.mark.parametrize("text", TEXTS)
def test_whatever_somebody_is_called_is_text(text: str) -> None:
    section = parsed(text_of([comment(1, profile=Profile(text, text, "https://a.example"))]))
    (article,) = section.iter("article")
    assert words(of_class(section, "gatepost-author")[0]) == text.strip()
    assert words(of_class(section, "gatepost-bio")[0]) == text.strip()
    assert article.get("aria-label") == f"Comment by {text}"
    same = parsed(text_of([comment(1, profile=Profile("Ada", "Counts things.", "https://a.example"))]))
    assert [(element.tag, sorted(element.keys())) for element in section.iter()] == [
        (element.tag, sorted(element.keys())) for element in same.iter()
    ]


def test_nobodys_words_are_in_the_language_of_a_template_that_includes_it() -> None:
    text = "{{ 7 * 7 }} {% raw %} {# x #} {{< x >}} ${7*7}"
    profile = Profile(text, text, "https://a.example/{{7*7}}")
    fragment = text_of([comment(1, profile=profile, html=f"<p>{escape(text)}</p>")])
    assert jinja2.Template(fragment, keep_trailing_newline=True).render() == fragment
    assert "{" not in fragment
    section = parsed(fragment)
    assert [words(of_class(section, name)[0]) for name in ("gatepost-bio", "gatepost-text")] == [text, text]
    assert [link.get("href") for link in of_class(section, "gatepost-author")[0].iter("a")] == [
        "https://a.example/%7B%7B7*7%7D%7D"
    ]


def test_words_run_from_right_to_left_where_they_are_written_so() -> None:
    section = parsed(text_of([comment(1, profile=Profile("\u05e2\u05d3\u05d4", "b"))]))
    for name in ("gatepost-author", "gatepost-bio", "gatepost-text"):
        assert [element.get("dir") for element in of_class(section, name)] == ["auto"]


@pytest.mark.parametrize("text", UNWRITABLE)
def test_what_html_has_no_place_for_is_replaced(text: str) -> None:
    section = parsed(text_of([comment(1, profile=Profile(text, text), html=f"<p>{text}</p>")]))
    for name in ("gatepost-author", "gatepost-bio", "gatepost-text"):
        shown = words(of_class(section, name)[0])
        assert len(shown) == len(text)
        assert "\ufffd" in shown


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_is_no_web_address_is_no_link(address: str) -> None:
    post = Post(POST.site, POST.key, url=address)
    section = parsed(text_of([comment(1, profile=Profile("Ada", url=address))], post=post))
    assert [link.get("href") for link in section.iter("a")] == [
        "https://blog.example/login?a=1&next=",
        f"#comment-{identity(1)}",
    ]


@pytest.mark.parametrize(("address", "written"), GOOD_ADDRESSES.items())
def test_a_web_address_is_linked_as_a_document_may_hold_it(address: str, written: str) -> None:
    section = parsed(text_of([comment(1, profile=Profile("Ada", url=address))]))
    assert [link.get("href") for link in of_class(section, "gatepost-author")[0].iter("a")] == [written]


def test_it_brings_nothing_that_is_not_named_gatepost_and_no_script_and_no_style() -> None:
    items = [comment(1, profile=Profile("Ada", "b", "https://a.example")), comment(2, depth=1, removed=True)]
    elements = list(parsed(text_of(items)).iter())
    assert {name for element in elements for name in element.get("class", "").split()} > {"gatepost-comment"}
    assert all(name.startswith("gatepost-") for element in elements for name in element.get("class", "").split())
    assert {element.tag for element in elements} & {"script", "style", "link", "img", "iframe", "html", "body"} == set()
    assert {name for element in elements for name in element.keys()} <= {  # noqa: SIM118  # an element is no dict
        "class", "id", "href", "rel", "datetime", "aria-label", "dir",
    }  # fmt: skip


def test_a_thread_is_written_as_it_comes() -> None:
    """So that one of any length can be written into a file."""
    taken = 0

    def items() -> Iterator[PublicComment]:
        nonlocal taken
        for number in range(1000):
            taken = number
            yield comment(number)

    pieces = html.fragment(site(), POST, items(), nested=True)
    while identity(3) not in next(pieces):
        pass
    assert taken == 3
    assert len(list(levels(parsed(text_of(items()))))) == 1000
