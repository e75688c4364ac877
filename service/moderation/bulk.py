"""Deciding about many comments at once: first a preview of what that would change, then exactly this, in pieces.

A preview is not kept. It holds each comment with the version that was shown, so whatever has changed since stays as it
is, and is named; `web/desk/bulk` seals it for its caller. What another moderator holds is left alone, and no post gets
another title or address: nobody was shown those.
"""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from service.errors import PreviewExpired, Problem
from service.model import Action, Actor, BatchId, Comment, CommentId, Decision, Milliseconds, PostKey, SiteRules, new_id
from service.moderation import decisions, lifecycle
from service.moderation.decisions import Ruling
from service.moderation.record import Reasons
from service.store import batches, claims, comments, posts, queue_pages
from service.store.database import Database, Transaction
from service.store.queue_filter import Filter
from service.store.queue_pages import Position

GOOD_FOR: Final[Milliseconds] = 600_000
"""How long a preview is good after it was made, or last used."""
AT_ONCE: Final = 500
"""Comments that one call decides about."""
MOST: Final = 2_000
"""Comments in one preview."""
PAGE: Final = 500
PAGES: Final = 20
EXAMPLES: Final = 5

Seen = tuple[CommentId, int]
"""A comment, and the version of it that was shown."""


class Stay(StrEnum):
    """Why a comment stays as it is."""

    CLAIMED = "claimed"
    CHANGED = "changed"
    IMPOSSIBLE = "impossible"


@dataclass(frozen=True, slots=True)
class Preview:
    """What somebody was shown who wants `action` for each of the members. `batch` is what the decisions will be."""

    action: Action
    batch: BatchId
    made_at: Milliseconds
    members: tuple[Seen, ...]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a preview shows: the comments that would change, how many would stay and why, and how posts are called."""

    changing: Sequence[Comment]
    stays: Mapping[Stay, int]
    titles: Mapping[PostKey, str]

    @property
    def examples(self) -> Sequence[Comment]:
        """The first of them."""
        return self.changing[:EXAMPLES]

    @property
    def by_author(self) -> Sequence[tuple[tuple[str, str], int]]:
        """How many of each author (key and name), most first."""
        return Counter((comment.author_key, comment.author.name) for comment in self.changing).most_common()

    @property
    def by_post(self) -> Sequence[tuple[str, int]]:
        """How many on each post, by its title, or by its key where none is known."""
        counted = Counter(comment.post for comment in self.changing)
        return [(self.titles.get(post, post), number) for post, number in counted.most_common()]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a preview has been carried out: `number` are decided in all, `stayed` are not; `following` is where the
    next call begins, None where there is nothing left. `made` are the decisions of this call."""

    number: int
    stayed: Sequence[tuple[CommentId, Stay]]
    following: int | None
    made: Sequence[Decision]


def matching(tx: Transaction, site: SiteRules, wanted: Filter) -> tuple[list[Seen], bool]:
    """The first comments that the filter finds in the queue, as they are now; and whether there may be more."""
    found: list[CommentId] = []
    after: Position | None = None
    for _ in range(PAGES):
        page = queue_pages.find(
            tx, site.key, wanted, by_priority=False, limit=min(PAGE, MOST - len(found)), after=after
        )
        found += [entry.comment_id for entry in page.entries]
        after = page.next
        if after is None or len(found) >= MOST:
            break
    standing = comments.get_many(tx, site.key, found)
    return [(key, standing[key].version) for key in found if key in standing], after is not None


def preview(
    tx: Transaction, site: SiteRules, action: Action, seen: Sequence[Seen], actor: Actor
) -> tuple[Preview, Forecast]:
    """What giving `action` to each of these would change. Nothing is changed."""
    changing: list[Comment] = []
    stays: Counter[Stay] = Counter()
    standing = comments.get_many(tx, site.key, [comment_id for comment_id, _ in seen])
    held = claims.held_by_others(tx, list(standing), actor)
    for comment_id, version in dict.fromkeys(seen):
        comment = standing.get(comment_id)
        why = _why_it_stays(comment, version, action, held)
        if why is not None:
            stays[why] += 1
        elif comment is not None:
            changing.append(comment)
    members = tuple((comment.id, comment.version) for comment in changing)
    forecast = Forecast(changing, stays, _titles(tx, site, changing))
    return Preview(action, BatchId(new_id(tx.now)), tx.now, members), forecast


