"""Texts over HTTP: what a body may hold, and how the public sees it."""

from typing import Any

import pytest
from playwright.async_api import Browser

from tests.conftest import StartGatepost
from tests.harness import Gatepost

pytest_plugins = ["tests.browser"]

NOTHING = [
    *("\u200b", "\u200b\n\n\u2060", "\u3164", "\u2800", "&#8203;", "&nbsp;", "\u202e\u202c", "\x07", "\u0301"),
    *("[a]: https://a.example", "[a]: https://a.example 'b'\n[b]: https://b.example", "[]()", "![](a.png)"),
    *("***", "---\n\n---", ">", "> >", "-", "1.", "#", "# #", "```\n```", "```js\n\n```", "-\n-\n-"),
]


@pytest.mark.parametrize("call", ["submission", "edit"])
async def test_text_that_shows_nothing_is_refused(gatepost: Gatepost, call: str) -> None:
    ada = gatepost.reader("ada")
    comment = (await ada.submit("Something")).json["comment"]
    for body in NOTHING:
        answer = await (ada.submit(body) if call == "submission" else ada.edit(comment["id"], body, 1))
        assert (answer.status, answer.code) == (422, "invalid-request"), ascii(body)
        assert answer.json["errors"] == [{"pointer": "/body", "in": "body", "detail": "shows nothing"}], ascii(body)
    assert [mine["body"] for mine in (await ada.get("me/comments")).json["comments"]] == ["Something"]


async def test_least_that_shows_is_taken(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost(premoderate=False)
    for body in [
        ".",
        "&#46;",
        "`-`",
        "[](https://a.example)",
        "[](mailto:a@a.example)",
        "![x](a.png)",
        "\U0001f600",
        "\\*",
    ]:
        assert (await gatepost.reader("ada").submit(body)).status == 201, body


@pytest.mark.parametrize(("longest", "text"), [(10_000, "a"), (10, "a"), (10, "a" * 10), (10_000, "a" * 10_000)])
async def test_source_has_at_most_a_thousand_characters_more(
    start_gatepost: StartGatepost, longest: int, text: str
) -> None:
    gatepost = await start_gatepost(max_body_length=longest)
    ada = gatepost.reader("ada")
    fits = text + " " * (longest + 1_000 - len(text))
    taken = await ada.submit(fits)
    assert (taken.status, taken.json["comment"]["body"]) == (202, fits)
    comment = taken.json["comment"]
    for around in (f"{fits}\n", f"\u3000{fits}", fits + " " * 30_000):
        for answer in (await ada.submit(around, post="other"), await ada.edit(comment["id"], around, 1)):
            assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/body")
            assert f"at most {longest + 1_000} characters" in answer.json["errors"][0]["detail"]


async def test_bare_addresses_end_with_their_sentence_in_every_format(gatepost: Gatepost) -> None:
    await gatepost.approved("这里看 https://example.org/a。谢谢 [](https://spam.example) https://u:p@example.org/\n# y")
    link = '<a href="https://{0}" rel="nofollow ugc noopener">https://{0}</a>'
    sentence = f"这里看 {link.format('example.org/a')}。谢谢 {link.format('spam.example')} https://u:p@example.org/"
    html = f'<p dir="auto">{sentence}</p>\n<h3 dir="auto">y</h3>\n'
    (listed,) = (await gatepost.public())["comments"]
    assert listed["html"] == html
    assert html in (await gatepost.visitor.get("posts/post/comments.html")).body.decode()


# --- Directions, as a browser shows them ------------------------------------------------------------------------------

# Each with the order in which its marked characters must be seen, from left to right.
RIGHT_TO_LEFT = {
    "a mark behind C++ keeps its signs behind it": ("אבג C++\u200e דה", "C+"),
    "a mark makes a line of digits run from right to left": ("\u200f1) x 2", "21"),
    "an isolate keeps a range of numbers as it was written": ("שנה \u20661990-2005\u2069 א", "12"),
    "a paragraph of Hebrew below one of English has its full stop on the left": ("Q?\n\nא.", ".א"),
    "an item of Hebrew in a list of English": ("- Q?\n- א.", ".א"),
    "an item of English in a list of Hebrew": ("- ב?\n- Q.", "Q."),
    "a heading": ("Q?\n\n# א.", ".א"),
    "a quote": ("Q?\n\n> א.", ".א"),
    "code": ("א?\n\n```\nQ;\n```", "Q;"),
    "an isolate that nobody closed ends with its paragraph": ("\u2067א\n\nQ.", "Q."),
}
POSITION = """character => {
  const walker = document.createTreeWalker(document.querySelector(".gatepost-text"), NodeFilter.SHOW_TEXT);
  let found = null;
  while (walker.nextNode()) {
    const at = walker.currentNode.data.lastIndexOf(character);
    if (at < 0) continue;
    const range = document.createRange();
    range.setStart(walker.currentNode, at);
    range.setEnd(walker.currentNode, at + 1);
    found = range.getBoundingClientRect().left;
  }
  return found;
}"""


@pytest.mark.browser
@pytest.mark.parametrize("page_direction", ["ltr", "rtl"])
async def test_text_is_seen_in_the_order_that_its_author_meant(
    gatepost: Gatepost, chromium: Browser, page_direction: str
) -> None:
    page: Any = await chromium.new_page()
    for number, (rule, (body, order)) in enumerate(RIGHT_TO_LEFT.items()):
        await gatepost.approved(body, post=f"post-{number}")
        fragment = (await gatepost.visitor.get(f"posts/post-{number}/comments.html")).body.decode()
        await page.set_content(f'<!doctype html><html dir="{page_direction}"><body>{fragment}</body></html>')
        left, right = [await page.evaluate(POSITION, character) for character in order]
        assert left < right, rule
