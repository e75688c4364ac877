"""Marks in a text: exact in its source; in its HTML only where each can be followed back to the source."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html
from markupsafe import Markup

from service.desk import difference
from service.desk.marking import Mark, Source
from service.text import render


def mark(body: str, *words: str) -> list[Mark]:
    """A mark on each of these, wherever it stands first."""
    return [Mark(body.index(word), body.index(word) + len(word), Markup("why")) for word in words]


def in_html(body: str, *words: str) -> str | None:
    return Source(body, mark(body, *words)).in_html(render.to_html(body))


def marked_in(markup: str) -> list[str]:
    return [one.text_content() for one in html.fromstring(f"<div>{markup}</div>").cssselect("mark")]


@pytest.mark.parametrize(
    ("body", "word", "shown"),
    [
        ("A casino here.", "casino", ["casino"]),
        ("Two\n\nparagraphs, c a s i n o", "c a s i n o", ["c a s i n o"]),
        ("It is a *fine casino*!", "casino", ["casino"]),
        ("ca**si**no", "ca**si**no", ["ca", "si", "no"]),
        ("See https://a.example/?b=1&c=2 now", "https://a.example/?b=1&c=2", ["https://a.example/?b=1&c=2"]),
        ("<https://a.example/>", "https://a.example/", ["https://a.example/"]),
        ("[casino](https://casino.example/) and casino", "casino]", ["casino"]),
        ("- one\n- casino\n\n> casino", "casino", ["casino"]),
        ("\tcode with casino\n", "casino", ["casino"]),
        ("Zoë \U0001f600 casino \U0001f600", "casino", ["casino"]),
        ("a <b>casino</b> & co", "<b>casino</b> &", ["<b>casino</b> &"]),
    ],
)
def test_a_word_is_marked_where_readers_see_it(body: str, word: str, shown: list[str]) -> None:
    found = in_html(body, word)
    assert found is not None
    assert marked_in(found) == shown


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("&#99;asino", "&#99;asino"),
        ("[this](https://casino.example/)", "https://casino.example/"),
        ("[this][a]\n\n[a]: https://casino.example/", "casino"),
        ("![casino](https://a.example/b.png) \\* \\a", "https://a.example/b.png"),
        ("1. casino", "casino"),
        ("```casino\ncode\n```", "casino"),
        ("casino " + "*a* " * 250, "casino"),
    ],
)
def test_where_it_cannot_be_followed_the_source_is_left(body: str, word: str) -> None:
    assert in_html(body, word) is None
    assert marked_in(Source(body, mark(body, word)).whole) == [word]


def test_without_marks_the_html_is_as_it_was() -> None:
    rendered = render.to_html("1. &amp; [a](https://a.example/)")
    assert Source("anything", ()).in_html(rendered) == rendered


def test_marks_over_each_other_say_all_that_there_is() -> None:
    body = "one two three"
    source = Source(body, [Mark(0, 7, Markup("first")), Mark(4, 13, Markup("second")), Mark(4, 99, Markup("first"))])
    found = html.fromstring(f"<div>{source.whole}</div>").cssselect("mark")
    assert [(one.text, one.get("title")) for one in found] == [
        ("one ", "first"),
        ("two", "first · second"),
        (" three", "second · first"),
    ]


def test_marks_and_what_an_edit_changed_stand_in_each_other() -> None:
    new = "I like the casino and the café."
    old, shown = difference.marked("I like the gate and the café.", new, mark(new, "casino and"))
    assert old == "I like the <del>gate</del> and the café."
    assert shown == ('I like the <ins><mark title="why">casino</mark></ins><mark title="why"> and</mark> the café.')


TEXT = st.text(
    st.sampled_from("ab <>&\"'*_`[]()!\\#-.:/\n\t\x00\u202e\u200bé\U0001f600") | st.characters(), max_size=40
)
PLACES = st.lists(st.tuples(st.integers(0, 45), st.integers(0, 45)), max_size=4)


@given(TEXT, PLACES)
def test_a_text_with_marks_is_the_same_text(body: str, places: list[tuple[int, int]]) -> None:
    """Whatever somebody writes, and wherever the marks are."""
    marks = [Mark(min(place), max(place), Markup("why")) for place in places]
    written = Source(body, marks).whole
    assert written.replace('<mark title="why">', "").replace("</mark>", "") == Markup.escape(body)


@given(
    st.text(st.sampled_from('ab c<>&"*_`[]()!\\#-.:/\n') | st.characters(exclude_categories=["Cs", "Cc"]), max_size=40),
    PLACES,
)
def test_html_with_marks_shows_the_same_text(body: str, places: list[tuple[int, int]]) -> None:
    """And what is marked in it stands in the source in the same order."""
    rendered = render.to_html(body)
    marks = [Mark(min(place), max(place), Markup("why")) for place in places if place[0] != place[1]]
    found = Source(body, marks).in_html(rendered)
    if found is None:
        return
    assert _text(found) == _text(rendered)
    at = 0
    for piece in marked_in(found):
        assert body.find(piece, at) >= at
        at = body.find(piece, at) + len(piece)


def _text(markup: str) -> str:
    return str(html.fromstring(f"<div>{markup}</div>").text_content())


def test_prose_is_compared_by_words_up_to_the_bound() -> None:
    words = [f"{'the' if number % 5 == 0 else 'w'}{number if number % 5 else ''}" for number in range(70)]
    old, new = " ".join(["Once", *words, "said"]), " ".join(["Twice", *words, "told"])
    assert difference.marked(old, new)[1] == f"<ins>Twice</ins> {' '.join(words)} <ins>told</ins>"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x" + "!?" * 149, "y" + "?!" * 149),
        ("a " * 149 + "b", "b " + "a " * 148 + "c"),
        ("x\n" + "a\n" * 298 + "y", "z\n" + "a\n" * 298 + "w"),
    ],
)
def test_texts_that_take_long_to_compare_are_not_compared(old: str, new: str) -> None:
    """`difflib` would take a time that grows with the cube of how often the same comes again."""
    was, now = difference.marked(old, new)
    assert (was.count("<del>"), now.count("<ins>")) == (1, 1)
    assert now.replace("<ins>", "").replace("</ins>", "") == new
