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
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline import image as read_image
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from service.text import addresses, prose, visible

# Stored with every rendered comment. Raise it when the same source gives other HTML: stored HTML can then be renewed.
RENDERER_VERSION: Final[int] = 2


def to_html(source: str) -> str:
    """Render CommonMark as HTML that may be placed in any page.

    `source` is text without NUL and lone surrogates. Raw HTML comes out as text, an image as its alternative text, and
    a link to anything but http, https or mailto as it was typed (an empty address: the link's text). Each paragraph
    runs in the direction of its own words; headings begin at h3, below that of the list of comments. The worst 10,000
    characters take some tenths of a second, so a long source belongs in a thread.
    """
    rendered = prose.to_html(source)
    return _parsed_html(source) if rendered is None else rendered


def plain_of_html(rendered: str) -> str:
    """Return the words that a reader of `to_html(source)` sees, in one canonical spelling.

    No markup, NFKC, case-folded, no invisible characters, single spaces. Link addresses are not part of it.
    """
    return _canonical(words_of_html(rendered))


def words_of_html(rendered: str) -> str:
    """Return the words that a reader of `to_html(source)` sees, as they are written: text, and no HTML any more."""
    return html.unescape(_ANY_TAG.sub(" ", _INLINE_TAG.sub("", rendered)))


def shows_nothing(rendered: str) -> bool:
    """Whether a reader of this HTML would see no character of it: only markup, or only what is invisible."""
    if _BEGINS_WITH_A_WORD.match(rendered):  # nearly always
        return False
    return all(visible.shows_nothing(html.unescape(text[1])) for text in _BETWEEN_TAGS.finditer(rendered))


# --- Parse, then sanitise -----------------------------------------------------------------------------------------

# Scheme, something it leads to, and nothing that an attribute would have to escape (the parser percent-encodes that).
# `https:x` and `https:///x` are refused, although browsers would mend them; relative and `//host` have no scheme. A
# name before the host would disguise it, and no valid HTML holds one.
_ACCEPTABLE_ADDRESS: Final = re.compile(
    r"""(?:https?://(?:[a-z0-9_~\-]+(?:\.[a-z0-9_~\-]+)*\.?|\[[0-9a-f:.]+\])(?::[0-9]{0,5})?(?![^/?#])|mailto:[^/?#\\\s<>"])"""
    r"""[^\s<>"]*""",
    re.IGNORECASE,
)


class _CommentRenderer(RendererHTML):
    """The library's renderer, but an image is its alternative text, and a fence runs in the direction of its words."""

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return escapeHtml(self.renderInlineAsText(tokens[idx].children, options, env))

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Its tokens' attributes are those of `code`."""
        return super().fence(tokens, idx, options, env).replace("<pre>", '<pre dir="auto">', 1)


class _CommentParser(MarkdownIt):
    """Leaves a link, an autolink or a link definition as it was typed unless its address is acceptable."""

    def validateLink(self, url: str) -> bool:  # noqa: N802 - the library's name
        if _ACCEPTABLE_ADDRESS.fullmatch(url) is None:
            return False
        # The sanitiser knows, as browsers do, which names of hosts and which ports there can be.
        return _SANITISER.clean(f'<a href="{escapeHtml(url)}">').startswith("<a href=")

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802
        """An address is shown as it was typed: decoded, it could hold what shows nothing or changes the order."""
        return link


class _ImageParser(MarkdownIt):
    """Takes any address, because an image shows nothing but its alternative text."""

    def validateLink(self, url: str) -> bool:  # noqa: N802
        return True


_SCHEME: Final = re.compile(r"(?:\A|[^a-z0-9.+\-])(https?|mailto)\Z", re.IGNORECASE)


def _address(state: StateInline, silent: bool) -> bool:
    """Inline rule: an address in running text. Only what begins with a scheme is one; `example.org` stays a word.

    Tried at each colon, where the scheme waits as text to be written (not in `silent` mode, which writes nothing).
    """
    colon, text = state.pos, state.src
    if text[colon] != ":" or state.linkLevel:
        return False
    found = _SCHEME.search(text, max(0, colon - 7), colon)
    if found is None or not (silent or state.pending.endswith(found[1])):
        return False
    start = found.start(1)
    end = min(addresses.end_of(text, start, found[1]), state.posMax)
    address = addresses.meant(text[start:end])
    href = state.md.normalizeLink(address)
    if end <= colon or not state.md.validateLink(href):
        return False
    state.pos = end
    if silent:
        return True
    state.pending = state.pending[: start - colon]
    state.push("link_open", "a", 1).attrs = {"href": href}
    state.push("text", "", 0).content = address
    state.push("link_close", "a", -1)
    return True


def _image(state: StateInline, silent: bool) -> bool:
    """Inline rule: an image, whatever its address."""
    if state.src[state.pos] != "!":
        return False
    comment_parser = state.md
    state.md = _IMAGE_PARSER
    found = read_image(state, silent)
    state.md = comment_parser
    return found


_HIGHEST_HEADING: Final = 3
"""Below the heading of the list of comments (`reading/templates/comments.html`)."""
_LETTER_OR_MARK: Final = re.compile(r"[^\W\d_]|[\u061c\u200e\u200f]")


