"""Words of lists: found in every disguise, and not inside other words."""

import pytest

from service.text import render
from service.triage.lists.compiled import Lists, compile_list
from service.triage.lists.entry import Entry, ListKind, exception_mistake, mistake
from service.triage.seen import text_of


def lists_of(*values: str | Entry, kind: ListKind = ListKind.WORDS, name: str = "words") -> Lists:
    entries = [value if isinstance(value, Entry) else Entry(value) for value in values]
    return Lists([compile_list(name, kind, entries)])


def written(body: str, lists: Lists) -> list[str]:
    """What of a text an entry is found in, in its author's spelling; "" where only readers see it."""
    text = text_of(body, render.to_html(body), lists)
    hits = lists.find(text.body, text.shown, text.hosts)
    return [part for hit in hits for part in ([body[start:end] for start, end in hit.places] or [""])]


DISGUISES = [
    "viagra",
    "VIAGRA",
    "ViAgRa",
    "ｖｉａｇｒａ",
    "𝓿𝓲𝓪𝓰𝓻𝓪",
    "𝐕𝐈𝐀𝐆𝐑𝐀",
    "ⓥⓘⓐⓖⓡⓐ",
    "viаgrа",
    "νiаgrа",
    "ᴠɪᴀɢʀᴀ",
    "vıagra",
    "víagra",
    "vïàgrá",
    "v̶i̶a̶g̶r̶a̶",
    "vi\u0301ag\u0300ra",
    "vi\u200bagra",
    "v\u2060i\u2060a\u2060g\u2060r\u2060a",
    "vi\u00adagra",
    "via\u034fgra",
    "v1agra",
    "v!agra",
    "vi@gra",
    "v1@gr4",
    "\\/iagra".replace("\\/", "Ѵ"),
    "v-i-a-g-r-a",
    "v.i.a.g.r.a",
    "v_i_a_g_r_a",
    "v i a g r a",
    "v - i - a - g - r - a",
    "via-gra",
    "vi.agra",
    "v**i**agra",
    "viiiiagra",
    "viagraaaa",
    "&#118;iagra",
    "v&#x69;agra",
    "viag®a".replace("®", "г"),
]


@pytest.mark.parametrize("disguise", DISGUISES)
def test_disguised_word_is_found_where_it_stands(disguise: str) -> None:
    lists = lists_of("Viagra")
    assert written(f"😀 Buy {disguise} today", lists) == [disguise]


def test_there_are_more_than_thirty_disguises() -> None:
    assert len(set(DISGUISES)) >= 30


LISTED = """
cialis ass anal sex hell tit rape cum cock dick porn nude cunt arse hoe gay pus scum spic coon rum gin pot pen
con don ana kot bop hex pig rat ton war lie kill het mat
"""
INNOCENT = """
socialism socialist specialist specialise especially assassin assess assist associate asset bass brass class
compass embarrass glass grass harass jurassic mass massage passage passenger passion grasshopper molasses
embassy analysis analyst analogy canal banal penalty manual essex sussex middlesex sextant sexton unisex hello
shell shelter othello shellfish seashell michelle rochelle title titan constitution competition entity
appetite institution practitioner quantity drape grape grapefruit scrape therapist parapet trapeze document
circumstance cumulative accumulate cucumber incumbent cumin peacock cockpit cocktail hancock cockatoo
shuttlecock woodcock dickens dickinson addicted edict predict verdict indicate dictionary denude scunthorpe
arsenal parsecs coarse hoarse parse sparse rehearse shoe hoes canoe gayle nosegay pushkin octopus campus opus
platypus scumble muscum spice conspicuous suspicion hospice despicable auspicious raccoon cocoon tycoon
coonhound drum trump forum scrum instrument spectrum serum gingham engine origin virgin imagine spot potato
potential teapot spotlight open pencil spend carpenter expensive ripen happen control economy second falcon
bacon icon london donate abandon pardon donkey banana anatomy manager canary anaconda piglet pigeon rattle
rather ratio berate crate wrath tone tonight button skeleton cotton warm warning award software dwarf reward
towards believe client relief alien earlier lieutenant skill killer skillet painkiller matter material format
mathematics tomato automatic stamina climate ultimate schematic he'll she'll we'll it's A55 M4 B2B mp3 4x4
1,000,000 $100 €5 50% C3PO R2D2 U.S.A. e.g. i.e. J.R.R. 2024-11-05 12:30 a+b вот кот вор нет мат рот être à
côté às für café naïve Ångström søn μm kΩ 日本語 한국어 ไทย العربية हिन्दी
"""


