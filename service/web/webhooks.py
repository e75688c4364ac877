"""The webhooks of a site: how they stand, what was not delivered, what is to be sent again. For admins."""

from service.errors import UnknownDelivery, UnknownWebhook
from service.store import deliveries
from service.store.deliveries import State
from service.web import incoming, queries
from service.web.call import Call, Reply
from service.webhooks import orders, views
from service.webhooks.views import DeliveryList, Replayed, TryView, WebhookList
from service.webhooks.webhook import Webhook


# GET /v1/sites/{site}/webhooks
async def list_webhooks(call: Call) -> Reply[WebhookList]:
    """How each webhook of the site stands."""
    await call.admin()
    of_site = [webhook for webhook in call.services.webhooks.values() if webhook.site == call.site_key]
    shown = [await call.database.read(views.webhook, webhook.page) for webhook in of_site]
    return Reply({"webhooks": shown})


# GET /v1/sites/{site}/webhooks/{name}/deliveries
async def list_deliveries(call: Call, query: queries.DeliveriesQuery) -> Reply[DeliveryList]:
    """Deliveries that are tried again or were given up, and the last ones that arrived; newest first."""
    await call.admin()
    webhook = _webhook(call)
    scope = (webhook.name, query.state or "")
    page = await call.database.read(
        deliveries.page,
        webhook.site,
        webhook.call.settings.name,
        state=State(query.state) if query.state else None,
        limit=query.limit,
        after=call.position(query.cursor, *scope),
    )
    following = call.cursor(page.next, *scope)
    shown = [views.delivery(found) for found in page.items]
    return Reply({"deliveries": shown, "next": following}, headers=call.next_link(following))


# POST /v1/sites/{site}/webhooks/{name}/deliveries/{id}/retry
async def retry_delivery(call: Call) -> Reply[None]:
    """Send one delivery again now, whatever became of it."""
    await call.admin()
    webhook = _webhook(call)
    delivery_id = call.known("id", UnknownDelivery)
    await call.database.write(orders.retry, webhook.site, webhook.call.settings.name, delivery_id)
    webhook.wake()
    return Reply(None, 202)


# POST /v1/sites/{site}/webhooks/{name}/replay
async def replay(call: Call, body: incoming.ReplayRequest) -> Reply[Replayed]:
    """Send everything behind a number again, up to another or to where the webhook has come; with the old ids."""
    await call.admin()
    webhook = _webhook(call)
    number = await orders.replay(call.database, webhook.page, body.after_seq, body.until_seq)
    webhook.wake()
    return Reply({"events": number}, 202)


# POST /v1/sites/{site}/webhooks/{name}/resume
async def resume_webhook(call: Call) -> Reply[None]:
    """Go on after the receiver answered 410, or at once where it refused several in a row."""
    await call.admin()
    webhook = _webhook(call)
    await call.database.write(orders.resume, webhook.site, webhook.call.settings.name)
    webhook.wake()
    return Reply(None, 202)


# POST /v1/sites/{site}/webhooks/{name}/test
async def try_webhook(call: Call) -> Reply[TryView]:
    """Send one `gatepost.test` event now, and say what came back."""
    await call.admin()
    answered = await _webhook(call).call.test()
    return Reply(views.tried(answered.tried))


def _webhook(call: Call) -> Webhook:
    found = call.services.webhooks.get((call.site_key, call.known("name", UnknownWebhook)))
    if found is None:
        raise UnknownWebhook
    return found
