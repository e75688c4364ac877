"""Comment source (CommonMark) to safe HTML, and to the plain normalised text that the checks in `triage` read.

`moderation` calls this once per written text and stores the HTML with `RENDERER_VERSION`. Every function may be called
from several threads at once: parsers and sanitiser are built, and their caches filled, when this file is imported, and
are only read after that.

Two walls stand behind each other: the parser passes no raw HTML and accepts only links with an allowed scheme, and the
sanitiser keeps only the tags and attributes listed here, whatever the parser made.
"""

import html
import re
import unicodedata
from collections.abc import Sequence
from typing import Final

import nh3
from linkify_it import LinkifyIt
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline import image as read_image
from markdown_it.rules_inline import linkify as read_address
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

# Stored with every rendered comment. Raise it when the same source gives other HTML: stored HTML can then be renewed.
RENDERER_VERSION: Final[int] = 1


def to_html(source: str) -> str:
    """Render CommonMark as HTML that may be placed in any page.

    `source` is text without NUL and lone surrogates. Raw HTML comes out as text, an image as its alternative text, and
    a link to anything but http, https or mailto as it was typed (an empty address: the link's text). The worst 10,000
    characters take some tenths of a second, so a long source belongs in a thread.
    """
    prose = _as_prose(source)
    return _parsed_html(source) if prose is None else _prose_html(prose)


def to_plain(source: str) -> str:
    """Return the words a reader of the comment sees, in one canonical spelling.

    No markup, NFKC, case-folded, no invisible characters, single spaces. Link addresses are not part of it.
    """
    prose = _as_prose(source)
    return plain_of_html(_parsed_html(source)) if prose is None else _canonical(prose)


def plain_of_html(rendered: str) -> str:
    """Return `to_plain(source)` from `to_html(source)`, for a caller who needs both and wants one parse."""
    return _canonical(html.unescape(_ANY_TAG.sub(" ", _INLINE_TAG.sub("", rendered))))


# --- Prose: most comments hold nothing that CommonMark treats specially, and need no parser -------------------------

# One line in which no character can start, continue or end a construct. Left out inside: emphasis, code, link, HTML and
# escape characters, `@` (mailto: addresses) and control characters, tabs with them. Left out at the start: what opens a
# block or underlines a heading. Left out at both ends: white space (indented code, hard breaks, trimming).
# The possessive `++` keeps this linear.
_PROSE_LINE: Final = r"(?![\s#>+\-=~]|[0-9]{1,9}[.)])[^\x00-\x1f\x7f-\x9f*_`\[<\\@]++(?<!\s)"
_PROSE: Final = re.compile(rf"\n*+{_PROSE_LINE}(?:\n++{_PROSE_LINE})*+")
_PARAGRAPH_BREAK: Final = re.compile(r"\n\n+")


def _as_prose(source: str) -> str | None:
    """Return `source` with plain line ends and a trimmed end if the parser would find only paragraphs, else None."""
    text = source.replace("\r\n", "\n").replace("\r", "\n").rstrip(" \n")
    if "//" in text or ("&" in text and ";" in text):  # an address or a character reference, perhaps
        return None
    return text if _PROSE.fullmatch(text) else None


def _prose_html(prose: str) -> str:
    """Write what `_parsed_html` would; `test_prose_needs_no_parser` holds the two together."""
    text = prose.lstrip("\n").replace("&", "&amp;").replace(">", "&gt;").replace("\xa0", "&nbsp;")
    paragraphs = _PARAGRAPH_BREAK.sub("</p>\n<p>", text)
    return _without_bidi_controls(f"<p>{paragraphs}</p>\n")


# --- Everything else: parse, then sanitise ------------------------------------------------------------------------

# Scheme, something it leads to, and nothing that an attribute would have to escape (the parser percent-encodes that).
# `https:x` and `https:///x` are refused, although browsers would mend them; relative and `//host` have no scheme.
_ACCEPTABLE_ADDRESS: Final = re.compile(r"""(?:https?://|mailto:)[^/?#\\\s<>"][^\s<>"]*""", re.IGNORECASE)


class _AltTextRenderer(RendererHTML):
    """The library's renderer, but an image is its alternative text."""

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return escapeHtml(self.renderInlineAsText(tokens[idx].children, options, env))


class _CommentParser(MarkdownIt):
    """Leaves a link, an autolink or a link definition as it was typed unless its address is acceptable."""

    def validateLink(self, url: str) -> bool:  # noqa: N802 - the library's name
        return _ACCEPTABLE_ADDRESS.fullmatch(url) is not None


class _ImageParser(MarkdownIt):
    """Takes any address, because an image shows nothing but its alternative text."""

    def validateLink(self, url: str) -> bool:  # noqa: N802 - the library's name
        return True


