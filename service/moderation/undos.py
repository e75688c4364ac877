"""Taking a batch back: first a preview of what that would change, then exactly this, in pieces.

A preview is not kept. It holds what must not be otherwise when it is carried out; `web/undos` seals it for its caller.
That the members are still as they were shown needs no list: a decision stands as long as its comment has the version
that the decision made, and no comment has one version twice. So what changed meanwhile stays, and is named.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from service.errors import NewerDecision, PreviewExpired, UnknownBatch
from service.model import Action, Actor, BatchId, CommentId, Decision, Milliseconds, SiteRules, new_id
from service.moderation import decisions
from service.moderation.record import Reasons
from service.store import batches, claims
from service.store.batches import Member
from service.store.database import Database, Transaction

GOOD_FOR: Final[Milliseconds] = 600_000
"""How long a preview is good after it was made, or last used."""
AT_ONCE: Final = 500
"""Decisions that one call takes back."""
EXAMPLES: Final = 5


class Stay(StrEnum):
    """Why a member of a batch is not undone: something newer stands on it, or another moderator holds its comment."""

    NEWER_DECISION = "newer-decision"
    CLAIMED = "claimed"


@dataclass(frozen=True, slots=True)
class Preview:
    """What somebody was shown who wants to take `batch` back, all of it with numbers up to `last_seq`.

    `undoing` is the batch that will do it. Others held the comments of the decisions with the numbers `held`.
    """

    batch: BatchId
    undoing: BatchId
    last_seq: int
    made_at: Milliseconds
    held: frozenset[int]

    @property
    def good_until(self) -> Milliseconds:
        """Until when it must be used."""
        return self.made_at + GOOD_FOR


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a preview shows: how many would be undone, of which actions, some of their comments, and who would stay."""

    would_change: int
    by_action: Mapping[Action, int]
    examples: Sequence[CommentId]
    stays: Mapping[Stay, int]


@dataclass(frozen=True, slots=True)
class Undone:
    """How far a preview has been carried out: `number` are undone in all, `remaining` are left for the next calls.

    `stayed` are not undone, and why; `decisions` are what this call decided.
    """

    number: int
    stayed: Sequence[tuple[CommentId, Stay]]
    remaining: int
    decisions: Sequence[Decision]


def preview(tx: Transaction, site: SiteRules, batch: BatchId, actor: Actor) -> tuple[Preview, Forecast]:
    """What undoing the batch would change. Raises UnknownBatch."""
    last_seq = batches.last_seq(tx, site.key)
    members = batches.members(tx, site.key, batch, last_seq=last_seq)
    if not members:
        raise UnknownBatch
    staying = {member.id: why for member in members if (why := _why_it_stays(member, actor)) is not None}
    changing = [member for member in members if member.id not in staying]
    held = frozenset(member.seq for member in members if staying.get(member.id) is Stay.CLAIMED)
    shown = Preview(batch, BatchId(new_id(tx.now)), last_seq, tx.now, held)
    return shown, Forecast(
        would_change=len(changing),
        by_action=Counter(member.action for member in changing),
        examples=[member.comment_id for member in changing[:EXAMPLES]],
        stays=Counter(staying.values()),
    )


async def undo(database: Database, site: SiteRules, shown: Preview, actor: Actor, *, note: str | None) -> Undone:
    """Undo up to AT_ONCE of what was shown, in slices that let others write in between. The next call goes on.

    Raises PreviewExpired, and StoreUnavailable: what was undone before stands, and the same call goes on from there.
    """
    left = (await database.bulk.read(_standing, site, shown, actor)).left[:AT_ONCE]
    made: list[Decision] = []
    for start in range(0, len(left), decisions.DECIDED_AT_ONCE):
        part = left[start : start + decisions.DECIDED_AT_ONCE]
        made += await database.bulk.write(_undo_each, site, part, shown, actor, note=note)
    found = await database.bulk.read(_standing, site, shown, actor)
    return Undone(found.number, found.stayed, len(found.left), made)


@dataclass(frozen=True, slots=True)
class _Standing:
    """How the members of a preview stand: undone by it, left to be undone, or staying."""

    number: int
    left: Sequence[Member]
    stayed: Sequence[tuple[CommentId, Stay]]


def _standing(tx: Transaction, site: SiteRules, shown: Preview, actor: Actor) -> _Standing:
    """Raises PreviewExpired."""
    last_used = batches.last_time(tx, site.key, shown.undoing) or shown.made_at
    if tx.now > last_used + GOOD_FOR:
        raise PreviewExpired
    done = batches.taken_back(tx, site.key, shown.undoing)
    left: list[Member] = []
    stayed: list[tuple[CommentId, Stay]] = []
    for member in batches.members(tx, site.key, shown.batch, last_seq=shown.last_seq):
        if member.id in done:
            continue
        why = _why_it_stays(member, actor)
        if why is None and member.seq in shown.held:  # given back meanwhile: it was shown as one that stays
            why = Stay.CLAIMED
        if why is None:
            left.append(member)
        else:
            stayed.append((member.comment_id, why))
    return _Standing(len(done), left, stayed)


def _undo_each(
    tx: Transaction, site: SiteRules, wanted: Sequence[Member], shown: Preview, actor: Actor, *, note: str | None
) -> list[Decision]:
    """Undo these, each by itself. What has changed a moment ago stays."""
    held = claims.held_by_others(tx, [member.comment_id for member in wanted], actor)
    made: list[Decision] = []
    for member in wanted:
        if member.comment_id in held:
            continue
        try:
            with tx.savepoint():
                reasons = Reasons(note=note)
                undone, _ = decisions.undo(tx, site, member.id, actor, reasons=reasons, batch=shown.undoing)
        except NewerDecision:
            continue
        made.append(undone)
    return made


def _why_it_stays(member: Member, actor: Actor) -> Stay | None:
    if not member.stands:
        return Stay.NEWER_DECISION
    return None if member.holder in (None, actor.key) else Stay.CLAIMED
