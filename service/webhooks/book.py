"""What is kept of what was sent to a webhook: `webhook`'s part inside of writing transactions.

An event that arrives at the first try leaves nothing but the position behind it. One that is refused becomes a row and
has tries of its own, so it holds nothing back. A receiver that refused several in a row is suspended: then only one
delivery at a time asks whether it takes anything, no try counts, and no row is made.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from service.model import Milliseconds, new_id
from service.store import deliveries, events, leases, webhooks
from service.store.database import Transaction
from service.store.deliveries import KEPT_OF, Delivery, State, Try
from service.store.leases import Lease
from service.store.webhooks import Standing
from service.webhooks import retries
from service.webhooks.call import Answered
from service.webhooks.retries import Chance
from service.webhooks.upcoming import AT_ONCE, LOOKED_AT, MOST_IN_DOUBT, Page, Sending, wanted

NOT_KEPT = "the event was removed from the log ([retention] events_days) before it was delivered"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    sending: Sending
    answered: Answered

    @property
    def is_settled(self) -> bool:
        """Whether the position may move behind it: it is delivered, or becomes a row."""
        return self.answered.is_taken or (self.sending.counts and not self.answered.is_gone)


def take(tx: Transaction, name: str, holder: str, page: Page) -> tuple[Lease, Standing, dict[str, int]] | None:
    """Be the one that sends, from where the last one came to; None while somebody else is.

    With it: what is a row already of events behind the position, by its id. That is not begun again.
    """
    lease = leases.take(tx, name, holder)
    if lease is None:
        return None
    site, webhook = page.site.key, page.settings.name
    standing = webhooks.get(tx, site, webhook) or webhooks.begin(
        tx, site, webhook, configured=page.settings.fingerprint
    )
    rows = deliveries.in_doubt(tx, site, webhook, by=None, limit=2 * MOST_IN_DOUBT)
    return lease, standing, {row.event_id: row.seq for row in rows if row.seq > standing.seq}


def settle(
    tx: Transaction,
    page: Page,
    lease: Lease,
    outcomes: Sequence[Outcome],
    *,
    position: int,
    missed: int,
    chance: Chance,
) -> Standing | None:
    """Keep what came of some sendings, and that everything up to `position` is settled. The lease is held on.

    None: another replica has it; then nothing is kept.
    """
    standing = webhooks.get(tx, page.site.key, page.settings.name)
    if standing is None or not leases.keep(tx, lease):
        return None
    was_suspended = retries.is_suspended(standing.refused)
    for outcome in outcomes:
        standing = _after(standing, page, outcome.answered, now=tx.now)
    for outcome in (one for one in outcomes if one.sending.row is not None or not one.answered.is_taken):
        _keep(tx, page, outcome, chance)
    arrived = [one for one in outcomes if one.sending.row is None and one.answered.is_taken]
    for outcome in arrived[-KEPT_OF[State.DELIVERED] :]:
        deliveries.add(tx, _row(page, outcome.sending, State.DELIVERED, (outcome.answered.tried,)))
    if outcomes:
        deliveries.trim(tx, standing.site, standing.name, (State.DELIVERED, State.FAILED))
    if was_suspended and not standing.refused:
        deliveries.wake(tx, standing.site, standing.name)
    standing = replace(standing, seq=position, missed=standing.missed + missed)
    webhooks.save(tx, standing)
    return standing


def replay_some(tx: Transaction, page: Page, lease: Lease) -> None:
    """Of the events that somebody wants to be sent once more, make the next ones due: rows, like those tried again."""
    standing = webhooks.get(tx, page.site.key, page.settings.name)
    if standing is None or standing.replay_after is None or not leases.keep(tx, lease):
        return
    until, after, made = standing.replay_until or 0, standing.replay_after, 0
    for event in events.between(tx, standing.site, None, after, until, limit=LOOKED_AT):
        if made >= AT_ONCE:
            break
        for one in wanted(page, event):
            sending = Sending(new_id(tx.now), one.id, one.type, event.seq, event.created_at, None, None, counts=True)
            deliveries.add(tx, _row(page, sending, State.RETRYING, (), next_try_at=tx.now))
            made += 1
        after = event.seq
    is_done = after >= until or after == standing.replay_after
    webhooks.save(
        tx, replace(standing, replay_after=None if is_done else after, replay_until=None if is_done else until)
    )


def _after(standing: Standing, page: Page, answered: Answered, *, now: Milliseconds) -> Standing:
    """How the webhook stands after an answer."""
    if answered.is_taken:
        return replace(standing, refused=0, ask_at=0, last_success_at=answered.tried.at)
    if answered.tried.error == NOT_KEPT:
        return standing
    if answered.is_gone:
        return replace(standing, off=page.settings.fingerprint, last_failure=answered.tried)
    refused = standing.refused + 1
    obeyed = retries.obeyed(answered.tried.status, answered.retry_after, now=now)
    ask_at = max(retries.ask_again(refused, now=now), obeyed if obeyed > now else 0, standing.ask_at)
    return replace(standing, refused=refused, ask_at=ask_at, last_failure=answered.tried)


def _keep(tx: Transaction, page: Page, outcome: Outcome, chance: Chance) -> None:
    """Keep what came of one that is a row, or becomes one."""
    sending, answered = outcome.sending, outcome.answered
    row = sending.row
    if row is None:
        if outcome.is_settled:
            next_try_at = retries.next_try(1, page.settings.retry_seconds, now=tx.now, chance=chance)
            state = State.FAILED if next_try_at is None else State.RETRYING
            deliveries.add(tx, _row(page, sending, state, (answered.tried,), next_try_at=next_try_at))
        return
    row = deliveries.get(tx, row.site, row.webhook, row.id)  # anew: meanwhile somebody may have ordered another try
    if row is None:
        return
    row = replace(row, tries=(*row.tries, answered.tried))
    if answered.is_taken:
        row = replace(row, state=State.DELIVERED, attempt=row.attempt + 1, next_try_at=None)
    elif sending.content is None:
        row = replace(row, state=State.FAILED, next_try_at=None)
    elif outcome.is_settled:
        attempt = row.attempt + 1
        next_try_at = retries.next_try(attempt, page.settings.retry_seconds, now=tx.now, chance=chance)
        state = State.FAILED if next_try_at is None else State.RETRYING
        row = replace(row, state=state, attempt=attempt, next_try_at=next_try_at)
    deliveries.change(tx, row)


def _row(
    page: Page,
    sending: Sending,
    state: State,
    tries: tuple[Try, ...],
    *,
    next_try_at: Milliseconds | None = None,
) -> Delivery:
    return Delivery(
        id=sending.id,
        site=page.site.key,
        webhook=page.settings.name,
        event_id=sending.event_id,
        type=sending.type,
        seq=sending.seq,
        happened_at=sending.happened_at,
        state=state,
        attempt=len(tries),
        tries=tries,
        next_try_at=next_try_at,
    )
