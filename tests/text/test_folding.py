"""Folded text, and the way back to what its author wrote."""

import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from service.text import disguises
from service.text.folding import fold, folded, meant
from service.triage.checks import lists as check
from service.triage.facts import Span
from service.triage.lists.compiled import Lists, compile_list
from service.triage.lists.entry import Entry, ListKind
from service.triage.seen import Text

# Emoji with joiners, skin and flags; right to left; what grows or shrinks by NFKC; accents in a heap; references.
PIECES = st.sampled_from(
    [
        *("😀", "👩\u200d👩\u200d👧", "✊🏽", "🇩🇪", "1\ufe0f\u20e3", "🏴\U000e0067\U000e0062\U000e007f"),
        *("שלום", "مرحبا", "\u200fא\u200e", "می\u200cخواهم", "हिन्दी", "ไทย", "日本", "한국", "한"),
        *("ﷺ", "㍿", "ﬃ", "½", "Ⅷ", "ß", "İ", "ŉ", "ΐ", "e\u0301", "Z\u0351\u036b\u0343\u036a\u0302", "\u0301"),
        *("&amp;", "&#128512;", "&nbsp;", "&bogus;", "&", "\u200b", "\u00ad", "\ufeff", "a", "Z", "7", "*", "_", "\n"),
    ]
)
APART = st.sampled_from([" ", "\n", ", ", "! ", " 😀 ", "。", " \u200f"])
NOISE = st.lists(PIECES, max_size=12).map("".join)
LISTED = Lists([compile_list("one", ListKind.WORDS, [Entry("viagra"), Entry("cheap pills")])])
WRITTEN = st.sampled_from(
    [
        *("Viagra", "v1agra", "viаgra", "v\u200bi\u200bagra", "ｖｉａｇｒａ", "𝓿𝓲𝓪𝓰𝓻𝓪", "vi\u0301agra", "v-i-a-g-r-a"),
        *("v i a g r a", "&#118;iagra", "cheap  pills", "CHEAP\npills", "ⓥⓘⓐⓖⓡⓐ"),
    ]
)


@settings(max_examples=500, deadline=None)
@given(NOISE, APART, WRITTEN, APART, NOISE)
def test_word_is_marked_where_its_author_wrote_it(
    before: str, behind_it: str, written: str, before_it: str, behind: str
) -> None:
    """Its span cuts exactly the code points of the disguised word out of the text."""
    body = f"{before} zz{behind_it}{written}{before_it}zz {behind}"
    start = len(f"{before} zz{behind_it}")
    findings = check.look(Text(body, body, body, (), LISTED))
    [verdict] = findings.verdicts
    assert verdict.spans == (Span(start, start + len(written)),)


@settings(max_examples=500, deadline=None)
@given(st.lists(PIECES | st.text(max_size=3), max_size=30).map("".join), st.data())
def test_every_stretch_has_its_place(text: str, data: st.DataObject) -> None:
    """Places stand in order, none is empty, and what stands there folds to what was asked about."""
    found = folded(text)
    places = [found.span(index, index + 1) for index in range(len(found.text))]
    assert places == sorted(places)
    assert all(0 <= start < end <= len(text) for start, end in places)
    if places:
        start = data.draw(st.integers(0, len(places) - 1))
        end = data.draw(st.integers(start + 1, len(places)))
        written = text[slice(*found.span(start, end))]
        assert found.text[start:end] in folded(written).text


def test_folding_a_text_is_folding_it_piece_by_piece() -> None:
    for text in ("Straße ﬁne ＷＩＤＥ e\u0301 \u1112\u1161\u11ab İstanbul", "Привет й", "\u30ab\u3099", "plain ASCII"):
        assert folded(text).text == fold(text)
    assert folded("&#118;&amp;&bogus;").text == fold(meant("&#118;&amp;&bogus;")) == "v&&bogus;"


def test_each_letter_folds_as_in_a_search() -> None:
    """Most texts of Latin and Cyrillic letters are folded in one go, where capitals are all that is folded in them."""
    some = [chr(code) for code in [*range(0x1C, 0x250), *range(0x400, 0x530), *range(0x2010, 0x2027)]]
    assert {one for one in some if one != "&" and folded(f"a{one}b").text != f"a{fold(one)}b"} == set()


def test_letters_of_all_scripts_fill_no_memory() -> None:
    """Unicode has a million code points; whoever sent them all once made the service half a gigabyte larger."""
    some = [*range(0x100, 0xD800), *range(0x10000, 0x20000), *range(0x40000, 0x60000)]
    tracemalloc.start()
    try:
        for first in range(0, len(some), 8192):
            text = "".join(map(chr, some[first : first + 8192]))
            folded(text)
            disguises.skeletons([text])
        folded.cache_clear()
        assert tracemalloc.get_traced_memory()[0] < 12 * 2**20
    finally:
        tracemalloc.stop()
