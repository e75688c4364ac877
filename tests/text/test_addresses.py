"""Bare addresses: a link ends where its sentence goes on, holds letters of any script, and loses nothing around it."""

import html
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.text import render

LINK = re.compile(r'<a href="([^"]*)" rel="[^"]*">(.*?)</a>', re.DOTALL)
ANY_TAG = re.compile(r"<[^>]*>")


def text_of(rendered: str) -> str:
    return html.unescape(ANY_TAG.sub("", rendered)).removesuffix("\n")


def links_of(source: str) -> list[str]:
    """The texts of the links; all of the source is still there."""
    rendered = render.to_html(source)
    assert text_of(rendered) == source
    return [html.unescape(text) for _, text in LINK.findall(rendered)]


# What no address goes on with, as it stands behind `https://example.org/a`.
ENDS = [
    *(".", ", and", "!?", "...", ": x", ";", "'", '"', ") x", "]", "(see", "<b", ">", " x"),
    *("。谢谢", ",谢谢", "!谢谢", "、b", "！", "？这", "；", "：", "」と", "』", "）、", "】", "》"),
    *("（注）", "「b」", "｜b", "・次", "～", "…", "…и", "” he", "“b”", "’ x", "’和", "» и", "—and", "– x"),
    *("، ثم", "،ثم", "؛", "؟", "۔", "।", "॥ फिर", "։", "፡እና", "።", "፤", "។", "။", "།"),
    *("´", "´ x", "｀b", "＞谢谢", "﹥", "＾", "≫", "❞", "❜ x", "🙷", "｢b｣"),
    *(".谢谢", "?谢谢", "'和", "’和", "·和", "–谢谢", "‐ดู", ".ดู", ".ثم", "?और"),
    *("\u200e.", "\u200f", "\u200bb", "\u00adb", "\u3164", "\u3000x", "\u00a0x", "\u2066b\u2069"),
]
ADDRESSES = [
    *("https://example.org", "https://example.org:8080/x?y=1,2&z={3}#é", "https://example.org/a_(b)", "HTTPS://EXAMPLE.ORG/A"),
    *("https://example.org/(a)/[b]", "https://youtu.be/abc-", "https://youtu.be/abc_", "http://xn--bcher-kva.example"),
    *("https://ja.wikipedia.org/wiki/日本", "https://example.org/日本.html", "https://例え.テスト/", "https://straße.example/ü"),
    *("https://उदाहरण.परीक्षा/हिन्दी", "https://he.wikipedia.org/wiki/צה״ל", "https://fa.wikipedia.org/wiki/می\u200cخواهم"),
    *("https://fr.wikipedia.org/wiki/L’Équipe", "https://fr.wikipedia.org/wiki/L'Équipe", "https://example.org/e\u0301"),
    *("https://ja.wikipedia.org/wiki/レオナルド・ダ・ヴィンチ", "https://ca.wikipedia.org/wiki/Col·lecció"),
    *("https://zh.wikipedia.org/wiki/Wikipedia:首页", "https://example.org/?日本", "https://example.org/日本.中国·上海–北京"),
    *("https://i❤.example", "https://a_b.example/-", "https://example.org-a.example", "https://example.org/a–b’s"),
    *("https://web.archive.org/web/2005/http://blog.example/", "https://example.org/?to=https://blog.example"),
    *("https://en.wikipedia.org/wiki/Michelson–Morley_experiment", "https://example.org/👩\u200d🚀"),
    *("mailto:ada@example.org", "mailto:ada@bücher.example"),
]  # fmt: skip


@pytest.mark.parametrize("end", ENDS, ids=ascii)
@pytest.mark.parametrize("before", ["", "看", "(", "“", "«", "x ", "\u200f"], ids=ascii)
def test_link_ends_where_its_sentence_goes_on(before: str, end: str) -> None:
    assert links_of(f"{before}https://example.org/a{end}") == ["https://example.org/a"]


@pytest.mark.parametrize(
    "end",
    ["’s page", "'s", "–next", "—", "‐b", "→ b", "😀", "☎", "®", "_", "_ x", "- x", "-", "-.", "゛", "︱b"],
    ids=ascii,
)
def test_host_holds_what_names_of_hosts_hold(end: str) -> None:
    assert links_of(f"x https://example.org{end}") == ["https://example.org"]
    assert links_of(f"x mailto:ada@example.org{end}") == ["mailto:ada@example.org"]


@pytest.mark.parametrize("between", ["。", "，邮件", "》", "“"])
def test_mailbox_behind_an_address_is_no_user_of_its_host(between: str) -> None:
    assert links_of(f"看https://example.org{between}ada@b.example") == ["https://example.org"]
    assert links_of(f"看https://ada@example.org{between}ada@b.example") == []


