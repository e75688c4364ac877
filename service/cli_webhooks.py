"""`gatepost webhook`: what the webhooks of a site do, and what they are to send again. A part of `cli`.

Orders go into the store; the running service finds them within seconds.
"""

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from service import terminal
from service.model import system_clock
from service.terminal import MISUSED, Config, site_of, stop, store_beside

if TYPE_CHECKING:  # what a command needs it imports itself: see `terminal`
    from service.settings import Settings
    from service.webhooks.upcoming import Page

WRONG = 1

commands = typer.Typer(no_args_is_help=True, help="Webhooks: how they stand, what failed, what to send again.")
Site = Annotated[str, typer.Option(help="The site whose webhook it is.")]
Name = Annotated[str, typer.Argument(help="The webhook's name in the configuration.")]


@commands.command("list")
def list_webhooks(
    site: Annotated[str | None, typer.Option(help="Of this site only.")] = None, config: Config = None
) -> None:
    """Show every webhook: its state, how far it is behind, what is tried again, what failed, the last mistake."""
    from service.webhooks import views

    settings = _settings(config)
    chosen = list(settings.sites.values()) if site is None else [site_of(settings, site)]
    rows = []
    for of_site in chosen:
        for webhook in of_site.webhooks:
            shown = terminal.read(settings, views.webhook, _page(settings, of_site.key, webhook.name))
            failure = shown["last_failure"]
            counts = [str(shown[part]) for part in ("behind", "retrying", "failed", "missed")]
            said = f"{failure['at']}: {failure['error']}" if failure else ""
            rows.append(
                [of_site.key, shown["name"], shown["state"], *counts, shown["last_success_at"] or "never", said]
            )
    columns = ["site", "name", "state", "behind", "retrying", "failed", "missed", "last success", "last failure"]
    terminal.show_table(columns, rows)


@commands.command("deliveries")
def list_deliveries(
    name: Name,
    site: Site,
    state: Annotated[str | None, typer.Option(help="failed, retrying or delivered.")] = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=1200)] = 50,
    config: Config = None,
) -> None:
    """Show deliveries, newest first: what is tried again, what failed, and the last ones that arrived."""
    from service.store import deliveries
    from service.store.deliveries import State
    from service.webhooks import views

    settings = _settings(config)
    page = _page(settings, site, name)
    if state is not None and state not in list(State):
        stop(f"--state: write one of {', '.join(State)}", status=MISUSED)
    wanted = State(state) if state is not None else None
    found = terminal.read(settings, deliveries.page, page.site.key, name, state=wanted, limit=limit, after=None)
    rows = []
    for shown in map(views.delivery, found.items):
        last = shown["tries"][-1] if shown["tries"] else None
        event = shown["event"]
        said = (last["error"] or "taken") if last else ""
        rows.append(
            [
                *(shown["id"], str(event["seq"]), event["type"], shown["state"], str(len(shown["tries"])), said),
                shown["next_try_at"] or "",
            ]
        )
    terminal.show_table(["id", "event", "type", "state", "tries", "last try", "next try"], rows)


@commands.command("retry")
def retry_delivery(
    name: Name, delivery: Annotated[str, typer.Argument(metavar="ID")], site: Site, config: Config = None
) -> None:
    """Send one delivery again."""
    from service.webhooks import orders

    settings = _settings(config)
    page = _page(settings, site, name)
    terminal.write(settings, orders.retry, page.site.key, name, delivery)
    typer.echo("The running service sends it within seconds.")


@commands.command("replay")
def replay(
    name: Name,
    site: Site,
    after: Annotated[int, typer.Option(help="Behind this number.", min=0)],
    until: Annotated[int | None, typer.Option(help="Up to this one. Else: to where the webhook has come.")] = None,
    config: Config = None,
) -> None:
    """Send everything that happened behind a number again, with the old ids."""
    from service.webhooks import orders

    settings = _settings(config)
    page = _page(settings, site, name)

    async def order() -> int:
        async with store_beside(settings) as database:
            return await orders.replay(database, page, after, until)

    number = asyncio.run(order())
    typer.echo(f"{number} events: the running service begins to send them within seconds.")


@commands.command("resume")
def resume(name: Name, site: Site, config: Config = None) -> None:
    """Go on after the receiver answered 410, or at once where it refused several in a row."""
    from service.webhooks import orders

    settings = _settings(config)
    page = _page(settings, site, name)
    terminal.write(settings, orders.resume, page.site.key, name)
    typer.echo("The running service goes on within seconds.")


@commands.command("test")
def try_receiver(name: Name, site: Site, config: Config = None) -> None:
    """Send one event that says nothing, now and from here, and say what came back."""
    from service.metrics import Metrics
    from service.outbound.client import Outbound
    from service.webhooks.call import WebhookCall

    settings = _settings(config)
    page = _page(settings, site, name)

    async def send() -> None:
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(Outbound(Metrics()))
            try:
                call = WebhookCall(page.settings, page.site.key, client, clock=system_clock)
            except ValueError as error:
                stop(str(error), status=MISUSED)
            answered = await call.test()
        if not answered.is_taken:
            fix = f": {answered.fix}" if answered.fix else ""
            stop(f"The receiver did not take it: {answered.tried.error}{fix}", status=WRONG)
        typer.echo(f"The receiver took it: status {answered.tried.status}, {answered.tried.ms} ms.")

    asyncio.run(send())


def _settings(config: Config) -> "Settings":
    from service import settings as configuration

    return configuration.load(config)


def _page(settings: "Settings", site: str, name: str) -> "Page":
    """The webhook that is meant; ends the process where there is none."""
    from service.webhooks.upcoming import Page

    of_site = site_of(settings, site)
    for webhook in of_site.webhooks:
        if webhook.name == name:
            return Page(of_site, webhook)
    known = ", ".join(webhook.name for webhook in of_site.webhooks) or "none"
    stop(f'the site "{site}" has no webhook "{name}" in the configuration (there: {known})', status=MISUSED)