def _directions(state: StateCore) -> None:
    """Core rule: each stretch of text runs in the direction of its own words; headings begin below the page's own.

    An item of a list does so where the text stands in it without a paragraph. A list's own direction says on which side
    its bullets have room, and `auto` would not look into its items: it is that of the first letter.
    """
    undirected: list[Token] = []
    items: list[Token] = []
    for token in state.tokens:
        match token.type:
            case "heading_open" | "heading_close":
                token.tag = f"h{min(6, int(token.tag[1]) + _HIGHEST_HEADING - 1)}"
                if token.nesting == 1:
                    token.attrSet("dir", "auto")
            case "code_block":
                token.attrSet("dir", "auto")
            case "paragraph_open":
                (items[-1] if token.hidden else token).attrSet("dir", "auto")
            case "bullet_list_open" | "ordered_list_open":
                undirected.append(token)
            case "bullet_list_close" | "ordered_list_close":
                undirected = [waiting for waiting in undirected if waiting.level < token.level]
            case "list_item_open":
                items.append(token)
            case "list_item_close":
                items.pop()
            case "inline" if undirected and (letter := _LETTER_OR_MARK.search(token.content)):
                direction = "rtl" if unicodedata.bidirectional(letter[0]) in {"R", "AL"} else "ltr"
                for waiting in undirected:
                    waiting.attrSet("dir", direction)
                undirected.clear()


def _built(parser_class: type[MarkdownIt]) -> MarkdownIt:
    """Make a parser that threads may share: its rule caches are filled here, and parsing only reads them."""
    parser = parser_class("commonmark", {"html": False}, renderer_cls=_CommentRenderer)
    parser.inline.ruler.at("linkify", _address)
    parser.inline.ruler.enable("linkify")
    parser.inline.ruler.at("image", _image)
    parser.core.ruler.push("directions", _directions)
    parser.render("http://example.org mailto:reader@example.org")
    return parser


_ALLOWED_TAGS: Final = {
    *("p", "br", "hr", "blockquote", "pre", "ol", "ul", "li", "h1", "h2", "h3", "h4", "h5", "h6"),
    *("a", "code", "em", "strong"),
}
_ALLOWED_VALUES: Final = {
    ("a", "href"): _ACCEPTABLE_ADDRESS,
    ("a", "rel"): re.compile(re.escape(addresses.REL)),
    ("code", "class"): re.compile(r"language-[A-Za-z0-9_+#.\-]{1,40}"),
    ("ol", "start"): re.compile(r"[0-9]{1,9}"),
    **{(tag, "dir"): re.compile("auto") for tag in ("p", "pre", "li", "h1", "h2", "h3", "h4", "h5", "h6")},
    **{(tag, "dir"): re.compile("ltr|rtl") for tag in ("ol", "ul")},
}


def _allowed_value(tag: str, attribute: str, value: str) -> str | None:
    """Attribute filter of the sanitiser: the value, or None to drop the attribute."""
    allowed = _ALLOWED_VALUES.get((tag, attribute))
    return value if allowed and allowed.fullmatch(value) else None


_SANITISER: Final = nh3.Cleaner(
    tags=_ALLOWED_TAGS,
    clean_content_tags={"script", "style"},
    # Without the empty "*" nh3 adds attributes of its own (`title`, `lang`) to every tag.
    attributes={"*": set()}
    | {tag: {name for of, name in _ALLOWED_VALUES if of == tag} - {"rel"} for tag, _ in _ALLOWED_VALUES},
    attribute_filter=_allowed_value,
    generic_attribute_prefixes=set(),
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
    link_rel=addresses.REL,
    strip_comments=True,
)


_COMMENT_PARSER: Final = _built(_CommentParser)
_IMAGE_PARSER: Final = _built(_ImageParser)


def _parsed_html(source: str) -> str:
    return visible.readable(_with_visible_links(_SANITISER.clean(_COMMENT_PARSER.render(source))))


_LINK: Final = re.compile(rf'(<a href="([^"]*)" rel="{addresses.REL}">)(.*?)</a>', re.DOTALL)


def _with_visible_links(rendered: str) -> str:
    """A link whose text shows nothing gets its address for a text: nobody clicks what they do not see."""
    return _LINK.sub(lambda link: f"{link[1]}{link[2]}</a>" if shows_nothing(link[3]) else link[0], rendered)


# --- Plain text -----------------------------------------------------------------------------------------------------

# The sanitiser escapes `>` inside attribute values, so a tag ends at the first one.
_INLINE_TAG: Final = re.compile(r"</?(?:a|code|em|strong)(?: [^>]*)?>")
_BETWEEN_TAGS: Final = re.compile(r"(?:\A|>)([^<]+)")
_BEGINS_WITH_A_WORD: Final = re.compile(r"<[a-z0-9]+(?: dir=\"auto\")?>[0-9A-Za-z]")
_ANY_TAG: Final = re.compile(r"<[^>]*>")

# Normalising a run of combining marks takes quadratic time and holds the interpreter: cut at white space if possible.
_PIECE: Final = re.compile(r".{1,1000}(?!\S)|.{1,1000}", re.DOTALL)


def _canonical(text: str) -> str:
    shown = visible.INVISIBLE.sub("", text)
    folded = shown.lower() if shown.isascii() else "".join(map(_folded, _PIECE.findall(shown)))
    return " ".join(folded.split())


def _folded(piece: str) -> str:
    """Case-fold between two normalisations: folding can leave a form that is not normal."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", piece).casefold())
