"""Bodies of other systems become CommonMark that reads as they did: their words are all there, and nothing else."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.text import render
from service.transfer.bodies import to_markdown
from service.transfer.imported import BodyFormat
from tests.transfer.shapes import SHAPES, WORDS

MARKS = "ab1 \n.)(-+#>*_`~=[]!<&;:/\\|\"'"
PIECES = (
    *("<b>", "</b>", "<i>", "</i>", "<p>", "</p>", "<br>", "\n", "\n\n", "a", "b.", " ", "*", "_", "1. ", "- ", "`"),
    *("<ul>", "<li>", "</li>", "</ul>", "<blockquote>", "</blockquote>", "<code>", "</code>", "<pre>", "</pre>", "[z]"),
    *("<a href='http://x.example/'>", "</a>", "&lt;", "&amp;", "<", "x>", "<h2>", "</h2>", "<del>", "</del>", "<tr>"),
)
ANY_TAG = re.compile(r"</?(?:b|i|p|br|ul|li|blockquote|code|pre|a|h2|del|tr)(?:\s[^<>]*)?>")


def words(markdown: str) -> str:
    """What a reader sees, without blanks."""
    return "".join(render.words_of_html(render.to_html(markdown)).split())


@pytest.mark.parametrize(("html", "markdown"), SHAPES.values(), ids=SHAPES)
def test_shapes_of_wordpress_read_as_they_did(html: str, markdown: str) -> None:
    for index, (a, a_written) in enumerate(WORDS):
        b, b_written = WORDS[index - 1]
        made = to_markdown(html.format(a=a, b=b), BodyFormat.HTML)
        assert made == markdown.format(a=a_written, b=b_written)


def test_there_are_two_hundred_of_them() -> None:
    assert len({html.format(a=a, b=b) for html, _ in SHAPES.values() for a, _ in WORDS for b, _ in WORDS[:1]}) >= 200


@settings(max_examples=150)
@given(st.text(MARKS, max_size=40))
def test_plain_text_shows_exactly_what_it_was(text: str) -> None:
    rendered = render.to_html(to_markdown(text, BodyFormat.TEXT))
    assert "".join(render.words_of_html(rendered).split()) == "".join(text.split())
    assert not re.search(r"<(?!/?p\b|br)", rendered)


@settings(max_examples=60)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_html_loses_no_word(html: str) -> None:
    text = ANY_TAG.sub("", html).replace("&lt;", "<").replace("&amp;", "&")
    assert words(to_markdown(html, BodyFormat.HTML)).replace("|", "") == "".join(text.split())


MARKDOWN = {
    "*a* <3 and <notag> & [b](c)": "*a* <3 and <notag> & [b](c)",
    "![a cat](https://x.example/c.png)": "[a cat](https://x.example/c.png)",
    '![](https://x.example/c.png "t") x': "<https://x.example/c.png> x",
    "![a cat](/c.png)": "a cat",
    "`![](https://x.example/c.png)` <br> b": "`![](https://x.example/c.png)`   \n b",
    "```\n<b>\n```\n<b>x</b>": "```\n<b>\n```\n**x**",
    '<a href="https://x.example/">x</a> <a href="javascript:y">z</a>': "[x](https://x.example/) z",
    '<img src="https://x.example/c.png" alt="(smile)">': "[(smile)](https://x.example/c.png)",
    "<p>x</p><p>y</p>": "\n\nx\n\n\n\ny\n\n",
    "<script>x</script>": "<script>x</script>",
}


@pytest.mark.parametrize(("body", "made"), MARKDOWN.items(), ids=range(len(MARKDOWN)))
def test_markdown_is_left_as_it_is_but_for_pictures_and_tags(body: str, made: str) -> None:
    assert to_markdown(body, BodyFormat.MARKDOWN) == made


def test_a_body_of_very_many_marks_loses_tags_and_no_words() -> None:
    made = to_markdown("<p>if 1 < 2 and 3 > 2</p><!-- unseen --> <i>so</i>" + " [x]" * 1_001, BodyFormat.HTML)
    assert words(made).startswith("if1<2and3>2so[x]")
