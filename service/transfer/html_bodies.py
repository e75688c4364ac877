"""HTML as comment systems keep it, WordPress above all, to CommonMark. `bodies` calls this where there is markup."""

import re
from typing import Any, Final
from urllib.parse import quote

from bs4 import BeautifulSoup, Tag
from markdownify import MarkdownConverter

from service.text import render
from service.transfer import pairs, plain_text

_TAGS: Final = frozenset(
    (  # noqa: SIM905 - a list of a hundred lines is harder to read
        "a abbr acronym address article aside audio b bdi bdo big blockquote br center cite code col colgroup dd del "
        "details dfn div dl dt em embed figcaption figure font footer form h1 h2 h3 h4 h5 h6 header hr i iframe img "
        "input ins kbd label li mark menu nav nobr object ol p param picture pre q rp rt ruby s samp script section "
        "small source span strike strong style sub summary sup table tbody td tfoot th thead time tr tt u ul var video "
        "wbr"
    ).split()
)
_BLOCKS: Final = (
    "address|article|aside|blockquote|center|dd|details|div|dl|dt|figcaption|figure|footer|h[1-6]|header|hr|li|ol|p|pre|"
    "section|summary|table|tbody|td|tfoot|th|thead|tr|ul"
)
_COMMENT: Final = re.compile(r"<!--")
_LESS_THAN: Final = re.compile(r"<(?:/?([A-Za-z][A-Za-z0-9]*)(?:\s[^<>]*)?/?>)?")
# Code keeps its lines; the others are read as WordPress does: line breaks mean what they look like.
_VERBATIM: Final = re.compile(r"<(pre|code|tt)\b[^<>]*>", re.IGNORECASE)
_BLOCK_EDGE: Final = re.compile(rf"(?:(?<!\s)\s+)?(</?(?:{_BLOCKS})\b[^<>]*>)\s*", re.IGNORECASE)
_BREAKS: Final = re.compile(r"(?:[ \t]*(?:<br\b[^<>]*>[ \t]*\n?|\n))+", re.IGNORECASE)
_BLANKS: Final = re.compile(r"[ \t\f\v]+")
_MANY_BLANKS: Final = re.compile(r"[ \t]{100}")
_EMPTY_LINES_AT_ONCE: Final = re.compile(r" ?\n(?: ?\n)+ ?")
_BREAK: Final = re.compile(r"<br\b[^<>]*>[ \t]*\n?|\n", re.IGNORECASE)
# Shortcodes: those for code mean code; those that only wrap something are taken off; others show as they were typed.
_CODE_SHORTCODE: Final = re.compile(
    r"\[(code|sourcecode|php|html|css|js|javascript|python|bash|sql|java|xml)\b[^\[\]\n]*\]", re.IGNORECASE
)
_WRAPPING_SHORTCODE: Final = re.compile(r"\[(embed|caption|youtube|video|url)\b[^\[\]\n]*\]", re.IGNORECASE)
_ADDRESS_SHORTCODE: Final = re.compile(r"\[(?:youtube|vimeo|embed)[ =](https?://[^\s\[\]]+)\]", re.IGNORECASE)
_ACCEPTABLE: Final = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_LANGUAGE: Final = re.compile(r"(?:language-|lang-|brush:\s*)([A-Za-z0-9_+#.\-]{1,40})")
_EMPTY_LINES: Final = re.compile(r"(?:(?<![ \t])[ \t]+)?\n(?:[ \t]*\n)+")
_FENCE: Final = re.compile(r"`{3,}")
_EMPTY: Final = "\0"
"""Stands in an empty line of code, so that it is none while the others are counted. No text holds it."""


MOST_TAGS: Final = 1_000
LONGEST: Final = 100_000
"""Of more, no tag is looked at: each costs as much as those around it, and no comment is like that."""


