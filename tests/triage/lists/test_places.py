"""Where a listed word stands in 500 texts of many scripts: a verdict's span is that very stretch of the body."""

from random import Random

from service.text import render
from service.triage import look
from service.triage.facts import MAX_SPANS
from service.triage.seen import text_of
from tests.triage.lists.test_words import DISGUISES, lists_of

TEXTS = 500
AROUND = (
    *(
        "words",
        "İstanbul",
        "straße",
        "ﬃligree",
        "naïve",
        "e\u0301\u0302te\u0301",
        "日本語の文",
        "ภาษาไทย",
        "한국어",
        "ᄒ\u1161ᆫ",
    ),
    *(
        "العربية",
        "עִבְרִית",
        "हिन्दी",
        "ﷺ",
        "½",
        "№ 5",
        "👨\u200d👩\u200d👧",
        "🇩🇪",
        "😀",
        "$100",
        "A55",
        "&amp;",
        "&#x41;lpha",
    ),
    *(
        "**bold**",
        "_it_",
        "`code`",
        "<https://a.example/>",
        "[here](https://b.example/x)",
        "\n\n> quoted",
        "zero\u200bwidth",
    ),
    *("Zaaaaaaaalgo", "ẑ\u0335\u0336\u0337algo", "e-mail", "﹏﹏", "\U0001d400\U0001d401\U0001d402"),
)


def test_word_in_disguise_is_found_where_it_stands_in_any_text() -> None:
    chance, lists = Random(16), lists_of("viagra")  # noqa: S311 - the same texts each time
    missed = []
    for number in range(TEXTS):
        disguise = DISGUISES[number % len(DISGUISES)]
        before, behind = (chance.choices(AROUND, k=chance.randint(0, 12)) for _ in range(2))
        front = "".join(f"{one}{chance.choice([' ', '  ', chr(10)])}" for one in before)
        body = f"{front}{disguise} {' '.join(behind)}"
        facts = look.at_text(text_of(body, render.to_html(body), lists))
        assert not facts.failures
        for verdict in facts.verdicts:
            places = [place for span in verdict.spans for place in (span.start, span.end)]
            assert places == sorted(places)
            assert len(verdict.spans) <= MAX_SPANS
            assert all(0 <= span.start < span.end <= len(body) for span in verdict.spans)
        found = [span for verdict in facts.verdicts if verdict.check == "lists" for span in verdict.spans]
        if [(len(front), len(front) + len(disguise))] != [(span.start, span.end) for span in found]:
            missed.append((body, found))
    assert missed == []


def test_no_text_makes_a_check_fail() -> None:
    """Characters of any kind, in any order: words of marks alone, of signs, of nothing that shows."""
    chance, lists = Random(17), lists_of("viagra", "viagr*", "cheap pills")  # noqa: S311
    kinds = [(0x20, 0x7E), (0x300, 0x36F), (0x370, 0x52F), (0x590, 0x6FF), (0x2000, 0x2FFF), (0x1D400, 0x1D7FF)]
    for _ in range(TEXTS):
        some = [chance.randint(*chance.choice(kinds)) for _ in range(chance.randint(1, 80))]
        body = "".join(map(chr, some))
        assert look.at_text(text_of(body, render.to_html(body), lists)).failures == ()
