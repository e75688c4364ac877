"""Rendering: only what is on the allow-list comes out, whatever goes in; prose is read; the plain text is canonical."""

import re
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.text import prose, render

# Written out again on purpose, so that a tag added to the renderer by mistake fails here.
ALLOWED = {
    **{tag: set[str]() for tag in ("br", "hr", "blockquote", "em", "strong")},
    **{tag: {"dir"} for tag in ("p", "pre", "ul", "li", *(f"h{level}" for level in range(1, 7)))},
    "a": {"href", "rel"},
    "code": {"class"},
    "ol": {"start", "dir"},
}
VOID = {"br", "hr"}
SCHEMES = ("http://", "https://", "mailto:")
OVERRIDES = "\u202a\u202b\u202c\u202d\u202e"


class Page(HTMLParser):
    """A real HTML parser that keeps what it met and objects to everything that is not on the list."""

    def __init__(self, rendered: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.classes: list[str] = []
        self.text = ""
        self.feed(rendered)
        self.close()
        assert self.open == [], f"left open: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED, f"tag {tag}"
        values = dict(attrs)
        assert len(values) == len(attrs), f"attribute twice: {attrs}"
        assert values.keys() <= ALLOWED[tag], f"attributes of {tag}: {attrs}"
        self.tags.append(tag)
        if tag == "a":
            assert values["rel"] == "nofollow ugc noopener"
        for name, value in attrs:
            assert value is not None, f"{tag} {name} has no value"
            self.check_value(tag, name, value)
        if tag not in VOID:
            self.open.append(tag)

    def check_value(self, tag: str, name: str, value: str) -> None:
        assert value.isascii()
        assert value.isprintable()
        if name == "href":
            assert value.lower().startswith(SCHEMES), f"address {value}"
            assert value.partition(":")[2].lstrip("/"), f"address {value} leads nowhere"
            self.links.append(value)
        if name == "class":
            assert value.startswith("language-")
            assert len(value.split()) == 1
            self.classes.append(value)
        if name == "start":
            assert value.isdigit()
        if name == "dir":
            assert value in ({"ltr", "rtl"} if tag in {"ol", "ul"} else {"auto"})

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"comment {data}")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(f"declaration {decl}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"processing instruction {data}")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"marked section {data}")


def checked(source: str) -> Page:
    """Render, and hold the result to everything that is true of every rendering."""
    rendered = render.to_html(source)
    assert not set(rendered) & set(OVERRIDES)
    return Page(rendered)


REFUSED_ADDRESSES = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "javascript://example.org/%0aalert(1)",
    "javascript&#58;alert(1)",
    "javascript&#x3A;alert(1)",
    "javascript&colon;alert(1)",
    "&#106;avascript:alert(1)",
    "&#0000106avascript:alert(1)",
    "&#x6A;&#x61;&#x76;&#x61;&#x73;&#x63;&#x72;&#x69;&#x70;&#x74;:alert(1)",
    "java&Tab;script:alert(1)",
    "java&NewLine;script:alert(1)",
    "java&#9;script:alert(1)",
    "java&#10;script:alert(1)",
    "java\\script:alert(1)",
    "<java\tscript:alert(1)>",
    "<javascript:alert(1)>",
    "< javascript:alert(1)>",
    "&#1;javascript:alert(1)",
    "&#14; javascript:alert(1)",
    "\x01javascript:alert(1)",
    "\u00a0javascript:alert(1)",
    "\u202ejavascript:alert(1)",
    "\u200bjavascript:alert(1)",
    "\ufeffjavascript:alert(1)",
    "\uff4aavascript:alert(1)",
    "%6aavascript:alert(1)",
    "javascript%3Aalert(1)",
    "javascript:alert(1)//http://example.org",
    'javascript:alert(1) "https://example.org"',
    "vbscript:msgbox(1)",
    "VBScript:msgbox(1)",
    "livescript:alert(1)",
    "mocha:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    "data:image/png;base64,iVBORw0KGgo=",
    "data:image/svg+xml,<svg/onload=alert(1)>",
    "DATA:text/html,x",
    "file:///etc/passwd",
    "https://evil.example:65536/",
    "https://xn--/",
    "http://256.1.1.1/",
    "blob:https://example.org/1",
    "about:blank",
    "view-source:https://example.org",
    "jar:https://example.org!/x",
    "feed:javascript:alert(1)",
    "filesystem:https://example.org/x",
    "intent://example.org#Intent;end",
    "ws://example.org",
    "ftp://example.org/x",
    "tel:+123",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\\\\\evil.example",
    "/relative",
    "relative",
    "../up",
    "./here",
    "?query",
    "#fragment",
    "www.example.org",
    "http:evil.example",
    "http:/evil.example",
    "https:///evil.example",
    "http:\\\\\\\\evil.example",
    "http://",
    "http://?x",
    "http://#x",
    "mailto:",
    "mailto:?subject=x",
    ":http://example.org",
    "x:http://example.org",
    "&#x22;onmouseover=alert(1)",
    '"onmouseover=alert(1)',
]