def test_words_that_contain_a_listed_one_are_innocent() -> None:
    """The last ones are numbers, abbreviations and words of other alphabets."""
    innocent = INNOCENT.split()
    assert len(innocent) >= 200
    lists = lists_of(*LISTED.split())
    assert written("Это русский текст. " + "; ".join(innocent), lists) == []
    assert {word: found for word in innocent if (found := written(f"Now {word}, ж", lists))} == {}
    assert {word: found for word in innocent if (found := written(word, lists))} == {}


@pytest.mark.parametrize(
    ("entry", "body", "expected"),
    [
        ("viagr*", "Viagras, viagro! aviagra v1agraX", ["Viagras", "viagro", "v1agraX"]),
        ("*porn", "foodporn porno p0rn", ["foodporn", "p0rn"]),
        ("cheap pills", "Cheap,  pills and cheap pill, ch3ap p1lls", ["Cheap,  pills", "ch3ap p1lls"]),
        ("cheap pill*", "cheap pillbox cheaper pills", ["cheap pillbox"]),
        ("e-mail me", "E-Mail me", ["E-Mail me"]),
        ("Straße", "STRASSE straße", ["STRASSE", "straße"]),
        ("für", "fur für FÜR", ["für", "FÜR"]),
        ("schon", "schön schon", ["schön", "schon"]),
        ("казино", "Лучшее казино, кaзинo и казиношник", ["казино", "кaзинo"]),
        ("赌博", "在线赌博网站", ["赌博"]),
        ("카지노", "카지노 온라인카지노", ["카지노"]),
        ("שלום", "אמר שלום שם", ["שלום"]),
        ("हिन्दी", "यह हिन्दी है", ["हिन्दी"]),
        ("all", "a1l all ail", ["a1l", "all"]),
        ("boobs", "b00bs boobs boooobs bobs", ["b00bs", "boobs", "boooobs"]),
        ("sex", "s.e.x.\ns e x\nI s e x", ["s.e.x", "s e x", "s e x"]),
    ],
)
def test_entries_match_whole_words_phrases_and_parts(entry: str, body: str, expected: list[str]) -> None:
    assert mistake(ListKind.WORDS, entry) is None
    assert sorted(written(body, lists_of(entry))) == sorted(expected)


def test_exceptions_are_words_in_which_it_is_meant_otherwise() -> None:
    lists = lists_of(Entry("acme", ("acme corp", "the old acme*")))
    assert written("Acme, ACME  Corp; the old acmeist, a-c-m-e", lists) == ["Acme", "a-c-m-e"]


def test_word_that_only_readers_see_has_no_place() -> None:
    assert written("Buy [via](https://a.example)gra", lists_of("viagra")) == [""]


def test_several_lists_are_told_apart() -> None:
    lists = Lists(
        [
            compile_list("one", ListKind.WORDS, [Entry("acme"), Entry("b c")]),
            compile_list("two", ListKind.WORDS, [Entry("ACME")]),
        ]
    )
    text = text_of("acme", "<p>acme</p>")
    assert {(hit.list, hit.entry.value) for hit in lists.find(text.body, text.shown, {})} == {
        ("one", "acme"),
        ("two", "ACME"),
    }


