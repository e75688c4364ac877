"""`gatepost undo`: take back all that one call decided, from the command line. A part of `cli`."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from service.terminal import Config, agrees, site_of, stop, store_beside

if TYPE_CHECKING:  # what a command needs it imports itself: see `terminal`
    from service.moderation.undos import Forecast, Undone
    from service.settings import Settings, Site

WRONG = 1


def undo(
    batch: Annotated[str, typer.Option(help="The batch: the record and the reply of the call name it.")],
    site: Annotated[str, typer.Option(help="The site on which it was decided.")],
    note: Annotated[str | None, typer.Option(help="A note for moderators, which each undo keeps.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before it is done.")] = False,
    config: Config = None,
) -> None:
    """Take back what one call decided about many comments. Says first what that changes; may run beside the service."""
    from service import settings as configuration

    settings = configuration.load(config)
    asyncio.run(_undo(settings, site_of(settings, site), batch, note=note, is_sure=yes))


async def _undo(settings: "Settings", site: "Site", batch: str, *, note: str | None, is_sure: bool) -> None:
    from service.model import Actor, ActorKind, BatchId
    from service.moderation import undos

    operator = Actor(ActorKind.MODERATOR, "operator", "Operator")
    async with store_beside(settings) as database:
        shown, forecast = await database.bulk.read(undos.preview, site.rules, BatchId(batch), operator)
        _tell_forecast(forecast)
        if not forecast.would_change:
            stop("Nothing of this batch can be undone.", status=WRONG)
        if not is_sure and not agrees("Undo them?"):
            stop("Nothing was undone.", status=WRONG)
        undone = await undos.undo(database, site.rules, shown, operator, note=note)
        while undone.remaining:
            undone = await undos.undo(database, site.rules, shown, operator, note=note)
    _tell(undone, batch=shown.undoing)


def _tell_forecast(forecast: "Forecast") -> None:
    """What would be undone, on standard error: it is no result yet."""
    actions = ", ".join(f"{count} {action}" for action, count in sorted(forecast.by_action.items())) or "none"
    staying = ", ".join(f"{count} {why}" for why, count in sorted(forecast.stays.items())) or "none"
    typer.echo(f"To be undone: {forecast.would_change} decisions ({actions}). To stay: {staying}.", err=True)


def _tell(undone: "Undone", *, batch: str) -> None:
    typer.echo(f"Undone: {undone.number}, as batch {batch}.")
    for comment_id, why in undone.stayed:
        typer.echo(f"Stayed: comment {comment_id}, {why}")