@pytest.mark.parametrize("address", REFUSED_ADDRESSES)
@pytest.mark.parametrize(
    "form",
    [
        "[click]({})",
        "[click]( {} )",
        '[click]({} "title")',
        "[click](<{}>)",
        "<{}>",
        "[click][x]\n\n[x]: {}",
        "[x]\n\n[x]: <{}> 'title'",
        "> - [click]({})",
        "[![image](https://example.org/a.png)]({})",
    ],
    ids=["inline", "spaced", "titled", "bracketed", "auto", "reference", "shortcut", "nested", "around-image"],
)
def test_refused_address_is_never_a_link(form: str, address: str) -> None:
    # A good address inside a refused one may become a link of its own, as it would in any text.
    links = checked(form.format(address)).links
    assert all(link.startswith(("http://example.org", "https://example.org")) for link in links)


@pytest.mark.parametrize("address", REFUSED_ADDRESSES)
def test_refused_link_stays_as_it_was_typed(address: str) -> None:
    source = f"[click]({address})"
    page = checked(source)
    assert page.text.startswith("[click](")
    assert "alert(1)" not in address or "alert(1)" in page.text


RAW_HTML = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<script\n>alert(1)</script\n>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<<script>alert(1)//<</script>",
    "<script/xss src=x>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<img src=x onerror=alert(1)//",
    "<img/src=x/onerror=alert(1)>",
    "<img src='x' srcset='//evil.example 2x'>",
    '<img """><script>alert(1)</script>">',
    "<IMG SRC=`javascript:alert('1')`>",
    "<svg onload=alert(1)>",
    "<svg/onload=alert(1)//",
    "<svg><script>alert(1)</script></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x>",
    "<svg><foreignObject><p onclick=alert(1)>x</foreignObject></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>",
    "<math href='javascript:alert(1)'>click</math>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<svg></p><style><a id='</style><img src=1 onerror=alert(1)>'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<noembed><img title='</noembed><img src=x onerror=alert(1)>'>",
    "<title><img title='</title><img src=x onerror=alert(1)>'>",
    "<textarea><img title='</textarea><img src=x onerror=alert(1)>'>",
    "<xmp><p title='</xmp><svg/onload=alert(1)>'>",
    "<listing>&lt;img src=x onerror=alert(1)&gt;</listing>",
    "<plaintext>",
    "<template><script>alert(1)</script></template>",
    "<select><option><style></option></select><img src=x onerror=alert(1)></style>",
    "<iframe src='javascript:alert(1)'></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<frameset onload=alert(1)>",
    "<object data='data:text/html,x'></object>",
    "<embed src='javascript:alert(1)'>",
    "<applet code=x></applet>",
    "<link rel=stylesheet href='//evil.example/x.css'>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<base href='//evil.example/'>",
    "<style>@import '//evil.example';</style>",
    "<style><!--</style><script>alert(1)//--></script>",
    "<p style='background:url(javascript:alert(1))'>x</p>",
    "<div style=position:fixed;inset:0>x</div>",
    "<p title=x lang=de dir=rtl id=x name=x class=x>x</p>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href=https://example.org onclick=alert(1)>x</a>",
    "<a href='https://example.org' target=_blank rel=opener>x</a>",
    "<a name=x id=y>x</a>",
    "<b onmouseover=alert(1)>x</b>",
    "<body onload=alert(1)>",
    "</p></div></body></html><script>alert(1)</script>",
    "<details open ontoggle=alert(1)>x</details>",
    "<video><source onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<input autofocus onfocus=alert(1)>",
    "<button formaction=javascript:alert(1)>x</button>",
    "<form action=javascript:alert(1)><input type=submit></form>",
    "<isindex type=image src=1 onerror=alert(1)>",
    "<table background='javascript:alert(1)'><tr><td>x</td></tr></table>",
    "<custom-element onclick=alert(1)>x</custom-element>",
    "<!-- comment --><script>alert(1)</script>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<!-- --!><img src=x onerror=alert(1)> -->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<!DOCTYPE html><script>alert(1)</script>",
    "<?xml version='1.0'?><script>alert(1)</script>",
    "<?php echo 1 ?>",
    "<%= 1 %>",
    "<script\u0001>alert(1)</script>",
    "\u00bcscript\u00bealert(1)\u00bc/script\u00be",
    "<\u202escript>alert(1)</script>",
    "<scr\u202eipt>alert(1)</scr\u202eipt>",
    "\uff1cscript\uff1ealert(1)\uff1c/script\uff1e",
]


