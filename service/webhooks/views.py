"""How webhooks and their deliveries are shown to owners, by calls and by commands alike."""

from typing import (
    Annotated,
    Literal,  # pydantic reads these on Python 3.11
)
from urllib.parse import urlsplit, urlunsplit

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from service.reading import show
from service.reading.shapes import Id, Timestamp
from service.store import deliveries, events, webhooks
from service.store.database import Transaction
from service.store.deliveries import Delivery, State, Try
from service.webhooks.upcoming import Page

_CLOSED = with_config(ConfigDict(extra="forbid"))
MASK = "*****"


@_CLOSED
class FailureView(TypedDict):
    """The last refusal."""

    at: Timestamp
    status: Annotated[int | None, Field(description="null: no answer came")]
    error: str | None


# Functional, because a member is called `with`.
WebhookView = TypedDict(
    "WebhookView",
    {
        "name": str,
        "url": Annotated[str, Field(description="Without password and query")],
        "events": Annotated[list[str], Field(description="Empty: all")],
        "with": Literal["ids", "texts", "people"],
        "state": Annotated[
            Literal["well", "retrying", "off"],
            Field(description="`off`: it answered 410, and goes on with another configuration or after `resume`"),
        ],
        "position": Annotated[int, Field(description="All events up to this one are delivered, or tried again")],
        "behind": Annotated[int, Field(description="How many events of the site come after that")],
        "retrying": Annotated[int, Field(description="Deliveries that are tried again")],
        "failed": Annotated[int, Field(description="Deliveries that were given up, of those that are kept")],
        "missed": Annotated[int, Field(description="Events that were removed before it had read them")],
        "last_success_at": Timestamp | None,
        "last_failure": FailureView | None,
    },
)


@_CLOSED
class WebhookList(TypedDict):
    """The webhooks of a site."""

    webhooks: list[WebhookView]


@_CLOSED
class TryView(TypedDict):
    """One call to the receiver. `error` is null where it took the event."""

    at: Timestamp
    status: int | None
    error: str | None
    ms: int


@_CLOSED
class ToldView(TypedDict):
    """What was to be delivered."""

    id: str
    type: str
    seq: int


@_CLOSED
class DeliveryView(TypedDict):
    """A delivery, with its last tries."""

    id: Id
    event: ToldView
    state: Literal["retrying", "failed", "delivered"]
    tries: list[TryView]
    next_try_at: Timestamp | None


@_CLOSED
class DeliveryList(TypedDict):
    """Deliveries of a webhook, newest first."""

    deliveries: list[DeliveryView]
    next: str | None


@_CLOSED
class Replayed(TypedDict):
    """How many will be sent again."""

    events: int


def webhook(tx: Transaction, page: Page) -> WebhookView:
    """A webhook as it stands."""
    site, settings = page.site.key, page.settings
    standing = webhooks.get(tx, site, settings.name)
    position = standing.seq if standing else events.last_number(tx, site)
    retrying = deliveries.count(tx, site, settings.name, State.RETRYING)
    is_off = standing is not None and standing.off == page.settings.fingerprint
    has_trouble = bool(retrying) or (standing is not None and standing.refused > 0)
    failure = standing.last_failure if standing else None
    return {
        "name": settings.name,
        "url": masked(settings.url),
        "events": list(settings.events),
        "with": settings.share.value,
        "state": "off" if is_off else "retrying" if has_trouble else "well",
        "position": position,
        "behind": max(0, events.last_number(tx, site) - position),
        "retrying": retrying,
        "failed": deliveries.count(tx, site, settings.name, State.FAILED),
        "missed": standing.missed if standing else 0,
        "last_success_at": show.optional_timestamp(standing.last_success_at if standing else None),
        "last_failure": {"at": show.timestamp(failure.at), "status": failure.status, "error": failure.error}
        if failure
        else None,
    }


def delivery(found: Delivery) -> DeliveryView:
    """A delivery."""
    return {
        "id": found.id,
        "event": {"id": found.event_id, "type": found.type, "seq": found.seq},
        "state": found.state.value,
        "tries": [tried(one) for one in found.tries],
        "next_try_at": show.optional_timestamp(found.next_try_at),
    }


def tried(found: Try) -> TryView:
    """One try."""
    return {"at": show.timestamp(found.at), "status": found.status, "error": found.error, "ms": found.ms}


def masked(url: str) -> str:
    """An address without the password and the query, which may be secrets."""
    parts = urlsplit(url)
    account, at, host = parts.netloc.rpartition("@")
    name, colon, _ = account.partition(":")
    shown = f"{name}:{MASK}" if colon else MASK if at else ""
    return urlunsplit((parts.scheme, f"{shown}{at}{host}", parts.path, MASK if parts.query else "", ""))
