"""The event feed: what webhooks are told, for those who would rather ask. `web/feed` calls it."""

from collections.abc import Collection
from dataclasses import dataclass

from service.delivery import outside_content
from service.delivery.outside_events import Share, Telling, is_wanted, tellings
from service.delivery.outside_shapes import OutsideEvent
from service.errors import EventsPruned
from service.settings import Site
from service.store import events
from service.store.database import Transaction

LOOKED_AT = 1_000
"""Events that one call looks through: where a filter leaves out that many, `last_seq` leads on."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What is told of some events, and the number to go on behind. `is_all`: nothing more has happened by now."""

    told: list[OutsideEvent]
    last_seq: int
    is_all: bool


def read(
    tx: Transaction, site: Site, after: int | None, *, wanted: Collection[str], share: Share, limit: int
) -> Stretch:
    """What is told behind the number `after` (None: from the first event that is kept), oldest first.

    At most `limit`, or one more: what is told of one event is not parted. Raises EventsPruned.
    """
    first = events.first_number(tx, site.key)
    if after is None:
        after = first - 1
    last = events.last_number(tx, site.key)
    if after < first - 1 or after > last:
        raise EventsPruned(members={"first_seq": first})
    told: list[Telling] = []
    position = after
    for event in events.after(tx, site.key, after, limit=LOOKED_AT):
        if len(told) >= limit:
            break
        told += [one for one in tellings(event) if is_wanted(one.type, wanted)]
        position = event.seq
    return Stretch(outside_content.tell(tx, site, told, share), position, is_all=position == last)
