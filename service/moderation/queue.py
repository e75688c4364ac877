"""What moderators look at: the queue, with all that is needed to judge, and claims on parts of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from service.errors import UnknownComment
from service.model import Actor, CommentId, Milliseconds, SiteKey, SiteRules
from service.moderation.cases import Case, of_entries
from service.store import claims, events, queue, queue_pages
from service.store.database import Transaction
from service.store.queue_filter import Claimed, Filter
from service.store.queue_pages import Position, Total

MOST_HELD: Final = 200
"""Cases that one moderator holds at once."""
PAGES_LOOKED_AT: Final = 4
"""Pages of the queue in which a claim with a filter looks: others who write wait for it."""
ANY: Final = Filter()


@dataclass(frozen=True, slots=True)
class Overview:
    """How many entries wait, since when the oldest does, and how many of them a moderator holds."""

    waiting: int
    oldest: Milliseconds | None
    held: int


def browse(
    tx: Transaction, site: SiteRules, wanted: Filter, *, by_priority: bool, limit: int, after: Position | None
) -> tuple[list[Case], Position | None, Total]:
    """A page of the queue: cases, the position after them, and how many there are in all."""
    found = queue_pages.find(tx, site.key, wanted, by_priority=by_priority, limit=limit, after=after)
    return of_entries(tx, site, found.entries), found.next, found.total


def overview(tx: Transaction, site: SiteKey, moderator: Actor) -> Overview:
    """How the queue stands as a whole."""
    waiting, oldest, held = queue.overview(tx, site, moderator.key)
    return Overview(waiting, oldest, held)


def show(tx: Transaction, site: SiteRules, comment_id: CommentId) -> Case:
    """One case. Raises UnknownComment where the comment does not wait."""
    entry = queue.get(tx, comment_id)
    cases = of_entries(tx, site, [entry] if entry else [])
    if not cases:
        raise UnknownComment
    return cases[0]


def claim(
    tx: Transaction,
    site: SiteRules,
    holder: Actor,
    *,
    limit: int,
    lease_seconds: int,
    wanted: Filter = ANY,
    by_priority: bool = False,
) -> tuple[list[Case], Milliseconds]:
    """The next free cases, handed to nobody else until the returned time. Nobody holds more than MOST_HELD."""
    until = tx.now + lease_seconds * 1000
    limit = min(limit, MOST_HELD - len(claims.held(tx, site.key, holder)))
    if limit <= 0:
        return [], until
    if wanted == ANY and not by_priority:
        handed = claims.take_next(tx, site.key, holder, limit=limit, until=until)
    else:
        found = _next_free(tx, site.key, wanted, by_priority=by_priority, limit=limit)
        handed = claims.take(tx, site.key, holder, found, until=until)
    _tell(tx, site.key, holder, [entry.comment_id for entry in handed])
    return of_entries(tx, site, handed), until


def claim_these(
    tx: Transaction, site: SiteRules, holder: Actor, ids: Sequence[CommentId], *, lease_seconds: int
) -> tuple[list[Case], Milliseconds]:
    """These cases, as far as nobody else holds them and MOST_HELD allows; one's own are held for longer."""
    until = tx.now + lease_seconds * 1000
    mine = claims.held(tx, site.key, holder)
    others = [comment_id for comment_id in dict.fromkeys(ids) if comment_id not in mine]
    free = {entry.comment_id for entry in queue.get_many(tx, others) if entry.claimed_by is None}
    taken = set([comment_id for comment_id in others if comment_id in free][: MOST_HELD - len(mine)])
    wanted = [comment_id for comment_id in dict.fromkeys(ids) if comment_id in mine or comment_id in taken]
    handed = claims.take(tx, site.key, holder, wanted, until=until)
    _tell(tx, site.key, holder, [entry.comment_id for entry in handed])
    return of_entries(tx, site, handed), until


def release(tx: Transaction, site: SiteKey, holder: Actor, ids: Sequence[CommentId] | None = None) -> None:
    """Give back these cases, or all that `holder` holds."""
    _tell(tx, site, holder, claims.give_back(tx, site, holder, ids))


def _next_free(tx: Transaction, site: SiteKey, wanted: Filter, *, by_priority: bool, limit: int) -> list[CommentId]:
    """Free entries that the filter finds in the next pages."""
    found: list[CommentId] = []
    after: Position | None = None
    for _ in range(PAGES_LOOKED_AT):
        page = queue_pages.find(
            tx,
            site,
            replace(wanted, claimed=Claimed.FREE),
            by_priority=by_priority,
            limit=limit - len(found),
            after=after,
        )
        found += [entry.comment_id for entry in page.entries]
        after = page.next
        if after is None or len(found) == limit:
            break
    return found


def _tell(tx: Transaction, site: SiteKey, holder: Actor, ids: Sequence[CommentId]) -> None:
    """One event for all that a call changed. Who listens is told what is so then."""
    if ids:
        events.append(tx, site, events.CLAIMED, holder, about={"comment_ids": list(ids)})