@pytest.mark.parametrize("source", RAW_HTML)
@pytest.mark.parametrize(
    "form",
    ["{}", "text {} text", "> {}", "- {}\n- x", "# {}", "**{}**", "[{}](https://example.org)", "![{}](x.png)"],
    ids=["block", "inline", "quote", "list", "heading", "strong", "link", "image"],
)
def test_raw_html_is_only_text(form: str, source: str) -> None:
    page = checked(form.format(source))
    assert set(page.tags) <= {"p", "blockquote", "ul", "li", "h3", "strong", "em", "code", "a"}
    assert set(page.links) <= {"https://example.org"}


# Without those in which Markdown or the form of a line changes the text, or that hold what no HTML does.
@pytest.mark.parametrize("source", [source for source in RAW_HTML if not set(source) & set("`&\n\u202e\x01")])
def test_raw_html_is_shown_as_it_was_typed(source: str) -> None:
    assert checked(f"text {source}").text == f"text {source}\n"


@pytest.mark.parametrize(
    "source",
    [
        *RAW_HTML,
        *(f'<a href="{address}">x</a>' for address in REFUSED_ADDRESSES),
        *(f"<{tag} onclick=x title=x lang=x class=x id=x name=x style=x data-x=x>x</{tag}>" for tag in ALLOWED),
        "<a href=https://example.org rel=opener target=_blank>x</a>",
        "<ol start=-1><li>x</ol><ol start=1e3><li>x</ol><code class='language-a b'>x</code>",
        "<p>x<p>y<em><strong>z</em></strong></pre></a></ul>",
    ],
)
def test_sanitiser_alone_would_be_enough(source: str) -> None:
    Page(render._SANITISER.clean(source))