@pytest.mark.parametrize(
    ("kind", "value", "says"),
    [
        (ListKind.WORDS, "...", "needs a letter or a digit"),
        (ListKind.WORDS, "sh!t", "write it as plain letters"),
        (ListKind.WORDS, "f*ck", "write it as plain letters"),
        (ListKind.WORDS, "*abc*", "may have one *"),
        (ListKind.WORDS, "ab*", "needs 3 letters beside its *"),
        (ListKind.WORDS, "x" * 101, "at most 100 characters"),
        (ListKind.HOSTS, "no host", "must be a host"),
        (ListKind.HOSTS, "https://a.example/", "must be a host"),
        (ListKind.PATTERNS, "(a", "is no pattern that RE2 takes"),
        (ListKind.PATTERNS, r"(?=a)b", "is no pattern that RE2 takes"),
        (ListKind.PATTERNS, r"(a)\1", "is no pattern that RE2 takes"),
        (ListKind.PATTERNS, "(a{0,1000}){0,1000}", "is no pattern that RE2 takes"),
        (ListKind.PATTERNS, "a*", "matches the empty text"),
        (ListKind.PATTERNS, "a" * 201, "at most 200 characters"),
    ],
)
def test_what_can_be_no_entry_is_told(kind: ListKind, value: str, says: str) -> None:
    assert says in (mistake(kind, value) or "")


def test_exceptions_fit_their_entries() -> None:
    assert exception_mistake(ListKind.WORDS, "acme", "...") == "needs a word"
    assert exception_mistake(ListKind.HOSTS, "a.example", "b.example") == "must be a host below a.example"
    assert exception_mistake(ListKind.HOSTS, "a.example", "b.a.example") is None
    assert "no exceptions" in (exception_mistake(ListKind.PATTERNS, "a+", "a") or "")


def test_patterns_look_at_the_folded_text() -> None:
    lists = lists_of(r"call \+?[0-9]{4,}", kind=ListKind.PATTERNS)
    assert written("CALL  1; ＣＡＬＬ +１２３４５ now", lists) == ["ＣＡＬＬ +１２３４５"]


def test_pattern_that_this_release_of_re2_does_not_take_fails_and_passes_nothing() -> None:
    """It was taken by another release. A check that fails holds the text."""
    lists = lists_of("(?!a)", kind=ListKind.PATTERNS)
    with pytest.raises(ValueError, match="invalid perl operator"):
        written("anything", lists)


def test_a_long_row_of_signs_takes_no_longer_than_other_text() -> None:
    """Where each sign began a search to the end of the row, this took more than the minutes that a test has."""
    assert written("!" * 300_000 + " $hit", lists_of("shit")) == ["$hit"]


def test_pattern_that_would_take_for_ever_elsewhere_does_not() -> None:
    assert written("a" * 5_000 + "!", lists_of("(a+)+b", kind=ListKind.PATTERNS)) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("See https://pills.example/x", ["https://pills.example/x"]),
        ("See https://www.PILLS.example", ["https://www.PILLS.example"]),
        ("See http://a.b.pills.example:8080/?q and mailto:a@pills.example", None),
        ("See https://fine.pills.example/ and https://notpills.example and https://pills.example.org", []),
        ("pills.example is no link", []),
    ],
)
def test_hosts_are_those_of_links_and_what_is_below(body: str, expected: list[str] | None) -> None:
    lists = lists_of(Entry("pills.example", ("fine.pills.example",)), kind=ListKind.HOSTS)
    found = written(body, lists)
    assert len(found) == 2 if expected is None else found == expected


def test_hosts_of_other_alphabets_are_one_in_both_spellings() -> None:
    lists = lists_of("münchen.example", kind=ListKind.HOSTS)
    assert written("https://xn--mnchen-3ya.example/a und https://münchen.example/b", lists) == [
        "https://xn--mnchen-3ya.example/a",
        "https://münchen.example/b",
    ]


def test_a_word_that_was_innocent_in_one_text_may_be_a_disguise_in_another() -> None:
    lists = lists_of("cop")
    assert written("Вот сор на полу, а дом большой", lists) == []
    assert written("that сор there", lists) == ["сор"]


def test_what_was_no_listed_word_when_it_was_set_apart_begins_a_phrase_later() -> None:
    lists = lists_of("cheap pills")
    assert written("che-ap things", lists) == []
    assert written("cheap pills", lists) == ["cheap pills"]
