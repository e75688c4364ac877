"""Can the receivers of webhooks be reached, do they take what is sent, and did they? Asked by `gatepost check`."""

import asyncio
import ssl

from yarl import URL

from service.checkup.finding import Finding, fail, ok, warn
from service.model import Clock
from service.outbound import unreachable
from service.outbound.client import Outbound
from service.settings import Site
from service.store.database import Database
from service.webhooks import views
from service.webhooks.call import WebhookCall
from service.webhooks.upcoming import Page
from service.webhooks.views import WebhookView


async def examine(site: Site, client: Outbound, *, clock: Clock, send: bool) -> list[Finding]:
    """Each webhook: connected to, or (with `send`) sent an event that says nothing."""
    found: list[Finding] = []
    for settings in site.webhooks:
        subject = f"webhook {site.key}/{settings.name}"
        try:
            call = WebhookCall(settings, site.key, client, clock=clock)
        except ValueError as error:
            found.append(fail(subject, "cannot sign", str(error)))
            continue
        found.append(await (_sent(subject, call) if send else _connected(subject, call)))
    return found


async def examine_standing(site: Site, database: Database) -> list[Finding]:
    """Each webhook: what the store knows of its deliveries. Raises StoreUnavailable."""
    return [_standing(site, await database.read(views.webhook, Page(site, one))) for one in site.webhooks]


def _standing(site: Site, shown: WebhookView) -> Finding:
    subject, name = f"webhook {site.key}/{shown['name']}", f"{shown['name']} --site {site.key}"
    failure = shown["last_failure"]
    why = f", last at {failure['at']}: {failure['error']}" if failure else ""
    behind = f"{shown['behind']} events behind"
    if shown["state"] == "off":
        fix = f"mend the receiver, then `gatepost webhook resume {name}`; or take the webhook out of the configuration"
        return fail(subject, f"is off, {behind}{why}", fix)
    if shown["state"] == "retrying":
        fix = f"mend the receiver: it is tried again by itself, and at once after `gatepost webhook resume {name}`"
        return warn(subject, f"is being tried again ({shown['retrying']} deliveries), {behind}{why}", fix)
    if shown["failed"]:
        fix = (
            f"`gatepost webhook deliveries {name} --state failed` shows them, `gatepost webhook retry` sends one again"
        )
        return warn(subject, f"is well, {behind}; {shown['failed']} deliveries were given up{why}", fix)
    return ok(subject, f"is well, {behind}")


async def _sent(subject: str, call: WebhookCall) -> Finding:
    answered = await call.test()
    if answered.is_taken:
        return ok(subject, f"takes events (status {answered.tried.status})")
    fix = answered.fix or "see the receiver's own log: it must answer a gatepost.test event with 2xx"
    return fail(subject, f"did not take a test event: {answered.tried.error}", fix)


async def _connected(subject: str, call: WebhookCall) -> Finding:
    """The address, tried without a request: nobody's program hears of it."""
    url = URL(call.settings.url)
    tls = ssl.create_default_context() if url.scheme == "https" else None
    try:
        async with asyncio.timeout(call.settings.timeout_seconds):
            _, writer = await asyncio.open_connection(url.host, url.port, ssl=tls)
    except (TimeoutError, OSError, UnicodeError) as error:
        why = unreachable.why(error)
        return fail(subject, f"cannot be reached ({why.cause})", why.fix)
    writer.close()
    return ok(subject, "can be reached (`gatepost check --send` sends it a test event)")
