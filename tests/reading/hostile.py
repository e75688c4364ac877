"""What somebody might write into a name, a biography, a title or an address, for every format that shows them."""

from service.model import CommentId, Milliseconds, PostKey, Profile, PublicComment

TEXTS = [
    "<script>alert(1)</script>",
    "</article></section></feed><b>out</b>",
    '" onmouseover="alert(1)',
    "' onfocus='alert(1)' autofocus='",
    "&lt;b&gt; &amp; &#60; &nbsp;",
    "<!-- --><![CDATA[ ]]><?php ?>",
    "{{ 7 * 7 }} {% raw %} ${7*7} #{7}",
    "]]>",
    "Zoë \u202e\U0001f600 \u2028 \xa0",
    "`backtick` \\ back",
]
UNWRITABLE = [
    "a\x01b",
    "a\x0bb\x0c",
    "\x1b[31mred",
    "del\x7f",
    "c1\x85\x9f",
    "not\ufffea\uffffcharacter",
    "\ufdd0",
    "\U0001ffff",
]
"""Characters that XML or HTML have no place for."""
ADDRESSES = [
    "javascript:alert(1)",
    " javascript:alert(1)",
    "JaVaScRiPt://a.example/%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "//a.example/",
    "/relative",
    "mailto:a@a.example",
    "https:",
    "http://[",
    "http://[::g]/",
    "http://a b.example/",
    "http://a|b.example/",
    "http://:80/",
    "http://a.example:99999/",
    "http://a.example:a/",
    "http://ada@/",
    "",
]
"""None of these may become a link."""
GOOD_ADDRESSES = {
    "https://a.example/?a=1&b='": "https://a.example/?a=1&b='",
    "HTTP://A.example": "HTTP://A.example",
    "https://a.example/#part": "https://a.example/#part",
    "https://a.example:8443/~a/b;c/(d)/?#": "https://a.example:8443/~a/b;c/(d)/?#",
    "https://[2001:db8::1]/": "https://[2001:db8::1]/",
    "https://bücher.example/ü?ü=ü#ü": "https://bücher.example/ü?ü=ü#ü",
    "https://a.example/%7Ea%20b": "https://a.example/%7Ea%20b",
    "https://a.example/?tag=a|b": "https://a.example/?tag=a%7Cb",
    "https://a.example/a|b?c|d#e|f": "https://a.example/a%7Cb?c%7Cd#e%7Cf",
    "https://a.example/?b=\"<x>'": "https://a.example/?b=%22%3Cx%3E'",
    "https://a.example/{a}/^b/`c`?{a}^`#{a}^`": "https://a.example/%7Ba%7D/%5Eb/%60c%60?%7Ba%7D%5E%60#%7Ba%7D%5E%60",
    "https://a.example/a b?c d#e f": "https://a.example/a%20b?c%20d#e%20f",
    "https://a.example/[a]?b[]=1#[c]": "https://a.example/%5Ba%5D?b%5B%5D=1#%5Bc%5D",
    "https://a.example/100%?50%zz#%4": "https://a.example/100%25?50%25zz#%254",
    "https://a.example/a\\b?c\\d#e\\f": "https://a.example/a/b?c%5Cd#e%5Cf",
    "https://a.example/#a#b": "https://a.example/#a%23b",
    "https://a.example/a\u202eb?\ue000#\ue000": "https://a.example/a%E2%80%AEb?\ue000#%EE%80%80",
    "https://a.example/\x7f\ufffd\ufdd0\U0001ffff": "https://a.example/%7F%EF%BF%BD%EF%B7%90%F0%9F%BF%BF",
    " \thttps://a.example/a\nb\t \x01": "https://a.example/ab",
    "https://ada:secret@a.example/": "https://a.example/",
    "https://blog.example@a.example/": "https://a.example/",
    "https://a.example\\@blog.example/": "https://a.example/@blog.example/",
}
"""Addresses as browsers take them, and as a document may hold them: the second is an IRI (RFC 3987)."""


def comment(
    number: int, *, profile: Profile | None = None, html: str = "<p>A text</p>\n", depth: int = 0,
    parent: int | None = None, created_at: Milliseconds = 1_121_765_700_000, edited_at: Milliseconds | None = None,
    published_at: Milliseconds | None = None, shown_at: Milliseconds | None = None,
    removed: bool = False, post: str = "post",
) -> PublicComment:  # fmt: skip
    """An item of a public list; published when it was written, and shown since then, where nothing else is said."""
    tombstone = PublicComment(identity(number), None if parent is None else identity(parent), depth, 0, removed=True)
    if removed:
        return tombstone
    return PublicComment(
        tombstone.id, tombstone.parent_id, depth, 0, removed=False, author_key=None, author=profile or Profile("Ada"),
        html=html, created_at=created_at, edited_at=edited_at, published_at=published_at or created_at,
        shown_at=shown_at or published_at or created_at, post=PostKey(post),
    )  # fmt: skip


def identity(number: int) -> CommentId:
    """The id of the comment with this number."""
    return CommentId(f"019a2f6e-7c1d-7c3e-9b51-{number:012x}")
