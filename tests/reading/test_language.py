"""The words of the fragment: every language says everything, with its own plurals, times and direction."""

import json
import re
from datetime import UTC, datetime

import html5lib
import pytest

from service.reading import html, language
from service.reading.language import CODES, Code
from tests.reading.hostile import TEXTS, comment
from tests.reading.test_html import POST, TIMES, site

ENGLISH = language.named("en")
CATEGORIES: dict[Code, set[str]] = {
    "en": {"one", "other"},
    "de": {"one", "other"},
    "fr": {"one", "many", "other"},
    "es": {"one", "many", "other"},
    "ar": {"one", "two", "few", "many", "other"},
}
"""Of whole numbers above nothing (Unicode CLDR)."""
COUNTED: dict[Code, dict[int, str]] = {
    "en": {0: "No comments", 1: "1 comment", 2: "2 comments", 1_000_000: "1000000 comments"},
    "de": {0: "Keine Kommentare", 1: "1 Kommentar", 2: "2 Kommentare"},
    "fr": {0: "Aucun commentaire", 1: "1 commentaire", 2: "2 commentaires", 2_000_000: "2000000 de commentaires"},
    "es": {0: "Ningún comentario", 1: "1 comentario", 2: "2 comentarios", 1_000_000: "1000000 de comentarios"},
    "ar": {
        0: "لا تعليقات",
        1: "تعليق واحد",
        2: "تعليقان",
        3: "3 تعليقات",
        10: "10 تعليقات",
        11: "11 تعليقًا",
        99: "99 تعليقًا",
        100: "100 تعليق",
        103: "103 تعليقات",
        202: "202 تعليق",
    },
}
WRITTEN: dict[Code, str] = {
    "en": "at 9:35am UTC on Friday, 1st July 2005",
    "de": "am Freitag, 1. Juli 2005 um 09:35 Uhr UTC",
    "fr": "le vendredi 1er juillet 2005 à 09:35 UTC",
    "es": "el viernes, 1 de julio de 2005 a las 09:35 UTC",
    "ar": "يوم الجمعة، 1 يوليو 2005 في الساعة 09:35 UTC",
}


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def _said(name: str) -> str:
    """What a text says, without the category of its number."""
    return re.sub(r"\.(zero|one|two|few|many|other)$", "", name)


@pytest.mark.parametrize("code", CODES)
def test_every_language_says_everything_and_takes_the_same_values(code: Code) -> None:
    words = json.loads(language.path_of(code).read_text("utf-8"))
    own = {"time.halves"}  # who counts to twelve twice a day
    assert {_said(name) for name in words} - own == {_said(name) for name in ENGLISH.words} - own
    for name, text in words.items():
        assert text == text.strip() != ""
        if not name.startswith(("time", "count")):
            assert re.findall(r"\{\w+\}", text) == re.findall(r"\{\w+\}", ENGLISH.words[name])
    assert (len(words["time.weekdays"].split()), len(words["time.months"].split())) == (7, 12)


@pytest.mark.parametrize("code", CODES)
def test_every_number_has_its_words(code: Code) -> None:
    spoken = language.named(code)
    numbers = [*range(1, 1_101), 10**6, 2 * 10**6, 10**6 + 1]
    assert {spoken.cardinal(number) for number in numbers} == CATEGORIES[code]
    plurals = {name for name in spoken.words if name.startswith("count.")}
    assert plurals == {f"count.{category}" for category in CATEGORIES[code] | {"zero"}}
    assert {number: str(spoken.count(number)) for number in COUNTED[code]} == COUNTED[code]


@pytest.mark.parametrize("code", CODES)
def test_a_time_is_written_as_the_language_writes_it(code: Code) -> None:
    spoken = language.named(code)
    assert spoken.time(moment("2005-07-01T09:35:59")) == WRITTEN[code]
    written = {spoken.time(moment(one)) for one in TIMES}
    assert len(written) == len(TIMES)
    assert not [one for one in written if "{" in one or "  " in one]


@pytest.mark.parametrize("code", CODES)
def test_a_fragment_says_which_language_it_was_asked_for(code: Code) -> None:
    spoken = language.named(code)
    items = [comment(1), comment(2, parent=1, depth=1, edited_at=1_121_765_760_000), comment(3, removed=True)]
    shown = "".join(html.fragment(site(), POST, items, nested=True, following="/more", spoken=spoken))
    (section,) = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parseFragment(shown)
    assert (section.get("lang"), section.get("dir")) == (code, "rtl" if code == "ar" else "ltr")
    assert section.get("aria-label") == spoken.words["heading"]
    text = "".join(section.itertext())
    for said in (str(spoken.count(POST.count)), spoken.words["login"], spoken.words["removed"], spoken.words["more"]):
        assert said in text
    if code != "en":
        english = [ENGLISH.words[name] for name in ("login", "removed", "more", "closed")]
        assert [words for words in english if words in shown] == []


def test_a_fragment_says_no_language_unless_it_was_asked_for_one() -> None:
    shown = "".join(html.fragment(site(), POST, [comment(1)], nested=True))
    asked = "".join(html.fragment(site(), POST, [comment(1)], nested=True, spoken=ENGLISH))
    assert shown.startswith('<section class="gatepost-comments" aria-label="Comments">\n')
    assert asked.replace(' lang="en" dir="ltr"', "", 1) == shown


@pytest.mark.parametrize("text", [*TEXTS, "{name} {count} {0} {}"])
def test_what_stands_in_a_text_is_a_value_and_nothing_more(text: str) -> None:
    said = language.named("fr").say("comment-by", name=text)
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    assert "".join(parser.parseFragment(f"<p>{said}</p>").itertext()) == f"Commentaire de {text}"
