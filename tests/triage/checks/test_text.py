"""The check `text`: length, runs of one character, capitals."""

import pytest

from tests.triage.checks.looking import codes, found, marked


@pytest.mark.parametrize(
    ("body", "characters"),
    [
        ("", 0),
        ("Hello", 5),
        ("**Hello**  \n\n\n world", 11),
        ("h\u200be\u00adl\u2060lo", 5),
        ("[Hello](https://a.example/a-long-address)", 5),
        ("<b>Hello</b>", 12),
        ("日本語", 3),
    ],
)
def test_length_is_that_of_what_shows(body: str, characters: int) -> None:
    assert found(body).values["text.characters"] == characters


@pytest.mark.parametrize(
    ("body", "run"),
    [
        ("", 0),
        ("a", 1),
        ("Hello", 2),
        ("Nooooo!!!!!!!", 7),
        ("aAaA", 4),
        ("a a a a", 1),
        ("a\u200ba\u200ba", 3),
        ("a" * 10_000, 10_000),
        ("😀😀😀", 3),
    ],
)
def test_longest_run_of_one_character(body: str, run: int) -> None:
    assert found(body).values["text.repeated_run"] == run


@pytest.mark.parametrize(
    ("body", "share"),
    [
        ("OK, NASA!", None),
        ("A" * 19, None),
        ("A" * 20, 1.0),
        ("a" * 20, 0.0),
        ("A" * 15 + " 123 !!! " + "a" * 5, 0.75),
        ("日本語" * 10, 0.0),
        ("ÄÖÜ" * 10 + "**" + "äöü" * 10 + "**", 0.5),
        ("[" + "a" * 20 + "](https://A.EXAMPLE/AAAAAAAAAAAAAAAAAAAA)", 0.0),
    ],
)
def test_capitals_are_counted_from_20_letters_on(body: str, share: float | None) -> None:
    assert found(body).values["text.capitals_share"] == share


def test_run_is_shown_where_it_stands_in_the_source() -> None:
    body = "**No** 😀 no" + "O" * 20 + "! Why" + "?" * 9 + "!!"
    facts = found(body)
    assert marked(body, facts, "repeated-run") == ["o" + "O" * 20, "?" * 9]
    assert codes(found("No!!!!!!!")) == ["newcomer"]


def test_shouting_is_told() -> None:
    assert "capitals" in codes(found("THIS IS NOT WHAT I SAID THERE"))
    assert "capitals" not in codes(found("This is not what I said there"))


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ("Buy viаgrа now", ["viаgrа"]),
        ("Buy 𝓿𝓲𝓪𝓰𝓻𝓪 now", ["𝓿𝓲𝓪𝓰𝓻𝓪"]),
        ("Buy vi\u200bagra now", ["\u200b"]),
        ("Buy ᴠiagra now", ["ᴠiagra"]),
        ("Über café naïve Ångström μm kΩ 5 µm x²", []),
        ("Это русский текст про iPhoneом и PDFка", []),
        ("می\u200cخواهم 👩\u200d👩\u200d👧 co\u00adoperate", []),
        ("ＡＢＣ 日本語 ﬁne", []),
        ("plain", []),
    ],
)
def test_disguised_words_are_shown(body: str, places: list[str]) -> None:
    facts = found(body)
    assert facts.values["text.disguised"] is bool(places)
    assert (marked(body, facts, "disguised") if places else []) == places
