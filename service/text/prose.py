"""HTML of prose, which most comments are: paragraphs of words, a few of them emphasised, and of addresses.

`render` asks here first, because the parser takes twenty times as long for the same HTML. Nothing here decides what a
text looks like: whatever could be anything else is left to the parser, and `test_prose_needs_no_parser` holds the two
together.
"""

import re
from typing import Final

from service.text import addresses, visible

# One line in which no character can start, continue or end a construct. Left out inside: emphasis, code, link, HTML and
# escape characters, `@` (mailto: addresses) and control characters, tabs with them. Left out at the start: what opens a
# block or underlines a heading. Left out at both ends: white space (indented code, hard breaks, trimming).
# No possessive quantifiers: `re` of Python 3.11.2 (Debian 12) is wrong about them inside a group.
_LINE: Final = re.compile(r"(?![\s#>+\-=~]|[0-9]{1,9}[.)])[^\x00-\x1f\x7f-\x9f*_`\[<\\@]+(?<!\s)")
_PARAGRAPH_BREAK: Final = re.compile(r"\n\n+")

# Marks that can only open, then marks that can only close, and between them words without anything special. The mark
# comes before the look at what stands in front of it: a search for a character is several times as fast.
_EMPHASIS: Final = re.compile(
    r"([*_])(?<![^ \n].)(\1?)([^\W_](?:[^\x00-\x1f\x7f-\xa0*_`\[<>\\@&/]*[^\W_])?)\2\1(?=[ \n.,;:!?)]|\Z)"
)


def to_html(source: str) -> str | None:
    """Render prose as `render.to_html` does. None for a text that may hold anything else."""
    text = source.replace("\r\n", "\n").replace("\r", "\n").lstrip("\n").rstrip(" \n")
    words = addresses.PLAIN.sub("x", _EMPHASIS.sub("x", text))
    if "//" in words or ("&" in words and ";" in words):  # an address or a character reference, perhaps
        return None
    if not words or not all(map(_LINE.fullmatch, filter(None, words.split("\n")))):
        return None
    text = text.replace("&", "&amp;").replace(">", "&gt;").replace("\xa0", "&nbsp;")
    text = addresses.PLAIN.sub(_linked, _EMPHASIS.sub(_emphasised, text))
    paragraphs = _PARAGRAPH_BREAK.sub('</p>\n<p dir="auto">', text)
    rendered = f'<p dir="auto">{paragraphs}</p>\n'
    return rendered if rendered.isascii() else visible.readable(rendered)


def _emphasised(words: re.Match[str]) -> str:
    tag = "strong" if words[2] else "em"
    return f"<{tag}>{words[3]}</{tag}>"


def _linked(address: re.Match[str]) -> str:
    return f'<a href="{address[0]}" rel="{addresses.REL}">{address[0]}</a>'
