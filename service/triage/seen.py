"""What checks see: one text, and the context in which it came. Frozen, and made before any check looks.

`moderation` makes the text outside the transaction, beside rendering, and the context inside, from one query.
"""

import html
import re
from dataclasses import dataclass
from typing import Final

from service.model import Milliseconds, PostKey, Role
from service.text import render

_LINK: Final = re.compile(r'<a href="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
_TAG: Final = re.compile(r"<[^>]*>")
"""The sanitiser escapes `>` inside attribute values, and what looks like a tag in a text, so this finds real ones."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link as readers get it: where it leads (http, https or mailto) and what they click on."""

    address: str
    shown: str


@dataclass(frozen=True, slots=True)
class Text:
    """A text as its author wrote it (`body`, CommonMark) and as readers see it.

    `shown` is what readers see without any markup; `plain` is that in one canonical spelling (`render.plain_of_html`:
    case folded, no invisible characters). `links` stand in the order of the text. Spans of verdicts count in `body`.
    """

    body: str
    plain: str
    shown: str
    links: tuple[Link, ...]


def text_of(body: str, rendered: str) -> Text:
    """A text for checks to look at, from its source and its HTML (`render.to_html(body)`): nothing is parsed again."""
    links = tuple(Link(html.unescape(link[1]), _shown(link[2])) for link in _LINK.finditer(rendered))
    return Text(body, render.plain_of_html(rendered), _shown(rendered), links)


def _shown(rendered: str) -> str:
    return html.unescape(_TAG.sub("", rendered))


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote it, from the author's row before this comment and from the identity.

    `first_seen` is None for somebody who never wrote here. The last two count what humans decided on this author's
    comments in the last 90 days, and how many of those they refused; rules' own decisions are left out, so that no rule
    feeds itself.
    """

    approved: int = 0
    rejected: int = 0
    waiting: int = 0
    first_seen: Milliseconds | None = None
    trusted: bool = False
    roles: frozenset[Role] = frozenset()
    login: str = ""
    decided_90_days: int = 0
    refused_90_days: int = 0


@dataclass(frozen=True, slots=True)
class Post:
    """What it is about. `since` is when the post appeared, None where nobody knows; `comments` counts approved ones."""

    key: PostKey
    since: Milliseconds | None = None
    comments: int = 0


@dataclass(frozen=True, slots=True)
class Context:
    """Everything beside the text, at the moment `now` when it came. `waiting` counts entries of the site's queue."""

    now: Milliseconds
    author: Author
    post: Post
    is_edit: bool = False
    is_reply: bool = False
    waiting: int = 0