def to_markdown(body: str) -> str:
    """The same words as CommonMark; with less dress where it would cost one of them."""
    if body.count("<") + body.count("[") > MOST_TAGS or len(body) > LONGEST:
        return _undressed(body)
    source = _prepared(body)
    try:
        plain = _converted(source, _PLAIN)
        words = _words(plain)
        dressed = (_converted(source, converter) for converter in (_DRESSED, _WITHOUT_EMPHASIS))
        return next((markdown for markdown in dressed if _words(markdown) == words), plain)
    except RecursionError:  # each tag is in the one before
        return _undressed(body)


def _words(markdown: str) -> str:
    return "".join(render.words_of_html(render.to_html(markdown)).split())


def _converted(source: str, converter: "_Converter") -> str:
    soup = BeautifulSoup(source, "html.parser")
    _without_pictures_and_frames(soup)
    if converter is _PLAIN:
        for tag in soup.find_all(_CODE):
            tag.unwrap()
    for text in soup.find_all(string=_MANY_BLANKS):  # over these markdownify takes long, to make one of them
        if converter is _PLAIN or text.find_parent("pre") is None:
            text.replace_with(_BLANKS.sub(" ", text))
    return _EMPTY_LINES.sub("\n\n", str(converter.convert_soup(soup))).replace(_EMPTY, "").strip()


def _undressed(body: str) -> str:
    body = pairs.changed(body, _COMMENT, "-->", lambda *_: "")
    words = _LESS_THAN.sub(lambda found: "" if _is_tag(found) else found[0], body)
    return plain_text.with_line_breaks(plain_text.unescaped(words))


# --- Before the parser: what is a tag, and what a line break ----------------------------------------------------------


def _prepared(body: str) -> str:
    """HTML in which only tags look like tags, and line breaks are elements."""
    body = pairs.changed(body.replace("\r\n", "\n").replace("\r", "\n"), _COMMENT, "-->", lambda *_: "")
    body = pairs.changed(body, _CODE_SHORTCODE, r"\[/{}\]", lambda _, inside: f"<pre>{inside}</pre>")
    body = pairs.changed(body, _WRAPPING_SHORTCODE, r"\[/{}\]", lambda _, inside: inside)
    body = _LESS_THAN.sub(_tag_or_text, _ADDRESS_SHORTCODE.sub(r"\1", body))
    return pairs.changed(
        body, _VERBATIM, "</{}>", lambda whole, _: _lines_of_code(_BREAK.sub("\n", whole)), between=_with_breaks
    )


def _lines_of_code(element: str) -> str:
    """Code of several lines is a block, whose blanks count."""
    return f"<pre>{element}</pre>" if "\n" in element.strip() and not element.startswith("<pre") else element


def _tag_or_text(found: re.Match[str]) -> str:
    return found[0] if _is_tag(found) else f"&lt;{found[0][1:]}"


def _is_tag(found: re.Match[str]) -> bool:
    return found[1] is not None and found[1].lower() in _TAGS


def _with_breaks(text: str) -> str:
    text = _EMPTY_LINES_AT_ONCE.sub("\n\n", _BLANKS.sub(" ", text))  # the next would take long over many blanks
    text = _BLOCK_EDGE.sub(r"\1", text)
    return _BREAKS.sub(lambda run: "<br>" if len(_BREAK.findall(run[0])) == 1 else "<p></p>", text)


def _without_pictures_and_frames(soup: BeautifulSoup) -> None:
    """A smiley becomes its characters; a picture, a film or a page in a frame becomes a link to it."""
    for tag in soup.find_all(["script", "style"]):
        tag.decompose()
    for tag in soup.find_all(["img", "iframe", "embed", "video", "audio", "source"]):
        source, words = str(tag.get("src") or ""), str(tag.get("alt") or tag.get("title") or "").strip()
        classes = str(tag.get("class") or "")
        if "wp-embedded-content" in classes:  # the quotation beside it has the same link
            tag.decompose()
        elif tag.name == "img" and (words or not _ACCEPTABLE.match(source)) and _is_smiley(classes, source):
            tag.replace_with(words)
        elif not _ACCEPTABLE.match(source):
            tag.unwrap() if tag.name != "img" else tag.replace_with(words)
        elif tag.find_parent("a"):
            tag.replace_with(words or source)
        else:
            link = soup.new_tag("a", href=source)
            link.string = words or source
            tag.insert_before(link)
            tag.unwrap()