@pytest.mark.parametrize("between", [",", ";", "|", ",,", "、", " ", "，"])
@pytest.mark.parametrize("second", ["https://b.example/c", "HTTP://b.example", "mailto:ada@b.example"])
@pytest.mark.parametrize("first", ["https://a.example/b", "https://a.example", "https://a.example/?b=c"])
def test_each_of_several_addresses_is_a_link(first: str, second: str, between: str) -> None:
    assert links_of(f"{first}{between}{second}") == [first, second]


@pytest.mark.parametrize("address", ADDRESSES, ids=ascii)
@pytest.mark.parametrize("end", ["", ".", "。", "،", "। x", "”", ")"], ids=ascii)
def test_address_of_any_script_stays_whole(end: str, address: str) -> None:
    assert links_of(f"x {address}{end}") == [address]


@pytest.mark.parametrize(
    ("source", "rendered"),
    [
        ("`https://a.example`。", "<code>https://a.example</code>。"),
        ("https://a.example/`b`", "[https://a.example/]<code>b</code>"),
        ("`b`https://a.example/`c`。", "<code>b</code>[https://a.example/]<code>c</code>。"),
        ("*https://a.example/b*和", "<em>[https://a.example/b]</em>和"),
        ("**https://a.example/b**和", "<strong>[https://a.example/b]</strong>和"),
        ("_https://a.example/b_。", "<em>[https://a.example/b]</em>。"),
        ("_see https://a.example/b__c_", "<em>see [https://a.example/b__c]</em>"),
        ("'https://a.example/b'和", "'[https://a.example/b]'和"),
        ("‘https://a.example/b’s", "‘[https://a.example/b]’s"),
        ("https://web.example/*/x", "[https://web.example/*/x]"),
        ("https://a.example/?a=1&amp;b=2&gt;", "[https://a.example/?a=1&amp;b=2]&gt;"),
        ("https://a.example/?a=1&amp;。", "[https://a.example/?a=1&amp;]。"),
        ("https://a.example/?a=1&amp;和", "[https://a.example/?a=1&amp;和]"),
        ("https://a.example/(&amp;) b", "[https://a.example/(&amp;)] b"),
        ("https://a.example/?a=1&b=2", "[https://a.example/?a=1&amp;b=2]"),
        ("https://a.example/b\\_c", "[https://a.example/b]_c"),
        ("http\\://a.example xhttps://a.example ftp://a.example", "http://a.example xhttps://a.example ftp://a.example"),
        ("https://ada:secret@a.example/ https://ada@a.example", "https://ada:secret@a.example/ https://ada@a.example"),
        ("https:// https://. https://- https:///a", "https:// https://. https://- https:///a"),
        ("mailto: mailto:@a.example", "mailto: mailto:@a.example"),
        ("https://a.example\nhttps://b.example", "[https://a.example]\n[https://b.example]"),
        ("https://a.example/(https://b.example/(", "[https://a.example/]([https://b.example/]("),
    ],
)  # fmt: skip
def test_markup_around_an_address_stays_markup(source: str, rendered: str) -> None:
    found = LINK.sub(r"[\2]", render.to_html(source))
    assert found == f'<p dir="auto">{rendered}</p>\n'


# --- The property -----------------------------------------------------------------------------------------------------

PUNCTUATION = "".join(
    character
    for character in map(chr, range(0x21, 0x1FFFF))
    if unicodedata.category(character).startswith("P") and character not in "#%&-/@_*\\`<>"
)
INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u061c\u2066\u2067\u2068\u2069\u00ad\ufeff\u3164"
glue = st.sampled_from([*PUNCTUATION, *INVISIBLE, *"。、।،”’»…)]", " "])
words = st.sampled_from(
    [*"aяα漢あ한عаक", "word", "https://a.example", "https://a.example/漢", "/b", "(c)", "?d=e", "x"]
)


@settings(max_examples=500, deadline=None)
@given(st.lists(words | glue, max_size=14).map("".join))
def test_no_link_ends_in_punctuation_and_no_text_is_lost(source: str) -> None:
    rendered = render.to_html(source)
    shown = text_of(rendered)
    isolates = re.compile("[\u2066-\u2069]")  # closed in their own block
    assert isolates.sub("", shown) == isolates.sub("", source.strip())
    for href, text in LINK.findall(rendered):
        last = html.unescape(text)[-1]
        assert last not in PUNCTUATION.translate(dict.fromkeys(map(ord, ")]}"))), text
        assert last not in INVISIBLE
        assert not last.isspace()
        assert all(text.count(one) == text.count(other) for one, other in ("()", "[]", "{}"))
        assert href.isascii()
