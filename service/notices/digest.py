"""What a notice has to say: how much waits on a site, why, and the oldest of it. Read when it is said."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.model import Milliseconds, SiteKey, Why
from service.notices.timing import Waiting
from service.store import comments, posts, queue, queue_pages
from service.store.database import Transaction
from service.store.queue_filter import Filter
from service.text import render

SHOWN = 3
"""How many of the oldest entries are shown."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One comment that waits, as it stands now: plain text, and nothing made safe yet."""

    author: str
    post: str
    text: str
    since: Milliseconds


@dataclass(frozen=True, slots=True)
class Digest:
    """All of it. A comment may wait for several reasons."""

    waiting: Waiting
    reasons: Mapping[Why, int]
    oldest: tuple[Piece, ...]


def count(tx: Transaction, site: SiteKey) -> Waiting | None:
    """How much waits; None: nothing does. Costs the same however much that is."""
    number, oldest = queue.depth(tx, site)
    newest = queue.newest(tx, site)
    return None if oldest is None or newest is None else Waiting(number, oldest, newest)


def read(tx: Transaction, site: SiteKey) -> Digest | None:
    """What there is to say; None: nothing waits."""
    waiting = count(tx, site)
    if waiting is None:
        return None
    entries = queue_pages.find(tx, site, Filter(), by_priority=False, limit=SHOWN, after=None).entries
    found = comments.get_many(tx, site, [entry.comment_id for entry in entries])
    named = posts.get_many(tx, site, [comment.post for comment in found.values()])
    pieces = [(found[entry.comment_id], entry.waiting_since) for entry in entries if entry.comment_id in found]
    return Digest(
        waiting,
        queue.count_reasons(tx, site),
        tuple(
            Piece(
                author=comment.author.name,
                post=named[comment.post].title or comment.label.title or comment.post,
                text=render.words_of_html(comment.newest_text.html),
                since=since,
            )
            for comment, since in pieces
        ),
    )