CODE_AND_OTHERS = [
    '```"><script>alert(1)</script>\nx\n```',
    '~~~ x"onclick=alert(1)\nx\n~~~',
    "```&quot;&gt;&lt;script&gt;\nx\n```",
    "``` a b c\nx\n```",
    "```a&#32;b&#9;c\nx\n```",
    "```x\u00a0y\nx\n```",
    "```x\u2028y\nx\n```",
    "```\u202ex\nx\n```",
    "```" + "a" * 300 + "\nx\n```",
    "```é\nx\n```",
    "```\n</code></pre><script>alert(1)</script>\n```",
    "`</code><script>alert(1)</script>`",
    "    </pre><img src=x onerror=alert(1)>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "&amp;lt;script&amp;gt;",
    "\\<script>alert(1)\\</script>",
    '[x](https://example.org "onmouseover=alert(1)")',
    "[x](https://example.org '\"><script>alert(1)</script>')",
    '[x](https://example.org/"onmouseover=alert(1))',
    "[x](https://example.org/'onmouseover=alert(1))",
    "[x](<https://example.org/ onmouseover=alert(1)>)",
    "[x](https://example.org/&quot;&gt;&lt;script&gt;)",
    "[x](https://example.org/&#10;&#13;x)",
    '<https://example.org/"onclick=alert(1)>',
    'https://example.org/"onclick=alert(1)',
    "https://example.org/<script>",
    "[a <https://example.org/b> c](https://example.org/d)",
    "[a https://example.org/b c](https://example.org/d)",
    "[a [b](https://example.org/b) c](https://example.org/d)",
    '![x" onerror="alert(1)](https://example.org/x.png)',
    "![x](https://example.org/x.png 'onload=alert(1)')",
    "![<img src=x onerror=alert(1)>](https://example.org/x.png)",
    "![x](javascript:alert(1))",
    "![x](data:image/svg+xml,x)",
    "![x][y]\n\n[y]: javascript:alert(1)",
    "![" * 40 + "x" + "](y)" * 40,
    "1234567890. x",
    "007. x",
    "\u202e\u2066[x](https://example.org/\u202e)&#x202e;&#8297;\u2069",
]


@pytest.mark.parametrize("source", CODE_AND_OTHERS)
def test_markup_cannot_leave_its_place(source: str) -> None:
    page = checked(source)
    assert all(link.startswith("https://example.org") for link in page.links)


FRAGMENTS = [
    *"<>&;\"'`*_[]()!#=-+~:/\\. \t\n\r@?%\u00a0\u202e\u2066\u200bé",
    *("javascript:", "JAVASCRIPT:", "data:", "vbscript:", "http://", "https://", "mailto:", "//", "http:", "x.example"),
    *("<script>", "</script>", "<img src=x onerror=alert(1)>", "<svg/onload=", "<style>", "<!--", "-->", "<![CDATA["),
    *("]]>", "<math>", "<a href=", "onclick=", "title=", "&lt;", "&#x3c;", "&quot;", "&Tab;", "&colon;", "\\<", "]("),
    *("![", "](<", ">)", "[x]: ", "```", "~~~", "    ", "> ", "- ", "1. ", "**", "__", "\n\n", "---", "===", "word"),
]
sources = st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60
)


@settings(max_examples=400, deadline=None)
@given(sources)
def test_any_source_gives_only_what_is_allowed(source: str) -> None:
    checked(source)


@settings(max_examples=200, deadline=None)
@given(sources)
def test_safe_html_stays_as_it_is_when_it_is_cleaned_again(source: str) -> None:
    rendered = render.to_html(source)
    assert render._SANITISER.clean(rendered) == rendered


REL = 'rel="nofollow ugc noopener"'
DIRECTION = re.compile(' dir="(?:auto|ltr|rtl)"')


