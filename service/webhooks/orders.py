"""What an owner orders of a webhook: go on, send one again, send all since a number again. For calls and commands.

The replica that sends finds these orders in the store within seconds.
"""

from dataclasses import replace

from service.errors import EventsPruned, UnknownDelivery
from service.model import SiteKey
from service.store import deliveries, events, webhooks
from service.store.database import Database, Transaction
from service.store.deliveries import State
from service.store.webhooks import Standing
from service.webhooks.upcoming import LOOKED_AT, Page, wanted


def resume(tx: Transaction, site: SiteKey, name: str) -> None:
    """Go on, whatever the receiver answered before. Doing it twice changes nothing."""
    standing = webhooks.get(tx, site, name)
    if standing is not None:
        webhooks.resumed(tx, standing)


def retry(tx: Transaction, site: SiteKey, name: str, delivery_id: str) -> None:
    """Send one delivery again now, with all its tries before it. Raises UnknownDelivery."""
    found = deliveries.get(tx, site, name, delivery_id)
    if found is None:
        raise UnknownDelivery
    deliveries.change(tx, replace(found, state=State.RETRYING, attempt=0, next_try_at=tx.now))


async def replay(database: Database, page: Page, after: int, until: int | None) -> int:
    """Send what is told of the events behind `after`, up to `until`, once more; how many that are.

    What the webhook has not read yet it is sent anyway, so none of that. Raises EventsPruned.
    """
    standing = await database.read(webhooks.get, page.site.key, page.settings.name)
    position = standing.seq if standing else 0
    last = position if until is None else min(until, position)
    number, looked = 0, after
    while looked < last:
        told, looked = await database.bulk.read(_counted, page, looked, last)
        number += told
    if number:
        await database.write(_order, page, after, last)
    return number


def _counted(tx: Transaction, page: Page, after: int, last: int) -> tuple[int, int]:
    first = events.first_number(tx, page.site.key)
    if after < first - 1:
        raise EventsPruned(members={"first_seq": first})
    found = events.between(tx, page.site.key, None, after, last, limit=LOOKED_AT)
    return sum(len(list(wanted(page, event))) for event in found), found[-1].seq if found else last


def _order(tx: Transaction, page: Page, after: int, until: int) -> None:
    """One that is not done yet is widened."""
    standing: Standing | None = webhooks.get(tx, page.site.key, page.settings.name)
    if standing is None:
        return
    if standing.replay_after is not None and standing.replay_until is not None:
        after, until = min(after, standing.replay_after), max(until, standing.replay_until)
    webhooks.save(tx, replace(standing, replay_after=after, replay_until=until))
