"""What is to be sent to a webhook next, with its content as it stands now. `webhook` asks, and sends it.

What is tried again comes before what is new, each in the order of its events. A receiver that refused several in a row
is suspended: then one delivery at a time, the oldest, asks whether it takes anything.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

import pydantic_core

from service.delivery import outside_content
from service.delivery.outside_events import Telling, is_wanted, telling, tellings
from service.model import Event, Milliseconds, new_id
from service.settings import Site
from service.store import deliveries, events, webhooks
from service.store.database import Transaction
from service.store.deliveries import Delivery, Doubts
from service.store.webhooks import Standing
from service.webhook_settings import WebhookSettings
from service.webhooks import retries

AT_ONCE = 16
"""Deliveries of one webhook under way."""
LOOKED_AT = 200
"""Events that are looked through in one transaction."""
MOST_IN_DOUBT = 1_000
"""Rows of a webhook that refuses every other delivery: with more, no further events are begun."""


@dataclass(frozen=True, slots=True)
class Page:
    """Which webhook of which site it is."""

    site: Site
    settings: WebhookSettings


@dataclass(frozen=True, slots=True)
class Sending:
    """What is sent. `row`: it is tried again. `content` None: there is nothing left to send. `counts`: as a try.

    `id` is that of its row, where it becomes one.
    """

    id: str
    event_id: str
    type: str
    seq: int
    happened_at: Milliseconds
    content: bytes | None
    row: Delivery | None
    counts: bool


@dataclass(frozen=True, slots=True)
class Found:
    """How the webhook stands, what to send now, and up to which event everything is begun then.

    `missed` events were removed before it had read them. `is_all`: nothing else is to be begun before something
    happens, or it is `again_at`. `since`: when the oldest event happened that is not delivered.
    """

    standing: Standing
    begun: int
    last: int
    doubts: Doubts
    sendings: list[Sending] = field(default_factory=list)
    missed: int = 0
    is_all: bool = True
    again_at: Milliseconds | None = None
    since: Milliseconds | None = None


def look(
    tx: Transaction, page: Page, begun: int, *, under_way: int, held: Collection[str], ahead: Collection[str]
) -> Found:
    """What to send now.

    `begun`: up to this event all are begun, and so are those `ahead` of it (ids of what is told). `under_way`: how many
    are; `held`: ids of the rows among them.
    """
    site, name = page.site.key, page.settings.name
    standing = webhooks.get(tx, site, name)
    if standing is None:
        raise LookupError(name)
    doubts, last = deliveries.doubts(tx, site, name), events.last_number(tx, site)
    missed = max(0, events.first_number(tx, site) - 1 - begun)
    begun = min(begun + missed, last)  # behind the last: the position is that of another store
    found = Found(standing, begun, last, doubts, missed=missed, since=_since(tx, page, begun, doubts))
    if standing.off is not None:
        return found
    if tx.now < standing.ask_at:
        return replace(found, again_at=standing.ask_at)
    is_suspended = retries.is_suspended(standing.refused)
    room = max(0, (1 if is_suspended else AT_ONCE) - under_way)
    due = deliveries.in_doubt(tx, site, name, by=None if is_suspended else tx.now, limit=AT_ONCE + len(held))
    rows = [row for row in due if row.id not in held][:room]
    fresh = _Fresh(tx, page, begun, ahead)
    if is_suspended:
        fresh.take(room, before=rows[0].seq if rows else None)
        rows = [] if fresh.taken else rows
    elif doubts.number < MOST_IN_DOUBT:
        fresh.take(room - len(rows))
    sendings = [*_again(tx, page, rows, counts=not is_suspended), *_first(tx, page, fresh, counts=not is_suspended)]
    return replace(
        found,
        sendings=sendings,
        begun=fresh.begun,
        is_all=fresh.is_all,
        again_at=None if is_suspended else doubts.next_at,
    )


def wanted(page: Page, event: Event) -> Iterator[Telling]:
    """What the webhook is told of an event."""
    return (one for one in tellings(event) if is_wanted(one.type, page.settings.events))


class _Fresh:
    """Events behind a position that are begun now."""

    def __init__(self, tx: Transaction, page: Page, begun: int, ahead: Collection[str]) -> None:
        self._tx = tx
        self._page = page
        self._ahead = ahead
        self.begun = begun
        self.taken: list[Telling] = []
        self.is_all = True

    def take(self, room: int, *, before: int | None = None) -> None:
        """Take so many; nothing where the first one does not come `before` a number."""
        limit = LOOKED_AT if self._page.settings.events else max(0, room) + 1
        stretch = events.after(self._tx, self._page.site.key, self.begun, limit=limit)
        for event in stretch:
            told = [one for one in wanted(self._page, event) if one.id not in self._ahead]
            if told and before is not None and event.seq >= before:
                return
            left = room - len(self.taken)
            self.taken += told[: max(0, left)]
            if len(told) > left:
                return
            self.begun = event.seq
        self.is_all = len(stretch) < limit


def _again(tx: Transaction, page: Page, rows: Sequence[Delivery], *, counts: bool) -> Iterator[Sending]:
    """Rows with the content that they have today."""
    found = [(row, next(iter(events.after(tx, row.site, row.seq - 1, limit=1)), None)) for row in rows]
    told = {
        row.id: one
        for row, event in found
        if event is not None and event.seq == row.seq and (one := telling(event, row.event_id))
    }
    contents = dict(zip(told, _contents(tx, page, list(told.values())), strict=True))
    for row in rows:
        yield Sending(row.id, row.event_id, row.type, row.seq, row.happened_at, contents.get(row.id), row, counts)


def _first(tx: Transaction, page: Page, fresh: _Fresh, *, counts: bool) -> Iterator[Sending]:
    for one, content in zip(fresh.taken, _contents(tx, page, fresh.taken), strict=True):
        yield Sending(new_id(tx.now), one.id, one.type, one.event.seq, one.event.created_at, content, None, counts)


def _contents(tx: Transaction, page: Page, told: Sequence[Telling]) -> list[bytes]:
    return [pydantic_core.to_json(one) for one in outside_content.tell(tx, page.site, told, page.settings.share)]


def _since(tx: Transaction, page: Page, begun: int, doubts: Doubts) -> Milliseconds | None:
    following = events.after(tx, page.site.key, begun, limit=1)
    return min([*(event.created_at for event in following), *([doubts.oldest] if doubts.oldest else [])], default=None)
