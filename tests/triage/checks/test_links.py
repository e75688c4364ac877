"""The check `links`: those that readers can click, and where they stand in the source."""

import pytest

from tests.triage.checks.looking import codes, found, marked

SENT = "https://a.example/x"


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("Hello", 0),
        ("a.example is no link", 0),
        (SENT, 1),
        (f"<{SENT}> and [one]({SENT}) and mailto:a@b.example", 3),
        (f"`{SENT}`", 0),
        (f"[one](javascript:alert(1)) ![image]({SENT})", 0),
        (f'<a href="{SENT}">raw</a>', 1),
        ("[a][1] [b][1]\n\n[1]: https://a.example", 2),
    ],
)
def test_links_are_those_that_readers_can_click(body: str, count: int) -> None:
    facts = found(body)
    assert facts.values["links.count"] == count
    assert ("links" in codes(facts)) is (count > 0)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f"See {SENT}.", [SENT]),
        (f"😀 ✊🏽 «{SENT}» [here]({SENT}) again", [SENT, SENT]),
        (
            "https://a.example/?a=1&amp;b=2 and https://a.example/?a=1&b=2",
            ["https://a.example/?a=1&amp;b=2", "https://a.example/?a=1&b=2"],
        ),
        ("Auf https://de.wikipedia.org/wiki/Köln steht es", ["https://de.wikipedia.org/wiki/Köln"]),
        ("A man. [Köln](https://de.wikipedia.org/wiki/Köln) a", ["[Köln]"]),
        ("a [**a**](https://de.wikipedia.org/wiki/Köln) a", []),
        ("שלום https://a.example/שלום שלום", ["https://a.example/שלום"]),
        (" ".join([SENT] * 30), [SENT] * 20),
    ],
)
def test_links_are_marked_as_their_author_wrote_them(body: str, expected: list[str]) -> None:
    assert marked(body, found(body), "links") == expected
