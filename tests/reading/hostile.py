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
UNWRITABLE = ["a\x01b", "a\x0bb\x0c", "\x1b[31mred", "del\x7f", "c1\x85\x9f", "not\ufffea\uffffcharacter", "\ufdd0"]
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
    "",
]
"""None of these may become a link."""
GOOD_ADDRESSES = ["https://a.example/?a=1&b=\"<x>'", "HTTP://A.example", "https://a.example/#part"]


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
