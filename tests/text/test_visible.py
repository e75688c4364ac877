"""What is visible: scripts and emoji keep the invisible characters that they need, nothing else does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.text.visible import INVISIBLE, clean_line, shows_nothing

ZWNJ, ZWJ = "\u200c", "\u200d"
TAGS = {letter: chr(0xE0000 + ord(letter)) for letter in "abcdefghijklmnopqrstuvwxyz0123456789"}
END = "\U000e007f"


def flag(region: str) -> str:
    return "\U0001f3f4" + "".join(TAGS[letter] for letter in region) + END


@pytest.mark.parametrize(
    "name",
    [
        f"می{ZWNJ}خواهم",  # Persian
        f"خانه{ZWNJ}ها",
        f"خواهر{ZWNJ}ها",
        f"ئه{ZWNJ}رده{ZWNJ}لان",  # Kurdish
        f"شاه{ZWNJ}جہاں",  # Urdu
        f"ه{ZWJ}.ش.",  # an initial form that stands alone
        f"क्{ZWNJ}ष",  # Devanagari, half a letter and none
        f"क्{ZWJ}ष",
        f"ন্{ZWJ}",  # Bengali, at the end
        f"র{ZWJ}্যাম",
        f"ക്{ZWJ}",  # Malayalam
        f"ශ්{ZWJ}රී",  # Sinhala
        f"க்{ZWNJ}ஷ",  # Tamil
        f"ខ្ញុំ{ZWNJ}ស",  # Khmer
        "ᠨ\u180eᠠ",  # Mongolian's vowel separator
        "ᠨ\u180bᠠ",
        "葛\U000e0100城",  # a chosen form of a Han character
        "\u115f\u1161",  # Hangul syllables without a half
        "\u1100\u1160",
        "\u0600\u0661",  # a sign above digits: of the same category as what is invisible, and visible
        "\u06dd",
        f"\U0001f469{ZWJ}\U0001f680",
        f"\U0001f468\U0001f3fd{ZWJ}\U0001f469{ZWJ}\U0001f467",
        f"\U0001f3f3\ufe0f{ZWJ}\U0001f308",
        f"\U0001f3f4{ZWJ}\u2620\ufe0f",
        f"\u26d3\ufe0f{ZWJ}\U0001f4a5",
        f"\U0001f642{ZWJ}\u2194\ufe0f",
        f"\U0001f9d1{ZWJ}\u2695\ufe0f",
        "1\ufe0f\u20e3",
        "\u2764\ufe0f",
        "\u2764\ufe0e",
        "\U0001f1eb\U0001f1f7",
        flag("gbeng"),
        flag("gbsct"),
        flag("gbwls"),
        "\u200fעברית C++\u200e",
        "a\u0301\u034f\u0323",
        "Ada \u0301",
        "⠓⠑⠇⠇⠕",
        "\ue000",
    ],
)
def test_line_keeps_what_its_script_or_emoji_needs(name: str) -> None:
    assert clean_line(name) == name
    assert not shows_nothing(name)
    assert clean_line(f"x {name} x") == f"x {name} x"


@pytest.mark.parametrize(
    ("line", "cleaned"),
    [
        ("Ada", "Ada"),
        ("  Ada \t\n Lovelace\u2028 ", "Ada Lovelace"),
        ("A\u200bd\u2060a\ufeff\u00ad", "Ada"),
        ("A\x07da\x1b[31m", "Ada[31m"),
        ("Ada\u202egnp.exe", "Adagnp.exe"),
        ("\u202aA\u202bd\u202ca\u202d\u2066\u2067\u2068\u2069\u206a\u206f", "Ada"),
        ("A\u2061d\u2062a\u2063\u2064", "Ada"),
        ("\ufff9Ada\ufffaEve\ufffb", "AdaEve"),
        (f"A{ZWNJ}d{ZWJ}a", "Ada"),
        (f"А{ZWNJ}да α{ZWJ}β", "Ада αβ"),
        (f"漢{ZWJ}字 한{ZWNJ}글", "漢字 한글"),
        (f"{ZWNJ}علی{ZWNJ}", "علی"),
        (f"علی{ZWNJ} رضا", "علی رضا"),
        (f"می{ZWNJ}{ZWNJ}خ", "میخ"),
        (f"می\u200b{ZWNJ}خ", f"می{ZWNJ}خ"),
        (f"\U0001f469{ZWJ}", "\U0001f469"),
        (f"{ZWJ}\U0001f469", "\U0001f469"),
        (f"A{ZWJ}\U0001f469", "A\U0001f469"),
        (f"A\ufe0f{ZWJ}\U0001f469", "A\U0001f469"),
        ("A\ufe0fd\ufe00a\U000e0100", "Ada"),
        ("4\ufe0f", "4"),
        ("\u2764\ufe0f\ufe0f", "\u2764\ufe0f"),
        ("Ada" + TAGS["e"] + TAGS["v"] + TAGS["e"] + END, "Ada"),
        ("\U0001f3f4" + TAGS["g"] + TAGS["b"], "\U0001f3f4"),
        ("\U0001f3f4" + TAGS["x"] * 30 + END, "\U0001f3f4"),
        ("Ada\U000e0001", "Ada"),
        ("Ada\u200e \u200f\u061c", "Ada"),
        ("Ada\u3164 \u115f\u1160\uffa0", "Ada"),
        ("Ada\u2800", "Ada"),
        ("Ada\u034f\u17b4\u180b\u180e", "Ada"),
        ("Ada\ufdd0\ufffe\U0001ffff\U0010fffe", "Ada"),
    ],
)
def test_line_loses_what_only_deceives(line: str, cleaned: str) -> None:
    assert clean_line(line) == cleaned


NOTHING = [
    *("", " ", "\t\r\n", "\u00a0\u3000\u2028", "\u200b", "\u2060\ufeff", "\u00ad", "\x07\x7f\x9f"),
    *(
        "\u3164",
        "\uffa0",
        "\u115f",
        "\u1160",
        "\u115f\u1160",
        "\u2800",
        "\u2800 \u2800",
        "\U0001d159",
        "\u17b4",
        "\u180e",
    ),
    *(ZWNJ, ZWJ, ZWJ * 3, "\u200e\u200f\u061c", "\u202e\u202c", "\u2066\u2069", "\u2062", "\u034f", "\ufe0f"),
    *(
        "\u0301",
        "\u0301\u0308",
        " \u0483",
        "\U000e0067\U000e0062\U000e007f",
        "\U000e0001",
        "\U000e0100",
        "\ufff9\ufffb",
    ),
]


@pytest.mark.parametrize("text", NOTHING, ids=ascii)
def test_nothing_shows(text: str) -> None:
    assert shows_nothing(text)
    assert clean_line(text) == ""


@pytest.mark.parametrize(
    "text", [".", "-", "\u00a9", "\U0001f600", "e\u0301", "\ufffd", "字", "\u0903", "\u0600", "x\u200b"]
)
def test_something_shows(text: str) -> None:
    assert not shows_nothing(text)
    assert clean_line(text)


pieces = st.lists(
    st.sampled_from(
        [*NOTHING, *"Aя漢ア한عک्क1#. \u05d0\u26a7\U0001f469\U0001f3fd\U0001f3f4\u20e3", flag("gbsct"), "\u115f\u1161"]
    )
    | st.characters(exclude_categories=["Cs"]),
    max_size=12,
).map("".join)


@given(pieces)
def test_line_is_clean_after_one_cleaning_and_loses_nothing_that_shows(text: str) -> None:
    line = clean_line(text)
    assert clean_line(line) == line == " ".join(line.split())
    assert (line == "") == shows_nothing(text)
    if line:
        drop = dict.fromkeys(
            [*range(0xFDD0, 0xFDF0), *(p + n for p in range(0, 0x110000, 0x10000) for n in (65534, 65535))]
        )
        blank = {0x2800: " ", 0x1D159: " "}
        shown = INVISIBLE.sub("", text.translate(drop | blank))
        assert INVISIBLE.sub("", line).split() == shown.split()