@pytest.mark.parametrize(
    ("source", "rendered"),
    [
        ("Hello", "<p>Hello</p>\n"),
        ("one\ntwo", "<p>one\ntwo</p>\n"),
        ("one\r\ntwo\rthree", "<p>one\ntwo\nthree</p>\n"),
        ("one\n\ntwo", "<p>one</p>\n<p>two</p>\n"),
        ("one  \ntwo\\\nthree", "<p>one<br>\ntwo<br>\nthree</p>\n"),
        ("*a* **b** `c`", "<p><em>a</em> <strong>b</strong> <code>c</code></p>\n"),
        ("_a_ __b__", "<p><em>a</em> <strong>b</strong></p>\n"),
        ("snake_case_name 5 * 3", "<p>snake_case_name 5 * 3</p>\n"),
        ("```python\nx < 1\n```", '<pre><code class="language-python">x &lt; 1\n</code></pre>\n'),
        ("~~~c++ numbered\nx\n~~~", '<pre><code class="language-c++">x\n</code></pre>\n'),
        ("```\nx\n```", "<pre><code>x\n</code></pre>\n"),
        ('```"><script>\nx\n```', "<pre><code>x\n</code></pre>\n"),
        ("    x", "<pre><code>x\n</code></pre>\n"),
        ("> a\n> > b", "<blockquote>\n<p>a</p>\n<blockquote>\n<p>b</p>\n</blockquote>\n</blockquote>\n"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
        ("3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>\n'),
        ("1. a", "<ol>\n<li>a</li>\n</ol>\n"),
        ("# a\n\nb\n===\n\n###### c", "<h3>a</h3>\n<h3>b</h3>\n<h6>c</h6>\n"),
        ("***", "<hr>\n"),
        ("[a](https://x.example/)", f'<p><a href="https://x.example/" {REL}>a</a></p>\n'),
        ("[a](HTTPS://x.example 'b')", f'<p><a href="HTTPS://x.example" {REL}>a</a></p>\n'),
        ("[a](mailto:b@x.example)", f'<p><a href="mailto:b@x.example" {REL}>a</a></p>\n'),
        ("[a]\n\n[a]: http://x.example", f'<p><a href="http://x.example" {REL}>a</a></p>\n'),
        ("<http://x.example>", f'<p><a href="http://x.example" {REL}>http://x.example</a></p>\n'),
        ("<b@x.example>", f'<p><a href="mailto:b@x.example" {REL}>b@x.example</a></p>\n'),
        ("http://x.example/a_b_c.", f'<p><a href="http://x.example/a_b_c" {REL}>http://x.example/a_b_c</a>.</p>\n'),
        ("(see https://x.example)", f'<p>(see <a href="https://x.example" {REL}>https://x.example</a>)</p>\n'),
        ("mailto:b@x.example", f'<p><a href="mailto:b@x.example" {REL}>mailto:b@x.example</a></p>\n'),
        ("[a](http://x.example/?a=1&b=2)", f'<p><a href="http://x.example/?a=1&amp;b=2" {REL}>a</a></p>\n'),
        ("x.example.org www.example.org b@example.org", "<p>x.example.org www.example.org b@example.org</p>\n"),
        ("ftp://example.org //example.org xhttp://a.org", "<p>ftp://example.org //example.org xhttp://a.org</p>\n"),
        ("[a](/b) [c](d)", "<p>[a](/b) [c](d)</p>\n"),
        ("[Update]: done", "<p>[Update]: done</p>\n"),
        ("vector<std::string>", "<p>vector&lt;std::string&gt;</p>\n"),
        ("[a]()", f"<p><a {REL}>a</a></p>\n"),
        ("![a cat](https://x.example/cat.png)", "<p>a cat</p>\n"),
        ("![a *cat*](cat.png)", "<p>a cat</p>\n"),
        ("![a [b](c) `d` ![e](f)](data:image/png;base64,AA==)", "<p>a b d e</p>\n"),
        ("[![cat](c.png)](https://x.example)", f'<p><a href="https://x.example" {REL}>cat</a></p>\n'),
        ("[a ![b](c)](d)", "<p>[a b](d)</p>\n"),
        ("<b>a</b>", "<p>&lt;b&gt;a&lt;/b&gt;</p>\n"),
        ("&lt;b&gt; &amp;lt; &copy;", "<p>&lt;b&gt; &amp;lt; ©</p>\n"),
        ("1 < 2 & 3 > 2 \"q\" 'r'", "<p>1 &lt; 2 &amp; 3 &gt; 2 \"q\" 'r'</p>\n"),
        ("# a\n## b\n### c\n#### d", "<h3>a</h3>\n<h4>b</h4>\n<h5>c</h5>\n<h6>d</h6>\n"),
        (
            "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
            "<p>\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f</p>\n",
        ),
        ("a\u202eb\u202cc\u061cd &#x202e;e\u206a", "<p>abc\u061cd e</p>\n"),
        ("\u200fא\u200e \u2066b\u2069", "<p>\u200fא\u200e \u2066b\u2069</p>\n"),
        ("a\u2067b \u2068*c*\n\nd\u2069", "<p>a\u2067b \u2068<em>c</em>\u2069\u2069</p>\n<p>d</p>\n"),
        (
            "- a\u2067\n  - b\u2066\u2069\u2069",
            "<ul>\n<li>a\u2067\n\u2069<ul>\n<li>b\u2066\u2069</li>\n</ul>\n</li>\n</ul>\n",
        ),
        ("a\x01b \x7f&#1;c \U0001ffffd\ufdd0", "<p>ab \ufffdc \ufffdd\ufffd</p>\n"),
        ("https://a:b@x.example <https://a@x.example>", "<p>https://a:b@x.example &lt;https://a@x.example&gt;</p>\n"),
        ("[x](http://a:b@x.example)", "<p>[x](http://a:b@x.example)</p>\n"),
        (
            "[](https://x.example/?a&b)",
            f'<p><a href="https://x.example/?a&amp;b" {REL}>https://x.example/?a&amp;b</a></p>\n',
        ),
        (
            "[*\u200b*&#x3164;](mailto:b@x.example)",
            f'<p><a href="mailto:b@x.example" {REL}>mailto:b@x.example</a></p>\n',
        ),
        ("[![](x.png)](https://x.example)", f'<p><a href="https://x.example" {REL}>https://x.example</a></p>\n'),
        (
            "<https://x.example/%E2%80%AE>",
            f'<p><a href="https://x.example/%E2%80%AE" {REL}>https://x.example/%E2%80%AE</a></p>\n',
        ),
        ("```\u202epython\nx\n```", "<pre><code>x\n</code></pre>\n"),
        ("|a|\n|-|", "<p>|a|\n|-|</p>\n"),
        ("~~a~~", "<p>~~a~~</p>\n"),
    ],
)
def test_commonmark_is_rendered(source: str, rendered: str) -> None:
    found = render.to_html(source)
    assert DIRECTION.sub("", found) == rendered
    Page(found)


@pytest.mark.parametrize(
    ("source", "rendered"),
    [
        ("a\n\nא", '<p dir="auto">a</p>\n<p dir="auto">א</p>\n'),
        ("# א *b*", '<h3 dir="auto">א <em>b</em></h3>\n'),
        ("> א", '<blockquote>\n<p dir="auto">א</p>\n</blockquote>\n'),
        ("    א", '<pre dir="auto"><code>א\n</code></pre>\n'),
        ("```js\nא\n```", '<pre dir="auto"><code class="language-js">א\n</code></pre>\n'),
        ("- 1 א\n- b", '<ul dir="rtl">\n<li dir="auto">1 א</li>\n<li dir="auto">b</li>\n</ul>\n'),
        ("2. b\n3. א", '<ol start="2" dir="ltr">\n<li dir="auto">b</li>\n<li dir="auto">א</li>\n</ol>\n'),
        ("- b\n\n  א", '<ul dir="ltr">\n<li>\n<p dir="auto">b</p>\n<p dir="auto">א</p>\n</li>\n</ul>\n'),
        ("- \u200f1", '<ul dir="rtl">\n<li dir="auto">\u200f1</li>\n</ul>\n'),
        ("- 1", '<ul>\n<li dir="auto">1</li>\n</ul>\n'),
        ("- 1\n\nא", '<ul>\n<li dir="auto">1</li>\n</ul>\n<p dir="auto">א</p>\n'),
    ],
)
def test_each_stretch_of_text_runs_in_the_direction_of_its_words(source: str, rendered: str) -> None:
    assert render.to_html(source) == rendered
    Page(rendered)


PROSE = [
    "Great article, thanks!",
    "I don't agree (see above): it's 50% habit - the rest is fear; isn't it?",
    'He said "no" & left... 3 > 2, a=b, a+b, C#, ~5, $10, 1/2, {x}, x^2, a|b, a] b',
    "One paragraph.\n\nAnother one.\nA second line.",
    "\r\nfirst\r\rsecond\r\n \n",
    "trailing end  \n\n ",
    "2005 was a year. 1.5 is a number. 3rd time",
    "1234567890. is not a list",
    "C’est « très » bien\u00a0! 你好。שלום مرحبا \u202etrap 🙂\u200d🙂",
    "note: this, http: is not an address, mailto: neither",
    "R&D, Q&A",
    "*Really*, see https://blog.example/17. And __this one__: *5*, _é_ (https://a-b.example/c_d/?e=f+g).",
    "**All of it**\n_and that_\n\nhttp://a.example\nhttps://b.example/#c! https://c.example/x/..y/",
]


@pytest.mark.parametrize("source", PROSE)
def test_prose_is_recognised(source: str) -> None:
    assert prose.to_html(source) is not None


NEARLY_PROSE = [
    *("*a", "a*", "*a*b", "a *b*c", "*a **b** c*", "*a _b_ c*", "*a b_ _c*", "***a***", "**a*", "*a**", "*a* b*"),
    *("(*a*)", "* a*", "*a *", "*a.*", "*.a*", "*a\nb*", "*a`b*`", "*a <b*>", "*a https://b.example c*", "1. *a*"),
    *("- _a_", "*a*  \nb", "\u2028_a_", "\u00a0*a*", "*a\u00a0b*", "*a&amp;b*", "*a*\n===", "    *a*", "a\n\n\t*b*"),
    *("\\*a*", "*a*\\", "![*a*]", "https://a", "https://A.example", "HTTPS://a.example", "https://a.example:80"),
    *("https://a_b.example", "https://1.2.3.4", "https://xn--a.example", "https://a-.example", "https://-a.example"),
    *("https://a..example", "x://", "xhttps://a.example", "-https://a.example", "https://a.example/_", "https://a.b/%41"),
    *("_https://a.example/b_", "https://a.example/b_ c_", "https://a.example/a&b", "https://a.example/a&lt;", "https://."),
    *("https://a.example/é", "https://a.example@b", "https://a.example/,https://b.example", "https://a.example/(a)"),
    *("https://a.example/:x", "https://a.example/)b", "https://a.example/*b*", "<https://a.example>", "https://a.example;b"),
    *("[a](https://a.example)", "[a]: https://a.example", "*https://a.example*", "**a* https://b.example*", "//a.b"),
]  # fmt: skip
"""What a quick look could take for prose; some of it is."""


@pytest.mark.parametrize("around", ["{}", "x {} y", "*x* {}\ny", "x\n\n{}, https://x.example/", "- {}"])
@pytest.mark.parametrize("source", [*PROSE, *NEARLY_PROSE], ids=ascii)
def test_what_is_nearly_prose_is_rendered_as_it_is_parsed(source: str, around: str) -> None:
    text = around.format(source)
    assert render.to_html(text) == render._parsed_html(text)


WORDS = [
    *"abcXYZ019.,!?:;'\"()/&%$#=+-~^{}|]>\u00a0\u2009\u3000\u202e\u200b\u0301\ufeff\u2028\u0085é字🙂",
    *(
        "word",
        "it's",
        "http:",
        "https:/",
        "mailto:",
        "amp",
        "lt",
        "#1",
        "1.",
        "2)",
        "10",
        "--",
        "---",
        "===",
        "#",
        "+ ",
    ),
    *("    ", "  ", "- ", "> ", "~~~", "&amp", "&#60", "Tom & Jerry", "www.x.example", "://", "//", "_", "*", "<", "@"),
]
# Spaces and line ends are common, because that is where blocks begin; what sends a source to the parser is rare.
prose_like = st.lists(
    st.sampled_from([" ", "\n", "\n\n", "\r\n"]) | st.sampled_from(WORDS[:-5]) | st.sampled_from(WORDS), max_size=25
).map("".join)


LINES = [
    *(
        "word",
        "a b",
        "",
        " ",
        "1",
        "1.",
        "1. a",
        "1) a",
        "12) a",
        "1234567890. a",
        "1.a",
        "=",
        "===",
        "-",
        "---",
        "- a",
    ),
    *("-a", "+", "+ a", "+a", "#", "# a", "#a", ">", "> a", ">a", " a", "    a", "\ta", "a ", "a  ", "a\t", "~", "~~~"),
    *(
        "```",
        "***",
        "* a",
        "[a]: b",
        "[a]: http://x.example",
        "[a]",
        "<b>",
        "a\\",
        "\u00a0a",
        "a\u00a0",
        "\u00a0",
        "|a|",
        "a]: b",
    ),
]
# Emphasised words and addresses, in the way of each other and of what stands around them.
MARKED = [
    "*a*",
    "**b c**",
    "_d_",
    "__e__",
    "https://a.example",
    "http://b-c.example/d_e/?f=g+h#i",
    "https://c.example/j.",
]
marked = st.lists(
    st.sampled_from([*MARKED, "word", " "])
    | st.sampled_from([*MARKED, *" \n.,;:!?)(/*_a1-#&>\u00a0\u2028", "\n\n", "1. ", "x*"]),
    max_size=12,
).map("".join)
blocks = st.lists(st.sampled_from(LINES[:2]) | st.sampled_from(LINES), max_size=4).map("\n".join)


@settings(max_examples=2000, deadline=None)
@given(blocks | prose_like | marked | sources)
def test_prose_needs_no_parser(source: str) -> None:
    assert render.to_html(source) == render._parsed_html(source)


def to_plain(source: str) -> str:
    return render.plain_of_html(render.to_html(source))


@pytest.mark.parametrize(
    ("source", "plain"),
    [
        ("Hello,  World!", "hello, world!"),
        ("vi**ag**ra", "viagra"),
        ("vi`ag`ra *a*", "viagra a"),
        ("vi[ag](https://x.example)ra", "viagra"),
        ("one\n\ntwo  \nthree\nfour", "one two three four"),
        ("- a\n- b\n\n> c\n\n# d", "a b c d"),
        ("```python\ncode here\n```", "code here"),
        ("![a cat](cat.png)", "a cat"),
        ("<b>x</b> &lt;i&gt; &amp;amp;", "<b>x</b> <i> &amp;"),
        ("ＦＵＬＬ ｗｉｄｔｈ ﬁne ①", "full width fine 1"),
        ("STRASSE Straße", "strasse strasse"),
        ("cafe\u0301 CAFÉ", "café café"),
        ("\u0390 \u1fd3", "\u0390 \u0390"),
        ("v\u200bi\u200ca\u200dg\ufeffr\u2060a\u00ad", "viagra"),
        ("v\u202eia\u2066gra &#x200b;*x*", "viagra x"),
        ("a\ufe0fb\U000e0041c\u3164d\u034fe", "abcde"),
        ("a\u00a0b\u3000c\u2028d", "a b c d"),
        ("a\x01b\x7fc", "abc"),
        ("\u200b", ""),
        ("[a]: https://x.example", ""),
    ],
)
def test_plain_text_is_what_a_reader_sees(source: str, plain: str) -> None:
    assert to_plain(source) == plain


@settings(max_examples=400, deadline=None)
@given(sources | prose_like)
def test_plain_text_is_canonical(source: str) -> None:
    plain = to_plain(source)
    assert plain == " ".join(plain.split())
    assert unicodedata.is_normalized("NFKC", plain)
    assert render._canonical(plain) == plain
    assert not any(unicodedata.category(character) in {"Cc", "Cf"} for character in plain)


def test_long_text_is_folded_like_short_text() -> None:
    words = "Straße ﬁne cafe\u0301 Ａ "
    assert to_plain(words * 500) == " ".join([to_plain(words)] * 500)


def test_threads_share_the_parsers() -> None:
    every = [*RAW_HTML, *CODE_AND_OTHERS, *PROSE, *(f"![a]({x}) [b]({x})" for x in REFUSED_ADDRESSES)] * 5
    expected = [(render.to_html(source), to_plain(source)) for source in every]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda source: (render.to_html(source), to_plain(source)), every))
    assert found == expected
