"""What checks see: one text, and the context in which it came. Frozen, and made before any check looks.

`moderation` makes the text outside the transaction, beside rendering, and the context inside, from one query.
"""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, NamedTuple

from service.model import Milliseconds, PostKey, Role
from service.text import render
from service.triage.lists import hosts
from service.triage.lists.compiled import NO_LISTS, Lists

_LINK: Final = re.compile(r'<a href="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
_ADDRESS: Final = re.compile(r'<a href="([^"]*)"')
_TAG: Final = re.compile(r"<[^>]*>")
"""The sanitiser escapes `>` inside attribute values, and what looks like a tag in a text, so this finds real ones."""


MOST_PLACED: Final = 100
"""Links whose place is looked for: enough for the spans of a verdict; a text can hold a thousand."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link as readers get it: where it leads (http, https or mailto) and what they click on.

    `host` is the one that it leads to, folded (`lists.hosts`); `place` is where it stands in the body, if it is found.
    """

    address: str
    shown: str
    host: str | None = field(default=None, compare=False)
    place: tuple[int, int] | None = field(default=None, compare=False)

    @property
    def is_mailbox(self) -> bool:
        """Whether it leads to somebody's mail and to no page."""
        return self.address.startswith("mailto:")


@dataclass(frozen=True)
class Text:
    """A text as its author wrote it (`body`, CommonMark) and as readers see it.

    `shown` is what readers see without any markup; `plain` is that in one canonical spelling (`render.plain_of_html`:
    case folded, no invisible characters). `links` stand in the order of the text. `lists` are those of the site. Spans
    of verdicts count in `body`.
    """

    body: str
    plain: str
    shown: str
    links: tuple[Link, ...]
    lists: Lists = NO_LISTS

    @cached_property
    def hosts(self) -> Mapping[str, list[tuple[int, int]]]:
        """Where the links lead, mailboxes too: each host with the places of its links."""
        found: dict[str, list[tuple[int, int]]] = {}
        for link in self.links:
            if link.host is not None:
                found.setdefault(link.host, []).extend([link.place] if link.place else [])
        return found

    @cached_property
    def page_hosts(self) -> frozenset[str]:
        """The hosts of pages that the links lead to."""
        return frozenset(link.host for link in self.links if link.host is not None and not link.is_mailbox)


def text_of(body: str, rendered: str, lists: Lists = NO_LISTS) -> Text:
    """A text for checks to look at, from its source and its HTML (`render.to_html(body)`): nothing is parsed again."""
    return Text(body, render.plain_of_html(rendered), _shown(rendered), tuple(_links(body, rendered)), lists)


def page_hosts_of(rendered: str) -> frozenset[str]:
    """The hosts of pages that the links of a text lead to, from its HTML alone."""
    return frozenset(
        host
        for address in map(html.unescape, _ADDRESS.findall(rendered))
        if not address.startswith("mailto:") and (host := hosts.of_address(address)) is not None
    )


def _links(body: str, rendered: str) -> Iterator[Link]:
    """The links, each looked for in the body behind the one before: the renderer does not say where they stand.

    An address may stand there in another spelling (`ö` for `%C3%B6`); then what readers click on is its place. A link
    of which neither stands there has none.
    """
    behind = 0
    for number, link in enumerate(_LINK.finditer(rendered)):
        address, shown = html.unescape(link[1]), _shown(link[2])
        place = None
        if number < MOST_PLACED:
            clicked = shown if ":" in shown else f"[{shown}]"
            place = _first(body, {address, address.replace("&", "&amp;")}, behind) or _first(body, {clicked}, behind)
            behind = place[1] if place else behind
        yield Link(address, shown, hosts.of_address(address), place)


def _first(body: str, spellings: set[str], behind: int) -> tuple[int, int] | None:
    """Where the first of these begins and ends."""
    found = [(start, start + len(one)) for one in spellings if (start := body.find(one, behind)) >= 0]
    return min(found, default=None)


def _shown(rendered: str) -> str:
    return html.unescape(_TAG.sub("", rendered))


class Author(NamedTuple):
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


class Post(NamedTuple):
    """What it is about. `since` is when the post appeared, None where nobody knows; `comments` counts approved ones."""

    key: PostKey
    since: Milliseconds | None = None
    comments: int = 0


class Arrived(NamedTuple):
    """What else came lately. Texts are equal whose letters are, without any disguise (`text.disguises.keyed`)."""

    equal_by_author: int = 0
    equal_on_site: int = 0
    by_author: int = 0
    on_post: int = 0
    on_site: int = 0


NOTHING_ARRIVED: Final = Arrived()


class Context(NamedTuple):
    """Everything beside the text, at the moment `now` when it came. `waiting` counts entries of the site's queue.

    `new_hosts` are those that the text links to and no approved comment of the site does. That and `arrived` are None
    until what stood there before has been read.
    """

    now: Milliseconds
    author: Author
    post: Post
    is_edit: bool = False
    is_reply: bool = False
    waiting: int = 0
    new_hosts: frozenset[str] | None = frozenset()
    arrived: Arrived | None = NOTHING_ARRIVED
