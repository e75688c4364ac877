"""Words as CommonMark that shows exactly these words: whatever would be markup is escaped, and no more."""

import html
import re
from typing import Final

from service.text import addresses

_SCHEME: Final = re.compile(r"\b(https?|mailto):", re.IGNORECASE)
# What opens or closes something wherever it stands. An underscore within a word does not; neither does `<` before a
# space, or `&` that begins no entity.
_MARKUP: Final = re.compile(r"[\\`*\[]|(?<![^\W_])_|_(?![^\W_])|<(?=[A-Za-z/!?])|&(?=#?\w+;)")
# What means something at the beginning of a line: heading, quotation, list, rule, underline, fence.
_BEGIN: Final = re.compile(
    r"(?P<blanks>[ \t]*)(?:(?P<mark>#{1,6}(?=\s|$)|>|[-+](?=\s|$|-+\s*$)|=+(?=\s*$)|~~~)"
    r"|(?P<number>\d{1,9})(?P<point>[.)])(?=\s|$))"
)
# Searches that are over much sooner than what they spare most texts.
_PERHAPS_ADDRESS: Final = re.compile(r":(?:(?<=http:)|(?<=https:)|(?<=mailto:))", re.IGNORECASE)
_PERHAPS_MARKUP: Final = re.compile(r"[\\`*\[_<&]")
_BLANKS: Final = re.compile(r"[ \t\f\v]+")
_AROUND_BREAKS: Final = re.compile(r" ?\r?\n ?|\r ?")
_ENDLESS_REFERENCE: Final = re.compile(r"&#\d{20,};?")
"""No character, but a number that Python may refuse to read."""
_PARAGRAPHS: Final = re.compile(r"\n{2,}")


def escaped(text: str) -> str:
    """`text` as it is written in CommonMark. Addresses stay as they are, so that they become links."""
    pieces: list[str] = []
    done = 0
    for scheme in _SCHEME.finditer(text) if _PERHAPS_ADDRESS.search(text) else ():
        end = addresses.end_of(text, scheme.start(), scheme[1])
        if scheme.start() < done or end <= scheme.end():
            continue
        pieces += _without_markup(text[done : scheme.start()]), text[scheme.start() : end]
        done = end
    pieces.append(_without_markup(text[done:]))
    return "\n".join(map(_with_escaped_begin, "".join(pieces).split("\n")))


def with_line_breaks(text: str) -> str:
    """Running text as CommonMark: a line break stays one, an empty line parts two paragraphs."""
    if "  " in text or "\t" in text or "\f" in text or "\v" in text:
        text = _BLANKS.sub(" ", text)
    if "\n" not in text and "\r" not in text:
        return escaped(text.strip(" "))
    text = _AROUND_BREAKS.sub("\n", text).strip(" \n")
    return "\n\n".join(escaped(paragraph).replace("\n", "  \n") for paragraph in _PARAGRAPHS.split(text))


def unescaped(text: str) -> str:
    """`text` with the characters that its references (`&amp;`) stand for."""
    return html.unescape(_ENDLESS_REFERENCE.sub("\ufffd", text))


def _without_markup(text: str) -> str:
    return _MARKUP.sub(r"\\\g<0>", text) if _PERHAPS_MARKUP.search(text) else text


def _with_escaped_begin(line: str) -> str:
    found = _BEGIN.match(line)
    if found is None:
        return line
    begin = f"\\{found['mark']}" if found["mark"] else f"{found['number']}\\{found['point']}"
    return f"{found['blanks']}{begin}{line[found.end() :]}"
