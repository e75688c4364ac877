"""What checks see of a text: its source, its words in two spellings, its links."""

from service.triage.seen import Link
from tests.triage.checks.looking import text


def test_text_is_seen_as_written_as_shown_and_in_one_spelling() -> None:
    seen = text("**Fish & CHIPS** <b>\n\nﬁne\u200b `x<y`")
    assert seen.body == "**Fish & CHIPS** <b>\n\nﬁne\u200b `x<y`"
    assert seen.shown == "Fish & CHIPS <b>\nﬁne\u200b x<y\n"
    assert seen.plain == "fish & chips <b> fine x<y"


def test_links_are_what_they_lead_to_and_what_is_clicked() -> None:
    seen = text("[*Fish* & chips](https://a.example/?a=1&b=2) <mailto:a@b.example> https://a.example/ö")
    assert seen.links == (
        Link("https://a.example/?a=1&b=2", "Fish & chips"),
        Link("mailto:a@b.example", "mailto:a@b.example"),
        Link("https://a.example/%C3%B6", "https://a.example/ö"),
    )
    assert text('<a href="https://a.example">raw</a>').links == (Link("https://a.example", "https://a.example"),)
