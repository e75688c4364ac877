"""What an imported comment says, as CommonMark: `moderation/importing` renders it like any other source.

What cannot be said in CommonMark loses its dress, never its words.
"""

import re
from typing import Final

from service.transfer import markdown_bodies, plain_text
from service.transfer.imported import BodyFormat

_MARKUP: Final = re.compile(r"[<&\[]")
_MORE_THAN_PARAGRAPHS: Final = re.compile(r"<(?!/?p>|br ?/?>)|\[", re.IGNORECASE)
_PARAGRAPH: Final = re.compile(r"</?p>", re.IGNORECASE)
_BREAK: Final = re.compile(r"<br ?/?>\n?", re.IGNORECASE)


def to_markdown(body: str, body_format: BodyFormat) -> str:
    """The same words as CommonMark. In HTML, as the systems keep it, a line break means one as well as `<br>` does."""
    if body_format is BodyFormat.OWN:
        return body
    if body_format is BodyFormat.MARKDOWN:
        return markdown_bodies.to_markdown(body)
    if body_format is BodyFormat.TEXT or not _MARKUP.search(body):
        return plain_text.with_line_breaks(body)
    if not _MORE_THAN_PARAGRAPHS.search(body):  # most comments, twenty times as fast as with a parser
        paragraphs = map(str.strip, _PARAGRAPH.split(body.replace("\r\n", "\n")))
        return plain_text.with_line_breaks(plain_text.unescaped(_BREAK.sub("\n", "\n\n".join(paragraphs))))
    from service.transfer import html_bodies

    return html_bodies.to_markdown(body)
