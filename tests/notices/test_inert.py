"""Readers' words in a notice: plain text that says the same, whatever program shows it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.notices.inert import inert

MARK_UP = set("<>&@#*_~`[]|\\{}＜＞＠＃")
OURS = re.compile(r"\[[.:]\]")
LINK = re.compile(r"\w[.:]//|[a-z]://|www\.|[^\s.]\.[A-Za-z]|mailto:|tel:|javascript:", re.IGNORECASE)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("What a fine day. It rained (a little), at 9:30 - 3.5 mm!", None),
        ("Grüße, 東京。いい天気です。", None),
        ("https://evil.example/x?y", "https[:]//evil[.]example/x?y"),
        ("see www.evil.example.", "see www[.]evil[.]example."),
        ("http://127.0.0.1:80/", "http[:]//127[.]0[.]0.1:80/"),
        ("mailto:a@evil.example", "mailto[:]a(at)evil[.]example"),
        ("javascript:alert(1)", "javascript[:]alert(1)"),
        ("evil。com", "evil[.]com"),
        ("@everyone", "(at)everyone"),
        ("＠here", "(at)here"),
        ("<!channel> <@U123>", "‹!channel› ‹(at)U123›"),
        ("**bold** _it_ ~gone~ `code` ||spoiler||", "∗∗bold∗∗ ˍitˍ ∼gone∼ 'code' ¦¦spoiler¦¦"),
        ("[click](https://evil.example)", "(click)(https[:]//evil[.]example)"),
        ("# Heading\n> quote\n- item", "♯ Heading › quote - item"),
        ("Subject: x\r\nBcc: y@evil.example", "Subject: x Bcc: y(at)evil[.]example"),
        ("&lt;b&gt; &#64;here", "＆lt;b＆gt; ＆♯64;here"),
        ("/delete all", "∕delete all"),
        ("and/or", None),
        ("a\u202eb\u200bc\x00d", "abcd"),
        ("\\@here", "∖(at)here"),
        ("   ", ""),
    ],
)
def test_words_say_the_same_and_mean_nothing_to_a_program(text: str, shown: str | None) -> None:
    assert inert(text) == (text if shown is None else shown)


PIECES = st.sampled_from(
    [
        "https",
        "://",
        ":",
        "//",
        ".",
        "evil",
        "com",
        "@",
        "<",
        "!",
        ">",
        "[",
        "]",
        "(",
        ")",
        "&#64;",
        "\n",
        " ",
        "＠",
        "。",
    ]
)


@given(text=st.lists(PIECES | st.text(max_size=3), max_size=20).map("".join))
def test_no_text_has_mark_up_a_mention_or_an_address_left(text: str) -> None:
    shown = inert(text)
    assert not MARK_UP & set(OURS.sub("", shown))
    assert not LINK.search(shown)
    assert shown.isprintable() or not shown.isascii()
    assert "\n" not in shown


def test_a_long_text_is_cut_before_anything_is_added() -> None:
    assert inert("@" * 300, most=200) == "(at)" * 200 + "…"
    assert inert("x" * 200, most=200) == "x" * 200
