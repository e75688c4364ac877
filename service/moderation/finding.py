"""Finds comments for moderators, in every status: by who wrote them, where, when, what they say, who decided last.

It looks through the comments in parts, each a short read in the lane of what may take long, and stops after
LOOK_SECONDS with what it has: so nobody else waits for it, and the next call goes on where it stopped.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from service.model import ActorKind, AuthorKey, Comment, Decision, Milliseconds, PostKey, SiteKey, Status
from service.store import comment_pages, decisions
from service.store.comment_pages import Position
from service.store.database import Database, Transaction
from service.store.queue import folded
from service.text.folding import fold

LOOK_SECONDS: Final = 10.0
"""How long one call looks."""
AT_ONCE: Final = 500
"""Comments that are looked at in one read."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which comments: written at `since` or later and before `until`; `text` is looked for in the comment's texts and
    the author's name; `by_policy`: only a rule has decided."""

    status: Status | None = None
    author: AuthorKey | None = None
    post: PostKey | None = None
    text: str | None = None
    since: Milliseconds | None = None
    until: Milliseconds | None = None
    by_policy: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """Comments with the last decision on each, and where the next call goes on. `stopped`: time was over."""

    comments: Sequence[tuple[Comment, Decision | None]]
    next: Position | None
    stopped: bool


@dataclass(frozen=True, slots=True)
class _Part:
    """What one read has found, with where each comment stands, and the position behind what was looked at."""

    found: Sequence[tuple[Position, Comment, Decision | None]]
    next: Position | None


def position(given: Sequence[str | int] | None) -> Position | None:
    """Where to go on, as a cursor holds it."""
    return (int(given[0]), str(given[1])) if given is not None else None


async def find(
    database: Database, site: SiteKey, wanted: Wanted, *, newest_first: bool, limit: int, after: Position | None
) -> Found:
    """Up to `limit` comments in order. Each read looks for one more: nobody is led to where there are none. Raises
    StoreUnavailable."""
    now = asyncio.get_running_loop().time
    deadline = now() + LOOK_SECONDS
    found: list[tuple[Position, Comment, Decision | None]] = []
    while True:
        part = await database.bulk.read(
            _look, site, wanted, newest_first=newest_first, limit=limit + 1 - len(found), after=after
        )
        found += part.found
        after = part.next
        is_over = after is None or len(found) >= limit
        if is_over or now() >= deadline:
            break
    shown = [(comment, decision) for _, comment, decision in found[:limit]]
    return Found(shown, found[limit - 1][0] if len(found) > limit else after, stopped=not is_over)


def _look(
    tx: Transaction, site: SiteKey, wanted: Wanted, *, newest_first: bool, limit: int, after: Position | None
) -> _Part:
    """What of the next AT_ONCE comments is wanted."""
    edge = wanted.until if newest_first else wanted.since
    if after is None and edge is not None:
        after = comment_pages.begin(edge)
    stretch = comment_pages.stretch(
        tx,
        site,
        status=wanted.status,
        author=wanted.author,
        post=wanted.post,
        newest_first=newest_first,
        limit=AT_ONCE,
        after=after,
    )
    text = fold(wanted.text) if wanted.text is not None else None
    fitting = [(place, comment) for place, comment in stretch.comments if _fits(place, comment, wanted, text)]
    last = decisions.last_on_each(tx, [comment.id for _, comment in (fitting if wanted.by_policy else fitting[:limit])])
    found: list[tuple[Position, Comment, Decision | None]] = []
    for place, comment in fitting:
        decision = last.get(comment.id)
        if wanted.by_policy and not (comment.by_rule or _is_policys(decision)):
            continue
        found.append((place, comment, decision))
        if len(found) == limit:
            return _Part(found, place)
    return _Part(found, None if _is_over(stretch.next, wanted, newest_first=newest_first) else stretch.next)


def _is_policys(decision: Decision | None) -> bool:
    return decision is not None and decision.actor.kind is ActorKind.POLICY


def _fits(place: Position, comment: Comment, wanted: Wanted, text: str | None) -> bool:
    if wanted.status not in (None, comment.status) or wanted.post not in (None, comment.post):
        return False
    if (wanted.since is not None and place[0] < wanted.since) or (
        wanted.until is not None and place[0] >= wanted.until
    ):
        return False
    edit = comment.pending_edit
    return text is None or text in folded(comment.text.body, edit.body if edit else None, comment.author.name)


def _is_over(place: Position | None, wanted: Wanted, *, newest_first: bool) -> bool:
    """Whether there can be nothing more that is wanted behind this position."""
    if place is None:
        return True
    edge = wanted.since if newest_first else wanted.until
    return edge is not None and (place[0] < edge if newest_first else place[0] >= edge)