def _titles(tx: Transaction, site: SiteRules, changing: Sequence[Comment]) -> dict[PostKey, str]:
    """How their posts are called; where nothing says so yet, as the first of these comments calls it."""
    called = {comment.post: comment.label.title for comment in reversed(changing) if comment.label.title}
    known = posts.get_many(tx, site.key, (comment.post for comment in changing))
    return called | {key: post.title for key, post in known.items() if post.title}


async def carry_out(
    database: Database, site: SiteRules, shown: Preview, actor: Actor, *, start: int, reasons: Reasons
) -> Progress:
    """Decide about the members from `start` on, AT_ONCE at most, in slices that let others write in between.

    Sent again it decides nothing twice, and tries anew what had stayed: what another moderator has given back meanwhile
    is decided then. Raises PreviewExpired; and UnknownReason or StoreUnavailable: what was decided before stands, and
    the same call goes on from there.
    """
    left = await database.bulk.read(_left, site, shown, start)
    made: list[Decision] = []
    for first in range(0, len(left), decisions.DECIDED_AT_ONCE):
        part = left[first : first + decisions.DECIDED_AT_ONCE]
        made += await database.bulk.write(_decide_each, site, shown, part, actor, reasons=reasons)
    end = min(start + AT_ONCE, len(shown.members))
    number, stayed = await database.bulk.read(_standing, site, shown, end, actor)
    return Progress(number, stayed, end if end < len(shown.members) else None, made)


def _left(tx: Transaction, site: SiteRules, shown: Preview, start: int) -> list[Seen]:
    """The members of this piece that are not decided yet. Raises PreviewExpired."""
    last_used = batches.last_time(tx, site.key, shown.batch) or shown.made_at
    if tx.now > last_used + GOOD_FOR:
        raise PreviewExpired
    done = _done(tx, site, shown)
    return [member for member in shown.members[start : start + AT_ONCE] if member[0] not in done]


def _decide_each(
    tx: Transaction, site: SiteRules, shown: Preview, part: Sequence[Seen], actor: Actor, *, reasons: Reasons
) -> list[Decision]:
    decisions.require_reason(tx, site, shown.action, reasons)
    held = claims.held_by_others(tx, [comment_id for comment_id, _ in part], actor)
    rulings = [
        Ruling(comment_id, shown.action, version, reasons, label_was_shown=False)
        for comment_id, version in part
        if comment_id not in held
    ]
    outcomes = decisions.decide_each(tx, site, rulings, actor, batch=shown.batch)
    return [outcome[0] for outcome in outcomes if not isinstance(outcome, Problem)]


def _standing(
    tx: Transaction, site: SiteRules, shown: Preview, end: int, actor: Actor
) -> tuple[int, list[tuple[CommentId, Stay]]]:
    done = _done(tx, site, shown)
    staying = [member for member in shown.members[:end] if member[0] not in done]
    ids = [comment_id for comment_id, _ in staying]
    now, held = comments.get_many(tx, site.key, ids), claims.held_by_others(tx, ids, actor)
    return len(done), [
        # What nothing stands against any more, somebody has given back a moment ago.
        (comment_id, _why_it_stays(now.get(comment_id), version, shown.action, held) or Stay.CLAIMED)
        for comment_id, version in staying
    ]


def _why_it_stays(comment: Comment | None, version: int, action: Action, held: Set[CommentId]) -> Stay | None:
    if comment is not None and comment.id in held:
        return Stay.CLAIMED
    if comment is None or comment.version != version:
        return Stay.CHANGED
    return Stay.IMPOSSIBLE if lifecycle.next_status(comment, action) is None else None


def _done(tx: Transaction, site: SiteRules, shown: Preview) -> set[CommentId]:
    last_seq = batches.last_seq(tx, site.key)
    return {member.comment_id for member in batches.members(tx, site.key, shown.batch, last_seq=last_seq)}