def _is_smiley(classes: str, source: str) -> bool:
    return "smil" in classes or "emoji" in classes or "/smilies/" in source or "/emoji" in source


# --- The converter ----------------------------------------------------------------------------------------------------


class _Converter(MarkdownConverter):
    """markdownify, for Gatepost's CommonMark: no tables, no strike-through, and text escaped as little as possible."""

    def escape(self, text: str, parent_tags: set[str]) -> str:
        return plain_text.escaped(text)

    def convert_a(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        address = str(el.get("href") or "").strip()
        if "_noformat" in parent_tags or not text.strip() or not _ACCEPTABLE.match(address) or "\n\n" in text:
            return text
        if text.strip() == address:
            return text
        before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
        return f"{before}[{text.strip()}]({quote(address, safe=_KEPT_IN_ADDRESSES)}){after}"

    def convert_p(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return f"\n\n{text.strip()}\n\n" if text.strip() else "\n\n"

    convert_div = convert_dt = convert_dd = convert_figure = convert_center = convert_p

    def convert_br(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return " " if "_inline" in parent_tags else "  \n"

    def convert_pre(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        if "_noformat" in parent_tags or not text.strip():
            return text
        return plain_text.escaped(text) if _in_one_line(parent_tags) else _fenced(text, el)

    def convert_code(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        if "\n" in text.strip("\n") and "_noformat" not in parent_tags and not _in_one_line(parent_tags):
            return _fenced(text, el)
        return str(super().convert_code(el, text.strip("\n"), parent_tags))  # type: ignore[misc]  # found by its name

    convert_tt = convert_code

    def convert_tr(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return f"{text.strip()}  \n"

    def convert_td(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return " ".join(text.split()) + (" | " if el.find_next_sibling(["td", "th"]) else "")

    convert_th = convert_td

    def convert_b(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return _marked(text, "**", parent_tags)

    convert_strong = convert_b

    def convert_em(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return _marked(text, "*", parent_tags)

    convert_i = convert_cite = convert_em


_KEPT_IN_ADDRESSES: Final = "/:?#@!$&'*+,;=%~[]"


def _in_one_line(parent_tags: set[str]) -> bool:
    return not parent_tags.isdisjoint({"_inline", "tr"})


def _marked(text: str, mark: str, parent_tags: set[str]) -> str:
    """Emphasis ends where a paragraph does, and stands around words, not blanks."""
    if "_noformat" in parent_tags:
        return text
    marked = [
        re.sub(r"\S(?:.*\S)?", lambda found: f"{mark}{found[0]}{mark}", piece, flags=re.DOTALL, count=1)
        for piece in _EMPTY_LINES.split(text)
    ]
    return "\n\n".join(marked)


def _fenced(text: str, el: Tag) -> str:
    classes = " ".join(str(tag.get("class") or "") for tag in (el, el.code) if tag)
    language = _LANGUAGE.search(classes)
    fence = max((f"{run}`" for run in _FENCE.findall(text)), key=len, default="```")
    lines = "\n".join(line if line.strip() else _EMPTY for line in text.strip("\n").split("\n"))
    return f"\n\n{fence}{language[1] if language else ''}\n{lines}\n{fence}\n\n"


def _converter(**options: Any) -> _Converter:
    return _Converter(bullets="-", heading_style="atx", sub_symbol="", sup_symbol="", strip_document=None, **options)


_NEVER: Final = ["del", "s", "sub", "sup", "dl", "video", "img", "table", "caption", "tbody"]
_EMPHASIS: Final = ["b", "strong", "i", "em", "cite"]
_TEXT: Final = ["p", "div", "dt", "dd", "figure", "center", "br", "tr", "td", "th", "q"]
_CODE: Final = ["pre", "code", "tt", "kbd", "samp"]

_DRESSED: Final = _converter(strip=_NEVER)
_WITHOUT_EMPHASIS: Final = _converter(strip=_NEVER + _EMPHASIS)
_PLAIN: Final = _converter(convert=_TEXT)