_WEB_SCHEME: Final = re.compile(r"(?:\A|[^a-z0-9.+\-])https?\Z", re.IGNORECASE)


def _address(state: StateInline, silent: bool) -> bool:
    """Inline rule: an address in running text, tried only behind `http` or `https`.

    The library's own rule looks back through the paragraph at every `://`, which 3,000 of them turn into a second.
    """
    colon = state.pos
    if state.src[colon] != ":" or not _WEB_SCHEME.search(state.src, max(0, colon - 6), colon):
        return False
    return read_address(state, silent)


def _image(state: StateInline, silent: bool) -> bool:
    """Inline rule: an image, whatever its address."""
    if state.src[state.pos] != "!":
        return False
    comment_parser = state.md
    state.md = _IMAGE_PARSER
    found = read_image(state, silent)
    state.md = comment_parser
    return found


def _built(parser_class: type[MarkdownIt]) -> MarkdownIt:
    """Make a parser that threads may share: its rule caches are filled here, and parsing only reads them."""
    parser = parser_class("commonmark", {"html": False, "linkify": True}, renderer_cls=_AltTextRenderer)
    parser.enable("linkify")
    parser.inline.ruler.at("linkify", _address)
    parser.inline.ruler.at("image", _image)
    # Only what starts with http:, https: or mailto: becomes a link; `example.org` in a sentence stays a word.
    parser.linkify = LinkifyIt({"ftp:": None, "//": None}, {"fuzzy_link": False, "fuzzy_email": False})
    parser.render("http://example.org mailto:reader@example.org")
    return parser


_COMMENT_PARSER: Final = _built(_CommentParser)
_IMAGE_PARSER: Final = _built(_ImageParser)

_LINK_REL: Final = "nofollow ugc noopener"
_ALLOWED_TAGS: Final = {
    *("p", "br", "hr", "blockquote", "pre", "ol", "ul", "li", "h1", "h2", "h3", "h4", "h5", "h6"),
    *("a", "code", "em", "strong"),
}
_ALLOWED_VALUES: Final = {
    ("a", "href"): _ACCEPTABLE_ADDRESS,
    ("a", "rel"): re.compile(re.escape(_LINK_REL)),
    ("code", "class"): re.compile(r"language-[A-Za-z0-9_+#.\-]{1,40}"),
    ("ol", "start"): re.compile(r"[0-9]{1,9}"),
}


def _allowed_value(tag: str, attribute: str, value: str) -> str | None:
    """Attribute filter of the sanitiser: the value, or None to drop the attribute."""
    allowed = _ALLOWED_VALUES.get((tag, attribute))
    return value if allowed and allowed.fullmatch(value) else None


_SANITISER: Final = nh3.Cleaner(
    tags=_ALLOWED_TAGS,
    clean_content_tags={"script", "style"},
    # Without the empty "*" nh3 adds attributes of its own (`title`, `lang`) to every tag.
    attributes={"*": set(), "a": {"href"}, "code": {"class"}, "ol": {"start"}},
    attribute_filter=_allowed_value,
    generic_attribute_prefixes=set(),
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
    link_rel=_LINK_REL,
    strip_comments=True,
)

# Unicode's Bidi_Control, and the deprecated format characters beside them (U+206A-206F).
_BIDI_CONTROLS: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f]")


def _parsed_html(source: str) -> str:
    return _without_bidi_controls(_SANITISER.clean(_COMMENT_PARSER.render(source)))


def _without_bidi_controls(rendered: str) -> str:
    """Remove what makes text read in another order than it is stored. Last of all: a reference may have spelt it."""
    return rendered if rendered.isascii() else _BIDI_CONTROLS.sub("", rendered)


# --- Plain text -----------------------------------------------------------------------------------------------------

# The sanitiser escapes `>` inside attribute values, so a tag ends at the first one.
_INLINE_TAG: Final = re.compile(r"</?(?:a|code|em|strong)(?: [^>]*)?>")
_ANY_TAG: Final = re.compile(r"<[^>]*>")

# Unicode's Default_Ignorable_Code_Point (zero-width, bidi, fillers, variation selectors, tags), interlinear marks, and
# control characters that are not white space.
_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]",
)
# Normalising a run of combining marks takes quadratic time and holds the interpreter: cut at white space if possible.
_PIECE: Final = re.compile(r".{1,1000}(?!\S)|.{1,1000}", re.DOTALL)


def _canonical(text: str) -> str:
    visible = _INVISIBLE.sub("", text)
    folded = visible.lower() if visible.isascii() else "".join(map(_folded, _PIECE.findall(visible)))
    return " ".join(folded.split())


def _folded(piece: str) -> str:
    """Case-fold between two normalisations: folding can leave a form that is not normal."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", piece).casefold())
